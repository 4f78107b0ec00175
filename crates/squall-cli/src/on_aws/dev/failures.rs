//! Failures in the functions' log: the first of a kind is printed on the terminal, the rest stay in the file.

use std::collections::BTreeSet;

use serde_json::Value;

/// Longest part of a failure that is shown, characters.
const SHOWN: usize = 300;

/// The kinds of failure that were shown.
#[derive(Debug, Default)]
pub(super) struct Failures(BTreeSet<String>);

impl Failures {
    /// The text to print for a line of a function's log: its failure, unless one of the same kind was printed.
    pub(super) fn first(&mut self, function: &str, line: &str) -> Option<String> {
        let failure = failure(line)?;
        // Two failures that differ only in numbers and ids are of one kind.
        let words = failure.split(|it: char| !it.is_alphabetic());
        let kind: Vec<&str> = words.filter(|word| word.len() > 2).collect();
        let is_first = self.0.insert(format!("{function} {}", kind.join(" ")));
        is_first.then(|| failure.chars().take(SHOWN).collect())
    }
}

/// The failure in a line: an event of level ERROR as the functions write it, or their host's report on one that ended
/// early, as on AWS `RequestId: ID Error: REASON`.
fn failure(line: &str) -> Option<String> {
    if let Some(told) = line.strip_prefix("RequestId: ") {
        return told.split_once(" Error: ").map(|(_, reason)| reason.to_owned());
    }
    let event: Value = serde_json::from_str(line).ok()?;
    if event["level"] != "ERROR" {
        return None;
    }
    let texts = ["message", "error"].map(|field| event[field].as_str());
    let texts: Vec<&str> = texts.into_iter().flatten().collect();
    Some(if texts.is_empty() { line.to_owned() } else { texts.join(": ") })
}

#[cfg(test)]
mod tests;
