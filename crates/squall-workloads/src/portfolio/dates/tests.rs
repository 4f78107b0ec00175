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
    // Which regular dates there are matters to none of these.
    let regular = Grid::from(date("2026-01-15"), Frequency::Annual);
    for (from, to, expected) in table {
        for ((name, day_count), expected) in DayCount::NAMES.iter().zip(expected) {
            let years = day_count.years(date(from), date(to), &regular);
            assert!((years - expected).abs() < 1e-12, "{name} from {from} to {to}: {years}");
        }
    }
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
