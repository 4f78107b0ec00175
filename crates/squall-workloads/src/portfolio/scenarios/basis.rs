//! What scenarios have to know of the market that they shock.

use chrono::NaiveDate;

use crate::portfolio::market::spec::Limits;
use crate::portfolio::market::{Market, Spot};
use crate::portfolio::shock::Factors;

/// The factors of a market and where they stand.
#[derive(Debug, Clone)]
pub struct Basis<'a> {
    /// The factors.
    pub factors: &'a Factors,
    /// The lowest and the highest level of each factor today, in its own unit: a price twice, a surface's volatilities, the zero rates
    /// of a currency's curves; `None` where it is not known. May be empty.
    pub levels: Vec<Option<[f64; 2]>>,
    /// Of factors that move in units of a price, which is normal: what a shock of 1 changes, in these units. May be empty.
    pub scales: Vec<Option<f64>>,
    /// How large rates and volatilities may be.
    pub limits: Limits,
    /// Today, if it is known.
    pub valuation_date: Option<NaiveDate>,
}

impl<'a> Basis<'a> {
    /// Factors alone.
    pub fn new(factors: &'a Factors) -> Self {
        Self {
            factors,
            levels: Vec::new(),
            scales: Vec::new(),
            limits: Limits::default(),
            valuation_date: None,
        }
    }

    /// A whole market.
    pub fn of(market: &'a Market) -> Self {
        let mut levels = vec![None; market.factors().0.len()];
        let mut add = |factor: Option<usize>, low: f64, high: f64| {
            if let Some(level) = factor.and_then(|factor| levels.get_mut(factor)) {
                let [known_low, known_high] = level.unwrap_or([f64::INFINITY, f64::NEG_INFINITY]);
                *level = Some([low.min(known_low), high.max(known_high)]);
            }
        };
        for underlying in market.underlyings() {
            if let Spot::Own { price, factor } = underlying.spot {
                add(Some(factor), price, price);
            }
            let (low, high) = underlying.vol.range();
            add(underlying.vol_factor, low, high);
        }
        for pair in market.pairs() {
            add(Some(pair.factor), pair.rate, pair.rate);
        }
        for curve in market.curves() {
            let factor = market.currency(curve.currency).and_then(|currency| currency.rate_factor);
            let (low, high) = curve.zero.range();
            add(factor, low, high);
        }
        for currency in market.currencies() {
            let zero = currency.discount.and_then(|curve| market.curve(curve)).map(|curve| &curve.zero);
            for (zero, tenor) in
                zero.into_iter().flat_map(|zero| currency.key_tenors.iter().map(move |it| (zero, it)))
            {
                let rate = zero.zero_rate(tenor.years);
                add(Some(tenor.factor), rate, rate);
            }
        }
        Self {
            factors: market.factors(),
            levels,
            scales: market.scales(),
            limits: market.limits(),
            valuation_date: Some(market.valuation_date()),
        }
    }

    /// What a shock of 1 changes, of a factor that moves in units of a price.
    pub(super) fn scale(&self, factor_idx: usize) -> Option<f64> {
        self.scales.get(factor_idx).copied().flatten()
    }

    /// The price of a factor that has one.
    pub(super) fn price(&self, factor_idx: usize) -> Option<f64> {
        self.levels.get(factor_idx).copied().flatten().map(|[price, _]| price)
    }
}
