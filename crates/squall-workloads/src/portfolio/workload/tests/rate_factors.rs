//! Rates that move at single tenors, and curves that move by themselves.

use serde_json::json;
use squall_core::data::NoData;
use squall_core::laws;

use super::*;

const CSV: &str = "id,book,kind,underlying,currency,quantity,option_type,strike,expiry,face,maturity,curve,coupon,frequency,day_count\n\
                   Z5,gov,zero_bond,,USD,1,,,,1000000,5,,,,\n\
                   Z7,gov,zero_bond,,USD,1,,,,1000000,7,,,,\n\
                   Z30,gov,zero_bond,,USD,1,,,,1000000,30,,,,\n\
                   K5,corp,zero_bond,,USD,1,,,,1000000,5,USD-CORP,,,\n\
                   G,gov,fixed_bond,,USD,1,,,,1000000,2040-01-15,,0.04,annual,30/360\n\
                   E,eq,european,ACME,,100,call,100,3,,,,,,\n\
                   F,fx,forward,EURUSD,,1000,,1.1,3,,,,,,\n";

fn market() -> Value {
    let curve =
        |currency: &str, rate: f64| json!({"currency": currency, "points": [{"tenor": 1, "rate": rate}]});
    json!({
        "valuation_date": "2026-01-15", "report_currency": "USD",
        "curves": {"USD": curve("USD", 0.04), "USD-CORP": curve("USD", 0.05), "EUR": curve("EUR", 0.02)},
        "key_tenors": {"USD": ["1Y", 5, 10], "EUR": [2]}, "spreads": ["USD-CORP"],
        "underlyings": {"ACME": {"class": "equity", "currency": "USD", "spot": 100, "vol": 0.2}, "EURUSD": {"class": "fx", "vol": 0.1}},
        "fx": {"EURUSD": 1.08}
    })
}

fn only(ids: &[&str]) -> String {
    let is_wanted =
        |line: &&str| line.starts_with("id,") || ids.iter().any(|id| line.starts_with(&format!("{id},")));
    CSV.lines().filter(is_wanted).collect::<Vec<_>>().join("\n")
}

fn job(csv: &str, scenarios: &str, report: &Value) -> PortfolioInput {
    let scenarios = json!({"type": "explicit", "csv": scenarios});
    serde_json::from_value(
        json!({"positions": {"csv": csv}, "market": market(), "scenarios": scenarios, "report": report}),
    )
    .unwrap()
}

fn report(input: PortfolioInput) -> Value {
    let prepared = PortfolioRisk::prepare(input, &Given::default()).unwrap();
    let partial = PortfolioRisk::evaluate(&prepared, &PortfolioRisk::whole(&prepared), &mut NoData).unwrap();
    let coverage = Coverage { weight_done: 1, weight_total: 1 };
    serde_json::to_value(PortfolioRisk::report(&prepared, Some(&partial), &coverage)).unwrap()
}

/// P&L of some positions in one scenario.
fn pnl(ids: &[&str], factors: &str, shocks: &str) -> f64 {
    let report = report(job(&only(ids), &format!("scenario,{factors}\none,{shocks}\n"), &json!({})));
    report["pnl"]["minimum"].as_str().unwrap().parse().unwrap()
}

/// P&L of a zero bond when its rate moves.
fn of_bond(rate: f64, years: f64, shift: f64) -> f64 {
    1e6 * ((-(rate + shift) * years).exp() - (-rate * years).exp())
}

#[test]
fn a_tenor_moves_wholly_at_itself_and_partly_beside_it() {
    let of = |id: &str, factor: &str| pnl(&[id], factor, "0.01");
    assert!((of("Z5", "rate:USD:5") - of_bond(0.04, 5.0, 0.01)).abs() < 1e-5);
    assert!(
        (of("Z7", "rate:USD:5") - of_bond(0.04, 7.0, 0.006)).abs() < 1e-5,
        "three fifths of the way down from 5 to 10"
    );
    assert!((of("Z7", "rate:USD:10") - of_bond(0.04, 7.0, 0.004)).abs() < 1e-5);
    assert!(
        (of("Z30", "rate:USD:10") - of_bond(0.04, 30.0, 0.01)).abs() < 1e-5,
        "beyond the last tenor as at it"
    );
    assert_eq!(of("Z5", "rate:USD:10"), 0.0);
}

#[test]
fn a_factor_without_any_share_is_no_factor_of_a_position() {
    let report = report(job(&only(&["Z5"]), "scenario,rate:USD:5\none,0.01\n", &json!({})));
    assert_eq!(report.get("factors_not_moved"), None, "its only tenor moves");
}

#[test]
fn all_tenors_together_are_a_parallel_shift() {
    let all = ["Z5", "Z7", "Z30", "K5", "G", "E", "F"];
    let parallel = pnl(&all, "rate:USD", "-0.0125");
    let tenors = pnl(&all, "rate:USD:1Y,rate:USD:5,rate:USD:10", "-0.0125,-0.0125,-0.0125");
    assert!((parallel - tenors).abs() < 1e-4, "{parallel} and {tenors}");
    let euros = pnl(&all, "rate:EUR", "0.02");
    assert_eq!(euros, pnl(&all, "rate:EUR:2", "0.02"), "one tenor is the whole curve");
}

#[test]
fn a_spread_moves_its_curve_alone_and_adds_to_the_rates() {
    assert!((pnl(&["K5"], "spread:USD-CORP", "0.01") - of_bond(0.05, 5.0, 0.01)).abs() < 1e-5);
    assert_eq!(pnl(&["Z5", "G", "E", "F"], "spread:USD-CORP", "0.01"), 0.0);
    let both = pnl(&["K5"], "rate:USD,rate:USD:5,spread:USD-CORP", "0.001,0.002,0.004");
    assert!((both - of_bond(0.05, 5.0, 0.007)).abs() < 1e-5);
}

#[test]
fn an_option_has_the_rate_of_its_expiry() {
    // Three years are half way from one to five.
    let half = pnl(&["E"], "rate:USD:1Y", "0.01");
    assert!((half - pnl(&["E"], "rate:USD", "0.005")).abs() < 1e-3, "{half}");
}

#[test]
fn greeks_of_tenors_add_up_to_rho_and_the_report_lists_what_nothing_moves() {
    let csv = only(&["Z5", "Z7", "Z30", "K5", "G"]);
    let report = report(job(&csv, "scenario,rate:USD:5\none,0.01\n", &json!({"greeks": true})));
    let number = |value: &Value| value.as_str().unwrap().parse::<f64>().unwrap();
    let by_factor = report["greeks"]["by_rate_factor"].as_array().unwrap();
    let of = |factor: &str| {
        number(&by_factor.iter().find(|row| row["factor"] == factor).unwrap()["change_per_basis_point"])
    };
    let rho = number(&report["greeks"]["by_currency"][1]["rho_per_basis_point"]);
    let tenors = of("rate:USD:1Y") + of("rate:USD:5") + of("rate:USD:10");
    assert!(rho < 0.0 && (tenors / rho - 1.0).abs() < 1e-6, "{tenors} and {rho}");
    assert!(of("spread:USD-CORP") < 0.0);
    let unmoved: Vec<_> =
        report["factors_not_moved"].as_array().unwrap().iter().map(|it| it["factor"].clone()).collect();
    assert_eq!(unmoved, ["rate:USD:1Y", "rate:USD:10", "spread:USD-CORP"]);
}

#[test]
fn tenors_and_spreads_are_checked() {
    for (field, value, message) in [
        ("key_tenors", json!({"GBP": [1]}), "input.market.key_tenors.GBP: there is no curve in \"GBP\""),
        (
            "key_tenors",
            json!({"USD": [5, 5]}),
            "input.market.key_tenors.USD[1]: is not above the one before; they must rise",
        ),
        (
            "key_tenors",
            json!({"USD": ["5X"]}),
            "input.market.key_tenors.USD[0]: \"5X\" is not a tenor; write years like 0.5, \"10D\", \"3M\", \"2Y\", or a date like \"2026-12-31\"",
        ),
        ("spreads", json!(["X"]), "input.market.spreads[0]: there is no curve \"X\""),
        ("spreads", json!(["EUR", "EUR"]), "input.market.spreads[1]: \"EUR\" is there twice"),
    ] {
        let mut market = market();
        market[field] = value;
        let scenarios = json!({"type": "explicit", "csv": "scenario,spot:ACME\none,0\n"});
        let input = json!({"positions": {"csv": CSV}, "market": market, "scenarios": scenarios});
        let error =
            PortfolioRisk::prepare(serde_json::from_value(input).unwrap(), &Given::default()).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn tenors_obey_the_laws() {
    let csv = "scenario,rate:USD:1Y,rate:USD:5,spread:USD-CORP,spot:ACME\na,0.01,0,0,0\nb,0,0,0,0.1\nc,0,-0.01,0.02,0\n";
    for seed in 0..3 {
        laws::check::<PortfolioRisk>(
            job(CSV, csv, &json!({"greeks": true, "positions": true})),
            &Files::new(),
            seed,
        )
        .unwrap();
    }
}
