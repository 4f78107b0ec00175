use proptest::prelude::*;

use super::*;
use crate::portfolio::pricing::OptionType::{Call, Put};
use crate::portfolio::pricing::forward;
use crate::portfolio::pricing::reference::{assert_close, option_type, rows};

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

/// A number anywhere between two powers of ten.
fn magnitude(low: f64, high: f64) -> impl Strategy<Value = f64> {
    (low..high).prop_map(|power| 10.0_f64.powf(power))
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
            prop_assert!((still - forward.max(0.0)).abs() <= 1e-15 * (spot + strike));
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
