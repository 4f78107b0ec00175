//! Bonds and swaps, reduced to the cash flows that are known on the valuation date.
//!
//! Single-curve: a floating leg is worth the exchange of its notional, `P(start) - P(maturity)`, so a swap too is a list of
//! fixed amounts. Source: J. C. Hull, "Options, Futures, and Other Derivatives", chapters 4 and 7.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::dates::{DayCount, Frequency, Period, periods_after, years_between};
use super::market::curve::ZeroCurve;

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
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FixedLeg {
    /// The notional.
    pub notional: f64,
    /// Per year.
    pub rate: f64,
    /// The payment frequency.
    pub frequency: Frequency,
    /// The day count.
    pub day_count: DayCount,
    /// Start of the first period; absent if all are regular.
    pub start: Option<NaiveDate>,
    /// Date of the last payment.
    pub maturity: NaiveDate,
}

impl FixedLeg {
    /// The cash flows after `valuation_date` of a bond with these coupons: its present value is dirty.
    pub fn bond(&self, valuation_date: NaiveDate, curve: &ZeroCurve) -> Vec<CashFlow> {
        let mut ledger = Ledger::default();
        self.book_interest(valuation_date, 1.0, &mut ledger);
        ledger.add(self.maturity, self.notional);
        ledger.cash_flows(valuation_date, curve)
    }

    fn book_interest(&self, valuation_date: NaiveDate, sign: f64, ledger: &mut Ledger) {
        for period in periods_after(valuation_date, self.start, self.maturity, self.frequency) {
            let accrued = self.day_count.years(period.start, period.end);
            ledger.add(period.end, sign * self.notional * self.rate * accrued);
        }
    }
}

/// A swap of fixed against floating interest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Swap {
    /// The fixed side; its `start` is the swap's.
    pub fixed: FixedLeg,
    /// Whether the holder pays the fixed rate.
    pub pays_fixed: bool,
    /// The running floating period, if its rate is known.
    pub fixing: Option<Fixing>,
}

/// The rate of a running floating period.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fixing {
    /// Per year.
    pub rate: f64,
    /// Payment frequency of the floating leg.
    pub frequency: Frequency,
    /// The day count.
    pub day_count: DayCount,
}

impl Swap {
    /// The floating period that runs on `valuation_date`; absent before the start.
    pub fn running_period(&self, valuation_date: NaiveDate, frequency: Frequency) -> Option<Period> {
        let periods = periods_after(valuation_date, self.fixed.start, self.fixed.maturity, frequency);
        periods.first().copied().filter(|period| period.start <= valuation_date)
    }

    /// The cash flows that the swap is worth on `valuation_date`.
    ///
    /// A running floating period pays its fixing at its end, and the rest of the leg is worth par there. Without a fixing a
    /// leg that has started is taken to reset now, so it is worth par now.
    pub fn cash_flows(&self, valuation_date: NaiveDate, curve: &ZeroCurve) -> Vec<CashFlow> {
        let FixedLeg { notional, start, maturity, .. } = self.fixed;
        let sign = if self.pays_fixed { 1.0 } else { -1.0 };
        let mut ledger = Ledger::default();
        self.fixed.book_interest(valuation_date, -sign, &mut ledger);

        let running =
            self.fixing.and_then(|it| Some((it, self.running_period(valuation_date, it.frequency)?)));
        match running {
            Some((fixing, period)) => {
                let accrued = fixing.day_count.years(period.start, period.end);
                ledger.add(period.end, sign * notional * (1.0 + fixing.rate * accrued));
            }
            None => ledger.add(start.unwrap_or(valuation_date).max(valuation_date), sign * notional),
        }
        ledger.add(maturity, -sign * notional);
        ledger.cash_flows(valuation_date, curve)
    }
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
