//! Derivatives on something else than the underlying as it stands: a future on it, or what is left of it without its dividends.

use squall_core::workload::InputError;

use super::super::market::{Carry, Market};
use super::super::rates::{CashFlow, present_value};
use super::super::table::Row;
use super::fields::years;
use super::kind::Kind;
use super::{Contract, Instrument, Terms};
use crate::reading::rounded;

/// A derivative on a future, or on an underlying that pays dividends before it expires.
#[derive(Debug, Clone, PartialEq)]
pub struct Adjusted {
    /// Of the contract.
    pub terms: Terms,
    /// On one unit: a forward is a future here, marked at its price less the strike.
    pub contract: Contract,
    /// The future that it is on.
    pub delivery: Option<Delivery>,
    /// Dividends up to the future's expiry, or else the contract's: with the yield taken off the rate that discounts them.
    pub dividends: Vec<CashFlow>,
}

/// The expiry of a future, and the market to then, before any shock.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Delivery {
    /// ACT/365F.
    pub years: f64,
    /// Zero rate of the underlying's currency.
    pub rate: f64,
    /// The carry of the underlying.
    pub carry: f64,
}

impl Adjusted {
    /// Today's price of what the contract is on: of the future, or of the underlying without its dividends.
    pub fn price(&self, spot: f64) -> f64 {
        let net = self.net(spot);
        self.delivery.map_or(net, |it| net * libm::exp((it.rate - it.carry) * it.years))
    }

    /// What is left of a spot price without the dividends.
    pub fn net(&self, spot: f64) -> f64 {
        spot - present_value(&self.dividends, 0.0)
    }

    /// As an instrument: the derivative itself where nothing is to be adjusted.
    pub fn into_instrument(self) -> Instrument {
        match self.delivery.is_none() && self.dividends.is_empty() {
            true => Instrument::Derivative(self.terms, self.contract),
            false => Instrument::Adjusted(Box::new(self)),
        }
    }

    /// The years for which it looks up rates.
    pub(super) fn rate_times(&self) -> Vec<f64> {
        let of_delivery = self.delivery.map(|it| it.years);
        let of_dividends = self.dividends.iter().map(|it| it.years);
        [self.terms.years].into_iter().chain(of_delivery).chain(of_dividends).collect()
    }

    /// Memory that it takes.
    pub(super) fn bytes(&self) -> usize {
        size_of::<Self>() + size_of_val(self.dividends.as_slice())
    }
}

/// The derivative itself where nothing is to be adjusted.
pub(super) fn instrument(
    row: Row<'_>,
    kind: Kind,
    terms: Terms,
    contract: Contract,
    market: &Market,
) -> Result<Instrument, InputError> {
    let delivery = delivery(row, kind, &terms, market)?;
    let until = delivery.map_or(terms.years, |it| it.years);
    let dividends = dividends(&terms, until, market);
    if !dividends.is_empty() && matches!(contract, Contract::Barrier(_) | Contract::Asian(_)) {
        let problem = format!(
            "pays dividends on dates before the expiry, with which {} is not valued; give this underlying a dividend_yield instead, under a \
             name of its own",
            kind.phrase()
        );
        return Err(row.error("underlying", problem));
    }
    let adjusted = Adjusted { terms, contract, delivery, dividends };
    let spot = market.underlyings().get(terms.underlying).map_or(f64::NAN, |it| market.spot(it));
    // Without dividends nothing can use up the price.
    if adjusted.price(spot) > 0.0 || (adjusted.dividends.is_empty() && adjusted.contract.takes_any_price()) {
        return Ok(adjusted.into_instrument());
    }
    let worth = rounded(present_value(&adjusted.dividends, 0.0));
    let problem = format!(
        "the {} dividends up to then are worth {worth} today, no less than the spot of {spot}; their amounts are cash for one unit",
        adjusted.dividends.len()
    );
    Err(row.error("expiry", problem))
}

fn delivery(
    row: Row<'_>,
    kind: Kind,
    terms: &Terms,
    market: &Market,
) -> Result<Option<Delivery>, InputError> {
    let Terms { underlying, years: expiry, rate, carry, .. } = *terms;
    if kind == Kind::Future {
        return Ok(Some(Delivery { years: expiry, rate, carry }));
    }
    let Some(text) = row.optional_text("future_expiry") else { return Ok(None) };
    let years = years(row, "future_expiry", text, market.valuation_date())?;
    if years < expiry {
        return Err(row.error("future_expiry", "is before the expiry of the option on this future"));
    }
    let underlying = market.underlyings().get(underlying);
    let rate = underlying.and_then(|it| market.zero_rate(it.currency, years)).unwrap_or(rate);
    let carry = underlying.and_then(|it| market.carry(it, years)).unwrap_or(carry);
    Ok(Some(Delivery { years, rate, carry }))
}

fn dividends(terms: &Terms, until: f64, market: &Market) -> Vec<CashFlow> {
    let Some(underlying) = market.underlyings().get(terms.underlying) else { return Vec::new() };
    // Only an underlying with a yield of its own pays any.
    let Carry::Yield(carry) = underlying.carry else { return Vec::new() };
    let up_to_then = underlying.dividends.iter().take_while(|it| it.years <= until);
    up_to_then
        .map(|it| {
            let rate = market.zero_rate(underlying.currency, it.years).unwrap_or(terms.rate);
            CashFlow { years: it.years, amount: it.amount, zero_rate: rate - carry }
        })
        .collect()
}
