use super::*;
use crate::portfolio::risk::{Level, Tail, expected_shortfall_of, value_at_risk_of, worst_first};

/// L. Allen, J. Boudoukh and A. Saunders, "Understanding Market, Credit, and Operational Risk" (2004), chapter 2: the six lowest of 100
/// returns, how many days ago they were, and their weights and cumulated weights for a lambda of 0.98.
#[test]
fn agrees_with_the_example_of_the_authors_book() {
    let lowest = [
        (-330, 3, 0.0221),
        (-290, 2, 0.0226),
        (-270, 65, 0.0063),
        (-250, 45, 0.0095),
        (-240, 5, 0.0213),
        (-230, 30, 0.0128),
    ];
    let weighting = Weighting::Exponential { lambda: 0.98 };
    let weights = weighting.weights(100);
    let total = weights.iter().sum::<u64>() as f64;
    let mut pnl = vec![0_i128; 100];
    let mut shortfall = 0.0;
    for (change, days_ago, expected) in lowest {
        let idx = 100 - usize::try_from(days_ago).unwrap();
        pnl[idx] = change * 1_000_000;
        let weight = weights[idx] as f64 / total;
        assert!((weight - expected).abs() < 5.1e-5, "{days_ago}: {weight}");
        // By hand: the weight of the worst two is 4.47 %, so 0.53 % of the third belong to a tail of 5 %.
        let exact = 0.98_f64.powi(days_ago - 1) * 0.02 / (1.0 - 0.98_f64.powi(100));
        assert!((weight / exact - 1.0).abs() < 1e-9, "{days_ago}: {weight} {exact}");
        shortfall += match change {
            -330 | -290 => exact * -change as f64 / 0.05,
            -270 => {
                (0.05
                    - 0.98_f64.powi(2) * 0.02 / (1.0 - 0.98_f64.powi(100))
                    - 0.98 * 0.02 / (1.0 - 0.98_f64.powi(100)))
                    * 270.0
                    / 0.05
            }
            _ => 0.0,
        };
    }
    let level = Level::new(0.95).unwrap();
    assert_eq!(value_at_risk_of(&pnl, Some(&weights), level), Some(270_000_000));
    let found = expected_shortfall_of(&pnl, Some(&weights), level).unwrap() as f64 / 1e6;
    assert!((found - shortfall).abs() < 1e-5, "{found} {shortfall}");
    // Unweighted, five per cent are the five worst.
    assert_eq!(value_at_risk_of(&pnl, None, level), Some(240_000_000));
    let order = worst_first(&pnl);
    let estimate = Tail::new(level, &order, Some(&weights)).unwrap().estimate(&pnl, &order);
    assert_eq!((estimate.value_at_risk_low, estimate.expected_shortfall_error), (None, None));
}

#[test]
fn weights_are_whole_numbers_that_add_up_to_about_the_same() {
    for (lambda, n) in [(0.5, 1), (0.5, 3), (0.94, 1_000), (0.99, 250), (0.999_999, 100_000)] {
        let weights = Weighting::Exponential { lambda }.weights(n);
        let total: u64 = weights.iter().sum();
        assert!((total as f64 / TOTAL - 1.0).abs() < 1e-5, "{lambda} {n}: {total}");
        assert!(weights.is_sorted());
        let squares: f64 = weights.iter().map(|it| (*it as f64 / total as f64).powi(2)).sum();
        let number = Weighting::Exponential { lambda }.effective_number(n);
        assert!((number * squares - 1.0).abs() < 1e-5, "{lambda} {n}: {number} {squares}");
    }
    let told = |lambda: f64| Weighting::Exponential { lambda }.check().unwrap_err().to_string();
    let refused = "is out of range; from 0.5 to below 1 (0.97 to 0.99 is usual for daily changes)";
    assert_eq!(told(98.0), format!("input.scenarios.weights.lambda: 98 {refused}"));
    assert_eq!(told(1.0), format!("input.scenarios.weights.lambda: 1 {refused}"));
    assert!(Weighting::Exponential { lambda: f64::NAN }.check().is_err());
}
