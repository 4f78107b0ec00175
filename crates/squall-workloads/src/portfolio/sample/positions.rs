//! The sample's positions: the place of each kind, and its fields.

use chrono::{Days, NaiveDate};

use crate::portfolio::pricing::random::Stream;

use super::SampleRequest;
use super::columns::{Column, Lines};
use super::draws::{Draws, rounded};
use super::market::{Quote, SampleMarket};
use super::options::{self, Style};
use super::rates;
use super::universe::{Class, Currency};

/// Which of the seed's streams the positions draw from ("position").
const PURPOSE: u64 = 0x706f_7369_7469_6f6e;
/// Positions in which every kind has its share.
const CYCLE: u64 = 100;
/// Places in a cycle from one position to the next; it has no factor in common with the cycle.
const STRIDE: u64 = 37;
/// How many places of a cycle a kind has; the other eight are barriers.
const SLOTS: [(Slot, u64); 9] = [
    (Slot::Option(Style::European), 55),
    (Slot::Option(Style::American), 8),
    (Slot::Option(Style::Digital), 5),
    (Slot::Option(Style::Asian), 2),
    (Slot::Forward, 5),
    (Slot::Spot, 5),
    (Slot::ZeroBond, 3),
    (Slot::FixedBond, 5),
    (Slot::Swap, 4),
];

/// What is at a place of the cycle.
#[derive(Debug, Clone, Copy)]
enum Slot {
    Spot,
    Forward,
    Option(Style),
    ZeroBond,
    FixedBond,
    Swap,
}

/// `positions.csv`.
pub(super) fn positions_csv(request: &SampleRequest, market: &SampleMarket) -> Vec<u8> {
    let stream = Stream::new(request.seed, PURPOSE);
    let start = Draws::new(stream, u64::MAX).whole(0, 99).unsigned_abs();
    let mut lines = Lines::with_header();
    for position in 0..u64::from(request.n_positions) {
        lines.set(Column::Id, format_args!("P{:07}", position + 1));
        let mut writer = Writer { lines: &mut lines, market, draws: Draws::new(stream, position) };
        writer.position(slot((start + position * STRIDE) % CYCLE));
        lines.end();
    }
    lines.into_bytes()
}

/// What is at a place; the last eight are one of each barrier.
fn slot(place: u64) -> Slot {
    let mut before = 0;
    for (slot, n_places) in SLOTS {
        before += n_places;
        if place < before {
            return slot;
        }
    }
    Slot::Option(Style::Barrier((place - before) % 8))
}

/// Writes one position.
pub(super) struct Writer<'a> {
    pub(super) lines: &'a mut Lines,
    pub(super) market: &'a SampleMarket,
    pub(super) draws: Draws,
}

impl<'a> Writer<'a> {
    fn position(&mut self, slot: Slot) {
        match slot {
            Slot::Spot => self.spot(),
            Slot::Forward => options::forward(self),
            Slot::Option(style) => options::option(self, style),
            Slot::ZeroBond => rates::zero_bond(self),
            Slot::FixedBond => rates::fixed_bond(self),
            Slot::Swap => rates::swap(self),
        }
    }

    fn spot(&mut self) {
        let quote = self.underlying([Class::Equity, Class::Equity, Class::Equity, Class::Fx]);
        self.begin("spot", quote, book_of(quote));
        // The hedge of the options that the book has written.
        self.quantity(100_000.0, 50.0, 65, self.usd_value(quote));
    }

    /// One of the underlyings of one of these classes.
    pub(super) fn underlying<const N: usize>(&mut self, classes: [Class; N]) -> &'a Quote {
        let class = self.draws.one_of(classes);
        let quotes = &self.market.quotes;
        let n_quotes = quotes.iter().filter(|quote| quote.asset.class == class).count();
        let idx = self.draws.index(n_quotes);
        quotes.iter().filter(|quote| quote.asset.class == class).nth(idx).unwrap_or(&quotes[0])
    }

    /// Fills what every position on an underlying has.
    pub(super) fn begin(&mut self, kind: &str, quote: &Quote, book: &str) {
        self.lines.set(Column::Kind, kind);
        self.lines.set(Column::Book, book);
        self.lines.set(Column::Underlying, quote.asset.name);
        self.lines.set(Column::Currency, quote.asset.currency.conventions().code);
    }

    /// What one unit of an underlying is worth in US dollars.
    pub(super) fn usd_value(&self, quote: &Quote) -> f64 {
        quote.spot() * self.market.usd_per(quote.asset.currency)
    }

    /// Fills in how much is held: from `least` US dollars to `times` as many, long with this probability, in percent.
    pub(super) fn quantity(&mut self, least: f64, times: f64, percent_long: u32, usd_of_a_unit: f64) {
        let usd = least * libm::exp(libm::log(times) * self.draws.uniform());
        let units = two_digits(rounded(usd / usd_of_a_unit));
        let sign = if self.draws.chance(percent_long) { 1 } else { -1 };
        self.lines.set(Column::Quantity, sign * units);
    }

    /// One of these currencies.
    pub(super) fn currency<const N: usize>(&mut self, currencies: [Currency; N]) -> Currency {
        self.draws.one_of(currencies)
    }
}

/// The book of vanilla positions on an underlying.
pub(super) fn book_of(quote: &Quote) -> &'static str {
    match quote.asset.class {
        Class::Equity => "equity-derivatives",
        Class::Index => "index-volatility",
        Class::Commodity => "commodities",
        Class::Fx => "fx",
    }
}

/// Two significant digits of a number, at least 1.
fn two_digits(number: i64) -> i64 {
    let mut unit = 1;
    while number / unit >= 100 {
        unit *= 10;
    }
    (number / unit * unit).max(1)
}

/// A number of days after the valuation date.
pub(super) fn date_in(n_days: i64) -> NaiveDate {
    today().checked_add_days(Days::new(n_days.unsigned_abs())).unwrap_or(NaiveDate::MAX)
}

/// The valuation date.
pub(super) fn today() -> NaiveDate {
    const { NaiveDate::from_ymd_opt(2026, 1, 15) }.unwrap_or_default()
}
