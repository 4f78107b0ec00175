//! A workload outside Squall: how many lines there are in objects of any number and size.

use std::fmt;
use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use squall_core::data::{Borders, Data, Extent};
use squall_core::registry::Registry;
use squall_core::sources::{Given, Source};
use squall_core::workload::{Coverage, EvaluateError, InputError, Weight, Workload};

/// What the binaries of this crate can run.
pub fn registry() -> Registry {
    Registry::default().with::<CountLines>()
}

/// Counts line feeds.
pub struct CountLines;

/// The `input` of a job.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// A folder, a file or `s3://bucket/prefix`.
    pub objects: String,
}

/// Some bytes of the objects, laid end to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bytes {
    from: u64,
    to: u64,
}

/// What was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counted {
    bytes: u64,
    lines: u64,
}

/// The answer.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Objects in the job.
    pub objects: u64,
    /// Bytes in the job.
    pub bytes: u64,
    /// Bytes that were read.
    pub bytes_read: u64,
    /// Line feeds in them.
    pub lines: u64,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { objects, bytes, bytes_read, lines } = self;
        writeln!(f, "{lines} lines in {bytes_read} of {bytes} bytes, {objects} objects")
    }
}

impl Workload for CountLines {
    const NAME: &'static str = "count-lines";
    const VERSION: u32 = 1;
    const ABOUT: &'static str = "Counts the lines of files or S3 objects.";
    type Input = Input;
    type Prepared = (u64, u64);
    type Slice = Bytes;
    type Partial = Counted;
    type Report = Report;

    fn input_schema() -> Value {
        json!({
            "type": "object",
            "additionalProperties": false,
            "required": ["objects"],
            "properties": { "objects": { "type": "string", "description": "a folder, a file or s3://bucket/prefix" } }
        })
    }

    fn sources(input: &Input) -> Vec<Source> {
        vec![Source::Objects(input.objects.clone())]
    }

    fn prepare(_: Input, given: &Given) -> Result<(u64, u64), InputError> {
        let counts = given.listings.first().map(|listing| (listing.n_objects(), listing.n_bytes()));
        counts.filter(|(_, n_bytes)| *n_bytes > 0).ok_or_else(|| {
            InputError::new("input.objects", "there is nothing to read; expected at least one byte")
        })
    }

    fn whole(&(_, n_bytes): &(u64, u64)) -> Bytes {
        Bytes { from: 0, to: n_bytes }
    }

    /// A byte takes about a nanosecond, most of it to be read.
    fn weight(_: &(u64, u64), slice: &Bytes) -> Weight {
        slice.to - slice.from
    }

    fn divide(_: &(u64, u64), slice: &Bytes, parts: NonZeroUsize) -> Vec<Bytes> {
        let n_bytes = slice.to - slice.from;
        let parts = (parts.get() as u64).min(n_bytes).max(1);
        let at = |part: u64| {
            let offset = u128::from(n_bytes) * u128::from(part) / u128::from(parts);
            slice.from + u64::try_from(offset).unwrap_or(n_bytes)
        };
        (0..parts).map(|part| Bytes { from: at(part), to: at(part + 1) }).collect()
    }

    fn reads(_: &(u64, u64), &Bytes { from, to }: &Bytes) -> Vec<Extent> {
        vec![Extent { source: 0, from, to, borders: Borders::Exact }]
    }

    fn evaluate(_: &(u64, u64), _: &Bytes, data: &mut dyn Data) -> Result<Counted, EvaluateError> {
        let mut counted = Counted::default();
        while data.next_part()?.is_some() {
            while let Some(chunk) = data.next_chunk()? {
                counted.bytes += chunk.len() as u64;
                counted.lines += chunk.iter().filter(|&&byte| byte == b'\n').count() as u64;
            }
        }
        Ok(counted)
    }

    /// A worker can only have counted the bytes of its slice, but those of the parts that failed.
    fn check_partial(
        _: &(u64, u64),
        slice: &Bytes,
        counted: &Counted,
        failed: &[Bytes],
    ) -> Result<(), String> {
        let mut expected = slice.to.saturating_sub(slice.from);
        for part in failed {
            if part.from < slice.from || part.from > part.to || part.to > slice.to {
                return Err("the slice has no such part".to_owned());
            }
            expected = expected.saturating_sub(part.to.saturating_sub(part.from));
        }
        let fits = counted.bytes == expected && counted.lines <= counted.bytes;
        if fits { Ok(()) } else { Err(format!("it has {} of {expected} bytes", counted.bytes)) }
    }

    fn merge(into: &mut Counted, other: Counted) {
        into.bytes += other.bytes;
        into.lines += other.lines;
    }

    fn report(&(objects, bytes): &(u64, u64), partial: Option<&Counted>, _: &Coverage) -> Report {
        let Counted { bytes: bytes_read, lines } = partial.copied().unwrap_or_default();
        Report { objects, bytes, bytes_read, lines }
    }

    fn units(&(_, n_bytes): &(u64, u64)) -> (u64, &'static str) {
        (n_bytes, "bytes")
    }
}

#[cfg(test)]
mod tests;
