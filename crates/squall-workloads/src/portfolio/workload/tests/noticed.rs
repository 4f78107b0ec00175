//! What is noticed of an input, and jobs without scenarios, without volatilities and with prices below zero.

use expect_test::expect;
use squall_core::registry::AnyPrepared;

use super::*;

const MARKET: &str = r#"{"valuation_date":"2026-01-15","report_currency":"USD","curves":{"USD":{"currency":"USD","points":[{"tenor":1,"rate":0.04}]}},"underlyings":{"ACME":{"class":"equity","currency":"USD","spot":100,"vol":0.3},"WTI":{"class":"commodity","currency":"USD","spot":60,"vol":0.3},"LAND":{"class":"equity","currency":"USD","spot":7}}}"#;

fn read(positions: &str, market: &str, rest: &str) -> Result<Prepared, InputError> {
    let json = format!(r#"{{"positions":{{"csv":{}}},"market":{market}{rest}}}"#, Value::from(positions));
    let input = squall_core::job::from_json(squall_core::job::Place("input"), json.as_bytes())?;
    PortfolioRisk::prepare(input, &Given::default())
}

fn report(prepared: &Prepared) -> (String, Value) {
    let partial = PortfolioRisk::evaluate(prepared, &PortfolioRisk::whole(prepared), &mut NoData).unwrap();
    let report =
        PortfolioRisk::report(prepared, Some(&partial), &Coverage { weight_done: 1, weight_total: 1 });
    (report.to_string(), serde_json::to_value(&report).unwrap())
}

const OIL: &str = "id,book,kind,underlying,quantity,option_type,strike,expiry\nA,oil,spot,WTI,1,,,\nB,eq,spot,ACME,1000000,,,\nC,eq,european,ACME,-3,call,100,1\n";

#[test]
fn what_no_scenario_moves_is_named_with_the_value_that_hangs_on_it() {
    let scenarios = r#","scenarios":{"type":"historical","csv":"date,spot:WTI,rate:USD\n2026-01-06,57,0.04\n2026-01-07,58,0.04\n2026-01-08,56,0.04\n"},"report":{"levels":[0.5],"positions":true}"#;
    let prepared = read(OIL, MARKET, scenarios).unwrap();
    let (text, json) = report(&prepared);
    let line = text.lines().find(|line| line.contains("Not moved")).unwrap();
    let option: f64 = json["positions"][2]["value"].as_str().unwrap().parse().unwrap();
    expect![[r#"
          Not moved   by any scenario: spot:ACME (2 positions, 99,999,959), vol:ACME (1 position, -41), rate:USD (1 position, -41)
        [{"factor":"spot:ACME","positions":2,"base_value":"99999958.740206"},{"factor":"vol:ACME","positions":1,"base_value":"-41.259794"},{"factor":"rate:USD","positions":1,"base_value":"-41.259794"}]
        largest daily changes of the history: spot:WTI +1.75% on 2026-01-07 (0.7 standard deviations), spot:WTI -3.45% on 2026-01-08 (0.7 standard deviations)
        not moved by any scenario: spot:ACME (2 positions, 99,999,958.74 USD), vol:ACME (1 position, -41.26 USD), rate:USD (1 position, -41.26 USD)
    "#]].assert_eq(&format!(
        "{line}\n{}\n{}\n",
        json["factors_not_moved"],
        PortfolioRisk::notes(&prepared).join("\n")
    ));
    let hangs =
        |idx: usize| json["factors_not_moved"][idx]["base_value"].as_str().unwrap().parse::<f64>().unwrap();
    assert!((hangs(0) - (100_000_000.0 + option)).abs() < 1e-6);
    assert!((hangs(1) - option).abs() < 1e-6);
    // Nothing before every position is in.
    let whole = PortfolioRisk::whole(&prepared);
    let first = Rectangle { n_positions: 2, ..whole };
    let partial = PortfolioRisk::evaluate(&prepared, &first, &mut NoData).unwrap();
    let early =
        PortfolioRisk::report(&prepared, Some(&partial), &Coverage { weight_done: 1, weight_total: 2 });
    let early = serde_json::to_value(&early).unwrap();
    assert_eq!(early["factors_not_moved"][0]["base_value"], Value::Null);
    assert_eq!(early["factors_not_moved"][0]["positions"], 2);
    // Nor of an answer of a build that did not sum them.
    let mut older = Partial::default();
    for (position, value) in [(0, 60_000_000), (1, 100_000_000_000_000), (2, -1)] {
        let (book, kind) = prepared.groups_of(position);
        older.merge(Partial::of_position(book, kind, 0, &[value]));
    }
    let older = PortfolioRisk::report(&prepared, Some(&older), &Coverage { weight_done: 1, weight_total: 2 });
    let older = serde_json::to_value(&older).unwrap();
    assert_eq!(older["factors_not_moved"][0]["base_value"], Value::Null);
    assert!(older["base_value"].is_string());
}

#[test]
fn what_hangs_on_unmoved_factors_does_not_depend_on_the_cut() {
    let scenarios = r#"{"type": "grid", "axes": [{"factor": "spot:SPX", "shocks": [-0.1, 0.1]}]}"#;
    for seed in 0..5 {
        laws::check::<PortfolioRisk>(input(&manual_csv(), scenarios, "{}"), &Files::new(), seed).unwrap();
    }
}

#[test]
fn a_report_has_what_was_noticed_of_its_history_and_its_market() {
    let market = MARKET.replace(
        r#""spot":100,"vol":0.3"#,
        r#""spot":100,"vol":{"interpolation":"linear_total_variance","expiries":[0.5,1],"strikes":[100],"vols":[[0.6],[0.2]]}"#,
    );
    let scenarios = r#","scenarios":{"type":"historical","csv":"date,spot:ACME\n2020-08-27,500.04\n2020-08-28,499.23\n2020-08-31,129.04\n2020-09-01,134.18\n2026-02-02,134\n"},"report":{"levels":[0.5],"histogram":0,"worst":1}"#;
    let prepared = read("id,book,kind,underlying,quantity\nA,b,spot,ACME,1\n", &market, scenarios).unwrap();
    let (text, json) = report(&prepared);
    let notes = PortfolioRisk::notes(&prepared).join("\n");
    expect![[r#"
        PORTFOLIO RISK, amounts in USD
          Positions   1 in 1 book
          Scenarios   4 historical windows of 1 day, 2020-08-28 to 2026-02-02
          Note        vol:ACME allows arbitrage: total variance falls in time: 0.6 for 0.5 years at strike 100, 0.2 for 1 years at 102.02; and in one more place
          Note        1 of the history's 5 dates, to 2026-02-02, are after the valuation date 2026-01-15
          Note        a gap of the history counts as one day: 2020-09-01 to 2026-02-02, 1980 days
          Base value  100.00

        VALUE AT RISK AND EXPECTED SHORTFALL, losses positive
          level   VaR  95% interval from  to  expected shortfall  standard error
          50%    0.16                  ?   ?               37.16           41.36

        PROFIT AND LOSS over 4 scenarios
           worst  best    mean  standard deviation  skewness  excess kurtosis
          -74.15  3.98  -17.62               37.74     -1.15            -0.67

          quantile      1%      5%     25%    50%    75%   95%   99%
          P&L       -74.15  -74.15  -74.15  -0.16  -0.13  3.98  3.98

        WORST SCENARIOS
          scenario       P&L  largest shocks
          2020-08-31  -74.15  spot:ACME -74.15%

        LARGEST DAILY CHANGES OF THE HISTORY, by standard deviations of the factor's own
          date        factor      change  standard deviations
          2020-08-31  spot:ACME  -74.15%                 24.1
          2020-09-01  spot:ACME   +3.98%                  1.3
          2020-08-28  spot:ACME   -0.16%                  0.0
          2026-02-02  spot:ACME   -0.13%                  0.0

        BY BOOK, risk at 50%
          book  positions  base value  worst scenario  50% VaR alone  50% ES alone  part of ES   share
          b             1      100.00          -74.15           0.16         37.16       37.16  100.0%

        BY KIND, risk at 50%
          kind  positions  base value  worst scenario  50% VaR alone  50% ES alone  part of ES   share
          spot          1      100.00          -74.15           0.16         37.16       37.16  100.0%

        ["vol:ACME allows arbitrage: total variance falls in time: 0.6 for 0.5 years at strike 100, 0.2 for 1 years at 102.02; and in one more place","1 of the history's 5 dates, to 2026-02-02, are after the valuation date 2026-01-15","a gap of the history counts as one day: 2020-09-01 to 2026-02-02, 1980 days"]
        [{"factor":"spot:ACME","date":"2020-08-31","change":-0.7415219437934419,"standard_deviations":24.083009961479743},{"factor":"spot:ACME","date":"2020-09-01","change":0.03983261004339744,"standard_deviations":1.3444497255131798},{"factor":"spot:ACME","date":"2020-08-28","change":-0.0016198704103671524,"standard_deviations":0.004529774878983466},{"factor":"spot:ACME","date":"2026-02-02","change":-0.0013414815918915135,"standard_deviations":0.004529774878983466}]
        vol:ACME allows arbitrage: total variance falls in time: 0.6 for 0.5 years at strike 100, 0.2 for 1 years at 102.02; and in one more place
        1 of the history's 5 dates, to 2026-02-02, are after the valuation date 2026-01-15
        a gap of the history counts as one day: 2020-09-01 to 2026-02-02, 1980 days
        largest daily changes of the history: spot:ACME -74.15% on 2020-08-31 (24.1 standard deviations), spot:ACME +3.98% on 2020-09-01 (1.3 standard deviations), spot:ACME -0.16% on 2020-08-28 (0.0 standard deviations), spot:ACME -0.13% on 2026-02-02 (0.0 standard deviations)
    "#]].assert_eq(&format!("{text}\n{}\n{}\n{notes}\n", json["notes"], json["largest_changes"]));
    let refused = market.replacen('{', r#"{"arbitrage":"refuse","#, 1);
    expect!["input.market.underlyings.ACME.vol: total variance falls in time: 0.6 for 0.5 years at strike 100, 0.2 for 1 years at 102.02"].assert_eq(&read(OIL, &refused, "").unwrap_err().to_string());
    let registry = Registry::default().with::<PortfolioRisk>();
    let erased: std::sync::Arc<dyn AnyPrepared> = {
        let json = format!(r#"{{"positions":{{"csv":{}}},"market":{market}}}"#, Value::from(OIL));
        let bundle = squall_core::bundle::Bundle {
            workload: "portfolio".to_owned(),
            input_json: json,
            given: Given::default(),
        };
        registry.get("portfolio").unwrap().prepare(&bundle).unwrap()
    };
    assert_eq!(erased.notes().len(), 1);
}

#[test]
fn without_scenarios_the_portfolio_is_valued() {
    let with = |rest: &str| report(&read(OIL, MARKET, rest).unwrap());
    let (text, json) = with(r#","report":{"greeks":true}"#);
    expect![[r#"
        PORTFOLIO RISK, amounts in USD
          Positions   3 in 2 books
          Scenarios   none
          Base value  100,000,019

        BY BOOK
          book  positions  base value
          oil           1          60
          eq            2  99,999,959

        BY KIND
          kind      positions   base value
          spot              2  100,000,060
          european          1          -41

        GREEKS, by bumping one factor and revaluing everything
          underlying  delta per 1 %  gamma per 1 %  delta per 1.00  vega per point
          ACME              999,998              0         999,998              -1
          LAND                    0              0               0
          WTI                     1              0               1               0

          currency  rho per basis point
          USD                         0
    "#]]
    .assert_eq(&text);
    assert_eq!(json["scenarios"]["total"], 0);
    assert_eq!(json["pnl"], Value::Null);
    assert_eq!(with(r#","report":{"greeks":true},"scenarios":{"type":"none"}"#).0, text);
    let wrong = read(OIL, MARKET, r#","scenarios":{"type":"none","paths":3}"#).unwrap_err().to_string();
    assert!(wrong.contains("unknown field `paths`"), "{wrong}");
    for seed in 0..3 {
        let input: PortfolioInput = serde_json::from_str(&format!(
            r#"{{"positions":{{"csv":{}}},"market":{MARKET}}}"#,
            Value::from(OIL)
        ))
        .unwrap();
        laws::check::<PortfolioRisk>(input, &Files::new(), seed).unwrap();
    }
}

#[test]
fn an_underlying_without_options_needs_no_volatility() {
    let head = "id,book,kind,underlying,quantity,option_type,strike,expiry\n";
    let told = |rows: &str, rest: &str| match read(&format!("{head}{rows}"), MARKET, rest) {
        Ok(prepared) => report(&prepared).1["base_value"].to_string(),
        Err(error) => error.to_string(),
    };
    let all = [
        told("A,b,spot,LAND,2,,,\n", r#","report":{"greeks":true}"#),
        told(
            "A,b,forward,LAND,2,,7,1\n",
            r#","scenarios":{"type":"explicit","csv":"spot:LAND,vol:ACME\n0.1,0.1"}"#,
        ),
        told("A,b,european,LAND,2,call,7,1\n", ""),
        told("A,b,american,LAND,2,put,7,1\n", ""),
        told("A,b,spot,LAND,2,,,\n", r#","scenarios":{"type":"explicit","csv":"vol:LAND\n0.1"}"#),
    ];
    expect![[r#"
        "14.000000"
        "0.548948"
        input.positions.csv:2:4 (underlying): "LAND" has no vol in the market, which an option needs
        input.positions.csv:2:4 (underlying): "LAND" has no vol in the market, which an option needs
        input.scenarios.csv:1:1 (vol:LAND): unknown factor "vol:LAND"; the market has spot:LAND, vol:ACME, vol:WTI, spot:ACME, spot:WTI, rate:USD"#]].assert_eq(&all.join("\n"));
}

#[test]
fn times_are_dates_tenors_or_years_wherever_they_are() {
    let head = "id,book,kind,underlying,quantity,option_type,strike,expiry\n";
    let value = |expiry: &str, vol: &str| {
        let market = MARKET.replacen(r#""vol":0.3"#, &format!(r#""vol":{vol}"#), 1);
        match read(&format!("{head}A,b,european,ACME,1,call,100,{expiry}\n"), &market, "") {
            Ok(prepared) => report(&prepared).1["base_value"].to_string(),
            Err(error) => error.to_string(),
        }
    };
    let surface = |expiries: &str| {
        format!(
            r#"{{"interpolation":"linear_vol","expiries":{expiries},"strikes":[100],"vols":[[0.3],[0.32]]}}"#
        )
    };
    assert_eq!(value("6M", "0.3"), value("2026-07-15", "0.3"));
    assert_eq!(value("1Y", "0.3"), value("2027-01-15", "0.3"));
    let dates = surface(r#"["2026-04-15","2027-01-15"]"#);
    assert_eq!(value("6M", &dates), value("6M", &surface(r#"["3M","1Y"]"#)));
    expect![[r#"
        input.positions.csv:2:8 (expiry): "6 months" is neither a date like 2026-12-31 nor a time like 0.5 (years) or 6M
        input.market.underlyings.ACME.vol.expiries[1]: "soon" is not a tenor; write years like 0.5, "10D", "3M", "2Y", or a date like "2026-12-31"
        input.market.underlyings.ACME.vol.expiries[0]: "2025-04-15" is out of range; a time must be above 0 and at most 200 years"#]].assert_eq(
        &[
            value("6 months", "0.3"),
            value("6M", &surface(r#"["2026-04-15","soon"]"#)),
            value("6M", &surface(r#"["2025-04-15","1Y"]"#)),
        ]
        .join("\n"),
    );
}

/// A history that fell below zero, in units of the price: shares and forwards have their value, an option has none in those scenarios.
#[test]
fn prices_below_zero_have_a_way_through() {
    let positions = "id,book,kind,underlying,quantity,option_type,strike,expiry\nS,b,spot,WTI,1,,,\nF,b,forward,WTI,1,,50,1\n";
    let option = "O,b,european,WTI,1,call,60,1\n";
    let scenarios = r#","scenarios":{"type":"explicit","csv":"scenario,spot:WTI\nfall,-70\nzero,-60\nless,-10\n","changes":{"spot:WTI":"absolute"}},"report":{"levels":[0.5],"worst":3}"#;
    let told = |positions: &str| {
        let (_, json) = report(&read(positions, MARKET, scenarios).unwrap());
        let worst = json["worst_scenarios"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| format!("{} {}", it["label"], it["pnl"]));
        (worst.collect::<Vec<_>>().join(", "), json["scenarios_not_valued"].to_string())
    };
    // A dollar less is a dollar less for either.
    assert_eq!(told(positions).0, r#""fall" "-140.000000", "zero" "-120.000000", "less" "-20.000000""#);
    let (worst, not_valued) = told(&format!("{positions}{option}"));
    assert!(worst.starts_with("\"less\""), "{worst}");
    assert_eq!(not_valued, r#"[{"label":"fall","position":"O"},{"label":"zero","position":"O"}]"#);
}

/// The value is the closed form's, by another program (Python's `math.erf`).
#[test]
fn rates_and_volatilities_of_a_hyperinflation_are_taken_where_the_market_says_so() {
    let market = MARKET.replacen("0.04", "1.3", 1).replacen(r#""vol":0.3"#, r#""vol":6.5"#, 1);
    let head = "id,book,kind,underlying,quantity,option_type,strike,expiry\n";
    let told = |limits: &str, scenarios: &str| {
        let market = market.replacen('{', &format!("{{{limits}"), 1);
        match read(&format!("{head}A,b,european,ACME,1,call,100,1\n"), &market, scenarios) {
            Ok(prepared) => report(&prepared).1["base_value"].to_string(),
            Err(error) => error.to_string(),
        }
    };
    let rates =
        r#","scenarios":{"type":"historical","csv":"date,rate:USD\n2026-01-06,1.31\n2026-01-07,1.32\n"}"#;
    let high = r#""limits":{"rate":2,"vol":8},"#;
    assert_eq!(told(high, rates), "\"99.940787\"");
    let refused = [
        told("", ""),
        told(r#""limits":{"rate":2},"#, ""),
        told(r#""limits":{"rate":20},"#, ""),
        told(r#""limits":{"vol":1},"#, ""),
        told(high, &rates.replace("1.32", "4.17")),
        told(high, &rates.replace("1.32", "41.7")),
    ];
    expect![[r#"
        input.market.curves.USD.points[0].rate: 1.3 is out of range; a rate must be from -1 to 1; write 1.3 % as 0.013, or "limits": {"rate": 10} in the market if 130 % is meant
        input.market.underlyings.ACME.vol: 6.5 is out of range; a volatility must be from 0 to 5; write 6.5 % as 0.065, or "limits": {"vol": 10} in the market if 650 % is meant
        input.market.limits.rate: 20 is out of range; a limit must be from 1 to 10
        input.market.limits.vol: 1 is out of range; a limit must be from 5 to 10
        input.scenarios.csv:3:2 (rate:USD): 4.17 is out of range; a rate must be from -2 to 2; add "scale": {"rate:USD": 0.01}, or write 4.17 % as 0.0417, or "limits": {"rate": 10} in the market if 417 % is meant
        input.scenarios.csv:3:2 (rate:USD): 41.7 is out of range; a rate must be from -2 to 2; add "scale": {"rate:USD": 0.01}, or write 41.7 % as 0.417"#]].assert_eq(&refused.join("\n"));
}

/// By hand: three windows that weigh 1, 2 and 4 sevenths; the tail of a half is the fall of 4 (one seventh) and 2.5 sevenths of the next.
#[test]
fn windows_of_a_history_can_weigh_less_the_older_they_are() {
    let scenarios = r#","scenarios":{"type":"historical","csv":"date,spot:ACME\n2026-01-06,100\n2026-01-07,96\n2026-01-08,96.96\n2026-01-09,94.536\n","weights":{"type":"exponential","lambda":0.5}},"report":{"levels":[0.5,0.9]}"#;
    let prepared = read("id,book,kind,underlying,quantity\nA,b,spot,ACME,1\n", MARKET, scenarios).unwrap();
    let (text, json) = report(&prepared);
    assert!(
        json["scenarios"]["about"].as_str().unwrap().ends_with(
            "2026-01-07 to 2026-01-09, weighted by age (lambda 0.5; worth 2 equally likely windows)"
        )
    );
    let half = &json["risk"][0];
    assert_eq!(half["value_at_risk"], "2.500000");
    let shortfall: f64 = half["expected_shortfall"].as_str().unwrap().parse().unwrap();
    assert!((shortfall - (4.0 / 7.0 + 2.5 * 2.5 / 7.0) / 0.5).abs() < 1e-6, "{shortfall}");
    assert_eq!(half["value_at_risk_95_percent_interval"], json!([null, null]));
    assert_eq!(json["by_book"][0]["value_at_risk"], "2.500000");
    assert_eq!(json["by_book"][0]["contribution_to_expected_shortfall"], half["expected_shortfall"]);
    let mean: f64 = json["pnl"]["mean"].as_str().unwrap().parse().unwrap();
    assert!((mean - (-4.0 + 2.0 - 10.0) / 7.0).abs() < 1e-6, "{mean}");
    assert!(text.contains("weighted by age"), "{text}");
    let partial = PortfolioRisk::evaluate(&prepared, &PortfolioRisk::whole(&prepared), &mut NoData).unwrap();
    assert_eq!(PortfolioRisk::headline(&prepared, &partial).unwrap(), "VaR 50% 2.50 USD (3 scenarios)");
    let mut csv = Vec::new();
    PortfolioRisk::write_rows(&prepared, Some(&partial), &mut csv).unwrap();
    let csv = String::from_utf8(csv).unwrap();
    assert!(
        csv.starts_with(
            "scenario,label,pnl,pnl of b,probability\n0,2026-01-07,-4.000000,-4.000000,0.142857142"
        ),
        "{csv}"
    );
}

/// FRED's DGS10 of April 2020, in percent.
#[test]
fn a_history_of_yields_in_percent_that_are_below_one_is_noticed() {
    let scenarios = |values: &str| {
        format!(
            r#","scenarios":{{"type":"historical","csv":"date,rate:USD\n2020-04-27,{values}\n","scale":{{"rate:USD":SCALE}}}}"#,
        )
    };
    let told = |values: &str, scale: &str| {
        let scenarios = scenarios(values).replace("SCALE", scale);
        let bond = "id,book,kind,currency,quantity,face,maturity\nZ,b,zero_bond,USD,1,1000000,2036-01-15\n";
        PortfolioRisk::notes(&read(bond, MARKET, &scenarios).unwrap()).join("\n")
    };
    let april = "0.67\\n2020-04-28,0.62\\n2020-04-29,0.63\\n2020-04-30,0.93";
    // A yield that hardly moved, of which only the level gives it away.
    let calm = "0.931\\n2020-04-28,0.931\\n2020-04-29,0.931\\n2020-04-30,0.93";
    expect![[r#"
        rate:USD ends at 0.93 in the history and is 0.04 in the market: if they are in different units, say "scale": {"rate:USD": 0.01} or what it is
        a usual daily change of rate:USD in the history is 0.0889561 (a basis point is 0.0001): if its values are in percent, say "scale": {"rate:USD": 0.01}
        largest daily changes of the history: rate:USD +3000bp on 2020-04-30 (3.3 standard deviations), rate:USD -500bp on 2020-04-28 (0.7 standard deviations), rate:USD +100bp on 2020-04-29 (0.0 standard deviations)
        --
        rate:USD ends at 0.93 in the history and is 0.04 in the market: if they are in different units, say "scale": {"rate:USD": 0.01} or what it is
        largest daily changes of the history: rate:USD -10bp on 2020-04-30 (2.4 standard deviations)
        --
        largest daily changes of the history: rate:USD +30bp on 2020-04-30 (3.3 standard deviations), rate:USD -5bp on 2020-04-28 (0.7 standard deviations), rate:USD +1bp on 2020-04-29 (0.0 standard deviations)"#]].assert_eq(&[told(april, "1"), told(calm, "1"), told(april, "0.01")].join("\n--\n"));
}
