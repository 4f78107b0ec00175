//! Reads forwards and options.

use std::borrow::Cow;

use squall_core::workload::InputError;

use super::super::market::surface::VolSurface;
use super::super::market::{Carry, Market};
use super::super::pricing::OptionType;
use super::super::pricing::barrier::{Barrier, Direction, Knock};
use super::super::pricing::random::Stream;
use super::super::table::Row;
use super::fields::{above_zero, not_negative, optional_count, word, years};
use super::kind::Kind;
use super::{AsianSettings, Contract, DigitalPayoff, Instrument, Terms, adjusted};
use crate::reading::quoted;

const OPTION_TYPES: [(&str, OptionType); 2] = [("call", OptionType::Call), ("put", OptionType::Put)];

const BARRIER_TYPES: [(&str, (Direction, Knock)); 4] = [
    ("up-and-in", (Direction::Up, Knock::In)),
    ("up-and-out", (Direction::Up, Knock::Out)),
    ("down-and-in", (Direction::Down, Knock::In)),
    ("down-and-out", (Direction::Down, Knock::Out)),
];

/// Memory of a simulation grows with its fixings; a daily average over 40 years has 10,000.
const MAX_FIXINGS: usize = 10_000;

/// An option on an arithmetic average, with the random stream that is its own.
#[derive(Debug, Clone, PartialEq)]
pub struct AsianContract {
    /// Call or put.
    pub option_type: OptionType,
    /// In the underlying's currency.
    pub strike: f64,
    /// The fixings to come; the last is at expiry.
    pub fixings: Fixings,
    /// Sum of the fixings already known.
    pub past_fixings_sum: f64,
    /// Number of the fixings already known.
    pub n_past: usize,
    /// Monte Carlo paths.
    pub n_paths: usize,
    /// Keyed by the job's seed and the position's id.
    pub stream: Stream,
}

/// The fixings to come of an average.
#[derive(Debug, Clone, PartialEq)]
pub enum Fixings {
    /// So many, evenly spaced up to expiry, which is in so many years.
    Even(usize, f64),
    /// At these years, ascending.
    At(Vec<f64>),
}

impl Fixings {
    /// How many there are.
    pub fn count(&self) -> usize {
        match self {
            Self::Even(count, _) => *count,
            Self::At(times) => times.len(),
        }
    }

    /// Memory that they take besides their own.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Even(..) => 0,
            Self::At(times) => times.capacity() * size_of::<f64>(),
        }
    }

    /// Their years, ascending.
    #[expect(clippy::cast_precision_loss, reason = "at most MAX_FIXINGS")]
    pub fn times(&self) -> Cow<'_, [f64]> {
        match self {
            Self::Even(count, expiry_years) => {
                let at = |number| {
                    if number == *count {
                        *expiry_years
                    } else {
                        expiry_years * number as f64 / *count as f64
                    }
                };
                Cow::Owned((1..=*count).map(at).collect())
            }
            Self::At(times) => Cow::Borrowed(times),
        }
    }
}

/// Reads a derivative on the underlying with index `underlying`, and its market before any shock.
pub(super) fn read(
    row: Row<'_>,
    kind: Kind,
    underlying: usize,
    market: &Market,
    asian: &AsianSettings,
) -> Result<Instrument, InputError> {
    let years = years(row, "expiry", row.text("expiry")?, market.valuation_date())?;
    let is_forward = matches!(kind, Kind::Forward | Kind::Future);
    let is_normal = market.underlyings().get(underlying).is_some_and(|it| it.normal.is_some());
    let strike = if is_forward || is_normal { row.number("strike")? } else { above_zero(row, "strike")? };
    let terms = terms(row, underlying, years, strike, market)?;
    if is_forward {
        return adjusted::instrument(row, kind, terms, Contract::Forward { strike }, market);
    }
    if let Some(underlying) = market.underlyings().get(underlying)
        && underlying.vol == VolSurface::None
    {
        let problem = format!("{} has no vol in the market, which an option needs", quoted(&underlying.name));
        return Err(row.error("underlying", problem));
    }
    if is_normal {
        check_normal(row, kind, market.underlyings().get(underlying).map_or("", |it| it.name.as_str()))?;
    }
    let option_type = word(row, "option_type", &OPTION_TYPES)?;
    let contract = match kind {
        Kind::European if is_normal => Contract::NormalEuropean { option_type, strike },
        Kind::Digital if is_normal => {
            let underlying = market.underlyings().get(underlying);
            let skew = underlying.map_or(0.0, |it| it.vol.vol_and_skew(years, strike).1);
            Contract::NormalDigital { option_type, strike, payoff: digital_payoff(row)?, skew }
        }
        Kind::American => Contract::American { option_type, strike },
        Kind::Digital => {
            let underlying = market.underlyings().get(underlying);
            let skew = underlying.map_or(0.0, |it| it.vol.vol_and_skew(years, strike).1);
            Contract::Digital { option_type, strike, payoff: digital_payoff(row)?, skew }
        }
        Kind::Barrier => {
            let (direction, knock) = word(row, "barrier_type", &BARRIER_TYPES)?;
            let level = above_zero(row, "barrier")?;
            let has_rebate = row.optional_text("rebate").is_some();
            let rebate = if has_rebate { not_negative(row, "rebate")? } else { 0.0 };
            Contract::Barrier(Barrier { direction, knock, option_type, strike, level, rebate })
        }
        Kind::Asian => {
            Contract::Asian(Box::new(asian_contract(row, option_type, strike, years, market, asian)?))
        }
        _ => Contract::European { option_type, strike },
    };
    adjusted::instrument(row, kind, terms, contract, market)
}

/// The kinds that have a price on an underlying whose price is normal.
fn check_normal(row: Row<'_>, kind: Kind, underlying: &str) -> Result<(), InputError> {
    match kind {
        Kind::American | Kind::Barrier | Kind::Asian => {
            let problem = format!(
                "{} is {} on {}, whose model is normal; under it only forward, future, european and digital are valued",
                quoted(row.text("id")?),
                kind.phrase(),
                quoted(underlying)
            );
            Err(row.error("kind", problem))
        }
        _ => Ok(()),
    }
}

fn terms(
    row: Row<'_>,
    underlying_idx: usize,
    years: f64,
    strike: f64,
    market: &Market,
) -> Result<Terms, InputError> {
    let no_underlying = || row.error("underlying", "is not in the market");
    let underlying = market.underlyings().get(underlying_idx).ok_or_else(no_underlying)?;
    let no_curve = |currency: usize| {
        let code = market.currency(currency).map_or("", |it| it.code.as_str());
        let problem =
            format!("{code} has no curve; add a curve named {code:?} or discount.{code} to the market");
        row.error("underlying", problem)
    };
    let rate = market.zero_rate(underlying.currency, years).ok_or_else(|| no_curve(underlying.currency))?;
    let carry = match underlying.carry {
        Carry::Yield(carry) => carry,
        Carry::Currency(base) => market.zero_rate(base, years).ok_or_else(|| no_curve(base))?,
    };
    Ok(Terms { underlying: underlying_idx, years, rate, carry, vol: underlying.vol.vol(years, strike) })
}

fn digital_payoff(row: Row<'_>) -> Result<DigitalPayoff, InputError> {
    let is_cash = word(row, "payoff", &[("cash", true), ("asset", false)])?;
    match row.optional_text("cash_amount") {
        Some(_) if is_cash => Ok(DigitalPayoff::Cash(above_zero(row, "cash_amount")?)),
        Some(text) => {
            Err(row.error("cash_amount", format!("{} must be empty; the payoff is the asset", quoted(text))))
        }
        None if is_cash => Err(row.error("cash_amount", "is empty; a payoff of cash needs its amount")),
        None => Ok(DigitalPayoff::Asset),
    }
}

fn asian_contract(
    row: Row<'_>,
    option_type: OptionType,
    strike: f64,
    years: f64,
    market: &Market,
    settings: &AsianSettings,
) -> Result<AsianContract, InputError> {
    let past = optional_count(row, "past_fixings_count", 1, MAX_FIXINGS)?;
    let (past_fixings_sum, n_past) = match (row.optional_text("past_fixings_sum"), past) {
        (None, None) => (0.0, 0),
        (Some(_), Some(count)) => (above_zero(row, "past_fixings_sum")?, count),
        (Some(_), None) => return Err(row.error("past_fixings_count", "is empty; past_fixings_sum needs it")),
        (None, Some(_)) => return Err(row.error("past_fixings_sum", "is empty; past_fixings_count needs it")),
    };
    let n_paths = optional_count(row, "paths", AsianSettings::MIN_PATHS, AsianSettings::MAX_PATHS)?;
    Ok(AsianContract {
        option_type,
        strike,
        fixings: fixings(row, years, market)?,
        past_fixings_sum,
        n_past,
        n_paths: n_paths.unwrap_or(settings.paths),
        stream: Stream::new(settings.seed, fnv_1a(row.text("id")?)),
    })
}

/// A count of evenly spaced fixings up to expiry, or a list that ends at expiry.
fn fixings(row: Row<'_>, expiry_years: f64, market: &Market) -> Result<Fixings, InputError> {
    let text = row.text("fixings")?;
    if let Ok(count) = text.parse::<usize>() {
        if count == 0 || count > MAX_FIXINGS {
            let problem = format!("{count} is out of range; a count of fixings is from 1 to {MAX_FIXINGS}");
            return Err(row.error("fixings", problem));
        }
        return Ok(Fixings::Even(count, expiry_years));
    }
    let mut times: Vec<f64> = Vec::new();
    for fixing in text.split(';').map(str::trim) {
        let time = years(row, "fixings", fixing, market.valuation_date())?;
        if times.last().is_some_and(|last| time <= *last) {
            return Err(row.error("fixings", format!("{} is not after the fixing before it", quoted(fixing))));
        }
        times.push(time);
        if times.len() > MAX_FIXINGS {
            return Err(row.error("fixings", format!("has more than {MAX_FIXINGS} fixings")));
        }
    }
    match times.last() {
        Some(last) if *last == expiry_years => Ok(Fixings::At(times)),
        _ => Err(row.error("fixings", "the last fixing must be at expiry")),
    }
}

/// A 64-bit hash that never changes (Fowler, Noll, Vo: FNV-1a), so a position keeps its random numbers whatever
/// surrounds it.
fn fnv_1a(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
