use proptest::prelude::*;

use super::*;
use crate::portfolio::pricing::OptionType::{Call, Put};
use crate::portfolio::pricing::reference::{option_type, rows};

/// The inputs from the spot on: spot, strike, years, rate, yield, vol.
type Inputs = (f64, f64, f64, f64, f64, f64);

fn of(option_type: OptionType, payoff: Payoff, (spot, strike, years, rate, carry, vol): Inputs) -> f64 {
    price(option_type, payoff, spot, strike, years, rate, carry, vol)
}

/// The largest of forward, strike and the forward's deviation, discounted.
fn size((spot, strike, years, rate, carry, vol): Inputs) -> f64 {
    let forward = spot.abs() * ((rate - carry) * years).exp();
    forward.max(strike.abs()).max(vol * years.sqrt()) * (-rate * years).exp()
}

#[test]
fn agrees_with_fifty_digit_values() {
    let (mut worst, mut worst_digital) = (0.0_f64, 0.0_f64);
    for row in rows(include_str!("../../../../reference/bachelier.csv")) {
        let [spot, strike, years, rate, carry, vol, cash] = row.inputs[..] else { panic!("seven inputs") };
        let inputs = (spot, strike, years, rate, carry, vol);
        let (payoff, unit) = match row.kind.split('_').next().unwrap() {
            "vanilla" => (Payoff::Gain, 1.0),
            // The chance moves by as much as the forward does in deviations.
            "cash" => (Payoff::Cash(cash), cash / size(inputs)),
            _ => (Payoff::Asset, 1.0),
        };
        let got = of(option_type(row.kind), payoff, inputs);
        let deviation = vol * years.sqrt() * (-rate * years).exp();
        let ill = if payoff == Payoff::Gain { 1.0 } else { (size(inputs) / deviation).max(1.0) };
        let error = (got - row.price).abs() / (size(inputs) * unit * ill);
        assert!(
            error <= 1e-14,
            "{} {:?}: {got:e} is not {:e}, by {error:e}",
            row.kind,
            row.inputs,
            row.price
        );
        let worst = if payoff == Payoff::Gain { &mut worst } else { &mut worst_digital };
        *worst = worst.max(error);
    }
    println!(
        "worst error: {worst:e} of the largest of forward, strike and deviation, {worst_digital:e} of digitals"
    );
}

/// Far in a wing the price is still a price, with its digits.
#[test]
fn keeps_its_digits_in_the_wings() {
    for row in rows(include_str!("../../../../reference/bachelier.csv")) {
        let [spot, strike, years, rate, carry, vol, _] = row.inputs[..] else { panic!("seven inputs") };
        let inputs = (spot, strike, years, rate, carry, vol);
        if row.kind.starts_with("vanilla") && rate == carry && row.price > 1e-290 {
            let got = of(option_type(row.kind), Payoff::Gain, inputs);
            assert!(
                (got / row.price - 1.0).abs() < 2e-12,
                "{} {inputs:?}: {got:e}, {:e}",
                row.kind,
                row.price
            );
        }
    }
}

#[test]
fn at_the_money_it_is_worth_two_fifths_of_the_deviation() {
    // vol sqrt(T) / sqrt(2 pi), at a price of 0 too.
    for spot in [60.0, 0.0, -37.63] {
        for option_type in [Call, Put] {
            let got = of(option_type, Payoff::Gain, (spot, spot, 0.25, 0.0, 0.0, 25.0));
            assert!((got - 12.5 * 0.398_942_280_401_432_7).abs() < 1e-14, "{got}");
        }
    }
}

#[test]
fn pays_its_payoff_when_expired_or_certain() {
    for years in [0.0, -1.0] {
        assert_eq!(of(Put, Payoff::Gain, (-37.63, 10.0, years, 0.05, 0.02, 20.0)), 47.63);
        assert_eq!(of(Call, Payoff::Gain, (-37.63, 10.0, years, 0.05, 0.02, 20.0)), 0.0);
        assert_eq!(of(Call, Payoff::Asset, (-5.0, -10.0, years, 0.05, 0.02, 20.0)), -5.0);
        assert_eq!(of(Put, Payoff::Cash(7.0), (-11.0, -10.0, years, 0.05, 0.02, 20.0)), 7.0);
    }
    // Without volatility, the discounted payoff of the forward.
    let discount = (-0.05_f64).exp();
    let certain = of(Call, Payoff::Gain, (-5.0, -10.0, 1.0, 0.05, 0.05, 0.0));
    assert!((certain - 5.0 * discount).abs() < 1e-15);
    assert_eq!(of(Put, Payoff::Gain, (-5.0, -10.0, 1.0, 0.05, 0.05, 0.0)), 0.0);
    assert_eq!(of(Put, Payoff::Gain, (0.0, 0.0, 1.0, 0.05, 0.02, 0.0)).to_bits(), 0.0_f64.to_bits());
}

#[test]
fn pays_the_call_of_a_tie_and_never_both_or_neither() {
    for (option_type, paid) in [(Call, 1.0), (Put, 0.0)] {
        for years in [0.0, 1.0] {
            assert_eq!(of(option_type, Payoff::Cash(10.0), (-3.0, -3.0, years, 0.0, 0.0, 0.0)), 10.0 * paid);
            assert_eq!(of(option_type, Payoff::Asset, (-3.0, -3.0, years, 0.0, 0.0, 0.0)), -3.0 * paid);
        }
    }
}

#[test]
fn refuses_what_has_no_price() {
    for payoff in [Payoff::Gain, Payoff::Cash(1.0), Payoff::Asset] {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(of(Call, payoff, (bad, 1.0, 1.0, 0.0, 0.0, 1.0)).is_nan(), "spot {bad}");
            assert!(of(Call, payoff, (1.0, bad, 1.0, 0.0, 0.0, 1.0)).is_nan(), "strike {bad}");
            assert!(of(Call, payoff, (1.0, 1.0, 1.0, 0.0, 0.0, bad)).is_nan(), "vol {bad}");
        }
        assert!(of(Call, payoff, (1.0, 1.0, 1.0, 0.0, 0.0, -1.0)).is_nan());
    }
}

#[test]
fn the_vega_of_no_volatility_is_that_of_the_money() {
    let vega = |strike: f64| {
        let at = |vol: f64| of(Call, Payoff::Gain, (-20.0, strike, 1.0, 0.0, 0.0, vol));
        (at(1e-9) - at(0.0)) / 1e-9
    };
    assert!((vega(-20.0) - 0.398_942_280_401_432_7).abs() < 1e-6);
    assert_eq!([vega(-21.0), vega(-19.0), vega(5.0)], [0.0; 3]);
}

#[test]
fn no_wing_is_without_a_number() {
    for distance in [0.0, 1e-300, 1e-8, 1.0, 37.0, 39.999, 40.0, 1e4, 1e150] {
        for sign in [1.0, -1.0] {
            for option_type in [Call, Put] {
                for payoff in [Payoff::Gain, Payoff::Cash(1.0), Payoff::Asset] {
                    let value = of(option_type, payoff, (sign * distance, 0.0, 1.0, 0.03, 0.03, 1.0));
                    assert!(value.is_finite(), "{option_type:?} {payoff:?} {distance}");
                    assert!(value >= 0.0 || payoff == Payoff::Asset);
                }
            }
        }
    }
}

/// Prices of an oil year, and others.
fn inputs() -> impl Strategy<Value = Inputs> {
    let years = prop_oneof![0.001..5.0, 1e-8..1e-3, 5.0..60.0];
    (-100.0..150.0, -100.0..150.0, years, -0.05..0.3, -0.05..0.3, prop_oneof![0.01..80.0, 1e-9..1e-2])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_call_less_a_put_is_a_forward(inputs in inputs()) {
        let (spot, strike, years, rate, carry, _) = inputs;
        let forward = spot * (-carry * years).exp() - strike * (-rate * years).exp();
        let parity = of(Call, Payoff::Gain, inputs) - of(Put, Payoff::Gain, inputs);
        prop_assert!((parity - forward).abs() <= 1e-14 * size(inputs), "{parity} {forward}");
    }

    #[test]
    fn more_vol_is_never_worth_less_and_a_call_falls_with_its_strike(inputs in inputs(), more in 0.0..1.0) {
        let (spot, strike, years, rate, carry, vol) = inputs;
        let slack = 1e-15 * size(inputs);
        for option_type in [Call, Put] {
            let value = of(option_type, Payoff::Gain, inputs);
            let wilder = of(option_type, Payoff::Gain, (spot, strike, years, rate, carry, vol * (1.0 + more)));
            prop_assert!(value >= 0.0 && wilder >= value - slack);
            let higher = of(option_type, Payoff::Gain, (spot, strike + more, years, rate, carry, vol));
            prop_assert!(option_type.sign() * (value - higher) >= -slack);
        }
    }

    #[test]
    fn asset_less_strikes_of_cash_is_the_vanilla_and_both_digitals_are_certain(inputs in inputs()) {
        let (spot, strike, years, rate, carry, _) = inputs;
        let slack = 4e-15 * size(inputs);
        for option_type in [Call, Put] {
            let asset = of(option_type, Payoff::Asset, inputs);
            let cash = of(option_type, Payoff::Cash(1.0), inputs);
            let gain = option_type.sign() * (asset - strike * cash);
            prop_assert!((gain - of(option_type, Payoff::Gain, inputs)).abs() <= slack);
        }
        let both = |payoff| of(Call, payoff, inputs) + of(Put, payoff, inputs);
        prop_assert!((both(Payoff::Cash(2.0)) / (-rate * years).exp() - 2.0).abs() < 1e-14);
        prop_assert!((both(Payoff::Asset) - spot * (-carry * years).exp()).abs() <= slack);
    }

    #[test]
    fn approaches_its_payoff_as_time_and_vol_vanish(inputs in inputs()) {
        let (spot, strike, years, rate, carry, _) = inputs;
        for option_type in [Call, Put] {
            let soon = of(option_type, Payoff::Gain, (spot, strike, 1e-14, rate, carry, 20.0));
            prop_assert!((soon - option_type.payoff(spot, strike)).abs() < 1e-5);
            let still = of(option_type, Payoff::Gain, (spot, strike, years, rate, carry, 0.0));
            let nearly = of(option_type, Payoff::Gain, (spot, strike, years, rate, carry, 1e-12));
            prop_assert!((still - nearly).abs() <= 1e-10);
        }
    }

    #[test]
    fn a_skew_is_what_spreads_of_two_volatilities_cost(
        inputs in inputs(), years in 0.01..5.0, vol in 5.0..80.0, skew in -0.02..0.02,
    ) {
        let (spot, strike, _, rate, carry, _) = inputs;
        let inputs = (spot, strike, years, rate, carry, vol);
        let half = 1e-4;
        let market = MarketColumns { spot: &[spot], rate: &[rate], dividend_yield: &[carry], vol: &[vol] };
        for option_type in [Call, Put] {
            let at = |strike: f64, vol: f64| of(option_type, Payoff::Gain, (spot, strike, years, rate, carry, vol));
            let low = at(strike - half, vol - skew * half);
            let high = at(strike + half, vol + skew * half);
            let spread = option_type.sign() * (low - high) / (2.0 * half);
            let spread = spread.clamp(0.0, (-rate * years).exp());
            let skewed = |payoff| {
                let mut out = [of(option_type, payoff, inputs)];
                add_skew(option_type, payoff, skew, (strike, years), market, &mut out);
                out[0]
            };
            prop_assert!((skewed(Payoff::Cash(3.0)) / 3.0 - spread).abs() < 1e-7);
            let unskewed = of(option_type, Payoff::Cash(1.0), inputs);
            let asset = of(option_type, Payoff::Asset, inputs) + strike * (spread - unskewed);
            prop_assert!((skewed(Payoff::Asset) - asset).abs() < 1e-5);
        }
    }

    #[test]
    fn prices_any_finite_spot_and_strike(
        spot in -1e200..1e200, strike in -1e200..1e200, years in 0.0..200.0, rate in -1.0..3.0, vol in 0.0..1e200,
    ) {
        for option_type in [Call, Put] {
            for payoff in [Payoff::Gain, Payoff::Cash(1.0), Payoff::Asset] {
                prop_assert!(!of(option_type, payoff, (spot, strike, years, rate, 0.0, vol)).is_nan());
            }
        }
    }
}
