//! The market under the shocks of some consecutive columns, computed once for all positions.

use super::super::market::conversion::{Conversion, Leg};
use super::super::market::{Market, Spot, Underlying};
use super::super::shock::ShockBlock;
use super::ColumnError;

/// One number per column of a block.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Columns {
    /// The same in every column.
    Same(f64),
    /// One each.
    Each(Vec<f64>),
}

impl Columns {
    /// `change(shock)` per column, without a vector while nothing is shocked.
    fn shocked(shocks: Option<&[f64]>, change: impl Fn(f64) -> f64) -> Self {
        match shocks {
            None => Columns::Same(change(0.0)),
            Some(shocks) => Columns::Each(shocks.iter().map(|shock| change(*shock)).collect()),
        }
    }

    /// `change(own, other)` per column.
    fn combined(&self, other: &Self, change: impl Fn(f64, f64) -> f64) -> Self {
        match (self, other) {
            (Columns::Same(own), Columns::Same(other)) => Columns::Same(change(*own, *other)),
            (Columns::Same(own), Columns::Each(others)) => {
                Columns::Each(others.iter().map(|other| change(*own, *other)).collect())
            }
            (Columns::Each(owns), Columns::Same(other)) => {
                Columns::Each(owns.iter().map(|own| change(*own, *other)).collect())
            }
            (Columns::Each(owns), Columns::Each(others)) => {
                Columns::Each(owns.iter().zip(others).map(|(own, other)| change(*own, *other)).collect())
            }
        }
    }

    pub(super) fn is_same(&self) -> bool {
        matches!(self, Columns::Same(_))
    }

    /// Writes `change(number)` for the columns from `first` on, as many as `out` has.
    #[inline]
    pub(super) fn write(&self, first: usize, out: &mut [f64], change: impl Fn(f64) -> f64) {
        match self {
            Columns::Same(number) => out.fill(change(*number)),
            Columns::Each(numbers) => {
                let numbers = numbers.get(first..).unwrap_or_default();
                for (out, number) in out.iter_mut().zip(numbers) {
                    *out = change(*number);
                }
            }
        }
    }

    /// Multiplies every value by `quantity`, then by its column's number.
    pub(super) fn multiply(&self, quantity: f64, values: &mut [f64]) {
        match self {
            Columns::Same(number) => values.iter_mut().for_each(|value| *value = *value * quantity * number),
            Columns::Each(numbers) => {
                values
                    .iter_mut()
                    .zip(numbers)
                    .for_each(|(value, number)| *value = *value * quantity * number);
            }
        }
    }

    /// The numbers themselves, `n` from `first` on, where each column has its own.
    pub(super) fn slice(&self, first: usize, n: usize) -> Option<&[f64]> {
        match self {
            Columns::Same(_) => None,
            Columns::Each(numbers) => numbers.get(first..first.checked_add(n)?),
        }
    }

    fn first_bad(&self, is_good: impl Fn(f64) -> bool) -> Option<(usize, f64)> {
        match self {
            Columns::Same(number) => (!is_good(*number)).then_some((0, *number)),
            Columns::Each(numbers) => numbers
                .iter()
                .position(|number| !is_good(*number))
                .and_then(|idx| Some((idx, *numbers.get(idx)?))),
        }
    }
}

/// The part of a block that a derivative on one underlying depends on.
#[derive(Debug, Clone, Copy)]
pub(super) struct UnderlyingColumns<'a> {
    pub(super) spot: &'a Columns,
    pub(super) rate_shift: &'a Columns,
    pub(super) carry_shift: &'a Columns,
    pub(super) vol_shift: &'a Columns,
}

/// A market under the shocks of a block.
///
/// Shocks apply as their factors say: spot and exchange rates relative, volatilities and rates absolute. A column depends
/// on its own shocks only, so its bits are the same whatever block it is in.
#[derive(Debug, Clone)]
pub struct BlockMarket {
    n_columns: usize,
    /// By underlying.
    spots: Vec<Columns>,
    /// By underlying.
    vol_shifts: Vec<Columns>,
    /// By currency.
    rate_shifts: Vec<Columns>,
    /// By underlying: the currency that its carry follows, if any, and the currency of its price.
    currencies: Vec<(Option<usize>, usize)>,
    /// By currency: report currency per unit; NaN if there is no conversion.
    conversions: Vec<Columns>,
    unshifted: Columns,
}

impl BlockMarket {
    /// The market under a block's shocks, whose rows are the market's factors.
    ///
    /// # Errors
    /// A shock that is not finite, or that leaves a spot or an exchange rate at or below 0, with its column.
    pub fn new(market: &Market, shocks: &ShockBlock) -> Result<BlockMarket, ColumnError> {
        for (idx, factor) in market.factors().0.iter().enumerate() {
            let row = shocks.row(idx).unwrap_or_default();
            if let Some(column) = row.iter().position(|shock| !shock.is_finite()) {
                return Err(ColumnError {
                    column,
                    problem: format!("the shock of {factor} is not a finite number"),
                });
            }
        }

        let mut pairs = Vec::with_capacity(market.pairs().len());
        for pair in market.pairs() {
            let rates = Columns::shocked(shocks.row(pair.factor), |shock| pair.rate * (1.0 + shock));
            check_price(&rates, || format!("fx:{}", pair.name))?;
            pairs.push(rates);
        }

        let mut spots = Vec::with_capacity(market.underlyings().len());
        for underlying in market.underlyings() {
            let spot = match underlying.spot {
                Spot::Own { price, factor } => {
                    Columns::shocked(shocks.row(factor), |shock| price * (1.0 + shock))
                }
                Spot::Pair(pair) => pairs.get(pair).cloned().unwrap_or(Columns::Same(f64::NAN)),
            };
            check_price(&spot, || format!("spot:{}", underlying.name))?;
            spots.push(spot);
        }

        let shift = |factor: usize| Columns::shocked(shocks.row(factor), |shock| shock);
        let convert = |leg: Leg| match pairs.get(leg.pair()) {
            Some(rates) => rates.combined(&Columns::Same(0.0), |rate, _| leg.factor(rate)),
            None => Columns::Same(f64::NAN),
        };
        let conversion = |conversion| match conversion {
            Some(Conversion::None) => Columns::Same(1.0),
            Some(Conversion::Direct(leg)) => convert(leg),
            Some(Conversion::Cross(first, second)) => {
                convert(first).combined(&convert(second), |first, second| first * second)
            }
            None => Columns::Same(f64::NAN),
        };
        let all = market.currencies();
        Ok(BlockMarket {
            n_columns: shocks.n_columns(),
            spots,
            vol_shifts: market.underlyings().iter().map(|it| shift(it.vol_factor)).collect(),
            rate_shifts: all.iter().map(|it| it.rate_factor.map_or(Columns::Same(0.0), shift)).collect(),
            currencies: market.underlyings().iter().map(Underlying::currencies).collect(),
            conversions: all.iter().map(|it| conversion(it.conversion)).collect(),
            unshifted: Columns::Same(0.0),
        })
    }

    /// The market as loaded, as one column.
    pub fn unshocked(market: &Market) -> Result<BlockMarket, ColumnError> {
        BlockMarket::new(market, &ShockBlock::unshocked(market.factors().0.len(), 1))
    }

    /// How many columns the block has.
    pub fn n_columns(&self) -> usize {
        self.n_columns
    }

    pub(super) fn underlying(&self, idx: usize) -> Option<UnderlyingColumns<'_>> {
        let (carry, currency) = self.currencies.get(idx)?;
        Some(UnderlyingColumns {
            spot: self.spots.get(idx)?,
            rate_shift: self.rate_shifts.get(*currency)?,
            carry_shift: carry.map_or(Some(&self.unshifted), |currency| self.rate_shifts.get(currency))?,
            vol_shift: self.vol_shifts.get(idx)?,
        })
    }

    pub(super) fn rate_shift(&self, currency: usize) -> Option<&Columns> {
        self.rate_shifts.get(currency)
    }

    pub(super) fn conversion(&self, currency: usize) -> Option<&Columns> {
        self.conversions.get(currency)
    }
}

fn check_price(prices: &Columns, name: impl Fn() -> String) -> Result<(), ColumnError> {
    match prices.first_bad(|price| price > 0.0 && price.is_finite()) {
        None => Ok(()),
        Some((column, price)) => {
            let problem = format!("the shock of {} leaves a price of {price}; it must stay above 0", name());
            Err(ColumnError { column, problem })
        }
    }
}
