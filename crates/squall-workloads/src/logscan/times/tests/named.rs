use super::*;

fn problem(time: &str) -> String {
    rules(time).map(|_| String::new()).unwrap_or_else(|problem| problem)
}

fn by(format: &str, record: &str) -> String {
    let input = TimeInput { format: Some(format.to_owned()), ..TimeInput::default() };
    time(&input.compile(None).unwrap().layouts("2026-11-30.log", b""), record)
}

#[test]
fn a_named_layout_is_the_only_one() {
    let layouts =
        rules(r#"{"format": "rfc3339"}"#).unwrap().layouts("a", b"Nov 30 21:08:33 x\nNov 30 21:08:33 x\n");
    assert_eq!(layouts.name(), "rfc3339");
    assert_eq!(time(&layouts, "Nov 30 21:08:33 x"), "-");
    assert_eq!(by("none", "2026-11-30T21:08:33Z"), "-");
    assert_eq!(by("mdy", "03/04/2026 09:08:33"), "2026-03-04T09:08:33.000000Z");
    assert_eq!(by("dmy", "03/04/2026 09:08:33"), "2026-04-03T09:08:33.000000Z");
    assert_eq!(by("epoch-s", "request 17 at 1796072913"), "2026-11-30T21:08:33.000000Z");
    assert_eq!(
        by("vpc-flow", "2 1 eni-1 a b 2 22 6 20 4249 1796072913 1796072973"),
        "2026-11-30T21:08:33.000000Z"
    );
    for layout in known::KNOWN.iter().chain(&known::NUMBERS) {
        assert_eq!(problem(&format!(r#"{{"format": "{}"}}"#, layout.name)), "");
    }
}

#[test]
fn patterns_read_every_field() {
    for (format, record) in [
        ("%Y/%m/%d %H:%M:%S", "2026/11/30 21:08:33 x"),
        ("%d/%m/%Y %H:%M:%S", "x [30/11/2026 21:08:33] x"),
        ("[%d/%b/%Y:%H:%M:%S %z]", "x - [30/Nov/2026:22:08:33 +0100] x"),
        ("%m/%d/%y, %I:%M:%S %p", "11/30/26, 9:08:33 PM"),
        ("%p %I:%M:%S %Y%m%d", "PM 09:08:33 20261130"),
        ("%A, %d. %B %Y %T", "Monday, 30. November 2026 21:08:33"),
        ("%a %h %e %k:%M:%S %Z %Y", "Mon Nov 30 21:08:33 CET 2026"),
        ("%F %T", "2026-11-30 21:08:33"),
        ("%F %T", "2026-11-30 22:08:33 +01:00 x"),
        ("%D %T", "11/30/26 21:08:33"),
        ("%s", "at 1796072913: x"),
        ("@%s@", "@1796072913@"),
        ("100%% %Y%m%d%H%M%S", "100% 20261130210833"),
        ("%b %d %T", "Nov 30 21:08:33"),
        ("%T", "x 21:08:33 x"),
        ("%d.%m.%Y%t%l:%M:%S%P", "30.11.2026\t 9:08:33pm"),
        ("Zeit: %d.%m.%Y ü %H:%M:%S", "Zeit: 30.11.2026 ü 21:08:33"),
    ] {
        assert_eq!(by(format, record), "2026-11-30T21:08:33.000000Z", "{format} {record}");
    }
    for (format, record, expected) in [
        ("%F %T", "2026-11-30 21:08:33.123456789", "2026-11-30T21:08:33.123456Z"),
        ("%F %T.%f", "2026-11-30 21:08:33.123", "2026-11-30T21:08:33.123000Z"),
        ("%H.%M.%S,%L %F", "21.08.33,5 2026-11-30", "2026-11-30T21:08:33.500000Z"),
        ("%F %R", "2026-11-30 21:08 x", "2026-11-30T21:08:00.000000Z"),
        ("%F", "2026-11-30: x", "2026-11-30T00:00:00.000000Z"),
        ("%d/%m/%Y %I %p", "30/11/2026 12 am", "2026-11-30T00:00:00.000000Z"),
        ("%F %T", "2026-02-29 00:00:00", "-"),
        ("%F %T %z", "2026-11-30 21:08:33 x", "-"),
        ("%m/%d/%Y %T", "30/11/2026 00:00:00", "-"),
    ] {
        assert_eq!(by(format, record), expected, "{format} {record}");
    }
}

#[test]
fn says_what_is_wrong_with_a_format() {
    expect_test::expect![[r#"
        input.time.format: "rfc33339" is not a layout; expected detect, none, a pattern such as "%Y/%m/%d %H:%M:%S", or one of"#]]
    .assert_eq(problem(r#"{"format": "rfc33339"}"#).split(" rfc3339,").next().unwrap());
    for (format, expected) in [
        (
            "%Y-%m-%d %Q",
            "has the field %Q; expected %Y %y %m %b %B %h %d %e %F %D %H %k %I %l %p %P %M %S %T %R %f %L %N %z %Z %a %A %s %n %t or %%",
        ),
        ("%Y-%m-%d %", "ends within a field; expected %% for the character %"),
        ("%Y %H:%M", "has a part of a date; expected month and day, with or without the year, or no date"),
        ("%m %H:%M", "has a part of a date; expected month and day, with or without the year, or no date"),
        ("%F %I:%M", "has %I without %p; expected %I with %p, or %H alone"),
        ("%F %H:%M %p", "has %p without %I; expected %I with %p, or %H alone"),
        ("%F %H:%I:%M %p", "states the hour twice; expected %I with %p, or %H alone"),
        (
            "%F %M:%S",
            "leaves out a part of the time; expected the hour, then perhaps minute, second and fraction",
        ),
        ("%F %Y", "states the year twice"),
        ("%a", "has no time; expected at least a date, an hour or %s"),
        ("%%", "has no time; expected at least a date, an hour or %s"),
    ] {
        assert_eq!(
            problem(&format!(r#"{{"format": "{format}"}}"#)),
            format!("input.time.format: the pattern {format:?} {expected}")
        );
    }
    let long = "%".repeat(201);
    assert!(
        problem(&format!(r#"{{"format": "{long}"}}"#))
            .ends_with("a pattern of 201 bytes; expected at most 200")
    );
}

#[test]
fn says_what_is_wrong_with_the_other_fields() {
    assert_eq!(
        problem(r#"{"zone": "Europe/Atlantis"}"#),
        "input.time.zone: \"Europe/Atlantis\" is not a time zone; expected an IANA name such as \"Europe/London\", \"UTC\", or an \
         offset such as \"+05:30\""
    );
    for zone in ["", "+", "+5:30", "+25:00", "05:30", "+05:30x", "../etc/passwd"] {
        assert!(problem(&format!(r#"{{"zone": "{zone}"}}"#)).starts_with("input.time.zone: "), "{zone}");
    }
    assert_eq!(problem(r#"{"year": 26}"#), "input.time.year: 26; expected 1970 to 9999");
    assert_eq!(problem(r#"{"field": ""}"#), "input.time.field: \"\"; expected the name of a member");
    assert!(problem(r#"{"timezone": "UTC"}"#).starts_with("unknown field `timezone`"));
}

#[test]
fn the_zone_of_the_job_is_that_of_stamps_that_state_none() {
    let in_zone = |zone: &str, record: &str| {
        let input = TimeInput {
            zone: Some(zone.to_owned()),
            format: Some("rfc3339".to_owned()),
            ..TimeInput::default()
        };
        time(&input.compile(None).unwrap().layouts("", b""), record)
    };
    for zone in ["America/New_York", "-05:00", "-0500", "-05", "EST5EDT"] {
        assert_eq!(in_zone(zone, "2026-11-30 16:08:33.25"), "2026-11-30T21:08:33.250000Z", "{zone}");
        assert_eq!(in_zone(zone, "2026-11-30 16:08:33 CET"), "2026-11-30T21:08:33.000000Z", "{zone}");
        assert_eq!(in_zone(zone, "2026-11-30 21:08:33Z"), "2026-11-30T21:08:33.000000Z", "{zone}");
        assert_eq!(in_zone(zone, "2026-11-30 22:08:33+01"), "2026-11-30T21:08:33.000000Z", "{zone}");
    }
    // Clocks go forward over 02:30 on 29 March, and back over 02:30 on 25 October.
    assert_eq!(in_zone("Europe/Berlin", "2026-03-29 02:30:00"), "2026-03-29T01:30:00.000000Z");
    assert_eq!(in_zone("Europe/Berlin", "2026-10-25 02:30:00"), "2026-10-25T00:30:00.000000Z");
    assert_eq!(in_zone("Europe/Berlin", "2026-06-30 23:59:60"), "2026-06-30T21:59:59.999999Z");
}
