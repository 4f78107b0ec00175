//! What is kept of many values, for each kind of merge.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use squall_core::job::brief;

use super::super::item::ItemId;
use super::Rule;
use super::decimal::DecimalSum;
use super::exact::{Squares, Sum};
use super::number::Number;

/// What a rule takes of a value.
pub(super) enum Read {
    Number(Number),
    Decimal(DecimalSum),
    /// Whether it is neither null nor false.
    Counted(bool),
    Key(String),
    Ranked(Number, String),
    Text(String),
    Elements(Vec<String>),
}

/// What is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum State {
    Sum {
        sum: Sum,
        has_floats: bool,
    },
    Decimal(DecimalSum),
    Moments {
        sum: Sum,
        squares: Squares,
    },
    Extreme {
        is_max: bool,
        extreme: Option<(Number, ItemId)>,
    },
    Count(u64),
    /// The smallest keys, at most so many, and how many values have others.
    Keys {
        max_keys: usize,
        counts: BTreeMap<String, u64>,
        others: u64,
    },
    Histogram {
        below: u64,
        bins: Vec<u64>,
        above: u64,
    },
    /// The first `k` in their order.
    Top {
        k: usize,
        is_largest: bool,
        top: Vec<(Number, ItemId, String)>,
    },
    Values(BTreeMap<ItemId, String>),
    /// The smallest elements, at most so many, and whether there are others.
    Elements {
        max_elements: usize,
        kept: BTreeSet<String>,
        has_others: bool,
    },
}

impl Rule {
    /// Reads a value.
    ///
    /// # Errors
    /// What it is, and what was expected.
    pub(super) fn read(&self, json: &str) -> Result<Read, String> {
        match self {
            Self::Sum | Self::Mean | Self::Min | Self::Max | Self::Histogram { .. } => {
                Number::read(json).map(Read::Number)
            }
            Self::DecimalSum => {
                let mut decimal = DecimalSum::default();
                decimal.add(json)?;
                Ok(Read::Decimal(decimal))
            }
            Self::Count => Ok(Read::Counted(!matches!(json, "null" | "false"))),
            Self::CountBy { .. } => key(json).map(Read::Key),
            Self::Top { by, max_value_bytes, .. } => {
                let number = match by {
                    None => Number::read(json)?,
                    Some(name) => FieldTexts::read(json)?.get(name, Number::read)?,
                };
                Ok(Read::Ranked(number, short(json, *max_value_bytes)?))
            }
            Self::Concat { max_value_bytes } => short(json, *max_value_bytes).map(Read::Text),
            Self::Union { max_value_bytes, .. } => {
                let elements = if json.starts_with('[') {
                    let elements: Vec<&RawValue> = serde_json::from_str(json)
                        .map_err(|error| format!("its value is {}: {error}", brief(json)))?;
                    elements.iter().map(|element| short(element.get(), *max_value_bytes)).collect()
                } else {
                    short(json, *max_value_bytes).map(|element| vec![element])
                };
                elements.map(|elements| elements.iter().map(|it| canonical(it)).collect()).map(Read::Elements)
            }
        }
    }

    /// About the memory of what is kept of so many values, bytes.
    pub(super) fn bytes(&self, n_items: u64) -> u64 {
        /// A node of a tree, an item's name, and the like.
        const ENTRY_BYTES: u64 = 160;
        let entries = |n: usize, each: usize| n_items.min(n as u64).saturating_mul(each as u64 + ENTRY_BYTES);
        match self {
            Self::Sum | Self::DecimalSum | Self::Mean | Self::Min | Self::Max | Self::Count => 2_048,
            Self::CountBy { max_keys } => entries(*max_keys, MAX_KEY_BYTES),
            Self::Histogram { edges } => edges.len() as u64 * 16,
            Self::Top { k, max_value_bytes, .. } => entries(*k, *max_value_bytes),
            Self::Concat { max_value_bytes } => entries(usize::MAX, *max_value_bytes),
            Self::Union { max_elements, max_value_bytes } => {
                (*max_elements as u64).saturating_mul(*max_value_bytes as u64 + ENTRY_BYTES)
            }
        }
    }
}

/// How deep a value that is kept may be nested: readers of JSON have limits, too.
const MAX_DEPTH: usize = 100;
/// Most bytes of a key.
const MAX_KEY_BYTES: usize = 200;

fn key(json: &str) -> Result<String, String> {
    let key = match serde_json::from_str(json) {
        Ok(Value::String(key)) => key,
        Ok(Value::Number(_) | Value::Bool(_)) => json.to_owned(),
        _ => {
            return Err(format!(
                "its value is {}; expected a string, a number or a truth value",
                brief(json)
            ));
        }
    };
    if key.len() > MAX_KEY_BYTES {
        return Err(format!("its value has {} bytes; expected a key of at most {MAX_KEY_BYTES}", key.len()));
    }
    Ok(key)
}

/// The fields of a value that is an object, as JSON texts.
pub(super) struct FieldTexts<'a>(BTreeMap<String, &'a RawValue>);

impl<'a> FieldTexts<'a> {
    /// Reads a value.
    ///
    /// # Errors
    /// When it is no object.
    pub(super) fn read(json: &'a str) -> Result<Self, String> {
        let fields = serde_json::from_str(json);
        fields.map(Self).map_err(|_| format!("its value is {}; expected an object", brief(json)))
    }

    /// What `read` reads of a field.
    ///
    /// # Errors
    /// When there is no such field, or what `read` says of it.
    pub(super) fn get<T>(&self, name: &str, read: impl Fn(&str) -> Result<T, String>) -> Result<T, String> {
        let text = self.0.get(name).ok_or_else(|| format!("its value has no field {}", brief(name)))?;
        read(text.get()).map_err(|problem| format!("field {}: {problem}", brief(name)))
    }
}

fn short(json: &str, max_bytes: usize) -> Result<String, String> {
    let depth = depth(json);
    if depth > MAX_DEPTH {
        return Err(format!("its value is nested {depth} deep; expected at most {MAX_DEPTH}"));
    }
    if json.len() <= max_bytes {
        return Ok(json.to_owned());
    }
    Err(format!("its value has {} bytes; expected at most {max_bytes} (max_value_bytes)", json.len()))
}

/// How deep the lists and objects of a JSON text are nested.
fn depth(json: &str) -> usize {
    let (mut depth, mut deepest, mut in_text, mut is_escaped) = (0_usize, 0, false, false);
    for byte in json.bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if in_text => is_escaped = true,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// An element's JSON without spaces, the fields of objects in the order of their names; a number as it was written.
fn canonical(json: &str) -> String {
    if !json.starts_with(['{', '[', '"']) {
        return json.to_owned();
    }
    if let Ok(fields) = serde_json::from_str::<BTreeMap<String, &RawValue>>(json) {
        let fields = fields
            .iter()
            .map(|(name, value)| format!("{}:{}", Value::from(name.as_str()), canonical(value.get())));
        return format!("{{{}}}", fields.collect::<Vec<_>>().join(","));
    }
    if let Ok(elements) = serde_json::from_str::<Vec<&RawValue>>(json) {
        return format!("[{}]", elements.iter().map(|it| canonical(it.get())).collect::<Vec<_>>().join(","));
    }
    serde_json::from_str::<String>(json)
        .map_or_else(|_| json.to_owned(), |text| Value::from(text).to_string())
}

/// Whether the first of two ranked values comes before the other.
fn ranks(
    is_largest: bool,
    one: &(Number, ItemId, String),
    other: &(Number, ItemId, String),
) -> std::cmp::Ordering {
    let by_number = one.0.compare(other.0);
    let by_number = if is_largest { by_number.reverse() } else { by_number };
    by_number.then_with(|| one.1.cmp(&other.1)).then_with(|| one.2.cmp(&other.2))
}

impl State {
    pub(super) fn empty(rule: &Rule) -> Self {
        match rule {
            Rule::Sum => Self::Sum { sum: Sum::zero(), has_floats: false },
            Rule::DecimalSum => Self::Decimal(DecimalSum::default()),
            Rule::Mean => Self::Moments { sum: Sum::zero(), squares: Squares::zero() },
            Rule::Min | Rule::Max => Self::Extreme { is_max: *rule == Rule::Max, extreme: None },
            Rule::Count => Self::Count(0),
            Rule::CountBy { max_keys } => {
                Self::Keys { max_keys: *max_keys, counts: BTreeMap::new(), others: 0 }
            }
            Rule::Histogram { edges } => {
                Self::Histogram { below: 0, bins: vec![0; edges.len().saturating_sub(1)], above: 0 }
            }
            Rule::Top { k, is_largest, .. } => Self::Top { k: *k, is_largest: *is_largest, top: Vec::new() },
            Rule::Concat { .. } => Self::Values(BTreeMap::new()),
            Rule::Union { max_elements, .. } => {
                Self::Elements { max_elements: *max_elements, kept: BTreeSet::new(), has_others: false }
            }
        }
    }

    /// Adds what its rule read of an item's value.
    pub(super) fn add(&mut self, rule: &Rule, id: &ItemId, read: Read) {
        match (self, read, rule) {
            (Self::Sum { sum, has_floats }, Read::Number(number), _) => {
                sum.add(number);
                *has_floats |= matches!(number, Number::Float(_));
            }
            (Self::Decimal(sum), Read::Decimal(decimal), _) => sum.merge(&decimal),
            (Self::Moments { sum, squares }, Read::Number(number), _) => {
                sum.add(number);
                squares.add(number);
            }
            (Self::Extreme { is_max, extreme }, Read::Number(number), _) => {
                take_extreme(extreme, (number, id.clone()), *is_max);
            }
            (Self::Count(n), Read::Counted(is_counted), _) => *n = n.saturating_add(is_counted.into()),
            (Self::Keys { max_keys, counts, others }, Read::Key(key), _) => {
                let count = counts.entry(key).or_insert(0);
                *count = count.saturating_add(1);
                bound_keys(counts, others, *max_keys);
            }
            (Self::Histogram { below, bins, above }, Read::Number(number), Rule::Histogram { edges }) => {
                let n_edges_up_to =
                    edges.partition_point(|edge| number.compare(Number::Float(*edge)).is_ge());
                let is_last_edge =
                    edges.last().is_some_and(|last| number.compare(Number::Float(*last)).is_eq());
                // The last bin has both of its edges, the others only the lower one.
                let bin = n_edges_up_to.checked_sub(1 + usize::from(is_last_edge));
                let count = match bin {
                    None => below,
                    Some(bin) => bins.get_mut(bin).unwrap_or(above),
                };
                *count = count.saturating_add(1);
            }
            (Self::Top { k, is_largest, top }, Read::Ranked(number, text), _) => {
                let entry = (number, id.clone(), text);
                let place = top.partition_point(|other| ranks(*is_largest, other, &entry).is_lt());
                if place < *k {
                    top.insert(place, entry);
                    top.truncate(*k);
                }
            }
            (Self::Values(values), Read::Text(text), _) => drop(values.insert(id.clone(), text)),
            (Self::Elements { max_elements, kept, has_others }, Read::Elements(elements), _) => {
                for element in elements {
                    kept.insert(element);
                    bound_elements(kept, has_others, *max_elements);
                }
            }
            // The state is the rule's own, and reads what it takes.
            _ => {}
        }
    }

    /// Adds what was kept of other values by the same rule.
    pub(super) fn merge(&mut self, other: Self) {
        match (self, other) {
            (Self::Sum { sum, has_floats }, Self::Sum { sum: other, has_floats: others_has_floats }) => {
                sum.merge(&other);
                *has_floats |= others_has_floats;
            }
            (Self::Decimal(sum), Self::Decimal(other)) => sum.merge(&other),
            (Self::Moments { sum, squares }, Self::Moments { sum: other, squares: other_squares }) => {
                sum.merge(&other);
                squares.merge(&other_squares);
            }
            (Self::Extreme { is_max, extreme }, Self::Extreme { extreme: Some(other), .. }) => {
                take_extreme(extreme, other, *is_max);
            }
            (Self::Count(n), Self::Count(other)) => *n = n.saturating_add(other),
            (
                Self::Keys { max_keys, counts, others },
                Self::Keys { counts: other, others: other_others, .. },
            ) => {
                *others = others.saturating_add(other_others);
                for (key, n) in other {
                    let count = counts.entry(key).or_insert(0);
                    *count = count.saturating_add(n);
                }
                bound_keys(counts, others, *max_keys);
            }
            (
                Self::Histogram { below, bins, above },
                Self::Histogram { below: other_below, bins: other, above: other_above },
            ) => {
                *below = below.saturating_add(other_below);
                *above = above.saturating_add(other_above);
                for (bin, other) in bins.iter_mut().zip(other) {
                    *bin = bin.saturating_add(other);
                }
            }
            (Self::Top { k, is_largest, top }, Self::Top { top: other, .. }) => {
                top.extend(other);
                top.sort_by(|one, other| ranks(*is_largest, one, other));
                top.truncate(*k);
            }
            (Self::Values(values), Self::Values(other)) => values.extend(other),
            (
                Self::Elements { max_elements, kept, has_others },
                Self::Elements { kept: other, has_others: others_has_others, .. },
            ) => {
                *has_others |= others_has_others;
                kept.extend(other);
                bound_elements(kept, has_others, *max_elements);
            }
            // Partials are checked before they are merged, so both are of one rule.
            _ => {}
        }
    }

    /// Checks that it can be what a rule keeps of `n` values of items that `has` says.
    pub(super) fn check(&self, rule: &Rule, n: u64, has: &dyn Fn(&ItemId) -> bool) -> Result<(), String> {
        let is_json = |text: &str, max_bytes: usize| {
            text.len() <= max_bytes
                && serde_json::from_str::<&RawValue>(text).is_ok_and(|it| it.get() == text)
        };
        let counts_to = |mut counts: Box<dyn Iterator<Item = u64> + '_>| {
            counts.try_fold(0_u64, u64::checked_add) == Some(n)
        };
        let fits = match (self, rule) {
            (Self::Sum { sum, .. }, Rule::Sum) => sum.has_its_size(),
            (Self::Decimal(sum), Rule::DecimalSum) => sum.is_plausible(),
            (Self::Moments { sum, squares }, Rule::Mean) => sum.has_its_size() && squares.has_its_size(),
            (Self::Extreme { is_max, extreme }, Rule::Min | Rule::Max) => {
                *is_max == (*rule == Rule::Max)
                    && extreme.is_some() == (n > 0)
                    && extreme.iter().all(|(number, id)| has(id) && number.is_plausible())
            }
            (Self::Count(count), Rule::Count) => *count <= n,
            (Self::Keys { max_keys: own, counts, others }, Rule::CountBy { max_keys }) => {
                own == max_keys
                    && counts.len() <= *max_keys
                    && (*others == 0 || counts.len() == *max_keys)
                    && counts.keys().all(|key| key.len() <= MAX_KEY_BYTES)
                    && counts_to(Box::new(counts.values().copied().chain([*others])))
            }
            (Self::Histogram { below, bins, above }, Rule::Histogram { edges }) => {
                bins.len() + 1 == edges.len()
                    && counts_to(Box::new(bins.iter().copied().chain([*below, *above])))
            }
            (
                Self::Top { k: own, is_largest: own_order, top },
                Rule::Top { k, is_largest, max_value_bytes, .. },
            ) => {
                own == k
                    && own_order == is_largest
                    && top.len() as u64 == n.min(*k as u64)
                    && top.is_sorted_by(|one, other| ranks(*is_largest, one, other).is_lt())
                    && top.iter().all(|(number, id, text)| {
                        has(id) && number.is_plausible() && is_json(text, *max_value_bytes)
                    })
            }
            (Self::Values(values), Rule::Concat { max_value_bytes }) => {
                values.len() as u64 == n
                    && values.iter().all(|(id, text)| has(id) && is_json(text, *max_value_bytes))
            }
            (
                Self::Elements { max_elements: own, kept, has_others },
                Rule::Union { max_elements, max_value_bytes },
            ) => {
                own == max_elements
                    && kept.len() <= *max_elements
                    && (!has_others || kept.len() == *max_elements)
                    && kept.iter().all(|text| is_json(text, *max_value_bytes))
            }
            _ => false,
        };
        if fits { Ok(()) } else { Err("it is not what its values merge to".to_owned()) }
    }

    /// The values of a `concat`.
    pub(super) fn values(&self) -> impl Iterator<Item = (&ItemId, &str)> {
        let values = match self {
            Self::Values(values) => Some(values),
            _ => None,
        };
        values.into_iter().flatten().map(|(id, text)| (id, text.as_str()))
    }
}

fn take_extreme(extreme: &mut Option<(Number, ItemId)>, other: (Number, ItemId), is_max: bool) {
    let is_better = extreme.as_ref().is_none_or(|own| {
        let by_number = if is_max { other.0.compare(own.0) } else { own.0.compare(other.0) };
        by_number.then_with(|| own.1.cmp(&other.1)).is_gt()
    });
    if is_better {
        *extreme = Some(other);
    }
}

fn bound_keys(counts: &mut BTreeMap<String, u64>, others: &mut u64, max_keys: usize) {
    while counts.len() > max_keys
        && let Some((_, n)) = counts.pop_last()
    {
        *others = others.saturating_add(n);
    }
}

fn bound_elements(kept: &mut BTreeSet<String>, has_others: &mut bool, max_elements: usize) {
    while kept.len() > max_elements {
        kept.pop_last();
        *has_others = true;
    }
}
