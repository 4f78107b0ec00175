//! The assumptions of a column of the valuation matrix: shocks to risk factors, relative to the market as loaded.

use std::fmt;

/// A risk factor of a market, and how its shock is applied.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Factor {
    /// `spot:SPX`: an underlying's spot price; relative, so 0.01 is one percent up. Of a normal price in its scale.
    Spot(String),
    /// `vol:SPX`: an underlying's whole volatility surface; absolute, so 0.01 is one volatility point up. Of a
    /// normal price in its scale.
    Vol(String),
    /// `rate:USD`: every zero curve of a currency; absolute and parallel, so 0.0001 is one basis point up. `rate:USD:5Y`: the same at one
    /// tenor, and less beside it.
    Rate(String),
    /// `spread:USD-CORP`: one zero curve, besides what its currency's rates do; absolute and parallel.
    Spread(String),
    /// `fx:EURUSD`: the price of the first currency in the second; relative.
    Fx(String),
}

impl Factor {
    /// The underlying, currency, curve or pair, with the tenor if it is at one.
    pub fn name(&self) -> &str {
        match self {
            Factor::Spot(name)
            | Factor::Vol(name)
            | Factor::Rate(name)
            | Factor::Spread(name)
            | Factor::Fx(name) => name,
        }
    }
}

impl fmt::Display for Factor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Factor::Spot(name) => write!(f, "spot:{name}"),
            Factor::Vol(name) => write!(f, "vol:{name}"),
            Factor::Rate(name) => write!(f, "rate:{name}"),
            Factor::Spread(name) => write!(f, "spread:{name}"),
            Factor::Fx(name) => write!(f, "fx:{name}"),
        }
    }
}

/// Every factor of a market, in a fixed order; a factor's index is its row in a [`ShockBlock`].
#[derive(Debug, Clone, Default)]
pub struct Factors(pub Vec<Factor>);

impl Factors {
    /// The row of a factor, if the market has it.
    pub fn index_of(&self, factor: &Factor) -> Option<usize> {
        self.0.iter().position(|known| known == factor)
    }

    /// The row of a factor written as in a file: `spot:SPX`.
    pub fn parse(&self, text: &str) -> Option<usize> {
        let (kind, name) = text.split_once(':')?;
        let name = name.to_owned();
        let factor = match kind {
            "spot" => Factor::Spot(name),
            "vol" => Factor::Vol(name),
            "rate" => Factor::Rate(name),
            "spread" => Factor::Spread(name),
            "fx" => Factor::Fx(name),
            _ => return None,
        };
        // Those of a market are in order.
        self.0.binary_search(&factor).ok().or_else(|| self.index_of(&factor))
    }
}

/// The shocks of some consecutive columns, one row per factor of the market.
///
/// A row is absent while its factor is not shocked in any column of the block.
#[derive(Debug, Clone, Default)]
pub struct ShockBlock {
    n_columns: usize,
    rows: Vec<Option<Vec<f64>>>,
}

impl ShockBlock {
    /// No shock at all: `n_columns` columns over `n_factors` factors.
    pub fn unshocked(n_factors: usize, n_columns: usize) -> Self {
        Self { n_columns, rows: vec![None; n_factors] }
    }

    /// How many columns the block has.
    pub fn n_columns(&self) -> usize {
        self.n_columns
    }

    /// One factor's shocks, `n_columns` long; `None` means zero everywhere.
    pub fn row(&self, factor_idx: usize) -> Option<&[f64]> {
        self.rows.get(factor_idx)?.as_deref()
    }

    /// One factor's shocks to write to, created as zeros.
    pub fn row_mut(&mut self, factor_idx: usize) -> &mut [f64] {
        let n_columns = self.n_columns;
        self.rows[factor_idx].get_or_insert_with(|| vec![0.0; n_columns])
    }
}
