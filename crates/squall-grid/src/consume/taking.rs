//! Takes in what the workers answer.

use squall_core::cascade::{Call, Cascade, Outcome};
use squall_core::code::CodeId;
use squall_core::digest::Digest;
use squall_core::ports::{BlobStore, InvokeError, Workers, chain};
use squall_core::receipt::Receipt;
use squall_core::registry::Merger;
use squall_core::spans::SpanEnd;
use squall_core::wire::{FailedPiece, Message, ReplyElsewhere, SubtaskReply};

use crate::span_log::SpanLog;

/// A worker's answer.
pub(super) struct Answer {
    reply: Vec<u8>,
    /// Whether it was too large to be sent, and came through the blob store.
    elsewhere: bool,
}

/// Invokes a worker, and fetches its reply if that is elsewhere.
pub(super) async fn answer<P: BlobStore + Workers>(
    ports: &P,
    stripe: u32,
    request: Vec<u8>,
) -> Result<Answer, InvokeError> {
    let reply = ports.invoke(stripe, request).await?;
    let Ok(elsewhere) = ReplyElsewhere::from_bytes(&reply) else {
        return Ok(Answer { reply, elsewhere: false });
    };
    match ports.blob(elsewhere.reply).await {
        Ok(reply) => Ok(Answer { reply, elsewhere: true }),
        Err(error) => Err(InvokeError::Failed(chain(&error))),
    }
}

/// The state that a reply updates.
pub(super) struct Taking<'a> {
    pub(super) now_us: u64,
    pub(super) code: CodeId,
    pub(super) merger: &'a mut dyn Merger,
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
        let Self { now_us, code, merger, receipt, log, failed } = self;
        let mut end = SpanEnd::Failed;
        let mut known = None;
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
            Ok(Ok(reply)) if reply.request != asked => {
                Outcome::Failed("the reply is to another request".to_owned())
            }
            Ok(Ok(mut reply)) => {
                let wanted = cascade.wants(call);
                receipt.worker_us = receipt.worker_us.saturating_add(reply.worked_us);
                let mb_us = reply.worked_us.saturating_mul(u64::from(reply.memory_mb));
                receipt.worker_mb_us = receipt.worker_mb_us.saturating_add(mb_us);
                if !wanted {
                    receipt.duplicate_us = receipt.duplicate_us.saturating_add(reply.worked_us);
                }
                let value = std::mem::replace(&mut reply.outcome, Ok(Vec::new()));
                let pieces = std::mem::take(&mut reply.failed);
                let same_code = reply.code == code;
                known = Some(reply);
                match value {
                    Err(reason) if !same_code => Outcome::Useless(reason),
                    Err(reason) => Outcome::Hopeless(reason),
                    // Garbage that decodes, or a worker that did not check.
                    Ok(_) if !same_code => Outcome::Useless("the worker is of another build".to_owned()),
                    Ok(_) if !wanted => {
                        end = SpanEnd::Surplus;
                        Outcome::Answered
                    }
                    Ok(partial) => match merger.add(&partial) {
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
