use std::fmt::Write;

use expect_test::expect;
use squall_core::sources::Given;

use super::super::input::PortfolioInput;
use super::super::input::tests::{manual_csv, manual_market_json, with_scenarios};
use super::super::shock::ShockBlock;
use super::*;

mod adjusted;

/// `csv` against the manual's market with each `from` replaced by its `to`.
fn portfolio(csv: &str, replacements: &[(&str, &str)]) -> Portfolio {
    let mut market = manual_market_json();
    for (from, to) in replacements {
        assert!(market.contains(from), "{from}");
        market = market.replace(from, to);
    }
    let csv = serde_json::Value::from(csv);
    let json =
        format!(r#"{{"positions": {{"csv": {csv}}}, "market": {market}, "asian": {{"paths": 2000}}}}"#);
    let input: PortfolioInput = serde_json::from_str(&with_scenarios(&json)).unwrap();
    input.portfolio(&Given::default()).unwrap()
}

/// Column `k` of these shocks depends on its number only: `columns` of a longer run.
fn block_shocks(portfolio: &Portfolio, columns: std::ops::Range<usize>, shocks: &[f64]) -> ShockBlock {
    let n_factors = portfolio.market().factors().0.len();
    let mut block = ShockBlock::unshocked(n_factors, columns.len());
    for factor in 0..n_factors {
        let shock = |column: usize| shocks[(column * 7 + factor * 3) % shocks.len()];
        // Like a real block: no row where nothing is shocked.
        if columns.clone().any(|column| shock(column) != 0.0) {
            for (out, column) in block.row_mut(factor).iter_mut().zip(columns.clone()) {
                *out = shock(column);
            }
        }
    }
    block
}

fn values(portfolio: &Portfolio, shocks: &ShockBlock) -> Vec<Vec<f64>> {
    let block = BlockMarket::new(portfolio.market(), shocks);
    let value = |idx| {
        let mut out = vec![0.0; block.n_columns()];
        portfolio.value(idx, When::Today, &block, &mut out).unwrap();
        out
    };
    (0..portfolio.positions().len()).map(value).collect()
}

fn one_factor(portfolio: &Portfolio, factor: &str, shock: f64) -> Vec<f64> {
    let factors = portfolio.market().factors();
    let mut shocks = ShockBlock::unshocked(factors.0.len(), 1);
    shocks.row_mut(factors.parse(factor).unwrap())[0] = shock;
    values(portfolio, &shocks).into_iter().flatten().collect()
}

#[test]
fn values_one_of_each_kind_as_quantlib_does() {
    // QuantLib 1.44 or its distribution functions: AnalyticBarrierEngine, QdFpAmericanEngine (high precision),
    // MCDiscreteArithmeticAPEngine (C2, 500,000 samples); C1 by 2,000,000 paths with the geometric average as control. D1 and D2 on their
    // surface: spreads of Black-Scholes prices with the surface's volatilities, extrapolated to no width, in a few lines of Python.
    let expected = [
        ("S1", 100.0, 1e-12),
        ("S2", 1.08, 1e-12),
        ("F1", 33.612910784444466, 1e-9),
        ("E1", 263.5858975596725, 1e-9),
        ("E2", 0.008761034050880245, 1e-12),
        ("A1", 6.2524779003911775, 1e-5),
        ("D1", 41.00437300683855, 1e-7),
        ("D2", 1275.1592592745783, 1e-7),
        ("B1", 13.079757620980136, 1e-9),
        ("C1", 6.02634080626254, f64::NAN),
        ("C2", 1.6419149094802281, f64::NAN),
        ("Z1", 923.1163463866358, 1e-9),
        ("G1", 1045.75496820351, 1e-9),
        ("K1", 1007.131204856611, 1e-9),
        ("N1", 1010.4456776780244, 1e-9),
        ("W1", 4331.771589347611, 1e-6),
        ("W2", 63540.80553258958, 1e-6),
        ("X1", 3.0135943195304407, 1e-9),
        ("M1", 1.0, 1e-15),
    ];
    let portfolio = portfolio(&manual_csv(), &[]);
    let base = BlockMarket::unshocked(portfolio.market());
    assert_eq!(portfolio.positions().len(), expected.len());
    for (idx, (position, (id, expected, tolerance))) in portfolio.positions().iter().zip(expected).enumerate()
    {
        assert_eq!(position.id, id);
        let price = portfolio.unit_price(idx, &base).unwrap();
        let tolerance = price.standard_error.map_or(tolerance, |it| 4.0 * it + 0.01);
        assert!((price.value - expected).abs() < tolerance, "{id}: {price:?}, expected {expected}");
        assert_eq!(price.standard_error.is_some(), position.kind.name() == "asian");

        let mut value = [0.0];
        portfolio.value(idx, When::Today, &base, &mut value).unwrap();
        let rate = if ["G1", "N1", "W2", "M1"].contains(&id) { 1.08 } else { 1.0 };
        assert_eq!(value[0], price.value * position.quantity * rate, "{id}");
    }
}

#[test]
fn a_shock_is_worth_a_market_written_that_way() {
    let csv = manual_csv();
    let base = portfolio(&csv, &[]);
    let none = ShockBlock::unshocked(base.market().factors().0.len(), 1);
    let unshocked: Vec<f64> = values(&base, &none).into_iter().flatten().collect();
    for (factor, shock, replacements, n_moved) in [
        ("spot:SPX", 0.1, &[("\"spot\": 5000,", "\"spot\": 5500,")][..], 4),
        ("spot:BRENT", -0.25, &[("\"spot\": 78,", "\"spot\": 58.5,")], 3),
        ("vol:BRENT", 0.05, &[("\"vol\": 0.35", "\"vol\": 0.4")], 2),
        ("vol:EURUSD", -0.02, &[("\"vol\": 0.08", "\"vol\": 0.06")], 1),
        ("vol:ACME", -9.0, &[("\"vol\": 0.3 ", "\"vol\": 0 ")], 2),
        ("rate:EUR", 0.01, &[("\"rate\": 0.022", "\"rate\": 0.032")], 4),
        (
            "rate:USD",
            0.01,
            &[
                ("\"rate\": 0.043", "\"rate\": 0.053"),
                ("\"rate\": 0.042", "\"rate\": 0.052"),
                ("\"rate\": 0.04}", "\"rate\": 0.05}"),
                ("\"rate\": 0.051", "\"rate\": 0.061"),
                ("\"rate\": 0.056", "\"rate\": 0.066"),
            ],
            13,
        ),
        ("fx:EURUSD", 0.25, &[("\"EURUSD\": 1.08", "\"EURUSD\": 1.35")], 6),
    ] {
        let shocked = one_factor(&base, factor, shock);
        let rewritten: Vec<f64> =
            values(&portfolio(&csv, replacements), &none).into_iter().flatten().collect();
        let mut moved = 0;
        for ((position, value), (expected, before)) in
            base.positions().iter().zip(&shocked).zip(rewritten.iter().zip(&unshocked))
        {
            let tolerance = 1e-8 * before.abs().max(1.0);
            assert!((value - expected).abs() < tolerance, "{factor} on {}: {value}, {expected}", position.id);
            moved += usize::from(value != before);
        }
        assert_eq!(moved, n_moved, "{factor}");
    }
}

#[test]
fn a_value_does_not_depend_on_its_block() {
    let portfolio = portfolio(&manual_csv(), &[]);
    let shocks = [0.0, 0.01, -0.02, 0.0, 0.0, 0.003, -0.0, 0.1, -0.05, 0.0, 0.0, 0.0, 0.02];
    let n_columns = 200;
    let bits = |values: Vec<Vec<f64>>| -> Vec<Vec<u64>> {
        values.into_iter().map(|row| row.into_iter().map(f64::to_bits).collect()).collect()
    };
    let whole = bits(values(&portfolio, &block_shocks(&portfolio, 0..n_columns, &shocks)));
    for width in [1, 3, 64, 127, 128, 131] {
        let n_cut = if width < 10 { 30 } else { n_columns };
        for first in (0..n_cut).step_by(width) {
            let columns = first..(first + width).min(n_columns);
            let part = bits(values(&portfolio, &block_shocks(&portfolio, columns.clone(), &shocks)));
            for ((position, whole), part) in portfolio.positions().iter().zip(&whole).zip(&part) {
                assert_eq!(&whole[columns.clone()], part, "{} in blocks of {width}", position.id);
            }
        }
    }
}

#[test]
fn positions_keep_their_random_numbers_whatever_surrounds_them() {
    let csv = manual_csv();
    let lines: Vec<&str> = csv.lines().collect();
    let asian = lines.iter().find(|line| line.starts_with("C1,")).unwrap();
    let alone = portfolio(&format!("{}\n{asian}\n", lines[0]), &[]);
    let all = portfolio(&csv, &[]);
    let idx = all.positions().iter().position(|it| it.id == "C1").unwrap();
    let price = |portfolio: &Portfolio, idx| {
        portfolio.unit_price(idx, &BlockMarket::unshocked(portfolio.market())).unwrap()
    };
    assert_eq!(price(&alone, 0), price(&all, idx));
}

#[test]
fn on_the_day_of_expiry_an_option_is_worth_its_payoff() {
    let csv = "id,book,kind,underlying,quantity,option_type,strike,expiry,payoff,cash_amount,barrier_type,barrier,\
               fixings,past_fixings_sum,past_fixings_count\n\
               F,b,forward,SPX,1,,4900,2026-01-15,,,,,,,\n\
               E,b,european,SPX,1,call,4900,2026-01-15,,,,,,,\n\
               A,b,american,SPX,1,put,5200,0,,,,,,,\n\
               D,b,digital,SPX,1,call,4900,0,cash,7,,,,,\n\
               B,b,barrier,SPX,1,put,5100,0,,,up-and-out,6000,,,\n\
               C,b,asian,SPX,1,call,4900,0,,,,,1,4940,1\n";
    let portfolio = portfolio(csv, &[]);
    let none = ShockBlock::unshocked(portfolio.market().factors().0.len(), 1);
    let worth: Vec<f64> = values(&portfolio, &none).into_iter().flatten().collect();
    assert_eq!(worth, [100.0, 100.0, 200.0, 7.0, 100.0, 70.0]);
}

#[test]
fn names_the_column_and_what_has_no_value_there() {
    let portfolio = portfolio(&manual_csv(), &[]);
    let factors = portfolio.market().factors();
    let mut seen = String::new();
    for (factor, shock) in [
        ("spot:SPX", -1.0),
        ("spot:SPX", -1.5),
        ("fx:EURUSD", -1.0),
        ("vol:SPX", f64::NAN),
        ("rate:USD", f64::INFINITY),
        ("rate:USD", -1e6),
        ("spot:ACME", 1e307),
    ] {
        let mut shocks = ShockBlock::unshocked(factors.0.len(), 3);
        shocks.row_mut(factors.parse(factor).unwrap())[2] = shock;
        let block = BlockMarket::new(portfolio.market(), &shocks);
        let calm = BlockMarket::unshocked(portfolio.market());
        let mut out = [0.0; 3];
        let mut outcome = Ok(());
        for idx in 0..portfolio.positions().len() {
            outcome = outcome.and(portfolio.value(idx, When::Today, &block, &mut out));
            let mut alone = [0.0];
            portfolio.value(idx, When::Today, &calm, &mut alone).unwrap();
            assert_eq!(out[..2], [alone[0]; 2], "the other columns keep their values");
        }
        match outcome {
            Ok(()) => writeln!(seen, "fine: {factor} {shock:e}").unwrap(),
            Err(error) => writeln!(seen, "{factor} {shock:e}: {error}").unwrap(),
        }
    }
    let block = BlockMarket::unshocked(portfolio.market());
    for result in [
        portfolio.value(99, When::Today, &block, &mut [0.0]),
        portfolio.value(0, When::Today, &block, &mut [0.0; 2]),
        portfolio.unit_price(99, &block).map(|_| ()),
    ] {
        writeln!(seen, "{}", result.unwrap_err()).unwrap();
    }
    expect![[r#"
        spot:SPX -1e0: column 2: the european "E1" has no finite value under this market
        spot:SPX -1.5e0: column 2: the european "E1" has no finite value under this market
        fx:EURUSD -1e0: column 2: the shock of fx:EURUSD leaves a price of 0; it must stay above 0
        vol:SPX NaN: column 2: the shock of vol:SPX is not a finite number
        rate:USD inf: column 2: the shock of rate:USD is not a finite number
        rate:USD -1e6: column 2: the forward "F1" has no finite value under this market
        spot:ACME 1e307: column 2: the shock of spot:ACME leaves a price of inf
        column 0: there is no position 99; the portfolio has 19
        column 0: room for 2 values was given for 1 columns
        column 0: there is no position 99; the portfolio has 19
    "#]]
    .assert_eq(&seen);
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(24))]
    #[test]
    fn any_cut_of_any_shocks_gives_the_same_bits(
        shocks in proptest::collection::vec(-0.3_f64..0.3, 40),
        n_columns in 2_usize..150,
        cut in 1_usize..149,
    ) {
        let lines: Vec<String> = manual_csv().lines().map(str::to_owned).collect();
        let is_quick = |line: &&String| !line.starts_with('C') && !line.starts_with('A');
        let csv: Vec<&str> = lines.iter().filter(is_quick).map(String::as_str).collect();
        let portfolio = portfolio(&csv.join("\n"), &[]);
        let cut = cut.min(n_columns - 1);
        let whole = values(&portfolio, &block_shocks(&portfolio, 0..n_columns, &shocks));
        let left = values(&portfolio, &block_shocks(&portfolio, 0..cut, &shocks));
        let right = values(&portfolio, &block_shocks(&portfolio, cut..n_columns, &shocks));
        for ((whole, left), right) in whole.iter().zip(left).zip(right) {
            let parts: Vec<u64> = left.iter().chain(&right).map(|value| value.to_bits()).collect();
            assert_eq!(whole.iter().map(|value| value.to_bits()).collect::<Vec<_>>(), parts);
        }
    }
}
