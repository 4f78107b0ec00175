//! The width of the terminal, and texts that fit it.

use clap::Command;
use rustix::fd::AsFd;

/// Wider lines are hard to read, columns.
pub(crate) const WIDEST: usize = 100;
/// A line of a text that is at least this long was wrapped because it was full, columns.
const FULL: usize = 90;

/// The columns of the terminal behind a file; `None` if it is not a terminal.
pub(crate) fn columns(file: impl AsFd) -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(file).ok()?;
    Some(usize::from(size.ws_col)).filter(|&columns| columns > 0)
}

/// The command with its and its subcommands' closing help wrapped to fit the terminal.
pub(crate) fn with_fitting_help(command: Command) -> Command {
    fit(command, columns(std::io::stdout()).unwrap_or(WIDEST).min(WIDEST))
}

fn fit(command: Command, width: usize) -> Command {
    let after = command.get_after_help().map(|text| broken(&text.to_string(), width));
    let command = match after {
        Some(after) => command.after_help(after),
        None => command,
    };
    command.mut_subcommands(|it| fit(it, width))
}

/// A part of a text that is wrapped by itself.
enum Part {
    Blank,
    /// Prose.
    Paragraph(String),
    /// A line of an example, a list or a table: its continuation lines are indented further.
    Item(String),
}

/// The text with each paragraph filled, and each indented line wrapped at the column where its explanation begins.
fn broken(text: &str, width: usize) -> String {
    let mut parts: Vec<Part> = Vec::new();
    let mut last = "";
    for line in text.lines() {
        let goes_on = last.len() >= FULL || !last.ends_with(['.', ':']);
        match (parts.last_mut(), indent(line)) {
            _ if line.trim().is_empty() => parts.push(Part::Blank),
            (Some(Part::Paragraph(paragraph)), 0) if goes_on => {
                paragraph.push(' ');
                paragraph.push_str(line);
            }
            (Some(Part::Item(item)), by) if by > indent(item) => {
                item.push(' ');
                item.push_str(line.trim_start());
            }
            (_, 0) => parts.push(Part::Paragraph(line.to_owned())),
            _ => parts.push(Part::Item(line.to_owned())),
        }
        last = line;
    }
    let lines = parts.iter().map(|part| match part {
        Part::Blank => String::new(),
        Part::Paragraph(text) => filled(text, 0, width),
        Part::Item(text) => filled(text, explanation(text, width), width),
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// The column of the text after two spaces, or a little more than the line's own indent.
fn explanation(item: &str, width: usize) -> usize {
    let text = item.trim_start();
    let gap = text.find("  ").map(|at| at + indent(&text[at..]) + indent(item));
    gap.filter(|&column| column + 20 <= width).unwrap_or(indent(item) + 3)
}

/// The text in lines of at most this many columns, if its words are short enough; the second and later ones are
/// indented.
fn filled(text: &str, hanging: usize, width: usize) -> String {
    let (mut done, mut line) = (String::new(), String::new());
    let mut n_columns = 0;
    // Spaces stay with the word after them, so that columns stay aligned.
    for piece in pieces(text) {
        let n = piece.chars().count();
        if n_columns + n > width && !line.trim().is_empty() {
            done.push_str(line.trim_end());
            done.push('\n');
            line = " ".repeat(hanging);
            line.push_str(piece.trim_start());
            n_columns = line.chars().count();
        } else {
            line.push_str(piece);
            n_columns += n;
        }
    }
    done + line.trim_end()
}

/// The words, each with the spaces before it.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let n_spaces = indent(rest);
        let end = rest[n_spaces..].find(' ').map_or(rest.len(), |at| n_spaces + at);
        let (piece, after) = rest.split_at(end);
        rest = after;
        (!piece.is_empty()).then_some(piece)
    })
}

#[cfg(test)]
mod tests;
