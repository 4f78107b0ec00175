use proptest::prelude::*;

use super::*;
use crate::code::CodeVersion;
use crate::digest::{Digest, Fingerprint};
use crate::job::JobId;
use crate::prices::Prices;
use crate::receipt::{Receipt, TaskTimes};
use crate::rows::{BucketRow, Published, Resent};
use crate::sizing::{Sizing, SizingReason};
use crate::spans::Spans;
use crate::wire::CodecError;
use crate::wire::{Cause, Failure, ResultRecord};
use crate::workload::Weight;

/// The result of one task, some of whose weight may have failed.
pub(crate) fn result(index: u32, weight: Weight, failed: &[Weight]) -> ResultRecord {
    let job = JobId::new("march").unwrap();
    let slice = index.to_le_bytes();
    let failure = |(subtask, &weight)| Failure {
        task: index,
        subtask,
        slice: Vec::new(),
        weight,
        attempts: 4,
        reason: format!("worker {subtask} crashed"),
        cause: Cause::Outage,
    };
    ResultRecord {
        index,
        fingerprint: Fingerprint::of_task(job.as_str(), Digest::of(b"input"), index, weight, &slice),
        weight,
        partial: None,
        failures: (0..).zip(failed).map(failure).collect(),
        receipt: Receipt { tasks: 1, subtasks: 4, worker_mb_us: 1 << 30, ..Receipt::default() },
        times: TaskTimes { put_us: 10, read_us: 20, invoked_us: 30, answered_us: 40 + u64::from(index) },
        spans: Spans::default(),
        job,
    }
}

/// The plan of a splitter that cuts a job into the tasks of these results.
pub(crate) fn published(results: &[ResultRecord], n_buckets: u32) -> Published {
    let n_tasks = u32::try_from(results.len()).unwrap();
    Published {
        workload: "probe".to_owned(),
        code: CodeVersion::unnamed(1),
        input: Digest::of(b"input"),
        sizing: Sizing { n_tasks, subtasks_per_task: 4, subtask_us: 1, reason: SizingReason::Asked },
        n_tasks,
        weight: results.iter().map(|it| it.weight).sum(),
        fingerprints: results.iter().fold(Fingerprint::default(), |sum, it| sum.plus(it.fingerprint)),
        n_buckets,
        generation: 0,
        lifetime_us: 1_000,
        resent: Resent::default(),
        is_large: false,
    }
}

pub(crate) fn received(rows: &[BucketRow]) -> Received {
    let mut received = Received::default();
    rows.iter().for_each(|row| received.add(row));
    received
}

/// All results booked in one go.
pub(crate) fn booked(results: &[ResultRecord]) -> BucketRow {
    let mut row = BucketRow::default();
    book_results(&mut row, &results.iter().collect::<Vec<_>>(), 100);
    row
}

#[test]
fn what_is_fresh_is_in_neither_the_row_nor_the_batch_before() {
    let results = [result(0, 1, &[]), result(1, 1, &[]), result(2, 1, &[])];
    let row = booked(&results[..1]);
    let again = [&results[2], &results[0], &results[1], &results[2]];
    let indices: Vec<_> = fresh(&row, &again).iter().map(|it| it.index).collect();
    assert_eq!(indices, [2, 1]);
}

#[test]
fn progress_is_what_the_row_holds() {
    let row = booked(&[result(0, 10, &[3]), result(5, 7, &[]), result(9, 4, &[1, 1])]);
    let progress = progress_of(&row, &Prices::default());
    assert_eq!((progress.n_tasks, progress.weight_done, progress.n_failures), (3, 16, 3));
    assert_eq!((progress.n_subtasks, progress.first_merged_us), (12, 100));
    assert_eq!(progress.cost, Prices::default().cost_of(&row.receipt));
    assert_eq!((row.version, row.weight), (1, 21));
}

#[test]
fn a_result_of_an_unpublished_task_is_refused() {
    let results = [result(0, 1, &[]), result(1, 1, &[])];
    let published = published(&results, 1);
    assert_eq!(check_published(&published, &results[1]), Ok(()));
    let error = check_published(&published, &result(2, 1, &[])).unwrap_err();
    assert_eq!(error.to_string(), "task 2 is not one of the job's 2");
    let error = Unfit::from(CodecError::new("partial", "too short"));
    assert_eq!(error.to_string(), "cannot decode partial: too short");
}

#[test]
fn the_proof_finds_every_shortfall() {
    let results: Vec<_> = (0..5).map(|index| result(index, 10, &[])).collect();
    let published = published(&results, 2);
    let whole = received(&[booked(&results)]);
    assert_eq!(prove(&published, &whole), Ok(()));

    let short = received(&[booked(&results[..3])]);
    let surplus = received(&[booked(&results), booked(&[result(5, 0, &[])])]);
    let heavier = Received { weight: 51, ..whole.clone() };
    let swapped = Received { fingerprints: whole.fingerprints.plus(Fingerprint(1)), ..whole.clone() };
    // A count hides one too few behind one too many; a set does not.
    let replaced = received(&[booked(&results[..4]), booked(&[result(5, 10, &[])])]);
    let twice = received(&[booked(&results), booked(&results[..1])]);
    let shortfalls =
        [short, surplus, heavier, swapped, replaced, twice].map(|it| prove(&published, &it).unwrap_err());
    let texts: Vec<_> = shortfalls.iter().map(ToString::to_string).collect();
    expect_test::expect![[r#"
        2 tasks did not come back
        6 tasks came back of 5 published
        tasks of weight 51 came back where 50 was published
        the tasks that came back are not the ones that were published
        1 task did not come back
        tasks of weight 60 came back where 50 was published"#]]
    .assert_eq(&texts.join("\n"));
}

prop_compose! {
    /// Tasks, some with failures, each delivered up to three times, in any order and in batches of any size.
    fn any_deliveries()(tasks in prop::collection::vec((0..1_000_u64, 0..3_u64, 1..4_usize), 1..30))(
        order in Just(
            tasks.iter().enumerate().flat_map(|(i, (.., n_times))| vec![i; *n_times]).collect::<Vec<_>>()
        ).prop_shuffle(),
        batches in prop::collection::vec(1..9_usize, 90),
        results in Just(
            (0..).zip(&tasks)
                .map(|(index, (weight, n_failures, _))| {
                    let failed: Vec<_> = (0..*n_failures).map(|it| (weight / 4).saturating_sub(it)).collect();
                    result(index, *weight, &failed)
                })
                .collect::<Vec<_>>()
        ),
    ) -> (Vec<ResultRecord>, Vec<Vec<usize>>) {
        let mut order = order.as_slice();
        let mut deliveries = Vec::new();
        for size in batches {
            let (batch, rest) = order.split_at(size.min(order.len()));
            deliveries.push(batch.to_vec());
            order = rest;
        }
        (results, deliveries)
    }
}

/// Delivers batches to their buckets as a collector does.
fn collected(results: &[ResultRecord], deliveries: &[Vec<usize>], published: &Published) -> Vec<BucketRow> {
    let mut rows = vec![BucketRow::default(); published.n_buckets as usize];
    for batch in deliveries {
        for bucket in 0..published.n_buckets {
            let batch: Vec<_> = batch
                .iter()
                .map(|&at| &results[at])
                .filter(|result| published.bucket_of(result.index) == bucket)
                .collect();
            let row = &mut rows[bucket as usize];
            let fresh = fresh(row, &batch);
            if !fresh.is_empty() {
                book_results(row, &fresh, 100);
            }
        }
    }
    rows
}

proptest! {
    #[test]
    fn duplicates_order_and_batches_change_nothing((results, deliveries) in any_deliveries(), n_buckets in 1..5_u32) {
        let published = published(&results, n_buckets);
        let rows = collected(&results, &deliveries, &published);
        let at_once = collected(&results, &[(0..results.len()).collect()], &published);
        for (row, expected) in rows.iter().zip(&at_once) {
            let row = BucketRow { version: expected.version, ..row.clone() };
            prop_assert_eq!(&row, expected);
            prop_assert_eq!(progress_of(&row, &Prices::default()), progress_of(expected, &Prices::default()));
        }
        let received = received(&rows);
        prop_assert_eq!(prove(&published, &received), Ok(()));
        prop_assert_eq!(&received, &self::received(&at_once));
        prop_assert!(received.failures.is_sorted());
        let failed: u64 = received.failures.iter().map(|it| it.weight).sum();
        prop_assert_eq!(received.coverage(&published).weight_done, published.weight - failed);
    }

    #[test]
    fn any_task_that_is_lost_is_missed((results, deliveries) in any_deliveries(), lost: prop::sample::Index) {
        let published = published(&results, 3);
        let lost = lost.index(results.len());
        let deliveries: Vec<Vec<usize>> =
            deliveries.into_iter().map(|batch| batch.into_iter().filter(|at| *at != lost).collect()).collect();
        let received = received(&collected(&results, &deliveries, &published));
        prop_assert_eq!(prove(&published, &received), Err(Shortfall::Missing { n_missing: 1 }));
        prop_assert_eq!(received.missing(&published).iter().collect::<Vec<_>>(), [u32::try_from(lost).unwrap()]);
    }

    #[test]
    fn any_task_that_is_not_what_was_published_is_noticed(
        (results, _) in any_deliveries(),
        which: prop::sample::Index,
        weight: u64,
    ) {
        let published = published(&results, 1);
        let mut results = results;
        let which = which.index(results.len());
        let other = result(results[which].index, weight % 1_000, &[]);
        prop_assume!(other.weight != results[which].weight);
        results[which] = other;
        let is_noticed = matches!(prove(&published, &received(&[booked(&results)])), Err(Shortfall::Weight { .. }));
        prop_assert!(is_noticed);
    }
}
