use expect_test::expect;
use proptest::prelude::*;
use serde_json::{Value, json};
use squall_core::wire::encode;

use super::*;

mod shown;

fn merge(declared: &Value) -> Merge {
    Merge::parse(declared, "input.merge").unwrap()
}

fn merged(merge: &Merge, values: &[(u64, String)]) -> Merged {
    let mut into = merge.empty();
    for (at, value) in values {
        let value: &RawValue = serde_json::from_str(value).unwrap();
        merge.add(&mut into, &ItemId::index(*at), value).unwrap();
    }
    into
}

fn report(declared: &Value, values: &[&str]) -> Value {
    let merge = merge(declared);
    let values: Vec<(u64, String)> = (0..).zip(values.iter().map(|text| (*text).to_owned())).collect();
    let all = merged(&merge, &values);
    merge.check(&all, values.len() as u64, &|id| id.at < values.len() as u64).unwrap();
    merge.report(Some(&all))
}

/// A double as C and Python write it in hexadecimal: `-0x1.8p-3`.
fn hex(text: &str) -> f64 {
    let (sign, text) = text.strip_prefix('-').map_or((1.0, text), |rest| (-1.0, rest));
    let (digits, exponent) = text.strip_prefix("0x").unwrap().split_once('p').unwrap();
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let exponent: i32 = exponent.parse().unwrap();
    let fraction_bits = u64::from_str_radix(&format!("{fraction:0<13}"), 16).unwrap();
    let bits = match whole {
        "0" if fraction_bits == 0 => 0,
        "0" => fraction_bits,
        _ => u64::try_from(exponent + 1_023).unwrap() << 52 | fraction_bits,
    };
    sign * f64::from_bits(bits)
}

/// `reference.py` says how the table was made.
#[test]
fn sums_means_and_variances_are_those_of_exact_fractions() {
    let table = include_str!("reference.txt");
    for row in table.lines() {
        let mut words = row.split(' ');
        let (figure, expected) = (words.next().unwrap(), words.next().unwrap());
        let numbers: Vec<&str> = words.collect();
        let found = report(&json!(if figure == "sum" { "sum" } else { "mean" }), &numbers)[figure].clone();
        if expected.contains("0x") {
            assert_eq!(
                found.as_f64().map(f64::to_bits),
                Some((hex(expected) + 0.0).to_bits()),
                "{row}: {found}"
            );
        } else {
            let found = found.as_str().map_or_else(|| found.to_string(), str::to_owned);
            assert_eq!(found, expected, "{row}");
        }
    }
    assert!(table.lines().count() > 400);
}

#[test]
fn decimals_are_summed_as_they_are_written() {
    let sum = |values: &[&str]| report(&json!({ "type": "sum", "of": "decimal" }), values)["sum"].clone();
    assert_eq!(sum(&["\"12.340\"", "-0.1"]), "12.240");
    assert_eq!(sum(&["0.1", "0.2", "\"-0.3\""]), "0.0");
    assert_eq!(sum(&["\"1e2\"", "5"]), "105");
    assert_eq!(sum(&["\"0.01\"", "\"-1.02\""]), "-1.01");
    assert_eq!(sum(&["9999999999999999999999999999999999", "1"]), "10000000000000000000000000000000000");
    assert_eq!(sum(&["\"1e-100\"", "\"1\""]).as_str().unwrap().len(), 102);
    assert_eq!(sum(&[]), "0");
}

#[test]
fn extremes_are_compared_exactly_and_ties_are_the_first_items() {
    let max = report(&json!("max"), &["9007199254740992.0", "9007199254740993", "1"]);
    assert_eq!(max, json!({ "max": 9_007_199_254_740_993_u64, "item": 1, "n": 3 }));
    assert_eq!(report(&json!("min"), &["2", "1.0", "1"]), json!({ "min": 1.0, "item": 1, "n": 3 }));
    assert_eq!(report(&json!("min"), &[]), json!({ "min": null, "item": null, "n": 0 }));
    assert_eq!(report(&json!("max"), &["-0.0", "0"])["item"], 0);
    let huge = report(&json!("max"), &["1e39", "170141183460469231731687303715884105727", "-1e39"]);
    assert_eq!(huge["max"], 1e39);
}

#[test]
fn bins_have_their_lower_edge_and_the_last_one_both() {
    let declared = json!({ "type": "histogram", "from": 0, "to": 1, "bins": 10 });
    let found =
        report(&declared, &["0", "0.3", "0.99", "1", "-1e-300", "1.0000001", "5", "0.30000000000000004"]);
    assert_eq!(found["bins"], json!([1, 0, 0, 2, 0, 0, 0, 0, 0, 2]));
    assert_eq!((&found["below"], &found["above"]), (&json!(1), &json!(2)));
}

#[test]
fn values_are_counted_ranked_listed_and_united() {
    assert_eq!(
        report(&json!("count"), &["null", "0", "false", "true", "\"\""]),
        json!({ "count": 3, "n": 5 })
    );
    let keys = report(
        &json!({ "type": "count_by", "max_keys": 2 }),
        &["\"b\"", "\"a\"", "\"c\"", "\"b\"", "3", "true"],
    );
    assert_eq!(keys, json!({ "counts": { "3": 1, "a": 1 }, "others": 4, "n": 6 }));
    let top = report(
        &json!({ "type": "top", "k": 2, "by": "x" }),
        &[r#"{"x":1}"#, r#"{"x":2.5,"y":[]}"#, r#"{"x":2.5}"#],
    );
    let best = json!([{ "item": 1, "value": { "x": 2.5, "y": [] } }, { "item": 2, "value": { "x": 2.5 } }]);
    assert_eq!(top, json!({ "top": best, "n": 3 }));
    let least = report(&json!({ "type": "top", "k": 1, "order": "smallest" }), &["3", "-1", "2"]);
    assert_eq!(least["top"], json!([{ "item": 1, "value": -1 }]));
    let union = report(
        &json!("union"),
        &[r#"["b", {"y": 1, "x": [1.0, 2]}]"#, "\"a\"", r#"{ "x":[1.0,2],"y":1 }"#, "[]"],
    );
    assert_eq!(
        union,
        json!({ "elements": ["a", "b", { "x": [1.0, 2], "y": 1 }], "has_others": false, "n": 4 })
    );
    let fields = report(
        &json!({ "fields": { "n": "sum", "who": { "type": "union", "max_elements": 1 } } }),
        &[r#"{"n": 1, "who": "b", "more": 0}"#, r#"{"who": "a", "n": 2}"#],
    );
    assert_eq!(
        fields,
        json!({ "n": { "sum": 3, "n": 2 }, "who": { "elements": ["a"], "has_others": true, "n": 2 } })
    );
}

fn values() -> impl Strategy<Value = Vec<String>> {
    let value = prop_oneof![
        any::<f64>().prop_filter("finite", |x| x.is_finite()).prop_map(|x| json!(x).to_string()),
        (-5_i64..5).prop_map(|x| x.to_string()),
        (-5_i64..5).prop_map(|x| format!("{x}.0")),
        any::<i64>().prop_map(|x| x.to_string()),
    ];
    prop::collection::vec(value, 0..40)
}

proptest! {
    #[test]
    fn any_cut_and_order_gives_the_same_bytes(
        values in values(),
        places in prop::collection::vec((any::<u32>(), 0_usize..4), 40),
    ) {
        for declared in [
            json!("sum"), json!("mean"), json!("min"), json!("max"), json!("count"), json!("concat"),
            json!({ "type": "sum", "of": "decimal" }),
            json!({ "type": "count_by", "max_keys": 3 }), json!({ "type": "union", "max_elements": 3 }),
            json!({ "type": "top", "k": 3 }), json!({ "type": "top", "k": 3, "order": "smallest" }),
            json!({ "type": "histogram", "from": -2, "to": 3, "bins": 7 }),
        ] {
            let merge = merge(&declared);
            let takes = |value: &&String| declared["of"] != "decimal" || (value.len() < 20 && !value.contains('e'));
            let values: Vec<(u64, String)> = (0..).zip(values.iter().filter(takes).cloned()).collect();
            let whole = merged(&merge, &values);
            prop_assert!(merge.check(&whole, values.len() as u64, &|_| true).is_ok(), "{}", declared);
            let mut mixed: Vec<_> = values.iter().cloned().zip(&places).collect();
            mixed.sort_by_key(|(_, place)| place.0);
            let mut again = merge.empty();
            for cut in 0..4 {
                let of_cut = mixed.iter().filter(|(_, place)| place.1 == cut);
                let part: Vec<_> = of_cut.map(|(value, _)| value.clone()).collect();
                Merge::merge(&mut again, merged(&merge, &part));
            }
            prop_assert_eq!(encode(&again), encode(&whole), "{}", declared);
        }
    }
}

#[test]
fn a_value_that_does_not_fit_is_told_and_changes_nothing() {
    let long = format!("\"{}\"", "x".repeat(1_100));
    let many_digits = "1".repeat(40);
    let deep = format!("{}{}", "[".repeat(500), "]".repeat(500));
    let cases: [(Value, &str); 18] = [
        (json!("sum"), "\"1\""),
        (json!("sum"), "null"),
        (json!("sum"), &many_digits),
        (json!("sum"), "1e999"),
        (json!({ "type": "sum", "of": "decimal" }), "\"1,5\""),
        (json!({ "type": "sum", "of": "decimal" }), "\"1e101\""),
        (json!({ "type": "sum", "of": "decimal" }), "\".5\""),
        (json!("mean"), "[1]"),
        (json!("count_by"), "null"),
        (json!("count_by"), &long),
        (json!({ "type": "top", "k": 3, "by": "x" }), "{\"y\":1}"),
        (json!({ "type": "top", "k": 3, "by": "x" }), "1"),
        (json!("concat"), &long),
        (json!("union"), &long),
        (json!("union"), &deep),
        (json!("concat"), &deep),
        (json!({ "fields": { "a": "sum", "b": "sum" } }), "{\"a\":1}"),
        (json!({ "fields": { "a": "sum", "b": "sum" } }), "{\"a\":1,\"b\":\"x\"}"),
    ];
    let mut told = Vec::new();
    for (declared, value) in cases {
        let merge = merge(&declared);
        let mut into = merge.empty();
        let value: &RawValue = serde_json::from_str(value).unwrap();
        told.push(merge.add(&mut into, &ItemId::index(0), value).unwrap_err());
        assert_eq!(into, merge.empty());
    }
    expect![[r#"
        its value is `\"1\"`; expected a number
        its value is `null`; expected a number
        its value is `1111111111111111111111111111111111111111`; expected an integer of at most 128 bits
        its value is `1e999`; expected a number that a double can hold
        its value is `\"1,5\"`; expected a decimal of at most 34 digits, such as "12.34"
        its value is `\"1e101\"`; expected a decimal of at most 34 digits, such as "12.34"
        its value is `\".5\"`; expected a decimal of at most 34 digits, such as "12.34"
        its value is `[1]`; expected a number
        its value is `null`; expected a string, a number or a truth value
        its value has 1100 bytes; expected a key of at most 200
        its value has no field `x`
        its value is `1`; expected an object
        its value has 1102 bytes; expected at most 1024 (max_value_bytes)
        its value has 1102 bytes; expected at most 1024 (max_value_bytes)
        its value is nested 499 deep; expected at most 100
        its value is nested 500 deep; expected at most 100
        its value has no field `b`
        field `b`: its value is `\"x\"`; expected a number"#]]
    .assert_eq(&told.join("\n"));
}

#[test]
fn a_declaration_that_is_wrong_is_refused_by_its_place() {
    let cases = [
        json!("summ"),
        json!(3),
        json!({}),
        json!({ "type": 1 }),
        json!({ "type": "sum", "off": "decimal" }),
        json!({ "type": "sum", "of": "money" }),
        json!({ "type": "min", "k": 1 }),
        json!({ "type": "top" }),
        json!({ "type": "top", "k": 0 }),
        json!({ "type": "top", "k": 3, "by": 1 }),
        json!({ "type": "top", "k": 3, "order": "best" }),
        json!("histogram"),
        json!({ "type": "histogram", "from": 1, "to": 1, "bins": 3 }),
        json!({ "type": "histogram", "from": 0, "to": 5e-324, "bins": 3 }),
        json!({ "type": "histogram", "from": 0, "to": "x", "bins": 3 }),
        json!({ "type": "concat", "max_value_bytes": 1_000_000 }),
        json!({ "fields": {} }),
        json!({ "fields": { "a": { "fields": {} } } }),
        json!({ "fields": { "a": "sum" }, "type": "sum" }),
    ];
    let refusals =
        cases.iter().map(|declared| Merge::parse(declared, "input.merge").unwrap_err().to_string());
    expect![[r#"
        input.merge: `summ`; expected one of `sum`, `mean`, `min`, `max`, `count`, `count_by`, `histogram`, `top`, `concat`, `union`
        input.merge: `3`; expected the name of a merge, or an object with `type` or `fields`
        input.merge: it has no `type`, and no `fields`
        input.merge.type: `1`; expected the name of a merge
        input.merge.off: `sum` has no such option; expected one of `of`
        input.merge.of: `\"money\"`; expected `number` or `decimal`
        input.merge.k: `min` has no options
        input.merge.k: it is missing; expected 1 to 10000
        input.merge.k: `0`; expected 1 to 10000
        input.merge.by: `1`; expected the name of a field
        input.merge.order: `\"best\"`; expected `largest` or `smallest`
        input.merge.from: it is missing; expected a number
        input.merge.to: `1`; expected more than `from`, 1.0, by at least 3 places of a double
        input.merge.to: `5e-324`; expected more than `from`, 0.0, by at least 3 places of a double
        input.merge.to: `\"x\"`; expected a number
        input.merge.max_value_bytes: `1000000`; expected 1 to 65536
        input.merge.fields: expected an object of 1 to 100 merges, by the names of fields
        input.merge.fields.a: it has no `type`, and no `fields`
        input.merge.type: it does not go with `fields`"#]].assert_eq(&refusals.collect::<Vec<_>>().join("\n"));
}

#[test]
fn altered_bytes_are_refused_or_harmless() {
    let values: Vec<(u64, String)> = (0..6).map(|at| (at, format!("{at}.5"))).collect();
    for declared in [
        json!("sum"),
        json!("mean"),
        json!("max"),
        json!("count"),
        json!("concat"),
        json!("count_by"),
        json!("union"),
        json!({ "type": "sum", "of": "decimal" }),
        json!({ "type": "top", "k": 3 }),
        json!({ "type": "histogram", "from": 0, "to": 3, "bins": 7 }),
    ] {
        let merge = merge(&declared);
        let own = merged(&merge, &values);
        let bytes = encode(&own);
        for place in 0..bytes.len() {
            for byte in [0, 1, 0x7F, 0x80, 0xFF] {
                let mut altered = bytes.clone();
                altered[place] = byte;
                let Ok(altered) = squall_core::wire::decode::<Merged>("partial", &altered) else { continue };
                if merge.check(&altered, 6, &|id| id.at < 6).is_ok() {
                    let mut sum = own.clone();
                    Merge::merge(&mut sum, altered);
                    let _ = (merge.report(Some(&sum)), merge.text(Some(&sum)), merge.headline(&sum));
                }
            }
        }
    }
}
