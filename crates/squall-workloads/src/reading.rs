//! What text from outside may be, and how messages show it.

use std::collections::HashSet;

use serde::Deserialize;
use serde::de::{Error, MapAccess};
use squall_core::visible::{is_hidden, shortened};
use squall_core::workload::InputError;

/// Longest name that a person gives, characters.
pub(crate) const MAX_NAME_CHARS: usize = 200;
/// Characters of a text that a message shows.
const SHOWN_CHARS: usize = 60;
/// Complaints about one file that a message lists, and the characters that it may have.
const MAX_COMPLAINTS: usize = 20;
const MAX_MESSAGE_CHARS: usize = 1_700;

/// A text in quotes, shortened, with what cannot be seen escaped.
pub(crate) fn quoted(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN_CHARS + 1).collect();
    if shown.chars().count() > SHOWN_CHARS {
        shown = text.chars().take(SHOWN_CHARS - 1).collect();
        shown.push('…');
    }
    let escape = |c: char| match is_hidden(c) {
        true => c.escape_unicode().to_string(),
        false if c == '"' || c == '\\' => format!("\\{c}"),
        false => c.to_string(),
    };
    format!("\"{}\"", shown.chars().map(escape).collect::<String>())
}

/// Names in a row, as a message lists them: the first ones, shortened, and whether there are more.
pub(crate) fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    const MOST_NAMES: usize = 12;
    const MOST_CHARS: usize = 24;
    let mut names = names.map(|name| shortened(name, MOST_CHARS));
    let first: Vec<_> = names.by_ref().take(MOST_NAMES).collect();
    let more = if names.next().is_some() { ", …" } else { "" };
    format!("{}{more}", first.join(", "))
}

/// The first of some texts in a row, and how many more there are: `a, b and 2 more`.
pub(crate) fn first_of(texts: &[String], most: usize) -> String {
    let shown = texts.get(..most.min(texts.len())).unwrap_or_default().join(", ");
    match texts.len().saturating_sub(most) {
        0 => shown,
        n => format!("{shown} and {n} more"),
    }
}

/// A number with six digits, for people.
pub(crate) fn rounded(number: f64) -> f64 {
    format!("{number:.5e}").parse().unwrap_or(number)
}

/// The first of some lines, and a line that says how many more there are.
pub(crate) fn bounded(mut lines: Vec<String>, most: usize) -> Vec<String> {
    let more = lines.len().saturating_sub(most);
    lines.truncate(most);
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    lines
}

/// Checks that a text has nothing that cannot be seen.
///
/// # Errors
/// The first such character.
pub(crate) fn check_visible(text: &str) -> Result<(), String> {
    if text.bytes().all(|byte| (0x20..0x7F).contains(&byte)) {
        return Ok(());
    }
    match text.chars().find(|c| is_hidden(*c)) {
        None => Ok(()),
        Some(c) => {
            let problem =
                format!("{} has the invisible character U+{:04X}; remove it", quoted(text), u32::from(c));
            Err(problem)
        }
    }
}

/// Checks a name that a person gave: it becomes part of reports, as it is.
///
/// # Errors
/// A name that is too long, or has something that cannot be seen.
pub(crate) fn check_name(name: &str) -> Result<(), String> {
    check_visible(name)?;
    if name.len() <= MAX_NAME_CHARS {
        return Ok(());
    }
    match name.chars().count() {
        0..=MAX_NAME_CHARS => Ok(()),
        n => Err(format!("{} has {n} characters; a name has {MAX_NAME_CHARS} at most", quoted(name))),
    }
}

/// The fields of a JSON object in their order, each once: JSON allows a repeated one, and the last would silently win.
///
/// # Errors
/// A field that is there twice, and those of the reader.
pub(crate) fn fields_once<'de, A, V>(mut map: A) -> Result<Vec<(String, V)>, A::Error>
where
    A: MapAccess<'de>,
    V: Deserialize<'de>,
{
    let (mut fields, mut names) = (Vec::new(), HashSet::new());
    while let Some(name) = map.next_key::<String>()? {
        let value = map.next_value()?;
        if !names.insert(name.clone()) {
            return Err(A::Error::custom(format!("{} is there twice; each must be unique", quoted(&name))));
        }
        fields.push((name, value));
    }
    Ok(fields)
}

/// The complaints about one file: the first ones, and how many there are.
#[derive(Debug, Default)]
pub(crate) struct Complaints {
    first: Vec<InputError>,
    n: usize,
}

impl Complaints {
    /// Adds one, and carries on; returns the value if there is no complaint.
    pub(crate) fn take<T>(&mut self, read: Result<T, InputError>) -> Option<T> {
        match read {
            Ok(value) => Some(value),
            Err(error) => {
                self.n += 1;
                if self.first.len() < MAX_COMPLAINTS {
                    self.first.push(error);
                }
                None
            }
        }
    }

    /// All of them as one.
    ///
    /// # Errors
    /// When there is any.
    pub(crate) fn end(self) -> Result<(), InputError> {
        let mut all = self.first.into_iter();
        let Some(InputError { place, mut problem }) = all.next() else { return Ok(()) };
        let mut n_listed = 1;
        for error in all {
            let line = format!("\n{error}");
            if problem.chars().count() + line.chars().count() > MAX_MESSAGE_CHARS {
                break;
            }
            problem.push_str(&line);
            n_listed += 1;
        }
        if self.n > n_listed {
            problem.push_str(&format!("\nand {} more in this file", self.n - n_listed));
        }
        Err(InputError { place, problem })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_refused_and_shown_escaped() {
        for (name, c) in [
            ("a\u{202E}b", "202E"),
            ("a\u{200B}", "200B"),
            ("\u{FEFF}a", "FEFF"),
            ("a\u{1b}[31m", "001B"),
            ("a\tb", "0009"),
            ("a\u{85}", "0085"),
            ("a\u{2066}", "2066"),
        ] {
            let told = check_name(name).unwrap_err();
            assert!(told.contains(&format!("U+{c}")), "{told}");
            assert!(told.chars().all(|it| !is_hidden(it)), "{told:?}");
        }
        for name in ["ACME", "Zürich Re", "日本", "a b", "O'Neill & Söhne \"A\"", "é\u{301}", ""] {
            assert_eq!(check_name(name), Ok(()), "{name}");
        }
    }

    #[test]
    fn names_have_a_length_and_messages_show_little_of_them() {
        assert_eq!(check_name(&"ü".repeat(200)), Ok(()));
        let told = check_name(&"ü".repeat(65_536)).unwrap_err();
        assert!(told.ends_with("has 65536 characters; a name has 200 at most"), "{told}");
        assert!(told.chars().count() < 130, "{told}");
        assert_eq!(quoted("a\"b\\c"), r#""a\"b\\c""#);
        assert_eq!(quoted(&"x".repeat(60)).chars().count(), 62);
        assert_eq!(quoted(&"x".repeat(61)).chars().count(), 62);
    }

    #[test]
    fn lines_beyond_a_number_are_counted() {
        let lines = |n: usize| (0..n).map(|idx| idx.to_string()).collect::<Vec<String>>();
        assert_eq!(bounded(lines(2), 2), ["0", "1"]);
        assert_eq!(bounded(lines(5), 2), ["0", "1", "and 3 more"]);
    }

    #[test]
    fn complaints_are_listed_up_to_twenty_and_counted() {
        let complain = |n: usize, length: usize| {
            let mut complaints = Complaints::default();
            for line in 0..n {
                let words = "x ".repeat(length)[..length].trim_end().to_owned();
                let error = InputError::new(format!("t.csv:{line}"), words);
                assert_eq!(complaints.take(Err::<(), _>(error)), None);
            }
            assert_eq!(complaints.take(Ok(7)), Some(7));
            complaints.end()
        };
        assert_eq!(complain(0, 1), Ok(()));
        assert_eq!(complain(1, 1), Err(InputError::new("t.csv:0", "x")));
        assert_eq!(complain(2, 1).unwrap_err().to_string(), "t.csv:0: x\nt.csv:1: x");
        let many = complain(50, 10).unwrap_err().to_string();
        assert_eq!(many.lines().count(), 21);
        assert!(many.ends_with("\nand 30 more in this file"), "{many}");
        let long = complain(50, 500).unwrap_err().to_string();
        assert!(long.chars().count() < 2_000 && long.ends_with("\nand 47 more in this file"), "{long}");
    }
}
