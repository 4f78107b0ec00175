use proptest::prelude::*;

use super::*;

fn any_receipt() -> impl Strategy<Value = Receipt> {
    prop::collection::vec(any::<u64>(), 0..30).prop_map(Receipt::from)
}

prop_compose! {
    fn any_times()(put_us in 0..1_000_u64, read_us in 0..1_000_u64, invoked_us: u32, answered_us: u64) -> TaskTimes {
        TaskTimes { put_us, read_us, invoked_us: invoked_us.into(), answered_us }
    }
}

#[test]
fn every_count_is_added() {
    let ones = Receipt::from(vec![1; 100]);
    let mut sum = ones;
    sum.add(&ones);
    assert_eq!(format!("{sum:?}"), format!("{ones:?}").replace(": 1", ": 2"));
}

#[test]
fn a_receipt_with_fewer_or_more_counters_is_read() {
    let receipt = Receipt { tasks: 7, subtasks: 8, ..Receipt::default() };
    assert_eq!(Receipt::from(vec![7, 8]), receipt);
    let mut more = Vec::from(receipt);
    more.push(9);
    assert_eq!(Receipt::from(more), receipt);
}

#[test]
fn a_task_is_timed_from_stage_to_stage() {
    let mut timeline = Timeline::default();
    timeline.record(&TaskTimes { put_us: 10, read_us: 30, invoked_us: 35, answered_us: 100 }, 140);
    timeline.record(&TaskTimes { put_us: 10, read_us: 20, invoked_us: 40, answered_us: 60 }, 130);
    let stage = |sum_us, max_us| Stage { n_tasks: 2, sum_us, max_us };
    assert_eq!(
        timeline,
        Timeline {
            queued: stage(20 + 10, 20),
            divided: stage(5 + 20, 20),
            cascaded: stage(65 + 20, 65),
            collected: stage(40 + 70, 70),
            first_merged_us: 130,
        }
    );
}

#[test]
fn clocks_that_disagree_do_not_run_backwards() {
    let mut timeline = Timeline::default();
    timeline.record(&TaskTimes { put_us: 100, read_us: 90, invoked_us: 80, answered_us: 70 }, 60);
    assert_eq!((timeline.queued.max_us, timeline.collected.max_us), (0, 0));
}

proptest! {
    #[test]
    fn receipts_add_up_in_any_order(one in any_receipt(), other in any_receipt(), third in any_receipt()) {
        let sum = |receipts: [&Receipt; 3]| {
            let mut sum = Receipt::default();
            receipts.iter().for_each(|it| sum.add(it));
            sum
        };
        prop_assert_eq!(sum([&one, &other, &third]), sum([&third, &one, &other]));
    }

    #[test]
    fn timelines_add_up_in_any_order_and_grouping(
        tasks in prop::collection::vec((any_times(), 1..1_000_u64), 1..8),
        at: prop::sample::Index,
    ) {
        let of = |tasks: &[(TaskTimes, u64)]| {
            let mut timeline = Timeline::default();
            tasks.iter().for_each(|(times, merged_us)| timeline.record(times, *merged_us));
            timeline
        };
        let (before, after) = tasks.split_at(at.index(tasks.len()));
        let mut sum = of(after);
        sum.add(&of(before));
        prop_assert_eq!(sum, of(&tasks));
        prop_assert_eq!(sum.first_merged_us, tasks.iter().map(|(_, merged_us)| *merged_us).min().unwrap());
    }
}
