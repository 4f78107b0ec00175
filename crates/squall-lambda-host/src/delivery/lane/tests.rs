use std::cell::RefCell;

use futures::FutureExt;
use futures::future::join;

use super::*;
use squall_sim_time::{SimulatedClock, run_until_done};

const POLICY: DeliveryPolicy = DeliveryPolicy {
    batch_size: 4,
    batch_bytes: 100,
    window_us: 1_000,
    max_attempts: Some(2),
    max_record_age_us: None,
    bisect: false,
    partial_failures: true,
    backoff_us: 100,
};

/// A record: its arrival time and its size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Parcel(u64, usize);

impl Carried for Parcel {
    fn arrived_us(&self) -> Option<u64> {
        Some(self.0)
    }

    fn size_bytes(&self) -> usize {
        self.1
    }
}

fn next(lane: &LaneQueue<Parcel>, clock: &SimulatedClock, policy: &DeliveryPolicy) -> Option<usize> {
    let batch = run_until_done(clock, lane.next_batch(clock, policy)).unwrap();
    batch.map(|batch| batch.records.len())
}

#[test]
fn a_full_batch_is_delivered_at_once_and_another_when_its_window_is_over() {
    let (lane, clock) = (LaneQueue::default(), SimulatedClock::default());
    for arrived_us in 0..6 {
        lane.push(Parcel(arrived_us, 1), 0);
    }
    assert_eq!((next(&lane, &clock, &POLICY), clock.now_us()), (Some(4), 0));
    assert_eq!((next(&lane, &clock, &POLICY), clock.now_us()), (Some(2), 1_000));
}

#[test]
fn the_window_starts_with_the_first_record_and_a_batch_that_fills_up_ends_it() {
    let (lane, clock) = (LaneQueue::default(), SimulatedClock::default());
    let arriving = async {
        for n in 0..4 {
            clock.sleep_until(100 + n * 50).await;
            lane.push(Parcel(n, 1), clock.now_us());
        }
        lane.push(Parcel(9, 1), clock.now_us());
    };
    let reading = async {
        let mut batches = Vec::new();
        for _ in 0..2 {
            let batch = lane.next_batch(&clock, &POLICY).await.unwrap();
            batches.push((batch.records.len(), clock.now_us()));
        }
        batches
    };
    let ((), batches) = run_until_done(&clock, join(arriving, reading)).unwrap();
    assert_eq!(batches, [(4, 250), (1, 1_250)]);
}

#[test]
fn a_batch_is_no_larger_than_an_event_may_be_but_a_large_record_still_goes() {
    let (lane, clock) = (LaneQueue::default(), SimulatedClock::default());
    for size in [60, 30, 30, 500, 100, 1] {
        lane.push(Parcel(0, size), 0);
    }
    lane.close();
    let sizes: Vec<_> = std::iter::from_fn(|| next(&lane, &clock, &POLICY)).collect();
    assert_eq!(sizes, [2, 1, 1, 1, 1]);
    assert_eq!(clock.now_us(), 0, "a closed lane gathers nothing more");
}

#[test]
fn a_closed_lane_ends_when_it_is_empty_and_a_stopped_one_at_once() {
    let (lane, clock) = (LaneQueue::default(), SimulatedClock::default());
    lane.push(Parcel(0, 1), 0);
    lane.close();
    assert_eq!(next(&lane, &clock, &POLICY), Some(1));
    assert_eq!(next(&lane, &clock, &POLICY), None);
    let lane = LaneQueue::default();
    lane.push(Parcel(0, 1), 0);
    lane.stop();
    assert_eq!(next(&lane, &clock, &POLICY), None);
}

#[test]
fn a_reader_that_waits_is_woken_by_every_change() {
    let clock = SimulatedClock::default();
    let changes: [fn(&LaneQueue<Parcel>); 3] =
        [|lane| (0..4).for_each(|_| lane.push(Parcel(0, 1), 0)), LaneQueue::close, LaneQueue::stop];
    for change in changes {
        let lane = LaneQueue::default();
        let mut batch = Box::pin(lane.next_batch(&clock, &POLICY));
        assert!(batch.as_mut().now_or_never().is_none());
        change(&lane);
        assert!(batch.as_mut().now_or_never().is_some());
    }
}

/// The history of a lane, with times.
fn history(
    policy: &DeliveryPolicy,
    parcels: &[Parcel],
    handle: impl Fn(&Batch<Parcel>, &LaneQueue<Parcel>) -> Handled,
) -> Vec<String> {
    let (lane, clock) = (LaneQueue::default(), SimulatedClock::default());
    parcels.iter().for_each(|parcel| lane.push(*parcel, 0));
    lane.close();
    let history = RefCell::new(Vec::new());
    let note = |text: String| history.borrow_mut().push(format!("{:>4} {text}", clock.now_us()));
    let deliver = async |batch: &Batch<Parcel>| {
        note(format!("deliver {} ×{}", batch.records.len(), batch.attempt));
        (handle(batch, &lane), "said so".to_owned())
    };
    let settle = async |settled: Settled<Parcel>| {
        note(match settled {
            Settled::Done(records) => format!("done {}", records.len()),
            Settled::GivenUp(it) => {
                let (n, condition) = (it.records.len(), it.condition.as_str());
                format!("given up {n}, {condition} after {}: {:?}", it.n_deliveries, it.reason)
            }
        });
    };
    run_until_done(&clock, run_lane(&clock, policy, &lane, &deliver, &settle)).unwrap();
    history.into_inner()
}

#[test]
fn a_lane_retries_gives_up_and_goes_on() {
    let parcels = [Parcel(0, 1); 6];
    let history = history(&POLICY, &parcels, |batch, _| match batch.records.len() {
        4 => Handled::UpTo(3),
        1 => Handled::Nothing,
        _ => Handled::All,
    });
    assert_eq!(
        history,
        [
            "   0 deliver 4 ×1",
            "   0 done 3",
            " 200 deliver 1 ×2",
            " 200 given up 1, RetryAttemptsExhausted after 2: \"said so\"",
            " 200 deliver 2 ×1",
            " 200 done 2",
        ]
    );
}

#[test]
fn records_grow_too_old_while_their_lane_is_refused() {
    let policy = DeliveryPolicy { max_record_age_us: Some(1_000), ..POLICY };
    let parcels = [Parcel(0, 1), Parcel(900, 1)];
    let history = history(&policy, &parcels, |batch, _| match batch.records.len() {
        2 => Handled::Refused,
        _ => Handled::All,
    });
    assert_eq!(
        history,
        [
            "   0 deliver 2 ×1",
            " 200 deliver 2 ×1",
            " 600 deliver 2 ×1",
            "1400 given up 1, RecordAgeExceeded after 0: \"said so\"",
            "1400 deliver 1 ×1",
            "1400 done 1",
        ]
    );
}

#[test]
fn a_stopped_lane_settles_what_is_under_way_and_delivers_nothing_more() {
    let parcels = [Parcel(0, 1); 6];
    let history = history(&POLICY, &parcels, |_, lane| {
        lane.stop();
        Handled::UpTo(2)
    });
    assert_eq!(history, ["   0 deliver 4 ×1", "   0 done 2"]);
}
