//! The answer of an `external` job.

use std::fmt;

use serde::Serialize;
use serde_json::Value;
use squall_core::visible::{on_one_line, shortened};
use squall_core::workload::Coverage;

use super::audit::Difference;
use super::workers::WorkerRef;
use super::{Partial, Prepared};

/// The answer.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Items in the job.
    pub items: u64,
    /// Items in the answer.
    pub items_done: u64,
    /// Objects that are empty, and so no items; not known before everything is in the answer.
    pub empty_objects: Option<u64>,
    /// The worker: its command, or its declared name.
    pub worker: String,
    /// The merged values.
    pub answer: Value,
    /// What the audit found.
    pub audit: AuditReport,
    #[serde(skip)]
    text: String,
}

/// What the audit found.
#[derive(Debug, Clone, Serialize)]
pub struct AuditReport {
    /// Items that another worker computed again.
    pub items: u64,
    /// Items that were to be computed again, and that no other worker could.
    pub not_possible: u64,
    /// Items whose two values differ: above 0 the answer depends on which worker computed what.
    pub different: u64,
    /// The first of them.
    pub differences: Vec<NamedDifference>,
    #[serde(skip)]
    found: Option<String>,
    #[serde(skip)]
    is_any: bool,
}

/// The values of an item that differ.
#[derive(Debug, Clone, Serialize)]
pub struct NamedDifference {
    /// The item.
    pub item: String,
    /// The worker that is alone with its value, where two agree.
    pub odd_worker: Option<String>,
    /// What the workers said.
    #[serde(flatten)]
    pub said: Difference,
}

impl Report {
    pub(super) fn new(prepared: &Prepared, partial: Option<&Partial>, coverage: &Coverage) -> Self {
        let items_done = partial.map_or(0, |partial| partial.items);
        let n_empty = prepared.items.n().saturating_sub(items_done);
        let merged = partial.map(|partial| &partial.merged);
        let audit = partial.map(|partial| partial.audit.clone()).unwrap_or_default();
        let worker = match &prepared.worker {
            WorkerRef::Named(name) => name.clone(),
            WorkerRef::Command(command) => command.command.join(" "),
        };
        Self {
            items: prepared.items.n(),
            items_done,
            empty_objects: (prepared.items.are_objects() && coverage.is_whole()).then_some(n_empty),
            worker,
            answer: prepared.merge.report(merged),
            audit: AuditReport {
                found: audit.found(),
                items: audit.again,
                not_possible: audit.not_again,
                different: audit.n_different,
                differences: audit
                    .different
                    .into_iter()
                    .map(|(id, said)| NamedDifference {
                        item: id.to_string(),
                        odd_worker: said.odd().map(str::to_owned),
                        said,
                    })
                    .collect(),
                is_any: prepared.audit.is_any(),
            },
            text: prepared.merge.text(merged),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MAX_WORKER_CHARS: usize = 50;
        let worker = on_one_line(&self.worker);
        writeln!(
            f,
            "{} of {} items by {}",
            self.items_done,
            self.items,
            shortened(&worker, MAX_WORKER_CHARS)
        )?;
        if let Some(n @ 1..) = self.empty_objects {
            writeln!(f, "empty objects, which have no value: {n}")?;
        }
        let audit = &self.audit;
        if let Some(found) = &audit.found {
            f.write_str(found)?;
        } else if audit.items > 0 {
            writeln!(f, "audit: {} computed again by another worker, all the same", audit.items)?;
        } else if !audit.is_any {
            writeln!(f, "audit: none")?;
        }
        if audit.not_possible > 0 {
            let n = audit.not_possible;
            writeln!(f, "audit: {n} could not be computed again: no other worker could be started")?;
        }
        f.write_str(&self.text)
    }
}
