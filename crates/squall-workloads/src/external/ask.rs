//! Asks workers for the values of items: in batches, one by one where a batch fails, each at most twice.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::value::RawValue;
use squall_core::visible::{message, visible};

use super::Prepared;
use super::input::{Batch, MAX_BATCH_BYTES, MAX_BATCH_ITEMS};
use super::item::ItemId;
use super::workers::{Failed, Worker, WorkerRef, Workers};

/// Items that end their worker, each twice, after which the rest of a slice is not tried.
const MAX_ENDED: u32 = 3;
/// Most characters of a reason.
const MAX_REASON_CHARS: usize = 2_000;

/// An item, and the part of the job that it is.
#[derive(Debug, Clone)]
pub(super) struct Entry<'a> {
    pub(super) id: ItemId,
    pub(super) part: Range<u64>,
    pub(super) text: Cow<'a, str>,
}

/// An item's value, as JSON text, or why it has none.
pub(super) type Outcome = Result<Box<RawValue>, String>;

/// How long items take, as far as it is known: shared by all slices of a job.
#[derive(Debug, Default)]
pub struct Pace(AtomicU64);

impl Pace {
    /// How many items take about so long, nanoseconds.
    fn items_in(&self, target_ns: u64) -> usize {
        match self.0.load(Ordering::Relaxed) {
            0 => 1,
            item_ns => usize::try_from(target_ns / item_ns).unwrap_or(usize::MAX).clamp(1, MAX_BATCH_ITEMS),
        }
    }

    fn learn(&self, n_items: usize, took_us: u64) {
        let item_ns = took_us.saturating_mul(1_000) / (n_items as u64).max(1);
        self.0.store(item_ns.max(1), Ordering::Relaxed);
    }
}

/// Asks one worker after another.
pub(super) struct Asker<'a> {
    prepared: &'a Prepared,
    workers: &'a dyn Workers,
    worker: Option<Box<dyn Worker + 'a>>,
    /// The workers that are not to be asked.
    not: Vec<String>,
    /// Those that replied.
    replied: Vec<String>,
    n_ended: u32,
    /// Why the rest is not tried.
    pub(super) stopped: Option<String>,
}

impl<'a> Asker<'a> {
    pub(super) fn new(prepared: &'a Prepared, workers: &'a dyn Workers, not: Vec<String>) -> Self {
        Self { prepared, workers, worker: None, not, replied: Vec::new(), n_ended: 0, stopped: None }
    }

    /// The workers that replied.
    pub(super) fn replied(&self) -> &[String] {
        &self.replied
    }

    /// The worker that replied last.
    pub(super) fn last(&self) -> String {
        self.replied.last().cloned().unwrap_or_default()
    }

    /// Whether a request of so many items and bytes has enough.
    pub(super) fn is_full(&self, n_items: usize, n_bytes: usize) -> bool {
        let wanted = match self.prepared.batch {
            Batch::Items(items) => n_items >= items,
            Batch::Bytes(bytes) => n_bytes >= bytes,
            Batch::Time(ns) => n_items >= self.prepared.pace.items_in(ns.min(self.longest_ns())),
        };
        wanted || n_items >= MAX_BATCH_ITEMS || n_bytes >= MAX_BATCH_BYTES
    }

    /// A request should not come near its time limit.
    fn longest_ns(&self) -> u64 {
        match &self.prepared.worker {
            WorkerRef::Named(_) => u64::MAX,
            WorkerRef::Command(command) => {
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most a day")]
                let timeout_ns = (command.timeout_s * 1e9) as u64;
                timeout_ns / 4
            }
        }
    }

    /// The outcomes of the first items, of all unless it [`stopped`](Asker::stopped).
    ///
    /// # Errors
    /// When no worker can be had.
    pub(super) fn outcomes(&mut self, entries: &[Entry<'a>]) -> Result<Vec<Outcome>, Failed> {
        if let [entry] = entries {
            return Ok(vec![self.alone(entry)?]);
        }
        match self.attempt(entries) {
            Ok(outcomes) => return Ok(outcomes),
            Err(failed) if failed.fault.is_of_start() => return Err(failed),
            Err(_) => {}
        }
        let mut outcomes = Vec::with_capacity(entries.len());
        for entry in entries {
            if self.stopped.is_some() {
                break;
            }
            outcomes.push(self.alone(entry)?);
        }
        Ok(outcomes)
    }

    /// One item: what ends its worker is tried once more, by a new one.
    fn alone(&mut self, entry: &Entry<'a>) -> Result<Outcome, Failed> {
        let one = std::slice::from_ref(entry);
        let again = match self.attempt(one) {
            Err(failed) if failed.fault.is_said() || failed.fault.is_of_start() => Err(failed),
            Err(_) => self.attempt(one),
            Ok(outcomes) => Ok(outcomes),
        };
        match again {
            Ok(outcomes) => {
                Ok(outcomes.into_iter().next().unwrap_or_else(|| Err("there is no value".to_owned())))
            }
            Err(failed) if failed.fault.is_said() => Ok(Err(told(&failed.reason))),
            Err(failed) if failed.fault.is_of_start() => Err(failed),
            Err(failed) => {
                self.n_ended += 1;
                if self.n_ended >= MAX_ENDED {
                    self.stopped = Some(format!(
                        "not tried: {MAX_ENDED} items before it each ended their worker twice, the last: {}",
                        told(&failed.to_string())
                    ));
                }
                Ok(Err(told(&failed.to_string())))
            }
        }
    }

    fn attempt(&mut self, entries: &[Entry<'a>]) -> Result<Vec<Outcome>, Failed> {
        let mut worker = match self.worker.take() {
            Some(worker) => worker,
            None => self.workers.take(&self.prepared.worker, &self.prepared.params, &self.not)?,
        };
        let texts: Vec<Cow<'_, str>> =
            entries.iter().map(|entry| Cow::Borrowed(entry.text.as_ref())).collect();
        let answered = worker.ask(&texts);
        if answered.as_ref().err().is_none_or(|failed| failed.fault.is_said()) {
            if !self.replied.iter().any(|name| name == worker.name()) {
                self.replied.push(worker.name().to_owned());
            }
            self.worker = Some(worker);
        }
        let answered = answered?;
        self.prepared.pace.learn(entries.len(), answered.took_us);
        Ok(answered.values.into_iter().map(|value| value.map_err(|reason| told(&reason))).collect())
    }
}

/// A program's reason, fit to be shown: on one line, so that it is taken for nothing else.
pub(super) fn told(reason: &str) -> String {
    let lines: Vec<&str> = reason.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    message(&visible(&lines.join(" | ")), MAX_REASON_CHARS)
}
