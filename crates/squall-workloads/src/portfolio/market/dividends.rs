//! Cash dividends of an underlying.

use squall_core::workload::InputError;

use super::super::dates::years_between;
use super::super::table::iso_date;
use super::check::Checker;
use super::spec::{AssetClass, DividendSpec, Model, UnderlyingSpec};
use super::tenor_years;
use crate::reading::quoted;

/// Quarterly over the 200 years that anything may last, and some.
const MOST_DIVIDENDS: usize = 1_000;
const MOST_YEARS: f64 = 200.0;

/// Cash that one unit of an underlying pays.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dividend {
    /// ACT/365F years from the valuation date to the ex-date; above 0.
    pub years: f64,
    /// In the underlying's currency; above 0.
    pub amount: f64,
}

/// The dividends after the valuation date, in order of time.
pub(super) fn dividends(
    checker: &Checker<'_>,
    name: &str,
    underlying: &UnderlyingSpec,
) -> Result<Vec<Dividend>, InputError> {
    let path = format!("underlyings.{name}.dividends");
    let specs = &underlying.dividends;
    if !specs.is_empty() && !matches!(underlying.class, AssetClass::Equity | AssetClass::Index) {
        return Err(checker.error(&path, "is not for this class; only an equity or an index pays dividends"));
    }
    if !specs.is_empty() && underlying.model == Model::Normal {
        return Err(checker.error(&path, "is not for the model normal; write a dividend_yield"));
    }
    if specs.len() > MOST_DIVIDENDS {
        let problem = format!("has {} entries; expected at most {MOST_DIVIDENDS}", specs.len());
        return Err(checker.error(&path, problem));
    }
    let mut all = Vec::new();
    let mut before = f64::NEG_INFINITY;
    for (idx, spec) in specs.iter().enumerate() {
        let path = format!("{path}[{idx}]");
        let years = years(checker, &path, spec)?;
        let amount = checker.above_zero(&format!("{path}.amount"), spec.amount, "a dividend")?;
        if let Some(spot) = underlying.spot.filter(|spot| years > 0.0 && amount >= *spot) {
            let problem = format!(
                "{amount} is not below the spot of {spot}; write cash for one unit of the underlying, or a dividend_yield"
            );
            return Err(checker.error(&format!("{path}.amount"), problem));
        }
        if years <= before {
            let problem = "is not after the one before; write them in order of time, and those of one date as their sum";
            return Err(checker.error(&path, problem));
        }
        before = years;
        // The spot has fallen by those that are past.
        if years > 0.0 {
            all.push(Dividend { years, amount });
        }
    }
    Ok(all)
}

fn years(checker: &Checker<'_>, path: &str, spec: &DividendSpec) -> Result<f64, InputError> {
    match (&spec.date, &spec.tenor) {
        (Some(text), None) => {
            let date = iso_date(text).ok_or_else(|| {
                let problem = format!("{} is not a date; write it like 2026-12-31", quoted(text));
                checker.error(&format!("{path}.date"), problem)
            })?;
            let years = years_between(checker.valuation_date, date);
            if years > MOST_YEARS {
                let problem = format!("{date} is more than {MOST_YEARS} years after the valuation date");
                return Err(checker.error(&format!("{path}.date"), problem));
            }
            Ok(years)
        }
        (None, Some(tenor)) => tenor_years(tenor, checker.valuation_date)
            .map_err(|problem| checker.error(&format!("{path}.tenor"), problem)),
        _ => {
            let problem =
                "needs its ex-date, either as \"date\": \"2026-03-10\" or as \"tenor\": 0.5 or \"6M\"";
            Err(checker.error(path, problem))
        }
    }
}
