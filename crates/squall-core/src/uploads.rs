//! The names of the files that people upload for their jobs, which say what is in them.
//!
//! Several people put files into one place, and none of them may be believed: whoever reads a file holds its content against its name.

use crate::digest::Digest;

/// Where uploaded files are, in the deployment's bucket.
const FOLDER: &str = "files/";
/// Most characters after the digest.
const MOST_SUFFIX_CHARS: usize = 64;

/// The key of an uploaded file: `files/<SHA-256 in hexadecimal>`, and with a suffix (letters, digits and hyphens) `files/<SHA-256>-<suffix>`:
/// another object with the same content, for when somebody else has the first name.
pub fn key_of(content: Digest, suffix: Option<&str>) -> String {
    match suffix {
        Some(suffix) => format!("{FOLDER}{content}-{suffix}"),
        None => format!("{FOLDER}{content}"),
    }
}

/// The digest of the content that an uploaded file of this key must have; `None` if an upload has no such key.
pub fn content_of(key: &str) -> Option<Digest> {
    let name = key.strip_prefix(FOLDER)?;
    let (digest, suffix) = match name.split_once('-') {
        Some((digest, suffix)) => (digest, Some(suffix)),
        None => (name, None),
    };
    let is_suffix = |text: &str| {
        (1..=MOST_SUFFIX_CHARS).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    suffix.is_none_or(is_suffix).then(|| Digest::from_hex(digest)).flatten()
}

/// Why the content of an uploaded file is not used: it is not what its name says.
pub fn other_content(location: &str, named: Digest, found: Digest) -> String {
    format!(
        "{location} holds other content than its name says: SHA-256 {}, not {}; somebody else put it there, and it is not used. \
         `squall submit --new-copies` uploads yours under another name; or let an administrator delete that object",
        found.short(),
        named.short()
    )
}

/// What to do about an uploaded file that S3 does not give: another publisher can put the right content under its name in a form that nobody
/// here can read, archived or encrypted with a key of his own.
pub fn not_given() -> &'static str {
    "somebody else may have put this file there, archived or encrypted with another key: `squall submit --new-copies` uploads yours under \
     another name; or let an administrator delete that object"
}

#[cfg(test)]
mod tests;
