use proptest::collection::vec;
use proptest::num::f64::ANY;
use proptest::prelude::*;

use super::*;
use crate::portfolio::pricing::OptionType::{Call, Put};
use crate::portfolio::pricing::forward;
use crate::portfolio::pricing::reference::{assert_close, option_type, rows};

/// Spot, rate, dividend yield, vol.
type Scenario = (f64, f64, f64, f64);

#[test]
fn agrees_with_fifty_digit_values() {
    for row in rows(include_str!("../../../../reference/european.csv")) {
        let [spot, strike, years, rate, dividend_yield, vol] = row.inputs[..] else { panic!("six inputs") };
        let got = price(option_type(row.kind), spot, strike, years, rate, dividend_yield, vol);
        assert_close(&row, got, 5e-12, 1e-18);
    }
}

#[test]
fn matches_the_example_in_hull() {
    // Hull, "Options, Futures, and Other Derivatives", example 15.6.
    assert!((price(Call, 42.0, 40.0, 0.5, 0.1, 0.0, 0.2) - 4.76).abs() < 0.005);
    assert!((price(Put, 42.0, 40.0, 0.5, 0.1, 0.0, 0.2) - 0.81).abs() < 0.005);
}

#[test]
fn pays_its_payoff_when_expired() {
    for years in [0.0, -1.0] {
        assert_eq!(price(Call, 110.0, 100.0, years, 0.05, 0.02, 0.2), 10.0);
        assert_eq!(price(Put, 110.0, 100.0, years, 0.05, 0.02, 0.2), 0.0);
    }
}

#[test]
fn prices_worthless_and_free_underlyings() {
    assert_eq!(price(Call, 0.0, 100.0, 1.0, 0.0, 0.0, 0.2), 0.0);
    assert_eq!(price(Put, 0.0, 100.0, 1.0, 0.0, 0.0, 0.2), 100.0);
    assert_eq!(price(Call, 100.0, 0.0, 1.0, 0.0, 0.0, 0.2), 100.0);
    assert_eq!(price(Put, 100.0, 0.0, 1.0, 0.0, 0.0, 0.2), 0.0);
}

#[test]
fn refuses_what_has_no_price() {
    for bad in [-1.0, f64::NAN, f64::INFINITY] {
        assert!(price(Call, bad, 100.0, 1.0, 0.0, 0.0, 0.2).is_nan(), "spot {bad}");
        assert!(price(Call, 100.0, bad, 1.0, 0.0, 0.0, 0.2).is_nan(), "strike {bad}");
        assert!(price(Call, 100.0, 100.0, 1.0, 0.0, 0.0, bad).is_nan(), "vol {bad}");
    }
}

#[test]
fn leaves_scenarios_without_a_market_unpriced() {
    let market =
        MarketColumns { spot: &[100.0, 101.0], rate: &[0.0; 3], dividend_yield: &[0.0; 3], vol: &[0.2; 3] };
    let mut out = [0.0; 3];
    price_batch(Call, 100.0, 1.0, market, &mut out);
    assert!(out[0] > 0.0 && out[1] > out[0] && out[2].is_nan());
}

fn batch(
    path: SimdPath,
    option_type: OptionType,
    strike: f64,
    years: f64,
    scenarios: &[Scenario],
) -> Vec<u64> {
    let column = |of: fn(&Scenario) -> f64| -> Vec<f64> { scenarios.iter().map(of).collect() };
    let (spot, rate) = (column(|scenario| scenario.0), column(|scenario| scenario.1));
    let (dividend_yield, vol) = (column(|scenario| scenario.2), column(|scenario| scenario.3));
    let market = MarketColumns { spot: &spot, rate: &rate, dividend_yield: &dividend_yield, vol: &vol };
    let mut out = vec![0.0; scenarios.len()];
    price_batch_on(path, option_type, strike, years, market, &mut out);
    out.into_iter().map(f64::to_bits).collect()
}

/// A number anywhere between two powers of ten.
fn magnitude(low: f64, high: f64) -> impl Strategy<Value = f64> {
    (low..high).prop_map(|power| 10.0_f64.powf(power))
}

fn scenario() -> impl Strategy<Value = Scenario> {
    prop_oneof![
        6 => (50.0..200.0, -0.05..0.3, -0.05..0.3, 0.05..1.0),
        3 => (magnitude(-6.0, 8.0), -0.05..0.3, -0.05..0.3, magnitude(-6.0, 0.7)),
        1 => (Just(100.0), Just(0.0), Just(0.0), prop_oneof![Just(0.0), magnitude(-12.0, 0.0)]),
        1 => (ANY, ANY, ANY, ANY),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn gives_the_same_bits_on_every_path_and_alone(
        strike in prop_oneof![Just(100.0), 50.0..200.0, magnitude(-6.0, 8.0), ANY],
        years in prop_oneof![Just(0.0), 0.01..10.0, magnitude(-8.0, 1.8), ANY],
        call: bool,
        scenarios in vec(scenario(), 1..40),
    ) {
        let option_type = if call { Call } else { Put };
        let portable = batch(SimdPath::portable(), option_type, strike, years, &scenarios);
        for path in SimdPath::supported() {
            let bits = batch(path, option_type, strike, years, &scenarios);
            prop_assert_eq!(&bits, &portable, "{}", path.name());
        }
        for (bits, (spot, rate, dividend_yield, vol)) in portable.iter().zip(&scenarios) {
            let alone = price(option_type, *spot, strike, years, *rate, *dividend_yield, *vol);
            prop_assert_eq!(alone.to_bits(), *bits);
        }
    }
}

proptest! {
    #[test]
    fn a_call_less_a_put_is_a_forward(
        spot in magnitude(-6.0, 8.0), strike in magnitude(-6.0, 8.0), years in magnitude(-8.0, 1.8),
        rate in -0.05..0.3, carry in -0.05..0.3, vol in magnitude(-6.0, 0.7),
    ) {
        let call = price(Call, spot, strike, years, rate, carry, vol);
        let put = price(Put, spot, strike, years, rate, carry, vol);
        let forward = forward::price(spot, strike, years, rate, carry);
        prop_assert!((call - put - forward).abs() <= 1e-13 * call.max(put));
    }

    #[test]
    fn more_vol_is_never_worth_less(
        spot in magnitude(-2.0, 4.0), moneyness in -1.0..1.0, years in magnitude(-4.0, 1.8),
        rate in -0.05..0.3, carry in -0.05..0.3, vol in magnitude(-5.0, 0.6), growth in 1.0..1.5,
    ) {
        let strike = spot * (1.0 + 0.9 * moneyness);
        for option_type in [Call, Put] {
            let less = price(option_type, spot, strike, years, rate, carry, vol);
            let more = price(option_type, spot, strike, years, rate, carry, vol * growth);
            prop_assert!(more >= less * (1.0 - 1e-11) - 1e-300, "{less:e} {more:e}");
        }
    }

    #[test]
    fn approaches_its_payoff_as_time_and_vol_vanish(
        spot in 50.0..200.0, strike in 50.0..200.0, rate in -0.05..0.3, carry in -0.05..0.3,
    ) {
        for (option_type, sign) in [(Call, 1.0), (Put, -1.0)] {
            let soon = price(option_type, spot, strike, 1e-12, rate, carry, 0.5);
            prop_assert!((soon - (sign * (spot - strike)).max(0.0)).abs() < 1e-4);
            let still = price(option_type, spot, strike, 1.0, rate, carry, 0.0);
            let nearly = price(option_type, spot, strike, 1.0, rate, carry, 1e-9);
            let forward = sign * forward::price(spot, strike, 1.0, rate, carry);
            prop_assert_eq!(still, forward.max(0.0));
            prop_assert!((nearly - still).abs() < 1e-6);
        }
    }

    #[test]
    fn prices_any_positive_spot_and_strike(
        spot in magnitude(-320.0, 308.0), strike in magnitude(-320.0, 308.0), years in magnitude(-12.0, 1.8),
        rate in -0.05..0.3, vol in prop_oneof![Just(0.0), magnitude(-12.0, 12.0)],
    ) {
        for option_type in [Call, Put] {
            // Not NaN; infinite only where a discount factor above one overflows.
            prop_assert!(price(option_type, spot, strike, years, rate, 0.0, vol) >= 0.0);
        }
    }
}
