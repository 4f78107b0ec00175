//! Greeks of the whole portfolio by central differences of the bump columns, everything else unchanged.
//!
//! With `V+` and `V-` the value after a bump up and down and `V` the base: delta and gamma of a spot price or FX rate
//! are for a 1 % move (bumps of 1 %, or as if: see `stencil`), vega for one volatility point (bumps of one point), rho
//! for one basis point (bumps of one basis point). Of a normal price and its volatility the bumps are a hundredth of their scales, and the
//! Greeks are for 1.00 in units of the price; those for 1 % are the same for a hundredth of a price above 0. Theta is no bump but the base at the horizon (`ageing`).

use super::matrix::whole_column;
use crate::portfolio::columns::{Columns, RELATIVE_BUMP, VOL_BUMP};
use crate::portfolio::labels::Labels;
use crate::portfolio::money::{Micros, divide_rounded};
use crate::portfolio::partial::Partial;
use crate::portfolio::shock::Factor;
use crate::portfolio::stencil::Unreliable;

/// Greeks, in millionths of the report currency; `None` while a bump column is not in.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Greeks {
    /// Underlyings and currency pairs, in the market's order.
    pub underlyings: Vec<UnderlyingGreeks>,
    /// Currencies, in the market's order.
    pub currencies: Vec<CurrencyGreeks>,
    /// Rates at single tenors and spreads of single curves, in the market's order, each with the change for a rise by one basis point.
    pub rate_factors: Vec<(Factor, Option<i128>)>,
    /// What has no gamma, or no delta, and why.
    pub unreliable: Vec<Unreliable>,
}

/// Sensitivity to an underlying or a currency pair.
#[derive(Debug, Clone, PartialEq)]
pub struct UnderlyingGreeks {
    /// `SPX`, `EURUSD`.
    pub name: String,
    /// Change for a rise of 1 %: `(V+ - V-) / 2`.
    pub delta_percent: Option<i128>,
    /// Change of that delta for a rise of 1 %: `V+ - 2 V + V-`.
    pub gamma_percent: Option<i128>,
    /// Change for a rise by 1.00 in the price's own unit: `(V+ - V-) / (2 * 1 % of the price)`, in whole units of the
    /// report currency. Needs the price.
    pub delta_unit: Option<f64>,
    /// Change for a rise of volatility by one point: `(V+ - V-) / 2`. `None` also where there is no volatility, or one in units of the price.
    pub vega: Option<i128>,
    /// Of a normal price: change of the delta for 1.00 for a rise by 1.00, in whole units of the report currency.
    pub gamma_unit: Option<f64>,
    /// Of a normal price: change for a rise of its volatility by 1.00 in units of the price, in whole units of the report currency.
    pub vega_unit: Option<f64>,
}

/// Sensitivity to a currency's rates.
#[derive(Debug, Clone, PartialEq)]
pub struct CurrencyGreeks {
    /// `USD`.
    pub currency: String,
    /// Change for a parallel rise of its zero curves by one basis point: `(V+ - V-) / 2`.
    pub rho: Option<i128>,
}

impl Greeks {
    /// Whether no bump is in yet, or there is no factor to bump.
    pub fn is_empty(&self) -> bool {
        let no_underlying = |row: &UnderlyingGreeks| {
            row.delta_percent.is_none()
                && row.vega.is_none()
                && row.delta_unit.is_none()
                && row.vega_unit.is_none()
        };
        self.underlyings.iter().all(no_underlying) && self.currencies.iter().all(|row| row.rho.is_none())
    }
}

pub(super) fn greeks(labels: &Labels, columns: &Columns, partial: &Partial) -> Greeks {
    let base = whole_column(labels, partial, 0);
    let mut greeks = Greeks { unreliable: labels.unreliable.clone(), ..Greeks::default() };
    for (factor_idx, factor) in columns.scenarios().factors().0.iter().enumerate() {
        let bumped = columns.bumps_of(factor_idx).and_then(|(up, down)| {
            Some((whole_column(labels, partial, up)?, whole_column(labels, partial, down)?))
        });
        let slope = bumped.map(|(up, down)| divide_rounded(up.wrapping_sub(down), 2));
        let scale = columns.scenarios().scale(factor_idx);
        match factor {
            Factor::Spot(name) | Factor::Fx(name) => {
                let level =
                    labels.factor_levels.get(factor_idx).copied().flatten().filter(|level| *level > 0.0);
                let row = underlying(&mut greeks.underlyings, name);
                let unreliable = labels.unreliable.iter().find(|it| it.name == *name);
                let bumped = bumped.filter(|_| unreliable.is_none_or(|it| !it.is_jump));
                row.delta_percent = bumped.and(slope);
                row.gamma_percent = bumped
                    .filter(|_| unreliable.is_none())
                    .zip(base)
                    .map(|((up, down), base)| up.wrapping_add(down).wrapping_sub(base.wrapping_mul(2)));
                if let Some(scale) = scale {
                    row.of_normal(scale, level, bumped.zip(base));
                    continue;
                }
                row.delta_unit = bumped.zip(level).map(|((up, down), level)| {
                    Micros(up.wrapping_sub(down)).to_f64() / (2.0 * RELATIVE_BUMP * level)
                });
            }
            Factor::Vol(name) if scale.is_some() => {
                let bump = columns.bump(factor_idx) * scale.unwrap_or(1.0);
                let vega = bumped.map(|(up, down)| Micros(up.wrapping_sub(down)).to_f64() / (2.0 * bump));
                underlying(&mut greeks.underlyings, name).vega_unit = vega;
            }
            Factor::Vol(name) => {
                let bump = columns.bump(factor_idx);
                let per_point = |slope: i128| match bump < VOL_BUMP {
                    false => slope,
                    #[expect(clippy::cast_possible_truncation, reason = "millionths, far from 128 bits")]
                    true => (Micros(slope).to_f64() * 1e6 * (VOL_BUMP / bump)).round_ties_even() as i128,
                };
                underlying(&mut greeks.underlyings, name).vega = slope.map(per_point);
            }
            Factor::Rate(name) if name.contains(':') => greeks.rate_factors.push((factor.clone(), slope)),
            Factor::Spread(_) => greeks.rate_factors.push((factor.clone(), slope)),
            Factor::Rate(currency) => {
                greeks.currencies.push(CurrencyGreeks { currency: currency.clone(), rho: slope });
            }
        }
    }
    greeks
}

impl UnderlyingGreeks {
    /// The Greeks of a price that moves by `scale` at a shock of 1, from its bumps and the base. It has a hundredth only above 0.
    fn of_normal(&mut self, scale: f64, price: Option<f64>, values: Option<((i128, i128), i128)>) {
        let bump = RELATIVE_BUMP * scale;
        let slope = values.map(|((up, down), _)| Micros(up.wrapping_sub(down)).to_f64() / (2.0 * bump));
        let bend = values.map(|((up, down), base)| {
            Micros(up.wrapping_add(down).wrapping_sub(base.wrapping_mul(2))).to_f64() / (bump * bump)
        });
        // It has a gamma, if any, where it has one for 1 %.
        let bend = bend.filter(|_| self.gamma_percent.is_some());
        let hundredth = price.map(|price| RELATIVE_BUMP * price);
        #[expect(clippy::cast_possible_truncation, reason = "millionths, far from 128 bits")]
        let micros = |amount: f64| (amount * 1e6).round_ties_even() as i128;
        (self.delta_unit, self.gamma_unit) = (slope, bend);
        self.delta_percent = slope.zip(hundredth).map(|(slope, move_)| micros(slope * move_));
        self.gamma_percent = bend.zip(hundredth).map(|(bend, move_)| micros(bend * move_ * move_));
    }
}

fn underlying<'a>(rows: &'a mut Vec<UnderlyingGreeks>, name: &str) -> &'a mut UnderlyingGreeks {
    let idx = rows.iter().position(|row| row.name == name).unwrap_or_else(|| {
        let name = name.to_owned();
        rows.push(UnderlyingGreeks {
            name,
            delta_percent: None,
            gamma_percent: None,
            delta_unit: None,
            vega: None,
            gamma_unit: None,
            vega_unit: None,
        });
        rows.len() - 1
    });
    &mut rows[idx]
}
