use futures::FutureExt;

use super::*;

/// All records now waiting in a lane.
fn waiting(stream: &Stream, lane: usize) -> Vec<Record> {
    stream.next_batch(lane, usize::MAX).now_or_never().unwrap_or_default()
}

/// The lane to which a record with this key goes.
fn home_of(stream: &Stream, partition_key: &str, hash_key: Option<u128>) -> usize {
    stream.put(partition_key, hash_key, &[]);
    let lanes: Vec<_> = (0..stream.n_lanes()).filter(|&lane| waiting(stream, lane).len() == 1).collect();
    stream.checkpoint(1);
    assert_eq!(lanes.len(), 1);
    lanes[0]
}

#[test]
fn a_key_is_hashed_as_kinesis_does() {
    // `printf 123 | md5sum`: just over an eighth of the space.
    assert_eq!(key_hash("123"), 0x202c_b962_ac59_075b_964b_0715_2d23_4b70);
    for (n_shards, shard) in [(1, 0), (2, 0), (7, 0), (8, 1), (64, 8)] {
        assert_eq!(home_of(&Stream::new(n_shards, 1), "123", None), shard, "{n_shards} shards");
    }
}

#[test]
fn shards_own_the_whole_space_without_gap_or_overlap() {
    for n_shards in 1..=64_u32 {
        let stream = Stream::new(n_shards, 1);
        let shards = stream.shards();
        assert_eq!(shards.len(), n_shards as usize);
        assert_eq!((shards[0].first, shards[shards.len() - 1].last), (0, u128::MAX));
        assert!(shards.windows(2).all(|it| it[0].last + 1 == it[1].first), "{n_shards} shards");
        let widths: Vec<u128> = shards.iter().map(|shard| shard.last - shard.first).collect();
        let spread = widths.iter().max().unwrap() - widths.iter().min().unwrap();
        assert!(spread <= u128::from(n_shards), "{n_shards} shards differ by {spread}");
    }
    // As documented by Kinesis for two.
    assert_eq!(Stream::new(2, 1).shards()[0].last, 170_141_183_460_469_231_731_687_303_715_884_105_727);
}

#[test]
fn an_explicit_hash_key_decides_the_shard() {
    let stream = Stream::new(5, 1);
    let shards = stream.shards().to_vec();
    for (index, shard) in shards.iter().enumerate() {
        for hash_key in [shard.first, shard.first + 1, shard.last - 1, shard.last] {
            assert_eq!(home_of(&stream, "any", Some(hash_key)), index, "{hash_key}");
        }
    }
    assert_eq!(home_of(&stream, "any", Some(0)), 0);
    assert_eq!(home_of(&stream, "any", Some(u128::MAX)), 4);
}

#[test]
fn a_key_stays_in_its_lane_in_order() {
    let stream = Stream::new(3, 4);
    assert_eq!(stream.n_lanes(), 12);
    for round in 0..10_u8 {
        for key in 0..50 {
            stream.put(&format!("key {key}"), None, &[round]);
        }
    }
    let mut n_busy = 0;
    let mut lanes_of_key = std::collections::BTreeMap::new();
    for lane in 0..stream.n_lanes() {
        let records = waiting(&stream, lane);
        n_busy += usize::from(!records.is_empty());
        assert!(records.windows(2).all(|it| it[0].sequence < it[1].sequence));
        for record in records {
            let (home, rounds) =
                lanes_of_key.entry(record.partition_key.clone()).or_insert((lane, Vec::new()));
            assert_eq!(*home, lane);
            rounds.extend_from_slice(&record.data);
        }
    }
    assert_eq!(lanes_of_key.len(), 50);
    assert!(lanes_of_key.values().all(|(_, rounds)| *rounds == (0..10).collect::<Vec<_>>()));
    assert!(n_busy >= 10, "50 keys leave {n_busy} of 12 lanes busy");
}

#[test]
fn keys_of_one_shard_spread_over_its_lanes() {
    let stream = Stream::new(2, 10);
    let first = stream.shards()[0].first;
    for task in 0..1_000 {
        stream.put(&format!("march/{task}"), Some(first), &[]);
    }
    let counts: Vec<_> = (0..stream.n_lanes()).map(|lane| waiting(&stream, lane).len()).collect();
    assert!(counts[..10].iter().all(|count| (60..140).contains(count)), "{counts:?}");
    assert!(counts[10..].iter().all(|count| *count == 0), "{counts:?}");
}

#[test]
fn a_batch_is_no_longer_than_asked_and_never_empty() {
    let stream = Stream::new(1, 1);
    assert!(stream.next_batch(0, 3).now_or_never().is_none(), "nothing to deliver");
    for _ in 0..5 {
        stream.put("key", None, &[]);
    }
    let sizes: Vec<_> =
        std::iter::from_fn(|| stream.next_batch(0, 3).now_or_never()).map(|it| it.len()).collect();
    assert_eq!(sizes, [3, 2]);
    stream.put("key", None, &[]);
    assert_eq!(stream.next_batch(0, 0).now_or_never().map(|it| it.len()), Some(1), "at least one");
}

#[test]
fn a_reader_that_waits_is_woken() {
    let stream = Stream::new(1, 1);
    let mut batch = Box::pin(stream.next_batch(0, 3));
    assert!(batch.as_mut().now_or_never().is_none());
    stream.put("key", None, &[7]);
    assert_eq!(batch.as_mut().now_or_never().map(|it| it[0].data.to_vec()), Some(vec![7]));
}

#[test]
fn a_record_is_outstanding_until_its_checkpoint() {
    let stream = Stream::new(2, 2);
    assert!(stream.drained().now_or_never().is_some(), "nothing was put");
    for key in ["a", "b", "c"] {
        stream.put(key, None, &[]);
    }
    for lane in 0..stream.n_lanes() {
        waiting(&stream, lane);
    }
    assert_eq!(stream.n_outstanding(), 3, "read is not done");
    let mut drained = Box::pin(stream.drained());
    assert!(drained.as_mut().now_or_never().is_none());
    stream.checkpoint(2);
    assert!(drained.as_mut().now_or_never().is_none());
    stream.checkpoint(0);
    stream.checkpoint(1);
    assert!(drained.as_mut().now_or_never().is_some());
    assert_eq!(stream.n_outstanding(), 0);
}

#[test]
fn a_stream_has_at_least_one_lane() {
    assert_eq!(Stream::new(0, 0).n_lanes(), 1);
}
