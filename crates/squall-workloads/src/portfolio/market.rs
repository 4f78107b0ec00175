//! The market: zero curves, underlyings, exchange rates, and the risk factors that move them.
//!
//! Time is ACT/365F from the valuation date. Everything is kept in the alphabetical order of its names, so indices do
//! not depend on how a file was written.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use squall_core::job::told;
use squall_core::workload::InputError;

use super::dates::{after_tenor, years_between};
use super::shock::{Factor, Factors};
use super::table::iso_date;
use crate::reading::quoted;

mod arbitrage;
mod build;
mod calendars;
mod check;
pub mod conversion;
pub mod curve;
mod dividends;
pub mod normal;
pub mod rate_factors;
pub mod spec;
pub mod surface;

use arbitrage::Arbitrage;
use conversion::{Conversion, Pair};
use curve::ZeroCurve;
pub use dividends::Dividend;
use normal::Scales;
use rate_factors::{KeyTenor, shares};
use spec::{AssetClass, Limits, MarketSpec, Tenor};
use surface::VolSurface;

/// The source of a market, for messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Inside another object, at this path: `input.market`.
    Inline(String),
    /// In a file of this name.
    File(String),
}

impl Origin {
    /// The place of a field, `input.market.curves` or `market.json (curves)`.
    pub fn at(&self, path: &str) -> String {
        match self {
            Origin::Inline(root) => format!("{root}.{path}"),
            Origin::File(name) => format!("{name} ({path})"),
        }
    }
}

/// A market, checked and indexed.
#[derive(Debug, Clone)]
pub struct Market {
    valuation_date: NaiveDate,
    report_currency: usize,
    currencies: Vec<Currency>,
    curves: Vec<Curve>,
    underlyings: Vec<Underlying>,
    pairs: Vec<Pair>,
    factors: Factors,
    calendars: BTreeMap<String, BTreeSet<NaiveDate>>,
    limits: Limits,
    notes: Vec<String>,
}

/// A currency that the market mentions.
#[derive(Debug, Clone)]
pub struct Currency {
    /// Three capital letters.
    pub code: String,
    /// Its own curve, as an index for [`Market::curve`].
    pub discount: Option<usize>,
    /// The factor that shifts its curves; absent without a curve.
    pub rate_factor: Option<usize>,
    /// The tenors of its curves that have a factor of their own, in order of time.
    pub key_tenors: Vec<KeyTenor>,
    /// How its amounts become amounts of the report currency; absent if they cannot.
    pub conversion: Option<Conversion>,
}

/// A named zero curve.
#[derive(Debug, Clone)]
pub struct Curve {
    /// Unique.
    pub name: String,
    /// Index of its currency.
    pub currency: usize,
    /// The rates.
    pub zero: ZeroCurve,
    /// The factor that shifts this curve alone; absent without one.
    pub spread_factor: Option<usize>,
}

/// An underlying of options and forwards.
#[derive(Debug, Clone)]
pub struct Underlying {
    /// Unique; a pair such as `EURUSD` for the class `fx`.
    pub name: String,
    /// Its asset class.
    pub class: AssetClass,
    /// Index of the currency of its price.
    pub currency: usize,
    /// The source of its price.
    pub spot: Spot,
    /// Its carry.
    pub carry: Carry,
    /// Cash that it pays besides, in order of time.
    pub dividends: Vec<Dividend>,
    /// Black-Scholes volatility, or of a normal price Bachelier's, in its units.
    pub vol: VolSurface,
    /// Of a normal price, the scales of its shocks; absent for a lognormal one.
    pub normal: Option<Scales>,
    /// The factor that shifts its volatility, if it has one.
    pub vol_factor: Option<usize>,
}

/// The source of an underlying's price.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Spot {
    /// A price of its own, moved by a factor of its own.
    Own {
        /// In the underlying's currency; above 0 unless it is normal.
        price: f64,
        /// Index of the `spot:` factor.
        factor: usize,
    },
    /// An exchange rate, as an index for [`Market::pairs`].
    Pair(usize),
}

/// What holding an underlying earns, continuously compounded per year.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Carry {
    /// A dividend or net convenience yield.
    Yield(f64),
    /// The rate of a currency, by index: a currency pair's first.
    Currency(usize),
}

impl Underlying {
    /// Indices of the currency that its carry follows, if any, and of the currency of its price.
    pub fn currencies(&self) -> (Option<usize>, usize) {
        let carry = match self.carry {
            Carry::Yield(_) => None,
            Carry::Currency(currency) => Some(currency),
        };
        (carry, self.currency)
    }
}

impl Market {
    /// Reads a market from a JSON file's bytes.
    ///
    /// # Errors
    /// What [`Market::new`] finds, or text that is not a market in JSON, with its line and column.
    pub fn parse(file_name: &str, bytes: &[u8]) -> Result<Market, InputError> {
        let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        if bytes.starts_with(b"\xFF\xFE") || bytes.starts_with(b"\xFE\xFF") {
            return Err(InputError::new(format!("{file_name}:1"), "the file is UTF-16; save it as UTF-8"));
        }
        let mut json = serde_json::Deserializer::from_slice(bytes);
        let spec: MarketSpec = serde_path_to_error::deserialize(&mut json).map_err(|error| {
            let path = error.path().to_string();
            // The parser calls a field without a name `?`, and the whole document `.`.
            let path = path.trim_end_matches(['?', '.']);
            let inner = error.inner();
            let at = format!("{file_name}:{}:{}", inner.line(), inner.column());
            let place = if path.is_empty() { at } else { format!("{at} ({path})") };
            InputError::new(place, told(without_position(&inner.to_string())))
        })?;
        json.end().map_err(|error| {
            let place = format!("{file_name}:{}:{}", error.line(), error.column());
            InputError::new(place, without_position(&error.to_string()))
        })?;
        Market::new(&spec, &Origin::File(file_name.to_owned()))
    }

    /// Checks and indexes a market; `origin` is only for messages.
    ///
    /// # Errors
    /// The first error, with the path of the field.
    pub fn new(spec: &MarketSpec, origin: &Origin) -> Result<Market, InputError> {
        build::market(spec, origin)
    }

    /// The valuation date.
    pub fn valuation_date(&self) -> NaiveDate {
        self.valuation_date
    }

    /// Code of the currency that values are reported in.
    pub fn report_currency(&self) -> &str {
        self.currency(self.report_currency).map_or("", |currency| currency.code.as_str())
    }

    /// Every risk factor, in a fixed order: `spot:`, `vol:`, `rate:`, `spread:` and `fx:`, each by name.
    pub fn factors(&self) -> &Factors {
        &self.factors
    }

    /// Every currency that the market mentions, by code.
    pub fn currencies(&self) -> &[Currency] {
        &self.currencies
    }

    /// Every underlying, by name.
    pub fn underlyings(&self) -> &[Underlying] {
        &self.underlyings
    }

    /// Every exchange rate, by name.
    pub fn pairs(&self) -> &[Pair] {
        &self.pairs
    }

    /// The pairs that follow from each other.
    pub fn tied_pairs(&self) -> Vec<Pair> {
        let tied = conversion::tied(&self.pairs, self.currencies.len());
        tied.into_iter().filter_map(|idx| self.pairs.get(idx).cloned()).collect()
    }

    /// A pair that the others contradict by more than `tolerance`, and the rate that they make of it.
    pub fn contradiction(&self, pairs: &[Pair], tolerance: f64) -> Option<(String, f64, f64)> {
        let (idx, implied) = conversion::contradiction(pairs, self.currencies.len(), tolerance)?;
        pairs.get(idx).map(|pair| (pair.name.clone(), pair.rate, implied))
    }

    /// What a shock of 1 changes, by factor: of the spots and volatilities of normal prices, which are shocked in units of the price.
    pub fn scales(&self) -> Vec<Option<f64>> {
        let mut scales = vec![None; self.factors.0.len()];
        for underlying in &self.underlyings {
            let Some(normal) = underlying.normal else { continue };
            let of_spot = match underlying.spot {
                Spot::Own { factor, .. } => Some((factor, normal.price)),
                Spot::Pair(_) => None,
            };
            let of_vol = underlying.vol_factor.map(|factor| (factor, normal.vol));
            for (factor, scale) in of_spot.into_iter().chain(of_vol) {
                if let Some(known) = scales.get_mut(factor) {
                    *known = Some(scale);
                }
            }
        }
        scales
    }

    /// How large rates and volatilities may be.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// What is valid and can hardly be meant: surfaces that no market can have.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The places where an underlying's surface allows arbitrage.
    fn arbitrages(&self, underlying: &Underlying) -> Vec<Arbitrage> {
        let spot = self.spot(underlying);
        let forward = |years: f64| {
            let growth = self.zero_rate(underlying.currency, years)? - self.carry(underlying, years)?;
            Some(spot * libm::exp(growth * years))
        };
        let is_normal = underlying.normal.is_some();
        arbitrage::arbitrages(&underlying.vol, is_normal, forward)
    }

    fn arbitrage_note(&self, underlying: &Underlying) -> Option<String> {
        let found = self.arbitrages(underlying);
        let more = match found.len() {
            0 | 1 => String::new(),
            2 => "; and in one more place".to_owned(),
            n => format!("; and in {} more places", n - 1),
        };
        found.first().map(|first| format!("vol:{} allows arbitrage: {}{more}", underlying.name, first.text()))
    }

    /// A currency by index.
    pub fn currency(&self, idx: usize) -> Option<&Currency> {
        self.currencies.get(idx)
    }

    /// The index of a currency by code.
    pub fn currency_index(&self, code: &str) -> Option<usize> {
        self.currencies.binary_search_by(|known| known.code.as_str().cmp(code)).ok()
    }

    /// Every curve, by name.
    pub fn curves(&self) -> &[Curve] {
        &self.curves
    }

    /// A curve by index.
    pub fn curve(&self, idx: usize) -> Option<&Curve> {
        self.curves.get(idx)
    }

    /// The index of a curve by name.
    pub fn curve_index(&self, name: &str) -> Option<usize> {
        self.curves.binary_search_by(|known| known.name.as_str().cmp(name)).ok()
    }

    /// The holidays of every calendar of its own, by name.
    pub fn calendars(&self) -> &BTreeMap<String, BTreeSet<NaiveDate>> {
        &self.calendars
    }

    /// The index of an underlying by name.
    pub fn underlying_index(&self, name: &str) -> Option<usize> {
        self.underlyings.binary_search_by(|known| known.name.as_str().cmp(name)).ok()
    }

    /// The factors that move the zero rates of a curve at `years`.
    pub fn rate_factors(&self, curve: usize, years: f64) -> impl Iterator<Item = usize> {
        let curve = self.curve(curve);
        let currency = curve.and_then(|curve| self.currency(curve.currency));
        let at_tenors = currency.map_or([None, None], |it| {
            shares(&it.key_tenors, years).map(|share| it.key_tenors.get(share?.0).map(|tenor| tenor.factor))
        });
        let whole = [currency.and_then(|it| it.rate_factor), curve.and_then(|it| it.spread_factor)];
        whole.into_iter().chain(at_tenors).flatten()
    }

    /// Adds to some factors those that move the same rates: a currency's tenors and the whole of its curves stand for each other.
    pub fn with_same_rates(&self, mut factors: BTreeSet<usize>) -> BTreeSet<usize> {
        for currency in &self.currencies {
            let tenors = || currency.key_tenors.iter().map(|tenor| tenor.factor);
            let Some(whole) = currency.rate_factor else { continue };
            if factors.contains(&whole) {
                factors.extend(tenors());
            } else if tenors().any(|tenor| factors.contains(&tenor)) {
                factors.insert(whole);
            }
        }
        factors
    }

    /// The zero rate of a currency's own curve to `years`, if it has one.
    pub fn zero_rate(&self, currency: usize, years: f64) -> Option<f64> {
        let curve = self.curve(self.currency(currency)?.discount?)?;
        Some(curve.zero.zero_rate(years))
    }

    /// An underlying's spot price as loaded.
    pub fn spot(&self, underlying: &Underlying) -> f64 {
        match underlying.spot {
            Spot::Own { price, .. } => price,
            Spot::Pair(pair) => self.pairs.get(pair).map_or(f64::NAN, |pair| pair.rate),
        }
    }

    /// What holding an underlying for `years` earns per year, as loaded; absent if a currency has no curve.
    pub fn carry(&self, underlying: &Underlying, years: f64) -> Option<f64> {
        match underlying.carry {
            Carry::Yield(carry) => Some(carry),
            Carry::Currency(currency) => self.zero_rate(currency, years),
        }
    }
}

/// `serde_json` ends its messages with the position, which our places already say.
fn without_position(message: &str) -> &str {
    message.rfind(" at line ").and_then(|end| message.get(..end)).unwrap_or(message)
}

/// ACT/365F years of a tenor from `valuation_date`, or what is wrong with it.
fn tenor_years(tenor: &Tenor, valuation_date: NaiveDate) -> Result<f64, String> {
    let (years, shown) = match tenor {
        Tenor::Years(years) => (*years, years.to_string()),
        Tenor::Calendar(text) => match iso_date(text).or_else(|| after_tenor(valuation_date, text)) {
            Some(date) => (years_between(valuation_date, date), quoted(text)),
            None => {
                let quotes = if text.parse::<f64>().is_ok() { " without quotes" } else { "" };
                return Err(format!(
                    "{} is not a tenor; write years like 0.5{quotes}, \"10D\", \"3M\", \"2Y\", or a date like \"2026-12-31\"",
                    quoted(text)
                ));
            }
        },
    };
    if years > 0.0 && years <= 200.0 {
        Ok(years)
    } else {
        Err(format!("{shown} is out of range; a time must be above 0 and at most 200 years"))
    }
}

/// The factors of a market, from the names of what they move.
fn factors<'a>(
    own_spots: impl Iterator<Item = &'a str>,
    vols: impl Iterator<Item = &'a str>,
    rates: impl Iterator<Item = &'a str>,
    spreads: impl Iterator<Item = &'a str>,
    pairs: impl Iterator<Item = &'a str>,
) -> Factors {
    let spots = own_spots.map(|name| Factor::Spot(name.to_owned()));
    let vols = vols.map(|name| Factor::Vol(name.to_owned()));
    let rates = rates.map(|name| Factor::Rate(name.to_owned()));
    let pairs = pairs.map(|name| Factor::Fx(name.to_owned()));
    let spreads = spreads.map(|name| Factor::Spread(name.to_owned()));
    Factors(spots.chain(vols).chain(rates).chain(spreads).chain(pairs).collect())
}

#[cfg(test)]
mod tests;
