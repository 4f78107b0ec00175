use expect_test::expect;
use squall_core::sources::{Files, Given};

use super::super::market::Market;
use super::*;

const MANUAL: &str = include_str!("../../../portfolio.md");

/// The example in the manual: what we document must work.
fn example(language: &str) -> String {
    let (_, from) = MANUAL.split_once(&format!("```{language}\n")).unwrap();
    from.split_once("```").unwrap().0.to_owned()
}

pub(in super::super) fn manual_csv() -> String {
    example("csv")
}

pub(in super::super) fn manual_market_json() -> String {
    example("json")
}

pub(in super::super) fn manual_market() -> Market {
    Market::parse("market.json", example("json").as_bytes()).unwrap()
}

/// An input with some scenarios, whatever else it has.
pub(in super::super) fn with_scenarios(json: &str) -> String {
    json.replacen('{', r#"{"scenarios": {"type": "explicit", "csv": "spot:ACME\n0"}, "#, 1)
}

fn input(json: &str) -> Result<PortfolioInput, String> {
    let json = with_scenarios(json);
    let mut json = serde_json::Deserializer::from_str(&json);
    serde_path_to_error::deserialize(&mut json).map_err(|error| error.to_string())
}

#[test]
fn reads_files_and_inline_text_alike() {
    let named = input(r#"{"positions": "p.csv", "market": "m.json", "asian": {"paths": 64}}"#).unwrap();
    assert_eq!(named.references(), ["m.json", "p.csv"]);
    assert_eq!(named.asian, AsianSettings { paths: 64, seed: 1 });
    let files = Files::from([
        ("p.csv".to_owned(), manual_csv().into_bytes()),
        ("m.json".to_owned(), example("json").into_bytes()),
    ]);
    let from_files = named.portfolio(&Given::files(files)).unwrap();

    let csv = serde_json::Value::from(manual_csv());
    let market = example("json");
    let text = format!(r#"{{"positions": {{"csv": {csv}}}, "market": {market}, "asian": {{"paths": 64}}}}"#);
    let inline = input(&text).unwrap();
    assert!(inline.references().is_empty());
    assert_eq!(inline.portfolio(&Given::default()).unwrap().positions(), from_files.positions());
}

#[test]
fn says_which_field_or_file_is_wrong() {
    let complaint = |json: &str| match input(json) {
        Err(problem) => problem,
        Ok(input) => input.portfolio(&Given::default()).unwrap_err().to_string(),
    };
    expect![[r#"
        positions: invalid type: integer `1`, expected the name of a CSV file or {"csv": "its text"} at line 1 column 73
        positions.text: unknown field `text`, expected `csv` at line 1 column 79
        market: invalid type: sequence, expected the name of a JSON file or a market object at line 1 column 93
        market: missing field `report_currency` at line 1 column 123
        input.market.report_currency: "US" is not a currency; write three capitals like USD
        input.positions: the file "p.csv" is not among the job's files
        input.positions.csv:1: the column "book" is missing; the columns are id
        input.market: the file "m.json" is not among the job's files
        asian.path: unknown field `path`, expected `paths` or `seed` at line 1 column 117
        input.asian.paths: 2 is out of range; a number of paths is from 4 to 10000000
        asian.seed: invalid value: integer `-2`, expected u64 at line 1 column 121
        seed: unknown field `seed`, expected one of `positions`, `ignore_columns`, `expired`, `market`, `asian`, `age`, `scenarios`, `report` at line 1 column 107"#]].assert_eq(
        &[
            r#"{"positions": 1, "market": "m.json"}"#,
            r#"{"positions": {"text": ""}, "market": "m.json"}"#,
            r#"{"positions": "p.csv", "market": []}"#,
            r#"{"positions": "p.csv", "market": {"valuation_date": "2026-01-15"}}"#,
            r#"{"positions": "p.csv", "market": {"valuation_date": "2026-01-15", "report_currency": "US"}}"#,
            r#"{"positions": "p.csv", "market": {"valuation_date": "2026-01-15", "report_currency": "USD"}}"#,
            r#"{"positions": {"csv": "id"}, "market": {"valuation_date": "2026-01-15", "report_currency": "USD"}}"#,
            r#"{"positions": "p.csv", "market": "m.json"}"#,
            r#"{"positions": "p.csv", "market": "m.json", "asian": {"path": 1}}"#,
            r#"{"positions": "p.csv", "market": "m.json", "asian": {"paths": 2}}"#,
            r#"{"positions": "p.csv", "market": "m.json", "asian": {"seed": -2}}"#,
            r#"{"positions": "p.csv", "market": "m.json", "seed": 1}"#,
        ]
        .map(complaint)
        .join("\n"),
    );
}

#[test]
fn the_schema_knows_every_field_of_the_example() {
    let market: serde_json::Value = serde_json::from_str(&example("json")).unwrap();
    let schema = schema::market();
    let properties = &schema["oneOf"][1]["properties"];
    for (field, value) in market.as_object().unwrap() {
        assert!(properties[field].is_object(), "{field}");
        let inner = &properties[field]["additionalProperties"]["properties"];
        for named in value.as_object().into_iter().flat_map(serde_json::Map::values) {
            for field in named.as_object().into_iter().flat_map(serde_json::Map::keys) {
                assert!(inner[field].is_object(), "{field}");
            }
        }
    }
    assert_eq!(schema::asian()["properties"]["paths"]["default"], 10_000);
    assert_eq!(schema::positions()["oneOf"][1]["required"][0], "csv");
}

/// Files that are elsewhere say nothing against a job, and those that are here do.
#[test]
fn what_is_given_is_checked_without_the_rest() {
    let market = example("json");
    let right = [
        ("p.csv", manual_csv()),
        ("m.json", market.clone()),
        ("s.csv", "scenario,spot:ACME\nbase,0\n".to_owned()),
    ];
    let json =
        r#"{"positions": "p.csv", "market": "m.json", "scenarios": {"type": "explicit", "file": "s.csv"}}"#;
    let check = |files: &[(&str, String)]| {
        let files = files.iter().map(|(name, text)| ((*name).to_owned(), text.clone().into_bytes()));
        let input: PortfolioInput = serde_json::from_str(json).unwrap();
        input.check_some(&Given::files(files.collect())).map_err(|error| error.place)
    };
    for n in 0..8_usize {
        let some: Vec<_> =
            right.iter().enumerate().filter(|(at, _)| n >> at & 1 == 1).map(|(_, it)| it.clone()).collect();
        assert_eq!(check(&some), Ok(()), "{n}");
    }
    let [positions, market, scenarios] = right;
    let wrong = |name: &'static str, text: &str| (name, text.to_owned());
    assert_eq!(check(&[wrong("m.json", "{")]).unwrap_err(), "m.json:1:1");
    assert_eq!(check(&[market.clone(), wrong("p.csv", "id\n")]).unwrap_err(), "p.csv:1");
    assert_eq!(
        check(&[market, wrong("s.csv", "scenario,spot:NONE\nbase,0\n")]).unwrap_err(),
        "s.csv:1:2 (spot:NONE)"
    );
    // Without the market, nothing can be said of them.
    assert_eq!(check(&[positions, wrong("s.csv", "?"), scenarios][..2]), Ok(()));
}
