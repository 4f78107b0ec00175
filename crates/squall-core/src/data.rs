//! What a slice reads of the objects that its job names.
//!
//! A workload says which [`Extent`]s a slice reads; whoever runs it resolves them, by the pages of the listing, into
//! [`Part`]s of objects, reads those ahead in chunks of bounded size, and hands them to `evaluate` through [`Data`]. So a
//! workload stays a synchronous function that knows neither network nor file system.

mod memory;
mod parts;

pub use memory::MemorySource;
pub use parts::{Next, Parts};

use crate::sources::Object;
use crate::workload::EvaluateError;

/// Which bytes of a source a slice reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// The source, by its position in [`Given::listings`](crate::sources::Given::listings).
    pub source: usize,
    /// The first byte, of the source's objects laid end to end in the order of the listing.
    pub from: u64,
    /// The byte behind the last.
    pub to: u64,
    /// Which objects at the borders are read, and how much of them.
    pub borders: Borders,
}

/// What an [`Extent`] does with the objects that lie across its borders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Borders {
    /// Reads exactly these bytes. Empty objects have none.
    Exact,
    /// Reads every object whole whose first byte is in the extent, and no other: for compressed objects, which cannot be cut.
    /// An empty object belongs to the extent that has its place; one behind all bytes belongs to the extent that ends there.
    WholeObjects,
}

/// A part of one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The source, by its position in [`Given::listings`](crate::sources::Given::listings).
    pub source: usize,
    /// The object, as it was listed.
    pub object: Object,
    /// Where the object's first byte is among those of its source, laid end to end.
    pub object_at: u64,
    /// The first byte that is read, of the object.
    pub from: u64,
    /// The byte behind the last that is read, of the object.
    pub to: u64,
}

/// What a slice reads, pulled part by part and chunk by chunk.
///
/// ```
/// use squall_core::data::{Data, DataError};
///
/// /// Counts the line feeds of everything that a slice reads.
/// fn lines(data: &mut dyn Data) -> Result<u64, DataError> {
///     let mut n_lines = 0;
///     while data.next_part()?.is_some() {
///         while let Some(chunk) = data.next_chunk()? {
///             n_lines += chunk.iter().filter(|&&byte| byte == b'\n').count() as u64;
///         }
///     }
///     Ok(n_lines)
/// }
/// ```
pub trait Data {
    /// The next part, in the order of the slice's extents and of the listing; `None` behind the last. What is left of the
    /// part before is skipped.
    ///
    /// # Errors
    /// When it cannot be read; pass it on.
    fn next_part(&mut self) -> Result<Option<Part>, DataError>;
    /// The next bytes of the part, never none; `None` at its end.
    ///
    /// # Errors
    /// When they cannot be read, also because the object changed since it was listed; pass it on.
    fn next_chunk(&mut self) -> Result<Option<Vec<u8>>, DataError>;
    /// Once the part is read: the next bytes behind it in its object, a few at a time; `None` at the object's end. For what
    /// begins in a part and ends behind it, such as a line.
    ///
    /// # Errors
    /// As [`next_chunk`](Data::next_chunk).
    fn read_on(&mut self) -> Result<Option<Vec<u8>>, DataError>;
}

/// Why data cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DataError {
    /// The object is not what was listed, is not there, or may not be read: the slice has no value.
    #[error("{0}")]
    Gone(String),
    /// The store did not answer: another attempt may do.
    #[error("{0}")]
    Unavailable(String),
}

impl From<DataError> for EvaluateError {
    fn from(error: DataError) -> Self {
        Self(error.to_string())
    }
}

/// The data of a slice that reads none.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoData;

impl Data for NoData {
    fn next_part(&mut self) -> Result<Option<Part>, DataError> {
        Ok(None)
    }

    fn next_chunk(&mut self) -> Result<Option<Vec<u8>>, DataError> {
        Ok(None)
    }

    fn read_on(&mut self) -> Result<Option<Vec<u8>>, DataError> {
        Ok(None)
    }
}

#[cfg(test)]
mod tests;
