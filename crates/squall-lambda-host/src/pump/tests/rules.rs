//! Batches, windows, failures: one shard, one rule at a time.

use super::*;

#[test]
fn batches_are_no_larger_than_asked_and_read_at_once_while_behind() {
    let scene = Scene::new(1, succeed);
    (0..25).for_each(|n| scene.put("key", &n.to_string()));
    scene.run(&mapping(), SECOND_US / 2).unwrap();
    let sizes: Vec<_> = scene.seen.borrow().iter().map(|seen| seen.records.len()).collect();
    assert!(sizes.iter().all(|size| *size <= 10), "{sizes:?}");
    assert_eq!(scene.deliveries().join(" "), (0..25).map(|n| n.to_string()).collect::<Vec<_>>().join(" "));
}

#[test]
fn a_shard_without_news_is_polled_at_its_pace() {
    let scene = Scene::new(1, succeed);
    let putting = async {
        scene.sleep_until(SECOND_US / 10).await;
        scene.put("key", "late");
    };
    scene.run_beside(&mapping(), 3 * SECOND_US, putting).unwrap();
    assert_eq!(scene.seen.borrow()[0].at_us, SECOND_US + 2_000, "the second read, a second after the first");
}

#[test]
fn a_window_gathers_what_comes_until_it_is_over() {
    let mut mapping = Mapping { poll_us: 100_000, ..mapping() };
    mapping.delivery.window_us = 2 * SECOND_US;
    let scene = Scene::new(1, succeed);
    let putting = async {
        for n in 0..13 {
            scene.put("key", &n.to_string());
            scene.sleep_until((n + 1) * 250_000).await;
        }
    };
    scene.run_beside(&mapping, 10 * SECOND_US, putting).unwrap();
    // Eight records are read within two seconds of the first; then five.
    assert_eq!(scene.deliveries(), ["0 1 2 3 4 5 6 7", "8 9 10 11 12"]);
    let at_us: Vec<_> = scene.seen.borrow().iter().map(|seen| seen.at_us / 100_000).collect();
    assert_eq!(at_us, [20, 40]);
}

#[test]
fn a_full_batch_does_not_wait_for_its_window() {
    let mut mapping = mapping();
    mapping.delivery.window_us = 300 * SECOND_US;
    let scene = Scene::new(1, succeed);
    (0..12).for_each(|n| scene.put("key", &n.to_string()));
    scene.run(&mapping, SECOND_US).unwrap();
    assert_eq!(scene.deliveries(), ["0 1 2 3 4 5 6 7 8 9"]);
}

#[test]
fn lanes_run_beside_each_other_and_keep_the_order_of_each_key() {
    let mapping = Mapping { lanes_per_shard: 4, ..mapping() };
    let scene =
        Scene::new(1, |seen: &Seen| (Invoked::Answered(Vec::new()), 1_000 * seen.records.len() as u64));
    for n in 0..40 {
        (0..10).for_each(|key| scene.put(&format!("key {key}"), &n.to_string()));
    }
    scene.run(&mapping, 10 * SECOND_US).unwrap();
    assert_eq!(scene.most_in_flight.get(), 4);
    let mut of_key: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for seen in scene.seen.borrow().iter() {
        let lanes: BTreeSet<_> = seen.records.iter().map(|(key, _)| lane_of(key, 4)).collect();
        assert_eq!(lanes.len(), 1, "a batch is of one lane");
        for (key, data) in &seen.records {
            of_key.entry(key.clone()).or_default().push(data.parse().unwrap());
        }
    }
    assert_eq!(of_key.len(), 10);
    assert!(of_key.values().all(|it| *it == (0..40).collect::<Vec<_>>()), "{of_key:?}");
}

#[test]
fn bisecting_isolates_the_poison_and_everything_else_is_done() {
    let mut mapping = mapping();
    mapping.delivery.bisect = true;
    let scene = Scene::new(1, |seen: &Seen| match seen.position("poison") {
        Some(_) => (Invoked::Failed("it tastes of almonds".to_owned()), 0),
        None => succeed(seen),
    });
    scene.river.borrow_mut().page_records = 100;
    for data in ["a", "b", "c", "poison", "e", "f", "g", "h"] {
        scene.put("key", data);
    }
    scene.run(&mapping, 10 * SECOND_US).unwrap();
    assert_eq!(
        scene.deliveries(),
        [
            "a b c poison e f g h",
            "a b c poison",
            "a b",
            "c poison",
            "c",
            "poison",
            "poison",
            "poison",
            "e f g h"
        ]
    );
    assert_eq!(scene.conditions(), ["RetryAttemptsExhausted ×1 after 3"]);
    let told = scene.notices.borrow().join("\n");
    assert!(told.contains("delivery 1 of 8 records") && told.contains("it tastes of almonds"), "{told}");
    assert!(told.contains("gave up 1 record from") && told.contains("kept as aws/lambda/"), "{told}");
}

#[test]
fn partial_failures_come_again_from_the_lowest_failed_record() {
    let mut mapping = mapping();
    mapping.delivery.partial_failures = true;
    let n_deliveries = Cell::new(0);
    let scene = Scene::new(1, |seen: &Seen| {
        n_deliveries.set(n_deliveries.get() + 1);
        match n_deliveries.get() {
            1 => (seen.failing(&[4, 2]), 0),
            2 => (seen.failing(&[0]), 0),
            _ => (seen.failing(&[]), 0),
        }
    });
    "abcdef".chars().for_each(|data| scene.put("key", &data.to_string()));
    scene.run(&mapping, 10 * SECOND_US).unwrap();
    assert_eq!(scene.deliveries(), ["a b c d e f", "c d e f", "c d e f"]);
    assert!(scene.kept.borrow().is_empty());
}

#[test]
fn without_bisecting_a_failing_batch_is_given_up_as_a_whole() {
    let scene = Scene::new(1, |seen: &Seen| match seen.position("b") {
        Some(_) => (Invoked::Failed("no".to_owned()), 0),
        None => succeed(seen),
    });
    "abc".chars().for_each(|data| scene.put("key", &data.to_string()));
    let putting = async {
        scene.sleep_until(SECOND_US / 2).await;
        scene.put("key", "d");
    };
    scene.run_beside(&mapping(), 10 * SECOND_US, putting).unwrap();
    assert_eq!(scene.deliveries(), ["a b c", "a b c", "a b c", "d"]);
    assert_eq!(scene.conditions(), ["RetryAttemptsExhausted ×3 after 3"]);
}

#[test]
fn a_function_that_reports_failures_to_a_mapping_that_does_not_listen_has_succeeded() {
    let scene = Scene::new(1, |seen: &Seen| (seen.failing(&[0]), 0));
    scene.put("key", "a");
    scene.run(&mapping(), SECOND_US).unwrap();
    assert_eq!(scene.deliveries(), ["a"]);
}

#[test]
fn throttles_cost_no_attempt() {
    let mut mapping = mapping();
    mapping.delivery.max_attempts = Some(1);
    let n_calls = Cell::new(0);
    let scene = Scene::new(1, |seen: &Seen| {
        n_calls.set(n_calls.get() + 1);
        if n_calls.get() <= 8 { (Invoked::Refused("throttled".to_owned()), 0) } else { succeed(seen) }
    });
    scene.put("key", "a");
    scene.run(&mapping, 100 * SECOND_US).unwrap();
    assert_eq!(scene.deliveries().len(), 9);
    assert!(scene.kept.borrow().is_empty());
    assert_eq!(scene.notices.borrow().iter().filter(|it| it.contains("cannot be invoked")).count(), 1);
}

#[test]
fn records_that_are_too_old_are_given_up_without_being_delivered() {
    let mut mapping = mapping();
    mapping.delivery.max_record_age_us = Some(60 * SECOND_US);
    let scene = Scene::new(1, succeed);
    scene.put("key", "old");
    let waiting = async { scene.sleep_until(100 * SECOND_US).await };
    run_until_done(&scene.clock, waiting).unwrap();
    scene.put("key", "young");
    scene.run(&mapping, SECOND_US).unwrap();
    assert_eq!(scene.deliveries(), ["young"]);
    assert_eq!(scene.conditions(), ["RecordAgeExceeded ×1 after 0"]);
}

#[test]
fn without_a_retry_limit_age_ends_it() {
    let mut mapping = mapping();
    mapping.delivery.max_attempts = None;
    mapping.delivery.max_record_age_us = Some(60 * SECOND_US);
    let scene = Scene::new(1, |_: &Seen| (Invoked::Failed("never".to_owned()), 0));
    scene.put("key", "a");
    scene.run(&mapping, 300 * SECOND_US).unwrap();
    let n_deliveries = scene.deliveries().len();
    assert!(n_deliveries >= 8, "{n_deliveries}");
    assert_eq!(scene.conditions(), [format!("RecordAgeExceeded ×1 after {n_deliveries}")]);
}

#[test]
fn what_is_given_up_is_not_done_before_it_is_kept() {
    let mut mapping = mapping();
    mapping.delivery.max_attempts = Some(1);
    let scene = Scene::new(1, |_: &Seen| (Invoked::Failed("no".to_owned()), 0));
    scene.n_keep_failures.set(3);
    scene.put("key", "a");
    scene.run(&mapping, 10 * SECOND_US).unwrap();
    assert_eq!(scene.conditions(), ["RetryAttemptsExhausted ×1 after 1"]);
    scene.n_keep_failures.set(u32::MAX);
    scene.put("key", "b");
    let marks = scene.marks.borrow().clone();
    scene.run(&mapping, 10 * SECOND_US).unwrap();
    assert_eq!(*scene.marks.borrow(), marks, "it will be delivered again");
}

#[test]
fn a_stop_waits_for_what_is_under_way_and_starts_nothing() {
    let scene = Scene::new(1, |_: &Seen| (Invoked::Answered(Vec::new()), 60 * SECOND_US));
    (0..30).for_each(|n| scene.put("key", &n.to_string()));
    scene.run(&mapping(), SECOND_US).unwrap();
    assert_eq!((scene.deliveries().len(), scene.in_flight.get()), (1, 0));
    assert!(scene.now_us() >= 60 * SECOND_US);
    let n_done = scene.seen.borrow()[0].records.len();
    scene.run(&mapping(), 1_000 * SECOND_US).unwrap();
    assert_eq!(scene.seen.borrow()[1].records[0].1, n_done.to_string(), "it goes on where it was");
}

#[test]
fn a_stream_that_is_not_there_ends_the_mapping() {
    let scene = Scene::new(1, succeed);
    *scene.marks.borrow_mut() =
        Some(BTreeMap::from([("shardId-000000000000".to_owned(), Mark::After("12".to_owned()))]));
    let error = scene.run(&mapping(), SECOND_US).unwrap_err();
    assert_eq!(error.to_string(), "that sequence number is not of this shard");
}
