use std::fmt::Write;

use expect_test::expect;

use super::super::super::table::iso_date;
use super::super::DayCount;
use super::super::calendar::Rule;
use super::*;

fn date(text: &str) -> NaiveDate {
    iso_date(text).unwrap()
}

fn plain(start: Option<&str>, maturity: &str, frequency: Frequency) -> Schedule<'static> {
    let maturity = date(maturity);
    Schedule {
        start: start.map(date),
        first_coupon: None,
        last_coupon: None,
        maturity,
        regular: Grid::from(maturity, frequency),
        calendar: Calendar::default(),
        adjustment: Adjustment::Unadjusted,
        accrual_moves: false,
    }
}

/// The dates between the periods.
fn dates(periods: &[Period]) -> String {
    let first = periods.first().map(|it| it.start);
    let dates: Vec<String> =
        first.into_iter().chain(periods.iter().map(|it| it.end)).map(|it| it.to_string()).collect();
    dates.join(" ")
}

#[test]
fn rolls_back_from_maturity_with_a_short_front_stub_and_month_ends() {
    // The same dates as QuantLib's Schedule(..., Unadjusted, DateGeneration::Backward, endOfMonth) gives.
    let mut seen = String::new();
    for (after, start, maturity, frequency) in [
        ("2024-05-20", Some("2024-05-20"), "2027-02-28", Frequency::Quarterly),
        ("2025-01-15", Some("2025-03-31"), "2026-08-31", Frequency::Semiannual),
        ("2025-12-29", Some("2025-12-29"), "2026-05-29", Frequency::Monthly),
        // Only what is paid after the day; without a start all periods are regular.
        ("2026-05-31", None, "2028-05-31", Frequency::Annual),
        ("2028-05-30", None, "2028-05-31", Frequency::Annual),
        ("2028-05-31", None, "2028-05-31", Frequency::Annual),
        // Further back than the calendar goes.
        ("0001-01-01", None, "0001-03-15", Frequency::Annual),
    ] {
        let periods = plain(start, maturity, frequency).periods_after(date(after));
        for period in &periods {
            assert!(period.start < period.end && period.end > date(after) && period.pay == period.end);
        }
        assert!(periods.windows(2).all(|pair| pair[0].end == pair[1].start));
        writeln!(seen, "{}", dates(&periods)).unwrap();
    }
    expect![[r#"
        2024-05-20 2024-05-31 2024-08-31 2024-11-30 2025-02-28 2025-05-31 2025-08-31 2025-11-30 2026-02-28 2026-05-31 2026-08-31 2026-11-30 2027-02-28
        2025-03-31 2025-08-31 2026-02-28 2026-08-31
        2025-12-29 2026-01-29 2026-02-28 2026-03-29 2026-04-29 2026-05-29
        2026-05-31 2027-05-31 2028-05-31
        2027-05-31 2028-05-31

        0000-03-15 0001-03-15
    "#]].assert_eq(&seen);
}

#[test]
fn first_and_last_periods_are_as_long_as_they_are_said_to_be() {
    let mut seen = String::new();
    for (first, last, maturity) in [
        (Some("2026-03-15"), None, "2027-09-15"),
        (Some("2026-09-15"), None, "2027-09-15"),
        (None, Some("2027-03-15"), "2027-06-01"),
        (Some("2026-09-15"), Some("2027-03-15"), "2027-12-01"),
        // The last regular date is the first one, too.
        (Some("2026-09-15"), Some("2026-09-15"), "2027-04-01"),
    ] {
        let regular = Grid::from(date(last.unwrap_or(maturity)), Frequency::Semiannual);
        let schedule = Schedule {
            first_coupon: first.map(date),
            last_coupon: last.map(date),
            regular,
            ..plain(Some("2026-01-20"), maturity, Frequency::Semiannual)
        };
        writeln!(seen, "{}", dates(&schedule.periods_after(date("2026-01-20")))).unwrap();
    }
    expect![[r#"
        2026-01-20 2026-03-15 2026-09-15 2027-03-15 2027-09-15
        2026-01-20 2026-09-15 2027-03-15 2027-09-15
        2026-01-20 2026-03-15 2026-09-15 2027-03-15 2027-06-01
        2026-01-20 2026-09-15 2027-03-15 2027-12-01
        2026-01-20 2026-09-15 2027-04-01
    "#]]
    .assert_eq(&seen);
}

#[test]
fn month_ends_are_a_choice() {
    let mut seen = String::new();
    for (maturity, end_of_month) in
        [("2027-06-30", true), ("2027-06-30", false), ("2027-02-28", true), ("2027-02-28", false)]
    {
        let regular = Grid { anchor: date(maturity), frequency: Frequency::Semiannual, end_of_month };
        let schedule = Schedule { regular, ..plain(None, maturity, Frequency::Semiannual) };
        writeln!(seen, "{}", dates(&schedule.periods_after(date("2026-01-01")))).unwrap();
    }
    expect![[r#"
        2025-12-31 2026-06-30 2026-12-31 2027-06-30
        2025-12-30 2026-06-30 2026-12-30 2027-06-30
        2025-08-31 2026-02-28 2026-08-31 2027-02-28
        2025-08-28 2026-02-28 2026-08-28 2027-02-28
    "#]]
    .assert_eq(&seen);
}

#[test]
fn payments_move_off_holidays_and_periods_with_them_if_they_are_to() {
    let calendar = Calendar { rules: vec![Rule::Target], lists: Vec::new() };
    let adjustment = Adjustment::Following;
    let unmoved = Schedule { calendar, adjustment, ..plain(None, "2027-08-15", Frequency::Annual) };
    let [first, last] = unmoved.periods_after(date("2026-08-14"))[..] else { panic!() };
    assert_eq!((first.end, first.pay), (date("2026-08-15"), date("2026-08-17")));
    assert_eq!((last.start, last.end, last.pay), (first.end, date("2027-08-15"), date("2027-08-16")));
    // What is still to be paid counts, though its period is over.
    assert_eq!(unmoved.periods_after(date("2026-08-16")).len(), 2);
    assert_eq!(unmoved.periods_after(date("2026-08-17")).len(), 1);
    let moved = Schedule { accrual_moves: true, ..unmoved };
    let periods = moved.periods_after(date("2026-08-14"));
    assert_eq!((periods[0].end, periods[1].start), (date("2026-08-17"), date("2026-08-17")));
}

#[test]
fn icma_counts_by_regular_periods() {
    // A whole regular period is the same share of a year however many days it has; the Treasury's 31 August.
    let months = Grid::from(date("2028-08-31"), Frequency::Semiannual);
    let years = |grid: &Grid, from, to| DayCount::ActActIcma.years(date(from), date(to), grid);
    for (from, to) in
        [("2026-08-31", "2027-02-28"), ("2027-02-28", "2027-08-31"), ("2027-08-31", "2028-02-29")]
    {
        assert_eq!(years(&months, from, to), 0.5);
    }
    // The Federal Republic's DE000BU2Z056: from 4 July 2025 to its first coupon on 15 August 2026, 1 + 42/365.
    let august = Grid::from(date("2035-08-15"), Frequency::Annual);
    let first = years(&august, "2025-07-04", "2026-08-15");
    assert!((2.6 * first - 2.899178).abs() < 5e-7, "{first}");
    // ISDA's memorandum "EMU and market conventions" of 1998: 1 November 2003 to 1 May 2004; a short first period from 1 February to 1
    // July 1999 paid every 1 July; a long one from 15 August 2002 to 15 July 2003 paid every half year.
    for (anchor, frequency, from, to, expected) in [
        ("2004-05-01", Frequency::Semiannual, "2003-11-01", "2004-05-01", 182.0 / (182.0 * 2.0)),
        ("2000-07-01", Frequency::Annual, "1999-02-01", "1999-07-01", 150.0 / 365.0),
        ("2004-01-15", Frequency::Semiannual, "2002-08-15", "2003-07-15", 0.5 + 153.0 / (184.0 * 2.0)),
        ("2000-01-30", Frequency::Semiannual, "1999-07-30", "2000-01-30", 0.5),
    ] {
        let years = years(&Grid::from(date(anchor), frequency), from, to);
        assert!((years - expected).abs() < 1e-14, "{from} to {to}: {years}, expected {expected}");
    }
    assert_eq!(years(&august, "2026-08-15", "2025-08-15"), -1.0);
}

proptest::proptest! {
    #[test]
    fn periods_cover_the_time_from_the_start_without_gaps(
        start in 0_u64..20_000, length in 1_u64..20_000, months in 0_usize..4, end_of_month: bool, front in 0_i32..4, back in 0_u64..400,
    ) {
        let start = date("1990-01-01") + Days::new(start);
        let last = start + Days::new(length);
        let regular = Grid { anchor: last, frequency: Frequency::NAMES[months].1, end_of_month };
        let last = regular.date(0).unwrap();
        let first = regular.date(regular.number_by(start) + front).filter(|first| *first > start && *first <= last);
        let maturity = last + Days::new(back);
        let schedule = Schedule {
            start: Some(start),
            first_coupon: first,
            last_coupon: (back > 0).then_some(last),
            regular,
            ..plain(None, &maturity.to_string(), Frequency::Annual)
        };
        let periods = schedule.periods_after(start);
        assert_eq!(periods.first().map(|it| it.start), Some(start));
        assert_eq!(periods.last().map(|it| it.end), Some(maturity));
        assert!(periods.iter().all(|it| it.start < it.end));
        assert!(periods.windows(2).all(|pair| pair[0].end == pair[1].start));
        if let Some(first) = first {
            assert_eq!(periods.first().map(|it| it.end), Some(first));
        }
    }
}
