//! Looks up a factor by name; the error for an unknown one lists the known ones.

use squall_core::visible::shortened;
use squall_core::workload::InputError;

use crate::portfolio::shock::Factors;
use crate::portfolio::table::Table;
use crate::reading::{Complaints, quoted};

/// Most names that a message lists.
const MAX_LISTED: usize = 12;
/// Most characters of each.
const MAX_SHOWN_CHARS: usize = 60;
/// Names are compared over this many characters; real ones are shorter.
const MAX_COMPARED: usize = 64;

/// The row of the factor that `name` spells.
///
/// # Errors
/// What is wrong with the name, with the factors that the market has, the most similar first.
pub(super) fn find(factors: &Factors, name: &str) -> Result<usize, String> {
    factors.parse(name).ok_or_else(|| {
        if factors.0.is_empty() {
            return format!("unknown factor {}; the market has none", quoted(name));
        }
        let mut known: Vec<String> = factors.0.iter().map(ToString::to_string).collect();
        known.sort_by_cached_key(|other| distance(name, other));
        let rest = known.len().saturating_sub(MAX_LISTED);
        known.truncate(MAX_LISTED);
        let known: Vec<_> = known.iter().map(|name| shortened(name, MAX_SHOWN_CHARS)).collect();
        let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
        format!("unknown factor {}; the market has {}{more}", quoted(name), known.join(", "))
    })
}

/// The rows of the factors that columns name.
///
/// # Errors
/// Every name that is wrong, the first with the factors that the market has.
pub(super) fn of_columns(
    factors: &Factors,
    table: &Table,
    columns: &[&String],
) -> Result<Vec<usize>, InputError> {
    let mut complaints = Complaints::default();
    let mut are_listed = false;
    let mut found = Vec::with_capacity(columns.len());
    for name in columns {
        let factor_idx = find(factors, name).map_err(|problem| {
            let problem = match ["date", "scenario"].iter().find(|known| known.eq_ignore_ascii_case(name)) {
                Some(known) if known != *name => format!("unknown factor {}; write {known}", quoted(name)),
                _ if are_listed => format!("unknown factor {}", quoted(name)),
                _ => {
                    are_listed = true;
                    problem
                }
            };
            table.header_error(name, problem)
        });
        found.extend(complaints.take(factor_idx));
    }
    complaints.end().map(|()| found)
}

/// Levenshtein's edit distance, ignoring case.
fn distance(left: &str, right: &str) -> usize {
    let letters =
        |text: &str| text.chars().take(MAX_COMPARED).flat_map(char::to_lowercase).collect::<Vec<_>>();
    let (left, right) = (letters(left), letters(right));
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.iter().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, b) in right.iter().enumerate() {
            let substituted = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[right.len()]
}
