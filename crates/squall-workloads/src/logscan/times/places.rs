//! The places of a record at which a stamp may begin.

/// Kinds of bytes, as sets.
pub(super) const DIGIT: u8 = 1;
pub(super) const LETTER: u8 = 2;
const OTHER: u8 = 4;
pub(super) const ANY: u8 = DIGIT | LETTER | OTHER;
/// Bytes behind which a stamp may begin; a bracket also ends the priority of a syslog record.
const SEPARATOR: u8 = 8;
const BLANK: u8 = 16;

const KINDS: [u8; 256] = {
    let mut kinds = [OTHER; 256];
    let mut byte = 0;
    while byte < 256 {
        #[expect(clippy::cast_possible_truncation, reason = "below 256")]
        let it = byte as u8;
        if it.is_ascii_digit() {
            kinds[byte] = DIGIT;
        } else if it.is_ascii_alphabetic() {
            kinds[byte] = LETTER;
        } else if matches!(it, b' ' | b'\t') {
            kinds[byte] = OTHER | SEPARATOR | BLANK;
        } else if matches!(it, b'[' | b'(' | b'"' | b'\'' | b'=' | b'|' | b',' | b'>') {
            kinds[byte] = OTHER | SEPARATOR;
        }
        byte += 1;
    }
    kinds
};

/// The kind of a byte that begins a stamp.
pub(super) fn kind_of(byte: u8) -> u8 {
    KINDS.get(usize::from(byte)).copied().unwrap_or(OTHER) & ANY
}

/// Goes through the first `reach` bytes of a record and asks, at each place where a stamp may begin with a byte of the wanted kinds:
/// the index of the field (of those that blanks separate), and the text from there.
#[inline]
pub(super) fn first_place<'a, T>(
    record: &'a [u8],
    wanted: u8,
    reach: usize,
    mut read: impl FnMut(usize, &'a [u8]) -> Option<T>,
) -> Option<T> {
    let mut rest = record;
    let mut before = SEPARATOR | BLANK;
    let mut field = usize::MAX;
    for _ in 0..reach {
        let (&byte, after) = rest.split_first()?;
        let kind = KINDS.get(usize::from(byte)).copied().unwrap_or(OTHER);
        if before & SEPARATOR != 0 {
            if before & BLANK > kind & BLANK {
                field = field.wrapping_add(1);
            }
            if kind & wanted != 0
                && let Some(found) = read(field, rest)
            {
                return Some(found);
            }
        }
        before = kind;
        rest = after;
    }
    None
}

/// Drops what may be before the beginning of a record: a byte order mark, and colours of a terminal.
#[inline]
pub(super) fn without_marks(record: &[u8]) -> &[u8] {
    match record.first() {
        Some(0xef) => record.strip_prefix(b"\xef\xbb\xbf").unwrap_or(record),
        Some(0x1b) => {
            let Some(codes) = record.strip_prefix(b"\x1b[") else { return record };
            let end = codes.iter().take(16).position(|it| !(it.is_ascii_digit() || *it == b';'));
            match end.and_then(|it| codes.get(it..)) {
                Some([b'm', rest @ ..]) => rest,
                _ => record,
            }
        }
        _ => record,
    }
}
