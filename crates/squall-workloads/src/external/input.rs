//! The `input` object of an `external` job.

use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde_json::Value;
use squall_core::workload::InputError;

use super::workers::{Command, WorkerRef};

pub(super) mod schema;

/// The `input` object of an `external` job.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// The items.
    pub items: ItemsInput,
    /// What computes them.
    pub worker: WorkerInput,
    /// Handed to each process before its first item; `null` by default.
    #[serde(default)]
    pub params: Value,
    /// How values are merged; in order, by default.
    #[serde(default = "concat")]
    pub merge: Value,
    /// How many items a request has.
    #[serde(default)]
    pub batch: BatchInput,
    /// About how long an item takes, milliseconds of one core: how finely the job is cut.
    #[serde(default = "item_ms")]
    pub item_ms: f64,
    /// Which items are computed a second time.
    #[serde(default)]
    pub audit: AuditInput,
}

fn concat() -> Value {
    Value::from("concat")
}

fn item_ms() -> f64 {
    10.0
}

/// The items: one of these.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ItemsInput {
    /// The integers from the first to the one before the second.
    pub range: Option<(i64, i64)>,
    /// The items themselves.
    pub list: Option<Vec<Value>>,
    /// A file with an item on each line.
    pub json_lines: Option<String>,
    /// A file of CSV with a header: each row is an object of texts.
    pub csv: Option<String>,
    /// A folder, or the beginning of names: each object is an item.
    pub objects: Option<String>,
    /// A file that lists objects, one on each line.
    pub object_list: Option<String>,
    /// What of an object is in its item, besides its name.
    pub content: Option<Content>,
}

/// What of an object is in its item, besides its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// Nothing: the worker reads it itself.
    #[default]
    None,
    /// All of it, which must be UTF-8.
    Text,
    /// All of it, in base64.
    Base64,
}

/// The worker: the name of one that the operator has declared, or a command.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkerInput(pub WorkerRef);

impl<'de> Deserialize<'de> for WorkerInput {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameOrCommand;
        impl<'de> Visitor<'de> for NameOrCommand {
            type Value = WorkerInput;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a declared worker, or an object with a `command`")
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<WorkerInput, E> {
                Ok(WorkerInput(WorkerRef::Named(name.to_owned())))
            }

            fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<WorkerInput, A::Error> {
                let command = Command::deserialize(MapAccessDeserializer::new(fields))?;
                Ok(WorkerInput(WorkerRef::Command(command)))
            }
        }
        deserializer.deserialize_any(NameOrCommand)
    }
}

/// How many items a request has: one of these.
#[derive(Debug, Clone, Copy, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchInput {
    /// So many.
    pub items: Option<u64>,
    /// As many as have so many bytes together.
    pub bytes: Option<u64>,
    /// As many as take about so long, milliseconds.
    pub target_ms: Option<f64>,
}

/// Which items are computed a second time, by another worker.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditInput {
    /// Which part of them, 0 to 1.
    #[serde(default = "share")]
    pub share: f64,
    /// Which ones.
    #[serde(default)]
    pub seed: u64,
    /// What follows when the two values differ.
    #[serde(default)]
    pub on_difference: OnDifference,
}

fn share() -> f64 {
    0.02
}

impl Default for AuditInput {
    fn default() -> Self {
        Self { share: share(), seed: 0, on_difference: OnDifference::default() }
    }
}

/// What follows when a worker's value differs from another's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnDifference {
    /// The answer has the first value, and says so.
    #[default]
    Report,
    /// The item has no value, and the answer is incomplete.
    Fail,
}

/// How many items a request has.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Batch {
    /// So many.
    Items(usize),
    /// As many as have so many bytes together.
    Bytes(usize),
    /// As many as take about so long, nanoseconds.
    Time(u64),
}

/// Most items of a request.
pub(super) const MAX_BATCH_ITEMS: usize = 10_000;
/// Most bytes of a request's items, unless one alone has more.
pub(super) const MAX_BATCH_BYTES: usize = 4 << 20;
/// Longest that an item may take, milliseconds: a day.
const MAX_ITEM_MS: f64 = 86_400_000.0;

impl Input {
    /// About how long an item takes, nanoseconds, at least 1.
    pub(super) fn item_ns(&self) -> Result<u64, InputError> {
        if !(1e-6..=MAX_ITEM_MS).contains(&self.item_ms) {
            let problem = format!("{:?}; expected milliseconds from 0.000001 to {MAX_ITEM_MS}", self.item_ms);
            return Err(InputError::new("input.item_ms", problem));
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most a day")]
        let item_ns = (self.item_ms * 1e6).round() as u64;
        Ok(item_ns.max(1))
    }

    /// How many items a request has.
    pub(super) fn batch(&self) -> Result<Batch, InputError> {
        let refused = |field: &str, value: String, expected: String| {
            Err(InputError::new(format!("input.batch.{field}"), format!("{value}; expected {expected}")))
        };
        match self.batch {
            BatchInput { items: None, bytes: None, target_ms: None } => Ok(Batch::Time(100_000_000)),
            BatchInput { items: Some(items), bytes: None, target_ms: None } => match usize::try_from(items) {
                Ok(n_items @ 1..=MAX_BATCH_ITEMS) => Ok(Batch::Items(n_items)),
                _ => refused("items", items.to_string(), format!("1 to {MAX_BATCH_ITEMS}")),
            },
            BatchInput { items: None, bytes: Some(bytes), target_ms: None } => match usize::try_from(bytes) {
                Ok(n_bytes @ 1..=MAX_BATCH_BYTES) => Ok(Batch::Bytes(n_bytes)),
                _ => refused("bytes", bytes.to_string(), format!("1 to {MAX_BATCH_BYTES}")),
            },
            BatchInput { items: None, bytes: None, target_ms: Some(ms) } => {
                if !(0.001..=600_000.0).contains(&ms) {
                    return refused("target_ms", format!("{ms:?}"), "0.001 to 600000".to_owned());
                }
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "at most ten minutes"
                )]
                let target_ns = (ms * 1e6) as u64;
                Ok(Batch::Time(target_ns))
            }
            _ => Err(InputError::new("input.batch", "expected one of `items`, `bytes` and `target_ms`")),
        }
    }

    /// Checks the worker.
    pub(super) fn check_worker(&self) -> Result<(), InputError> {
        match &self.worker.0 {
            WorkerRef::Named(name) => check_name(name),
            WorkerRef::Command(command) => check_command("input.worker", command),
        }
    }
}

/// Checks a command that is at `place`.
pub(super) fn check_command(place: &str, command: &Command) -> Result<(), InputError> {
    let refused = |field: &str, problem: String| Err(InputError::new(format!("{place}.{field}"), problem));
    if command.command.first().is_none_or(String::is_empty) {
        return refused("command", "it is empty; expected a program and its arguments".to_owned());
    }
    if let Some(word) = command.command.iter().find(|word| word.contains('\0')) {
        return refused("command", format!("{word:?} has a NUL"));
    }
    let names = command.env.keys().chain(&command.inherit_env);
    for name in names {
        if name.is_empty() || name.contains(['=', '\0']) {
            return refused("env", format!("{name:?} is not the name of a variable"));
        }
        if name.starts_with("SQUALL_") {
            return refused("env", format!("{name} belongs to the contract; choose another name"));
        }
    }
    if let Some(name) = command.env.iter().find(|(_, value)| value.contains('\0')).map(|(name, _)| name) {
        return refused("env", format!("the value of {name} has a NUL"));
    }
    for (field, seconds) in [("timeout_s", command.timeout_s), ("start_timeout_s", command.start_timeout_s)] {
        if !(0.001..=86_400.0).contains(&seconds) {
            return refused(field, format!("{seconds:?}; expected seconds from 0.001 to 86400"));
        }
    }
    let whole = [
        ("memory_mb", command.memory_mb, 1, 1 << 20),
        ("output_mb", command.output_mb, 1, 1 << 10),
        ("processes", command.processes.into(), 1, 10_000),
    ];
    match whole.iter().find(|(_, value, least, most)| !(least..=most).contains(&value)) {
        Some((field, value, least, most)) => refused(field, format!("{value}; expected {least} to {most}")),
        None => Ok(()),
    }
}

/// Whether a declared worker may be called so.
pub(super) fn is_name(name: &str) -> bool {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    (1..=64).contains(&name.len()) && name.chars().all(is_of_name)
}

/// Checks the name of a declared worker.
fn check_name(name: &str) -> Result<(), InputError> {
    if is_name(name) {
        return Ok(());
    }
    let problem = format!(
        "{name:?}; expected a name of at most 64 letters, digits, `-`, `_` and `.`, or an object with a `command`"
    );
    Err(InputError::new("input.worker", problem))
}
