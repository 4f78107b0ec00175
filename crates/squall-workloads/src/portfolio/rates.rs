//! Bonds and swaps, reduced to the cash flows that are known on the valuation date.
//!
//! Single-curve: a floating leg is worth the exchange of its notional, `P(start) - P(maturity)`, so a swap too is a list of
//! fixed amounts. Source: J. C. Hull, "Options, Futures, and Other Derivatives", chapters 4 and 7.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::dates::calendar::ExDividend;
use super::dates::schedule::{Period, Schedule};
use super::dates::{DayCount, days_between, years_between};
use super::market::curve::ZeroCurve;

mod quote;

pub use quote::Quote;

/// An amount at a time, with the zero rate that discounts it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CashFlow {
    /// ACT/365F years from the valuation date; not negative.
    pub years: f64,
    /// Received; negative is paid.
    pub amount: f64,
    /// Continuously compounded zero rate to `years`, before any shock.
    pub zero_rate: f64,
}

/// The value of cash flows when the whole curve is shifted by `rate_shift` (absolute, continuously compounded).
pub fn present_value(cash_flows: &[CashFlow], rate_shift: f64) -> f64 {
    cash_flows.iter().fold(0.0, |sum, flow| sum + flow.present_value(rate_shift))
}

impl CashFlow {
    /// Its value when its zero rate is shifted by `rate_shift`.
    pub fn present_value(&self, rate_shift: f64) -> f64 {
        self.amount * libm::exp(-(self.zero_rate + rate_shift) * self.years)
    }
}

/// A bond that pays nothing before its maturity.
pub fn zero_bond(face: f64, years: f64, curve: &ZeroCurve) -> Vec<CashFlow> {
    vec![CashFlow { years, amount: face, zero_rate: curve.zero_rate(years) }]
}

/// Interest at a fixed rate over a schedule.
#[derive(Debug, Clone, PartialEq)]
pub struct FixedLeg<'a> {
    /// The notional.
    pub notional: f64,
    /// Per year.
    pub rate: f64,
    /// The day count.
    pub day_count: DayCount,
    /// The periods.
    pub schedule: Schedule<'a>,
}

impl FixedLeg<'_> {
    /// The cash flows after `valuation_date` of a bond with these coupons: its present value is dirty. A coupon that trades without the
    /// bond is not among them.
    pub fn bond(
        &self,
        valuation_date: NaiveDate,
        ex_dividend: Option<ExDividend>,
        curve: &ZeroCurve,
    ) -> Vec<CashFlow> {
        let mut ledger = Ledger::default();
        self.book_interest(valuation_date, 1.0, ex_dividend, &mut ledger);
        ledger.add(self.schedule.redemption(), self.notional);
        ledger.cash_flows(valuation_date, curve)
    }

    fn book_interest(
        &self,
        valuation_date: NaiveDate,
        sign: f64,
        ex_dividend: Option<ExDividend>,
        ledger: &mut Ledger,
    ) {
        for period in self.schedule.periods_after(valuation_date) {
            if !self.is_ex(&period, valuation_date, ex_dividend) {
                ledger
                    .add(period.pay, sign * self.notional * self.rate * self.years(period.start, period.end));
            }
        }
    }

    fn years(&self, from: NaiveDate, to: NaiveDate) -> f64 {
        self.day_count.years(from, to, &self.schedule.regular)
    }

    /// Whether the period's coupon goes to whoever held the bond before `date`.
    fn is_ex(&self, period: &Period, date: NaiveDate, ex_dividend: Option<ExDividend>) -> bool {
        ex_dividend.is_some_and(|it| it.date(period.pay, &self.schedule.calendar) <= date)
    }
}

/// The floating side of a swap, or the coupons of a floating-rate note without their spread.
///
/// Its periods move with their payments, so that each begins when the one before is paid.
#[derive(Debug, Clone, PartialEq)]
pub struct FloatingLeg<'a> {
    /// The periods.
    pub schedule: Schedule<'a>,
    /// The day count.
    pub day_count: DayCount,
    /// The rate of the running period, if there is one and it is known.
    pub fixing: Option<Fixing>,
}

/// The rate of a running floating period.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fixing {
    /// Per year.
    Rate(f64),
    /// The rest of the period earns what the curve says, and what has passed of it as much a day. It is a rate of the past, so no shock
    /// moves it.
    Projected,
}

impl FloatingLeg<'_> {
    /// The period that runs on `valuation_date`; absent before the start.
    pub fn running_period(&self, valuation_date: NaiveDate) -> Option<Period> {
        let periods = self.schedule.periods_after(valuation_date);
        periods.first().copied().filter(|period| period.start <= valuation_date)
    }

    /// The running period, if its rate is known, and its interest on a notional of 1.
    fn running_interest(&self, valuation_date: NaiveDate, curve: &ZeroCurve) -> Option<(Period, f64)> {
        let (fixing, period) = (self.fixing?, self.running_period(valuation_date)?);
        let interest = match fixing {
            Fixing::Rate(rate) => rate * self.years(period.start, period.end),
            Fixing::Projected => {
                let left = 1.0 / discount(valuation_date, period.pay, curve) - 1.0;
                left * days_between(period.start, period.end) / days_between(valuation_date, period.end)
            }
        };
        Some((period, interest))
    }

    /// Books what the leg and the notional at its end are worth, on a notional of `amount`.
    ///
    /// A running period pays its interest at its end, and the rest of the leg is worth par there. Without a fixing a leg that has started
    /// resets now, so it is worth par now. Periods that begin before `horizon` get the rate that the curve has for as long, on the day they
    /// begin: from then on no rate moves what they pay.
    fn book(
        &self,
        valuation_date: NaiveDate,
        horizon: Option<NaiveDate>,
        amount: f64,
        curve: &ZeroCurve,
        ledger: &mut Ledger,
    ) {
        let (mut par_on, mut there) = match self.running_interest(valuation_date, curve) {
            Some((period, interest)) => (period.pay, 1.0 + interest),
            None => {
                let start = self.schedule.start.map(|start| self.schedule.adjusted(start));
                (start.unwrap_or(valuation_date).max(valuation_date), 1.0)
            }
        };
        if let Some(horizon) = horizon {
            for period in self.schedule.periods_after(par_on) {
                if par_on >= horizon {
                    break;
                }
                ledger.add(par_on, amount * (there - 1.0));
                (par_on, there) = (period.pay, 1.0 / discount(par_on, period.pay, curve));
            }
        }
        ledger.add(par_on, amount * there);
    }

    fn years(&self, from: NaiveDate, to: NaiveDate) -> f64 {
        self.day_count.years(from, to, &self.schedule.regular)
    }
}

/// A swap of fixed against floating interest.
#[derive(Debug, Clone, PartialEq)]
pub struct Swap<'a> {
    /// The fixed side.
    pub fixed: FixedLeg<'a>,
    /// Whether the holder pays the fixed rate.
    pub pays_fixed: bool,
    /// The floating side, on the same notional.
    pub floating: FloatingLeg<'a>,
}

impl Swap<'_> {
    /// The cash flows that the swap is worth on `valuation_date`, with the rates of periods that begin before `horizon`.
    pub fn cash_flows(
        &self,
        valuation_date: NaiveDate,
        horizon: Option<NaiveDate>,
        curve: &ZeroCurve,
    ) -> Vec<CashFlow> {
        let notional = self.fixed.notional;
        let sign = if self.pays_fixed { 1.0 } else { -1.0 };
        let mut ledger = Ledger::default();
        self.fixed.book_interest(valuation_date, -sign, None, &mut ledger);
        self.floating.book(valuation_date, horizon, sign * notional, curve, &mut ledger);
        ledger.add(self.fixed.schedule.redemption(), -sign * notional);
        ledger.cash_flows(valuation_date, curve)
    }
}

/// A floating-rate note: its coupons are projected from the curve that discounts them, and a spread comes on top.
#[derive(Debug, Clone, PartialEq)]
pub struct FloatingNote<'a> {
    /// The face.
    pub face: f64,
    /// Per year, on top of each floating rate.
    pub spread: f64,
    /// The coupons without their spread.
    pub floating: FloatingLeg<'a>,
}

impl FloatingNote<'_> {
    /// The cash flows that the note is worth on `valuation_date`, dirty, with the rates of periods that begin before `horizon`.
    pub fn cash_flows(
        &self,
        valuation_date: NaiveDate,
        horizon: Option<NaiveDate>,
        curve: &ZeroCurve,
    ) -> Vec<CashFlow> {
        let mut ledger = Ledger::default();
        self.floating.book(valuation_date, horizon, self.face, curve, &mut ledger);
        if self.spread != 0.0 {
            for period in self.floating.schedule.periods_after(valuation_date) {
                let years = self.floating.years(period.start, period.end);
                ledger.add(period.pay, self.face * self.spread * years);
            }
        }
        ledger.cash_flows(valuation_date, curve)
    }
}

/// The discount factor of a day.
fn discount(valuation_date: NaiveDate, date: NaiveDate, curve: &ZeroCurve) -> f64 {
    let years = years_between(valuation_date, date);
    libm::exp(-curve.zero_rate(years) * years)
}

/// Amounts by date, one per date, so that a flow costs one exponential however many legs pay on its day.
#[derive(Default)]
struct Ledger(BTreeMap<NaiveDate, f64>);

impl Ledger {
    fn add(&mut self, date: NaiveDate, amount: f64) {
        *self.0.entry(date).or_insert(0.0) += amount;
    }

    fn cash_flows(self, valuation_date: NaiveDate, curve: &ZeroCurve) -> Vec<CashFlow> {
        let discounted = |(date, amount)| {
            let years = years_between(valuation_date, date);
            CashFlow { years, amount, zero_rate: curve.zero_rate(years) }
        };
        self.0.into_iter().map(discounted).collect()
    }
}

#[cfg(test)]
mod tests;
