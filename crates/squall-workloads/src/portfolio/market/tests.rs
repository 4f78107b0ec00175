use std::fmt::Write;

use expect_test::{Expect, expect};

use super::super::shock::ShockBlock;
use super::super::table::iso_date;
use super::*;

const MARKET: &str = r#"{
  "valuation_date": "2026-01-15",
  "report_currency": "USD",
  "curves": {
    "USD": { "currency": "USD", "interpolation": "linear_zero",
             "points": [ {"tenor": "3M", "rate": 0.043}, {"tenor": 2, "rate": 0.04}, {"tenor": 10, "rate": 0.042} ] },
    "EUR": { "currency": "EUR", "points": [ {"tenor": "1Y", "rate": 0.022} ] },
    "ESTR": { "currency": "EUR", "points": [ {"tenor": "1Y", "rate": 0.02} ] }
  },
  "discount": { "EUR": "ESTR" },
  "underlyings": {
    "SPX": { "class": "index", "currency": "USD", "spot": 5000, "dividend_yield": 0.013,
             "vol": { "interpolation": "linear_total_variance", "expiries": [0.25, "1Y", 2], "strikes": [4000, 5000],
                      "vols": [ [0.24, 0.18], [0.22, 0.18], [0.21, 0.17] ] } },
    "BRENT": { "class": "commodity", "currency": "USD", "spot": 78, "convenience_yield": 0.02, "vol": 0.35 },
    "EURUSD": { "class": "fx", "vol": 0.08 }
  },
  "fx": { "EURUSD": 1.08, "USDJPY": 150, "EURCHF": 0.95, "GBPCHF": 1.1 }
}"#;

fn market() -> Market {
    Market::parse("market.json", MARKET.as_bytes()).unwrap()
}

/// What is said about the market with each `from` replaced by its `to`.
fn check(replacements: &[(&str, &str)], expected: &Expect) {
    let mut seen = String::new();
    for (from, to) in replacements {
        assert!(MARKET.contains(from), "{from}");
        match Market::parse("market.json", MARKET.replacen(from, to, 1).as_bytes()) {
            Ok(_) => writeln!(seen, "fine with {to}").unwrap(),
            Err(error) => writeln!(seen, "{error}").unwrap(),
        }
    }
    expected.assert_eq(&seen);
}

#[test]
fn dividends_are_cash_below_the_spot_on_dates_that_rise() {
    let spot = r#""spot": 5000,"#;
    let with = |dividends: &str| format!(r#""spot": 5000, "dividends": [{dividends}],"#);
    let date = |date: &str, amount: &str| format!(r#"{{"date": "{date}", "amount": {amount}}}"#);
    let written = [
        with(&[date("2025-12-01", "9"), date("2026-01-15", "9"), date("2026-03-02", "20")].join(", ")),
        with(r#"{"tenor": "3M", "amount": 20}, {"tenor": 0.5, "amount": 20}"#),
        with(""),
        with(&date("2026-03-02", "5000")),
        with(&date("2026-03-02", "0")),
        with(&date("2026-03-02", "-3")),
        with(&date("02/03/2026", "3")),
        with(&date("2326-03-02", "3")),
        with(&[date("2026-03-02", "20"), date("2026-03-02", "5")].join(", ")),
        with(&[date("2026-06-02", "20"), date("2026-03-02", "5")].join(", ")),
        with(r#"{"amount": 3}"#),
        with(r#"{"tenor": "3M", "date": "2026-03-02", "amount": 3}"#),
        with(r#"{"tenor": "-3M", "amount": 3}"#),
        with(r#"{"time": 0.5, "amount": 3}"#),
        with(&vec![r#"{"tenor": 1, "amount": 3}"#; 1_001].join(", ")),
    ];
    let mut replacements: Vec<(&str, &str)> = written.iter().map(|to| (spot, to.as_str())).collect();
    let commodity = r#""spot": 78, "dividends": [{"tenor": 1, "amount": 3}],"#;
    replacements.push((r#""spot": 78,"#, commodity));
    let seen = replacements.iter().map(|(from, to)| {
        match Market::parse("market.json", MARKET.replacen(from, to, 1).as_bytes()) {
            Ok(market) => format!("{:?}", market.underlyings()[2].dividends),
            Err(error) => error.to_string(),
        }
    });
    expect![[r#"
        [Dividend { years: 0.12602739726027398, amount: 20.0 }]
        [Dividend { years: 0.2465753424657534, amount: 20.0 }, Dividend { years: 0.5, amount: 20.0 }]
        []
        market.json (underlyings.SPX.dividends[0].amount): 5000 is not below the spot of 5000; write cash for one unit of the underlying, or a dividend_yield
        market.json (underlyings.SPX.dividends[0].amount): 0.0 is out of range; a dividend must be above 0, and at most 1e15
        market.json (underlyings.SPX.dividends[0].amount): -3.0 is out of range; a dividend must be above 0, and at most 1e15
        market.json (underlyings.SPX.dividends[0].date): "02/03/2026" is not a date; write it like 2026-12-31
        market.json (underlyings.SPX.dividends[0].date): 2326-03-02 is more than 200 years after the valuation date
        market.json (underlyings.SPX.dividends[1]): is not after the one before; write them in order of time, and those of one date as their sum
        market.json (underlyings.SPX.dividends[1]): is not after the one before; write them in order of time, and those of one date as their sum
        market.json (underlyings.SPX.dividends[0]): needs its ex-date, either as "date": "2026-03-10" or as "tenor": 0.5 or "6M"
        market.json (underlyings.SPX.dividends[0]): needs its ex-date, either as "date": "2026-03-10" or as "tenor": 0.5 or "6M"
        market.json (underlyings.SPX.dividends[0].tenor): "-3M" is not a tenor; write years like 0.5, "10D", "3M", "2Y", or a date like "2026-12-31"
        market.json:12:85 (underlyings.SPX.dividends[0].time): unknown field `time`, expected one of `date`, `tenor`, `amount`
        market.json (underlyings.SPX.dividends): has 1001 entries; expected at most 1000
        market.json (underlyings.BRENT.dividends): is not for this class; only an equity or an index pays dividends"#]].assert_eq(&seen.collect::<Vec<_>>().join("\n"));
}

#[test]
fn interpolates_zero_rates_as_quantlib_does() {
    // QuantLib 1.44: ZeroCurve(Linear, Continuous) and DiscountCurve with the same points, ACT/365F.
    let valuation_date = iso_date("2026-01-15").unwrap();
    let points = vec![(90.0 / 365.0, 0.043), (2.0, 0.04), (10.0, 0.042)];
    let linear = ZeroCurve::new(curve::CurveInterpolation::LinearZero, points.clone());
    let log_linear = ZeroCurve::new(curve::CurveInterpolation::LogLinearDiscount, points);
    for (to, linear_rate, log_linear_rate) in [
        ("2026-04-15", 0.043, 0.043),
        ("2027-01-15", 0.0417109375, 0.040421875),
        ("2028-01-15", 0.04, 0.04),
        ("2030-07-15", 0.040624657534247, 0.041388550548112),
        ("2036-01-13", 0.042, 0.042),
    ] {
        let years = years_between(valuation_date, iso_date(to).unwrap());
        assert!((linear.zero_rate(years) - linear_rate).abs() < 1e-14, "{to}");
        assert!((log_linear.zero_rate(years) - log_linear_rate).abs() < 1e-14, "{to}");
    }
    for curve in [linear, log_linear] {
        assert_eq!(
            (curve.zero_rate(0.0), curve.zero_rate(0.1), curve.zero_rate(99.0)),
            (0.043, 0.043, 0.042)
        );
    }
}

#[test]
fn interpolates_volatility_and_is_flat_outside() {
    let market = market();
    let surface = &market.underlyings()[market.underlying_index("SPX").unwrap()].vol;
    assert_eq!(surface.vol(0.25, 4000.0), 0.24);
    assert!((surface.vol(0.25, 4500.0) - 0.21).abs() < 1e-15);
    // Halfway from 0.25 to 1 in total variance.
    let expected = f64::sqrt((0.18 * 0.18 * 0.25 + 0.18 * 0.18) / 2.0 / 0.625);
    assert!((surface.vol(0.625, 6000.0) - expected).abs() < 1e-15);
    let expected = f64::sqrt((0.24 * 0.24 * 0.25 + 0.22 * 0.22) / 2.0 / 0.625);
    assert!((surface.vol(0.625, 100.0) - expected).abs() < 1e-15);
    assert_eq!((surface.vol(0.0, 4000.0), surface.vol(9.0, 9e9)), (0.24, 0.17));

    let VolSurface::Grid { expiries, strikes, vols, .. } = surface.clone() else { panic!() };
    let interpolation = surface::VolInterpolation::LinearVol;
    let surface = VolSurface::Grid { interpolation, expiries, strikes, vols };
    assert!((surface.vol(0.625, 4000.0) - 0.23).abs() < 1e-15);
}

#[test]
fn names_its_factors_in_a_fixed_order() {
    let names: Vec<String> = market().factors().0.iter().map(ToString::to_string).collect();
    expect!["spot:BRENT spot:SPX vol:BRENT vol:EURUSD vol:SPX rate:EUR rate:USD fx:EURCHF fx:EURUSD fx:GBPCHF fx:USDJPY"]
        .assert_eq(&names.join(" "));
    let market = market();
    for factor in ["spot:BRENT", "vol:SPX", "rate:EUR", "fx:USDJPY"] {
        let idx = market.factors().parse(factor).unwrap();
        let owner = match factor.split_once(':').unwrap() {
            ("spot", name) => match market.underlyings()[market.underlying_index(name).unwrap()].spot {
                Spot::Own { factor, .. } => Some(factor),
                Spot::Pair(_) => None,
            },
            ("vol", name) => market.underlyings()[market.underlying_index(name).unwrap()].vol_factor,
            ("rate", code) => market.currency(market.currency_index(code).unwrap()).unwrap().rate_factor,
            (_, name) => market.pairs().iter().find(|pair| pair.name == name).map(|pair| pair.factor),
        };
        assert_eq!(owner, Some(idx), "{factor}");
    }
    assert_eq!(ShockBlock::unshocked(market.factors().0.len(), 3).row(0), None);
}

#[test]
fn converts_directly_by_inverse_or_through_one_other_currency() {
    let market = market();
    let conversion = |code: &str| {
        let currency = market.currency(market.currency_index(code)?)?;
        let leg = |leg: conversion::Leg| leg.factor(market.pairs()[leg.pair()].rate);
        Some(match currency.conversion? {
            Conversion::None => 1.0,
            Conversion::Direct(first) => leg(first),
            Conversion::Cross(first, second) => leg(first) * leg(second),
        })
    };
    assert_eq!(conversion("USD"), Some(1.0));
    assert_eq!(conversion("EUR"), Some(1.08));
    assert_eq!(conversion("JPY"), Some(1.0 / 150.0));
    assert_eq!(conversion("CHF"), Some(1.0 / 0.95 * 1.08));
    assert_eq!(conversion("GBP"), None, "through CHF and EUR is one too many");
    assert_eq!(conversion("SEK"), None);
}

#[test]
fn takes_an_fx_underlying_from_the_pair_and_its_two_curves() {
    let market = market();
    let pair = &market.underlyings()[market.underlying_index("EURUSD").unwrap()];
    assert_eq!(market.currency(pair.currency).unwrap().code, "USD");
    assert_eq!(market.spot(pair), 1.08);
    assert_eq!(market.carry(pair, 1.0), Some(0.02), "EUR discounts on ESTR");
    assert_eq!(market.zero_rate(pair.currency, 0.1), Some(0.043));
}

#[test]
fn says_where_the_json_is_wrong() {
    check(
        &[
            ("\"rate\": 0.04}", "\"rate\": \"4%\"}"),
            ("\"tenor\": 2,", "\"tenor\": null,"),
            ("\"tenor\": 2,", "\"tenor\": 2, \"df\": 0.9,"),
            ("\"vol\": 0.35", "\"vol\": \"high\""),
            ("\"expiries\"", "\"maturities\""),
            ("\"class\": \"index\"", "\"class\": \"bond\""),
            ("\"linear_zero\"", "\"cubic\""),
            ("\"report_currency\": \"USD\",", ""),
            ("\"ESTR\": {", "\"EUR\": {"),
            ("1.08", "1.08,,"),
            ("1.1 }\n}", "1.1 }\n} {"),
            ("1.1 }\n}", "1.1 }"),
        ],
        &expect![[r#"
            market.json:6:82 (curves.USD.points[1].rate): invalid type: string "4%", expected a number
            market.json:6:71 (curves.USD.points[1].tenor): invalid type: null, expected a number of years or a tenor like "3M"
            market.json:6:74 (curves.USD.points[1].df): unknown field `df`, expected `tenor` or `rate`
            market.json:15:108 (underlyings.BRENT.vol): invalid type: string "high", expected a volatility like 0.2 or a surface {interpolation, expiries, strikes, vols}
            market.json:13:76 (underlyings.SPX.vol.maturities): unknown field `maturities`, expected one of `interpolation`, `expiries`, `strikes`, `vols`
            market.json:12:28 (underlyings.SPX.class): unknown variant `bond`, expected one of `equity`, `index`, `commodity`, `fx`
            market.json:5:56 (curves.USD.interpolation): unknown variant `cubic`, expected `linear_zero` or `log_linear_discount`
            market.json:19:1: missing field `report_currency`
            market.json:9:3 (curves): "EUR" is there twice; each must be unique
            market.json:18:26 (fx): key must be a string
            market.json:19:3: trailing characters
            market.json:18:72: EOF while parsing an object
        "#]],
    );
}

#[test]
fn says_which_value_is_wrong_and_what_would_be_right() {
    check(
        &[
            ("2026-01-15", "15.01.2026"),
            ("\"report_currency\": \"USD\"", "\"report_currency\": \"usd\""),
            ("\"EUR\": { \"currency\": \"EUR\"", "\"EUR\": { \"currency\": \"Euro\""),
            ("\"interpolation\": \"linear_zero\",", ""),
            ("[ {\"tenor\": \"1Y\", \"rate\": 0.022} ]", "[]"),
            ("\"tenor\": 2,", "\"tenor\": 0.2,"),
            ("\"tenor\": 2,", "\"tenor\": -1,"),
            ("\"tenor\": 2,", "\"tenor\": 1000,"),
            ("\"tenor\": \"3M\"", "\"tenor\": \"3 months\""),
            ("\"tenor\": \"3M\"", "\"tenor\": \"0D\""),
            ("\"rate\": 0.042", "\"rate\": 4.2"),
            ("\"rate\": 0.042", "\"rate\": -2"),
            ("\"discount\": { \"EUR\": \"ESTR\"", "\"discount\": { \"EUR\": \"USD\""),
            ("\"discount\": { \"EUR\": \"ESTR\"", "\"discount\": { \"EUR\": \"OIS\""),
            ("\"discount\": { \"EUR\": \"ESTR\"", "\"discount\": { \"SEK\": \"ESTR\""),
            ("\"spot\": 78", "\"spot\": 0"),
            ("\"spot\": 78,", ""),
            ("\"class\": \"commodity\", \"currency\": \"USD\"", "\"class\": \"commodity\""),
            ("\"convenience_yield\"", "\"dividend_yield\""),
            ("\"dividend_yield\"", "\"convenience_yield\""),
            ("\"dividend_yield\": 0.013", "\"dividend_yield\": 1.3"),
            ("\"class\": \"fx\"", "\"class\": \"fx\", \"spot\": 1.08"),
            ("\"class\": \"fx\"", "\"class\": \"fx\", \"currency\": \"USD\""),
            ("\"class\": \"fx\"", "\"class\": \"fx\", \"dividend_yield\": 0.01"),
            ("\"EURUSD\": { \"class\"", "\"USDEUR\": { \"class\""),
            ("\"BRENT\"", "\" BRENT\""),
            ("\"vol\": 0.35", "\"vol\": 35"),
            ("\"vol\": 0.35", "\"vol\": -0.1"),
            ("\"interpolation\": \"linear_total_variance\",", ""),
            ("[0.25, \"1Y\", 2]", "[0.25, \"3M\", 2]"),
            ("[0.25, \"1Y\", 2]", "[0.25, \"1Y\"]"),
            ("[0.25, \"1Y\", 2]", "[]"),
            ("[4000, 5000]", "[5000, 4000]"),
            ("[4000, 5000]", "[0, 4000]"),
            ("[0.21, 0.17]", "[0.21]"),
            ("[0.21, 0.17]", "[0.21, 17]"),
            ("\"GBPCHF\": 1.1", "\"GBP/CHF\": 1.1"),
            ("\"GBPCHF\": 1.1", "\"CHFCHF\": 1.1"),
            ("\"GBPCHF\": 1.1", "\"CHFEUR\": 1.1"),
            ("\"GBPCHF\": 1.1", "\"GBPCHF\": -1.1"),
        ],
        &expect![[r#"
            market.json (valuation_date): "15.01.2026" is not a date; write it like 2026-12-31
            market.json (report_currency): "usd" is not a currency; write three capitals like USD
            market.json (curves.EUR.currency): "Euro" is not a currency; write three capitals like USD
            market.json (curves.USD.interpolation): is missing; with more than one point write linear_zero or log_linear_discount
            market.json (curves.EUR.points): is empty; at least one point is needed
            market.json (curves.USD.points[1]): is not above the one before; they must rise
            market.json (curves.USD.points[1].tenor): -1 is out of range; a time must be above 0 and at most 200 years
            market.json (curves.USD.points[1].tenor): 1000 is out of range; a time must be above 0 and at most 200 years
            market.json (curves.USD.points[0].tenor): "3 months" is not a tenor; write years like 0.5, "10D", "3M", "2Y", or a date like "2026-12-31"
            market.json (curves.USD.points[0].tenor): "0D" is out of range; a time must be above 0 and at most 200 years
            market.json (curves.USD.points[2].rate): 4.2 is out of range; a rate must be from -1 to 1; write 4.2 % as 0.042, or "limits": {"rate": 10} in the market if 420 % is meant
            market.json (curves.USD.points[2].rate): -2 is out of range; a rate must be from -1 to 1; write -2 % as -0.02, or "limits": {"rate": 10} in the market if -200 % is meant
            market.json (discount.EUR): the curve "USD" is in USD; one in EUR is needed
            market.json (discount.EUR): there is no curve "OIS"
            market.json (discount.SEK): "SEK" is no currency of this market
            market.json (underlyings.BRENT.spot): 0.0 is out of range; a spot must be above 0, and at most 1e15; a price that may be 0 or below has "model": "normal"
            market.json (underlyings.BRENT.spot): is missing
            market.json (underlyings.BRENT.currency): is missing
            market.json (underlyings.BRENT.dividend_yield): is not for this class; write convenience_yield
            market.json (underlyings.SPX.convenience_yield): is not for this class; write dividend_yield
            market.json (underlyings.SPX.dividend_yield): 1.3 is out of range; a yield must be from -1 to 1; write 1.3 % as 0.013, or "limits": {"rate": 10} in the market if 130 % is meant
            market.json (underlyings.EURUSD.spot): is not for this class; its spot is in market.fx
            market.json (underlyings.EURUSD.currency): is not for this class; its currency is the second of the pair
            market.json (underlyings.EURUSD.dividend_yield): is not for this class; its yield is the rate of the first currency
            market.json (underlyings.USDEUR): an fx underlying must be a pair of market.fx, written the same way, like EURUSD
            market.json (underlyings. BRENT): a name must not be empty nor begin or end with a space
            market.json (underlyings.BRENT.vol): 35 is out of range; a volatility must be from 0 to 5; write 35 % as 0.35
            market.json (underlyings.BRENT.vol): -0.1 is out of range; a volatility must be from 0 to 5
            market.json (underlyings.SPX.vol.interpolation): is missing; with more than one expiry write linear_vol or linear_total_variance
            market.json (underlyings.SPX.vol.expiries[1]): is not above the one before; they must rise
            market.json (underlyings.SPX.vol.vols): has 3 rows for 2 expiries; a row per expiry is needed
            market.json (underlyings.SPX.vol.expiries): is empty; at least one is needed
            market.json (underlyings.SPX.vol.strikes[1]): is not above the one before; they must rise
            market.json (underlyings.SPX.vol.strikes[0]): 0.0 is out of range; each must be above 0, and at most 1e15
            market.json (underlyings.SPX.vol.vols[2]): has 1 vols for 2 strikes
            market.json (underlyings.SPX.vol.vols[2][1]): 17 is out of range; a volatility must be from 0 to 5; write 17 % as 0.17
            market.json (fx.GBP/CHF): a pair is two different currencies in six capitals, like EURUSD
            market.json (fx.CHFCHF): a pair is two different currencies in six capitals, like EURUSD
            market.json (fx.EURCHF): CHFEUR is there too; name each pair only one way round
            market.json (fx.GBPCHF): -1.1 is out of range; a rate must be above 0, and at most 1e15
        "#]],
    );
    let spec = serde_json::from_str(&MARKET.replacen("0.042", "4.2", 1)).unwrap();
    expect![[r#"market.curves.USD.points[2].rate: 4.2 is out of range; a rate must be from -1 to 1; write 4.2 % as 0.042, or "limits": {"rate": 10} in the market if 420 % is meant"#]].assert_eq(&Market::new(&spec, &Origin::Inline("market".to_owned())).unwrap_err().to_string());
}
