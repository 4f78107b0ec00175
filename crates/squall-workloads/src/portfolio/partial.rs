//! The sums that are in: exact, sparse and canonical, so that they do not depend on how the matrix was cut.

use serde::{Deserialize, Serialize};

pub use fit::Expected;
pub use position_values::{PositionValue, PositionValues};
use runs::Runs;
pub use slice_sums::SliceSums;

mod fit;
mod position_values;
mod runs;
mod slice_sums;

/// The values of some rectangles of the valuation matrix.
///
/// Values are summed per column over the positions of each book and of each kind, in millionths of the report
/// currency. Equal content has equal encoding: columns are kept as maximal runs, groups and positions in order.
///
/// Merging is associative and commutative bit for bit. Rectangles must not overlap; sums wrap around at 128 bits,
/// which a portfolio's values (at most 1e15 a position) do not reach.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Partial {
    /// How many positions are in, for each column.
    n_positions: Runs<u64>,
    books: Groups,
    /// The kinds, and after them further sums of the base column; see [`SliceSums::add_base`].
    kinds: Groups,
    positions: PositionValues,
    /// The columns in which some position has no value, in order, with the first such position.
    worthless: Vec<(u32, u32)>,
}

/// The sums of some groups of positions.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Groups(Vec<GroupSums>);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct GroupSums {
    group: u32,
    values: Runs<i128>,
}

impl Partial {
    /// One position's `values` (millionths of the report currency) in consecutive columns from `first_column` on; no
    /// values make an empty partial. Meant for tests and small slices: [`SliceSums`] sums a whole rectangle.
    pub fn of_position(book: u32, kind: u32, first_column: u32, values: &[i128]) -> Self {
        let mut sums = SliceSums::new(first_column, values.len());
        sums.add_micros(book, kind, values);
        sums.finish()
    }

    /// Adds the content of `other`; the two must not have the same position in the same column.
    pub fn merge(&mut self, other: Partial) {
        self.n_positions.merge(other.n_positions);
        self.books.merge(other.books);
        self.kinds.merge(other.kinds);
        self.positions.merge(other.positions);
        if !other.worthless.is_empty() {
            // Sorting merges two runs in linear time, which as many insertions would not.
            self.worthless.extend(other.worthless);
            self.worthless.sort();
            self.worthless.dedup_by_key(|(column, _)| *column);
        }
    }

    /// Records a position's value in the base column.
    pub fn note_position(&mut self, position_idx: u32, value: PositionValue) {
        self.positions.merge(PositionValues::of(position_idx, value));
    }

    /// How many positions are in, for each of `n_columns` columns from `first_column` on.
    pub fn n_positions(&self, first_column: usize, n_columns: usize) -> Vec<u64> {
        self.n_positions.dense(first_column, n_columns)
    }

    /// A book's sums in `n_columns` columns from `first_column` on; 0 where nothing is in.
    pub fn book(&self, book: usize, first_column: usize, n_columns: usize) -> Vec<i128> {
        self.books.dense(book, first_column, n_columns)
    }

    /// A kind's sums in `n_columns` columns from `first_column` on; 0 where nothing is in.
    pub fn kind(&self, kind: usize, first_column: usize, n_columns: usize) -> Vec<i128> {
        self.kinds.dense(kind, first_column, n_columns)
    }

    /// The sum of a group after the kinds in the base column, if there is one.
    pub fn base_sum(&self, group: usize) -> Option<i128> {
        let group = u32::try_from(group).ok()?;
        let idx = self.kinds.0.binary_search_by_key(&group, |sums| sums.group).ok()?;
        self.kinds.0.get(idx)?.values.dense(0, 1).first().copied()
    }

    /// The sums of everything that is in, in `n_columns` columns from `first_column` on.
    pub fn total(&self, first_column: usize, n_columns: usize) -> Vec<i128> {
        let mut total = vec![0; n_columns];
        for group in &self.books.0 {
            group.values.add_to(first_column, &mut total);
        }
        total
    }

    /// The columns in which some position has no value, in order, with the first such position.
    pub fn worthless(&self) -> &[(u32, u32)] {
        &self.worthless
    }

    /// The positions whose base values were recorded.
    pub fn positions(&self) -> &PositionValues {
        &self.positions
    }
}

impl Groups {
    fn merge(&mut self, other: Groups) {
        for theirs in other.0 {
            match self.0.binary_search_by_key(&theirs.group, |sums| sums.group) {
                Ok(idx) => self.0[idx].values.merge(theirs.values),
                Err(idx) => self.0.insert(idx, theirs),
            }
        }
    }

    fn dense(&self, group: usize, first_column: usize, n_columns: usize) -> Vec<i128> {
        let found = u32::try_from(group).ok().and_then(|group| {
            let idx = self.0.binary_search_by_key(&group, |sums| sums.group).ok()?;
            Some(self.0[idx].values.dense(first_column, n_columns))
        });
        found.unwrap_or_else(|| vec![0; n_columns])
    }
}

#[cfg(test)]
mod tests;
