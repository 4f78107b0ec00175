use super::super::market::Market;
use super::super::market::curve::ZeroCurve;
use super::super::table::iso_date;
use super::*;

fn date(text: &str) -> NaiveDate {
    iso_date(text).unwrap()
}

fn today() -> NaiveDate {
    date("2026-01-15")
}

/// 4.3 % to 90 days, 4 % to 730 days, 4.2 % to 3650 days.
fn curve(interpolation: &str) -> ZeroCurve {
    let json = format!(
        r#"{{"valuation_date": "2026-01-15", "report_currency": "USD", "curves": {{"USD": {{"currency": "USD",
        "interpolation": "{interpolation}", "points": [{{"tenor": "90D", "rate": 0.043}},
        {{"tenor": "730D", "rate": 0.04}}, {{"tenor": "3650D", "rate": 0.042}}]}}}}}}"#
    );
    Market::parse("market.json", json.as_bytes()).unwrap().curve(0).unwrap().zero.clone()
}

fn leg(start: &str, maturity: &str, frequency: Frequency, day_count: DayCount, rate: f64) -> FixedLeg {
    FixedLeg {
        notional: 1000.0,
        rate,
        frequency,
        day_count,
        start: Some(date(start)),
        maturity: date(maturity),
    }
}

fn assert_close(value: f64, expected: f64) {
    assert!((value - expected).abs() < 1e-8 * expected.abs().max(1.0), "{value}, expected {expected}");
}

#[test]
fn values_bonds_as_quantlib_does() {
    // QuantLib 1.44: FixedRateBond on an unadjusted backward schedule, DiscountingBondEngine, dirty NPV of 1000 face.
    use {DayCount as D, Frequency as F};
    for (bond, interpolation, expected) in [
        (leg("2025-10-15", "2030-10-15", F::Semiannual, D::Thirty360, 0.055), "linear_zero", 1073.1587819985),
        (
            leg("2025-10-15", "2030-10-15", F::Semiannual, D::Thirty360, 0.055),
            "log_linear_discount",
            1069.9503589682,
        ),
        (leg("2024-09-20", "2031-07-04", F::Annual, D::ActActIsda, 0.03), "linear_zero", 959.6595802659),
        (leg("2025-03-10", "2027-08-31", F::Quarterly, D::Act360, 0.0475), "linear_zero", 1017.4326058863),
        (
            leg("2026-03-01", "2029-03-01", F::Semiannual, D::ThirtyE360, 0.05),
            "log_linear_discount",
            1019.0819267974,
        ),
    ] {
        assert_close(present_value(&bond.bond(today(), &curve(interpolation)), 0.0), expected);
    }
}

#[test]
fn values_swaps_as_quantlib_does() {
    // QuantLib 1.44: VanillaSwap on one curve, unadjusted, ibor index with the past fixing; NPV of 10 million.
    use {DayCount as D, Frequency as F};
    let million = |leg: FixedLeg| FixedLeg { notional: 1e7, ..leg };
    let running = Swap {
        fixed: million(leg("2025-06-17", "2030-06-17", F::Semiannual, D::Thirty360, 0.041)),
        pays_fixed: true,
        fixing: Some(Fixing { rate: 0.0432, frequency: F::Quarterly, day_count: D::Act360 }),
    };
    assert_close(present_value(&running.cash_flows(today(), &curve("linear_zero")), 0.0), 4331.77158935);

    let forward_starting = Swap {
        fixed: million(leg("2026-07-15", "2031-07-15", F::Annual, D::ThirtyE360, 0.025)),
        pays_fixed: false,
        fixing: None,
    };
    let value = present_value(&forward_starting.cash_flows(today(), &curve("log_linear_discount")), 0.0);
    assert_close(value, -757311.84246297);

    let starting_today = Swap {
        fixed: million(leg("2026-01-15", "2029-01-15", F::Annual, D::Act365Fixed, 0.04)),
        pays_fixed: true,
        fixing: Some(Fixing { rate: 0.0404, frequency: F::Annual, day_count: D::Act365Fixed }),
    };
    assert_close(
        present_value(&starting_today.cash_flows(today(), &curve("linear_zero")), 0.0),
        9067.00270827,
    );
}

#[test]
fn values_hulls_two_year_bond() {
    // Hull, "Options, Futures, and Other Derivatives", section 4.6: 6 % semiannual on zero rates 5, 5.8, 6.4, 6.8 % for
    // 0.5, 1, 1.5, 2 years is worth 98.39.
    let flows: Vec<CashFlow> = [(0.5, 3.0, 0.05), (1.0, 3.0, 0.058), (1.5, 3.0, 0.064), (2.0, 103.0, 0.068)]
        .map(|(years, amount, zero_rate)| CashFlow { years, amount, zero_rate })
        .to_vec();
    assert!((present_value(&flows, 0.0) - 98.39).abs() < 0.005);
}

#[test]
fn a_started_swap_without_a_fixing_resets_now() {
    let fixed = leg("2025-06-17", "2030-06-17", Frequency::Annual, DayCount::Thirty360, 0.0);
    let swap = Swap { fixed, pays_fixed: true, fixing: None };
    let curve = curve("linear_zero");
    let years = years_between(today(), fixed.maturity);
    let expected = 1000.0 * (1.0 - libm::exp(-curve.zero_rate(years) * years));
    assert_close(present_value(&swap.cash_flows(today(), &curve), 0.0), expected);
}

#[test]
fn paying_and_receiving_cancel_and_a_shift_moves_every_flow() {
    let fixed = leg("2025-06-17", "2030-06-17", Frequency::Quarterly, DayCount::Act360, 0.04);
    let curve = curve("log_linear_discount");
    let [payer, receiver] =
        [true, false].map(|pays_fixed| Swap { fixed, pays_fixed, fixing: None }.cash_flows(today(), &curve));
    for shift in [-0.01, 0.0, 0.02] {
        assert_eq!(present_value(&payer, shift), -present_value(&receiver, shift));
    }
    let bond = zero_bond(1000.0, 2.0, &curve);
    assert_close(present_value(&bond, 0.01), 1000.0 * libm::exp(-0.05 * 2.0));
}
