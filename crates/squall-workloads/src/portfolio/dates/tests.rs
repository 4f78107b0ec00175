use std::fmt::Write;

use expect_test::expect;

use super::super::table::iso_date;
use super::*;

fn date(text: &str) -> NaiveDate {
    iso_date(text).unwrap()
}

#[test]
fn counts_days_as_quantlib_does() {
    // QuantLib 1.44: Actual365Fixed, Actual360, ActualActual(ISDA), Thirty360(BondBasis), Thirty360(EurobondBasis).
    let table = [
        ("2023-11-01", "2024-05-01", [0.498630136986, 0.505555555556, 0.497724380567, 0.5, 0.5]),
        (
            "2024-01-31",
            "2024-02-29",
            [0.079452054795, 0.080555555556, 0.079234972678, 0.080555555556, 0.080555555556],
        ),
        (
            "2024-02-29",
            "2024-08-31",
            [0.504109589041, 0.511111111111, 0.502732240437, 0.505555555556, 0.502777777778],
        ),
        ("2025-12-31", "2028-03-30", [2.246575342466, 2.277777777778, 2.245909124935, 2.25, 2.25]),
        ("2025-08-30", "2026-08-31", [1.002739726027, 1.016666666667, 1.002739726027, 1.0, 1.0]),
        ("2026-01-15", "2026-01-15", [0.0; 5]),
        (
            "2025-02-28",
            "2025-08-31",
            [0.504109589041, 0.511111111111, 0.504109589041, 0.508333333333, 0.505555555556],
        ),
    ];
    for (from, to, expected) in table {
        for ((name, day_count), expected) in DayCount::NAMES.iter().zip(expected) {
            let years = day_count.years(date(from), date(to));
            assert!((years - expected).abs() < 1e-12, "{name} from {from} to {to}: {years}");
        }
    }
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
        let periods = periods_after(date(after), start.map(date), date(maturity), frequency);
        for period in &periods {
            assert!(period.start < period.end && period.end > date(after));
        }
        assert!(periods.windows(2).all(|pair| pair[0].end == pair[1].start));
        let dates: Vec<String> = periods
            .first()
            .map(|it| it.start)
            .into_iter()
            .chain(periods.iter().map(|it| it.end))
            .map(|it| it.to_string())
            .collect();
        writeln!(seen, "{}", dates.join(" ")).unwrap();
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
fn adds_tenors_on_the_calendar() {
    let from = date("2024-01-31");
    let after = |tenor| after_tenor(from, tenor).map(|it| it.to_string());
    assert_eq!(after("10D").as_deref(), Some("2024-02-10"));
    assert_eq!(after("2W").as_deref(), Some("2024-02-14"));
    assert_eq!(after("1M").as_deref(), Some("2024-02-29"));
    assert_eq!(after("2Y").as_deref(), Some("2026-01-31"));
    for bad in ["", "M", "3m", "3Q", "-3M", "+3M", "3 M", "0.5Y", "99999999999Y", "4000000000Y", "3é", "é"]
    {
        assert_eq!(after(bad), None, "{bad}");
    }
}

proptest::proptest! {
    #[test]
    fn periods_cover_the_time_from_the_start_without_gaps(
        start in 0_u64..20_000, length in 1_u64..20_000, months in 0_usize..4,
    ) {
        let origin = date("1990-01-01");
        let start = origin + Days::new(start);
        let maturity = start + Days::new(length);
        let periods = periods_after(start, Some(start), maturity, Frequency::NAMES[months].1);
        assert_eq!(periods.first().map(|it| it.start), Some(start));
        assert_eq!(periods.last().map(|it| it.end), Some(maturity));
        assert!(periods.iter().all(|it| it.start < it.end));
        assert!(periods.windows(2).all(|pair| pair[0].end == pair[1].start));
    }
}
