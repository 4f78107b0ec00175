//! The JSON form of the market.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};

use super::super::units::{MAX_RATE, MAX_VOL};
use super::curve::CurveInterpolation;
use super::surface::VolInterpolation;
use crate::reading::fields_once;

/// The `market` object of a job.
#[derive(Debug, Clone, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MarketSpec {
    /// The valuation date, in ISO format; times count from it.
    pub valuation_date: String,
    /// Currency that values are reported in.
    pub report_currency: String,
    /// Zero curves by name.
    #[serde(default, deserialize_with = "no_repeats")]
    pub curves: BTreeMap<String, CurveSpec>,
    /// The name of a currency's own curve, if it is not the currency's name.
    #[serde(default, deserialize_with = "no_repeats")]
    pub discount: BTreeMap<String, String>,
    /// By currency: the tenors whose rates have a factor of their own.
    #[serde(default, deserialize_with = "no_repeats")]
    pub key_tenors: BTreeMap<String, Vec<Tenor>>,
    /// Names of the curves whose spread is a factor of its own.
    #[serde(default)]
    pub spreads: Vec<String>,
    /// Underlyings by name.
    #[serde(default, deserialize_with = "no_repeats")]
    pub underlyings: BTreeMap<String, UnderlyingSpec>,
    /// Price of the pair's first currency in its second.
    #[serde(default, deserialize_with = "no_repeats")]
    pub fx: BTreeMap<String, f64>,
    /// Calendars of business days by name, beside those that a rule gives.
    #[serde(default, deserialize_with = "no_repeats")]
    pub calendars: BTreeMap<String, CalendarSpec>,
    /// What becomes of surfaces that no market can have.
    #[serde(default)]
    pub arbitrage: OnArbitrage,
    /// How large rates and volatilities may be.
    #[serde(default)]
    pub limits: Limits,
}

/// A calendar of business days.
#[derive(Debug, Clone, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CalendarSpec {
    /// Days that are closed beside weekends, in ISO format.
    pub holidays: Vec<String>,
}

/// Sizes beyond which a rate or a volatility is taken for a percentage.
#[derive(Debug, Clone, Copy, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Of rates and yields, per year, to either side.
    pub rate: f64,
    /// Of volatilities.
    pub vol: f64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { rate: MAX_RATE, vol: MAX_VOL }
    }
}

/// What becomes of volatility surfaces with arbitrage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnArbitrage {
    /// They are named in the report.
    #[default]
    Report,
    /// They are refused.
    Refuse,
}

/// A zero curve.
#[derive(Debug, Clone, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CurveSpec {
    /// Currency whose cash flows it discounts.
    pub currency: String,
    /// Needed with more than one point.
    #[serde(default)]
    pub interpolation: Option<CurveInterpolation>,
    /// At least one, in order of time.
    pub points: Vec<PointSpec>,
}

/// A point of a zero curve.
#[derive(Debug, Clone, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PointSpec {
    /// Time from the valuation date.
    pub tenor: Tenor,
    /// Continuously compounded zero rate, per year.
    pub rate: f64,
}

/// Asset class of an underlying.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AssetClass {
    /// A share.
    Equity,
    /// An equity index.
    Index,
    /// A commodity.
    Commodity,
    /// A currency pair.
    Fx,
}

/// How the price of an underlying is distributed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Model {
    /// Its logarithm is normal: the price stays above 0, and volatilities are fractions of it.
    #[default]
    Lognormal,
    /// It is normal itself: the price may be any, and volatilities are in its units.
    Normal,
}

/// An underlying of options and forwards.
#[derive(Debug, Clone, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnderlyingSpec {
    /// Its asset class.
    pub class: AssetClass,
    /// Currency of its price; not for `fx`.
    #[serde(default)]
    pub currency: Option<String>,
    /// How its price is distributed; always lognormal for `fx`.
    #[serde(default)]
    pub model: Model,
    /// Price of one unit; not for `fx`.
    #[serde(default)]
    pub spot: Option<f64>,
    /// Continuous, per year; for `equity` and `index`.
    #[serde(default)]
    pub dividend_yield: Option<f64>,
    /// Continuous, net of storage costs, per year; for `commodity`.
    #[serde(default)]
    pub convenience_yield: Option<f64>,
    /// Cash on known dates; for `equity` and `index`.
    #[serde(default)]
    pub dividends: Vec<DividendSpec>,
    /// One volatility or a surface; without it there are no options on the underlying.
    #[serde(default)]
    pub vol: Option<VolSpec>,
}

/// Cash that one unit of an underlying pays.
#[derive(Debug, Clone, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DividendSpec {
    /// The ex-date, in ISO format; or else a tenor.
    #[serde(default)]
    pub date: Option<String>,
    /// The time to the ex-date from the valuation date.
    #[serde(default)]
    pub tenor: Option<Tenor>,
    /// In the underlying's currency.
    pub amount: f64,
}

/// One volatility for everything, or a surface.
#[derive(Debug, Clone, PartialEq)]
pub enum VolSpec {
    /// The same for every expiry and strike.
    Flat(f64),
    /// By expiry and strike.
    Surface(SurfaceSpec),
}

/// A volatility surface.
#[derive(Debug, Clone, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SurfaceSpec {
    /// Needed with more than one expiry.
    #[serde(default)]
    pub interpolation: Option<VolInterpolation>,
    /// At least one, ascending.
    pub expiries: Vec<Tenor>,
    /// At least one, ascending.
    pub strikes: Vec<f64>,
    /// A row per expiry, a column per strike.
    pub vols: Vec<Vec<f64>>,
}

/// A time from the valuation date: years, or a calendar tenor such as `3M`.
#[derive(Debug, Clone, PartialEq)]
pub enum Tenor {
    /// ACT/365F years.
    Years(f64),
    /// `10D`, `2W`, `3M`, `2Y`, or a date.
    Calendar(String),
}

impl<'de> Deserialize<'de> for Tenor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TenorVisitor;
        impl Visitor<'_> for TenorVisitor {
            type Value = Tenor;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number of years or a tenor like \"3M\"")
            }

            fn visit_f64<E: Error>(self, years: f64) -> Result<Tenor, E> {
                Ok(Tenor::Years(years))
            }

            #[expect(clippy::cast_precision_loss, reason = "a time beyond 2^53 years is refused later")]
            fn visit_u64<E: Error>(self, years: u64) -> Result<Tenor, E> {
                Ok(Tenor::Years(years as f64))
            }

            #[expect(clippy::cast_precision_loss, reason = "a negative time is refused later")]
            fn visit_i64<E: Error>(self, years: i64) -> Result<Tenor, E> {
                Ok(Tenor::Years(years as f64))
            }

            fn visit_str<E: Error>(self, tenor: &str) -> Result<Tenor, E> {
                Ok(Tenor::Calendar(tenor.to_owned()))
            }
        }
        deserializer.deserialize_any(TenorVisitor)
    }
}

impl<'de> Deserialize<'de> for VolSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct VolVisitor;
        impl<'de> Visitor<'de> for VolVisitor {
            type Value = VolSpec;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a volatility like 0.2 or a surface {interpolation, expiries, strikes, vols}")
            }

            fn visit_f64<E: Error>(self, vol: f64) -> Result<VolSpec, E> {
                Ok(VolSpec::Flat(vol))
            }

            #[expect(clippy::cast_precision_loss, reason = "a volatility above 5 is refused later")]
            fn visit_u64<E: Error>(self, vol: u64) -> Result<VolSpec, E> {
                Ok(VolSpec::Flat(vol as f64))
            }

            #[expect(clippy::cast_precision_loss, reason = "a negative volatility is refused later")]
            fn visit_i64<E: Error>(self, vol: i64) -> Result<VolSpec, E> {
                Ok(VolSpec::Flat(vol as f64))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<VolSpec, A::Error> {
                SurfaceSpec::deserialize(MapAccessDeserializer::new(map)).map(VolSpec::Surface)
            }
        }
        deserializer.deserialize_any(VolVisitor)
    }
}

/// A map without duplicate names: JSON allows them, and the last would silently win.
fn no_repeats<'de, D, V>(deserializer: D) -> Result<BTreeMap<String, V>, D::Error>
where
    D: Deserializer<'de>,
    V: Deserialize<'de>,
{
    struct NoRepeats<V>(PhantomData<V>);
    impl<'de, V: Deserialize<'de>> Visitor<'de> for NoRepeats<V> {
        type Value = BTreeMap<String, V>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
            Ok(fields_once(map)?.into_iter().collect())
        }
    }
    deserializer.deserialize_map(NoRepeats(PhantomData))
}
