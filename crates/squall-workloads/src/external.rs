//! Items in any form, evaluated by a program in any language, and merged as the job declares.
//!
//! This workload reads the items, decides what is asked of which worker and what a failure means, and merges the values exactly. What
//! the workers are is behind the port [`Workers`]; without one the registry's workload evaluates nothing.

use std::io;
use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use squall_core::data::{Borders, Data, Extent};
use squall_core::sources::{Given, Source};
use squall_core::workload::{Coverage, EvaluateError, InputError, Weight, Workload};

mod ask;
mod audit;
pub mod contract;
mod declared;
mod evaluate;
mod input;
mod item;
mod items;
pub mod merge;
mod report;
pub mod workers;

pub use ask::Pace;
pub use audit::{Audit, Audited, Difference, Said};
pub use declared::{listed, of_declared, read_declared};
pub use evaluate::evaluate;
pub use input::{Batch, Input};
pub use item::ItemId;
pub use items::Items;
pub use report::Report;

use merge::{Merge, Merged};
use workers::{WorkerRef, Workers};

/// Most weight of a job: centuries.
const MAX_WEIGHT: u64 = u64::MAX / 4;
/// About the memory of the differences that a partial keeps, bytes.
const AUDIT_BYTES: u64 = 64 << 10;

/// Evaluates items by a program in any language.
pub struct External;

/// The input, checked.
pub struct Prepared {
    items: Items,
    worker: WorkerRef,
    params: Box<RawValue>,
    merge: Merge,
    batch: Batch,
    /// Weight of a position: an item, or a byte of objects.
    weight: Weight,
    audit: Audit,
    pace: Pace,
}

/// Some consecutive items, by their indices; of objects, those whose first byte is in a range of all bytes laid end to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slice {
    from: u64,
    to: u64,
}

/// The merged values of some items.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Partial {
    /// How much of the slice it covers: items, or bytes of objects.
    pub covered: u64,
    /// How many items have a value in it.
    pub items: u64,
    /// Their values.
    pub merged: Merged,
    /// What the audit found.
    pub audit: Audited,
}

impl Partial {
    fn empty(merge: &Merge) -> Self {
        Self { covered: 0, items: 0, merged: merge.empty(), audit: Audited::default() }
    }
}

/// Evaluates slices by these workers: for [`Registry::with_evaluator`](squall_core::registry::Registry::with_evaluator).
pub fn evaluator(
    workers: impl Workers + 'static,
) -> impl Fn(
    &Prepared,
    &Slice,
    &mut dyn Data,
) -> Result<squall_core::workload::Evaluated<Partial, Slice>, EvaluateError>
+ Send
+ Sync
+ 'static {
    move |prepared, slice, data| evaluate(prepared, slice, data, &workers)
}

impl Workload for External {
    const NAME: &'static str = "external";
    const VERSION: u32 = 1;
    const HAS_ROWS: bool = true;
    const ABOUT: &'static str =
        "Evaluates items by a program in any language, and merges the values exactly.";
    type Input = Input;
    type Prepared = Prepared;
    type Slice = Slice;
    type Partial = Partial;
    type Report = Report;

    fn input_schema() -> Value {
        input::schema::input()
    }

    fn sources(input: &Input) -> Vec<Source> {
        items::sources(&input.items)
    }

    fn prepare(input: Input, given: &Given) -> Result<Prepared, InputError> {
        input.check_worker()?;
        let batch = input.batch()?;
        let item_ns = input.item_ns()?;
        let merge = Merge::parse(&input.merge, "input.merge")?;
        items::check_numbers("input.params", &input.params)?;
        let params = serde_json::value::to_raw_value(&input.params)
            .map_err(|error| InputError::new("input.params", error.to_string()))?;
        let items = Items::prepare(&input.items, given)?;
        let is_indexed = !items.are_objects();
        let audit = Audit::new(&input.audit, if is_indexed { items.n() } else { 0 })?;
        let total = items.n().checked_mul(item_ns).filter(|total| *total <= MAX_WEIGHT);
        let total = total.ok_or_else(|| {
            InputError::new(
                "input.item_ms",
                format!("{:?} with {} items is centuries of work", input.item_ms, items.n()),
            )
        })?;
        let weight = if is_indexed { item_ns } else { total.div_ceil(items.positions().max(1)) };
        if items.positions().checked_mul(weight).is_none_or(|total| total > MAX_WEIGHT) {
            return Err(InputError::new("input.items", "the objects are too large together"));
        }
        Ok(Prepared {
            items,
            worker: input.worker.0,
            params,
            merge,
            batch,
            weight,
            audit,
            pace: Pace::default(),
        })
    }

    fn whole(prepared: &Prepared) -> Slice {
        Slice { from: 0, to: prepared.items.positions() }
    }

    fn weight(prepared: &Prepared, slice: &Slice) -> Weight {
        slice.to.saturating_sub(slice.from).saturating_mul(prepared.weight)
    }

    fn divide(_: &Prepared, slice: &Slice, parts: NonZeroUsize) -> Vec<Slice> {
        let n = slice.to.saturating_sub(slice.from);
        let parts = (parts.get() as u64).min(n).max(1);
        let (each, more) = (n / parts, n % parts);
        let mut from = slice.from;
        let cut = |part: u64| {
            let piece = Slice { from, to: from + each + u64::from(part < more) };
            from = piece.to;
            piece
        };
        (0..parts).map(cut).collect()
    }

    fn reads(prepared: &Prepared, slice: &Slice) -> Vec<Extent> {
        let Slice { from, to } = *slice;
        let extent = Extent { source: 0, from, to, borders: Borders::WholeObjects };
        prepared.items.are_objects().then_some(extent).into_iter().collect()
    }

    fn evaluate(_: &Prepared, _: &Slice, _: &mut dyn Data) -> Result<Partial, EvaluateError> {
        Err(EvaluateError("this program runs no workers of `external` jobs".to_owned()))
    }

    /// It has a value for each of the slice's items but those of the failed parts, and names no others.
    fn check_partial(
        prepared: &Prepared,
        slice: &Slice,
        partial: &Partial,
        failed: &[Slice],
    ) -> Result<(), String> {
        let mut expected = slice.to.saturating_sub(slice.from);
        for part in failed {
            if part.from < slice.from || part.from > part.to || part.to > slice.to {
                return Err("the slice has no such part".to_owned());
            }
            expected = expected.saturating_sub(part.to - part.from);
        }
        let is_indexed = !prepared.items.are_objects();
        if partial.covered != expected || (is_indexed && partial.items != expected) {
            return Err(format!("it covers {} of {expected}, with {} items", partial.covered, partial.items));
        }
        if partial.items > prepared.items.n() {
            return Err(format!("it has {} items, and the job {}", partial.items, prepared.items.n()));
        }
        let is_failed = |id: &ItemId| failed.iter().any(|part| (part.from..part.to).contains(&id.at));
        let is_ours = |id: &ItemId| (slice.from..slice.to).contains(&id.at);
        let has = |id: &ItemId| is_ours(id) && !is_failed(id);
        prepared.merge.check(&partial.merged, partial.items, &has)?;
        // What was computed again may have failed by itself since.
        partial.audit.check(is_ours)?;
        let again = partial.audit.again.saturating_add(partial.audit.not_again);
        if again > prepared.items.n() {
            return Err(format!("it has {again} audited items, and the job {}", prepared.items.n()));
        }
        Ok(())
    }

    fn merge(into: &mut Partial, other: Partial) {
        into.covered = into.covered.saturating_add(other.covered);
        into.items = into.items.saturating_add(other.items);
        Merge::merge(&mut into.merged, other.merged);
        into.audit.merge(other.audit);
    }

    fn report(prepared: &Prepared, partial: Option<&Partial>, coverage: &Coverage) -> Report {
        Report::new(prepared, partial, coverage)
    }

    fn write_rows(prepared: &Prepared, partial: Option<&Partial>, out: &mut dyn io::Write) -> io::Result<()> {
        prepared.merge.write_rows(partial.map(|partial| &partial.merged), out)
    }

    fn units(prepared: &Prepared) -> (u64, &'static str) {
        (prepared.items.n(), "items")
    }

    fn value_bytes(prepared: &Prepared, slice: &Slice) -> u64 {
        let positions = slice.to.saturating_sub(slice.from);
        prepared.merge.bytes(positions.min(prepared.items.n())).saturating_add(AUDIT_BYTES)
    }

    fn prepared_bytes(prepared: &Prepared) -> u64 {
        prepared.items.bytes()
    }

    fn headline(prepared: &Prepared, partial: &Partial) -> Option<String> {
        if partial.audit.n_different > 0 {
            return Some("NOT DETERMINISTIC".to_owned());
        }
        prepared.merge.headline(&partial.merged)
    }
}

#[cfg(test)]
mod tests;
