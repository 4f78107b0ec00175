//! A function's output, line by line.

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};

/// Longer lines are cut, so that output without an end of line cannot fill the memory.
const LONGEST: usize = squall_core::limits::CLOUDWATCH_LOG_EVENT_BYTES;

/// Passes every line of `from` to `to`, until the end.
pub(super) async fn copy(from: impl AsyncRead + Unpin, to: impl Fn(&str)) {
    let mut from = BufReader::new(from);
    let mut line = Vec::new();
    while let Ok(read) = from.fill_buf().await
        && !read.is_empty()
    {
        let end = read.iter().position(|&byte| byte == b'\n');
        // Cut only if there is more of it.
        if line.len() == LONGEST && end != Some(0) {
            to(&String::from_utf8_lossy(&line));
            line.clear();
        }
        let n_taken = end.unwrap_or(read.len()).min(LONGEST - line.len());
        line.extend_from_slice(&read[..n_taken]);
        let ended = end == Some(n_taken);
        from.consume(n_taken + usize::from(ended));
        if ended {
            to(&String::from_utf8_lossy(&line));
            line.clear();
        }
    }
    if !line.is_empty() {
        to(&String::from_utf8_lossy(&line));
    }
}

#[cfg(test)]
mod tests;
