//! Forwards and options of the sample.

use super::columns::{Column, Decimal};
use super::market::Quote;
use super::positions::{Writer, book_of, date_in};
use super::universe::Class::{Commodity, Equity, Fx, Index};

const EXOTICS: &str = "exotics";
/// Cash payoff of a digital option.
const CASH_AMOUNT: f64 = 100.0;
/// The four barriers, in the order of [`Style::Barrier`].
const BARRIERS: [(&str, bool, bool); 4] = [
    ("up-and-in", true, false),
    ("up-and-out", true, true),
    ("down-and-in", false, false),
    ("down-and-out", false, true),
];

/// The style of an option.
#[derive(Debug, Clone, Copy)]
pub(super) enum Style {
    European,
    American,
    Digital,
    /// One of the eight: four barriers, calls and puts.
    Barrier(u64),
    Asian,
}

pub(super) fn forward(writer: &mut Writer<'_>) {
    let quote = writer.underlying([Fx, Fx, Commodity, Commodity, Index]);
    writer.begin("forward", quote, book_of(quote));
    let years = expiry(writer, quote, 104);
    // Traded some time ago, at the forward of that time.
    let moved = 0.4 * quote.vol(years) * writer.draws.normal().clamp(-2.0, 2.0) * years.min(0.5).sqrt();
    let delivery = writer.market.forward(quote, years) * libm::exp(moved);
    writer.lines.set(Column::Strike, quote.price(delivery));
    writer.quantity(200_000.0, 30.0, 50, writer.usd_value(quote));
}

pub(super) fn option(writer: &mut Writer<'_>, style: Style) {
    let (name, quote, most_weeks) = match style {
        Style::European => {
            let quote = writer.underlying([Index, Index, Index, Equity, Equity, Fx, Fx, Commodity]);
            ("european", quote, 260)
        }
        Style::American => ("american", writer.underlying([Equity, Equity, Commodity]), 104),
        Style::Digital => ("digital", writer.underlying([Fx, Fx, Index, Equity]), 52),
        Style::Barrier(_) => ("barrier", writer.underlying([Fx, Fx, Index, Equity, Commodity]), 104),
        Style::Asian => ("asian", writer.underlying([Commodity, Commodity, Fx]), 52),
    };
    let is_vanilla = matches!(style, Style::European | Style::American);
    writer.begin(name, quote, if is_vanilla { book_of(quote) } else { EXOTICS });
    let years = expiry(writer, quote, most_weeks);
    let is_call = match style {
        Style::Barrier(number) => number < 4,
        _ => writer.draws.chance(if quote.asset.class == Index { 42 } else { 52 }),
    };
    writer.lines.set(Column::OptionType, if is_call { "call" } else { "put" });

    // Standard deviations from the forward: more options are out of the money than in it.
    let out = if is_call { 0.3 } else { -0.4 };
    let deviations = (out + 0.8 * writer.draws.normal()).clamp(-2.5, 2.5);
    let deviation = quote.vol(years) * years.sqrt();
    let mut strike = writer.market.forward(quote, years) * libm::exp(deviations * deviation);
    let mut pays_cash = false;
    match style {
        Style::European | Style::American => {}
        Style::Digital => pays_cash = digital(writer),
        Style::Barrier(number) => strike = barrier(writer, quote, number, strike, deviation),
        Style::Asian => asian(writer, quote),
    }
    writer.lines.set(Column::Strike, quote.strike(strike));
    // Clients buy exotics and insurance against falling indices, so the house is short of them.
    let percent_long = match (style, quote.asset.class) {
        (Style::Digital | Style::Barrier(_) | Style::Asian, _) => 35,
        (_, Index) if is_call => 55,
        (_, Index) => 45,
        (_, Equity) if is_call => 42,
        _ => 52,
    };
    let currency_usd = writer.market.usd_per(quote.asset.currency);
    if pays_cash {
        writer.quantity(5_000.0, 50.0, percent_long, CASH_AMOUNT * currency_usd);
    } else {
        writer.quantity(100_000.0, 50.0, percent_long, writer.usd_value(quote));
    }
}

/// Fills in when it expires, weeks to years ahead and on a Friday, and says in how many years that is.
fn expiry(writer: &mut Writer<'_>, quote: &Quote, most_weeks: i32) -> f64 {
    let (from, to) =
        writer.draws.one_of([(1, 8), (1, 8), (1, 8), (9, 26), (9, 26), (9, 26), (27, 104), (105, 260)]);
    let weeks = writer.draws.whole(from.min(most_weeks / 2), to.min(most_weeks));
    // Over the counter, any day will do.
    let extra = if quote.asset.class == Fx { writer.draws.whole(0, 3) } else { 0 };
    let n_days = 7 * weeks + 1 + extra;
    writer.lines.set(Column::Expiry, date_in(n_days));
    years_of(n_days)
}

#[expect(clippy::cast_precision_loss, reason = "a few years")]
fn years_of(n_days: i64) -> f64 {
    n_days as f64 / 365.0
}

/// Fills in the payoff, and says whether it is cash.
fn digital(writer: &mut Writer<'_>) -> bool {
    let pays_cash = writer.draws.chance(75);
    if pays_cash {
        writer.lines.set(Column::CashAmount, CASH_AMOUNT);
    }
    writer.lines.set(Column::Payoff, if pays_cash { "cash" } else { "asset" });
    pays_cash
}

/// Fills in the barrier, and says which strike goes with it: what is knocked out in the money needs room before it is.
fn barrier(writer: &mut Writer<'_>, quote: &Quote, number: u64, strike: f64, deviation: f64) -> f64 {
    let is_call = number < 4;
    let (name, is_up, is_out) = BARRIERS[usize::try_from(number % 4).unwrap_or(0)];
    let distance = (deviation * writer.draws.between(0.6, 2.2)).clamp(0.03, 0.5);
    let level = quote.spot() * if is_up { 1.0 + distance } else { 1.0 - distance };
    writer.lines.set(Column::BarrierType, name);
    writer.lines.set(Column::Barrier, quote.price(level));
    if writer.draws.chance(25) {
        writer.lines.set(Column::Rebate, quote.price(0.01 * quote.spot()));
    }
    let middle = quote.spot() * if is_up { 1.0 + 0.2 * distance } else { 1.0 - 0.2 * distance };
    match (is_up, is_out, is_call) {
        (true, true, true) => strike.min(middle),
        (false, true, false) => strike.max(middle),
        _ => strike,
    }
}

fn asian(writer: &mut Writer<'_>, quote: &Quote) {
    let (n_fixings, n_paths) = (writer.draws.one_of([4, 6, 12]), writer.draws.one_of([64, 128, 256]));
    writer.lines.set(Column::Fixings, n_fixings);
    writer.lines.set(Column::Paths, n_paths);
    if writer.draws.chance(30) {
        let n_past = writer.draws.whole(1, 4);
        let average = quote.price(quote.spot() * (1.0 + 0.03 * writer.draws.normal().clamp(-3.0, 3.0)));
        let sum = Decimal { units: average.units * n_past, decimals: average.decimals };
        writer.lines.set(Column::PastFixingsSum, sum);
        writer.lines.set(Column::PastFixingsCount, n_past);
    }
}
