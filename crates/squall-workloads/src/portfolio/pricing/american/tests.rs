use proptest::prelude::*;

use super::{price, price_on};
use crate::portfolio::pricing::{OptionType, european};

/// Written by `reference/american.py`; its header says how the values were computed and checked.
const REFERENCES: &str = include_str!("../../../../reference/american.csv");

struct Reference {
    option_type: OptionType,
    /// Spot, strike, years, rate, yield, vol.
    terms: [f64; 6],
    value: f64,
    error: f64,
}

fn references() -> Vec<Reference> {
    let parse = |line: &str| {
        let mut fields = line.split(',');
        let option_type = if fields.next() == Some("call") { OptionType::Call } else { OptionType::Put };
        let numbers: Vec<f64> = fields.map(|field| field.parse().unwrap()).collect();
        Reference {
            option_type,
            terms: numbers[..6].try_into().unwrap(),
            value: numbers[6],
            error: numbers[7],
        }
    };
    REFERENCES.lines().skip(1).map(parse).collect()
}

fn has_two_boundaries(option_type: OptionType, rate: f64, dividend_yield: f64) -> bool {
    match option_type {
        OptionType::Put => dividend_yield < rate && rate < 0.0,
        OptionType::Call => rate < dividend_yield && dividend_yield < 0.0,
    }
}

fn value_of(option_type: OptionType, [spot, strike, years, rate, dividend_yield, vol]: [f64; 6]) -> f64 {
    price(option_type, spot, strike, years, rate, dividend_yield, vol)
}

fn check(reference: &Reference) {
    let got = value_of(reference.option_type, reference.terms);
    let tolerance = 1e-4 * reference.value + 1e-12 + reference.error;
    let Reference { option_type, terms, value, .. } = reference;
    assert!((got - value).abs() <= tolerance, "{option_type:?} {terms:?}: {got} for {value}");
}

#[test]
fn agrees_with_references_that_have_one_boundary() {
    let one = |reference: &&Reference| {
        !has_two_boundaries(reference.option_type, reference.terms[3], reference.terms[4])
    };
    let all = references();
    let checked = all.iter().filter(one).inspect(|reference| check(reference)).count();
    assert!(checked > 300);
}

#[test]
fn usual_contracts_are_within_a_few_millionths() {
    // The first 115 or so rows are drawn from usual terms.
    for reference in references().iter().take(110) {
        let got = value_of(reference.option_type, reference.terms);
        assert!((got - reference.value).abs() <= 5e-6 * (reference.value + 1e-4), "{:?}", reference.terms);
    }
}

#[test]
fn agrees_with_references_that_have_two_boundaries() {
    let all = references();
    let two = |reference: &&Reference| {
        has_two_boundaries(reference.option_type, reference.terms[3], reference.terms[4])
    };
    let checked = all.iter().filter(two).inspect(|reference| check(reference)).count();
    assert!(checked >= 40);
}

#[test]
fn two_boundaries_keep_their_digits_where_vol_is_low_or_the_spot_far() {
    // Written by `reference/two_boundaries.py`: our scheme on far finer grids, and QuantLib's finite differences.
    let mut n_alike = 0;
    for line in include_str!("../../../../reference/two_boundaries.csv").lines().skip(1).step_by(3) {
        let mut fields = line.split(',');
        let option_type = if fields.next() == Some("call") { OptionType::Call } else { OptionType::Put };
        let numbers: Vec<f64> = fields.map(|field| field.parse().unwrap()).collect();
        let [terms @ .., value, quantlib] = &numbers[..] else { panic!("{line}") };
        let got = value_of(option_type, terms.try_into().unwrap());
        assert!((got - value).abs() <= 1e-4 * value + 1e-12, "{line}: {got}");
        if terms[5] >= 0.05 && *value > 1e-3 {
            n_alike += 1;
            assert!((got - quantlib).abs() <= 5e-4 * value, "{line}: {got}");
        }
    }
    assert!(n_alike > 50);
    // QuantLib's finite differences, extrapolated from 1000, 2000 and 4000 nodes.
    let got =
        price(OptionType::Put, 10.0, 1.0, 30.0, -0.023_199_285_793, -0.036_984_852_710, 0.735_842_467_825);
    assert!((got / 1.716_665 - 1.0).abs() < 2e-5, "{got}");
}

#[test]
fn agrees_with_the_finite_differences_of_longstaff_and_schwartz() {
    // "Valuing American options by simulation", Review of Financial Studies 14, 2001, table 1: K = 40, r = 6%.
    let table = [
        (0.2, 1.0, [4.478, 3.250, 2.314, 1.617, 1.110]),
        (0.2, 2.0, [4.840, 3.745, 2.885, 2.212, 1.690]),
        (0.4, 1.0, [7.101, 6.148, 5.312, 4.582, 3.948]),
        (0.4, 2.0, [8.508, 7.670, 6.920, 6.248, 5.647]),
    ];
    for (vol, years, values) in table {
        for (spot, value) in [36.0, 38.0, 40.0, 42.0, 44.0].into_iter().zip(values) {
            // Their lattice has errors of its own: at spot 36 and vol 20% the converged value is 4.4867, not 4.478.
            let got = price(OptionType::Put, spot, 40.0, years, 0.06, 0.0, vol);
            assert!((got - value).abs() < 0.009, "{spot} {years} {vol}: {got} for {value}");
        }
    }
}

#[test]
fn agrees_with_a_converged_value_at_the_money() {
    // K = S = 100, r = q = 5%, vol 25%, a year, as in Andersen, Lake and Offengenden's examples. QuantLib's
    // high-precision engine gives 9.569445298914.
    let got = price(OptionType::Put, 100.0, 100.0, 1.0, 0.05, 0.05, 0.25);
    assert!((got - 9.569_445_298_914).abs() < 1e-5, "{got}");
}

#[test]
fn without_early_exercise_it_is_european() {
    for (option_type, rate, dividend_yield) in [
        (OptionType::Call, 0.05, 0.0),
        (OptionType::Call, 0.05, -0.02),
        (OptionType::Call, 0.0, 0.0),
        (OptionType::Call, -0.01, -0.02),
        (OptionType::Put, 0.0, 0.03),
        (OptionType::Put, -0.02, 0.01),
        (OptionType::Put, -0.02, -0.01),
        (OptionType::Put, -0.02, -0.02),
    ] {
        let american = price(option_type, 0.9, 1.0, 2.0, rate, dividend_yield, 0.3);
        let european = european::price(option_type, 0.9, 1.0, 2.0, rate, dividend_yield, 0.3);
        assert_eq!(american, european.max(if option_type == OptionType::Put { 1.0 - 0.9 } else { 0.0 }));
    }
}

#[test]
fn at_expiry_it_is_intrinsic() {
    assert_eq!(price(OptionType::Put, 90.0, 100.0, 0.0, 0.05, 0.01, 0.2), 10.0);
    assert_eq!(price(OptionType::Call, 90.0, 100.0, 0.0, 0.05, 0.01, 0.2), 0.0);
}

#[test]
fn without_vol_it_stops_at_the_best_instant() {
    for (rate, dividend_yield) in
        [(0.05, 0.02), (0.02, 0.05), (0.3, -0.05), (-0.02, -0.04), (0.0, -0.03), (-0.05, 0.3)]
    {
        for spot in [0.5, 0.9, 1.0, 1.1, 2.0] {
            for option_type in [OptionType::Call, OptionType::Put] {
                let sign = if option_type == OptionType::Call { 1.0 } else { -1.0 };
                let payoff = |step: i32| {
                    let time = f64::from(step) * 1e-3;
                    sign * (spot * libm::exp(-dividend_yield * time) - libm::exp(-rate * time))
                };
                let best = (0..=10_000).map(payoff).fold(0.0, f64::max);
                let got = price(option_type, spot, 1.0, 10.0, rate, dividend_yield, 0.0);
                assert!(
                    (got - best).abs() < 1e-8,
                    "{option_type:?} {spot} {rate} {dividend_yield}: {got} for {best}"
                );
            }
        }
    }
}

#[test]
fn a_vanishing_vol_leads_to_no_vol() {
    for (spot, rate, dividend_yield) in
        [(0.99, 0.1, 0.3), (1.02, 0.02, 0.06), (0.9, 0.05, 0.02), (1.3, 0.05, 0.0)]
    {
        let limit = price(OptionType::Put, spot, 1.0, 10.0, rate, dividend_yield, 0.0);
        for vol in [1e-4, 1e-6, 1e-9] {
            let got = price(OptionType::Put, spot, 1.0, 10.0, rate, dividend_yield, vol);
            assert!((got - limit).abs() <= 0.1 * vol + 1e-9, "{spot} {rate} {vol}: {got} for {limit}");
        }
    }
}

#[test]
fn tiny_rates_lead_to_the_european_value() {
    for dividend_yield in [0.0, 0.05] {
        let european = european::price(OptionType::Put, 0.9, 1.0, 5.0, 0.0, dividend_yield, 0.3);
        for rate in [1e-6, 1e-9, 1e-12, 1e-200, f64::MIN_POSITIVE] {
            let got = price(OptionType::Put, 0.9, 1.0, 5.0, rate, dividend_yield, 0.3);
            assert!((got - european).abs() < 10.0 * rate + 1e-12, "{rate}: {got} for {european}");
        }
    }
}

#[test]
fn nothing_to_buy_or_to_pay_has_a_closed_form() {
    assert_eq!(price(OptionType::Put, 0.0, 100.0, 2.0, 0.05, 0.0, 0.3), 100.0);
    assert!(
        (price(OptionType::Put, 0.0, 100.0, 2.0, -0.05, 0.0, 0.3) - 100.0 * libm::exp(0.1)).abs() < 1e-12
    );
    assert_eq!(price(OptionType::Call, 0.0, 100.0, 2.0, 0.05, 0.0, 0.3), 0.0);
    assert_eq!(price(OptionType::Call, 100.0, 0.0, 2.0, 0.05, 0.02, 0.3), 100.0);
}

#[test]
fn invalid_terms_give_nan() {
    let valid = [100.0, 100.0, 1.0, 0.05, 0.02, 0.2];
    for place in 0..6 {
        for wrong in [f64::NAN, f64::INFINITY] {
            let mut terms = valid;
            terms[place] = wrong;
            assert!(value_of(OptionType::Put, terms).is_nan());
        }
    }
    for place in [0, 1, 2, 5] {
        let mut terms = valid;
        terms[place] = -1.0;
        assert!(value_of(OptionType::Call, terms).is_nan());
    }
}

#[test]
fn scalar_and_simd_code_give_the_same_bits() {
    for Reference { option_type, terms, .. } in references().iter().take(200).step_by(3) {
        let [spot, strike, years, rate, dividend_yield, vol] = *terms;
        let simd = price(*option_type, spot, strike, years, rate, dividend_yield, vol);
        let scalar =
            price_on(pulp::Arch::Scalar, *option_type, spot, strike, years, rate, dividend_yield, vol);
        assert_eq!(simd.to_bits(), scalar.to_bits(), "{terms:?}");
    }
}

fn terms() -> impl Strategy<Value = [f64; 6]> {
    let rates = || prop_oneof![4 => -0.05..0.3, 1 => Just(0.0), 1 => 0.0..1e-6];
    (-2.3..2.3, -13.0..18.0, 0.0..30.0, rates(), rates(), prop_oneof![1e-4..0.05, 0.05..3.0]).prop_map(
        |(log_moneyness, log_strike, years, rate, dividend_yield, vol)| {
            let strike = libm::exp(log_strike);
            [strike * libm::exp(log_moneyness), strike, years, rate, dividend_yield, vol]
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn it_is_worth_its_european_and_intrinsic_values_at_least(terms in terms(), is_call in any::<bool>()) {
        let option_type = if is_call { OptionType::Call } else { OptionType::Put };
        let [spot, strike, years, rate, dividend_yield, vol] = terms;
        prop_assume!(!has_two_boundaries(option_type, rate, dividend_yield));
        let value = value_of(option_type, terms);
        prop_assert!(value.is_finite());
        prop_assert!(value >= european::price(option_type, spot, strike, years, rate, dividend_yield, vol));
        let sign = if is_call { 1.0 } else { -1.0 };
        prop_assert!(value >= sign * (spot - strike));
    }

    #[test]
    fn two_boundaries_obey_the_same_laws(
        log_moneyness in -2.3..2.3, years in 1e-6..60.0, rate in -0.1..-1e-9, spread in 1e-9..0.1,
        vol in prop_oneof![1e-4..0.05, 0.05..5.0], bump in 1e-3..0.2,
    ) {
        let (spot, dividend_yield) = (libm::exp(log_moneyness), rate - spread);
        let value = price(OptionType::Put, spot, 1.0, years, rate, dividend_yield, vol);
        let high = price(OptionType::Put, spot * (1.0 + bump), 1.0, years, rate, dividend_yield, vol);
        prop_assert!(value.is_finite() && value >= 1.0 - spot);
        prop_assert!(value >= european::price(OptionType::Put, spot, 1.0, years, rate, dividend_yield, vol));
        prop_assert!(high <= value * (1.0 + 3e-4) + 1e-12, "{} {}", value, high);
        // The strike is all that is received, and it loses value no faster than money does.
        let most = libm::exp(-rate * years);
        prop_assert!(value <= most * (1.0 + 1e-12), "{} {}", value, most);
        let call = price(OptionType::Call, 1.0, spot, years, dividend_yield, rate, vol);
        prop_assert!((call - value).abs() <= 1e-12 * (1.0 + spot), "{} {}", call, value);
    }

    #[test]
    fn calls_are_puts_with_the_roles_exchanged(terms in terms()) {
        let [spot, strike, years, rate, dividend_yield, vol] = terms;
        prop_assume!(!has_two_boundaries(OptionType::Call, rate, dividend_yield));
        let call = price(OptionType::Call, spot, strike, years, rate, dividend_yield, vol);
        let put = price(OptionType::Put, strike, spot, years, dividend_yield, rate, vol);
        prop_assert!((call - put).abs() <= 1e-12 * (spot + strike), "{} {}", call, put);
    }

    #[test]
    fn it_rises_or_falls_with_the_spot(terms in terms(), bump in 1e-4..0.2) {
        let [spot, strike, years, rate, dividend_yield, vol] = terms;
        prop_assume!(!has_two_boundaries(OptionType::Put, rate, dividend_yield));
        let low = price(OptionType::Put, spot, strike, years, rate, dividend_yield, vol);
        let high = price(OptionType::Put, spot * (1.0 + bump), strike, years, rate, dividend_yield, vol);
        prop_assert!(high <= low * (1.0 + 1e-5) + 1e-12 * strike, "{} {}", low, high);
        prop_assert!(low - high <= spot * bump * libm::exp((-dividend_yield * years).max(0.0)) + 1e-5 * low + 1e-12 * strike);
    }

    #[test]
    fn any_finite_terms_give_a_number(
        spot in 1e-300..1e300_f64, strike in 1e-300..1e300_f64, years in 0.0..1e3, rate in 0.0..2.0, vol in 0.0..50.0,
    ) {
        prop_assert!(!price(OptionType::Put, spot, strike, years, rate, 0.01, vol).is_nan());
        prop_assert!(!price(OptionType::Put, 1.0 + vol, 1.0, years, rate, rate, vol * vol).is_nan());
    }
}
