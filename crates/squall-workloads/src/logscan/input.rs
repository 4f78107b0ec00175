//! The `input` object of a `logscan` job.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use squall_core::workload::InputError;

use super::places::AwsLogs;
use super::times::TimeInput;

pub mod schema;

/// The `input` object of a `logscan` job.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Where the logs are.
    pub logs: Vec<LogsInput>,
    /// The earliest time, RFC 3339; any by default.
    pub from: Option<String>,
    /// The time after the last, RFC 3339; any by default.
    pub to: Option<String>,
    /// How much earlier or later than its records the time in an object's key may be: `"1h"`.
    #[serde(default = "default_slack")]
    pub slack: String,
    /// What to look for.
    pub signatures: Vec<SignatureInput>,
    /// Where records say when they were written.
    #[serde(default)]
    pub time: TimeInput,
    /// What is counted together: `"5m"`, `"1h"`, `"1d"`.
    #[serde(default = "default_bucket")]
    pub bucket: String,
    /// Most groups of a signature that are told apart.
    #[serde(default = "default_groups")]
    pub groups: usize,
    /// The earliest hits that are shown.
    #[serde(default)]
    pub examples: ExamplesInput,
}

fn default_slack() -> String {
    "1h".to_owned()
}

fn default_bucket() -> String {
    "1h".to_owned()
}

fn default_groups() -> usize {
    1_000
}

/// A place of logs.
#[derive(Debug, Clone, PartialEq)]
pub enum LogsInput {
    /// A folder, a file, the beginning of names, or a pattern of them: a path or `s3://bucket/prefix`.
    Place(String),
    /// What an AWS service writes into a bucket.
    Aws(AwsLogs),
}

/// What to look for in a record, and by what to group what is found.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignatureInput {
    /// Its name; unique.
    pub name: String,
    /// A regular expression, in the syntax of the crate `regex`.
    pub regex: Option<String>,
    /// A text.
    pub literal: Option<String>,
    /// Each of these must be there. The record of a hit is one that has the first.
    #[serde(default)]
    pub all_of: Vec<PatternInput>,
    /// One of these must be there.
    #[serde(default)]
    pub any_of: Vec<PatternInput>,
    /// None of these may be there.
    #[serde(default)]
    pub none_of: Vec<PatternInput>,
    /// Whether capital letters match small ones.
    #[serde(default)]
    pub ignore_case: bool,
    /// In how many records, from the one of the hit on, the others are looked for.
    #[serde(default = "one")]
    pub within: usize,
    /// The named capture by which hits are counted apart.
    pub group_by: Option<String>,
}

fn one() -> usize {
    1
}

/// A pattern of a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PatternInput {
    /// A regular expression.
    Regex(String),
    /// A text.
    Literal(LiteralInput),
}

/// A text that is meant as it is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LiteralInput {
    /// The text.
    pub literal: String,
}

/// A text, or an object of a type: its errors are those of that type, which an untagged enum would not pass on.
struct TextOr<T>(PhantomData<T>, &'static str);

impl<'de, T: Deserialize<'de>> Visitor<'de> for TextOr<T> {
    type Value = Result<String, T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.1)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Ok(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Err)
    }
}

impl<'de> Deserialize<'de> for LogsInput {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        const EXPECTED: &str =
            "a path or a URI, or an object with `service` and `bucket` for what an AWS service writes";
        let read = deserializer.deserialize_any(TextOr::<AwsLogs>(PhantomData, EXPECTED))?;
        Ok(read.map_or_else(Self::Aws, Self::Place))
    }
}

impl<'de> Deserialize<'de> for PatternInput {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        const EXPECTED: &str = "a regular expression, or {\"literal\": TEXT}";
        let read = deserializer.deserialize_any(TextOr::<LiteralInput>(PhantomData, EXPECTED))?;
        Ok(read.map_or_else(Self::Literal, Self::Regex))
    }
}

/// Which hits are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ExamplesInput {
    /// How many of each signature.
    pub count: usize,
    /// Lines shown before each.
    pub before: usize,
    /// Lines shown after each.
    pub after: usize,
}

impl Default for ExamplesInput {
    fn default() -> Self {
        Self { count: 3, before: 2, after: 2 }
    }
}

impl ExamplesInput {
    const MAX_COUNT: usize = 100;
    const MAX_LINES: usize = 20;

    /// Checks the numbers.
    ///
    /// # Errors
    /// One that is too large.
    pub fn check(self) -> Result<(), InputError> {
        let fields = [
            ("count", self.count, Self::MAX_COUNT),
            ("before", self.before, Self::MAX_LINES),
            ("after", self.after, Self::MAX_LINES),
        ];
        match fields.iter().find(|(_, value, most)| value > most) {
            None => Ok(()),
            Some((field, value, most)) => Err(InputError::new(
                format!("input.examples.{field}"),
                format!("{value}; expected at most {most}"),
            )),
        }
    }
}

/// A length of time like `90s`, `5m`, `1h` or `1d`, in microseconds.
///
/// `least_s` is the shortest, seconds.
///
/// # Errors
/// Names the field and what would be right.
pub fn duration_us(field: &str, text: &str, least_s: i64) -> Result<i64, InputError> {
    const MAX_DAYS: i64 = 366;
    let refused = || {
        let problem = format!(
            "{:?}; expected a whole number with s, m, h or d, as in \"5m\", from {least_s}s to {MAX_DAYS}d",
            text
        );
        InputError::new(format!("input.{field}"), problem)
    };
    let unit = match text.bytes().last() {
        Some(b's') => 1,
        Some(b'm') => 60,
        Some(b'h') => 3_600,
        Some(b'd') => 86_400,
        _ => return Err(refused()),
    };
    let digits = text.get(..text.len() - 1).filter(|digits| digits.bytes().all(|it| it.is_ascii_digit()));
    let count: i64 = digits.and_then(|digits| digits.parse().ok()).ok_or_else(refused)?;
    let seconds = count.checked_mul(unit).filter(|seconds| (least_s..=MAX_DAYS * 86_400).contains(seconds));
    Ok(seconds.ok_or_else(refused)? * 1_000_000)
}
