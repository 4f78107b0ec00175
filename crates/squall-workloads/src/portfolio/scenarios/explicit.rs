//! Scenarios written out in a CSV: a column `scenario` (optional) and one column for each factor.

use squall_core::sources::Files;
use squall_core::workload::InputError;

use super::basis::Basis;
use super::changes::{Absolute, check_used};
use super::review::{MOST_NOTES, Review, unlikely_shock};
use super::{
    ExplicitInput, Listed, Made, PLACE, Source, as_given, check_count, check_shock, counted, csv_bytes,
    factor_names, is_relative, most_in_units,
};
use crate::portfolio::table::{Row, Table};
use crate::reading::{Complaints, bounded, check_name};

const LABEL: &str = "scenario";

pub(super) fn prepare(input: &ExplicitInput, basis: &Basis<'_>, files: &Files) -> Result<Made, InputError> {
    let (name, bytes) = csv_bytes(PLACE, input.file.as_ref(), input.csv.as_ref(), files)?;
    let table = Table::parse(&name, bytes)?;
    check_count(table.rows().len())?;
    let columns: Vec<&String> = table.header().iter().filter(|column| *column != LABEL).collect();
    if columns.is_empty() {
        return Err(table.header_error("", "no column names a factor; name at least one, like spot:SPX"));
    }
    let mut complaints = Complaints::default();
    let labels: Vec<String> = if table.has(LABEL) {
        table.check_unique(LABEL)?;
        let label = |row: Row<'_>| {
            let text = row.text(LABEL)?;
            check_name(text).map_err(|problem| row.error(LABEL, problem))?;
            Ok::<_, InputError>(text.to_owned())
        };
        let labels: Vec<Option<String>> = table.rows().map(|row| complaints.take(label(row))).collect();
        labels.into_iter().flatten().collect()
    } else {
        (1..=table.rows().len()).map(|row| format!("row {row}")).collect()
    };
    let absolute = Absolute::new(PLACE, &input.changes, basis)?;
    let mut shocks: Vec<(usize, Vec<f64>)> = Vec::with_capacity(columns.len());
    let mut notes = Vec::new();
    for (column, factor_idx) in columns.iter().zip(factor_names::of_columns(basis.factors, &table, &columns)?)
    {
        let (factor, unit) = (&basis.factors.0[factor_idx], absolute.unit(factor_idx));
        let is_relative = is_relative(factor) && unit.is_none();
        let mut column_shocks = Vec::with_capacity(labels.len());
        for row in table.rows() {
            let shock = row.number(column).and_then(|cell| {
                let shock = unit.map_or(cell, |unit| cell * unit);
                check_shock(factor, shock, is_relative, basis.limits)
                    .map_err(|e| {
                        row.error(column, as_given(cell, (unit, most_in_units(basis, factor_idx)), e))
                    })
                    .map(|()| shock)
            });
            column_shocks.extend(complaints.take(shock));
        }
        notes.extend(unlikely_shock(factor, &column_shocks, basis.scale(factor_idx)));
        shocks.push((factor_idx, column_shocks));
    }
    complaints.end()?;
    let used: Vec<usize> = shocks.iter().map(|(factor_idx, _)| *factor_idx).collect();
    check_used(PLACE, &absolute, &used, basis)?;
    Ok(Made {
        about: counted(labels.len(), "given scenario"),
        source: Source::Listed(Listed { is_history: false, labels, weights: None, shocks }),
        review: Review { notes: bounded(notes, MOST_NOTES), ..Review::default() },
    })
}
