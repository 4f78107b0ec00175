//! Today's values of single positions, for jobs that request them.

use serde::{Deserialize, Serialize};

/// A position's worth in the base column. Floats are kept as bits, so that equality and order are exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PositionValue {
    price_bits: u64,
    standard_error_bits: Option<u64>,
    value_micros: i128,
}

impl PositionValue {
    /// `price` per unit in the position's currency, its standard error if it is a Monte Carlo estimate, and the whole
    /// position's value in millionths of the report currency.
    pub fn new(price: f64, standard_error: Option<f64>, value_micros: i128) -> Self {
        Self {
            price_bits: price.to_bits(),
            standard_error_bits: standard_error.map(f64::to_bits),
            value_micros,
        }
    }

    /// Price of one unit, in the position's currency.
    pub fn price(&self) -> f64 {
        f64::from_bits(self.price_bits)
    }

    /// Standard error of the price, in the position's currency, if the price is a Monte Carlo estimate.
    pub fn standard_error(&self) -> Option<f64> {
        self.standard_error_bits.map(f64::from_bits)
    }

    /// Value of the whole position, in millionths of the report currency.
    pub fn value_micros(&self) -> i128 {
        self.value_micros
    }
}

/// Values by position, in the order of the positions.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PositionValues(Vec<(u32, PositionValue)>);

impl PositionValues {
    /// One position's value.
    pub fn of(position_idx: u32, value: PositionValue) -> Self {
        Self(vec![(position_idx, value)])
    }

    /// Position indices and values, in the order of the positions.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (u32, &PositionValue)> {
        self.0.iter().map(|(idx, value)| (*idx, value))
    }

    /// How many positions there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds the other's positions. Should both have one, with different values, the greater stays: as good as any,
    /// and the same in every order.
    pub fn merge(&mut self, other: Self) {
        let comes_after = match (self.0.last(), other.0.first()) {
            (Some((last, _)), Some((first, _))) => last < first,
            _ => true,
        };
        if comes_after {
            self.0.extend(other.0);
            return;
        }
        let mut merged = Vec::with_capacity(self.0.len() + other.0.len());
        let mut ours = std::mem::take(&mut self.0).into_iter().peekable();
        let mut theirs = other.0.into_iter().peekable();
        while let (Some(our), Some(their)) = (ours.peek().copied(), theirs.peek().copied()) {
            match our.0.cmp(&their.0) {
                std::cmp::Ordering::Less => merged.extend(ours.next()),
                std::cmp::Ordering::Greater => merged.extend(theirs.next()),
                std::cmp::Ordering::Equal => {
                    merged.push(our.max(their));
                    ours.next();
                    theirs.next();
                }
            }
        }
        merged.extend(ours);
        merged.extend(theirs);
        self.0 = merged;
    }
}
