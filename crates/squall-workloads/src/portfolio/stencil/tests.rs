use squall_core::data::NoData;
use squall_core::sources::Given;
use squall_core::workload::{Coverage, Workload};

use super::super::workload::PortfolioRisk;

const COLUMNS: &str =
    "id,book,kind,underlying,quantity,option_type,strike,expiry,barrier_type,barrier,payoff,cash_amount";

/// The report on positions of ACME at `spot`, with a volatility of 20 %, whose Greeks are asked for.
fn report(rows: &str, spot: f64, rate: f64) -> serde_json::Value {
    report_of(rows, spot, rate, r#""vol":0.2"#)
}

/// The same, with what else is said of ACME.
fn report_of(rows: &str, spot: f64, rate: f64, acme: &str) -> serde_json::Value {
    let market = format!(
        r#"{{"valuation_date":"2026-01-15","report_currency":"USD","curves":{{"USD":{{"currency":"USD","points":[{{"tenor":1,"rate":{rate}}}]}},
        "EUR":{{"currency":"EUR","points":[{{"tenor":1,"rate":0.02}}]}}}},
        "underlyings":{{"ACME":{{"class":"equity","currency":"USD","spot":{spot},{acme}}},"EURUSD":{{"class":"fx","vol":0.1}}}},"fx":{{"EURUSD":1.1}}}}"#
    );
    let csv = serde_json::Value::from(format!("{COLUMNS}\n{rows}"));
    let scenarios = r#"{"type":"explicit","csv":"scenario,spot:ACME\nbase,0\n"}"#;
    let json = format!(
        r#"{{"positions":{{"csv":{csv}}},"market":{market},"scenarios":{scenarios},"report":{{"greeks":true}}}}"#
    );
    let prepared = PortfolioRisk::prepare(serde_json::from_str(&json).unwrap(), &Given::default()).unwrap();
    let partial = PortfolioRisk::evaluate(&prepared, &PortfolioRisk::whole(&prepared), &mut NoData).unwrap();
    let coverage = Coverage { weight_done: 1, weight_total: 1 };
    serde_json::to_value(PortfolioRisk::report(&prepared, Some(&partial), &coverage)).unwrap()
}

/// Delta and gamma per 1 % of an underlying.
fn greeks(report: &serde_json::Value, underlying: usize) -> (f64, f64) {
    let row = &report["greeks"]["by_underlying"][underlying];
    let number = |key: &str| row[key].as_str().unwrap().parse().unwrap();
    (number("delta_per_percent"), number("gamma_per_percent"))
}

fn assert_near(got: (f64, f64), expected: (f64, f64), relative: f64) {
    for (got, expected) in [(got.0, expected.0), (got.1, expected.1)] {
        assert!((got - expected).abs() <= relative * expected.abs(), "{got} is not {expected}");
    }
}

/// Expected: derivatives of the reflection formula.
#[test]
fn greeks_beside_a_barrier_are_those_of_its_near_side() {
    let out = report("A,b,barrier,ACME,1000000,call,100,1,down-and-out,99.5,,\n", 100.0, 0.03);
    assert_near(greeks(&out, 0), (1_214_723.0, -17_796.0), 2e-3);
    // With ten days left, 0.7 % below its level.
    let rows = "A,b,barrier,ACME,1000000,call,100,2026-01-25,up-and-out,110,,\n";
    let (_, gamma) = greeks(&report(rows, 109.2, 0.03), 0);
    assert!((gamma / -132_500.0 - 1.0).abs() < 1e-2, "{gamma}");
    // Beyond its level it is worth nothing, also just beyond.
    assert_eq!(greeks(&report(rows, 110.3, 0.03), 0), (0.0, 0.0));
}

/// Expected: derivatives of the closed form.
#[test]
fn greeks_of_what_expires_soon_are_not_smoothed_away() {
    let digital = report("A,b,digital,ACME,10000,call,100.5,2026-01-16,,,cash,100\n", 100.0, 0.03);
    let (delta, _) = greeks(&digital, 0);
    assert!((delta / 340_600.0 - 1.0).abs() < 3e-3, "{delta}");
    // S n(d1) / (vol sqrt(T)) / 10,000 for each of a million; a bump of 1 % is as wide as the bend, and 40 % off.
    let european = report("A,b,european,ACME,1000000,call,100,2026-01-16,,,,\n", 100.0, 0.0);
    let (_, gamma) = greeks(&european, 0);
    let right = 1e6 * 100.0 * 0.398_920 / (0.2 * (1.0_f64 / 365.0).sqrt()) * 1e-4;
    assert!((gamma / right - 1.0).abs() < 1e-2, "{gamma} is not {right}");
}

/// Expected: quadrature over the price on the eve of the ex-date, when the call is exercised above its strike.
#[test]
fn greeks_of_a_call_are_not_smoothed_over_its_ex_date() {
    let acme = r#""vol":0.15,"dividends":[{"tenor":"1D","amount":6}]"#;
    let out = report_of("A,b,american,ACME,10000,call,100,60D,,,,\n", 100.0, 0.03, acme);
    assert_near(greeks(&out, 0), (3_370.0, 3_176.0), 2e-2);
}

/// Delta and gamma of a whole book are the sums, whatever stencils its positions have.
#[test]
fn a_narrow_stencil_leaves_other_positions_as_they_are() {
    let rows =
        ["A,b,barrier,ACME,1000,call,100,1,down-and-out,99.5,,\n", "B,b,european,ACME,500,put,95,1,,,,\n"];
    let alone = rows.map(|row| greeks(&report(row, 100.0, 0.03), 0));
    let both = greeks(&report(&rows.concat(), 100.0, 0.03), 0);
    assert!((both.0 - alone[0].0 - alone[1].0).abs() < 1e-5);
    assert!((both.1 - alone[0].1 - alone[1].1).abs() < 1e-5);
}

#[test]
fn a_pair_has_stencils_too() {
    let rows = "A,b,barrier,EURUSD,1000000,put,1.1,0.5,up-and-out,1.102,,\n";
    let (delta, gamma) = greeks(&report(rows, 100.0, 0.03), 1);
    // Nothing is left at the level, 0.18 % above.
    let value: f64 = report(rows, 100.0, 0.03)["base_value"].as_str().unwrap().parse().unwrap();
    assert!(delta < 0.0 && (value + 0.18 * delta).abs() < 0.05 * value, "{delta} and {value}");
    assert!(gamma.abs() < 0.1 * delta.abs(), "{gamma}");
}

#[test]
fn where_the_value_jumps_there_is_no_delta_and_where_it_bends_no_gamma() {
    let rows = "A,b,european,ACME,1,call,100,2026-01-15,,,,\nB,b,european,ACME,1,put,100,2026-01-15,,,,\n";
    let out = report(rows, 100.0, 0.03);
    let row = &out["greeks"]["by_underlying"][0];
    assert!(row["delta_per_percent"].is_string() && row["gamma_per_percent"].is_null());
    assert_eq!(
        out["greeks"]["unreliable"].to_string(),
        r#"[{"name":"ACME","position":"A","positions":2,"reason":"no gamma: \"A\" and 1 more stands at its strike as it expires, where its value bends or jumps"}]"#
    );
    let out = report("A,b,barrier,ACME,1,call,90,1,down-and-out,100.0001,,\n", 100.0, 0.03);
    let row = &out["greeks"]["by_underlying"][0];
    assert!(row["delta_per_percent"].is_null() && row["gamma_per_percent"].is_null());
    assert!(row["delta_per_unit"].is_null() && row["vega_per_point"].is_string());
    assert_eq!(out["greeks"]["unreliable"][0]["position"], "A");
    // Away from it nothing is said.
    assert!(
        report("A,b,european,ACME,1,call,90,2026-01-15,,,,\n", 100.0, 0.03)["greeks"]["unreliable"].is_null()
    );
}
