//! Whether an object's records are lines.

use memchr::memchr;
use serde::de::IgnoredAny;
use serde_json::Deserializer;

use super::{BYTE_ORDER_MARK, Splitter};

/// What the records of an object are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Its lines: of text, or of JSON with a document on each.
    Lines,
    /// What a [`Splitter`] finds.
    Json,
}

/// How much of an object is looked at, bytes.
const MOST_HEAD_BYTES: usize = 64 * 1024;

/// What the head of an object is made of.
#[derive(Debug, Default)]
struct Documents {
    /// Bytes that are JSON, all of them if the last document goes on after the head.
    n_valid: usize,
    n_documents: usize,
    /// Nothing but objects, and lists of objects.
    is_all_json: bool,
    has_list: bool,
    has_two_on_a_line: bool,
    has_one_on_lines: bool,
    /// The last goes on after the head.
    is_last_open: bool,
    ends_without_line_feed: bool,
}

/// What the records are of an object that begins with `head`: its first 64 KiB, all of it if it is shorter. JSON that is not lines has a
/// list of records and little else (`{"Records":[`, `"logEvents":[`), several documents on one line, a document over several lines, a list of objects, or
/// is a document without a line feed. What is not JSON, even after documents that are, is lines, unless all of these had a list of records.
pub fn shape(head: &[u8]) -> Shape {
    let head = head.get(..MOST_HEAD_BYTES).unwrap_or(head);
    let head = head.strip_prefix(BYTE_ORDER_MARK).unwrap_or(head);
    if !matches!(head.trim_ascii_start().first(), Some(b'{' | b'[')) {
        return Shape::Lines;
    }
    let documents = documents(head);
    if documents.n_documents == 0 {
        return Shape::Lines;
    }
    let mut splitter = Splitter::new(0);
    let _ = splitter.feed(head.get(..documents.n_valid).unwrap_or(head), &mut |_| {});
    let is_json = documents.is_all_json
        && (documents.has_list
            || documents.has_two_on_a_line
            || documents.has_one_on_lines
            || documents.ends_without_line_feed);
    let all_have_lists = splitter.n_with_list() > 0
        && splitter.n_with_list() + usize::from(documents.is_last_open) >= documents.n_documents;
    if all_have_lists || is_json { Shape::Json } else { Shape::Lines }
}

fn documents(head: &[u8]) -> Documents {
    let mut documents = Documents { is_all_json: true, ..Documents::default() };
    let mut stream = Deserializer::from_slice(head).into_iter::<IgnoredAny>();
    loop {
        let before = stream.byte_offset();
        let (end, is_whole) = match stream.next() {
            None => break,
            Some(Ok(_)) => (stream.byte_offset(), true),
            Some(Err(error)) if error.is_eof() => (head.len(), false),
            Some(Err(_)) => {
                documents.is_all_json = false;
                break;
            }
        };
        let between = head.get(before..end).unwrap_or_default();
        let text = between.trim_ascii_start();
        let gap = between.get(..between.len() - text.len()).unwrap_or_default();
        let is_list = is_list_of_objects(text);
        if !is_list && text.first() != Some(&b'{') {
            documents.is_all_json = false;
            break;
        }
        documents.has_two_on_a_line |= documents.n_documents > 0 && memchr(b'\n', gap).is_none();
        documents.has_one_on_lines |= memchr(b'\n', text).is_some();
        documents.has_list |= is_list;
        documents.n_documents += 1;
        documents.n_valid = end;
        documents.ends_without_line_feed = is_whole && documents.n_documents == 1 && end == head.len();
        documents.is_last_open = !is_whole;
        if !is_whole {
            break;
        }
    }
    documents
}

fn is_list_of_objects(text: &[u8]) -> bool {
    text.strip_prefix(b"[").is_some_and(|rest| rest.trim_ascii_start().first() == Some(&b'{'))
}
