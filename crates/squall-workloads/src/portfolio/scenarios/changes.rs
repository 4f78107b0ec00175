//! How the changes of a spot price are meant: relative, or in units of the price.

use std::collections::BTreeMap;

use serde::Deserialize;
use squall_core::workload::InputError;

use super::basis::Basis;
use super::factor_names;
use crate::portfolio::shock::Factor;

/// How the changes of a factor are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// As a share of the price.
    Relative,
    /// In units of the price; levels may then be negative.
    Absolute,
}

/// The factors whose changes are in units of a price, each with what a unit is as a shock.
#[derive(Debug, Clone, Default)]
pub(super) struct Absolute {
    /// Spots whose changes are said to be.
    spots: BTreeMap<usize, f64>,
    /// Volatilities of normal prices, which have no others.
    vols: BTreeMap<usize, f64>,
}

impl Absolute {
    /// Checks the `changes` of the input at `place`.
    pub(super) fn new(
        place: &str,
        changes: &BTreeMap<String, Change>,
        basis: &Basis<'_>,
    ) -> Result<Self, InputError> {
        let mut absolute = BTreeMap::new();
        for (name, change) in changes {
            let error = |problem: String| InputError::new(format!("{place}.changes.{name}"), problem);
            let factor_idx = factor_names::find(basis.factors, name).map_err(error)?;
            match (&basis.factors.0[factor_idx], change) {
                (factor @ Factor::Spot(_), Change::Relative) if basis.scale(factor_idx).is_some() => {
                    return Err(error(no_shares(factor)));
                }
                (Factor::Spot(_) | Factor::Fx(_), Change::Relative) => {}
                (Factor::Spot(_), Change::Absolute) => {
                    match (basis.scale(factor_idx), basis.price(factor_idx)) {
                        (Some(scale), _) => drop(absolute.insert(factor_idx, 1.0 / scale)),
                        (None, Some(price)) if price > 0.0 => drop(absolute.insert(factor_idx, 1.0 / price)),
                        _ => return Err(error("the market has no price of it".to_owned())),
                    }
                }
                (Factor::Fx(_), Change::Absolute) => {
                    return Err(error("an exchange rate has relative changes only; leave it out".to_owned()));
                }
                _ => return Err(error("its changes are absolute in any case; leave it out".to_owned())),
            }
        }
        let is_vol = |idx: &usize| matches!(basis.factors.0.get(*idx), Some(Factor::Vol(_)));
        let vols = (0..basis.scales.len()).filter(is_vol);
        let vols = vols.filter_map(|idx| Some((idx, 1.0 / basis.scale(idx)?))).collect();
        Ok(Self { spots: absolute, vols })
    }

    /// What a unit of a factor's changes is as a shock, if they are in units of its price.
    pub(super) fn unit(&self, factor_idx: usize) -> Option<f64> {
        self.spots.get(&factor_idx).or_else(|| self.vols.get(&factor_idx)).copied()
    }

    /// The first factor that is not among `used`.
    pub(super) fn unused(&self, used: &[usize]) -> Option<usize> {
        self.spots.keys().copied().find(|factor_idx| !used.contains(factor_idx))
    }
}

/// Checks that each factor of `changes` is one of those that the scenarios move, and that no normal price is moved by shares of it.
pub(super) fn check_used(
    place: &str,
    absolute: &Absolute,
    used: &[usize],
    basis: &Basis<'_>,
) -> Result<(), InputError> {
    let by_shares = |idx: &&usize| basis.scale(**idx).is_some() && absolute.unit(**idx).is_none();
    if let Some(factor) = used.iter().find(by_shares).and_then(|idx| basis.factors.0.get(*idx)) {
        return Err(InputError::new(place, no_shares(factor)));
    }
    match absolute.unused(used).and_then(|idx| basis.factors.0.get(idx)) {
        None => Ok(()),
        Some(factor) => {
            let place = format!("{place}.changes.{factor}");
            Err(InputError::new(place, "these scenarios do not move it; leave it out"))
        }
    }
}

fn no_shares(factor: &Factor) -> String {
    format!(
        "{factor} has the model normal, so it has no relative changes; give them in units of the price, with \"changes\": \
         {{\"{factor}\": \"absolute\"}}"
    )
}
