use proptest::prelude::*;
use serde_json::Value;

use super::*;

const MOST: usize = 16 << 20;

type Found = Vec<(u64, String, bool)>;

/// The records of a text that comes in pieces of these sizes, again and again: where, what, whether cut; and how it ends.
fn split(text: &[u8], cuts: &[usize], most: usize) -> (Found, Result<(), Corrupt>) {
    let mut splitter = Splitter::new(most);
    let mut found = Vec::new();
    let mut record = |it: Record<'_>| {
        found.push((it.at, String::from_utf8_lossy(it.text).into_owned(), it.is_cut));
    };
    let mut rest = text;
    for cut in cuts.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (chunk, after) = rest.split_at((*cut).min(rest.len()));
        rest = after;
        if let Err(corrupt) = splitter.feed(chunk, &mut record) {
            assert_eq!(splitter.feed(b"{}", &mut record), Err(corrupt), "an error stays");
            assert_eq!(splitter.finish(&mut record), Err(corrupt));
            return (found, Err(corrupt));
        }
    }
    let end = splitter.finish(&mut record);
    (found, end)
}

/// The same for every size of pieces.
fn split_anyhow(text: &str) -> (Vec<String>, Result<(), String>) {
    let expected = split(text.as_bytes(), &[text.len().max(1)], MOST);
    for size in 1..text.len().min(40) {
        assert_eq!(split(text.as_bytes(), &[size], MOST), expected, "pieces of {size}");
    }
    for (at, record, _) in &expected.0 {
        assert!(text[usize::try_from(*at).unwrap()..].starts_with(record), "{record} at {at}");
    }
    (expected.0.into_iter().map(|it| it.1).collect(), expected.1.map_err(|it| it.to_string()))
}

fn records(text: &str) -> Vec<String> {
    let (records, end) = split_anyhow(text);
    assert_eq!(end, Ok(()));
    records
}

fn none() -> Vec<String> {
    Vec::new()
}

#[test]
fn the_records_of_a_trail_are_records_and_its_other_keys_are_not() {
    assert_eq!(records(r#"{"Records":[{"a":1},{"b":[{}]}]}"#), [r#"{"a":1}"#, r#"{"b":[{}]}"#]);
    assert_eq!(records(r#"{"records" : [ {"a":1} , {"b":2} ] }"#), [r#"{"a":1}"#, r#"{"b":2}"#]);
    let around = r#"{"Records":[{"a":1}],"v":"]}","n":{"Records":[{"x":1}]},"l":[{"y":1}],"z":{"q":[{}]}}"#;
    assert_eq!(records(around), [r#"{"a":1}"#]);
    // A document that says something else first is a record.
    let entry = r#"{"v":1,"Records":[{"a":1}]}"#;
    assert_eq!(records(entry), [entry]);
    let several = "{\"Records\":[{\"a\":1}]}\n{\"Records\":[{\"b\":2},{\"c\":3}]}\n";
    assert_eq!(records(several), [r#"{"a":1}"#, r#"{"b":2}"#, r#"{"c":3}"#]);
    assert_eq!(records(r#"{"Records":[]}"#), none());
    assert_eq!(records("\u{feff}{\"Records\":[{\"a\":1}]}\r\n"), [r#"{"a":1}"#]);
}

#[test]
fn a_key_that_only_looks_like_a_list_of_records_makes_none() {
    for document in [
        r#"{"Records":3,"a":[{"b":1}]}"#,
        r#"{"Records":[1,2],"a":[{"b":1}]}"#,
        r#"{"Records":{"Records":[{}]}}"#,
        r#"{"RecordsToo":[{"b":1}]}"#,
        r#"{"a":"Records","b":[{"c":1}]}"#,
        r#"{"a":["Records",[{"c":1}]]}"#,
        r#"{"Record":[{"c":1}],"\"Records":[{"c":1}]}"#,
    ] {
        assert_eq!(records(document), [document]);
    }
}

#[test]
fn each_log_event_is_a_record_and_documents_need_no_line_feeds_between_them() {
    let data = r#"{"messageType":"DATA_MESSAGE","owner":"1","logGroup":"g","logStream":"s","subscriptionFilters":["f"],"logEvents":[{"id":"1","timestamp":1,"message":"a"},{"id":"2","timestamp":2,"message":"{\"b\":[\"\\\\\"]}"}]}"#;
    let control = r#"{"messageType":"CONTROL_MESSAGE","owner":"CloudwatchLogs","logGroup":"","logStream":"","subscriptionFilters":[],"logEvents":[{"id":"","timestamp":3,"message":"CWL CONTROL MESSAGE: Checking health of destination Firehose."}]}"#;
    let events = [
        r#"{"id":"1","timestamp":1,"message":"a"}"#,
        r#"{"id":"2","timestamp":2,"message":"{\"b\":[\"\\\\\"]}"}"#,
    ];
    assert_eq!(records(&format!("{control}{data}{control}{data}")), [events, events].concat());
    assert_eq!(records(control), none());
    let other = r#"{"messageType":"CONTROL_MESSAGE","text":"of somebody else"}"#;
    assert_eq!(records(other), [other]);
}

#[test]
fn every_other_document_is_a_record_and_so_is_every_element_of_a_list() {
    assert_eq!(records(r#"{"a":1}{"b":"}{"}  {"c":[]}"#), [r#"{"a":1}"#, r#"{"b":"}{"}"#, r#"{"c":[]}"#]);
    assert_eq!(records("{\n  \"a\": 1\n}\n{\n  \"b\": [\n    2\n  ]\n}\n").len(), 2);
    let list = r#" [ {"a":1}, {"b":2} ,[1,[2]],"x\"]", -1.5e+7,true ,null]"#;
    let elements = [r#"{"a":1}"#, r#"{"b":2}"#, "[1,[2]]", r#""x\"]""#, "-1.5e+7", "true", "null"];
    assert_eq!(records(list), elements);
    assert_eq!(records("[][{}]{}"), ["{}", "{}"]);
    assert_eq!(records(" \n"), none());
    assert_eq!(records(""), none());
}

#[test]
fn strings_with_brackets_quotes_and_backslashes_confuse_nothing() {
    let odd = r#"{"k\\":"\\","{":"\"}","a":"\\\"[{","\\\\\"":{"]":"\u007d\\\\"}}"#;
    assert_eq!(records(&format!("{odd}{odd}")), [odd, odd]);
    assert_eq!(records(&format!(r#"{{"Records":[{odd},{odd}]}}"#)), [odd, odd]);
    assert_eq!(records(&format!("[{odd},{odd}]")), [odd, odd]);
}

#[test]
fn what_is_no_json_between_documents_is_named_with_its_byte() {
    let after = |text: &str| split_anyhow(text).1.unwrap_err();
    assert_eq!(after(r#"{"a":1} oops"#), "has text that is no JSON object or list at plain byte 8");
    assert_eq!(after("\0{}"), "has text that is no JSON object or list at plain byte 0");
    assert_eq!(after("{}\u{feff}{}"), "has text that is no JSON object or list at plain byte 2");
    assert_eq!(after(r#"{"Records":[{}],}]"#), "has text that is no JSON object or list at plain byte 17");
    assert_eq!(after(r#"[{} {}]"#), "has a list without a comma between two elements at plain byte 4");
    assert_eq!(
        after(r#"{"Records":[{},oops]}"#),
        "has a list with an element that is no JSON at plain byte 15"
    );
    assert_eq!(after(r#"{"a":[1}"#), "has a bracket that closes one of the other kind at plain byte 7");
    assert_eq!(split_anyhow(r#"{"a":1}{"b":2}x"#).0, [r#"{"a":1}"#, r#"{"b":2}"#]);
}

#[test]
fn a_record_that_the_object_ends_in_is_given_as_cut() {
    for text in [r#"{"Records":[{"a":1},{"b":"#, r#"[{"a":1},{"b":"#, r#"{"a":1}{"b":"#] {
        let (found, end) = split(text.as_bytes(), &[5], MOST);
        let found: Vec<_> = found.iter().map(|it| (it.1.as_str(), it.2)).collect();
        assert_eq!(found, [(r#"{"a":1}"#, false), (r#"{"b":"#, true)]);
        let expected = format!("ends in the middle of a JSON document at plain byte {}", text.len());
        assert_eq!(end.unwrap_err().to_string(), expected);
    }
    let (found, end) = split(br#"{"Records":[{"a":1}]"#, &[100], MOST);
    assert!(found.len() == 1 && !found[0].2 && end.is_err());
}

#[test]
fn a_record_that_is_too_long_is_cut_and_the_next_is_whole() {
    let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(5000));
    for text in [format!(r#"{{"Records":[{long},{{"b":2}}]}}"#), format!("{long}{{\"b\":2}}")] {
        for cut in [1, 7, 100, 10_000] {
            let (found, end) = split(text.as_bytes(), &[cut], 100);
            assert_eq!(end, Ok(()));
            assert_eq!((found[0].1.as_str(), found[0].2), (&long[..100], true));
            assert_eq!((found[1].1.as_str(), found[1].2), (r#"{"b":2}"#, false));
        }
    }
}

#[test]
fn depth_costs_nothing() {
    let n = 3 << 20;
    let deep = format!("{}{}", "[".repeat(n), "]".repeat(n));
    let (found, end) = split(deep.as_bytes(), &[4 << 20], 1 << 10);
    assert_eq!((found.len(), found[0].0, found[0].2, end), (1, 1, true, Ok(())));
    let (found, end) = split(&deep.as_bytes()[..n], &[65_536], 1 << 10);
    assert!(found.len() == 1 && end.is_err());
    let deep = format!("{}1{}", r#"{"Records":[{"a":"#.repeat(1000), "}]}".repeat(1000));
    assert_eq!(split(deep.as_bytes(), &[1000], MOST).0.len(), 1);
}

#[test]
fn the_shape_is_json_where_records_are_not_lines() {
    for text in [
        r#"{"Records":[{"a":1}]}"#,
        "{\"Records\":[{\"a\":1}]}\n{\"Records\":[{\"a\":1}]}\n",
        "{\"records\": [{\"a\":1",
        r#"{"messageType":"DATA_MESSAGE","logGroup":"g","logEvents":[{"id":"1"}]}"#,
        r#"{"messageType":"CONTROL_MESSAGE","logEvents":[{"id":"1"}]}{"#,
        "{\"Records\":[{\"a\":1}]}\nend of the trail\n",
        "{\"Records\":[{\"a\":1}]}\n{\"Records\":[",
        "{\"a\":1}{\"b\":2}\n",
        "{\"a\":1}\n{\"b\":2} {\"c\":3}\n",
        "{\n  \"a\": 1\n}\n",
        "{\n",
        "{\r\n\t\"a\": [\r\n",
        "[{\"a\":1},{\"b\":2}]\n",
        "[\n {\"a\":1},\n {\"b\":2}\n]\n",
        "  \n[{\"a\":1},",
        r#"{"a":1}"#,
        "\u{feff}[{\"a\":1}]",
    ] {
        assert_eq!(shape(text.as_bytes()), Shape::Json, "{text}");
    }
}

#[test]
fn the_shape_is_lines_for_text_and_for_a_document_on_each_line() {
    for text in [
        "",
        "\n",
        "2026-11-30T21:00:00Z ERROR {\"Records\":[{}]}\n",
        "{\"a\":1}\n{\"b\":2}\n",
        "{\"a\":1}\r\n{\"b\":2}\r\n",
        "\u{feff}{\"a\":1}\n{\"b\":",
        "{\"a\":1}\n",
        "{\"a\":[1,2],\"b\":\"Records\"}\n",
        "{\"records\":[],\"level\":\"ERROR\"}\n",
        "{\"records\":[{\"id\":1}],\"level\":\"ERROR\"}\n{\"records\":[],\"level\":\"ERROR\"}\n",
        "{\"logEvents\":[{\"id\":1}],\"level\":\"ERROR\"}\n",
        "{\"level\":\"INFO\",\"records\":[1,2]}\n{\"level\":\"INFO\"}\n",
        "{\"level\":\"INFO\",\"records\":[{\"a\":1}]}\n{\"level\":\"INFO\"}\n",
        "{\"a\":1}\nstarted\n{\"b\":2}\n",
        "{\"a\":1} 12 ms\n{\"b\":2} 13 ms\n",
        "{main} started\n{main} stopped\n",
        "{\n  \"config\": 1\n}\n2026-11-30 started\n",
        "[Sun Dec 04 04:47:44 2005] [notice] workerEnv.init() ok\n",
        "[2026-11-30 21:00:00] {\"a\":1}\n",
        "[1,\"x\"]\n[2,\"y\"]\n",
        "[{thread}] started\n",
        "[]\n",
        "\"a\"\n",
    ] {
        assert_eq!(shape(text.as_bytes()), Shape::Lines, "{text}");
    }
    let mut long = b"{\"a\":\"".to_vec();
    long.extend(vec![0xC3; 200_000]);
    assert_eq!(shape(&long), Shape::Lines);
    assert_eq!(shape(&"[{\"a\":".repeat(100_000).into_bytes()), Shape::Json);
}

fn json() -> impl Strategy<Value = Value> {
    let text = prop_oneof![r#"["\\{}\[\]:, a-cé\n]{0,12}"#, "Records|logEvents|records"];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        text.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(text.clone(), inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn document() -> impl Strategy<Value = Value> {
    json().prop_map(|it| if it.is_object() || it.is_array() { it } else { Value::from(vec![it]) })
}

/// What a document's records are, of the whole document.
fn expected_records(document: &Value) -> Vec<Value> {
    match document {
        Value::Array(elements) => elements.clone(),
        Value::Object(fields) => {
            let is_list = |key: &str, value: &Value| {
                Key::of(key.as_bytes()) == Key::Records
                    && value.as_array().is_some_and(|it| it.first().is_none_or(Value::is_object))
            };
            match fields.iter().next().filter(|(key, value)| is_list(key, value)) {
                Some((_, list)) => list.as_array().unwrap().clone(),
                None => vec![document.clone()],
            }
        }
        _ => unreachable!("documents have brackets"),
    }
}

proptest! {
    #[test]
    fn records_are_those_of_a_parser_however_documents_are_written_and_cut(
        documents in prop::collection::vec((document(), any::<bool>(), 0usize..4), 0..6),
        cuts in prop::collection::vec(1usize..30, 1..5),
    ) {
        let mut text = String::new();
        for (document, is_pretty, gap) in &documents {
            text += &if *is_pretty { serde_json::to_string_pretty(document) } else { serde_json::to_string(document) }.unwrap();
            text += ["", " ", "\n", "\r\n\t"][*gap];
        }
        let expected: Vec<Value> = documents.iter().flat_map(|it| expected_records(&it.0)).collect();
        let found = split(text.as_bytes(), &[text.len().max(1)], MOST);
        prop_assert_eq!(&found.1, &Ok(()));
        let parsed: Vec<Value> = found.0.iter().map(|it| serde_json::from_str(&it.1).unwrap()).collect();
        prop_assert_eq!(parsed, expected);
        prop_assert_eq!(&split(text.as_bytes(), &cuts, MOST), &found);
        prop_assert_eq!(&split(text.as_bytes(), &[1], MOST), &found);
    }

    #[test]
    fn damaged_and_truncated_documents_give_the_same_however_they_are_cut(
        documents in prop::collection::vec(document(), 1..4),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cuts in prop::collection::vec(1usize..30, 1..5),
        most in prop_oneof![Just(MOST), 1usize..20],
    ) {
        let mut text: Vec<u8> = documents.iter().flat_map(|it| it.to_string().into_bytes()).collect();
        for (at, byte) in &damage {
            let at = at.index(text.len());
            text[at] = *byte;
        }
        let _ = shape(&text);
        let found = split(&text, &[text.len()], most);
        prop_assert_eq!(&split(&text, &cuts, most), &found);
        prop_assert_eq!(&split(&text, &[1], most), &found);
        prop_assert!(found.0.iter().all(|it| it.1.chars().count() <= most));
    }
}
