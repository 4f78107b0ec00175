//! Twenty signatures by the hour in a GiB of logs, next to tools that only count lines; and compressed logs, next to their library alone.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use flate2::bufread::MultiGzDecoder;
use serde_json::json;
use squall_core::split_mix64;

use crate::{median, row, seconds};

const FILES: u64 = 8;
const FILE_BYTES: usize = 128 << 20;
/// 2026-11-30T00:00:00Z, seconds since 1970.
const START_S: i64 = 1_795_996_800;

const PATTERNS: [&str; 20] = [
    r"Failed password for .* from 10\.\d+",
    r"authentication failure.*rhost=5\.36\.",
    "Connection reset by peer",
    r"OutOfMemoryError: \w+",
    r"status: 5\d\d",
    r"exit status [1-9]\d*",
    r"Invalid user \w+ from [0-9.]+",
    "error state [67] code",
    r"timed out after \d{4,} ms",
    r"Slow ReadProcessor .*took \d+ ms",
    r"Deleting block blk_-?\d+",
    "Interrupted while waiting",
    r"SYN flooding on port \d+",
    "(?:FATAL|CRITICAL)[: ]",
    "panic(?:ked)? at",
    "Segmentation fault",
    "No space left on device",
    "certificate (?:has )?expired",
    r"rejected execution of \w+",
    r"quota exceeded for \w+",
];

/// What most lines say, and, in thousandths of all lines, what those with a signature say.
const USUAL: [&str; 6] = [
    "Found block rdd_#_# locally, read # bytes of # in # us",
    "GET /v2/servers/detail HTTP/1.1 status: 200 len: # time: 0.#",
    "PacketResponder # for block blk_# terminating, source # destination #",
    "Accepted socket connection from /10.10.#.#:# session #",
    "Recalculating schedule, headroom=<memory:#, vCores:#> tasks # of #",
    "instance cache parity error corrected at # rank # core # unit #",
];
const FOUND: [(u64, &str); 12] = [
    (15, "Failed password for root from 10.#.#.# port # ssh2"),
    (10, "authentication failure; logname= uid=# rhost=5.36.#.#"),
    (10, "Connection reset by peer (errno #)"),
    (3, "java.lang.OutOfMemoryError: Java heap space in task #"),
    (20, "POST /v2/servers status: 503 len: #"),
    (10, "exit status 1# of job #"),
    (20, "Invalid user test# from 183.62.#.#"),
    (10, "worker in error state 7 code #"),
    (20, "request timed out after 5# ms on queue #"),
    (10, "Slow ReadProcessor read fields took # ms for #"),
    (15, "Deleting block blk_-# file /mnt/hadoop/#"),
    (5, "Interrupted while waiting for message on queue #"),
];

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        split_mix64(self.0)
    }
}

fn message(text: &mut String, random: &mut Random) {
    let mut rank = random.next() % 1_000;
    let found = FOUND.iter().find(|(share, _)| match rank.checked_sub(*share) {
        Some(rest) => {
            rank = rest;
            false
        }
        None => true,
    });
    let usual = usize::try_from(random.next()).unwrap_or(0) % USUAL.len();
    for (idx, piece) in found.map_or(USUAL[usual], |(_, text)| text).split('#').enumerate() {
        if idx > 0 {
            let _ = write!(text, "{}", random.next() % 65_536);
        }
        text.push_str(piece);
    }
}

fn write_file(path: &Path, idx: u64) {
    let mut random = Random(idx);
    let mut out = BufWriter::new(File::create(path).expect("the target folder is writable"));
    let (mut n_bytes, mut n) = (0, 0);
    let mut line = String::new();
    while n_bytes < FILE_BYTES {
        line.clear();
        let s = START_S + i64::try_from(idx).unwrap_or(0) * 10_800 + n / 70;
        let (day_s, ms) = (s - START_S, n % 70 * 14);
        let (h, m, sec) = (day_s / 3_600, day_s / 60 % 60, day_s % 60);
        let host = random.next() % 40;
        let _ = write!(line, "2026-11-30T{h:02}:{m:02}:{sec:02}.{ms:03}Z host-{host:02} INFO ");
        message(&mut line, &mut random);
        let _ = writeln!(line, " trace={:016x} span={:016x} region=eu-west-1", random.next(), random.next());
        out.write_all(line.as_bytes()).expect("the disk has a GiB");
        n_bytes += line.len();
        n += 1;
    }
}

/// The logs, made once: plain, and one of them packed.
fn logs() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bench-logs");
    if folder.join("complete").exists() {
        return folder;
    }
    std::fs::create_dir_all(folder.join("packed")).expect("the target folder is writable");
    for idx in 0..FILES {
        write_file(&folder.join(format!("{idx}.log")), idx);
    }
    for idx in 0..2 {
        let text = std::fs::read(folder.join(format!("{idx}.log"))).expect("it was written");
        let file = File::create(folder.join(format!("packed/{idx}.log.gz"))).expect("the folder is there");
        let mut packed = flate2::write::GzEncoder::new(file, flate2::Compression::new(6));
        packed.write_all(&text).and_then(|()| packed.finish().map(drop)).expect("the disk has room");
    }
    std::fs::write(folder.join("patterns"), PATTERNS.join("\n") + "\n").expect("the folder is there");
    let signatures: Vec<_> = PATTERNS
        .iter()
        .enumerate()
        .map(|(i, regex)| json!({ "name": format!("{i}"), "regex": regex }))
        .collect();
    for (name, logs) in [("plain.json", "*.log"), ("packed.json", "packed/*")] {
        let job = json!({ "workload": "logscan", "input": { "logs": [logs], "signatures": signatures } });
        std::fs::write(folder.join(name), job.to_string()).expect("the folder is there");
    }
    std::fs::write(folder.join("complete"), "").expect("the folder is there");
    folder
}

fn plain_files(folder: &Path) -> Vec<PathBuf> {
    (0..FILES).map(|idx| folder.join(format!("{idx}.log"))).collect()
}

fn squall(folder: &Path, job: &str) {
    let binary = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/release/squall");
    let mut command = Command::new(binary);
    let status = command.arg("run").arg(folder.join(job)).arg("--quiet").stdout(Stdio::null()).status();
    assert!(status.expect("`make bench` builds the binary first").success());
}

/// The rate of a tool that counts the lines with any of the signatures, bytes a second; nothing if it is not here.
fn counting(folder: &Path, program: &str, args: &[&str]) -> Option<f64> {
    let run = || {
        let mut command = Command::new(program);
        command.args(args).arg("-f").arg(folder.join("patterns")).args(plain_files(folder));
        command.stdout(Stdio::null()).stderr(Stdio::null()).status()
    };
    run().ok().filter(std::process::ExitStatus::success)?;
    let taken_s = median((0..3).map(|_| seconds(|| drop(run()))).collect());
    Some(size(&plain_files(folder)) / taken_s)
}

#[expect(clippy::cast_precision_loss, reason = "a rate")]
fn size(files: &[PathBuf]) -> f64 {
    files.iter().filter_map(|file| file.metadata().ok()).map(|it| it.len() as f64).sum()
}

pub(crate) fn signatures() {
    let folder = logs();
    let bytes = size(&plain_files(&folder));
    squall(&folder, "plain.json");
    let taken_s = median((0..5).map(|_| seconds(|| squall(&folder, "plain.json"))).collect());
    let rate = bytes / taken_s;
    match counting(&folder, "rg", &["-a", "-c", "-N", "-j2"]) {
        Some(counted) => row(
            "20 signatures by the hour in a GiB of text",
            &format!("{:.2} GB/s", rate / 1e9),
            &format!("`rg -c` with two threads, any of them {:.2} GB/s", counted / 1e9),
            rate / counted,
        ),
        None => println!("20 signatures by the hour: {:.2} GB/s; `rg` is not here", rate / 1e9),
    }

    // Both cores unpack: each one file.
    let unpack = || {
        std::thread::scope(|scope| {
            for idx in 0..2 {
                let path = folder.join(format!("packed/{idx}.log.gz"));
                scope.spawn(move || {
                    let packed = std::fs::read(path).expect("it was written");
                    let (mut text, mut n_lines) = (vec![0; 1 << 20], 0);
                    let mut plain = MultiGzDecoder::new(packed.as_slice());
                    while let Ok(n @ 1..) = plain.read(&mut text) {
                        n_lines += memchr::memchr_iter(b'\n', &text[..n]).count();
                    }
                    assert!(n_lines > 0);
                });
            }
        });
    };
    let bare_s = median((0..5).map(|_| seconds(unpack)).collect());
    let packed_s = median((0..5).map(|_| seconds(|| squall(&folder, "packed.json"))).collect());
    row(
        "the same in two files of 128 MiB, gzip",
        &format!("{packed_s:.2} s"),
        &format!("the library alone, counting lines, {bare_s:.2} s"),
        packed_s / bare_s,
    );
}
