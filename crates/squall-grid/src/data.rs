//! The data of a slice, fetched ahead in chunks while threads evaluate.
//!
//! `evaluate` is synchronous and runs on its own thread; a store is asynchronous and stays with the step. Between them
//! is a channel that holds one chunk, so a thread's memory is bounded: its own chunk, the one in the channel, and those
//! that are read ahead.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::channel::{mpsc, oneshot};
use futures::executor::block_on;
use futures::future::{Either, select};
use futures::sink::SinkExt;
use futures::stream::{self, StreamExt};
use squall_core::data::{Data, DataError, Extent, HEAD_BYTES, Next, Part, Parts};
use squall_core::ports::{BlobStore, Objects, PortError, chain};
use squall_core::sources::Listing;

use crate::inputs::InputCache;

/// How to read data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadPolicy {
    /// Bytes of a chunk: large enough that a request is worth its latency.
    pub chunk_bytes: u64,
    /// Chunks of an object that are read at the same time.
    pub n_ahead: usize,
    /// Bytes of the first read after a part's end; each further one doubles, up to a chunk.
    pub read_on_bytes: u64,
}

impl ReadPolicy {
    /// One connection to S3 gives some 80 MB a second, and AWS advises ranges of 8 to 16 MB
    /// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance-guidelines.html>). Half of that,
    /// because a worker has several threads and little memory: 4 MiB, three ahead, are 20 MiB a thread.
    pub const DEFAULT: Self = Self { chunk_bytes: 4 << 20, n_ahead: 3, read_on_bytes: 64 << 10 };
}

impl Default for ReadPolicy {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// A message from a reader to the evaluating thread.
enum Piece {
    Part(Part),
    Chunk(Vec<u8>),
    EndOfPart,
    Failed(DataError),
}

/// A thread's request for bytes after its part's end.
struct Ask {
    part: Part,
    range: Range<u64>,
    answer: oneshot::Sender<Result<Vec<u8>, DataError>>,
}

/// The thread's end of the channel.
pub(crate) struct ThreadData {
    pieces: mpsc::Receiver<Piece>,
    asks: mpsc::UnboundedSender<Ask>,
    /// Bytes of the first read after a part's end, of the next one, and the most.
    read_on_bytes: (u64, u64, u64),
    /// How many parts began, and of how many parts the rest is not wanted.
    n_parts: u64,
    unwanted: Arc<AtomicU64>,
    /// The part being read, and whether its end was seen.
    part: Option<(Part, bool)>,
    /// The next byte after the part.
    behind: u64,
    failed: Option<DataError>,
}

/// The step's end of the channel.
pub(crate) struct Reader {
    extents: Vec<Extent>,
    pieces: mpsc::Sender<Piece>,
    asks: mpsc::UnboundedReceiver<Ask>,
    unwanted: Arc<AtomicU64>,
}

/// Both ends for a slice that reads these extents.
pub(crate) fn connect(extents: Vec<Extent>, policy: &ReadPolicy) -> (Reader, ThreadData) {
    // Every sender also has one slot of its own: one item is being sent, one waits.
    let (pieces, received) = mpsc::channel(0);
    let (asks, asked) = mpsc::unbounded();
    let unwanted = Arc::new(AtomicU64::new(0));
    let first = policy.read_on_bytes.max(1);
    let data = ThreadData {
        pieces: received,
        asks,
        read_on_bytes: (first, first, policy.chunk_bytes.max(first)),
        n_parts: 0,
        unwanted: unwanted.clone(),
        part: None,
        behind: 0,
        failed: None,
    };
    (Reader { extents, pieces, asks: asked, unwanted }, data)
}

impl ThreadData {
    /// The error that the evaluation met, whether or not it reported it.
    pub(crate) fn failure(self) -> Option<DataError> {
        self.failed
    }

    fn pull(&mut self) -> Result<Option<Piece>, DataError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        match block_on(self.pieces.next()) {
            Some(Piece::Failed(error)) => Err(self.fail(error)),
            piece => Ok(piece),
        }
    }

    /// Bytes of the part's object, wherever it is read.
    fn ask(&mut self, part: Part, range: Range<u64>) -> Result<Vec<u8>, DataError> {
        let (answer, answered) = oneshot::channel();
        // A reader that is gone drops the question, and with it the answer's end.
        let _ = self.asks.unbounded_send(Ask { part, range, answer });
        let gone = |_| Err(DataError::Unavailable("the reader is gone".to_owned()));
        block_on(answered).unwrap_or_else(gone).map_err(|error| self.fail(error))
    }

    fn fail(&mut self, error: DataError) -> DataError {
        self.failed = Some(error.clone());
        error
    }
}

impl Data for ThreadData {
    fn next_part(&mut self) -> Result<Option<Part>, DataError> {
        // Otherwise the reader would fetch the rest of the part.
        self.unwanted.store(self.n_parts, Ordering::Relaxed);
        loop {
            match self.pull()? {
                Some(Piece::Part(part)) => {
                    self.n_parts += 1;
                    self.behind = part.to;
                    self.read_on_bytes.1 = self.read_on_bytes.0;
                    self.part = Some((part.clone(), false));
                    return Ok(Some(part));
                }
                // The rest of a part that was not read to its end.
                Some(_) => {}
                None => {
                    self.part = None;
                    return Ok(None);
                }
            }
        }
    }

    fn next_chunk(&mut self) -> Result<Option<Vec<u8>>, DataError> {
        if !matches!(self.part, Some((_, false))) {
            return Ok(None);
        }
        match self.pull()? {
            Some(Piece::Chunk(bytes)) => Ok(Some(bytes)),
            _ => {
                if let Some((_, ended)) = &mut self.part {
                    *ended = true;
                }
                Ok(None)
            }
        }
    }

    fn read_on(&mut self) -> Result<Option<Vec<u8>>, DataError> {
        while self.next_chunk()?.is_some() {}
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let Some((part, _)) = &self.part else { return Ok(None) };
        let (part, (_, step, most)) = (part.clone(), self.read_on_bytes);
        let range = self.behind..part.object.bytes.min(self.behind.saturating_add(step));
        if range.is_empty() {
            return Ok(None);
        }
        self.read_on_bytes.1 = step.saturating_mul(2).min(most);
        self.behind = range.end;
        self.ask(part, range).map(Some)
    }

    fn head(&mut self) -> Result<Vec<u8>, DataError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        match self.part.clone() {
            Some((part, _)) if part.object.bytes > 0 => {
                let range = 0..part.object.bytes.min(HEAD_BYTES);
                self.ask(part, range)
            }
            _ => Ok(Vec::new()),
        }
    }
}

impl Reader {
    /// Reads until the thread has everything it wants, or stops reading.
    pub(crate) async fn read_for_thread<P: Objects + BlobStore>(
        self,
        ports: &P,
        inputs: &InputCache,
        listings: &[Listing],
        policy: &ReadPolicy,
    ) {
        let Self { extents, mut pieces, asks, unwanted } = self;
        let ahead = async {
            // A thread that is done receives nothing more, not even an error.
            if let Err(Stop::Failed(error)) =
                feed(ports, inputs, listings, policy, (extents, &unwanted), &mut pieces).await
            {
                let _ = pieces.send(Piece::Failed(error)).await;
            }
            drop(pieces);
        };
        let behind = asks.for_each_concurrent(None, async |Ask { part, range, answer }| {
            // The thread may have stopped.
            let _ = answer.send(bytes(ports, listings, &part, range).await);
        });
        match select(Box::pin(ahead), Box::pin(behind)).await {
            // The thread may still send requests, until it drops its end.
            Either::Left(((), behind)) => behind.await,
            Either::Right(((), _)) => {}
        }
    }
}

enum Stop {
    /// The thread has stopped reading.
    Gone,
    Failed(DataError),
}

impl From<DataError> for Stop {
    fn from(error: DataError) -> Self {
        Self::Failed(error)
    }
}

impl From<mpsc::SendError> for Stop {
    fn from(_: mpsc::SendError) -> Self {
        Self::Gone
    }
}

async fn feed<P: Objects + BlobStore>(
    ports: &P,
    inputs: &InputCache,
    listings: &[Listing],
    policy: &ReadPolicy,
    (extents, unwanted): (Vec<Extent>, &AtomicU64),
    pieces: &mut mpsc::Sender<Piece>,
) -> Result<(), Stop> {
    let mut parts = Parts::new(listings, extents);
    let mut n_parts = 0;
    loop {
        match parts.advance() {
            Next::End => return Ok(()),
            Next::Page(digest) => {
                let page = inputs.page(ports, digest).await.map_err(|error| data_error(&error))?;
                parts.give(&page);
            }
            Next::Part(part) => {
                let chunk_bytes = policy.chunk_bytes.max(1);
                let step = usize::try_from(chunk_bytes).unwrap_or(usize::MAX);
                let ranges = (part.from..part.to).step_by(step);
                let ranges = ranges.map(|from| from..part.to.min(from.saturating_add(chunk_bytes)));
                pieces.send(Piece::Part(part.clone())).await?;
                n_parts += 1;
                let reads = ranges.map(|range| bytes(ports, listings, &part, range));
                let mut chunks = std::pin::pin!(stream::iter(reads).buffered(policy.n_ahead.max(1)));
                while unwanted.load(Ordering::Relaxed) < n_parts
                    && let Some(chunk) = chunks.next().await
                {
                    pieces.send(Piece::Chunk(chunk?)).await?;
                }
                pieces.send(Piece::EndOfPart).await?;
            }
        }
    }
}

async fn bytes<P: Objects>(
    ports: &P,
    listings: &[Listing],
    part: &Part,
    range: Range<u64>,
) -> Result<Vec<u8>, DataError> {
    let root = listings.get(part.source).map_or("", |listing| listing.root.as_str());
    let location = format!("{root}{}", part.object.name);
    let wanted = range.end.saturating_sub(range.start);
    let read = ports.read_range(&location, &part.object.etag, range).await;
    match read {
        Ok(bytes) if bytes.len() as u64 == wanted => Ok(bytes),
        Ok(bytes) => {
            let problem = format!("{location} gave {} bytes where {wanted} were asked for", bytes.len());
            Err(DataError::Unavailable(problem))
        }
        Err(error) => Err(data_error(&error)),
    }
}

fn data_error(error: &PortError) -> DataError {
    match error {
        PortError::Permanent { .. } => DataError::Gone(chain(error)),
        _ => DataError::Unavailable(chain(error)),
    }
}

#[cfg(test)]
mod tests;
