//! As many clients as there are invocations in flight ask for.
//!
//! Lambda's endpoint speaks HTTP/2, over which a client keeps one connection per host, and that takes some 100 to 128 requests at a
//! time: the others would wait in it, unseen. Several connections also bound what one that closes takes along.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_lambda::Client as Lambda;

use super::invoke_client;
use crate::connection::{Client, Connection};

/// Requests in flight per client: well below what a connection takes.
const MOST_IN_FLIGHT: usize = 64;

/// The clients, made as they are needed.
#[derive(Debug)]
pub(super) struct Clients {
    connection: Connection,
    slots: Mutex<Vec<Arc<Slot>>>,
}

#[derive(Debug)]
struct Slot {
    client: Client<Lambda>,
    n_in_flight: AtomicUsize,
}

/// A client for one request; its place is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Place(Arc<Slot>);

impl Clients {
    pub(super) fn new(connection: &Connection) -> Self {
        Self { connection: connection.clone(), slots: Mutex::default() }
    }

    /// A place in the first client that has one: the connections of the others fall idle, and are closed.
    pub(super) fn place(&self) -> Place {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        // Places are only taken under the lock.
        let free = slots.iter().find(|slot| slot.n_in_flight.load(Ordering::Acquire) < MOST_IN_FLIGHT);
        let slot = match free {
            Some(slot) => Arc::clone(slot),
            None => {
                let client = Client::new(&self.connection, invoke_client);
                slots.push(Arc::new(Slot { client, n_in_flight: AtomicUsize::new(0) }));
                Arc::clone(&slots[slots.len() - 1])
            }
        };
        slot.n_in_flight.fetch_add(1, Ordering::AcqRel);
        Place(slot)
    }
}

impl Place {
    pub(super) fn client(&self) -> &Client<Lambda> {
        &self.0.client
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.n_in_flight.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::Settings;

    fn n_clients(clients: &Clients) -> usize {
        clients.slots.lock().unwrap().len()
    }

    #[test]
    fn no_client_has_more_in_flight_than_a_connection_takes() {
        let clients = Clients::new(&Connection::new(Settings::default()));
        let mut places: Vec<_> = (0..500).map(|_| clients.place()).collect();
        assert_eq!(n_clients(&clients), 500_usize.div_ceil(64));
        let busiest = places.iter().map(|it| it.0.n_in_flight.load(Ordering::Acquire)).max();
        assert_eq!(busiest, Some(64));
        // What is free is used before another client is made, and the first clients before the last.
        places.truncate(100);
        let more: Vec<_> = (0..400).map(|_| clients.place()).collect();
        assert_eq!(n_clients(&clients), 8);
        drop(more);
        drop(places);
        assert!(Arc::ptr_eq(&clients.place().0, &clients.slots.lock().unwrap()[0]));
    }
}
