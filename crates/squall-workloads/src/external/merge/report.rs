//! Merged values for people, for programs and for spreadsheets.

use std::fmt::Write as _;
use std::io;

use serde_json::{Map, Value, json};
use squall_core::visible::{on_one_line, shortened};

use super::super::item::ItemId;
use super::number::integer;
use super::state::State;
use super::{Declared, Merge, Merged, Rule};

/// Most rows of a rule that a text shows.
const MAX_ROWS: usize = 20;
/// Most characters of a value in a text.
const MAX_SHOWN_CHARS: usize = 60;

/// An item as JSON: its index, or its name.
fn item(id: &ItemId) -> Value {
    if id.name.is_empty() { id.at.into() } else { id.name.as_str().into() }
}

/// A value as JSON; a number is a double or a 64-bit integer there.
fn value(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| text.into())
}

/// A rounded result; what no double holds is said so.
fn float(number: Option<f64>) -> Value {
    number.map_or_else(|| "overflow".into(), Value::from)
}

fn listed<'a>(entries: impl Iterator<Item = (&'a ItemId, &'a str)>) -> Value {
    entries.map(|(id, text)| json!({ "item": item(id), "value": value(text) })).collect()
}

impl Merge {
    /// For programs.
    pub fn report(&self, merged: Option<&Merged>) -> Value {
        let empty = self.empty();
        let merged = merged.unwrap_or(&empty);
        let reports = self.rules().zip(&merged.states).map(|(rule, state)| state.report(rule, merged.n));
        match &self.0 {
            Declared::One(_) => reports.into_iter().next().unwrap_or_default(),
            Declared::Fields(fields) => {
                let names = fields.iter().map(|(name, _)| name.clone());
                Value::Object(names.zip(reports).collect::<Map<_, _>>())
            }
        }
    }

    /// For people.
    pub fn text(&self, merged: Option<&Merged>) -> String {
        let empty = self.empty();
        let merged = merged.unwrap_or(&empty);
        let mut text = String::new();
        match &self.0 {
            Declared::One(rule) => {
                merged.states.iter().for_each(|state| text += &rows(&state.lines(rule, merged.n), ""));
            }
            Declared::Fields(fields) => {
                for ((name, rule), state) in fields.iter().zip(&merged.states) {
                    let name = on_one_line(name);
                    let lines = state.lines(rule, merged.n);
                    match lines.as_slice() {
                        [(label, line)] => {
                            let _ = writeln!(text, "{}: {label} {line}", shortened(&name, MAX_SHOWN_CHARS));
                        }
                        lines => {
                            let _ = writeln!(text, "{}:", shortened(&name, MAX_SHOWN_CHARS));
                            text += &rows(lines, "  ");
                        }
                    }
                }
            }
        }
        text
    }

    /// In a few words: the first of its merges.
    pub fn headline(&self, merged: &Merged) -> Option<String> {
        let (rule, state) = (self.rules().next()?, merged.states.first()?);
        let (label, line) = state.lines(rule, merged.n).into_iter().next()?;
        Some(shortened(&format!("{label} {line}"), MAX_SHOWN_CHARS).into_owned())
    }

    /// As CSV: of a `concat`, `top` or `count_by` its entries, of a `union` its elements, of others their figures.
    ///
    /// # Errors
    /// When `out` fails.
    pub fn write_rows(&self, merged: Option<&Merged>, out: &mut dyn io::Write) -> io::Result<()> {
        let empty = self.empty();
        let merged = merged.unwrap_or(&empty);
        let mut rows = csv::Writer::from_writer(out);
        match &self.0 {
            Declared::One(rule) => {
                let state = merged.states.iter().take(1);
                rows.write_record(["key", "value"])?;
                for (key, value) in state.flat_map(|state| state.rows(rule, merged.n)) {
                    rows.write_record([cell(key), cell(value)])?;
                }
            }
            Declared::Fields(fields) => {
                rows.write_record(["field", "key", "value"])?;
                for ((name, rule), state) in fields.iter().zip(&merged.states) {
                    for (key, value) in state.rows(rule, merged.n) {
                        rows.write_record([cell(name.clone()), cell(key), cell(value)])?;
                    }
                }
            }
        }
        rows.flush()
    }
}

/// Text that no spreadsheet takes for a formula: a quote before it, unless it is a number.
fn cell(text: String) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']) && text.parse::<f64>().is_err();
    if is_formula { format!("'{text}") } else { text }
}

/// Labels and values, below each other.
fn rows(lines: &[(String, String)], indent: &str) -> String {
    let width = lines.iter().map(|(label, _)| label.chars().count()).max().unwrap_or(0).min(40);
    let mut text = String::new();
    for (label, line) in lines {
        let _ = writeln!(text, "{indent}{label:<width$} {line}");
    }
    text
}

fn id(id: &ItemId) -> String {
    let name = on_one_line(&id.to_string());
    shortened(&name, MAX_SHOWN_CHARS / 2).into_owned()
}

fn short(text: &str) -> String {
    shortened(&on_one_line(text), MAX_SHOWN_CHARS).into_owned()
}

/// A number as text.
fn plain(number: &Value) -> String {
    number.as_str().map_or_else(|| number.to_string(), str::to_owned)
}

/// The first lines, and how many more there are.
fn first(n: usize, lines: impl Iterator<Item = (String, String)>) -> Vec<(String, String)> {
    let mut lines: Vec<_> = lines.take(MAX_ROWS).collect();
    if n > lines.len() {
        lines.push(("…".to_owned(), format!("{} more, in the JSON report and in --csv", n - lines.len())));
    }
    lines
}

impl State {
    fn report(&self, rule: &Rule, n: u64) -> Value {
        match self {
            Self::Sum { sum, has_floats } => {
                let sum =
                    if *has_floats { float(sum.rounded()) } else { integer(&sum.integer().to_string()) };
                json!({ "sum": sum, "n": n })
            }
            Self::Decimal(sum) => json!({ "sum": sum.text(), "n": n }),
            Self::Moments { sum, squares } => {
                let variance = |denominator: u64| match (n, denominator) {
                    (0, _) | (_, 0) => Value::Null,
                    _ => float(squares.variance(sum, n, denominator)),
                };
                let root =
                    |variance: &Value| variance.as_f64().map_or(variance.clone(), |it| it.sqrt().into());
                let (population, sample) = (variance(n), variance(n.saturating_sub(1)));
                json!({
                    "n": n,
                    "mean": if n == 0 { Value::Null } else { float(sum.mean(n)) },
                    "variance": population, "sd": root(&population),
                    "sample_variance": sample, "sample_sd": root(&sample),
                })
            }
            Self::Extreme { is_max, extreme } => {
                let name = if *is_max { "max" } else { "min" };
                let (number, at) = match extreme {
                    Some((number, at)) => (number.to_json(), item(at)),
                    None => (Value::Null, Value::Null),
                };
                json!({ name: number, "item": at, "n": n })
            }
            Self::Count(count) => json!({ "count": count, "n": n }),
            Self::Keys { counts, others, .. } => json!({ "counts": counts, "others": others, "n": n }),
            Self::Histogram { below, bins, above } => {
                let edges = match rule {
                    Rule::Histogram { edges } => edges.as_slice(),
                    _ => &[],
                };
                json!({ "edges": edges, "bins": bins, "below": below, "above": above, "n": n })
            }
            Self::Top { top, .. } => {
                json!({ "top": listed(top.iter().map(|(_, id, text)| (id, text.as_str()))), "n": n })
            }
            Self::Values(_) => json!({ "values": listed(self.values()), "n": n }),
            Self::Elements { kept, has_others, .. } => {
                let elements: Vec<Value> = kept.iter().map(|text| value(text)).collect();
                json!({ "elements": elements, "has_others": has_others, "n": n })
            }
        }
    }

    /// Labels and values, for people.
    fn lines(&self, rule: &Rule, n: u64) -> Vec<(String, String)> {
        let report = |names: &[&str]| -> Vec<(String, String)> {
            let report = self.report(rule, n);
            names.iter().map(|name| (name.replace('_', " "), short(&plain(&report[*name])))).collect()
        };
        match self {
            Self::Sum { .. } | Self::Decimal(_) => report(&["sum"]),
            Self::Moments { .. } => report(&["mean", "sd", "sample_sd"]),
            Self::Extreme { is_max, extreme } => {
                let name = if *is_max { "max" } else { "min" };
                let line = match extreme {
                    Some((number, at)) => format!("{} at {}", plain(&number.to_json()), id(at)),
                    None => "none".to_owned(),
                };
                vec![(name.to_owned(), line)]
            }
            Self::Count(count) => vec![("count".to_owned(), format!("{count} of {n}"))],
            Self::Keys { counts, others, .. } => {
                let mut by_count: Vec<_> = counts.iter().collect();
                by_count.sort_by(|one, other| other.1.cmp(one.1).then_with(|| one.0.cmp(other.0)));
                let shown = by_count.iter().map(|(key, count)| (short(key), count.to_string()));
                let mut lines = first(by_count.len(), shown);
                if *others > 0 {
                    lines.push((
                        "others".to_owned(),
                        format!("{others} values, of keys beyond the first {}", counts.len()),
                    ));
                }
                lines
            }
            Self::Histogram { below, bins, above } => {
                let Rule::Histogram { edges } = rule else { return Vec::new() };
                let counted = bins.iter().zip(edges.windows(2)).filter(|(count, _)| **count > 0);
                let n_bins = counted.clone().count();
                let shown = counted.map(|(count, edge)| match edge {
                    [from, to] => (format!("{from} to {to}"), count.to_string()),
                    _ => (String::new(), count.to_string()),
                });
                let mut lines = vec![("below".to_owned(), below.to_string())];
                lines.extend(first(n_bins, shown));
                lines.push(("above".to_owned(), above.to_string()));
                lines
            }
            Self::Top { top, .. } => first(top.len(), top.iter().map(|(_, at, text)| (id(at), short(text)))),
            Self::Values(values) => {
                first(values.len(), values.iter().map(|(at, text)| (id(at), short(text))))
            }
            Self::Elements { kept, has_others, .. } => {
                let mut lines = first(kept.len(), kept.iter().map(|text| (String::new(), short(text))));
                if *has_others {
                    lines.push(("others".to_owned(), format!("left out: more than {} elements", kept.len())));
                }
                lines
            }
        }
    }

    /// All of it, as keys and values.
    fn rows(&self, rule: &Rule, n: u64) -> Vec<(String, String)> {
        match self {
            Self::Top { top, .. } => {
                top.iter().map(|(_, at, text)| (plain(&item(at)), text.clone())).collect()
            }
            Self::Values(values) => {
                values.iter().map(|(at, text)| (plain(&item(at)), text.clone())).collect()
            }
            Self::Keys { counts, others, .. } => {
                let counts = counts.iter().map(|(key, count)| (key.clone(), count.to_string()));
                counts.chain([("(others)".to_owned(), others.to_string())]).collect()
            }
            Self::Elements { kept, .. } => {
                kept.iter().enumerate().map(|(idx, text)| (idx.to_string(), text.clone())).collect()
            }
            Self::Histogram { below, bins, above } => {
                let Rule::Histogram { edges } = rule else { return Vec::new() };
                let bins = bins.iter().zip(edges).map(|(count, from)| (from.to_string(), count.to_string()));
                let below = ("below".to_owned(), below.to_string());
                [below].into_iter().chain(bins).chain([("above".to_owned(), above.to_string())]).collect()
            }
            _ => match self.report(rule, n) {
                Value::Object(figures) => {
                    figures.iter().map(|(name, it)| (name.clone(), plain(it))).collect()
                }
                _ => Vec::new(),
            },
        }
    }
}
