//! The names that a report needs: books, kinds of contract, currencies and positions.

use super::rates::Quote;
use super::shock::Factor;
use super::stencil::Unreliable;

/// A factor that positions depend on and no scenario moves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmoved {
    /// The factor.
    pub factor: Factor,
    /// Its row in the market.
    pub factor_idx: usize,
    /// How many positions depend on it.
    pub n_positions: usize,
}

/// The names behind the indices of a portfolio.
#[derive(Debug, Clone, Default)]
pub struct Labels {
    /// ISO code of the currency that every value is in.
    pub report_currency: String,
    /// The books; a position's `book` is an index here.
    pub books: Vec<String>,
    /// The kinds of contract; a position's `kind` is an index here.
    pub kinds: Vec<&'static str>,
    /// ISO codes of the positions' own currencies; a position's `currency` is an index here.
    pub currencies: Vec<String>,
    /// Every position, in the order of the matrix's rows.
    pub positions: Vec<PositionLabel>,
    /// Positions that had expired and were left out.
    pub n_expired: usize,
    /// Calendar days by which positions are older in the scenarios, if they are.
    pub aged_days: Option<u64>,
    /// Positions with a running floating period whose rate is the curve's, for want of a fixing.
    pub n_projected: usize,
    /// Factors that positions depend on and no scenario moves, in the market's order; none without scenarios. A partial has the base value
    /// that hangs on each in a sum after the kinds, in this order.
    pub unmoved: Vec<Unmoved>,
    /// What is valid and can hardly be meant, a line each.
    pub notes: Vec<String>,
    /// Today's level of each factor of the market (spot price, FX rate), in its own unit and in the market's order;
    /// `None` where a level means nothing. Only Greeks per unit need it; may be empty.
    pub factor_levels: Vec<Option<f64>>,
    /// Underlyings and pairs without a gamma, or a delta, if Greeks are asked for: one entry each.
    pub unreliable: Vec<Unreliable>,
}

/// What a position is called and where it belongs.
#[derive(Debug, Clone, PartialEq)]
pub struct PositionLabel {
    /// Its id, unique in the portfolio.
    pub id: String,
    /// Index into [`Labels::books`].
    pub book: u32,
    /// Index into [`Labels::kinds`].
    pub kind: u32,
    /// Index into [`Labels::currencies`]: what its price is quoted in.
    pub currency: u32,
    /// What it is quoted at, if it is a bond and that was asked for.
    pub quote: Option<Box<Quote>>,
}
