mod pool;
mod weather;

use expect_test::{Expect, expect};

use super::*;
use pool::{Fate, Run, run};

const SECOND_US: u64 = 1_000_000;

/// Two at a time on two stripes, four attempts, no second copies.
fn policy() -> CascadePolicy {
    CascadePolicy {
        initial_concurrency: 2,
        max_concurrency: 2,
        n_stripes: 2,
        attempt_timeout_us: 10 * SECOND_US,
        duplicate_budget: 0.0,
        ..CascadePolicy::default()
    }
}

fn failed() -> Outcome {
    Outcome::Failed("crashed".to_owned())
}

fn throttled(reason: ThrottleReason) -> Fate {
    Some((1_000, Outcome::Throttled(reason.into())))
}

/// Every invocation takes 100 ms and is answered, except those listed in `fate`, by number.
fn played(policy: CascadePolicy, n_subtasks: u32, fate: &[(u32, Fate)]) -> Run {
    let mut play = |call: Call, _| match fate.iter().find(|(id, _)| *id == call.id) {
        Some((_, fate)) => fate.clone(),
        None => Some((100_000, Outcome::Answered)),
    };
    run(policy, n_subtasks, 30 * SECOND_US, &mut play)
}

/// The history of [`played`], and its counts.
fn history(policy: CascadePolicy, n_subtasks: u32, fate: &[(u32, Fate)], expect: &Expect) {
    let run = played(policy, n_subtasks, fate);
    let mut text = run.log.join("\n");
    for (subtask, n_attempts, reason) in &run.failures {
        text.push_str(&format!("\nsubtask {subtask} failed after {n_attempts} attempts: {reason}"));
    }
    expect.assert_eq(&format!("{text}\n{:?}\n", run.counts));
}

#[test]
fn subtasks_take_their_turn_on_alternating_stripes() {
    history(
        policy(),
        5,
        &[],
        &expect![[r#"
                0.0 ms  start #0 of subtask 0 on stripe 0: Turn
                0.0 ms  start #1 of subtask 1 on stripe 1: Turn
              100.0 ms  #0: Answered
              100.0 ms  start #2 of subtask 2 on stripe 0: Turn
              100.0 ms  #1: Answered
              100.0 ms  start #3 of subtask 3 on stripe 1: Turn
              200.0 ms  #2: Answered
              200.0 ms  start #4 of subtask 4 on stripe 0: Turn
              200.0 ms  #3: Answered
              300.0 ms  #4: Answered
            Counts { accepted: 5, throttles: Throttles { function: 0, concurrency: 0, call_rate: 0 }, retries: 0, hedges: 0, accepted_us: 500000, lost_us: 0, surplus_us: 0, unfinished: 0 }
        "#]],
    );
}

#[test]
fn a_failure_is_retried_after_the_others_had_their_turn() {
    history(
        policy(),
        3,
        &[(0, Some((1_000, failed())))],
        &expect![[r#"
                0.0 ms  start #0 of subtask 0 on stripe 0: Turn
                0.0 ms  start #1 of subtask 1 on stripe 1: Turn
                1.0 ms  #0: Failed("crashed")
                1.0 ms  start #2 of subtask 2 on stripe 0: Turn
              100.0 ms  #1: Answered
              100.0 ms  start #3 of subtask 0 on stripe 1: Retry
              101.0 ms  #2: Answered
              200.0 ms  #3: Answered
            Counts { accepted: 4, throttles: Throttles { function: 0, concurrency: 0, call_rate: 0 }, retries: 1, hedges: 0, accepted_us: 301000, lost_us: 1000, surplus_us: 0, unfinished: 0 }
        "#]],
    );
}

#[test]
fn a_subtask_that_always_fails_is_given_up_with_its_last_reason() {
    let crashes: Vec<_> = (0..4).map(|id| (id, Some((1_000, failed())))).collect();
    history(
        policy(),
        1,
        &crashes,
        &expect![[r#"
                0.0 ms  start #0 of subtask 0 on stripe 0: Turn
                1.0 ms  #0: Failed("crashed")
               50.0 ms  start #1 of subtask 0 on stripe 1: Retry
               51.0 ms  #1: Failed("crashed")
              144.0 ms  start #2 of subtask 0 on stripe 0: Retry
              145.0 ms  #2: Failed("crashed")
              245.9 ms  start #3 of subtask 0 on stripe 1: Retry
              246.9 ms  #3: Failed("crashed")
            subtask 0 failed after 4 attempts: crashed
            Counts { accepted: 4, throttles: Throttles { function: 0, concurrency: 0, call_rate: 0 }, retries: 3, hedges: 0, accepted_us: 4000, lost_us: 4000, surplus_us: 0, unfinished: 0 }
        "#]],
    );
}

#[test]
fn a_hopeless_failure_is_not_repeated() {
    let hopeless = Outcome::Hopeless("unit 7 divides by zero".to_owned());
    history(
        policy(),
        2,
        &[(0, Some((1_000, hopeless)))],
        &expect![[r#"
                0.0 ms  start #0 of subtask 0 on stripe 0: Turn
                0.0 ms  start #1 of subtask 1 on stripe 1: Turn
                1.0 ms  #0: Hopeless("unit 7 divides by zero")
              100.0 ms  #1: Answered
            subtask 0 failed after 1 attempts: unit 7 divides by zero
            Counts { accepted: 2, throttles: Throttles { function: 0, concurrency: 0, call_rate: 0 }, retries: 0, hedges: 0, accepted_us: 101000, lost_us: 1000, surplus_us: 0, unfinished: 0 }
        "#]],
    );
}

#[test]
fn a_throttle_is_no_attempt_and_the_stripe_rests() {
    let refusals = [(0, throttled(ThrottleReason::Function)), (2, throttled(ThrottleReason::Function))];
    history(
        policy(),
        2,
        &refusals,
        &expect![[r#"
                0.0 ms  start #0 of subtask 0 on stripe 0: Turn
                0.0 ms  start #1 of subtask 1 on stripe 1: Turn
                1.0 ms  #0: Throttled(Function)
               50.0 ms  start #2 of subtask 0 on stripe 1: Turn
               51.0 ms  #2: Throttled(Function)
              100.0 ms  #1: Answered
              144.0 ms  start #3 of subtask 0 on stripe 0: Turn
              244.0 ms  #3: Answered
            Counts { accepted: 2, throttles: Throttles { function: 2, concurrency: 0, call_rate: 0 }, retries: 0, hedges: 0, accepted_us: 200000, lost_us: 0, surplus_us: 0, unfinished: 0 }
        "#]],
    );
}

#[test]
fn a_throttled_retry_is_still_one_retry() {
    let fate = [(0, Some((1_000, failed()))), (1, throttled(ThrottleReason::Concurrency))];
    history(
        policy(),
        1,
        &fate,
        &expect![[r#"
                0.0 ms  start #0 of subtask 0 on stripe 0: Turn
                1.0 ms  #0: Failed("crashed")
               50.0 ms  start #1 of subtask 0 on stripe 1: Retry
               51.0 ms  #1: Throttled(Concurrency)
              100.1 ms  start #2 of subtask 0 on stripe 0: Retry
              200.1 ms  #2: Answered
            Counts { accepted: 2, throttles: Throttles { function: 0, concurrency: 1, call_rate: 0 }, retries: 1, hedges: 0, accepted_us: 101000, lost_us: 1000, surplus_us: 0, unfinished: 0 }
        "#]],
    );
}

#[test]
fn used_up_concurrency_means_fewer_in_flight() {
    let fate = [(0, throttled(ThrottleReason::Concurrency)), (1, throttled(ThrottleReason::Concurrency))];
    history(
        policy(),
        3,
        &fate,
        &expect![[r#"
                0.0 ms  start #0 of subtask 0 on stripe 0: Turn
                0.0 ms  start #1 of subtask 1 on stripe 1: Turn
                1.0 ms  #0: Throttled(Concurrency)
                1.0 ms  #1: Throttled(Concurrency)
                1.0 ms  start #2 of subtask 2 on stripe 0: Turn
              101.0 ms  #2: Answered
              101.0 ms  start #3 of subtask 1 on stripe 1: Turn
              101.0 ms  start #4 of subtask 0 on stripe 0: Turn
              201.0 ms  #3: Answered
              201.0 ms  #4: Answered
            Counts { accepted: 3, throttles: Throttles { function: 0, concurrency: 2, call_rate: 0 }, retries: 0, hedges: 0, accepted_us: 300000, lost_us: 0, surplus_us: 0, unfinished: 0 }
        "#]],
    );
}

#[test]
fn too_many_calls_per_second_means_a_little_slower() {
    let policy = CascadePolicy { initial_concurrency: 5, max_concurrency: 5, ..policy() };
    history(
        policy,
        6,
        &[(0, throttled(ThrottleReason::CallRate))],
        &expect![[r#"
                0.0 ms  start #0 of subtask 0 on stripe 0: Turn
                0.0 ms  start #1 of subtask 1 on stripe 1: Turn
                0.0 ms  start #2 of subtask 2 on stripe 0: Turn
                0.0 ms  start #3 of subtask 3 on stripe 1: Turn
                0.0 ms  start #4 of subtask 4 on stripe 0: Turn
                1.0 ms  #0: Throttled(CallRate)
              100.0 ms  #1: Answered
              100.0 ms  start #5 of subtask 5 on stripe 1: Turn
              100.0 ms  #2: Answered
              100.0 ms  start #6 of subtask 0 on stripe 0: Turn
              100.0 ms  #3: Answered
              100.0 ms  #4: Answered
              200.0 ms  #5: Answered
              200.0 ms  #6: Answered
            Counts { accepted: 6, throttles: Throttles { function: 0, concurrency: 0, call_rate: 1 }, retries: 0, hedges: 0, accepted_us: 600000, lost_us: 0, surplus_us: 0, unfinished: 0 }
        "#]],
    );
}

#[test]
fn a_straggler_gets_a_second_copy_and_the_first_answer_wins() {
    let policy = CascadePolicy { duplicate_budget: 0.1, ..policy() };
    history(
        policy,
        4,
        &[(1, Some((9_000_000, Outcome::Answered)))],
        &expect![[r#"
                0.0 ms  start #0 of subtask 0 on stripe 0: Turn
                0.0 ms  start #1 of subtask 1 on stripe 1: Turn
              100.0 ms  #0: Answered
              100.0 ms  start #2 of subtask 2 on stripe 0: Turn
              200.0 ms  #2: Answered
              200.0 ms  start #3 of subtask 3 on stripe 1: Turn
              300.0 ms  #3: Answered
              300.0 ms  start #4 of subtask 1 on stripe 0: Hedge
              400.0 ms  #4: Answered
            Counts { accepted: 5, throttles: Throttles { function: 0, concurrency: 0, call_rate: 0 }, retries: 0, hedges: 1, accepted_us: 800000, lost_us: 0, surplus_us: 400000, unfinished: 1 }
        "#]],
    );
}

#[test]
fn the_first_copy_may_still_win() {
    let policy = CascadePolicy { duplicate_budget: 0.1, ..policy() };
    history(
        policy,
        4,
        &[(1, Some((520_000, Outcome::Answered))), (4, None)],
        &expect![[r#"
                0.0 ms  start #0 of subtask 0 on stripe 0: Turn
                0.0 ms  start #1 of subtask 1 on stripe 1: Turn
              100.0 ms  #0: Answered
              100.0 ms  start #2 of subtask 2 on stripe 0: Turn
              200.0 ms  #2: Answered
              200.0 ms  start #3 of subtask 3 on stripe 1: Turn
              300.0 ms  #3: Answered
              300.0 ms  start #4 of subtask 1 on stripe 0: Hedge
              520.0 ms  #1: Answered
            Counts { accepted: 5, throttles: Throttles { function: 0, concurrency: 0, call_rate: 0 }, retries: 0, hedges: 1, accepted_us: 1040000, lost_us: 0, surplus_us: 220000, unfinished: 1 }
        "#]],
    );
}

#[test]
fn a_copy_that_breaks_leaves_the_first_alone() {
    let policy = CascadePolicy { duplicate_budget: 0.1, ..policy() };
    let fate = [(1, Some((900_000, Outcome::Answered))), (4, Some((1_000, failed())))];
    history(
        policy,
        4,
        &fate,
        &expect![[r#"
                0.0 ms  start #0 of subtask 0 on stripe 0: Turn
                0.0 ms  start #1 of subtask 1 on stripe 1: Turn
              100.0 ms  #0: Answered
              100.0 ms  start #2 of subtask 2 on stripe 0: Turn
              200.0 ms  #2: Answered
              200.0 ms  start #3 of subtask 3 on stripe 1: Turn
              300.0 ms  #3: Answered
              300.0 ms  start #4 of subtask 1 on stripe 0: Hedge
              301.0 ms  #4: Failed("crashed")
              900.0 ms  #1: Answered
            Counts { accepted: 5, throttles: Throttles { function: 0, concurrency: 0, call_rate: 0 }, retries: 0, hedges: 1, accepted_us: 1201000, lost_us: 1000, surplus_us: 0, unfinished: 0 }
        "#]],
    );
}

#[test]
fn no_second_copy_beyond_the_budget() {
    let policy = CascadePolicy { duplicate_budget: 0.1, ..policy() };
    let policy = CascadePolicy { initial_concurrency: 4, max_concurrency: 4, ..policy };
    let slow = || Some((2_000_000, Outcome::Answered));
    history(
        policy,
        6,
        &[(1, slow()), (2, slow())],
        &expect![[r#"
                0.0 ms  start #0 of subtask 0 on stripe 0: Turn
                0.0 ms  start #1 of subtask 1 on stripe 1: Turn
                0.0 ms  start #2 of subtask 2 on stripe 0: Turn
                0.0 ms  start #3 of subtask 3 on stripe 1: Turn
              100.0 ms  #0: Answered
              100.0 ms  start #4 of subtask 4 on stripe 0: Turn
              100.0 ms  #3: Answered
              100.0 ms  start #5 of subtask 5 on stripe 1: Turn
              200.0 ms  #4: Answered
              200.0 ms  #5: Answered
              300.0 ms  start #6 of subtask 1 on stripe 0: Hedge
              400.0 ms  #6: Answered
             2000.0 ms  #1: Answered
             2000.0 ms  #2: Answered
            Counts { accepted: 7, throttles: Throttles { function: 0, concurrency: 0, call_rate: 0 }, retries: 0, hedges: 1, accepted_us: 4500000, lost_us: 0, surplus_us: 2000000, unfinished: 0 }
        "#]],
    );
}

#[test]
fn a_refused_copy_gives_its_budget_back_and_is_started_again_after_a_rest() {
    let policy = CascadePolicy { duplicate_budget: 0.25, max_concurrency: 8, ..policy() };
    let fate = [(1, Some((2_000_000, Outcome::Answered))), (4, throttled(ThrottleReason::CallRate))];
    let run = played(policy, 4, &fate);
    assert_eq!((run.counts.hedges, run.counts.throttles.total()), (1, 1));
    assert!(run.ended_us < 700_000, "the copy answered: {}", run.ended_us);
    let log = run.log.join("\n");
    let (refused, again) = (log.find("#4: Throttled").unwrap(), log.find("start #5").unwrap());
    assert!(refused < again, "{log}");
}

/// A job's deadline is the author's: of a short one a tenth is kept to publish what is finished, and not all of the guard.
#[test]
fn a_short_deadline_is_not_spent_on_caution() {
    let policy = CascadePolicy { guard_us: 5_000_000, ..policy() };
    for (deadline, stops_us) in [
        (Deadline::Job(1_000_000), 900_000),
        (Deadline::Job(20_000_000), 18_000_000),
        (Deadline::Job(600_000_000), 595_000_000),
        (Deadline::Consumer(20_000_000), 15_000_000),
    ] {
        let mut cascade = Cascade::new(policy, 3, 7);
        let Next::Start(first, _) = cascade.next(0, deadline) else { panic!() };
        cascade.settle(1, first, Outcome::Answered);
        assert!(!matches!(cascade.next(stops_us - 1, deadline), Next::Finished), "{deadline:?}");
        let cause = if matches!(deadline, Deadline::Job(_)) { Cause::Deadline } else { Cause::TooLarge };
        while !matches!(cascade.next(stops_us, deadline), Next::Finished) {}
        let causes: Vec<_> = cascade.failures().map(|(.., cause)| cause).collect();
        assert_eq!(causes.len(), 2);
        assert_eq!(causes[0], cause, "{deadline:?}");
    }
}

/// What did not run costs nothing, and is told from what did.
#[test]
fn only_what_ran_is_billed() {
    let text = |outcome: fn(String) -> Outcome| Some((40_000, outcome("as told".to_owned())));
    for (outcome, accepted, cause, again) in [
        (text(Outcome::Failed), 1, Cause::Outage, true),
        (text(Outcome::TimedOut), 1, Cause::TooLarge, true),
        (text(Outcome::NotRun), 0, Cause::Outage, true),
        (text(Outcome::Hopeless), 1, Cause::OfItself, false),
        (text(Outcome::TooLarge), 1, Cause::TooLarge, false),
        (text(Outcome::Useless), 1, Cause::Outage, false),
        (text(Outcome::Impossible), 0, Cause::Outage, false),
    ] {
        let mut cascade = Cascade::new(CascadePolicy { max_attempts: 2, ..policy() }, 1, 7);
        let deadline = Deadline::Consumer(10_000_000);
        let Next::Start(call, _) = cascade.next(0, deadline) else { panic!() };
        let (took_us, outcome) = outcome.unwrap();
        cascade.settle(took_us, call, outcome.clone());
        let counts = cascade.counts(took_us);
        assert_eq!((counts.accepted, counts.lost_us), (accepted, accepted * 40_000), "{outcome:?}");
        assert_eq!(cascade.failures().count(), usize::from(!again), "{outcome:?}");
        if again {
            let Next::Start(call, _) = cascade.next(1_000_000, deadline) else { panic!() };
            cascade.settle(1_000_001, call, outcome.clone());
        }
        let failures: Vec<_> = cascade.failures().map(|(_, _, _, cause)| cause).collect();
        assert_eq!(failures, [cause], "{outcome:?}");
    }
}

/// Hanging workers are billed: while they run, and when their task is given up.
#[test]
fn what_never_answers_is_billed_until_its_timeout() {
    let policy = CascadePolicy { attempt_timeout_us: 1_000_000, max_attempts: 3, ..policy() };
    let mut cascade = Cascade::new(policy, 1, 7);
    let deadline = Deadline::Consumer(10_000_000);
    let Next::Start(first, _) = cascade.next(0, deadline) else { panic!() };
    let running = cascade.counts(200);
    assert_eq!((running.accepted, running.unfinished, running.accepted_us), (1, 1, 1_000_000));
    let Next::Abandon(late) = cascade.next(1_000_000, deadline) else { panic!() };
    assert_eq!(late, first);
    cascade.settle(1_000_000, late, Outcome::Failed("no reply".to_owned()));
    let abandoned = cascade.counts(1_000_000);
    assert_eq!((abandoned.accepted_us, abandoned.lost_us, abandoned.unfinished), (1_000_000, 1_000_000, 0));
}

#[test]
fn a_copy_that_is_refused_is_not_started_over_and_over() {
    let policy = CascadePolicy { duplicate_budget: 1.0, ..policy() };
    let fate = [(1, Some((900_000, Outcome::Answered))), (4, throttled(ThrottleReason::CallRate))];
    history(
        policy,
        4,
        &fate,
        &expect![[r#"
                0.0 ms  start #0 of subtask 0 on stripe 0: Turn
                0.0 ms  start #1 of subtask 1 on stripe 1: Turn
              100.0 ms  #0: Answered
              100.0 ms  start #2 of subtask 2 on stripe 0: Turn
              200.0 ms  #2: Answered
              200.0 ms  start #3 of subtask 3 on stripe 1: Turn
              300.0 ms  #3: Answered
              300.0 ms  start #4 of subtask 1 on stripe 0: Hedge
              301.0 ms  #4: Throttled(CallRate)
              900.0 ms  #1: Answered
            Counts { accepted: 4, throttles: Throttles { function: 0, concurrency: 0, call_rate: 1 }, retries: 0, hedges: 0, accepted_us: 1200000, lost_us: 0, surplus_us: 0, unfinished: 0 }
        "#]],
    );
}

#[test]
fn an_invocation_that_hangs_is_abandoned_and_its_late_answer_ignored() {
    history(
        policy(),
        1,
        &[(0, Some((10_050_000, Outcome::Answered)))],
        &expect![[r#"
                0.0 ms  start #0 of subtask 0 on stripe 0: Turn
            10000.0 ms  abandon #0
            10049.0 ms  start #1 of subtask 0 on stripe 1: Retry
            10050.0 ms  #0 is late
            10149.0 ms  #1: Answered
            Counts { accepted: 2, throttles: Throttles { function: 0, concurrency: 0, call_rate: 0 }, retries: 1, hedges: 0, accepted_us: 10100000, lost_us: 10000000, surplus_us: 0, unfinished: 0 }
        "#]],
    );
}

#[test]
fn time_that_runs_out_leaves_the_guard_to_publish_in() {
    let hang: Vec<_> = (0..9).map(|id| (id, None)).collect();
    history(
        policy(),
        2,
        &hang,
        &expect![[r#"
                0.0 ms  start #0 of subtask 0 on stripe 0: Turn
                0.0 ms  start #1 of subtask 1 on stripe 1: Turn
            10000.0 ms  abandon #0
            10000.0 ms  abandon #1
            10035.0 ms  start #2 of subtask 1 on stripe 0: Retry
            10049.0 ms  start #3 of subtask 0 on stripe 1: Retry
            20035.0 ms  abandon #2
            20049.0 ms  abandon #3
            20099.7 ms  start #4 of subtask 1 on stripe 0: Retry
            20142.0 ms  start #5 of subtask 0 on stripe 1: Retry
            subtask 0 failed after 2 attempts: the consumer ran out of time; before that: no reply
            subtask 1 failed after 2 attempts: the consumer ran out of time; before that: no reply
            Counts { accepted: 6, throttles: Throttles { function: 0, concurrency: 0, call_rate: 0 }, retries: 4, hedges: 0, accepted_us: 60000000, lost_us: 60000000, surplus_us: 0, unfinished: 2 }
        "#]],
    );
}

#[test]
fn a_cascade_of_nothing_is_finished() {
    assert_eq!(Cascade::new(policy(), 0, 7).next(0, Deadline::Consumer(u64::MAX)), Next::Finished);
}

#[test]
fn whose_time_was_up_is_said() {
    let why = |consumer_us, job_us| {
        let mut cascade = Cascade::new(policy(), 1, 7);
        assert_eq!(cascade.next(100_000_000, Deadline::earlier(consumer_us, job_us)), Next::Finished);
        cascade.failures().map(|(_, _, reason, _)| reason.to_owned()).collect::<String>()
    };
    assert_eq!(why(90_000_000, 91_000_000), "the consumer ran out of time");
    assert_eq!(why(91_000_000, 90_000_000), "the job's deadline came");
}

#[test]
fn without_any_deadline_the_timeout_of_an_attempt_is_the_only_alarm() {
    let policy = CascadePolicy { guard_us: 0, attempt_timeout_us: u64::MAX, ..policy() };
    let mut cascade = Cascade::new(policy, 1, 7);
    assert!(matches!(cascade.next(5, Deadline::Consumer(u64::MAX)), Next::Start(_, Start::Turn)));
    assert_eq!(cascade.next(5, Deadline::Consumer(u64::MAX)), Next::Wait { until_us: None });
}

#[test]
fn back_offs_of_different_tasks_spread() {
    let waits: BTreeSet<_> = (0..100).map(|seed| jittered(1_000_000, seed)).collect();
    assert!(waits.len() > 95);
    assert!(waits.iter().all(|wait_us| (500_000..=1_000_000).contains(wait_us)));
    assert_eq!(jittered(0, 3), 0);
}
