//! Forwards and options on one unit of an underlying.

use super::super::pricing::OptionType;
use super::super::pricing::barrier::Barrier;
use super::derivatives::AsianContract;

/// A forward or an option on one unit of its underlying.
#[derive(Debug, Clone, PartialEq)]
pub enum Contract {
    /// Receives the underlying for `strike`.
    Forward {
        /// Delivery price.
        strike: f64,
    },
    /// Exercised at expiry.
    European {
        /// Call or put.
        option_type: OptionType,
        /// Exercise price.
        strike: f64,
    },
    /// Exercised at any time.
    American {
        /// Call or put.
        option_type: OptionType,
        /// Exercise price.
        strike: f64,
    },
    /// All or nothing at expiry.
    Digital {
        /// Call or put.
        option_type: OptionType,
        /// The threshold of the payoff.
        strike: f64,
        /// The payoff.
        payoff: DigitalPayoff,
        /// The slope of the volatility by the strike, before any shock.
        skew: f64,
    },
    /// Exercised at expiry, on an underlying whose price is normal.
    NormalEuropean {
        /// Call or put.
        option_type: OptionType,
        /// Exercise price, of any sign.
        strike: f64,
    },
    /// All or nothing at expiry, on an underlying whose price is normal.
    NormalDigital {
        /// Call or put.
        option_type: OptionType,
        /// The threshold of the payoff, of any sign.
        strike: f64,
        /// The payoff.
        payoff: DigitalPayoff,
        /// The slope of the volatility by the strike, before any shock.
        skew: f64,
    },
    /// Knocked in or out.
    Barrier(Barrier),
    /// On an average.
    Asian(Box<AsianContract>),
}

/// The payoff of a digital option.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum DigitalPayoff {
    /// This much, in the position's currency.
    Cash(f64),
    /// One unit of the underlying.
    Asset,
}

impl Contract {
    /// Its strike, in the underlying's currency.
    pub fn strike(&self) -> f64 {
        match self {
            Contract::Forward { strike }
            | Contract::European { strike, .. }
            | Contract::American { strike, .. }
            | Contract::Digital { strike, .. }
            | Contract::NormalEuropean { strike, .. }
            | Contract::NormalDigital { strike, .. } => *strike,
            Contract::Barrier(barrier) => barrier.strike,
            Contract::Asian(asian) => asian.strike,
        }
    }

    /// Whether it has a value at prices of the underlying of 0 and below.
    pub fn takes_any_price(&self) -> bool {
        matches!(
            self,
            Contract::Forward { .. } | Contract::NormalEuropean { .. } | Contract::NormalDigital { .. }
        )
    }
}
