//! Ageing: what a position is at the horizon of the scenarios, when time has passed besides the shocks.
//!
//! Curves, surfaces and yields keep their shape by time to go: a contract with three months left is looked up at three months, whatever
//! the date. What is paid within the horizon is kept: it earns its curve's shortest rate until then, which no scenario moves any more.

use chrono::{Datelike, Days, NaiveDate, Weekday};
use serde::{Deserialize, Deserializer};
use squall_core::workload::InputError;

use super::dates::years_between;
use super::market::Market;
use super::market::curve::ZeroCurve;
use super::positions::{Adjusted, AsianContract, Contract, Delivery, Fixings, Instrument, Terms};
use super::rates::CashFlow;
use super::scenarios::MAX_HORIZON_DAYS;

/// No scenario is further ahead than ten years.
const MAX_DAYS: u64 = 3_660;

/// The input's `age`: whether scenarios are valued at their horizon instead of today.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Age {
    /// Today.
    #[default]
    No,
    /// At the horizon that the scenarios have, in trading days.
    Horizon,
    /// After so many calendar days.
    Days(u64),
}

/// How much older positions are in the scenarios.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ageing {
    /// Calendar days, 1 or more.
    pub days: u64,
    /// The same as ACT/365F years.
    pub years: f64,
}

impl Age {
    /// What it means for scenarios that are `horizon_days` trading days ahead, if they say so. Trading days are the days from Monday to
    /// Friday.
    ///
    /// # Errors
    /// Scenarios without a horizon.
    pub fn ageing(
        self,
        valuation_date: NaiveDate,
        horizon_days: Option<u32>,
    ) -> Result<Option<Ageing>, InputError> {
        let horizon = match (self, horizon_days) {
            (Age::No, _) => return Ok(None),
            (Age::Days(days), _) => valuation_date.checked_add_days(Days::new(days)),
            // Scenarios that are too far ahead are refused as such.
            (Age::Horizon, Some(horizon_days)) if horizon_days > MAX_HORIZON_DAYS => return Ok(None),
            (Age::Horizon, Some(horizon_days)) => {
                let is_trading = |date: &NaiveDate| !matches!(date.weekday(), Weekday::Sat | Weekday::Sun);
                let n = (horizon_days as usize).saturating_sub(1);
                valuation_date.iter_days().skip(1).filter(is_trading).nth(n)
            }
            (Age::Horizon, None) => {
                let problem = "true needs scenarios with horizon_days (historical, monte_carlo); for these, write a number of calendar \
                               days, like 14";
                return Err(InputError::new("input.age", problem));
            }
        };
        let years = horizon.map(|horizon| years_between(valuation_date, horizon));
        let days = horizon.and_then(|horizon| u64::try_from((horizon - valuation_date).num_days()).ok());
        match days.zip(years) {
            Some((days, years)) => Ok(Some(Ageing { days, years })),
            None => Err(InputError::new("input.age", "reaches beyond the calendar")),
        }
    }
}

impl<'de> Deserialize<'de> for Age {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "expected true, false or a number of calendar days")]
        enum Written {
            Switch(bool),
            Days(u64),
        }
        match Written::deserialize(deserializer)? {
            Written::Switch(false) => Ok(Age::No),
            Written::Switch(true) => Ok(Age::Horizon),
            Written::Days(days) if (1..=MAX_DAYS).contains(&days) => Ok(Age::Days(days)),
            Written::Days(days) => Err(serde::de::Error::custom(format!(
                "{days} is out of range; a number of calendar days is from 1 to {MAX_DAYS}"
            ))),
        }
    }
}

impl Ageing {
    /// The day to which positions age.
    pub fn horizon(self, valuation_date: NaiveDate) -> Option<NaiveDate> {
        valuation_date.checked_add_days(Days::new(self.days))
    }

    /// The instrument at the horizon; `None` where time changes nothing.
    pub fn aged(self, instrument: &Instrument, market: &Market) -> Option<Instrument> {
        match instrument {
            Instrument::Spot(_) | Instrument::Cash => None,
            Instrument::Adjusted(adjusted) => Some(self.adjusted(adjusted, market)?.into_instrument()),
            Instrument::Derivative(terms, contract) => {
                let (terms, contract) = self.derivative(*terms, contract, market)?;
                Some(Instrument::Derivative(terms, contract))
            }
            Instrument::CashFlows { flows, curve } => {
                let zero = &market.curve(*curve)?.zero;
                let flows = flows.iter().map(|flow| self.flow(*flow, zero)).collect();
                Some(Instrument::CashFlows { flows, curve: *curve })
            }
        }
    }

    /// Time to go; what ends within the horizon ends on it.
    fn to_go(self, years: f64) -> f64 {
        (years - self.years).max(0.0)
    }

    fn flow(self, flow: CashFlow, curve: &ZeroCurve) -> CashFlow {
        let zero_rate = curve.zero_rate(self.to_go(flow.years));
        let kept_years = self.years - flow.years;
        match kept_years > 0.0 {
            true => CashFlow { years: 0.0, zero_rate, amount: flow.amount * (zero_rate * kept_years).exp() },
            false => CashFlow { years: -kept_years, zero_rate, ..flow },
        }
    }

    fn derivative(self, terms: Terms, contract: &Contract, market: &Market) -> Option<(Terms, Contract)> {
        let underlying = market.underlyings().get(terms.underlying)?;
        let years = self.to_go(terms.years);
        let (vol, skew) = underlying.vol.vol_and_skew(years, contract.strike());
        let rate = market.zero_rate(underlying.currency, years)?;
        let carry = market.carry(underlying, years)?;
        let contract = match contract {
            Contract::Digital { option_type, strike, payoff, .. } => {
                Contract::Digital { option_type: *option_type, strike: *strike, payoff: *payoff, skew }
            }
            Contract::Asian(asian) => Contract::Asian(Box::new(self.average(asian))),
            Contract::NormalDigital { option_type, strike, payoff, .. } => {
                Contract::NormalDigital { option_type: *option_type, strike: *strike, payoff: *payoff, skew }
            }
            Contract::Forward { .. }
            | Contract::NormalEuropean { .. }
            | Contract::European { .. }
            | Contract::American { .. }
            | Contract::Barrier(_) => contract.clone(),
        };
        Some((Terms { years, rate, carry, vol, ..terms }, contract))
    }

    /// Dividends within the horizon are paid: the price of the underlying on it is without them.
    fn adjusted(self, adjusted: &Adjusted, market: &Market) -> Option<Adjusted> {
        let (terms, contract) = self.derivative(adjusted.terms, &adjusted.contract, market)?;
        let underlying = market.underlyings().get(terms.underlying)?;
        let rates = |years: f64| {
            Some((market.zero_rate(underlying.currency, years)?, market.carry(underlying, years)?))
        };
        let delivery = match adjusted.delivery {
            Some(delivery) => {
                let years = self.to_go(delivery.years);
                let (rate, carry) = rates(years)?;
                Some(Delivery { years, rate, carry })
            }
            None => None,
        };
        let to_come = adjusted.dividends.iter().filter(|it| it.years > self.years);
        let dividend = |it: &CashFlow| {
            let years = self.to_go(it.years);
            let (rate, carry) = rates(years)?;
            Some(CashFlow { years, zero_rate: rate - carry, ..*it })
        };
        let dividends = to_come.map(dividend).collect::<Option<_>>()?;
        Some(Adjusted { terms, contract, delivery, dividends })
    }

    /// Fixings within the horizon are at the price on the horizon: nothing else is known of them.
    fn average(self, asian: &AsianContract) -> AsianContract {
        let times = asian.fixings.times().iter().map(|years| self.to_go(*years)).collect();
        AsianContract { fixings: Fixings::At(times), ..asian.clone() }
    }
}
