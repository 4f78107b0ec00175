//! Summing a rectangle of the valuation matrix, position by position.

use std::collections::BTreeMap;

use super::runs::Runs;
use super::{GroupSums, Groups, Partial, PositionValue, PositionValues};
use crate::portfolio::money::micros;

/// Values below this many millionths are rounded by adding and subtracting 1.5 × 2^52, which rounds ties to even and
/// vectorises everywhere.
const SMALL_MICROS: f64 = 2_251_799_813_685_248.0;
const ROUND: f64 = 6_755_399_441_055_744.0;
/// This many small values still add up in 64 bits.
const MOST_PENDING: u32 = 4_096;

/// Sums a rectangle of the matrix, position by position.
#[derive(Debug, Clone)]
pub struct SliceSums {
    first_column: u32,
    n_columns: usize,
    n_positions: u64,
    /// By book and kind.
    cells: BTreeMap<(u32, u32), Cell>,
    positions: PositionValues,
    /// By group after the kinds: sums of the base column.
    base_sums: BTreeMap<u32, i128>,
    /// By column of the rectangle: how many positions have no value there, and the first of them.
    worthless: BTreeMap<usize, (u64, u32)>,
}

/// The sums of one book's positions of one kind: the recent small ones apart, in 64 bits.
#[derive(Debug, Clone)]
struct Cell {
    sums: Vec<i128>,
    pending: Vec<i64>,
    n_pending: u32,
}

impl Cell {
    fn new(n_columns: usize) -> Self {
        Self { sums: vec![0; n_columns], pending: vec![0; n_columns], n_pending: 0 }
    }

    fn settle(&mut self) {
        if self.n_pending > 0 {
            for (sum, pending) in self.sums.iter_mut().zip(&mut self.pending) {
                *sum = sum.wrapping_add(i128::from(*pending));
                *pending = 0;
            }
            self.n_pending = 0;
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "whole, and below 2^51 in size")]
    fn add_small(&mut self, first: usize, values: &[f64]) {
        for (pending, value) in self.pending[first..].iter_mut().zip(values) {
            *pending += ((value * 1e6 + ROUND) - ROUND) as i64;
        }
    }

    fn add_any(&mut self, first: usize, values: &[f64]) -> Result<(), usize> {
        for (idx, value) in values.iter().enumerate() {
            let value = micros(*value).ok_or(idx)?;
            self.sums[first + idx] = self.sums[first + idx].wrapping_add(value);
        }
        Ok(())
    }
}

impl SliceSums {
    /// Nothing yet, in `n_columns` columns from `first_column` on.
    pub fn new(first_column: u32, n_columns: usize) -> Self {
        let (cells, positions) = (BTreeMap::new(), PositionValues::default());
        let (base_sums, worthless) = (BTreeMap::new(), BTreeMap::new());
        Self { first_column, n_columns, n_positions: 0, cells, positions, base_sums, worthless }
    }

    /// Adds a position's values, in units of the report currency, in the columns from the `first` of the rectangle on;
    /// each is rounded to whole millionths, ties to even. A position that comes in several parts is counted with the
    /// one at 0.
    ///
    /// # Errors
    /// The index of a value that is not finite or too large, or that lies outside the rectangle; the sums are then of
    /// no use.
    pub fn add(&mut self, book: u32, kind: u32, first: usize, values: &[f64]) -> Result<(), usize> {
        let room = self.n_columns.saturating_sub(first);
        if values.len() > room {
            return Err(room);
        }
        self.n_positions += u64::from(first == 0);
        let n_columns = self.n_columns;
        let cell = self.cells.entry((book, kind)).or_insert_with(|| Cell::new(n_columns));
        // Without an early exit, so that it vectorises: nearly always all are.
        let all_small = values.iter().fold(true, |all, value| all & ((value * 1e6).abs() < SMALL_MICROS));
        if !all_small {
            return cell.add_any(first, values);
        }
        if cell.n_pending == MOST_PENDING {
            cell.settle();
        }
        cell.n_pending += 1;
        cell.add_small(first, values);
        Ok(())
    }

    /// Records that a position has no value in a column of the rectangle; what is added there for it must be 0.
    pub fn note_worthless(&mut self, column: usize, position_idx: u32) {
        let (n_positions, first) = self.worthless.entry(column).or_insert((0, position_idx));
        *n_positions += 1;
        *first = position_idx.min(*first);
    }

    /// Adds a position's values in every column of the rectangle, in whole millionths.
    pub fn add_micros(&mut self, book: u32, kind: u32, values: &[i128]) {
        self.n_positions += 1;
        let n_columns = self.n_columns;
        let cell = self.cells.entry((book, kind)).or_insert_with(|| Cell::new(n_columns));
        cell.sums.iter_mut().zip(values).for_each(|(sum, value)| *sum = sum.wrapping_add(*value));
    }

    /// Adds a position's base value to a sum of its own, whose number is above every kind's. Only for rectangles that begin with the base.
    pub fn add_base(&mut self, group: u32, value: i128) {
        let sum = self.base_sums.entry(group).or_insert(0);
        *sum = sum.wrapping_add(value);
    }

    /// Records a position's value in the base column; cheapest in the order of the positions.
    pub fn note_position(&mut self, position_idx: u32, value: PositionValue) {
        self.positions.merge(PositionValues::of(position_idx, value));
    }

    /// The sums.
    pub fn finish(self) -> Partial {
        if self.n_positions == 0 || self.n_columns == 0 {
            return Partial { positions: self.positions, ..Partial::default() };
        }
        let mut books = BTreeMap::<u32, Vec<i128>>::new();
        let mut kinds = BTreeMap::<u32, Vec<i128>>::new();
        for ((book, kind), mut cell) in self.cells {
            cell.settle();
            for (groups, group) in [(&mut books, book), (&mut kinds, kind)] {
                match groups.get_mut(&group) {
                    None => drop(groups.insert(group, cell.sums.clone())),
                    Some(sums) => {
                        sums.iter_mut().zip(&cell.sums).for_each(|(sum, it)| *sum = sum.wrapping_add(*it));
                    }
                }
            }
        }
        let first_column = self.first_column;
        let mut n_positions = vec![self.n_positions; self.n_columns];
        let mut worthless = Vec::with_capacity(self.worthless.len());
        for (column, (n_worthless, position_idx)) in self.worthless {
            if let Some(n) = n_positions.get_mut(column) {
                *n = n.saturating_sub(n_worthless);
            }
            let column = u32::try_from(column).unwrap_or(u32::MAX);
            worthless.push((first_column.saturating_add(column), position_idx));
        }
        let groups = |sums: BTreeMap<u32, Vec<i128>>| {
            let group = |(group, values)| GroupSums { group, values: Runs::of(first_column, values) };
            Groups(sums.into_iter().map(group).collect())
        };
        let (books, mut kinds) = (groups(books), groups(kinds));
        let base_sum = |(group, sum)| GroupSums { group, values: Runs::of(0, vec![sum]) };
        kinds.0.extend(self.base_sums.into_iter().map(base_sum));
        Partial {
            n_positions: Runs::of(first_column, n_positions),
            books,
            kinds,
            positions: self.positions,
            worthless,
        }
    }
}
