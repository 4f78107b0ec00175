//! Which items are computed again, and what is kept of those whose values differ.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use squall_core::split_mix64;
use squall_core::visible::{on_one_line, shortened};
use squall_core::workload::InputError;

use super::ask::Outcome;
use super::input::{AuditInput, OnDifference};
use super::item::ItemId;

/// Most differences that are kept: the first in the order of the items.
const MAX_KEPT: usize = 20;
/// Most differences that a text shows.
const MAX_SHOWN: usize = 5;
/// Most characters of a value in a difference.
const MAX_SAID_CHARS: usize = 200;

/// Which items are computed again: one of each so many consecutive items.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Audit {
    /// Of how many items one; 0 for none.
    one_of: u64,
    seed: u64,
    /// How many items there are; 0 if their indices are not known.
    n_items: u64,
    /// What follows when values differ.
    pub(super) on_difference: OnDifference,
}

impl Audit {
    /// An audit of `n_items` items with indices; 0 for objects.
    pub(super) fn new(input: &AuditInput, n_items: u64) -> Result<Self, InputError> {
        if !(0.0..=1.0).contains(&input.share) {
            let problem = format!("{:?}; expected a share from 0 to 1", input.share);
            return Err(InputError::new("input.audit.share", problem));
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at least 1; saturates")]
        let one_of = if input.share == 0.0 { 0 } else { (1.0 / input.share).ceil() as u64 };
        Ok(Self { one_of, seed: input.seed, n_items, on_difference: input.on_difference })
    }

    /// Whether there is any.
    pub(super) fn is_any(&self) -> bool {
        self.one_of > 0
    }

    /// Whether an item is computed again. It follows from the job alone, so it does not depend on the cut.
    pub(super) fn picks(&self, id: &ItemId) -> bool {
        let drawn = |number: u64| split_mix64(self.seed ^ split_mix64(number));
        match (self.one_of, self.n_items) {
            (0, _) => false,
            (one_of, 0) => {
                let name = id.name.bytes().fold(id.at, |hash, byte| split_mix64(hash ^ u64::from(byte)));
                drawn(name) % one_of == 0
            }
            // Of few items one, too.
            (one_of, n_items) if n_items < one_of => drawn(0) % n_items == id.at,
            (one_of, n_items) => {
                let (group, position) = (id.at / one_of, id.at % one_of);
                // The last group is left out if it is not full: never more than the share.
                (group + 1).saturating_mul(one_of) <= n_items && drawn(group) % one_of == position
            }
        }
    }
}

/// What one worker said.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Said {
    /// The worker.
    pub worker: String,
    /// The value, as JSON text, or that it failed.
    pub value: String,
}

impl Said {
    pub(super) fn new(worker: &str, outcome: &Outcome) -> Self {
        let value = match outcome {
            Ok(value) => on_one_line(value.get()),
            Err(reason) => format!("failed: {}", on_one_line(reason)),
        };
        Self { worker: worker.to_owned(), value: shortened(&value, MAX_SAID_CHARS).into_owned() }
    }
}

/// The values of an item that differ.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Difference {
    /// What the first worker said; it is in the answer.
    pub first: Said,
    /// What another worker said.
    pub second: Said,
    /// What a third one said, to see which of the two is alone with its value.
    pub third: Option<Said>,
}

impl Difference {
    /// The worker that is alone with its value, if two agree.
    pub fn odd(&self) -> Option<&str> {
        let third = self.third.as_ref()?;
        match (third.value == self.first.value, third.value == self.second.value) {
            (true, false) => Some(&self.second.worker),
            (false, true) => Some(&self.first.worker),
            _ => None,
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { first, second, third } = self;
        write!(f, "{} said {}, {} said {}", first.worker, first.value, second.worker, second.value)?;
        if let Some(third) = third {
            write!(f, ", {} said {}", third.worker, third.value)?;
        }
        match self.odd() {
            Some(odd) => write!(f, ": {odd} differs from the others"),
            None => Ok(()),
        }
    }
}

/// What an audit found.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Audited {
    /// Items that were computed again.
    pub again: u64,
    /// Items that were to be, but no other worker could.
    pub not_again: u64,
    /// Items whose values differ.
    pub n_different: u64,
    /// The first of them.
    pub different: BTreeMap<ItemId, Difference>,
}

impl Audited {
    /// That values differ, and the first that do, a line each; `None` if none does.
    pub fn found(&self) -> Option<String> {
        let Self { again, n_different, different, .. } = self;
        if *n_different == 0 {
            return None;
        }
        let mut text = format!(
            "NOT DETERMINISTIC: {n_different} of {again} items that were computed again have another value; \
             the answer depends on which worker computed what\n"
        );
        for (id, difference) in different.iter().take(MAX_SHOWN) {
            text += &format!("  {id}: {difference}\n");
        }
        if different.len() > MAX_SHOWN {
            text += "  and more: see the JSON report\n";
        }
        Some(text)
    }

    pub(super) fn add(&mut self, id: ItemId, difference: Difference) {
        self.n_different += 1;
        self.different.insert(id, difference);
        self.bound();
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.again = self.again.saturating_add(other.again);
        self.not_again = self.not_again.saturating_add(other.not_again);
        self.n_different = self.n_different.saturating_add(other.n_different);
        self.different.extend(other.different);
        self.bound();
    }

    fn bound(&mut self) {
        while self.different.len() > MAX_KEPT {
            self.different.pop_last();
        }
    }

    /// Checks that it can be of so many items.
    pub(super) fn check(&self, has: impl Fn(&ItemId) -> bool) -> Result<(), String> {
        let kept = self.different.len() as u64;
        if kept > MAX_KEPT as u64 || kept > self.n_different || self.n_different > self.again {
            return Err("it names more differences than it has".to_owned());
        }
        if self.different.keys().all(has) {
            Ok(())
        } else {
            Err("it names an item that is not its own".to_owned())
        }
    }
}
