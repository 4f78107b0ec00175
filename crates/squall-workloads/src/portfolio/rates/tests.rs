use super::super::dates::Frequency;
use super::super::dates::calendar::{Adjustment, Calendar};
use super::super::dates::schedule::Grid;
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

fn schedule(start: &str, maturity: &str, frequency: Frequency) -> Schedule<'static> {
    Schedule {
        start: Some(date(start)),
        first_coupon: None,
        last_coupon: None,
        maturity: date(maturity),
        regular: Grid::from(date(maturity), frequency),
        calendar: Calendar::default(),
        adjustment: Adjustment::Unadjusted,
        accrual_moves: false,
    }
}

fn leg(
    start: &str,
    maturity: &str,
    frequency: Frequency,
    day_count: DayCount,
    rate: f64,
) -> FixedLeg<'static> {
    FixedLeg { notional: 1000.0, rate, day_count, schedule: schedule(start, maturity, frequency) }
}

/// The floating side beside a fixed one, with its own frequency.
fn floating(
    fixed: &FixedLeg<'static>,
    frequency: Frequency,
    day_count: DayCount,
    fixing: Option<Fixing>,
) -> FloatingLeg<'static> {
    let schedule = fixed.schedule.clone();
    let regular = Grid { frequency, ..schedule.regular };
    FloatingLeg { schedule: Schedule { regular, ..schedule }, day_count, fixing }
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
        assert_close(present_value(&bond.bond(today(), None, &curve(interpolation)), 0.0), expected);
    }
}

#[test]
fn values_swaps_as_quantlib_does() {
    // QuantLib 1.44: VanillaSwap on one curve, unadjusted, ibor index with the past fixing; NPV of 10 million.
    use {DayCount as D, Frequency as F};
    let million = |leg: FixedLeg<'static>| FixedLeg { notional: 1e7, ..leg };
    let fixed = million(leg("2025-06-17", "2030-06-17", F::Semiannual, D::Thirty360, 0.041));
    let leg_of_fixing = floating(&fixed, F::Quarterly, D::Act360, Some(Fixing::Rate(0.0432)));
    let running = Swap { fixed, pays_fixed: true, floating: leg_of_fixing };
    assert_close(
        present_value(&running.cash_flows(today(), None, &curve("linear_zero")), 0.0),
        4331.77158935,
    );

    let fixed = million(leg("2026-07-15", "2031-07-15", F::Annual, D::ThirtyE360, 0.025));
    let no_fixing = floating(&fixed, F::Annual, D::ThirtyE360, None);
    let forward_starting = Swap { fixed, pays_fixed: false, floating: no_fixing };
    let value =
        present_value(&forward_starting.cash_flows(today(), None, &curve("log_linear_discount")), 0.0);
    assert_close(value, -757311.84246297);

    let fixed = million(leg("2026-01-15", "2029-01-15", F::Annual, D::Act365Fixed, 0.04));
    let leg_of_fixing = floating(&fixed, F::Annual, D::Act365Fixed, Some(Fixing::Rate(0.0404)));
    let starting_today = Swap { fixed, pays_fixed: true, floating: leg_of_fixing };
    assert_close(
        present_value(&starting_today.cash_flows(today(), None, &curve("linear_zero")), 0.0),
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

/// A quarter of the way into a year, a rate that the curve says for the other three quarters is taken for the whole.
#[test]
fn a_projected_fixing_earns_the_curves_rate_over_the_whole_period() {
    let fixed = leg("2025-10-15", "2030-10-15", Frequency::Annual, DayCount::Thirty360, 0.0);
    let end = date("2026-10-15");
    let curve = curve("linear_zero");
    let [of_now, of_end, of_maturity] = [today(), end, fixed.schedule.maturity].map(|day| {
        let years = years_between(today(), day);
        libm::exp(-curve.zero_rate(years) * years)
    });
    assert_eq!(of_now, 1.0);
    let projected = (1.0 / of_end - 1.0) * 365.0 / 273.0;
    let swap = |fixing| Swap {
        pays_fixed: true,
        floating: floating(&fixed, Frequency::Annual, DayCount::Act360, fixing),
        fixed: fixed.clone(),
    };
    let value = |fixing| present_value(&swap(fixing).cash_flows(today(), None, &curve), 0.0);
    assert_close(value(Some(Fixing::Projected)), 1000.0 * (of_end * (1.0 + projected) - of_maturity));
    // As if that had been the fixing.
    assert_close(value(Some(Fixing::Projected)), value(Some(Fixing::Rate(projected * 360.0 / 365.0))));
}

#[test]
fn a_floating_note_is_worth_par_when_it_resets_and_its_spread_on_top() {
    let fixed = leg("2026-01-15", "2029-01-15", Frequency::Semiannual, DayCount::Act360, 0.01);
    let curve = curve("log_linear_discount");
    let note = |spread| FloatingNote {
        face: 1000.0,
        spread,
        floating: floating(&fixed, Frequency::Semiannual, DayCount::Act360, None),
    };
    assert_eq!(present_value(&note(0.0).cash_flows(today(), None, &curve), 0.0), 1000.0);
    let face = present_value(&zero_bond(1000.0, years_between(today(), date("2029-01-15")), &curve), 0.0);
    let coupons = present_value(&fixed.bond(today(), None, &curve), 0.0) - face;
    assert_close(present_value(&note(0.01).cash_flows(today(), None, &curve), 0.0), 1000.0 + coupons);
    let quote = note(0.01).quote(today(), &curve);
    assert_eq!((quote.accrued_interest, quote.bond_yield), (0.0, None));
    assert_close(quote.clean_price, (1000.0 + coupons) / 10.0);
}

#[test]
fn paying_and_receiving_cancel_and_a_shift_moves_every_flow() {
    let fixed = leg("2025-06-17", "2030-06-17", Frequency::Quarterly, DayCount::Act360, 0.04);
    let curve = curve("log_linear_discount");
    let [payer, receiver] = [true, false].map(|pays_fixed| {
        let floating = floating(&fixed, Frequency::Quarterly, DayCount::Act360, Some(Fixing::Rate(0.03)));
        Swap { fixed: fixed.clone(), pays_fixed, floating }.cash_flows(today(), None, &curve)
    });
    for shift in [-0.01, 0.0, 0.02] {
        assert_eq!(present_value(&payer, shift), -present_value(&receiver, shift));
    }
    let bond = zero_bond(1000.0, 2.0, &curve);
    assert_close(present_value(&bond, 0.01), 1000.0 * libm::exp(-0.05 * 2.0));
}
