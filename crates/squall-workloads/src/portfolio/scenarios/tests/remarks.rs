//! What is said of a history and of a covariance: causes, and no more lines than a person reads.

use super::histories::{days, found, history, wave};
use super::*;

#[test]
fn a_rate_that_hardly_moves_hides_no_split() {
    // Steps of a quarter of a percent; between them nothing, a millionth, or the noise of rounding.
    let still = |idx: usize| 0.04 + 0.0025 * (idx / 30) as f64;
    let tiny = |idx: usize| format!("{:.8}", still(idx) + 1e-7 * (idx % 3) as f64);
    let noise = |idx: usize| format!("{:e}", still(idx) + 1e-17 * (idx % 3) as f64);
    let both = |rate: &dyn Fn(usize) -> String| {
        let split = |idx: usize| if idx < 100 { 400.0 } else { 100.0 };
        let row = |idx: usize| format!("{:.3},{}", split(idx) * (1.0 + 0.01 * wave(idx)), rate(idx));
        history(&format!("date,spot:SPX,rate:USD\n{}", days(250, row)), "")
    };
    for text in [both(&tiny), both(&noise), both(&|idx| still(idx).to_string())] {
        let lines: Vec<&str> = text.lines().take(5).collect();
        let of = |factor: &str| lines.iter().filter(|line| line.starts_with(factor)).count();
        assert!(lines.iter().any(|line| line.contains("share -0.7")), "{text}");
        assert!(of("spot:SPX") >= 1 && of("rate:USD") >= 1, "{text}");
    }
    // Nothing but the last digits of a constant.
    let text = history(
        &format!("date,rate:USD\n{}", days(40, |idx| (0.04 + 1e-17 * (idx % 5) as f64).to_string())),
        "",
    );
    assert!(!text.starts_with("rate:USD"), "{text}");
}

#[test]
fn rows_that_are_left_out_are_counted() {
    let skip = r#", "missing": "skip_row""#;
    let all = [
        history(
            "date,spot:SPX,rate:USD\n2025-01-02,1,.\n2025-01-03,2,0.01\n2025-01-06,3,.\n2025-01-07,.,.\n2025-01-08,2,0.02\n",
            skip,
        ),
        history("date,spot:SPX,rate:USD\n2025-01-02,1,.\n2025-01-03,2,.\n", skip),
        history("date,spot:SPX\n2025-01-02,1\n2025-01-03,2\n", skip),
    ];
    check(
        &all.join("--\n"),
        expect![[r#"
        note: 3 of 5 rows of the history are left out: rate:USD is missing in 3, spot:SPX is missing in 1
        note: the history's rows are 5 days apart, and a day's change is from row to row
        note: a usual daily change of rate:USD in the history is 0.01 (a basis point is 0.0001): if its values are in percent, say "scale": {"rate:USD": 0.01}
        2025-01-08: rate:USD 0.010000
        --
        input.scenarios.missing: 2 of 2 rows of the history are left out: rate:USD is missing in 2
        --
        note: a usual daily change of spot:SPX in the history is 1 (1 % is 0.01): if its values are in percent, say "scale": {"spot:SPX": 0.01}
        2025-01-03: spot:SPX 1.000000
    "#]],
    );
}

#[test]
fn a_covariance_that_cannot_be_is_refused_with_its_cause() {
    let split =
        "date,spot:SPX\\n2020-08-27,500.04\\n2020-08-28,499.23\\n2020-08-31,129.04\\n2020-09-01,134.18\\n";
    let given = |volatilities: &str, correlation: &str, repair: bool| {
        found(&format!(
            r#"{{"type": "monte_carlo", "paths": 1, "factors": ["spot:SPX", "spot:COMP", "rate:USD"], "per": "day", "volatilities": {volatilities}, "correlation": {correlation}, "repair": {repair}}}"#
        ))
    };
    let rounded = "[[1, 1, 0.5], [1, 1, 0.6], [0.5, 0.6, 1]]";
    let all = [
        found(&format!(r#"{{"type": "monte_carlo", "paths": 1, "history": {{"csv": "{split}"}}}}"#)),
        given("[0.01, 0.02, 0.001]", rounded, false),
        given("[0.01, 0.02, 0.001]", rounded, true),
        found(
            r#"{"type": "monte_carlo", "paths": 1, "factors": ["spot:SPX", "spot:COMP"], "per": "day", "covariance": [[0, 0.01], [0.01, 0.01]], "repair": true}"#,
        ),
    ];
    check(
        &all.join("--\n"),
        expect![[r#"
        input.scenarios (covariance): spot:SPX has a standard deviation of 0.781449 a day; at most 0.6 (0.01 is 1 %); its largest change is -0.741522 on 2020-08-31: if a row is wrong, leave it out, with "skip_dates": ["2020-08-31"]; after a split, divide the values before it
        --
        input.scenarios (covariance): not positive semi-definite: spot:COMP follows from the factors before it, and rate:USD moves with it in another way than with them; the correlations' smallest eigenvalue is -0.00708567, where none may be below 0: give them with more digits, or take the nearest correlation matrix, with "repair": true
        --
        note: the correlations that were given (smallest eigenvalue -0.00708567) are replaced by the nearest correlation matrix (Higham 2002), at a Frobenius distance of 0.00995346; the largest change of a correlation is 0.00690209
        path 0: spot:SPX -0.000827, spot:COMP -0.000134, rate:USD 0.000515
        --
        input.scenarios (covariance): not positive semi-definite: spot:COMP cannot move with spot:SPX, whose variance is 0; give spot:SPX one, or leave it out
    "#]],
    );
}

#[test]
fn a_wrong_level_is_noted_with_its_sign_and_however_few_rows_there_are() {
    let levels = |csv: &str, low: f64, high: f64| {
        let factors = market();
        let mut levels = vec![None; 5];
        levels[3] = Some([low, high]);
        let basis = Basis {
            factors: &factors,
            levels,
            scales: Vec::new(),
            limits: Limits::default(),
            valuation_date: None,
        };
        let input = serde_json::json!({"type": "historical", "csv": csv});
        let set =
            serde_json::from_value::<ScenariosInput>(input).unwrap().prepare(&basis, &Files::new()).unwrap();
        set.review().notes.iter().map(|note| format!("{note}\n")).collect::<String>()
    };
    let all = [
        levels("date,rate:USD\n2025-01-02,-0.5\n2025-01-03,-0.51\n", -0.005, -0.005),
        levels("date,rate:USD\n2025-01-02,-0.0002\n2025-01-03,-0.0001\n", -0.005, 0.02),
        levels("date,rate:USD\n2025-01-02,0.8\n2025-01-03,0.81\n2025-01-06,0.8\n", -0.005, 0.02),
        history("date,vol:SPX\n2025-01-02,4.5\n2025-01-03,4.9\n", ""),
    ];
    check(
        &all.join("--\n"),
        expect![[r#"
        rate:USD ends at -0.51 in the history and is -0.005 in the market: if they are in different units, say "scale": {"rate:USD": 0.01} or what it is
        a usual daily change of rate:USD in the history is 0.01 (a basis point is 0.0001): if its values are in percent, say "scale": {"rate:USD": 0.01}
        --
        --
        rate:USD ends at 0.8 in the history and is -0.005 to 0.02 in the market: if they are in different units, say "scale": {"rate:USD": 0.01} or what it is
        a usual daily change of rate:USD in the history is 0.014826 (a basis point is 0.0001): if its values are in percent, say "scale": {"rate:USD": 0.01}
        --
        note: vol:SPX ends at 4.9 in the history and is 0.2 in the market: if they are in different units, say "scale": {"vol:SPX": 0.01} or what it is
        note: a usual daily change of vol:SPX in the history is 0.4 (a volatility point is 0.01): if its values are in percent, say "scale": {"vol:SPX": 0.01}
        2025-01-03: vol:SPX 0.400000
    "#]],
    );
}

#[test]
fn a_history_has_so_many_notes() {
    use crate::portfolio::shock::Factors;
    let names: Vec<String> = (0..40).map(|idx| format!("R{idx:02}")).collect();
    let factors = Factors(names.iter().map(|name| Factor::Rate(name.clone())).collect());
    let basis = Basis {
        factors: &factors,
        levels: vec![Some([0.01, 0.01]); 40],
        scales: Vec::new(),
        limits: Limits::default(),
        valuation_date: None,
    };
    let header: String = names.iter().map(|name| format!(",rate:{name}")).collect();
    let row = |value: &str| format!(",{value}").repeat(40);
    let csv = format!(
        "date{header}\n2025-01-02{}\n2025-01-03{}\n2025-01-06{}\n",
        row("0.8"),
        row("0.9"),
        row("0.7")
    );
    let input = serde_json::json!({"type": "historical", "csv": csv});
    let set =
        serde_json::from_value::<ScenariosInput>(input).unwrap().prepare(&basis, &Files::new()).unwrap();
    let notes = &set.review().notes;
    assert_eq!((notes.len(), notes.last().unwrap().as_str()), (12, "and 69 more"));
}

#[test]
fn a_header_is_complained_of_as_a_whole() {
    let explicit = |csv: &str| found(&serde_json::json!({"type": "explicit", "csv": csv}).to_string());
    let all = [
        explicit("Scenario,spot:SPX,spot:SPY,volume\na,0.1,0.1,1\n"),
        history("date,spot:SPY,spot:SPX,volume,Date\n2025-01-02,1,1,1,1\n", ""),
        history("Date,spot:SPX\n2025-01-02,1\n", ""),
        history("DATE,spot:SPX\n2025-01-02,1\n", ""),
    ];
    check(
        &all.join("--\n"),
        expect![[r#"
        input.scenarios.csv:1:1 (Scenario): unknown factor "Scenario"; write scenario
        input.scenarios.csv:1:3 (spot:SPY): unknown factor "spot:SPY"; the market has spot:SPX, spot:COMP, vol:SPX, rate:USD, fx:EURUSD
        input.scenarios.csv:1:4 (volume): unknown factor "volume"
        --
        input.scenarios.csv:1:2 (spot:SPY): unknown factor "spot:SPY"; the market has spot:SPX, spot:COMP, vol:SPX, rate:USD, fx:EURUSD
        input.scenarios.csv:1:4 (volume): unknown factor "volume"
        input.scenarios.csv:1:5 (Date): unknown factor "Date"; write date
        --
        input.scenarios.csv:1:1 (Date): unknown column "Date"; write date
        --
        input.scenarios.csv:1:1 (DATE): unknown column "DATE"; write date
    "#]],
    );
}

#[test]
fn numbers_and_objects_of_scenarios_are_called_by_their_names() {
    let all = [
        found(r#"{"type": "monte_carlo", "paths": 1e3}"#),
        found(r#"{"type": "monte_carlo", "paths": 1.5}"#),
        found(r#"{"type": "historical", "csv": "", "weights": 3}"#),
        found(r#"{"type": "historical", "csv": "", "weights": {"type": "linear"}}"#),
        found(r#"{"type": "historical", "csv": "", "scaling": "ewma"}"#),
        found(r#"{"type": "monte_carlo", "paths": 1, "history": 7}"#),
        found(r#"{"type": "grid", "axes": [7]}"#),
    ];
    assert!(!all.concat().contains("struct") && !all.concat().contains("enum"), "{all:?}");
    check(
        &all.join("--\n"),
        expect![[r#"
        paths: 1000.0; expected a whole number, written 1000
        --
        paths: 1.5; expected a whole number, without a decimal point or an exponent
        --
        weights: invalid type: integer `3`, expected an object with a type
        --
        weights.type: unknown variant `linear`, expected `exponential`
        --
        scaling: invalid type: string "ewma", expected an object with a type
        --
        history: invalid type: integer `7`, expected an object
        --
        axes[0]: invalid type: integer `7`, expected an object
    "#]],
    );
}

#[test]
fn a_number_in_another_unit_is_shown_as_it_was_given() {
    let all = [
        history("date,spot:SPX\n2025-01-02,1.2\n2025-01-03,-1.4\n", r#", "values": "returns""#),
        found(
            r#"{"type": "grid", "axes": [{"factor": "spot:SPX", "shocks": [200000]}], "changes": {"spot:SPX": "absolute"}}"#,
        ),
        found(r#"{"type": "explicit", "csv": "spot:SPX\n-200000", "changes": {"spot:SPX": "absolute"}}"#),
    ];
    check(
        &all.join("--\n"),
        expect![[r#"
        input.scenarios.csv:3:2 (spot:SPX): a relative change of -1.4, but it must be above -1 (-0.1 is 10 % down); if the values are in percent, add "scale": {"spot:SPX": 0.01}
        --
        input.scenarios.axes[0].shocks[0]: 200000 in units of the price: 2000.0 is out of range; a relative shock must be within ±1000, so write 10 % as 0.1
        --
        input.scenarios.csv:2:1 (spot:SPX): -200000 in units of the price: -2000.0 is out of range; a relative shock must be within ±1000, so write 10 % as 0.1
    "#]],
    );
}

#[test]
fn shocks_that_can_hardly_be_meant_are_noted() {
    let all = [
        found(r#"{"type": "explicit", "csv": "vol:SPX,rate:USD,spot:SPX\n1.5,0.25,0.9\n-2,-0.3,2"}"#),
        found(r#"{"type": "explicit", "csv": "vol:SPX,rate:USD\n1,0.1\n-1,-0.1"}"#),
        found(
            r#"{"type": "grid", "axes": [{"factor": "vol:SPX", "shocks": [0.1, 5]}, {"factor": "rate:USD", "shocks": [-0.25, 0.1]}]}"#,
        ),
    ];
    check(
        &all.join("--\n"),
        expect![[r#"
        note: vol:SPX changes by -2 in a scenario (a volatility point is 0.01): is it meant?
        note: rate:USD changes by -0.3 in a scenario (a basis point is 0.0001): is it meant?
        row 1: spot:SPX 0.900000, vol:SPX 1.500000, rate:USD 0.250000
        row 2: spot:SPX 2.000000, vol:SPX -2.000000, rate:USD -0.300000
        --
        row 1: vol:SPX 1.000000, rate:USD 0.100000
        row 2: vol:SPX -1.000000, rate:USD -0.100000
        --
        note: vol:SPX changes by 5 in a scenario (a volatility point is 0.01): is it meant?
        note: rate:USD changes by -0.25 in a scenario (a basis point is 0.0001): is it meant?
        vol:SPX +10pt rate:USD -2500bp: vol:SPX 0.100000, rate:USD -0.250000
        vol:SPX +10pt rate:USD +1000bp: vol:SPX 0.100000, rate:USD 0.100000
        vol:SPX +500pt rate:USD -2500bp: vol:SPX 5.000000, rate:USD -0.250000
    "#]],
    );
}
