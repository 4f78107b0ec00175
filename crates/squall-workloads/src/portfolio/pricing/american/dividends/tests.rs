use proptest::prelude::*;

use super::*;
use crate::portfolio::pricing::OptionType::{Call, Put};
use crate::portfolio::pricing::american::price;

/// Prices with dividends of `(days, amount)`, which are discounted at the rate less the yield; the year has 365 days.
fn value(
    option_type: OptionType,
    [spot, strike, days, rate, dividend_yield, vol]: [f64; 6],
    dividends: &[(f64, f64)],
) -> f64 {
    let worth = |(days, amount): &(f64, f64)| amount * (-(rate - dividend_yield) * days / 365.0).exp();
    let dividends: Vec<Dividend> =
        dividends.iter().map(|it| Dividend { years: it.0 / 365.0, worth: worth(it) }).collect();
    let net = spot - dividends.iter().map(|it| it.worth).sum::<f64>();
    price_with_dividends(option_type, net, strike, days / 365.0, rate, dividend_yield, vol, &dividends)
}

const QUARTERLY: [(f64, f64); 8] = [
    (60.0, 0.5),
    (150.0, 0.5),
    (240.0, 0.5),
    (330.0, 0.5),
    (420.0, 0.5),
    (510.0, 0.5),
    (600.0, 0.5),
    (690.0, 0.5),
];

#[test]
fn agrees_with_quantlib() {
    // QuantLib 1.44: FdBlackScholesVanillaEngine, Douglas, Spot, on 1,600 and 3,200 nodes and steps, extrapolated.
    let thrice: &[(f64, f64)] = &[(1.0, 2.0), (90.0, 2.0), (180.0, 2.0)];
    for (option_type, terms, dividends, expected) in [
        (Call, [100.0, 100.0, 365.0, 0.05, 0.0, 0.3], &[(182.0, 5.0)][..], 11.876_547),
        (Put, [100.0, 100.0, 365.0, 0.05, 0.0, 0.3], &[(182.0, 5.0)], 12.252_525),
        (Call, [100.0, 90.0, 30.0, 0.05, 0.0, 0.2], &[(29.0, 3.0)], 10.410_037),
        (Call, [100.0, 100.0, 180.0, 0.03, 0.0, 0.25], thrice, 5.768_513),
        (Put, [100.0, 110.0, 180.0, 0.06, 0.0, 0.25], thrice, 15.285_530),
        (Call, [50.0, 55.0, 730.0, 0.04, 0.02, 0.4], &QUARTERLY, 8.237_616),
        (Put, [50.0, 55.0, 730.0, 0.04, 0.02, 0.4], &QUARTERLY, 14.653_355),
        (Put, [100.0, 100.0, 365.0, -0.01, 0.0, 0.2], &[(100.0, 4.0)], 10.693_539),
        (Call, [100.0, 100.0, 365.0, -0.01, 0.0, 0.2], &[(100.0, 4.0)], 5.967_760),
        (Call, [100.0, 60.0, 365.0, 0.02, 0.0, 0.15], &[(300.0, 10.0)], 40.978_367),
        (Call, [2900.0, 2800.0, 28.0, 0.0, 0.0, 0.2], &[(27.0, 40.0)], 124.303_13),
    ] {
        let got = value(option_type, terms, dividends);
        assert!(
            (got - expected).abs() < 2e-6 * terms[1].max(100.0),
            "{option_type:?} {terms:?}: {got} is not {expected}"
        );
    }
}

#[test]
fn a_call_is_exercised_just_before_a_date_and_not_after_it() {
    // In the money and with hardly any time value: spot less strike, as if it were held to the eve of the date.
    let deep = value(Call, [100.0, 50.0, 365.0, 0.0, 0.0, 0.1], &[(200.0, 5.0)]);
    assert!((deep - 50.0).abs() < 1e-6, "{deep}");
    // The last dividend comes after the option: nobody hurries.
    let without = value(Call, [100.0, 50.0, 365.0, 0.03, 0.0, 0.1], &[]);
    let european = european::price(Call, 100.0, 50.0, 1.0, 0.03, 0.0, 0.1);
    assert!((without - european).abs() < 1e-9);
}

/// Whoever may stop later as well has all that the other has.
#[test]
fn an_option_that_lasts_beyond_a_date_is_not_worth_less_than_one_that_ends_before_it() {
    for option_type in [Call, Put] {
        for (strike, amount) in [(90.0, 1.0), (100.0, 10.0), (110.0, 30.0)] {
            let before = price(option_type, 100.0, strike, 99.0 / 365.0, 0.03, 0.0, 0.3);
            for (date, days) in [(100.0, 100.0), (100.0, 101.0), (99.5, 200.0)] {
                let got = value(option_type, [100.0, strike, days, 0.03, 0.0, 0.3], &[(date, amount)]);
                assert!(got > before - 1e-4, "{option_type:?} {strike}, {days}: {got} is below {before}");
            }
        }
    }
}

#[test]
fn a_price_does_not_fall_below_nothing() {
    // Of a share that pays out all but a thousandth, with a vol of a half: the put is then worth its strike, whatever happens.
    let put = value(Put, [100.0, 50.0, 365.0, 0.0, 0.0, 0.5], &[(182.0, 99.9)]);
    assert!((49.0..=50.0).contains(&put), "{put}");
    let call = value(Call, [100.0, 50.0, 365.0, 0.0, 0.0, 0.5], &[(182.0, 99.9)]);
    let until = price(Call, 100.0, 50.0, 182.0 / 365.0, 0.0, 0.0, 0.5);
    assert!((call - until).abs() < 0.02, "{call} is not {until}");
}

#[test]
fn without_dividends_it_is_the_american_without_them() {
    for (option_type, rate, dividend_yield) in [(Call, 0.02, 0.05), (Put, 0.05, 0.0), (Put, 0.05, 0.03)] {
        for spot in [85.0, 100.0, 120.0] {
            let usual = price(option_type, spot, 100.0, 1.0, rate, dividend_yield, 0.25);
            let got = value(option_type, [spot, 100.0, 365.0, rate, dividend_yield, 0.25], &[]);
            assert!((got - usual).abs() < 3e-5, "{option_type:?} {spot}: {got} is not {usual}");
        }
    }
}

#[test]
fn without_vol_the_best_moment_is_known() {
    // Before the date the call pays 100 - 90; after it, 95 - 90.
    let call = value(Call, [100.0, 90.0, 365.0, 0.0, 0.0, 0.0], &[(182.0, 5.0)]);
    assert!((call - 10.0).abs() < 1e-12);
    // The put gains by waiting for the date: 90 - 95 + 5, then no longer.
    let put = value(Put, [100.0, 100.0, 365.0, 0.0, 0.0, 0.0], &[(182.0, 5.0)]);
    assert!((put - 5.0).abs() < 1e-12);
    // Interest until the date costs the call less than its dividend.
    let call = value(Call, [100.0, 90.0, 365.0, 0.04, 0.0, 0.0], &[(182.0, 5.0)]);
    let eve = 100.0 - 90.0 * (-0.04 * 182.0 / 365.0_f64).exp();
    assert!((call - eve).abs() < 1e-9, "{call} is not {eve}");
}

#[test]
fn refuses_what_has_no_price() {
    let one = |years: f64, worth: f64| {
        price_with_dividends(Call, 95.0, 100.0, 1.0, 0.05, 0.0, 0.2, &[Dividend { years, worth }])
    };
    assert!(one(0.5, 5.0).is_finite());
    for (years, worth) in [(0.0, 5.0), (1.5, 5.0), (0.5, -1.0), (0.5, f64::NAN), (f64::NAN, 5.0)] {
        assert!(one(years, worth).is_nan(), "{years} {worth}");
    }
    assert!(price_with_dividends(Call, 0.0, 100.0, 1.0, 0.05, 0.0, 0.2, &[]).is_nan());
    assert!(price_with_dividends(Call, 95.0, 100.0, 1.0, 0.05, 0.0, f64::INFINITY, &[]).is_nan());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn never_below_the_european_nor_what_exercise_pays(
        spot in 50.0..200.0, days in 5.0..1_500.0, rate in -0.03..0.1, dividend_yield in -0.02..0.06,
        vol in 0.001..3.0, amounts in prop::collection::vec((0.01..1.0, 0.0..3.0), 1..6), is_call: bool,
    ) {
        let option_type = if is_call { Call } else { Put };
        let mut dividends: Vec<(f64, f64)> = amounts.into_iter().map(|(part, amount): (f64, f64)| (part * days, amount)).collect();
        dividends.sort_by(|a, b| a.0.total_cmp(&b.0));
        let got = value(option_type, [spot, 100.0, days, rate, dividend_yield, vol], &dividends);
        let worth = |(at, amount): &(f64, f64)| amount * (-(rate - dividend_yield) * at / 365.0).exp();
        let net = spot - dividends.iter().map(worth).sum::<f64>();
        let european = european::price(option_type, net, 100.0, days / 365.0, rate, dividend_yield, vol);
        prop_assert!(got >= european && got >= option_type.payoff(spot, 100.0) - 1e-9);
        // Nor above what it can ever pay.
        let most = if is_call { spot } else { 100.0 };
        let grown = (rate.abs().max(dividend_yield.abs()) * days / 365.0).exp();
        prop_assert!(got <= most * grown * 1.001, "{got}");
    }
}
