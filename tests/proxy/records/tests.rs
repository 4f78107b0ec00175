use super::*;

fn reply(names: &[&str]) -> String {
    let records: Vec<_> = names.iter().map(|name| json!({ "SequenceNumber": name })).collect();
    json!({ "FailedRecordCount": 0, "Records": records }).to_string()
}

/// The result of each record: its sequence number, or `-`.
fn told(body: &Bytes) -> (String, Value) {
    let reply = parsed(body);
    let records = reply["Records"].as_array().unwrap();
    let told: Vec<_> = records.iter().map(|it| it["SequenceNumber"].as_str().unwrap_or("-")).collect();
    (told.join(" "), reply["FailedRecordCount"].clone())
}

#[test]
fn refused_records_are_neither_forwarded_nor_reported_as_taken() {
    let request = Bytes::from(json!({ "StreamName": "s", "Records": ["a", "b", "c", "d"] }).to_string());
    for (refused, kept, expected) in [
        (vec![], vec!["a", "b", "c", "d"], "a b c d"),
        (vec![0], vec!["b", "c", "d"], "- b c d"),
        (vec![3], vec!["a", "b", "c"], "a b c -"),
        (vec![1, 2], vec!["a", "d"], "a - - d"),
        (vec![0, 1, 2, 3], vec![], "- - - -"),
    ] {
        let refused: BTreeSet<_> = refused.into_iter().collect();
        let forwarded = without(&request, &refused);
        assert_eq!(parsed(&forwarded), json!({ "StreamName": "s", "Records": kept }), "{refused:?}");
        let told = told(&with_refusals(reply(&kept).as_bytes(), &refused));
        assert_eq!(told, (expected.to_owned(), refused.len().into()), "{refused:?}");
    }
    assert_eq!(number(&request), 4);
    assert_eq!(number(b"not JSON"), 0);
}
