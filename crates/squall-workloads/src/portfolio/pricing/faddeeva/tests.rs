use super::*;
use crate::portfolio::pricing::normal::erfcx;

#[test]
fn agrees_with_fifty_digit_values() {
    // mpmath: exp(-z^2) erfc(-i z), mp.dps = 50.
    let cases = include_str!("../../../../reference/voigt.csv");
    for row in crate::portfolio::pricing::reference::rows(cases) {
        let got = voigt(row.inputs[0], row.inputs[1]);
        crate::portfolio::pricing::reference::assert_close(&row, got, 0.0, 4e-15);
    }
}

#[test]
fn is_the_scaled_error_function_on_the_imaginary_axis() {
    for height in [0.0, 0.1, 0.5, 1.0, 3.0, 7.0, 50.0, 1e8] {
        assert!((voigt(0.0, height) - erfcx(height)).abs() < 3e-15, "{height}");
    }
}
