//! Books and kinds: their value, their risk alone, and what they contribute to the portfolio's.

use super::matrix::ScenarioPnl;
use crate::portfolio::labels::Labels;
use crate::portfolio::money::divide_rounded;
use crate::portfolio::partial::Partial;
use crate::portfolio::risk::{Tail, apportion, expected_shortfall_of, value_at_risk_of};

/// A book or a kind of contract. Money is in millionths of the report currency.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupRisk {
    /// The book's name, or the kind.
    pub name: String,
    /// How many positions it has.
    pub n_positions: usize,
    /// Its value today, once the whole portfolio's is in.
    pub base_value: Option<i128>,
    /// The change of its value by time alone until the scenarios' horizon, if positions age.
    pub ageing_pnl: Option<i128>,
    /// P&L in the portfolio's worst scenario.
    pub worst_pnl: Option<i128>,
    /// Its own value at risk.
    pub value_at_risk: Option<i128>,
    /// Its own expected shortfall.
    pub expected_shortfall: Option<i128>,
    /// Its part of the portfolio's expected shortfall; the parts add up to the last millionth.
    pub contribution: Option<i128>,
    /// The contribution as a share of the portfolio's expected shortfall, six decimals.
    pub share: Option<f64>,
}

/// The books, at the level of `tail`.
pub(super) fn books(
    labels: &Labels,
    partial: &Partial,
    pnl: &ScenarioPnl,
    tail: Option<&Tail>,
    worst: Option<usize>,
) -> Vec<GroupRisk> {
    let sizes = sizes(labels.books.len(), labels.positions.iter().map(|position| position.book));
    let names = labels.books.iter().cloned().zip(sizes);
    groups(names, |group, first, n| partial.book(group, first, n), pnl, tail, worst)
}

/// The kinds, at the level of `tail`.
pub(super) fn kinds(
    labels: &Labels,
    partial: &Partial,
    pnl: &ScenarioPnl,
    tail: Option<&Tail>,
    worst: Option<usize>,
) -> Vec<GroupRisk> {
    let sizes = sizes(labels.kinds.len(), labels.positions.iter().map(|position| position.kind));
    let names = labels.kinds.iter().map(|name| (*name).to_owned()).zip(sizes);
    groups(names, |group, first, n| partial.kind(group, first, n), pnl, tail, worst)
}

fn sizes(n_groups: usize, groups: impl Iterator<Item = u32>) -> Vec<usize> {
    let mut sizes = vec![0; n_groups];
    for group in groups {
        if let Some(size) = sizes.get_mut(group as usize) {
            *size += 1;
        }
    }
    sizes
}

fn groups(
    names: impl Iterator<Item = (String, usize)>,
    values: impl Fn(usize, usize, usize) -> Vec<i128>,
    pnl: &ScenarioPnl,
    tail: Option<&Tail>,
    worst: Option<usize>,
) -> Vec<GroupRisk> {
    let mut losses = Vec::new();
    let mut rows = Vec::new();
    for (group, (name, n_positions)) in names.enumerate() {
        let group_pnl = pnl.of_group(|first, n| values(group, first, n));
        losses.push(tail.map_or(0, |tail| tail.weighted_loss(&group_pnl)));
        rows.push(GroupRisk {
            name,
            n_positions,
            base_value: pnl.base_value.map(|_| values(group, 0, 1)[0]),
            ageing_pnl: pnl.ageing_of_group(|first, n| values(group, first, n)),
            worst_pnl: worst.and_then(|idx| group_pnl.get(idx)).copied(),
            value_at_risk: tail.and_then(|tail| value_at_risk_of(&group_pnl, pnl.weights(), tail.level())),
            expected_shortfall: tail
                .and_then(|tail| expected_shortfall_of(&group_pnl, pnl.weights(), tail.level())),
            contribution: None,
            share: None,
        });
    }
    if let Some(tail) = tail {
        let whole = divide_rounded(tail.weighted_loss(&pnl.total), tail.total_weight());
        for (row, contribution) in rows.iter_mut().zip(apportion(&losses, tail.total_weight(), whole)) {
            row.contribution = Some(contribution);
            row.share = share(contribution, whole);
        }
    }
    rows
}

#[expect(clippy::cast_precision_loss, reason = "a share has six decimals")]
fn share(part: i128, whole: i128) -> Option<f64> {
    (whole != 0).then(|| (part as f64 / whole as f64 * 1e6).round_ties_even() / 1e6)
}
