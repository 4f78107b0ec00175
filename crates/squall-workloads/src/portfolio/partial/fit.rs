//! Whether sums can be the value of a slice.

use std::ops::Range;

use super::runs::Runs;
use super::{Groups, Partial};

/// The shape of a slice's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// The slice's columns.
    pub columns: Range<usize>,
    /// Its positions.
    pub positions: Range<usize>,
    /// How many positions are in, for each of its columns.
    pub n_positions: Vec<u64>,
    /// How many books the portfolio has.
    pub n_books: usize,
    /// How many kinds of contract.
    pub n_kinds: usize,
    /// Whether positions have values of their own.
    pub has_positions: bool,
}

impl Partial {
    /// Checks that these can be the sums of a slice: of its columns, its positions and no others.
    ///
    /// # Errors
    /// What is not of the slice.
    pub fn check(&self, expected: &Expected) -> Result<(), String> {
        let Expected { columns, positions, n_positions, n_books, n_kinds, has_positions } = expected;
        let in_columns = |column: u32| columns.contains(&(column as usize));
        let in_positions = |position: u32| positions.contains(&(position as usize));
        let ascends = self.worthless.is_sorted_by(|(one, _), (next, _)| one < next);
        let is_ours = |(column, position): &(u32, u32)| in_columns(*column) && in_positions(*position);
        if !ascends || !self.worthless.iter().all(is_ours) {
            return Err("it leaves out columns that are not of its slice".to_owned());
        }
        let found = self.n_positions(columns.start, columns.len());
        let mut worthless = self.worthless.iter().map(|(column, _)| *column as usize).peekable();
        for (column, (found, expected)) in columns.clone().zip(found.iter().zip(n_positions)) {
            let is_left_out = worthless.next_if_eq(&column).is_some();
            if if is_left_out { found >= expected } else { found != expected } {
                return Err(format!("it has {found} of {expected} positions in column {column}"));
            }
        }
        let fits = |groups: &Groups, n: usize| groups.are_of(n, columns);
        if !self.n_positions.lies_in(columns) || !fits(&self.books, *n_books) || !fits(&self.kinds, *n_kinds)
        {
            return Err("it has sums that are not of its slice".to_owned());
        }
        let mut last = None;
        for (position, _) in self.positions.iter() {
            if !has_positions || !in_positions(position) || last.is_some_and(|last| last >= position) {
                return Err("it has values of positions that are not of its slice".to_owned());
            }
            last = Some(position);
        }
        Ok(())
    }
}

impl Groups {
    /// Whether these are sums of the first `n` groups, in order, in these columns.
    fn are_of(&self, n: usize, columns: &Range<usize>) -> bool {
        self.0.is_sorted_by(|one, next| one.group < next.group)
            && self.0.iter().all(|sums| (sums.group as usize) < n && sums.values.lies_in(columns))
    }
}

impl<T> Runs<T> {
    fn lies_in(&self, columns: &Range<usize>) -> bool {
        self.ends().is_none_or(|(start, end)| columns.start <= start && end <= columns.end)
    }
}
