//! Text of others on a terminal: what cannot be seen is shown escaped.

use std::borrow::Cow;
use std::fmt::Write;

/// A character that is not seen, or that changes how others are shown: a control character, an override of the writing direction, a
/// space without width, a filler, a blank pattern, a selector of variants. Not the joiners that some scripts need.
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180B}'..='\u{180F}' | '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{3164}' | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{2800}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF9}'..='\u{FFFB}'
            | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E007F}' | '\u{E0100}'..='\u{E01EF}')
}

/// The text with every hidden character but line feeds and tabs as `\u202e`, which is also how JSON writes it.
pub fn visible(text: &str) -> Cow<'_, str> {
    let is_shown = |c: char| c == '\n' || c == '\t' || !is_hidden(c);
    if text.bytes().all(|byte| (0x20..0x7F).contains(&byte) || byte == b'\n') || text.chars().all(is_shown) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_shown(c) {
            shown.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            let _ = write!(shown, "\\u{unit:04x}");
        }
    }
    Cow::Owned(shown)
}

/// The text with all hidden characters as [`visible`] shows them, line feeds and tabs too.
pub fn on_one_line(text: &str) -> String {
    visible(text).replace('\n', "\\n").replace('\t', "\\t")
}

/// The text; if it has more than `most` characters, its beginning and its end.
pub fn shortened(text: &str, most: usize) -> Cow<'_, str> {
    if text.len() <= most || text.chars().count() <= most {
        return Cow::Borrowed(text);
    }
    let tail = most / 3;
    let head: String = text.chars().take(most.saturating_sub(tail + 1)).collect();
    let end = text.char_indices().rev().nth(tail.saturating_sub(1)).map_or(text.len(), |(at, _)| at);
    Cow::Owned(format!("{head}…{}", text.get(end..).unwrap_or_default()))
}

/// Names in a row, as a message lists what may be chosen: "`a`, `b`".
pub fn in_backticks<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// Most characters of a word in a message: a name, a path, a number.
const MAX_WORD_CHARS: usize = 200;

/// A message of at most `most` characters, each of its words shortened: what it quotes may be of any length.
pub fn message(text: &str, most: usize) -> String {
    let words = text.split_inclusive([' ', '\n']).map(|word| shortened(word, MAX_WORD_CHARS));
    shortened(&words.collect::<String>(), most).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_no_long_words() {
        assert_eq!(message("cannot read a/b\nor c", 2_000), "cannot read a/b\nor c");
        let told = message(&format!("cannot read {}: too long", "x".repeat(1_000)), 2_000);
        assert!(told.starts_with("cannot read xxx") && told.ends_with("xxx: too long"), "{told}");
        assert_eq!(told.chars().count(), 12 + 200 + 8);
        assert_eq!(message(&"x ".repeat(5_000), 2_000).chars().count(), 2_000);
    }

    #[test]
    fn fillers_blanks_and_selectors_are_hidden() {
        for c in "\u{34F}\u{2800}\u{FFA0}\u{115F}\u{1160}\u{17B4}\u{17B5}\u{1D173}\u{1D17A}\u{FE00}\u{FE0F}\u{E0100}\u{E01EF}\u{3164}".chars() {
            assert!(is_hidden(c), "{c:?}");
        }
        assert!("aü日本\u{301}☂\u{200D}ᅡ".chars().all(|c| !is_hidden(c)));
    }

    #[test]
    fn a_long_text_keeps_its_beginning_and_its_end() {
        assert_eq!(shortened("abcdefghij", 10), "abcdefghij");
        assert_eq!(shortened("abcdefghijkl", 10), "abcdef…jkl");
        assert_eq!(shortened(&"ü".repeat(3_000), 2_000).chars().count(), 2_000);
        assert_eq!(on_one_line("a\nb\tc\u{1b}"), "a\\nb\\tc\\u001b");
    }

    #[test]
    fn what_a_terminal_would_obey_is_shown_instead() {
        assert_eq!(visible("plain\n\ttext, ü 日本 é\u{301}"), "plain\n\ttext, ü 日本 é\u{301}");
        assert!(matches!(visible("plain"), Cow::Borrowed(_)));
        assert_eq!(visible("a\u{1b}[2Jb\r\u{9b}c"), "a\\u001b[2Jb\\u000d\\u009bc");
        assert_eq!(visible("a\u{202E}b\u{200B}\u{FEFF}"), "a\\u202eb\\u200b\\ufeff");
        let json = serde_json::to_string("a\u{202E}\u{E0041}b").unwrap();
        assert_eq!(serde_json::from_str::<String>(&visible(&json)).unwrap(), "a\u{202E}\u{E0041}b");
    }
}
