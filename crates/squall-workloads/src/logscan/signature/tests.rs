use super::*;

fn signatures(json: serde_json::Value) -> Result<Signatures, InputError> {
    let inputs: Vec<SignatureInput> = serde_json::from_value(json).unwrap();
    Signatures::compile(&inputs)
}

/// Which signatures a record has, on its own.
fn met(signatures: &Signatures, record: &str) -> Vec<String> {
    let mut searcher = signatures.searcher();
    let is_candidate = searcher.candidate(record.as_bytes(), 0).is_some();
    let found = searcher.patterns(record.as_bytes());
    let begun =
        signatures.begun_by(&found).map(|(_, it)| it).filter(|it| it.is_met(|pattern| found.has(pattern)));
    let met: Vec<_> = begun.map(|it| it.name.clone()).collect();
    assert!(is_candidate || met.is_empty(), "{record:?} has {met:?} and is no candidate");
    met
}

#[test]
fn a_record_has_the_signatures_whose_patterns_it_has() {
    let all = signatures(serde_json::json!([
        { "name": "literal", "literal": "a.b" },
        { "name": "regex", "regex": "a.b" },
        { "name": "case", "literal": "OOM", "ignore_case": true },
        { "name": "both", "all_of": ["x", { "literal": "y" }] },
        { "name": "either", "any_of": ["p", "q"] },
        { "name": "but", "all_of": ["k"], "any_of": ["l", "m"], "none_of": ["n"] },
        { "name": "start", "regex": "^GET" },
        { "name": "end", "regex": "done$" },
    ]));
    let all = all.unwrap();
    for (record, expected) in [
        ("a.b", vec!["literal", "regex"]),
        ("axb", vec!["regex"]),
        ("an oom here", vec!["case"]),
        ("x", vec![]),
        ("y x", vec!["both"]),
        ("q", vec!["either"]),
        ("k", vec![]),
        ("k m", vec!["but"]),
        ("k m n", vec![]),
        ("GET /", vec!["start"]),
        (" GET /", vec![]),
        ("all done", vec!["end"]),
        ("done.", vec![]),
    ] {
        assert_eq!(met(&all, record), expected, "{record:?}");
    }
}

#[test]
fn a_hit_is_grouped_by_what_its_capture_matched() {
    let all = signatures(serde_json::json!([
        { "name": "s", "any_of": ["host=(?<h>[a-z]+)", "from (?<h>[0-9.]+)"], "group_by": "h" },
    ]));
    let all = all.unwrap();
    let mut searcher = all.searcher();
    for (record, expected) in [("host=web", "web"), ("from 10.0.0.1", "10.0.0.1"), ("from 1. host=db", "db")]
    {
        let found = searcher.patterns(record.as_bytes());
        assert_eq!(all.all[0].group(&found, record.as_bytes()), expected.as_bytes(), "{record}");
    }
}

#[test]
fn what_cannot_be_looked_for_is_refused_with_its_place() {
    use serde_json::json;
    for (input, problem) in [
        (json!([]), "input.signatures: is empty"),
        (json!([{ "name": "a" }]), "input.signatures[0].regex: has nothing to look for"),
        (json!([{ "name": "", "regex": "a" }]), "input.signatures[0].name: "),
        (
            json!([{ "name": "a", "regex": "a" }, { "name": "a", "regex": "b" }]),
            "input.signatures[1].name: \"a\" is already one",
        ),
        (
            json!([{ "name": "a", "regex": "(" }]),
            "input.signatures[0].regex: \"(\" is not a regular expression: unclosed group",
        ),
        (
            json!([{ "name": "a", "any_of": ["b", "["] }]),
            "input.signatures[0].any_of[1]: \"[\" is not a regular expression",
        ),
        (
            json!([{ "name": "a", "regex": "a", "literal": "b" }]),
            "input.signatures[0].literal: is there beside regex",
        ),
        (json!([{ "name": "a", "regex": "x*" }]), "input.signatures[0].regex: \"x*\" matches nothing at all"),
        (json!([{ "name": "a", "regex": "^$" }]), "input.signatures[0].regex: \"^$\" matches nothing at all"),
        (json!([{ "name": "a", "literal": "" }]), "input.signatures[0].literal: is empty"),
        (
            json!([{ "name": "a", "literal": "x\ny" }]),
            "input.signatures[0].literal: \"x\\u{a}y\" can match only over the end of a line",
        ),
        (
            json!([{ "name": "a", "regex": "x\\ny" }]),
            "input.signatures[0].regex: \"x\\\\ny\" can match only over the end",
        ),
        (
            json!([{ "name": "a", "regex": "a", "within": 0 }]),
            "input.signatures[0].within: 0; expected 1 to 1000",
        ),
        (
            json!([{ "name": "a", "regex": "a", "group_by": "h" }]),
            "input.signatures[0].group_by: \"h\" is no capture",
        ),
        (
            json!([{ "name": "a", "all_of": ["a"], "none_of": ["(?<h>b)"], "group_by": "h" }]),
            "input.signatures[0].group_by: \"h\" is no",
        ),
        (json!([{ "name": "a", "any_of": vec!["a"; 2_001] }]), "input.signatures: have 2001 patterns; a job has at most 2000"),
        (
            json!((0..20).map(|i| json!({ "name": i.to_string(), "regex": "a", "within": 600 })).collect::<Vec<_>>()),
            "input.signatures: look within 12000 records together; expected at most 10000",
        ),
        (
            json!((0..200).map(|i| json!({ "name": i.to_string(), "regex": format!("(?<g>x{i}\\w{{150}})"), "group_by": "g" })).collect::<Vec<_>>()),
            "input.signatures: their patterns take more than 20 MB together",
        ),
        (json!([{ "name": "a", "regex": "((a{1,1000}){1,1000}){1,1000}" }]), "input.signatures"),
    ] {
        let said = signatures(input).unwrap_err().to_string();
        assert!(said.starts_with(problem), "{said}");
        assert!(said.len() < 500, "{said}");
    }
}

proptest::proptest! {
    /// No record that has a signature is missed among others, whatever stands around it.
    #[test]
    fn every_line_with_a_signature_is_a_candidate(
        lines in proptest::collection::vec("[ab \\r]{0,6}", 1..8),
        pattern in proptest::sample::select(vec!["a", "ab", "^a", "b$", "^ab$", "a+b", "\\bab\\b", "a\\s", "[^a]b", "a.b", "(?:a|b )b", "\\Aa", "b\\z", "a\\nb\\nab|ab", "a[ \\n]b[ \\n]a|b", "[^b]b|a", "(?s)a.b"]),
    ) {
        let all = signatures(serde_json::json!([{ "name": "s", "regex": pattern }])).unwrap();
        let text = lines.join("\n").into_bytes();
        let mut searcher = all.searcher();
        let mut start = 0;
        let mut candidates = Vec::new();
        while let Some(at) = searcher.candidate(&text, start) {
            proptest::prop_assert!(at >= start);
            let end = text[at..].iter().position(|it| *it == b'\n').map_or(text.len(), |it| at + it);
            candidates.push(text[..at].iter().filter(|it| **it == b'\n').count());
            start = end + 1;
            if start > text.len() {
                break;
            }
        }
        for (idx, line) in text.split(|it| *it == b'\n').enumerate() {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let found = searcher.patterns(line);
            proptest::prop_assert!(!all.all[0].is_met(|pattern| found.has(pattern)) || candidates.contains(&idx), "{pattern} {lines:?} {idx} {candidates:?}");
        }
    }
}
