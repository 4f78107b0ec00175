//! The contracts of the ports, in memory or on AWS: one suite per port.
//!
//! Each suite takes a name that was never used before in the port's storage, so it can be run against a shared table,
//! and repeatedly. It returns the first broken promise.

use std::collections::BTreeMap;
use std::fmt::Debug;

use roaring::RoaringBitmap;
use squall_core::digest::Digest;
use squall_core::job::JobId;
use squall_core::ports::{BlobStore, Clock, ObjectPages, Objects, PortError, chain};
use squall_core::prices::NanoUsd;
use squall_core::receipt::{Receipt, Timeline};
use squall_core::rows::{Ending, JobRow, JobStatus};
use squall_core::sources::Object;
use squall_core::wire::Failure;
use squall_core::workload::Coverage;

pub mod fleet;
mod jobs;
mod queues;
mod workers;

pub use jobs::{job_list, job_store};
pub use queues::{Found, job_events, result_queue, task_queue};
pub use workers::{FAIL, workers};

/// A broken promise, in words.
pub type Broken = String;

/// The year 2100: a store may drop expired rows.
const CREATED_US: u64 = 4_102_444_800_000_000;

fn same<T: PartialEq + Debug>(promise: &str, found: &T, expected: &T) -> Result<(), Broken> {
    if found == expected { Ok(()) } else { Err(format!("{promise}: found {found:?}, expected {expected:?}")) }
}

fn done<T>(what: &str, result: Result<T, PortError>) -> Result<T, Broken> {
    result.map_err(|error| format!("{what}: {}", chain(&error)))
}

fn permanent<T: Debug>(what: &str, result: Result<T, PortError>) -> Result<(), Broken> {
    match result {
        Err(PortError::Permanent { .. }) => Ok(()),
        other => Err(format!("{what} is a permanent error: found {other:?}")),
    }
}

fn named(name: &str, what: &str) -> Result<JobId, Broken> {
    JobId::new(format!("{name}.{what}")).map_err(|error| error.to_string())
}

fn row(id: &JobId) -> JobRow {
    JobRow {
        id: id.clone(),
        message: Digest::of(id.as_str().as_bytes()),
        created_us: CREATED_US,
        expires_us: CREATED_US + 60_000_000,
        max_cost: Some(NanoUsd(7)),
        published: None,
        enqueued: false,
        progress: BTreeMap::new(),
        ending: None,
        announced: false,
    }
}

fn ending(status: JobStatus) -> Ending {
    let failure = Failure {
        task: 3,
        subtask: 1,
        slice: vec![0, 255, 128],
        weight: u64::MAX,
        attempts: 4,
        reason: "crashed: “ü”\n".to_owned(),
        cause: Default::default(),
    };
    Ending {
        status,
        reason: Some("time ran out".to_owned()),
        coverage: Coverage { weight_done: 1, weight_total: u64::MAX },
        missing: RoaringBitmap::from_iter([0, 7, u32::MAX]),
        failures: vec![failure],
        answer: vec![Digest::of(b"answer")],
        receipt: Receipt { worker_mb_us: u64::MAX, ..Receipt::default() },
        timeline: Timeline { first_merged_us: 5, ..Timeline::default() },
        ended_us: CREATED_US + 50_000_000,
    }
}

/// Content by its digest.
///
/// # Errors
/// The first broken promise.
pub async fn blob_store(store: &impl BlobStore, name: &str) -> Result<(), Broken> {
    for bytes in [format!("{name}: blob").into_bytes(), vec![0; 1 << 20], Vec::new()] {
        let digest = Digest::of(&bytes);
        done("put a blob", store.put_blob(digest, bytes.clone()).await)?;
        done("put a blob again", store.put_blob(digest, bytes.clone()).await)?;
        let found = done("read a blob", store.blob(digest).await)?;
        same("a blob is what was put", &Digest::of(&found), &digest)?;
    }
    permanent(
        "reading a blob that was never put",
        store.blob(Digest::of(format!("{name}: nothing").as_bytes())).await,
    )
}

/// Files and objects, one of which exists at `known` with this content, and is alone below it.
///
/// # Errors
/// The first broken promise.
pub async fn objects(store: &impl Objects, known: &str, content: &[u8]) -> Result<(), Broken> {
    let found = done("read a file", store.read(known).await)?;
    same("a file is what was written", &Digest::of(&found), &Digest::of(content))?;
    permanent("reading a file that is not there", store.read(&format!("{known}.nowhere")).await)?;

    let object = done("look for an object", store.stat(known).await)?;
    same("an object has its location", &object.name.as_str(), &known)?;
    same("an object has its size", &object.bytes, &(content.len() as u64))?;
    permanent("looking for what is not there", store.stat(&format!("{known}.nowhere")).await)?;
    let mut pages = done("list objects", store.list(known).await)?;
    let listed = done("list a page", pages.next_page().await)?;
    same("a listing ends", &done("list behind the last page", pages.next_page().await)?.len(), &0)?;
    let locations: Vec<Object> = listed
        .into_iter()
        .map(|object| Object { name: format!("{}{}", pages.root(), object.name), ..object })
        .collect();
    same("an object is listed as it is", &locations, &vec![object.clone()])?;

    let third = object.bytes / 3;
    for range in [0..object.bytes, third..2 * third, object.bytes..object.bytes] {
        let expected = usize::try_from(range.start).ok().zip(usize::try_from(range.end).ok());
        let expected = expected.and_then(|(from, to)| content.get(from..to)).unwrap_or_default();
        let found = done("read a range", store.read_range(known, &object.etag, range).await)?;
        same("a range is that part of what was written", &Digest::of(&found), &Digest::of(expected))?;
    }
    permanent("reading an object of another ETag", store.read_range(known, "\"other\"", 0..1).await)
}

/// Time.
///
/// # Errors
/// The first broken promise.
pub async fn clock(clock: &impl Clock) -> Result<(), Broken> {
    let before_us = clock.now_us();
    clock.sleep_until(before_us).await;
    let until_us = clock.now_us() + 1_000;
    clock.sleep_until(until_us).await;
    let after_us = clock.now_us();
    if after_us < until_us { Err(format!("woke at {after_us} µs, before {until_us} µs")) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
