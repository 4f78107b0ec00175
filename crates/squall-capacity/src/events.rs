//! The events that a platform publishes: absolute levels, which merge to the same result in any order and however often
//! each is delivered.
//!
//! ```json
//! {"version": 1, "type": "session_activity", "source": "web-1", "time": "2026-11-22T10:15:00Z", "active_sessions": 7}
//! {"version": 1, "type": "run_activity", "source": "scheduler", "time": "2026-11-22T10:15:02Z", "sequence": 42,
//!  "queued_runs": 3, "running_runs": 2, "started": [{"run_id": "r-17", "instance_id": "i-0abc"}], "finished": []}
//! {"version": 1, "type": "instance_notice", "source": "runner/i-0abc", "time": "2026-11-22T10:15:03Z",
//!  "instance_id": "i-0abc", "notice": "spot_interruption"}
//! ```
//!
//! Each event reports all of its source's own sessions or runs; the levels of several sources add up. `sequence`, when
//! present, orders the levels of a source, and `time` otherwise; a source uses one of the two throughout. A `sequence` is a
//! counter, or a clock's seconds to nanoseconds since 1970, and never restarts: a source that cannot keep one across a restart
//! leaves it out, or its old level counts beside its new ones for ten minutes, if it is the larger.
//!
//! An `instance_notice` is an instance's own: its source is `runner/` and the instance's id.

use std::cmp::Ordering;
use std::fmt;

use chrono::{DateTime, SecondsFormat};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::ids::{InstanceId, RunId, SourceId};
use crate::json::read;

/// The event version that this crate reads and writes.
const VERSION: u32 = 1;
/// Levels above this are a mistake in a publisher.
const MOST: u32 = 1_000_000;
/// Most runs that one event may report as started, or as finished: each takes a few calls, and a function has a timeout.
const MOST_RUNS_ON: usize = 100;
/// How far ahead a publisher's clock may be, microseconds. An event from further ahead would hide all that follow it.
const AHEAD_US: u64 = 300_000_000;

/// Numbers of runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Runs {
    /// Waiting for an instance.
    pub queued: u32,
    /// On an instance.
    pub running: u32,
}

impl Runs {
    /// Queued and running.
    pub fn total(self) -> u32 {
        self.queued.saturating_add(self.running)
    }
}

/// By total first.
impl Ord for Runs {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.total(), self.running, self.queued).cmp(&(other.total(), other.running, other.queued))
    }
}

impl PartialOrd for Runs {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A run on an instance.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunOn {
    /// The run.
    pub run_id: RunId,
    /// The instance it is on.
    pub instance_id: InstanceId,
}

/// Why an instance is about to leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Notice {
    /// EC2 reclaims it, two minutes from the notice.
    SpotInterruption,
    /// Its group terminates it.
    Terminating,
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SpotInterruption => "spot interruption",
            Self::Terminating => "terminating",
        })
    }
}

/// The content of an event.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Payload {
    /// Number of active sessions.
    Sessions(u32),
    /// Runs queued and running, and those that started or finished since the last event.
    Runs {
        /// All of the source's runs.
        level: Runs,
        /// Started on an instance, by platforms that do not wrap their runner.
        started: Vec<RunOn>,
        /// Finished on an instance, likewise.
        finished: Vec<RunOn>,
    },
    /// An instance is about to leave.
    Notice {
        /// The instance.
        instance_id: InstanceId,
        /// The reason.
        notice: Notice,
    },
}

/// One event.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Activity {
    /// The publisher.
    pub source: SourceId,
    /// Grows with each level of the source.
    pub order: u64,
    /// When the event was true, microseconds since 1970.
    pub time_us: u64,
    /// The content.
    pub payload: Payload,
}

/// Why a message is not a valid event. It is refused, counted, and not retried.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(String);

/// Read first: a later version may have other fields.
#[derive(Deserialize)]
struct Version {
    version: u32,
}

#[derive(Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    SessionActivity,
    RunActivity,
    InstanceNotice,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::SessionActivity => "a session_activity",
            Self::RunActivity => "a run_activity",
            Self::InstanceNotice => "an instance_notice",
        }
    }
}

/// An event of any type. One struct for all, because an error in it knows its field; in a tagged enum it does not.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    version: u32,
    #[serde(rename = "type")]
    kind: Kind,
    source: SourceId,
    time: String,
    sequence: Option<u64>,
    active_sessions: Option<u32>,
    queued_runs: Option<u32>,
    running_runs: Option<u32>,
    started: Option<Vec<RunOn>>,
    finished: Option<Vec<RunOn>>,
    instance_id: Option<InstanceId>,
    notice: Option<Notice>,
}

/// An event of a source's runs, as it is published.
pub fn run_activity_json(source: &str, time_us: u64, queued: u32, running: u32) -> String {
    json!({
        "version": VERSION, "type": "run_activity", "source": source, "time": rfc_3339(time_us),
        "queued_runs": queued, "running_runs": running,
    })
    .to_string()
}

/// The source name under which an instance reports its own runs.
pub fn runner_source(instance: &InstanceId) -> String {
    format!("runner/{instance}")
}

/// An event that an instance is about to leave, as it is published.
pub fn instance_notice_json(instance: &InstanceId, notice: Notice, time_us: u64) -> String {
    let source = runner_source(instance);
    json!({
        "version": VERSION, "type": "instance_notice", "source": source, "time": rfc_3339(time_us),
        "instance_id": instance, "notice": notice,
    })
    .to_string()
}

fn rfc_3339(time_us: u64) -> String {
    let time = i64::try_from(time_us).ok().and_then(DateTime::from_timestamp_micros).unwrap_or_default();
    time.to_rfc3339_opts(SecondsFormat::Micros, true)
}

impl Activity {
    /// Reads an event as it was published.
    ///
    /// # Errors
    /// The field, its value, and what was expected.
    pub fn from_json(text: &str, now_us: u64) -> Result<Self, Malformed> {
        if let Ok(Version { version }) = serde_json::from_str(text) {
            check_version(version)?;
        }
        let wire: Wire = read(text).map_err(Malformed)?;
        check_version(wire.version)?;
        let payload = payload(&wire)?;
        if let Some(sequence) = wire.sequence {
            check_sequence(sequence, now_us)?;
        }
        let Wire { source, time, sequence, .. } = wire;
        let time_us = time_us(&time)?;
        if time_us > now_us.saturating_add(AHEAD_US) {
            let ahead_s = time_us.saturating_sub(now_us) / 1_000_000;
            let most_s = AHEAD_US / 1_000_000;
            return Err(Malformed(format!(
                "time: {time} is {ahead_s} s from now, expected at most {most_s}; is the publisher's clock right?"
            )));
        }
        Ok(Self { source, order: sequence.unwrap_or(time_us), time_us, payload })
    }
}

fn check_version(version: u32) -> Result<(), Malformed> {
    if version == VERSION {
        return Ok(());
    }
    Err(Malformed(format!("version: {version}, expected {VERSION}")))
}

/// No sequence is beyond this moment in nanoseconds, the finest clock: one from further ahead would hide all that follow it.
fn check_sequence(sequence: u64, now_us: u64) -> Result<(), Malformed> {
    let most = now_us.saturating_add(AHEAD_US).saturating_mul(1_000);
    if sequence <= most {
        return Ok(());
    }
    let most_s = AHEAD_US / 1_000_000;
    Err(Malformed(format!(
        "sequence: {sequence}, expected at most {most}, {most_s} s from now in nanoseconds since 1970: a counter, or a clock's \
         seconds, milliseconds, microseconds or nanoseconds"
    )))
}

fn payload(wire: &Wire) -> Result<Payload, Malformed> {
    let Wire { active_sessions, queued_runs, running_runs, started, finished, instance_id, notice, .. } =
        wire;
    let fields = [
        ("active_sessions", active_sessions.is_some(), Kind::SessionActivity),
        ("queued_runs", queued_runs.is_some(), Kind::RunActivity),
        ("running_runs", running_runs.is_some(), Kind::RunActivity),
        ("started", started.is_some(), Kind::RunActivity),
        ("finished", finished.is_some(), Kind::RunActivity),
        ("instance_id", instance_id.is_some(), Kind::InstanceNotice),
        ("notice", notice.is_some(), Kind::InstanceNotice),
    ];
    if let Some((field, _, kind)) =
        fields.into_iter().find(|(_, is_there, kind)| *is_there && *kind != wire.kind)
    {
        let (its, this) = (kind.name(), wire.kind.name());
        return Err(Malformed(format!("{field}: belongs to {its}, not to {this}")));
    }
    match wire.kind {
        Kind::SessionActivity => Ok(Payload::Sessions(level("active_sessions", *active_sessions)?)),
        Kind::RunActivity => {
            let queued = level("queued_runs", *queued_runs)?;
            let running = level("running_runs", *running_runs)?;
            let level = Runs { queued, running };
            Ok(Payload::Runs {
                level,
                started: list("started", started)?,
                finished: list("finished", finished)?,
            })
        }
        Kind::InstanceNotice => {
            let missing =
                |field: &str, expected: &str| Malformed(format!("{field}: missing, expected {expected}"));
            let instance_id =
                instance_id.clone().ok_or_else(|| missing("instance_id", "an instance's id"))?;
            let notice = notice.ok_or_else(|| missing("notice", "spot_interruption or terminating"))?;
            let itself = runner_source(&instance_id);
            if wire.source.as_str() != itself {
                let source = &wire.source;
                return Err(Malformed(format!(
                    "source: {source}, expected {itself}: only an instance itself gives notice"
                )));
            }
            Ok(Payload::Notice { instance_id, notice })
        }
    }
}

fn list(field: &str, runs: &Option<Vec<RunOn>>) -> Result<Vec<RunOn>, Malformed> {
    let runs = runs.clone().unwrap_or_default();
    match runs.len() {
        n if n > MOST_RUNS_ON => {
            Err(Malformed(format!("{field}: {n} runs, expected at most {MOST_RUNS_ON} an event")))
        }
        _ => Ok(runs),
    }
}

fn level(field: &str, level: Option<u32>) -> Result<u32, Malformed> {
    match level {
        Some(level) if level <= MOST => Ok(level),
        Some(level) => Err(Malformed(format!("{field}: {level}, expected at most {MOST}"))),
        None => Err(Malformed(format!("{field}: missing, expected a number from 0 to {MOST}"))),
    }
}

fn time_us(time: &str) -> Result<u64, Malformed> {
    let parsed = DateTime::parse_from_rfc3339(time).ok();
    let micros = parsed.and_then(|time| u64::try_from(time.timestamp_micros()).ok());
    micros.ok_or_else(|| {
        let shown: String = time.chars().take(40).collect();
        Malformed(format!("time: {shown:?}, expected RFC 3339 since 1970, such as 2026-11-22T10:15:00Z"))
    })
}

#[cfg(test)]
mod tests;
