//! The data that a slice reads from its job's objects.
//!
//! A workload declares which [`Extent`]s a slice reads; the grid resolves them, through the pages of the listing, into
//! [`Part`]s of objects, reads those ahead in chunks of bounded size, and hands them to `evaluate` through [`Data`]. So
//! a workload remains a synchronous function that knows neither network nor file system.

mod memory;
mod parts;

pub use memory::MemorySource;
pub use parts::{Next, Parts};

use crate::sources::Object;
use crate::workload::EvaluateError;

/// The bytes of a source that a slice reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// The source, by its position in [`Given::listings`](crate::sources::Given::listings).
    pub source: usize,
    /// The first byte, of the source's objects laid end to end in the order of the listing.
    pub from: u64,
    /// The byte after the last.
    pub to: u64,
    /// Which objects at the borders are read, and how much of them.
    pub borders: Borders,
}

/// How an [`Extent`] treats the objects that straddle its borders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Borders {
    /// Reads exactly these bytes. Empty objects have none.
    Exact,
    /// The same, and of the object that the first of these bytes is within, up to so many bytes before it.
    ExactAfter(u64),
    /// Reads in full every object whose first byte is in the extent, and no other: for compressed objects, which cannot
    /// be cut. An empty object belongs to the extent that contains its position; one after all bytes belongs to the
    /// extent that ends there.
    WholeObjects,
}

/// A part of one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The source, by its position in [`Given::listings`](crate::sources::Given::listings).
    pub source: usize,
    /// The object, as it was listed.
    pub object: Object,
    /// The position of the object's first byte among the bytes of its source, laid end to end.
    pub object_at: u64,
    /// The first byte to read, counted in the object.
    pub from: u64,
    /// The byte after the last to read, counted in the object.
    pub to: u64,
}

/// Most bytes of an object's [`head`](Data::head).
pub const HEAD_BYTES: u64 = 64 << 10;

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
    /// The next part, in the order of the slice's extents and of the listing; `None` after the last. The rest of the
    /// previous part is skipped.
    ///
    /// # Errors
    /// When it cannot be read; propagate it.
    fn next_part(&mut self) -> Result<Option<Part>, DataError>;
    /// The next bytes of the part, never empty; `None` at its end.
    ///
    /// # Errors
    /// When they cannot be read, for instance because the object changed since it was listed; propagate it.
    fn next_chunk(&mut self) -> Result<Option<Vec<u8>>, DataError>;
    /// Once the part is read: the next bytes after it in its object, a few at a time; `None` at the object's end. For
    /// items that begin in a part and end after it, such as a line.
    ///
    /// # Errors
    /// As [`next_chunk`](Data::next_chunk).
    fn read_on(&mut self) -> Result<Option<Vec<u8>>, DataError>;
    /// The first bytes of the part's object, wherever the part begins: all of it, or [`HEAD_BYTES`]. What an object is shows there, so
    /// that every slice of it decides alike. Empty without a part. Where the part is read does not change.
    ///
    /// # Errors
    /// As [`next_chunk`](Data::next_chunk).
    fn head(&mut self) -> Result<Vec<u8>, DataError>;
}

/// Why data cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DataError {
    /// The object is not the one that was listed, does not exist, or may not be read: the slice has no value.
    #[error("{0}")]
    Gone(String),
    /// The store did not answer: another attempt may succeed.
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

    fn head(&mut self) -> Result<Vec<u8>, DataError> {
        Ok(Vec::new())
    }
}

#[cfg(test)]
mod tests;
