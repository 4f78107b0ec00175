//! Everything stored or sent stays readable: bytes in `golden/`, some of them from before versions were introduced.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::path::PathBuf;

use crate::bundle::Bundle;
use crate::code::CodeVersion;
use crate::digest::{Digest, Fingerprint};
use crate::job::JobId;
use crate::prices::NanoUsd;
use crate::receipt::{Receipt, TaskTimes, Timeline};
use crate::rows::{
    BucketProgress, BucketRow, Ending, JobStatus, Plan, Published, Resent, ResentList, TaskSpans,
};
use crate::sizing::{Sizing, SizingReason};
use crate::sources::{Given, Listing, Object, Page, PageEntry};
use crate::spans::{Span, SpanEnd, Spans};
use crate::wire::{
    FailedPiece, Failure, Message, ReplyElsewhere, ResultElsewhere, ResultRecord, Stored, SubtaskReply,
    SubtaskRequest, TaskRecord, decode, encode,
};
use crate::workload::Coverage;

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/golden").join(name)
}

fn golden(name: &str) -> Vec<u8> {
    let path = path(&format!("{name}.hex"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

/// Compares bytes with a golden file, which is written if it does not exist and `SQUALL_BLESS` is set.
fn hold(name: &str, bytes: &[u8]) {
    if option_env!("SQUALL_BLESS").is_some() && !path(&format!("{name}.hex")).exists() {
        let hex: Vec<u8> = bytes.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect();
        let lines: Vec<_> = hex.chunks(100).map(|line| String::from_utf8(line.to_vec()).unwrap()).collect();
        let file = path(&format!("{name}.hex"));
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, lines.join("\n") + "\n").unwrap();
    }
    assert_eq!(golden(name), bytes, "{name}: a shape that changed needs a new version");
}

/// Checks that a message encodes to its golden file, and decodes from it.
fn same<M: Message + PartialEq + Debug>(name: &str, message: &M) {
    let name = format!("v{}/{name}", M::VERSION);
    hold(&name, &message.to_bytes());
    assert_eq!(message.encoded_len(), golden(&name).len(), "{name}");
    assert_eq!(M::from_bytes(&golden(&name)).as_ref(), Ok(message), "{name}");
}

fn failure(task: u32, subtask: u32) -> Failure {
    Failure {
        task,
        subtask,
        slice: vec![1, 2, 3, u8::try_from(task).unwrap()],
        weight: 1_000 + u64::from(task),
        attempts: 4,
        reason: "the workload panicked: boom".to_owned(),
        cause: Default::default(),
    }
}

fn receipt() -> Receipt {
    Receipt {
        tasks: 2,
        subtasks: 30,
        invocations: 33,
        throttles: 5,
        retries: 2,
        hedges: 1,
        worker_us: 9_000_000,
        duplicate_us: 70_000,
        worker_mb_us: 15_921_000_000,
        consumer_mb_us: 17_690_000,
        put_units: 4,
        ..Receipt::default()
    }
}

fn times() -> TaskTimes {
    TaskTimes {
        put_us: 1_795_000_000_000_100,
        read_us: 1_795_000_000_200_000,
        invoked_us: 1_795_000_000_300_000,
        answered_us: 1_795_000_001_300_000,
    }
}

fn timeline() -> Timeline {
    let mut timeline = Timeline::default();
    timeline.record(&times(), 1_795_000_002_000_000);
    timeline
}

fn resent() -> ResentList {
    ResentList(vec![failure(1, 7), failure(3, 0)])
}

fn plan(code: CodeVersion, list: Vec<u8>) -> Plan {
    let resent = resent().0;
    let list = Stored::Inline(list);
    let published = Published {
        workload: "portfolio".to_owned(),
        code,
        input: Digest::of(b"an input"),
        sizing: Sizing {
            n_tasks: 8,
            subtasks_per_task: 32,
            subtask_us: 234_375,
            reason: SizingReason::Waves,
        },
        n_tasks: 6,
        weight: 60_000_000_000,
        fingerprints: Fingerprint(0x0123_4567_89ab_cdef_0011_2233_4455_6677),
        n_buckets: 4,
        generation: 1,
        lifetime_us: 600_000_000,
        resent: Resent::of(&resent, Some(list)),
        is_large: false,
    };
    Plan {
        expires_us: 1_795_000_600_000_000,
        max_cost: Some(NanoUsd(5_000_000_000)),
        published: Some(published),
    }
}

fn ending() -> Ending {
    Ending {
        status: JobStatus::Expired,
        reason: Some("time ran out; 2 tasks are missing: 2, 5".to_owned()),
        coverage: Coverage { weight_done: 40_000_000_000, weight_total: 60_000_000_000 },
        missing: [2_u32, 5].into_iter().collect(),
        failures: vec![failure(4, 2)],
        answer: vec![Digest::of(b"an answer")],
        receipt: receipt(),
        timeline: timeline(),
        ended_us: 1_795_000_600_000_123,
    }
}

fn bucket(partial: Stored) -> BucketRow {
    BucketRow {
        version: 3,
        merged: [1_u32, 5].into_iter().collect(),
        fingerprints: Fingerprint(77),
        weight: 20_000,
        weight_done: 18_999,
        partial: Some(partial),
        failures: vec![failure(1, 2)],
        receipt: receipt(),
        timeline: timeline(),
        ..BucketRow::default()
    }
}

fn bundle() -> Bundle {
    Bundle {
        workload: "probe".to_owned(),
        input_json: r#"{"units":10,"rounds":2}"#.to_owned(),
        given: Given::files(BTreeMap::from([("book.csv".to_owned(), b"id,kind\n1,spot\n".to_vec())])),
    }
}

fn progress() -> BucketProgress {
    BucketProgress {
        n_tasks: 2,
        weight_done: 18_999,
        n_subtasks: 30,
        n_failures: 1,
        cost: NanoUsd(123_456),
        first_merged_us: 1_795_000_002_000_000,
    }
}

fn code() -> CodeVersion {
    CodeVersion { workload: 3, build: "0.2.0 (0a1b2c3d4e5f)".to_owned() }
}

fn spans() -> Spans {
    let span = |subtask, why, end| Span {
        subtask,
        stripe: 2,
        attempt: 1,
        why,
        cold: subtask == 0,
        end,
        invoked_us: 100,
        began_us: 5_100,
        loaded_us: 9_000,
        ended_us: 250_000,
        answered_us: 251_000,
    };
    let turn = crate::cascade::Start::Turn;
    Spans::pack(vec![span(0, turn, SpanEnd::Answered), span(1, turn, SpanEnd::Failed)], 8)
}

fn task() -> TaskRecord {
    TaskRecord {
        job: JobId::new("march").unwrap(),
        workload: "probe".to_owned(),
        code: code(),
        input: Digest::of(b"an input"),
        index: 3,
        slice: vec![4, 5],
        weight: 99,
        n_subtasks: 7,
        bucket: 3,
        generation: 1,
        put_us: 1_795_000_000_000_100,
    }
}

#[test]
fn rows_from_before_versions_are_read() {
    let old = |name: &str| golden(&format!("before_versions/{name}"));
    let rejected = Plan { expires_us: 1_795_000_600_000_000, max_cost: None, published: None };
    assert_eq!(Plan::from_bytes(&old("plan")), Ok(plan(CodeVersion::before_names(), resent().to_bytes())));
    assert_eq!(Plan::from_bytes(&old("plan-of-a-rejected-job")), Ok(rejected));
    assert_eq!(Ending::from_bytes(&old("ending")), Ok(ending()));
    assert_eq!(BucketRow::from_bytes(&old("bucket")), Ok(bucket(Stored::Inline(vec![9, 8, 7]))));
    let blob = Stored::Blob(Digest::of(b"a partial"));
    assert_eq!(BucketRow::from_bytes(&old("bucket-in-a-blob")), Ok(bucket(blob)));
    assert_eq!(BucketProgress::from_unversioned(&old("progress")), Ok(progress()));
    assert_eq!(Bundle::from_blob(&old("bundle")), Ok(bundle()));
    assert_eq!(decode("digest", &old("message-digest")), Ok(Digest::of(b"a message")));
    assert_eq!(decode("stored", &old("stored-inline")), Ok(Stored::Inline(vec![1, 2, 3])));
    assert_eq!(decode("stored", &old("stored-blob")), Ok(Stored::Blob(Digest::of(b"a blob"))));
}

#[test]
fn records_from_before_versions_are_refused_by_name() {
    let old = |name: &str| golden(&format!("before_versions/{name}"));
    let refused = TaskRecord::from_bytes(&old("task-record")).unwrap_err().to_string();
    assert_eq!(refused, "cannot decode task record: version 1; this build reads 2");
    let refused = ResultRecord::from_bytes(&old("result-record")).unwrap_err().to_string();
    assert_eq!(refused, "cannot decode result record: version 1; this build reads 3");
    let refused = ResultRecord::from_bytes(&golden("v2/result")).unwrap_err().to_string();
    assert_eq!(refused, "cannot decode result record: version 2; this build reads 3");
    // Its shape did not change.
    let elsewhere = ResultElsewhere { record: Digest::of(b"a record") };
    assert_eq!(ResultElsewhere::from_bytes(&old("result-elsewhere")), Ok(elsewhere));
}

/// Content that begins like an envelope but has none is still read as content without an envelope.
#[test]
fn a_row_without_an_envelope_may_begin_as_one() {
    let mut bytes = golden("before_versions/bucket");
    let rest = bytes.split_off(1);
    let as_envelope: Vec<u8> = [0x73].into_iter().chain(rest).collect();
    assert_eq!(BucketRow::from_bytes(&as_envelope).unwrap().version, 0x73);
}

#[test]
fn what_is_stored_is_as_its_golden_file() {
    // The list of what was sent again, its last 89 bytes, has a version of its own.
    let with_first_list = golden("v1/plan");
    let plan = plan(code(), with_first_list[with_first_list.len() - 89..].to_vec());
    same("plan", &plan);
    assert_eq!(Plan::from_bytes(&with_first_list), Ok(plan));
    same("resent", &ResentList(vec![failure(1, 7)]));
    same("ending", &ending());
    let spans = TaskSpans { task: 5, times: times(), merged_us: 1_795_000_002_000_000, spans: spans() };
    let row = bucket(Stored::Inline(vec![9, 8, 7]));
    same("bucket", &BucketRow { spans: vec![spans], spans_left_out: 4, ..row });
    hold("v1/progress", &progress().to_bytes());
    assert_eq!(BucketProgress::from_bytes(&golden("v1/progress")), Ok(progress()));

    let objects = ["2026/11/a.log", "2026/11/b.log", "2026/ä"];
    let object = |name: &&str| Object { name: (*name).to_owned(), bytes: 10, etag: "\"e\"".to_owned() };
    let page = Page { objects: objects.iter().map(object).collect() };
    let (digest, blob) = page.to_blob();
    hold("v1/page", &blob);
    assert_eq!(Page::from_blob(&golden("v1/page")), Ok(page));
    let listing = Listing {
        name: "logs".to_owned(),
        root: "s3://logs/".to_owned(),
        pages: vec![PageEntry { page: digest, n_objects: 3, n_bytes: 30 }],
    };
    let mut bundle = bundle();
    bundle.given.listings.push(listing);
    same("bundle", &bundle);
}

#[test]
fn the_first_version_of_what_is_stored_is_read() {
    assert_eq!(Ending::from_bytes(&golden("v1/ending")), Ok(ending()));
    assert_eq!(Ending::from_bytes(&golden("v2/ending")), Ok(ending()));
    let spans = TaskSpans { task: 5, times: times(), merged_us: 1_795_000_002_000_000, spans: spans() };
    let row = bucket(Stored::Inline(vec![9, 8, 7]));
    let row = BucketRow { spans: vec![spans], spans_left_out: 4, ..row };
    assert_eq!(BucketRow::from_bytes(&golden("v1/bucket")), Ok(row));
    assert_eq!(ResentList::from_bytes(&golden("v1/resent")), Ok(ResentList(vec![failure(1, 7)])));
}

#[test]
fn what_is_sent_is_as_its_golden_file() {
    same("task", &task());
    same("elsewhere", &ResultElsewhere { record: Digest::of(b"a record") });
    let (workload, code) = ("probe".to_owned(), code().id());
    same("request", &SubtaskRequest { workload, code, input: task().input, slice: vec![4, 5] });
    let reply = SubtaskReply {
        request: Digest::of(b"a request"),
        code,
        outcome: Ok(vec![1, 2]),
        failed: vec![FailedPiece { slice: vec![6], weight: 3, reason: "no".to_owned() }],
        began_us: 1_795_000_000_000_100,
        cold: true,
        loaded_us: 1_000,
        worked_us: 2_000,
        memory_mb: 1_769,
    };
    same("reply", &reply);
    same("reply-elsewhere", &ReplyElsewhere { reply: Digest::of(b"a reply") });
    let result = ResultRecord {
        job: task().job,
        index: 3,
        fingerprint: task().fingerprint(),
        weight: 99,
        partial: Some(Stored::Inline(vec![1])),
        failures: vec![failure(3, 1)],
        receipt: receipt(),
        times: times(),
        spans: spans(),
    };
    same("result", &result);
    hold("v1/stored-inline", &encode(&Stored::Inline(vec![1, 2, 3])));
}
