//! When the attempts of a task's subtasks passed their stages, as seen by the consumer.

use squall_core::cascade::{Call, Start};
use squall_core::spans::{Span, SpanEnd};
use squall_core::wire::SubtaskReply;

/// One task's attempts.
pub(crate) struct SpanLog {
    read_us: u64,
    /// By the call's id, which counts from 0: when it was invoked, why, and the number of the attempt.
    calls: Vec<(u64, Start, u32)>,
    /// Attempts of each subtask.
    n_attempts: Vec<u32>,
    spans: Vec<Span>,
}

impl SpanLog {
    /// The log of a task that was read at `read_us`.
    pub(crate) fn new(read_us: u64, n_subtasks: usize) -> Self {
        Self {
            read_us,
            calls: Vec::with_capacity(n_subtasks),
            n_attempts: vec![0; n_subtasks],
            spans: Vec::with_capacity(n_subtasks),
        }
    }

    /// Records that an attempt was invoked.
    pub(crate) fn invoked(&mut self, call: Call, why: Start, now_us: u64) {
        let attempt = match self.n_attempts.get_mut(call.subtask as usize) {
            Some(n_attempts) => {
                *n_attempts += 1;
                *n_attempts
            }
            None => 1,
        };
        let id = call.id as usize;
        if id >= self.calls.len() {
            self.calls.resize(id + 1, (now_us, why, attempt));
        }
        self.calls[id] = (now_us, why, attempt);
    }

    /// Removes an attempt that was refused before it ran: it does not count.
    pub(crate) fn refused(&mut self, call: Call) {
        if let Some(n_attempts) = self.n_attempts.get_mut(call.subtask as usize) {
            *n_attempts = n_attempts.saturating_sub(1);
        }
    }

    /// How long an attempt has been waited for, microseconds; as long as it likes if it is not known.
    pub(crate) fn waited_us(&self, call: Call, now_us: u64) -> u64 {
        self.calls
            .get(call.id as usize)
            .map_or(u64::MAX, |(invoked_us, ..)| now_us.saturating_sub(*invoked_us))
    }

    /// Records that an attempt ended at `now_us`, with the worker's own times, if it replied.
    pub(crate) fn ended(&mut self, call: Call, end: SpanEnd, reply: Option<&SubtaskReply>, now_us: u64) {
        let Some(known) = self.calls.get_mut(call.id as usize) else { return };
        let (invoked_us, why, attempt) = *known;
        // An abandoned attempt may still answer; it already has its span.
        if std::mem::take(&mut known.2) == 0 {
            return;
        }
        let since_read = |at_us: u64| at_us.saturating_sub(self.read_us);
        let (invoked_us, answered_us) =
            (since_read(invoked_us), since_read(now_us).max(since_read(invoked_us)));
        // The worker's clock is another machine's: its times are clamped to those seen here.
        let (began_us, loaded_us, ended_us, cold) = match reply {
            Some(reply) => {
                let latest_us = answered_us.saturating_sub(reply.worked_us).max(invoked_us);
                let began_us = since_read(reply.began_us).clamp(invoked_us, latest_us);
                let after = |length_us: u64| began_us.saturating_add(length_us).min(answered_us);
                (began_us, after(reply.loaded_us), after(reply.worked_us), reply.cold)
            }
            None => (answered_us, answered_us, answered_us, false),
        };
        let Call { subtask, stripe, .. } = call;
        let span = Span {
            subtask,
            stripe,
            attempt,
            why,
            cold,
            end,
            invoked_us,
            began_us,
            loaded_us,
            ended_us,
            answered_us,
        };
        self.spans.push(span);
    }

    /// All spans.
    pub(crate) fn into_spans(self) -> Vec<Span> {
        self.spans
    }
}
