use super::*;
use crate::portfolio::pricing::reference::{assert_close, rows};

#[test]
fn agrees_with_fifty_digit_values() {
    for row in rows(include_str!("../../../../reference/normal.csv")) {
        let argument = row.inputs[0];
        let got = match row.kind {
            "cdf" => cdf(argument),
            "erfcx" => erfcx(argument),
            _ => inverse_cdf(argument),
        };
        assert_close(&row, got, 2e-15, 0.0);
    }
}

#[test]
fn agrees_with_the_complementary_error_function_of_libm() {
    for step in -800..=160 {
        let x = f64::from(step) * 0.01;
        let other = 0.5 * libm::erfc(-x / SQRT_2);
        assert!((cdf(x) / other - 1.0).abs() < 2e-14, "{x}");
    }
}

#[test]
fn inverts_published_quantiles() {
    // NIST/SEMATECH e-Handbook of Statistical Methods, table 1.3.6.7.1.
    for (probability, quantile) in [(0.95, 1.645), (0.975, 1.960), (0.99, 2.326), (0.001, -3.090)] {
        assert!((inverse_cdf(probability) - quantile).abs() < 5e-4);
    }
}

#[test]
fn answers_at_the_ends_and_beyond() {
    assert_eq!((cdf(f64::NEG_INFINITY), cdf(f64::INFINITY), cdf(0.0)), (0.0, 1.0, 0.5));
    assert_eq!((cdf(-1e300), cdf(1e300), pdf(1e300)), (0.0, 1.0, 0.0));
    assert_eq!((inverse_cdf(0.0), inverse_cdf(1.0)), (f64::NEG_INFINITY, f64::INFINITY));
    assert_eq!((erfcx(f64::INFINITY), erfcx(-30.0), erfcx(-1e200)), (0.0, f64::INFINITY, f64::INFINITY));
    assert!(inverse_cdf(-0.1).is_nan() && inverse_cdf(1.1).is_nan() && inverse_cdf(f64::NAN).is_nan());
    assert!(cdf(f64::NAN).is_nan() && erfcx(f64::NAN).is_nan() && pdf(f64::NAN).is_nan());
    assert!(inverse_cdf(5e-324).is_finite());
}
