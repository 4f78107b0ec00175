//! Positions, read from a table and bound to a market.

use foldhash::{HashMap, HashMapExt};
use squall_core::workload::InputError;

use super::ageing::Ageing;
use super::market::Market;
use super::rates::{CashFlow, Quote};
use super::table::{Row, Table, iso_date};
use super::units::pence;
use crate::reading::{Complaints, check_name, listed, quoted};

mod adjusted;
mod bonds;
mod contract;
mod conventions;
mod derivatives;
mod fields;
pub mod kind;

pub use adjusted::{Adjusted, Delivery};
pub use contract::{Contract, DigitalPayoff};
pub use derivatives::{AsianContract, Fixings};
use fields::{above_zero, word};
use kind::{COMMON, Kind, OTHERS, Unused};

/// Simulation of Asian options, unless a position overrides it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AsianSettings {
    /// Monte Carlo paths.
    pub paths: usize,
    /// Seed of the random numbers.
    pub seed: u64,
}

impl AsianSettings {
    /// Two antithetic pairs: fewer have no standard error.
    pub const MIN_PATHS: usize = 4;
    /// A larger number is a typing error; the standard error is below a thousandth of the value long before.
    pub const MAX_PATHS: usize = 10_000_000;
}

impl Default for AsianSettings {
    fn default() -> Self {
        Self { paths: 10_000, seed: 1 }
    }
}

/// What becomes of positions that expired before the valuation date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expired {
    /// They are refused.
    #[default]
    Refuse,
    /// They are left out, and counted.
    Skip,
}

/// How to read a file of positions.
#[derive(Debug, Clone, Copy)]
pub struct Reading<'a> {
    /// Simulation of Asian options.
    pub asian: &'a AsianSettings,
    /// Columns that are there for others.
    pub ignored: &'a [String],
    /// What becomes of expired positions.
    pub expired: Expired,
    /// How much older they are in the scenarios.
    pub ageing: Option<Ageing>,
    /// Whether bonds are quoted: clean price, accrued interest, yield.
    pub with_quotes: bool,
    /// Memory that the positions may take, bytes.
    pub room_bytes: Option<u64>,
}

impl<'a> Reading<'a> {
    /// Everything there must be known, and may take any memory.
    pub fn strictly(asian: &'a AsianSettings) -> Self {
        Self {
            asian,
            ignored: &[],
            expired: Expired::Refuse,
            ageing: None,
            with_quotes: false,
            room_bytes: None,
        }
    }
}

/// The positions of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Positions {
    /// Names of the books, in the order of their first position.
    pub books: Vec<String>,
    /// In the file's order; at least one.
    pub all: Vec<Position>,
    /// Expired positions that were left out.
    pub n_expired: usize,
}

/// One line of the positions file.
#[derive(Debug, Clone, PartialEq)]
pub struct Position {
    /// Unique.
    pub id: String,
    /// Index of its book.
    pub book: usize,
    /// What it is.
    pub kind: Kind,
    /// Index of its currency in the market.
    pub currency: usize,
    /// Units held, times the contract's multiplier; negative is short.
    pub quantity: f64,
    /// One unit of it.
    pub instrument: Instrument,
    /// One unit of it at the horizon of the scenarios; absent if that is the same.
    pub at_horizon: Option<Box<Instrument>>,
    /// What it is quoted at, if it is a bond and that was asked for.
    pub quote: Option<Box<Quote>>,
    /// Whether the rate of its running floating period is the curve's, for want of a fixing.
    pub is_projected: bool,
}

/// When a position is valued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// On the valuation date.
    Today,
    /// At the horizon of the scenarios, if they have one that positions age to.
    Horizon,
}

/// One unit of a position, bound to the market as loaded.
#[derive(Debug, Clone, PartialEq)]
pub enum Instrument {
    /// The underlying with this index.
    Spot(usize),
    /// A forward or an option on the underlying as it stands.
    Derivative(Terms, Contract),
    /// One on a future, or on an underlying less its dividends.
    Adjusted(Box<Adjusted>),
    /// One unit of the currency.
    Cash,
    /// A bond or a swap.
    CashFlows {
        /// Index of the curve that discounts them.
        curve: usize,
        /// Amounts paid and received, in order of time.
        flows: Vec<CashFlow>,
    },
}

/// The market of a derivative before any shock, looked up once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Terms {
    /// Index of the underlying.
    pub underlying: usize,
    /// To expiry, ACT/365F.
    pub years: f64,
    /// Zero rate of the underlying's currency to expiry.
    pub rate: f64,
    /// The carry of the underlying to expiry.
    pub carry: f64,
    /// For the expiry and strike.
    pub vol: f64,
}

impl Instrument {
    /// The contract of a derivative.
    pub fn derivative(&self) -> Option<(&Terms, &Contract)> {
        match self {
            Instrument::Derivative(terms, contract) => Some((terms, contract)),
            Instrument::Adjusted(adjusted) => Some((&adjusted.terms, &adjusted.contract)),
            Instrument::Spot(_) | Instrument::CashFlows { .. } | Instrument::Cash => None,
        }
    }

    /// The years for which a derivative looks up rates.
    pub fn rate_times(&self) -> Vec<f64> {
        match self {
            Instrument::Derivative(terms, _) => vec![terms.years],
            Instrument::Adjusted(adjusted) => adjusted.rate_times(),
            Instrument::Spot(_) | Instrument::CashFlows { .. } | Instrument::Cash => Vec::new(),
        }
    }
}

impl Positions {
    /// Reads a positions file and binds every position to the market.
    ///
    /// # Errors
    /// The first errors, each with its line and column, and their number; also when they would take more than `room_bytes` of memory.
    pub fn parse(
        file_name: &str,
        bytes: &[u8],
        market: &Market,
        reading: Reading<'_>,
    ) -> Result<Positions, InputError> {
        let Reading { ignored, expired, room_bytes, .. } = reading;
        let table = Table::parse(file_name, bytes)?;
        if let Some(used) =
            ignored.iter().find(|name| COMMON.contains(&name.as_str()) || OTHERS.contains(&name.as_str()))
        {
            let problem = format!("{} is a column that positions use", quoted(used));
            return Err(InputError::new("input.ignore_columns", problem));
        }
        let others: Vec<&str> = OTHERS.iter().copied().chain(ignored.iter().map(String::as_str)).collect();
        table.check_columns(&COMMON, &others)?;
        if table.rows().len() == 0 {
            return Err(table.error_below("the book is empty, at least one position is needed"));
        }
        table.check_unique("id")?;

        let mut books = Vec::new();
        let mut book_indices = HashMap::new();
        let mut all = Vec::with_capacity(table.rows().len());
        let (mut n_bytes, mut complaints) = (table.bytes(), Complaints::default());
        let unused = Unused::of_file(&table);
        let mut n_expired = 0;
        for row in table.rows() {
            if expired == Expired::Skip && has_expired(row, market, &unused) {
                n_expired += 1;
                continue;
            }
            let Some(name) = complaints.take(name(row, "book")) else { continue };
            let book = *book_indices.entry(name).or_insert_with(|| {
                n_bytes = n_bytes.saturating_add(BYTES_OF_A_BOOK + 2 * name.len() as u64);
                books.push(name.to_owned());
                books.len() - 1
            });
            let Some(position) = complaints.take(position(row, (book, &unused), market, reading)) else {
                continue;
            };
            n_bytes = n_bytes.saturating_add(position.bytes());
            if let Some(room_bytes) = room_bytes.filter(|room_bytes| n_bytes > *room_bytes) {
                return Err(too_large(row, &position, room_bytes));
            }
            all.push(position);
        }
        complaints.end()?;
        if all.is_empty() {
            return Err(
                table.error_below(format!("all {n_expired} positions expired before the valuation date"))
            );
        }
        Ok(Positions { books, all, n_expired })
    }
}

impl Position {
    /// About the memory that it takes, its label included.
    pub fn bytes(&self) -> u64 {
        /// Its label, and what allocations take besides.
        const BESIDES: usize = 100;
        let at_horizon = self.at_horizon.as_ref().map_or(0, |it| size_of::<Instrument>() + it.bytes());
        let quote = self.quote.as_ref().map_or(0, |_| 2 * size_of::<Quote>());
        (size_of::<Self>() + 2 * self.id.len() + self.instrument.bytes() + at_horizon + quote + BESIDES)
            as u64
    }

    /// One unit of it, today or at the horizon of the scenarios.
    pub fn instrument_at(&self, when: When) -> &Instrument {
        match (when, &self.at_horizon) {
            (When::Horizon, Some(aged)) => aged,
            (When::Horizon, None) | (When::Today, _) => &self.instrument,
        }
    }
}

impl Instrument {
    /// About the memory that it takes besides its own.
    fn bytes(&self) -> usize {
        match self {
            Instrument::CashFlows { flows, .. } => size_of_val(flows.as_slice()),
            Instrument::Derivative(_, Contract::Asian(asian)) => {
                size_of::<AsianContract>() + asian.fixings.bytes()
            }
            Instrument::Adjusted(adjusted) => adjusted.bytes(),
            Instrument::Derivative(..) | Instrument::Spot(_) | Instrument::Cash => 0,
        }
    }
}

/// A book's name, twice, and its place in an index.
const BYTES_OF_A_BOOK: u64 = 150;

/// The row that is one too many: its column that says how much it takes, where it has one.
fn too_large(row: Row<'_>, position: &Position, room_bytes: u64) -> InputError {
    let (column, many) = match &position.instrument {
        Instrument::CashFlows { flows, .. } if flows.len() > 1 => {
            ("maturity", format!("has {} cash flows", flows.len()))
        }
        Instrument::Derivative(_, Contract::Asian(asian)) if asian.fixings.bytes() > 1_000 => {
            ("fixings", format!("has {} dates", asian.fixings.count()))
        }
        _ => ("id", "is one position more".to_owned()),
    };
    let room = room_bytes.div_ceil(1_000_000);
    let problem = format!(
        "{many}: with the rows before it the book takes more memory than the {room} MB that functions have for it; cut it into several \
         jobs, or give them more"
    );
    row.error(column, problem)
}

fn position(
    row: Row<'_>,
    (book, unused): (usize, &Unused),
    market: &Market,
    reading: Reading<'_>,
) -> Result<Position, InputError> {
    let kind = word(row, "kind", &Kind::NAMES)?;
    let quantity = row.number("quantity")?;
    kind.check_columns(row, unused)?;
    let multiplier = match row.optional_text("multiplier") {
        Some(_) => above_zero(row, "multiplier")?,
        None => 1.0,
    };
    let underlying = match row.optional_text("underlying") {
        Some(name) => Some(underlying(row, name, market)?),
        None => None,
    };
    let currency = currency(row, underlying, market)?;
    let (mut quote, mut is_projected, mut until_horizon) = (None, false, None);
    let instrument = match (kind, underlying) {
        (Kind::Spot, Some(underlying)) => Instrument::Spot(underlying),
        (_, Some(underlying)) => derivatives::read(row, kind, underlying, market, reading.asian)?,
        (Kind::Cash, None) => Instrument::Cash,
        (_, None) => {
            let curve = bonds::curve(row, currency, market)?;
            let horizon = reading.ageing.and_then(|it| it.horizon(market.valuation_date()));
            let needed = bonds::Needed { quote: reading.with_quotes, horizon };
            let interest = bonds::read(row, kind, curve, market, needed)?;
            (quote, is_projected) = (interest.quote.map(Box::new), interest.is_projected);
            until_horizon = interest.until_horizon.map(|flows| Instrument::CashFlows { curve, flows });
            Instrument::CashFlows { curve, flows: interest.flows }
        }
    };
    let ages = until_horizon.as_ref().unwrap_or(&instrument);
    let at_horizon = reading.ageing.and_then(|ageing| ageing.aged(ages, market)).map(Box::new);
    let (id, quantity) = (name(row, "id")?.to_owned(), quantity * multiplier);
    Ok(Position { id, book, kind, currency, quantity, instrument, at_horizon, quote, is_projected })
}

/// Whether a derivative ended before the valuation date, or a bond or swap on it or before; not if anything about it is wrong.
fn has_expired(row: Row<'_>, market: &Market, unused: &Unused) -> bool {
    let Ok(kind) = word(row, "kind", &Kind::NAMES) else { return false };
    let date = |column: &str| row.optional_text(column).and_then(iso_date);
    let valuation_date = market.valuation_date();
    let ended = match kind {
        Kind::Spot | Kind::Cash => false,
        Kind::ZeroBond | Kind::FixedBond | Kind::Swap | Kind::FloatingBond => {
            conventions::last_payment(row, market).is_some_and(|date| date <= valuation_date)
        }
        _ => date("expiry").is_some_and(|date| date < valuation_date),
    };
    ended && kind.check_columns(row, unused).is_ok()
}

fn name<'a>(row: Row<'a>, column: &str) -> Result<&'a str, InputError> {
    let text = row.text(column)?;
    check_name(text).map_err(|problem| row.error(column, problem)).map(|()| text)
}

fn underlying(row: Row<'_>, name: &str, market: &Market) -> Result<usize, InputError> {
    market.underlying_index(name).ok_or_else(|| {
        let known = listed(market.underlyings().iter().map(|it| it.name.as_str()));
        row.error("underlying", format!("the market has no underlying {}; it has {known}", quoted(name)))
    })
}

/// The position's currency: its own, which must be the underlying's if it has one, and convertible.
fn currency(row: Row<'_>, underlying: Option<usize>, market: &Market) -> Result<usize, InputError> {
    let text = row.optional_text("currency");
    let of_underlying = underlying.and_then(|idx| market.underlyings().get(idx));
    let idx = match (text, of_underlying) {
        (None, Some(underlying)) => Some(underlying.currency),
        (Some(code), _) => market.currency_index(code),
        (None, None) => None,
    };
    let Some((idx, currency)) = idx.and_then(|idx| Some((idx, market.currency(idx)?))) else {
        let code = text.unwrap_or_default();
        let unknown = || {
            let upper = code.to_ascii_uppercase();
            match market.currency_index(&upper) {
                Some(_) => format!("{} is not a currency; write {upper}", quoted(code)),
                None => {
                    let known = listed(market.currencies().iter().map(|it| it.code.as_str()));
                    format!("the market has no currency {}; it has {known}", quoted(code))
                }
            }
        };
        let problem = pence(code).unwrap_or_else(unknown);
        return Err(row.error("currency", problem));
    };
    if let Some(underlying) = of_underlying
        && underlying.currency != idx
    {
        let right = market.currency(underlying.currency).map_or("", |it| it.code.as_str());
        let problem = format!(
            "{} is not the currency of {}; write {right} or leave it empty",
            quoted(&currency.code),
            underlying.name
        );
        return Err(row.error("currency", problem));
    }
    if currency.conversion.is_none() {
        let (code, report) = (&currency.code, market.report_currency());
        let problem = format!(
            "{code} cannot be converted to {report}; add {code}{report} to the market's fx, or pairs through one other \
             currency"
        );
        return Err(row.error("currency", problem));
    }
    Ok(idx)
}

#[cfg(test)]
mod tests;
