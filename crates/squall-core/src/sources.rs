//! The inputs of a computation: small files that are loaded whole, and objects that never are.
//!
//! The splitter lists the objects once. The listing travels as pages of names, sizes and ETags, each a blob under its
//! digest; a job's input has only one entry per page. So a job over a million objects costs a worker only the pages of
//! its own slice, and every slice of a job sees the same objects.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::wire::{CodecError, Message};

/// The content of the files that a job's input names, by the name that the input uses.
pub type Files = BTreeMap<String, Vec<u8>>;

/// Most objects on a page.
pub const MAX_PAGE_OBJECTS: usize = 10_000;
/// Bytes of names and ETags after which a page is full: a worker holds a few pages.
pub const FULL_PAGE_BYTES: usize = 2 << 20;

/// A file or a set of objects that a job's input names and its computation reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A small file, loaded whole: a path relative to the job, or a URI.
    File(String),
    /// All objects below a folder, or whose location begins with `s3://bucket/prefix`; listed, and never loaded whole.
    Objects(String),
    /// The objects listed in a file, one location per line; never loaded whole.
    ObjectList(String),
}

impl Source {
    /// The name that the input uses.
    pub fn name(&self) -> &str {
        let (Self::File(name) | Self::Objects(name) | Self::ObjectList(name)) = self;
        name
    }
}

/// An object, as listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Its location relative to the listing's root: a key, or a path below the folder.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// The store's identifier for this content. An object with another ETag is not the one that was listed.
    pub etag: String,
}

/// Consecutive objects of a listing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Page {
    /// The objects, in the order of the listing.
    pub objects: Vec<Object>,
}

impl Page {
    /// The blob and its digest.
    pub fn to_blob(&self) -> (Digest, Vec<u8>) {
        let bytes = WirePage::from(self).to_bytes();
        (Digest::of(&bytes), bytes)
    }

    /// Reads a blob.
    ///
    /// # Errors
    /// When the bytes are not a page.
    pub fn from_blob(bytes: &[u8]) -> Result<Self, CodecError> {
        WirePage::from_bytes(bytes)?.into_page()
    }
}

/// A page as stored: of each name, only the difference from the one before.
#[derive(Serialize, Deserialize)]
struct WirePage(Vec<(u32, String, u64, String)>);

impl Message for WirePage {
    const WHAT: &'static str = "page of a listing";
    const KIND: u8 = b'l';
    const VERSION: u8 = 1;
}

impl From<&Page> for WirePage {
    fn from(page: &Page) -> Self {
        let mut before = "";
        let entries = page.objects.iter().map(|object| {
            let shared = shared_prefix(before, &object.name);
            before = &object.name;
            let rest = object.name[shared..].to_owned();
            (u32::try_from(shared).unwrap_or(0), rest, object.bytes, object.etag.clone())
        });
        Self(entries.collect())
    }
}

impl WirePage {
    fn into_page(self) -> Result<Page, CodecError> {
        let mut objects: Vec<Object> = Vec::with_capacity(self.0.len());
        for (shared, rest, bytes, etag) in self.0 {
            let before = objects.last().map_or("", |object| object.name.as_str());
            let shared = before
                .get(..shared as usize)
                .ok_or_else(|| CodecError::new(Self::WHAT, "a name continues one that is shorter"))?;
            objects.push(Object { name: format!("{shared}{rest}"), bytes, etag });
        }
        Ok(Page { objects })
    }
}

/// How many bytes two names share at their start, whole characters only; at most what fits in a `u32`.
fn shared_prefix(one: &str, other: &str) -> usize {
    let alike = one.char_indices().zip(other.chars()).find(|((_, a), b)| a != b);
    alike.map_or(one.len().min(other.len()), |((at, _), _)| at)
}

/// A page of a listing: its digest and its totals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageEntry {
    /// The page's blob.
    pub page: Digest,
    /// Number of objects on it.
    pub n_objects: u64,
    /// Their total size.
    pub n_bytes: u64,
}

/// The objects of a source: their number, their size, and the pages of their names.
///
/// A slice of it is best a range of its *bytes laid end to end*, in the order of the listing: such a range can be cut
/// anywhere, its length is its weight, and cutting it needs no names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// The source's name in the input.
    pub name: String,
    /// The prefix of the objects' names in their locations: `s3://bucket/`, a folder, or nothing.
    pub root: String,
    /// The pages, in order.
    pub pages: Vec<PageEntry>,
}

impl Listing {
    /// Number of objects.
    pub fn n_objects(&self) -> u64 {
        self.pages.iter().map(|page| page.n_objects).fold(0, u64::saturating_add)
    }

    /// Their total size.
    pub fn n_bytes(&self) -> u64 {
        self.pages.iter().map(|page| page.n_bytes).fold(0, u64::saturating_add)
    }
}

/// Builds a listing page by page, holding only one page at a time.
#[derive(Debug)]
pub struct ListingBuilder {
    listing: Listing,
    page: Page,
    page_bytes: usize,
}

impl ListingBuilder {
    /// An empty listing of the source `name`.
    pub fn new(name: impl Into<String>, root: impl Into<String>) -> Self {
        let listing = Listing { name: name.into(), root: root.into(), pages: Vec::new() };
        Self { listing, page: Page::default(), page_bytes: 0 }
    }

    /// Adds an object; returns the page that it filled, as a blob to be stored.
    pub fn add(&mut self, object: Object) -> Option<(Digest, Vec<u8>)> {
        self.page_bytes += object.name.len() + object.etag.len();
        self.page.objects.push(object);
        let full = self.page.objects.len() >= MAX_PAGE_OBJECTS || self.page_bytes >= FULL_PAGE_BYTES;
        full.then(|| self.turn()).flatten()
    }

    /// The listing, and its last page as a blob to be stored.
    pub fn finish(mut self) -> (Listing, Option<(Digest, Vec<u8>)>) {
        let last = self.turn();
        (self.listing, last)
    }

    fn turn(&mut self) -> Option<(Digest, Vec<u8>)> {
        if self.page.objects.is_empty() {
            return None;
        }
        let page = std::mem::take(&mut self.page);
        self.page_bytes = 0;
        let (digest, blob) = page.to_blob();
        let n_bytes = page.objects.iter().map(|object| object.bytes).fold(0, u64::saturating_add);
        self.listing.pages.push(PageEntry { page: digest, n_objects: page.objects.len() as u64, n_bytes });
        Some((digest, blob))
    }
}

/// The input to [`prepare`](crate::workload::Workload::prepare): the files that a job named, and the listings of its
/// objects.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Given {
    /// The content of each [`Source::File`], by its name.
    pub files: Files,
    /// The listing of each [`Source::Objects`] and [`Source::ObjectList`], in the order in which the input named them.
    /// An [`Extent`](crate::data::Extent) refers to one by its position here.
    pub listings: Vec<Listing>,
    /// Memory that the prepared input may take, bytes; `None` for any. A few bytes of input may say "ten thousand of these".
    #[serde(skip)]
    pub room_bytes: Option<u64>,
}

impl Given {
    /// Only files.
    pub fn files(files: Files) -> Self {
        Self { files, ..Self::default() }
    }
}

#[cfg(test)]
mod tests;
