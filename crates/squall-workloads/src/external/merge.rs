//! The declared merge of values: exact, and independent of their order and of the cut.
//!
//! A value is JSON text. What is kept of many is a [`Merged`]; equal ones have equal encodings.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::item::ItemId;

mod decimal;
mod exact;
mod number;
mod parse;
mod report;
mod state;

use state::{FieldTexts, State};

/// A declared merge.
#[derive(Debug, Clone, PartialEq)]
pub struct Merge(Declared);

#[derive(Debug, Clone, PartialEq)]
enum Declared {
    /// Of the value itself.
    One(Rule),
    /// Of the fields of a value that is an object, by their names.
    Fields(Vec<(String, Rule)>),
}

/// What is made of many values.
#[derive(Debug, Clone, PartialEq)]
enum Rule {
    Sum,
    DecimalSum,
    Mean,
    Min,
    Max,
    Count,
    CountBy {
        max_keys: usize,
    },
    /// The edges of its bins, ascending.
    Histogram {
        edges: Vec<f64>,
    },
    Top {
        k: usize,
        is_largest: bool,
        by: Option<String>,
        max_value_bytes: usize,
    },
    Concat {
        max_value_bytes: usize,
    },
    Union {
        max_elements: usize,
        max_value_bytes: usize,
    },
}

/// Merged values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Merged {
    /// How many.
    n: u64,
    /// Of each rule.
    states: Vec<State>,
}

impl Merge {
    fn rules(&self) -> impl Iterator<Item = &Rule> {
        let (one, fields) = match &self.0 {
            Declared::One(rule) => (Some(rule), [].as_slice()),
            Declared::Fields(fields) => (None, fields.as_slice()),
        };
        one.into_iter().chain(fields.iter().map(|(_, rule)| rule))
    }

    /// Of no value.
    pub fn empty(&self) -> Merged {
        Merged { n: 0, states: self.rules().map(State::empty).collect() }
    }

    /// Adds an item's value.
    ///
    /// # Errors
    /// When it is not what the merge takes: what it is, and what was expected. Nothing is added then.
    pub fn add(&self, into: &mut Merged, id: &ItemId, value: &RawValue) -> Result<(), String> {
        match &self.0 {
            Declared::One(rule) => {
                let state = into.states.first_mut().ok_or("there is nothing to add to")?;
                let read = rule.read(value.get())?;
                state.add(rule, id, read);
            }
            Declared::Fields(fields) => {
                let texts = FieldTexts::read(value.get())?;
                // All are read before any is added.
                let mut reads = Vec::with_capacity(fields.len());
                for (name, rule) in fields {
                    reads.push(texts.get(name, |text| rule.read(text))?);
                }
                for (((_, rule), state), read) in fields.iter().zip(&mut into.states).zip(reads) {
                    state.add(rule, id, read);
                }
            }
        }
        into.n = into.n.saturating_add(1);
        Ok(())
    }

    /// Adds merged values to others.
    pub fn merge(into: &mut Merged, other: Merged) {
        into.n = into.n.saturating_add(other.n);
        for (state, other) in into.states.iter_mut().zip(other.states) {
            state.merge(other);
        }
    }

    /// Checks that it can be of so many items, all of them of those that `has` says.
    ///
    /// # Errors
    /// What does not fit.
    pub fn check(&self, merged: &Merged, n_items: u64, has: &dyn Fn(&ItemId) -> bool) -> Result<(), String> {
        if n_items != merged.n {
            return Err(format!("it merges {} values", merged.n));
        }
        let n_rules = self.rules().count();
        if merged.states.len() != n_rules {
            return Err(format!("it has {} merges instead of {n_rules}", merged.states.len()));
        }
        self.rules().zip(&merged.states).try_for_each(|(rule, state)| state.check(rule, merged.n, has))
    }

    /// About the memory of so many merged values, bytes.
    pub fn bytes(&self, n_items: u64) -> u64 {
        self.rules().map(|rule| rule.bytes(n_items)).fold(0, u64::saturating_add)
    }
}

impl Merged {
    /// The values in the order of their items, as JSON text, of a `concat`; none of other merges.
    pub fn values(&self) -> impl Iterator<Item = (&ItemId, &str)> {
        self.states.iter().flat_map(State::values)
    }
}

#[cfg(test)]
mod tests;
