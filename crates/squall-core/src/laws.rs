//! The laws of [`Workload`], checked for a given input. One suite for every workload.

use std::collections::BTreeSet;
use std::fmt;
use std::num::NonZeroUsize;

use crate::data::{Data, MemorySource};
use crate::sources::{Files, Given};
use crate::wire::{decode, encode};
use crate::workload::{EvaluateError, Workload};

/// Into how many parts an input is cut.
const CUTS: [usize; 8] = [1, 2, 3, 4, 7, 16, 20, 61];

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
    check_by::<W>(input, given, data, seed, &W::evaluate)
}

/// The same for a workload whose slices are evaluated by something else
/// ([`Registry::with_evaluator`](crate::registry::Registry::with_evaluator)).
///
/// # Errors
/// The law that does not hold, and where.
pub fn check_by<W: Workload>(
    input: W::Input,
    given: &Given,
    data: &MemorySource,
    seed: u64,
    by: &impl Fn(&W::Prepared, &W::Slice, &mut dyn Data) -> Result<W::Partial, EvaluateError>,
) -> Result<(), String> {
    let prepared = W::prepare(input, given).map_err(|error| error.to_string())?;
    let evaluate = |slice: &W::Slice| {
        let mut data = data.data(W::reads(&prepared, slice));
        by(&prepared, slice, &mut data).map_err(|error| error.to_string())
    };
    let whole = W::whole(&prepared);
    let expected = evaluate(&whole)?;
    survives("slice", &whole)?;
    survives("partial", &expected)?;

    for parts in CUTS {
        let cut = divided::<W>(&prepared, &whole, parts)?;
        let mut leaves = Vec::new();
        for (i, part) in cut.iter().enumerate() {
            // Cut again, unevenly, as a consumer and a worker would.
            leaves.extend(divided::<W>(&prepared, part, 1 + i % 3)?);
        }
        let mut partials = Vec::new();
        for leaf in &leaves {
            let partial = evaluate(leaf)?;
            W::check_partial(&prepared, leaf, &partial, &[])
                .map_err(|error| format!("the partial of {leaf:?} does not pass for it: {error}"))?;
            partials.push(partial);
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

/// What has a value in the end, merged and encoded, and the slices that have none.
type Ends = (Option<Vec<u8>>, BTreeSet<Vec<u8>>);

/// Checks an input of which some slices fail: what has a value in the end does not depend on the cut. Each slice that fails is cut
/// finer until nothing is left to cut, as commands that send failed work again do.
///
/// # Errors
/// The law that does not hold, and where.
pub fn check_failures<W: Workload>(input: W::Input, files: &Files) -> Result<(), String> {
    let prepared = W::prepare(input, &Given::files(files.clone())).map_err(|error| error.to_string())?;
    let data = MemorySource::default();
    let evaluate = |slice: &W::Slice| {
        let mut data = data.data(W::reads(&prepared, slice));
        W::evaluate(&prepared, slice, &mut data)
    };
    let mut expected: Option<Ends> = None;
    for parts in CUTS {
        let mut left = divided::<W>(&prepared, &W::whole(&prepared), parts)?;
        let (mut partials, mut failed) = (Vec::new(), BTreeSet::new());
        while let Some(slice) = left.pop() {
            match evaluate(&slice) {
                Ok(partial) => partials.push(partial),
                Err(error) if evaluate(&slice).as_ref() != Err(&error) => {
                    return Err(format!("{slice:?} does not fail in the same way again"));
                }
                Err(_) => match divided::<W>(&prepared, &slice, 2)? {
                    finer if finer.len() > 1 => left.extend(finer),
                    _ => drop(failed.insert(encode(&slice))),
                },
            }
        }
        let found = (fold::<W>(partials).as_ref().map(encode), failed);
        match &expected {
            Some(expected) if *expected != found => {
                return Err(format!("cut into {parts}, other parts have a value in the end"));
            }
            Some(_) => {}
            None => expected = Some(found),
        }
    }
    Ok(())
}

/// Checks that [`Workload::check_partial`] tells the value of a part from that of the whole, and takes failed parts into account.
///
/// # Errors
/// What passes and must not, or the reverse.
pub fn check_partials<W: Workload>(input: W::Input, files: &Files) -> Result<(), String> {
    check_partials_with::<W>(input, &Given::files(files.clone()), &MemorySource::default())
}

/// The same for an input that names objects.
///
/// # Errors
/// What passes and must not, or the reverse.
pub fn check_partials_with<W: Workload>(
    input: W::Input,
    given: &Given,
    data: &MemorySource,
) -> Result<(), String> {
    check_partials_by::<W>(input, given, data, &W::evaluate)
}

/// The same for a workload whose slices are evaluated by something else.
///
/// # Errors
/// What passes and must not, or the reverse.
pub fn check_partials_by<W: Workload>(
    input: W::Input,
    given: &Given,
    data: &MemorySource,
    by: &impl Fn(&W::Prepared, &W::Slice, &mut dyn Data) -> Result<W::Partial, EvaluateError>,
) -> Result<(), String> {
    let prepared = W::prepare(input, given).map_err(|error| error.to_string())?;
    let evaluate = |slice: &W::Slice| {
        let mut data = data.data(W::reads(&prepared, slice));
        by(&prepared, slice, &mut data).map_err(|error| error.to_string())
    };
    let whole = W::whole(&prepared);
    let value = evaluate(&whole)?;
    let parts = divided::<W>(&prepared, &whole, 4)?;
    if parts.len() < 2 {
        return Err("the input is too small to be cut".to_owned());
    }
    for (idx, part) in parts.iter().enumerate() {
        let others = parts.iter().enumerate().filter(|(other, _)| *other != idx);
        let rest = others.map(|(_, other)| evaluate(other)).collect::<Result<Vec<_>, _>>()?;
        let rest = fold::<W>(rest).ok_or("no other parts")?;
        let passes =
            |slice, partial, failed: &[W::Slice]| W::check_partial(&prepared, slice, partial, failed);
        let failed = std::slice::from_ref(part);
        passes(&whole, &rest, failed)
            .map_err(|error| format!("all but {part:?} does not pass for all but that: {error}"))?;
        let wrong = [
            ("the whole passes for a part", passes(part, &value, &[])),
            ("some parts pass for the whole", passes(&whole, &rest, &[])),
            ("the whole passes where a part failed", passes(&whole, &value, failed)),
            ("a part that is not of its slice passes", passes(part, &value, std::slice::from_ref(&whole))),
        ];
        if let Some((law, _)) = wrong.iter().find(|(_, passed)| passed.is_ok()) {
            return Err(format!("{law}: {part:?}"));
        }
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
