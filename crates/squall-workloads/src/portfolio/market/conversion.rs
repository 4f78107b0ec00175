//! Exchange rates, and how amounts of one currency become amounts of another.

use std::collections::BTreeMap;

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

/// The pairs of each currency.
pub(super) struct Legs(Vec<BTreeMap<usize, Leg>>);

impl Legs {
    /// Of these pairs, in a market of so many currencies.
    pub(super) fn new(pairs: &[Pair], n_currencies: usize) -> Self {
        let mut legs = vec![BTreeMap::new(); n_currencies];
        for (idx, pair) in pairs.iter().enumerate() {
            for (from, to, leg) in
                [(pair.base, pair.quote, Leg::Times(idx)), (pair.quote, pair.base, Leg::Over(idx))]
            {
                if let Some(legs) = legs.get_mut(from) {
                    legs.entry(to).or_insert(leg);
                }
            }
        }
        Self(legs)
    }

    fn from(&self, from: usize) -> impl Iterator<Item = (usize, Leg)> {
        self.0.get(from).into_iter().flatten().map(|(to, leg)| (*to, *leg))
    }

    fn leg(&self, from: usize, to: usize) -> Option<Leg> {
        self.0.get(from)?.get(&to).copied()
    }

    /// The conversion from one currency to another: by a pair, by the inverse of a pair, or else through one other currency
    /// (of several, the first by index).
    pub(super) fn conversion(&self, from: usize, to: usize) -> Option<Conversion> {
        if from == to {
            return Some(Conversion::None);
        }
        if let Some(leg) = self.leg(from, to) {
            return Some(Conversion::Direct(leg));
        }
        self.from(from).find_map(|(via, leg)| Some(Conversion::Cross(leg, self.leg(via, to)?)))
    }
}

/// How far a pair may be from what the others make of it: rates are quoted with few digits, and not all at the same moment.
pub const TOLERANCE: f64 = 1e-3;

/// A pair that the pairs before it contradict by more than `tolerance`, and the rate that they make of it.
pub fn contradiction(pairs: &[Pair], n_currencies: usize, tolerance: f64) -> Option<(usize, f64)> {
    // Trees of currencies that are known by each other: the logarithm of each one's price in its parent.
    let mut parents: Vec<(usize, f64)> = (0..n_currencies).map(|currency| (currency, 0.0)).collect();
    for (idx, pair) in pairs.iter().enumerate() {
        let (base, of_base) = root(&mut parents, pair.base)?;
        let (quote, of_quote) = root(&mut parents, pair.quote)?;
        let rate = libm::log(pair.rate);
        if base != quote {
            parents[base] = (quote, rate + of_quote - of_base);
        } else if (of_base - of_quote - rate).abs() > tolerance {
            return Some((idx, libm::exp(of_base - of_quote)));
        }
    }
    None
}

/// The root of a currency's tree, and the logarithm of the currency's price in it.
fn root(parents: &mut [(usize, f64)], currency: usize) -> Option<(usize, f64)> {
    let (mut at, mut price) = (currency, 0.0);
    loop {
        let (parent, step) = *parents.get(at)?;
        if parent == at {
            // The next look-up takes one step.
            parents[currency] = if currency == at { (at, 0.0) } else { (at, price) };
            return Some((at, price));
        }
        (at, price) = (parent, price + step);
    }
}

/// Most pairs of a market; [`tied`] takes the square of them.
pub(super) const MAX_PAIRS: usize = 1_000;

/// The pairs that follow from others: a price that moves alone would open a way to free money.
pub fn tied(pairs: &[Pair], n_currencies: usize) -> Vec<usize> {
    let connected = |without: usize, from: usize, to: usize| {
        let mut sets: Vec<usize> = (0..n_currencies).collect();
        for (_, pair) in pairs.iter().enumerate().filter(|(idx, _)| *idx != without) {
            join(&mut sets, pair.base, pair.quote);
        }
        find(&sets, from) == find(&sets, to)
    };
    (0..pairs.len()).filter(|idx| connected(*idx, pairs[*idx].base, pairs[*idx].quote)).collect()
}

fn find(sets: &[usize], currency: usize) -> usize {
    let mut at = currency;
    while sets[at] != at {
        at = sets[at];
    }
    at
}

fn join(sets: &mut [usize], one: usize, other: usize) {
    let (one, other) = (find(sets, one), find(sets, other));
    sets[one.max(other)] = one.min(other);
}
