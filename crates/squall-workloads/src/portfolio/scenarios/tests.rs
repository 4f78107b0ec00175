use expect_test::{Expect, expect};

use super::*;

mod histories;
mod remarks;
mod sampling;

fn market() -> Factors {
    Factors(vec![
        Factor::Spot("SPX".into()),
        Factor::Spot("COMP".into()),
        Factor::Vol("SPX".into()),
        Factor::Rate("USD".into()),
        Factor::Fx("EURUSD".into()),
    ])
}

fn prepare(input: &str) -> Result<ScenarioSet, String> {
    let input: ScenariosInput = serde_json::from_str(input).map_err(|e| e.to_string())?;
    input.prepare(&Basis::new(&market()), &Files::new()).map_err(|e| e.to_string())
}

/// What the scenarios are, one a line.
fn listing(input: &str) -> String {
    let set = prepare(input).unwrap();
    let mut text = format!("{}\n", set.about());
    for scenario in 0..set.count() {
        let shock = |(factor, shock): (Factor, f64)| format!(" | {factor} {shock:.6}");
        let shocks: String = set.shocks_of(scenario).into_iter().map(shock).collect();
        text.push_str(&format!("{}{shocks}\n", set.label(scenario)));
    }
    text
}

fn check(text: &str, expected: Expect) {
    expected.assert_eq(text);
}

#[test]
fn explicit_scenarios_are_taken_as_they_are() {
    let csv = r"scenario,spot:SPX,rate:USD\ncrash,-0.3,-0.01\nboom,0.1,0";
    check(
        &listing(&format!(r#"{{"type": "explicit", "csv": "{csv}"}}"#)),
        expect![[r#"
            2 given scenarios
            crash | spot:SPX -0.300000 | rate:USD -0.010000
            boom | spot:SPX 0.100000
        "#]],
    );
    assert_eq!(prepare(r#"{"type": "explicit", "csv": "vol:SPX\n0.1"}"#).unwrap().label(0), "row 1");
}

#[test]
fn history_is_turned_into_shocks_over_overlapping_windows() {
    let csv =
        r"date,spot:SPX,vol:SPX\n2020-01-01,100,10\n2020-01-02,110,12\n2020-01-03,99,.\n2020-01-06,121,11";
    let levels = format!(
        r#"{{"type": "historical", "csv": "{csv}", "scale": {{"vol:SPX": 0.01}}, "missing": "skip_row""#
    );
    check(
        &(listing(&format!("{levels}}}")) + &listing(&format!(r#"{levels}, "horizon_days": 2}}"#))),
        expect![[r#"
            2 historical windows of 1 day, 2020-01-02 to 2020-01-06
            2020-01-02 | spot:SPX 0.100000 | vol:SPX 0.020000
            2020-01-06 | spot:SPX 0.100000 | vol:SPX -0.010000
            1 historical window of 2 days, 2020-01-06 to 2020-01-06
            2020-01-06 | spot:SPX 0.210000 | vol:SPX 0.010000
        "#]],
    );
    let returns = r"date,fx:EURUSD,rate:USD\n2020-01-02,0.1,0.001\n2020-01-03,0.2,-0.002\n2020-01-04,-0.5,0";
    check(
        &listing(&format!(
            r#"{{"type": "historical", "csv": "{returns}", "values": "returns", "horizon_days": 2}}"#
        )),
        expect![[r#"
            2 historical windows of 2 days, 2020-01-03 to 2020-01-04
            2020-01-03 | rate:USD -0.001000 | fx:EURUSD 0.320000
            2020-01-04 | rate:USD -0.002000 | fx:EURUSD -0.400000
        "#]],
    );
}

#[test]
fn a_grid_has_every_combination_the_last_axis_fastest() {
    check(
        &listing(
            r#"{"type": "grid", "axes": [
                {"name": "equities", "factors": ["spot:SPX", "spot:COMP"], "shocks": [-0.1, 0.055]},
                {"factor": "vol:SPX", "shocks": [0, 0.05]},
                {"factor": "rate:USD", "shocks": [0.01]}]}"#,
        ),
        expect![[r#"
            4 stress scenarios
            equities -10% vol:SPX +0pt rate:USD +100bp | spot:SPX -0.100000 | spot:COMP -0.100000 | rate:USD 0.010000
            equities -10% vol:SPX +5pt rate:USD +100bp | spot:SPX -0.100000 | spot:COMP -0.100000 | vol:SPX 0.050000 | rate:USD 0.010000
            equities +5.5% vol:SPX +0pt rate:USD +100bp | spot:SPX 0.055000 | spot:COMP 0.055000 | rate:USD 0.010000
            equities +5.5% vol:SPX +5pt rate:USD +100bp | spot:SPX 0.055000 | spot:COMP 0.055000 | vol:SPX 0.050000 | rate:USD 0.010000
        "#]],
    );
}

#[test]
fn says_what_is_wrong_where_and_what_would_be_right() {
    let monte_carlo = |rest: &str| format!(r#"{{"type": "monte_carlo", {rest}}}"#);
    let two = r#""paths": 9, "factors": ["spot:SPX", "vol:SPX"]"#;
    let bad = [
        r#"{"type": "explicit"}"#.to_owned(),
        r#"{"type": "explicit", "file": "a.csv", "csv": "x"}"#.into(),
        r#"{"type": "explicit", "file": "a.csv"}"#.into(),
        r#"{"type": "explicit", "csv": "scenario\na"}"#.into(),
        r#"{"type": "explicit", "csv": "spot:SPY\n0.1"}"#.into(),
        r#"{"type": "explicit", "csv": "spot:SPX\n-1"}"#.into(),
        r#"{"type": "explicit", "csv": "spot:SPX,vol:SPX\n0.1,"}"#.into(),
        r#"{"type": "explicit", "csv": "spot:SPX\n"}"#.into(),
        r#"{"type": "explicit", "csv": "scenario,spot:SPX\na,0.1\na,0.2"}"#.into(),
        r#"{"type": "explicit", "cvs": "spot:SPX\n1"}"#.into(),
        r#"{"type": "implicit"}"#.into(),
        r#"{"type": "explicit", "csv": "spot:SPX\n1", "csv": "spot:SPX\n2"}"#.into(),
        r#"["explicit"]"#.into(),
        r#"{"type": "historical", "csv": "spot:SPX\n1"}"#.into(),
        r#"{"type": "historical", "csv": "date,spot:SPX\n2020-01-02,1\n2020-01-02,2"}"#.into(),
        r#"{"type": "historical", "csv": "date,spot:SPX\n2020-01-02,1\n2020-01-03,NA"}"#.into(),
        r#"{"type": "historical", "csv": "date,spot:SPX\n2020-01-02,1\n2020-01-03,-37.6"}"#.into(),
        r#"{"type": "historical", "csv": "date,spot:SPX\n2020-01-02,1\n2020-01-03,2", "horizon_days": 2}"#.into(),
        r#"{"type": "historical", "csv": "date,spot:SPX\n2020-01-02,1", "scale": {"vol:SPX": 0.01}}"#.into(),
        r#"{"type": "historical", "csv": "date,vol:SPX\n2020-01-02,1", "scale": {"vol:SPX": 0}}"#.into(),
        r#"{"type": "historical", "csv": "date,spot:SPX\n2020-01-02,-1", "values": "returns"}"#.into(),
        monte_carlo(r#""paths": 0"#),
        monte_carlo(r#""paths": 9"#),
        monte_carlo(r#""paths": 9, "distribution": "student_t", "degrees_of_freedom": 2"#),
        monte_carlo(r#""paths": 9, "distribution": "student_t""#),
        monte_carlo(r#""paths": 9, "degrees_of_freedom": 4"#),
        monte_carlo(r#""paths": 9, "mean": "sample""#),
        monte_carlo(r#""paths": 9, "per": "day", "history": {"csv": "date"}"#),
        monte_carlo(r#""paths": 9, "history": {"csv": "date,spot:SPX\n2020-01-02,1\n2020-01-03,2"}"#),
        monte_carlo(two),
        monte_carlo(&format!(r#"{two}, "per": "day""#)),
        monte_carlo(&format!(r#"{two}, "per": "day", "covariance": [[1]]"#)),
        monte_carlo(&format!(r#"{two}, "per": "day", "covariance": [[1, 0], [0]]"#)),
        monte_carlo(&format!(r#"{two}, "per": "day", "covariance": [[1, 0.5], [0.4, 1]]"#)),
        monte_carlo(&format!(r#"{two}, "per": "day", "covariance": [[1, 2], [2, 1]]"#)),
        monte_carlo(&format!(r#"{two}, "per": "day", "covariance": [[0, 1], [1, 1]]"#)),
        monte_carlo(&format!(r#"{two}, "per": "day", "covariance": [[400, 0], [0, 1]]"#)),
        monte_carlo(&format!(
            r#"{two}, "per": "year", "volatilities": [0.2, 0.8], "correlation": [[1, -1.2], [-1.2, 1]]"#
        )),
        monte_carlo(&format!(
            r#"{two}, "per": "year", "volatilities": [0.2, 0.8], "correlation": [[0.04, 0], [0, 1]]"#
        )),
        r#"{"type": "grid", "axes": []}"#.into(),
        r#"{"type": "grid", "axes": [{"shocks": [0.1]}]}"#.into(),
        r#"{"type": "grid", "axes": [{"factor": "spot:SPX", "shocks": []}]}"#.into(),
        r#"{"type": "grid", "axes": [{"factor": "spot:SPX", "shocks": [0.1, -2]}]}"#.into(),
        r#"{"type": "grid", "axes": [{"factors": ["spot:SPX", "vol:SPX"], "shocks": [0.1]}]}"#.into(),
        r#"{"type": "grid", "axes": [{"factor": "vol:SPX", "shocks": [0.1]}, {"factor": "vol:SPX", "shocks": [0.1]}]}"#
            .into(),
    ];
    let text: String = bad.iter().map(|input| prepare(input).unwrap_err() + "\n").collect();
    check(
        &text,
        expect![[r#"
            input.scenarios: give either "file" (a CSV file's name) or "csv" (its text)
            input.scenarios: give either "file" (a CSV file's name) or "csv" (its text)
            input.scenarios.file: the file "a.csv" is not there
            input.scenarios.csv:1: no column names a factor; name at least one, like spot:SPX
            input.scenarios.csv:1:1 (spot:SPY): unknown factor "spot:SPY"; the market has spot:SPX, spot:COMP, vol:SPX, rate:USD, fx:EURUSD
            input.scenarios.csv:2:1 (spot:SPX): a relative shock of -1 would take spot:SPX to zero or below; it must be above -1 (-0.1 is 10 % down), or in units of the price, with "changes": {"spot:SPX": "absolute"}
            input.scenarios.csv:2:2 (vol:SPX): is empty; a number is needed here
            input.scenarios: there is no scenario; at least one is needed
            input.scenarios.csv:3:1 (scenario): "a" is already on line 2; each must be unique
            cvs: unknown field `cvs`, expected one of `file`, `csv`, `changes`
            type: unknown variant `implicit`, expected one of `explicit`, `historical`, `monte_carlo`, `grid`, `none`
            "csv" is there twice; each must be unique at line 1 column 64
            expected an object, whose type says which scenarios these are
            input.scenarios.csv:1: the column "date" is missing; the columns are spot:SPX
            input.scenarios.csv:3:1 (date): 2020-01-02 follows 2020-01-02; rows must go from old to new, each day once
            input.scenarios.csv:3:2 (spot:SPX): no value; fill it in, or say "missing": "skip_row" to leave out days like this one
            input.scenarios.csv:3:2 (spot:SPX): a level of -37.6, but a relative change needs levels above 0; leave the row out, with "skip_dates": ["its date"], or take the changes in units of the price, with "changes": {"spot:SPX": "absolute"}
            input.scenarios.horizon_days: 2 days, but the history has 1 daily change; a window has 1 to that many days
            input.scenarios.scale.vol:SPX: the history has no such column; it has spot:SPX
            input.scenarios.scale.vol:SPX: 0 does not scale anything; it must be above 0
            input.scenarios.csv:2:2 (spot:SPX): a relative change of -1, but it must be above -1 (-0.1 is 10 % down); if the values are in percent, add "scale": {"spot:SPX": 0.01}
            input.scenarios.paths: 0; it must be from 1 to 10000000
            input.scenarios: give "history", or "factors" with a "covariance" or "volatilities" and "correlation"
            input.scenarios.degrees_of_freedom: 2; it must be above 2, or there is no variance, and at most 1000000
            input.scenarios.degrees_of_freedom: missing; a Student t needs it, above 2 (4 is common for daily returns)
            input.scenarios.degrees_of_freedom: only goes with "distribution": "student_t"; leave it out
            input.scenarios.mean: only goes with "history"; leave it out
            input.scenarios.per: does not go with "history", which says all of it; leave "per" out
            input.scenarios.history: 1 daily change; a covariance needs at least 2
            input.scenarios.per: missing; say whether the covariance is per "day" or per "year" (252 trading days)
            input.scenarios: give either "covariance" or both "volatilities" and "correlation"
            input.scenarios.covariance: 1 row for 2 factors; one row and one column for each
            input.scenarios.covariance[1]: 1 number for 2 factors; one for each
            input.scenarios.covariance[1][0]: 0.4 for vol:SPX and spot:SPX, but 0.5 the other way round; it must be symmetric
            input.scenarios (covariance): spot:SPX has a standard deviation of 1 a day; at most 0.6 (0.01 is 1 %)
            input.scenarios (covariance): not positive semi-definite: vol:SPX cannot move with spot:SPX, whose variance is 0; give spot:SPX one, or leave it out
            input.scenarios (covariance): spot:SPX has a standard deviation of 20 a day; at most 0.6 (0.01 is 1 %)
            input.scenarios.correlation[0][1]: -1.2 for spot:SPX and vol:SPX; it must be from -1 to 1
            input.scenarios.correlation[0][0]: 0.04; the correlation of spot:SPX with itself is 1
            input.scenarios.axes: is empty; a grid needs at least one axis
            input.scenarios.axes[0]: give either "factor" (one) or "factors" (a list of those that move together)
            input.scenarios.axes[0].shocks: is empty; an axis needs at least one shock
            input.scenarios.axes[0].shocks[1]: a relative shock of -2 would take spot:SPX to zero or below; it must be above -1 (-0.1 is 10 % down), or in units of the price, with "changes": {"spot:SPX": "absolute"}
            input.scenarios.axes[0].factors[1]: vol:SPX does not move in the same unit as spot:SPX; give it an axis of its own
            input.scenarios.axes[1]: vol:SPX is shocked by axes[0] already
        "#]],
    );
}

#[test]
fn a_grid_that_is_too_large_is_refused() {
    let axis = |factor: &str| format!(r#"{{"factor": "{factor}", "shocks": {:?}}}"#, vec![0.1; 1000]);
    let axes = ["spot:SPX", "vol:SPX", "rate:USD"].map(axis).join(",");
    assert_eq!(
        prepare(&format!(r#"{{"type": "grid", "axes": [{axes}]}}"#)).unwrap_err(),
        "input.scenarios.axes: more than 10000000 combinations of shocks; leave some out"
    );
}

#[test]
fn names_the_files_that_it_needs() {
    let references = |input: &str| serde_json::from_str::<ScenariosInput>(input).unwrap().references();
    assert_eq!(references(r#"{"type": "explicit", "file": "shocks.csv"}"#), ["shocks.csv"]);
    assert_eq!(references(r#"{"type": "historical", "file": "history.csv"}"#), ["history.csv"]);
    assert_eq!(references(r#"{"type": "monte_carlo", "paths": 1, "history": {"file": "h.csv"}}"#), ["h.csv"]);
    assert_eq!(references(r#"{"type": "explicit", "csv": "x"}"#), [""; 0]);
}

#[test]
fn shocks_are_written_as_risk_managers_do() {
    let text = |factor: usize, shock| shock_text(&market().0[factor], shock, 2);
    let texts =
        [text(0, -0.1), text(2, 0.0525), text(3, -0.00255), text(4, -0.000_000_1), text(0, 0.123_456)];
    assert_eq!(texts, ["-10%", "+5.25pt", "-25.5bp", "+0%", "+12.35%"]);
}

#[test]
fn the_schema_knows_every_kind() {
    let schema = scenarios_schema();
    let kinds: Vec<_> =
        schema["oneOf"].as_array().unwrap().iter().map(|kind| &kind["properties"]["type"]["const"]).collect();
    assert_eq!(kinds, ["explicit", "historical", "monte_carlo", "grid", "none"]);
}
