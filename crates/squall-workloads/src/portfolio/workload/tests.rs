use proptest::prelude::*;
use squall_core::laws;
use squall_core::registry::Registry;
use squall_core::sources::{Files, Given};

use super::super::input::tests::{manual_csv, manual_market_json};
use super::*;

mod ageing;
mod awkward;
mod bonds;
mod extremes;
mod mutated;
mod normal;
mod noticed;
mod rate_factors;
mod skew;

fn input(csv: &str, scenarios: &str, report: &str) -> PortfolioInput {
    let csv = Value::from(csv);
    let market = manual_market_json();
    let json = format!(
        r#"{{"positions": {{"csv": {csv}}}, "market": {market}, "asian": {{"paths": 200}},
             "scenarios": {scenarios}, "report": {report}}}"#
    );
    serde_json::from_str(&json).unwrap()
}

fn prepared(csv: &str, scenarios: &str, report: &str) -> Prepared {
    PortfolioRisk::prepare(input(csv, scenarios, report), &Given::default()).unwrap()
}

const PATHS: &str = r#"{"type": "monte_carlo", "paths": 150, "horizon_days": 10, "seed": 7, "distribution": "normal",
    "factors": ["spot:ACME", "vol:ACME", "rate:USD"], "volatilities": [0.2, 0.05, 0.01],
    "correlation": [[1, -0.7, 0.1], [-0.7, 1, 0], [0.1, 0, 1]], "per": "year"}"#;
const GREEKS_AND_POSITIONS: &str = r#"{"greeks": true, "positions": true}"#;

#[test]
fn one_of_each_kind_obeys_the_laws() {
    for seed in 0..3 {
        laws::check::<PortfolioRisk>(input(&manual_csv(), PATHS, GREEKS_AND_POSITIONS), &Files::new(), seed)
            .unwrap();
    }
}

/// European positions of the manual's underlying, which cost little.
fn europeans(n_positions: usize) -> String {
    let mut csv = "id,book,kind,underlying,quantity,option_type,strike,expiry\n".to_owned();
    for i in 0..n_positions {
        csv += &format!("E{i},book {},european,ACME,{},call,{},1.5\n", i % 3, 10 + i, 80 + i % 40);
    }
    csv
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]
    #[test]
    fn any_shape_obeys_the_laws(n_positions in 1_usize..40, n_scenarios in 1_usize..200, seed: u64) {
        let scenarios = PATHS.replace("150", &n_scenarios.to_string());
        let input = input(&europeans(n_positions), &scenarios, "{}");
        laws::check::<PortfolioRisk>(input, &Files::new(), seed).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn every_cut_covers_every_value_once(
        n_positions in 1_usize..12,
        n_scenarios in 1_usize..90,
        parts in 1_usize..400,
    ) {
        let scenarios = PATHS.replace("150", &n_scenarios.to_string());
        let prepared = prepared(&europeans(n_positions), &scenarios, "{}");
        let whole = PortfolioRisk::whole(&prepared);
        let cut = PortfolioRisk::divide(&prepared, &whole, NonZeroUsize::new(parts).unwrap());
        let n_values = n_positions * (1 + n_scenarios);
        prop_assert_eq!(cut.len(), parts.min(n_values));
        let mut times = vec![0; n_values];
        for rectangle in &cut {
            for position in rectangle.positions() {
                for column in rectangle.columns() {
                    times[position * (1 + n_scenarios) + column] += 1;
                }
            }
        }
        prop_assert!(times.iter().all(|n| *n == 1));
    }
}

#[test]
fn a_large_job_is_cut_into_even_pieces() {
    let prepared = prepared(&europeans(300), &PATHS.replace("150", "5000"), "{}");
    let whole = PortfolioRisk::whole(&prepared);
    for parts in [2, 7, 64, 100, 156, 157, 1_000, 3_000] {
        let cut = PortfolioRisk::divide(&prepared, &whole, NonZeroUsize::new(parts).unwrap());
        assert_eq!(cut.len(), parts);
        let weights: Vec<_> = cut.iter().map(|part| PortfolioRisk::weight(&prepared, part)).collect();
        let (least, most) = (weights.iter().min().unwrap(), weights.iter().max().unwrap());
        assert!(*most <= least * 3 / 2, "{parts} parts weigh {least} to {most}");
    }
}

#[test]
fn too_many_sums_are_refused_before_they_fill_the_memory() {
    let scenarios = PATHS.replace("150", "10000000");
    let error =
        PortfolioRisk::prepare(input(&manual_csv(), &scenarios, "{}"), &Given::default()).unwrap_err();
    assert_eq!(error.place, "input.scenarios");
    assert!(error.problem.contains("expected at most"), "{error}");
}

#[test]
fn a_scenario_without_a_value_is_left_out_alone_and_named() {
    // One position that is beyond 1e15 at a thousand times the spot.
    let large = |n_positions| europeans(n_positions).replace(",10,", ",1e11,");
    let scenarios = r#"{"type": "explicit", "csv": "scenario,spot:ACME\ncalm,0\nabsurd,999\n"}"#;
    let prepared = prepared(&large(2), scenarios, "{}");
    let partial = PortfolioRisk::evaluate(&prepared, &PortfolioRisk::whole(&prepared), &mut NoData).unwrap();
    let coverage = Coverage { weight_done: 1, weight_total: 1 };
    let report = PortfolioRisk::report(&prepared, Some(&partial), &coverage);
    assert_eq!(report.n_scenarios_done, 1);
    let text = report.to_string();
    assert!(text.starts_with("NOT VALUED: 1 of 2 scenarios"), "{text}");
    assert!(text.contains("the first is absurd, where \"E0\" has no value"), "{text}");
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["scenarios_not_valued"], json!([{ "label": "absurd", "position": "E0" }]));
    // However it is cut: nothing else is lost with it.
    let input = input(&large(7), scenarios, "{}");
    laws::check::<PortfolioRisk>(input, &Files::new(), 1).unwrap();
}

#[test]
fn a_report_of_nothing_yet_says_so() {
    let prepared = prepared(&europeans(2), PATHS, GREEKS_AND_POSITIONS);
    let coverage = Coverage { weight_done: 0, weight_total: 10 };
    let report = PortfolioRisk::report(&prepared, None, &coverage).to_string();
    assert!(report.starts_with("PARTIAL"), "{report}");
}

#[test]
fn the_erased_workload_reports_like_the_typed_one() {
    let registry = Registry::default().with::<PortfolioRisk>();
    let input_json = format!(
        r#"{{"positions": {{"csv": {}}}, "market": {}, "scenarios": {PATHS}}}"#,
        Value::from(europeans(3)),
        manual_market_json(),
    );
    let bundle = squall_core::bundle::Bundle {
        workload: "portfolio".to_owned(),
        input_json: input_json.clone(),
        given: Given::default(),
    };
    let erased = registry.get("portfolio").unwrap().prepare(&bundle).unwrap();
    let partial = erased.evaluate(&erased.whole().slice, &mut NoData).unwrap().partial;
    let weight = erased.whole().weight;
    let coverage = Coverage { weight_done: weight, weight_total: weight };
    let found = erased.report(Some(&partial), &coverage).unwrap();

    let typed =
        PortfolioRisk::prepare(serde_json::from_str(&input_json).unwrap(), &Given::default()).unwrap();
    let partial = PortfolioRisk::evaluate(&typed, &PortfolioRisk::whole(&typed), &mut NoData).unwrap();
    assert_eq!(found.text, PortfolioRisk::report(&typed, Some(&partial), &coverage).to_string());
    assert!(found.text.contains("Value at risk") || found.text.contains("VaR"), "{}", found.text);
}
