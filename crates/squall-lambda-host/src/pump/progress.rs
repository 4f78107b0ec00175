//! How far a shard is processed, while its lanes finish records in any order.

use std::collections::VecDeque;

/// The records of a shard that were read but are not yet before its checkpoint.
#[derive(Debug, Default)]
pub struct Progress {
    /// The number of the first of `open`.
    first: u64,
    open: VecDeque<Open>,
    n_bytes: usize,
    checkpoint: Option<String>,
}

#[derive(Debug)]
struct Open {
    sequence: String,
    n_bytes: usize,
    is_done: bool,
}

impl Progress {
    /// Adds a record that was read, and numbers it.
    pub fn read(&mut self, sequence: String, n_bytes: usize) -> u64 {
        self.open.push_back(Open { sequence, n_bytes, is_done: false });
        self.n_bytes += n_bytes;
        self.first + self.open.len() as u64 - 1
    }

    /// Records that a record is finished. Returns whether the checkpoint moved.
    pub fn done(&mut self, number: u64) -> bool {
        let position = number.checked_sub(self.first).and_then(|it| usize::try_from(it).ok());
        let Some(open) = position.and_then(|position| self.open.get_mut(position)) else { return false };
        if !std::mem::replace(&mut open.is_done, true) {
            self.n_bytes -= open.n_bytes;
        }
        let mut has_moved = false;
        while self.open.front().is_some_and(|open| open.is_done) {
            self.checkpoint = self.open.pop_front().map(|open| open.sequence);
            self.first += 1;
            has_moved = true;
        }
        has_moved
    }

    /// The last record such that it and everything before it is finished.
    pub fn checkpoint(&self) -> Option<&str> {
        self.checkpoint.as_deref()
    }

    /// Number of records after the checkpoint: those that a restart would read again.
    pub fn n_open(&self) -> usize {
        self.open.len()
    }

    /// Bytes of the unfinished records.
    pub fn n_bytes(&self) -> usize {
        self.n_bytes
    }
}

#[cfg(test)]
mod tests;
