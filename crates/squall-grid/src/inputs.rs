//! Each job's input is loaded once per process.

use std::sync::{Arc, Mutex, PoisonError};

use futures::lock::Mutex as AsyncMutex;
use squall_core::bundle::Bundle;
use squall_core::digest::Digest;
use squall_core::ports::{BlobStore, PortError};
use squall_core::registry::{AnyPrepared, Registry};
use squall_core::wire::CodecError;
use squall_core::workload::InputError;

/// Inputs that a process keeps; the least recently loaded goes first.
const MOST_INPUTS: usize = 4;

/// An input as a workload prepared it.
pub(crate) type Prepared = Arc<dyn AnyPrepared>;

type Slot = Arc<AsyncMutex<Option<Prepared>>>;

/// The prepared inputs of this process, by digest.
pub struct InputCache {
    registry: Registry,
    slots: Mutex<Vec<(Digest, Slot)>>,
}

/// Why an input is not there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The blob could not be read.
    #[error("cannot read the input")]
    Port(#[from] PortError),
    /// The blob is not an input.
    #[error("cannot load the input")]
    Codec(#[from] CodecError),
    /// The input does not check.
    #[error("cannot prepare the input")]
    Input(#[from] InputError),
}

impl InputCache {
    /// Nothing loaded yet.
    pub fn new(registry: Registry) -> Self {
        Self { registry, slots: Mutex::default() }
    }

    /// The workloads.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The input under `digest`, loaded by the first that asks while the others wait.
    ///
    /// # Errors
    /// When it cannot be read or does not check; the next that asks tries again.
    pub async fn get(&self, blobs: &impl BlobStore, digest: Digest) -> Result<Prepared, LoadError> {
        let slot = self.slot(digest);
        let mut loaded = slot.lock().await;
        if let Some(prepared) = &*loaded {
            return Ok(Arc::clone(prepared));
        }
        let bundle = Bundle::from_blob(&blobs.blob(digest).await?)?;
        let prepared = self.registry.get(&bundle.workload)?.prepare(&bundle)?;
        *loaded = Some(Arc::clone(&prepared));
        Ok(prepared)
    }

    /// Keeps an input that was just prepared.
    pub(crate) async fn keep(&self, digest: Digest, prepared: &Prepared) {
        *self.slot(digest).lock().await = Some(Arc::clone(prepared));
    }

    fn slot(&self, digest: Digest) -> Slot {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, slot)) = slots.iter().find(|(known, _)| *known == digest) {
            return Arc::clone(slot);
        }
        if slots.len() >= MOST_INPUTS {
            slots.remove(0);
        }
        let slot = Slot::default();
        slots.push((digest, Arc::clone(&slot)));
        slot
    }
}
