//! Numbers in units that are easily mistaken: percentages for fractions, pence for pounds.

use crate::reading::{quoted, rounded};

/// A larger rate is taken for a percentage, unless the market says that it is meant; so is a larger volatility.
pub(super) const MAX_RATE: f64 = 1.0;
/// See [`MAX_RATE`].
pub(super) const MAX_VOL: f64 = 5.0;
/// No market can say that larger ones are meant.
pub(super) const MAX_LIMIT: f64 = 10.0;

/// How a percentage is written that was taken for a fraction, `write 4.17 % as 0.0417`, and what to do if it is none: to raise the market's
/// `limit`, which is `rate` or `vol`.
pub(super) fn percentage(value: f64, limit: &str) -> String {
    let written = format!("write {value} % as {}", rounded(value / 100.0));
    if value.abs() > MAX_LIMIT {
        return written;
    }
    let percent = rounded(value * 100.0);
    format!("{written}, or \"limits\": {{\"{limit}\": {MAX_LIMIT}}} in the market if {percent} % is meant")
}

/// What to do about a currency that is a hundredth of another, as vendors write it: `GBp`, `ZAc`. The obvious reading, `GBP`, would be a
/// hundred times too much.
pub(super) fn pence(code: &str) -> Option<String> {
    let (minor, pair) = match code {
        "GBp" | "GBX" | "GBx" | "GBpence" | "p" => ("GBX", "GBXGBP"),
        "ZAc" | "ZAX" => ("ZAX", "ZAXZAR"),
        "ILa" | "ILX" => ("ILX", "ILXILS"),
        _ => return None,
    };
    let whole = pair.get(3..).unwrap_or_default();
    Some(format!(
        "{} is a hundredth of {whole}; divide by 100 and write {whole}, or write {minor} with fx {pair} 0.01 in the market",
        quoted(code)
    ))
}
