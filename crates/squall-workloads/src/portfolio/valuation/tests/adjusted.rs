//! Dividends on known dates, futures and options on them, cash and multipliers.

use super::super::super::market::{Market, Origin};
use super::super::super::positions::{AsianSettings, Reading};
use super::super::super::pricing::OptionType::{Call, Put};
use super::super::super::pricing::european;
use super::*;

const COLUMNS: &str = "id,book,kind,underlying,currency,quantity,multiplier,option_type,strike,expiry,payoff,cash_amount,\
                       barrier_type,barrier,fixings,future_expiry";

/// A share at `spot` with these dividends, and rates of `rate`.
fn market(spot: f64, rate: f64, dividend_yield: f64, dividends: &str) -> Market {
    let json = format!(
        r#"{{"valuation_date": "2026-01-15", "report_currency": "USD",
            "curves": {{"USD": {{"currency": "USD", "points": [{{"tenor": 1, "rate": {rate}}}]}}}},
            "underlyings": {{"ACME": {{"class": "equity", "currency": "USD", "spot": {spot}, "vol": 0.3,
                                       "dividend_yield": {dividend_yield}, "dividends": [{dividends}]}}}},
            "fx": {{"EURUSD": 1.1}}}}"#
    );
    Market::new(&serde_json::from_str(&json).unwrap(), &Origin::Inline("input.market".to_owned())).unwrap()
}

fn read(market: Market, rows: &str) -> Result<Portfolio, String> {
    let csv = format!("{COLUMNS}\n{rows}");
    let reading = Reading::strictly(&AsianSettings { paths: 100, seed: 1 });
    let positions = Positions::parse("positions.csv", csv.as_bytes(), &market, reading);
    positions.map(|positions| Portfolio::new(market, positions, None)).map_err(|error| error.to_string())
}

fn worth(market: Market, rows: &str) -> Vec<f64> {
    let portfolio = read(market, rows).unwrap();
    let none = ShockBlock::unshocked(portfolio.market().factors().0.len(), 1);
    values(&portfolio, &none).into_iter().flatten().collect()
}

const HALF_YEAR: &str = r#"{"date": "2026-07-16", "amount": 5}"#;
const THRICE: &str = r#"{"tenor": "1D", "amount": 2}, {"date": "2026-04-15", "amount": 2}, {"date": "2026-07-14", "amount": 2},
                        {"tenor": 3, "amount": 50}"#;

#[track_caller]
fn assert_all_near(got: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(got.len(), expected.len());
    for (got, expected) in got.iter().zip(expected) {
        assert!((got - expected).abs() < tolerance, "{got} is not {expected}");
    }
}

#[test]
fn options_and_forwards_with_dividends_are_worth_what_quantlib_says() {
    // QuantLib 1.44: AnalyticDividendEuropeanEngine; FdBlackScholesVanillaEngine, Spot. A put and a call of the same strike differ
    // by the forward.
    let rows = "C,b,european,ACME,,1,,call,100,1,,,,,,\nP,b,european,ACME,,1,,put,100,1,,,,,,\nF,b,forward,ACME,,1,,,100,1,,,,,,\n\
                AC,b,american,ACME,,1,,call,100,1,,,,,,\nAP,b,american,ACME,,1,,put,100,1,,,,,,\n";
    let got = worth(market(100.0, 0.05, 0.0, HALF_YEAR), rows);
    assert_all_near(&got[..2], &[11.342_117_996_5, 11.341_944_028_4], 1e-9);
    assert!((got[0] - got[1] - got[2]).abs() < 1e-12);
    assert_all_near(&got[3..], &[11.876_547, 12.252_525], 2e-4);
    // On the day after today, on the day of expiry, and after it: the last one is nobody's business.
    let rows =
        "C,b,european,ACME,,1,,call,100,2026-07-14,,,,,,\nP,b,european,ACME,,1,,put,110,2026-07-14,,,,,,\n";
    let got = worth(market(100.0, 0.03, 0.0, THRICE), rows);
    let net =
        100.0 - 2.0 * [1.0, 90.0, 180.0].map(|days: f64| (-0.03 * days / 365.0).exp()).iter().sum::<f64>();
    let european = |option, strike| european::price(option, net, strike, 180.0 / 365.0, 0.03, 0.0, 0.3);
    assert_all_near(&got, &[european(Call, 100.0), european(Put, 110.0)], 1e-12);
}

#[test]
fn an_american_call_is_exercised_before_its_dividend() {
    // Tomorrow three dollars leave a share that stands ten above the strike; held to expiry the call is worth what is left.
    let rows =
        "A,b,american,ACME,,1,,call,90,2026-02-14,,,,,,\nE,b,european,ACME,,1,,call,90,2026-02-14,,,,,,\n";
    let got = worth(market(100.0, 0.05, 0.0, r#"{"tenor": "1D", "amount": 3}"#), rows);
    assert!(got[0] >= 10.0 && got[1] < 8.5, "{got:?}");
    // After the ex-date the same call is not worth what it was: nothing is left to wait for.
    let late = worth(market(97.0, 0.05, 0.0, r#"{"date": "2026-01-15", "amount": 3}"#), rows);
    assert!((late[0] - late[1]).abs() < 1e-6, "{late:?}");
}

#[test]
fn dividends_stay_what_they_are_when_prices_and_rates_move() {
    let rows = "C,b,european,ACME,,1,,call,100,1,,,,,,\nF,b,forward,ACME,,1,,,100,1,,,,,,\nD,b,digital,ACME,,1,,put,100,1,cash,7,,,,\n\
                A,b,american,ACME,,1,,call,100,1,,,,,,\nX,b,future,ACME,,1,,,100,1,,,,,,\nO,b,european,ACME,,1,,call,100,0.6,,,,,,1\n\
                P,b,american,ACME,,1,,put,100,0.6,,,,,,1\n";
    let base = || read(market(100.0, 0.05, 0.01, HALF_YEAR), rows).unwrap();
    for (factor, shock, moved) in [
        ("spot:ACME", 0.1, market(110.0, 0.05, 0.01, HALF_YEAR)),
        ("rate:USD", 0.01, market(100.0, 0.06, 0.01, HALF_YEAR)),
    ] {
        assert_all_near(&one_factor(&base(), factor, shock), &worth(moved, rows), 1e-9);
    }
    let shocks = [0.0, 0.01, -0.02, 0.0, 0.3];
    let bits = |values: Vec<Vec<f64>>| -> Vec<Vec<u64>> {
        values.into_iter().map(|row| row.into_iter().map(f64::to_bits).collect()).collect()
    };
    let whole = bits(values(&base(), &block_shocks(&base(), 0..20, &shocks)));
    for first in [0, 7, 19] {
        let part = bits(values(&base(), &block_shocks(&base(), first..first + 1, &shocks)));
        for (whole, part) in whole.iter().zip(part) {
            assert_eq!(whole[first..=first], part);
        }
    }
}

#[test]
fn a_price_that_its_dividends_use_up_has_no_value() {
    let rows = "C,b,european,ACME,,1,,call,100,1,,,,,,\n";
    let portfolio = read(market(100.0, 0.05, 0.0, r#"{"tenor": 0.5, "amount": 40}"#), rows).unwrap();
    let mut shocks = ShockBlock::unshocked(portfolio.market().factors().0.len(), 2);
    shocks.row_mut(portfolio.market().factors().parse("spot:ACME").unwrap())[1] = -0.65;
    let block = BlockMarket::new(portfolio.market(), &shocks);
    expect![[r#"column 1: the european "C" has no finite value under this market"#]]
        .assert_eq(&portfolio.value(0, When::Today, &block, &mut [0.0; 2]).unwrap_err().to_string());
}

#[test]
fn futures_are_marked_at_their_price_and_options_on_them_follow_black() {
    let rows = "X,b,future,ACME,,-3,50,,101,1,,,,,,\n\
                C,b,european,ACME,,1,,call,105,2026-07-16,,,,,,1\nP,b,european,ACME,,1,,put,105,2026-07-16,,,,,,1\n\
                AC,b,american,ACME,,1,,call,105,2026-07-16,,,,,,1\nAP,b,american,ACME,,1,,put,105,2026-07-16,,,,,,1\n";
    let got = worth(market(100.0, 0.05, 0.02, ""), rows);
    // QuantLib 1.44: blackFormula, and QdFpAmericanEngine on a BlackProcess.
    let future = 103.045_453_395_351_7;
    let expected = [-150.0 * (future - 101.0), 7.639_047_722_78, 9.545_466_972_01, 7.674_036, 9.595_179];
    assert_all_near(&got[..3], &expected[..3], 1e-9);
    assert_all_near(&got[3..], &expected[3..], 2e-5);
    // Two dividends before the future expires, one of them before the option does.
    let dividends = r#"{"tenor": "100D", "amount": 2}, {"tenor": "300D", "amount": 2}"#;
    let got = worth(market(100.0, 0.05, 0.02, dividends), rows);
    let expected = [-150.0 * (98.990_700_359_827_98 - 101.0), 5.782_615_483_49, 11.643_946_434_17];
    assert_all_near(&got[..3], &expected, 1e-9);
}

#[test]
fn cash_is_worth_itself_and_moves_with_its_exchange_rate_alone() {
    let rows = "A,b,cash,,USD,250,,,,,,,,,,\nB,b,cash,,EUR,-250,2,,,,,,,,,\nC,b,spot,ACME,,3,100,,,,,,,,,\n";
    let portfolio = read(market(100.0, 0.05, 0.0, ""), rows).unwrap();
    let none = ShockBlock::unshocked(portfolio.market().factors().0.len(), 1);
    let worth: Vec<f64> = values(&portfolio, &none).into_iter().flatten().collect();
    assert_all_near(&worth, &[250.0, -550.0, 30_000.0], 1e-9);
    assert_all_near(&one_factor(&portfolio, "fx:EURUSD", 0.1), &[250.0, -605.0, 30_000.0], 1e-9);
    let dependents: Vec<(String, usize)> = portfolio
        .market()
        .factors()
        .0
        .iter()
        .map(ToString::to_string)
        .zip(portfolio.dependents())
        .filter(|(_, n)| *n > 0)
        .collect();
    assert_eq!(dependents, [("spot:ACME".to_owned(), 1), ("fx:EURUSD".to_owned(), 1)]);
}

#[test]
fn says_what_it_does_not_value_and_what_does_not_fit() {
    let mut seen = String::new();
    let dividends = r#"{"tenor": 0.5, "amount": 5}, {"tenor": 0.75, "amount": 96.2}"#;
    for row in [
        "X,b,barrier,ACME,,1,,call,100,1,,,down-and-out,80,,",
        "X,b,asian,ACME,,1,,call,100,1,,,,,12,",
        "X,b,barrier,ACME,,1,,call,100,0.4,,,down-and-out,80,,",
        "X,b,european,ACME,,1,,call,100,0.6,,,,,,",
        "X,b,european,ACME,,1,,call,100,1,,,,,,",
        "X,b,future,ACME,,1,,,100,1,,,,,,",
        "X,b,future,ACME,,1,,,,1,,,,,,",
        "X,b,european,ACME,,1,,call,100,0.3,,,,,,0.2",
        "X,b,digital,ACME,,1,,call,100,0.3,cash,1,,,,0.4",
        "X,b,european,ACME,,1,,call,100,0.3,,,,,,0.4",
        "X,b,spot,ACME,,1,0,,,,,,,,,",
        "X,b,spot,ACME,,1,-100,,,,,,,,,",
        "X,b,cash,,,1,,,,,,,,,,",
        "X,b,cash,ACME,USD,1,,,,,,,,,,",
        "X,b,cash,,USD,1,,,100,,,,,,,",
    ] {
        match read(market(100.0, 0.0, 0.0, dividends), row) {
            Ok(_) => writeln!(seen, "fine: {row}").unwrap(),
            Err(problem) => writeln!(seen, "{problem}").unwrap(),
        }
    }
    expect![[r#"
        positions.csv:2:4 (underlying): pays dividends on dates before the expiry, with which a barrier is not valued; give this underlying a dividend_yield instead, under a name of its own
        positions.csv:2:4 (underlying): pays dividends on dates before the expiry, with which an asian is not valued; give this underlying a dividend_yield instead, under a name of its own
        fine: X,b,barrier,ACME,,1,,call,100,0.4,,,down-and-out,80,,
        fine: X,b,european,ACME,,1,,call,100,0.6,,,,,,
        positions.csv:2:10 (expiry): the 2 dividends up to then are worth 101.2 today, no less than the spot of 100; their amounts are cash for one unit
        positions.csv:2:10 (expiry): the 2 dividends up to then are worth 101.2 today, no less than the spot of 100; their amounts are cash for one unit
        positions.csv:2:9 (strike): is empty; a future needs underlying, strike, expiry
        positions.csv:2:16 (future_expiry): is before the expiry of the option on this future
        positions.csv:2:16 (future_expiry): "0.4" must be empty; a digital does not use it
        fine: X,b,european,ACME,,1,,call,100,0.3,,,,,,0.4
        positions.csv:2:7 (multiplier): 0 must be above 0
        positions.csv:2:7 (multiplier): -100 must be above 0
        positions.csv:2:5 (currency): is empty; cash needs currency
        positions.csv:2:4 (underlying): "ACME" must be empty; cash does not use it
        positions.csv:2:9 (strike): "100" must be empty; cash does not use it
    "#]].assert_eq(&seen);
}
