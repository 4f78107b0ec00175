//! JSON Schema of the input.

use serde_json::{Value, json};

/// The `input` object.
pub fn input() -> Value {
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["logs", "signatures"],
        "dependentRequired": { "from": ["to"], "to": ["from"] },
        "properties": {
            "logs": { "type": "array", "minItems": 1, "items": logs(), "description": "where the logs are" },
            "from": { "type": "string", "format": "date-time", "description": "the earliest time; goes with to" },
            "to": { "type": "string", "format": "date-time", "description": "the time after the last; goes with from" },
            "slack": duration("how much earlier or later than its records the time in an object's key may be", true),
            "signatures": { "type": "array", "minItems": 1, "maxItems": 200, "items": signature(),
                            "description": "what to look for: at most 2,000 patterns in all, whose automata take at most 20 MB" },
            "time": time(),
            "bucket": duration("hits within so much time are counted together; buckets begin at multiples of it, in UTC", false),
            "groups": { "type": "integer", "minimum": 1, "maximum": 100_000, "default": 1_000,
                        "description": "most groups of a signature that are told apart" },
            "examples": {
                "type": "object",
                "additionalProperties": false,
                "description": "the earliest hits of each signature, with the lines around them: at most 20,000 lines of all signatures",
                "properties": {
                    "count": { "type": "integer", "minimum": 0, "maximum": 100, "default": 3 },
                    "before": { "type": "integer", "minimum": 0, "maximum": 20, "default": 2 },
                    "after": { "type": "integer", "minimum": 0, "maximum": 20, "default": 2 }
                }
            }
        }
    })
}

/// A length of time: one second to 366 days, or none, as [`duration_us`](super::duration_us) reads it.
fn duration(about: &str, may_be_none: bool) -> Value {
    let counts = [
        // 31,622,400 s, 527,040 m, 8,784 h.
        r"([1-9]\d{0,6}|[12]\d{7}|30\d{6}|31[0-5]\d{5}|316[01]\d{4}|3162[01]\d{3}|31622[0-3]\d{2}|31622400)s",
        r"([1-9]\d{0,4}|[1-4]\d{5}|5[01]\d{4}|52[0-6]\d{3}|5270[0-3]\d|527040)m",
        r"([1-9]\d{0,2}|[1-7]\d{3}|8[0-6]\d{2}|87[0-7]\d|878[0-4])h",
        r"([1-9]\d?|[12]\d{2}|3[0-5]\d|36[0-6])d",
    ];
    let none = if may_be_none { "0+[smhd]|" } else { "" };
    json!({
        "type": "string",
        "default": "1h",
        "pattern": format!("^({none}0*({}))$", counts.join("|")).replace(r"\d", "[0-9]"),
        "description": format!("{about}; a number with s, m, h or d, at most 366d")
    })
}

fn logs() -> Value {
    let names = |pattern: &str| json!({ "type": "array", "items": { "type": "string", "pattern": pattern } });
    // Patterns cannot be listed by time.
    let plain = "^[^*?%/]+$";
    let needed = |services: &[&str], fields: &[&str]| {
        let some: serde_json::Map<String, Value> =
            fields.iter().map(|field| ((*field).to_owned(), json!({ "minItems": 1 }))).collect();
        json!({
            "if": { "properties": { "service": { "enum": services } } },
            "then": { "required": fields, "properties": some }
        })
    };
    json!({
        "oneOf": [
            { "type": "string", "minLength": 1,
              "description": "a folder, a file, a prefix (`s3://bucket/app/`), or a pattern (`logs/**/*.gz`); %Y, %m, %d and %H take the \
                              values of the range" },
            {
                "type": "object",
                "description": "what an AWS service writes into a bucket; only the hours of the range are listed, of load balancers and flow logs the \
                                days",
                "additionalProperties": false,
                "required": ["service", "bucket"],
                "allOf": [
                    needed(&["cloudtrail", "load-balancer", "vpc-flow", "waf"], &["accounts", "regions"]),
                    needed(&["waf", "cloudfront"], &["names"])
                ],
                "properties": {
                    "service": { "enum": ["cloudtrail", "load-balancer", "vpc-flow", "waf", "cloudfront", "s3-access", "firehose"] },
                    "bucket": { "type": "string", "pattern": "^[^*?%]+$", "description": "`s3://bucket`, with a prefix if there is one" },
                    "accounts": names("^[0-9]{12}$"),
                    "regions": names(plain),
                    "organization": { "type": "string", "description": "of a trail of an organisation: `o-…`" },
                    "names": names(plain)
                }
            }
        ]
    })
}

fn signature() -> Value {
    let text =
        |about: &str| json!({ "type": "string", "minLength": 1, "maxLength": 10_000, "description": about });
    let patterns = |about: &str| {
        json!({
            "type": "array",
            "maxItems": 2_000,
            "description": about,
            "items": { "oneOf": [
                text("a regular expression"),
                { "type": "object", "additionalProperties": false, "required": ["literal"],
                  "properties": { "literal": text("a text, as it is") } }
            ] }
        })
    };
    let some = |field: &str| json!({ "required": [field], "properties": { (field): { "minItems": 1 } } });
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["name"],
        "anyOf": [{ "required": ["regex"] }, { "required": ["literal"] }, some("all_of"), some("any_of")],
        "not": { "required": ["regex", "literal"] },
        "properties": {
            "name": { "type": "string", "minLength": 1, "maxLength": 200, "description": "unique" },
            "regex": text("a regular expression, in the syntax of the Rust crate regex; at most 10,000 bytes"),
            "literal": text("a text, as it is; not beside regex; at most 10,000 bytes"),
            "all_of": patterns("each must be there; a hit is counted at the record that has the first"),
            "any_of": patterns("one must be there"),
            "none_of": patterns("none may be there"),
            "ignore_case": { "type": "boolean", "default": false },
            "within": { "type": "integer", "minimum": 1, "maximum": 1000, "default": 1,
                        "description": "records, from the hit's on, in which all_of, any_of and none_of are looked for; at most 64 KiB of them" },
            "group_by": { "type": "string", "description": "a named capture: hits are counted by what it matched" }
        }
    })
}

fn time() -> Value {
    json!({
        "type": "object",
        "additionalProperties": false,
        "description": "where records say when they were written; detected by default",
        "properties": {
            "format": { "type": "string", "default": "detect", "description": "detect, none, the name of a layout, or a pattern like %Y/%m/%d %H:%M:%S" },
            "zone": { "type": "string", "default": "UTC", "description": "of stamps without one: Europe/London, UTC or +05:30" },
            "year": { "type": "integer", "minimum": 1970, "maximum": 9999, "description": "of stamps without one" },
            "field": { "type": "string", "minLength": 1, "description": "the field of JSON records that has the time" }
        }
    })
}

#[cfg(test)]
mod tests;
