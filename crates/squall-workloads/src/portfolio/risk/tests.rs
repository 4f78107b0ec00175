//! Reference figures come from numpy and scipy: reference/reference.py.

use proptest::prelude::*;

use super::*;

fn level(level: f64) -> Level {
    Level::new(level).unwrap()
}

fn estimate(pnl: &[i128], at: f64) -> Estimate {
    let order = worst_first(pnl);
    Tail::new(level(at), &order, None).unwrap().estimate(pnl, &order)
}

/// A thousand scattered integers that Python makes, too.
fn reference_pnl() -> Vec<i128> {
    (0..1000_i128).map(|i| ((i * 7919) % 10_007).pow(2) - 40_000_000).collect()
}

#[test]
fn levels_are_the_decimals_that_were_written() {
    assert_eq!(level(0.99).tail(), (1, 100));
    assert_eq!(level(0.975).tail(), (1, 40));
    assert_eq!(level(0.9973).tail(), (27, 10_000));
    assert_eq!([0.99, 0.975, 0.9973, 0.5].map(|at| level(at).to_string()), ["99%", "97.5%", "99.73%", "50%"]);
    assert_eq!(serde_json::to_string(&level(0.99)).unwrap(), "0.99");
    for bad in [0.3, 1.0, -0.1, f64::NAN, 0.999_999_999_9, 1.0 / 1.9] {
        assert!(Level::new(bad).is_err(), "{bad}");
    }
    let error = serde_json::from_str::<Level>("95").unwrap_err().to_string();
    assert_eq!(error, "95 is no level; write it like 0.99, from 0.5 to below 1");
}

#[test]
fn a_thousand_scenarios_have_ten_in_the_tail_at_99_percent() {
    // In floats 1000 * (1 - 0.99) is 10.000000000000009 and would make eleven.
    let pnl: Vec<i128> = (1..=1000).collect();
    let estimate = estimate(&pnl, 0.99);
    assert_eq!((estimate.value_at_risk, estimate.expected_shortfall), (-10, -6));
}

#[test]
fn agrees_with_numpy_and_exact_fractions_on_value_at_risk_and_expected_shortfall() {
    let pnl = reference_pnl();
    let micros = |units: f64| crate::portfolio::money::micros(units).unwrap();
    let in_micros: Vec<i128> = pnl.iter().map(|value| value * 1_000_000).collect();
    for (at, value_at_risk, expected_shortfall) in [
        (0.95, 39_759_900.0, micros(39_919_805.1)),
        (0.99, 39_990_784.0, micros(39_997_067.6)),
        (0.975, 39_942_400.0, micros(39_979_901.92)),
        (0.9973, 39_999_639.0, 39_999_876_407_407),
    ] {
        let estimate = estimate(&in_micros, at);
        assert_eq!(estimate.value_at_risk, micros(value_at_risk), "{at}");
        assert_eq!(estimate.expected_shortfall, expected_shortfall, "{at}");
        assert_eq!(value_at_risk_of(&in_micros, None, level(at)), Some(estimate.value_at_risk));
        assert_eq!(expected_shortfall_of(&in_micros, None, level(at)), Some(estimate.expected_shortfall));
    }
}

#[test]
fn agrees_with_scipy_on_moments_and_quantiles() {
    let pnl = reference_pnl();
    let got = distribution(&pnl, &worst_first(&pnl), None).unwrap();
    let close =
        |got: Option<f64>, want: f64| assert!((got.unwrap() / want - 1.0).abs() < 1e-12, "{got:?} {want}");
    assert_eq!(got.mean, -6_576_798);
    close(got.standard_deviation, 29_883_110.580_369_964);
    close(got.skewness, 0.637_003_493_051_450_8);
    close(got.excess_kurtosis, -0.858_660_054_691_054_6);
    let quantiles: Vec<i128> = got.quantiles.iter().map(|(_, value)| *value).collect();
    assert_eq!(
        quantiles,
        [-39_990_784, -39_759_900, -33_789_936, -14_969_991, 16_325_025, 50_364_036, 58_029_801]
    );
}

#[test]
fn agrees_with_scipy_on_the_order_statistics_of_confidence_intervals() {
    for (n, probability, lower, upper) in [
        (100, 0.5, Some(40), Some(61)),
        (250, 0.01, None, Some(7)),
        (1000, 0.01, Some(4), Some(18)),
        (5000, 0.025, Some(104), Some(148)),
        (1_000_000, 0.05, Some(49_573), Some(50_429)),
        (10, 0.5, Some(2), Some(9)),
        (20, 0.05, None, Some(4)),
        (10_000_000, 0.01, Some(99_384), Some(100_618)),
        (1, 0.01, None, Some(1)),
        (0, 0.01, None, None),
    ] {
        assert_eq!(quantile_interval(n, probability), OrderInterval { lower, upper }, "{n} {probability}");
    }
}

#[test]
fn agrees_with_hulls_four_index_example() {
    // Hull, "Risk Management and Financial Institutions", historical simulation of 500 scenarios of four indices: the
    // 99 % one-day value at risk is the fifth worst loss, $422,291; expected shortfall is the mean of five, $669,391.
    let worst: [i128; 10] =
        [922_484, 858_423, 653_542, 490_215, 422_291, 362_733, 360_532, 353_788, 323_505, 305_216];
    let mut pnl: Vec<i128> = worst.iter().map(|loss| -loss).collect();
    pnl.extend(0..490);
    let estimate = estimate(&pnl, 0.99);
    assert_eq!((estimate.value_at_risk, estimate.expected_shortfall), (422_291, 669_391));
}

#[test]
fn the_boundary_scenario_counts_for_its_fraction() {
    // Ten scenarios at 85 %: one and a half in the tail. -(-30 - 0.5 * 12) / 1.5 = 24.
    let pnl = [5, -12, 7, -30, 8, 9, 10, 11, 12, 13];
    let got = estimate(&pnl, 0.85);
    assert_eq!((got.value_at_risk, got.expected_shortfall, got.expected_shortfall_error), (12, 24, None));
}

#[test]
fn the_standard_error_is_manistre_and_hancocks() {
    // Losses 100, 80, 60, 40, 20 of 100 at 95 %: ES 60, VaR 20, s^2 = 1000; sqrt((1000 + 0.95 * 1600) / 5) = 22.45.
    // The formula against simulation: reference.py gives 0.1320 for a simulated 0.1331 (Student t, n = 2000).
    let mut pnl: Vec<i128> = [100, 80, 60, 40, 20].map(|loss: i128| -loss * 1_000_000).to_vec();
    pnl.resize(100, 0);
    assert_eq!(estimate(&pnl, 0.95).expected_shortfall_error, Some(22_449_944));
}

/// By hand.
#[test]
fn weighted_scenarios_count_by_their_weights() {
    let (pnl, weights) = ([-50, -100, 10, -30], [1, 2, 3, 4]);
    let order = worst_first(&pnl);
    let at = |at: f64| {
        let estimate = Tail::new(level(at), &order, Some(&weights)).unwrap().estimate(&pnl, &order);
        (estimate.value_at_risk, estimate.expected_shortfall)
    };
    // The worst weighs 2 of 10; then 1 of the next, which is all of it; then 2 of the next one's 4.
    assert_eq!((at(0.75), at(0.7), at(0.5)), ((50, 90), (50, 83), (30, 62)));
    let got = distribution(&pnl, &order, Some(&weights)).unwrap();
    assert_eq!((got.n, got.mean, got.minimum, got.maximum), (4, -34, -100, 10));
    let quantiles = [(1, -100), (5, -100), (25, -50), (50, -30), (75, 10), (95, 10), (99, 10)];
    assert_eq!(got.quantiles, quantiles);
    // 1484, and 1 - (1 + 4 + 9 + 16) / 100 of the weight.
    assert!((got.standard_deviation.unwrap() - (1484.0_f64 / 0.7).sqrt()).abs() < 1e-12);
    assert_eq!(distribution(&pnl, &order, Some(&[0; 4])), None);
    assert_eq!(Tail::new(level(0.5), &order, Some(&[0; 4])).unwrap_err(), TooFew { needed: 2 });
}

#[test]
fn says_how_many_scenarios_a_level_needs() {
    let order: Vec<usize> = (0..99).collect();
    assert_eq!(Tail::new(level(0.99), &order, None).unwrap_err(), TooFew { needed: 100 });
    assert_eq!(Tail::new(level(0.9973), &[], None).unwrap_err(), TooFew { needed: 371 });
    assert_eq!(value_at_risk_of(&[], None, level(0.5)), None);
    assert_eq!(expected_shortfall_of(&[1], None, level(0.5)), None);
    let worst_of_a_hundred: Vec<i128> = (0..100).map(|i| i - 7).collect();
    let got = estimate(&worst_of_a_hundred, 0.99);
    assert_eq!((got.value_at_risk, got.value_at_risk_high, got.value_at_risk_low), (7, None, Some(4)));
}

#[test]
fn equal_losses_are_ordered_by_scenario() {
    assert_eq!(worst_first(&[3, -1, 3, -1, 0]), [1, 3, 4, 0, 2]);
}

#[test]
fn histograms_have_round_edges_and_hold_everything() {
    let bins = histogram(&[-7, -1, 0, 3, 12], 6);
    let counted: Vec<_> = bins.iter().map(|bin| (bin.from, bin.to, bin.count)).collect();
    assert_eq!(counted, [(-10, -5, 1), (-5, 0, 1), (0, 5, 2), (5, 10, 0), (10, 15, 1)]);
    assert_eq!(histogram(&[4], 1), [Bin { from: 4, to: 5, count: 1 }]);
    assert!(histogram(&[], 5).is_empty());
    assert!(histogram(&[1, 2], 0).is_empty());
    assert!(histogram(&[-1, 1], 1).is_empty(), "one bin cannot have zero as an edge and hold both sides");
}

proptest! {
    #[test]
    fn contributions_add_up_to_the_last_millionth(
        books in prop::collection::vec(prop::collection::vec(-1_000_000_000_i128..1_000_000_000, 137), 1..6),
        at in prop::sample::select(vec![0.5, 0.9, 0.95, 0.975, 0.99]),
    ) {
        let total: Vec<i128> = (0..137).map(|i| books.iter().map(|book| book[i]).sum()).collect();
        let order = worst_first(&total);
        let tail = Tail::new(level(at), &order, None).unwrap();
        let whole = tail.estimate(&total, &order).expected_shortfall;
        let losses: Vec<i128> = books.iter().map(|book| tail.weighted_loss(book)).collect();
        let parts = apportion(&losses, tail.total_weight(), whole);
        prop_assert_eq!(parts.iter().sum::<i128>(), whole);
        for (part, loss) in parts.iter().zip(&losses) {
            prop_assert!((part * tail.total_weight() - loss).abs() <= tail.total_weight());
        }
    }

    /// A scenario that weighs three times as much is as good as three.
    #[test]
    fn a_weight_is_as_good_as_so_many_scenarios(
        weighted in proptest::collection::vec((-1_000_000_i128..1_000_000, 0_usize..5), 20..60),
        thousandths in 500_u32..950,
    ) {
        let (pnl, weights): (Vec<i128>, Vec<u64>) = weighted.iter().map(|(value, n)| (*value, *n as u64)).unzip();
        let repeated: Vec<i128> =
            weighted.iter().flat_map(|(value, n)| std::iter::repeat_n(*value, *n)).collect();
        prop_assume!(repeated.len() >= 20);
        let at = level(f64::from(thousandths) / 1000.0);
        prop_assert_eq!(value_at_risk_of(&pnl, Some(&weights), at), value_at_risk_of(&repeated, None, at));
        prop_assert_eq!(expected_shortfall_of(&pnl, Some(&weights), at), expected_shortfall_of(&repeated, None, at));
        let weighted = distribution(&pnl, &worst_first(&pnl), Some(&weights)).unwrap();
        let repeated = distribution(&repeated, &worst_first(&repeated), None).unwrap();
        prop_assert_eq!((weighted.mean, weighted.quantiles), (repeated.mean, repeated.quantiles));
        if let (Some(weighted), Some(repeated)) = (weighted.skewness, repeated.skewness) {
            prop_assert!((weighted - repeated).abs() < 1e-9);
        }
    }

    #[test]
    fn expected_shortfall_is_at_least_value_at_risk_and_subadditive(
        pnl in prop::collection::vec((-1_000_000_i128..1_000_000, -1_000_000_i128..1_000_000), 100..300),
    ) {
        let (one, other): (Vec<i128>, Vec<i128>) = pnl.iter().copied().unzip();
        let both: Vec<i128> = pnl.iter().map(|(a, b)| a + b).collect();
        let shortfall = |pnl: &[i128]| expected_shortfall_of(pnl, None, level(0.975)).unwrap();
        prop_assert!(shortfall(&one) >= value_at_risk_of(&one, None, level(0.975)).unwrap());
        prop_assert!(shortfall(&both) <= shortfall(&one) + shortfall(&other) + 1);
    }

    #[test]
    fn nothing_panics_on_extreme_amounts(
        pnl in prop::collection::vec(prop::sample::select(vec![i128::MIN, i128::MAX, 0, 1, -1]), 1..200),
    ) {
        let order = worst_first(&pnl);
        if let Ok(tail) = Tail::new(level(0.95), &order, None) {
            tail.estimate(&pnl, &order);
        }
        let _ = (distribution(&pnl, &order, None), histogram(&pnl, 10), expected_shortfall_of(&pnl, None, level(0.9)));
    }
}
