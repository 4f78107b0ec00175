//! Text tables: columns that line up.

use std::fmt::{self, Write};

/// Rows of cells. The first column is flush left, the others flush right unless listed.
#[derive(Debug, Clone, Default)]
pub(super) struct Columnar {
    rows: Vec<Vec<String>>,
    left: Vec<usize>,
}

impl Columnar {
    /// A table with a header; columns in `left` are set flush left like the first.
    pub(super) fn new(header: &[&str], left: &[usize]) -> Self {
        let header = header.iter().map(|cell| (*cell).to_owned()).collect();
        let left = std::iter::once(0).chain(left.iter().copied()).collect();
        Self { rows: vec![header], left }
    }

    /// Sets the first column flush right, too.
    pub(super) fn flush_right(mut self) -> Self {
        self.left.retain(|column| *column != 0);
        self
    }

    /// Adds a row.
    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Drops the columns in which no row but the header has anything.
    pub(super) fn without_empty_columns(mut self) -> Self {
        let n_columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        for column in (1..n_columns).rev() {
            let is_empty = |row: &Vec<String>| row.get(column).is_none_or(String::is_empty);
            if self.rows.iter().skip(1).all(is_empty) {
                self.rows.iter_mut().filter(|row| column < row.len()).for_each(|row| {
                    row.remove(column);
                });
                self.left.retain(|left| *left != column);
                self.left.iter_mut().filter(|left| **left > column).for_each(|left| *left -= 1);
            }
        }
        self
    }
}

impl fmt::Display for Columnar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n_columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width_of = |column: usize| {
            self.rows
                .iter()
                .filter_map(|row| row.get(column))
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or(0)
        };
        let widths: Vec<usize> = (0..n_columns).map(width_of).collect();
        for row in &self.rows {
            let mut line = String::new();
            for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
                line.push_str("  ");
                if self.left.contains(&column) {
                    write!(line, "{cell:<width$}")?;
                } else {
                    write!(line, "{cell:>width$}")?;
                }
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}
