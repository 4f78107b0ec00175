//! Objects in memory: to test a workload, and the code that runs it, without a store.

use std::collections::HashMap;

use super::{Data, DataError, Extent, HEAD_BYTES, Next, Part, Parts};
use crate::digest::Digest;
use crate::sources::{Given, Listing, ListingBuilder, Object, Page};

/// Bytes per chunk: few, so that tests see many chunks.
const CHUNK_BYTES: u64 = 7;

/// Objects in memory.
#[derive(Debug, Clone, Default)]
pub struct MemorySource {
    objects: HashMap<String, (String, Vec<u8>)>,
    listings: Vec<Listing>,
    pages: HashMap<Digest, Page>,
}

impl MemorySource {
    /// One source of these objects, by name and content.
    pub fn of(name: &str, objects: &[(&str, &[u8])]) -> Self {
        let mut source = Self::default();
        source.add(name, objects);
        source
    }

    /// Adds a source.
    pub fn add(&mut self, name: &str, objects: &[(&str, &[u8])]) {
        let root = format!("{name}/");
        let mut builder = ListingBuilder::new(name, &root);
        let mut blobs = Vec::new();
        for (name, content) in objects {
            let etag = Digest::of(content).short();
            self.objects.insert(format!("{root}{name}"), (etag.clone(), content.to_vec()));
            blobs.extend(builder.add(Object { name: (*name).to_owned(), bytes: content.len() as u64, etag }));
        }
        let (listing, last) = builder.finish();
        blobs.extend(last);
        self.listings.push(listing);
        let pages =
            blobs.into_iter().filter_map(|(digest, blob)| Some((digest, Page::from_blob(&blob).ok()?)));
        self.pages.extend(pages);
    }

    /// Changes an object without updating the listing.
    pub fn change(&mut self, location: &str, content: &[u8]) {
        let etag = Digest::of(content).short();
        self.objects.insert(location.to_owned(), (etag, content.to_vec()));
    }

    /// A page of a listing.
    pub fn page(&self, digest: Digest) -> Option<Page> {
        self.pages.get(&digest).cloned()
    }

    /// A [`Given`] with the listings of these objects, without files.
    pub fn given(&self) -> Given {
        Given { listings: self.listings.clone(), ..Given::default() }
    }

    /// The data of a slice that reads these extents.
    pub fn data(&self, extents: Vec<Extent>) -> impl Data {
        MemoryData { source: self, parts: Parts::new(&self.listings, extents), part: None, at: 0 }
    }
}

struct MemoryData<'a> {
    source: &'a MemorySource,
    parts: Parts<'a>,
    part: Option<Part>,
    /// The next byte of the part's object.
    at: u64,
}

impl MemoryData<'_> {
    fn bytes(&mut self, to: u64) -> Result<Option<Vec<u8>>, DataError> {
        let from = self.at;
        if self.part.is_none() || from >= to {
            return Ok(None);
        }
        self.at = to.min(from + CHUNK_BYTES);
        self.range(from, self.at).map(Some)
    }

    fn range(&self, from: u64, to: u64) -> Result<Vec<u8>, DataError> {
        let Some(part) = &self.part else { return Ok(Vec::new()) };
        let root = self.source.listings.get(part.source).map_or("", |listing| listing.root.as_str());
        let location = format!("{root}{}", part.object.name);
        let (etag, content) = self
            .source
            .objects
            .get(&location)
            .ok_or_else(|| DataError::Gone(format!("{location} is not there any more")))?;
        if *etag != part.object.etag {
            return Err(DataError::Gone(format!("{location} changed since it was listed")));
        }
        let range = usize::try_from(from).unwrap_or(usize::MAX)..usize::try_from(to).unwrap_or(usize::MAX);
        Ok(content.get(range).map(<[u8]>::to_vec).unwrap_or_default())
    }
}

impl Data for MemoryData<'_> {
    fn next_part(&mut self) -> Result<Option<Part>, DataError> {
        loop {
            match self.parts.advance() {
                Next::End => return Ok(None),
                Next::Page(digest) => match self.source.pages.get(&digest) {
                    Some(page) => self.parts.give(page),
                    None => return Err(DataError::Gone(format!("page {} is not there", digest.short()))),
                },
                Next::Part(part) => {
                    self.at = part.from;
                    self.part = Some(part.clone());
                    return Ok(Some(part));
                }
            }
        }
    }

    fn next_chunk(&mut self) -> Result<Option<Vec<u8>>, DataError> {
        let to = self.part.as_ref().map_or(0, |part| part.to);
        self.bytes(to)
    }

    fn read_on(&mut self) -> Result<Option<Vec<u8>>, DataError> {
        let Some(part) = &self.part else { return Ok(None) };
        let (to, end) = (part.to, part.object.bytes);
        self.at = self.at.max(to);
        self.bytes(end)
    }

    fn head(&mut self) -> Result<Vec<u8>, DataError> {
        let bytes = self.part.as_ref().map_or(0, |part| part.object.bytes);
        self.range(0, bytes.min(HEAD_BYTES))
    }
}
