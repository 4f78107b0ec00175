use proptest::prelude::*;

use super::*;

mod json;
mod layouts;
mod named;
mod years;

/// Rules of a `time` object as it is written in a job.
fn rules(time: &str) -> Result<TimeRules, String> {
    let input: TimeInput = serde_json::from_str(time).map_err(|error| error.to_string())?;
    input.compile(None).map_err(|error| format!("{}: {}", error.place, error.problem))
}

/// The layouts that detection finds in some lines.
fn detected(lines: &[&str]) -> Layouts {
    rules("{}").unwrap().layouts("a.log", lines.join("\n").as_bytes())
}

/// An instant as RFC 3339 with six digits, by the library.
fn shown(micros: i64) -> String {
    format!("{:.6}", jiff::Timestamp::from_microsecond(micros).unwrap())
}

/// The time of a record, `-` if it has no stamp, or why the stamp is no instant.
fn time(layouts: &Layouts, record: &str) -> String {
    match layouts.find(record.as_bytes()).map(|it| layouts.instant(&it)) {
        None => "-".to_owned(),
        Some(Ok(micros)) => shown(micros),
        Some(Err(why)) => format!("{why:?}"),
    }
}

/// What is detected in a line that stands twice, and its time; the object's name says 2026-11-30.
fn seen(line: &str) -> String {
    let layouts = rules("{}").unwrap().layouts("logs/2026-11-30.log", format!("{line}\n{line}\n").as_bytes());
    format!("{}: {}", layouts.name(), time(&layouts, line))
}

proptest! {
    #[test]
    fn no_bytes_stop_it(head: Vec<u8>, record: Vec<u8>, name: String) {
        let mut head = head;
        head.extend_from_slice(&record);
        let layouts = rules("{}").unwrap().layouts(&name, &head);
        if let Some(stamp) = layouts.find(&record) {
            let _ = layouts.instant(&stamp);
        }
    }

    #[test]
    fn nothing_like_a_stamp_stops_any_layout(
        record in "[-0-9:/., TZ+\\[\"{}A-z\\\\\u{202f}]{0,60}", format in 0..40_usize,
    ) {
        let all: Vec<_> = known::KNOWN.iter().chain(&known::NUMBERS).map(|it| it.name.to_string()).collect();
        let input = TimeInput { format: all.get(format).cloned(), ..TimeInput::default() };
        let layouts = input.compile(Some((i64::MIN, i64::MAX))).unwrap().layouts(&record, record.as_bytes());
        if let Some(stamp) = layouts.find(record.as_bytes()) {
            let _ = layouts.instant(&stamp);
        }
    }

    #[test]
    fn a_stamp_is_read_back_as_it_was_written(micros in 0_i64..4_000_000_000_000_000, offset_s in -840_i32..=840) {
        let offset = jiff::tz::Offset::from_seconds(offset_s * 60).unwrap();
        let at = jiff::Timestamp::from_microsecond(micros).unwrap().to_zoned(offset.to_time_zone());
        for pattern in ["%Y-%m-%dT%H:%M:%S.%6f%:z", "%Y-%m-%d %H:%M:%S,%6f %z", "%d/%b/%Y:%H:%M:%S.%6f %z"] {
            let line = format!("[{}] a record", at.strftime(pattern));
            prop_assert_eq!(time(&detected(&[&line]), &line), shown(micros), "{}", line);
        }
    }
}

#[test]
fn each_stamp_of_a_zone_is_the_instant_that_the_library_gives() {
    for zone in ["Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"] {
        let layouts =
            rules(&format!(r#"{{"zone": "{zone}", "format": "rfc3339"}}"#)).unwrap().layouts("", b"");
        let zone = jiff::tz::TimeZone::get(zone).unwrap();
        for hours in 0..3_000_i64 {
            let at =
                jiff::Timestamp::from_second(1_700_000_000 + hours * 9_973).unwrap().to_zoned(zone.clone());
            let civil = at.datetime();
            let expected = zone.to_timestamp(civil).unwrap();
            let line = civil.strftime("%Y-%m-%d %H:%M:%S").to_string();
            assert_eq!(time(&layouts, &line), shown(expected.as_microsecond()), "{line}");
        }
    }
}
