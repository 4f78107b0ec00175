use super::*;

const DAY_US: i64 = 86_400_000_000;

/// The time of a syslog stamp in an object of a name, given the `time` object and the job's range in days of RFC 3339.
fn dated(time_object: &str, name: &str, range: Option<(&str, &str)>, record: &str) -> String {
    let instant = |it: &str| format!("{it}T00:00:00Z").parse::<jiff::Timestamp>().unwrap().as_microsecond();
    let input: TimeInput = serde_json::from_str(time_object).unwrap();
    let rules = input.compile(range.map(|(from, to)| (instant(from), instant(to)))).unwrap();
    let layouts = rules.layouts(name, format!("{record}\n{record}\n").as_bytes());
    time(&layouts, record).replace("T00:00:00.000000Z", "")
}

fn day(time_object: &str, name: &str, range: Option<(&str, &str)>, day: &str) -> String {
    dated(time_object, name, range, &format!("{day} 00:00:00 host x"))
}

#[test]
fn the_year_is_the_inputs_then_the_names_then_the_ranges() {
    let range = Some(("2024-01-01", "2024-12-31"));
    assert_eq!(day(r#"{"year": 2005}"#, "2026-11-30.log", range, "Nov  9"), "2005-11-09");
    assert_eq!(day("{}", "2026-11-30.log", range, "Nov  9"), "2026-11-09");
    assert_eq!(day("{}", "logs/2026/app.log", range, "Nov  9"), "2026-11-09");
    assert_eq!(day("{}", "app.log", range, "Nov  9"), "2024-11-09");
    assert_eq!(day("{}", "app.log", None, "Nov  9"), "NoYear");
}

#[test]
fn a_file_of_new_year_has_days_of_two_years() {
    assert_eq!(day("{}", "syslog-20270101.gz", None, "Dec 31"), "2026-12-31");
    assert_eq!(day("{}", "syslog-20270101.gz", None, "Jan  1"), "2027-01-01");
    assert_eq!(day("{}", "logs/2026/12/31/a.log", None, "Jan  1"), "2027-01-01");
    assert_eq!(day("{}", "syslog-20261130.gz", None, "Jan  5"), "2026-01-05");
    assert_eq!(day("{}", "syslog-20261130.gz", None, "Dec  5"), "2026-12-05");
}

#[test]
fn a_range_tells_the_year_that_is_in_it_or_nearest() {
    let new_year = Some(("2026-12-30", "2027-01-03"));
    assert_eq!(day("{}", "a", new_year, "Dec 31"), "2026-12-31");
    assert_eq!(day("{}", "a", new_year, "Jan  1"), "2027-01-01");
    assert_eq!(day("{}", "a", new_year, "Feb  1"), "2027-02-01");
    assert_eq!(day("{}", "a", new_year, "Nov  1"), "2026-11-01");
    let january = Some(("2027-01-02", "2027-01-03"));
    assert_eq!(day("{}", "a", january, "Dec 31"), "2026-12-31");
    // Both years are in the range, so it does not tell.
    assert_eq!(day("{}", "a", Some(("2024-01-01", "2026-01-01")), "Nov  9"), "NoYear");
    assert_eq!(day("{}", "a", Some(("2024-01-01", "2025-06-01")), "Nov  9"), "2024-11-09");
    let all = TimeInput::default().compile(Some((i64::MIN, i64::MAX))).unwrap();
    let layouts = all.layouts("a", b"Nov  9 00:00:00 x\n");
    assert_eq!(time(&layouts, "Nov  9 00:00:00 x"), "NoYear");
}

#[test]
fn a_leap_day_is_of_a_leap_year() {
    assert_eq!(day(r#"{"year": 2024}"#, "a", None, "Feb 29"), "2024-02-29");
    assert_eq!(day(r#"{"year": 2026}"#, "a", None, "Feb 29"), "NoSuchDay");
    assert_eq!(day("{}", "syslog-20260301", None, "Feb 29"), "NoSuchDay");
    assert_eq!(day("{}", "a", Some(("2024-02-01", "2024-03-01")), "Feb 29"), "2024-02-29");
    assert_eq!(day("{}", "a", Some(("2025-02-01", "2025-03-01")), "Feb 29"), "2024-02-29");
    assert_eq!(day("{}", "a", Some(("1902-02-01", "1902-03-01")), "Feb 29"), "1904-02-29");
}

#[test]
fn a_time_of_day_is_of_the_day_in_the_name() {
    assert_eq!(dated("{}", "app-2026-11-30.log", None, "00:00:00 x"), "2026-11-30");
    assert_eq!(dated("{}", "2026/11/app.log", None, "00:00:00 x"), "NoDate");
    assert_eq!(dated(r#"{"year": 2026}"#, "app.log", None, "00:00:00 x"), "NoDate");
}

#[test]
fn the_report_says_where_the_year_comes_from() {
    let name = |time: &str, range: Option<(i64, i64)>, object: &str, line: &str| {
        let input: TimeInput = serde_json::from_str(time).unwrap();
        input.compile(range).unwrap().layouts(object, line.as_bytes()).name()
    };
    let line = "Nov 30 21:08:33 x\n";
    assert_eq!(name(r#"{"year": 2005}"#, None, "a", line), "syslog (year 2005)");
    assert_eq!(name("{}", None, "a/2026/11/30/b", line), "syslog (year 2026)");
    assert_eq!(name("{}", Some((0, DAY_US)), "a", line), "syslog (year by the range)");
    assert_eq!(name("{}", None, "a", line), "syslog (no year)");
    assert_eq!(name("{}", None, "a", "21:08:33 x\n"), "time (no date)");
}

#[test]
fn names_hold_dates_in_the_ways_that_are_usual() {
    let shown = |name: &str| {
        let Some(it) = times_in_name(name) else { return "-".to_owned() };
        let parts = [it.month, it.day, it.hour].into_iter().flatten();
        parts.fold(it.year.to_string(), |shown, part| format!("{shown} {part:02}"))
    };
    for (name, expected) in [
        ("logs/2026/11/30/21/app.log", "2026 11 30 21"),
        ("logs/2026/11/30/app.log", "2026 11 30"),
        ("logs/2026/11/app.log", "2026 11"),
        ("logs/2026/app.log", "2026"),
        ("syslog-20261130.gz", "2026 11 30"),
        ("app-2026-11-30.log", "2026 11 30"),
        ("app.log.2026-11-30-21", "2026 11 30 21"),
        ("app.log.2026-11-30.1", "2026 11 30"),
        ("app_2026_11_30.log", "2026 11 30"),
        ("app.2026.11.30.log", "2026 11 30"),
        ("app-2026-11-30T21-08-33.log", "2026 11 30 21"),
        ("app-2026-11-30_21:08.log", "2026 11 30 21"),
        ("dt=2026-11-30/hour=21/a", "2026 11 30 21"),
        ("year=2026/month=11/day=30/hour=21/a", "2026 11 30 21"),
        ("y=2026/m=11/d=30/a", "2026 11 30"),
        (
            "AWSLogs/123456789012/CloudTrail/eu-west-1/2026/11/30/123456789012_CloudTrail_eu-west-1_20261130T2110Z_a.json.gz",
            "2026 11 30 21",
        ),
        ("AWSLogs/200001010000/vpcflowlogs/eu-west-1/2026/11/30/a.log.gz", "2026 11 30"),
        ("EMLARXS9EXAMPLE.2026-11-30-21.RT4KCN4SGK9.gz", "2026 11 30 21"),
        ("2026-11-30-21-32-16-E568B2907131C0C0", "2026 11 30 21"),
        ("backup-20261130210833.tar", "2026 11 30 21"),
        ("backup-2026113021.tar", "2026 11 30 21"),
        ("a/2025/01/01/b-2026-11-30.log", "2026 11 30"),
        ("2026-11-30/web-2001.log", "2026 11 30"),
        ("web-2001.log", "-"),
        ("2026-13-30.log", "-"),
        ("app-20261331.log", "-"),
        ("x20261130y.log", "-"),
        ("access_log.1", "-"),
        ("", "-"),
        ("1764536913.log", "-"),
        ("2026-02-30", "2026 02"),
        ("ü/2026/11/30", "2026 11 30"),
    ] {
        assert_eq!(shown(name), expected, "{name}");
    }
}
