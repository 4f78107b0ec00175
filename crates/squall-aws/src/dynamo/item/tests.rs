use proptest::prelude::*;
use squall_core::code::CodeVersion;
use squall_core::digest::{Digest, Fingerprint};
use squall_core::rows::{JobStatus, Resent};
use squall_core::sizing::{Sizing, SizingReason};
use squall_core::workload::Coverage;

use super::*;

fn id() -> JobId {
    JobId::new("march").unwrap()
}

fn published(workload: String) -> Published {
    Published {
        workload,
        code: CodeVersion::unnamed(1),
        input: Digest::of(b"input"),
        sizing: Sizing { n_tasks: 3, subtasks_per_task: 2, subtask_us: 1, reason: SizingReason::Waves },
        n_tasks: 3,
        weight: u64::MAX,
        fingerprints: Fingerprint(u128::MAX),
        n_buckets: 2,
        generation: 0,
        lifetime_us: 60_000_000,
        resent: Resent::default(),
        is_large: false,
    }
}

fn ending(status: JobStatus, ended_us: u64) -> Ending {
    Ending {
        status,
        reason: Some("time ran out".to_owned()),
        coverage: Coverage { weight_done: 1, weight_total: 2 },
        missing: [3, 5].into_iter().collect(),
        failures: Vec::new(),
        answer: Vec::new(),
        receipt: Default::default(),
        timeline: Default::default(),
        ended_us,
    }
}

fn rows() -> impl Strategy<Value = JobRow> {
    let status = prop::sample::select(vec![JobStatus::Complete, JobStatus::Rejected, JobStatus::Expired]);
    let progress = (any::<u32>(), any::<u64>()).prop_map(|(n_tasks, weight_done)| BucketProgress {
        n_tasks,
        weight_done,
        ..BucketProgress::default()
    });
    (
        any::<(u64, u64, bool, bool)>(),
        prop::option::of(any::<u64>().prop_map(NanoUsd)),
        prop::option::of(".{0,9}".prop_map(published)),
        prop::collection::btree_map(any::<u32>(), progress, 0..5),
        prop::option::of((status, any::<u64>()).prop_map(|(status, ended_us)| ending(status, ended_us))),
    )
        .prop_map(
            |((created_us, expires_us, enqueued, announced), max_cost, published, progress, ending)| JobRow {
                id: id(),
                message: Digest::of(&created_us.to_le_bytes()),
                created_us,
                expires_us,
                max_cost,
                published,
                enqueued,
                progress,
                ending,
                announced,
            },
        )
}

fn item_of(row: &JobRow) -> Item {
    let plan = Stored::Inline(plan(row.expires_us, row.max_cost, row.published.as_ref()));
    let ending = row.ending.as_ref().map(|ending| Stored::Inline(ending.to_bytes()));
    job_item(row, &plan, ending.as_ref())
}

fn inline(stored: &Stored) -> &[u8] {
    match stored {
        Stored::Inline(bytes) => bytes,
        Stored::Blob(digest) => panic!("{digest} is elsewhere"),
    }
}

proptest! {
    #[test]
    fn a_job_survives_its_item(row in rows()) {
        let parsed = JobItem::from_item(&id(), &item_of(&row)).unwrap();
        let (plan, ending) = (parsed.plan.clone(), parsed.ending.clone());
        let read = parsed.into_row(inline(&plan), ending.as_ref().map(inline)).unwrap();
        prop_assert_eq!(read, row);
    }
}

fn running() -> JobRow {
    JobRow {
        id: id(),
        message: Digest::of(b"message"),
        created_us: 7,
        expires_us: 60_999_999,
        max_cost: None,
        published: None,
        enqueued: false,
        progress: BTreeMap::new(),
        ending: None,
        announced: false,
    }
}

#[test]
fn keys_are_as_documented() {
    let item = item_of(&running());
    assert_eq!((&item["pk"], &item["sk"]), (&text("job#march"), &text("job")));
    assert_eq!(partition_key(&id()), text("job#march"));
    assert_eq!(bucket_sort_key(7), text("bucket#00007"));
    assert_eq!(bucket_sort_key(1_234_567), text("bucket#1234567"));
    assert_eq!(progress_names(12), ("n12".to_owned(), "g12".to_owned()));
    assert_eq!(job_id(&item).unwrap(), id());
}

#[test]
fn what_conditions_look_at_has_attributes_of_its_own() {
    let mut row = running();
    row.record_progress(3, BucketProgress { n_tasks: 9, ..BucketProgress::default() });
    let item = item_of(&row);
    assert_eq!(item["status"], text("running"));
    assert_eq!((&item["created_us"], &item["n3"]), (&number(7), &number(9)));
    assert!(!item.contains_key("ended_us"), "its absence is what says that a job runs");
    let ended = JobRow { ending: Some(ending(JobStatus::Expired, 8)), ..row };
    let item = item_of(&ended);
    assert_eq!((&item["ended_as"], &item["ended_us"]), (&text("expired"), &number(8)));
    assert_eq!(item["status"], text("running"), "until its end was told");
    assert_eq!(item_of(&JobRow { announced: true, ..ended })["status"], text("expired"));
}

#[test]
fn rows_outlive_their_job_by_a_month() {
    assert_eq!(item_of(&running())["ttl"], number(60 + 30 * 86_400));
    assert_eq!(ttl(u64::MAX), number(u64::MAX / 1_000_000 + RETENTION_S));
}

#[test]
fn an_item_that_lacks_something_is_refused_by_name() {
    for (name, other) in [
        ("message", text("not bytes")),
        ("created_us", text("seven")),
        ("plan", AttributeValue::Bool(true)),
        ("enqueued", number(1)),
        ("announced", text("true")),
    ] {
        let mut item = item_of(&running());
        item.insert(name.to_owned(), other);
        let wrong = JobItem::from_item(&id(), &item).unwrap_err().to_string();
        item.remove(name);
        let missing = JobItem::from_item(&id(), &item).unwrap_err().to_string();
        for error in [wrong, missing] {
            assert!(
                error.starts_with(&format!("cannot decode job row: attribute `{name}` is not ")),
                "{error}"
            );
        }
    }
    let stranger = Item::from([("pk".to_owned(), text("user#ann"))]);
    assert_eq!(
        job_id(&stranger).unwrap_err().to_string(),
        "cannot decode job row: attribute `pk` is not a job's key"
    );
}

/// The bytes of a golden file of squall-core.
fn golden(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

macro_rules! before_versions {
    ($name:literal) => {
        golden(include_str!(concat!("../../../../squall-core/src/golden/before_versions/", $name, ".hex")))
    };
}

#[test]
fn an_item_from_before_versions_is_read() {
    let (plan, ending) = (before_versions!("plan"), before_versions!("ending"));
    let mut item = item_of(&running());
    item.insert("plan".to_owned(), stored(&Stored::Inline(plan.clone())));
    item.insert("ending".to_owned(), stored(&Stored::Inline(ending.clone())));
    item.insert("message".to_owned(), bytes(before_versions!("message-digest")));
    item.insert("n0".to_owned(), number(2));
    item.insert("p0".to_owned(), bytes(before_versions!("progress")));
    let parsed = JobItem::from_item(&id(), &item).unwrap();
    let row = parsed.clone().into_row(&plan, Some(&ending)).unwrap();
    assert_eq!((row.message, row.status()), (Digest::of(b"a message"), JobStatus::Expired));
    let published = row.published.as_ref().unwrap();
    assert_eq!((published.generation, published.resent.n, published.resent.weight), (1, 2, 2_004));
    assert_eq!(published.code.to_string(), "version 1 of build before 0.2.0");
    assert_eq!(row.progress[&0].weight_done, 18_999);
    assert_eq!(parsed.into_standing(&plan).unwrap(), row.standing());
    // Progress that a newer binary adds counts if it is further along.
    let later = BucketProgress { n_tasks: 3, ..BucketProgress::default() };
    item.insert("g0".to_owned(), progress(&later));
    let row = JobItem::from_item(&id(), &item).unwrap().into_row(&plan, None).unwrap();
    assert_eq!(row.progress[&0], later);
}
