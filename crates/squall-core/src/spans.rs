//! When each subtask passed each stage, in 16 bytes: the source of a job's timeline.
//!
//! A task's spans share one origin, the moment at which its consumer read it, and one unit, the smallest power of two
//! of microseconds in which the whole task fits into 19 bits: a subtask's position is known to half a millionth of its
//! task. Spans that there is no room for are counted.

use serde::{Deserialize, Serialize};

use crate::cascade::Start;

/// Bits of a duration.
const TIME_BITS: u32 = 19;
const MAX_TIME: u64 = (1 << TIME_BITS) - 1;
/// Spans that always have room: 128 bytes, which no stream or store charges for.
const ALWAYS: usize = 8;
/// Beyond that, spans take at most this fraction of the bytes that they travel with: one fiftieth, 2 %.
const PART_OF_BYTES: usize = 50;

/// Number of spans that may travel with `n_bytes` bytes.
pub fn room_beside(n_bytes: usize) -> usize {
    (n_bytes / PART_OF_BYTES / PackedSpan::BYTES).max(ALWAYS)
}

/// The outcome of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SpanEnd {
    /// Its value is in the answer.
    Answered,
    /// It answered, but another attempt had answered before.
    Surplus,
    /// It failed, or was abandoned.
    Failed,
}

/// One attempt of a subtask. Times are microseconds since its consumer read the task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Index of the subtask in its task.
    pub subtask: u32,
    /// The stripe on which it was invoked; 255 stands for that and all above.
    pub stripe: u32,
    /// Number of the attempt, from 1; 15 stands for that and all above.
    pub attempt: u32,
    /// The reason for the invocation.
    pub why: Start,
    /// Whether it was the first request of its worker's process.
    pub cold: bool,
    /// Its outcome.
    pub end: SpanEnd,
    /// When it was invoked.
    pub invoked_us: u64,
    /// When the worker began.
    pub began_us: u64,
    /// When the worker had the job's input.
    pub loaded_us: u64,
    /// When the worker ended.
    pub ended_us: u64,
    /// When the consumer had the answer, or abandoned the attempt.
    pub answered_us: u64,
}

/// A [`Span`] as it travels: 14 bits of subtask, 8 of stripe, 4 of attempt, 1 of cold, 2 of why, 3 of end, then five
/// durations of 19 bits each: until invoked, begun, loaded, ended, answered. Little-endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackedSpan([u8; 16]);

impl PackedSpan {
    /// Its length in bytes.
    pub const BYTES: usize = 16;

    fn pack(span: &Span, shift: u32) -> Self {
        let why = match span.why {
            Start::Turn => 0,
            Start::Retry => 1,
            Start::Hedge => 2,
        };
        let end = match span.end {
            SpanEnd::Answered => 0,
            SpanEnd::Surplus => 1,
            SpanEnd::Failed => 2,
        };
        let mut bits = Bits::default();
        bits.push(u64::from(span.subtask), 14);
        bits.push(u64::from(span.stripe), 8);
        bits.push(u64::from(span.attempt), 4);
        bits.push(u64::from(span.cold), 1);
        bits.push(why, 2);
        bits.push(end, 3);
        let mut before = 0;
        for at_us in [span.invoked_us, span.began_us, span.loaded_us, span.ended_us, span.answered_us] {
            // Differences of rounded times, so that rounding does not accumulate; a clock that runs behind counts as no
            // time.
            let at = (at_us >> shift).max(before);
            bits.push(at - before, TIME_BITS);
            before = at;
        }
        Self(bits.value.to_le_bytes())
    }

    fn unpack(self, shift: u32) -> Span {
        let mut bits = Bits { value: u128::from_le_bytes(self.0), at: 0 };
        let [subtask, stripe, attempt] = [14, 8, 4].map(|n| u32::try_from(bits.pull(n)).unwrap_or(u32::MAX));
        let cold = bits.pull(1) == 1;
        let why = match bits.pull(2) {
            0 => Start::Turn,
            1 => Start::Retry,
            _ => Start::Hedge,
        };
        let end = match bits.pull(3) {
            0 => SpanEnd::Answered,
            1 => SpanEnd::Surplus,
            _ => SpanEnd::Failed,
        };
        let mut at = 0;
        let [invoked_us, began_us, loaded_us, ended_us, answered_us] = [(); 5].map(|()| {
            at += bits.pull(TIME_BITS);
            at << shift
        });
        Span {
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
        }
    }
}

#[derive(Default)]
struct Bits {
    value: u128,
    at: u32,
}

impl Bits {
    /// Appends a number, capped at the largest that so many bits hold.
    fn push(&mut self, number: u64, n_bits: u32) {
        let number = number.min((1 << n_bits) - 1);
        self.value |= u128::from(number) << self.at;
        self.at += n_bits;
    }

    fn pull(&mut self, n_bits: u32) -> u64 {
        let number = (self.value >> self.at) & ((1 << n_bits) - 1);
        self.at += n_bits;
        u64::try_from(number).unwrap_or(u64::MAX)
    }
}

/// The spans of one task.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Spans {
    /// The unit of their times: two to this power, in microseconds.
    shift: u8,
    /// The spans that had room, in the order in which they were invoked.
    packed: Vec<PackedSpan>,
    /// Number of spans left out for lack of room.
    left_out: u32,
}

impl Spans {
    /// Keeps at most `room` of the spans: the longest, because they account for the wait.
    pub fn pack(mut spans: Vec<Span>, room: usize) -> Self {
        let last_us = spans.iter().map(|span| span.answered_us.max(span.ended_us)).max().unwrap_or(0);
        let shift = (0..42).find(|shift| last_us >> shift <= MAX_TIME).unwrap_or(41);
        let left_out = spans.len().saturating_sub(room);
        if left_out > 0 {
            let longest_first = |span: &Span| {
                (std::cmp::Reverse(span.answered_us.saturating_sub(span.invoked_us)), span.subtask)
            };
            if room > 0 {
                spans.select_nth_unstable_by_key(room - 1, longest_first);
            }
            spans.truncate(room);
        }
        spans.sort_by_key(|span| (span.invoked_us, span.subtask, span.attempt));
        Self {
            shift: u8::try_from(shift).unwrap_or(0),
            packed: spans.iter().map(|span| PackedSpan::pack(span, shift)).collect(),
            left_out: u32::try_from(left_out).unwrap_or(u32::MAX),
        }
    }

    /// The spans, with times in microseconds since the consumer read the task.
    pub fn iter(&self) -> impl Iterator<Item = Span> {
        // A shift that no packing produces must not overflow.
        let shift = u32::from(self.shift).min(41);
        self.packed.iter().map(move |packed| packed.unpack(shift))
    }

    /// Number of spans.
    pub fn len(&self) -> usize {
        self.packed.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.packed.is_empty()
    }

    /// Number of spans left out for lack of room.
    pub fn left_out(&self) -> u32 {
        self.left_out
    }
}

#[cfg(test)]
mod tests;
