//! Made-up logs of a day, and a job that searches them.

use std::fmt::Write as _;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;
use squall_core::sources::Files;
use squall_core::split_mix64;

/// The file of the job.
const JOB: &str = "job.json";
const API: &str = "api.jsonl";
const ACCESS: &str = "access.log.gz";
const TRAIL: &str = "trail.json.gz";
/// Size of a file of text, bytes, at most.
const FILE_BYTES: usize = 64 << 20;
/// 2026-11-30T00:00:00Z, microseconds since 1970.
const START_US: i64 = 1_795_996_800_000_000;
const DAY_US: u64 = 86_400_000_000;
const WORDS: [&str; 16] = [
    "request",
    "response",
    "session",
    "queue",
    "worker",
    "timeout",
    "connection",
    "pool",
    "order",
    "payment",
    "cache",
    "retry",
    "commit",
    "rollback",
    "handler",
    "upstream",
];

/// What logs to make.
#[derive(Debug, Clone, Copy)]
pub struct SampleRequest {
    /// About so many bytes, unpacked.
    pub bytes: u64,
    /// Which logs.
    pub seed: u64,
}

/// The names of the files that [`sample`] makes, without making them.
pub fn names(request: &SampleRequest) -> Vec<String> {
    let others = [API, ACCESS, TRAIL, JOB].map(str::to_owned);
    (0..n_app_files(request)).map(app_name).chain(others).collect()
}

fn app_name(idx: usize) -> String {
    format!("app-{idx:03}.log")
}

/// Bytes of the services' logs.
fn app_bytes(request: &SampleRequest) -> usize {
    usize::try_from(request.bytes).unwrap_or(usize::MAX) / 10 * 7
}

fn n_app_files(request: &SampleRequest) -> usize {
    app_bytes(request).div_ceil(FILE_BYTES).max(1)
}

/// The logs and the job, by file name (see [`names`]): services' logs as text, an API's as JSON lines, a web server's and a trail's compressed.
pub fn sample(request: &SampleRequest) -> Files {
    let bytes = usize::try_from(request.bytes).unwrap_or(usize::MAX);
    let mut files = Files::new();
    let (text_bytes, n_files) = (app_bytes(request), n_app_files(request));
    for idx in 0..n_files {
        let mut random = Random::of(request.seed, idx as u64);
        // Each is of its own part of the day.
        let day = DAY_US / n_files as u64;
        let log =
            lines(text_bytes / n_files, 120, idx as u64 * day, day, |text, at| app(text, at, &mut random));
        files.insert(app_name(idx), log);
    }
    let mut random = Random::of(request.seed, 1 << 32);
    let api = lines(bytes / 10, 160, 0, DAY_US, |text, at| api(text, at, &mut random));
    files.insert(API.to_owned(), api);
    let access = lines(bytes / 10, 110, 0, DAY_US, |text, at| access(text, at, &mut random));
    files.insert(ACCESS.to_owned(), gzip(&access));
    files.insert(TRAIL.to_owned(), gzip(&trail(bytes / 10, &mut random)));
    let job = json!({
        "workload": "logscan",
        "input": {
            "logs": ["*.log*", "*.jsonl", "*.json.gz"],
            "from": "2026-11-30T00:00:00Z",
            "to": "2026-12-01T00:00:00Z",
            "bucket": "1h",
            "signatures": [
                { "name": "out of memory", "literal": "OutOfMemoryError" },
                { "name": "server error", "regex": r#"" 5\d\d |"status":5\d\d"# },
                { "name": "slow", "regex": r"took (?:[5-9]|\d\d)\d{3} ms" },
                { "name": "denied", "regex": r#""arn":"(?<who>[^"]+)".*"errorCode":"AccessDenied""#, "group_by": "who" },
                { "name": "lost order", "all_of": ["payment .* failed", { "literal": "rollback" }], "within": 50 },
            ],
        },
    });
    let mut text = serde_json::to_string_pretty(&job).unwrap_or_default();
    text.push('\n');
    files.insert(JOB.to_owned(), text.into_bytes());
    files
}

struct Random(u64);

impl Random {
    fn of(seed: u64, stream: u64) -> Self {
        Self(split_mix64(split_mix64(seed) ^ split_mix64(stream)))
    }

    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        split_mix64(self.0) % below.max(1)
    }

    fn word(&mut self) -> &'static str {
        let idx = usize::try_from(self.next(WORDS.len() as u64)).unwrap_or(0);
        WORDS.get(idx).copied().unwrap_or_default()
    }
}

/// Lines of `each` bytes or so, evenly spread over `span_us` from `from_us` of the day on.
fn lines(
    bytes: usize,
    each: usize,
    from_us: u64,
    span_us: u64,
    mut line: impl FnMut(&mut String, i64),
) -> Vec<u8> {
    let n = (bytes / each).max(1) as u64;
    let mut text = String::with_capacity(bytes + bytes / 8);
    for i in 0..n {
        let offset =
            from_us + u64::try_from(u128::from(span_us) * u128::from(i) / u128::from(n)).unwrap_or(0);
        line(&mut text, START_US + i64::try_from(offset).unwrap_or(0));
        text.push('\n');
    }
    text.into_bytes()
}

fn app(text: &mut String, at: i64, random: &mut Random) {
    let stamp = stamp(at, "%Y-%m-%dT%H:%M:%S%.3fZ");
    let (host, id) = (random.next(40), random.next(1 << 48));
    let (one, two, three) = (random.word(), random.word(), random.word());
    let took = random.next(2_000) + if random.next(500) == 0 { 5_000 } else { 0 };
    let level = if random.next(200) == 0 { "WARN" } else { "INFO" };
    let _ =
        write!(text, "{stamp} {level} [web-{host:02}] {one} {two} of {three} took {took} ms id={id:012x}");
    match random.next(1_000) {
        0 => {
            let _ = write!(
                text,
                "\njava.lang.OutOfMemoryError: Java heap space\n\tat app.Cache.grow(Cache.java:{})",
                took % 500
            );
        }
        1..4 => {
            let _ = write!(
                text,
                "\n{stamp} ERROR [web-{host:02}] payment {id:012x} failed: upstream closed the connection"
            );
        }
        _ => {}
    }
}

fn api(text: &mut String, at: i64, random: &mut Random) {
    let stamp = stamp(at, "%Y-%m-%dT%H:%M:%S%.6fZ");
    let status = if random.next(400) == 0 { 503 } else { 200 };
    let (one, user, ms) = (random.word(), random.next(10_000), random.next(900));
    let _ = write!(
        text,
        r#"{{"time":"{stamp}","level":"info","path":"/v1/{one}/{user}","status":{status},"ms":{ms},"user":"u{user}"}}"#
    );
}

fn access(text: &mut String, at: i64, random: &mut Random) {
    let stamp = stamp(at, "%d/%b/%Y:%H:%M:%S +0000");
    let status = if random.next(300) == 0 { 502 } else { 200 };
    let (host, one, bytes) = (random.next(250), random.word(), random.next(90_000));
    let _ = write!(
        text,
        r#"10.0.{}.{host} - - [{stamp}] "GET /{one} HTTP/1.1" {status} {bytes} "-" "Mozilla/5.0""#,
        host % 7
    );
}

/// One document, its members in the order in which CloudTrail writes them.
fn trail(bytes: usize, random: &mut Random) -> Vec<u8> {
    const EACH: usize = 330;
    let n = (bytes / EACH).max(1) as u64;
    let mut text = String::from(r#"{"Records":["#);
    for i in 0..n {
        let offset = u64::try_from(u128::from(DAY_US) * u128::from(i) / u128::from(n)).unwrap_or(0);
        let stamp = stamp(START_US + i64::try_from(offset).unwrap_or(0), "%Y-%m-%dT%H:%M:%SZ");
        let (who, id) = (random.next(12), random.next(1 << 48));
        let error = if random.next(12) == 0 { r#","errorCode":"AccessDenied""# } else { "" };
        let comma = if i == 0 { "" } else { "," };
        let _ = write!(
            text,
            r#"{comma}{{"eventVersion":"1.10","userIdentity":{{"type":"AssumedRole","arn":"arn:aws:sts::111122223333:assumed-role/role-{who}"}},"eventTime":"{stamp}","eventSource":"s3.amazonaws.com","eventName":"GetObject","awsRegion":"eu-west-1"{error},"requestParameters":{{"bucketName":"reports"}},"eventID":"{id:012x}"}}"#
        );
    }
    text.push_str("]}");
    text.into_bytes()
}

fn stamp(at: i64, format: &str) -> String {
    let at = jiff::Timestamp::from_microsecond(at).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    at.strftime(format).to_string()
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::new(6));
    // Memory takes whatever is written.
    let _ = packed.write_all(text);
    packed.finish().unwrap_or_default()
}

#[cfg(test)]
mod tests;
