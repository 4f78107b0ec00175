//! `squall map`: runs a program over the lines of standard input, without a job file.

use std::borrow::Cow;
use std::fs::{DirBuilder, File};
use std::hash::{BuildHasher, RandomState};
use std::io::{BufRead, BufReader, BufWriter, IsTerminal, Write, stdin};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use squall_core::registry::Registry;
use squall_core::rows::JobStatus;
use squall_core::wire::decode;
use squall_core::workload::Workload;
use squall_grid::{Observation, SplitOutcome};
use squall_local::Directory;
use squall_workloads::external::workers::Workers;
use squall_workloads::external::{External, Input, Partial};

use crate::answer::{Ended, OutputArgs};
use crate::print;
use crate::programs::Connected;
use crate::run::{GridArgs, finish, stop_at_ctrl_c};
use crate::{FAILURES, INTERRUPTED, USAGE_OR_INPUT};

/// Run a program over the lines of standard input, on all cores
///
/// Each line is an item, as JSON. Without --merge the values are printed in the order of the items, one on each line; an item that
/// failed has `null` there, its reason goes to stderr (unless --quiet), and the exit status is 1.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Take each line as text, not as JSON
    #[arg(long)]
    text: bool,
    /// Merge the values, and print the report: `sum`, or JSON such as '{"type": "top", "k": 10}'
    #[arg(long, value_name = "MERGE")]
    merge: Option<String>,
    /// JSON that is handed to each process before its first item
    #[arg(long, value_name = "JSON", value_parser = json_value)]
    params: Option<Value>,
    /// Most seconds of a request
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<f64>,
    /// Memory of a process and its children, MB
    #[arg(long, value_name = "MB")]
    memory: Option<u64>,
    /// Items of a request [default: as many as take about 100 ms]
    #[arg(long, value_name = "N")]
    batch: Option<u64>,
    /// The share of the items that another process computes again, to compare [default: 0.02]
    #[arg(long, value_name = "SHARE")]
    audit: Option<f64>,
    /// About how long an item takes, milliseconds: how finely the work is cut [default: as long as the first ones take]
    #[arg(long, value_name = "MS")]
    item_ms: Option<f64>,
    /// A variable of the program's environment: NAME=VALUE, or NAME alone to inherit it
    #[arg(long, value_name = "NAME[=VALUE]")]
    env: Vec<String>,
    #[command(flatten)]
    grid: GridArgs,
    #[command(flatten)]
    output: OutputArgs,
    /// The program and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<String>,
}

const EXAMPLES: &str = "\
Examples:
  squall map -- python3 worker.py < items.jsonl
  seq 1000 | squall map --merge sum -- python3 worker.py
  ls *.pdf | squall map --text -- ./count-pages";

/// Most bytes of the items.
const MAX_BYTES: u64 = 4_000_000_000;
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";
/// The file of the items.
const ITEMS: &str = "items.jsonl";

fn json_value(text: &str) -> Result<Value, serde_json::Error> {
    serde_json::from_str(text)
}

pub(crate) fn main(args: &Args, registry: &Registry) -> Result<ExitCode> {
    registry.get(External::NAME)?;
    let config = args.grid.config()?;
    let mut input = input(args)?;
    let files = args.output.files()?;
    if stdin().is_terminal() {
        print::aside("reading items from the terminal, one on each line; Ctrl-D ends\n");
    }
    let folder = Folder::new()?;
    let n_items = read_items(args.text, stdin().lock(), &folder.0.join(ITEMS))?;
    if n_items == 0 {
        bail!("standard input has no items; expected one on each line");
    }
    let connected = Connected::of_any(registry, PathBuf::new());
    let stop = stop_at_ctrl_c(&connected)?;
    if args.item_ms.is_none() {
        input["item_ms"] = json!(first_ms(&connected, &input, &folder.0.join(ITEMS)).unwrap_or(10.0));
    }
    let message = json!({ "workload": External::NAME, "input": input }).to_string().into_bytes();
    let directory = Directory::new(folder.0.clone());
    let finished = match finish(&config, &connected, &stop, directory, &message, args.output.quiet)? {
        Ok(finished) => finished,
        Err(error) => return Ok(print::error(&squall_core::ports::chain(&error), FAILURES)),
    };
    drop(folder);
    if let SplitOutcome::Rejected(_, error) = &finished.outcome {
        return Ok(print::error(&error.to_string().replace(ITEMS, "standard input"), USAGE_OR_INPUT));
    }
    let observation = finished.observation.as_ref().context("the job is gone")?;
    let deployment = config.deployment();
    let span = (finished.started_us, finished.ended_us);
    let answer = Ended::new(observation, &deployment, span, Some(&finished.lost))?;
    let given = if args.merge.is_some() {
        answer.give(&args.output, files)
    } else {
        let values = values(observation, n_items)?;
        answer.give_as(|| values, &args.output, files)
    };
    if let Err(error) = given {
        return Ok(print::error(&format!("{error:#}"), FAILURES));
    }
    Ok(match answer.status() {
        JobStatus::Cancelled => ExitCode::from(INTERRUPTED),
        _ => answer.exit(),
    })
}

/// About how long an item takes, milliseconds, as the first ones tell; their process is kept for the job. `None` if they fail: the job
/// will say why.
fn first_ms(connected: &Connected, input: &Value, items: &Path) -> Option<f64> {
    /// Most items, and how long they may take, microseconds.
    const MAX_ITEMS: usize = 64;
    const ENOUGH_US: u64 = 20_000;
    let Input { worker, params, .. } = serde_json::from_value(input.clone()).ok()?;
    let params = serde_json::value::to_raw_value(&params).ok()?;
    let lines = BufReader::new(File::open(items).ok()?).lines().map_while(Result::ok);
    let items: Vec<String> = lines.filter(|line| !line.trim().is_empty()).take(2 * MAX_ITEMS).collect();
    let items: Vec<Cow<'_, str>> = items.iter().map(|item| Cow::Borrowed(item.trim())).collect();
    if items.iter().any(|item| serde_json::from_str::<&RawValue>(item).is_err()) {
        return None;
    }
    let mut worker = connected.programs().take(&worker.0, &params, &[]).ok()?;
    let (mut rest, mut n_items) = (items.as_slice(), 1);
    let took_us = loop {
        let (some, others) = rest.split_at_checked(n_items)?;
        let took_us = worker.ask(some).ok()?.took_us;
        // The first may have more to do than the others.
        if took_us >= ENOUGH_US || n_items >= MAX_ITEMS || others.len() < 4 * n_items {
            break took_us;
        }
        (rest, n_items) = (others, 4 * n_items);
    };
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    let item_ms = took_us as f64 / n_items as f64 / 1e3;
    Some(item_ms.clamp(1e-3, 86_400_000.0))
}

/// The `input` of the job.
fn input(args: &Args) -> Result<Value> {
    let mut worker = Map::from_iter([("command".to_owned(), json!(args.command))]);
    let (mut env, mut inherit) = (Map::new(), Vec::new());
    for variable in &args.env {
        match variable.split_once('=') {
            Some((name, value)) => drop(env.insert(name.to_owned(), value.into())),
            None => inherit.push(variable),
        }
    }
    worker.insert("env".to_owned(), env.into());
    worker.insert("inherit_env".to_owned(), json!(inherit));
    if let Some(seconds) = args.timeout {
        worker.insert("timeout_s".to_owned(), json!(seconds));
    }
    if let Some(mb) = args.memory {
        worker.insert("memory_mb".to_owned(), json!(mb));
    }
    let mut input = json!({ "items": { "json_lines": ITEMS }, "worker": worker });
    if let Some(merge) = &args.merge {
        // A word is a type; anything else is JSON.
        let is_word = merge.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        input["merge"] = if is_word {
            merge.as_str().into()
        } else {
            serde_json::from_str(merge).context("--merge is not JSON")?
        };
    }
    if let Some(params) = &args.params {
        input["params"] = params.clone();
    }
    if let Some(items) = args.batch {
        input["batch"] = json!({ "items": items });
    }
    if let Some(share) = args.audit {
        input["audit"] = json!({ "share": share });
    }
    if let Some(item_ms) = args.item_ms {
        input["item_ms"] = json!(item_ms);
    }
    Ok(input)
}

/// Writes the items into a file; how many there are.
fn read_items(as_text: bool, input: impl BufRead, path: &Path) -> Result<u64> {
    let cannot = || format!("cannot write {}", path.display());
    let mut out = BufWriter::new(File::create(path).with_context(cannot)?);
    let (mut n_items, mut n_bytes) = (0, 0);
    let mut input = input.take(MAX_BYTES + 1);
    let mut line = Vec::new();
    for number in 1_u64.. {
        line.clear();
        n_bytes += input.read_until(b'\n', &mut line).context("cannot read standard input")? as u64;
        if number == 1 && line.starts_with(BYTE_ORDER_MARK) {
            line.drain(..BYTE_ORDER_MARK.len());
            if line.is_empty() {
                break;
            }
        }
        if n_bytes > MAX_BYTES {
            bail!(
                "standard input has more than {} GB; expected fewer, or a job over objects",
                MAX_BYTES / 1_000_000_000
            );
        }
        if line.is_empty() {
            break;
        }
        let text = std::str::from_utf8(&line)
            .ok()
            .with_context(|| format!("standard input, line {number}: it is not UTF-8"))?;
        let text = text.strip_suffix('\n').unwrap_or(text);
        let text = text.strip_suffix('\r').unwrap_or(text);
        if as_text {
            writeln!(out, "{}", Value::from(text)).with_context(cannot)?;
            n_items += 1;
        } else if !text.trim().is_empty() {
            writeln!(out, "{text}").with_context(cannot)?;
            n_items += 1;
        } else {
            // So that lines keep their numbers in errors.
            writeln!(out).with_context(cannot)?;
        }
    }
    out.flush().with_context(cannot)?;
    Ok(n_items)
}

/// The values, one on each line: `null` for an item that has none. What an audit found goes to stderr.
fn values(observation: &Observation, n_items: u64) -> Result<String> {
    let partial: Option<Partial> = observation.partial().map(|bytes| decode("partial", bytes)).transpose()?;
    let mut values = partial.iter().flat_map(|partial| partial.merged.values()).peekable();
    let mut text = String::new();
    for idx in 0..n_items {
        match values.next_if(|(id, _)| id.at == idx) {
            Some((_, value)) => text += value,
            None => text += "null",
        }
        text.push('\n');
    }
    if let Some(found) = partial.as_ref().and_then(|partial| partial.audit.found()) {
        print::aside(&found);
    }
    Ok(text)
}

/// A folder that is removed in the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self> {
        // Under a name that cannot be foreseen, for its user alone.
        let name = format!("squall-map-{:016x}", RandomState::new().hash_one(std::process::id()));
        let path = std::env::temp_dir().join(name);
        DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .with_context(|| format!("cannot create {}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // It is in the folder of temporary files, which is emptied anyway.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
