//! The grid's own overhead: empty subtasks, and subtasks of known length against a plain parallel loop.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};

use squall_core::data::NoData;
use squall_core::job::JobId;
use squall_core::sources::Given;
use squall_core::workload::Workload;
use squall_local::{Directory, Finished, LocalConfig, LocalGrid, Stop};
use squall_workloads::probe::{Input, Probe};

use crate::{cores, median, row, seconds};

/// Runs a message through a local grid of `n_workers` and returns the outcome.
pub(crate) fn run_job(n_workers: NonZeroUsize, message: &str, directory: &str) -> Finished {
    let config = LocalConfig::for_cores(n_workers);
    let grid = LocalGrid::new(&config, squall_workloads::registry(), Directory::new(directory))
        .expect("threads start");
    let id = JobId::new("bench").expect("an id");
    grid.run(message.as_bytes(), &id, &Stop::default(), &mut ()).expect("the job runs")
}

pub(crate) fn wall_s(finished: &Finished) -> f64 {
    let us = finished.ended_us - finished.started_us;
    u32::try_from(us).map_or(f64::INFINITY, f64::from) / 1e6
}

pub(crate) fn throughput() {
    let n_subtasks = 400_000_u32;
    let message = format!(
        r#"{{"workload":"probe","input":{{"units":{n_subtasks}}},"sizing":{{"tasks":400,"subtasks_per_task":1000}}}}"#
    );
    let mut rates = Vec::new();
    let mut bare_rates = Vec::new();
    for _ in 0..5 {
        rates.push(f64::from(n_subtasks) / wall_s(&run_job(cores(), &message, ".")));
        bare_rates.push(f64::from(n_subtasks) / seconds(|| bare_channels(n_subtasks)));
    }
    let (rate, bare) = (median(rates), median(bare_rates));
    row(
        "no-op subtasks through the whole grid",
        &format!("{rate:.0}/s"),
        &format!("bare channels {bare:.0}/s"),
        rate / bare,
    );
}

/// The physical limit: messages on the heap from a splitter over workers to a collector, and nothing else.
fn bare_channels(n_messages: u32) {
    let (tasks, work) = crossbeam_channel::bounded::<Vec<u8>>(1_024);
    let (results, collected) = crossbeam_channel::bounded::<Vec<u8>>(1_024);
    std::thread::scope(|scope| {
        for _ in 0..cores().get() {
            let (work, results) = (work.clone(), results.clone());
            scope.spawn(move || {
                for message in work {
                    if results.send(message[..64].to_vec()).is_err() {
                        return;
                    }
                }
            });
        }
        drop((work, results));
        scope.spawn(move || {
            for _ in 0..n_messages {
                if tasks.send(vec![1; 200]).is_err() {
                    return;
                }
            }
        });
        let n_received: usize = collected.into_iter().map(|message| message.len() / 64).sum();
        assert_eq!(n_received, n_messages as usize);
    });
}

pub(crate) fn efficiency() {
    let rounds_per_ms = rounds_per_ms();
    for (subtask_ms, n_subtasks) in [(1_u64, 3_000_u64), (10, 400), (100, 60)] {
        let rounds = rounds_per_ms * subtask_ms;
        let tasks = (n_subtasks / 20).max(2);
        let message = format!(
            r#"{{"workload":"probe","input":{{"units":{n_subtasks},"rounds":{rounds}}},"sizing":{{"tasks":{tasks},"subtasks_per_task":{}}}}}"#,
            n_subtasks / tasks
        );
        let mut ratios = Vec::new();
        let mut walls = Vec::new();
        for turn in 0..5 {
            // Alternately, so that drift of the machine affects both.
            let plain = |_: ()| seconds(|| plain_loop(n_subtasks, rounds));
            let (plain_s, grid_s) = if turn % 2 == 0 {
                let plain_s = plain(());
                (plain_s, wall_s(&run_job(cores(), &message, ".")))
            } else {
                let grid_s = wall_s(&run_job(cores(), &message, "."));
                (plain(()), grid_s)
            };
            walls.push(grid_s);
            ratios.push(plain_s / grid_s);
        }
        row(
            &format!("efficiency with subtasks of {subtask_ms} ms"),
            &format!("{:.3} s", median(walls)),
            "a plain parallel loop over the same work",
            median(ratios),
        );
    }
}

fn rounds_per_ms() -> u64 {
    let rounds = 20_000_000_u32;
    let once = || seconds(|| _ = std::hint::black_box(unit(u64::from(rounds))));
    let best_s = (0..5).map(|_| once()).fold(f64::INFINITY, f64::min);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a positive count")]
    let per_ms = (f64::from(rounds) / best_s / 1e3) as u64;
    per_ms
}

fn unit(rounds: u64) -> <Probe as Workload>::Partial {
    let prepared = prepared(1, rounds);
    Probe::evaluate(&prepared, &Probe::whole(&prepared), &mut NoData).expect("a probe has a value")
}

fn prepared(units: u64, rounds: u64) -> Input {
    Probe::prepare(Input { units, rounds, failing_unit: None, hanging_unit: None }, &Given::default())
        .expect("a probe checks")
}

fn plain_loop(n_subtasks: u64, rounds: u64) {
    let prepared = prepared(n_subtasks, rounds);
    let parts = usize::try_from(n_subtasks).ok().and_then(NonZeroUsize::new).expect("some subtasks");
    let slices = Probe::divide(&prepared, &Probe::whole(&prepared), parts);
    in_parallel(&slices, |slice| {
        std::hint::black_box(Probe::evaluate(&prepared, slice, &mut NoData).expect("a probe has a value"));
    });
}

/// A plain parallel loop: threads take the next item until there is none.
pub(crate) fn in_parallel<T: Sync>(items: &[T], work: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..cores().get() {
            scope.spawn(|| {
                while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                    work(item);
                }
            });
        }
    });
}
