//! Checkpoints, crashes, and iterators that expire.

use super::*;

fn all(scene: &Scene<'_>) -> Vec<u32> {
    let seen = scene.seen.borrow();
    seen.iter().flat_map(|seen| &seen.records).map(|(_, data)| data.parse().unwrap()).collect()
}

/// A key of each of two lanes.
fn keys() -> [String; 2] {
    [0, 1].map(|lane| (0..).map(|n| format!("key {n}")).find(|key| lane_of(key, 2) == lane).unwrap())
}

#[test]
fn after_a_crash_only_what_is_behind_the_checkpoint_is_delivered_again() {
    let mut mapping = Mapping { lanes_per_shard: 2, ..mapping() };
    mapping.delivery.batch_size = 1;
    let slow_us = Cell::new(100 * SECOND_US);
    let scene = Scene::new(1, |seen: &Seen| {
        let takes_us = if seen.data() == "slow" { slow_us.get() } else { 1_000 };
        (Invoked::Answered(Vec::new()), takes_us)
    });
    let [quick, slow] = keys();
    (0..5).for_each(|n| scene.put(&quick, &format!("before {n}")));
    scene.put(&slow, "slow");
    (0..3).for_each(|n| scene.put(&quick, &format!("after {n}")));
    scene.run_and_kill(&mapping, 10 * SECOND_US);
    assert_eq!(scene.seen.take().len(), 9, "the other lane did not wait");
    slow_us.set(0);
    scene.run(&mapping, 10 * SECOND_US).unwrap();
    let mut again = scene.deliveries();
    again.sort_unstable();
    assert_eq!(again, ["after 0", "after 1", "after 2", "slow"]);
    scene.seen.take();
    scene.run(&mapping, 10 * SECOND_US).unwrap();
    assert_eq!(scene.deliveries(), Vec::<String>::new());
}

#[test]
fn a_restart_goes_on_where_the_mapping_stopped() {
    let scene = Scene::new(3, succeed);
    (0..50).for_each(|n| scene.put(&format!("key {n}"), &n.to_string()));
    scene.run(&mapping(), 5 * SECOND_US).unwrap();
    (50..100).for_each(|n| scene.put(&format!("key {n}"), &n.to_string()));
    scene.run(&mapping(), 5 * SECOND_US).unwrap();
    let mut all = all(&scene);
    all.sort_unstable();
    assert_eq!(all, (0..100).collect::<Vec<_>>());
}

#[test]
fn latest_starts_with_what_is_put_from_now_on_and_only_the_first_time() {
    let mapping = Mapping { start: StartingPosition::Latest, ..mapping() };
    let scene = Scene::new(2, succeed);
    (0..10).for_each(|n| scene.put(&format!("key {n}"), &n.to_string()));
    let putting = async {
        scene.sleep_until(SECOND_US / 2).await;
        (10..20).for_each(|n| scene.put(&format!("key {n}"), &n.to_string()));
    };
    scene.run_beside(&mapping, 5 * SECOND_US, putting).unwrap();
    (20..30).for_each(|n| scene.put(&format!("key {n}"), &n.to_string()));
    scene.run(&mapping, 5 * SECOND_US).unwrap();
    let mut all = all(&scene);
    all.sort_unstable();
    assert_eq!(all, (10..30).collect::<Vec<_>>());
}

#[test]
fn an_iterator_that_expired_is_replaced_without_gap_or_repetition() {
    let mut mapping = mapping();
    mapping.delivery.batch_size = 1;
    // The function is so slow that the reader has to wait for room until its iterator expires.
    let scene = Scene::new(1, |_: &Seen| (Invoked::Answered(Vec::new()), SECOND_US));
    scene.river.borrow_mut().page_records = 10_000;
    scene.river.borrow_mut().iterator_lasts_us = 60 * SECOND_US;
    (0..1_500).for_each(|n| scene.put("key", &n.to_string()));
    scene.run(&mapping, 1_600 * SECOND_US).unwrap();
    assert!(scene.river.borrow().n_expired > 0, "nothing expired");
    assert_eq!(all(&scene), (0..1_500).collect::<Vec<_>>());
    assert!(!scene.notices.borrow().iter().any(|it| it.contains("cannot")), "that is no news");
}

#[test]
fn a_reader_does_not_read_ahead_without_bound() {
    let mut mapping = mapping();
    mapping.delivery.batch_size = 1;
    let scene = Scene::new(1, |_: &Seen| (Invoked::Answered(Vec::new()), u64::from(u32::MAX)));
    scene.river.borrow_mut().page_records = 10_000;
    (0..5_000).for_each(|n| scene.put("key", &n.to_string()));
    scene.run_and_kill(&mapping, 100 * SECOND_US);
    let n_shown = scene.river.borrow().n_shown;
    assert!((1_000..1_100).contains(&n_shown), "read {n_shown}");
}

#[test]
fn a_stream_that_fails_is_asked_again_and_reported() {
    let scene = Scene::new(2, succeed);
    scene.river.borrow_mut().fails_every = Some(2);
    (0..200).for_each(|n| scene.put(&format!("key {n}"), &n.to_string()));
    scene.run(&mapping(), 60 * SECOND_US).unwrap();
    let mut all = all(&scene);
    all.sort_unstable();
    assert_eq!(all, (0..200).collect::<Vec<_>>());
}

#[test]
fn checkpoints_are_held_back_but_none_is_forgotten() {
    let mapping = Mapping { checkpoint_us: SECOND_US, ..mapping() };
    let scene = Scene::new(1, |_: &Seen| (Invoked::Answered(Vec::new()), 1_000));
    (0..100).for_each(|n| scene.put("key", &n.to_string()));
    scene.run_and_kill(&mapping, SECOND_US / 2);
    let early = scene.n_stores.get();
    assert!(early <= 2, "{early} stores in half a second");
    scene.run_and_kill(&mapping, 5 * SECOND_US);
    scene.seen.take();
    scene.run(&mapping, 5 * SECOND_US).unwrap();
    assert_eq!(all(&scene), Vec::<u32>::new(), "everything was stored although nothing happened after it");
}
