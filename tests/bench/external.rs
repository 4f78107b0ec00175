//! What a program in another language costs per item: a Python worker, against a bare loop in Python over the same work.

use std::fs;
use std::num::NonZeroUsize;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use squall_core::job::JobId;
use squall_external::{CommandsAllowed, Programs, Settings};
use squall_local::{Directory, LocalConfig, LocalGrid, Stop};
use squall_workloads::external::{External, evaluator};

use crate::{median, row, seconds};

const TRIES: usize = 3;
/// Items that cost next to nothing.
const N_CHEAP: u32 = 200_000;
/// Items of a millisecond.
const N_LONG: u32 = 3_000;

/// The work of both: a square, and so many microseconds of waiting on the clock.
const WORK: &str = "\
import time
def work(item, us):
    if us:
        until = time.perf_counter_ns() + us * 1000
        while time.perf_counter_ns() < until:
            pass
    return item * item
";

const WORKER: &str = "\
import json, os, sys
from work import work
out = os.fdopen(int(os.environ['SQUALL_REPLIES_FD']), 'w')
for line in sys.stdin:
    message = json.loads(line)
    if 'hello' in message:
        us = message['hello']['params']
        reply = {'squall': 1, 'ready': True}
    elif 'items' in message:
        reply = {'id': message['id'], 'values': [work(item, us) for item in message['items']]}
    print(json.dumps(reply), file=out, flush=True)
";

const BARE: &str = "\
import sys
from work import work
n, us = int(sys.argv[1]), int(sys.argv[2])
print(sum(work(item, us) for item in range(n)))
";

pub(crate) fn overhead() {
    if Command::new("python3").arg("-c").arg("pass").status().is_err() {
        println!("skipped: there is no python3");
        return;
    }
    let folder = std::env::temp_dir().join(format!("squall-bench-external-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    for (name, text) in [("work.py", WORK), ("worker.py", WORKER), ("bare.py", BARE)] {
        fs::write(folder.join(name), text).expect("a file");
    }
    let cheap = compared(&folder, N_CHEAP, 0);
    let each_us = (cheap.0 - cheap.1) / f64::from(N_CHEAP) * 1e6;
    row(
        "items that cost next to nothing, one Python worker",
        &format!("{each_us:.1} µs more"),
        &format!("a bare loop, {:.2} µs an item", cheap.1 / f64::from(N_CHEAP) * 1e6),
        cheap.1 / cheap.0,
    );
    let long = compared(&folder, N_LONG, 1_000);
    row(
        "items of 1 ms, one Python worker",
        &format!("{:.0}/s", f64::from(N_LONG) / long.0),
        &format!("a bare loop, {:.0}/s", f64::from(N_LONG) / long.1),
        long.1 / long.0,
    );
    let _ = fs::remove_dir_all(&folder);
}

/// Seconds through the grid with one worker, and of the bare loop, alternating; the start of Python is in both.
fn compared(folder: &Path, n_items: u32, item_us: u32) -> (f64, f64) {
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..TRIES {
        bare.push(seconds(|| {
            let mut command = Command::new("python3");
            command.current_dir(folder).arg("bare.py").args([n_items, item_us].map(|it| it.to_string()));
            let output = command.output().expect("python3 runs");
            assert!(output.status.success(), "{output:?}");
        }));
        ours.push(seconds(|| through_the_grid(folder, n_items, item_us)));
    }
    (median(ours), median(bare))
}

fn through_the_grid(folder: &Path, n_items: u32, item_us: u32) {
    let programs = Arc::new(Programs::new(Settings {
        folder: folder.to_owned(),
        search: std::env::var_os("PATH").unwrap_or_default(),
        environment: Default::default(),
        commands: CommandsAllowed::Any,
        named: Default::default(),
    }));
    let registry = squall_workloads::registry().with_evaluator::<External>(evaluator(Arc::clone(&programs)));
    let config = LocalConfig::for_cores(NonZeroUsize::MIN);
    let grid = LocalGrid::new(&config, registry, Directory::new(folder)).expect("it starts");
    let item_ms = f64::from(item_us.max(1)) / 1e3;
    let message = format!(
        r#"{{"workload": "external", "input": {{"items": {{"range": [0, {n_items}]}}, "params": {item_us}, "merge": "sum",
            "worker": {{"command": ["python3", "worker.py"]}}, "item_ms": {item_ms}, "audit": {{"share": 0}}}}}}"#
    );
    let id = JobId::new("bench".to_owned()).expect("an id");
    let finished = grid.run(message.as_bytes(), &id, &Stop::default(), &mut ()).expect("it runs");
    let report = finished.observation.and_then(|it| it.report()).expect("a report");
    let n = u64::from(n_items);
    assert_eq!(report.json["answer"]["sum"].as_u64(), Some((n - 1) * n * (2 * n - 1) / 6), "{}", report.text);
}
