//! Reads bonds and swaps.

use chrono::NaiveDate;
use squall_core::workload::InputError;

use super::super::dates::{DayCount, Frequency, periods_after};
use super::super::market::Market;
use super::super::rates::{CashFlow, FixedLeg, Fixing, Swap, zero_bond};
use super::super::reading::quoted;
use super::super::table::Row;
use super::fields::{above_zero, future_date, rate, word, years};
use super::kind::Kind;

/// Reads the cash flows of a bond or swap in the currency with index `currency`.
pub(super) fn read(
    row: Row<'_>,
    kind: Kind,
    currency: usize,
    market: &Market,
) -> Result<Vec<CashFlow>, InputError> {
    let own = curve(row, currency, market)?;
    let curve = market
        .curve(own)
        .map(|curve| &curve.zero)
        .ok_or_else(|| row.error("curve", "is not in the market"))?;
    let valuation_date = market.valuation_date();
    if kind == Kind::ZeroBond {
        let face = above_zero(row, "face")?;
        let text = row.text("maturity")?;
        let years = years(row, "maturity", text, valuation_date)?;
        if years == 0.0 {
            return Err(row.error(
                "maturity",
                format!("{} must be after the valuation date {valuation_date}", quoted(text)),
            ));
        }
        return Ok(zero_bond(face, years, curve));
    }
    let (amount, interest) = if kind == Kind::Swap { ("notional", "fixed_rate") } else { ("face", "coupon") };
    let leg = FixedLeg {
        notional: above_zero(row, amount)?,
        rate: rate(row, interest)?,
        frequency: word(row, "frequency", &Frequency::NAMES)?,
        day_count: word(row, "day_count", &DayCount::NAMES)?,
        start: row.optional_date("start")?,
        maturity: future_date(row, "maturity", valuation_date)?,
    };
    if let Some(start) = leg.start
        && start >= leg.maturity
    {
        return Err(row.error("start", format!("{start} must be before the maturity {}", leg.maturity)));
    }
    if kind == Kind::Swap {
        let pays_fixed = word(row, "fixed_leg", &[("pay", true), ("receive", false)])?;
        let swap = Swap { fixed: leg, pays_fixed, fixing: fixing(row, &leg, valuation_date)? };
        Ok(swap.cash_flows(valuation_date, curve))
    } else {
        Ok(leg.bond(valuation_date, curve))
    }
}

fn fixing(row: Row<'_>, fixed: &FixedLeg, valuation_date: NaiveDate) -> Result<Option<Fixing>, InputError> {
    let frequency = row.optional_text("floating_frequency");
    let day_count = row.optional_text("floating_day_count");
    if row.optional_text("current_fixing").is_none() {
        if let Some(text) = day_count {
            let problem = format!("{} must be empty without a current_fixing", quoted(text));
            return Err(row.error("floating_day_count", problem));
        }
        // What has accrued since the last reset is nobody's guess: without its rate the swap would be off by all of it.
        let floating = match frequency {
            Some(_) => word(row, "floating_frequency", &Frequency::NAMES)?,
            None => fixed.frequency,
        };
        let running = periods_after(valuation_date, fixed.start, fixed.maturity, floating).into_iter().next();
        if let Some(period) = running.filter(|period| period.start < valuation_date) {
            let problem = format!(
                "is empty; the floating period that began on {} runs on the valuation date {valuation_date}: write its rate, or the \
                 floating_frequency if that is another than the fixed leg's",
                period.start
            );
            return Err(row.error("current_fixing", problem));
        }
        return Ok(None);
    }
    if fixed.start.is_some_and(|start| start > valuation_date) {
        let problem = format!("must be empty; the swap starts after the valuation date {valuation_date}");
        return Err(row.error("current_fixing", problem));
    }
    Ok(Some(Fixing {
        rate: rate(row, "current_fixing")?,
        frequency: match frequency {
            Some(_) => word(row, "floating_frequency", &Frequency::NAMES)?,
            None => fixed.frequency,
        },
        day_count: match day_count {
            Some(_) => word(row, "floating_day_count", &DayCount::NAMES)?,
            None => fixed.day_count,
        },
    }))
}

/// The index of the curve that discounts a bond or swap in the currency with index `currency`.
pub(super) fn curve(row: Row<'_>, currency: usize, market: &Market) -> Result<usize, InputError> {
    let code = market.currency(currency).map_or("", |it| it.code.as_str());
    let Some(name) = row.optional_text("curve") else {
        let own = market.currency(currency).and_then(|it| it.discount);
        let problem =
            || format!("{code} has no curve; add a curve named {code:?} or discount.{code} to the market");
        return own.ok_or_else(|| row.error("currency", problem()));
    };
    let found = market.curve_index(name);
    let (Some(idx), Some(curve)) = (found, found.and_then(|idx| market.curve(idx))) else {
        return Err(row.error("curve", format!("there is no curve {} in the market", quoted(name))));
    };
    if curve.currency != currency {
        let other = market.currency(curve.currency).map_or("", |it| it.code.as_str());
        return Err(
            row.error("curve", format!("the curve {} is in {other}; one in {code} is needed", quoted(name)))
        );
    }
    Ok(idx)
}
