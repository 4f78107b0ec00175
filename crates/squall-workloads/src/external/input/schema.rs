//! JSON Schema of the input.

use serde_json::{Value, json};

use super::super::merge::Merge;
use super::{MAX_BATCH_BYTES, MAX_BATCH_ITEMS, MAX_ITEM_MS};

/// The `input` object.
pub(in crate::external) fn input() -> Value {
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["items", "worker"],
        "properties": {
            "items": items(),
            "worker": { "oneOf": [
                { "type": "string", "description": "the name of a worker that the operator has declared" },
                command(),
            ] },
            "params": { "description": "any value, handed to each process before its first item", "default": null },
            "merge": Merge::schema(),
            "batch": {
                "type": "object",
                "additionalProperties": false,
                "maxProperties": 1,
                "description": "how many items a request has; by default as many as take about 100 ms",
                "properties": {
                    "items": { "type": "integer", "minimum": 1, "maximum": MAX_BATCH_ITEMS },
                    "bytes": { "type": "integer", "minimum": 1, "maximum": MAX_BATCH_BYTES },
                    "target_ms": { "type": "number", "minimum": 0.001, "maximum": 600_000 }
                }
            },
            "item_ms": { "type": "number", "minimum": 1e-6, "maximum": MAX_ITEM_MS, "default": 10,
                         "description": "about how long an item takes, milliseconds of one core: how finely the job is cut" },
            "audit": {
                "type": "object",
                "additionalProperties": false,
                "description": "which items are computed again by another worker, to compare the values byte for byte",
                "properties": {
                    "share": { "type": "number", "minimum": 0, "maximum": 1, "default": 0.02 },
                    "seed": { "type": "integer", "minimum": 0, "default": 0, "description": "which ones" },
                    "on_difference": { "enum": ["report", "fail"], "default": "report",
                                       "description": "whether the answer only says so, or the item has no value" }
                }
            }
        }
    })
}

fn items() -> Value {
    let file = |about: &str| json!({ "type": "string", "description": about });
    json!({
        "type": "object",
        "additionalProperties": false,
        "description": "one of these; `content` goes with objects",
        "properties": {
            "range": { "type": "array", "items": { "type": "integer" }, "minItems": 2, "maxItems": 2,
                       "description": "the integers from the first to the one before the second" },
            "list": { "type": "array", "minItems": 1, "description": "the items themselves, any values" },
            "json_lines": file("a file with an item on each line"),
            "csv": file("a file of CSV with a header: each row is an object of texts"),
            "objects": file("a folder, a file, or s3://bucket/prefix: each object is an item"),
            "object_list": file("a file that lists objects, one on each line"),
            "content": { "enum": ["none", "text", "base64"], "default": "none",
                         "description": "what of an object is in its item, besides its name, location, bytes and etag" }
        }
    })
}

fn command() -> Value {
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["command"],
        "properties": {
            "command": { "type": "array", "items": { "type": "string" }, "minItems": 1,
                         "description": "a program that speaks the contract, and its arguments" },
            "env": { "type": "object", "additionalProperties": { "type": "string" },
                     "description": "variables of its environment; nothing else is inherited" },
            "inherit_env": { "type": "array", "items": { "type": "string" },
                             "description": "variables that it inherits, by their names" },
            "timeout_s": { "type": "number", "minimum": 0.001, "maximum": 86_400, "default": 60,
                           "description": "how long a request may take" },
            "start_timeout_s": { "type": "number", "minimum": 0.001, "maximum": 86_400, "default": 30,
                                 "description": "how long a process may take until it is ready" },
            "memory_mb": { "type": "integer", "minimum": 1, "maximum": 1 << 20, "default": 2_048,
                           "description": "memory that a process and its children may use together" },
            "output_mb": { "type": "integer", "minimum": 1, "maximum": 1 << 10, "default": 16,
                           "description": "most megabytes of a reply, and of what is printed meanwhile" },
            "processes": { "type": "integer", "minimum": 1, "maximum": 10_000, "default": 64,
                           "description": "most processes of a worker at a time" }
        }
    })
}
