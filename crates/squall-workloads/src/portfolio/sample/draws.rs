//! Random choices, one after another, from one path of a stream.

use crate::portfolio::pricing::random::Stream;

/// Choices of one position (or of the market): a function of the seed, the purpose and the position alone.
pub(super) struct Draws {
    stream: Stream,
    path: u64,
    /// A draw takes a pair of the path's numbers, so that no two draws share randomness.
    pair: u64,
}

impl Draws {
    pub(super) fn new(stream: Stream, path: u64) -> Self {
        Self { stream, path, pair: 0 }
    }

    fn next_number(&mut self) -> u64 {
        let number = self.pair * 2;
        self.pair += 1;
        number
    }

    /// Between 0 and 1.
    pub(super) fn uniform(&mut self) -> f64 {
        let number = self.next_number();
        self.stream.uniform(self.path, number)
    }

    /// Standard normal.
    pub(super) fn normal(&mut self) -> f64 {
        let number = self.next_number();
        self.stream.normal(self.path, number)
    }

    /// Between two bounds.
    pub(super) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.uniform()
    }

    /// From `low` to `high`, both included.
    pub(super) fn whole(&mut self, low: i32, high: i32) -> i64 {
        let number = rounded(self.between(f64::from(low) - 0.5, f64::from(high) + 0.5));
        number.clamp(i64::from(low), i64::from(high))
    }

    /// True with this probability, in percent.
    pub(super) fn chance(&mut self, percent: u32) -> bool {
        self.uniform() * 100.0 < f64::from(percent)
    }

    /// One of these, equally likely.
    pub(super) fn one_of<T: Copy, const N: usize>(&mut self, choices: [T; N]) -> T {
        const { assert!(N > 0 && N < 1_000) };
        choices[self.index(N)]
    }

    /// An index below `len`, for lists that are not empty.
    pub(super) fn index(&mut self, len: usize) -> usize {
        let last = i32::try_from(len.saturating_sub(1)).unwrap_or(i32::MAX);
        usize::try_from(self.whole(0, last)).unwrap_or(0)
    }
}

/// The nearest whole number.
#[expect(clippy::cast_possible_truncation, reason = "the cast saturates, and prices are small")]
pub(super) fn rounded(number: f64) -> i64 {
    number.round() as i64
}
