//! A published job: its JSON, checked.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::digest::Digest;
use crate::prices::NanoUsd;
use crate::sizing::SizingRequest;
use crate::visible::on_one_line;
use crate::workload::InputError;

mod strict;

/// Longest deadline, in seconds: records live a day on a stream by default, so an older task could be gone.
pub const MAX_DEADLINE_S: u64 = 86_400;
/// Longest job id: it is part of keys and names.
pub const MAX_ID_CHARS: usize = 128;

/// A job's id.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobId(String);

impl JobId {
    /// Checks an id.
    ///
    /// # Errors
    /// When it is empty, too long, has a character other than letters, digits, `-`, `_` and `.`, or begins with `-`, as the options of
    /// commands do.
    pub fn new(text: impl Into<String>) -> Result<Self, InputError> {
        let id = Self::stored(text)?;
        if id.0.starts_with('-') {
            return Err(InputError::new("id", format!("{}; an id does not begin with `-`", brief(&id.0))));
        }
        Ok(id)
    }

    /// Checks the id of a job that is known: one of before 0.2 may begin with `-`.
    ///
    /// # Errors
    /// When it is empty, too long or has a character other than letters, digits, `-`, `_` and `.`.
    pub fn stored(text: impl Into<String>) -> Result<Self, InputError> {
        let text = text.into();
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if text.is_empty() || text.len() > MAX_ID_CHARS || !text.chars().all(allowed) {
            let text = brief(&text);
            let problem = format!("{text}; expected 1 to {MAX_ID_CHARS} letters, digits, `-`, `_` or `.`");
            return Err(InputError::new("id", problem));
        }
        Ok(Self(text))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JobId({})", self.0)
    }
}

/// A job as published, checked as far as possible without its workload.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// The workload's name.
    pub workload: String,
    /// The id, if the author chose one: publishing the same id twice runs the job once.
    pub id: Option<JobId>,
    /// The workload's input, as JSON text.
    pub input_json: String,
    /// The locations of the files that the input names, by name; a file not listed here is at the location its name
    /// gives.
    pub files: BTreeMap<String, String>,
    /// The author's wishes for the cut.
    pub sizing: SizingRequest,
    /// Seconds after which the job expires with the results it has.
    pub deadline_s: Option<u64>,
    /// Cost at which no new task is started.
    pub max_cost: Option<NanoUsd>,
    /// Digest of the message, to tell a redelivery from another job with the same id.
    pub digest: Digest,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireJob {
    workload: String,
    id: Option<String>,
    #[serde(deserialize_with = "strict::value")]
    input: Value,
    #[serde(default, deserialize_with = "strict::texts")]
    files: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "strict::object")]
    sizing: SizingRequest,
    deadline_s: Option<u64>,
    max_cost_usd: Option<f64>,
}

impl Job {
    /// The id that the author of a message gave, if that much of it can be read: a message that is no valid job is rejected under it.
    pub fn id_of(message: &[u8]) -> Option<JobId> {
        let value: Value = serde_json::from_slice(without_mark(message)).ok()?;
        JobId::new(value.get("id")?.as_str()?).ok()
    }

    /// Reads a published message.
    ///
    /// # Errors
    /// The first field that is unknown, missing, of the wrong type or out of range.
    pub fn from_message(message: &[u8]) -> Result<Self, InputError> {
        let strict::Object(wire): strict::Object<WireJob> = from_json(Place(""), message)?;
        if !wire.input.is_object() {
            return Err(InputError::new(
                "input",
                format!("{}; expected an object", shortened(&wire.input.to_string())),
            ));
        }
        wire.sizing.check()?;
        if let Some(deadline_s) = wire.deadline_s
            && !(1..=MAX_DEADLINE_S).contains(&deadline_s)
        {
            let problem = format!("{deadline_s}; expected whole seconds from 1 to {MAX_DEADLINE_S}");
            return Err(InputError::new("deadline_s", problem));
        }
        let max_cost = wire.max_cost_usd.map(checked_cost).transpose()?;
        Ok(Self {
            workload: wire.workload,
            id: wire.id.map(JobId::new).transpose()?,
            input_json: wire.input.to_string(),
            files: wire.files,
            sizing: wire.sizing,
            deadline_s: wire.deadline_s,
            max_cost,
            digest: Digest::of(message),
        })
    }
}

fn checked_cost(usd: f64) -> Result<NanoUsd, InputError> {
    NanoUsd::from_usd(usd).filter(|cost| cost.0 > 0).ok_or_else(|| {
        InputError::new("max_cost_usd", format!("{usd:?}; expected US dollars from 0.000000001 to 1000000"))
    })
}

/// The path of the object that is being read, to prefix the path of a field in it.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a>(pub &'a str);

/// Reads JSON, and reports the place of an error.
///
/// # Errors
/// The path of the field, and what was expected there.
pub fn from_json<T: DeserializeOwned>(place: Place<'_>, json: &[u8]) -> Result<T, InputError> {
    let json = without_mark(json);
    // With its mark, or without: UTF-8 has no zero byte there.
    let is_marked = json.starts_with(b"\xFF\xFE") || json.starts_with(b"\xFE\xFF");
    let zeros = json.iter().take(4).filter(|byte| **byte == 0).count();
    if zeros == 3 || json.starts_with(b"\xFF\xFE\0\0") || json.starts_with(b"\0\0\xFE\xFF") {
        return Err(InputError::new(root(place), "it is UTF-32; save it as UTF-8"));
    }
    if is_marked || zeros > 0 {
        return Err(InputError::new(root(place), "it is UTF-16; save it as UTF-8"));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let whole = |error: serde_json::Error| InputError::new(root(place), error.to_string());
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        // JSON that ends or breaks between two fields has no field to name.
        let inner = path.trim_end_matches('?').trim_end_matches('.');
        let path = match (place.0, inner) {
            (_, "") => root(place),
            ("", _) => inner.to_owned(),
            (outer, _) if inner.starts_with('[') => format!("{outer}{inner}"),
            (outer, _) => format!("{outer}.{inner}"),
        };
        let problem = without_position(place, &error.into_inner());
        InputError::new(path, on_one_line(&told(&problem)))
    })?;
    deserializer.end().map_err(whole)?;
    Ok(value)
}

/// JSON without the byte order mark that some editors begin it with.
pub fn without_mark(json: &[u8]) -> &[u8] {
    json.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(json)
}

/// What a message of the JSON reader says before a text that it quotes in full, and after it; a field may stand before both.
const AROUND_QUOTES: [(&str, &str); 6] = [
    ("unknown field `", "`, expected "),
    ("unknown field `", "`, there are no "),
    ("unknown variant `", "`, expected "),
    ("unknown variant `", "`, there are no "),
    ("invalid type: string \"", "\", expected "),
    ("invalid value: string \"", "\", expected "),
];

/// Numbers as the JSON reader calls them, and as people do.
const NUMBERS: [(&str, &str); 4] = [
    ("expected u64", "expected a whole number"),
    ("expected u32", "expected a whole number"),
    ("expected usize", "expected a whole number"),
    ("expected f64", "expected a number"),
];

/// What a type is, which the JSON reader calls by its name.
const TYPES: [(&str, &str); 4] = [
    ("expected struct ", "expected an object"),
    ("expected internally tagged enum ", "expected an object with a type"),
    ("expected adjacently tagged enum ", "expected an object with a type"),
    ("expected enum ", "expected a word"),
];

/// A message of the JSON reader for people, with little of the text that it quotes.
pub fn told(message: &str) -> String {
    let mut told = with_short_quote(&whole_numbers(message.to_owned())).into_owned();
    for (theirs, ours) in NUMBERS {
        told = told.replace(theirs, ours);
    }
    for (theirs, ours) in TYPES {
        while let Some((before, after)) = told.split_once(theirs) {
            // The type's name follows.
            let rest = after.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_');
            told = format!("{before}{ours}{rest}");
        }
    }
    told
}

fn with_short_quote(message: &str) -> Cow<'_, str> {
    let short = AROUND_QUOTES.iter().find_map(|(before, after)| {
        // What is expected is ours and has no such words, so that the last ones are those after the quote.
        let (field, rest) =
            message.split_once(before).filter(|(field, _)| field.is_empty() || field.ends_with(": "))?;
        let (quote, expected) = rest.rsplit_once(after)?;
        Some(format!("{field}{before}{}{after}{expected}", shortened(quote)))
    });
    short.map_or(Cow::Borrowed(message), Cow::Owned)
}

fn root(place: Place<'_>) -> String {
    if place.0.is_empty() { "job".to_owned() } else { place.0.to_owned() }
}

/// Says of a number like `1e3` how it is written where a whole one is expected; everything else as it is.
fn whole_numbers(text: String) -> String {
    /// Up to here a number with a point stands for one whole number.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let in_words = || {
        let (number, rest) =
            text.strip_prefix("invalid type: floating point `")?.split_once("`, expected ")?;
        let (expected, position) = match rest.find(" at line ") {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        let kind = expected.rsplit(' ').next()?;
        if !matches!(kind.strip_prefix(['u', 'i'])?, "8" | "16" | "32" | "64" | "128" | "size") {
            return None;
        }
        let value = number.parse::<f64>().ok().filter(|it| it.fract() == 0.0 && it.abs() < EXACT);
        let how = match value {
            Some(value) => format!("written {value:.0}"),
            None => "without a decimal point or an exponent".to_owned(),
        };
        Some(format!("{number}; expected a whole number, {how}{position}"))
    };
    in_words().unwrap_or(text)
}

/// The line and column are useful in text that a person wrote, not in JSON that was re-serialized from it.
fn without_position(place: Place<'_>, error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(" at line ") {
        Some((problem, _)) if !place.0.is_empty() => problem.to_owned(),
        _ => text,
    }
}

/// A text fit to show to a person: quoted, control characters escaped, not too long.
pub fn brief(text: &str) -> String {
    format!("`{}`", shortened(&text.escape_debug().to_string()))
}

fn shortened(text: &str) -> String {
    const MOST_CHARS: usize = 60;
    if text.chars().count() <= MOST_CHARS {
        text.to_owned()
    } else {
        text.chars().take(MOST_CHARS - 3).chain("...".chars()).collect()
    }
}

#[cfg(test)]
mod tests;
