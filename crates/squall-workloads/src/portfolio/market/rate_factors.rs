//! The factors that move rates besides the parallel one of each currency: shocks by tenor, and the spread of a curve.

use std::collections::BTreeSet;

use squall_core::workload::InputError;

use super::check::Checker;
use super::spec::Tenor;
use super::tenor_years;
use crate::reading::{check_name, quoted};

/// A curve has no more points of its own than this that anybody watches.
const MAX_KEY_TENORS: usize = 60;
/// Years: a day.
const SHORTEST_KEY_TENOR: f64 = 1.0 / 366.0;

/// A tenor whose rates have a factor of their own: at it they move by the whole shock, and by less up to the tenors beside it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KeyTenor {
    /// Years from the valuation date, above 0.
    pub years: f64,
    /// Index of the factor, such as `rate:USD:5Y`.
    pub factor: usize,
}

/// How much each of a currency's key tenors moves its zero rates at `years`: at most two, with weights that add up to 1. Linear between two
/// tenors, flat outside, so that the same shock of all is a parallel one.
pub fn shares(tenors: &[KeyTenor], years: f64) -> [Option<(usize, f64)>; 2] {
    let after = tenors.partition_point(|tenor| tenor.years < years);
    let left = after.checked_sub(1).and_then(|before| Some((before, tenors.get(before)?)));
    let right = tenors.get(after).map(|tenor| (after, tenor));
    match (left, right) {
        (Some((left_idx, left)), Some((right_idx, right))) => {
            let share = (years - left.years) / (right.years - left.years);
            [(share < 1.0).then_some((left_idx, 1.0 - share)), Some((right_idx, share))]
        }
        (Some((only, _)), None) | (None, Some((only, _))) => [Some((only, 1.0)), None],
        (None, None) => [None, None],
    }
}

/// Years and the factor's name after `rate:`, in order of time.
type NamedTenors = Vec<(f64, String)>;

impl Checker<'_> {
    /// The key tenors of each currency of `with_curve`.
    pub(super) fn key_tenors(
        &self,
        with_curve: &BTreeSet<&str>,
    ) -> Result<Vec<(String, NamedTenors)>, InputError> {
        let mut all = Vec::new();
        for (code, tenors) in &self.spec.key_tenors {
            let path = format!("key_tenors.{code}");
            if !with_curve.contains(code.as_str()) {
                return Err(self.error(&path, format!("there is no curve in {}", quoted(code))));
            }
            if tenors.len() > MAX_KEY_TENORS {
                let problem = format!("has {} tenors; expected at most {MAX_KEY_TENORS}", tenors.len());
                return Err(self.error(&path, problem));
            }
            let mut named: NamedTenors = Vec::new();
            for (idx, tenor) in tenors.iter().enumerate() {
                let years = tenor_years(tenor, self.valuation_date)
                    .map_err(|problem| self.error(&format!("{path}[{idx}]"), problem))?;
                if years < SHORTEST_KEY_TENOR {
                    let problem = format!("{years} years; a key tenor is a day at least");
                    return Err(self.error(&format!("{path}[{idx}]"), problem));
                }
                let text = match tenor {
                    Tenor::Years(years) => years.to_string(),
                    Tenor::Calendar(text) => text.clone(),
                };
                named.push((years, format!("{code}:{text}")));
            }
            let years: Vec<f64> = named.iter().map(|(years, _)| *years).collect();
            self.ascending(&path, &years)?;
            all.push((code.clone(), named));
        }
        Ok(all)
    }

    /// The curves with a spread of their own, in alphabetical order.
    pub(super) fn spreads(&self) -> Result<Vec<String>, InputError> {
        let mut names = BTreeSet::new();
        for (idx, name) in self.spec.spreads.iter().enumerate() {
            let path = format!("spreads[{idx}]");
            check_name(name).map_err(|problem| self.error(&path, problem))?;
            if !self.spec.curves.contains_key(name) {
                return Err(self.error(&path, format!("there is no curve {}", quoted(name))));
            }
            if !names.insert(name.clone()) {
                return Err(self.error(&path, format!("{} is there twice", quoted(name))));
            }
        }
        Ok(names.into_iter().collect())
    }
}
