//! Plays the contract against a program, and says what is wrong with it.

use std::borrow::Cow;

use serde_json::value::RawValue;
use squall_core::job::brief;
use squall_workloads::external::workers::{Answered, Command, Failed, Worker, WorkerRef, Workers};

use crate::conversation::Channel;
use crate::programs::{Programs, Retired};

/// Items of the request that is timed.
const TIMED_ITEMS: usize = 1_000;

/// What was found at one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The step.
    pub step: &'static str,
    /// Whether the program does what it should.
    pub verdict: Verdict,
    /// What it did, and what to do about it.
    pub detail: String,
}

/// Whether a program does what it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It does.
    Good,
    /// Worth knowing.
    Note,
    /// It does not.
    Wrong,
}

/// Plays the contract against the program of a command. Items are JSON texts of one line; without any, only that it answers at all.
/// `programs` has to allow commands, and runs nothing else.
pub fn check(programs: &Programs, command: &Command, params: &RawValue, items: &[String]) -> Vec<Finding> {
    let worker = WorkerRef::Command(command.clone());
    let mut checked = Checked { programs, worker, params, findings: Vec::new() };
    let probes: Vec<String> = ["null", "0", "\"\"", "{}"].map(str::to_owned).to_vec();
    match checked.values(if items.is_empty() { &probes } else { items }, !items.is_empty()) {
        Some((name, values)) if !items.is_empty() => {
            checked.again(items, &values, &name);
            checked.rate(items);
            checked.odd_item();
            checked.end(&name);
        }
        Some((name, _)) => checked.end(&name),
        None => {}
    }
    checked.findings
}

struct Checked<'a> {
    programs: &'a Programs,
    worker: WorkerRef,
    params: &'a RawValue,
    findings: Vec<Finding>,
}

type Values = Vec<Result<String, String>>;

impl Checked<'_> {
    fn found(&mut self, step: &'static str, verdict: Verdict, detail: impl Into<String>) {
        self.findings.push(Finding { step, verdict, detail: detail.into() });
    }

    fn ask(worker: &mut dyn Worker, items: &[String]) -> Result<(Values, u64), Failed> {
        let texts: Vec<Cow<'_, str>> = items.iter().map(|item| Cow::Borrowed(item.as_str())).collect();
        let Answered { values, took_us } = worker.ask(&texts)?;
        let values = values.into_iter().map(|value| value.map(|value| value.get().to_owned())).collect();
        Ok((values, took_us))
    }

    /// The values of the items one by one, and the name of the process.
    fn values(&mut self, items: &[String], are_real: bool) -> Option<(String, Values)> {
        let mut worker = match self.programs.take(&self.worker, self.params, &[]) {
            Ok(worker) => worker,
            Err(failed) => {
                self.found("start", Verdict::Wrong, failed.to_string());
                return None;
            }
        };
        let name = worker.name().to_owned();
        let mut values = Values::new();
        let mut findings = Vec::new();
        for item in items {
            let asked = Self::ask(worker.as_mut(), std::slice::from_ref(item));
            let (verdict, detail, value) = match asked.map(|(values, _)| values.into_iter().next()) {
                Ok(Some(Ok(value))) => (Verdict::Good, format!("gives {}", brief(&value)), Ok(value)),
                Ok(Some(Err(reason))) => (Verdict::Note, format!("fails: {reason}"), Err(reason)),
                Ok(None) => (Verdict::Wrong, "gives nothing".to_owned(), Err(String::new())),
                Err(failed) if failed.fault.is_said() => {
                    (Verdict::Note, format!("fails: {}", failed.reason), Err(failed.reason))
                }
                Err(failed) => {
                    let verdict = if are_real { Verdict::Wrong } else { Verdict::Note };
                    findings.push((verdict, format!("{}: {failed}", brief(item))));
                    break;
                }
            };
            findings.push((verdict, format!("{} {detail}", brief(item))));
            values.push(value);
        }
        drop(worker);
        self.found("start", Verdict::Good, "it starts, and shakes hands");
        let is_all = values.len() == items.len();
        for (verdict, detail) in findings {
            self.found("item", verdict, detail);
        }
        (is_all || !are_real).then_some((name, values))
    }

    /// Whether the values are the same in one request, in the same process again, and in another process.
    fn again(&mut self, items: &[String], values: &Values, name: &str) {
        for (step, not) in
            [("together", vec![]), ("same process", vec![]), ("other process", vec![name.to_owned()])]
        {
            let asked = self
                .programs
                .take(&self.worker, self.params, &not)
                .and_then(|mut worker| Self::ask(worker.as_mut(), items));
            match asked {
                Ok((found, _)) => {
                    match values.iter().zip(&found).zip(items).find(|((one, other), _)| differ(one, other)) {
                        None => self.found(step, Verdict::Good, "the same values, byte for byte"),
                        Some(((one, other), item)) => {
                            let what = match step {
                                "together" => {
                                    "its value depends on the other items of the request, or on those before it"
                                }
                                "same process" => "its value depends on what was computed before it",
                                _ => {
                                    "its value depends on the process: the clock, random numbers, the order of a set"
                                }
                            };
                            let detail =
                                format!("{}: {}, then {}; {what}", brief(item), shown(one), shown(other));
                            self.found(step, Verdict::Wrong, detail);
                        }
                    }
                }
                // It may: then its items are asked one by one.
                Err(failed) if failed.fault.is_said() => self.found(step, Verdict::Note, failed.to_string()),
                Err(failed) => self.found(step, Verdict::Wrong, failed.to_string()),
            }
        }
    }

    /// How long an item takes among many.
    fn rate(&mut self, items: &[String]) {
        let many: Vec<String> = items.iter().cycle().take(TIMED_ITEMS).cloned().collect();
        let mut n_items = 1;
        // As many as take less than a second, as far as the first ones tell.
        while let Ok(mut worker) = self.programs.take(&self.worker, self.params, &[]) {
            let some = many.get(..n_items).unwrap_or(&many);
            match Self::ask(worker.as_mut(), some) {
                Ok((_, took_us)) if n_items < TIMED_ITEMS && took_us < 100_000 => {
                    n_items = (n_items * 10).min(TIMED_ITEMS);
                }
                Ok((_, took_us)) => {
                    let each_us = took_us.div_ceil(n_items as u64);
                    let detail = format!("{each_us} µs an item, in a request of {n_items}");
                    return self.found("rate", Verdict::Good, detail);
                }
                Err(failed) => {
                    let verdict = if failed.fault.is_said() { Verdict::Note } else { Verdict::Wrong };
                    return self.found("rate", verdict, format!("in a request of {n_items}: {failed}"));
                }
            }
        }
    }

    /// What it does with an item that is hardly one of its own.
    fn odd_item(&mut self) {
        let odd = "{\"squall\":\"no such item\"}".to_owned();
        let asked = self
            .programs
            .take(&self.worker, self.params, &[])
            .and_then(|mut worker| Self::ask(worker.as_mut(), std::slice::from_ref(&odd)));
        match asked {
            Ok((values, _)) => match values.first() {
                Some(Ok(value)) => {
                    self.found("odd item", Verdict::Note, format!("{} gives {}", brief(&odd), brief(value)));
                }
                _ => self.found(
                    "odd item",
                    Verdict::Good,
                    format!("{} is the item's own failure", brief(&odd)),
                ),
            },
            Err(failed) if failed.fault.is_said() => {
                self.found("odd item", Verdict::Good, format!("{} is refused", brief(&odd)));
            }
            Err(failed) => {
                let detail = format!(
                    "{} ends the process, which costs a new one for each such item; reply with `errors` instead: {failed}",
                    brief(&odd)
                );
                self.found("odd item", Verdict::Note, detail);
            }
        }
    }

    /// How it ends when its input does, and what it leaves behind.
    fn end(&mut self, name: &str) {
        let Some(Retired { ready, channel, ended, n_left }) = self.programs.retire(name).or_else(|| {
            drop(self.programs.take(&self.worker, self.params, &[]).ok()?);
            (1..100).find_map(|number| self.programs.retire(&format!("worker {number}")))
        }) else {
            return;
        };
        match channel {
            Channel::Output => self.found(
                "channel",
                Verdict::Note,
                "it replies on standard output, where a stray line that begins with { is taken for a reply; \
                 the descriptor in SQUALL_REPLIES_FD is safe",
            ),
            _ => self.found("channel", Verdict::Good, "it replies on the descriptor in SQUALL_REPLIES_FD"),
        }
        if let Some(name) = ready.name {
            let version = ready.version.map(|version| format!(", version {version}")).unwrap_or_default();
            self.found("name", Verdict::Good, format!("{}{version}", brief(&name)));
        }
        match ended {
            Some(_) => self.found("end", Verdict::Good, "it ends when its input does"),
            None => {
                self.found(
                    "end",
                    Verdict::Wrong,
                    "it goes on when its input has ended; it was killed after 2 s",
                );
            }
        }
        if n_left > 0 {
            let detail = format!("it left {n_left} of its own processes running, which were killed");
            self.found("end", Verdict::Note, detail);
        }
    }
}

fn differ(one: &Result<String, String>, other: &Result<String, String>) -> bool {
    match (one, other) {
        (Ok(one), Ok(other)) => one != other,
        (one, other) => one.is_ok() != other.is_ok(),
    }
}

fn shown(value: &Result<String, String>) -> String {
    match value {
        Ok(value) => brief(value),
        Err(reason) => format!("a failure ({})", brief(reason)),
    }
}
