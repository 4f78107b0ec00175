//! Signed invocations: a consumer's cascade, against a server that answers as cheaply as it can, next to the SDK's own client. In plain
//! HTTP/1.1; and as Lambda's endpoint is reached, over HTTP/2 in TLS.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use squall_aws::payload::{from_payload, to_payload};
use squall_aws::transport::Function;
use squall_aws::{Connection, LambdaWorkers, Settings, WallClock};
use squall_core::cascade::CascadePolicy;
use squall_core::data::NoData;
use squall_core::job::JobId;
use squall_core::ports::{Assembled, InvokeError, Workers};
use squall_core::wire::{
    Message, ResultRecord, Stored, SubtaskReply, SubtaskRequest, TaskRecord, decode, encode,
};
use squall_core::workload::Workload;
use squall_grid::{ConsumeConfig, Consumed, InputCache, Metering, consume};
use squall_memory::Memory;
use squall_workloads::probe::{Input, Probe};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::job::{Kept, publish, splitter};
use crate::server::{Answer, Server, be_a_server, cpu_ns, myself, whole};
use crate::tls::{be_a_tls_server, certificate};
use crate::{median, row};

/// Two tasks, each with half the maximum number of subtasks.
const N_TASKS: u32 = 2;
const N_SUBTASKS: u32 = 5_000;
const N_INVOKES: u32 = N_TASKS * N_SUBTASKS;
const TURNS: usize = 3;

pub(crate) fn signed_invokes() {
    let server = Server::start("as-invoke-server", &[]);
    let url = format!("http://{}", server.address);
    let consumer = myself("as-consumer").args([&url, &server.pid().to_string()]).status();
    assert!(consumer.expect("a consumer starts").success());

    // As Lambda's endpoint is reached.
    let (certificate, key) = certificate();
    let server = Server::start("as-tls-server", &[&certificate, &key]);
    let url = format!("https://{}", server.address);
    let mut consumer = myself("as-consumer");
    consumer.args([&url, &server.pid().to_string()]).env("SSL_CERT_FILE", certificate);
    assert!(consumer.status().expect("a consumer starts").success());
}

/// Answers every invocation as a worker would.
pub(crate) fn be_the_invoke_server(_: &[String]) {
    be_a_server(|_, body| Some(Answer::new(answer(body))));
}

/// The same, encrypted and over HTTP/2.
pub(crate) fn be_the_tls_server(args: &[String]) {
    be_a_tls_server(args, answer);
}

fn answer(body: &[u8]) -> Vec<u8> {
    to_payload(&reply_to(&from_payload(body).expect("a payload holds a request")))
}

/// A worker's reply, without a worker around it.
fn reply_to(bytes: &[u8]) -> Vec<u8> {
    let (request, asked) = SubtaskRequest::from_bytes_with_digest(bytes).expect("a request decodes");
    let slice: <Probe as Workload>::Slice = decode("slice", &request.slice).expect("a slice decodes");
    let partial = Probe::evaluate(
        &Input { units: 0, rounds: 0, failing_unit: None, hanging_unit: None },
        &slice,
        &mut NoData,
    );
    let outcome = Ok(encode(&partial.expect("a probe has a value")));
    SubtaskReply {
        request: asked,
        code: request.code,
        outcome,
        failed: Vec::new(),
        began_us: 0,
        cold: false,
        loaded_us: 0,
        worked_us: 0,
        memory_mb: 0,
    }
    .to_bytes()
}

/// Workers without a network.
struct Near;

impl Workers for Near {
    async fn invoke(&self, _stripe: u32, request: Vec<u8>) -> Result<Vec<u8>, InvokeError> {
        Ok(reply_to(&request))
    }
}

/// The SDK's own client, which the pump and `squall dev` use.
struct BySdk(Function);

impl Workers for BySdk {
    async fn invoke(&self, _stripe: u32, request: Vec<u8>) -> Result<Vec<u8>, InvokeError> {
        let reply = self.0.invoke(to_payload(&request)).await;
        reply.map_err(|error| InvokeError::Failed(error.to_string()))
    }
}

/// The costs of some invocations.
#[derive(Clone, Copy)]
struct Cost {
    per_s: f64,
    /// Processor time of this process, microseconds per invocation.
    cpu_us: f64,
    server_us: f64,
}

/// The costs of several rounds.
#[derive(Default)]
struct Costs(Vec<Cost>);

impl Costs {
    fn of(&self, what: impl Fn(&Cost) -> f64) -> f64 {
        median(self.0.iter().map(what).collect())
    }

    async fn measure(&mut self, server: u32, work: impl Future<Output = ()>) {
        let cpu = || (cpu_ns(std::process::id()), cpu_ns(server), Instant::now());
        let (ours, theirs, started) = cpu();
        work.await;
        let (ours_then, theirs_then, ended) = cpu();
        let n_invokes = f64::from(N_INVOKES);
        let us_each = |ns: u64| std::time::Duration::from_nanos(ns).as_secs_f64() * 1e6 / n_invokes;
        self.0.push(Cost {
            per_s: n_invokes / (ended - started).as_secs_f64(),
            cpu_us: us_each(ours_then - ours),
            server_us: us_each(theirs_then - theirs),
        });
    }
}

/// A consumer, with one thread as on Lambda.
pub(crate) fn be_the_consumer(args: &[String]) {
    let [url, server] = args else { panic!("a consumer is told where the server is") };
    let server = server.parse().expect("a process id");
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
    runtime.block_on(async {
        let of_http: &[u32] = &[64, 256, 500];
        let in_flight = if url.starts_with("https:") { &of_http[2..] } else { of_http };
        for in_flight in in_flight {
            measure(url, server, *in_flight).await;
        }
    });
}

async fn measure(url: &str, server: u32, in_flight: u32) {
    let connection = Connection::new(Settings {
        region: Some("us-east-1".to_owned()),
        profile: None,
        endpoint_url: Some(url.to_owned()),
    });
    let lambda = Arc::new(LambdaWorkers::new(&connection, vec!["cascade-worker".to_owned()]));
    let near = Arc::new(Near);
    let by_sdk = BySdk(Function::new(&connection, "cascade-worker"));
    let request = a_request().await;
    // Connections are made, and the processor warms up.
    bare(&*lambda, in_flight, &request).await;
    bare(&by_sdk, in_flight, &request).await;

    let (mut cascades, mut bares, mut sdk, mut inside, mut replies, mut sockets) = Default::default();
    let costs: [&mut Costs; 6] =
        [&mut cascades, &mut bares, &mut sdk, &mut inside, &mut replies, &mut sockets];
    let [cascades, bares, sdk, inside, replies, sockets] = costs;
    let plain = url.strip_prefix("http://");
    for _ in 0..TURNS {
        cascades.measure(server, cascade(&lambda, in_flight)).await;
        bares.measure(server, bare(&*lambda, in_flight, &request)).await;
        sdk.measure(server, bare(&by_sdk, in_flight, &request)).await;
        inside.measure(server, cascade(&near, in_flight)).await;
        replies.measure(server, bare(&*near, in_flight, &request)).await;
        if let Some(address) = plain {
            sockets.measure(server, on_sockets(address, in_flight, &request)).await;
        }
    }
    let (rate, cpu_us) = (cascades.of(|it| it.per_s), cascades.of(|it| it.cpu_us));
    let (sdk_rate, sdk_us) = (sdk.of(|it| it.per_s), sdk.of(|it| it.cpu_us));
    let ours_us = inside.of(|it| it.cpu_us) - replies.of(|it| it.cpu_us);
    let how = if plain.is_some() { "" } else { ", TLS and HTTP/2" };
    row(
        &format!("signed invokes through the cascade, {in_flight} in flight{how}"),
        &format!("{rate:.0}/s"),
        &format!("the SDK's client alone {sdk_rate:.0}/s"),
        rate / sdk_rate,
    );
    if plain.is_some() {
        let socket_rate = sockets.of(|it| it.per_s);
        row(
            "  the same, against the same bytes on bare sockets",
            &format!("{rate:.0}/s"),
            &format!("sockets alone {socket_rate:.0}/s"),
            rate / socket_rate,
        );
    }
    row(
        "  CPU per invoke, consumer",
        &format!("{cpu_us:.1} µs"),
        &format!("the SDK's client alone {sdk_us:.1} µs"),
        cpu_us / sdk_us,
    );
    row(
        "  of which the cascade, encoding and merging",
        &format!("{ours_us:.1} µs"),
        &format!("without: {:.1} µs", bares.of(|it| it.cpu_us)),
        ours_us / cpu_us,
    );
    println!("  {:<50} {:>13.1} µs", "CPU per invoke, stub server", cascades.of(|it| it.server_us));
}

/// A job's tasks, one after another through a consumer.
async fn cascade<W: Workers>(workers: &Arc<W>, in_flight: u32) {
    let (memory, tasks, results) =
        (Arc::new(Memory::new(1, 1, 1)), Arc::new(Kept::new(1)), Arc::new(Kept::new(1)));
    let inputs = InputCache::new(squall_workloads::registry());
    let id = JobId::new("bench").expect("an id");
    publish(&splitter(&memory, Arc::clone(&tasks)), &inputs, &id, N_TASKS, N_SUBTASKS).await;
    let ports: Assembled<WallClock, (), Memory, Memory, (), Kept, W, ()> = Assembled {
        clock: Arc::default(),
        files: Arc::default(),
        blobs: Arc::clone(&memory),
        jobs: memory,
        tasks: Arc::default(),
        results: Arc::clone(&results),
        workers: Arc::clone(workers),
        events: Arc::default(),
    };
    let cascade = CascadePolicy {
        initial_concurrency: in_flight,
        max_concurrency: in_flight,
        ..CascadePolicy::default()
    };
    let config = ConsumeConfig {
        cascade,
        memory_mb: 1_769,
        worker_memory_mb: 1_769,
        metering: Metering::Elapsed,
        patience_us: 0,
    };
    for task in tasks.taken() {
        let consumed = consume(&ports, &inputs, &config, &task, u64::MAX).await;
        let consumed = consumed.expect("the ports answer");
        assert!(matches!(consumed, Consumed::Published { n_failures: 0, .. }), "{consumed:?}");
    }
    let n_done: u64 = results.taken().iter().map(|record| n_units(record)).sum();
    assert_eq!(n_done, u64::from(N_INVOKES));
}

/// Number of units in a result.
fn n_units(record: &[u8]) -> u64 {
    let record = ResultRecord::from_bytes(record).expect("a result decodes");
    let Some(Stored::Inline(partial)) = record.partial else { panic!("a probe's sum is small") };
    let sum: <Probe as Workload>::Partial = decode("sum", &partial).expect("a sum decodes");
    let report = Probe::report(
        &Input { units: 0, rounds: 0, failing_unit: None, hanging_unit: None },
        Some(&sum),
        &Default::default(),
    );
    report.units_done
}

/// The same number of invocations with no cascade around them.
async fn bare<W: Workers>(workers: &W, in_flight: u32, request: &[u8]) {
    let mut left: VecDeque<u32> = (in_flight..N_INVOKES).collect();
    let mut calls: FuturesUnordered<_> =
        (0..in_flight).map(|n| workers.invoke(n, request.to_vec())).collect();
    while let Some(reply) = calls.next().await {
        std::hint::black_box(reply.expect("the server answers"));
        if let Some(n) = left.pop_front() {
            calls.push(workers.invoke(n, request.to_vec()));
        }
    }
}

/// The physical limit: the same number of requests of the same kind, only written and read.
async fn on_sockets(address: &str, in_flight: u32, request: &[u8]) {
    let body = to_payload(request);
    let signature = "0".repeat(260);
    let head = format!(
        "POST /2015-03-31/functions/cascade-worker/invocations HTTP/1.1\r\nhost: {address}\r\n\
         x-amz-date: 20260101T000000Z\r\nauthorization: {signature}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let bytes = &[head.as_bytes(), &body].concat();
    let each = N_INVOKES / in_flight;
    let connections = (0..in_flight).map(|n| async move {
        let mut stream = TcpStream::connect(address).await.expect("the server accepts");
        stream.set_nodelay(true).expect("a socket need not wait");
        let mut read = Vec::with_capacity(1 << 14);
        for _ in 0..each + u32::from(n < N_INVOKES % in_flight) {
            stream.write_all(bytes).await.expect("the server reads");
            read.clear();
            while whole(&read).is_none() {
                assert!(stream.read_buf(&mut read).await.expect("the server answers") > 0);
            }
        }
    });
    connections.collect::<FuturesUnordered<_>>().collect::<()>().await;
}

/// A request as the cascade sends it.
async fn a_request() -> Vec<u8> {
    let (memory, tasks) = (Arc::new(Memory::new(1, 1, 1)), Arc::new(Kept::new(1)));
    let inputs = InputCache::new(squall_workloads::registry());
    let id = JobId::new("bench").expect("an id");
    publish(&splitter(&memory, Arc::clone(&tasks)), &inputs, &id, 1, 1).await;
    let task = TaskRecord::from_bytes(&tasks.taken()[0]).expect("a task decodes");
    SubtaskRequest { workload: task.workload, code: task.code.id(), input: task.input, slice: task.slice }
        .to_bytes()
}
