//! Bytes as the payload of an invocation.
//!
//! Lambda passes only JSON (<https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html>), and the grid's messages
//! are bytes: a payload is one JSON string that holds them in base64, a third larger.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A payload that does not hold bytes of the grid.
#[derive(Debug, thiserror::Error)]
pub enum PayloadError {
    /// It is not one JSON string.
    #[error("the payload is not a JSON string")]
    NotAString(#[source] serde_json::Error),
    /// The string is not base64.
    #[error("the payload's string is not base64")]
    NotBase64(#[source] base64::DecodeError),
}

/// The payload that holds these bytes.
pub fn to_payload(bytes: &[u8]) -> Vec<u8> {
    // JSON escapes no character of the base64 alphabet.
    let mut text = String::with_capacity(payload_len(bytes.len()));
    text.push('"');
    STANDARD.encode_string(bytes, &mut text);
    text.push('"');
    text.into_bytes()
}

/// The length of the payload for `n_bytes` bytes.
pub fn payload_len(n_bytes: usize) -> usize {
    n_bytes.div_ceil(3) * 4 + 2
}

/// The bytes that a payload holds.
///
/// # Errors
/// When it is not one JSON string of base64.
pub fn from_payload(payload: &[u8]) -> Result<Vec<u8>, PayloadError> {
    let decoded = match payload {
        // The output of `to_payload` needs no parser.
        [b'"', text @ .., b'"'] if !text.contains(&b'\\') => STANDARD.decode(text),
        // An intermediary may have re-serialized it: with spaces around, or a slash escaped.
        _ => STANDARD.decode(serde_json::from_slice::<String>(payload).map_err(PayloadError::NotAString)?),
    };
    decoded.map_err(PayloadError::NotBase64)
}

#[cfg(test)]
mod tests;
