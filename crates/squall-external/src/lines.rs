//! Buffers for what a program writes.

use squall_core::visible::visible;

/// Most bytes of what a program printed that are kept.
const TAIL_BYTES: usize = 2_000;

/// Bytes as they come, line by line. Each byte is looked at once.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    bytes: Vec<u8>,
    /// Where the next line begins.
    start: usize,
    /// Up to where there is no line feed.
    seen: usize,
}

impl Lines {
    pub(crate) fn push(&mut self, chunk: &[u8]) {
        if self.start > 0 && self.start * 2 >= self.bytes.len() {
            self.bytes.drain(..self.start);
            self.seen -= self.start;
            self.start = 0;
        }
        self.bytes.extend(chunk);
    }

    /// The next line, without its line feed.
    pub(crate) fn next(&mut self) -> Option<&[u8]> {
        let feed = self.bytes.get(self.seen..)?.iter().position(|byte| *byte == b'\n');
        let Some(feed) = feed else {
            self.seen = self.bytes.len();
            return None;
        };
        let (start, end) = (self.start, self.seen + feed);
        self.start = end + 1;
        self.seen = self.start;
        self.bytes.get(start..end)
    }

    /// Bytes that are not taken yet.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len() - self.start
    }
}

/// The end of what a program printed, and how much it was.
#[derive(Debug, Default)]
pub(crate) struct Tail {
    bytes: Vec<u8>,
    /// Bytes since the last [`forget`](Tail::forget).
    pub(crate) n_bytes: usize,
}

impl Tail {
    pub(crate) fn push(&mut self, chunk: &[u8]) {
        self.n_bytes += chunk.len();
        self.bytes.extend(chunk);
        if self.bytes.len() > 4 * TAIL_BYTES {
            self.bytes.drain(..self.bytes.len() - TAIL_BYTES);
        }
    }

    pub(crate) fn forget(&mut self) {
        self.bytes.clear();
        self.n_bytes = 0;
    }

    /// The end of it as text for people; empty if there is none.
    pub(crate) fn text(&self) -> String {
        let from = self.bytes.len().saturating_sub(TAIL_BYTES);
        let text = String::from_utf8_lossy(self.bytes.get(from..).unwrap_or_default());
        let text = text.trim_end();
        match text.get(..).filter(|_| from > 0) {
            Some(text) => format!("…{}", visible(text)),
            None => visible(text).into_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_whole_however_they_arrive() {
        let mut lines = Lines::default();
        let mut found = Vec::new();
        for chunk in ["a", "b\nc", "\n\nd", "", "e"] {
            lines.push(chunk.as_bytes());
            while let Some(line) = lines.next() {
                found.push(String::from_utf8(line.to_vec()).unwrap());
            }
        }
        assert_eq!(found, ["ab", "c", ""]);
        assert_eq!(lines.len(), 2);
    }

    #[test]
    fn of_much_the_end_is_kept() {
        let mut tail = Tail::default();
        for number in 0..10_000 {
            tail.push(format!("line {number}\n").as_bytes());
        }
        let text = tail.text();
        assert!(text.starts_with('…') && text.ends_with("line 9998\nline 9999"), "{text}");
        assert!(text.len() <= TAIL_BYTES + 3);
        tail.forget();
        assert_eq!((tail.text().as_str(), tail.n_bytes), ("", 0));
    }
}
