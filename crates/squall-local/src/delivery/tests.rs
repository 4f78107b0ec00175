use std::collections::BTreeMap;

use expect_test::expect;

use super::*;
use crate::simulated::Random;

const POLICY: DeliveryPolicy = DeliveryPolicy { batch_size: 4, max_attempts: 3, backoff_us: 1_000 };

fn batch(range: std::ops::Range<u64>, attempt: u32) -> Batch {
    let record = |sequence| Record { sequence, partition_key: "key".into(), data: Vec::new().into() };
    Batch { records: range.map(record).collect(), attempt }
}

fn sequences(records: &[Record]) -> String {
    let texts: Vec<_> = records.iter().map(|record| record.sequence.to_string()).collect();
    if texts.is_empty() { "-".to_owned() } else { texts.join(" ") }
}

fn told(plan: &Redelivery) -> String {
    let again: Vec<_> =
        plan.again.iter().map(|batch| format!("[{}]×{}", sequences(&batch.records), batch.attempt)).collect();
    format!(
        "{} done, lost {}, again {} after {} ms",
        plan.n_done,
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
        let plan = plan_redelivery(&POLICY, batch(0..1, POLICY.max_attempts), handled);
        assert_eq!((plan.lost.len(), plan.wait_us), (1, 0));
    }
}

#[test]
fn one_attempt_is_one_delivery() {
    let once = DeliveryPolicy { max_attempts: 1, ..POLICY };
    let plan = plan_redelivery(&once, batch(0..4, 1), Handled::UpTo(2));
    assert_eq!(told(&plan), "2 done, lost 2, again [3]×1 after 0 ms");
}

#[test]
fn waits_double_up_to_a_bound() {
    let policy = DeliveryPolicy { max_attempts: 100, ..POLICY };
    let waits = [1, 2, 3, 10, 11, 90]
        .map(|attempt| plan_redelivery(&policy, batch(0..1, attempt), Handled::Nothing).wait_us / 1_000);
    assert_eq!(waits, [2, 4, 8, 1_024, 1_024, 1_024]);
}

/// What a lane did: the records that ended well, those that were lost, and each record's deliveries.
struct Lane {
    done: Vec<u64>,
    lost: Vec<u64>,
    n_deliveries: BTreeMap<u64, u32>,
}

/// Runs a lane as `serve` does: what is to come again comes before everything after it.
fn run(policy: &DeliveryPolicy, n_records: u64, mut handle: impl FnMut(&Batch) -> Handled) -> Lane {
    let mut lane = Lane { done: Vec::new(), lost: Vec::new(), n_deliveries: BTreeMap::new() };
    let mut stack = vec![batch(0..n_records, 1)];
    let mut n_steps = 0;
    let mut expected = 0;
    while let Some(batch) = stack.pop() {
        n_steps += 1;
        assert!(n_steps < 10_000, "the lane never ends");
        assert!(!batch.records.is_empty(), "delivered nothing");
        assert_eq!(batch.records[0].sequence, expected, "out of order");
        assert!(batch.records.windows(2).all(|it| it[0].sequence + 1 == it[1].sequence), "out of order");
        for record in &batch.records {
            *lane.n_deliveries.entry(record.sequence).or_default() += 1;
        }
        let sent = batch.clone();
        let handled = handle(&batch);
        let plan = plan_redelivery(policy, batch, handled);
        let ended = plan.n_done + plan.lost.len();
        let again: usize = plan.again.iter().map(|batch| batch.records.len()).sum();
        assert_eq!(ended + again, sent.records.len(), "a record vanished or doubled");
        assert!(plan.lost.len() <= 1, "a neighbour of the record at fault is lost");
        lane.done.extend(sent.records[..plan.n_done].iter().map(|record| record.sequence));
        lane.lost.extend(plan.lost.iter().map(|record| record.sequence));
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
        let policy = DeliveryPolicy { max_attempts, ..POLICY };
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
            match batch.records.iter().position(|record| record.sequence == poison) {
                None => Handled::All,
                Some(_) if deadly => Handled::Nothing,
                Some(position) => Handled::UpTo(position),
            }
        });
        assert_eq!(lane.lost, [poison], "seed {seed}");
        // A bisected batch costs no attempt; 16 records are halved four times.
        let most = POLICY.max_attempts + if deadly { 4 } else { 0 };
        assert!(lane.n_deliveries[&poison] <= most, "seed {seed}: {}", lane.n_deliveries[&poison]);
        assert!(lane.n_deliveries[&poison] >= POLICY.max_attempts, "seed {seed}: given up early");
    }
}
