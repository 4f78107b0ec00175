//! What is no CSV, or no number, as programs of others write it: named as what it is.

const JSON: &str = "the file is JSON; CSV is needed, whose first line names the columns";
const MARKUP: &str = "the file is HTML or XML; CSV is needed, whose first line names the columns";

/// How files begin that are something else.
const FORMATS: [(&[u8], &str); 13] = [
    (b"\xFF\xFE", "the file is UTF-16; save it as UTF-8"),
    (b"\xFE\xFF", "the file is UTF-16; save it as UTF-8"),
    (b"PK\x03\x04", "the file is a workbook or an archive; save the sheet as CSV in UTF-8"),
    (b"\xD0\xCF\x11\xE0", "the file is a workbook; save the sheet as CSV in UTF-8"),
    (b"\x1F\x8B", "the file is compressed; unpack it"),
    (b"PAR1", "the file is Parquet; write it as CSV"),
    (b"{", JSON),
    (b"[{", JSON),
    (b"[\n", JSON),
    (b"[\r", JSON),
    (b"<!", MARKUP),
    (b"<?", MARKUP),
    (b"<html", MARKUP),
];

/// What a file is, if it is no CSV, and what would be right.
pub(super) fn of_file(bytes: &[u8]) -> Option<&'static str> {
    // UTF-8 has no zero byte.
    match bytes {
        [0xFF, 0xFE, 0, 0, ..] | [0, 0, 0xFE, 0xFF, ..] | [1..=255, 0, 0, 0, ..] | [0, 0, 0, 1..=255, ..] => {
            return Some("the file is UTF-32; save it as UTF-8");
        }
        [1..=255, 0, 1..=255, 0, ..] | [0, 1..=255, 0, 1..=255, ..] => {
            return Some("the file is UTF-16; save it as UTF-8");
        }
        _ => {}
    }
    let text = bytes.trim_ascii_start();
    if text.get(..4).is_some_and(|start| start.eq_ignore_ascii_case(b"sep=")) {
        return Some("this line tells a spreadsheet the separator; remove it, and separate by commas");
    }
    FORMATS.iter().find(|(start, _)| text.starts_with(start)).map(|(_, problem)| *problem)
}

/// How a number is written that somebody else would have written so.
pub(super) fn number_instead_of(text: &str) -> String {
    const RIGHT: &str = "write it like 1234.5, -0.02 or 1e6";
    if text.ends_with('%') {
        return "write 4 % as 0.04".to_owned();
    }
    if text.starts_with('(') && text.ends_with(')') {
        return "write what is negative like -1234.5".to_owned();
    }
    // It may look like one.
    match text.chars().find(|c| !c.is_ascii()) {
        Some(c) => format!("it has the character U+{:04X}; {RIGHT}", u32::from(c)),
        None => RIGHT.to_owned(),
    }
}
