//! Parsing JSON from outside, with readable errors.

use serde::de::DeserializeOwned;

/// Most characters of a message.
const MOST_CHARS: usize = 500;

/// Reads one object.
///
/// # Errors
/// The field, its value, and what was expected.
pub(crate) fn read<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    // serde accepts an array as a struct, its fields in order; no publisher means that.
    match text.trim_start().chars().next() {
        Some('{') => {}
        Some(first) => return Err(format!("the text begins with {first:?}, expected one JSON object")),
        None => return Err("the text is empty, expected one JSON object".to_owned()),
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    let read = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        // A syntax error needs its line and column; an error in a field does not.
        let text = if inner.is_data() { without_place(&inner) } else { inner.to_string() };
        let text = text
            .replace("expected u32", "expected a whole number")
            .replace("expected u64", "expected a whole number");
        let has_path = ![".", "?"].contains(&path.as_str()) && !text.contains(&format!("`{path}`"));
        let text = if has_path { format!("{path}: {text}") } else { text };
        // An unknown name may hold any characters; the message must stay on one line.
        let text = text.replace(char::is_control, "\u{fffd}");
        // Nor may it be as long as a name may be.
        match text.char_indices().nth(MOST_CHARS) {
            Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
            None => text,
        }
    })?;
    reader.end().map_err(|error| format!("{error}, expected nothing after the object"))?;
    Ok(read)
}

fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    text.strip_suffix(&place).unwrap_or(&text).to_owned()
}
