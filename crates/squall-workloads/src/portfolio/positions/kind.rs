//! The kinds of position, and the columns of each.

use squall_core::workload::InputError;

use super::super::table::{Row, Table};
use crate::reading::quoted;

/// The kind of a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The underlying itself.
    Spot,
    /// An obligation to buy at a price on a date.
    Forward,
    /// A call or put exercised at expiry.
    European,
    /// A call or put exercised at any time.
    American,
    /// A fixed amount, or the underlying, if in the money at expiry.
    Digital,
    /// A European option knocked in or out.
    Barrier,
    /// An option on an average price.
    Asian,
    /// One payment.
    ZeroBond,
    /// Fixed coupons and a face.
    FixedBond,
    /// Fixed against floating interest.
    Swap,
    /// An exchange-traded forward, settled daily.
    Future,
    /// An amount of a currency.
    Cash,
    /// Floating coupons and a face.
    FloatingBond,
}

/// Columns that every kind uses; the currency may be left to the underlying.
pub(super) const COMMON: [&str; 4] = ["id", "book", "kind", "quantity"];

/// Every other column.
pub(super) const OTHERS: [&str; 38] = [
    "underlying",
    "currency",
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
    "curve",
    "current_fixing",
    "floating_frequency",
    "floating_day_count",
    "multiplier",
    "future_expiry",
    "first_coupon",
    "last_coupon",
    "end_of_month",
    "calendar",
    "adjustment",
    "accrual_dates",
    "ex_dividend",
    "settlement_days",
    "spread",
];

/// Columns that every kind may fill.
const OPTIONAL: [&str; 1] = ["multiplier"];

impl Kind {
    /// The names that files use, with what they mean.
    pub const NAMES: [(&'static str, Kind); 13] = [
        ("spot", Kind::Spot),
        ("forward", Kind::Forward),
        ("european", Kind::European),
        ("american", Kind::American),
        ("digital", Kind::Digital),
        ("barrier", Kind::Barrier),
        ("asian", Kind::Asian),
        ("zero_bond", Kind::ZeroBond),
        ("fixed_bond", Kind::FixedBond),
        ("swap", Kind::Swap),
        ("future", Kind::Future),
        ("cash", Kind::Cash),
        ("floating_bond", Kind::FloatingBond),
    ];

    /// The name that files use.
    pub fn name(self) -> &'static str {
        Kind::NAMES.iter().find(|(_, kind)| *kind == self).map_or("", |(name, _)| name)
    }

    /// Columns that must be filled, beside the common ones.
    fn needed(self) -> &'static [&'static str] {
        match self {
            Kind::Spot => &["underlying"],
            Kind::Forward | Kind::Future => &["underlying", "strike", "expiry"],
            Kind::European | Kind::American => &["underlying", "option_type", "strike", "expiry"],
            Kind::Digital => &["underlying", "option_type", "strike", "expiry", "payoff"],
            Kind::Barrier => &["underlying", "option_type", "strike", "expiry", "barrier_type", "barrier"],
            Kind::Asian => &["underlying", "option_type", "strike", "expiry", "fixings"],
            Kind::Cash => &["currency"],
            Kind::ZeroBond => &["currency", "face", "maturity"],
            Kind::FixedBond => &["currency", "face", "maturity", "coupon", "frequency", "day_count"],
            Kind::Swap => &[
                "currency",
                "notional",
                "start",
                "maturity",
                "fixed_rate",
                "fixed_leg",
                "frequency",
                "day_count",
            ],
            Kind::FloatingBond => &["currency", "face", "maturity", "frequency", "day_count"],
        }
    }

    /// Columns that may be filled.
    fn allowed(self) -> &'static [&'static str] {
        match self {
            Kind::Spot | Kind::Forward | Kind::Future => &["currency"],
            Kind::European | Kind::American => &["currency", "future_expiry"],
            Kind::Cash => &[],
            Kind::Digital => &["currency", "cash_amount"],
            Kind::Barrier => &["currency", "rebate"],
            Kind::Asian => &["currency", "past_fixings_sum", "past_fixings_count", "paths"],
            Kind::ZeroBond => &["curve"],
            Kind::FixedBond => &[
                "start",
                "curve",
                "first_coupon",
                "last_coupon",
                "end_of_month",
                "calendar",
                "adjustment",
                "accrual_dates",
                "ex_dividend",
                "settlement_days",
            ],
            Kind::Swap => &[
                "curve",
                "current_fixing",
                "floating_frequency",
                "floating_day_count",
                "first_coupon",
                "last_coupon",
                "end_of_month",
                "calendar",
                "adjustment",
            ],
            Kind::FloatingBond => &[
                "start",
                "curve",
                "current_fixing",
                "spread",
                "first_coupon",
                "last_coupon",
                "end_of_month",
                "calendar",
                "adjustment",
            ],
        }
    }

    /// Checks that the row fills the columns that this kind needs, and none that it does not use.
    pub(super) fn check_columns(self, row: Row<'_>, unused: &Unused) -> Result<(), InputError> {
        let needed = self.needed();
        for column in needed {
            if row.optional_text(column).is_none() {
                let problem = format!("is empty; {} needs {}", self.phrase(), needed.join(", "));
                return Err(row.error(column, problem));
            }
        }
        for (column, idx) in unused.of(self) {
            if let Some(text) = row.text_at(*idx) {
                return Err(row.error(
                    column,
                    format!("{} must be empty; {} does not use it", quoted(text), self.phrase()),
                ));
            }
        }
        Ok(())
    }

    pub(super) fn phrase(self) -> String {
        match self {
            Kind::Cash => "cash".to_owned(),
            Kind::American | Kind::Asian => format!("an {}", self.name()),
            _ => format!("a {}", self.name()),
        }
    }
}

/// The columns of a file that each kind must leave empty, found once for all of its rows.
pub(super) struct Unused(Vec<(Kind, Vec<(&'static str, usize)>)>);

impl Unused {
    /// Those of this file.
    pub(super) fn of_file(table: &Table) -> Self {
        let of_kind = |(_, kind): (&'static str, Kind)| {
            let is_used = |column: &str| {
                kind.needed().contains(&column)
                    || kind.allowed().contains(&column)
                    || OPTIONAL.contains(&column)
            };
            let unused = OTHERS.into_iter().filter(|column| !is_used(column));
            (kind, unused.filter_map(|column| Some((column, table.index_of(column)?))).collect())
        };
        Self(Kind::NAMES.into_iter().map(of_kind).collect())
    }

    /// Those of a kind, with their places in the header.
    fn of(&self, kind: Kind) -> &[(&'static str, usize)] {
        self.0.iter().find(|(it, _)| *it == kind).map_or(&[], |(_, unused)| unused)
    }
}
