use super::*;

/// Checks lines of `line -> what is seen`.
#[track_caller]
fn check(table: &str) {
    for row in table.lines().map(str::trim).filter(|it| !it.is_empty()) {
        let (line, expected) = row.split_once(" -> ").unwrap();
        assert_eq!(seen(&line.replace("<TAB>", "\t")), expected, "{line}");
    }
}

#[test]
fn dates_of_iso_8601_are_read_with_every_separator_fraction_and_offset() {
    check(
        "2026-11-30T21:08:33Z started -> rfc3339: 2026-11-30T21:08:33.000000Z
         2026-11-30t21:08:33.5z started -> rfc3339: 2026-11-30T21:08:33.500000Z
         2026-11-30 21:08:33,123 started -> rfc3339: 2026-11-30T21:08:33.123000Z
         2026-11-30 21:08:33:123 started -> rfc3339: 2026-11-30T21:08:33.123000Z
         2026-11-30 21:08:33.123456789 started -> rfc3339: 2026-11-30T21:08:33.123456Z
         2026-11-30T21:08:33.999999999+05:30 x -> rfc3339: 2026-11-30T15:38:33.999999Z
         2026-11-30T21:08:33-0800 x -> rfc3339: 2026-12-01T05:08:33.000000Z
         2026-11-30 21:08:33.1+02 x -> rfc3339: 2026-11-30T19:08:33.100000Z
         2026-11-30 21:08:33 +02 x -> rfc3339: 2026-11-30T19:08:33.000000Z
         2026-11-30 21:08:33 -0330 x -> rfc3339: 2026-12-01T00:38:33.000000Z
         2026-11-30 21:08:33 UTC x -> rfc3339: 2026-11-30T21:08:33.000000Z
         2026-11-30 21:08:33 GMT+01:00 x -> rfc3339: 2026-11-30T20:08:33.000000Z
         2026-11-30T21:08:33−01:00 x -> rfc3339: 2026-11-30T22:08:33.000000Z
         2026-11-30T21:08:33-00:00 x -> rfc3339: 2026-11-30T21:08:33.000000Z
         2026-11-30T21:08Z x -> rfc3339-minutes: 2026-11-30T21:08:00.000000Z
         20261130T210833Z x -> iso8601-basic: 2026-11-30T21:08:33.000000Z
         20261130210833 x -> digits: 2026-11-30T21:08:33.000000Z
         20261130-21:08:33:123|step -> ymd-digits: 2026-11-30T21:08:33.123000Z",
    );
}

#[test]
fn other_dates_that_begin_with_the_year_are_read() {
    check(
        "2026/11/30 21:08:33 [error] 7#7: x -> ymd-slashes: 2026-11-30T21:08:33.000000Z
         2026/11/30 21:08:33.123456 main.go:7: x -> ymd-slashes: 2026-11-30T21:08:33.123456Z
         26/11/30 21:08:33 INFO x -> yy-slashes: 2026-11-30T21:08:33.000000Z
         99/12/31 21:08:33 INFO x -> yy-slashes: 1999-12-31T21:08:33.000000Z
         26-11-30 21:08:33 INFO x -> yy-dashes: 2026-11-30T21:08:33.000000Z
         261130 210833 148 INFO x -> hdfs: 2026-11-30T21:08:33.000000Z
         261130  9:08:33 mysqld started -> mysql: 2026-11-30T09:08:33.000000Z
         2026-11-30-21.08.33.123456 R02 RAS x -> bgl: 2026-11-30T21:08:33.123456Z
         2026-11-30_21:08:33 x -> underscore: 2026-11-30T21:08:33.000000Z
         2026-11-30<TAB>21:08:33<TAB>FRA2<TAB>1045 -> cloudfront: 2026-11-30T21:08:33.000000Z
         2026.11.30 21:08:33 x -> ymd-dots: 2026-11-30T21:08:33.000000Z",
    );
}

#[test]
fn dates_with_the_name_of_a_month_are_read() {
    check(
        "Nov 30 21:08:33 host cron[7]: x -> syslog (year 2026): 2026-11-30T21:08:33.000000Z
         Nov  9 12:01:01 host cron[7]: x -> syslog (year 2026): 2026-11-09T12:01:01.000000Z
         Nov 9 12:01:01.5 host cron[7]: x -> syslog (year 2026): 2026-11-09T12:01:01.500000Z
         <13>Nov 30 21:08:33 host x -> syslog (year 2026): 2026-11-30T21:08:33.000000Z
         <165>1 2026-11-30T21:08:33.000003-07:00 host app - - - x -> rfc3339: 2026-12-01T04:08:33.000003Z
         Nov 30 2026 21:08:33: %ASA-6-1: x -> syslog-year: 2026-11-30T21:08:33.000000Z
         [Mon Nov 30 21:08:33 2026] [error] x -> asctime: 2026-11-30T21:08:33.000000Z
         [Mon Nov 30 21:08:33.123456 2026] [core:error] x -> asctime: 2026-11-30T21:08:33.123456Z
         Mon Nov  9 21:08:33 2026 +0100 x -> asctime: 2026-11-09T20:08:33.000000Z
         Mon Nov 30 21:08:33 UTC 2026 x -> ctime: 2026-11-30T21:08:33.000000Z
         Mon Nov 30 21:08:33 CEST 2026 x -> ctime: 2026-11-30T21:08:33.000000Z
         Mon Nov 30 21:08:33 -0500 2026 x -> ctime: 2026-12-01T02:08:33.000000Z
         Mon Nov 30 2026 21:08:33 GMT+0100 (CET) x -> javascript: 2026-11-30T20:08:33.000000Z
         Mon, 30 Nov 2026 21:08:33 +0000 x -> rfc2822: 2026-11-30T21:08:33.000000Z
         Monday, 30-Nov-2026 21:08:33 GMT x -> rfc2822: 2026-11-30T21:08:33.000000Z
         7:M 30 Nov 2026 21:08:33.123 * Ready -> day-month-year: 2026-11-30T21:08:33.123000Z
         30-Nov-2026 21:08:33.123 queries: x -> day-month-year: 2026-11-30T21:08:33.123000Z
         [7] 30 Nov 21:08:33.123 * Ready -> day-month (year 2026): 2026-11-30T21:08:33.123000Z
         Nov 30, 2026 9:08:33 PM org.App main -> java: 2026-11-30T21:08:33.000000Z
         November 30, 2026, 12:08:33 AM x -> java: 2026-11-30T00:08:33.000000Z
         Nov 30, 2026 12:08 pm x -> java: 2026-11-30T12:08:00.000000Z
         Nov 30, 2026 @ 21:08:33.123 x -> java: 2026-11-30T21:08:33.123000Z",
    );
}

#[test]
fn records_of_web_servers_are_read() {
    check(
        r#"10.0.0.7 - - [30/Nov/2026:21:08:33 +0100] "GET / HTTP/1.1" 200 1 -> clf: 2026-11-30T20:08:33.000000Z
         79a5 bucket [30/Nov/2026:21:08:33 +0000] 10.0.0.7 - 3E57 REST.GET.OBJECT -> clf: 2026-11-30T21:08:33.000000Z
         time:[30/Nov/2026:21:08:33 +0000]	host:10.0.0.7 -> clf: 2026-11-30T21:08:33.000000Z
         https 2026-11-30T21:08:33.186641Z app/my-lb/50dc 10.0.0.7:443 - 0.1 -> rfc3339: 2026-11-30T21:08:33.186641Z
         1796072913.774    116 10.0.0.7 TCP_MISS/200 4782 GET -> epoch-s: 2026-11-30T21:08:33.774000Z"#,
    );
}

#[test]
fn numbers_since_1970_are_read_in_every_unit() {
    check(
        "1796072913 started -> epoch-s: 2026-11-30T21:08:33.000000Z
         - 1796072913 2026.11.30 dn228 Nov 30 21:08:33 x -> epoch-s: 2026-11-30T21:08:33.000000Z
         level=info ts=1796072913123 msg=x -> epoch-ms: 2026-11-30T21:08:33.123000Z
         a,b,1796072913123456,c -> epoch-us: 2026-11-30T21:08:33.123456Z
         1796072913123456789 x -> epoch-ns: 2026-11-30T21:08:33.123456Z
         type=SYSCALL msg=audit(1796072913.123:24287): arch=c000003e -> epoch-s: 2026-11-30T21:08:33.123000Z",
    );
}

#[test]
fn stamps_without_a_year_or_a_date_take_them_from_the_name() {
    check(
        "I1130 21:08:33.123456    7 main.go:7] x -> klog (year 2026): 2026-11-30T21:08:33.123456Z
         E20261130 21:08:33.123456    7 main.cc:7] x -> glog: 2026-11-30T21:08:33.123456Z
         11-30 21:08:33.123  7  7 I Zygote: x -> android (year 2026): 2026-11-30T21:08:33.123000Z
         21:08:33.123 [main] INFO x -> time (2026-11-30): 2026-11-30T21:08:33.123000Z
         9:08:33 PM x -> time (2026-11-30): 2026-11-30T21:08:33.000000Z",
    );
}

#[test]
fn the_order_of_day_and_month_is_read_off_a_field_beyond_twelve() {
    check(
        "11/30/2026 09:08:33 PM x -> mdy: 2026-11-30T21:08:33.000000Z
         11/30/2026, 9:08:33 PM x -> mdy: 2026-11-30T21:08:33.000000Z
         30/11/2026 21:08:33 x -> dmy: 2026-11-30T21:08:33.000000Z
         30-11-2026 21:08:33.5 x -> dmy: 2026-11-30T21:08:33.500000Z
         30.11.2026 21:08:33 x -> dmy-dots: 2026-11-30T21:08:33.000000Z",
    );
    let layouts = detected(&["03/04/2026 01:00:00 a", "03/14/2026 01:00:00 b"]);
    assert_eq!(time(&layouts, "03/04/2026 01:00:00 a"), "2026-03-04T01:00:00.000000Z");
    let unclear = detected(&["03/04/2026 01:00:00 a", "05/06/2026 01:00:00 b"]);
    let reason = "whether day or month comes first is not clear: name %m/%d/%Y or %d/%m/%Y in time.format";
    assert_eq!(unclear.name(), format!("none ({reason})"));
    assert_eq!(time(&unclear, "03/04/2026 01:00:00 a"), "-");
    let mixed = detected(&["13/04/2026 01:00:00 a", "04/13/2026 01:00:00 b"]);
    assert!(mixed.name().starts_with("none (some dates have the day first"), "{}", mixed.name());
}

#[test]
fn the_start_of_a_flow_is_in_the_field_that_the_header_names() {
    let flow = "2 123456789012 eni-1 10.0.0.7 10.0.0.8 2 22 6 20 4249 1796072913 1796072973 ACCEPT OK";
    let none = "2 123456789012 eni-1 - - - - - - - 1796072914 1796072974 - NODATA";
    let layouts = detected(&[flow, none]);
    assert_eq!(layouts.name(), "vpc-flow");
    assert_eq!(time(&layouts, flow), "2026-11-30T21:08:33.000000Z");
    assert_eq!(time(&layouts, none), "2026-11-30T21:08:34.000000Z");
    let standard = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end \
                    action log-status";
    assert_eq!(time(&detected(&[standard, flow]), flow), "2026-11-30T21:08:33.000000Z");
    let layouts =
        detected(&["bytes end start srcaddr action", "1700000000 1796072973 1796072913 10.0.0.7 ACCEPT"]);
    assert_eq!(
        time(&layouts, "1700000000 1796072973 1796072913 10.0.0.7 ACCEPT"),
        "2026-11-30T21:08:33.000000Z"
    );
    assert_eq!(time(&layouts, "bytes end start srcaddr action"), "-");
}

#[test]
fn what_only_looks_like_a_stamp_is_none() {
    let all = detected(&["2026-11-30 21:08:33 a", "Nov 30 21:08:33 b", "26/11/30 21:08:33 d"]);
    for record in [
        "1234-56-78 21:08:33 a",
        "2026-13-01 21:08:33 a",
        "2026-02-29 21:08:33x a",
        "2026-11-31T21:08:33x",
        "2026-11-30T24:00:00",
        "2026-11-30T21:60:00",
        "2026-11-30T21:08:61",
        "2026-11-30T21:08:33.1234567890",
        "x2026-11-30T21:08:33",
        "2026-11-30T21:08:33Zx",
        "2026-11-30T21:08:33+25:00",
        "Feb 30 21:08:33",
        "Nov 31 21:08:33",
        "Non 30 21-08-33 b",
        "Novem 30 210833 b",
        "",
        "\u{feff}",
    ] {
        assert_eq!(time(&all, record), "-", "{record}");
    }
    assert_eq!(time(&all, "2026-11-30T23:59:60Z"), "2026-11-30T23:59:59.999999Z");
}

#[test]
fn the_first_place_counts_within_the_first_256_bytes() {
    let layouts = detected(&["2026-11-30 21:08:33 a"]);
    let first = "app.log.2025-01-01 [2026-11-30 21:08:33] \"2027-01-01 00:00:00\"";
    assert_eq!(time(&layouts, first), "2026-11-30T21:08:33.000000Z");
    for (blanks, expected) in [(255, "2026-11-30T21:08:33.000000Z"), (256, "-")] {
        assert_eq!(time(&layouts, &format!("{}2026-11-30 21:08:33", " ".repeat(blanks))), expected);
    }
    for mark in ["\u{feff}", "\u{1b}[2m", "\u{1b}[38;5;244m"] {
        let line = format!("{mark}2026-11-30 21:08:33\u{1b}[0m x");
        assert_eq!(time(&layouts, &line), "2026-11-30T21:08:33.000000Z");
    }
}

#[test]
fn a_comma_behind_seconds_may_end_a_column() {
    let layouts = detected(&["2026-11-30 21:08:33,a"]);
    for line in
        ["2026-11-30 21:08:33,a,7", "2026-11-30 21:08:33,140234567890123,7", "\"2026-11-30 21:08:33\",7"]
    {
        assert_eq!(time(&layouts, line), "2026-11-30T21:08:33.000000Z");
    }
}

#[test]
fn lines_that_seldom_have_a_layout_do_not_decide() {
    let mut lines = vec!["2026-11-30 21:08:33 a"; 30];
    lines.push("Nov 30 21:08:33 b");
    assert_eq!(detected(&lines).name(), "rfc3339");
    lines.push("Nov 30 21:08:34 b");
    assert_eq!(detected(&lines).name(), "rfc3339, syslog (no year)");
    let many = [
        "2026-11-30 21:08:33",
        "Nov 30 21:08:33",
        "26/11/30 21:08:33",
        "2026.11.30 21:08:33",
        "2026/11/30 21:08:33",
    ];
    assert_eq!(detected(&many.map(|it| it)).name().split(", ").count(), 4);
    // A time of day in a message is not the record's.
    let message = ["2026-11-30 21:08:33 a", "  at 09:00:00", "2026-11-30 21:08:33 a", "  at 09:00:00"];
    assert_eq!(detected(&message).name(), "rfc3339");
    assert_eq!(detected(&["a", "b", "1.2.3.4"]).name(), "none");
    assert_eq!(detected(&[]).name(), "none");
}

#[test]
fn identifiers_that_are_always_the_same_are_no_times() {
    let lines = [
        "1796072913 2026-11-30 21:08:33 a",
        "1796072913 2026-11-30 21:08:34 b",
        "1796072913 2026-11-30 21:08:35 c",
    ];
    assert_eq!(detected(&lines).name(), "rfc3339");
    let account = ["x 733456789012 a", "x 733456789012 b", "x 733456789012 c"];
    assert_eq!(detected(&account).name(), "none");
    let spread = ["900000000 a", "1100000000 b", "1500000000 c"];
    assert_eq!(detected(&spread).name(), "none");
}

#[test]
fn a_head_that_breaks_off_decides_by_its_whole_lines() {
    let mut head = "2026-11-30 21:08:33 a\n".repeat(65_536 / 22 + 1).into_bytes();
    head.truncate(65_536);
    let rules = rules("{}").unwrap();
    assert_eq!(rules.layouts("a.log", &head).name(), "rfc3339");
    let one_line = [b"Nov 30 21:08:33 ".as_slice(), &[b'x'; 65_520]].concat();
    assert_eq!(rules.layouts("a.log", &one_line).name(), "syslog (no year)");
}
