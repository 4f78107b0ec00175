//! CSV files whose mistakes are named by file, line and column, the first twenty of a file at once.
//!
//! Not by the crate `csv`: there a quote that is never closed swallows the lines after it, so that a mistake is told of the wrong line;
//! here a row is a line. And what is read borrows from the file, so that the ids of ten million points are not copied.

use std::ops::RangeInclusive;

use squall_core::sources::Given;
use squall_core::workload::InputError;

/// Most complaints about one file.
const MAX_COMPLAINTS: usize = 20;
/// Most columns that a file here may have.
const MAX_COLUMNS: usize = 8;

/// A file: a header, then a row on each line that is not blank. Fields are separated by commas; one in double quotes has neither a
/// comma nor a quote inside.
#[derive(Debug)]
pub(crate) struct Table<'a> {
    name: &'a str,
    columns: Vec<&'a str>,
    /// The lines after the header, and the number of the first.
    body: &'a str,
    first_line: usize,
}

/// A row, which knows its place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row<'t, 'a> {
    table: &'t Table<'a>,
    line: usize,
    fields: [&'a str; MAX_COLUMNS],
    n_fields: usize,
}

impl<'a> Table<'a> {
    /// The file that `field` of the input names. It has all columns of `needed`, and no others but those of `allowed`.
    pub(crate) fn open(
        given: &'a Given,
        (field, name): (&str, &'a str),
        needed: &[&str],
        allowed: &[&str],
    ) -> Result<Self, InputError> {
        let Some(bytes) = given.files.get(name) else {
            return Err(InputError::new(field, format!("there is no file {name:?}")));
        };
        let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
            InputError::new(format!("{name}:{line}"), "not UTF-8 text; save the file as UTF-8")
        })?;
        let expected = format!("expected the columns {}", needed.join(","));
        let (mut rest, mut first_line) = (text, 1);
        let header = loop {
            let (line, others) = rest.split_once('\n').unwrap_or((rest, ""));
            (rest, first_line) = (others, first_line + 1);
            if !line.trim().is_empty() {
                break line;
            }
            if rest.is_empty() {
                return Err(InputError::new(name, format!("the file is empty; {expected}")));
            }
        };
        let wrong = |problem: String| Err(InputError::new(format!("{name}:{}", first_line - 1), problem));
        if !header.contains(',') && header.contains([';', '\t']) {
            return wrong("columns are separated by commas here".to_owned());
        }
        let columns: Vec<&str> = fields(header).collect();
        if let Some(missing) = needed.iter().find(|column| !columns.contains(column)) {
            return wrong(format!("there is no column {missing}; {expected}"));
        }
        for (idx, column) in columns.iter().enumerate() {
            if !needed.contains(column) && !allowed.contains(column) {
                let allowed = if allowed.is_empty() { "no other" } else { &allowed.join(",") };
                return wrong(format!("unknown column {column:?}; {expected}, and {allowed}"));
            }
            if columns.iter().take(idx).any(|other| other == column) {
                return wrong(format!("the column {column} is there twice"));
            }
        }
        Ok(Self { name, columns, body: rest, first_line })
    }

    /// The rows.
    pub(crate) fn rows<'t>(&'t self) -> impl Iterator<Item = Row<'t, 'a>> {
        let lines = self.body.lines().enumerate().filter(|(_, text)| !text.trim().is_empty());
        lines.map(|(idx, text)| {
            let mut row =
                Row { table: self, line: self.first_line + idx, fields: [""; MAX_COLUMNS], n_fields: 0 };
            for field in fields(text) {
                if let Some(slot) = row.fields.get_mut(row.n_fields) {
                    *slot = field;
                }
                row.n_fields += 1;
            }
            row
        })
    }

    /// The rows that `read` makes of them.
    ///
    /// # Errors
    /// The first complaints, and how many there are; no row at all.
    pub(crate) fn read<T>(
        &self,
        mut read: impl FnMut(Row<'_, 'a>) -> Result<T, InputError>,
    ) -> Result<Vec<T>, InputError> {
        let (mut all, mut first, mut n_wrong) = (Vec::new(), Vec::new(), 0_usize);
        for row in self.rows() {
            match row.check_width().and_then(|()| read(row)) {
                Ok(value) if n_wrong == 0 => all.push(value),
                Ok(_) => {}
                Err(error) => {
                    n_wrong += 1;
                    if first.len() < MAX_COMPLAINTS {
                        first.push(error);
                    }
                }
            }
        }
        let n_more = n_wrong - first.len();
        let mut first = first.into_iter();
        if let Some(InputError { place, mut problem }) = first.next() {
            first.for_each(|error| problem.push_str(&format!("\n{error}")));
            if n_more > 0 {
                problem.push_str(&format!("\nand {n_more} more in this file"));
            }
            return Err(InputError::new(place, problem));
        }
        if all.is_empty() {
            return Err(InputError::new(
                self.name,
                "there is no row below the header; expected at least one",
            ));
        }
        Ok(all)
    }
}

/// The fields of a line, without the spaces and the quotes around them.
fn fields(line: &str) -> impl Iterator<Item = &str> {
    line.split(',').map(|field| {
        let field = field.trim();
        field.strip_prefix('"').and_then(|field| field.strip_suffix('"')).unwrap_or(field)
    })
}

impl<'a> Row<'_, 'a> {
    fn check_width(&self) -> Result<(), InputError> {
        let (found, expected) = (self.n_fields, self.table.columns.len());
        if found != expected {
            let problem = format!("{found} fields; expected {expected}, as in the header");
            return Err(InputError::new(format!("{}:{}", self.table.name, self.line), problem));
        }
        Ok(())
    }

    /// A complaint about a field.
    pub(crate) fn error(&self, column: &str, problem: impl Into<String>) -> InputError {
        InputError::new(format!("{}:{} ({column})", self.table.name, self.line), problem)
    }

    /// The line in the file, from 1.
    pub(crate) fn line(&self) -> usize {
        self.line
    }

    /// The text of a field; `None` if there is no such column, or nothing in it.
    pub(crate) fn text(&self, column: &str) -> Option<&'a str> {
        let idx = self.table.columns.iter().position(|name| *name == column)?;
        self.fields.get(idx).copied().filter(|field| !field.is_empty())
    }

    /// A name: something that can be read.
    pub(crate) fn name(&self, column: &str) -> Result<&'a str, InputError> {
        let name = self.text(column).ok_or_else(|| self.error(column, "nothing; expected a name"))?;
        if name.contains('"') || name.chars().any(squall_core::visible::is_hidden) || name.len() > 100 {
            let problem = format!("{name:?}; expected at most 100 bytes of visible text without quotes");
            return Err(self.error(column, problem));
        }
        Ok(name)
    }

    /// A number in a range.
    pub(crate) fn number(&self, column: &str, range: RangeInclusive<f64>) -> Result<f64, InputError> {
        let text = self.text(column).unwrap_or_default();
        let number = text.parse().ok().filter(|number| range.contains(number));
        number.ok_or_else(|| {
            let (least, most) = (range.start(), range.end());
            self.error(column, format!("{text:?}; expected a number from {least} to {most}"))
        })
    }

    /// A whole number in a range.
    pub(crate) fn whole(&self, column: &str, range: RangeInclusive<u32>) -> Result<u32, InputError> {
        let text = self.text(column).unwrap_or_default();
        let number = text.parse().ok().filter(|number| range.contains(number));
        number.ok_or_else(|| {
            let (least, most) = (range.start(), range.end());
            self.error(column, format!("{text:?}; expected a whole number from {least} to {most}"))
        })
    }
}
