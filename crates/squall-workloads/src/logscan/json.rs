//! Records of JSON that is not cut into lines: documents of many records, documents without line feeds between them, and documents over
//! several lines.
//!
//! Nothing is parsed that need not be: strings and brackets are followed, from one record's first byte to its last.

mod keys;
mod shape;

use std::fmt;

use keys::{CONTROL, Key};
use memchr::memchr2;
pub use shape::{Shape, shape};

/// A record of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// The record's first byte, counted in the (plain) object.
    pub at: u64,
    /// The record as it is written.
    pub text: &'a [u8],
    /// There is more of it: it is too long, or the object ends in its middle.
    pub is_cut: bool,
}

/// Where an object is not JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Corrupt {
    /// The byte, counted in the (plain) object.
    pub at: u64,
    problem: &'static str,
}

impl fmt::Display for Corrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at plain byte {}", self.problem, self.at)
    }
}

/// Where the next byte is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Before, between or after documents.
    Between,
    /// In a document that is an object, and in none of its values but a string or a number.
    Document,
    /// After the bracket of a list that has records, if it has objects.
    Opened,
    /// In a list of records, and in none of them. Whether an element may begin here.
    List { may_begin: bool },
    /// In a value of a document, or in an element that has brackets or quotes.
    Value,
    /// In an element that has neither.
    Bare,
}

/// The most bytes of a document's string that are of interest.
const MOST_NAME_BYTES: usize = 16;
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Cuts an object's JSON into records, fed with pieces of any size.
///
/// A record is: each element of the list `Records` that is a document's first member, as CloudTrail writes it; each element of the list
/// `logEvents` behind a `messageType`, as CloudWatch Logs sends it; each element of a document that is a list; any other document. It must be an object or a list; between documents there may be space. Whether what is within a record's brackets is
/// JSON is not checked.
#[derive(Debug, Clone)]
pub struct Splitter {
    most_record_bytes: usize,
    /// The first byte of the piece.
    base: u64,
    place: Place,
    in_string: bool,
    is_escaped: bool,
    /// Open brackets, and the kinds of so many of the innermost: 1 is a brace.
    depth: u64,
    n_kinds: u32,
    kinds: u64,
    /// The depth of the list whose elements are records; 0 outside such a list.
    list_depth: u64,
    /// The document's events are none.
    is_control: bool,
    /// Members of the document so far, and whether one says which kind of message it is.
    n_members: usize,
    has_kind: bool,
    /// Of the document's next string or value.
    is_key: bool,
    key: Key,
    name: Vec<u8>,
    /// The record in progress: its first byte, and what earlier pieces had of it.
    record_at: Option<u64>,
    carried: Vec<u8>,
    /// Documents with a list of records, and whether this is one.
    n_with_list: usize,
    has_list: bool,
    failed: Option<Corrupt>,
}

impl Splitter {
    /// A splitter that cuts off what a record has after so many bytes.
    pub fn new(most_record_bytes: usize) -> Self {
        Self {
            most_record_bytes,
            base: 0,
            place: Place::Between,
            in_string: false,
            is_escaped: false,
            depth: 0,
            n_kinds: 0,
            kinds: 0,
            list_depth: 0,
            is_control: false,
            n_members: 0,
            has_kind: false,
            is_key: false,
            key: Key::Other,
            name: Vec::new(),
            record_at: None,
            carried: Vec::new(),
            n_with_list: 0,
            has_list: false,
            failed: None,
        }
    }

    /// Takes the object's next bytes and calls `record` for each record that ends in them.
    ///
    /// # Errors
    /// What is not JSON, after the records before it. Every further call returns the same.
    pub fn feed(&mut self, chunk: &[u8], record: &mut dyn FnMut(Record<'_>)) -> Result<(), Corrupt> {
        if let Some(corrupt) = self.failed {
            return Err(corrupt);
        }
        let mut idx = 0;
        while let Some(&byte) = chunk.get(idx) {
            let stepped = match self.place {
                Place::Between => self.between(byte, idx),
                Place::Document => self.document(chunk, byte, idx, record),
                Place::Opened => Ok(self.opened(byte, idx)),
                Place::List { may_begin } => self.list(byte, idx, may_begin),
                Place::Value => self.value(chunk, idx, record),
                Place::Bare => self.bare(chunk, idx, record),
            };
            match stepped {
                Ok(next) => idx = next,
                Err(corrupt) => {
                    self.failed = Some(corrupt);
                    return Err(corrupt);
                }
            }
        }
        self.carry(chunk);
        self.base += chunk.len() as u64;
        Ok(())
    }

    /// Ends the object.
    ///
    /// # Errors
    /// When it ends in the middle of a document; what there is of a record was given to `record`, as cut.
    pub fn finish(&mut self, record: &mut dyn FnMut(Record<'_>)) -> Result<(), Corrupt> {
        if let Some(corrupt) = self.failed {
            return Err(corrupt);
        }
        if self.place == Place::Between {
            return Ok(());
        }
        if let Some(at) = self.record_at.take() {
            record(Record { at, text: &self.carried, is_cut: true });
        }
        let corrupt = Corrupt { at: self.base, problem: "ends in the middle of a JSON document" };
        self.failed = Some(corrupt);
        Err(corrupt)
    }

    /// How many documents have a list of records, of those seen so far.
    fn n_with_list(&self) -> usize {
        self.n_with_list
    }

    fn between(&mut self, byte: u8, idx: usize) -> Result<usize, Corrupt> {
        match byte {
            b' ' | b'\n' | b'\r' | b'\t' => {}
            b'{' => {
                self.begin(idx);
                self.open(byte);
                self.place = Place::Document;
                (self.is_control, self.has_list) = (false, false);
                (self.n_members, self.has_kind) = (0, false);
                (self.is_key, self.key) = (true, Key::Other);
            }
            b'[' => {
                self.open(byte);
                self.list_depth = self.depth;
                self.is_control = false;
                self.place = Place::List { may_begin: true };
            }
            _ if BYTE_ORDER_MARK.get(self.base_idx(idx)) == Some(&byte) => {}
            _ => return Err(self.corrupt(idx, "has text that is no JSON object or list")),
        }
        Ok(idx + 1)
    }

    /// The position in the object, if it is one of the first.
    fn base_idx(&self, idx: usize) -> usize {
        usize::try_from(self.base).unwrap_or(usize::MAX).saturating_add(idx)
    }

    fn document(
        &mut self,
        chunk: &[u8],
        byte: u8,
        idx: usize,
        record: &mut dyn FnMut(Record<'_>),
    ) -> Result<usize, Corrupt> {
        if self.in_string {
            return Ok(self.name(chunk, idx));
        }
        match byte {
            b'"' => {
                self.in_string = true;
                self.name.clear();
                return Ok(self.name(chunk, idx + 1));
            }
            b':' => self.is_key = false,
            b',' => (self.is_key, self.key) = (true, Key::Other),
            b'[' if !self.is_key && self.may_be_records() => {
                self.open(byte);
                self.place = Place::Opened;
            }
            b'{' | b'[' => {
                self.open(byte);
                self.place = Place::Value;
            }
            b'}' | b']' => {
                self.close(byte, idx)?;
                self.place = Place::Between;
                self.end(chunk, idx + 1, record);
            }
            _ => {}
        }
        Ok(idx + 1)
    }

    /// Goes on in a string of a document, and remembers what it says of the document. Returns the position after what it read.
    fn name(&mut self, chunk: &[u8], idx: usize) -> usize {
        let rest = chunk.get(idx..).unwrap_or_default();
        let (n_bytes, ended) = self.string(rest);
        let read = rest.get(..n_bytes).unwrap_or_default();
        if !ended {
            self.remember(read);
            return idx + n_bytes;
        }
        let read = read.split_last().map_or(read, |(_, before)| before);
        let joined;
        let name = if self.name.is_empty() {
            read
        } else {
            self.remember(read);
            joined = std::mem::take(&mut self.name);
            &joined
        };
        match (self.is_key, self.key) {
            (true, _) => {
                self.key = Key::of(name);
                self.n_members += 1;
                self.has_kind |= self.key == Key::Kind;
                // An entry of a log that has a list and says more is not made of records.
                if self.n_members == 2 && self.has_list && !self.has_kind {
                    self.n_with_list -= 1;
                }
            }
            (false, Key::Kind) => self.is_control = name == CONTROL,
            _ => {}
        }
        idx + n_bytes
    }

    fn may_be_records(&self) -> bool {
        match self.key {
            Key::Records => self.n_members == 1,
            Key::Events => self.has_kind,
            Key::Kind | Key::Other => false,
        }
    }

    fn remember(&mut self, read: &[u8]) {
        let room = (MOST_NAME_BYTES + 1).saturating_sub(self.name.len());
        self.name.extend_from_slice(read.get(..room).unwrap_or(read));
    }

    fn opened(&mut self, byte: u8, idx: usize) -> usize {
        match byte {
            b' ' | b'\n' | b'\r' | b'\t' => return idx + 1,
            // What the document has besides is no record.
            b'{' | b']' => {
                self.n_with_list += usize::from(!self.has_list);
                self.has_list = true;
                self.record_at = None;
                self.carried.clear();
                self.list_depth = self.depth;
                self.place = Place::List { may_begin: true };
            }
            _ => self.place = Place::Value,
        }
        idx
    }

    fn list(&mut self, byte: u8, idx: usize, may_begin: bool) -> Result<usize, Corrupt> {
        match byte {
            b' ' | b'\n' | b'\r' | b'\t' => return Ok(idx + 1),
            b',' if !may_begin => self.place = Place::List { may_begin: true },
            b']' => {
                self.close(byte, idx)?;
                self.list_depth = 0;
                self.place = if self.depth == 0 { Place::Between } else { Place::Document };
            }
            _ if !may_begin => {
                return Err(self.corrupt(idx, "has a list without a comma between two elements"));
            }
            b'{' | b'[' => {
                self.begin(idx);
                self.open(byte);
                self.place = Place::Value;
            }
            b'"' => {
                self.begin(idx);
                self.in_string = true;
                self.place = Place::Value;
            }
            b'-' | b'0'..=b'9' | b't' | b'f' | b'n' => {
                self.begin(idx);
                self.place = Place::Bare;
            }
            _ => return Err(self.corrupt(idx, "has a list with an element that is no JSON")),
        }
        Ok(idx + 1)
    }

    /// Goes on to the end of a value. Returns the position after what it read.
    fn value(
        &mut self,
        chunk: &[u8],
        mut idx: usize,
        record: &mut dyn FnMut(Record<'_>),
    ) -> Result<usize, Corrupt> {
        let floor = self.list_depth.max(1);
        while let Some(&byte) = chunk.get(idx) {
            if self.in_string {
                let (n_bytes, _) = self.string(chunk.get(idx..).unwrap_or_default());
                idx += n_bytes;
                if self.in_string || self.depth > floor {
                    continue;
                }
            } else {
                idx += 1;
                match byte {
                    b'"' => {
                        self.in_string = true;
                        continue;
                    }
                    b'{' | b'[' => {
                        self.open(byte);
                        continue;
                    }
                    b'}' | b']' => self.close(byte, idx - 1)?,
                    _ => continue,
                }
                if self.depth > floor {
                    continue;
                }
            }
            if self.list_depth == 0 {
                self.place = Place::Document;
            } else {
                self.place = Place::List { may_begin: false };
                self.end(chunk, idx, record);
            }
            break;
        }
        Ok(idx)
    }

    /// Goes on to the end of an element without brackets or quotes.
    fn bare(
        &mut self,
        chunk: &[u8],
        idx: usize,
        record: &mut dyn FnMut(Record<'_>),
    ) -> Result<usize, Corrupt> {
        let rest = chunk.get(idx..).unwrap_or_default();
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.');
        let Some(n_bytes) = rest.iter().position(|byte| !is_part(byte)) else { return Ok(chunk.len()) };
        self.place = Place::List { may_begin: false };
        self.end(chunk, idx + n_bytes, record);
        Ok(idx + n_bytes)
    }

    /// Goes on in a string. Returns how many bytes it has, with the quote, and whether that is among them.
    fn string(&mut self, rest: &[u8]) -> (usize, bool) {
        let mut idx = 0;
        if self.is_escaped && !rest.is_empty() {
            self.is_escaped = false;
            idx = 1;
        }
        while let Some(n_bytes) = rest.get(idx..).and_then(|it| memchr2(b'"', b'\\', it)) {
            idx += n_bytes + 1;
            if rest.get(idx - 1) == Some(&b'"') {
                self.in_string = false;
                return (idx, true);
            }
            if idx == rest.len() {
                self.is_escaped = true;
                return (idx, false);
            }
            idx += 1;
        }
        (rest.len(), false)
    }

    fn open(&mut self, byte: u8) {
        self.depth += 1;
        self.n_kinds = (self.n_kinds + 1).min(u64::BITS);
        self.kinds = self.kinds << 1 | u64::from(byte == b'{');
    }

    fn close(&mut self, byte: u8, idx: usize) -> Result<(), Corrupt> {
        if self.n_kinds > 0 && (self.kinds & 1 == 1) != (byte == b'}') {
            return Err(self.corrupt(idx, "has a bracket that closes one of the other kind"));
        }
        self.n_kinds = self.n_kinds.saturating_sub(1);
        self.depth = self.depth.saturating_sub(1);
        self.kinds >>= 1;
        Ok(())
    }

    /// Begins a record.
    fn begin(&mut self, idx: usize) {
        if !(self.is_control && self.list_depth > 0) {
            self.record_at = Some(self.base + idx as u64);
        }
    }

    /// Ends the record in progress before a byte of the piece.
    fn end(&mut self, chunk: &[u8], idx: usize, record: &mut dyn FnMut(Record<'_>)) {
        let Some(at) = self.record_at.take() else { return };
        let n_bytes = self.base + idx as u64 - at;
        let is_cut = n_bytes > self.most_record_bytes as u64;
        if at >= self.base {
            let text = self.part(chunk.get(..idx).unwrap_or(chunk), at);
            let text = text.get(..self.most_record_bytes).unwrap_or(text);
            record(Record { at, text, is_cut });
        } else {
            self.take(chunk.get(..idx).unwrap_or(chunk));
            record(Record { at, text: &self.carried, is_cut });
            self.carried.clear();
        }
    }

    /// Keeps what the piece has of the record in progress.
    fn carry(&mut self, chunk: &[u8]) {
        if let Some(at) = self.record_at {
            self.take(self.part(chunk, at));
        }
    }

    /// A piece from the byte of the object that a record begins with, or from its first.
    fn part<'a>(&self, chunk: &'a [u8], at: u64) -> &'a [u8] {
        let from = usize::try_from(at.saturating_sub(self.base)).unwrap_or(usize::MAX);
        chunk.get(from..).unwrap_or_default()
    }

    fn take(&mut self, part: &[u8]) {
        let room = self.most_record_bytes.saturating_sub(self.carried.len());
        self.carried.extend_from_slice(part.get(..room).unwrap_or(part));
    }

    fn corrupt(&self, idx: usize, problem: &'static str) -> Corrupt {
        Corrupt { at: self.base + idx as u64, problem }
    }
}

#[cfg(test)]
mod tests;
