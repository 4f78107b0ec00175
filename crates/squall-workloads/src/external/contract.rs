//! Contract v1 between Squall and a worker program: the messages, as JSON lines.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Unexpected, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The version of the contract.
pub const CONTRACT: u32 = 1;

/// The first line to a worker.
///
/// `params` is JSON text; `timeout_s` is how long a request may take.
pub fn hello_line(params: &RawValue, timeout_s: f64) -> Vec<u8> {
    #[derive(Serialize)]
    struct Line<'a> {
        squall: u32,
        hello: Hello<'a>,
    }
    #[derive(Serialize)]
    struct Hello<'a> {
        params: &'a RawValue,
        timeout_s: f64,
    }
    line(&Line { squall: CONTRACT, hello: Hello { params, timeout_s } })
}

/// A request for the values of items, as a line. An item is JSON text on one line.
pub fn request_line<'a>(id: u64, deadline_ms: u64, items: impl Iterator<Item = &'a str>) -> Vec<u8> {
    let mut line = format!("{{\"id\":{id},\"deadline_ms\":{deadline_ms},\"items\":[").into_bytes();
    for (position, item) in items.enumerate() {
        if position > 0 {
            line.push(b',');
        }
        line.extend(item.as_bytes());
    }
    line.extend(b"]}\n");
    line
}

/// The line that gives a request up.
pub fn cancel_line(id: u64) -> Vec<u8> {
    format!("{{\"cancel\":{id}}}\n").into_bytes()
}

#[expect(clippy::expect_used, reason = "these types have no map with keys that are not text")]
fn line(message: &impl Serialize) -> Vec<u8> {
    let mut line = serde_json::to_vec(message).expect("a message is JSON");
    line.push(b'\n');
    line
}

/// What a worker says first.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Ready {
    /// The version that it speaks.
    pub squall: u32,
    /// Whether it is ready.
    #[serde(default)]
    pub ready: bool,
    /// Why it is not.
    pub error: Option<String>,
    /// The program's name.
    pub name: Option<String>,
    /// The program's version.
    pub version: Option<String>,
}

/// A worker's reply to a request.
#[derive(Debug, Deserialize)]
pub struct Reply<'a> {
    /// The request's id.
    pub id: u64,
    /// A value per item, as JSON text.
    #[serde(borrow)]
    pub values: Option<Vec<&'a RawValue>>,
    /// The items that failed, by their position in the request, and why.
    #[serde(default)]
    pub errors: Errors,
    /// Why the request failed as a whole.
    pub error: Option<String>,
    /// Whether the request was given up, as it was asked to.
    pub cancelled: Option<bool>,
}

/// The items of a request that failed, by their position as text. `null` and an empty list, which is how some languages write an empty map,
/// are none.
#[derive(Debug, Default)]
pub struct Errors(pub BTreeMap<String, String>);

impl<'de> Deserialize<'de> for Errors {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MapOrNone;
        impl<'de> Visitor<'de> for MapOrNone {
            type Value = Errors;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of reasons, by positions")
            }

            fn visit_unit<E: Error>(self) -> Result<Errors, E> {
                Ok(Errors::default())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut none: A) -> Result<Errors, A::Error> {
                match none.next_element::<IgnoredAny>()? {
                    None => Ok(Errors::default()),
                    Some(_) => Err(A::Error::invalid_type(Unexpected::Seq, &self)),
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, reasons: A) -> Result<Errors, A::Error> {
                BTreeMap::deserialize(MapAccessDeserializer::new(reasons)).map(Errors)
            }
        }
        deserializer.deserialize_any(MapOrNone)
    }
}
