//! Exchange rates, and how amounts of one currency become amounts of another.

/// The price of one currency in another.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    /// `EURUSD`.
    pub name: String,
    /// Index of the first currency, of which one unit is priced.
    pub base: usize,
    /// Index of the second currency, in which it is priced.
    pub quote: usize,
    /// Units of the second per unit of the first; above 0.
    pub rate: f64,
    /// Index of the `fx:` factor.
    pub factor: usize,
}

/// One exchange rate, used forwards or backwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leg {
    /// Multiply by the pair's rate.
    Times(usize),
    /// Divide by the pair's rate.
    Over(usize),
}

impl Leg {
    /// Index of the pair.
    pub fn pair(self) -> usize {
        match self {
            Leg::Times(pair) | Leg::Over(pair) => pair,
        }
    }

    /// What one unit becomes when the pair stands at `rate`.
    pub fn factor(self, rate: f64) -> f64 {
        match self {
            Leg::Times(_) => rate,
            Leg::Over(_) => 1.0 / rate,
        }
    }
}

/// How amounts of one currency become amounts of the report currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conversion {
    /// It is the report currency.
    None,
    /// Through one pair.
    Direct(Leg),
    /// Through one other currency.
    Cross(Leg, Leg),
}

/// The conversion from one currency to another: by a pair, by the inverse of a pair, or else through one other currency
/// (of several, the first by index).
pub(super) fn find(pairs: &[Pair], n_currencies: usize, from: usize, to: usize) -> Option<Conversion> {
    if from == to {
        return Some(Conversion::None);
    }
    if let Some(leg) = leg(pairs, from, to) {
        return Some(Conversion::Direct(leg));
    }
    (0..n_currencies).find_map(|via| Some(Conversion::Cross(leg(pairs, from, via)?, leg(pairs, via, to)?)))
}

fn leg(pairs: &[Pair], from: usize, to: usize) -> Option<Leg> {
    pairs.iter().enumerate().find_map(|(idx, pair)| match (pair.base, pair.quote) {
        (base, quote) if base == from && quote == to => Some(Leg::Times(idx)),
        (base, quote) if base == to && quote == from => Some(Leg::Over(idx)),
        _ => None,
    })
}
