//! Takes in what the workers answer.

use futures::lock::Mutex;
use squall_core::cascade::{Call, Cascade, Outcome};
use squall_core::code::CodeId;
use squall_core::digest::Digest;
use squall_core::ports::{BlobStore, Clock, InvokeError, Workers, chain};
use squall_core::receipt::Receipt;
use squall_core::registry::{Piece, ReplyMerger};
use squall_core::spans::SpanEnd;
use squall_core::wire::{FailedPiece, Message, ReplyElsewhere, SubtaskReply};

use crate::patience::Patience;
use crate::span_log::SpanLog;

/// How long a reply that is elsewhere is asked for, microseconds: the work that it took would be done again.
const FETCH_PATIENCE_US: u64 = 10_000_000;

/// A worker's answer.
pub(super) struct Answer {
    reply: Vec<u8>,
    /// When it was there, microseconds: a reply that was too large to be sent is fetched after that.
    answered_us: u64,
    /// Whether it was too large to be sent, and came through the blob store.
    elsewhere: bool,
}

/// Invokes a worker, and fetches its reply if that is elsewhere.
pub(super) async fn answer<P>(
    ports: &P,
    (stripe, request): (u32, Vec<u8>),
    fetching: &Mutex<()>,
    until_us: u64,
) -> Result<Answer, InvokeError>
where
    P: BlobStore + Workers + Clock,
{
    let reply = ports.invoke(stripe, request).await?;
    let answered_us = ports.now_us();
    let Ok(elsewhere) = ReplyElsewhere::from_bytes(&reply) else {
        return Ok(Answer { reply, answered_us, elsewhere: false });
    };
    // From now on, not from its turn: while the store is away, those behind give up with the first.
    let patience = Patience::new(ports, FETCH_PATIENCE_US, until_us);
    // One at a time: a hundred of them would not fit into the consumer's memory.
    let _turn = fetching.lock().await;
    match patience.ask(ports, async || ports.blob(elsewhere.reply).await).await {
        Ok(reply) => Ok(Answer { reply, answered_us, elsewhere: true }),
        Err(error) => Err(InvokeError::Failed(chain(&error))),
    }
}

/// The state that a reply updates.
pub(super) struct Taking<'a> {
    pub(super) now_us: u64,
    pub(super) code: CodeId,
    /// Memory for which a worker is billed, MB.
    pub(super) worker_memory_mb: u32,
    /// The piece that was asked for.
    pub(super) piece: &'a Piece,
    pub(super) merger: &'a mut (dyn ReplyMerger + 'a),
    pub(super) receipt: &'a mut Receipt,
    pub(super) log: &'a mut SpanLog,
    pub(super) failed: &'a mut Vec<(u32, FailedPiece)>,
}

impl Taking<'_> {
    /// Takes in one reply: a first good answer is merged, everything else is only counted.
    pub(super) fn take(
        self,
        cascade: &mut Cascade,
        call: Call,
        asked: Digest,
        answer: Result<Answer, InvokeError>,
    ) {
        let Self { now_us, code, worker_memory_mb, piece, merger, receipt, log, failed } = self;
        let mut end = SpanEnd::Failed;
        let mut known = None;
        // What the worker is billed for, without the way through the blob store.
        let now_us = answer.as_ref().map_or(now_us, |answer| answer.answered_us);
        let elsewhere = u64::from(answer.as_ref().is_ok_and(|answer| answer.elsewhere));
        receipt.blob_writes += elsewhere;
        receipt.blob_reads += elsewhere;
        let outcome = match answer.map(|answer| SubtaskReply::from_bytes(&answer.reply)) {
            Err(InvokeError::Throttled(reason)) => {
                log.refused(call);
                return cascade.settle(now_us, call, Outcome::Throttled(reason));
            }
            Err(InvokeError::Failed(reason)) => Outcome::Failed(reason),
            Err(InvokeError::NotRun(reason)) => Outcome::NotRun(reason),
            Err(InvokeError::Hopeless(reason)) => Outcome::Useless(reason),
            Err(InvokeError::ReplyTooLarge(reason)) => Outcome::TooLarge(reason),
            Err(InvokeError::Impossible(reason)) => Outcome::Impossible(reason),
            Ok(Err(error)) => Outcome::Failed(error.to_string()),
            // Another build may digest a request differently, so that it is told apart first. Its own reason says which it is.
            Ok(Ok(reply)) if reply.code != code => Outcome::Useless(match reply.outcome {
                Err(reason) => reason,
                Ok(_) => "the worker is of another build".to_owned(),
            }),
            Ok(Ok(reply)) if reply.request != asked => {
                Outcome::Failed("the reply is to another request".to_owned())
            }
            Ok(Ok(mut reply)) => {
                let wanted = cascade.wants(call);
                // No worker worked longer than it was waited for, or in more memory than it has.
                reply.worked_us = reply.worked_us.min(log.waited_us(call, now_us));
                reply.loaded_us = reply.loaded_us.min(reply.worked_us);
                reply.memory_mb = reply.memory_mb.min(worker_memory_mb);
                receipt.worker_us = receipt.worker_us.saturating_add(reply.worked_us);
                let mb_us = reply.worked_us.saturating_mul(u64::from(reply.memory_mb));
                receipt.worker_mb_us = receipt.worker_mb_us.saturating_add(mb_us);
                if !wanted {
                    receipt.duplicate_us = receipt.duplicate_us.saturating_add(reply.worked_us);
                }
                let value = std::mem::replace(&mut reply.outcome, Ok(Vec::new()));
                let pieces = std::mem::take(&mut reply.failed);
                known = Some(reply);
                match value {
                    Err(reason) => Outcome::Hopeless(reason),
                    Ok(_) if !wanted => {
                        end = SpanEnd::Surplus;
                        Outcome::Answered
                    }
                    Ok(partial) => match merger.add(piece, &partial, &pieces) {
                        Ok(()) => {
                            failed.extend(pieces.into_iter().map(|piece| (call.subtask, piece)));
                            end = SpanEnd::Answered;
                            Outcome::Answered
                        }
                        Err(error) => Outcome::Failed(error.to_string()),
                    },
                }
            }
        };
        log.ended(call, end, known.as_ref(), now_us);
        cascade.settle(now_us, call, outcome);
    }
}
