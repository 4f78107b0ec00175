//! Text of others on a terminal: what cannot be seen is shown escaped.

use std::borrow::Cow;
use std::fmt::Write;

/// A character that is not seen, or that changes how others are shown: a control character, an override of the writing direction, a
/// space without width. Not the joiners that some scripts need.
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{AD}' | '\u{61C}' | '\u{115F}' | '\u{180E}' | '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{3164}' | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
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

#[cfg(test)]
mod tests {
    use super::*;

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
