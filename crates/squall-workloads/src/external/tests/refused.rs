use expect_test::expect;

use super::*;

/// The refusal of an input, or that it is none.
fn refusal(changes: &Value) -> String {
    let mut job = json!({ "items": { "range": [0, 3] }, "worker": "w" });
    for (name, value) in changes.as_object().unwrap() {
        job[name] = value.clone();
    }
    let mut files = Files::new();
    files.insert("bad.jsonl".to_owned(), b"1\n{\"a\":\n[1,2\n\nnot\n".to_vec());
    files.insert("latin.jsonl".to_owned(), b"1\n\"\xE9\"\n".to_vec());
    files.insert("empty.jsonl".to_owned(), b"\n\n".to_vec());
    files.insert("bad.csv".to_owned(), b"a,b\n1,2\n3\n4,5,6\n".to_vec());
    files.insert("twice.csv".to_owned(), b"a,a\n1,2\n".to_vec());
    files.insert("open.csv".to_owned(), b"a,b\n\"1,2\n3,4\n".to_vec());
    let read =
        squall_core::job::from_json::<Input>(squall_core::job::Place("input"), job.to_string().as_bytes());
    let prepared = read.and_then(|input| External::prepare(input, &Given::files(files)));
    prepared.map_or_else(|error| error.to_string(), |_| "none".to_owned())
}

#[test]
fn each_refusal_names_the_field_the_value_and_what_would_be_right() {
    let command = |changes: &Value| {
        let mut worker = json!({ "command": ["true"] });
        for (name, value) in changes.as_object().unwrap() {
            worker[name] = value.clone();
        }
        json!({ "worker": worker })
    };
    let cases = [
        json!({}),
        json!({ "items": {} }),
        json!({ "items": { "range": [0, 3], "list": [1] } }),
        json!({ "items": { "range": [3, 3] } }),
        json!({ "items": { "range": [i64::MIN, i64::MAX] } }),
        json!({ "items": { "range": [0, 3], "content": "text" } }),
        json!({ "items": { "list": [] } }),
        json!({ "items": { "list": [1, { "a": [123456789012345678901234567890.0] }] } }),
        json!({ "items": { "json_lines": "bad.jsonl" } }),
        json!({ "items": { "json_lines": "latin.jsonl" } }),
        json!({ "items": { "json_lines": "empty.jsonl" } }),
        json!({ "items": { "csv": "bad.csv" } }),
        json!({ "items": { "csv": "twice.csv" } }),
        json!({ "items": { "csv": "open.csv" } }),
        json!({ "worker": 3 }),
        json!({ "worker": "no spaces" }),
        json!({ "worker": {} }),
        command(&json!({ "command": [] })),
        command(&json!({ "command": "python3 x" })),
        command(&json!({ "env": { "A=B": "c" } })),
        command(&json!({ "env": { "SQUALL_CONTRACT": "2" } })),
        command(&json!({ "inherit_env": [""] })),
        command(&json!({ "timeout_s": 0 })),
        command(&json!({ "memory_mb": 0 })),
        command(&json!({ "output_mb": 5000 })),
        command(&json!({ "procesess": 3 })),
        json!({ "batch": { "items": 0 } }),
        json!({ "batch": { "items": 3, "bytes": 3 } }),
        json!({ "batch": { "target_ms": -1 } }),
        json!({ "item_ms": 0 }),
        json!({ "item_ms": 86_400_000, "items": { "range": [0, 1_000_000_000_000_u64] } }),
        json!({ "audit": { "share": 2 } }),
        json!({ "audit": { "on_difference": "shrug" } }),
        json!({ "params": { "x": 1e30 } }),
        json!({ "params": { "x": 1_234_567_890_123_456_789_012.0 } }),
    ];
    let refusals: Vec<String> = cases.iter().map(refusal).collect();
    expect![[r#"
        none
        input.items: expected one of `range`, `list`, `json_lines`, `csv`, `objects` and `object_list`
        input.items: expected one of `range`, `list`, `json_lines`, `csv`, `objects` and `object_list`
        input.items.range: [3, 3] is empty; expected the first integer and the one after the last
        input.items.range: [-9223372036854775808, 9223372036854775807] has 18446744073709551615 integers; expected at most 1000000000000
        input.items.content: it goes with `objects` and `object_list` only
        input.items: there are none; expected at least one
        input.items.list[1].a[0]: the number 1.2345678901234568e+29 may have been rounded; write it as a string, or use `json_lines`
        bad.jsonl: line 2: `{\"a\":` is not JSON: EOF while parsing a value; line 3: `[1,2` is not JSON: EOF while parsing a list; line 5: `not` is not JSON: expected ident
        latin.jsonl:2: it is not UTF-8; save it as UTF-8
        input.items: there are none; expected at least one
        bad.csv: line 3: it has 1 fields; expected 2; line 4: it has 3 fields; expected 2
        twice.csv: two columns are called `a`
        open.csv:2:1: a quote opens here and does not close on this line; close it, or remove it
        input.worker: invalid type: integer `3`, expected the name of a declared worker, or an object with a `command`
        input.worker: "no spaces"; expected a name of at most 64 letters, digits, `-`, `_` and `.`, or an object with a `command`
        input.worker: missing field `command`
        input.worker.command: it is empty; expected a program and its arguments
        input.worker.command: invalid type: string "python3 x", expected a sequence
        input.worker.env: "A=B" is not the name of a variable
        input.worker.env: SQUALL_CONTRACT belongs to the contract; choose another name
        input.worker.env: "" is not the name of a variable
        input.worker.timeout_s: 0.0; expected seconds from 0.001 to 86400
        input.worker.memory_mb: 0; expected 1 to 1048576
        input.worker.output_mb: 5000; expected 1 to 1024
        input.worker.procesess: unknown field `procesess`, expected one of `command`, `env`, `inherit_env`, `timeout_s`, `start_timeout_s`, `memory_mb`, `output_mb`, `processes`
        input.batch.items: 0; expected 1 to 10000
        input.batch: expected one of `items`, `bytes` and `target_ms`
        input.batch.target_ms: -1.0; expected 0.001 to 600000
        input.item_ms: 0.0; expected milliseconds from 0.000001 to 86400000
        input.item_ms: 86400000.0 with 1000000000000 items is centuries of work
        input.audit.share: 2.0; expected a share from 0 to 1
        input.audit.on_difference: unknown variant `shrug`, expected `report` or `fail`
        none
        input.params.x: the number 1.2345678901234568e+21 may have been rounded; write it as a string, or use `json_lines`"#]].assert_eq(&refusals.join("\n"));
}

#[test]
fn rows_become_objects_and_lines_stay_as_they_are() {
    let mut files = Files::new();
    files.insert("rows.csv".to_owned(), "name, price\n\"a, \"\"b\"\"\",1.50\né,\n".as_bytes().to_vec());
    files.insert(
        "lines.jsonl".to_owned(),
        b"\xEF\xBB\xBF{\"a\":1.50}\r\n  [1, 2]\n12345678901234567890123\n".to_vec(),
    );
    let items = |items: &Value| {
        let job = json!({ "items": items, "worker": "w" });
        let prepared = External::prepare(input(&job), &Given::files(files.clone())).unwrap();
        (0..prepared.items.n()).map(|idx| prepared.items.get(idx).unwrap().into_owned()).collect::<Vec<_>>()
    };
    assert_eq!(
        items(&json!({ "csv": "rows.csv" })),
        [r#"{"name":"a, \"b\"","price":"1.50"}"#, r#"{"name":"é","price":""}"#]
    );
    assert_eq!(
        items(&json!({ "json_lines": "lines.jsonl" })),
        [r#"{"a":1.50}"#, "[1, 2]", "12345678901234567890123"]
    );
    assert_eq!(items(&json!({ "range": [-1, 2] })), ["-1", "0", "1"]);
    assert_eq!(items(&json!({ "list": [{ "b": 1, "a": 2 }, null] })), [r#"{"b":1,"a":2}"#, "null"]);
}
