//! The P&L vector as CSV: a row for each scenario.

use std::io;

use super::matrix::{is_whole, whole_column};
use crate::portfolio::columns::Columns;
use crate::portfolio::labels::Labels;
use crate::portfolio::money::Micros;
use crate::portfolio::partial::Partial;

/// Scenarios whose sums are in memory at once, as dense numbers.
const AT_ONCE: usize = 4_096;

/// Writes `scenario,label,pnl` and a column for each book's P&L, in the report currency with six decimals. Amounts are empty in scenarios
/// that are not fully revalued. If the scenarios are not equally likely, a last column `probability` says how likely each is.
///
/// # Errors
/// When `out` fails.
pub fn write_rows(
    labels: &Labels,
    columns: &Columns,
    partial: Option<&Partial>,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let nothing = Partial::default();
    let partial = partial.unwrap_or(&nothing);
    let scenarios = columns.scenarios();
    let mut csv = csv::Writer::from_writer(out);
    let all: Vec<usize> = (0..scenarios.count()).collect();
    let weights = scenarios.weights(&all);
    let total_weight = weights.iter().flatten().sum::<u64>();
    let books = labels.books.iter().map(|book| format!("pnl of {book}"));
    let books = books.chain(weights.is_some().then(|| "probability".to_owned()));
    csv.write_record(["scenario", "label", "pnl"].map(str::to_owned).into_iter().chain(books))?;
    let base = whole_column(labels, partial, 0);
    let base_of = |book: usize| partial.book(book, 0, 1).first().copied().unwrap_or(0);
    let bases: Vec<i128> = (0..labels.books.len()).map(base_of).collect();
    for first in (0..scenarios.count()).step_by(AT_ONCE) {
        let n = AT_ONCE.min(scenarios.count() - first);
        let column = columns.first_scenario() + first;
        let (total, n_positions) = (partial.total(column, n), partial.n_positions(column, n));
        let of_books: Vec<Vec<i128>> = (0..bases.len()).map(|book| partial.book(book, column, n)).collect();
        for (idx, (total, n_positions)) in total.into_iter().zip(n_positions).enumerate() {
            let base = base.filter(|_| is_whole(labels, n_positions));
            let amount = |value: i128, from: i128| match base {
                Some(_) => Micros(value.wrapping_sub(from)).to_string(),
                None => String::new(),
            };
            let of_books = of_books
                .iter()
                .zip(&bases)
                .map(|(values, from)| amount(values.get(idx).copied().unwrap_or(0), *from));
            let scenario = first + idx;
            let row = [scenario.to_string(), scenarios.label(scenario), amount(total, base.unwrap_or(0))];
            let probability = weights.as_ref().map(|it| share(it.get(scenario).copied(), total_weight));
            csv.write_record(row.into_iter().chain(of_books).chain(probability))?;
        }
    }
    csv.flush()
}

#[expect(clippy::cast_precision_loss, reason = "a probability has its digits")]
fn share(weight: Option<u64>, total: u64) -> String {
    (weight.unwrap_or(0) as f64 / total.max(1) as f64).to_string()
}
