//! What a bond is quoted at: clean price, accrued interest, yield.

use chrono::NaiveDate;

use super::super::dates::calendar::ExDividend;
use super::super::dates::{days_between, schedule::Period};
use super::super::market::curve::ZeroCurve;
use super::{FixedLeg, Fixing, FloatingNote, discount, present_value};

/// Figures of a bond, per 100 of face where they are amounts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quote {
    /// The dirty price less the accrued interest.
    pub clean_price: f64,
    /// Interest since the last coupon; negative where the next coupon is no longer the buyer's.
    pub accrued_interest: f64,
    /// Per year, compounded as often as the bond pays; absent for floating coupons, and where no yield gives the price.
    pub bond_yield: Option<f64>,
}

impl FixedLeg<'_> {
    /// What a bond with these coupons is quoted at for delivery on `settlement`, which is not before the valuation date; nothing if it
    /// ends by then.
    pub fn quote(
        &self,
        valuation_date: NaiveDate,
        settlement: NaiveDate,
        ex_dividend: Option<ExDividend>,
        curve: &ZeroCurve,
    ) -> Option<Quote> {
        let settlement = settlement.max(self.schedule.start.unwrap_or(settlement));
        let redemption = self.schedule.redemption();
        if redemption <= settlement {
            return None;
        }
        let (mut accrued, mut dirty, mut years) = (0.0, 0.0, 0.0);
        let mut payments = Vec::new();
        for period in self.schedule.periods_after(settlement) {
            let is_ex = self.is_ex(&period, settlement, ex_dividend);
            accrued += self.rate * self.accrued_years(&period, settlement, is_ex);
            if period.end > settlement {
                if payments.is_empty() {
                    // Of the running period, or before the next one where that one was paid early.
                    years -= self.signed_years(period.start, settlement);
                }
                years += self.years(period.start, period.end);
            }
            let coupon = if is_ex { 0.0 } else { self.rate * self.years(period.start, period.end) };
            dirty += coupon * discount(valuation_date, period.pay, curve);
            payments.push((years, coupon));
        }
        // The face, at the time of the last coupon.
        payments.push((years, 1.0));
        dirty += discount(valuation_date, redemption, curve);
        dirty /= discount(valuation_date, settlement, curve);
        let per_year = 12.0 / f64::from(self.schedule.regular.frequency.months());
        Some(Quote {
            clean_price: 100.0 * (dirty - accrued),
            accrued_interest: 100.0 * accrued,
            bond_yield: internal_rate(&payments, dirty)
                .map(|rate| per_year * libm::expm1(rate / per_year))
                .filter(|it| it.is_finite()),
        })
    }

    /// Years from `from` to `to`; negative if `to` is earlier.
    fn signed_years(&self, from: NaiveDate, to: NaiveDate) -> f64 {
        if to < from { -self.years(to, from) } else { self.years(from, to) }
    }

    /// The years of a period that have accrued by `date` for whoever holds the bond then.
    fn accrued_years(&self, period: &Period, date: NaiveDate, is_ex: bool) -> f64 {
        let date = date.max(period.start).min(period.end);
        // The holder of a bond without its coupon lacks what accrues from here.
        if is_ex { -self.years(date, period.end) } else { self.years(period.start, date) }
    }
}

impl FloatingNote<'_> {
    /// What the note is quoted at on `valuation_date`.
    pub fn quote(&self, valuation_date: NaiveDate, curve: &ZeroCurve) -> Quote {
        let running = self.floating.running_interest(valuation_date, curve);
        let accrued = running.map_or(0.0, |(period, interest)| {
            let years = self.floating.years(period.start, valuation_date);
            let of_rate = match self.floating.fixing {
                Some(Fixing::Rate(rate)) => rate * years,
                _ => {
                    interest * days_between(period.start, valuation_date)
                        / days_between(period.start, period.end)
                }
            };
            of_rate + self.spread * years
        });
        let dirty = present_value(&self.cash_flows(valuation_date, None, curve), 0.0) / self.face;
        let (clean_price, accrued_interest) = (100.0 * (dirty - accrued), 100.0 * accrued);
        Quote { clean_price, accrued_interest, bond_yield: None }
    }
}

/// The continuously compounded rate at which payments of `(years, amount)` are worth `price`.
///
/// Newton's method on the logarithm of their value, which is convex where no amount is negative, so that it closes in from below.
fn internal_rate(payments: &[(f64, f64)], price: f64) -> Option<f64> {
    const MAX_STEPS: usize = 100;
    let mut rate = 0.0;
    for _ in 0..MAX_STEPS {
        let (mut value, mut slope) = (0.0, 0.0);
        for (years, amount) in payments {
            let discounted = amount * libm::exp(-rate * years);
            value += discounted;
            slope += years * discounted;
        }
        let step = libm::log(value / price) * value / slope;
        rate += step;
        if !step.is_finite() {
            return None;
        }
        // The next step would be about the square of this one.
        if step.abs() <= 1e-11 {
            return Some(rate);
        }
    }
    None
}

#[cfg(test)]
mod tests;
