//! When a job ends, and how.

use std::collections::BTreeMap;

use expect_test::expect;

use super::*;
use crate::wire::{Cause, Failure};

fn failure(task: u32, cause: Cause) -> Failure {
    Failure {
        task,
        subtask: 0,
        slice: Vec::new(),
        weight: 1,
        attempts: 4,
        reason: "crashed".to_owned(),
        cause,
    }
}

/// A job of ten tasks that expires at 1000 µs.
fn row(n_done: u32, cost: u64, max_cost: Option<u64>) -> JobRow {
    let results: Vec<_> = (0..10).map(|index| result(index, 10, &[])).collect();
    let progress = BucketProgress { n_tasks: n_done, cost: NanoUsd(cost), ..BucketProgress::default() };
    JobRow {
        id: JobId::new("march").unwrap(),
        message: Digest::of(b""),
        created_us: 0,
        expires_us: 1_000,
        max_cost: max_cost.map(NanoUsd),
        published: Some(published(&results, 1)),
        enqueued: true,
        progress: BTreeMap::from([(0, progress)]),
        ending: None,
        announced: false,
    }
}

/// A job of eleven tasks, of which so many came back without any value.
fn failing(n_done: u32) -> JobRow {
    let mut row = row(n_done, 0, None);
    row.published.as_mut().unwrap().n_tasks = 11;
    row.progress.get_mut(&0).unwrap().n_failures = 3 * n_done;
    row
}

/// A job of which so many subtasks came back without a value.
fn with_failures(n_failures: u32, n_resent: u32) -> JobRow {
    let mut row = with_value(row(5, 0, None));
    row.progress.get_mut(&0).unwrap().n_failures = n_failures;
    row.published.as_mut().unwrap().resent.n = n_resent;
    row
}

fn with_value(mut row: JobRow) -> JobRow {
    row.progress.get_mut(&0).unwrap().n_subtasks = 1;
    row
}

fn reopened(mut row: JobRow) -> JobRow {
    row.published.as_mut().unwrap().generation = 1;
    row
}

fn ended(row: JobRow) -> JobRow {
    let ending = Ending {
        status: JobStatus::Cancelled,
        reason: None,
        coverage: Coverage::default(),
        missing: RoaringBitmap::new(),
        failures: Vec::new(),
        answer: Vec::new(),
        receipt: Receipt::default(),
        timeline: Timeline::default(),
        ended_us: 0,
    };
    JobRow { ending: Some(ending), ..row }
}

#[test]
fn a_job_ends_when_all_is_in_or_money_or_time_is_up() {
    let situations = [
        ("just begun", row(0, 0, None), 0),
        ("all but one", row(9, 0, None), 999),
        ("the last is in", row(10, 0, None), 999),
        ("the last is in, late and dear", row(10, 500, Some(1)), 2_000),
        ("below its cap", row(5, 499, Some(500)), 999),
        ("at its cap", row(5, 500, Some(500)), 999),
        ("over its cap", row(5, 501, Some(500)), 999),
        ("nine tasks without any value", failing(9), 999),
        ("ten tasks without any value", failing(10), 999),
        ("ten tasks, of which one has a value", with_value(failing(10)), 999),
        ("ten tasks without any value, once reopened", reopened(failing(10)), 999),
        ("ten tasks without any value at the deadline", failing(10), 1_000),
        ("a hundred thousand failures", with_failures(100_000, 0), 999),
        ("one failure more", with_failures(100_001, 0), 999),
        ("as many, and others that were sent again", with_failures(150_000, 50_000), 999),
        ("one more, and others that were sent again", with_failures(150_001, 50_000), 999),
        ("at its deadline", row(5, 0, None), 1_000),
        ("past its deadline and over its cap", row(5, 501, Some(500)), 1_001),
        ("ended before", ended(row(5, 501, Some(500))), 2_000),
        ("never published", JobRow { published: None, ..row(0, 0, None) }, 0),
    ];
    let mut table = String::new();
    for (what, row, now_us) in situations {
        let closing = plan_closing(&row, Some(&CodeVersion::unnamed(1)), now_us);
        let admission = plan_admission(Some(&row.standing()), 0, now_us);
        table.push_str(&format!("{what}: {closing:?}; a task of it: {admission:?}\n"));
    }
    table.push_str(&format!("not known: a task of it: {:?}\n", plan_admission(None, 0, 0)));
    let mut reopened = row(5, 0, None);
    reopened.published.as_mut().unwrap().generation = 1;
    for generation in [0, 1] {
        let admission = plan_admission(Some(&reopened.standing()), generation, 999);
        table.push_str(&format!("reopened once: a task of generation {generation}: {admission:?}\n"));
    }
    expect![[r#"
        just begun: NotYet; a task of it: Start
        all but one: NotYet; a task of it: Start
        the last is in: AllIn; a task of it: Start
        the last is in, late and dear: AllIn; a task of it: Start
        below its cap: NotYet; a task of it: Start
        at its cap: OverBudget; a task of it: OverBudget
        over its cap: OverBudget; a task of it: OverBudget
        nine tasks without any value: NotYet; a task of it: Start
        ten tasks without any value: Failing; a task of it: Start
        ten tasks, of which one has a value: NotYet; a task of it: Start
        ten tasks without any value, once reopened: NotYet; a task of it: Superseded
        ten tasks without any value at the deadline: Expired; a task of it: Expired
        a hundred thousand failures: NotYet; a task of it: Start
        one failure more: TooManyFailures; a task of it: Start
        as many, and others that were sent again: NotYet; a task of it: Start
        one more, and others that were sent again: TooManyFailures; a task of it: Start
        at its deadline: Expired; a task of it: Expired
        past its deadline and over its cap: OverBudget; a task of it: OverBudget
        ended before: Ended; a task of it: Ended
        never published: Ended; a task of it: Ended
        not known: a task of it: Unknown
        reopened once: a task of generation 0: Superseded
        reopened once: a task of generation 1: Start
    "#]]
    .assert_eq(&table);
}

#[test]
fn a_job_of_other_code_ends_unless_everything_is_in() {
    let made = CodeVersion::unnamed(1);
    let other_version = CodeVersion::unnamed(2);
    let other_build = CodeVersion { workload: 1, build: "0.2.0 (abc)".to_owned() };
    let closing = |row: &JobRow, here| plan_closing(row, here, 999);
    for here in [None, Some(&other_version), Some(&other_build)] {
        assert_eq!(closing(&row(9, 0, None), here), Closing::OtherCode);
        assert_eq!(closing(&row(10, 0, None), here), Closing::AllIn);
        assert_eq!(closing(&ended(row(9, 0, None)), here), Closing::Ended);
    }
    assert_eq!(closing(&row(9, 0, None), Some(&made)), Closing::NotYet);
}

#[test]
fn every_reason_to_end_meets_every_outcome() {
    let results: Vec<_> = (0..10).map(|index| result(index, 10, &[])).collect();
    let published = published(&results, 1);
    let mut with_failures = results.clone();
    with_failures[3] = result(3, 10, &[5, 5]);
    let whole = received(&[booked(&results)]);
    let outcomes = [
        ("all in", whole.clone()),
        ("all in, two subtasks failed", received(&[booked(&with_failures)])),
        ("some missing", received(&[booked(&results[..7])])),
        ("nothing in", Received::default()),
        ("other tasks in", Received { fingerprints: Fingerprint(1), ..whole }),
    ];
    let reasons = [
        Closing::AllIn,
        Closing::OverBudget,
        Closing::Expired,
        Closing::Failing,
        Closing::TooManyFailures,
        Closing::Stalled,
        Closing::Cancelled,
        Closing::OtherCode,
        Closing::NotYet,
        Closing::Ended,
    ];
    let mut table = String::new();
    for (what, received) in &outcomes {
        table.push_str(&format!("{what}\n"));
        for closing in reasons {
            let (status, reason) = plan_ending(closing, &published, received);
            table.push_str(&format!("  {closing:?}: {status}, {}\n", reason.as_deref().unwrap_or("-")));
        }
    }
    expect![[r#"
        all in
          AllIn: complete, -
          OverBudget: complete, -
          Expired: complete, -
          Failing: complete, -
          TooManyFailures: complete, -
          Stalled: complete, -
          Cancelled: complete, -
          OtherCode: complete, -
          NotYet: complete, -
          Ended: complete, -
        all in, two subtasks failed
          AllIn: complete_with_failures, without a value: 2 subtasks; the first: worker 0 crashed
          OverBudget: complete_with_failures, without a value: 2 subtasks; the first: worker 0 crashed
          Expired: complete_with_failures, without a value: 2 subtasks; the first: worker 0 crashed
          Failing: complete_with_failures, without a value: 2 subtasks; the first: worker 0 crashed
          TooManyFailures: complete_with_failures, without a value: 2 subtasks; the first: worker 0 crashed
          Stalled: complete_with_failures, without a value: 2 subtasks; the first: worker 0 crashed
          Cancelled: complete_with_failures, without a value: 2 subtasks; the first: worker 0 crashed
          OtherCode: complete_with_failures, without a value: 2 subtasks; the first: worker 0 crashed
          NotYet: complete_with_failures, without a value: 2 subtasks; the first: worker 0 crashed
          Ended: complete_with_failures, without a value: 2 subtasks; the first: worker 0 crashed
        some missing
          AllIn: inconsistent, 3 tasks did not come back
          OverBudget: over_budget, the cost cap was reached; 3 tasks are missing: 7-9
          Expired: expired, time ran out; 3 tasks are missing: 7-9
          Failing: failed, not one of the first 7 tasks has a value: ; 3 tasks are missing: 7-9
          TooManyFailures: failed, 0 subtasks have no value, and a job has 100000 of those at most; the first: ; 3 tasks are missing: 7-9
          Stalled: expired, nothing of it is under way any more; 3 tasks are missing: 7-9
          Cancelled: cancelled, it was stopped; 3 tasks are missing: 7-9
          OtherCode: expired, it was made by probe version 1, and another build was deployed while it ran: publish it again; 3 tasks are missing: 7-9
          NotYet: inconsistent, 3 tasks did not come back
          Ended: inconsistent, 3 tasks did not come back
        nothing in
          AllIn: inconsistent, 10 tasks did not come back
          OverBudget: over_budget, the cost cap was reached; 10 tasks are missing: 0-9
          Expired: expired, time ran out; 10 tasks are missing: 0-9
          Failing: failed, not one of the first 0 tasks has a value: ; 10 tasks are missing: 0-9
          TooManyFailures: failed, 0 subtasks have no value, and a job has 100000 of those at most; the first: ; 10 tasks are missing: 0-9
          Stalled: expired, nothing of it is under way any more; 10 tasks are missing: 0-9
          Cancelled: cancelled, it was stopped; 10 tasks are missing: 0-9
          OtherCode: expired, it was made by probe version 1, and another build was deployed while it ran: publish it again; 10 tasks are missing: 0-9
          NotYet: inconsistent, 10 tasks did not come back
          Ended: inconsistent, 10 tasks did not come back
        other tasks in
          AllIn: inconsistent, the tasks that came back are not the ones that were published
          OverBudget: inconsistent, the tasks that came back are not the ones that were published
          Expired: inconsistent, the tasks that came back are not the ones that were published
          Failing: inconsistent, the tasks that came back are not the ones that were published
          TooManyFailures: inconsistent, the tasks that came back are not the ones that were published
          Stalled: inconsistent, the tasks that came back are not the ones that were published
          Cancelled: inconsistent, the tasks that came back are not the ones that were published
          OtherCode: inconsistent, the tasks that came back are not the ones that were published
          NotYet: inconsistent, the tasks that came back are not the ones that were published
          Ended: inconsistent, the tasks that came back are not the ones that were published
    "#]]
    .assert_eq(&table);
}

#[test]
fn missing_tasks_are_named_as_ranges() {
    let sets: [Vec<u32>; 7] = [
        vec![],
        vec![3],
        vec![3, 4],
        vec![0, 2, 4],
        vec![3, 17, 18, 19, 40],
        vec![u32::MAX - 1, u32::MAX],
        (0..60).filter(|task| task % 2 == 0).collect(),
    ];
    let texts = sets.map(|set| Missing(set.into_iter().collect()).to_string());
    expect![[r#"
        no task is missing
        1 task is missing: 3
        2 tasks are missing: 3-4
        3 tasks are missing: 0, 2, 4
        5 tasks are missing: 3, 17-19, 40
        2 tasks are missing: 4294967294-4294967295
        30 tasks are missing: 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30, 32, 34, 36, 38, …"#]]
    .assert_eq(&texts.join("\n"));
    let exactly_twenty: RoaringBitmap = (0..40).filter(|task| task % 2 == 0).collect();
    assert!(!Missing(exactly_twenty).to_string().contains('…'));
}

#[test]
fn a_message_is_new_or_resumed_or_done_or_of_another_job() {
    let (ours, other) = (Digest::of(b""), Digest::of(b"other"));
    let begun = JobRow { enqueued: false, ..row(0, 0, None) };
    let rejected = {
        let mut row = ended(begun.clone());
        if let Some(ending) = &mut row.ending {
            ending.status = JobStatus::Rejected;
        }
        row
    };
    let named = |known: Option<&JobRow>, message| match plan_arrival(known, message) {
        Arrival::New => "new",
        Arrival::Resume(_) => "resume",
        Arrival::Done => "done",
        Arrival::IdTaken => "taken",
    };
    let table = [
        ("the id is free", None),
        ("rejected", Some(&rejected)),
        ("not all on the stream", Some(&begun)),
        ("all on the stream", Some(&row(0, 0, None))),
        ("ended", Some(&ended(begun.clone()))),
    ]
    .map(|(situation, known)| {
        format!("{situation}: {}, another message: {}\n", named(known, ours), named(known, other))
    })
    .concat();
    expect![[r#"
        the id is free: new, another message: new
        rejected: new, another message: new
        not all on the stream: resume, another message: taken
        all on the stream: done, another message: taken
        ended: done, another message: taken
    "#]]
    .assert_eq(&table);
}

/// Progress may lag behind the buckets, and some failures say nothing about the tasks to come.
#[test]
fn only_ten_tasks_that_failed_by_themselves_or_by_their_workers_show_that_a_job_fails() {
    let received = |n_tasks: u32, cause, subtasks| {
        let receipt = Receipt { subtasks, ..Receipt::default() };
        Received {
            failures: (0..n_tasks).map(|task| failure(task, cause)).collect(),
            receipt,
            ..Received::default()
        }
    };
    for cause in [Cause::Outage, Cause::OfItself, Cause::TooLarge] {
        assert!(is_failing(&received(10, cause, 0)), "{cause:?}");
        assert!(!is_failing(&received(9, cause, 0)), "{cause:?}");
        assert!(!is_failing(&received(10, cause, 1)), "a value was merged meanwhile");
    }
    assert!(!is_failing(&received(100, Cause::Deadline, 0)));
    // Consumers died of each, time and again; or they refused it, which is no attempt.
    let mut died = received(10, Cause::WholeTask, 0);
    assert!(is_failing(&died));
    died.failures.iter_mut().for_each(|it| it.attempts = 0);
    assert!(!is_failing(&died));
}

#[test]
fn what_the_deadline_cut_off_is_expired_until_it_is_done() {
    let results: Vec<_> = (0..3).map(|index| result(index, 10, &[])).collect();
    let published = published(&results, 1);
    let mut received = Received::default();
    received.tasks.insert_range(0..3);
    (received.fingerprints, received.weight, received.weight_done) =
        (published.fingerprints, published.weight, 29);
    received.failures = vec![failure(1, Cause::Deadline)];
    let (status, reason) = plan_ending(Closing::AllIn, &published, &received);
    assert_eq!(status, JobStatus::Expired);
    assert_eq!(reason.unwrap(), "time ran out before 1 subtask were done; without a value: 1 subtask");
    received.failures[0].cause = Cause::Outage;
    assert_eq!(plan_ending(Closing::AllIn, &published, &received).0, JobStatus::CompleteWithFailures);
}
