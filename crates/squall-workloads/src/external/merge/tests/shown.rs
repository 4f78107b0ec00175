use super::*;

fn text(declared: &Value, values: &[&str]) -> String {
    let merge = merge(declared);
    let values: Vec<(u64, String)> = (0..).zip(values.iter().map(|text| (*text).to_owned())).collect();
    merge.text(Some(&merged(&merge, &values)))
}

fn rows(declared: &Value, values: &[&str]) -> String {
    let merge = merge(declared);
    let values: Vec<(u64, String)> = (0..).zip(values.iter().map(|text| (*text).to_owned())).collect();
    let mut out = Vec::new();
    merge.write_rows(Some(&merged(&merge, &values)), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn each_merge_has_its_lines() {
    let numbers = ["1", "2.5", "-3"];
    let shown = [
        text(&json!("sum"), &numbers),
        text(&json!("mean"), &numbers),
        text(&json!("min"), &numbers),
        text(&json!("count"), &numbers),
        text(&json!("count_by"), &["\"b\"", "\"a\"", "\"b\"", "\"\\u001b[31m\""]),
        text(&json!({ "type": "histogram", "from": 0, "to": 3, "bins": 3 }), &numbers),
        text(&json!({ "type": "top", "k": 2 }), &numbers),
        text(&json!("concat"), &numbers),
        text(&json!("union"), &numbers),
        text(&json!({ "fields": { "a": "sum", "b": "mean" } }), &["{\"a\":1,\"b\":2}"]),
        merge(&json!("sum")).text(None),
    ];
    expect![[r#"
        sum 0.5
        --
        mean      0.16666666666666666
        sd        2.3213980461973533
        sample sd 2.8431203515386634
        --
        min -3 at item 2
        --
        count 3 of 3
        --
        b          2
        \u001b[31m 1
        a          1
        --
        below  1
        1 to 2 1
        2 to 3 1
        above  0
        --
        item 1 2.5
        item 0 1
        --
        item 0 1
        item 1 2.5
        item 2 -3
        --
         -3
         1
         2.5
        --
        a: sum 1
        b:
          mean      2.0
          sd        0.0
          sample sd null
        --
        sum 0
    "#]]
    .assert_eq(&shown.join("--\n"));
}

#[test]
fn long_lists_are_cut_and_say_so() {
    let values: Vec<String> = (0..50).map(|it| format!("\"{}{it}\"", "x".repeat(100))).collect();
    let values: Vec<&str> = values.iter().map(String::as_str).collect();
    for declared in [json!("concat"), json!("union"), json!({ "type": "top", "k": 50, "by": "x" })] {
        let items: Vec<String> = values.iter().map(|it| format!("{{\"x\":1,\"y\":{it}}}")).collect();
        let items: Vec<&str> = items.iter().map(String::as_str).collect();
        let text = text(&declared, if declared["by"].is_null() { &values } else { &items });
        assert_eq!(text.lines().count(), 21);
        assert!(text.ends_with("30 more, in the JSON report and in --csv\n"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    }
}

#[test]
fn rows_have_everything_as_it_was_said() {
    expect![[r#"
        key,value
        0,1.50
        1,"""a, b"""
        2,12345678901234567890123
    "#]]
    .assert_eq(&rows(&json!("concat"), &["1.50", "\"a, b\"", "12345678901234567890123"]));
    expect![[r#"
        field,key,value
        a,sum,1
        a,n,1
        b,2,1
        b,(others),0
    "#]]
    .assert_eq(&rows(&json!({ "fields": { "a": "sum", "b": "count_by" } }), &["{\"a\":1,\"b\":2}"]));
}

#[test]
fn no_row_is_a_formula() {
    expect![[r#"
        key,value
        '+x,1
        -2,1
        '=1+1,1
        '@a,1
        (others),0
    "#]]
    .assert_eq(&rows(&json!("count_by"), &["\"=1+1\"", "\"@a\"", "-2", "\"+x\""]));
}
