//! The answer for people, 80 columns wide but for what logs say: locations, groups and records are not broken.

use std::collections::BTreeMap;
use std::fmt::{self, Formatter};

use squall_core::visible::on_one_line;

use super::{Report, SignatureReport};

/// Columns of a terminal.
const WIDTH: usize = 80;
/// Rows of a table, groups, skipped objects and formats that are shown.
const MAX_ROWS: usize = 48;
const MAX_GROUPS: usize = 10;
const MAX_SKIPPED: usize = 20;
const MAX_FORMATS: usize = 12;

pub(super) fn write(report: &Report, f: &mut Formatter<'_>) -> fmt::Result {
    read(report, f)?;
    let digits = report.signatures.len().to_string().len();
    for (number, signature) in (1..).zip(&report.signatures) {
        summary(&format!("{number:>digits$}  "), signature, report, f)?;
    }
    tables(&report.signatures, f)?;
    for (number, signature) in (1..).zip(&report.signatures) {
        groups(number, signature, f)?;
    }
    for (number, signature) in (1..).zip(&report.signatures) {
        examples(number, signature, f)?;
    }
    not_searched(report, f)?;
    for note in &report.notes {
        wrapped("", 2, &format!("note: {note}"), f)?;
    }
    Ok(())
}

/// Writes `lead` and `text`, broken at spaces where a line is full; further lines begin at the column `hang`. A longer word is not broken.
fn wrapped(lead: &str, hang: usize, text: &str, f: &mut Formatter<'_>) -> fmt::Result {
    f.write_str(lead)?;
    let mut column = lead.chars().count();
    for (idx, word) in text.split(' ').enumerate() {
        let width = word.chars().count();
        if idx == 0 {
            column += width;
        } else if column + 1 + width <= WIDTH {
            f.write_str(" ")?;
            column += 1 + width;
        } else {
            write!(f, "\n{:hang$}", "")?;
            column = hang + width;
        }
        f.write_str(word)?;
    }
    writeln!(f)
}

/// Writes where something is: beside `what` if there is room, or else below it.
fn place(indent: usize, what: &str, object: &str, offset: u64, f: &mut Formatter<'_>) -> fmt::Result {
    let at = format!("{} at byte {offset}", on_one_line(object));
    let below = indent + 2;
    if indent + what.chars().count() + 1 + at.chars().count() <= WIDTH {
        writeln!(f, "{:indent$}{what} {at}", "")
    } else {
        writeln!(f, "{:indent$}{what}\n{:below$}{at}", "", "")
    }
}

fn read(report: &Report, f: &mut Formatter<'_>) -> fmt::Result {
    let read = &report.read;
    if report.is_partial {
        writeln!(f, "INCOMPLETE: {:.1} % of the work is in", report.work_done * 100.0)?;
    }
    if let Some(range) = &report.range {
        writeln!(f, "from {} to {}", range.from, range.to)?;
    }
    let unpacked = match read.plain_bytes == read.bytes {
        true => String::new(),
        false => format!(" ({} unpacked)", size(read.plain_bytes)),
    };
    let searched = format!(
        "searched {} of {} objects, {}{unpacked}, {} records",
        read.objects,
        read.objects_listed,
        size(read.bytes),
        grouped(read.records)
    );
    wrapped("", 2, &searched, f)?;
    let counts = [
        ("records with the time of one before them", read.records_with_inherited_time),
        ("records without a time", read.records_without_time),
        ("records longer than 16 MiB, searched no further", read.records_cut),
        ("objects that no pattern of the job matches", read.objects_unnamed),
        ("objects that an earlier entry has, too", read.objects_repeated),
    ];
    for (what, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
        writeln!(f, "  {what}: {}", grouped(count))?;
    }
    for (format, count) in report.formats.iter().take(MAX_FORMATS) {
        wrapped("  ", 4, &format!("{} of {format}", objects(*count)), f)?;
    }
    let listed = report.formats.values().skip(MAX_FORMATS).copied().fold(0, u64::saturating_add);
    match listed.saturating_add(report.other_formats) {
        0 => Ok(()),
        more => writeln!(f, "  {} of more formats", objects(more)),
    }
}

fn objects(count: u64) -> String {
    if count == 1 { "1 object".to_owned() } else { format!("{} objects", grouped(count)) }
}

/// What a signature without hits was not found in: never more than was searched.
fn none(report: &Report) -> String {
    match (report.is_partial, report.n_skipped) {
        (false, _) if report.read.objects == 0 => "nothing was searched".to_owned(),
        (false, 0) => "none".to_owned(),
        (false, n) => format!("none in what was searched; {} not searched to the end", objects_were(n)),
        (true, _) => "none so far".to_owned(),
    }
}

fn summary(lead: &str, signature: &SignatureReport, report: &Report, f: &mut Formatter<'_>) -> fmt::Result {
    let indent = lead.len() + 2;
    let found = match signature.hits {
        0 => none(report),
        1 => "1 hit".to_owned(),
        hits => format!("{} hits", grouped(hits)),
    };
    wrapped(lead, indent, &format!("{}: {found}", signature.name), f)?;
    if let Some(first) = &signature.first {
        place(indent, &format!("first {} in", first.time), &first.object, first.offset, f)?;
    }
    if let Some(last) = &signature.last {
        writeln!(f, "{:indent$}last {}", "", last.time)?;
    }
    let mut details = Vec::new();
    if signature.without_time > 0 {
        let why: Vec<String> =
            signature.why_without_time.iter().map(|(why, n)| format!("{}: {why}", grouped(*n))).collect();
        details.push(format!("{} without a time ({})", grouped(signature.without_time), why.join(", ")));
    }
    if signature.outside_range > 0 {
        details.push(format!("{} more outside of the range", grouped(signature.outside_range)));
    }
    if signature.later > 0 {
        details.push(format!("{} later than the buckets below", grouped(signature.later)));
    }
    details.iter().try_for_each(|detail| wrapped(&" ".repeat(indent), indent + 2, detail, f))
}

fn objects_were(n: u64) -> String {
    if n == 1 { "1 object was".to_owned() } else { format!("{} objects were", grouped(n)) }
}

/// A signature's hits by bucket, below its number.
struct Column<'a> {
    title: String,
    width: usize,
    signature: &'a SignatureReport,
}

/// Hits by bucket, as many signatures side by side as there is room for.
fn tables(signatures: &[SignatureReport], f: &mut Formatter<'_>) -> fmt::Result {
    let buckets = signatures.iter().flat_map(|it| &it.buckets);
    let from = buckets.map(|it| it.from.len()).max().unwrap_or(0);
    let (mut columns, mut width) = (Vec::new(), from);
    for (number, signature) in (1..).zip(signatures) {
        let title = format!("#{number}");
        let most = signature.buckets.iter().map(|it| it.hits).max().unwrap_or(0);
        let column = Column { width: title.len().max(grouped(most).len()), title, signature };
        if width + 2 + column.width > WIDTH && !columns.is_empty() {
            table(&columns, from, f)?;
            columns.clear();
            width = from;
        }
        width += 2 + column.width;
        columns.push(column);
    }
    table(&columns, from, f)
}

/// The rows from the first to the last with hits; `from` is the width of their times.
fn table(columns: &[Column<'_>], from: usize, f: &mut Formatter<'_>) -> fmt::Result {
    let mut rows: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for (idx, column) in columns.iter().enumerate() {
        for bucket in &column.signature.buckets {
            let row = rows.entry(bucket.from.as_str()).or_insert_with(|| vec![0; columns.len()]);
            if let Some(count) = row.get_mut(idx) {
                *count = bucket.hits;
            }
        }
    }
    let is_empty = |row: &&Vec<u64>| row.iter().all(|count| *count == 0);
    if rows.values().all(|row| is_empty(&row)) {
        return Ok(());
    }
    write!(f, "{:from$}", "")?;
    for Column { title, width, .. } in columns {
        write!(f, "  {title:>width$}")?;
    }
    writeln!(f)?;
    let n_before = rows.values().take_while(is_empty).count();
    let n_after = rows.values().rev().take_while(is_empty).count();
    let n_shown = rows.len().saturating_sub(n_before + n_after);
    for (key, row) in rows.iter().skip(n_before).take(n_shown.min(MAX_ROWS)) {
        write!(f, "{key:from$}")?;
        for (count, Column { width, .. }) in row.iter().zip(columns) {
            write!(f, "  {:>width$}", grouped(*count))?;
        }
        writeln!(f)?;
    }
    match n_shown.saturating_sub(MAX_ROWS) {
        0 => Ok(()),
        more => writeln!(f, "and {more} more buckets; --json or --csv has all"),
    }
}

fn groups(number: usize, signature: &SignatureReport, f: &mut Formatter<'_>) -> fmt::Result {
    let groups = signature.groups.as_deref().unwrap_or_default();
    if groups.is_empty() {
        return Ok(());
    }
    wrapped("", 2, &format!("#{number} {} by group:", signature.name), f)?;
    for group in groups.iter().take(MAX_GROUPS) {
        let name = if group.group.is_empty() { "(none)".to_owned() } else { on_one_line(&group.group) };
        writeln!(f, "  {:>12}  {name}", grouped(group.hits))?;
    }
    let more = groups.get(MAX_GROUPS..).unwrap_or_default();
    if !more.is_empty() {
        let hits = more.iter().map(|group| group.hits).fold(0, u64::saturating_add);
        writeln!(f, "  {:>12}  in {} more groups", grouped(hits), more.len())?;
    }
    if signature.other_groups > 0 {
        let others =
            format!("in groups beyond the {} that are told apart, which are a random choice", groups.len());
        wrapped(&format!("  {:>12}  ", grouped(signature.other_groups)), 16, &others, f)?;
    }
    Ok(())
}

fn examples(number: usize, signature: &SignatureReport, f: &mut Formatter<'_>) -> fmt::Result {
    if signature.examples.is_empty() {
        return Ok(());
    }
    wrapped("", 2, &format!("#{number} {}, the earliest:", signature.name), f)?;
    for example in &signature.examples {
        let time = example.time.as_deref().unwrap_or("without a time");
        place(2, &format!("{time} in"), &example.object, example.offset, f)?;
        for line in &example.before {
            writeln!(f, "    | {}", shown(line))?;
        }
        writeln!(f, "    > {}", shown(&example.record))?;
        for line in &example.after {
            writeln!(f, "    | {}", shown(line))?;
        }
    }
    Ok(())
}

/// A line as it fits onto a screen.
fn shown(line: &str) -> String {
    const MOST_CHARS: usize = 240;
    let line = on_one_line(&line.replace('\t', "    "));
    match line.char_indices().nth(MOST_CHARS) {
        None => line,
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
    }
}

fn not_searched(report: &Report, f: &mut Formatter<'_>) -> fmt::Result {
    if report.n_skipped == 0 {
        return Ok(());
    }
    writeln!(f, "{} not searched to the end:", objects_were(report.n_skipped))?;
    for skipped in report.skipped.iter().take(MAX_SKIPPED) {
        writeln!(f, "  {}", on_one_line(&skipped.object))?;
        let searched = match skipped.searched_bytes {
            0 => String::new(),
            bytes => format!("; {} of it were searched", size(bytes)),
        };
        let why = format!("{}: {}{searched}", size(skipped.bytes), on_one_line(&skipped.reason));
        wrapped("    ", 4, &why, f)?;
    }
    let shown = report.skipped.len().min(MAX_SKIPPED) as u64;
    match report.n_skipped.saturating_sub(shown) {
        0 => Ok(()),
        more => writeln!(f, "  and {} more", grouped(more)),
    }
}

/// A count with its thousands apart.
fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (idx, digit) in digits.chars().enumerate() {
        if idx > 0 && (digits.len() - idx).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn size(bytes: u64) -> String {
    let units = [(1_000_000_000_000_u64, "TB"), (1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
    match units.iter().find(|(unit, _)| bytes >= *unit) {
        None => format!("{bytes} bytes"),
        Some((unit, name)) => {
            let tenths = u128::from(bytes) * 10 / u128::from(*unit);
            format!("{}.{} {name}", tenths / 10, tenths % 10)
        }
    }
}

#[cfg(test)]
mod tests;
