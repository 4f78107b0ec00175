//! Merges per second of one collector on one core, with three duplicates for every ten results.
#![expect(clippy::arc_with_non_send_sync, reason = "ports are shared by `Arc`, here on one thread")]

use std::sync::Arc;

use futures::executor::block_on;
use squall_core::code::CodeVersion;
use squall_core::data::NoData;
use squall_core::digest::{Digest, Fingerprint};
use squall_core::job::JobId;
use squall_core::ports::{Assembled, JobStore};
use squall_core::rows::{JobRow, Published, Resent};
use squall_core::sizing::{Sizing, SizingReason};
use squall_core::sources::Given;
use squall_core::wire::{Message, ResultRecord, Stored, encode};
use squall_core::workload::Workload;
use squall_grid::{CollectConfig, InputCache, collect};
use squall_memory::Memory;
use squall_sim_time::{Random, SimulatedClock};
use squall_workloads::probe::{Input, Probe};

use crate::{median, row, seconds};

/// A memory with a stopped clock.
type Ports = Assembled<SimulatedClock, (), Memory, Memory, (), (), (), Memory>;

const N_TASKS: u32 = 200_000;
const BATCH: usize = 1_000;

pub(crate) fn merges() {
    let mut rates = Vec::new();
    let mut decode_rates = Vec::new();
    for _ in 0..5 {
        let (ports, records) = job();
        let inputs = InputCache::new(squall_workloads::registry());
        let n_records = records.len();
        let taken_s = seconds(|| {
            for batch in records.chunks(BATCH) {
                let collected = block_on(collect(&ports, &inputs, &CollectConfig::default(), batch));
                assert!(collected.failed.is_empty());
            }
        });
        let row = block_on(ports.job(&id())).expect("memory answers").expect("the job is there");
        assert_eq!(row.status().to_string(), "complete");
        let decoded_s = seconds(|| {
            for record in &records {
                std::hint::black_box(ResultRecord::from_bytes(record).expect("a record decodes"));
            }
        });
        let n_records = f64::from(u32::try_from(n_records).expect("few records"));
        rates.push(n_records / taken_s);
        decode_rates.push(n_records / decoded_s);
    }
    let (rate, decode) = (median(rates), median(decode_rates));
    row(
        "results through one collector, 30 % duplicates",
        &format!("{rate:.0}/s"),
        &format!("decoding alone {decode:.0}/s"),
        rate / decode,
    );
}

fn id() -> JobId {
    JobId::new("bench").expect("an id")
}

/// A job with all of its results, three in ten twice, in random order.
fn job() -> (Ports, Vec<Vec<u8>>) {
    let input = Input { units: u64::from(N_TASKS), rounds: 0, failing_unit: None, hanging_unit: None };
    let prepared = Probe::prepare(input, &Given::default()).expect("a probe checks");
    let whole = Probe::whole(&prepared);
    let parts = std::num::NonZeroUsize::new(N_TASKS as usize).expect("some tasks");
    let slices = Probe::divide(&prepared, &whole, parts);
    let mut fingerprints = Fingerprint::default();
    let mut records = Vec::new();
    let mut random = Random::new(1);
    for (index, slice) in (0..).zip(&slices) {
        let bytes = encode(slice);
        let fingerprint = Fingerprint::of_task(id().as_str(), Digest::of(b""), index, 1, &bytes);
        fingerprints = fingerprints.plus(fingerprint);
        let partial = Probe::evaluate(&prepared, slice, &mut NoData).expect("a probe has a value");
        let result = ResultRecord {
            job: id(),
            index,
            fingerprint,
            weight: Probe::weight(&prepared, slice),
            partial: Some(Stored::Inline(encode(&partial))),
            failures: Vec::new(),
            receipt: Default::default(),
            times: Default::default(),
            spans: Default::default(),
        };
        for _ in 0..1 + u64::from(random.chance(300)) {
            records.push(result.to_bytes());
        }
    }
    for i in (1..records.len()).rev() {
        records.swap(i, usize::try_from(random.below(i as u64 + 1)).expect("an index"));
    }
    let published = Published {
        workload: "probe".to_owned(),
        code: CodeVersion::unnamed(1),
        input: Digest::of(b""),
        sizing: Sizing { n_tasks: N_TASKS, subtasks_per_task: 1, subtask_us: 1, reason: SizingReason::Asked },
        n_tasks: N_TASKS,
        weight: Probe::weight(&prepared, &whole),
        fingerprints,
        n_buckets: 4,
        generation: 0,
        lifetime_us: u64::MAX,
        resent: Resent::default(),
        is_large: false,
    };
    let row = JobRow {
        id: id(),
        message: Digest::of(b""),
        created_us: 0,
        expires_us: u64::MAX,
        max_cost: None,
        published: Some(published),
        enqueued: true,
        progress: Default::default(),
        ending: None,
        announced: false,
    };
    let memory = Arc::new(Memory::new(1, 1, 1));
    let ports = Ports {
        clock: Arc::new(SimulatedClock::default()),
        files: Arc::default(),
        blobs: Arc::clone(&memory),
        jobs: Arc::clone(&memory),
        tasks: Arc::default(),
        results: Arc::default(),
        workers: Arc::default(),
        events: memory,
    };
    block_on(ports.create_job(&row)).expect("memory answers");
    (ports, records)
}
