//! Bonds and swaps of the sample.

use chrono::{Months, NaiveDate};

use super::columns::{Column, Decimal};
use super::draws::rounded;
use super::positions::{Writer, date_in, today};
use super::universe::Currency::{self, Aud, Chf, Eur, Gbp, Jpy, Usd};

const BONDS: &str = "government-bonds";
const RATES: &str = "rates";
/// Interest is quoted in steps of an eighth of a percent.
const EIGHTH_BP: f64 = 12.5;

pub(super) fn zero_bond(writer: &mut Writer<'_>) {
    let currency = begin(writer, "zero_bond", BONDS);
    let n_days = writer.draws.whole(30, 20 * 365);
    writer.lines.set(Column::Maturity, date_in(n_days));
    bond_size(writer, currency);
}

pub(super) fn fixed_bond(writer: &mut Writer<'_>) {
    let currency = begin(writer, "fixed_bond", BONDS);
    let years = writer.draws.one_of([2, 3, 5, 5, 7, 10, 10, 15, 20, 30]);
    // Issued some time ago, so that interest has accrued.
    let start = before(writer.draws.whole(1, 23));
    writer.lines.set(Column::Start, start);
    writer.lines.set(Column::Maturity, after(start, years));
    let yield_bp = writer.market.rate_bp(currency, f64::from(years)) + 60.0 * writer.draws.normal();
    let eighths = rounded(yield_bp.max(0.0) / EIGHTH_BP);
    // An eighth of a percent in millionths.
    writer.lines.set(Column::Coupon, Decimal { units: eighths * 1_250, decimals: 6 });
    let conventions = currency.conventions();
    writer.lines.set(Column::Frequency, conventions.frequency);
    writer.lines.set(Column::DayCount, conventions.day_count);
    bond_size(writer, currency);
}

pub(super) fn swap(writer: &mut Writer<'_>) {
    let currency = begin(writer, "swap", RATES);
    let conventions = currency.conventions();
    let years = writer.draws.one_of([2, 3, 5, 5, 7, 10, 10, 15, 30]);
    let is_running = writer.draws.chance(60);
    let start =
        if is_running { before(writer.draws.whole(1, 20)) } else { date_in(writer.draws.whole(2, 90)) };
    writer.lines.set(Column::Start, start);
    writer.lines.set(Column::Maturity, after(start, years));
    let spread_bp = writer.draws.normal().clamp(-2.0, 2.0) * if is_running { 35.0 } else { 8.0 };
    let fixed_bp = rounded(writer.market.rate_bp(currency, f64::from(years)) + spread_bp);
    writer.lines.set(Column::FixedRate, Decimal { units: fixed_bp, decimals: 4 });
    writer.lines.set(Column::FixedLeg, if writer.draws.chance(50) { "pay" } else { "receive" });
    writer.lines.set(Column::Frequency, conventions.frequency);
    writer.lines.set(Column::DayCount, conventions.day_count);
    if is_running {
        let fixing_bp = rounded(writer.market.rate_bp(currency, 0.25) + 5.0 * writer.draws.normal());
        writer.lines.set(Column::CurrentFixing, Decimal { units: fixing_bp, decimals: 4 });
        writer.lines.set(Column::FloatingFrequency, conventions.floating_frequency);
        writer.lines.set(Column::FloatingDayCount, conventions.floating_day_count);
    }
    let millions = writer.draws.one_of([1, 2, 5, 5, 10, 10, 20, 25, 50]);
    let scale = if currency == Jpy { 100 } else { 1 };
    writer.lines.set(Column::Notional, i64::from(millions * scale) * 1_000_000);
    writer.lines.set(Column::Quantity, 1);
}

fn begin(writer: &mut Writer<'_>, kind: &str, book: &str) -> Currency {
    let currency = writer.currency([Usd, Usd, Usd, Usd, Eur, Eur, Eur, Gbp, Gbp, Jpy, Chf, Aud]);
    writer.lines.set(Column::Kind, kind);
    writer.lines.set(Column::Book, book);
    writer.lines.set(Column::Currency, currency.conventions().code);
    currency
}

fn bond_size(writer: &mut Writer<'_>, currency: Currency) {
    let face = currency.conventions().face;
    writer.lines.set(Column::Face, face);
    writer.quantity(200_000.0, 50.0, 70, f64::from(face) * writer.market.usd_per(currency));
}

/// A number of months before the valuation date.
fn before(n_months: i64) -> NaiveDate {
    let months = Months::new(u32::try_from(n_months).unwrap_or(0));
    today().checked_sub_months(months).unwrap_or(NaiveDate::MIN)
}

fn after(start: NaiveDate, years: u8) -> NaiveDate {
    start.checked_add_months(Months::new(12 * u32::from(years))).unwrap_or(NaiveDate::MAX)
}
