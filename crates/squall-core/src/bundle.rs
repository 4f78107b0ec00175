//! A job's shared input: what its author wrote, with the files that it names, as one blob.

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::wire::{CodecError, decode, encode};
use crate::workload::Files;

/// Everything that `prepare` needs; stored once under its digest and loaded once per process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bundle {
    /// The workload's name.
    pub workload: String,
    /// The job's `input` object, as JSON text.
    pub input_json: String,
    /// The files that the input names.
    pub files: Files,
}

impl Bundle {
    /// The blob and its name.
    pub fn to_blob(&self) -> (Digest, Vec<u8>) {
        let bytes = encode(self);
        (Digest::of(&bytes), bytes)
    }

    /// Reads a blob.
    ///
    /// # Errors
    /// When the bytes are not a bundle.
    pub fn from_blob(bytes: &[u8]) -> Result<Self, CodecError> {
        decode("bundle", bytes)
    }
}

#[cfg(test)]
mod tests;
