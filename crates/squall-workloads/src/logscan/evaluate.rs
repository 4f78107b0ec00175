//! A slice of the logs: its parts, what each is recognised as, and which of their records are the slice's.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use squall_core::data::{Data, DataError, HEAD_BYTES, Part};

use super::Prepared;
use super::json::{self, Shape, Splitter};
use super::lines::{Lines, MAX_RECORD_BYTES};
use super::partial::{At, Partial, Skipped, add_to};
use super::places::Holds;
use super::scan::{Object, Record, Scan};
use super::times::Layouts;
use super::unpack::{self, Limits, Packing, UnpackError, Unpacked};

/// What an object is, by its first bytes.
#[derive(Debug, Clone)]
enum Kind {
    /// It cannot be searched, for this reason.
    Unreadable(&'static str),
    /// Plain lines, which can be cut.
    Lines(Arc<Layouts>),
    /// It is searched as a whole.
    Whole(Packing),
}

impl Kind {
    fn of(prepared: &Prepared, location: &str, head: &[u8]) -> Self {
        if let Some(reason) = unpack::unreadable(head) {
            return Self::Unreadable(reason);
        }
        match Packing::of(head) {
            Packing::Plain if json::shape(head) == Shape::Lines => {
                Self::Lines(Arc::new(prepared.rules.layouts(location, head)))
            }
            packing => Self::Whole(packing),
        }
    }
}

/// What the lines of the latest objects look like, by their ETags: the next slices are probably of the same ones.
#[derive(Debug, Default)]
pub struct Known(Mutex<VecDeque<(At, String, Arc<Layouts>)>>);

impl Known {
    const MOST: usize = 32;

    fn get(&self, at: At, etag: &str) -> Option<Arc<Layouts>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().find(|(its, tag, _)| *its == at && tag == etag).map(|(.., layouts)| layouts.clone())
    }

    fn keep(&self, at: At, etag: &str, layouts: &Arc<Layouts>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|(its, ..)| *its != at);
        known.push_front((at, etag.to_owned(), layouts.clone()));
        known.truncate(Self::MOST);
    }
}

/// A part of an object, as far as it is the slice's.
struct Piece<'a> {
    part: &'a Part,
    location: String,
    /// The bytes of the object that are the slice's.
    ours: Range<u64>,
}

/// Searches what `data` yields. `ours` is, for each listing, the bytes that are the slice's.
pub fn evaluate(
    prepared: &Prepared,
    covered: u64,
    ours: impl Fn(usize) -> Range<u64>,
    data: &mut dyn Data,
) -> Result<Partial, DataError> {
    let mut scan = Scan::new(prepared, covered);
    while let Some(part) = data.next_part()? {
        let ours = ours(part.source);
        let within = |at: u64| at.saturating_sub(part.object_at).min(part.object.bytes);
        let is_whole = prepared.places.0.get(part.source).is_some_and(|place| place.is_packed);
        let ours = if is_whole { 0..part.object.bytes } else { within(ours.start)..within(ours.end) };
        if ours.is_empty() {
            continue;
        }
        let root = prepared.roots.get(part.source).map_or("", String::as_str);
        let location = format!("{root}{}", part.object.name);
        let piece = Piece { part: &part, location, ours };
        piece.search(prepared, &mut scan, data)?;
    }
    Ok(scan.finish())
}

impl Piece<'_> {
    /// Whether the object begins in the slice.
    fn has_start(&self) -> bool {
        self.ours.start == 0
    }

    fn at(&self) -> At {
        At {
            source: u32::try_from(self.part.source).unwrap_or(u32::MAX),
            object_at: self.part.object_at,
            offset: 0,
        }
    }

    fn search(&self, prepared: &Prepared, scan: &mut Scan<'_>, data: &mut dyn Data) -> Result<(), DataError> {
        let bytes = self.part.object.bytes;
        match prepared.places.holds(self.part.source, &self.location, &prepared.roots) {
            Holds::Searched(entry) => {
                if self.has_start() {
                    let entry = u32::try_from(entry).unwrap_or(u32::MAX);
                    add_to(&mut scan.sum().searched_of, entry, 1);
                }
            }
            held if self.has_start() => {
                let read = &mut scan.sum().read;
                let n = if held == Holds::Repeated { &mut read.repeated } else { &mut read.unnamed };
                *n += 1;
                read.left_out_bytes += bytes;
                return Ok(());
            }
            Holds::Repeated | Holds::Unwanted => return Ok(()),
        }
        let mut chunks = Chunks { data, part: self.part, held: Vec::new(), wants_all: false };
        let etag = &self.part.object.etag;
        // Only of lines: their slices read their object in any case, and fail if it is not what was listed.
        let kind = match prepared.known.get(self.at(), etag) {
            Some(layouts) => Kind::Lines(layouts),
            None => Kind::of(prepared, &self.location, &chunks.head()?),
        };
        let packing = match kind {
            Kind::Unreadable(reason) => {
                if self.has_start() {
                    self.skip(scan, reason, 0);
                }
                return Ok(());
            }
            Kind::Lines(layouts) => {
                prepared.known.keep(self.at(), etag, &layouts);
                return self.search_lines(scan, &layouts, &mut chunks);
            }
            Kind::Whole(packing) => packing,
        };
        // What cannot be cut is searched where it begins.
        if !self.has_start() {
            return Ok(());
        }
        chunks.wants_all = true;
        scan.sum().read.bytes += bytes;
        let next = Box::new(move || chunks.next());
        let mut unpacked = Unpacked::new(packing, Limits::USUAL, next);
        let searched = self.search_whole(prepared, scan, packing, &mut unpacked);
        let plain = unpacked.plain_bytes();
        scan.sum().read.plain_bytes += plain;
        match searched {
            Ok(()) => Ok(()),
            Err(UnpackError::Data(error)) => Err(error),
            Err(UnpackError::Corrupt(reason) | UnpackError::Bomb(reason)) => {
                self.skip(scan, &reason, plain);
                Ok(())
            }
        }
    }

    fn skip(&self, scan: &mut Scan<'_>, reason: &str, searched: u64) {
        let (object, reason) = (self.location.clone(), reason.to_owned());
        let skipped = Skipped { object, reason, bytes: self.part.object.bytes, searched };
        scan.sum().skip(self.at(), skipped);
    }

    fn object<'a>(&'a self, layouts: &'a Layouts) -> Object<'a> {
        Object { source: self.at().source, at: self.part.object_at, location: &self.location, layouts }
    }

    fn recognised(&self, scan: &mut Scan<'_>, packing: Packing, shape: &str, layouts: &Layouts) {
        scan.sum().read.objects += 1;
        let packed = match packing {
            Packing::Plain => "",
            Packing::Gzip => ", gzip",
            Packing::Zstd => ", zstd",
            Packing::Bzip2 => ", bzip2",
        };
        add_to(&mut scan.sum().formats, format!("{shape}{packed}, time: {}", layouts.name()), 1);
    }

    /// Searches the lines of the slice in an object that can be cut.
    fn search_lines(
        &self,
        scan: &mut Scan<'_>,
        layouts: &Layouts,
        chunks: &mut Chunks<'_>,
    ) -> Result<(), DataError> {
        if self.has_start() {
            self.recognised(scan, Packing::Plain, "lines", layouts);
        }
        let length = self.ours.end - self.ours.start;
        let read = &mut scan.sum().read;
        read.bytes += length;
        read.plain_bytes += length;
        let object = self.object(layouts);
        let mut lines = Lines::new(scan.memory(), self.part.from, self.ours.clone());
        chunks.wants_all = true;
        while let Some(chunk) = chunks.next()? {
            if !lines.feed(scan, &object, &chunk) {
                break;
            }
        }
        lines.end(scan, &object);
        Ok(())
    }

    /// Searches all records of an object.
    fn search_whole(
        &self,
        prepared: &Prepared,
        scan: &mut Scan<'_>,
        packing: Packing,
        unpacked: &mut Unpacked<'_>,
    ) -> Result<(), UnpackError> {
        let mut head = Vec::new();
        let mut broken = None;
        while (head.len() as u64) < HEAD_BYTES {
            match unpacked.next_chunk() {
                Ok(Some(chunk)) => head.extend(chunk),
                Ok(None) => break,
                // What came before is searched.
                Err(error) => {
                    broken = Some(error);
                    break;
                }
            }
        }
        let first =
            head.get(..head.len().min(usize::try_from(HEAD_BYTES).unwrap_or(usize::MAX))).unwrap_or_default();
        let is_packed_again = Packing::of(first) != Packing::Plain;
        let again = is_packed_again.then_some("compressed more than twice: not searched; unpack it");
        if let Some(reason) = again.or_else(|| unpack::unreadable(first)) {
            self.skip(scan, reason, 0);
            return Ok(());
        }
        let shape = json::shape(first);
        let layouts = match shape {
            Shape::Lines => prepared.rules.layouts(&self.location, first),
            Shape::Json => prepared.rules.layouts(&self.location, &as_lines(first)),
        };
        let object = self.object(&layouts);
        let name = if shape == Shape::Json { "JSON" } else { "lines" };
        self.recognised(scan, packing, name, &layouts);
        let mut next = Some(head);
        let mut more = || match (next.take(), &broken) {
            (Some(head), _) => Ok(Some(head)),
            (None, Some(error)) => Err(error.clone()),
            (None, None) => unpacked.next_chunk(),
        };
        match shape {
            Shape::Lines => {
                let mut lines = Lines::new(scan.memory(), 0, 0..u64::MAX);
                let ended = loop {
                    match more() {
                        Ok(Some(chunk)) => drop(lines.feed(scan, &object, &chunk)),
                        Ok(None) => break Ok(()),
                        Err(error) => break Err(error),
                    }
                };
                lines.end(scan, &object);
                ended
            }
            Shape::Json => self.search_json(scan, &object, &mut more),
        }
    }

    fn search_json(
        &self,
        scan: &mut Scan<'_>,
        object: &Object<'_>,
        more: &mut dyn FnMut() -> Result<Option<Vec<u8>>, UnpackError>,
    ) -> Result<(), UnpackError> {
        let mut splitter = Splitter::new(MAX_RECORD_BYTES);
        let mut memory = scan.memory();
        let ended = {
            let mut search = |record: json::Record<'_>| {
                let may_match = scan.may_match(record.text);
                let (offset, text, is_cut) = (record.at, record.text, record.is_cut);
                let record = Record { offset, text, before: None, is_ours: true, may_match, is_cut };
                scan.record(object, &mut memory, record);
            };
            loop {
                match more() {
                    Ok(Some(chunk)) => {
                        if let Err(corrupt) = splitter.feed(&chunk, &mut search) {
                            break Err(UnpackError::Corrupt(corrupt.to_string()));
                        }
                    }
                    Ok(None) => {
                        break splitter
                            .finish(&mut search)
                            .map_err(|it| UnpackError::Corrupt(it.to_string()));
                    }
                    Err(error) => break Err(error),
                }
            }
        };
        scan.end(object, &mut memory);
        ended
    }
}

/// The records of JSON, a line each.
fn as_lines(head: &[u8]) -> Vec<u8> {
    let mut lines = Vec::with_capacity(head.len());
    let mut take = |record: json::Record<'_>| {
        lines.extend(record.text.iter().map(|byte| if *byte == b'\n' { b' ' } else { *byte }));
        lines.push(b'\n');
    };
    // What is wrong with it is found where it is searched.
    let _ = Splitter::new(MAX_RECORD_BYTES).feed(head, &mut take);
    lines
}

/// The bytes of a part, and what follows it in its object.
struct Chunks<'a> {
    data: &'a mut dyn Data,
    part: &'a Part,
    /// Chunks that were read to see the object's head.
    held: Vec<u8>,
    /// Whether what follows the part is wanted, too.
    wants_all: bool,
}

impl Chunks<'_> {
    /// The object's first bytes.
    fn head(&mut self) -> Result<Vec<u8>, DataError> {
        let most = self.part.object.bytes.min(HEAD_BYTES);
        if self.part.from > 0 || self.part.to < most {
            return self.data.head();
        }
        while (self.held.len() as u64) < most {
            match self.data.next_chunk()? {
                Some(chunk) if self.held.is_empty() => self.held = chunk,
                Some(chunk) => self.held.extend(chunk),
                None => break,
            }
        }
        let most = usize::try_from(most).unwrap_or(usize::MAX).min(self.held.len());
        Ok(self.held.get(..most).unwrap_or_default().to_vec())
    }

    fn next(&mut self) -> Result<Option<Vec<u8>>, DataError> {
        if !self.held.is_empty() {
            return Ok(Some(std::mem::take(&mut self.held)));
        }
        match self.data.next_chunk()? {
            None if self.wants_all => self.data.read_on(),
            chunk => Ok(chunk),
        }
    }
}
