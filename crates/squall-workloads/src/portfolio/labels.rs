//! The names that a report needs: books, kinds of contract, currencies and positions.

use super::columns::Columns;
use super::market::{Market, Spot};
use super::positions::kind::Kind;
use super::rates::Quote;
use super::shock::Factor;
use super::stencil::Unreliable;
use super::valuation::Portfolio;
use crate::reading::bounded;

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

/// Lines about the market; the scenarios bound theirs.
const MOST_NOTES: usize = 7;

impl Labels {
    /// Those of a portfolio, whose scenarios are among these columns.
    pub fn of(portfolio: &Portfolio, columns: &Columns) -> Self {
        let market = portfolio.market();
        let used: Vec<(&'static str, Kind)> = Kind::NAMES
            .into_iter()
            .filter(|(_, kind)| portfolio.positions().iter().any(|position| position.kind == *kind))
            .collect();
        let kind_of = |kind: Kind| index(used.iter().position(|(_, it)| *it == kind).unwrap_or(0));
        let positions = portfolio.positions().iter().map(|position| PositionLabel {
            id: position.id.clone(),
            book: index(position.book),
            kind: kind_of(position.kind),
            currency: index(position.currency),
            quote: position.quote.clone(),
        });
        let moved = market.with_same_rates(columns.scenarios().moved());
        let has_scenarios = columns.scenarios().count() > 0;
        let unmoved = |(factor_idx, n_positions): (usize, usize)| {
            let factor = market.factors().0.get(factor_idx)?.clone();
            let is_unmoved = has_scenarios && n_positions > 0 && !moved.contains(&factor_idx);
            is_unmoved.then_some(Unmoved { factor, factor_idx, n_positions })
        };
        let unmoved = portfolio.dependents().into_iter().enumerate().filter_map(unmoved);
        Labels {
            n_expired: portfolio.n_expired(),
            aged_days: portfolio.ageing().map(|ageing| ageing.days),
            n_projected: portfolio.positions().iter().filter(|position| position.is_projected).count(),
            unmoved: unmoved.collect(),
            notes: [bounded(market.notes().to_vec(), MOST_NOTES), columns.scenarios().review().notes.clone()]
                .concat(),
            report_currency: market.report_currency().to_owned(),
            books: portfolio.books().to_vec(),
            kinds: used.iter().map(|(name, _)| *name).collect(),
            currencies: market.currencies().iter().map(|currency| currency.code.clone()).collect(),
            positions: positions.collect(),
            factor_levels: factor_levels(market),
            unreliable: Vec::new(),
        }
    }
}

fn factor_levels(market: &Market) -> Vec<Option<f64>> {
    let mut levels = vec![None; market.factors().0.len()];
    let known = market
        .underlyings()
        .iter()
        .filter_map(|underlying| match underlying.spot {
            Spot::Own { price, factor } => Some((factor, price)),
            Spot::Pair(_) => None,
        })
        .chain(market.pairs().iter().map(|pair| (pair.factor, pair.rate)));
    for (factor, price) in known {
        if let Some(level) = levels.get_mut(factor) {
            *level = Some(price);
        }
    }
    levels
}

/// An index as partials have it.
pub fn index(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
