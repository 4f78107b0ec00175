//! Evaluates a slice: reads its items, asks for their values, audits some, and merges them.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use squall_core::data::{Data, DataError, Part};
use squall_core::workload::{EvaluateError, Evaluated};

use super::ask::{Asker, Entry, Outcome, told};
use super::audit::{Difference, Said};
use super::input::{Content, OnDifference};
use super::item::ItemId;
use super::items::Items;
use super::workers::Workers;
use super::{Partial, Prepared, Slice};

/// Parts of a slice that fail by themselves, after which the rest of it is not tried if most of what was tried has failed.
const MAX_FAILED: usize = 64;
/// Most audited items that are held back, and their bytes.
const MAX_HELD: usize = 1_000;
const MAX_HELD_BYTES: usize = 4 << 20;
/// Most bytes of an object that is handed to a worker with its content.
const MAX_CONTENT_BYTES: u64 = 16 << 20;

/// Evaluates a slice.
///
/// # Errors
/// When no item of it has a value, or no worker can be had.
pub fn evaluate(
    prepared: &Prepared,
    slice: &Slice,
    data: &mut dyn Data,
    workers: &dyn Workers,
) -> Result<Evaluated<Partial, Slice>, EvaluateError> {
    if slice.from > slice.to || slice.to > prepared.items.positions() {
        return Err(EvaluateError("the slice is not of this job".to_owned()));
    }
    let mut run = Run::new(prepared, *slice, workers);
    if let Items::Objects { root, content, .. } = &prepared.items {
        while let Some(part) = data.next_part()? {
            // It has no part of the bytes, so it could not be sent again by itself.
            if part.object.bytes == 0 {
                continue;
            }
            let part_of = part.object_at..part.object_at.saturating_add(part.object.bytes).min(slice.to);
            let id = ItemId { at: part.object_at, name: part.object.name.clone() };
            match object(root, *content, &part, data)? {
                Ok(text) => run.push(Entry { id, part: part_of, text: Cow::Owned(text) })?,
                Err(reason) => {
                    // Those before it may end the slice before they come to it.
                    run.flush()?;
                    if run.rest.is_none() {
                        let next = part_of.end;
                        run.fail(&id, part_of, &reason);
                        run.stop_if_many_failed(next);
                    }
                }
            }
            if run.rest.is_some() {
                break;
            }
        }
    } else {
        for idx in slice.from..slice.to {
            let text =
                prepared.items.get(idx).ok_or_else(|| EvaluateError(format!("there is no item {idx}")))?;
            run.push(Entry { id: ItemId::index(idx), part: idx..idx + 1, text })?;
            if run.rest.is_some() {
                break;
            }
        }
    }
    run.end()
}

/// The item of an object, or why it has none.
fn object(
    root: &str,
    content: Content,
    part: &Part,
    data: &mut dyn Data,
) -> Result<Result<String, String>, DataError> {
    let object = &part.object;
    let mut item = json!({
        "name": object.name,
        "location": format!("{root}{}", object.name),
        "bytes": object.bytes,
        "etag": object.etag,
    });
    if content == Content::None {
        return Ok(Ok(item.to_string()));
    }
    if object.bytes > MAX_CONTENT_BYTES {
        let problem = format!(
            "it has {} bytes; expected at most {MAX_CONTENT_BYTES} where `content` is handed over",
            object.bytes
        );
        return Ok(Err(problem));
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = data.next_chunk()? {
        bytes.extend(chunk);
    }
    match content {
        Content::Base64 => item["base64"] = STANDARD.encode(bytes).into(),
        _ => match String::from_utf8(bytes) {
            Ok(text) => item["text"] = text.into(),
            Err(_) => return Ok(Err("it is not UTF-8; expected `\"content\": \"base64\"`".to_owned())),
        },
    }
    Ok(Ok(item.to_string()))
}

/// An audited item, and what the first worker said.
struct Held<'a> {
    entry: Entry<'a>,
    outcome: Outcome,
    by: String,
}

/// What is done of a slice.
struct Run<'a> {
    prepared: &'a Prepared,
    workers: &'a dyn Workers,
    slice: Slice,
    asker: Asker<'a>,
    batch: Vec<Entry<'a>>,
    batch_bytes: usize,
    /// Audited items, until they are computed again.
    held: Vec<Held<'a>>,
    held_bytes: usize,
    partial: Partial,
    failed: Vec<(Slice, String)>,
    /// From where on nothing is tried, and why.
    rest: Option<(u64, String)>,
}

impl<'a> Run<'a> {
    fn new(prepared: &'a Prepared, slice: Slice, workers: &'a dyn Workers) -> Self {
        Self {
            prepared,
            workers,
            slice,
            asker: Asker::new(prepared, workers, Vec::new()),
            batch: Vec::new(),
            batch_bytes: 0,
            held: Vec::new(),
            held_bytes: 0,
            partial: Partial::empty(&prepared.merge),
            failed: Vec::new(),
            rest: None,
        }
    }

    fn push(&mut self, entry: Entry<'a>) -> Result<(), EvaluateError> {
        self.batch_bytes += entry.text.len();
        self.batch.push(entry);
        if self.asker.is_full(self.batch.len(), self.batch_bytes) { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), EvaluateError> {
        if self.batch.is_empty() || self.rest.is_some() {
            return Ok(());
        }
        let batch = std::mem::take(&mut self.batch);
        self.batch_bytes = 0;
        let outcomes =
            self.asker.outcomes(&batch).map_err(|failed| EvaluateError(told(&failed.to_string())))?;
        let n_outcomes = outcomes.len();
        let untried = batch.get(n_outcomes).map(|entry| entry.part.start);
        let next = untried.or_else(|| batch.last().map(|entry| entry.part.end)).unwrap_or(self.slice.to);
        let by = self.asker.last();
        for (entry, outcome) in batch.into_iter().zip(outcomes) {
            if self.prepared.audit.picks(&entry.id) {
                self.held_bytes += entry.text.len();
                self.held.push(Held { entry, outcome, by: by.clone() });
            } else {
                self.settle(&entry, outcome);
            }
        }
        match &self.asker.stopped {
            Some(reason) => self.rest = Some((next, reason.clone())),
            None => self.stop_if_many_failed(next),
        }
        if self.held.len() >= MAX_HELD || self.held_bytes >= MAX_HELD_BYTES {
            self.audit();
        }
        Ok(())
    }

    /// From here on nothing is tried if too much has failed.
    fn stop_if_many_failed(&mut self, next: u64) {
        let n_failed = self.failed.len();
        let most_has_failed = n_failed >= MAX_FAILED && self.partial.items < n_failed as u64;
        if let Some((_, first)) = self.failed.first().filter(|_| most_has_failed) {
            let reason = format!("not tried: {n_failed} of the items before it failed, the first: {first}");
            self.rest = Some((next, reason));
        }
    }

    fn settle(&mut self, entry: &Entry<'_>, outcome: Outcome) {
        let merge = &self.prepared.merge;
        let merged = outcome.and_then(|value| merge.add(&mut self.partial.merged, &entry.id, &value));
        match merged {
            Ok(()) => self.partial.items += 1,
            Err(reason) => self.fail(&entry.id, entry.part.clone(), &reason),
        }
    }

    fn fail(&mut self, id: &ItemId, part: std::ops::Range<u64>, reason: &str) {
        self.failed.push((Slice { from: part.start, to: part.end }, told(&format!("{id}: {reason}"))));
    }

    /// Computes the held items again by other workers, and settles them.
    fn audit(&mut self) {
        let held = std::mem::take(&mut self.held);
        self.held_bytes = 0;
        if held.is_empty() {
            return;
        }
        let mut second = Asker::new(self.prepared, self.workers, self.asker.replied().to_vec());
        let (mut at, mut seconds) = (0, Vec::with_capacity(held.len()));
        while at < held.len() && second.stopped.is_none() {
            let (mut batch, mut n_bytes) = (Vec::new(), 0);
            for Held { entry, .. } in held.iter().skip(at) {
                n_bytes += entry.text.len();
                batch.push(entry.clone());
                if second.is_full(batch.len(), n_bytes) {
                    break;
                }
            }
            at += batch.len();
            match second.outcomes(&batch) {
                Ok(outcomes) => {
                    let by = second.last();
                    seconds.extend(outcomes.into_iter().map(|outcome| (outcome, by.clone())));
                }
                Err(_) => break,
            }
        }
        let not: Vec<String> = self.asker.replied().iter().chain(second.replied()).cloned().collect();
        drop(second);
        let mut seconds = seconds.into_iter();
        for Held { entry, outcome: first, by } in held {
            let Some((second, second_by)) = seconds.next() else {
                self.partial.audit.not_again += 1;
                self.settle(&entry, first);
                continue;
            };
            self.partial.audit.again += 1;
            if same(&first, &second) {
                self.settle(&entry, first);
                continue;
            }
            let mut third = Asker::new(self.prepared, self.workers, not.clone());
            let asked =
                third.outcomes(std::slice::from_ref(&entry)).ok().and_then(|them| them.into_iter().next());
            let difference = Difference {
                first: Said::new(&by, &first),
                second: Said::new(&second_by, &second),
                third: asked.map(|outcome| Said::new(&third.last(), &outcome)),
            };
            let outcome = match self.prepared.audit.on_difference {
                OnDifference::Report => first,
                OnDifference::Fail => Err(difference.to_string()),
            };
            self.partial.audit.add(entry.id.clone(), difference);
            self.settle(&entry, outcome);
        }
    }

    fn end(mut self) -> Result<Evaluated<Partial, Slice>, EvaluateError> {
        self.flush()?;
        self.audit();
        let Self { slice, mut partial, mut failed, rest, .. } = self;
        if let Some((from, reason)) = rest
            && from < slice.to
        {
            failed.push((Slice { from, to: slice.to }, reason));
        }
        match failed.as_slice() {
            [(_, reason)] if partial.items == 0 => return Err(EvaluateError(reason.clone())),
            [(_, reason), ..] if partial.items == 0 => {
                return Err(EvaluateError(told(&format!(
                    "none of its items has a value; the first: {reason}"
                ))));
            }
            _ => {}
        }
        let n_failed = failed.iter().map(|(part, _)| part.to - part.from).fold(0, u64::saturating_add);
        partial.covered = (slice.to - slice.from).saturating_sub(n_failed);
        Ok(Evaluated { partial, failed })
    }
}

/// Whether two workers said the same: the same bytes, or both that the item has no value.
fn same(first: &Outcome, second: &Outcome) -> bool {
    match (first, second) {
        (Ok(first), Ok(second)) => first.get() == second.get(),
        (Err(_), Err(_)) => true,
        _ => false,
    }
}
