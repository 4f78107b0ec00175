//! Host names, looked up once for the many connections that are made at once.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDns, ResolveDnsError};
use tokio::sync::Mutex;
use tokio::time::Instant;

/// An answer is used for this long: the burst of connections at the start of a task asks once, and an address that was
/// taken out of service is not used for much longer than its own minute.
const KEPT: Duration = Duration::from_secs(10);

/// Asks the system once per name and period, instead of once per connection, each in a thread of its own.
#[derive(Debug, Clone, Default)]
pub(super) struct CachedNames(Arc<Mutex<HashMap<String, Known>>>);

#[derive(Debug)]
struct Known {
    addresses: Vec<IpAddr>,
    until: Instant,
}

impl CachedNames {
    async fn addresses(&self, name: &str) -> std::io::Result<Vec<IpAddr>> {
        // Held while asking: concurrent callers get the same answer.
        let mut names = self.0.lock().await;
        if let Some(known) = names.get_mut(name).filter(|known| Instant::now() < known.until) {
            // The client uses the first address; each connection gets a different one, as the name server would do.
            known.addresses.rotate_left(1);
            return Ok(known.addresses.clone());
        }
        let addresses: Vec<_> = tokio::net::lookup_host((name, 0)).await?.map(|found| found.ip()).collect();
        if !addresses.is_empty() {
            let until = Instant::now() + KEPT;
            names.insert(name.to_owned(), Known { addresses: addresses.clone(), until });
        }
        Ok(addresses)
    }
}

impl ResolveDns for CachedNames {
    fn resolve_dns<'a>(&'a self, name: &'a str) -> DnsFuture<'a> {
        DnsFuture::new(async move { self.addresses(name).await.map_err(ResolveDnsError::new) })
    }
}
