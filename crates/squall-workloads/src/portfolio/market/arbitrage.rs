//! Surfaces that no market can have: the option prices of a surface's own nodes, in time and across strikes.
//!
//! In time, total variance at the same strike over the forward must not fall. Across strikes, the price of a call must fall with the strike,
//! no faster than the discounted strike rises, and be convex (J. Gatheral and A. Jacquier, "Arbitrage-free SVI volatility surfaces",
//! Quantitative Finance 14, 2014, section 2). What a change of a hundredth of a volatility point repairs is rounding. Of a normal price, total
//! variance must not fall at the same distance from the forward, and a thousandth of the highest volatility is rounding.

use std::collections::BTreeSet;

use super::surface::VolSurface;
use crate::portfolio::pricing::{OptionType, bachelier, european};

/// Volatilities are written with four decimals, so this is no more than rounding.
const ROUNDING: f64 = 1e-4;
/// The same of a normal price, as a part of the highest.
const PART_OF_ROUNDING: f64 = 1e-3;

/// A place of a surface where prices contradict each other.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Arbitrage {
    /// The variance to the later expiry is less than to the earlier one, at strikes of equal moneyness.
    InTime {
        /// Years, strike and volatility of the earlier.
        early: [f64; 3],
        /// The same of the later.
        late: [f64; 3],
    },
    /// A call with a higher strike costs more, or so much less that a spread of the two pays more than it can.
    Spread {
        /// The expiry.
        years: f64,
        /// Strike and volatility of the lower.
        low: [f64; 2],
        /// The same of the higher.
        high: [f64; 2],
    },
    /// A butterfly costs less than nothing.
    Butterfly {
        /// The expiry.
        years: f64,
        /// Strike and volatility of the three.
        strikes: [[f64; 2]; 3],
    },
}

/// The arbitrages of a surface, where `forward` gives the price of the underlying for delivery in some years.
pub(super) fn arbitrages(
    surface: &VolSurface,
    is_normal: bool,
    forward: impl Fn(f64) -> Option<f64>,
) -> Vec<Arbitrage> {
    let VolSurface::Grid { expiries, strikes, vols, .. } = surface else { return Vec::new() };
    if is_normal {
        return of_normal(surface, (expiries, strikes, vols), forward);
    }
    let mut found = Vec::new();
    for ((years, row), idx) in expiries.iter().zip(vols).zip(0..) {
        let Some(at) = forward(*years).filter(|it| *it > 0.0 && it.is_finite()) else { continue };
        let nodes: Vec<[f64; 2]> = strikes.iter().zip(row).map(|(strike, vol)| [*strike, *vol]).collect();
        let price =
            |strike: f64, vol: f64| european::price(OptionType::Call, at, strike, *years, 0.0, 0.0, vol);
        across_strikes(*years, (Some([0.0, at]), at), &nodes, (price, ROUNDING), &mut found);
        let Some(late_years) = expiries.get(idx + 1) else { continue };
        let Some(later) = forward(*late_years).filter(|it| *it > 0.0 && it.is_finite()) else { continue };
        in_time(surface, strikes, [*years, *late_years], later / at, &mut found);
    }
    found
}

/// Those of the surface of a normal price.
fn of_normal(
    surface: &VolSurface,
    (expiries, strikes, vols): (&[f64], &[f64], &[Vec<f64>]),
    forward: impl Fn(f64) -> Option<f64>,
) -> Vec<Arbitrage> {
    let slack = PART_OF_ROUNDING * surface.range().1;
    let (Some(lowest), Some(highest)) = (strikes.first(), strikes.last()) else { return Vec::new() };
    let inside = |strike: f64| strikes.len() == 1 || (*lowest..=*highest).contains(&strike);
    let mut found = Vec::new();
    for ((years, row), idx) in expiries.iter().zip(vols).zip(0..) {
        let Some(at) = forward(*years).filter(|it| it.is_finite()) else { continue };
        let nodes: Vec<[f64; 2]> = strikes.iter().zip(row).map(|(strike, vol)| [*strike, *vol]).collect();
        let price = |strike: f64, vol: f64| {
            bachelier::price(OptionType::Call, bachelier::Payoff::Gain, at, strike, *years, 0.0, 0.0, vol)
        };
        let size = at.abs() + lowest.abs() + highest.abs();
        across_strikes(*years, (None, size), &nodes, (price, slack), &mut found);
        let later = expiries.get(idx + 1).copied();
        let Some((late, later)) = later.and_then(|late| Some((late, forward(late)?))) else { continue };
        let own = strikes.iter().map(|strike| [*strike, strike + (later - at)]);
        let others = strikes.iter().map(|strike| [strike - (later - at), *strike]);
        let mut pairs: Vec<[f64; 2]> =
            own.chain(others).filter(|pair| pair.iter().all(|it| inside(*it))).collect();
        pairs.sort_by(|[a, _], [b, _]| a.total_cmp(b));
        pairs.dedup_by(|[next, _], [one, _]| *next - *one <= 1e-3 * slack);
        for [early_strike, late_strike] in pairs {
            let (early_vol, late_vol) = (surface.vol(*years, early_strike), surface.vol(late, late_strike));
            if late_vol < early_vol * (years / late).sqrt() - slack {
                found.push(Arbitrage::InTime {
                    early: [*years, early_strike, early_vol],
                    late: [late, late_strike, late_vol],
                });
            }
        }
    }
    found
}

/// Between two expiries that follow each other: at the strikes of both.
fn in_time(
    surface: &VolSurface,
    strikes: &[f64],
    [early, late]: [f64; 2],
    growth: f64,
    found: &mut Vec<Arbitrage>,
) {
    let (Some(lowest), Some(highest)) = (strikes.first(), strikes.last()) else { return };
    let inside = |strike: f64| strike >= *lowest && strike <= *highest;
    let own = strikes.iter().map(|strike| [*strike, strike * growth]);
    let others = strikes.iter().map(|strike| [strike / growth, *strike]);
    // The strikes of what was found: the bits of positive numbers are in their order.
    let mut seen = BTreeSet::new();
    for [early_strike, late_strike] in own.chain(others) {
        // Outside of its strikes a surface is a guess.
        if strikes.len() > 1 && !(inside(early_strike) && inside(late_strike)) {
            continue;
        }
        let (early_vol, late_vol) = (surface.vol(early, early_strike), surface.vol(late, late_strike));
        let least = early_vol * (early / late).sqrt();
        if late_vol >= least - ROUNDING {
            continue;
        }
        let near = (early_strike * (1.0 - 1e-3)).to_bits()..=(early_strike * (1.0 + 1e-3)).to_bits();
        if seen.range(near).next().is_none() {
            seen.insert(early_strike.to_bits());
            found.push(Arbitrage::InTime {
                early: [early, early_strike, early_vol],
                late: [late, late_strike, late_vol],
            });
        }
    }
}

/// At one expiry, from strike to strike, with the price of calls and how far a volatility is rounded. `first` is a strike whose call has a
/// price for certain, and prices have the digits of `size`.
fn across_strikes(
    years: f64,
    (first, size): (Option<[f64; 2]>, f64),
    nodes: &[[f64; 2]],
    (price, slack): (impl Fn(f64, f64) -> f64, f64),
    found: &mut Vec<Arbitrage>,
) {
    // The price, and what a volatility's rounding makes of it.
    let priced = |[strike, vol]: &[f64; 2]| {
        let rounding = (price(*strike, vol + slack) - price(*strike, *vol)).abs();
        [*strike, price(*strike, *vol), rounding + 1e-12 * size]
    };
    let certain = first.map(|[strike, price]| [strike, price, 1e-12 * size]);
    let calls: Vec<[f64; 3]> = certain.into_iter().chain(nodes.iter().map(priced)).collect();
    let n_certain = usize::from(certain.is_some());
    let node = |idx: usize| nodes.get(idx.wrapping_sub(n_certain)).copied().unwrap_or([0.0, 0.0]);
    for (idx, pair) in calls.windows(2).enumerate() {
        let [[low, low_price, low_rounding], [high, high_price, high_rounding]] = pair else { continue };
        let (fall, rounding) = (low_price - high_price, low_rounding + high_rounding);
        if fall < -rounding || fall > (high - low) + rounding {
            found.push(Arbitrage::Spread { years, low: node(idx), high: node(idx + 1) });
        }
    }
    for (idx, triple) in calls.windows(3).enumerate() {
        let [
            [low, low_price, low_rounding],
            [mid, mid_price, mid_rounding],
            [high, high_price, high_rounding],
        ] = triple
        else {
            continue;
        };
        let weight = (high - mid) / (high - low);
        let line = weight * low_price + (1.0 - weight) * high_price;
        let rounding = mid_rounding + weight * low_rounding + (1.0 - weight) * high_rounding;
        if *mid_price > line + rounding {
            found.push(Arbitrage::Butterfly { years, strikes: [node(idx), node(idx + 1), node(idx + 2)] });
        }
    }
}

impl Arbitrage {
    /// What is wrong, for a person.
    pub(super) fn text(&self) -> String {
        match self {
            Arbitrage::InTime { early: [years, strike, vol], late: [late_years, late_strike, late_vol] } => {
                let late_strike = match (late_strike / strike - 1.0).abs() < 1e-12 {
                    true => String::new(),
                    false => format!(" at {}", short(*late_strike)),
                };
                format!(
                    "total variance falls in time: {} for {} years at strike {}, {} for {} years{late_strike}",
                    short(*vol),
                    short(*years),
                    short(*strike),
                    short(*late_vol),
                    short(*late_years),
                )
            }
            Arbitrage::Spread { years, low: [low, low_vol], high: [high, high_vol] } => format!(
                "a call spread cannot have its price: {} at strike {}, {} at {}, for {} years",
                short(*low_vol),
                short(*low),
                short(*high_vol),
                short(*high),
                short(*years),
            ),
            Arbitrage::Butterfly { years, strikes: [[low, low_vol], [mid, mid_vol], [high, high_vol]] } => {
                let left = match *low == 0.0 && *low_vol == 0.0 {
                    true => "a price of the forward at 0".to_owned(),
                    false => format!("{} at {}", short(*low_vol), short(*low)),
                };
                format!(
                    "a butterfly costs less than nothing: {} at strike {} between {left} and {} at {}, for {} years",
                    short(*mid_vol),
                    short(*mid),
                    short(*high_vol),
                    short(*high),
                    short(*years),
                )
            }
        }
    }
}

fn short(number: f64) -> f64 {
    crate::reading::rounded(number)
}

#[cfg(test)]
mod tests;
