use regex_automata::meta::Regex;

use super::super::{Input, duration_us};
use super::*;
use crate::logscan::signature::Signatures;

#[test]
fn lengths_of_time_are_those_that_are_read() {
    let schema = input();
    for field in ["slack", "bucket"] {
        let pattern = Regex::new(schema["properties"][field]["pattern"].as_str().unwrap()).unwrap();
        let ends = [0, 1, 9, 10, 99, 100, 366, 367, 999, 1_000, 7_999, 8_000, 8_784, 8_785, 9_999];
        let longer = [99_999, 527_039, 527_040, 527_041, 31_622_399, 31_622_400, 31_622_401, 99_999_999];
        let counts = ends.into_iter().chain(longer).flat_map(|n: u64| [n.to_string(), format!("00{n}")]);
        let texts =
            counts.flat_map(|count| ["s", "m", "h", "d", "w", ""].map(|unit| format!("{count}{unit}")));
        let others = ["", "s", "1.5h", "-1h", "+1h", " 1h", "1h ", "1 h", "1H", "1h1m"].map(str::to_owned);
        for text in texts.chain(others) {
            assert_eq!(
                pattern.is_match(text.as_bytes()),
                duration_us(field, &text, i64::from(field == "bucket")).is_ok(),
                "{field} {text:?}"
            );
        }
    }
}

/// What the schema says of a signature's size is what is refused beyond it.
#[test]
fn the_most_of_a_signature_is_what_is_compiled() {
    let of = |signature: Value| {
        let job: Input =
            serde_json::from_value(json!({ "logs": ["logs"], "signatures": [signature] })).unwrap();
        Signatures::compile(&job.signatures).is_ok()
    };
    let stated = |field: &str, bound: &str| {
        let value = &signature()["properties"][field][bound];
        usize::try_from(value.as_u64().unwrap()).unwrap()
    };
    let text = |n: usize| "a".repeat(n);
    for (n, is_right) in
        [(stated("name", "minLength"), true), (stated("name", "maxLength"), true), (0, false), (201, false)]
    {
        assert_eq!(of(json!({ "name": text(n), "literal": "a" })), is_right, "{n}");
    }
    for field in ["regex", "literal"] {
        let bounds = [stated(field, "minLength"), stated(field, "maxLength")];
        for (n, is_right) in [(bounds[0], true), (bounds[1], true), (0, false), (bounds[1] + 1, false)] {
            assert_eq!(of(json!({ "name": "a", (field): text(n) })), is_right, "{field} {n}");
        }
    }
    assert!(!of(json!({ "name": "a", "regex": "a", "literal": "a" })), "one of them");
    assert!(!of(json!({ "name": "a", "none_of": ["a"] })), "nothing to look for");
    assert!(!of(json!({ "name": "a", "all_of": [], "any_of": [] })), "nothing to look for");
}
