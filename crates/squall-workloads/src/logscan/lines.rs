//! The lines of a stream of bytes: each is one slice's, however the stream was cut.

use std::ops::Range;

use memchr::memchr;

use super::scan::{Memory, Object, Record, SIGHT_BYTES, Scan};

/// Longest record that is searched to its end, bytes.
pub const MAX_RECORD_BYTES: usize = 16 << 20;

/// The lines of an object, from a byte on.
#[derive(Debug)]
pub struct Lines {
    /// What is at hand: what is in sight before the next line, and what was not searched yet.
    text: Vec<u8>,
    /// The first byte of `text`, counted in the object.
    at: u64,
    /// Where in `text` the next line begins.
    next: usize,
    /// Whether `next` is within a line that is not searched: one that began before the stream, or the rest of one that is too long.
    is_within: bool,
    /// The lines that are the slice's: those that begin here.
    ours: Range<u64>,
    memory: Memory,
    /// Where text may match next, of `text`.
    candidate: Candidate,
}

#[derive(Debug, Clone, Copy)]
enum Candidate {
    Unknown,
    At(usize),
    None,
}

impl Lines {
    /// Lines of a stream that begins at `first`; those are searched that begin in `ours`.
    pub fn new(memory: Memory, first: u64, ours: Range<u64>) -> Self {
        Self {
            text: Vec::new(),
            at: first,
            next: 0,
            is_within: first > 0,
            ours,
            memory,
            candidate: Candidate::Unknown,
        }
    }

    /// Searches the lines that end in what came so far and in `chunk`. Returns whether more is needed.
    pub fn feed(&mut self, scan: &mut Scan<'_>, object: &Object<'_>, chunk: &[u8]) -> bool {
        let sight = usize::try_from(SIGHT_BYTES).unwrap_or(usize::MAX) + 1;
        let unseen = self.next.saturating_sub(sight);
        self.text.drain(..unseen);
        self.at += unseen as u64;
        self.next -= unseen;
        self.text.extend_from_slice(chunk);
        self.candidate = Candidate::Unknown;
        self.search(scan, object, false)
    }

    /// Searches what is left: there is no more.
    pub fn end(mut self, scan: &mut Scan<'_>, object: &Object<'_>) {
        self.candidate = Candidate::Unknown;
        self.search(scan, object, true);
        scan.end(object, &mut self.memory);
    }

    /// Searches the lines that are complete. Returns whether more is needed.
    fn search(&mut self, scan: &mut Scan<'_>, object: &Object<'_>, is_end: bool) -> bool {
        loop {
            let offset = self.at + self.next as u64;
            if offset >= self.ours.end && !self.memory.looks_on(offset) {
                return false;
            }
            let rest = self.text.get(self.next..).unwrap_or_default();
            if rest.is_empty() {
                return true;
            }
            let end = memchr(b'\n', rest);
            if self.is_within {
                self.is_within = end.is_none();
                self.next += end.map_or(rest.len(), |end| end + 1);
                continue;
            }
            let (length, is_cut) = match end {
                Some(end) if end > MAX_RECORD_BYTES => (MAX_RECORD_BYTES, true),
                Some(end) => (end, false),
                None if rest.len() > MAX_RECORD_BYTES => (MAX_RECORD_BYTES, true),
                None if is_end => (rest.len(), false),
                None => return true,
            };
            let is_ours = self.ours.contains(&offset);
            let may_match = is_ours && self.may_match(scan, length);
            let (before, rest) = self.text.split_at_checked(self.next).unwrap_or_default();
            let text = rest.get(..length).unwrap_or_default();
            let text = text.strip_suffix(b"\r").filter(|_| !is_cut).unwrap_or(text);
            let record = Record { offset, text, before: Some(before), is_ours, may_match, is_cut };
            scan.record(object, &mut self.memory, record);
            self.is_within = is_cut;
            self.next += if is_cut { length } else { (length + 1).min(rest.len()) };
        }
    }

    /// Whether the next line, of this length, may be a hit's.
    fn may_match(&mut self, scan: &mut Scan<'_>, length: usize) -> bool {
        let is_known = match self.candidate {
            Candidate::Unknown => false,
            Candidate::At(at) => at >= self.next,
            Candidate::None => true,
        };
        if !is_known {
            let found = scan.candidate(&self.text, self.next);
            self.candidate = found.map_or(Candidate::None, Candidate::At);
        }
        // The end of the line may be part of what seems to match.
        matches!(self.candidate, Candidate::At(at) if at <= self.next + length)
    }
}
