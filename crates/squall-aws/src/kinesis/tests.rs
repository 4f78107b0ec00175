use std::time::Duration;

use aws_sdk_kinesis::types::{HashKeyRange, SequenceNumberRange};
use squall_contracts::{Broken, Found};
use squall_core::outbox::MAX_RECORD_BYTES;
use squall_core::ports::Placement;

use super::*;
use crate::emulator;
use crate::transport::{Position, StreamReader};

/// A new stream on the emulator; `None` if there is no emulator.
async fn stream(n_shards: i32) -> Option<(Connection, String)> {
    let connection = emulator::connection().await?;
    let name = emulator::unique("stream");
    let kinesis = Kinesis::new(connection.config().await);
    kinesis.create_stream().stream_name(&name).shard_count(n_shards).send().await.unwrap();
    while list_shards(&Client::new(&connection, Kinesis::new), Named::Name(&name)).await.is_err() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Some((connection, name))
}

/// All current records of a shard.
async fn read(reader: &StreamReader, shard: &str) -> Result<Vec<Found>, Broken> {
    let told = |error: PortError| error.to_string();
    let mut found = Vec::new();
    let mut next = Some(reader.iterator(shard, &Position::TrimHorizon).await.map_err(told)?);
    while let Some(iterator) = next {
        let page = reader.records(&iterator, 10_000).await.map_err(told)?;
        next = page.next.filter(|_| page.behind_ms > 0 || !page.records.is_empty());
        found.extend(page.records.into_iter().map(|record| (record.partition_key, record.data)));
    }
    Ok(found)
}

#[tokio::test]
async fn two_thousand_tasks_arrive_on_the_shards_that_they_were_meant_for() {
    let Some((connection, name)) = stream(3).await else { return };
    let queue = KinesisTaskQueue::new(&connection, &name);
    let reader = StreamReader::new(&connection, &name);
    let ids = list_shards(&queue.client, Named::Name(&name)).await.unwrap();
    let told =
        squall_contracts::task_queue(&queue, "tasks", 2_000, async |shard: usize, range: &ShardRange| {
            let keys = ids[shard].hash_key_range.as_ref().unwrap();
            assert_eq!(keys.starting_hash_key, range.first.to_string());
            read(&reader, &ids[shard].shard_id).await
        });
    assert_eq!(told.await, Ok(()));
}

#[tokio::test]
async fn results_arrive() {
    let Some((connection, name)) = stream(2).await else { return };
    let queue = KinesisResultQueue::new(&connection, &name);
    let reader = StreamReader::new(&connection, &name);
    let told = squall_contracts::result_queue(&queue, "results", async || {
        let mut found = Vec::new();
        for shard in reader.shards().await.map_err(|error| error.to_string())? {
            found.extend(read(&reader, &shard.id).await?);
        }
        Ok(found)
    });
    assert_eq!(told.await, Ok(()));
}

fn task(hash_key: u128, n_bytes: usize) -> TaskPut {
    TaskPut { placement: Placement { partition_key: "job/1".to_owned(), hash_key }, data: vec![7; n_bytes] }
}

async fn put(queue: &KinesisTaskQueue, tasks: &[TaskPut]) {
    let not_put = queue.put_tasks(&tasks.iter().collect::<Vec<_>>()).await.unwrap();
    assert_eq!(not_put, []);
}

#[tokio::test]
async fn the_largest_records_go_through() {
    let Some((connection, name)) = stream(6).await else { return };
    let queue = KinesisTaskQueue::new(&connection, &name);
    let most = usize::try_from(MAX_RECORD_BYTES).unwrap() - "job/1".len();
    let keys: Vec<u128> = queue.shards().await.unwrap().iter().map(|shard| shard.first).collect();
    for key in keys {
        put(&queue, &[task(key, most)]).await;
    }
    let reader = StreamReader::new(&connection, &name);
    for shard in reader.shards().await.unwrap() {
        let found: Vec<usize> =
            read(&reader, &shard.id).await.unwrap().iter().map(|(_, it)| it.len()).collect();
        assert_eq!(found, [most]);
    }
}

#[tokio::test]
async fn a_reshard_is_noticed_by_where_a_record_went() {
    let Some((connection, name)) = stream(2).await else { return };
    let queue = KinesisTaskQueue::new(&connection, &name);
    let before = queue.shards().await.unwrap();
    assert_eq!(before.len(), 2);
    let half = (before[0].last / 2).to_string();
    let id = queue.map().await.unwrap().0[0].id.clone();
    let kinesis = queue.client.get().await;
    kinesis
        .split_shard()
        .stream_name(&name)
        .shard_to_split(id)
        .new_starting_hash_key(half)
        .send()
        .await
        .unwrap();
    while list_shards(&queue.client, Named::Name(&name)).await.unwrap().len() < 3 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(queue.shards().await.unwrap(), before, "the list is kept");
    put(&queue, &[task(before[1].first, 1)]).await;
    assert_eq!(queue.shards().await.unwrap(), before, "and what goes where it should says nothing");
    put(&queue, &[task(0, 1)]).await;
    assert_eq!(queue.shards().await.unwrap().len(), 3);
}

#[tokio::test]
async fn a_stream_that_is_not_there_is_named() {
    let Some(connection) = emulator::connection().await else { return };
    let queue = KinesisTaskQueue::new(&connection, "nowhere");
    let told = queue.put_tasks(&[&task(0, 1)]).await.unwrap_err();
    assert!(
        matches!(told, PortError::Permanent { .. }) && told.to_string().contains("stream nowhere"),
        "{told}"
    );
    put(&queue, &[]).await;
    let results = KinesisResultQueue::new(&connection, "nowhere");
    let told = results.put_result("job", &[]).await.unwrap_err();
    assert!(
        matches!(told, PortError::Permanent { .. }) && told.to_string().contains("stream nowhere"),
        "{told}"
    );
}

#[test]
fn hash_keys_are_read_as_emulators_write_them_too() {
    let shard = |keys: Option<(&str, &str)>| {
        let keys = keys.map(|(first, last)| {
            let keys = HashKeyRange::builder().starting_hash_key(first).ending_hash_key(last);
            keys.build().unwrap()
        });
        let numbers = SequenceNumberRange::builder().starting_sequence_number("1").build().unwrap();
        let shard = Shard::builder().shard_id("shard-1").sequence_number_range(numbers);
        match open_shard(&shard.set_hash_key_range(keys).build().unwrap()) {
            Ok(open) => format!("{:x}-{:x}", open.range.first, open.range.last),
            Err(error) => error.to_string(),
        }
    };
    let half = "170141183460469231731687303715884105728";
    let ends = ["340282366920938463463374607431768211455", "340282366920938463463374607431768211456"];
    for last in ends {
        assert_eq!(shard(Some((half, last))), format!("{:x}-{:x}", 1_u128 << 127, u128::MAX));
    }
    assert_eq!(shard(None), "shard shard-1 has no hash keys");
    assert_eq!(
        shard(Some(("0", "-1"))),
        r#"shard shard-1 has the hash keys "0" to "-1"; expected whole numbers"#
    );
}
