//! The columns of `positions.csv`, and one line of it.

use std::fmt;
use std::io::Write;

/// A column; the header has them in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    Id,
    Book,
    Kind,
    Underlying,
    Currency,
    Quantity,
    OptionType,
    Strike,
    Expiry,
    Payoff,
    CashAmount,
    BarrierType,
    Barrier,
    Rebate,
    Fixings,
    PastFixingsSum,
    PastFixingsCount,
    Paths,
    Face,
    Notional,
    Coupon,
    FixedRate,
    FixedLeg,
    Frequency,
    DayCount,
    Start,
    Maturity,
    CurrentFixing,
    FloatingFrequency,
    FloatingDayCount,
}

const NAMES: [&str; 30] = [
    "id",
    "book",
    "kind",
    "underlying",
    "currency",
    "quantity",
    "option_type",
    "strike",
    "expiry",
    "payoff",
    "cash_amount",
    "barrier_type",
    "barrier",
    "rebate",
    "fixings",
    "past_fixings_sum",
    "past_fixings_count",
    "paths",
    "face",
    "notional",
    "coupon",
    "fixed_rate",
    "fixed_leg",
    "frequency",
    "day_count",
    "start",
    "maturity",
    "current_fixing",
    "floating_frequency",
    "floating_day_count",
];

/// One line of the table, and the bytes of those before it.
pub(super) struct Lines {
    fields: [String; NAMES.len()],
    bytes: Vec<u8>,
}

impl Lines {
    /// The header alone.
    pub(super) fn with_header() -> Self {
        let bytes = format!("{}\n", NAMES.join(",")).into_bytes();
        Self { fields: std::array::from_fn(|_| String::new()), bytes }
    }

    /// Fills a field of the current line. Nothing that is written here has a comma or a quote in it.
    pub(super) fn set(&mut self, column: Column, value: impl fmt::Display) {
        use fmt::Write as _;
        let field = &mut self.fields[column as usize];
        field.clear();
        // Writing to a string cannot fail.
        let _ = write!(field, "{value}");
    }

    /// Writes the current line and begins an empty one.
    pub(super) fn end(&mut self) {
        for (idx, field) in self.fields.iter_mut().enumerate() {
            let separator = if idx == 0 { "" } else { "," };
            // Writing to a vector cannot fail.
            let _ = write!(self.bytes, "{separator}{field}");
            field.clear();
        }
        self.bytes.push(b'\n');
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// A decimal number from an integer, so that its text is the same everywhere: 12345 with 2 decimals is `123.45`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Decimal {
    pub(super) units: i64,
    pub(super) decimals: u32,
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = 10_u64.saturating_pow(self.decimals);
        let sign = if self.units < 0 { "-" } else { "" };
        let magnitude = self.units.unsigned_abs();
        match self.decimals {
            0 => write!(f, "{sign}{magnitude}"),
            decimals => {
                let width = usize::try_from(decimals).unwrap_or(0);
                write!(f, "{sign}{}.{:0width$}", magnitude / unit, magnitude % unit)
            }
        }
    }
}
