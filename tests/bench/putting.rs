//! Splitting a job and putting its tasks on a stream, against a server that takes every record.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::executor::block_on;
use squall_aws::{Connection, KinesisTaskQueue, Settings};
use squall_core::job::JobId;
use squall_core::ports::TaskQueue;
use squall_core::wire::{Message, TaskRecord};
use squall_grid::InputCache;
use squall_memory::{Memory, Stream};

use crate::job::{Kept, publish, splitter};
use crate::server::{Answer, Server, be_a_server, cpu_ns, myself};
use crate::{median, row, seconds};

const N_TASKS: u32 = 20_000;
/// A shard takes 1,000 records at once, and 1,000 a second from then on: enough shards that this is never the limit.
const N_SHARDS: u32 = 200;
const TURNS: usize = 7;

pub(crate) fn split_and_put() {
    let server = Server::start("as-stream-server", &[]);
    let splitter = myself("as-splitter").arg(&server.address).arg(server.pid().to_string()).status();
    assert!(splitter.expect("a splitter starts").success());
}

/// The part of Kinesis that a splitter calls, in JSON 1.1
/// (<https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html>).
pub(crate) fn be_the_stream_server(_: &[String]) {
    let shards = Stream::new(N_SHARDS, 1).shards().to_vec();
    be_a_server(move |head, body| {
        let list = |items: Vec<String>| items.join(",");
        if head.contains("Kinesis_20131202.ListShards") {
            let shard = |(n, range): (usize, &squall_core::placement::ShardRange)| {
                format!(
                    r#"{{"ShardId":"shardId-{n:012}","HashKeyRange":{{"StartingHashKey":"{}","EndingHashKey":"{}"}},"SequenceNumberRange":{{"StartingSequenceNumber":"1"}}}}"#,
                    range.first, range.last
                )
            };
            let shards = list(shards.iter().enumerate().map(shard).collect());
            return Some(Answer::new(format!(r#"{{"Shards":[{shards}]}}"#)));
        }
        assert!(head.contains("Kinesis_20131202.PutRecords"), "{head}");
        let body = std::str::from_utf8(body).expect("JSON is text");
        let record = |(n, rest): (usize, &str)| {
            let key: u128 = rest.split('"').next().and_then(|key| key.parse().ok()).expect("a hash key");
            let shard = shards.partition_point(|shard| shard.last < key);
            format!(r#"{{"SequenceNumber":"4966{n:052}","ShardId":"shardId-{shard:012}"}}"#)
        };
        let records = list(body.split(r#""ExplicitHashKey":""#).skip(1).enumerate().map(record).collect());
        Some(Answer::new(format!(
            r#"{{"EncryptionType":"NONE","FailedRecordCount":0,"Records":[{records}]}}"#
        )))
    });
}

/// A splitter, with one thread as on Lambda.
pub(crate) fn be_the_splitter(args: &[String]) {
    let [address, server] = args else { panic!("a splitter is told where the server is") };
    let server = server.parse().expect("a process id");
    let connection = Connection::new(Settings {
        region: Some("us-east-1".to_owned()),
        profile: None,
        endpoint_url: Some(format!("http://{address}")),
    });
    let stream = Arc::new(KinesisTaskQueue::new(&connection, "tasks"));
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
    // The connection is made, and the shards are listed.
    runtime.block_on(split_into(&stream));
    let (mut put, mut kept, mut encoded, mut servers_us) = (vec![], vec![], vec![], vec![]);
    for _ in 0..TURNS {
        let servers_before = cpu_ns(server);
        put.push(runtime.block_on(split_into(&stream)));
        servers_us.push(us_each(cpu_ns(server) - servers_before));
        let near = Arc::new(Kept::new(N_SHARDS));
        kept.push(block_on(split_into(&near)));
        encoded.push(encode_all(&near.taken()));
    }
    let of = |costs: &[Cost], what: fn(&Cost) -> f64| median(costs.iter().map(what).collect());
    let (rate, us) = (of(&put, |it| it.per_s), of(&put, |it| it.cpu_us));
    let (kept_rate, kept_us) = (of(&kept, |it| it.per_s), of(&kept, |it| it.cpu_us));
    let encoding_rate = of(&encoded, |it| it.per_s);
    row(
        &format!("records split and put, {N_TASKS} over {N_SHARDS} shards"),
        &format!("{rate:.0}/s"),
        &format!("encoding alone {encoding_rate:.0}/s"),
        rate / encoding_rate,
    );
    row(
        "  splitting without putting",
        &format!("{kept_rate:.0}/s"),
        &format!("encoding alone {encoding_rate:.0}/s"),
        kept_rate / encoding_rate,
    );
    row(
        "  CPU per record, splitter",
        &format!("{us:.1} µs"),
        &format!("splitting without putting {kept_us:.1} µs"),
        us / kept_us,
    );
    println!("  {:<50} {:>13.1} µs", "CPU per record, stub server", median(servers_us));
}

struct Cost {
    per_s: f64,
    cpu_us: f64,
}

async fn split_into<T: TaskQueue>(tasks: &Arc<T>) -> Cost {
    let ports = splitter(&Arc::new(Memory::new(1, 1, 1)), Arc::clone(tasks));
    let inputs = InputCache::new(squall_workloads::registry());
    let id = JobId::new("bench").expect("an id");
    let (started, cpu_before) = (Instant::now(), cpu_ns(std::process::id()));
    publish(&ports, &inputs, &id, N_TASKS, 1).await;
    let per_s = f64::from(N_TASKS) / started.elapsed().as_secs_f64();
    Cost { per_s, cpu_us: us_each(cpu_ns(std::process::id()) - cpu_before) }
}

/// The minimum work of any splitter.
fn encode_all(records: &[Vec<u8>]) -> Cost {
    assert_eq!(records.len(), N_TASKS as usize);
    let tasks: Vec<_> =
        records.iter().map(|record| TaskRecord::from_bytes(record).expect("a task decodes")).collect();
    let taken_s = seconds(|| {
        for task in &tasks {
            std::hint::black_box(task.to_bytes());
        }
    });
    Cost { per_s: f64::from(N_TASKS) / taken_s, cpu_us: taken_s * 1e6 / f64::from(N_TASKS) }
}

fn us_each(ns: u64) -> f64 {
    Duration::from_nanos(ns).as_secs_f64() * 1e6 / f64::from(N_TASKS)
}
