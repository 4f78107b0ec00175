use proptest::prelude::*;
use serde_json::{Value, json};
use squall_core::data::MemorySource;
use squall_core::laws;
use squall_core::workload::Workload;

use super::*;

fn input(value: Value) -> Input {
    serde_json::from_value(value).unwrap()
}

/// The answer of a scan in one piece.
fn scanned(objects: &[(&str, &[u8])], job: Value) -> Report {
    let data = MemorySource::of("logs", objects);
    let prepared = LogScan::prepare(input(job), &data.given()).unwrap();
    let whole = LogScan::whole(&prepared);
    let mut read = data.data(LogScan::reads(&prepared, &whole));
    let partial = LogScan::evaluate(&prepared, &whole, &mut read).unwrap();
    let total = LogScan::weight(&prepared, &whole);
    LogScan::report(&prepared, Some(&partial), &Coverage { weight_done: total, weight_total: total })
}

fn hits(report: &Report) -> Vec<(&str, u64)> {
    report.signatures.iter().map(|it| (it.name.as_str(), it.hits)).collect()
}

const APP: &str = "2026-11-30T21:00:01Z INFO started\n\
    2026-11-30T21:59:59.5Z ERROR disk full on web-1\n\
    \tat Disk.write(Disk.java:12)\n\
    2026-11-30T22:00:00Z ERROR disk full on web-2\n\
    2026-12-01T00:10:00Z WARN slow\n";

fn gzip(text: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    out.write_all(text).unwrap();
    out.finish().unwrap()
}

#[test]
fn hits_are_counted_by_time_and_group() {
    let job = json!({
        "logs": ["logs"],
        "signatures": [
            { "name": "full", "regex": "ERROR disk full on (?<host>\\S+)", "group_by": "host" },
            { "name": "java", "literal": ".java:" },
            { "name": "never", "literal": "panic" },
        ],
    });
    let report = scanned(&[("app.log", APP.as_bytes())], job);
    assert_eq!(hits(&report), [("full", 2), ("java", 1), ("never", 0)]);
    let [full, java, never] = &report.signatures[..] else { panic!() };
    let buckets: Vec<_> = full.buckets.iter().map(|it| (it.from.as_str(), it.hits)).collect();
    assert_eq!(buckets, [("2026-11-30T21:00:00Z", 1), ("2026-11-30T22:00:00Z", 1)]);
    let groups: Vec<_> = full.groups.iter().flatten().map(|it| (it.group.as_str(), it.hits)).collect();
    assert_eq!(groups, [("web-1", 1), ("web-2", 1)]);
    assert_eq!(full.first.as_ref().unwrap().time, "2026-11-30T21:59:59.5Z");
    assert_eq!(full.last.as_ref().unwrap().time, "2026-11-30T22:00:00Z");
    assert_eq!(full.first.as_ref().unwrap().offset, 34);
    let example = &full.examples[0];
    assert_eq!(example.before, ["2026-11-30T21:00:01Z INFO started"]);
    assert_eq!(
        example.after,
        ["\tat Disk.write(Disk.java:12)", "2026-11-30T22:00:00Z ERROR disk full on web-2"]
    );
    // A line of a stack trace is of the time of the record before it.
    assert_eq!(java.first.as_ref().unwrap().time, "2026-11-30T21:59:59.5Z");
    assert_eq!(
        (report.read.records, report.read.records_with_inherited_time, report.read.records_without_time),
        (5, 1, 0)
    );
    assert_eq!(never.hits, 0);
    assert!(report.to_string().contains("never: none\n"), "{report}");
}

#[test]
fn only_hits_of_the_range_are_counted_and_those_without_a_time_are_told_apart() {
    let job = json!({
        "logs": ["logs"], "from": "2026-11-30T21:30:00Z", "to": "2026-11-30T22:00:00Z", "bucket": "10m",
        "signatures": [{ "name": "error", "literal": "ERROR" }],
    });
    let text = format!("ERROR before any time\n{APP}");
    let report = scanned(&[("app.log", text.as_bytes())], job);
    let [error] = &report.signatures[..] else { panic!() };
    assert_eq!((error.hits, error.without_time, error.outside_range), (2, 1, 1));
    let buckets: Vec<_> = error.buckets.iter().map(|it| it.hits).collect();
    assert_eq!(buckets, [0, 0, 1], "empty buckets of the range are listed");
}

#[test]
fn signatures_look_at_the_records_behind_the_first() {
    let text = "2026-11-30T21:00:01Z open 1\n2026-11-30T21:00:02Z close 1\n2026-11-30T21:00:03Z open 2\nx\nx\n2026-11-30T21:00:04Z close 2\n";
    let job = |within: u64| {
        json!({
            "logs": ["logs"],
            "signatures": [
                { "name": "closed", "all_of": ["open", "close"], "within": within },
                { "name": "left open", "all_of": ["open"], "none_of": ["close"], "within": within },
            ],
        })
    };
    for (within, closed, left) in [(1, 0, 2), (2, 1, 1), (3, 1, 1), (4, 2, 0)] {
        let report = scanned(&[("a", text.as_bytes())], job(within));
        assert_eq!(hits(&report), [("closed", closed), ("left open", left)], "{within}");
    }
    let report = scanned(&[("a", text.as_bytes())], job(2));
    assert_eq!(
        report.signatures[0].examples[0].after,
        ["2026-11-30T21:00:02Z close 1", "2026-11-30T21:00:03Z open 2"]
    );
}

#[test]
fn what_was_not_searched_is_named_with_its_reason() {
    let mut torn = gzip(APP.repeat(50).as_bytes());
    torn.truncate(torn.len() / 2);
    let parquet = [b"PAR1".as_slice(), &[0; 100]].concat();
    let objects: &[(&str, &[u8])] = &[
        ("a.log", APP.as_bytes()),
        ("b.gz", &torn),
        ("c.parquet", &parquet),
        ("d.log.gz", &gzip(APP.as_bytes())),
    ];
    let job = json!({ "logs": ["logs"], "signatures": [{ "name": "error", "literal": "ERROR" }, { "name": "never", "literal": "zzz" }] });
    let report = scanned(objects, job);
    assert_eq!(report.n_skipped, 2);
    assert_eq!(report.read.objects_listed, 4);
    let named: Vec<_> = report.skipped.iter().map(|it| it.object.as_str()).collect();
    assert_eq!(named, ["logs/b.gz", "logs/c.parquet"]);
    assert!(report.skipped[0].reason.contains("gzip"), "{}", report.skipped[0].reason);
    assert!(report.skipped[1].reason.contains("Parquet"), "{}", report.skipped[1].reason);
    let text = report.to_string();
    assert!(
        text.contains("never: none in what was searched; 2 objects were not searched to the end"),
        "{text}"
    );
    assert!(text.contains("logs/b.gz"), "{text}");
}

/// What a reader could take for "none" although it was not looked for.
#[test]
fn entries_that_match_nothing_are_named() {
    let job =
        json!({ "logs": ["logs/*.log", "logs/*.nope"], "signatures": [{ "name": "a", "literal": "ERROR" }] });
    let report = scanned(&[("app.log", APP.as_bytes())], job);
    assert_eq!(
        report.notes,
        ["input.logs[1] matches no object that no earlier entry has: nothing is searched for it"]
    );
    let job = json!({ "logs": ["logs/*.nope"], "signatures": [{ "name": "a", "literal": "ERROR" }] });
    let report = scanned(&[("app.log", APP.as_bytes())], job);
    assert!(report.to_string().contains("nothing was searched"), "{report}");
    // An entry of a log that has a list of records is one all the same.
    let line = "{\"time\":\"2026-01-01T00:00:00Z\",\"msg\":\"ERROR\",\"records\":[{\"id\":1}]}\n";
    let job = json!({ "logs": ["logs"], "signatures": [{ "name": "a", "literal": "ERROR" }] });
    assert_eq!(hits(&scanned(&[("r.jsonl", line.as_bytes())], job.clone())), [("a", 1)]);
    let thrice = gzip(&gzip(&gzip(APP.as_bytes())));
    let report = scanned(&[("a.gz", &thrice)], job);
    assert!(report.n_skipped == 1 && report.skipped[0].reason.contains("more than twice"), "{report}");
}

#[test]
fn a_scan_of_nothing_is_refused() {
    let job = json!({ "logs": ["logs"], "signatures": [{ "name": "a", "literal": "a" }] });
    let data = MemorySource::of("logs", &[]);
    let said = LogScan::prepare(input(job.clone()), &data.given()).unwrap_err().to_string();
    assert_eq!(said, "input.logs: there is nothing to search: no object below logs");
    let data = MemorySource::of("logs", &[("a", b""), ("b", b"")]);
    let said = LogScan::prepare(input(job), &data.given()).unwrap_err().to_string();
    assert_eq!(said, "input.logs: there is nothing to search: all 2 objects are empty");
}

/// Lines with and without stamps, ends of lines of both kinds, invalid text, what a signature looks at behind them.
fn line() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => "2026-11-30T2[0-3]:[0-5]0:00Z (open|close|a{0,9}|ERROR [a-c])".prop_map(String::into_bytes),
        2 => "(open|close|ERROR [a-c]|\tat x|)".prop_map(String::into_bytes),
        1 => proptest::collection::vec(any::<u8>(), 0..12),
    ]
}

fn nasty() -> impl Strategy<Value = Vec<u8>> {
    let ends = prop_oneof![3 => Just(&b"\n"[..]), 1 => Just(&b"\r\n"[..])];
    let lines = proptest::collection::vec((line(), ends), 0..30);
    lines.prop_map(|lines| lines.into_iter().flat_map(|(line, end)| [&line, end].concat()).collect())
}

fn law_job() -> Value {
    json!({
        "logs": ["logs"],
        "signatures": [
            { "name": "error", "regex": "ERROR (?<what>[a-c])", "group_by": "what" },
            { "name": "pair", "all_of": ["open", "close"], "within": 3 },
            { "name": "alone", "all_of": ["open"], "none_of": ["close"], "within": 5 },
            { "name": "all", "regex": "." },
        ],
        "bucket": "10m", "groups": 2,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Whatever the objects are and however they are cut.
    #[test]
    fn the_laws_hold(objects in proptest::collection::vec((nasty(), 0..4u8), 1..5), seed: u64) {
        let packed: Vec<(String, Vec<u8>)> = objects.iter().enumerate().map(|(idx, (text, kind))| match kind {
            0 => (format!("{idx}.gz"), gzip(text)),
            1 => (format!("{idx}"), [gzip(text), gzip(text)].concat()),
            _ => (format!("{idx}.log"), text.clone()),
        }).collect();
        let named: Vec<(&str, &[u8])> = packed.iter().map(|(name, text)| (name.as_str(), text.as_slice())).collect();
        let data = MemorySource::of("logs", &named);
        prop_assume!(data.given().listings[0].n_bytes() > 0);
        laws::check_with::<LogScan>(input(law_job()), &data.given(), &data, seed).unwrap();
    }
}

/// A file cut in two at every byte has each line in one of the parts.
#[test]
fn every_line_is_in_one_slice_wherever_it_is_cut() {
    let text = [
        APP.as_bytes(),
        b"\r\n\n\xff\xfe ERROR a\nopen\nclose\n2026-11-30T22:00:00Z ERROR b\r\nno end of the last ERROR c",
    ]
    .concat();
    let data = MemorySource::of("logs", &[("a.log", &text), ("b.log", b"ERROR a\n")]);
    let prepared = LogScan::prepare(input(law_job()), &data.given()).unwrap();
    let whole = LogScan::whole(&prepared);
    let evaluate = |slice: &Bytes| {
        let mut read = data.data(LogScan::reads(&prepared, slice));
        LogScan::evaluate(&prepared, slice, &mut read).unwrap()
    };
    let expected = evaluate(&whole);
    for cut in 0..=whole.to {
        let mut sum = evaluate(&Bytes { from: 0, to: cut });
        LogScan::merge(&mut sum, evaluate(&Bytes { from: cut, to: whole.to }));
        assert_eq!(sum, expected, "cut at {cut}");
    }
}

/// A record sees 64 KiB: back to one with a time, and on to the others of its signature. The cut changes nothing there either.
#[test]
fn what_is_out_of_sight_is_out_of_sight_however_it_is_cut() {
    let filler = |n: usize| "no time here\n".repeat(n);
    let text = [
        "2026-11-30T21:00:00Z open\n",
        &filler(5_100),
        "close, out of sight\n",
        &filler(10_000),
        "2026-11-30T22:00:00Z open\n",
        &filler(400),
        "close ERROR a\n",
    ]
    .concat();
    let data = MemorySource::of("logs", &[("a.log", text.as_bytes())]);
    let mut job = law_job();
    job["signatures"][1]["within"] = 1_000.into();
    job["time"] = json!({ "format": "rfc3339" });
    let prepared = LogScan::prepare(input(job), &data.given()).unwrap();
    let whole = LogScan::whole(&prepared);
    let evaluate = |slice: &Bytes| {
        let mut read = data.data(LogScan::reads(&prepared, slice));
        LogScan::evaluate(&prepared, slice, &mut read).unwrap()
    };
    let expected = evaluate(&whole);
    assert_eq!(expected.read.records, 15_504);
    // Those that begin more than 64 KiB behind a time have none.
    assert_eq!(expected.read.inherited, u64::from(65_536u32 - 26) / 13 + 1 + 401);
    assert_eq!(expected.read.untimed, 15_504 - 2 - expected.read.inherited);
    assert_eq!(expected.signatures[1].by_bucket().into_values().sum::<u64>(), 1);
    for parts in [2, 3, 7, 50] {
        let n = NonZeroUsize::new(parts).unwrap();
        let mut slices = LogScan::divide(&prepared, &whole, n).into_iter();
        let mut sum = evaluate(&slices.next().unwrap());
        slices.for_each(|slice| LogScan::merge(&mut sum, evaluate(&slice)));
        assert_eq!(sum, expected, "{parts} parts");
    }
}

/// Too many groups and buckets are counted together, exactly, in whatever order they are merged.
#[test]
fn what_is_too_much_is_counted_together() {
    let mut text = String::new();
    for i in 0..3_000u32 {
        let at = jiff::Timestamp::from_second(1_800_000_000 + i64::from(i) * 3_600).unwrap();
        text.push_str(&format!("{at} user={}\n", i % 50));
    }
    let job = json!({ "logs": ["logs"], "groups": 7, "signatures": [{ "name": "user", "regex": "user=(?<u>[0-9]+)", "group_by": "u" }] });
    let data = MemorySource::of("logs", &[("a.log", text.as_bytes())]);
    laws::check_with::<LogScan>(input(job.clone()), &data.given(), &data, 7).unwrap();
    let report = scanned(&[("a.log", text.as_bytes())], job);
    let [user] = &report.signatures[..] else { panic!() };
    let groups = user.groups.as_ref().unwrap();
    assert_eq!((user.hits, groups.len()), (3_000, 7));
    assert_eq!(groups.iter().map(|it| it.hits).sum::<u64>() + user.other_groups, 3_000);
    assert!(groups.iter().all(|it| it.hits == 60), "{groups:?}");
    assert_eq!(user.later, 1_000);
    assert_eq!(user.buckets.len(), 2_000);
}

#[test]
fn the_parts_of_a_scan_are_checked() {
    let text = format!("{APP}ERROR a\nERROR b\n").repeat(20);
    let data = MemorySource::of(
        "logs",
        &[("a.log", text.as_bytes()), ("b.gz", &gzip(text.as_bytes())), ("c", b"PAR1\0\0\0")],
    );
    laws::check_partials_with::<LogScan>(input(law_job()), &data.given(), &data).unwrap();
    let prepared = LogScan::prepare(input(law_job()), &data.given()).unwrap();
    let whole = LogScan::whole(&prepared);
    let evaluate =
        |slice: &Bytes| LogScan::evaluate(&prepared, slice, &mut data.data(LogScan::reads(&prepared, slice)));
    let fit = evaluate(&whole).unwrap();
    assert_eq!(LogScan::check_partial(&prepared, &whole, &fit, &[]), Ok(()));
    let unfit = |change: &dyn Fn(&mut Partial)| {
        let mut partial = fit.clone();
        change(&mut partial);
        LogScan::check_partial(&prepared, &whole, &partial, &[]).unwrap_err()
    };
    for (said, problem) in [
        (unfit(&|it| it.covered -= 1), "bytes instead of"),
        (unfit(&|it| it.kept.groups = 9), "keeps more or less"),
        (unfit(&|it| drop(it.signatures.pop())), "signatures instead of"),
        (unfit(&|it| it.signatures[0].groups.reverse()), "groups are not in order"),
        (unfit(&|it| it.signatures[0].groups[0].rank = 0), "groups are not in order"),
        (unfit(&|it| it.signatures[3].examples.reverse()), "examples are not in order"),
        (unfit(&|it| it.signatures[3].first.as_mut().unwrap().at.object_at = 1 << 40), "not of its slice"),
        (unfit(&|it| it.n_skipped = 0), "names more objects"),
    ] {
        assert!(said.contains(problem), "{said}");
    }
    let stray = Bytes { from: 0, to: u64::MAX };
    assert!(evaluate(&stray).is_err());
}

/// Many hits that look far ahead cost no more than the records they look at.
#[test]
fn windows_over_many_hits_are_counted_as_one_by_one() {
    let lines: Vec<String> = (0..3_000u32)
        .map(|i| {
            format!("{}{}", if i % 3 == 0 { "open " } else { "" }, if i % 7 == 0 { "close" } else { "x" })
        })
        .collect();
    let text = lines.join("\n");
    let signature =
        |within: usize| json!({ "name": format!("{within}"), "all_of": ["open", "close"], "within": within });
    let alone = |within: usize| json!({ "name": format!("alone {within}"), "regex": "open", "none_of": ["close"], "within": within });
    let widths = [2, 5, 1_000];
    let all: Vec<Value> = widths.iter().flat_map(|within| [signature(*within), alone(*within)]).collect();
    let report = scanned(&[("a", text.as_bytes())], json!({ "logs": ["logs"], "signatures": all }));
    for (idx, within) in widths.iter().enumerate() {
        let has_close =
            |i: usize| lines[i..lines.len().min(i + within)].iter().any(|line| line.contains("close"));
        let opens = || (0..lines.len()).filter(|i| lines[*i].contains("open"));
        let (with, without) =
            (opens().filter(|i| has_close(*i)).count(), opens().filter(|i| !has_close(*i)).count());
        assert_eq!(report.signatures[2 * idx].hits, with as u64, "{within}");
        assert_eq!(report.signatures[2 * idx + 1].hits, without as u64, "{within}");
    }
}

/// A pattern that could match over the ends of lines hides no line that has it.
#[test]
fn what_spans_lines_hides_nothing() {
    let job = json!({ "logs": ["logs"], "signatures": [
        { "name": "a", "regex": r"a\nzz\nb|zz" }, { "name": "b", "regex": r"A[ \n]B[ \n]C|B" } ] });
    let report = scanned(&[("a", b"a\nzz\nb\nA\nB\nC\n")], job);
    assert_eq!(hits(&report), [("a", 1), ("b", 1)]);
    // In a document, records have line feeds.
    let job = json!({ "logs": ["logs"], "signatures": [{ "name": "a", "regex": r#""x": 1,\s+"y": 2"# }] });
    let report = scanned(&[("a", b"[\n{\n \"x\": 1,\n \"y\": 2\n},\n{\n \"x\": 1\n}\n]\n")], job);
    assert_eq!(hits(&report), [("a", 1)]);
}

/// A wrong entry of a list is told as what it is, not as none of several things.
#[test]
fn a_wrong_entry_is_named() {
    let wrong = |field: &str, entry: Value| {
        let mut job = json!({ "logs": ["logs"], "signatures": [{ "name": "a", "regex": "a" }] });
        match field {
            "logs" => job["logs"] = json!([entry]),
            _ => job["signatures"][0] = json!({ "name": "a", "any_of": [entry] }),
        }
        serde_json::from_value::<Input>(job).unwrap_err().to_string()
    };
    for (said, problem) in [
        (
            wrong("logs", json!({ "service": "cloud", "bucket": "s3://b" })),
            "unknown variant `cloud`, expected one of `cloudtrail`",
        ),
        (wrong("logs", json!({ "service": "waf" })), "missing field `bucket`"),
        (wrong("logs", json!({ "service": "waf", "buckets": "" })), "unknown field `buckets`"),
        (
            wrong("logs", json!(7)),
            "invalid type: integer `7`, expected a path or a URI, or an object with `service`",
        ),
        (wrong("any_of", json!({ "litral": "b" })), "unknown field `litral`, expected `literal`"),
        (wrong("any_of", json!(null)), "invalid type: null, expected a regular expression"),
    ] {
        assert!(said.starts_with(problem), "{said}");
    }
}
