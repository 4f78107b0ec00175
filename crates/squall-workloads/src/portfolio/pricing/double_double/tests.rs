use super::*;

#[test]
fn keeps_what_a_sum_rounds_away() {
    let sum = Double::sum(1e16, 1.0) + Double::new(-1e16);
    assert_eq!(sum.value(), 1.0);
}

#[test]
fn divides_back_to_thirty_digits() {
    let third = Double::new(1.0) / Double::new(3.0);
    let rest = third * Double::new(3.0) - Double::new(1.0);
    assert!(rest.value().abs() < 1e-31);
}

#[test]
fn takes_the_logarithm_of_a_ratio_close_to_one() {
    // ln(1 + x) = x - x^2 / 2 + x^3 / 3 with x = 2^-40 exactly.
    let step = 2.0_f64.powi(-40);
    let expected = step - step * step / 2.0 + step * step * step / 3.0;
    assert_eq!(log_ratio(1.0 + step, 1.0).value(), expected);
}

#[test]
fn takes_logarithms_that_add_up_to_twenty_five_digits() {
    for (top, bottom) in [(3.0, 7.0), (1e8, 1e-6), (0.1, 1e5), (1e300, 1e-300)] {
        let split = log_ratio(top, 1.7) + log_ratio(1.7, bottom);
        let whole = log_ratio(top, bottom);
        assert!((split - whole).value().abs() < 1e-24 * whole.value().abs().max(1.0));
    }
    assert_eq!(log_ratio(10.0, 1.0).value(), core::f64::consts::LN_10);
}
