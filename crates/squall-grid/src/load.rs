//! Loads the input of a job: the files that it names whole, the objects as listings, page by page.

use std::pin::pin;

use futures::stream::{self, StreamExt};
use squall_core::bundle::Bundle;
use squall_core::digest::Digest;
use squall_core::job::{Job, brief};
use squall_core::ports::{BlobStore, ObjectPages, Objects, PortError, chain};
use squall_core::registry::AnyWorkload;
use squall_core::sizing::MemoryLimits;
use squall_core::sources::{Given, Listing, ListingBuilder, Source};
use squall_core::workload::InputError;

use crate::inputs::{InputCache, Prepared};
use crate::split::Rejection;

/// Discards the pages of a listing that is only checked.
pub(crate) struct NoBlobs;

impl BlobStore for NoBlobs {
    async fn put_blob(&self, _: Digest, _: Vec<u8>) -> Result<(), PortError> {
        Ok(())
    }

    async fn blob(&self, digest: Digest) -> Result<Vec<u8>, PortError> {
        Err(PortError::permanent(format!("there is no blob {digest}")))
    }
}

/// The input of a job, with the files and objects that it names: files whole, listings as pages in `blobs`.
pub(crate) async fn load<P: Objects>(
    ports: &P,
    blobs: &impl BlobStore,
    inputs: &InputCache,
    job: &Job,
    memory: Option<&MemoryLimits>,
) -> Result<(Prepared, Bundle), Rejection> {
    let workload = inputs.registry().get(&job.workload)?;
    let mut given = Given { room_bytes: memory.map(|memory| memory.prepared_bytes), ..Given::default() };
    let sources = sources_of(workload.as_ref(), job)?;
    if let Some(memory) = memory {
        check_files(ports, job, &sources, memory).await?;
    }
    for source in sources {
        let name = source.name();
        let place = place_of(job, &source);
        let fault = |error| fault(&source, error);
        match &source {
            Source::File(_) => {
                let content = ports.read(place).await.map_err(fault)?;
                given.files.insert(name.to_owned(), content);
            }
            Source::Objects(_) => {
                given.listings.push(list(ports, blobs, name, place).await.map_err(fault)?);
            }
            Source::ObjectList(_) => {
                let content = ports.read(place).await.map_err(fault)?;
                given.listings.push(list_named(ports, blobs, name, &content).await.map_err(fault)?);
            }
        }
    }
    let bundle = Bundle { workload: job.workload.clone(), input_json: job.input_json.clone(), given };
    let prepared = workload.prepare(&bundle)?;
    if let Some(memory) = memory {
        memory.check_prepared(prepared.prepared_bytes())?;
    }
    Ok((prepared, bundle))
}

/// Checks the files of which `is_here` says so by their location, and what can be told without the others.
pub(crate) async fn check_some<P: Objects>(
    ports: &P,
    inputs: &InputCache,
    job: &Job,
    memory: Option<&MemoryLimits>,
    is_here: impl Fn(&str) -> bool,
) -> Result<(), Rejection> {
    let workload = inputs.registry().get(&job.workload)?;
    let mut sources = sources_of(workload.as_ref(), job)?;
    sources.retain(|source| is_here(place_of(job, source)));
    if let Some(memory) = memory {
        check_files(ports, job, &sources, memory).await?;
    }
    let mut given = Given { room_bytes: memory.map(|memory| memory.prepared_bytes), ..Given::default() };
    for source in sources {
        // Objects are not read by whoever publishes, and what a list names may be anywhere.
        if matches!(source, Source::Objects(_)) {
            continue;
        }
        let content = ports.read(place_of(job, &source)).await.map_err(|error| fault(&source, error))?;
        if matches!(source, Source::File(_)) {
            given.files.insert(source.name().to_owned(), content);
        }
    }
    let bundle = Bundle { workload: job.workload.clone(), input_json: job.input_json.clone(), given };
    Ok(workload.check_some(&bundle)?)
}

/// The files and objects that a job's input names; no location may be given for any other name.
fn sources_of(workload: &dyn AnyWorkload, job: &Job) -> Result<Vec<Source>, InputError> {
    let sources = workload.sources(&job.input_json)?;
    match job.files.keys().find(|name| sources.iter().all(|it| it.name() != name.as_str())) {
        Some(stray) => {
            Err(InputError::new("files", format!("{}; the input names no such file", brief(stray))))
        }
        None => Ok(sources),
    }
}

/// The location of what an input names.
fn place_of<'a>(job: &'a Job, source: &'a Source) -> &'a str {
    job.files.get(source.name()).map_or(source.name(), String::as_str)
}

/// A failure to read a source: the job's own fault if it will always fail.
fn fault(source: &Source, error: PortError) -> Rejection {
    let (name, kind) = (source.name(), if matches!(source, Source::Objects(_)) { "objects" } else { "file" });
    match error {
        error @ PortError::Permanent { .. } => {
            InputError::new(format!("input, {kind} {name:?}"), chain(&error)).into()
        }
        error => error.into(),
    }
}

/// Holds the size of all files against the functions' memory before any is read: a function that runs out of memory cannot report why.
async fn check_files<P: Objects>(
    ports: &P,
    job: &Job,
    sources: &[Source],
    memory: &MemoryLimits,
) -> Result<(), Rejection> {
    let mut bytes = job.input_json.len() as u64;
    for source in sources {
        let (Source::File(_) | Source::ObjectList(_)) = source else { continue };
        let found = match ports.stat(place_of(job, source)).await {
            Ok(found) => found,
            // Reading it says so, with its name.
            Err(PortError::Permanent { .. }) => continue,
            Err(error) => return Err(error.into()),
        };
        bytes = bytes.saturating_add(found.bytes);
        memory.check_files(bytes)?;
    }
    Ok(())
}

/// Lists the objects below a prefix, page by page.
async fn list<P: Objects>(
    ports: &P,
    blobs: &impl BlobStore,
    name: &str,
    place: &str,
) -> Result<Listing, PortError> {
    let mut pages = ports.list(place).await?;
    let mut builder = ListingBuilder::new(name, pages.root());
    loop {
        let objects = pages.next_page().await?;
        if objects.is_empty() {
            break;
        }
        for object in objects {
            if let Some((digest, page)) = builder.add(object) {
                blobs.put_blob(digest, page).await?;
            }
        }
    }
    finish(blobs, builder).await
}

/// Looks up the objects listed in a file, one location per line, in the order of the file.
async fn list_named<P: Objects>(
    ports: &P,
    blobs: &impl BlobStore,
    name: &str,
    content: &[u8],
) -> Result<Listing, PortError> {
    /// Look-ups in flight at the same time.
    const AT_ONCE: usize = 64;
    let text = std::str::from_utf8(content)
        .map_err(|error| PortError::permanent(format!("the list of objects is not UTF-8: {error}")))?;
    let locations = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let mut objects = pin!(stream::iter(locations).map(|it| ports.stat_listed(it)).buffered(AT_ONCE));
    let mut builder = ListingBuilder::new(name, "");
    while let Some(object) = objects.next().await {
        if let Some((digest, page)) = builder.add(object?) {
            blobs.put_blob(digest, page).await?;
        }
    }
    finish(blobs, builder).await
}

async fn finish(blobs: &impl BlobStore, builder: ListingBuilder) -> Result<Listing, PortError> {
    let (listing, last) = builder.finish();
    if let Some((digest, page)) = last {
        blobs.put_blob(digest, page).await?;
    }
    Ok(listing)
}
