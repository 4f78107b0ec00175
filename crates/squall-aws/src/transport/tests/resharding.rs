//! A resharded stream keeps its records and their order, as the emulator is patched to do.

use std::fmt::Write;
use std::time::Duration;

use aws_sdk_cloudformation::Client as CloudFormation;
use aws_sdk_kinesis::Client as Kinesis;
use aws_sdk_kinesis::types::ScalingType;
use expect_test::{Expect, expect};

use super::*;

async fn stream_of(connection: &Connection, n_shards: i32) -> (Kinesis, String) {
    let (kinesis, name) = (Kinesis::new(connection.config().await), emulator::unique("resharded"));
    kinesis.create_stream().stream_name(&name).shard_count(n_shards).send().await.unwrap();
    (kinesis, name)
}

async fn reshard(kinesis: &Kinesis, stream: &str, n_shards: i32) -> Result<(), String> {
    let request = kinesis.update_shard_count().stream_name(stream).target_shard_count(n_shards);
    let sent = request.scaling_type(ScalingType::UniformScaling).send().await;
    sent.map(drop).map_err(|error| error.into_service_error().to_string())
}

/// Puts records, evenly over the hash keys.
async fn put(kinesis: &Kinesis, stream: &str, keys: std::ops::Range<u128>) {
    let n = keys.end - keys.start;
    for (i, key) in (0..).zip(keys) {
        let hash = u128::MAX / n * i + u128::MAX / n / 2;
        let record = kinesis.put_record().stream_name(stream).partition_key(key.to_string());
        let data = aws_sdk_kinesis::primitives::Blob::new(b"data");
        record.explicit_hash_key(hash.to_string()).data(data).send().await.unwrap();
    }
}

/// Every shard: whether it is open, its parents, its records, and whether it has an end.
async fn shards_of(reader: &StreamReader) -> String {
    let mut text = String::new();
    for shard in reader.shards().await.unwrap() {
        let short = |id: &str| id.trim_start_matches("shardId-").trim_start_matches('0').to_owned();
        let short = |id: &String| Some(short(id)).filter(|it| !it.is_empty()).unwrap_or("0".to_owned());
        let parents: Vec<_> = shard.parents.iter().map(short).collect();
        let state = if shard.closed { "closed" } else { "open" };
        let mut next = Some(reader.iterator(&shard.id, &Position::TrimHorizon).await.unwrap());
        let mut keys = Vec::new();
        for _ in 0..3 {
            let Some(iterator) = next else { break };
            let page = reader.records(&iterator, 100).await.unwrap();
            keys.extend(page.records.into_iter().map(|record| record.partition_key));
            next = page.next;
        }
        let end = if next.is_none() { "ends" } else { "goes on" };
        let (id, parents, keys) = (short(&shard.id), parents.join("+"), keys.join(" "));
        let _ = writeln!(text, "{id} of [{parents}] {state}, {end}: {keys}");
    }
    text
}

fn check(found: &str, expected: Expect) {
    expected.assert_eq(found);
}

#[tokio::test]
async fn shards_that_are_split_are_closed_and_read_to_their_end() {
    let Some(connection) = emulator::connection().await else { return };
    let (kinesis, stream) = stream_of(&connection, 2).await;
    put(&kinesis, &stream, 0..8).await;
    reshard(&kinesis, &stream, 4).await.unwrap();
    put(&kinesis, &stream, 8..16).await;
    let reader = StreamReader::new(&connection, &stream);
    check(
        &shards_of(&reader).await,
        expect![[r#"
        0 of [] closed, ends: 0 1 2 3
        1 of [] closed, ends: 4 5 6 7
        2 of [0] open, goes on: 8 9
        3 of [0] open, goes on: 10 11
        4 of [1] open, goes on: 12 13
        5 of [1] open, goes on: 14 15
    "#]],
    );
    let summary = kinesis.describe_stream_summary().stream_name(&stream).send().await.unwrap();
    assert_eq!(summary.stream_description_summary.unwrap().open_shard_count, 4);
    let closed = &kinesis.list_shards().stream_name(&stream).send().await.unwrap().shards.unwrap()[0];
    let range = closed.sequence_number_range.clone().unwrap();
    assert!(range.ending_sequence_number.unwrap() > range.starting_sequence_number);
}

#[tokio::test]
async fn a_shard_between_two_is_split_and_its_halves_are_merged_with_their_neighbours() {
    let Some(connection) = emulator::connection().await else { return };
    let (kinesis, stream) = stream_of(&connection, 3).await;
    put(&kinesis, &stream, 0..6).await;
    reshard(&kinesis, &stream, 2).await.unwrap();
    put(&kinesis, &stream, 6..12).await;
    let reader = StreamReader::new(&connection, &stream);
    check(
        &shards_of(&reader).await,
        expect![[r#"
        0 of [] closed, ends: 0 1
        1 of [] closed, ends: 2 3
        2 of [] closed, ends: 4 5
        3 of [1] closed, ends: 
        4 of [1] closed, ends: 
        5 of [0+3] open, goes on: 6 7 8
        6 of [4+2] open, goes on: 9 10 11
    "#]],
    );
    let refused = reshard(&kinesis, &stream, 5).await.unwrap_err();
    assert!(refused.contains("takes 2 shards to half or twice as many, not to 5"), "{refused}");
    let split = kinesis.split_shard().stream_name(&stream).shard_to_split("shardId-000000000000");
    let refused = split.new_starting_hash_key("1").send().await.unwrap_err().into_service_error();
    assert!(refused.to_string().contains("is closed"), "{refused}");
}

fn template(n_shards: u32) -> String {
    let stream = format!(r#"{{"Type": "AWS::Kinesis::Stream", "Properties": {{"ShardCount": {n_shards}}}}}"#);
    format!(
        r#"{{"Resources": {{"Stream": {stream}}}, "Outputs": {{"Name": {{"Value": {{"Ref": "Stream"}}}},
            "Shards": {{"Value": "{n_shards}"}}}}}}"#
    )
}

/// The name of the stack's stream, once it matches its template.
async fn deployed(connection: &Connection, stack: &str, n_shards: u32) -> String {
    for _ in 0..200 {
        let outputs = crate::stack_outputs(connection, stack).await.unwrap();
        if outputs.get("Shards") == Some(&n_shards.to_string()) {
            return outputs["Name"].clone();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{stack} never has {n_shards} shards");
}

#[tokio::test]
async fn a_template_that_changes_its_number_of_shards_reshards_the_stream() {
    let Some(connection) = emulator::connection().await else { return };
    let (stack, kinesis) = (emulator::unique("stack"), Kinesis::new(connection.config().await));
    let client = CloudFormation::new(connection.config().await);
    client.create_stack().stack_name(&stack).template_body(template(1)).send().await.unwrap();
    let stream = deployed(&connection, &stack, 1).await;
    put(&kinesis, &stream, 0..2).await;
    client.update_stack().stack_name(&stack).template_body(template(2)).send().await.unwrap();
    assert_eq!(deployed(&connection, &stack, 2).await, stream);
    put(&kinesis, &stream, 2..4).await;
    check(
        &shards_of(&StreamReader::new(&connection, &stream)).await,
        expect![[r#"
        0 of [] closed, ends: 0 1
        1 of [0] open, goes on: 2
        2 of [0] open, goes on: 3
    "#]],
    );
}
