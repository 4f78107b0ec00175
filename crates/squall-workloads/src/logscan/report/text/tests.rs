use super::super::{BucketReport, ExampleReport, GroupReport, SeenReport, SkippedReport, Totals};
use super::*;

fn signature(name: &str, hits: u64) -> SignatureReport {
    let seen = |time: &str| SeenReport {
        time: time.to_owned(),
        object: format!("s3://central-logs/app/2026/11/30/21/{}.log.gz", "x".repeat(30)),
        offset: 123_456,
    };
    let bucket = |hour: u32, hits| BucketReport { from: format!("2026-11-30T{hour}:00:00Z"), hits };
    SignatureReport {
        name: name.to_owned(),
        hits,
        without_time: 0,
        why_without_time: BTreeMap::new(),
        outside_range: 0,
        first: (hits > 0).then(|| seen("2026-11-30T21:00:00.123456Z")),
        last: (hits > 0).then(|| seen("2026-11-30T22:59:59.123456Z")),
        buckets: vec![bucket(20, 0), bucket(21, hits), bucket(22, hits / 2), bucket(23, 0)],
        later: 0,
        groups: None,
        other_groups: 0,
        examples: Vec::new(),
    }
}

fn report(signatures: Vec<SignatureReport>) -> Report {
    Report {
        is_partial: false,
        work_done: 1.0,
        range: None,
        bucket_seconds: 3_600,
        read: Totals {
            objects_listed: 1_234_567,
            objects: 1_234_567,
            objects_unnamed: 0,
            objects_repeated: 0,
            bytes_listed: 12_345_678_901_234,
            bytes: 12_345_678_901_234,
            plain_bytes: 123_456_789_012_345,
            records: 1_234_567_890_123,
            records_with_inherited_time: 0,
            records_without_time: 0,
            records_cut: 0,
        },
        signatures,
        skipped: Vec::new(),
        n_skipped: 0,
        formats: BTreeMap::new(),
        other_formats: 0,
        notes: Vec::new(),
    }
}

/// Lines wider than a terminal that are not one location, indented.
fn too_wide(text: &str) -> Vec<&str> {
    let is_location = |line: &&str| line.trim_start().starts_with("s3://");
    text.lines().filter(|line| line.chars().count() > WIDTH).filter(|line| !is_location(line)).collect()
}

#[test]
fn many_signatures_fit_a_terminal() {
    for hits in [0, 1, 7, 1_234, 1_234_567_890] {
        for n in [1, 9, 12, 40, 200] {
            let name = |idx| format!("connection to the upstream was refused or reset by its peer {idx}");
            let mut signatures: Vec<_> =
                (0..n).map(|idx| signature(&name(idx), if idx == 3 { 0 } else { hits })).collect();
            signatures[0].without_time = 12;
            signatures[0].why_without_time = BTreeMap::from([
                ("no time stamp in the record or within 64 KiB before it".to_owned(), 7),
                ("a time stamp that is not a time".to_owned(), 5),
            ]);
            signatures[0].outside_range = 1_234_567;
            signatures[0].later = 1;
            let text = report(signatures).to_string();
            assert_eq!(too_wide(&text), [""; 0], "{text}");
        }
    }
}

#[test]
fn signatures_are_numbered_and_their_numbers_are_the_heads_of_columns() {
    let signatures = (1..=12).map(|idx| signature(&format!("out of memory {idx}"), idx % 3)).collect();
    let text = report(signatures).to_string();
    for line in [
        " 1  out of memory 1: 1 hit\n",
        " 2  out of memory 2: 2 hits\n",
        "12  out of memory 12: none\n",
        "      first 2026-11-30T21:00:00.123456Z in\n        s3://central-logs/app/2026/11/30/21/",
        "      last 2026-11-30T22:59:59.123456Z\n",
        "                      #1  #2  #3  #4  #5  #6  #7  #8  #9  #10  #11  #12\n",
        "2026-11-30T21:00:00Z   1   2   0   1   2   0   1   2   0    1    2    0\n",
        "2026-11-30T22:00:00Z   0   1   0   0   1   0   0   1   0    0    1    0\n",
    ] {
        assert!(text.contains(line), "{line:?} in\n{text}");
    }
    assert!(!text.contains("2026-11-30T20:00:00Z"), "rows before the first hit: {text}");
}

#[test]
fn columns_that_do_not_fit_are_a_table_of_their_own() {
    let text = report((0..12).map(|_| signature("a", 1_234_567)).collect()).to_string();
    let heads: Vec<&str> = text.lines().filter(|line| line.trim_start().starts_with('#')).collect();
    let numbers: Vec<Vec<&str>> = heads.iter().map(|head| head.split_whitespace().collect()).collect();
    assert_eq!(
        numbers,
        [&["#1", "#2", "#3", "#4", "#5"][..], &["#6", "#7", "#8", "#9", "#10"], &["#11", "#12"]]
    );
}

#[test]
fn none_is_never_said_of_what_was_not_searched() {
    let said = |change: &dyn Fn(&mut Report)| {
        let mut report = report(vec![signature("never", 0)]);
        change(&mut report);
        report.to_string()
    };
    assert!(said(&|_| ()).contains("1  never: none\n"));
    assert!(said(&|it| it.is_partial = true).contains("1  never: none so far\n"));
    assert!(said(&|it| it.read.objects = 0).contains("1  never: nothing was searched\n"));
    let skipped = said(&|it| it.n_skipped = 1_000_000);
    let expected =
        "1  never: none in what was searched; 1,000,000 objects were not searched to the\n     end\n";
    assert!(skipped.contains(expected), "{skipped}");
}

#[test]
fn formats_beyond_those_that_are_listed_are_counted() {
    let mut report = report(vec![signature("a", 1)]);
    report.formats = (10..25).map(|idx| (format!("format {idx}"), 2)).collect();
    let text = report.to_string();
    assert!(text.contains("  2 objects of format 21\n  6 objects of more formats\n"), "{text}");
    report.other_formats = 1_000;
    assert!(report.to_string().contains("  1,006 objects of more formats\n"), "{report}");
    report.formats.clear();
    report.other_formats = 1;
    assert!(report.to_string().contains("  1 object of more formats\n"), "{report}");
}

#[test]
fn what_logs_say_is_on_one_line_and_visible() {
    let mut report = report(vec![signature("a", 1)]);
    let hostile = "a\n\u{1b}[2Jb".to_owned();
    let [of_report] = &mut report.signatures[..] else { panic!() };
    of_report.groups =
        Some(vec![GroupReport { group: hostile.clone(), hits: 1, without_time: 0, buckets: Vec::new() }]);
    of_report.other_groups = 5;
    of_report.examples.push(ExampleReport {
        time: None,
        object: hostile.clone(),
        offset: 7,
        before: Vec::new(),
        record: hostile.clone(),
        after: Vec::new(),
    });
    let reason = "is Parquet, which is not searched; convert it to lines of text or JSON first".to_owned();
    report.skipped.push(SkippedReport { object: hostile, reason, bytes: 12_345, searched_bytes: 99 });
    report.n_skipped = 2;
    report.notes.push("input.logs[0] lists no object: nothing of it is searched, however long".to_owned());
    let text = report.to_string();
    let shown = "a\\n\\u001b[2Jb";
    for line in [
        format!("#1 a by group:\n             1  {shown}\n"),
        format!("#1 a, the earliest:\n  without a time in {shown} at byte 7\n    > {shown}\n"),
        format!("2 objects were not searched to the end:\n  {shown}\n    12.3 kB: is Parquet, "),
        " or\n    JSON first; 99 bytes of it were searched\n  and 1 more\n".to_owned(),
    ] {
        assert!(text.contains(&line), "{line:?} in\n{text}");
    }
    assert_eq!(too_wide(&text), [""; 0], "{text}");
}
