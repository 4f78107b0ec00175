//! Files and objects in memory.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use squall_core::digest::Digest;
use squall_core::ports::{ObjectPages, Objects, PortError};
use squall_core::sources::Object;

/// Objects per page of a listing: few, so that tests see many pages.
const PAGE_OBJECTS: usize = 100;

/// Files and objects by location.
#[derive(Debug, Default)]
pub struct MemoryObjects(Mutex<BTreeMap<String, Vec<u8>>>);

impl MemoryObjects {
    /// Writes an object, or another content in its place: its ETag is of the content.
    pub fn put(&self, location: impl Into<String>, content: impl Into<Vec<u8>>) {
        self.with(|objects| objects.insert(location.into(), content.into()));
    }

    fn with<T>(&self, act: impl FnOnce(&mut BTreeMap<String, Vec<u8>>) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn found<T>(&self, location: &str, read: impl FnOnce(&[u8]) -> T) -> Result<T, PortError> {
        let found = self.with(|objects| objects.get(location).map(|content| read(content)));
        found.ok_or_else(|| PortError::permanent(format!("there is no object {location}")))
    }
}

fn object(name: &str, content: &[u8]) -> Object {
    Object { name: name.to_owned(), bytes: content.len() as u64, etag: Digest::of(content).short() }
}

impl Objects for MemoryObjects {
    type Pages = MemoryPages;

    async fn read(&self, reference: &str) -> Result<Vec<u8>, PortError> {
        self.found(reference, <[u8]>::to_vec)
    }

    async fn list(&self, prefix: &str) -> Result<MemoryPages, PortError> {
        let objects: VecDeque<_> = self.with(|objects| {
            let from = objects.range(prefix.to_owned()..).take_while(|(name, _)| name.starts_with(prefix));
            from.map(|(name, content)| object(name, content)).collect()
        });
        Ok(MemoryPages(objects))
    }

    async fn stat(&self, location: &str) -> Result<Object, PortError> {
        self.found(location, |content| object(location, content))
    }

    async fn read_range(&self, location: &str, etag: &str, range: Range<u64>) -> Result<Vec<u8>, PortError> {
        let (found, bytes) = self.found(location, |content| {
            let end = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
            (
                object(location, content).etag,
                content.get(end(range.start)..end(range.end)).map(<[u8]>::to_vec),
            )
        })?;
        if found != etag {
            let what = format!("{location} changed since it was listed (ETag {etag}, now {found})");
            return Err(PortError::permanent(what));
        }
        let outside =
            || PortError::permanent(format!("{location} has no bytes {} to {}", range.start, range.end));
        bytes.ok_or_else(outside)
    }
}

/// A listing, as it was when it started.
#[derive(Debug)]
pub struct MemoryPages(VecDeque<Object>);

impl ObjectPages for MemoryPages {
    fn root(&self) -> &str {
        ""
    }

    async fn next_page(&mut self) -> Result<Vec<Object>, PortError> {
        let n = self.0.len().min(PAGE_OBJECTS);
        Ok(self.0.drain(..n).collect())
    }
}
