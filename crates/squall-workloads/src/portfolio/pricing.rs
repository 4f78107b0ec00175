//! Prices of single contracts under Black-Scholes-Merton: closed forms where there are any, collocation for American
//! options, Monte Carlo for Asian ones. In [`bachelier`] the price of the underlying is normal instead.
//!
//! Conventions everywhere: rates and dividend yields are continuously compounded per year, times are in years,
//! volatilities per square root of a year, and prices are present values for one unit of the underlying. The underlying
//! follows `dS / S = (rate - dividend_yield) dt + vol dW`.
//!
//! Nothing here calls the platform's mathematical library, so a price has the same bits on every machine and on every
//! instruction set. Nothing here panics: invalid input (a NaN, or a negative spot where it is lognormal) gives NaN.

pub mod american;
pub mod asian;
pub mod bachelier;
pub mod barrier;
mod batch;
pub mod digital;
mod double_double;
mod elementary;
pub mod european;
mod faddeeva;
pub mod forward;
pub mod normal;
pub mod random;
pub mod simd;

/// The right a holder has: to buy (`Call`) or to sell (`Put`) at the strike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OptionType {
    /// To buy.
    Call,
    /// To sell.
    Put,
}

impl OptionType {
    /// `1.0` for a call and `-1.0` for a put: the sign of the underlying in the payoff.
    pub(crate) fn sign(self) -> f64 {
        match self {
            OptionType::Call => 1.0,
            OptionType::Put => -1.0,
        }
    }

    /// What exercising pays now: `max(spot - strike, 0)` for a call, `max(strike - spot, 0)` for a put.
    pub(crate) fn payoff(self, spot: f64, strike: f64) -> f64 {
        let gain = self.sign() * (spot - strike);
        if gain > 0.0 { gain } else { 0.0 }
    }
}

/// The market in each of `n` scenarios, column by column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MarketColumns<'a> {
    /// Price of the underlying, shape `[n]`.
    pub spot: &'a [f64],
    /// Risk-free rate, continuously compounded, per year, shape `[n]`.
    pub rate: &'a [f64],
    /// Dividend yield, continuously compounded, per year, shape `[n]`.
    pub dividend_yield: &'a [f64],
    /// Volatility, per square root of a year, shape `[n]`.
    pub vol: &'a [f64],
}

impl<'a> MarketColumns<'a> {
    /// The length of the shortest column.
    #[inline(always)]
    pub(crate) fn n_scenarios(&self) -> usize {
        self.spot.len().min(self.rate.len()).min(self.dividend_yield.len()).min(self.vol.len())
    }

    /// The first `n` scenarios, of at least as many.
    #[inline(always)]
    pub(crate) fn first(&self, n: usize) -> MarketColumns<'a> {
        self.range(0, n)
    }

    /// The `n` scenarios from `first` on, of at least as many.
    #[inline(always)]
    pub(crate) fn range(&self, first: usize, n: usize) -> MarketColumns<'a> {
        let MarketColumns { spot, rate, dividend_yield, vol } = *self;
        MarketColumns {
            spot: &spot[first..][..n],
            rate: &rate[first..][..n],
            dividend_yield: &dividend_yield[first..][..n],
            vol: &vol[first..][..n],
        }
    }
}

/// Reading of the 50-digit references in `reference/`.
#[cfg(test)]
mod reference;
