//! The answer so far, or the final one, for the person waiting for it.

use std::io;
use std::pin::pin;

use futures::stream::{self, StreamExt};
use squall_core::job::JobId;
use squall_core::ports::{BlobStore, JobStore, PortError};
use squall_core::registry::Rendered;
use squall_core::rows::JobRow;
use squall_core::wire::CodecError;
use squall_core::workload::Coverage;

use crate::close::{READS_AT_ONCE, read_and_merge_buckets};
use crate::inputs::{InputCache, LoadError, Prepared};

/// The current state of a job.
pub struct Observation {
    /// Its row.
    pub row: JobRow,
    /// The share of the job that is in the answer.
    pub coverage: Coverage,
    partial: Option<Vec<u8>>,
    prepared: Option<Prepared>,
}

impl Observation {
    /// The report; `None` for a job that was rejected.
    pub fn report(&self) -> Option<Rendered> {
        self.prepared.as_ref()?.report(self.partial.as_deref(), &self.coverage).ok()
    }

    /// Writes the answer's rows as CSV; whether it has any.
    ///
    /// # Errors
    /// When the answer cannot be read, or `out` fails.
    pub fn write_rows(&self, out: &mut dyn io::Write) -> io::Result<bool> {
        let Some(prepared) = &self.prepared else { return Ok(false) };
        prepared.write_rows(self.partial.as_deref(), out)
    }

    /// The encoded partial of the answer, for a caller that knows the workload.
    pub fn partial(&self) -> Option<&[u8]> {
        self.partial.as_deref()
    }

    /// The size of the whole job in units of work, and the name of the unit.
    pub fn units(&self) -> Option<(u64, &str)> {
        self.prepared.as_ref().map(|prepared| prepared.units())
    }

    /// The answer so far in a few words.
    pub fn headline(&self) -> Option<String> {
        self.prepared.as_ref()?.headline(self.partial.as_deref()?).ok()?
    }
}

/// Looks at a job: at its ending if it has one, at its buckets otherwise. `None` for an unknown job.
///
/// # Errors
/// When a port fails or the input cannot be loaded.
pub async fn observe<P: JobStore + BlobStore>(
    ports: &P,
    inputs: &InputCache,
    id: &JobId,
) -> Result<Option<Observation>, LoadError> {
    let Some(row) = ports.job(id).await? else { return Ok(None) };
    let Some(published) = &row.published else {
        return Ok(Some(Observation { row, coverage: Coverage::default(), partial: None, prepared: None }));
    };
    let workload = inputs.registry().reading(&published.workload, &published.code)?;
    let (coverage, partial) = match &row.ending {
        Some(ending) => {
            let partial = match ending.answer.as_slice() {
                [] => None,
                [whole] => Some(ports.blob(*whole).await?),
                parts => {
                    let mut merger = workload.merger();
                    let mut read =
                        pin!(stream::iter(parts).map(|part| ports.blob(*part)).buffered(READS_AT_ONCE));
                    while let Some(part) = read.next().await {
                        let unreadable = |error: CodecError| {
                            PortError::permanent(format!("a part of the answer: {error}"))
                        };
                        merger.add(&part?).map_err(unreadable)?;
                    }
                    merger.finish()
                }
            };
            (ending.coverage, partial)
        }
        None => {
            let (received, partial) =
                read_and_merge_buckets(ports, workload.as_ref(), &row, published).await?;
            (received.coverage(published), partial)
        }
    };
    let prepared = Some(inputs.get(ports, published.input).await?);
    Ok(Some(Observation { row, coverage, partial, prepared }))
}
