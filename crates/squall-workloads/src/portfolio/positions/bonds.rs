//! Reads bonds, swaps and floating-rate notes.

use chrono::NaiveDate;
use squall_core::workload::InputError;

use super::super::dates::schedule::{Grid, Period, Schedule};
use super::super::dates::{DayCount, Frequency};
use super::super::market::Market;
use super::super::market::curve::ZeroCurve;
use super::super::rates::{CashFlow, FixedLeg, Fixing, FloatingLeg, FloatingNote, Quote, Swap, zero_bond};
use super::super::table::Row;
use super::conventions;
use super::fields::{above_zero, rate, word, years};
use super::kind::Kind;
use crate::reading::quoted;

/// One unit of a bond or swap.
pub(super) struct Interest {
    /// What it pays.
    pub(super) flows: Vec<CashFlow>,
    /// What it is quoted at, where bonds of its kind are and it was asked for.
    pub(super) quote: Option<Quote>,
    /// Whether the rate of its running period is the curve's.
    pub(super) is_projected: bool,
    /// What it pays by the rates that are set before the horizon, where there are any and a horizon.
    pub(super) until_horizon: Option<Vec<CashFlow>>,
}

impl Interest {
    fn of(flows: Vec<CashFlow>) -> Self {
        Self { flows, quote: None, is_projected: false, until_horizon: None }
    }
}

/// What is needed of a bond or swap besides its value.
#[derive(Debug, Clone, Copy)]
pub(super) struct Needed {
    /// Whether its quote.
    pub(super) quote: bool,
    /// The day to which it ages, if it does.
    pub(super) horizon: Option<NaiveDate>,
}

/// Reads a bond or swap on the curve with index `curve`.
pub(super) fn read(
    row: Row<'_>,
    kind: Kind,
    curve: usize,
    market: &Market,
    needed: Needed,
) -> Result<Interest, InputError> {
    let curve =
        market.curve(curve).map(|it| &it.zero).ok_or_else(|| row.error("curve", "is not in the market"))?;
    match kind {
        Kind::ZeroBond => one_payment(row, market.valuation_date(), curve),
        Kind::Swap => swap(row, market, curve, needed),
        Kind::FloatingBond => floating_note(row, market, curve, needed),
        _ => fixed_bond(row, market, curve, needed),
    }
}

fn one_payment(row: Row<'_>, valuation_date: NaiveDate, curve: &ZeroCurve) -> Result<Interest, InputError> {
    let face = above_zero(row, "face")?;
    let text = row.text("maturity")?;
    let years = years(row, "maturity", text, valuation_date)?;
    if years == 0.0 {
        return Err(row.error(
            "maturity",
            format!("{} must be after the valuation date {valuation_date}", quoted(text)),
        ));
    }
    Ok(Interest::of(zero_bond(face, years, curve)))
}

fn fixed_bond(
    row: Row<'_>,
    market: &Market,
    curve: &ZeroCurve,
    needed: Needed,
) -> Result<Interest, InputError> {
    let valuation_date = market.valuation_date();
    let (notional, rate) = (above_zero(row, "face")?, rate(row, "coupon", market.limits())?);
    let day_count = conventions::day_count(row, "day_count")?;
    let accrual_moves = conventions::accrual_moves(row, day_count)?;
    let schedule = conventions::schedule(row, market, accrual_moves)?;
    let ex_dividend = conventions::ex_dividend(row)?;
    let settlement = conventions::settlement(row, &schedule.calendar, valuation_date)?;
    let leg = FixedLeg { notional, rate, day_count, schedule };
    let flows = leg.bond(valuation_date, ex_dividend, curve);
    let quote = || leg.quote(valuation_date, settlement, ex_dividend, curve);
    Ok(Interest { quote: needed.quote.then(quote).flatten(), ..Interest::of(flows) })
}

fn swap(row: Row<'_>, market: &Market, curve: &ZeroCurve, needed: Needed) -> Result<Interest, InputError> {
    let valuation_date = market.valuation_date();
    let (notional, rate) = (above_zero(row, "notional")?, rate(row, "fixed_rate", market.limits())?);
    let (schedule, day_count) = moving_schedule(row, market)?;
    let fixed = FixedLeg { notional, rate, day_count, schedule };
    let pays_fixed = word(row, "fixed_leg", &[("pay", true), ("receive", false)])?;
    let floating = floating_leg(row, &fixed, market)?;
    let is_projected = is_projected(&floating, valuation_date);
    let swap = Swap { fixed, pays_fixed, floating };
    let until_horizon = needed.horizon.map(|it| swap.cash_flows(valuation_date, Some(it), curve));
    let flows = swap.cash_flows(valuation_date, None, curve);
    Ok(Interest { is_projected, until_horizon, ..Interest::of(flows) })
}

fn floating_note(
    row: Row<'_>,
    market: &Market,
    curve: &ZeroCurve,
    needed: Needed,
) -> Result<Interest, InputError> {
    let valuation_date = market.valuation_date();
    let face = above_zero(row, "face")?;
    let (schedule, day_count) = moving_schedule(row, market)?;
    let spread = match row.optional_text("spread") {
        None => 0.0,
        Some(_) => rate(row, "spread", market.limits())?,
    };
    let mut floating = FloatingLeg { schedule, day_count, fixing: None };
    floating.fixing = fixing(row, &floating, market, "")?;
    let is_projected = is_projected(&floating, valuation_date);
    let note = FloatingNote { face, spread, floating };
    let flows = note.cash_flows(valuation_date, None, curve);
    let until_horizon = needed.horizon.map(|it| note.cash_flows(valuation_date, Some(it), curve));
    let quote = needed.quote.then(|| note.quote(valuation_date, curve));
    Ok(Interest { flows, quote, is_projected, until_horizon })
}

/// A schedule whose periods move with their payments, and its day count.
fn moving_schedule<'a>(row: Row<'_>, market: &'a Market) -> Result<(Schedule<'a>, DayCount), InputError> {
    let schedule = conventions::schedule(row, market, true)?;
    let day_count = conventions::day_count(row, "day_count")?;
    check_day_count(row, "day_count", day_count, &schedule)?;
    Ok((schedule, day_count))
}

/// The floating side of a swap: the fixed one's schedule where it pays as often, else that one's regular dates at its own frequency.
fn floating_leg<'a>(
    row: Row<'_>,
    fixed: &FixedLeg<'a>,
    market: &Market,
) -> Result<FloatingLeg<'a>, InputError> {
    let fixed_frequency = fixed.schedule.regular.frequency;
    let frequency = match row.optional_text("floating_frequency") {
        Some(_) => word(row, "floating_frequency", &Frequency::NAMES)?,
        None => fixed_frequency,
    };
    let mut schedule = fixed.schedule.clone();
    if frequency != fixed_frequency {
        schedule.regular = Grid { frequency, ..schedule.regular };
        (schedule.first_coupon, schedule.last_coupon) = (None, None);
    }
    let day_count = match row.optional_text("floating_day_count") {
        Some(text) if row.optional_text("current_fixing").is_none() => {
            let problem = format!("{} must be empty without a current_fixing", quoted(text));
            return Err(row.error("floating_day_count", problem));
        }
        Some(_) => {
            let day_count = conventions::day_count(row, "floating_day_count")?;
            check_day_count(row, "floating_day_count", day_count, &schedule)?;
            day_count
        }
        None => fixed.day_count,
    };
    let mut leg = FloatingLeg { schedule, day_count, fixing: None };
    let hint = ", or the floating_frequency if that is another than the fixed leg's";
    leg.fixing = fixing(row, &leg, market, hint)?;
    Ok(leg)
}

/// The rate of the running period of a leg; `hint` is what else may be missing without it.
fn fixing(
    row: Row<'_>,
    leg: &FloatingLeg<'_>,
    market: &Market,
    hint: &str,
) -> Result<Option<Fixing>, InputError> {
    let valuation_date = market.valuation_date();
    let running = leg.running_period(valuation_date);
    match (row.optional_text("current_fixing"), running) {
        (Some("projected"), _) => Ok(Some(Fixing::Projected)),
        (Some(_), None) => {
            let problem = format!(
                "must be empty; the {} starts after the valuation date {valuation_date}",
                row.text("kind")?
            );
            Err(row.error("current_fixing", problem))
        }
        (Some(_), Some(_)) => Ok(Some(Fixing::Rate(rate(row, "current_fixing", market.limits())?))),
        // What has accrued since the last reset is nobody's guess: without its rate the position would be off by all of it.
        (None, Some(period)) if period.start < valuation_date => {
            let problem = format!(
                "is empty; the floating period that began on {} runs on the valuation date {valuation_date}: write its rate{hint}, or \
                 projected for what the curve says",
                period.start
            );
            Err(row.error("current_fixing", problem))
        }
        (None, _) => Ok(None),
    }
}

fn is_projected(leg: &FloatingLeg<'_>, valuation_date: NaiveDate) -> bool {
    let is_under_way = |period: Period| period.start < valuation_date;
    leg.fixing == Some(Fixing::Projected) && leg.running_period(valuation_date).is_some_and(is_under_way)
}

fn check_day_count(
    row: Row<'_>,
    column: &str,
    day_count: DayCount,
    schedule: &Schedule<'_>,
) -> Result<(), InputError> {
    if schedule.accrual_moves && day_count == DayCount::ActActIcma {
        let problem = "ACT/ACT-ICMA counts by regular periods, and with an adjustment these periods move with their payments; write \
                       another day count, or the adjustment unadjusted";
        return Err(row.error(column, problem));
    }
    Ok(())
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
