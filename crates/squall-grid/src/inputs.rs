//! Loads each job's input once per process.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures::lock::Mutex as AsyncMutex;
use squall_core::bundle::Bundle;
use squall_core::digest::Digest;
use squall_core::ports::{BlobStore, PortError};
use squall_core::registry::{AnyPrepared, CodeError, Registry};
use squall_core::sources::Page;
use squall_core::wire::CodecError;
use squall_core::workload::InputError;

use crate::patience::Temporary;

/// Inputs that a process keeps; the least recently loaded is evicted first.
const MOST_INPUTS: usize = 4;
/// Pages of listings that a process keeps: at most some 3 MB each.
const MOST_PAGES: usize = 8;

/// An input as prepared by its workload.
pub(crate) type Prepared = Arc<dyn AnyPrepared>;

type Slot = Arc<AsyncMutex<Option<Prepared>>>;

/// Memory that a prepared input takes, for each byte of its blob: measured with portfolios.
const PREPARED_TIMES: u64 = 6;

/// An input, and the memory that it takes, once it is loaded.
struct Kept {
    digest: Digest,
    slot: Slot,
    bytes: u64,
}

/// The prepared inputs of this process, by digest.
pub struct InputCache {
    registry: Registry,
    /// Most bytes of inputs that are kept besides the latest.
    max_bytes: Option<u64>,
    slots: Mutex<Vec<Kept>>,
    pages: Mutex<Vec<(Digest, Arc<Page>)>>,
    warm: AtomicBool,
}

/// Why an input is unavailable.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The blob could not be read.
    #[error("cannot read the input")]
    Port(#[from] PortError),
    /// The blob is not an input.
    #[error("cannot load the input")]
    Codec(#[from] CodecError),
    /// The input is invalid.
    #[error("cannot prepare the input")]
    Input(#[from] InputError),
    /// The job was made by another version of its workload.
    #[error(transparent)]
    Code(#[from] CodeError),
}

impl Temporary for LoadError {
    fn is_temporary(&self) -> bool {
        matches!(self, Self::Port(error) if error.is_temporary())
    }
}

impl InputCache {
    /// An empty cache.
    pub fn new(registry: Registry) -> Self {
        Self {
            registry,
            max_bytes: None,
            slots: Mutex::default(),
            pages: Mutex::default(),
            warm: AtomicBool::new(false),
        }
    }

    /// For a function of so much memory: half of it is for inputs.
    #[must_use]
    pub fn in_memory_of(self, mb: u32) -> Self {
        Self { max_bytes: Some(u64::from(mb) * 1_000_000 / 2), ..self }
    }

    /// The workloads.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The input under `digest`, loaded by the first caller while the others wait.
    ///
    /// # Errors
    /// When it cannot be read or is invalid; the next caller tries again.
    pub async fn get(&self, blobs: &impl BlobStore, digest: Digest) -> Result<Prepared, LoadError> {
        let slot = self.slot(digest);
        let mut loaded = slot.lock().await;
        if let Some(prepared) = &*loaded {
            return Ok(Arc::clone(prepared));
        }
        let blob = blobs.blob(digest).await?;
        let blob_bytes = blob.len() as u64;
        // Room is made before it is needed.
        self.weigh(digest, blob_bytes.saturating_mul(PREPARED_TIMES));
        let mut bundle = Bundle::from_blob(&blob)?;
        drop(blob);
        bundle.given.room_bytes = self.max_bytes;
        let prepared = self.registry.get(&bundle.workload)?.prepare(&bundle)?;
        self.weigh(digest, memory_of(&prepared, blob_bytes));
        *loaded = Some(Arc::clone(&prepared));
        Ok(prepared)
    }

    /// Whether this is the first call: the process is cold.
    pub(crate) fn first_use(&self) -> bool {
        !self.warm.swap(true, Ordering::Relaxed)
    }

    /// A page of a listing, loaded unless it is one of the most recently requested.
    ///
    /// # Errors
    /// When it cannot be read or is not a page.
    pub(crate) async fn page(&self, blobs: &impl BlobStore, digest: Digest) -> Result<Arc<Page>, PortError> {
        let known = |pages: &Vec<(Digest, Arc<Page>)>| {
            pages.iter().find(|(known, _)| *known == digest).map(|(_, page)| Arc::clone(page))
        };
        let locked = || self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(page) = known(&locked()) {
            return Ok(page);
        }
        let bytes = blobs.blob(digest).await?;
        let page = Page::from_blob(&bytes).map_err(|error| PortError::permanent(error.to_string()))?;
        let page = Arc::new(page);
        let mut pages = locked();
        if known(&pages).is_none() {
            if pages.len() >= MOST_PAGES {
                pages.remove(0);
            }
            pages.push((digest, Arc::clone(&page)));
        }
        Ok(page)
    }

    /// Keeps an input that was just prepared from a blob of so many bytes.
    pub(crate) async fn keep(&self, digest: Digest, n_bytes: u64, prepared: &Prepared) {
        self.weigh(digest, memory_of(prepared, n_bytes));
        *self.slot(digest).lock().await = Some(Arc::clone(prepared));
    }

    fn slot(&self, digest: Digest) -> Slot {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = slots.iter().find(|kept| kept.digest == digest) {
            return Arc::clone(&kept.slot);
        }
        if slots.len() >= MOST_INPUTS {
            slots.remove(0);
        }
        let slot = Slot::default();
        slots.push(Kept { digest, slot: Arc::clone(&slot), bytes: 0 });
        slot
    }

    /// Records the memory that an input takes, and evicts others, the oldest first, while all together take too much.
    fn weigh(&self, digest: Digest, n_bytes: u64) {
        drop(self.slot(digest));
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = slots.iter_mut().find(|kept| kept.digest == digest) {
            kept.bytes = n_bytes;
        }
        let max_bytes = self.max_bytes.unwrap_or(u64::MAX);
        while slots.iter().fold(0, |sum: u64, kept| sum.saturating_add(kept.bytes)) > max_bytes {
            let Some(oldest) = slots.iter().position(|kept| kept.digest != digest) else { break };
            slots.remove(oldest);
        }
    }
}

/// Memory that an input takes whose blob has so many bytes.
fn memory_of(prepared: &Prepared, blob_bytes: u64) -> u64 {
    prepared.prepared_bytes().max(blob_bytes.saturating_mul(PREPARED_TIMES))
}

#[cfg(test)]
mod tests;
