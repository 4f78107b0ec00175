use super::*;

#[test]
fn matches_the_value_in_hull() {
    // Hull, "Options, Futures, and Other Derivatives", example 5.9: long forward, S = 25, K = 24, r = 10 %,
    // six months: 2.17.
    assert!((price(25.0, 24.0, 0.5, 0.1, 0.0) - 2.17).abs() < 0.005);
}

#[test]
fn keeps_its_digits_when_forward_and_strike_nearly_cancel() {
    // 1e8 (exp(-1e-9) - exp(-3e-9)) = 0.2 (1 - 2e-9).
    let value = price(1e8, 1e8, 1.0, 3e-9, 1e-9);
    assert!((value / (0.2 * (1.0 - 2e-9)) - 1.0).abs() < 1e-15);
}

#[test]
fn answers_at_its_limits() {
    assert_eq!(price(3.0, 2.0, 0.0, 0.1, 0.2), 1.0);
    assert_eq!(price(0.0, 0.0, 1.0, 0.1, 0.2), 0.0);
    assert!(price(-1.0, 2.0, 1.0, 0.1, 0.2).is_nan() && price(1.0, 2.0, f64::NAN, 0.1, 0.2).is_nan());
}
