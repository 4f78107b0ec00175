use super::super::super::dates::calendar::{Adjustment, Calendar, Rule};
use super::super::super::dates::schedule::{Grid, Schedule};
use super::super::super::dates::{DayCount, Frequency};
use super::super::super::market::Market;
use super::super::super::table::iso_date;
use super::*;

fn date(text: &str) -> NaiveDate {
    iso_date(text).unwrap()
}

fn flat(rate: f64) -> ZeroCurve {
    let json = format!(
        r#"{{"valuation_date": "2026-01-15", "report_currency": "USD", "curves": {{"USD": {{"currency": "USD",
        "points": [{{"tenor": 1, "rate": {rate}}}]}}}}}}"#
    );
    Market::parse("market.json", json.as_bytes()).unwrap().curve(0).unwrap().zero.clone()
}

fn government_bond(
    coupon: f64,
    start: &str,
    maturity: &str,
    frequency: Frequency,
    rule: Rule,
) -> FixedLeg<'static> {
    let schedule = Schedule {
        start: Some(date(start)),
        first_coupon: None,
        last_coupon: None,
        maturity: date(maturity),
        regular: Grid::from(date(maturity), frequency),
        calendar: Calendar { rules: vec![rule], lists: Vec::new() },
        adjustment: Adjustment::Following,
        accrual_moves: false,
    };
    FixedLeg { notional: 100.0, rate: coupon, day_count: DayCount::ActActIcma, schedule }
}

/// Dirty value, then the quote.
fn assert_quoted(
    bond: &FixedLeg<'_>,
    today: &str,
    settlement: &str,
    ex_dividend: Option<ExDividend>,
    rate: f64,
    expected: [f64; 4],
) {
    let (today, settlement, curve) = (date(today), date(settlement), flat(rate));
    let dirty = present_value(&bond.bond(today, ex_dividend, &curve), 0.0);
    let quote = bond.quote(today, settlement, ex_dividend, &curve).unwrap();
    let seen = [dirty, quote.clean_price, quote.accrued_interest, quote.bond_yield.unwrap()];
    for (seen, expected) in seen.into_iter().zip(expected) {
        assert!((seen - expected).abs() < 1e-10, "{seen}, expected {expected}");
    }
}

/// Expected in these tests: QuantLib 1.44's FixedRateBond with ActualActual(ISMA), its cash flows on a flat curve, `accruedAmount` and
/// `bondYield` for the settlement day.
#[test]
fn quotes_a_bund_with_a_long_first_coupon() {
    let mut bund = government_bond(0.026, "2025-07-04", "2035-08-15", Frequency::Annual, Rule::Target);
    bund.schedule.first_coupon = Some(date("2026-08-15"));
    let expected = [100.64890601270983, 99.26060555614333, 1.417534246575336, 0.0268709973581405];
    assert_quoted(&bund, "2026-01-15", "2026-01-19", None, 0.0265, expected);
    let flows = bund.bond(date("2026-01-15"), None, &flat(0.0265));
    assert!((flows[0].amount - 2.899178).abs() < 5e-7);
    assert!(flows[1..9].iter().all(|flow| flow.amount == 100.0 * 0.026));
}

#[test]
fn quotes_a_treasury_at_the_end_of_the_month() {
    let note = government_bond(0.04, "2021-08-31", "2028-08-31", Frequency::Semiannual, Rule::UsGovt);
    let expected = [99.92421514930209, 99.91306690076348, 0.022099447513812542, 0.040456933267752855];
    assert_quoted(&note, "2026-09-01", "2026-09-02", None, 0.04, expected);
    let flows = note.bond(date("2026-09-01"), None, &flat(0.04));
    assert_eq!(flows.iter().map(|flow| flow.amount).collect::<Vec<_>>(), [2.0, 2.0, 2.0, 102.0]);
}

#[test]
fn quotes_a_gilt_with_and_without_its_next_coupon() {
    let gilt = government_bond(0.0425, "2025-03-07", "2036-03-07", Frequency::Semiannual, Rule::Uk);
    // From seven business days before; the coupon is paid on Monday, 9 March.
    let ex_dividend = Some(ExDividend::BusinessDays(7));
    let with = [99.5718272018328, 97.56423051674993, 2.0075966850828797, 0.045551429028840656];
    assert_quoted(&gilt, "2026-02-25", "2026-02-25", ex_dividend, 0.045, with);
    let without = [97.47400043512064, 97.56876078811524, -0.05870165745855971, 0.045551496630803434];
    assert_quoted(&gilt, "2026-02-27", "2026-03-02", ex_dividend, 0.045, without);
}

#[test]
fn a_bond_that_is_paid_back_by_its_settlement_has_no_quote() {
    let bond = government_bond(0.04, "2021-08-31", "2026-08-31", Frequency::Semiannual, Rule::UsGovt);
    assert_eq!(bond.quote(date("2026-08-28"), date("2026-08-31"), None, &flat(0.04)), None);
    assert!(bond.quote(date("2026-08-28"), date("2026-08-28"), None, &flat(0.04)).is_some());
}

#[test]
fn a_bond_at_par_yields_its_coupon() {
    let bond = government_bond(0.05, "2026-01-15", "2031-01-15", Frequency::Semiannual, Rule::Weekends);
    // Half a year's 2.5 % is what a price of 100 earns, whatever the days.
    let payments: Vec<(f64, f64)> =
        (1..=10).map(|n| (f64::from(n) / 2.0, if n == 10 { 1.025 } else { 0.025 })).collect();
    let rate = internal_rate(&payments, 1.0).unwrap();
    assert!((2.0 * libm::expm1(rate / 2.0) - 0.05).abs() < 1e-12);
    assert!(
        bond.quote(date("2026-01-15"), date("2026-01-15"), None, &flat(-0.3)).unwrap().bond_yield.unwrap()
            < 0.0
    );
    assert_eq!(internal_rate(&payments, -1.0), None);
}
