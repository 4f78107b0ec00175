use proptest::prelude::*;

use super::*;

/// A stream that answers each call after `delay_us`, and refuses as `refuses` says for (shard, time).
struct Played {
    outbox: Outbox,
    items: Vec<Item>,
    now_us: u64,
    delay_us: u64,
    /// End time, batch.
    calls: Vec<(u64, Vec<usize>)>,
    /// Sending time, batch; in the order of sending.
    sent: Vec<(u64, Vec<usize>)>,
    /// In order of arrival.
    arrived: Vec<usize>,
}

impl Played {
    fn new(items: Vec<Item>, n_shards: usize, delay_us: u64) -> Self {
        let outbox = Outbox::new(items.clone(), n_shards, 7, 0);
        Self { outbox, items, now_us: 0, delay_us, calls: Vec::new(), sent: Vec::new(), arrived: Vec::new() }
    }

    fn play(&mut self, mut refuses: impl FnMut(u64, usize, &Item) -> bool) -> NextPut {
        loop {
            match self.outbox.next(self.now_us) {
                NextPut::Call(batch) => {
                    self.sent.push((self.now_us, batch.clone()));
                    self.calls.push((self.now_us + self.delay_us, batch));
                    assert!(self.calls.len() <= CALLS_IN_FLIGHT, "too many calls in flight");
                }
                NextPut::Wait { until_us } => {
                    let ends_us = self.calls.iter().map(|(ends_us, _)| *ends_us).min();
                    let wake_us = until_us.into_iter().chain(ends_us).min();
                    let wake_us = wake_us.expect("something to wait for");
                    assert!(wake_us > self.now_us || ends_us == Some(self.now_us), "waits for the past");
                    self.now_us = wake_us;
                    if let Some(at) = self.calls.iter().position(|(ends_us, _)| *ends_us == wake_us) {
                        let (_, batch) = self.calls.remove(at);
                        let (refused, taken): (Vec<_>, Vec<_>) =
                            batch.iter().partition(|&&index| refuses(wake_us, index, &self.items[index]));
                        self.arrived.extend(taken);
                        self.outbox.settle(wake_us, &batch, &refused);
                    }
                }
                end => return end,
            }
        }
    }

    fn arrived_at(&self, shard: usize) -> Vec<usize> {
        self.arrived.iter().copied().filter(|&index| self.items[index].shard == shard).collect()
    }

    fn hold_the_limits(&self) {
        for (_, batch) in &self.sent {
            let bytes: u64 = batch.iter().map(|&index| self.items[index].bytes).sum();
            assert!(!batch.is_empty() && batch.len() <= MAX_CALL_RECORDS && bytes <= MAX_CALL_BYTES);
        }
        // One second's worth at once and one second's worth per second, in every window.
        let n_shards = self.items.iter().map(|item| item.shard + 1).max().unwrap_or(0);
        for shard in 0..n_shards {
            let (mut records, mut bytes) =
                (Credit::full(SHARD_RECORDS_PER_S), Credit::full(SHARD_BYTES_PER_S));
            let mut seen_us = 0;
            for (at_us, batch) in &self.sent {
                records.flow(at_us - seen_us);
                bytes.flow(at_us - seen_us);
                seen_us = *at_us;
                for index in batch.iter().filter(|&&index| self.items[index].shard == shard) {
                    assert!(
                        records.spend(1) && bytes.spend(self.items[*index].bytes),
                        "above a shard's rate"
                    );
                }
            }
        }
    }
}

fn small(shards: impl IntoIterator<Item = usize>) -> Vec<Item> {
    shards.into_iter().map(|shard| Item { shard, bytes: 300 }).collect()
}

#[test]
fn what_fits_into_a_call_is_one_call() {
    let mut played = Played::new(small((0..500).map(|i| i % 16)), 16, 20_000);
    assert_eq!(played.play(|_, _, _| false), NextPut::Done);
    assert_eq!(played.sent, [(0, (0..500).collect())]);
}

#[test]
fn every_shard_gets_its_heaviest_first_and_at_once() {
    // 10,000 tasks on 100 shards, heaviest first: twenty calls' worth, eight in flight.
    let mut played = Played::new(small((0..10_000).map(|i| i % 100)), 100, 20_000);
    assert_eq!(played.play(|_, _, _| false), NextPut::Done);
    let at_once: Vec<_> = played.sent.iter().filter(|(at_us, _)| *at_us == 0).collect();
    assert_eq!(at_once.len(), CALLS_IN_FLIGHT);
    let served = |shard| at_once.iter().any(|(_, batch)| batch.contains(&shard));
    assert!((0..100).all(served), "the first hundred tasks are one per shard");
    for shard in 0..100 {
        assert!(played.arrived_at(shard).is_sorted(), "shard {shard} has its tasks in order");
    }
    assert!(played.now_us < 200_000, "took {} µs", played.now_us);
}

#[test]
fn a_second_is_sent_at_once_and_the_rest_as_it_flows() {
    let mut played = Played::new(small(std::iter::repeat_n(0, 3_000)), 1, 20_000);
    assert_eq!(played.play(|_, _, _| false), NextPut::Done);
    played.hold_the_limits();
    let (first, second) = (played.sent[0].1.len(), played.sent[1].1.len());
    assert_eq!((first, second), (500, 500));
    assert!(
        (1_900_000..2_300_000).contains(&played.now_us),
        "2,000 more take two seconds: {}",
        played.now_us
    );
    assert!(played.sent.len() < 40, "and no call for each of them: {}", played.sent.len());
}

#[test]
fn large_records_go_by_their_bytes() {
    // Seven of the largest on seven shards: five fit into a call. The eighth waits for its shard's second.
    let items: Vec<_> = [0, 1, 2, 3, 4, 5, 6, 0].map(|shard| Item { shard, bytes: MAX_RECORD_BYTES }).into();
    let mut played = Played::new(items, 7, 20_000);
    assert_eq!(played.play(|_, _, _| false), NextPut::Done);
    played.hold_the_limits();
    assert_eq!(played.arrived.last(), Some(&7));
    assert!((1_000_000..1_100_000).contains(&played.now_us), "{}", played.now_us);
}

#[test]
fn only_what_was_refused_is_sent_again_and_before_what_waits() {
    let mut played = Played::new(small((0..700).map(|_| 0)), 1, 20_000);
    let mut refused = vec![3, 4, 499];
    let end = played.play(|_, index, _| {
        refused.iter().position(|&it| it == index).map(|at| refused.remove(at)).is_some()
    });
    assert_eq!(end, NextPut::Done);
    assert_eq!(played.sent[0].1, (0..500).collect::<Vec<_>>());
    let again: Vec<_> = played.sent[1..].iter().flat_map(|(_, batch)| batch.clone()).collect();
    assert_eq!(again, [3, 4, 499].into_iter().chain(500..700).collect::<Vec<_>>());
    let waited_us = played.sent[1].0 - 20_000;
    assert!((BACKOFF_US / 2..=BACKOFF_US).contains(&waited_us), "waited {waited_us} µs");
}

#[test]
fn a_shard_that_refuses_does_not_stop_the_others() {
    let mut played = Played::new(small((0..600).map(|i| i % 2)), 2, 20_000);
    let end = played.play(|now_us, _, item| item.shard == 0 && now_us < 3_000_000);
    assert_eq!(end, NextPut::Done);
    let last_of_the_other =
        played.sent.iter().rev().find(|(_, batch)| batch.iter().any(|index| index % 2 == 1));
    assert!(last_of_the_other.unwrap().0 < 100_000, "{last_of_the_other:?}");
    let times: Vec<u64> = played.sent.iter().map(|(at_us, _)| *at_us).collect();
    assert!(times.len() < 12, "it waits longer each time: {times:?}");
}

#[test]
fn a_shard_that_takes_nothing_is_given_up_after_a_while() {
    let mut played = Played::new(small((0..10).map(|_| 0)), 1, 20_000);
    assert_eq!(played.play(|_, index, _| index > 3), NextPut::GiveUp { n_left: 6, rounds: MAX_ROUNDS });
    assert_eq!(played.sent.len(), MAX_ROUNDS as usize, "the call of which it took four is the first");
    assert!((10_000_000..30_000_000).contains(&played.now_us), "after {} µs", played.now_us);
}

#[test]
fn a_shard_that_takes_a_little_is_not_given_up() {
    let mut played = Played::new(small((0..100).map(|_| 0)), 1, 20_000);
    let mut turn = 0;
    let end = played.play(|_, _, _| {
        turn += 1;
        turn % 5 != 0
    });
    assert_eq!(end, NextPut::Done);
    assert!(played.sent.len() > MAX_ROUNDS as usize);
}

#[test]
fn nothing_to_send_is_done() {
    assert_eq!(Outbox::new(Vec::new(), 1, 0, 0).next(0), NextPut::Done);
}

#[test]
fn a_record_that_is_too_large_is_named() {
    let most = usize::try_from(MAX_RECORD_BYTES).unwrap();
    assert_eq!(record_bytes("job/17", &vec![0; most - 6]), Ok(MAX_RECORD_BYTES));
    assert_eq!(
        record_bytes("job/17", &vec![0; most - 5]).unwrap_err().to_string(),
        "record job/17 has 1048577 bytes with its partition key; the limit is 1048576"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_record_arrives_once_within_the_limits(
        records in prop::collection::vec((0_usize..9, prop_oneof![20 => 10_u64..2_000, 1 => 1_u64..=MAX_RECORD_BYTES]), 0..3_000),
        delay_us in 1_u64..500_000,
        refused_in_1000 in 0_u64..600,
    ) {
        let items: Vec<_> = records.into_iter().map(|(shard, bytes)| Item { shard, bytes }).collect();
        let mut played = Played::new(items.clone(), 9, delay_us);
        let end = played.play(|now_us, index, _| backoff_us(1, (now_us, index)) % 1_000 < refused_in_1000);
        played.hold_the_limits();
        let mut arrived = played.arrived.clone();
        arrived.sort_unstable();
        prop_assert!(arrived.windows(2).all(|pair| pair[0] < pair[1]), "a record that was taken is not sent again");
        match end {
            NextPut::Done => prop_assert_eq!(arrived.len(), items.len()),
            NextPut::GiveUp { n_left, .. } => prop_assert!(arrived.len() + n_left == items.len() && refused_in_1000 > 0),
            other => prop_assert!(false, "{:?}", other),
        }
        if refused_in_1000 == 0 {
            for shard in 0..9 {
                prop_assert!(played.arrived_at(shard).is_sorted());
            }
        }
    }
}
