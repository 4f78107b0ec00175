use super::*;

fn open(id: &str, first: u128, last: u128) -> OpenShard {
    OpenShard { id: id.to_owned(), range: ShardRange { first, last } }
}

#[test]
fn a_hash_key_belongs_to_the_shard_that_owns_it_however_they_were_listed() {
    let map = ShardMap::new("tasks", vec![open("c", 200, u128::MAX), open("a", 0, 99), open("b", 100, 199)]);
    let Ok(map) = map else { panic!("the shards own every key: {map:?}") };
    let keys = [0, 99, 100, 199, 200, u128::MAX];
    assert_eq!(keys.map(|key| map.index_of(key)), [0, 0, 1, 1, 2, 2]);
    assert_eq!(map.ranges().iter().map(|range| range.first).collect::<Vec<_>>(), [0, 100, 200]);
}

#[test]
fn a_gap_an_overlap_and_no_shards_at_all_are_a_reshard_under_way() {
    let rest = |first| open("rest", first, u128::MAX);
    for shards in [
        vec![],
        vec![rest(1)],
        vec![open("a", 0, u128::MAX - 1)],
        vec![open("a", 0, 9), rest(11)],
        vec![open("a", 0, 9), rest(9)],
        vec![rest(0), rest(0)],
        vec![open("parent", 0, u128::MAX), open("child", 0, 9), rest(10)],
    ] {
        let told = ShardMap::new("tasks", shards.clone());
        assert!(matches!(told, Err(PortError::Refused { .. })), "{shards:?}: {told:?}");
    }
}

#[test]
fn a_record_that_went_elsewhere_tells_of_a_reshard() {
    let before = ShardMap::new("tasks", vec![open("a", 0, 99), open("b", 100, u128::MAX)]);
    let Ok(before) = before else { panic!("the shards own every key: {before:?}") };
    assert!(before.agrees(99, "a") && before.agrees(100, "b"));
    // After a split or a merge, the keys belong to shards with new names.
    assert!(!before.agrees(0, "a1") && !before.agrees(100, "ab"));
}
