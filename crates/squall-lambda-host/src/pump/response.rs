//! The meaning of a function's answer for its batch
//! (<https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html>).

use serde_json::Value;

use crate::delivery::Handled;

/// Reads the answer of a function that may report partial failures, with the reason if something failed.
///
/// An answer without a list of failures, or with an empty one, is a success. The failed record that comes first in the
/// batch counts. A list that is malformed, or that names a record that is not in the batch, is a failure of the whole
/// batch.
pub fn read_response(answer: &[u8], sequences: &[&str]) -> (Handled, String) {
    if answer.iter().all(u8::is_ascii_whitespace) {
        return (Handled::All, String::new());
    }
    let failures = match serde_json::from_slice(answer) {
        Ok(Value::Null) => return (Handled::All, String::new()),
        Ok(Value::Object(answer)) => answer.get("batchItemFailures").cloned().unwrap_or(Value::Null),
        Ok(other) => return malformed(&other.to_string()),
        Err(_) => return malformed(&String::from_utf8_lossy(answer)),
    };
    let failures = match failures {
        Value::Null => return (Handled::All, String::new()),
        Value::Array(failures) => failures,
        other => return malformed(&other.to_string()),
    };
    let mut first = None;
    for failure in failures {
        let position = failure
            .get("itemIdentifier")
            .and_then(Value::as_str)
            .and_then(|id| sequences.iter().position(|sequence| *sequence == id));
        let Some(position) = position else { return malformed(&failure.to_string()) };
        first = Some(first.map_or(position, |first: usize| first.min(position)));
    }
    match first {
        None => (Handled::All, String::new()),
        Some(position) => (Handled::UpTo(position), "the function reported the record as failed".to_owned()),
    }
}

fn malformed(answer: &str) -> (Handled, String) {
    /// Enough to recognize it.
    const N_CHARS: usize = 200;
    let text: String = answer.chars().take(N_CHARS).collect();
    (Handled::Nothing, format!("the function's list of failed records does not fit its batch: {text}"))
}

#[cfg(test)]
mod tests;
