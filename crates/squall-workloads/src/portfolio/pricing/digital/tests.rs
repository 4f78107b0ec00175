use proptest::prelude::*;

use super::*;
use crate::portfolio::pricing::OptionType::{Call, Put};
use crate::portfolio::pricing::european;
use crate::portfolio::pricing::reference::{assert_close, option_type, rows};

#[test]
fn agrees_with_fifty_digit_values() {
    for row in rows(include_str!("../../../../reference/digital.csv")) {
        let option_type = option_type(row.kind);
        let [spot, strike, years, rate, dividend_yield, vol, cash] = row.inputs[..] else {
            panic!("seven inputs")
        };
        let got = if row.kind.starts_with("cash") {
            cash_or_nothing(option_type, cash, spot, strike, years, rate, dividend_yield, vol)
        } else {
            asset_or_nothing(option_type, spot, strike, years, rate, dividend_yield, vol)
        };
        assert_close(&row, got, 2e-12, 1e-18);
    }
}

#[test]
fn matches_the_examples_in_haug() {
    // Haug, "The Complete Guide to Option Pricing Formulas", 2nd edition, sections 4.19.2 and 4.19.3.
    let cash = cash_or_nothing(Put, 10.0, 100.0, 80.0, 0.75, 0.06, 0.06, 0.35);
    assert!((cash - 2.6710).abs() < 5e-5, "{cash}");
    let asset = asset_or_nothing(Put, 70.0, 65.0, 0.5, 0.07, 0.05, 0.27);
    assert!((asset - 20.2069).abs() < 5e-5, "{asset}");
}

#[test]
fn pays_the_call_of_a_tie_and_never_both_or_neither() {
    for (option_type, paid) in [(Call, 1.0), (Put, 0.0)] {
        for years in [0.0, -1.0] {
            assert_eq!(cash_or_nothing(option_type, 10.0, 100.0, 100.0, years, 0.05, 0.0, 0.2), 10.0 * paid);
            assert_eq!(asset_or_nothing(option_type, 100.0, 100.0, years, 0.05, 0.0, 0.2), 100.0 * paid);
        }
        assert_eq!(cash_or_nothing(option_type, 10.0, 100.0, 100.0, 1.0, 0.0, 0.0, 0.0), 10.0 * paid);
    }
    assert_eq!(cash_or_nothing(Call, 10.0, 101.0, 100.0, 0.0, 0.05, 0.0, 0.2), 10.0);
    assert_eq!(asset_or_nothing(Put, 99.0, 100.0, 0.0, 0.05, 0.0, 0.2), 99.0);
    assert_eq!(asset_or_nothing(Call, 100.0, 100.0, 1.0, 0.05, 0.0, 0.0), 100.0);
}

#[test]
fn refuses_what_has_no_price() {
    assert!(cash_or_nothing(Call, 1.0, -1.0, 1.0, 1.0, 0.0, 0.0, 0.2).is_nan());
    assert!(asset_or_nothing(Call, 1.0, 1.0, f64::NAN, 0.0, 0.0, 0.2).is_nan());
}

proptest! {
    #[test]
    fn asset_less_strikes_of_cash_is_the_vanilla(
        spot in 1.0..500.0, strike in 1.0..500.0, years in 0.01..10.0,
        rate in -0.05..0.3, carry in -0.05..0.3, vol in 0.01..2.0,
    ) {
        for (option_type, sign) in [(Call, 1.0), (Put, -1.0)] {
            let asset = asset_or_nothing(option_type, spot, strike, years, rate, carry, vol);
            let cash = cash_or_nothing(option_type, strike, spot, strike, years, rate, carry, vol);
            let vanilla = european::price(option_type, spot, strike, years, rate, carry, vol);
            prop_assert!((sign * (asset - cash) - vanilla).abs() < 1e-11);
        }
    }

    #[test]
    fn prices_any_positive_spot_and_strike(
        spot in 1e-300..1e300, strike in 1e-300..1e300, years in 0.0..60.0,
        rate in -0.05..0.3, vol in 0.0..5.0,
    ) {
        for option_type in [Call, Put] {
            prop_assert!(cash_or_nothing(option_type, 1.0, spot, strike, years, rate, 0.0, vol).is_finite());
            prop_assert!(asset_or_nothing(option_type, spot, strike, years, rate, 0.0, vol).is_finite());
        }
    }
}
