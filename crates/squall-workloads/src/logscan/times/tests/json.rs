use super::*;

/// The time of a JSON record by an object's layouts.
fn of(time_object: &str, record: &str) -> String {
    time(&rules(time_object).unwrap().layouts("a.json", b""), record)
}

#[test]
fn a_json_record_has_its_time_in_the_usual_member() {
    for record in [
        r#"{"eventVersion":"1.08","userIdentity":{"type":"Root","a":{"b":[1,"}"]}},"eventTime":"2026-11-30T21:08:33Z"}"#,
        r#"{"timestamp":1796072913000,"formatVersion":1,"webaclId":"arn"}"#,
        r#"{ "level": 30, "time": 1796072913000, "msg": "x" }"#,
        r#"{"level":"info","ts":1796072913.000,"msg":"x"}"#,
        r#"{"ts":1.796072913e9}"#,
        r#"{"ts":1796072913000000}"#,
        r#"{"ts":1796072913000000000}"#,
        r#"{"@timestamp":"2026-11-30T22:08:33.000+01:00"}"#,
        r#"{"time":"1796072913"}"#,
        r#"{"time":"[30\/Nov\/2026:21:08:33 +0000]"}"#,
        r#"{"t":{"$date":"2026-11-30T22:08:33.000+01:00"},"s":"I"}"#,
        r#"{"t":{"$date":1796072913000}}"#,
        r#"{"date":"Mon, 30 Nov 2026 21:08:33 GMT"}"#,
        "\u{feff} {\n  \"message\": \"a\",\n  \"time\": \"2026-11-30 21:08:33\"\n}",
    ] {
        assert_eq!(of("{}", record), "2026-11-30T21:08:33.000000Z", "{record}");
    }
}

#[test]
fn neither_nested_members_nor_text_are_taken_for_the_member() {
    for record in [
        r#"{"a":{"time":"2026-11-30T21:08:33Z"}}"#,
        r#"{"a":"\",\"time\":\"2026-11-30T21:08:33Z"}"#,
        r#"{"a":["{",{"time":"2026-11-30T21:08:33Z"}]}"#,
        r#"{"message":"2026-11-30T21:08:33Z"}"#,
        r#"{"time":12}"#,
        r#"{"time":-1796072913}"#,
        r#"{"time":null}"#,
        r#"{"time":1e400}"#,
        r#"{"time":"2026-11-30T21:08:33Z"#,
        r#"{"time":"#,
        r#"{"time"}"#,
        r#"{"a\"#,
        "{\"",
        "{}",
        "{",
    ] {
        assert_eq!(of("{}", record), "-", "{record}");
    }
    let quoted = r#"{"a":"\\","b\"":"}{[","c":"\"{","time":"2026-11-30T21:08:33Z"}"#;
    assert_eq!(of("{}", quoted), "2026-11-30T21:08:33.000000Z");
}

#[test]
fn of_several_members_the_job_decides_then_the_head_then_the_order_of_the_usual_ones() {
    let record =
        r#"{"time":"2026-01-01T00:00:00Z","eventTime":"2026-02-02T00:00:00Z","mine":"2026-03-03T00:00:00Z"}"#;
    assert_eq!(of(r#"{"field": "mine"}"#, record), "2026-03-03T00:00:00.000000Z");
    assert_eq!(of("{}", record), "2026-02-02T00:00:00.000000Z");
    assert_eq!(of(r#"{"field": "other"}"#, record), "-");
    let head = [r#"{"time":"2026-01-01T00:00:00Z"}"#, r#"{"time":"2026-01-01T00:00:00Z"}"#, record];
    let layouts = detected(&head);
    assert_eq!(layouts.name(), "json (time)");
    assert_eq!(time(&layouts, record), "2026-01-01T00:00:00.000000Z");
    let unlike = r#"{"time":"soon","timestamp":1796072913}"#;
    assert_eq!(time(&layouts, unlike), "2026-11-30T21:08:33.000000Z");
}

#[test]
fn a_named_layout_reads_json_values_too() {
    let record = r#"{"time":"03/04/2026 09:08:33"}"#;
    assert_eq!(of("{}", record), "-");
    assert_eq!(of(r#"{"format": "%d/%m/%Y %H:%M:%S"}"#, record), "2026-04-03T09:08:33.000000Z");
    assert_eq!(
        of(r#"{"format": "epoch-ms"}"#, r#"{"ts":1796072913,"time":1796072913000}"#),
        "2026-11-30T21:08:33.000000Z"
    );
    assert_eq!(of(r#"{"format": "rfc3339"}"#, r#"{"time":1796072913000}"#), "-");
    assert_eq!(of(r#"{"format": "none"}"#, r#"{"time":1796072913000}"#), "-");
}

#[test]
fn a_line_in_braces_that_is_no_json_is_text() {
    let layouts = detected(&["{main} 2026-11-30 21:08:33 a", "{main} 2026-11-30 21:08:34 b"]);
    assert_eq!(time(&layouts, "{main} 2026-11-30 21:08:33 a"), "2026-11-30T21:08:33.000000Z");
}

#[test]
fn digits_beyond_microseconds_are_dropped_from_numbers() {
    assert_eq!(of("{}", r#"{"ts":1796072913.123456789}"#), "2026-11-30T21:08:33.123456Z");
    assert_eq!(of("{}", r#"{"ts":1.796072913123456789E+9}"#), "2026-11-30T21:08:33.123456Z");
    assert_eq!(of("{}", r#"{"ts":1796072913123.4567}"#), "2026-11-30T21:08:33.123456Z");
    assert_eq!(of("{}", r#"{"ts":1796072913123456789}"#), "2026-11-30T21:08:33.123456Z");
}

proptest! {
    #[test]
    fn an_object_that_breaks_off_anywhere_has_no_time_or_its_own(
        text in "[\\\\\"{}\\[\\]:,a ]{0,40}", cut in 0.0..1.0_f64,
    ) {
        let name = serde_json::Value::from(text.clone());
        let record = format!(r#"{{"a":{name},"b":{{{name}:[{name},{{}}]}},"time":1796072913}}"#);
        prop_assert_eq!(of("{}", &record), "2026-11-30T21:08:33.000000Z");
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a short text")]
        let end = (record.len() as f64 * cut) as usize;
        let part = record.get(..end).unwrap_or_default();
        prop_assert_eq!(of("{}", part), "-", "{}", part);
    }
}
