//! What is said of a job before anything is computed.

use crate::portfolio::labels::{Labels, Unmoved};
use crate::portfolio::money::{Micros, separated};
use crate::portfolio::partial::Partial;
use crate::portfolio::scenarios::{LargeChange, ScenarioSet, number_text, shock_text};

/// Factors that a line names.
const SHOWN: usize = 8;
/// Decimals of a change.
const DECIMALS: usize = 2;

/// Lines about the input: what can hardly be meant, the largest changes of a history, what no scenario moves, with the base values that hang
/// on it if `base`, the sums of the base column, is given.
pub fn notes(labels: &Labels, scenarios: &ScenarioSet, base: Option<&Partial>) -> Vec<String> {
    let mut lines = labels.notes.clone();
    let largest: Vec<String> = scenarios.review().largest.iter().map(large_change).collect();
    if !largest.is_empty() {
        lines.push(format!("largest daily changes of the history: {}", largest.join(", ")));
    }
    if !labels.unmoved.is_empty() {
        let value = |idx: usize| base.and_then(|base| base.base_sum(labels.kinds.len() + idx));
        let text = |idx: usize| {
            value(idx).map(|value| format!(", {} {}", Micros(value).grouped(1, 2), labels.report_currency))
        };
        let unmoved = labels.unmoved.iter().enumerate().map(|(idx, it)| (it, text(idx).unwrap_or_default()));
        lines.push(format!("not moved {}", not_moved(unmoved.collect())));
    }
    lines
}

/// `by any scenario: spot:ACME (2 positions, 1,000), vol:ACME (1 position, 2)`: the factors of most positions first, each with a text.
pub(super) fn not_moved(mut unmoved: Vec<(&Unmoved, String)>) -> String {
    unmoved.sort_by_key(|(it, _)| std::cmp::Reverse(it.n_positions));
    let positions = |n: usize| match n {
        1 => "1 position".to_owned(),
        n => format!("{} positions", separated(n as u128)),
    };
    let shown: Vec<String> = unmoved
        .iter()
        .take(SHOWN)
        .map(|(it, text)| format!("{} ({}{text})", it.factor, positions(it.n_positions)))
        .collect();
    let more = match unmoved.len().saturating_sub(SHOWN) {
        0 => String::new(),
        1 => " and 1 more factor".to_owned(),
        n => format!(" and {n} more factors"),
    };
    format!("by any scenario: {}{more}", shown.join(", "))
}

/// `-74.15%`, or a price's change in its own units.
pub(super) fn change_text(change: &LargeChange) -> String {
    match change.is_in_units {
        true => number_text(change.change, DECIMALS),
        false => shock_text(&change.factor, change.change, DECIMALS),
    }
}

fn large_change(change: &LargeChange) -> String {
    let text = change_text(change);
    format!("{} {text} on {} ({:.1} standard deviations)", change.factor, change.date, change.deviations)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portfolio::shock::Factor;

    #[test]
    fn factors_beyond_eight_are_counted() {
        let told = |n: usize| {
            let factor = |idx: usize| Unmoved {
                factor: Factor::Rate(format!("C{idx}")),
                factor_idx: idx,
                n_positions: 1,
            };
            let all: Vec<Unmoved> = (0..n).map(factor).collect();
            not_moved(all.iter().map(|it| (it, String::new())).collect())
        };
        assert!(told(8).ends_with("rate:C7 (1 position)"));
        assert!(told(9).ends_with(" and 1 more factor"));
        assert!(told(10).ends_with(" and 2 more factors"));
    }
}
