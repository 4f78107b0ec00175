//! Items in any form, as JSON texts of one line each.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Number, Value};
use squall_core::job::brief;
use squall_core::sources::{Files, Given, Listing, Source};
use squall_core::workload::InputError;

use super::input::{Content, ItemsInput};

/// Most items of a range.
const MAX_RANGE: u64 = 1_000_000_000_000;
/// Most complaints about a file.
const MAX_COMPLAINTS: usize = 10;

/// The items of a job.
#[derive(Debug)]
pub enum Items {
    /// So many integers from this one on.
    Range {
        /// The first.
        first: i64,
        /// How many.
        n: u64,
    },
    /// Texts.
    Texts(Texts),
    /// Objects.
    Objects {
        /// How many.
        n: u64,
        /// Their bytes.
        n_bytes: u64,
        /// What their names begin with in their locations.
        root: String,
        /// What of them is in their items.
        content: Content,
    },
}

/// Texts, one after another.
#[derive(Debug, Default)]
pub struct Texts {
    text: String,
    ends: Vec<usize>,
}

impl Texts {
    fn push(&mut self, item: &str) {
        // Line feeds can only be between the tokens of JSON.
        self.text.extend(item.chars().map(|c| if matches!(c, '\n' | '\r') { ' ' } else { c }));
        self.ends.push(self.text.len());
    }

    fn get(&self, idx: u64) -> Option<&str> {
        let idx = usize::try_from(idx).ok()?;
        let from = idx.checked_sub(1).map_or(Some(0), |before| self.ends.get(before).copied())?;
        self.text.get(from..*self.ends.get(idx)?)
    }

    fn bytes(&self) -> u64 {
        (self.text.len() + self.ends.len() * size_of::<usize>()) as u64
    }
}

/// What the items name.
pub(super) fn sources(input: &ItemsInput) -> Vec<Source> {
    let files = input.json_lines.iter().chain(&input.csv).cloned().map(Source::File);
    let objects = input.objects.iter().cloned().map(Source::Objects);
    files.chain(objects).chain(input.object_list.iter().cloned().map(Source::ObjectList)).collect()
}

/// Refuses whole numbers of a job that its reader may have rounded: beyond 64 bits they arrive as doubles.
pub(super) fn check_numbers(place: &str, value: &Value) -> Result<(), InputError> {
    match value {
        Value::Number(number) if is_rounded(number) => {
            let problem = format!(
                "the number {number} may have been rounded; write it as a string, or use `json_lines`"
            );
            Err(InputError::new(place, problem))
        }
        Value::Array(values) => values
            .iter()
            .enumerate()
            .try_for_each(|(idx, value)| check_numbers(&format!("{place}[{idx}]"), value)),
        Value::Object(fields) => {
            fields.iter().try_for_each(|(name, value)| check_numbers(&format!("{place}.{name}"), value))
        }
        _ => Ok(()),
    }
}

/// Whether it is beyond 64 bits and has so many digits that it was hardly written as a double.
fn is_rounded(number: &Number) -> bool {
    const MAX_DIGITS: usize = 15;
    let is_large = number.is_f64() && number.as_f64().is_some_and(|it| it.abs() >= 1.8e19);
    let text = number.to_string();
    let digits = text.split('e').next().unwrap_or_default().bytes().filter(u8::is_ascii_digit).count();
    is_large && digits > MAX_DIGITS
}

impl Items {
    /// Reads and checks the items.
    pub(super) fn prepare(input: &ItemsInput, given: &Given) -> Result<Self, InputError> {
        let kinds = [
            input.range.is_some(),
            input.list.is_some(),
            input.json_lines.is_some(),
            input.csv.is_some(),
            input.objects.is_some(),
            input.object_list.is_some(),
        ];
        if kinds.iter().filter(|is_given| **is_given).count() != 1 {
            let problem = "expected one of `range`, `list`, `json_lines`, `csv`, `objects` and `object_list`";
            return Err(InputError::new("input.items", problem));
        }
        let of_objects = input.objects.as_ref().or(input.object_list.as_ref());
        if input.content.is_some() && of_objects.is_none() {
            return Err(InputError::new(
                "input.items.content",
                "it goes with `objects` and `object_list` only",
            ));
        }
        let items = if let Some((from, to)) = input.range {
            range(from, to)?
        } else if let Some(list) = &input.list {
            let mut texts = Texts::default();
            for (idx, item) in list.iter().enumerate() {
                check_numbers(&format!("input.items.list[{idx}]"), item)?;
                texts.push(&item.to_string());
            }
            Self::Texts(texts)
        } else if let Some(name) = &input.json_lines {
            json_lines(name, file(&given.files, name)?)?
        } else if let Some(name) = &input.csv {
            csv_rows(name, file(&given.files, name)?)?
        } else {
            objects(given.listings.first(), input.content.unwrap_or_default())?
        };
        if items.n() == 0 {
            return Err(InputError::new("input.items", "there are none; expected at least one"));
        }
        Ok(items)
    }

    /// How many there are.
    pub fn n(&self) -> u64 {
        match self {
            Self::Range { n, .. } | Self::Objects { n, .. } => *n,
            Self::Texts(texts) => texts.ends.len() as u64,
        }
    }

    /// Whether they are objects, whose indices are not known.
    pub(super) fn are_objects(&self) -> bool {
        matches!(self, Self::Objects { .. })
    }

    /// How many positions a slice of all has: items, or bytes of objects.
    pub(super) fn positions(&self) -> u64 {
        match self {
            Self::Objects { n_bytes, .. } => *n_bytes,
            _ => self.n(),
        }
    }

    /// Memory that they take, bytes.
    pub(super) fn bytes(&self) -> u64 {
        match self {
            Self::Texts(texts) => texts.bytes(),
            _ => 0,
        }
    }

    /// An item by its index; `None` for objects and beyond the end.
    pub(super) fn get(&self, idx: u64) -> Option<Cow<'_, str>> {
        match self {
            Self::Range { first, n } if idx < *n => {
                first.checked_add_unsigned(idx).map(|item| Cow::Owned(item.to_string()))
            }
            Self::Texts(texts) => texts.get(idx).map(Cow::Borrowed),
            _ => None,
        }
    }
}

fn range(from: i64, to: i64) -> Result<Items, InputError> {
    if to <= from {
        let problem =
            format!("[{from}, {to}] is empty; expected the first integer and the one after the last");
        return Err(InputError::new("input.items.range", problem));
    }
    let n = to.abs_diff(from);
    if n > MAX_RANGE {
        let problem = format!("[{from}, {to}] has {n} integers; expected at most {MAX_RANGE}");
        return Err(InputError::new("input.items.range", problem));
    }
    Ok(Items::Range { first: from, n })
}

fn file<'a>(files: &'a Files, name: &str) -> Result<&'a str, InputError> {
    let bytes = files.get(name).ok_or_else(|| InputError::new(name, "the file is not given"))?;
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|error| {
        let line = 1 + bytes.iter().take(error.valid_up_to()).filter(|byte| **byte == b'\n').count();
        InputError::new(format!("{name}:{line}"), "it is not UTF-8; save it as UTF-8")
    })
}

/// Gathers complaints about a file.
struct Lines<'a> {
    name: &'a str,
    complaints: Vec<String>,
    more: usize,
}

impl<'a> Lines<'a> {
    fn of(name: &'a str) -> Self {
        Self { name, complaints: Vec::new(), more: 0 }
    }

    fn complain(&mut self, line: u64, problem: &str) {
        if self.complaints.len() < MAX_COMPLAINTS {
            self.complaints.push(format!("line {line}: {problem}"));
        } else {
            self.more += 1;
        }
    }

    fn end(mut self) -> Result<(), InputError> {
        if self.complaints.is_empty() {
            return Ok(());
        }
        if self.more > 0 {
            self.complaints.push(format!("and {} more", self.more));
        }
        Err(InputError::new(self.name, self.complaints.join("; ")))
    }
}

/// An item on each line; empty lines are none.
fn json_lines(name: &str, text: &str) -> Result<Items, InputError> {
    let mut texts = Texts { text: String::with_capacity(text.len()), ends: Vec::new() };
    let mut lines = Lines::of(name);
    for (line, item) in (1..).zip(text.lines()) {
        let item = item.trim();
        if item.is_empty() {
            continue;
        }
        match serde_json::from_str::<&RawValue>(item) {
            Ok(_) => texts.push(item),
            Err(error) => {
                let told = error.to_string();
                let told = told.split(" at line ").next().unwrap_or_default();
                lines.complain(line, &format!("{} is not JSON: {told}", brief(item)));
            }
        }
    }
    lines.end()?;
    Ok(Items::Texts(texts))
}

/// A row as an object whose fields are in the order of the header.
struct Row<'a>(&'a csv::StringRecord, &'a csv::StringRecord);

impl Serialize for Row<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().zip(self.1))
    }
}

fn csv_rows(name: &str, text: &str) -> Result<Items, InputError> {
    crate::quotes::check(name, text.as_bytes())?;
    let mut reader =
        csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(text.as_bytes());
    let refused = |error: csv::Error| InputError::new(name, error.to_string());
    let header = reader.headers().map_err(refused)?.clone();
    for (idx, column) in header.iter().enumerate() {
        if column.is_empty() {
            return Err(InputError::new(name, format!("column {} has no name", idx + 1)));
        }
        if header.iter().take(idx).any(|other| other == column) {
            return Err(InputError::new(name, format!("two columns are called {}", brief(column))));
        }
    }
    let (mut texts, mut lines) = (Texts::default(), Lines::of(name));
    let mut row = csv::StringRecord::new();
    while reader.read_record(&mut row).map_err(refused)? {
        if row.len() != header.len() {
            let line = row.position().map_or(0, csv::Position::line);
            lines.complain(line, &format!("it has {} fields; expected {}", row.len(), header.len()));
            continue;
        }
        let item = serde_json::to_string(&Row(&header, &row));
        texts.push(&item.map_err(|error| InputError::new(name, error.to_string()))?);
    }
    lines.end()?;
    Ok(Items::Texts(texts))
}

fn objects(listing: Option<&Listing>, content: Content) -> Result<Items, InputError> {
    let listing = listing.ok_or_else(|| InputError::new("input.items", "the objects are not listed"))?;
    if listing.n_objects() == 0 {
        return Err(InputError::new(
            "input.items",
            format!("there is no object below {}", brief(&listing.name)),
        ));
    }
    if listing.n_bytes() == 0 {
        let problem = format!("all {} objects below {} are empty", listing.n_objects(), brief(&listing.name));
        return Err(InputError::new("input.items", problem));
    }
    Ok(Items::Objects {
        n: listing.n_objects(),
        n_bytes: listing.n_bytes(),
        root: listing.root.clone(),
        content,
    })
}
