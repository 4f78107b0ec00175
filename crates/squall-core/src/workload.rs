//! The idea at the heart of the grid: a computation that can be cut into slices.

use std::fmt;
use std::io;
use std::num::NonZeroUsize;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::data::{Data, Extent};
use crate::sources::{Given, Source};
use crate::visible::{message, on_one_line, shortened, visible};

/// Estimated cost of a slice: nanoseconds of one vCPU, as the workload's author expects them.
///
/// Weights are only ever compared and added, so an estimate that is wrong by a constant factor costs nothing but a
/// subtask duration that is off by the same factor.
pub type Weight = u64;

/// A computation that can be cut into independent pieces.
///
/// The laws, which [`crate::laws`] checks for every workload that ships:
///
/// * *conservation*: [`divide`](Workload::divide) covers the slice exactly once and the weights add up;
/// * *homomorphism*: merging the evaluated parts equals evaluating the whole, bit for bit;
/// * *merge* is associative and commutative, bit for bit;
/// * slices and partials survive their encoding, and equal partials have equal encodings.
///
/// So the answer depends on the job alone: not on how it was cut, retried, duplicated or reordered. Money is summed
/// in fixed point, and random streams are keyed by what is computed, never by who computes it.
///
/// `weight` and `divide` see the prepared input, because a fair cut needs to know what a piece costs.
pub trait Workload: Send + Sync + 'static {
    /// The name that jobs use, in kebab-case.
    const NAME: &'static str;
    /// The version of this computation. Raise it whenever a slice, a partial or a number of the same job may come out
    /// differently than before: two versions never meet in one job.
    const VERSION: u32;
    /// The oldest version whose inputs and partials this one still reads: jobs of that version and later ones can be looked at. This
    /// version alone by default.
    const READS_SINCE: u32 = Self::VERSION;
    /// Whether [`write_rows`](Workload::write_rows) writes the answer.
    const HAS_ROWS: bool = false;
    /// One sentence for the list of workloads.
    const ABOUT: &'static str;

    /// The `input` object of a job, as its author writes it. Unknown fields must be refused.
    type Input: DeserializeOwned;
    /// The input loaded, checked and indexed; made once per process.
    type Prepared: Send + Sync + 'static;
    /// A part of the work; small.
    type Slice: Serialize + DeserializeOwned + Clone + PartialEq + fmt::Debug;
    /// The value of a slice.
    type Partial: Serialize + DeserializeOwned + Clone + PartialEq + fmt::Debug + Send + 'static;
    /// The report to the author of the job: `Display` for people, `Serialize` for programs.
    type Report: Serialize + fmt::Display;

    /// JSON Schema of `Input`.
    fn input_schema() -> serde_json::Value;

    /// The files and objects that the input names: files to load whole, and objects to list.
    fn sources(input: &Self::Input) -> Vec<Source>;

    /// Loads and checks the input. `given` holds the files and the listings that [`sources`](Workload::sources) named.
    ///
    /// # Errors
    /// The first error: its place, the problem, and what was expected.
    fn prepare(input: Self::Input, given: &Given) -> Result<Self::Prepared, InputError>;

    /// Checks what can be told when only some of the named files are given, because the others are elsewhere; nothing by default.
    ///
    /// # Errors
    /// The first error that no other file would cure.
    fn check_some(_input: Self::Input, _given: &Given) -> Result<(), InputError> {
        Ok(())
    }

    /// The entire job.
    fn whole(prepared: &Self::Prepared) -> Self::Slice;

    /// Estimated cost of a slice.
    fn weight(prepared: &Self::Prepared, slice: &Self::Slice) -> Weight;

    /// Cuts a slice into at most `parts` non-empty pieces of roughly equal weight; at least one piece.
    fn divide(prepared: &Self::Prepared, slice: &Self::Slice, parts: NonZeroUsize) -> Vec<Self::Slice>;

    /// The extents that a slice reads of the input's objects; none by default. Slices may overlap in what they read.
    fn reads(_prepared: &Self::Prepared, _slice: &Self::Slice) -> Vec<Extent> {
        Vec::new()
    }

    /// Evaluates a slice. `data` yields the extents of [`reads`](Workload::reads).
    ///
    /// # Errors
    /// A reason for a person; evaluating the same slice again must fail the same way. An error of `data` is passed on
    /// with `?`: the grid knows whether another attempt may succeed.
    fn evaluate(
        prepared: &Self::Prepared,
        slice: &Self::Slice,
        data: &mut dyn Data,
    ) -> Result<Self::Partial, EvaluateError>;

    /// Evaluates a slice of which some parts may fail and the others have a value. By default it has one value or none.
    ///
    /// # Errors
    /// As [`evaluate`](Workload::evaluate), when nothing of the slice has a value.
    fn evaluate_parts(
        prepared: &Self::Prepared,
        slice: &Self::Slice,
        data: &mut dyn Data,
    ) -> Result<Evaluated<Self::Partial, Self::Slice>, EvaluateError> {
        Self::evaluate(prepared, slice, data).map(Evaluated::whole)
    }

    /// Checks that a partial can be the value of a slice: of all of it but the `failed` parts. A consumer asks before it merges what a
    /// worker sent, so that whatever a worker is, it can say nothing about the rest of the job. By default every partial passes; a
    /// workload whose partials carry what they cover should compare it. [`laws::check_partials`](crate::laws::check_partials) tests it.
    ///
    /// # Errors
    /// What does not fit; a part that is not of the slice.
    fn check_partial(
        _prepared: &Self::Prepared,
        _slice: &Self::Slice,
        _partial: &Self::Partial,
        _failed: &[Self::Slice],
    ) -> Result<(), String> {
        Ok(())
    }
    /// Adds one partial to another.
    fn merge(into: &mut Self::Partial, other: Self::Partial);

    /// The answer, or the answer so far: `partial` is `None` before the first result.
    fn report(
        prepared: &Self::Prepared,
        partial: Option<&Self::Partial>,
        coverage: &Coverage,
    ) -> Self::Report;

    /// Writes the answer as rows of CSV with a header: what a spreadsheet or a data frame takes. Only called if it
    /// [`HAS_ROWS`](Workload::HAS_ROWS).
    ///
    /// # Errors
    /// When `out` fails.
    fn write_rows(
        _prepared: &Self::Prepared,
        _partial: Option<&Self::Partial>,
        _out: &mut dyn io::Write,
    ) -> io::Result<()> {
        Ok(())
    }

    /// The size of the whole job, in its author's units of work: `(10_000_000, "valuations")`.
    fn units(prepared: &Self::Prepared) -> (u64, &'static str);

    /// About the memory that the partial of a slice takes while another is merged into it, bytes; little by default. Jobs are cut so
    /// that the parts fit, and a deployment refuses what its functions cannot hold.
    fn value_bytes(_prepared: &Self::Prepared, _slice: &Self::Slice) -> u64 {
        0
    }

    /// About the memory that the prepared input takes, bytes. By default 0: then it is taken for six times what was sent.
    fn prepared_bytes(_prepared: &Self::Prepared) -> u64 {
        0
    }

    /// What the author of the job should know of its input before anything is computed, a line each: what is valid and hardly meant.
    /// They follow from the input alone; none by default. A report that repeats them does so by itself.
    fn notes(_prepared: &Self::Prepared) -> Vec<String> {
        Vec::new()
    }

    /// The answer so far in a few words, for a line of progress; cheap.
    fn headline(_prepared: &Self::Prepared, _partial: &Self::Partial) -> Option<String> {
        None
    }
}

/// The value of a slice, of all of it but the parts that failed.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluated<P, S> {
    /// The value of the other parts.
    pub partial: P,
    /// The parts without a value, and why; disjoint, and not all of the slice. A failed job names each, so there should be few.
    pub failed: Vec<(S, String)>,
}

impl<P, S> Evaluated<P, S> {
    /// The value of a slice of which no part failed.
    pub fn whole(partial: P) -> Self {
        Self { partial, failed: Vec::new() }
    }
}

/// An error in an input: its place, the problem, and what was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct InputError {
    /// A field's path (`input.market.curves.USD[2].rate`) or a file's place (`positions.csv:12:5 (strike)`).
    pub place: String,
    /// The problem and what was expected; lowercase, no final period.
    pub problem: String,
}

/// Most characters of a place, and of a problem: with what comes between them at most 2,000.
const MAX_PLACE_CHARS: usize = 200;
/// Most characters of a field's or a file's name in a place.
const MAX_PART_CHARS: usize = 60;
const MAX_PROBLEM_CHARS: usize = 1_790;

impl InputError {
    /// An error at `place`. Either may quote the input, whoever wrote that: what cannot be seen is escaped, and of what is too long the
    /// beginning and the end are kept.
    pub fn new(place: impl Into<String>, problem: impl Into<String>) -> Self {
        let names = on_one_line(&place.into());
        let names = names.split_inclusive(['.', ':', '/', '(', '[', ' ']);
        let place: String = names.map(|name| shortened(name, MAX_PART_CHARS)).collect();
        Self {
            place: shortened(&place, MAX_PLACE_CHARS).into_owned(),
            problem: message(&visible(&problem.into()), MAX_PROBLEM_CHARS),
        }
    }
}

/// Why a slice has no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct EvaluateError(pub String);

/// The share of a job that is in an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Coverage {
    /// Weight whose value is in the answer.
    pub weight_done: Weight,
    /// Weight of the whole job.
    pub weight_total: Weight,
}

impl Coverage {
    /// Whether everything is in the answer.
    pub fn is_whole(&self) -> bool {
        self.weight_done == self.weight_total
    }

    /// Share of the job's weight that is in the answer, 0 to 1.
    #[expect(clippy::cast_precision_loss, reason = "a share for people and thresholds")]
    pub fn share(&self) -> f64 {
        if self.is_whole() { 1.0 } else { self.weight_done as f64 / self.weight_total as f64 }
    }
}
