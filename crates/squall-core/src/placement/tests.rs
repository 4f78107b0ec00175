use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

fn loads(weights: &[Weight], placed: &[Placed], n_shards: usize) -> Vec<u128> {
    let mut loads = vec![0; n_shards];
    for Placed { task, shard } in placed {
        loads[*shard] += u128::from(weights[*task]);
    }
    loads
}

#[test]
fn heaviest_first_each_on_the_lightest_shard() {
    let placed = plan_placement(&[3, 7, 7, 2, 5, 0, 0], 2, 0);
    let as_text: Vec<_> = placed.iter().map(|it| format!("{}→{}", it.task, it.shard)).collect();
    // 7 | 7, then 5 on the first of equals, 3 on the other, 2 evens out, and the weightless take turns.
    assert_eq!(as_text.join(" "), "1→0 2→1 4→0 0→1 3→1 5→0 6→1");
}

#[test]
fn jobs_of_one_task_do_not_share_a_shard() {
    let shards = (0..5).map(|first| plan_placement(&[9], 3, first)[0].shard);
    assert_eq!(shards.collect::<Vec<_>>(), [0, 1, 2, 0, 1]);
}

#[test]
fn weightless_tasks_spread() {
    let placed = plan_placement(&[0; 9], 3, 1);
    assert_eq!(loads(&[1; 9], &placed, 3), [3, 3, 3]);
}

#[test]
fn the_heaviest_weights_do_not_overflow() {
    assert_eq!(
        loads(&[u64::MAX; 4], &plan_placement(&[u64::MAX; 4], 2, 0), 2),
        [2 * u128::from(u64::MAX); 2]
    );
}

#[test]
fn without_shards_nothing_is_placed() {
    assert_eq!(plan_placement(&[1, 2], 0, 5), []);
    assert_eq!(plan_placement(&[], 3, 0), []);
}

proptest! {
    #[test]
    fn every_task_is_placed_once_heaviest_first_within_four_thirds_of_the_best(
        weights in prop::collection::vec(1..1_000_u64, 0..60),
        n_shards in 1..12_usize,
        first in 0..30_usize,
    ) {
        let placed = plan_placement(&weights, n_shards, first);
        let tasks: BTreeSet<_> = placed.iter().map(|it| it.task).collect();
        prop_assert_eq!(tasks, (0..weights.len()).collect());
        prop_assert_eq!(placed.len(), weights.len());
        prop_assert!(placed.iter().all(|it| it.shard < n_shards));
        prop_assert!(placed.windows(2).all(|it| weights[it[0].task] >= weights[it[1].task]));

        let total: u64 = weights.iter().sum();
        let m = n_shards as u64;
        let mut sorted = weights.clone();
        sorted.sort_unstable_by_key(|&weight| Reverse(weight));
        // No assignment does better than the mean, the heaviest, or the two that must share a shard.
        let pair = sorted.get(n_shards).map_or(0, |weight| sorted[n_shards - 1] + weight);
        let best = total.div_ceil(m).max(sorted.first().copied().unwrap_or(0)).max(pair);
        let longest = loads(&weights, &placed, n_shards).into_iter().max().unwrap();
        prop_assert!(3 * m as u128 * longest <= (4 * m - 1) as u128 * u128::from(best));
    }
}
