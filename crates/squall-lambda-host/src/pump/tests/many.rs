//! Many seeded histories: failures of every kind, reshards, crashes. Nothing is lost, and keys keep their order.

use super::*;

#[derive(Default)]
struct Books {
    /// First time that each record succeeded, in order, by key.
    done: BTreeMap<String, Vec<u32>>,
    n_repeated: usize,
}

impl Books {
    fn book(&mut self, records: &[(String, String)]) {
        for (key, data) in records {
            let number: u32 = data.parse().unwrap();
            let done = self.done.entry(key.clone()).or_default();
            if done.contains(&number) {
                self.n_repeated += 1;
            } else {
                done.push(number);
            }
        }
    }
}

/// The sequence numbers that were given up, from the payloads that a bucket stores.
fn given_up(scene: &Scene<'_>) -> Vec<(String, u32)> {
    let kept = scene.kept.borrow();
    let events = kept.iter().map(|(_, record)| parsed(record["payload"].as_str().unwrap().as_bytes()).1);
    events.flatten().map(|(key, data)| (key, data.parse().unwrap())).collect()
}

/// A split or a merge, now and then.
fn reshard(river: &mut River, luck: &mut Random) {
    match luck.below(12) {
        0 => {
            let open = river.open_shards();
            river.split(&open[usize::try_from(luck.below(open.len() as u64)).unwrap()]);
        }
        1 => {
            if let Some((low, high)) = river.neighbours() {
                river.merge(&low, &high);
            }
        }
        _ => {}
    }
}

fn history(seed: u64) {
    const N_KEYS: u32 = 12;
    let mut random = Random::new(seed);
    let n_shards = 1 + u32::try_from(random.below(3)).unwrap();
    let n_rounds = 5 + u32::try_from(random.below(40)).unwrap();
    let (badness, crashes) = (random.below(600), random.chance(500));
    let mapping = Mapping {
        lanes_per_shard: 1 + usize::try_from(random.below(4)).unwrap(),
        delivery: DeliveryPolicy {
            batch_size: 1 + usize::try_from(random.below(12)).unwrap(),
            window_us: random.below(2) * 3 * SECOND_US,
            max_attempts: random.chance(700).then(|| 1 + u32::try_from(random.below(5)).unwrap()),
            max_record_age_us: random.chance(300).then_some(60 * SECOND_US),
            bisect: random.chance(500),
            partial_failures: random.chance(700),
            ..DeliveryPolicy::default()
        },
        checkpoint_us: random.below(2) * SECOND_US,
        ..mapping()
    };
    let books = RefCell::new(Books::default());
    let luck = RefCell::new(random);
    let is_healed = Cell::new(false);
    let mut scene = Scene::new(n_shards, |seen: &Seen| {
        let mut luck = luck.borrow_mut();
        let takes_us = luck.below(1_500_000);
        if is_healed.get() || !luck.chance(badness) {
            books.borrow_mut().book(&seen.records);
            return (Invoked::Answered(b"{}".to_vec()), takes_us);
        }
        let outcome = match luck.below(4) {
            0 => Invoked::Refused("throttled".to_owned()),
            1 => Invoked::Failed("crashed".to_owned()),
            2 if mapping.delivery.partial_failures => {
                Invoked::Answered(br#"{"batchItemFailures":[{"itemIdentifier":""}]}"#.to_vec())
            }
            2 => Invoked::Failed("timed out".to_owned()),
            _ => {
                let position = usize::try_from(luck.below(seen.records.len() as u64)).unwrap();
                let heard = if mapping.delivery.partial_failures { position } else { seen.records.len() };
                books.borrow_mut().book(&seen.records[..heard]);
                seen.failing(&[position])
            }
        };
        (outcome, takes_us)
    });
    scene.takes = Takes::Everything;
    scene.river.borrow_mut().fails_every = luck.borrow_mut().chance(500).then_some(5);
    scene.river.borrow_mut().iterator_lasts_us = 5 * SECOND_US;
    let living = async {
        for n in 0..n_rounds {
            (0..N_KEYS).for_each(|key| scene.put(&format!("key {key}"), &n.to_string()));
            reshard(&mut scene.river.borrow_mut(), &mut luck.borrow_mut());
            let wait_us = luck.borrow_mut().below(4_000_000);
            scene.sleep_until(scene.now_us() + wait_us).await;
        }
    };
    if crashes {
        let pumping = async {
            loop {
                let until_us = scene.now_us() + 1 + luck.borrow_mut().below(20 * SECOND_US);
                let running = std::pin::pin!(run_mapping(&mapping, &scene, std::future::pending()));
                let killing = std::pin::pin!(scene.sleep_until(until_us));
                if let Either::Left((ended, _)) = select(running, killing).await {
                    return ended.unwrap();
                }
            }
        };
        let both = async {
            select(std::pin::pin!(living), std::pin::pin!(pumping)).await;
        };
        run_until_done(&scene.clock, both).unwrap();
        is_healed.set(true);
        scene.run(&mapping, 1_000 * SECOND_US).unwrap();
    } else {
        let living = async {
            living.await;
            is_healed.set(true);
        };
        scene.run_beside(&mapping, 1_200 * SECOND_US, living).unwrap();
    }

    let (books, given_up) = (books.borrow(), given_up(&scene));
    for key in 0..N_KEYS {
        let key = format!("key {key}");
        let done = books.done.get(&key).cloned().unwrap_or_default();
        // Records that were given up may be delivered again after a crash, and succeed.
        let kept: Vec<_> = done.iter().filter(|n| !given_up.contains(&(key.clone(), **n))).collect();
        assert!(kept.is_sorted(), "seed {seed}: {key} out of order: {done:?}");
        for n in 0..n_rounds {
            let is_ended = done.contains(&n) || given_up.contains(&(key.clone(), n));
            assert!(is_ended, "seed {seed}: {n} of {key} is lost");
        }
    }
    let may_give_up = mapping.delivery.max_attempts.is_some() || mapping.delivery.max_record_age_us.is_some();
    assert!(may_give_up || given_up.is_empty(), "seed {seed}: given up without a limit");
    assert!(crashes || books.n_repeated == 0, "seed {seed}: delivered {} again", books.n_repeated);
}

#[test]
fn every_record_is_handled_or_given_up_and_keys_keep_their_order() {
    (0..200).for_each(history);
}
