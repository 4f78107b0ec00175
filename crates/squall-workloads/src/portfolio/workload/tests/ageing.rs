//! Positions that are older in the scenarios.

use serde_json::json;
use squall_core::data::NoData;
use squall_core::laws;

use super::*;

const CSV: &str = "id,book,kind,underlying,currency,quantity,option_type,strike,expiry,payoff,cash_amount,barrier_type,barrier,fixings,face,\
                   coupon,frequency,day_count,notional,start,maturity,fixed_rate,fixed_leg,current_fixing\n\
                   S,eq,spot,ACME,,10,,,,,,,,,,,,,,,,,,\n\
                   F,eq,forward,ACME,,10,,95,2026-06-19,,,,,,,,,,,,,,,\n\
                   E,eq,european,ACME,,10,call,105,2026-06-19,,,,,,,,,,,,,,,\n\
                   A,eq,american,ACME,,10,put,105,2026-06-19,,,,,,,,,,,,,,,\n\
                   D,eq,digital,ACME,,10,call,105,2026-06-19,cash,50,,,,,,,,,,,,,\n\
                   B,eq,barrier,ACME,,10,call,105,2026-06-19,,,down-and-out,80,,,,,,,,,,,\n\
                   C,eq,asian,ACME,,10,call,105,2026-06-19,,,,,2026-03-31;2026-06-19,,,,,,,,,,\n\
                   Z,fi,zero_bond,,USD,1,,,,,,,,,1000,,,,,,2028-01-15,,,\n\
                   G,fi,fixed_bond,,USD,1,,,,,,,,,1000,0.05,semiannual,30/360,,,2030-10-15,,,\n\
                   W,fi,swap,,USD,1,,,,,,,,,,,semiannual,30/360,10000,2025-10-15,2030-10-15,0.041,pay,0.05\n";

fn market(valuation_date: &str) -> Value {
    json!({
        "valuation_date": valuation_date, "report_currency": "USD",
        "curves": {"USD": {"currency": "USD", "interpolation": "linear_zero",
                           "points": [{"tenor": 0.1, "rate": 0.03}, {"tenor": 2, "rate": 0.04}, {"tenor": 10, "rate": 0.045}]}},
        "underlyings": {"ACME": {"class": "equity", "currency": "USD", "spot": 100, "dividend_yield": 0.01,
                                 "vol": {"interpolation": "linear_total_variance", "expiries": [0.1, 1], "strikes": [80, 120],
                                         "vols": [[0.35, 0.25], [0.3, 0.22]]}}}
    })
}

fn job(csv: &str, valuation_date: &str, scenarios: &Value, age: &Value) -> PortfolioInput {
    let input = json!({"positions": {"csv": csv}, "market": market(valuation_date), "scenarios": scenarios, "age": age,
                       "asian": {"paths": 200}, "report": {"greeks": true, "histogram": 0}});
    serde_json::from_value(input).unwrap()
}

fn no_move() -> Value {
    json!({"type": "explicit", "csv": "scenario,spot:ACME,rate:USD\nsame,0,0\nhalved,-0.5,0\n"})
}

fn report(input: PortfolioInput) -> Value {
    let prepared = PortfolioRisk::prepare(input, &Given::default()).unwrap();
    let whole = PortfolioRisk::whole(&prepared);
    let partial = PortfolioRisk::evaluate(&prepared, &whole, &mut NoData).unwrap();
    let coverage = Coverage { weight_done: 1, weight_total: 1 };
    serde_json::to_value(PortfolioRisk::report(&prepared, Some(&partial), &coverage)).unwrap()
}

fn money(value: &Value) -> f64 {
    value.as_str().unwrap().parse().unwrap()
}

/// The line of one position, with the header.
fn only(id: &str) -> String {
    let is_wanted = |line: &&str| line.starts_with("id,") || line.starts_with(&format!("{id},"));
    CSV.lines().filter(is_wanted).collect::<Vec<_>>().join("\n")
}

#[test]
fn an_aged_position_is_worth_what_it_is_on_that_day() {
    for id in ["S", "F", "E", "A", "D", "B", "C", "Z", "G", "W"] {
        let older = report(job(&only(id), "2026-01-15", &no_move(), &json!(30)));
        let on_that_day = report(job(&only(id), "2026-02-14", &no_move(), &json!(false)));
        let aged = money(&older["base_value"]) + money(&older["ageing"]["pnl"]);
        let expected = money(&on_that_day["base_value"]);
        // An average's random numbers belong to its fixings, which are the same ones.
        assert!((aged - expected).abs() < 5e-6, "{id}: {aged} aged, {expected} on that day");
        assert_eq!(older["ageing"]["calendar_days"], 30);
    }
}

#[test]
fn a_scenario_is_valued_at_the_horizon() {
    let older = report(job(&only("E"), "2026-01-15", &no_move(), &json!(30)));
    let aged = money(&older["ageing"]["pnl"]);
    assert!(aged < 0.0, "a call loses by time: {aged}");
    assert_eq!(older["pnl"]["maximum"], older["ageing"]["pnl"], "nothing moved but time");
    assert_eq!(older["by_book"][0]["pnl_of_ageing"], older["ageing"]["pnl"]);
}

/// Closed form: theta per year of a European call without a dividend is −S φ(d1) σ / (2 √T) − r K e^(−rT) N(d2) (Hull, chapter 19).
/// Here −6.414 for S = K = 100, r = 5 %, σ = 20 %, T = 1, as QuantLib 1.44's AnalyticEuropeanEngine has it (−6.41403).
#[test]
fn a_day_of_ageing_is_a_day_of_theta() {
    let market = json!({
        "valuation_date": "2026-01-15", "report_currency": "USD",
        "curves": {"USD": {"currency": "USD", "points": [{"tenor": 1, "rate": 0.05}]}},
        "underlyings": {"ACME": {"class": "equity", "currency": "USD", "spot": 100, "vol": 0.2}}
    });
    let csv =
        "id,book,kind,underlying,quantity,option_type,strike,expiry\nA,b,european,ACME,1000000,call,100,1\n";
    let input = json!({"positions": {"csv": csv}, "market": market, "scenarios": no_move(), "age": 1});
    let theta = money(&report(serde_json::from_value(input).unwrap())["ageing"]["pnl"]) / 1e6;
    assert!((theta * 365.0 + 6.414_03).abs() < 0.01, "{theta} a day");
}

#[test]
fn what_is_paid_within_the_horizon_is_kept() {
    // A coupon of 25 on 2026-04-15, and the value the day after it.
    let older = report(job(&only("G"), "2026-04-14", &no_move(), &json!(2)));
    let on_that_day = report(job(&only("G"), "2026-04-16", &no_move(), &json!(false)));
    let kept =
        money(&older["base_value"]) + money(&older["ageing"]["pnl"]) - money(&on_that_day["base_value"]);
    // One day's interest of 3 % on 25.
    assert!((kept - 25.0 * (0.03_f64 / 365.0).exp()).abs() < 1e-5, "{kept}");
}

/// A rate that is set within the horizon is the curve's of that day, and then moves no more.
#[test]
fn a_period_that_begins_within_the_horizon_has_its_rate() {
    let rates = json!({"type": "explicit", "csv": "scenario,rate:USD\nup,0.01\ndown,-0.01\n"});
    let head = "id,book,kind,currency,quantity,notional,frequency,day_count,start,maturity,fixed_rate,fixed_leg,current_fixing";
    let note = "id,book,kind,currency,quantity,face,frequency,day_count,start,maturity,current_fixing";
    // Twelve months of the curve at 0.03 + 0.9 / 1.9 * 0.01, of 365 days; three of them at 90 days.
    let (of_a_year, years): (f64, f64) = (0.03 + 0.01 * 0.9 / 1.9, 90.0 / 365.0);
    let of_a_quarter = 0.03 + 0.01 * (years - 0.1) / 1.9;
    let annual = (of_a_year.exp() - 1.0) * 360.0 / 365.0;
    let quarterly = ((of_a_quarter * years).exp() - 1.0) * 360.0 / 90.0;
    for (head, row, fixing) in [
        (head, "W,b,swap,USD,1,10000000,annual,ACT/360,2026-01-15,2031-01-15,0.041,pay,", annual),
        (head, "W,b,swap,USD,1,10000000,annual,ACT/360,2026-01-20,2031-01-20,0.041,receive,", annual),
        (head, "W,b,swap,USD,1,10000000,quarterly,ACT/360,2026-01-15,2031-01-15,0.041,pay,", quarterly),
        (note, "N,b,floating_bond,USD,1,10000000,annual,ACT/360,2026-01-20,2031-01-20,", annual),
    ] {
        let pnl = |report: &Value| {
            let time = report["ageing"]["pnl"].as_str().map_or(0.0, |it| it.parse().unwrap());
            [money(&report["pnl"]["maximum"]) - time, money(&report["pnl"]["minimum"]) - time]
        };
        let older = report(job(&format!("{head}\n{row}\n"), "2026-01-15", &rates, &json!(10)));
        let fixed = format!("{head}\n{row}{fixing}\n");
        let on_that_day = report(job(&fixed, "2026-01-25", &rates, &json!(false)));
        for (aged, expected) in pnl(&older).into_iter().zip(pnl(&on_that_day)) {
            assert!((aged - expected).abs() < 1e-5, "{row}: {aged}, expected {expected}");
        }
        let time = money(&older["base_value"]) + money(&older["ageing"]["pnl"]);
        assert!((time - money(&on_that_day["base_value"])).abs() < 1e-5, "{row}");
    }
}

#[test]
fn an_option_that_ends_within_the_horizon_is_worth_its_payoff_there() {
    let csv = "id,book,kind,underlying,quantity,option_type,strike,expiry\nP,b,european,ACME,1,put,105,2026-02-01\n";
    let older = report(job(csv, "2026-01-15", &no_move(), &json!(30)));
    let base = money(&older["base_value"]);
    assert!((base + money(&older["pnl"]["minimum"]) - 5.0).abs() < 2e-6);
    assert!((base + money(&older["pnl"]["maximum"]) - 55.0).abs() < 2e-6);
}

#[test]
fn dividends_within_the_horizon_are_paid_and_those_after_it_come_sooner() {
    let market = |date: &str| {
        json!({
            "valuation_date": date, "report_currency": "USD", "curves": market(date)["curves"],
            "underlyings": {"ACME": {"class": "equity", "currency": "USD", "spot": 100, "vol": 0.3, "dividend_yield": 0.01,
                                     "dividends": [{"date": "2026-02-02", "amount": 3}, {"date": "2026-05-04", "amount": 3}]}}
        })
    };
    let head = "id,book,kind,underlying,currency,quantity,multiplier,option_type,strike,expiry,payoff,cash_amount,future_expiry";
    for row in [
        "F,b,forward,ACME,,10,,,95,2026-06-19,,,",
        "X,b,future,ACME,,10,5,,95,2026-06-19,,,",
        "E,b,european,ACME,,10,,call,105,2026-06-19,,,",
        "A,b,american,ACME,,10,,call,90,2026-06-19,,,",
        "P,b,american,ACME,,10,,put,110,2026-06-19,,,",
        "N,b,american,ACME,,10,,call,90,2026-04-19,,,",
        "D,b,digital,ACME,,10,,put,95,2026-06-19,cash,50,",
        "O,b,european,ACME,,10,,call,105,2026-06-19,,,2026-09-18",
        "Q,b,american,ACME,,10,,put,105,2026-04-19,,,2026-09-18",
        "C,b,cash,,USD,10,,,,,,,",
        "L,b,future,ACME,,10,,,95,2026-02-10,,,",
        "M,b,american,ACME,,10,,call,90,2026-02-10,,,",
    ] {
        let input = |date: &str, age: Value| -> PortfolioInput {
            let csv = format!("{head}\n{row}\n");
            let input = json!({"positions": {"csv": csv}, "market": market(date), "scenarios": no_move(), "age": age});
            serde_json::from_value(input).unwrap()
        };
        let older = report(input("2026-01-15", json!(30)));
        let aged = money(&older["base_value"]) + money(&older["ageing"]["pnl"]);
        if row.contains("2026-02-10") {
            assert!((aged - if row.starts_with('L') { 50.0 } else { 100.0 }).abs() < 5e-6, "{row}: {aged}");
            continue;
        }
        let expected = money(&report(input("2026-02-14", json!(false)))["base_value"]);
        assert!((aged - expected).abs() < 5e-6, "{row}: {aged} aged, {expected} on that day");
    }
}

#[test]
fn a_horizon_of_trading_days_skips_weekends() {
    let scenarios: Value = serde_json::from_str(PATHS).unwrap();
    // From a Thursday, ten days from Monday to Friday are two weeks.
    let older = report(job(CSV, "2026-01-15", &scenarios, &json!(true)));
    assert_eq!(older["ageing"]["calendar_days"], 14);
    let text = {
        let prepared =
            PortfolioRisk::prepare(job(CSV, "2026-01-15", &scenarios, &json!(true)), &Given::default())
                .unwrap();
        PortfolioRisk::report(&prepared, None, &Coverage { weight_done: 0, weight_total: 1 }).to_string()
    };
    assert!(
        text.contains("Ageing      not in yet by time alone; in the scenarios positions are 14 days older"),
        "{text}"
    );
}

#[test]
fn scenarios_without_a_horizon_need_a_number_of_days() {
    let error = PortfolioRisk::prepare(job(CSV, "2026-01-15", &no_move(), &json!(true)), &Given::default())
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "input.age: true needs scenarios with horizon_days (historical, monte_carlo); for these, write a number of calendar days, like 14"
    );
    for bad in [json!(0), json!(4000), json!(-1), json!("yes"), json!(1.5)] {
        let input = json!({"positions": {"csv": CSV}, "market": market("2026-01-15"), "scenarios": no_move(), "age": bad});
        serde_json::from_value::<PortfolioInput>(input).unwrap_err();
    }
}

#[test]
fn ageing_obeys_the_laws() {
    let scenarios: Value = serde_json::from_str(PATHS).unwrap();
    for seed in 0..3 {
        laws::check::<PortfolioRisk>(job(CSV, "2026-01-15", &scenarios, &json!(true)), &Files::new(), seed)
            .unwrap();
    }
}

#[test]
fn what_is_paid_in_between_is_moved_by_no_scenario() {
    let csv = "id,book,kind,currency,quantity,face,maturity\nZ,b,zero_bond,USD,1,1000,2026-01-25\n";
    let scenarios = json!({"type": "explicit", "csv": "scenario,rate:USD\nsame,0\nup,0.05\ndown,-0.05\n"});
    let report = report(job(csv, "2026-01-15", &scenarios, &json!(365)));
    // Ten days until it is paid, and 355 in which it earns the shortest rate.
    let expected = 1000.0 * ((0.03 * 355.0 / 365.0_f64).exp() - (-0.03 * 10.0 / 365.0_f64).exp());
    for figure in ["minimum", "maximum"] {
        assert!((money(&report["pnl"][figure]) - expected).abs() < 2e-6, "{report}");
    }
}

#[test]
fn what_is_not_known_yet_is_null_and_there() {
    let prepared =
        PortfolioRisk::prepare(job(&only("Z"), "2026-01-15", &no_move(), &json!(10)), &Given::default())
            .unwrap();
    let coverage = Coverage { weight_done: 0, weight_total: 1 };
    let report = serde_json::to_value(PortfolioRisk::report(&prepared, None, &coverage)).unwrap();
    let book = report["by_book"][0].as_object().unwrap();
    assert_eq!(book.get("pnl_of_ageing"), Some(&Value::Null));
}
