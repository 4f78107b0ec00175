//! As many clients as there are invocations in flight ask for.
//!
//! Lambda's endpoint speaks HTTP/2, over which a client keeps one connection per host, and that takes some 100 to 128 requests at a
//! time: the others would wait in it, unseen. Several connections also bound what one that closes takes along.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_http_client::Connector;
use tokio::sync::OnceCell;

use super::caller::{self, Failed, Returned, Signer};
use crate::connection::Connection;

/// Requests in flight per client: well below what a connection takes.
const MOST_IN_FLIGHT: usize = 64;

/// What invokes, over connections that are made as they are needed.
#[derive(Debug)]
pub(super) struct Clients {
    connection: Connection,
    signer: OnceCell<Signer>,
    slots: Mutex<Vec<Arc<Slot>>>,
}

#[derive(Debug)]
struct Slot {
    connector: OnceCell<Connector>,
    n_in_flight: AtomicUsize,
}

/// Room for one request; it is free again when this is dropped.
#[derive(Debug)]
struct Place(Arc<Slot>);

impl Clients {
    pub(super) fn new(connection: &Connection) -> Self {
        Self { connection: connection.clone(), signer: OnceCell::new(), slots: Mutex::default() }
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Invokes a function once, on a connection that has room, and waits for its answer.
    pub(super) async fn invoke(&self, function: &str, payload: Vec<u8>) -> Result<Returned, Failed> {
        let signer = self.signer.get_or_try_init(async || Signer::new(&self.connection).await).await?;
        let place = self.place();
        let config = self.connection.config().await;
        let connector = place.0.connector.get_or_init(async || caller::connector(config)).await;
        caller::call(connector, signer, function, payload).await
    }

    /// A place in the first client that has one: the connections of the others fall idle, and are closed.
    fn place(&self) -> Place {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        // Places are only taken under the lock.
        let free = slots.iter().find(|slot| slot.n_in_flight.load(Ordering::Acquire) < MOST_IN_FLIGHT);
        let slot = match free {
            Some(slot) => Arc::clone(slot),
            None => {
                slots.push(Arc::new(Slot { connector: OnceCell::new(), n_in_flight: AtomicUsize::new(0) }));
                Arc::clone(&slots[slots.len() - 1])
            }
        };
        slot.n_in_flight.fetch_add(1, Ordering::AcqRel);
        Place(slot)
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
