use super::{exp, ln, normal_cdf_pdf, sin_cos_turns};

fn relative(got: f64, want: f64) -> f64 {
    (got / want - 1.0).abs()
}

#[test]
fn exp_is_within_an_ulp_of_libm() {
    for step in -70_000..70_900 {
        let exponent = f64::from(step) * 0.01 + 1e-4;
        assert!(relative(exp(exponent), libm::exp(exponent)) < 3e-16, "{exponent}");
    }
    assert_eq!(exp(0.0), 1.0);
    assert_eq!(exp(-709.0), 0.0);
    assert_eq!(exp(f64::INFINITY), f64::INFINITY);
    assert_eq!(exp(f64::NEG_INFINITY), 0.0);
    assert!(exp(f64::NAN).is_nan());
}

#[test]
fn ln_is_within_an_ulp_of_libm() {
    for step in 1..200_000 {
        let number = f64::from(step) * 1e-5;
        let got = ln(number);
        let want = libm::log(number);
        assert!((got - want).abs() <= 2.5e-16 * want.abs().max(1e-300), "{number} {got} {want}");
    }
    for exponent in -300..300 {
        let number = libm::exp(2.3 * f64::from(exponent));
        assert!((ln(number) - libm::log(number)).abs() <= 2.5e-16 * libm::log(number).abs(), "{number}");
    }
}

#[test]
fn sine_and_cosine_agree_with_libm() {
    for step in -20_000..20_000 {
        let turns = f64::from(step) / 8_192.0;
        let (sine, cosine) = sin_cos_turns(turns);
        let angle = core::f64::consts::TAU * (turns - turns.round());
        assert!((sine - libm::sin(angle)).abs() < 5e-16, "{turns}");
        assert!((cosine - libm::cos(angle)).abs() < 5e-16, "{turns}");
    }
}

#[test]
fn normal_distribution_agrees_with_erfc_in_both_tails() {
    for step in -3_700..3_700 {
        let deviate = f64::from(step) * 0.01;
        let (cdf, pdf) = normal_cdf_pdf(deviate);
        let want = 0.5 * libm::erfc(-deviate * core::f64::consts::FRAC_1_SQRT_2);
        // erfc of a rounded argument loses x^2 ulps itself.
        let tolerance = 1e-15 + 2.3e-16 * if deviate < 0.0 { deviate * deviate } else { 0.0 };
        assert!(relative(cdf, want) < tolerance, "{deviate} {cdf} {want}");
        assert!(
            relative(pdf, 0.398_942_280_401_432_7 * libm::exp(-0.5 * deviate * deviate)) < 3e-13,
            "{deviate}"
        );
    }
    assert_eq!(normal_cdf_pdf(f64::INFINITY).0, 1.0);
    assert_eq!(normal_cdf_pdf(f64::NEG_INFINITY).0, 0.0);
    assert!(normal_cdf_pdf(f64::NAN).0.is_nan());
}
