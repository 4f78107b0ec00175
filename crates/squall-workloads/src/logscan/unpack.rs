//! Compressed objects as plain bytes, a piece at a time.
//!
//! What an object is, is seen from its first bytes and not from its name: much of what services write has no extension.

mod kinds;

pub use kinds::{Packing, unreadable};

use std::fmt;

use flate2::{FlushDecompress, Status};
use squall_core::data::DataError;
use zstd::stream::raw::{DParameter, Decoder, InBuffer, Operation, OutBuffer};

/// Plain bytes in a piece, at most: little enough for a processor's cache, enough that a call costs nothing.
const PIECE_BYTES: usize = 256 * 1024;
/// A file may be compressed twice, by the service that sends it and by the one that stores it. Not more often.
const MOST_LAYERS: usize = 2;
/// What tells how long the header of a zstd frame is, and the header of a block, bytes.
const ZSTD_BEGINNING_BYTES: usize = 5;
const ZSTD_BLOCK_HEADER_BYTES: usize = 3;

/// How much an object may become: a small one that becomes a huge one was made to do harm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Plain bytes for each compressed one, at most.
    pub most_plain_bytes_per_packed: u64,
    /// Plain bytes that any object may become.
    pub always_allowed_bytes: u64,
    /// The memory that a zstd frame may ask for: a window of two to this power, bytes.
    pub most_zstd_window_log: u32,
}

impl Limits {
    /// What honest logs stay within: they shrink to a tenth or a thirtieth, and zstd's windows of more than 128 MiB must be asked for.
    pub const USUAL: Self =
        Self { most_plain_bytes_per_packed: 200, always_allowed_bytes: 1 << 30, most_zstd_window_log: 27 };

    fn check(self, packed: u64, plain: u64) -> Result<(), UnpackError> {
        let most = packed.saturating_mul(self.most_plain_bytes_per_packed);
        if plain <= most.max(self.always_allowed_bytes) {
            return Ok(());
        }
        Err(UnpackError::Bomb(format!(
            "becomes more than {} times as large when it is unpacked: its first {packed} bytes are {plain} plain bytes; the rest was not searched",
            self.most_plain_bytes_per_packed
        )))
    }
}

/// Why an object gives no more plain bytes. A sentence about "the object".
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnpackError {
    /// The compressed bytes cannot be read.
    Data(DataError),
    /// They are not what their beginning promised: what is wrong, and where.
    Corrupt(String),
    /// They become more than [`Limits`] allow.
    Bomb(String),
}

impl fmt::Display for UnpackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Data(error) => error.fmt(f),
            Self::Corrupt(problem) | Self::Bomb(problem) => f.write_str(problem),
        }
    }
}

impl From<DataError> for UnpackError {
    fn from(error: DataError) -> Self {
        Self::Data(error)
    }
}

/// Pulls the next compressed bytes; `None` at the end.
type Pull<'a> = dyn FnMut() -> Result<Option<Vec<u8>>, UnpackError> + 'a;

/// The plain bytes of an object, pulled piece by piece.
pub struct Unpacked<'a> {
    limits: Limits,
    next: Box<dyn FnMut() -> Result<Option<Vec<u8>>, DataError> + 'a>,
    /// From the outermost.
    layers: Vec<Layer>,
    packed_bytes: u64,
    plain_bytes: u64,
    /// Once there are no more pieces: why.
    ended: Option<Result<(), UnpackError>>,
}

impl<'a> Unpacked<'a> {
    /// The object whose compressed bytes `next` returns, in pieces of any size; `None` at their end.
    pub fn new(
        packing: Packing,
        limits: Limits,
        next: Box<dyn FnMut() -> Result<Option<Vec<u8>>, DataError> + 'a>,
    ) -> Self {
        let (layer, ended) = match Layer::new(packing, limits) {
            Ok(layer) => (layer, None),
            Err(error) => (None, Some(Err(error))),
        };
        Self { limits, next, layers: layer.into_iter().collect(), packed_bytes: 0, plain_bytes: 0, ended }
    }

    /// The next plain bytes, never empty; `None` at the end. A compressed object's come in pieces of at most 256 KiB, those of a plain one as
    /// they are. If the content is compressed again, as the logs are that CloudWatch sends to a Firehose which compresses, so is this
    /// undone.
    ///
    /// # Errors
    /// When the bytes cannot be read, are damaged or become too many; all bytes before that place were returned. Every further call
    /// returns the same.
    pub fn next_chunk(&mut self) -> Result<Option<Vec<u8>>, UnpackError> {
        if let Some(ended) = &self.ended {
            return ended.clone().map(|()| None);
        }
        loop {
            let Self { next, layers, packed_bytes, .. } = self;
            let mut pull = || {
                let chunk = next()?;
                *packed_bytes += chunk.as_ref().map_or(0, |it| it.len() as u64);
                Ok(chunk)
            };
            match plain(layers, &mut pull) {
                Ok(Some(piece)) if piece.is_empty() => {}
                Ok(Some(piece)) => {
                    let is_first = self.plain_bytes == 0;
                    if is_first && (1..MOST_LAYERS).contains(&self.layers.len()) {
                        match Layer::new(Packing::of(&piece), self.limits) {
                            Ok(None) => {}
                            Ok(Some(mut layer)) => {
                                layer.input = piece;
                                self.layers.push(layer);
                                continue;
                            }
                            Err(error) => {
                                self.ended = Some(Err(error.clone()));
                                return Err(error);
                            }
                        }
                    }
                    self.plain_bytes += piece.len() as u64;
                    // Each layer is within its limits; so must they be together.
                    if let [outer, _, ..] = self.layers.as_slice()
                        && let Err(error) = self.limits.check(outer.packed, self.plain_bytes)
                    {
                        self.ended = Some(Err(error));
                    }
                    return Ok(Some(piece));
                }
                Ok(None) => {
                    self.ended = Some(Ok(()));
                    return Ok(None);
                }
                Err(error) => {
                    self.ended = Some(Err(error.clone()));
                    return Err(error);
                }
            }
        }
    }

    /// The compressed bytes that were read so far.
    pub fn packed_bytes(&self) -> u64 {
        self.packed_bytes
    }

    /// The plain bytes that were returned so far.
    pub fn plain_bytes(&self) -> u64 {
        self.plain_bytes
    }
}

/// The next piece that leaves the innermost of some layers.
fn plain(layers: &mut [Layer], pull: &mut Pull<'_>) -> Result<Option<Vec<u8>>, UnpackError> {
    match layers.split_last_mut() {
        None => pull(),
        Some((layer, outer)) => layer.next_piece(&mut || plain(outer, pull)),
    }
}

/// One compression that is undone.
struct Layer {
    packing: Packing,
    limits: Limits,
    codec: Codec,
    input: Vec<u8>,
    /// How many bytes of `input` were decoded.
    n_done: usize,
    /// Bytes decoded, in all and of this member, and bytes that they became. Gzip calls it a member, zstd a frame, bzip2 a stream.
    packed: u64,
    of_member: u64,
    plain: u64,
    /// The decoder may hold bytes for which there was no room.
    may_hold: bool,
    failed: Option<UnpackError>,
}

enum Codec {
    Gzip(flate2::Decompress),
    /// With how many bytes it needs to get on.
    Zstd(Decoder<'static>, usize),
    Bzip2(bzip2::Decompress),
}

impl Layer {
    /// `None` for plain bytes.
    fn new(packing: Packing, limits: Limits) -> Result<Option<Self>, UnpackError> {
        let codec = match packing {
            Packing::Plain => return Ok(None),
            Packing::Gzip => Codec::Gzip(flate2::Decompress::new_gzip(15)),
            Packing::Bzip2 => Codec::Bzip2(bzip2::Decompress::new(false)),
            Packing::Zstd => {
                let bounded = Decoder::new().and_then(|mut decoder| {
                    decoder.set_parameter(DParameter::WindowLogMax(limits.most_zstd_window_log))?;
                    Ok(decoder)
                });
                let unusable =
                    |error| UnpackError::Corrupt(format!("cannot be unpacked: zstd says: {error}"));
                Codec::Zstd(bounded.map_err(unusable)?, ZSTD_BEGINNING_BYTES)
            }
        };
        Ok(Some(Self {
            packing,
            limits,
            codec,
            input: Vec::new(),
            n_done: 0,
            packed: 0,
            of_member: 0,
            plain: 0,
            may_hold: false,
            failed: None,
        }))
    }

    /// The next plain bytes; `None` at the end.
    fn next_piece(&mut self, pull: &mut Pull<'_>) -> Result<Option<Vec<u8>>, UnpackError> {
        let mut piece = Vec::new();
        if self.failed.is_none() {
            piece.reserve_exact(PIECE_BYTES);
            match self.fill(&mut piece, pull) {
                Ok(()) if piece.is_empty() => return Ok(None),
                Ok(()) => {}
                Err(error) => self.failed = Some(error),
            }
        }
        match self.failed.clone() {
            Some(error) if piece.is_empty() => Err(error),
            _ => Ok(Some(piece)),
        }
    }

    /// Decodes until the piece is full or the input ends.
    fn fill(&mut self, piece: &mut Vec<u8>, pull: &mut Pull<'_>) -> Result<(), UnpackError> {
        while piece.len() < piece.capacity() {
            if self.n_done == self.input.len() && !self.may_hold {
                match pull()? {
                    None if self.of_member == 0 => return Ok(()),
                    None => return Err(self.corrupt("ends in the middle of")),
                    Some(chunk) => {
                        self.input = chunk;
                        self.n_done = 0;
                        continue;
                    }
                }
            }
            self.check_beginning()?;
            let before = piece.len();
            let held = self.may_hold;
            let stepped = self.step(piece);
            let n_new = piece.len() - before;
            self.plain += n_new as u64;
            let Some((n_eaten, is_end)) = stepped else { return Err(self.corrupt("has damaged data in")) };
            self.n_done += n_eaten;
            self.packed += n_eaten as u64;
            self.of_member += n_eaten as u64;
            self.may_hold = !is_end && piece.len() == piece.capacity();
            if is_end {
                self.of_member = 0;
            } else if !held && n_eaten == 0 && n_new == 0 {
                return Err(self.corrupt("has damaged data in"));
            }
        }
        self.limits.check(self.packed, self.plain)
    }

    /// Checks the first bytes of a member: what follows one must be another.
    fn check_beginning(&self) -> Result<(), UnpackError> {
        let rest = self.input.get(self.n_done..).unwrap_or_default();
        let mut at = self.of_member;
        for &byte in rest {
            match self.packing.may_begin_with(at, byte) {
                None => return Ok(()),
                Some(true) => at += 1,
                Some(false) => {
                    let what = if byte == 0 { "zero bytes" } else { "bytes" };
                    let begin = self.packed - self.of_member;
                    return Err(UnpackError::Corrupt(format!(
                        "has {what} that are no {} at byte {begin}, after {} plain bytes",
                        self.packing.member(),
                        self.plain
                    )));
                }
            }
        }
        Ok(())
    }

    /// Decodes what there is, as far as the piece has room. Returns how many bytes were used, and whether a member ended; `None` if they are
    /// damaged.
    fn step(&mut self, piece: &mut Vec<u8>) -> Option<(usize, bool)> {
        let rest = self.input.get(self.n_done..).unwrap_or_default();
        match &mut self.codec {
            Codec::Gzip(gzip) => {
                let before = gzip.total_in();
                gzip.decompress_vec(rest, piece, FlushDecompress::None).ok().map(|status| {
                    let n_eaten = usize::try_from(gzip.total_in() - before).unwrap_or(rest.len());
                    let is_end = status == Status::StreamEnd;
                    if is_end {
                        gzip.reset(true);
                    }
                    (n_eaten, is_end)
                })
            }
            Codec::Bzip2(bzip2) => {
                let before = bzip2.total_in();
                bzip2.decompress_vec(rest, piece).ok().map(|status| {
                    let n_eaten = usize::try_from(bzip2.total_in() - before).unwrap_or(rest.len());
                    let is_end = status == bzip2::Status::StreamEnd;
                    if is_end {
                        *bzip2 = bzip2::Decompress::new(false);
                    }
                    (n_eaten, is_end)
                })
            }
            Codec::Zstd(zstd, wanted) => {
                // A call that fails says nothing of what it decoded before: so it gets one block, or the header of one.
                let n_bytes = match *wanted {
                    _ if self.may_hold => 0,
                    n if n > ZSTD_BLOCK_HEADER_BYTES => n - ZSTD_BLOCK_HEADER_BYTES,
                    n => n,
                };
                let mut input = InBuffer::around(rest.get(..n_bytes).unwrap_or(rest));
                let at = piece.len();
                let mut output = OutBuffer::around_pos(piece, at);
                let hint = zstd.run(&mut input, &mut output).ok()?;
                *wanted = if hint == 0 { ZSTD_BEGINNING_BYTES } else { hint };
                Some((input.pos(), hint == 0))
            }
        }
    }

    fn corrupt(&self, problem: &str) -> UnpackError {
        let begin = self.packed - self.of_member;
        let what = self.packing.member();
        UnpackError::Corrupt(format!(
            "{problem} the {what} at byte {begin}, after {} plain bytes",
            self.plain
        ))
    }
}

#[cfg(test)]
mod tests;
