//! Splits and merges under a mapping.

use super::*;

/// Puts the next number of each key.
fn put_round(scene: &Scene<'_>, n: u32) {
    (0..20).for_each(|key| scene.put(&format!("key {key}"), &n.to_string()));
}

fn of_key(scene: &Scene<'_>) -> BTreeMap<String, Vec<u32>> {
    let mut of_key: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for (key, data) in scene.seen.borrow().iter().flat_map(|seen| &seen.records) {
        of_key.entry(key.clone()).or_default().push(data.parse().unwrap());
    }
    of_key
}

fn reshard(river: &mut River, n: u32) {
    match n {
        5 => river.split("shardId-000000000000"),
        // The children may not even have been seen by then.
        6 => river.split("shardId-000000000002"),
        15 | 20 => {
            let (low, high) = river.neighbours().unwrap();
            river.merge(&low, &high);
        }
        _ => {}
    }
}

#[test]
fn a_split_and_a_merge_lose_nothing_and_keep_the_order_of_each_key() {
    let mapping = Mapping { lanes_per_shard: 3, ..mapping() };
    let scene = Scene::new(2, |_: &Seen| (Invoked::Answered(Vec::new()), 700_000));
    let resharding = async {
        for n in 0..30 {
            put_round(&scene, n);
            reshard(&mut scene.river.borrow_mut(), n);
            scene.sleep_until(scene.now_us() + 2 * SECOND_US).await;
        }
    };
    scene.run_beside(&mapping, 200 * SECOND_US, resharding).unwrap();
    let of_key = of_key(&scene);
    assert_eq!(of_key.len(), 20);
    for (key, numbers) in of_key {
        assert_eq!(numbers, (0..30).collect::<Vec<_>>(), "{key}");
    }
    let marks = scene.marks.borrow().clone().unwrap();
    assert_eq!(marks.values().filter(|mark| **mark == Mark::Finished).count(), 6);
    let open: Vec<_> = marks.iter().filter(|(_, mark)| **mark != Mark::Finished).map(|(id, _)| id).collect();
    assert_eq!(open, scene.river.borrow().open_shards().iter().collect::<Vec<_>>());
}

#[test]
fn children_wait_until_their_parents_are_processed_not_only_read() {
    let scene = Scene::new(1, |_: &Seen| (Invoked::Answered(Vec::new()), 50 * SECOND_US));
    put_round(&scene, 0);
    scene.river.borrow_mut().split("shardId-000000000000");
    put_round(&scene, 1);
    scene.run(&mapping(), 500 * SECOND_US).unwrap();
    let seen = scene.seen.borrow();
    let starts_us: Vec<_> =
        seen.iter().filter(|it| it.shard != "shardId-000000000000").map(|it| it.at_us).collect();
    let n_parents = seen.iter().filter(|it| it.shard == "shardId-000000000000").count() as u64;
    assert!(starts_us.iter().all(|at_us| *at_us >= n_parents * 50 * SECOND_US), "{starts_us:?}");
    assert!(n_parents > 0 && starts_us.len() > 1);
    let told = scene.notices.borrow().join("\n");
    assert!(told.contains("shardId-000000000000 closed, read and processed to its end"), "{told}");
}

#[test]
fn a_child_that_appears_while_the_mapping_is_down_is_read_from_its_first_record() {
    for start in [StartingPosition::TrimHorizon, StartingPosition::Latest] {
        let mapping = Mapping { start, ..mapping() };
        let scene = Scene::new(1, succeed);
        let putting = async {
            scene.sleep_until(SECOND_US / 2).await;
            put_round(&scene, 0);
        };
        scene.run_beside(&mapping, 5 * SECOND_US, putting).unwrap();
        put_round(&scene, 1);
        scene.river.borrow_mut().split("shardId-000000000000");
        put_round(&scene, 2);
        scene.run(&mapping, 30 * SECOND_US).unwrap();
        let of_key = of_key(&scene);
        assert!(of_key.len() == 20 && of_key.values().all(|it| *it == [0, 1, 2]), "{start:?}: {of_key:?}");
    }
}
