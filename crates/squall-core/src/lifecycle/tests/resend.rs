//! Which parts of an ended job are sent again.

use std::collections::BTreeMap;

use expect_test::expect;

use super::*;
use crate::collate::{Shortfall, prove};
use crate::deployment::Deployment;
use crate::prices::Prices;
use crate::wire::ResultRecord;

const SPENT_MB_US: u64 = 1 << 40;

/// A job of four tasks: 0 is in completely, 1 is in except for two subtasks, 2 and 3 are missing.
fn seen(status: Option<JobStatus>, enqueued: bool) -> (JobRow, Received) {
    let tasks: Vec<_> = [(0, &[][..]), (1, &[4, 3]), (2, &[]), (3, &[])]
        .map(|(index, failed)| result(index, 10, failed))
        .into();
    let ending = status.map(|status| Ending {
        status,
        reason: None,
        coverage: Coverage::default(),
        missing: RoaringBitmap::new(),
        failures: Vec::new(),
        answer: Vec::new(),
        receipt: Receipt::default(),
        timeline: Timeline::default(),
        ended_us: 900,
    });
    let row = JobRow {
        id: JobId::new("march").unwrap(),
        message: Digest::of(b""),
        created_us: 100,
        expires_us: 1_100,
        max_cost: None,
        published: Some(published(&tasks, 1)),
        enqueued,
        progress: BTreeMap::new(),
        ending,
        announced: true,
    };
    let mut received = received(&[booked(&tasks[..2])]);
    received.receipt.worker_mb_us = SPENT_MB_US;
    (row, received)
}

fn told(row: &JobRow, received: &Received, request: &ResendRequest) -> String {
    match plan_resend(row, received, Vec::new(), request, &Deployment::default(), 5_000) {
        Err(reason) => reason.to_string(),
        Ok(plan) => format!(
            "tasks {:?} of {}, over {:?}, until {}",
            plan.tasks.iter().collect::<Vec<_>>(),
            plan.reopened.published.n_tasks,
            plan.over_ended_us,
            plan.reopened.expires_us,
        ),
    }
}

#[test]
fn only_what_is_missing_or_failed_is_sent_again() {
    let mut table = String::new();
    let as_it_was = ResendRequest::default();
    for status in [
        JobStatus::Expired,
        JobStatus::Cancelled,
        JobStatus::OverBudget,
        JobStatus::CompleteWithFailures,
        JobStatus::Failed,
        JobStatus::Rejected,
        JobStatus::Inconsistent,
    ] {
        let (row, received) = seen(Some(status), true);
        table += &format!("{status}: {}\n", told(&row, &received, &as_it_was));
    }
    let (row, received) = seen(None, true);
    table += &format!("running: {}\n", told(&row, &received, &as_it_was));
    let (row, received) = seen(None, false);
    table += &format!("running, half on the stream: {}\n", told(&row, &received, &as_it_was));
    let longer = ResendRequest { lifetime_us: Some(7), ..as_it_was };
    table +=
        &format!("running, half on the stream, with another deadline: {}\n", told(&row, &received, &longer));
    let (row, received) = seen(Some(JobStatus::Expired), true);
    let never_published = JobRow { published: None, ..row.clone() };
    table += &format!("never published: {}\n", told(&never_published, &received, &as_it_was));
    let later = JobRow { expires_us: 90_000, ..row.clone() };
    table += &format!("for the second time: {}\n", told(&later, &received, &as_it_was));
    table += &format!("with another deadline: {}\n", told(&row, &received, &longer));
    let capped = JobRow { max_cost: Some(Prices::default().cost_of(&received.receipt)), ..row.clone() };
    table += &format!("at its cap: {}\n", told(&capped, &received, &as_it_was));
    let raised = ResendRequest { max_cost: Some(NanoUsd(u64::MAX)), ..as_it_was };
    table += &format!("with a higher cap: {}\n", told(&capped, &received, &raised));
    let all: Vec<_> = (0..4).map(|index| result(index, 10, &[])).collect();
    let whole = super::received(&[booked(&all)]);
    let complete = JobRow { published: Some(published(&all, 1)), ..row };
    table += &format!("all in: {}\n", told(&complete, &whole, &as_it_was));
    expect![[r#"
        expired: tasks [2, 3, 4, 5] of 6, over Some(900), until 6000
        cancelled: tasks [2, 3, 4, 5] of 6, over Some(900), until 6000
        over_budget: tasks [2, 3, 4, 5] of 6, over Some(900), until 6000
        complete_with_failures: tasks [2, 3, 4, 5] of 6, over Some(900), until 6000
        failed: tasks [2, 3, 4, 5] of 6, over Some(900), until 6000
        rejected: it is rejected; publish it again
        inconsistent: it is inconsistent; publish it again
        running: it is running; cancel it first to send what is missing again
        running, half on the stream: tasks [2, 3] of 4, over None, until 6000
        running, half on the stream, with another deadline: a retry is half done; run it without a new deadline or cap to continue
        never published: it is expired; publish it again
        for the second time: tasks [2, 3, 4, 5] of 6, over Some(900), until 6000
        with another deadline: tasks [2, 3, 4, 5] of 6, over Some(900), until 5007
        at its cap: it has cost $0.014317 of at most $0.014317; give it a higher cap
        with a higher cap: a job of this deployment may cost $1000.000000 at most; $18446744073.709551 is more
        all in: it is complete: nothing is missing and nothing failed
    "#]]
    .assert_eq(&table);
}

#[test]
fn what_is_sent_again_proves_the_job_complete() {
    let (row, before) = seen(Some(JobStatus::Expired), true);
    let plan =
        plan_resend(&row, &before, Vec::new(), &ResendRequest::default(), &Deployment::default(), 5_000)
            .unwrap();
    let mut reopened = row.clone();
    reopened.reopen(plan.reopened.clone());
    assert_eq!(
        (reopened.status(), reopened.enqueued, reopened.announced),
        (JobStatus::Running, false, false)
    );
    let published = reopened.published.clone().unwrap();
    assert_eq!((published.n_cut(), published.resent.n, published.weight_sent()), (4, 2, 47));

    let job = row.id.as_str();
    let resent = (4..).zip(&plan.resent).map(|(index, failure)| ResultRecord {
        fingerprint: Fingerprint::of_task(job, published.input, index, failure.weight, &failure.slice),
        ..result(index, failure.weight, &[])
    });
    let rest: Vec<_> = [result(2, 10, &[]), result(3, 10, &[])].into_iter().chain(resent).collect();
    let mut after = before.clone();
    after.add(&booked(&rest));
    after.forget_resent(&plan.resent);
    assert_eq!(prove(&published, &after), Ok(()));
    assert_eq!(after.coverage(&published), Coverage { weight_done: 40, weight_total: 40 });
    assert_eq!(plan_ending(Closing::AllIn, &published, &after), (JobStatus::Complete, None));
    // One of them alone is not enough, and one that fails again is named.
    let mut short = before.clone();
    short.add(&booked(&rest[..3]));
    assert_eq!(prove(&published, &short), Err(Shortfall::Missing { n_missing: 1 }));
    let mut failed = before;
    let again = ResultRecord { failures: result(4, 4, &[4]).failures, ..rest[2].clone() };
    failed.add(&booked(&[rest[0].clone(), rest[1].clone(), again, rest[3].clone()]));
    failed.forget_resent(&plan.resent);
    let (status, reason) = plan_ending(Closing::AllIn, &published, &failed);
    assert_eq!(status, JobStatus::CompleteWithFailures);
    assert_eq!(reason.unwrap(), "without a value: 1 subtask; the first: worker 0 crashed");
}
