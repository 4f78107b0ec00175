use std::fmt::Write;

use expect_test::expect;

use super::super::super::table::iso_date;
use super::*;

fn date(text: &str) -> NaiveDate {
    iso_date(text).unwrap()
}

fn by(rule: Rule) -> Calendar<'static> {
    Calendar { rules: vec![rule], lists: Vec::new() }
}

/// The weekdays of each year that are holidays, as month-day.
fn holidays(rule: Rule, years: &[i32]) -> String {
    let calendar = by(rule);
    let mut seen = String::new();
    for year in years {
        write!(seen, "{year}").unwrap();
        let days = NaiveDate::from_ymd_opt(*year, 1, 1).unwrap().iter_days().take(366);
        for day in days.filter(|day| day.year() == *year && day.weekday().number_from_monday() < 6) {
            if !calendar.is_open(day) {
                write!(seen, " {}", day.format("%m-%d")).unwrap();
            }
        }
        seen.push('\n');
    }
    seen
}

#[test]
fn target_closes_on_good_friday_easter_monday_and_the_first_of_may() {
    // The European Central Bank's lists.
    expect![[r#"
        2000 04-21 04-24 05-01 12-25 12-26
        2001 01-01 04-13 04-16 05-01 12-25 12-26 12-31
        2024 01-01 03-29 04-01 05-01 12-25 12-26
        2025 01-01 04-18 04-21 05-01 12-25 12-26
        2026 01-01 04-03 04-06 05-01 12-25
    "#]]
    .assert_eq(&holidays(Rule::Target, &[2000, 2001, 2024, 2025, 2026]));
}

#[test]
fn the_uk_has_substitute_days_and_days_of_one_year_only() {
    // gov.uk's lists of bank holidays in England and Wales: jubilees, weddings, a funeral, a coronation, the millennium.
    expect![[r#"
        1999 01-01 04-02 04-05 05-03 05-31 08-30 12-27 12-28 12-31
        2002 01-01 03-29 04-01 05-06 06-03 06-04 08-26 12-25 12-26
        2011 01-03 04-22 04-25 04-29 05-02 05-30 08-29 12-26 12-27
        2012 01-02 04-06 04-09 05-07 06-04 06-05 08-27 12-25 12-26
        2020 01-01 04-10 04-13 05-08 05-25 08-31 12-25 12-28
        2021 01-01 04-02 04-05 05-03 05-31 08-30 12-27 12-28
        2022 01-03 04-15 04-18 05-02 06-02 06-03 08-29 09-19 12-26 12-27
        2023 01-02 04-07 04-10 05-01 05-08 05-29 08-28 12-25 12-26
        2026 01-01 04-03 04-06 05-04 05-25 08-31 12-25 12-28
    "#]]
    .assert_eq(&holidays(Rule::Uk, &[1999, 2002, 2011, 2012, 2020, 2021, 2022, 2023, 2026]));
}

#[test]
fn us_government_securities_rest_on_juneteenth_and_on_most_good_fridays() {
    // SIFMA's recommendations; on 2021-04-02 and 2023-04-07 the employment report came out.
    expect![[r#"
        2012 01-02 01-16 02-20 05-28 07-04 09-03 10-08 10-30 11-12 11-22 12-25
        2021 01-01 01-18 02-15 05-31 07-05 09-06 10-11 11-11 11-25 12-24
        2022 01-17 02-21 04-15 05-30 06-20 07-04 09-05 10-10 11-11 11-24 12-26
        2023 01-02 01-16 02-20 05-29 06-19 07-04 09-04 10-09 11-23 12-25
        2024 01-01 01-15 02-19 03-29 05-27 06-19 07-04 09-02 10-14 11-11 11-28 12-25
    "#]]
    .assert_eq(&holidays(Rule::UsGovt, &[2012, 2021, 2022, 2023, 2024]));
}

#[test]
fn us_federal_holidays_on_a_weekend_are_kept_beside_it() {
    expect![[r#"
        2021 01-01 01-18 02-15 05-31 07-05 09-06 10-11 11-11 11-25 12-24 12-31
        2022 01-17 02-21 05-30 06-20 07-04 09-05 10-10 11-11 11-24 12-26
        2023 01-02 01-16 02-20 05-29 06-19 07-04 09-04 10-09 11-10 11-23 12-25
        2027 01-01 01-18 02-15 05-31 06-18 07-05 09-06 10-11 11-11 11-25 12-24 12-31
    "#]]
    .assert_eq(&holidays(Rule::UsSettlement, &[2021, 2022, 2023, 2027]));
}

#[test]
fn finds_easter_in_its_earliest_and_latest_years() {
    // The earliest and the latest of the Gregorian calendar, and some between, of the tables of the church.
    for sunday in
        ["1818-03-22", "1943-04-25", "2000-04-23", "2008-03-23", "2024-03-31", "2038-04-25", "2285-03-22"]
    {
        assert_eq!(from_easter_monday(date(sunday)), -1, "{sunday}");
    }
}

#[test]
fn a_date_moves_off_a_holiday_as_its_adjustment_says() {
    let target = by(Rule::Target);
    for (day, following, modified, preceding) in [
        // A Saturday at the end of a month; Good Friday; a Thursday.
        ("2026-01-31", "2026-02-02", "2026-01-30", "2026-01-30"),
        ("2026-04-03", "2026-04-07", "2026-04-07", "2026-04-02"),
        ("2026-04-09", "2026-04-09", "2026-04-09", "2026-04-09"),
    ] {
        let adjusted = |adjustment| target.adjusted(date(day), adjustment);
        assert_eq!(adjusted(Adjustment::Unadjusted), date(day));
        assert_eq!(adjusted(Adjustment::Following), date(following));
        assert_eq!(adjusted(Adjustment::ModifiedFollowing), date(modified));
        assert_eq!(adjusted(Adjustment::Preceding), date(preceding));
    }
}

#[test]
fn counts_business_days_both_ways() {
    let target = by(Rule::Target);
    // Over Easter.
    assert_eq!(target.after(date("2026-04-02"), 1), date("2026-04-07"));
    assert_eq!(target.after(date("2026-04-02"), 3), date("2026-04-09"));
    assert_eq!(target.after(date("2026-04-03"), 0), date("2026-04-07"));
    assert_eq!(target.before(date("2026-04-09"), 3), date("2026-04-02"));
}

#[test]
fn a_calendar_of_several_is_open_when_all_are() {
    let own = BTreeSet::from([date("2026-05-04"), date("2026-05-05")]);
    let calendar = Calendar { rules: vec![Rule::Target, Rule::Uk], lists: vec![&own] };
    // 1 May of TARGET, a weekend, the early May bank holiday and the list's days.
    assert_eq!(calendar.after(date("2026-04-30"), 1), date("2026-05-06"));
    assert_eq!(by(Rule::Weekends).after(date("2026-04-30"), 1), date("2026-05-01"));
}

#[test]
fn a_gilt_trades_without_its_coupon_from_seven_business_days_before() {
    let uk = by(Rule::Uk);
    // A Saturday.
    assert_eq!(ExDividend::BusinessDays(7).date(date("2026-03-07"), &uk), date("2026-02-26"));
    assert_eq!(ExDividend::Days(14).date(date("2026-03-07"), &uk), date("2026-02-21"));
}

#[test]
fn a_list_without_a_business_day_ends_the_search() {
    let closed: BTreeSet<NaiveDate> = date("2026-01-01").iter_days().take(1000).collect();
    let calendar = Calendar { rules: Vec::new(), lists: vec![&closed] };
    assert!(calendar.after(date("2026-01-01"), 1) > date("2026-01-01"));
}
