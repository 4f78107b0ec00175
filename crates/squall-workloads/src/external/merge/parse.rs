//! Reads a declaration.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use squall_core::job::brief;
use squall_core::visible::in_backticks;
use squall_core::workload::InputError;

use super::{Declared, Merge, Rule};

const MAX_FIELDS: usize = 100;
const MAX_BINS: u64 = 100_000;
const MAX_K: u64 = 10_000;
const MAX_KEYS: u64 = 1_000_000;
const MAX_VALUE_BYTES: u64 = 65_536;
const DEFAULT_KEYS: u64 = 10_000;
const DEFAULT_ELEMENTS: u64 = 100_000;
const DEFAULT_VALUE_BYTES: u64 = 1_024;

/// The types, and the options that each takes.
const TYPES: &[(&str, &[&str])] = &[
    ("sum", &["of"]),
    ("mean", &[]),
    ("min", &[]),
    ("max", &[]),
    ("count", &[]),
    ("count_by", &["max_keys"]),
    ("histogram", &["from", "to", "bins"]),
    ("top", &["k", "order", "by", "max_value_bytes"]),
    ("concat", &["max_value_bytes"]),
    ("union", &["max_elements", "max_value_bytes"]),
];

impl Merge {
    /// Reads a declaration: `"sum"`, `{"type": "top", "k": 10}`, or `{"fields": {"price": "sum", …}}`.
    ///
    /// # Errors
    /// The first that is wrong: its place, the value, and what was expected.
    pub fn parse(declared: &Value, place: &str) -> Result<Self, InputError> {
        let Some(fields) = declared.get("fields") else {
            return rule(declared, place).map(|rule| Self(Declared::One(rule)));
        };
        if let Some(stray) = declared.as_object().and_then(|it| it.keys().find(|name| *name != "fields")) {
            return Err(InputError::new(format!("{place}.{stray}"), "it does not go with `fields`"));
        }
        let place = format!("{place}.fields");
        let fields = fields
            .as_object()
            .filter(|fields| (1..=MAX_FIELDS).contains(&fields.len()))
            .ok_or_else(|| {
                InputError::new(
                    &place,
                    format!("expected an object of 1 to {MAX_FIELDS} merges, by the names of fields"),
                )
            })?;
        let rules = fields
            .iter()
            .map(|(name, declared)| Ok((name.clone(), rule(declared, &format!("{place}.{name}"))?)));
        Ok(Self(Declared::Fields(rules.collect::<Result<_, InputError>>()?)))
    }

    /// JSON Schema of a declaration.
    pub fn schema() -> Value {
        let types: Vec<&str> = TYPES.iter().map(|(name, _)| *name).collect();
        let plain: Vec<&str> =
            types.iter().filter(|name| !matches!(**name, "histogram" | "top")).copied().collect();
        let count = |most: u64| json!({ "type": "integer", "minimum": 1, "maximum": most });
        let rule = json!({ "oneOf": [
            { "enum": plain },
            {
                "type": "object",
                "additionalProperties": false,
                "required": ["type"],
                "properties": {
                    "type": { "enum": types },
                    "of": { "enum": ["number", "decimal"], "default": "number",
                            "description": "of a sum: numbers, or decimals as text such as \"12.34\"" },
                    "from": { "type": "number", "description": "of a histogram: the lower edge of the first bin" },
                    "to": { "type": "number", "description": "of a histogram: the upper edge of the last bin" },
                    "bins": count(MAX_BINS),
                    "k": count(MAX_K),
                    "order": { "enum": ["largest", "smallest"], "default": "largest" },
                    "by": { "type": "string", "description": "of a top: the field to rank by" },
                    "max_keys": count(MAX_KEYS),
                    "max_elements": count(MAX_KEYS),
                    "max_value_bytes": count(MAX_VALUE_BYTES)
                }
            }
        ] });
        json!({
            "description": "how values are merged: in order (`concat`) by default",
            "default": "concat",
            "anyOf": [
                rule,
                {
                    "type": "object",
                    "additionalProperties": false,
                    "required": ["fields"],
                    "properties": { "fields": {
                        "type": "object", "additionalProperties": rule, "minProperties": 1, "maxProperties": MAX_FIELDS,
                        "description": "values are objects: a merge of each of these fields"
                    } }
                }
            ]
        })
    }
}

fn rule(declared: &Value, place: &str) -> Result<Rule, InputError> {
    let empty = Map::new();
    let (name, options, place_of_type) = match declared {
        Value::String(name) => (name.as_str(), &empty, place.to_owned()),
        Value::Object(options) => match options.get("type") {
            Some(Value::String(name)) => (name.as_str(), options, format!("{place}.type")),
            Some(other) => {
                let problem = format!("{}; expected the name of a merge", brief(&other.to_string()));
                return Err(InputError::new(format!("{place}.type"), problem));
            }
            None => return Err(InputError::new(place, "it has no `type`, and no `fields`")),
        },
        other => {
            let problem = format!(
                "{}; expected the name of a merge, or an object with `type` or `fields`",
                brief(&other.to_string())
            );
            return Err(InputError::new(place, problem));
        }
    };
    let Some((_, known)) = TYPES.iter().find(|(known, _)| *known == name) else {
        let problem =
            format!("{}; expected one of {}", brief(name), in_backticks(TYPES.iter().map(|(name, _)| *name)));
        return Err(InputError::new(place_of_type, problem));
    };
    let options = Options { options, place };
    if let Some(stray) =
        options.options.keys().find(|option| *option != "type" && !known.contains(&option.as_str()))
    {
        let problem = if known.is_empty() {
            format!("`{name}` has no options")
        } else {
            format!("`{name}` has no such option; expected one of {}", in_backticks(known.iter().copied()))
        };
        return Err(InputError::new(format!("{place}.{stray}"), problem));
    }
    let max_value_bytes = options.count("max_value_bytes", Some(DEFAULT_VALUE_BYTES), MAX_VALUE_BYTES)?;
    Ok(match name {
        "sum" if options.is_word("of", "number", "decimal")? => Rule::Sum,
        "sum" => Rule::DecimalSum,
        "mean" => Rule::Mean,
        "min" => Rule::Min,
        "max" => Rule::Max,
        "count" => Rule::Count,
        "count_by" => Rule::CountBy { max_keys: options.count("max_keys", Some(DEFAULT_KEYS), MAX_KEYS)? },
        "histogram" => Rule::Histogram { edges: edges(&options)? },
        "top" => Rule::Top {
            k: options.count("k", None, MAX_K)?,
            is_largest: options.is_word("order", "largest", "smallest")?,
            by: options.text("by")?,
            max_value_bytes,
        },
        "concat" => Rule::Concat { max_value_bytes },
        _ => Rule::Union {
            max_elements: options.count("max_elements", Some(DEFAULT_ELEMENTS), MAX_KEYS)?,
            max_value_bytes,
        },
    })
}

struct Options<'a> {
    options: &'a Map<String, Value>,
    place: &'a str,
}

impl Options<'_> {
    fn wrong<T>(&self, name: &str, found: Option<&Value>, expected: &str) -> Result<T, InputError> {
        let found = found.map_or("it is missing".to_owned(), |value| brief(&value.to_string()));
        Err(InputError::new(format!("{}.{name}", self.place), format!("{found}; expected {expected}")))
    }

    fn count(&self, name: &str, default: Option<u64>, most: u64) -> Result<usize, InputError> {
        let found = self.options.get(name);
        let count = match found {
            None => default,
            Some(value) => value.as_u64(),
        };
        match count.filter(|count| (1..=most).contains(count)).map(usize::try_from) {
            Some(Ok(count)) => Ok(count),
            _ => self.wrong(name, found, &format!("1 to {most}")),
        }
    }

    fn text(&self, name: &str) -> Result<Option<String>, InputError> {
        match self.options.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            found => self.wrong(name, found, "the name of a field"),
        }
    }

    /// Whether it is the first word, which is the default, and not the second.
    fn is_word(&self, name: &str, first: &str, second: &str) -> Result<bool, InputError> {
        match self.options.get(name) {
            None => Ok(true),
            Some(Value::String(word)) if word == first => Ok(true),
            Some(Value::String(word)) if word == second => Ok(false),
            found => self.wrong(name, found, &format!("`{first}` or `{second}`")),
        }
    }

    fn number(&self, name: &str) -> Result<f64, InputError> {
        let found = self.options.get(name);
        match found.and_then(Value::as_f64).filter(|number| number.is_finite()) {
            Some(number) => Ok(number),
            None => self.wrong(name, found, "a number"),
        }
    }
}

/// The edges of a histogram's bins.
fn edges(options: &Options<'_>) -> Result<Vec<f64>, InputError> {
    let (from, to) = (options.number("from")?, options.number("to")?);
    let n_bins = options.count("bins", None, MAX_BINS)?;
    #[expect(clippy::cast_precision_loss, reason = "at most 100,000")]
    let edge = |bin: usize| {
        let share = bin as f64 / n_bins as f64;
        // Either end exactly, and no overflow between them.
        from * (1.0 - share) + to * share
    };
    let edges: Vec<f64> = (0..=n_bins).map(edge).collect();
    let distinct: BTreeSet<u64> = edges.iter().map(|edge| edge.to_bits()).collect();
    if !edges.is_sorted() || distinct.len() != edges.len() {
        let found = options.options.get("to");
        return options.wrong(
            "to",
            found,
            &format!("more than `from`, {from:?}, by at least {n_bins} places of a double"),
        );
    }
    Ok(edges)
}
