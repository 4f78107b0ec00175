//! From the start of a function's process to its first request for work, beside a function that only says hello.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use squall_aws::payload::{from_payload, to_payload};
use squall_core::bundle::Bundle;
use squall_core::code::CodeVersion;
use squall_core::sources::Given;
use squall_core::wire::{Message, SubtaskReply, SubtaskRequest, encode};
use squall_core::workload::Workload;
use squall_workloads::probe::{Input, Probe};

use crate::server::{Answer, cpu_ns, listener, serve};
use crate::{median, row};

const FUNCTIONS: [&str; 4] = ["task-splitter", "shard-consumer", "cascade-worker", "result-collector"];
const HELLO: &str = "examples/hello";
const N_STARTS: usize = 15;
const PATIENCE: Duration = Duration::from_secs(20);

/// What a deployment says of itself.
const DESCRIPTION: &str = r#"{"version":1,"shards":2,"result_shards":1,"lanes_per_shard":10,"stripes":1,
    "workers_per_consumer":100,"splitter_memory_mb":1769,"consumer_memory_mb":1769,"worker_memory_mb":1769,
    "collector_memory_mb":1769,"splitter_timeout_s":300,"consumer_timeout_s":900,"worker_timeout_s":300,
    "collector_timeout_s":300,"max_buckets":32,"default_deadline_s":86400,"max_message_bytes":262144,
    "architecture":"x86_64","region":"us-east-1"}"#;

/// What a deployment tells its functions.
const VARS: [(&str, &str); 14] = [
    ("AWS_LAMBDA_FUNCTION_NAME", "measured"),
    ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
    ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1769"),
    ("AWS_REGION", "us-east-1"),
    ("AWS_ACCESS_KEY_ID", "test"),
    ("AWS_SECRET_ACCESS_KEY", "test"),
    ("SQUALL_TABLE", "squall"),
    ("SQUALL_BUCKET", "squall"),
    ("SQUALL_GIVEN_UP_BUCKET", "squall"),
    ("SQUALL_TASK_STREAM", "tasks"),
    ("SQUALL_RESULT_STREAM", "results"),
    ("SQUALL_EVENTS_TOPIC", "arn:aws:sns:us-east-1:123456789012:job-events"),
    ("SQUALL_WORKER_FUNCTIONS", "cascade-worker"),
    ("SQUALL_DEPLOYMENT", DESCRIPTION),
];

/// A function's calls to the Runtime API, and their times.
enum Said {
    Next(Instant),
    Response(Instant, Vec<u8>),
}

/// The Runtime API of one environment after another, and a store that holds one blob.
struct Lambda {
    address: String,
    said: Receiver<Said>,
    invocations: Arc<Mutex<VecDeque<Vec<u8>>>>,
}

impl Lambda {
    fn start(blob: Vec<u8>) -> Self {
        let listener = listener();
        let address = listener.local_addr().expect("a listener has an address").to_string();
        let (tell, said) = channel();
        let invocations = Arc::<Mutex<VecDeque<Vec<u8>>>>::default();
        let waiting = Arc::clone(&invocations);
        std::thread::spawn(move || {
            serve(listener, move |head, body| answer(&tell, &waiting, &blob, head, body))
        });
        Self { address, said, invocations }
    }

    fn invoke(&self, payload: Vec<u8>) {
        self.invocations.lock().unwrap_or_else(PoisonError::into_inner).push_back(payload);
    }

    fn next(&self) -> Instant {
        match self.said.recv_timeout(PATIENCE).expect("the function asks for work") {
            Said::Next(at) => at,
            Said::Response(..) => panic!("nothing was asked"),
        }
    }

    fn response(&self) -> (Instant, Vec<u8>) {
        match self.said.recv_timeout(PATIENCE).expect("the function answers") {
            Said::Response(at, body) => (at, body),
            Said::Next(_) => panic!("the function asks for more work before it has answered"),
        }
    }
}

/// <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>
fn answer(
    tell: &Sender<Said>,
    invocations: &Mutex<VecDeque<Vec<u8>>>,
    blob: &[u8],
    head: &str,
    body: &[u8],
) -> Option<Answer> {
    let now = Instant::now();
    let path = head.split(' ').nth(1).unwrap_or_default();
    if path == "/2018-06-01/runtime/invocation/next" {
        // Before it is reported: the next request is from the next environment.
        let body = invocations.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let _ = tell.send(Said::Next(now));
        let headers = "lambda-runtime-aws-request-id: 1\r\nlambda-runtime-deadline-ms: 4102444800000\r\n\
             lambda-runtime-invoked-function-arn: arn:aws:lambda:us-east-1:123456789012:function:measured\r\n";
        return body.map(|body| Answer { headers: headers.to_owned(), body });
    }
    if path.ends_with("/response") {
        let _ = tell.send(Said::Response(now, body.to_vec()));
        return Some(Answer::new(""));
    }
    if path == "/2020-01-01/extension/register" {
        let about = r#"{"functionName":"measured","functionVersion":"$LATEST","handler":"bootstrap"}"#;
        let headers = "lambda-extension-identifier: 1\r\n".to_owned();
        return Some(Answer { headers, body: about.into() });
    }
    if path.contains("/blobs/") {
        return Some(Answer::new(blob));
    }
    assert_eq!(path, "/2020-01-01/extension/event/next", "{head}{}", String::from_utf8_lossy(body));
    None
}

/// A function's process, killed when this is dropped.
struct Function(Child);

impl Function {
    fn start(binary: &Path, lambda: &Lambda) -> Self {
        let mut command = Command::new(binary);
        command.env_clear().envs(VARS).env("AWS_LAMBDA_RUNTIME_API", &lambda.address);
        command.env("AWS_ENDPOINT_URL", format!("http://{}", lambda.address));
        let started = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        Self(started.expect("`make bench` builds the functions first"))
    }

    fn memory_kib(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        line.and_then(|line| line.split_whitespace().next()?.parse().ok()).expect("memory in KiB")
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[derive(Default)]
struct Starts {
    ms: Vec<f64>,
    cpu_ms: Vec<f64>,
    memory_mib: Vec<f64>,
}

/// The folder in which this binary's profile puts the others.
fn built() -> PathBuf {
    let this = std::env::current_exe().expect("this binary has a path");
    this.ancestors().nth(2).map(Path::to_owned).unwrap_or_default()
}

pub(crate) fn cold_starts() {
    let (digest, blob) = bundle().to_blob();
    let lambda = Lambda::start(blob);
    let names: Vec<&str> = std::iter::once(HELLO).chain(FUNCTIONS).collect();
    let mut starts: Vec<Starts> = names.iter().map(|_| Starts::default()).collect();
    for _ in 0..N_STARTS {
        for (name, starts) in names.iter().zip(&mut starts) {
            let started = Instant::now();
            let function = Function::start(&built().join(name), &lambda);
            starts.ms.push(ms(lambda.next() - started));
            starts.cpu_ms.push(ms(Duration::from_nanos(cpu_ns(function.0.id()))));
            starts.memory_mib.push(function.memory_kib() / 1_024.0);
        }
    }
    println!(
        "{:<18} {:>16} {:>9} {:>9} {:>11} {:>9} {:>9}   hello's: time, memory, gzip",
        "function", "start to /next", "least", "CPU", "memory", "binary", "gzip"
    );
    let figures: Vec<_> = names.iter().zip(starts).map(|(name, starts)| Figures::new(name, starts)).collect();
    for (name, it) in names.iter().zip(&figures) {
        let hello = &figures[0];
        println!(
            "{:<18} {:>13.1} ms {:>6.1} ms {:>6.1} ms {:>7.1} MiB {:>6.2} MB {:>6.2} MB   ×{:.2}, ×{:.2}, ×{:.2}",
            name.trim_start_matches("examples/"),
            it.ms,
            it.least_ms,
            it.cpu_ms,
            it.memory_mib,
            it.binary_mb,
            it.gzip_mb,
            it.ms / hello.ms,
            it.memory_mib / hello.memory_mib,
            it.gzip_mb / hello.gzip_mb
        );
    }
    first_invocation(&lambda, &request(digest));
}

struct Figures {
    ms: f64,
    least_ms: f64,
    cpu_ms: f64,
    memory_mib: f64,
    binary_mb: f64,
    gzip_mb: f64,
}

impl Figures {
    fn new(name: &str, starts: Starts) -> Self {
        let binary = built().join(name);
        let packed = Command::new("gzip").args(["-9", "-c"]).arg(&binary).output().expect("gzip runs");
        let mb = |n_bytes: usize| f64::from(u32::try_from(n_bytes).unwrap_or(u32::MAX)) / 1e6;
        Self {
            least_ms: starts.ms.iter().copied().fold(f64::INFINITY, f64::min),
            ms: median(starts.ms),
            cpu_ms: median(starts.cpu_ms),
            memory_mib: median(starts.memory_mib),
            binary_mb: mb(std::fs::read(&binary).expect("the binary is there").len()),
            gzip_mb: mb(packed.stdout.len()),
        }
    }
}

/// A worker's first invocation makes its client and fetches the job's input; the second has both.
fn first_invocation(lambda: &Lambda, request: &[u8]) {
    let (mut firsts, mut seconds) = (Vec::new(), Vec::new());
    for _ in 0..N_STARTS {
        for _ in 0..2 {
            lambda.invoke(to_payload(request));
        }
        let _function = Function::start(&built().join("cascade-worker"), lambda);
        for taken in [&mut firsts, &mut seconds] {
            let given = lambda.next();
            let (answered, reply) = lambda.response();
            let reply = from_payload(&reply).expect("a payload of ours");
            let reply = SubtaskReply::from_bytes(&reply).expect("a reply decodes");
            assert!(reply.outcome.is_ok(), "{:?}", reply.outcome);
            taken.push(ms(answered - given));
        }
        lambda.next();
    }
    let (first_ms, second_ms) = (median(firsts), median(seconds));
    row(
        "cascade-worker's first invocation, input and all",
        &format!("{first_ms:.1} ms"),
        &format!("its second {second_ms:.2} ms"),
        first_ms / second_ms,
    );
}

fn bundle() -> Bundle {
    let input_json = r#"{"units":1}"#.to_owned();
    Bundle { workload: "probe".to_owned(), input_json, given: Given::default() }
}

fn request(input: squall_core::digest::Digest) -> Vec<u8> {
    let prepared = Probe::prepare(
        Input { units: 1, rounds: 0, failing_unit: None, hanging_unit: None },
        &Given::default(),
    );
    let slice = encode(&Probe::whole(&prepared.expect("a probe checks")));
    let code = CodeVersion { build: squall_version::VERSION.to_owned(), ..CodeVersion::unnamed(1) }.id();
    SubtaskRequest { workload: "probe".to_owned(), code, input, slice }.to_bytes()
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
