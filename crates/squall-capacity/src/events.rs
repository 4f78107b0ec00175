//! What a platform publishes: absolute levels, so that they merge whatever their order or number of deliveries.
//!
//! ```json
//! {"version": 1, "type": "session_activity", "source": "web-1", "time": "2026-11-22T10:15:00Z", "active_sessions": 7}
//! {"version": 1, "type": "run_activity", "source": "scheduler", "time": "2026-11-22T10:15:02Z", "sequence": 42,
//!  "queued_runs": 3, "running_runs": 2, "started": [{"run_id": "r-17", "instance_id": "i-0abc"}], "finished": []}
//! {"version": 1, "type": "instance_notice", "source": "runner/i-0abc", "time": "2026-11-22T10:15:03Z",
//!  "instance_id": "i-0abc", "notice": "spot_interruption"}
//! ```
//!
//! A source tells of its own sessions and runs, all of them, every time; the levels of several sources add up. Which of
//! two levels of a source is the newer one is told by `sequence` when there is one, and by `time` otherwise; a source
//! keeps to one of the two.

use std::fmt;

use chrono::{DateTime, SecondsFormat};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::ids::{InstanceId, RunId, SourceId};

/// The version of events that is spoken here.
const VERSION: u32 = 1;
/// Levels above this are a mistake in a publisher.
const MOST: u32 = 1_000_000;
/// How far a publisher's clock may be ahead, microseconds. An event from further ahead would hide all events that follow.
const AHEAD_US: u64 = 300_000_000;

/// How many runs there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
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

/// A run on an instance.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunOn {
    /// The run.
    pub run_id: RunId,
    /// Where it is.
    pub instance_id: InstanceId,
}

/// Why an instance is about to go.
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

/// What an event tells.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Told {
    /// So many sessions are active.
    Sessions(u32),
    /// So many runs are queued and running; these have started and finished since the last event.
    Runs {
        /// All of the source's runs.
        level: Runs,
        /// Started on an instance, by platforms that do not wrap their runner.
        started: Vec<RunOn>,
        /// Finished on an instance, likewise.
        finished: Vec<RunOn>,
    },
    /// An instance is about to go.
    Notice {
        /// Which.
        instance_id: InstanceId,
        /// Why.
        notice: Notice,
    },
}

/// One event.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Activity {
    /// Who tells.
    pub source: SourceId,
    /// Grows with each level of the source.
    pub order: u64,
    /// When it was so, microseconds since 1970.
    pub time_us: u64,
    /// What is told.
    pub told: Told,
}

/// Why a message is no event. It is refused, counted, and not tried again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(String);

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
enum Wire {
    SessionActivity {
        version: u32,
        source: SourceId,
        time: String,
        sequence: Option<u64>,
        active_sessions: u32,
    },
    RunActivity {
        version: u32,
        source: SourceId,
        time: String,
        sequence: Option<u64>,
        queued_runs: u32,
        running_runs: u32,
        #[serde(default)]
        started: Vec<RunOn>,
        #[serde(default)]
        finished: Vec<RunOn>,
    },
    InstanceNotice {
        version: u32,
        source: SourceId,
        time: String,
        sequence: Option<u64>,
        instance_id: InstanceId,
        notice: Notice,
    },
}

/// An event of a source's runs, as it is published.
pub fn run_activity_json(source: &str, time_us: u64, queued: u32, running: u32) -> String {
    json!({
        "version": VERSION, "type": "run_activity", "source": source, "time": rfc_3339(time_us),
        "queued_runs": queued, "running_runs": running,
    })
    .to_string()
}

/// An event that an instance is about to go, as it is published.
pub fn instance_notice_json(instance: &InstanceId, notice: Notice, time_us: u64) -> String {
    json!({
        "version": VERSION, "type": "instance_notice", "source": format!("runner/{instance}"), "time": rfc_3339(time_us),
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
    /// The field, its value, and what would be right.
    pub fn from_json(text: &str, now_us: u64) -> Result<Self, Malformed> {
        let mut reader = serde_json::Deserializer::from_str(text);
        let wire: Wire = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
            let path = error.path().to_string();
            let inner = error.into_inner();
            if path == "." { Malformed(inner.to_string()) } else { Malformed(format!("{path}: {inner}")) }
        })?;
        reader.end().map_err(|error| Malformed(error.to_string()))?;
        let (version, source, time, sequence, told) = match wire {
            Wire::SessionActivity { version, source, time, sequence, active_sessions } => {
                check_level("active_sessions", active_sessions)?;
                (version, source, time, sequence, Told::Sessions(active_sessions))
            }
            Wire::RunActivity {
                version,
                source,
                time,
                sequence,
                queued_runs,
                running_runs,
                started,
                finished,
            } => {
                check_level("queued_runs", queued_runs)?;
                check_level("running_runs", running_runs)?;
                let level = Runs { queued: queued_runs, running: running_runs };
                (version, source, time, sequence, Told::Runs { level, started, finished })
            }
            Wire::InstanceNotice { version, source, time, sequence, instance_id, notice } => {
                (version, source, time, sequence, Told::Notice { instance_id, notice })
            }
        };
        if version != VERSION {
            return Err(Malformed(format!("version: {version}; this is version {VERSION}")));
        }
        let time_us = time_us(&time)?;
        if time_us > now_us.saturating_add(AHEAD_US) {
            let ahead_s = time_us.saturating_sub(now_us) / 1_000_000;
            return Err(Malformed(format!(
                "time: {time} is {ahead_s} s from now; is the publisher's clock right?"
            )));
        }
        Ok(Self { source, order: sequence.unwrap_or(time_us), time_us, told })
    }
}

fn check_level(field: &str, level: u32) -> Result<(), Malformed> {
    if level <= MOST { Ok(()) } else { Err(Malformed(format!("{field}: {level}; at most {MOST}"))) }
}

fn time_us(time: &str) -> Result<u64, Malformed> {
    let parsed = DateTime::parse_from_rfc3339(time).ok();
    let micros = parsed.and_then(|time| u64::try_from(time.timestamp_micros()).ok());
    micros.ok_or_else(|| {
        let shown: String = time.chars().take(40).collect();
        Malformed(format!("time: {shown:?}; expected RFC 3339 since 1970, such as 2026-11-22T10:15:00Z"))
    })
}

#[cfg(test)]
mod tests;
