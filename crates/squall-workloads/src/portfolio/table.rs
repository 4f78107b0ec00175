//! CSV tables whose errors name the file, line, column and what was expected.
//!
//! UTF-8 (a byte order mark is skipped), comma separated, RFC 4180 quotes without line breaks inside, a header line. Spaces around a field
//! do not count and blank lines are skipped. An absent column and an empty field are the same thing: no value.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use csv::{ReaderBuilder, StringRecord};
use foldhash::{HashMap, HashMapExt};
use memchr::memchr2_iter;
use squall_core::visible::{on_one_line, shortened};
use squall_core::workload::InputError;

use crate::reading::{Complaints, check_name, check_visible, listed, quoted};

mod foreign;

/// Most columns of a file.
const MAX_COLUMNS: usize = 20_000;

/// A CSV file in memory: its fields end to end, since a million rows of thirty columns must stay small.
#[derive(Debug, Clone)]
pub struct Table {
    file_name: String,
    header_line: u64,
    header: Vec<String>,
    /// The place of each column in the header.
    columns: HashMap<String, usize>,
    /// The line of each row, from 1.
    lines: Vec<u64>,
    text: String,
    /// Where each field ends in `text`, row by row.
    ends: Vec<u32>,
}

/// One row of a [`Table`], which knows its place in the file.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    table: &'a Table,
    line: u64,
    idx: usize,
}

impl Table {
    /// Reads a file's bytes; `file_name` is only for messages.
    ///
    /// # Errors
    /// Text that is not UTF-8, a missing or empty header, a column without a name or named twice, or a row that has
    /// not as many fields as the header has columns.
    pub fn parse(file_name: &str, bytes: &[u8]) -> Result<Table, InputError> {
        let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        if let Some(problem) = foreign::of_file(bytes) {
            return Err(InputError::new(format!("{file_name}:1"), problem));
        }
        if let Err(error) = std::str::from_utf8(bytes) {
            let line = Lines::new(bytes).line_of(error.valid_up_to());
            return Err(InputError::new(
                format!("{file_name}:{line}"),
                "this line is not UTF-8 text; save the file as UTF-8",
            ));
        }

        crate::quotes::check(file_name, bytes)?;
        let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bytes);
        let mut line_counter = Lines::new(bytes);
        let mut record = StringRecord::new();
        let mut header: Option<(u64, Vec<String>)> = None;
        let (mut lines, mut text, mut ends) = (Vec::new(), String::new(), Vec::new());
        let unreadable = |e| InputError::new(file_name, format!("cannot be read as CSV: {e}"));
        while reader.read_record(&mut record).map_err(unreadable)? {
            let start = record.position().map_or(0, csv::Position::byte);
            let line = line_counter.line_of_record(usize::try_from(start).unwrap_or(usize::MAX));
            let Some((header_line, names)) = &header else {
                let names: Vec<String> = record.iter().map(|name| name.trim().to_owned()).collect();
                check_separators(file_name, line, &names)?;
                if names.len() > MAX_COLUMNS {
                    let problem = format!("has {} columns; a file has {MAX_COLUMNS} at most", names.len());
                    return Err(InputError::new(format!("{file_name}:{line}"), problem));
                }
                header = Some((line, names));
                continue;
            };
            if record.len() != names.len() {
                let n = record.len();
                let problem = format!(
                    "this row has {n} {}, the header on line {header_line} has {}; the first line must name the columns, and every other \
                     one be a row",
                    if n == 1 { "field" } else { "fields" },
                    names.len()
                );
                return Err(InputError::new(format!("{file_name}:{line}"), problem));
            }
            lines.push(line);
            for (idx, field) in record.iter().map(str::trim).enumerate() {
                if let Err(problem) = check_visible(field) {
                    let name = names.get(idx).map_or("", String::as_str);
                    return Err(InputError::new(
                        format!("{file_name}:{line}:{} ({})", idx + 1, shown(name)),
                        problem,
                    ));
                }
                text.push_str(field);
                let too_big =
                    |_| InputError::new(file_name, "is bigger than 4 GB; split it into several jobs");
                ends.push(u32::try_from(text.len()).map_err(too_big)?);
            }
        }
        let Some((header_line, header)) = header else {
            return Err(InputError::new(
                format!("{file_name}:1"),
                "the file is empty; its first line must name the columns",
            ));
        };
        let columns = columns(file_name, header_line, &header)?;
        Ok(Table { file_name: file_name.to_owned(), header_line, header, columns, lines, text, ends })
    }

    /// The names of the columns, in the file's order.
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// The memory that it takes.
    pub fn bytes(&self) -> u64 {
        let of_header = self.header.iter().map(|name| name.len() + size_of::<String>()).sum::<usize>();
        (of_header + size_of_val(&*self.lines) + size_of_val(&*self.ends) + self.text.len()) as u64
    }

    /// The name the file goes by in messages.
    pub fn file_name(&self) -> &str {
        &self.file_name
    }

    /// Whether the file has this column.
    pub fn has(&self, column: &str) -> bool {
        self.index_of(column).is_some()
    }

    /// The rows below the header, in the file's order.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = Row<'_>> {
        self.lines.iter().enumerate().map(|(idx, line)| Row { table: self, line: *line, idx })
    }

    /// An error at the header's `column`, or at the header as a whole if there is no such column.
    pub fn header_error(&self, column: &str, problem: impl Into<String>) -> InputError {
        let line = self.header_line;
        match self.index_of(column) {
            Some(idx) => {
                InputError::new(format!("{}:{line}:{} ({})", self.file_name, idx + 1, shown(column)), problem)
            }
            None => InputError::new(format!("{}:{line}", self.file_name), problem),
        }
    }

    /// The error for a column that is not there, with those that are.
    pub fn missing_column(&self, column: &str) -> InputError {
        let columns = listed(self.header.iter().map(String::as_str));
        let problem = format!("the column {} is missing; the columns are {columns}", quoted(column));
        self.header_error("", problem)
    }

    /// An error where the first row would be, for a file that has none.
    pub fn error_below(&self, problem: impl Into<String>) -> InputError {
        InputError::new(format!("{}:{}", self.file_name, self.header_line + 1), problem)
    }

    /// Checks that the file has every one of `required` and nothing but `required` and `optional`.
    ///
    /// # Errors
    /// The columns that are unknown, or else the first one that is missing, with those that are known.
    pub fn check_columns(&self, required: &[&str], optional: &[&str]) -> Result<(), InputError> {
        let all = || required.iter().chain(optional).copied();
        let known: BTreeSet<&str> = all().collect();
        let by_letters: BTreeMap<String, &str> =
            all().map(|name| (name.to_ascii_lowercase(), name)).collect();
        let mut complaints = Complaints::default();
        let mut are_listed = false;
        for name in self.header.iter().filter(|name| !known.contains(name.as_str())) {
            let problem = match by_letters.get(&name.to_ascii_lowercase()) {
                Some(known) => format!("unknown column {}; write {known}", quoted(name)),
                None if are_listed => format!("unknown column {}", quoted(name)),
                None => {
                    are_listed = true;
                    format!(
                        "unknown column {}; if it is there for others, name it in ignore_columns; known are {}",
                        quoted(name),
                        all().collect::<Vec<_>>().join(", ")
                    )
                }
            };
            complaints.take(Err::<(), _>(self.header_error(name, problem)));
        }
        complaints.end()?;
        match required.iter().find(|name| !self.has(name)) {
            Some(name) => Err(self.missing_column(name)),
            None => Ok(()),
        }
    }

    /// Checks that no two rows have the same text in `column` and that none is empty.
    ///
    /// # Errors
    /// The second of two equal rows, with the line of the first.
    pub fn check_unique(&self, column: &str) -> Result<(), InputError> {
        let mut first_line = HashMap::with_capacity(self.lines.len());
        for row in self.rows() {
            let text = row.text(column)?;
            if let Some(first) = first_line.insert(text, row.line) {
                return Err(row.error(
                    column,
                    format!("{} is already on line {first}; each must be unique", quoted(text)),
                ));
            }
        }
        Ok(())
    }

    fn field(&self, row: usize, column: usize) -> Option<&str> {
        let idx = row.checked_mul(self.header.len())?.checked_add(column)?;
        let end = *self.ends.get(idx)?;
        let start = idx.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        self.text.get(usize::try_from(start).ok()?..usize::try_from(end).ok()?)
    }

    /// A column's place in the header.
    pub fn index_of(&self, column: &str) -> Option<usize> {
        self.columns.get(column).copied()
    }
}

impl<'a> Row<'a> {
    /// The row's line in the file, from 1.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// An error in this row: `positions.csv:12:5 (strike)`, or `positions.csv:12 (strike)` without such a column.
    pub fn error(&self, column: &str, problem: impl Into<String>) -> InputError {
        let (file, line) = (&self.table.file_name, self.line);
        match self.table.index_of(column) {
            Some(idx) => InputError::new(format!("{file}:{line}:{} ({})", idx + 1, shown(column)), problem),
            None => InputError::new(format!("{file}:{line} ({})", shown(column)), problem),
        }
    }

    /// The field's text without surrounding spaces, or nothing if it is empty.
    pub fn optional_text(&self, column: &str) -> Option<&'a str> {
        self.text_at(self.table.index_of(column)?)
    }

    /// The field's text by the column's place in the header; nothing if it is empty.
    pub fn text_at(&self, column: usize) -> Option<&'a str> {
        self.table.field(self.idx, column).filter(|text| !text.is_empty())
    }

    /// The field's text, which must be there.
    ///
    /// # Errors
    /// An empty field.
    pub fn text(&self, column: &str) -> Result<&'a str, InputError> {
        self.optional_text(column).ok_or_else(|| self.error(column, "is empty; a value is needed here"))
    }

    /// The field's finite number, or nothing if it is empty.
    ///
    /// # Errors
    /// Text that is not a finite decimal number.
    pub fn optional_number(&self, column: &str) -> Result<Option<f64>, InputError> {
        let Some(text) = self.optional_text(column) else { return Ok(None) };
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Some(number)),
            Ok(_) => Err(self.error(column, format!("{} is not a finite number", quoted(text)))),
            Err(_) => {
                let problem =
                    format!("{} is not a number; {}", quoted(text), foreign::number_instead_of(text));
                Err(self.error(column, problem))
            }
        }
    }

    /// The field's finite number, which must be there.
    ///
    /// # Errors
    /// An empty field, or text that is not a finite decimal number.
    pub fn number(&self, column: &str) -> Result<f64, InputError> {
        self.optional_number(column)?.ok_or_else(|| self.error(column, "is empty; a number is needed here"))
    }

    /// The field's date, or nothing if it is empty.
    ///
    /// # Errors
    /// Text that is not an ISO date.
    pub fn optional_date(&self, column: &str) -> Result<Option<NaiveDate>, InputError> {
        let Some(text) = self.optional_text(column) else { return Ok(None) };
        match iso_date(text) {
            Some(date) => Ok(Some(date)),
            None => {
                Err(self.error(column, format!("{} is not a date; write it like 2026-12-31", quoted(text))))
            }
        }
    }

    /// The field's date, which must be there.
    ///
    /// # Errors
    /// An empty field, or text that is not an ISO date.
    pub fn date(&self, column: &str) -> Result<NaiveDate, InputError> {
        self.optional_date(column)?
            .ok_or_else(|| self.error(column, "is empty; a date like 2026-12-31 is needed here"))
    }
}

/// A column's name in a place: shortened, on one line.
fn shown(name: &str) -> String {
    const MOST_CHARS: usize = 60;
    on_one_line(&shortened(name, MOST_CHARS))
}

/// A header of a single column that has another separator than commas.
fn check_separators(file_name: &str, line: u64, header: &[String]) -> Result<(), InputError> {
    let [only] = header else { return Ok(()) };
    let found = [(';', "semicolons"), ('\t', "tabs"), ('|', "bars")].iter().find(|(c, _)| only.contains(*c));
    match found {
        None => Ok(()),
        Some((_, name)) => {
            let problem = format!("the fields are separated by {name}; use commas, and points in numbers");
            Err(InputError::new(format!("{file_name}:{line}"), problem))
        }
    }
}

/// Indexes the columns of a header, each of which must have a name of its own.
fn columns(file_name: &str, line: u64, header: &[String]) -> Result<HashMap<String, usize>, InputError> {
    let mut columns = HashMap::with_capacity(header.len());
    for (idx, name) in header.iter().enumerate() {
        let place = format!("{file_name}:{line}:{}", idx + 1);
        if name.is_empty() {
            return Err(InputError::new(place, "this column has no name; give it one, or remove it"));
        }
        check_name(name).map_err(|problem| InputError::new(place.clone(), problem))?;
        if let Some(first) = columns.insert(name.clone(), idx) {
            let problem = format!("this column is already column {}; each must be unique", first + 1);
            return Err(InputError::new(format!("{place} ({})", shown(name)), problem));
        }
    }
    Ok(columns)
}

/// A calendar date written in full, `2026-12-31` (ISO 8601 extended format, year 0001 to 9999); nothing else.
pub fn iso_date(text: &str) -> Option<NaiveDate> {
    let shape = text.bytes().enumerate().all(|(idx, byte)| match idx {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    });
    if !shape || text.len() != 10 {
        return None;
    }
    let year: i32 = text.get(..4)?.parse().ok()?;
    let month = text.get(5..7)?.parse().ok()?;
    let day = text.get(8..)?.parse().ok()?;
    if year == 0 { None } else { NaiveDate::from_ymd_opt(year, month, day) }
}

/// Counts lines from the start of a text, for offsets that only grow.
struct Lines<'a> {
    bytes: &'a [u8],
    offset: usize,
    line: u64,
}

impl<'a> Lines<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, offset: 0, line: 1 }
    }

    /// The line of the byte at `offset`; lines end in `\n`, `\r\n` or `\r`.
    fn line_of(&mut self, offset: usize) -> u64 {
        let offset = offset.min(self.bytes.len());
        let passed = self.bytes.get(self.offset..offset).unwrap_or_default();
        let ends = memchr2_iter(b'\n', b'\r', passed).filter(|at| self.ends_line(self.offset + at)).count();
        self.line += ends as u64;
        self.offset = self.offset.max(offset);
        self.line
    }

    /// The line where the record that was read from `offset` begins, after the blank lines that were skipped.
    fn line_of_record(&mut self, offset: usize) -> u64 {
        self.line_of(offset);
        while matches!(self.bytes.get(self.offset), Some(b'\n' | b'\r')) {
            self.line_of(self.offset + 1);
        }
        self.line
    }

    /// Whether a line ends with the byte at `offset`.
    fn ends_line(&self, offset: usize) -> bool {
        match self.bytes.get(offset) {
            Some(b'\n') => true,
            Some(b'\r') => self.bytes.get(offset + 1) != Some(&b'\n'),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests;
