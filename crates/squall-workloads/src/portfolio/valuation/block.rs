//! The market under the shocks of some consecutive columns, computed once for all positions.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::super::market::conversion::{Conversion, Leg};
use super::super::market::rate_factors::{KeyTenor, shares};
use super::super::market::{Curve, Market, Spot, Underlying};
use super::super::shock::ShockBlock;

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

    /// The columns, of the first `n`, whose number is not good.
    fn bad(&self, n: usize, is_good: impl Fn(f64) -> bool) -> Vec<(usize, f64)> {
        match self {
            Columns::Same(number) if is_good(*number) => Vec::new(),
            Columns::Same(number) => (0..n).map(|column| (column, *number)).collect(),
            Columns::Each(numbers) => {
                // Without an early exit, so that it vectorises: nearly always all are.
                if numbers.iter().fold(true, |all, number| all & is_good(*number)) {
                    return Vec::new();
                }
                numbers.iter().copied().enumerate().filter(|(_, number)| !is_good(*number)).collect()
            }
        }
    }
}

/// The part of a block that a derivative on one underlying depends on.
#[derive(Debug, Clone, Copy)]
pub(super) struct UnderlyingColumns<'a> {
    pub(super) spot: &'a Columns,
    /// Whether no column has a price of 0 or less, as absolute changes may leave.
    pub(super) is_above_zero: bool,
    pub(super) rate_shift: &'a Columns,
    pub(super) carry_shift: &'a Columns,
    pub(super) vol_shift: &'a Columns,
}

/// The shifts of the two rates of a contract on an underlying.
pub(super) struct Shifts<'a> {
    rate: Cow<'a, Columns>,
    carry: Cow<'a, Columns>,
}

impl Shifts<'_> {
    /// Of the rate that discounts.
    pub(super) fn rate(&self) -> &Columns {
        &self.rate
    }

    /// Of the carry.
    pub(super) fn carry(&self) -> &Columns {
        &self.carry
    }
}

/// The shift of a zero curve.
#[derive(Debug, Clone)]
pub(super) struct CurveShift {
    /// At every time.
    whole: Columns,
    /// At some tenors besides; empty while none is shocked.
    tenors: Vec<KeyTenor>,
    /// The shift of each.
    of_tenors: Vec<Columns>,
}

impl CurveShift {
    fn new(market: &Market, curve: &Curve, shift: impl Fn(usize) -> Columns) -> Self {
        let currency = market.currency(curve.currency);
        let of_currency = currency.and_then(|it| it.rate_factor).map_or(Columns::Same(0.0), &shift);
        let whole = match curve.spread_factor.map(&shift) {
            Some(spread) => of_currency.combined(&spread, |rate, spread| rate + spread),
            None => of_currency,
        };
        let tenors = currency.map_or(&[][..], |it| &it.key_tenors);
        let of_tenors: Vec<Columns> = tenors.iter().map(|tenor| shift(tenor.factor)).collect();
        match of_tenors.iter().all(Columns::is_same) {
            true => Self { whole, tenors: Vec::new(), of_tenors: Vec::new() },
            false => Self { whole, tenors: tenors.to_vec(), of_tenors },
        }
    }

    /// The same at every time, if it is.
    pub(super) fn everywhere(&self) -> Option<&Columns> {
        self.tenors.is_empty().then_some(&self.whole)
    }

    /// The shift of the zero rates at `years`.
    pub(super) fn at(&self, years: f64) -> Cow<'_, Columns> {
        let mut at = Cow::Borrowed(&self.whole);
        for (idx, share) in shares(&self.tenors, years).into_iter().flatten() {
            if let Some(tenor) = self.of_tenors.get(idx) {
                at = Cow::Owned(at.combined(tenor, |shift, tenor| shift + share * tenor));
            }
        }
        at
    }
}

/// The curve that an underlying's carry follows, if any, and the one of its currency.
fn curves_of(market: &Market, underlying: &Underlying) -> (Option<usize>, Option<usize>) {
    let discount = |currency: usize| market.currency(currency).and_then(|it| it.discount);
    let (carry, quote) = underlying.currencies();
    (carry.and_then(discount), discount(quote))
}

/// A market under the shocks of a block.
///
/// Shocks apply as their factors say: spot and exchange rates relative, volatilities and rates absolute; those of a normal price and its
/// volatility in the scales of [`Market::scales`]. A column depends
/// on its own shocks only, so its bits are the same whatever block it is in.
#[derive(Debug, Clone)]
pub struct BlockMarket {
    n_columns: usize,
    /// By underlying.
    spots: Vec<Columns>,
    /// By underlying: whether its spot is above 0 in every column.
    above_zero: Vec<bool>,
    /// By underlying.
    vol_shifts: Vec<Columns>,
    /// By curve.
    curves: Vec<CurveShift>,
    /// By underlying: the curve that its carry follows, if any, and the curve of its currency.
    curves_of: Vec<(Option<usize>, Option<usize>)>,
    /// By currency: report currency per unit; NaN if there is no conversion.
    conversions: Vec<Columns>,
    unshifted: Columns,
    /// The columns without a market, and why: no position has a value in them.
    unpriced: BTreeMap<usize, String>,
}

impl BlockMarket {
    /// The market under a block's shocks, whose rows are the market's factors. A shock that is not finite, or that leaves a spot or
    /// an exchange rate at or below 0, leaves its column without a market, and no other.
    pub fn new(market: &Market, shocks: &ShockBlock) -> BlockMarket {
        let mut unpriced = BTreeMap::new();
        for (idx, factor) in market.factors().0.iter().enumerate() {
            let row = shocks.row(idx).unwrap_or_default();
            if row.iter().fold(true, |all, shock| all & shock.is_finite()) {
                continue;
            }
            for (column, _) in row.iter().enumerate().filter(|(_, shock)| !shock.is_finite()) {
                let problem = || format!("the shock of {factor} is not a finite number");
                unpriced.entry(column).or_insert_with(problem);
            }
        }
        let block = Self::under(market, shocks, &mut unpriced);
        if unpriced.is_empty() {
            return block;
        }
        // The pricers see nothing of such a column but the market as loaded.
        let mut calm = shocks.clone();
        for idx in 0..market.factors().0.len() {
            if shocks.row(idx).is_some() {
                let row = calm.row_mut(idx);
                unpriced.keys().for_each(|column| row.get_mut(*column).into_iter().for_each(|it| *it = 0.0));
            }
        }
        BlockMarket { unpriced, ..Self::under(market, &calm, &mut BTreeMap::new()) }
    }

    /// Notes the columns in which some price is none.
    fn under(market: &Market, shocks: &ShockBlock, unpriced: &mut BTreeMap<usize, String>) -> BlockMarket {
        let n_columns = shocks.n_columns();
        let mut pairs = Vec::with_capacity(market.pairs().len());
        for pair in market.pairs() {
            let rates = Columns::shocked(shocks.row(pair.factor), |shock| pair.rate * (1.0 + shock));
            let is_good = |rate: f64| rate > 0.0 && rate.is_finite();
            let name = &pair.name;
            let problem =
                |rate| format!("the shock of fx:{name} leaves a price of {rate}; it must stay above 0");
            note_unpriced(&rates, n_columns, is_good, problem, unpriced);
            pairs.push(rates);
        }

        let mut spots = Vec::with_capacity(market.underlyings().len());
        let mut above_zero = Vec::with_capacity(market.underlyings().len());
        for underlying in market.underlyings() {
            let spot = match underlying.spot {
                Spot::Own { price, factor } => match underlying.normal {
                    None => Columns::shocked(shocks.row(factor), |shock| price * (1.0 + shock)),
                    Some(scales) => {
                        Columns::shocked(shocks.row(factor), |shock| price + scales.price * shock)
                    }
                },
                Spot::Pair(pair) => pairs.get(pair).cloned().unwrap_or(Columns::Same(f64::NAN)),
            };
            let problem = |price| format!("the shock of spot:{} leaves a price of {price}", underlying.name);
            note_unpriced(&spot, n_columns, f64::is_finite, problem, unpriced);
            above_zero.push(spot.bad(n_columns, |price| price > 0.0).is_empty());
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
        BlockMarket {
            n_columns,
            spots,
            above_zero,
            vol_shifts: market
                .underlyings()
                .iter()
                .map(|it| match (it.vol_factor, it.normal) {
                    (None, _) => Columns::Same(0.0),
                    (Some(factor), None) => shift(factor),
                    (Some(factor), Some(scales)) => {
                        Columns::shocked(shocks.row(factor), |shock| scales.vol * shock)
                    }
                })
                .collect(),
            curves: market.curves().iter().map(|curve| CurveShift::new(market, curve, shift)).collect(),
            curves_of: market.underlyings().iter().map(|it| curves_of(market, it)).collect(),
            conversions: all.iter().map(|it| conversion(it.conversion)).collect(),
            unshifted: Columns::Same(0.0),
            unpriced: BTreeMap::new(),
        }
    }

    /// The market as loaded, as one column.
    pub fn unshocked(market: &Market) -> BlockMarket {
        BlockMarket::new(market, &ShockBlock::unshocked(market.factors().0.len(), 1))
    }

    /// How many columns the block has.
    pub fn n_columns(&self) -> usize {
        self.n_columns
    }

    /// The columns without a market, and why.
    pub(super) fn unpriced(&self) -> &BTreeMap<usize, String> {
        &self.unpriced
    }

    /// An underlying's spot price.
    pub(super) fn spot(&self, underlying: usize) -> Option<&Columns> {
        self.spots.get(underlying)
    }

    /// The shifts of the rates that a contract on an underlying depends on.
    pub(super) fn shifts(&self, underlying: usize, years: f64) -> Option<Shifts<'_>> {
        let (carry, quote) = self.curves_of.get(underlying)?;
        let at = |curve: usize| Some(self.curves.get(curve)?.at(years));
        Some(Shifts { rate: at((*quote)?)?, carry: carry.map_or(Some(Cow::Borrowed(&self.unshifted)), at)? })
    }

    pub(super) fn underlying<'a>(
        &'a self,
        idx: usize,
        shifts: &'a Shifts<'_>,
    ) -> Option<UnderlyingColumns<'a>> {
        Some(UnderlyingColumns {
            spot: self.spots.get(idx)?,
            is_above_zero: *self.above_zero.get(idx)?,
            rate_shift: &shifts.rate,
            carry_shift: &shifts.carry,
            vol_shift: self.vol_shifts.get(idx)?,
        })
    }

    pub(super) fn curve(&self, curve: usize) -> Option<&CurveShift> {
        self.curves.get(curve)
    }

    pub(super) fn conversion(&self, currency: usize) -> Option<&Columns> {
        self.conversions.get(currency)
    }
}

/// A price may fall to 0 and below: then options on it have no value, and everything else has. An exchange rate may not.
fn note_unpriced(
    prices: &Columns,
    n_columns: usize,
    is_good: impl Fn(f64) -> bool,
    problem: impl Fn(f64) -> String,
    unpriced: &mut BTreeMap<usize, String>,
) {
    for (column, price) in prices.bad(n_columns, is_good) {
        unpriced.entry(column).or_insert_with(|| problem(price));
    }
}
