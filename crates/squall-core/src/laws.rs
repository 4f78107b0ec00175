//! The laws of [`Workload`], checked for a given input. One suite for every workload.

use std::fmt;
use std::num::NonZeroUsize;

use crate::data::MemorySource;
use crate::sources::{Files, Given};
use crate::wire::{decode, encode};
use crate::workload::Workload;

/// Checks every law on one input that names only files, or nothing, over several cuts; `seed` varies the order of
/// merging.
///
/// # Errors
/// The law that does not hold, and where.
pub fn check<W: Workload>(input: W::Input, files: &Files, seed: u64) -> Result<(), String> {
    check_with::<W>(input, &Given::files(files.clone()), &MemorySource::default(), seed)
}

/// The same for an input that names objects: `given` has their listings, `data` their content.
///
/// # Errors
/// The law that does not hold, and where.
pub fn check_with<W: Workload>(
    input: W::Input,
    given: &Given,
    data: &MemorySource,
    seed: u64,
) -> Result<(), String> {
    let prepared = W::prepare(input, given).map_err(|error| error.to_string())?;
    let evaluate = |slice: &W::Slice| {
        let mut data = data.data(W::reads(&prepared, slice));
        W::evaluate(&prepared, slice, &mut data).map_err(|error| error.to_string())
    };
    let whole = W::whole(&prepared);
    let expected = evaluate(&whole)?;
    survives("slice", &whole)?;
    survives("partial", &expected)?;

    for parts in [1, 2, 3, 7, 16, 61] {
        let cut = divided::<W>(&prepared, &whole, parts)?;
        let mut leaves = Vec::new();
        for (i, part) in cut.iter().enumerate() {
            // Cut again, unevenly, as a consumer and a worker would.
            leaves.extend(divided::<W>(&prepared, part, 1 + i % 3)?);
        }
        let mut partials = Vec::new();
        for leaf in &leaves {
            partials.push(evaluate(leaf)?);
        }
        for partial in &partials {
            survives("partial", partial)?;
        }
        shuffle(&mut partials, seed.wrapping_add(parts as u64));
        let in_sequence = fold::<W>(partials.clone());
        same("merging the parts differs from evaluating the whole", in_sequence.as_ref(), &expected)?;
        partials.reverse();
        let as_tree = tree::<W>(partials);
        same("merging depends on the order or the grouping", as_tree.as_ref(), &expected)?;
    }
    Ok(())
}

fn divided<W: Workload>(
    prepared: &W::Prepared,
    slice: &W::Slice,
    parts: usize,
) -> Result<Vec<W::Slice>, String> {
    let n = NonZeroUsize::new(parts).ok_or("no parts")?;
    let cut = W::divide(prepared, slice, n);
    if cut.is_empty() || cut.len() > parts {
        return Err(format!("{slice:?} cut into {parts} gives {} pieces", cut.len()));
    }
    let weight: u64 = cut.iter().map(|part| W::weight(prepared, part)).sum();
    if weight != W::weight(prepared, slice) {
        return Err(format!("{slice:?} cut into {parts} does not conserve its weight"));
    }
    for part in &cut {
        survives("slice", part)?;
    }
    Ok(cut)
}

fn survives<T>(what: &'static str, value: &T) -> Result<(), String>
where
    T: serde::Serialize + serde::de::DeserializeOwned + PartialEq + fmt::Debug,
{
    let bytes = encode(value);
    let again: T = decode(what, &bytes).map_err(|error| error.to_string())?;
    if &again == value && encode(&again) == bytes {
        Ok(())
    } else {
        Err(format!("a {what} does not survive its encoding: {value:?}"))
    }
}

fn same<T: serde::Serialize>(law: &str, found: Option<&T>, expected: &T) -> Result<(), String> {
    match found {
        Some(found) if encode(found) == encode(expected) => Ok(()),
        _ => Err(law.to_owned()),
    }
}

fn fold<W: Workload>(partials: Vec<W::Partial>) -> Option<W::Partial> {
    partials.into_iter().reduce(|mut sum, partial| {
        W::merge(&mut sum, partial);
        sum
    })
}

fn tree<W: Workload>(mut partials: Vec<W::Partial>) -> Option<W::Partial> {
    while partials.len() > 1 {
        let mut merged = Vec::with_capacity(partials.len().div_ceil(2));
        let mut pairs = partials.into_iter();
        while let Some(mut left) = pairs.next() {
            if let Some(right) = pairs.next() {
                W::merge(&mut left, right);
            }
            merged.push(left);
        }
        partials = merged;
    }
    partials.pop()
}

/// Fisher–Yates, driven by a linear congruential sequence: any fixed permutation will do.
fn shuffle<T>(items: &mut [T], seed: u64) {
    let mut state = seed;
    for i in (1..items.len()).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let j = usize::try_from(state >> 33).unwrap_or(0) % (i + 1);
        items.swap(i, j);
    }
}
