use proptest::prelude::*;

use super::*;
use crate::portfolio::pricing::OptionType::{Call, Put};
use crate::portfolio::pricing::european;
use crate::portfolio::pricing::reference::{assert_close, option_type, rows};
use Direction::{Down, Up};
use Knock::{In, Out};

const KINDS: [(Direction, OptionType); 4] = [(Down, Call), (Down, Put), (Up, Call), (Up, Put)];

fn parse(kind: &str) -> (Direction, Knock, OptionType) {
    let direction = if kind.starts_with("down") { Down } else { Up };
    (direction, if kind.contains("_in_") { In } else { Out }, option_type(kind))
}

#[test]
fn agrees_with_fifty_digit_values() {
    for row in rows(include_str!("../../../../reference/barrier.csv")) {
        let (direction, knock, option_type) = parse(row.kind);
        let [spot, strike, years, rate, dividend_yield, vol, level, rebate] = row.inputs[..] else {
            panic!("eight inputs")
        };
        let barrier = Barrier { direction, knock, option_type, strike, level, rebate };
        let scale = [1.0, spot, strike, level, rebate].into_iter().fold(0.0, f64::max);
        assert_close(&row, barrier.price(spot, years, rate, dividend_yield, vol), 1e-13, 1e-14 * scale);
    }
}

#[test]
fn prices_a_hit_as_quadrature_of_its_density_does() {
    for row in rows(include_str!("../../../../reference/hit.csv")) {
        let direction = if row.kind == "down" { Down } else { Up };
        let [spot, years, rate, dividend_yield, vol, level] = row.inputs[..] else { panic!("six inputs") };
        let market = Market { spot, years, rate, dividend_yield, vol };
        assert_close(&row, hit::discounted_chance(direction, level, market), 1e-14, 1e-14);
    }
}

#[test]
fn matches_the_table_in_haug() {
    // Haug, "The Complete Guide to Option Pricing Formulas", 2nd edition, table 4-13: S = 100, rebate 3, T =
    // 0.5, r = 8 %, b = 4 %, vol 25 %; for each kind and level the strikes 90, 100 and 110.
    let table = [
        (Down, Out, Call, 95.0, [9.0246, 6.7924, 4.8759]),
        (Down, Out, Call, 100.0, [3.0, 3.0, 3.0]),
        (Up, Out, Call, 105.0, [2.6789, 2.3580, 2.3453]),
        (Down, In, Call, 95.0, [7.7627, 4.0109, 2.0576]),
        (Up, In, Call, 105.0, [14.1112, 8.4482, 4.5910]),
        (Down, Out, Put, 95.0, [2.2798, 2.2947, 2.6252]),
        (Up, Out, Put, 105.0, [3.7760, 5.4932, 7.5187]),
        (Down, In, Put, 95.0, [2.9586, 6.5677, 11.9752]),
        (Up, In, Put, 105.0, [1.4653, 3.3721, 7.0846]),
    ];
    for (direction, knock, option_type, level, prices) in table {
        for (strike, published) in [90.0, 100.0, 110.0].into_iter().zip(prices) {
            let barrier = Barrier { direction, knock, option_type, strike, level, rebate: 3.0 };
            let got = barrier.price(100.0, 0.5, 0.08, 0.04, 0.25);
            assert!((got - published).abs() < 5.1e-5, "{barrier:?}: {got} is not {published}");
        }
    }
}

#[test]
fn is_knocked_at_the_barrier_and_beyond() {
    for (direction, option_type) in KINDS {
        let spots = if direction == Down { [95.0, 94.0] } else { [95.0, 96.0] };
        let barrier = Barrier { direction, knock: In, option_type, strike: 100.0, level: 95.0, rebate: 3.0 };
        for spot in spots {
            let vanilla = european::price(option_type, spot, 100.0, 0.5, 0.08, 0.04, 0.25);
            assert_eq!(barrier.price(spot, 0.5, 0.08, 0.04, 0.25), vanilla);
            assert_eq!(Barrier { knock: Out, ..barrier }.price(spot, 0.5, 0.08, 0.04, 0.25), 3.0);
        }
    }
}

#[test]
fn pays_at_expiry_what_was_not_touched() {
    let barrier =
        Barrier { direction: Up, knock: Out, option_type: Call, strike: 90.0, level: 110.0, rebate: 3.0 };
    assert_eq!(barrier.price(100.0, 0.0, 0.08, 0.04, 0.25), 10.0);
    assert_eq!(Barrier { knock: In, ..barrier }.price(100.0, 0.0, 0.08, 0.04, 0.25), 3.0);
}

#[test]
fn follows_the_forward_without_vol() {
    // Growing by 20 % a year, 100 passes 110 after ln(1.1) / 0.2 years.
    let barrier =
        Barrier { direction: Up, knock: Out, option_type: Call, strike: 90.0, level: 110.0, rebate: 3.0 };
    let hit_years = 1.1_f64.ln() / 0.2;
    assert!((barrier.price(100.0, 1.0, 0.2, 0.0, 0.0) - 3.0 * (-0.2 * hit_years).exp()).abs() < 1e-14);
    let vanilla = european::price(Call, 100.0, 90.0, 1.0, 0.2, 0.0, 0.0);
    assert_eq!(Barrier { knock: In, ..barrier }.price(100.0, 1.0, 0.2, 0.0, 0.0), vanilla);
    // It never falls, nor gets to 130.
    for (direction, level) in [(Down, 99.0), (Up, 130.0)] {
        let missed = Barrier { direction, level, ..barrier };
        assert_eq!(missed.price(100.0, 1.0, 0.2, 0.0, 0.0), vanilla);
    }
}

#[test]
fn refuses_what_has_no_price() {
    let barrier =
        Barrier { direction: Up, knock: Out, option_type: Call, strike: 90.0, level: 110.0, rebate: 3.0 };
    assert!(barrier.price(-1.0, 1.0, 0.0, 0.0, 0.2).is_nan());
    assert!(barrier.price(100.0, 1.0, f64::NAN, 0.0, 0.2).is_nan());
    assert!(Barrier { level: f64::NAN, ..barrier }.price(100.0, 1.0, 0.0, 0.0, 0.2).is_nan());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn is_as_accurate_when_quick(
        spot in 10.0..1000.0, strike_ratio in 0.3..3.0, away in 0.0001..2.0, years in 0.001..60.0,
        rate in -0.05..0.3, carry in -0.05..0.3, vol in prop_oneof![0.05..1.0, 1e-4..5.0], rebate in 0.0..10.0,
    ) {
        for (direction, option_type) in KINDS {
            for knock in [In, Out] {
                let level = if direction == Down { spot / (1.0 + away) } else { spot * (1.0 + away) };
                let barrier = Barrier { direction, knock, option_type, strike: spot * strike_ratio, level, rebate };
                let got = barrier.price(spot, years, rate, carry, vol);
                let market = Market { spot, years, rate, dividend_yield: carry, vol };
                let rare = barrier.rare_price(market);
                prop_assert!((got - rare).abs() <= 1e-11 * rare + 1e-13 * spot, "{barrier:?} {got} {rare}");
            }
        }
    }
}

proptest! {
    #[test]
    fn in_and_out_make_a_vanilla(
        spot in 10.0..1000.0, strike_ratio in 0.3..3.0, away in 0.0001..2.0, years in 0.001..60.0,
        rate in -0.05..0.3, carry in -0.05..0.3, vol in 1e-4..5.0,
    ) {
        for (direction, option_type) in KINDS {
            let level = if direction == Down { spot / (1.0 + away) } else { spot * (1.0 + away) };
            let strike = spot * strike_ratio;
            let knock_in = Barrier { direction, knock: In, option_type, strike, level, rebate: 0.0 };
            let knock_out = Barrier { knock: Out, ..knock_in };
            let price = |barrier: Barrier| barrier.price(spot, years, rate, carry, vol);
            let both = price(knock_in) + price(knock_out);
            let vanilla = european::price(option_type, spot, strike, years, rate, carry, vol);
            prop_assert!((both - vanilla).abs() < 1e-12 * spot.max(vanilla), "{knock_in:?} {both} {vanilla}");
        }
    }

    #[test]
    fn a_hit_without_interest_and_a_survival_are_certain_together(
        away in 0.0001..2.0, years in 0.001..60.0, carry in -0.3..0.3, vol in 1e-4..5.0,
    ) {
        for direction in [Down, Up] {
            let level = if direction == Down { 1.0 / (1.0 + away) } else { 1.0 + away };
            // A put struck at zero leaves the rebates alone.
            let barrier = Barrier { direction, knock: In, option_type: Put, strike: 0.0, level, rebate: 1.0 };
            let survival = barrier.price(1.0, years, 0.0, carry, vol);
            let hit = Barrier { knock: Out, ..barrier }.price(1.0, years, 0.0, carry, vol);
            prop_assert!((survival + hit - 1.0).abs() < 1e-12, "{direction:?} {survival} {hit}");
        }
    }

    #[test]
    fn prices_any_positive_spot_strike_and_level(
        spot in 1e-6..1e8, strike in 1e-6..1e8, level in 1e-6..1e8,
        years in 0.0..60.0, rate in -0.05..0.3, carry in -0.05..0.3,
        vol in prop_oneof![Just(0.0), 0.0..1e-4, 0.0..5.0, (-200.0..-1.0).prop_map(|log| 10.0_f64.powf(log))],
    ) {
        for (direction, option_type) in KINDS {
            for knock in [In, Out] {
                let barrier = Barrier { direction, knock, option_type, strike, level, rebate: 1.0 };
                prop_assert!(barrier.price(spot, years, rate, carry, vol) >= 0.0, "{barrier:?}");
            }
        }
    }
}
