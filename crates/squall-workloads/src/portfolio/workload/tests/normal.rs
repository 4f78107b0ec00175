//! Underlyings whose model is normal: prices, shocks, Greeks and messages on both sides of 0.

use expect_test::expect;

use super::*;

const HEAD: &str = "id,book,kind,underlying,quantity,option_type,strike,expiry,payoff,cash_amount,future_expiry,barrier_type,barrier,fixings\n";

/// An oil market whose spot and volatility are these.
fn market(spot: &str, vol: &str) -> String {
    format!(
        r#"{{"valuation_date":"2026-01-15","report_currency":"USD","curves":{{"USD":{{"currency":"USD","points":[{{"tenor":1,"rate":0.04}}]}}}},
            "underlyings":{{"WTI":{{"class":"commodity","currency":"USD","model":"normal","spot":{spot},"convenience_yield":0.01,"vol":{vol}}},
                            "ACME":{{"class":"equity","currency":"USD","spot":100,"vol":0.3}}}}}}"#
    )
}

fn of(rows: &str, market: &str, rest: &str) -> Result<PortfolioInput, InputError> {
    let csv = Value::from(format!("{HEAD}{rows}"));
    let json = format!(r#"{{"positions":{{"csv":{csv}}},"market":{market},"asian":{{"paths":16}}{rest}}}"#);
    squall_core::job::from_json(squall_core::job::Place("input"), json.as_bytes())
}

fn read(rows: &str, market: &str, rest: &str) -> Result<Prepared, InputError> {
    PortfolioRisk::prepare(of(rows, market, rest)?, &Given::default())
}

/// The report of the whole, for people and for programs; the laws hold.
fn report(rows: &str, market: &str, rest: &str) -> (String, Value) {
    laws::check::<PortfolioRisk>(of(rows, market, rest).unwrap(), &Files::new(), 3).unwrap();
    let prepared = read(rows, market, rest).unwrap();
    let partial = PortfolioRisk::evaluate(&prepared, &PortfolioRisk::whole(&prepared), &mut NoData).unwrap();
    let report =
        PortfolioRisk::report(&prepared, Some(&partial), &Coverage { weight_done: 1, weight_total: 1 });
    (report.to_string(), serde_json::to_value(&report).unwrap())
}

fn money(value: &Value) -> f64 {
    value.as_str().unwrap().parse().unwrap()
}

const BOOK: &str = "S,b,spot,WTI,10,,,,,,,,,\nF,b,future,WTI,-4,,12,0.5,,,,,,\nE,b,european,WTI,100,put,15,0.5,,,,,,\n\
                    N,b,european,WTI,50,call,-5,0.25,,,0.5,,,\nC,b,digital,WTI,3,call,-10,0.5,cash,1000,,,,\nA,b,digital,WTI,-7,put,5,0.5,asset,,,,,\n";

/// What April 2020 asks for: a scenario at -37.63 is the market written that way, to the last millionth.
#[test]
fn a_shock_through_zero_is_worth_a_market_written_that_way() {
    let value = |spot: &str| money(&report(BOOK, &market(spot, "25"), "").1["base_value"]);
    for (spot, change, there) in
        [("20", "-57.63", "-37.63"), ("20", "-20", "0"), ("0", "10.5", "10.5"), ("-37.63", "47.63", "10")]
    {
        let scenarios = format!(
            r#","scenarios":{{"type":"explicit","csv":"scenario,spot:WTI\na,{change}\n","changes":{{"spot:WTI":"absolute"}}}}"#
        );
        let (text, json) = report(BOOK, &market(spot, "25"), &scenarios);
        assert_eq!(json["scenarios"]["fully_revalued"], 1);
        let pnl = money(&json["pnl"]["minimum"]);
        let expected = value(there) - value(spot);
        assert!((pnl - expected).abs() < 1.1e-6, "{spot} to {there}: {pnl}, {expected}");
        // Shown in units of the price, not in shares of it.
        let shock = json["worst_scenarios"][0]["shocks"]["spot:WTI"].as_f64().unwrap();
        assert_eq!(shock, change.parse::<f64>().unwrap());
        assert!(text.contains(&format!("spot:WTI {:+}", shock)), "{text}");
    }
}

#[test]
fn a_shock_of_the_volatility_is_in_units_of_the_price() {
    let value = |vol: &str| money(&report(BOOK, &market("-3", vol), "").1["base_value"]);
    for (vol, change, there) in [("25", "7.25", "32.25"), ("0.5", "-0.25", "0.25"), ("25", "-40", "0")] {
        let scenarios =
            format!(r#","scenarios":{{"type":"grid","axes":[{{"factor":"vol:WTI","shocks":[{change}]}}]}}"#);
        let (_, json) = report(BOOK, &market("-3", vol), &scenarios);
        let pnl = money(&json["pnl"]["minimum"]);
        assert!((pnl - (value(there) - value(vol))).abs() < 1.1e-6, "{vol} to {there}: {pnl}");
        assert_eq!(
            json["worst_scenarios"][0]["label"],
            format!("vol:WTI {:+}", change.parse::<f64>().unwrap())
        );
    }
}

/// Bachelier's Greeks in closed form, at prices on both sides of 0 and at 0.
#[test]
fn greeks_are_for_one_unit_of_the_price_and_of_its_volatility() {
    let rows = "E,b,european,WTI,1000,call,5,1,,,,,,\n";
    for spot in [20.0_f64, 0.0, -37.63] {
        let (text, json) = report(rows, &market(&spot.to_string(), "25"), r#","report":{"greeks":true}"#);
        let row = json["greeks"]["by_underlying"]
            .as_array()
            .unwrap()
            .iter()
            .find(|it| it["name"] == "WTI")
            .unwrap();
        let (growth, discount) = (0.03_f64.exp(), (-0.04_f64).exp());
        let distance = (spot * growth - 5.0) / 25.0;
        let density = (-0.5 * distance * distance).exp() * 0.398_942_280_401_432_7;
        let delta = 1_000.0 * discount * growth * crate::portfolio::pricing::normal::cdf(distance);
        let gamma = 1_000.0 * discount * growth * growth * density / 25.0;
        let vega = 1_000.0 * discount * density;
        let near = |key: &str, expected: f64, within: f64| {
            let got = row[key].as_f64().unwrap();
            assert!((got - expected).abs() < within * expected, "{spot} {key}: {got}, {expected}");
        };
        near("delta_per_unit", delta, 1e-3);
        near("gamma_per_unit", gamma, 1e-3);
        near("vega_per_unit", vega, 1e-4);
        assert_eq!(row["vega_per_point"], Value::Null);
        if spot > 0.0 {
            assert!((money(&row["delta_per_percent"]) - delta * 0.01 * spot).abs() < 1e-4 * delta * 0.2);
            assert!((money(&row["gamma_per_percent"]) / (gamma * 0.04) - 1.0).abs() < 1e-3);
        } else {
            assert_eq!((&row["delta_per_percent"], &row["gamma_per_percent"]), (&Value::Null, &Value::Null));
        }
        assert!(text.contains("gamma per 1.00") && text.contains("vega per 1.00"), "{text}");
    }
    // Jobs without such an underlying have none of it.
    let lognormal =
        market("20", "25").replace(r#""model":"normal","#, "").replace(r#""vol":25"#, r#""vol":0.3"#);
    let rows = "E,b,european,ACME,1,call,90,1,,,,,,\n";
    let (text, json) = report(rows, &lognormal, r#","report":{"greeks":true}"#);
    assert!(text.contains("vega per point") && !text.contains("vega per 1.00"), "{text}");
    let row = json["greeks"]["by_underlying"][0].as_object().unwrap();
    assert!(row["vega_per_point"].is_string() && !row.contains_key("vega_per_unit"), "{row:?}");
}

/// On the eve of its expiry an option bends within the usual bump.
#[test]
fn the_bump_of_an_option_that_expires_soon_is_narrow() {
    let rows = "E,b,european,WTI,1000,call,5,0.0005,,,,,,\n";
    let (_, json) = report(rows, &market("5", "2"), r#","report":{"greeks":true}"#);
    let row = json["greeks"]["by_underlying"]
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["name"] == "WTI")
        .unwrap()
        .clone();
    let gamma = 1_000.0 * 0.398_942_280_401_432_7 / (2.0 * 0.0005_f64.sqrt());
    assert!((row["gamma_per_unit"].as_f64().unwrap() / gamma - 1.0).abs() < 0.01, "{row} {gamma}");
    // On it there is none.
    let (_, json) =
        report("E,b,european,WTI,1000,call,5,0,,,,,,\n", &market("5", "2"), r#","report":{"greeks":true}"#);
    assert_eq!(json["greeks"]["unreliable"][0]["position"], "E");
}

/// Spreads of Europeans whose volatilities are those of the surface at strikes on both sides of 0.
#[test]
fn a_digital_on_a_normal_surface_is_the_limit_of_spreads() {
    let surface = r#"{"interpolation":"linear_total_variance","expiries":[0.5,2],"strikes":[-20,0,20],"vols":[[28,25,24],[27,25,23]]}"#;
    for strike in [-12.5_f64, 0.0, 7.0] {
        let h = 1e-3;
        let mut rows = String::new();
        for option in ["call", "put"] {
            rows += &format!("C{option},b,digital,WTI,1,{option},{strike},1,cash,1,,,,\n");
            rows += &format!("A{option},b,digital,WTI,1,{option},{strike},1,asset,,,,,\n");
            rows += &format!("M{option},b,european,WTI,1,{option},{strike},1,,,,,,\n");
            rows += &format!("L{option},b,european,WTI,1,{option},{},1,,,,,,\n", strike - h);
            rows += &format!("H{option},b,european,WTI,1,{option},{},1,,,,,,\n", strike + h);
        }
        let (_, json) = report(&rows, &market("3", surface), r#","report":{"positions":true}"#);
        let prices: Vec<f64> =
            json["positions"].as_array().unwrap().iter().map(|it| it["price"].as_f64().unwrap()).collect();
        for (prices, sign) in prices.chunks(5).zip([1.0, -1.0]) {
            let [cash, asset, european, low, high] = prices else { panic!() };
            let spread = sign * (low - high) / (2.0 * h);
            assert!((cash - spread).abs() < 1e-6, "{strike}: {cash} against {spread}");
            assert!((asset - (sign * european + strike * cash)).abs() < 1e-12, "{asset}");
        }
    }
}

/// Half a year on, the option is worth what one with half a year less to go is worth, or its payoff.
#[test]
fn normal_options_age() {
    let rows = "E,b,european,WTI,1,put,-5,1,,,,,,\nD,b,digital,WTI,1,put,-5,1,cash,10,,,,\nX,b,european,WTI,1,put,4,0.25,,,,,,\n";
    let (_, aged) = report(
        rows,
        &market("-6", "25"),
        r#","age":182,"report":{"positions":true},"scenarios":{"type":"explicit","csv":"scenario,vol:WTI\na,0\n"}"#,
    );
    let years = 1.0 - 182.0 / 365.0;
    let then = format!(
        "E,b,european,WTI,1,put,-5,{years},,,,,,\nD,b,digital,WTI,1,put,-5,{years},cash,10,,,,\nX,b,european,WTI,1,put,4,0,,,,,,\n"
    );
    let (_, then) = report(&then, &market("-6", "25"), "");
    let expected = money(&then["base_value"]) - money(&aged["base_value"]);
    assert!((money(&aged["ageing"]["pnl"]) - expected).abs() < 1e-5, "{aged}");
}

/// A history with the day of -37.63, by each kind of scenario; the lognormal underlying beside it stays as it is.
#[test]
fn histories_and_draws_through_zero_value_every_option() {
    let history = "date,spot:WTI,vol:WTI,spot:ACME\\n2020-04-16,19.87,24,100\\n2020-04-17,18.27,25,101\\n2020-04-20,-37.63,60,99\\n\
                   2020-04-21,10.01,48,98\\n2020-04-22,13.78,40,99\\n";
    let rows = format!("{BOOK}P,b,european,ACME,1,put,100,1,,,,,,\n");
    let changes = r#""changes":{"spot:WTI":"absolute"}"#;
    let historical = format!(
        r#","scenarios":{{"type":"historical","csv":"{history}",{changes}}},"report":{{"levels":[0.5]}}"#
    );
    let (_, json) = report(&rows, &market("14", "38"), &historical);
    assert_eq!(json["scenarios"]["fully_revalued"], 4);
    let largest = json["largest_changes"].as_array().unwrap();
    assert!(
        largest.iter().any(|it| it["factor"] == "spot:WTI" && it["change"].as_f64().unwrap() < -55.0),
        "{json}"
    );
    let drawn = format!(
        r#","scenarios":{{"type":"monte_carlo","paths":60,"horizon_days":10,"history":{{"csv":"{history}",{changes}}}}},"report":{{"levels":[0.5]}}"#
    );
    assert_eq!(report(&rows, &market("14", "38"), &drawn).1["scenarios"]["fully_revalued"], 60);
    // Of a price that is next to nothing, deviations are as usual.
    let given = format!(
        r#","scenarios":{{"type":"monte_carlo","paths":400,"per":"day","factors":["spot:WTI","vol:WTI"],"volatilities":[1.5,0.5],"correlation":[[1,0],[0,1]],{changes}}},"report":{{"levels":[0.5]}}"#
    );
    let (_, json) = report("S,b,spot,WTI,1,,,,,,,,,\n", &market("0.01", "25"), &given);
    let deviation = money(&json["pnl"]["standard_deviation"]);
    assert!((deviation / 1.5 - 1.0).abs() < 0.12, "{deviation}");
}

#[test]
fn what_is_wrong_with_a_normal_underlying_is_told_with_its_units() {
    let plain = "E,b,european,WTI,1,call,5,1,,,,,,\n";
    let with = |from: &str, to: &str| {
        let market = market("20", "25");
        assert!(market.contains(from), "{from}");
        read(plain, &market.replace(from, to), "")
    };
    let scenarios =
        |scenarios: &str| read(plain, &market("20", "25"), &format!(r#","scenarios":{scenarios}"#));
    let kinds = "A1,b,american,WTI,1,put,5,1,,,,,,\nB1,b,barrier,WTI,1,call,5,1,,,,up-and-out,80,\nC1,b,asian,WTI,1,call,5,1,,,,,,4\nE,b,european,WTI,1,call,-5,1,,,,,,\n";
    let told: Vec<String> = [
        read(kinds, &market("20", "25"), ""),
        with(r#""spot":20"#, r#""spot":2e15"#),
        with(r#""vol":25"#, r#""vol":-1"#),
        with(r#""vol":25"#, r#""vol":{"expiries":[1],"strikes":[-5,-6],"vols":[[25,25]]}"#),
        with(r#""model":"normal""#, r#""model":"bachelier""#),
        with(r#""model":"normal","#, ""),
        with(r#""model":"normal","spot":20"#, r#""spot":-20"#),
        with(r#""class":"equity","currency":"USD","spot":100"#, r#""class":"equity","currency":"USD","model":"normal","spot":100,"dividends":[{"tenor":1,"amount":1}]"#),
        with(r#""vol":0.3}}}"#, r#""vol":0.3},"EURUSD":{"class":"fx","model":"normal"}},"fx":{"EURUSD":1.08}}"#),
        scenarios(r#"{"type":"explicit","csv":"scenario,spot:WTI\na,-0.2\n"}"#),
        scenarios(r#"{"type":"grid","axes":[{"factor":"spot:WTI","shocks":[-0.2]}],"changes":{"spot:WTI":"relative"}}"#),
        scenarios(r#"{"type":"historical","csv":"date,spot:WTI\n2026-01-06,57\n2026-01-07,58\n"}"#),
        scenarios(r#"{"type":"monte_carlo","paths":5,"per":"day","factors":["spot:WTI"],"volatilities":[0.02],"correlation":[[1]]}"#),
        scenarios(r#"{"type":"grid","axes":[{"factors":["vol:WTI","vol:ACME"],"shocks":[0.02]}]}"#),
        scenarios(r#"{"type":"explicit","csv":"scenario,vol:WTI\na,2500\n"}"#),
        scenarios(r#"{"type":"historical","csv":"date,vol:WTI\n2026-01-06,25\n2026-01-07,-1\n"}"#),
        scenarios(r#"{"type":"monte_carlo","paths":5,"per":"day","factors":["vol:WTI"],"volatilities":[90],"correlation":[[1]]}"#),
    ]
    .into_iter()
    .map(|it| it.map_or_else(|error| error.to_string(), |_| "no complaint".to_owned()) + "\n")
    .collect();
    expect![[r#"
        input.positions.csv:2:3 (kind): "A1" is an american on "WTI", whose model is normal; under it only forward, future, european and digital are valued
        input.positions.csv:3:3 (kind): "B1" is a barrier on "WTI", whose model is normal; under it only forward, future, european and digital are valued
        input.positions.csv:4:3 (kind): "C1" is an asian on "WTI", whose model is normal; under it only forward, future, european and digital are valued
        input.market.underlyings.WTI.spot: 2000000000000000.0 is out of range; a spot must be within ±1e15
        input.market.underlyings.WTI.vol: -1.0 is out of range; the volatility of a normal price is in its units (the standard deviation over a year), from 0 to 1e15
        input.market.underlyings.WTI.vol.strikes[1]: is not above the one before; they must rise
        input.market.underlyings.WTI.model: unknown variant `bachelier`, expected `lognormal` or `normal`
        input.market.underlyings.WTI.vol: 25 is out of range; a volatility must be from 0 to 5; write 25 % as 0.25
        input.market.underlyings.WTI.spot: -20.0 is out of range; a spot must be above 0, and at most 1e15; a price that may be 0 or below has "model": "normal"
        input.market.underlyings.ACME.dividends: is not for the model normal; write a dividend_yield
        input.market.underlyings.EURUSD.model: is not for this class; an exchange rate stays above 0
        input.scenarios: spot:WTI has the model normal, so it has no relative changes; give them in units of the price, with "changes": {"spot:WTI": "absolute"}
        input.scenarios.changes.spot:WTI: spot:WTI has the model normal, so it has no relative changes; give them in units of the price, with "changes": {"spot:WTI": "absolute"}
        input.scenarios: spot:WTI has the model normal, so it has no relative changes; give them in units of the price, with "changes": {"spot:WTI": "absolute"}
        input.scenarios: spot:WTI has the model normal, so it has no relative changes; give them in units of the price, with "changes": {"spot:WTI": "absolute"}
        input.scenarios.axes[0].factors[1]: vol:ACME does not move in the same unit as vol:WTI; give it an axis of its own
        input.scenarios.csv:2:2 (vol:WTI): 2500.0 is out of range; a change in units of the price must be within ±160
        input.scenarios.csv:3:2 (vol:WTI): -1.0 is out of range; a volatility in units of the price is from 0 to 1e15
        input.scenarios (covariance): vol:WTI has a standard deviation of 90 a day, in units of the price; at most 32
    "#]].assert_eq(&told.concat());
}

#[test]
fn a_check_names_what_no_scenario_moves_and_volatilities_like_fractions() {
    let rows = "E,b,european,WTI,100,call,-5,1,,,,,,\n";
    let notes = |market: &str, shock: &str| {
        let csv = format!("scenario,vol:WTI,rate:USD\\na,{shock},0\\n");
        let scenarios = format!(r#","scenarios":{{"type":"explicit","csv":"{csv}"}}"#);
        PortfolioRisk::notes(&read(rows, market, &scenarios).unwrap()).join("\n") + "\n"
    };
    let surface =
        r#"{"interpolation":"linear_vol","expiries":[0.5,2],"strikes":[-20,20],"vols":[[28,25],[7,7]]}"#;
    expect![[r#"
        vol:WTI changes by 60 in a scenario, more than its highest volatility (in units of the price): is it meant?
        not moved by any scenario: spot:WTI (1 position, 950.95 USD), rate:USD (1 position, 950.95 USD)
        vol:WTI is at most 0.4 in units of the price, 0.666667 % of it a year: if 40 % of the price is meant, write 24
        not moved by any scenario: spot:WTI (1 position, 6,420.69 USD), rate:USD (1 position, 6,420.69 USD)
        vol:WTI allows arbitrage: total variance falls in time: 28 for 0.5 years at strike -20, 7 for 2 years at -19.8598; and in one more place
        not moved by any scenario: spot:WTI (1 position, 1,226.04 USD), rate:USD (1 position, 1,226.04 USD)
    "#]].assert_eq(
        &[
            notes(&market("-5", "25"), "60"),
            notes(&market("60", "0.4"), "0.1"),
            notes(&market("3", surface), "1"),
        ]
        .concat(),
    );
    // A history in another unit.
    let history = r#","scenarios":{"type":"historical","csv":"date,vol:WTI\n2026-01-06,2500\n2026-01-07,2600\n2026-01-08,2540\n"}"#;
    let error = read(rows, &market("60", "25"), history).map(|it| PortfolioRisk::notes(&it).join("\n"));
    expect![[r#"
        vol:WTI ends at 2540 in the history and is 25 in the market: if they are in different units, say "scale": {"vol:WTI": 0.01} or what it is
        a usual daily change of vol:WTI in the history is 118.608, as large as its volatilities in the market (in units of the price): if they are in different units, say "scale": {"vol:WTI": 0.01} or what it is
        largest daily changes of the history: vol:WTI +100 on 2026-01-07 (0.7 standard deviations), vol:WTI -60 on 2026-01-08 (0.7 standard deviations)
        not moved by any scenario: spot:WTI (1 position, 6,423.47 USD), rate:USD (1 position, 6,423.47 USD)
    "#]].assert_eq(&(error.unwrap_or_else(|error| error.to_string()) + "\n"));
}

/// Where no price can be 0 or less nothing has changed: the lognormal option still has no value there.
#[test]
fn a_lognormal_underlying_beside_a_normal_one_is_as_it_was() {
    let rows = "E,b,european,WTI,1,call,5,1,,,,,,\nL,b,european,ACME,1,call,5,1,,,,,,\n";
    let scenarios = r#","scenarios":{"type":"explicit","csv":"scenario,spot:WTI,spot:ACME\na,-57.63,0\nb,0,-120\n","changes":{"spot:WTI":"absolute","spot:ACME":"absolute"}}"#;
    let (_, json) = report(rows, &market("20", "25"), scenarios);
    assert_eq!(json["scenarios"]["fully_revalued"], 1);
    assert_eq!(json["scenarios_not_valued"][0]["label"], "b");
    assert_eq!(json["scenarios_not_valued"][0]["position"], "L");
}
