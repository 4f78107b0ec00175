//! A job's shared input: its `input` object and the files that it names, as one blob.

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::sources::{Files, Given};
use crate::wire::{CodecError, Message, decode};

/// Everything that `prepare` needs; stored once under its digest and loaded once per process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bundle {
    /// The workload's name.
    pub workload: String,
    /// The job's `input` object, as JSON text.
    pub input_json: String,
    /// Everything the input names: its files, and the listings of its objects.
    pub given: Given,
}

impl Message for Bundle {
    const WHAT: &'static str = "bundle";
    const KIND: u8 = b'i';
    const VERSION: u8 = 1;

    fn unversioned(bytes: &[u8]) -> Option<Result<Self, CodecError>> {
        Some(decode::<BeforeVersions>(Self::WHAT, bytes).map(Self::from))
    }
}

/// The stored shape before versions were introduced.
#[derive(Serialize, Deserialize)]
struct BeforeVersions {
    workload: String,
    input_json: String,
    files: Files,
}

impl From<BeforeVersions> for Bundle {
    fn from(it: BeforeVersions) -> Self {
        Self { workload: it.workload, input_json: it.input_json, given: Given::files(it.files) }
    }
}

impl Bundle {
    /// The blob and its digest.
    pub fn to_blob(&self) -> (Digest, Vec<u8>) {
        let bytes = self.to_bytes();
        (Digest::of(&bytes), bytes)
    }

    /// Reads a blob.
    ///
    /// # Errors
    /// When the bytes are not a bundle.
    pub fn from_blob(bytes: &[u8]) -> Result<Self, CodecError> {
        Self::from_bytes(bytes)
    }
}

#[cfg(test)]
mod tests;
