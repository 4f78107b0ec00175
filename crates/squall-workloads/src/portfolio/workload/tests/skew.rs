//! Digitals on a surface are what spreads of Europeans on the same surface cost; vega where a volatility is low.

use super::*;

const COLUMNS: &str = "id,book,kind,underlying,quantity,option_type,strike,expiry,payoff,cash_amount";

/// The prices of one unit of each position.
fn prices(surface: &str, rate: f64, rows: &str) -> Vec<f64> {
    let market = format!(
        r#"{{"valuation_date":"2026-01-15","report_currency":"USD","curves":{{"USD":{{"currency":"USD","points":[{{"tenor":1,"rate":{rate}}}]}}}},"underlyings":{{"ACME":{{"class":"equity","currency":"USD","spot":100,"dividend_yield":0.01,"vol":{surface}}}}}}}"#
    );
    let csv = Value::from(format!("{COLUMNS}\n{rows}"));
    let scenarios = r#"{"type":"explicit","csv":"scenario,spot:ACME\nbase,0\n"}"#;
    let json = format!(r#"{{"positions":{{"csv":{csv}}},"market":{market},"scenarios":{scenarios}}}"#);
    let prepared = PortfolioRisk::prepare(serde_json::from_str(&json).unwrap(), &Given::default()).unwrap();
    let base = BlockMarket::unshocked(prepared.portfolio.market());
    (0..prepared.portfolio.positions().len())
        .map(|idx| prepared.portfolio.unit_price(idx, &base).unwrap().value)
        .collect()
}

/// The example of a report in which a digital and the spread that replicates it were 18 % apart.
#[test]
fn a_digital_has_the_price_that_was_worked_out_by_hand() {
    let surface = r#"{"interpolation":"linear_vol","expiries":[1],"strikes":[80,120],"vols":[[0.3,0.2]]}"#;
    let market = MARKET_WITHOUT_YIELD.replace("SURFACE", surface);
    let csv = Value::from(format!("{COLUMNS}\nA,b,digital,ACME,1,call,100,1,cash,1\n"));
    let scenarios = r#"{"type":"explicit","csv":"scenario,spot:ACME\nbase,0\n"}"#;
    let json = format!(r#"{{"positions":{{"csv":{csv}}},"market":{market},"scenarios":{scenarios}}}"#);
    let prepared = PortfolioRisk::prepare(serde_json::from_str(&json).unwrap(), &Given::default()).unwrap();
    let base = BlockMarket::unshocked(prepared.portfolio.market());
    let price = prepared.portfolio.unit_price(0, &base).unwrap().value;
    // N(d2) is 0.450262, and the skew adds 0.098959.
    assert!((price - 0.549_221).abs() < 1e-6, "{price}");
}

const MARKET_WITHOUT_YIELD: &str = r#"{"valuation_date":"2026-01-15","report_currency":"USD","curves":{"USD":{"currency":"USD","points":[{"tenor":1,"rate":0}]}},"underlyings":{"ACME":{"class":"equity","currency":"USD","spot":100,"vol":SURFACE}}}"#;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn digitals_are_the_limit_of_spreads(
        vols in prop::collection::vec(0.1..0.5_f64, 6),
        strike in 70.0..140.0_f64,
        years in 0.1..3.0_f64,
        rate in -0.02..0.08_f64,
        at_a_node in any::<bool>(),
        linear_vol in any::<bool>(),
    ) {
        // Close enough to each other that there is no arbitrage to speak of.
        let vol = |idx: usize| 0.25 + (vols[idx] - 0.25) * 0.1;
        let interpolation = if linear_vol { "linear_vol" } else { "linear_total_variance" };
        let surface = format!(
            r#"{{"interpolation":"{interpolation}","expiries":[0.5,2],"strikes":[80,100,120],"vols":[[{},{},{}],[{},{},{}]]}}"#,
            vol(0), vol(1), vol(2), vol(3), vol(4), vol(5)
        );
        let strike = if at_a_node { 100.0 } else { strike };
        let h = 1e-3;
        let (below, above) = (strike - h, strike + h);
        let mut rows = String::new();
        for option in ["call", "put"] {
            rows += &format!("C{option},b,digital,ACME,1,{option},{strike},{years},cash,1\n");
            rows += &format!("A{option},b,digital,ACME,1,{option},{strike},{years},asset,\n");
            rows += &format!("M{option},b,european,ACME,1,{option},{strike},{years},,\n");
            rows += &format!("L{option},b,european,ACME,1,{option},{below},{years},,\n");
            rows += &format!("H{option},b,european,ACME,1,{option},{above},{years},,\n");
        }
        let prices = prices(&surface, rate, &rows);
        for (prices, sign) in prices.chunks(5).zip([1.0, -1.0]) {
            let [cash, asset, european, low, high] = prices else { panic!() };
            let spread = sign * (low - high) / (2.0 * h);
            // The grid's kinks are within a spread now and then.
            let near_a_kink = [80.0_f64, 100.0, 120.0].iter().any(|node| (strike - node).abs() <= h) && !at_a_node;
            prop_assert!(near_a_kink || (cash - spread).abs() < 1e-5, "{cash} against {spread}");
            // An asset payoff is the European, and the strike in cash.
            prop_assert!((asset - (sign * european + strike * cash)).abs() < 1e-9, "{asset}");
        }
    }
}

/// A pegged currency: a bump of a whole point would be cut off at a volatility of 0, and a third of the vega with it.
#[test]
fn vega_is_whole_where_a_volatility_is_below_a_point() {
    let market = r#"{"valuation_date":"2026-01-15","report_currency":"USD","curves":{"USD":{"currency":"USD","points":[{"tenor":1,"rate":0.04}]},"AED":{"currency":"AED","points":[{"tenor":1,"rate":0.04}]}},"underlyings":{"USDAED":{"class":"fx","vol":0.004}},"fx":{"USDAED":3.6725}}"#;
    let csv = Value::from(
        "id,book,kind,underlying,quantity,option_type,strike,expiry\nA,b,european,USDAED,100000000,call,3.6725,0.25\n",
    );
    let scenarios = r#"{"type":"explicit","csv":"scenario,fx:USDAED\nb,0\n"}"#;
    let json = format!(
        r#"{{"positions":{{"csv":{csv}}},"market":{market},"scenarios":{scenarios},"report":{{"greeks":true}}}}"#
    );
    let prepared = PortfolioRisk::prepare(serde_json::from_str(&json).unwrap(), &Given::default()).unwrap();
    let partial = PortfolioRisk::evaluate(&prepared, &PortfolioRisk::whole(&prepared), &mut NoData).unwrap();
    let coverage = Coverage { weight_done: 1, weight_total: 1 };
    let report = serde_json::to_value(PortfolioRisk::report(&prepared, Some(&partial), &coverage)).unwrap();
    let row = &report["greeks"]["by_underlying"][0];
    let vega: f64 = row["vega_per_point"].as_str().unwrap().parse().unwrap();
    // S exp(-q T) n(d1) sqrt(T) / 100, a hundred million times, in dollars; a central difference bends a little.
    assert!((vega / 197_486.0 - 1.0).abs() < 1e-3, "{vega}");
}
