//! Values that are none, or too large: what is left out is a column, however the work is cut.

use squall_core::wire::encode;

use super::*;
use crate::portfolio::money::Micros;

const HEAD: &str = "id,book,kind,underlying,quantity,option_type,strike,expiry,fixings\n";

fn of(rows: &[&str], spot: &str, scenarios: &str, report: &str) -> PortfolioInput {
    let market = format!(
        r#""curves": {{"USD": {{"currency": "USD", "points": [{{"tenor": 1, "rate": 0.03}}]}}}},
           "underlyings": {{"ACME": {{"class": "equity", "currency": "USD", "spot": {spot}, "vol": 0.3}},
                            "UNUSED": {{"class": "equity", "currency": "USD", "spot": 100, "vol": 0.3}}}}"#
    );
    under(&market, rows, scenarios, &format!(r#""report": {report}"#))
}

fn under(market: &str, rows: &[&str], scenarios: &str, rest: &str) -> PortfolioInput {
    let csv = format!("{HEAD}{}\n", rows.join("\n"));
    let json = format!(
        r#"{{"positions": {{"csv": {}}}, "scenarios": {scenarios}, {rest}, "asian": {{"paths": 16}},
            "market": {{"valuation_date": "2026-01-15", "report_currency": "USD", {market}}}}}"#,
        Value::from(csv)
    );
    serde_json::from_str(&json).unwrap()
}

/// The report of the whole; the laws hold, and the same bytes come of every cut.
fn report(input: impl Fn() -> PortfolioInput) -> Report {
    laws::check::<PortfolioRisk>(input(), &Files::new(), 5).unwrap();
    laws::check_failures::<PortfolioRisk>(input(), &Files::new()).unwrap();
    let prepared = PortfolioRisk::prepare(input(), &Given::default()).unwrap();
    let whole = PortfolioRisk::whole(&prepared);
    let partial = PortfolioRisk::evaluate(&prepared, &whole, &mut NoData).unwrap();
    for n in [1, 4, 20, 1_000] {
        let mut sum = Partial::default();
        for slice in PortfolioRisk::divide(&prepared, &whole, NonZeroUsize::new(n).unwrap()) {
            sum.merge(PortfolioRisk::evaluate(&prepared, &slice, &mut NoData).unwrap());
        }
        assert_eq!(encode(&sum), encode(&partial), "cut into {n}");
    }
    let coverage = Coverage { weight_done: 1, weight_total: 1 };
    PortfolioRisk::report(&prepared, Some(&partial), &coverage)
}

/// A hundred scenarios of which the one in the middle is that of `absurd`.
fn hundred(factor: &str, absurd: &str) -> String {
    let rows: Vec<String> =
        (0..100).map(|n| format!("s{n},{}", if n == 50 { absurd } else { "0.01" })).collect();
    format!(
        r#"{{"type": "explicit", "csv": {}}}"#,
        Value::from(format!("scenario,{factor}\n{}\n", rows.join("\n")))
    )
}

#[test]
fn a_price_that_is_gone_leaves_out_its_scenario_alone() {
    let rows: Vec<String> = (0..10).map(|n| format!("A{n},b,spot,ACME,{},,,,", n + 1)).collect();
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    // The smallest number there is: less is nothing, at which a share has a value and an option has none.
    let gone = hundred("spot:ACME", "-0.9");
    assert_eq!(report(|| of(&rows, "5e-324", &gone, "{}")).n_scenarios_done, 100);
    let with_option = [&rows[..], &["E,b,european,ACME,1,call,100,1,"]].concat();
    let gone = report(|| of(&with_option, "5e-324", &gone, "{}"));
    assert_eq!((gone.n_scenarios_done, gone.not_valued.len()), (99, 1));
    assert_eq!((gone.not_valued[0].label.as_str(), gone.not_valued[0].position.as_str()), ("s50", "E"));
    // A thousand times a price at its limit.
    let high = report(|| of(&rows, "1e13", &hundred("spot:ACME", "999"), "{}"));
    assert_eq!((high.n_scenarios_done, high.not_valued.len()), (99, 1));
    assert_eq!(report(|| of(&rows, "1e13", &hundred("spot:ACME", "0.5"), "{}")).n_scenarios_done, 100);
}

#[test]
fn a_position_that_has_no_value_in_a_scenario_leaves_out_that_one() {
    let rows =
        ["A,b,spot,ACME,1,,,,", "E,b,european,ACME,1e12,call,100,1,", "C,b,asian,ACME,1e12,call,100,1,4"];
    let report =
        report(|| of(&rows, "100", &hundred("spot:ACME", "500"), r#"{"greeks":true,"positions":true}"#));
    assert_eq!((report.n_scenarios_done, report.not_valued.len()), (99, 1));
    assert_eq!(report.not_valued[0].position, "E");
    assert_eq!(report.positions.unwrap().len(), 3);
}

/// 1,024 columns are valued at once.
#[test]
fn a_scenario_that_is_left_out_takes_no_other_of_its_block_with_it() {
    let absurd = [0, 1_022, 1_023, 1_024, 2_046, 2_047, 2_099];
    let shock = |n: usize| if absurd.contains(&n) { "999" } else { "0.01" };
    let rows: Vec<String> = (0..2_100).map(|n| format!("s{n},{}", shock(n))).collect();
    let csv = Value::from(format!("scenario,spot:ACME\n{}\n", rows.join("\n")));
    let scenarios = format!(r#"{{"type": "explicit", "csv": {csv}}}"#);
    let report = report(|| of(&["A,b,spot,ACME,1,,,,", "B,b,spot,ACME,2,,,,"], "1e13", &scenarios, "{}"));
    assert_eq!(report.n_scenarios_done, 2_100 - absurd.len());
    let labels: Vec<String> = report.not_valued.into_iter().map(|it| it.label).collect();
    assert_eq!(labels, absurd.map(|n| format!("s{n}")));
}

#[test]
fn every_kind_of_factor_leaves_out_its_scenario_alone() {
    let market = r#""curves": {"USD": {"currency": "USD", "points": [{"tenor": 1, "rate": 0.03}]},
                              "EUR": {"currency": "EUR", "points": [{"tenor": 1, "rate": 0.02}]}},
        "fx": {"EURUSD": 1e12}, "underlyings": {"SAP": {"class": "equity", "currency": "EUR", "spot": 100, "vol": 0.3},
            "EURUSD": {"class": "fx", "vol": 0.1}}"#;
    let rows = ["A,b,spot,SAP,1,,,,", "E,b,european,SAP,-1,put,90,2,", "X,b,european,EURUSD,2,call,1e12,1,"];
    let rest = r#""report": {"greeks": true}"#;
    let of = |factor: &str, shock: &str| under(market, &rows, &hundred(factor, shock), rest);
    let fx = report(|| of("fx:EURUSD", "999"));
    assert_eq!((fx.n_scenarios_done, fx.not_valued[0].label.as_str()), (99, "s50"));
    assert!(fx.greeks_not_valued.is_empty());
    for (factor, shock) in [
        ("fx:EURUSD", "-0.9999999999999999"),
        ("vol:SAP", "5"),
        ("vol:SAP", "-5"),
        ("vol:EURUSD", "5"),
        ("rate:EUR", "-1"),
        ("rate:USD", "1"),
    ] {
        let report = report(|| of(factor, shock));
        assert_eq!(report.n_scenarios_done + report.not_valued.len(), 100, "{factor} {shock}");
        assert!(report.n_scenarios_done >= 99, "{factor} {shock}: {}", report.n_scenarios_done);
    }
}

/// A year on, the forward is worth more than there is room for.
#[test]
fn without_a_value_at_the_horizon_there_is_no_ageing_however_it_is_cut() {
    let market = r#""curves": {"USD": {"currency": "USD", "points": [{"tenor": 1, "rate": 0.03}]}},
        "underlyings": {"ACME": {"class": "equity", "currency": "USD", "spot": 100, "vol": 0.3}}"#;
    let rows = ["A,b,spot,ACME,1,,,,", "F,b,forward,ACME,1.05e13,,200,1,"];
    let report = report(|| under(market, &rows, &hundred("spot:ACME", "0.5"), r#""age": 364"#));
    assert!(report.base_value.is_some() && report.base_not_valued.is_none());
    let ageing = report.ageing.clone().unwrap();
    assert_eq!((ageing.pnl, ageing.not_valued.as_deref()), (None, Some("F")));
    assert_eq!(report.n_scenarios_done, 1, "that in which the price has risen");
    let text = report.to_string();
    assert!(text.contains("Ageing      none (\"F\" has no value then, or one beyond 1e15)"), "{text}");
    assert_eq!(serde_json::to_value(&report).unwrap()["ageing"]["not_valued"], "F");
}

/// The rates and draws at the ends of their ranges.
#[test]
fn extreme_draws_and_rates_do_not_depend_on_the_cut() {
    let rows =
        ["A,b,spot,ACME,1e6,,,,", "E,b,european,ACME,1e6,put,100,30,", "F,b,forward,ACME,1e6,,100,30,"];
    let wild = r#"{"type": "monte_carlo", "paths": 400, "seed": 3, "horizon_days": 2500, "per": "day", "distribution": "student_t", "degrees_of_freedom": 2.1,
        "factors": ["spot:ACME", "rate:USD"], "volatilities": [0.5, 0.02], "correlation": [[1, 0], [0, 1]]}"#;
    let wild = report(|| of(&rows, "100", wild, "{}"));
    assert!(wild.n_scenarios_done > 0 && wild.n_scenarios_done < 400, "{}", wild.n_scenarios_done);
    let rates = report(|| of(&rows, "100", &hundred("rate:USD", "-1"), "{}"));
    assert_eq!(rates.n_scenarios_done + rates.not_valued.len(), 100);
}

#[test]
fn a_position_without_a_value_today_is_refused_where_that_is_soon_known() {
    for (row, kind) in [
        ("E,b,spot,ACME,1e14,,,,", "spot"),
        ("E,b,european,ACME,-1e14,call,50,1,", "european"),
        ("E,b,forward,ACME,1e14,,50,1,", "forward"),
    ] {
        let input = of(&["A,b,spot,ACME,1,,,,", row], "100", &hundred("spot:ACME", "0"), "{}");
        let error = PortfolioRisk::prepare(input, &Given::default()).unwrap_err().to_string();
        let expected = format!(
            "input.positions: the {kind} \"E\" has no value today, or one beyond 1e15 USD; check its quantity and its terms"
        );
        assert_eq!(error, expected);
    }
}

/// Only the workers price what takes long.
#[test]
fn without_a_base_value_there_is_no_answer_however_it_is_cut() {
    let rows = ["A,b,spot,ACME,1,,,,", "P,b,american,ACME,1e15,put,120,1,", "B,c,spot,ACME,2,,,,"];
    let report =
        report(|| of(&rows, "100", &hundred("spot:ACME", "0"), r#"{"greeks":true,"positions":true}"#));
    assert_eq!((report.base_value, report.base_not_valued.as_deref()), (None, Some("P")));
    assert!(report.distribution.is_none() && report.risk.iter().all(|(_, it)| it.is_err()));
    let text = report.to_string();
    assert!(text.starts_with("NO BASE VALUE: \"P\" has no value today, or one beyond 1e15"), "{text}");
    assert!(text.contains("Base value  none, so there is no profit and loss"), "{text}");
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!((&json["base_not_valued"], &json["base_value"]), (&json!("P"), &Value::Null));
    assert_eq!(json["greeks_not_valued"][0]["position"], "P");
    let ids: Vec<String> = report.positions.unwrap().into_iter().map(|it| it.id).collect();
    assert_eq!(ids, ["A", "B"]);
}

#[test]
fn what_a_worker_sends_is_held_against_its_slice() {
    for report in ["{}", GREEKS_AND_POSITIONS] {
        laws::check_partials::<PortfolioRisk>(input(&europeans(12), PATHS, report), &Files::new()).unwrap();
    }
    // Also where some columns are left out.
    let rows = ["A,b,spot,ACME,1,,,,", "E,b,european,ACME,1e12,call,100,1,", "C,c,spot,ACME,1,,,,"];
    let of = || of(&rows, "100", &hundred("spot:ACME", "500"), "{}");
    laws::check_partials::<PortfolioRisk>(of(), &Files::new()).unwrap();
}

#[test]
fn forged_sums_do_not_pass() {
    let prepared = prepared(&europeans(6), PATHS, r#"{"positions":true}"#);
    let slice = Rectangle::of(1..4, 0..40);
    let good = PortfolioRisk::evaluate(&prepared, &slice, &mut NoData).unwrap();
    let check = |partial: &Partial| PortfolioRisk::check_partial(&prepared, &slice, partial, &[]);
    assert_eq!(check(&good), Ok(()));
    let with = |other: Partial| {
        let mut forged = good.clone();
        forged.merge(other);
        check(&forged).unwrap_err()
    };
    assert_eq!(with(Partial::of_position(0, 0, 60, &[1])), "it has sums that are not of its slice");
    assert_eq!(with(Partial::of_position(9, 0, 3, &[1])), "it has 4 of 3 positions in column 3");
    let mut sums = SliceSums::new(0, 40);
    sums.note_position(0, PositionValue::new(1.0, None, 1));
    assert_eq!(with(sums.finish()), "it has values of positions that are not of its slice");
    assert_eq!(check(&Partial::default()).unwrap_err(), "it has 0 of 3 positions in column 0");
}

#[test]
fn a_slice_of_another_job_is_refused_before_it_is_worked_on() {
    let prepared = prepared(&europeans(6), PATHS, "{}");
    for (first_position, n_positions, first_column, n_columns) in
        [(0, 7, 0, 1), (0, 1, 0, u32::MAX), (u32::MAX, u32::MAX, 0, 1), (0, 1, u32::MAX, 1)]
    {
        let slice = Rectangle { first_position, n_positions, first_column, n_columns };
        let error = PortfolioRisk::evaluate(&prepared, &slice, &mut NoData).unwrap_err();
        assert_eq!(error.0, "the slice is not of this job");
    }
}

/// A scenario below zero among others: `report` holds it to the cut, so that none sees another's price.
#[test]
fn a_price_below_zero_leaves_every_other_scenario_as_it_is() {
    let scenarios = |rows: &str| {
        let csv = Value::from(format!("scenario,spot:ACME\n{rows}"));
        format!(r#"{{"type": "explicit", "csv": {csv}, "changes": {{"spot:ACME": "absolute"}}}}"#)
    };
    let rows =
        ["C,b,asian,ACME,1,call,20,1,4", "E,b,european,ACME,1,call,20,1,", "A,b,american,ACME,1,put,20,1,"];
    let values = |shocks: &str| {
        let report = report(|| of(&rows, "20", &scenarios(shocks), r#"{"greeks":true}"#));
        report.worst.iter().map(|it| (it.label.clone(), it.pnl)).collect::<Vec<_>>()
    };
    assert_eq!(values("a,5\nb,-5\nc,-55\nd,10\n"), values("a,5\nb,-5\nd,10\n"));
    // What is linear has a value there: 10 units of a future at e^0.03 times the price, and of a forward.
    let futures = ["F,b,future,ACME,10,,-7,1,", "G,b,forward,ACME,10,,20,1,"];
    let report = report(|| of(&futures, "20", &scenarios("c,-55\n"), "{}"));
    assert_eq!((report.n_scenarios_done, report.not_valued.len()), (1, 0));
    let worst = Micros(report.worst[0].pnl).to_f64();
    let growth = 0.03_f64.exp();
    assert!((worst + 550.0 + 550.0 * growth).abs() < 1e-5, "{worst}");
}
