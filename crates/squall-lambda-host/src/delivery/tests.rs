use std::collections::BTreeMap;

use expect_test::expect;

use super::*;
use squall_sim_time::Random;

const POLICY: DeliveryPolicy = DeliveryPolicy {
    batch_size: 4,
    batch_bytes: usize::MAX,
    window_us: 0,
    max_attempts: Some(3),
    max_record_age_us: None,
    bisect: true,
    partial_failures: true,
    backoff_us: 1_000,
};

fn batch(range: std::ops::Range<u64>, attempt: u32) -> Batch<u64> {
    Batch { records: range.collect(), attempt, n_refused: 0 }
}

fn sequences(records: &[u64]) -> String {
    let texts: Vec<_> = records.iter().map(u64::to_string).collect();
    if texts.is_empty() { "-".to_owned() } else { texts.join(" ") }
}

fn told(plan: &Redelivery<u64>) -> String {
    let again: Vec<_> =
        plan.again.iter().map(|batch| format!("[{}]×{}", sequences(&batch.records), batch.attempt)).collect();
    format!(
        "{} done, lost {}, again {} after {} ms",
        plan.done.len(),
        sequences(&plan.lost),
        if again.is_empty() { "-".to_owned() } else { again.join(" ") },
        plan.wait_us / 1_000,
    )
}

#[test]
fn what_follows_a_delivery() {
    let situations = [
        (4, 1, Handled::All),
        (4, 3, Handled::All),
        (4, 1, Handled::UpTo(0)),
        (4, 2, Handled::UpTo(0)),
        (4, 3, Handled::UpTo(0)),
        (4, 1, Handled::UpTo(2)),
        (4, 3, Handled::UpTo(2)),
        (4, 3, Handled::UpTo(3)),
        (4, 3, Handled::UpTo(4)),
        (4, 1, Handled::UpTo(9)),
        (4, 1, Handled::Nothing),
        (5, 3, Handled::Nothing),
        (2, 3, Handled::Nothing),
        (1, 1, Handled::All),
        (1, 1, Handled::UpTo(0)),
        (1, 1, Handled::Nothing),
        (1, 2, Handled::Nothing),
        (1, 3, Handled::Nothing),
        (1, 3, Handled::UpTo(0)),
        (0, 1, Handled::Nothing),
    ];
    let mut table = String::new();
    for (n_records, attempt, handled) in situations {
        let plan = plan_redelivery(&POLICY, batch(0..n_records, attempt), handled);
        table.push_str(&format!("{n_records} records, delivery {attempt}, {handled:?}: {}\n", told(&plan)));
    }
    expect![[r#"
        4 records, delivery 1, All: 4 done, lost -, again - after 0 ms
        4 records, delivery 3, All: 4 done, lost -, again - after 0 ms
        4 records, delivery 1, UpTo(0): 0 done, lost -, again [0 1 2 3]×2 after 2 ms
        4 records, delivery 2, UpTo(0): 0 done, lost -, again [0 1 2 3]×3 after 4 ms
        4 records, delivery 3, UpTo(0): 0 done, lost 0, again [1 2 3]×1 after 0 ms
        4 records, delivery 1, UpTo(2): 2 done, lost -, again [2 3]×2 after 2 ms
        4 records, delivery 3, UpTo(2): 2 done, lost -, again [2 3]×2 after 2 ms
        4 records, delivery 3, UpTo(3): 3 done, lost -, again [3]×2 after 2 ms
        4 records, delivery 3, UpTo(4): 4 done, lost -, again - after 0 ms
        4 records, delivery 1, UpTo(9): 4 done, lost -, again - after 0 ms
        4 records, delivery 1, Nothing: 0 done, lost -, again [0 1]×1 [2 3]×1 after 2 ms
        5 records, delivery 3, Nothing: 0 done, lost -, again [0 1]×3 [2 3 4]×3 after 8 ms
        2 records, delivery 3, Nothing: 0 done, lost -, again [0]×3 [1]×3 after 8 ms
        1 records, delivery 1, All: 1 done, lost -, again - after 0 ms
        1 records, delivery 1, UpTo(0): 0 done, lost -, again [0]×2 after 2 ms
        1 records, delivery 1, Nothing: 0 done, lost -, again [0]×2 after 2 ms
        1 records, delivery 2, Nothing: 0 done, lost -, again [0]×3 after 4 ms
        1 records, delivery 3, Nothing: 0 done, lost 0, again - after 0 ms
        1 records, delivery 3, UpTo(0): 0 done, lost 0, again - after 0 ms
        0 records, delivery 1, Nothing: 0 done, lost -, again - after 0 ms
    "#]]
    .assert_eq(&table);
}

#[test]
fn a_lane_never_waits_for_what_is_given_up() {
    for handled in [Handled::UpTo(0), Handled::Nothing] {
        let plan = plan_redelivery(&POLICY, batch(0..1, 3), handled);
        assert_eq!((plan.lost.len(), plan.wait_us), (1, 0));
    }
}

#[test]
fn one_attempt_is_one_delivery() {
    let once = DeliveryPolicy { max_attempts: Some(1), ..POLICY };
    let plan = plan_redelivery(&once, batch(0..4, 1), Handled::UpTo(2));
    assert_eq!(told(&plan), "2 done, lost 2, again [3]×1 after 0 ms");
}

#[test]
fn waits_double_up_to_a_bound() {
    let policy = DeliveryPolicy { max_attempts: Some(100), ..POLICY };
    let waits = [1, 2, 3, 10, 11, 90]
        .map(|attempt| plan_redelivery(&policy, batch(0..1, attempt), Handled::Nothing).wait_us / 1_000);
    assert_eq!(waits, [2, 4, 8, 1_024, 1_024, 1_024]);
}

/// The history of a lane: the records that succeeded, those that were lost, and each record's deliveries.
struct Lane {
    done: Vec<u64>,
    lost: Vec<u64>,
    n_deliveries: BTreeMap<u64, u32>,
}

/// Runs a lane as `serve` does: redeliveries come before everything after them.
fn run(policy: &DeliveryPolicy, n_records: u64, mut handle: impl FnMut(&Batch<u64>) -> Handled) -> Lane {
    let mut lane = Lane { done: Vec::new(), lost: Vec::new(), n_deliveries: BTreeMap::new() };
    let mut stack = vec![batch(0..n_records, 1)];
    let mut n_steps = 0;
    let mut expected = 0;
    while let Some(batch) = stack.pop() {
        n_steps += 1;
        assert!(n_steps < 10_000, "the lane never ends");
        assert!(!batch.records.is_empty(), "delivered nothing");
        assert_eq!(batch.records[0], expected, "out of order");
        assert!(batch.records.windows(2).all(|it| it[0] + 1 == it[1]), "out of order");
        for record in &batch.records {
            *lane.n_deliveries.entry(*record).or_default() += 1;
        }
        let sent = batch.clone();
        let handled = handle(&batch);
        let plan = plan_redelivery(policy, batch, handled);
        let ended = plan.done.len() + plan.lost.len();
        let again: usize = plan.again.iter().map(|batch| batch.records.len()).sum();
        assert_eq!(ended + again, sent.records.len(), "a record vanished or doubled");
        assert!(!policy.bisect || plan.lost.len() <= 1, "a neighbour of the record at fault is lost");
        lane.done.extend(plan.done);
        lane.lost.extend(plan.lost);
        expected += ended as u64;
        stack.extend(plan.again.into_iter().rev());
    }
    lane
}

#[test]
fn every_record_ends_once_in_order_whatever_the_function_does() {
    for seed in 0..2_000 {
        let mut random = Random::new(seed);
        let n_records = 1 + random.below(20);
        let max_attempts = 1 + u32::try_from(random.below(5)).unwrap();
        let (bisect, partial_failures) = (random.chance(500), random.chance(500));
        let policy = DeliveryPolicy { max_attempts: Some(max_attempts), bisect, partial_failures, ..POLICY };
        let badness = random.below(1_001);
        let lane = run(&policy, n_records, |batch| {
            if !random.chance(badness) {
                Handled::All
            } else if random.chance(500) {
                Handled::Nothing
            } else {
                Handled::UpTo(usize::try_from(random.below(batch.records.len() as u64)).unwrap())
            }
        });
        let mut ended = [lane.done, lane.lost].concat();
        ended.sort_unstable();
        assert_eq!(ended, (0..n_records).collect::<Vec<_>>(), "seed {seed}");
    }
}

#[test]
fn poison_is_lost_alone_and_within_its_attempts() {
    for seed in 0..500 {
        let mut random = Random::new(seed);
        let n_records = 1 + random.below(16);
        let poison = random.below(n_records);
        let deadly = random.chance(500);
        let lane = run(&POLICY, n_records, |batch| {
            match batch.records.iter().position(|record| *record == poison) {
                None => Handled::All,
                Some(_) if deadly => Handled::Nothing,
                Some(position) => Handled::UpTo(position),
            }
        });
        assert_eq!(lane.lost, [poison], "seed {seed}");
        // A bisected batch costs no attempt; 16 records are halved four times.
        let most = 3 + if deadly { 4 } else { 0 };
        assert!(lane.n_deliveries[&poison] <= most, "seed {seed}: {}", lane.n_deliveries[&poison]);
        assert!(lane.n_deliveries[&poison] >= 3, "seed {seed}: given up early");
    }
}

#[test]
fn without_bisecting_what_is_left_of_a_batch_is_retried_and_given_up_together() {
    let whole = DeliveryPolicy { bisect: false, ..POLICY };
    let table = [(1, Handled::Nothing), (3, Handled::Nothing), (1, Handled::UpTo(1)), (3, Handled::UpTo(0))]
        .map(|(attempt, handled)| told(&plan_redelivery(&whole, batch(0..3, attempt), handled)));
    expect![[r#"
        0 done, lost -, again [0 1 2]×2 after 2 ms
        0 done, lost 0 1 2, again - after 0 ms
        1 done, lost -, again [1 2]×2 after 2 ms
        0 done, lost 0 1 2, again - after 0 ms"#]]
    .assert_eq(&table.join("\n"));
}

#[test]
fn partial_failures_are_ignored_unless_the_mapping_reports_them() {
    let deaf = DeliveryPolicy { partial_failures: false, ..POLICY };
    let plan = plan_redelivery(&deaf, batch(0..4, 1), Handled::UpTo(1));
    assert_eq!(told(&plan), "4 done, lost -, again - after 0 ms");
}

#[test]
fn being_refused_costs_no_attempt_and_waits_longer_each_time() {
    let mut batch = batch(0..3, 2);
    let mut waits = Vec::new();
    for _ in 0..12 {
        let plan = plan_redelivery(&POLICY, batch, Handled::Refused);
        assert!(plan.done.is_empty() && plan.lost.is_empty());
        waits.push(plan.wait_us / 1_000);
        batch = plan.again.into_iter().next().unwrap();
        assert_eq!((batch.records.len(), batch.attempt), (3, 2));
    }
    assert_eq!(waits, [2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024, 1_024, 1_024]);
    let plan = plan_redelivery(&POLICY, batch, Handled::Nothing);
    assert_eq!(plan.again[0].n_refused, 0, "a delivery ends the refusals");
}

#[test]
fn without_a_limit_a_record_is_retried_for_ever() {
    let patient = DeliveryPolicy { max_attempts: None, ..POLICY };
    let plan = plan_redelivery(&patient, batch(0..1, u32::MAX), Handled::Nothing);
    assert_eq!((plan.lost.len(), plan.again[0].attempt), (0, u32::MAX));
}

#[test]
fn records_that_are_too_old_are_taken_out_in_order() {
    let policy = DeliveryPolicy { max_record_age_us: Some(10), ..POLICY };
    let mut batch = Batch::new(vec![89, 90, 200, 50, 95]);
    let old = take_expired(&policy, &mut batch, 100, |arrived_us| Some(*arrived_us));
    assert_eq!((old, batch.records), (vec![89, 50], vec![90, 200, 95]));
    let mut batch = Batch::new(vec![0, 1]);
    assert!(take_expired(&policy, &mut batch, 100, |_| None).is_empty(), "their age is unknown");
    assert!(take_expired(&POLICY, &mut batch, u64::MAX, |it| Some(*it)).is_empty(), "there is no limit");
}
