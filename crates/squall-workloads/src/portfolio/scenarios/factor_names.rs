//! Looks up a factor by name; the error for an unknown one lists the known ones.

use squall_core::visible::shortened;

use crate::portfolio::reading::quoted;
use crate::portfolio::shock::Factors;

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
