//! Workloads by name, with their types erased: the grid moves bytes and never interprets them.

use std::collections::BTreeMap;
use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;

use serde_json::Value;

use crate::bundle::Bundle;
use crate::code::{CodeId, CodeVersion, OtherCode};
use crate::data::{Data, Extent};
use crate::job;
use crate::sources::{Listing, Source};
use crate::visible::in_backticks;
use crate::wire::{CodecError, FailedPiece};
use crate::workload::{Coverage, EvaluateError, Evaluated, InputError, Weight, Workload};

mod erased;

use erased::Erased;

/// The workloads that a binary can run, and its build.
///
/// ```no_run
/// use squall_core::registry::Registry;
/// # fn workloads() -> Registry { Registry::default() }
///
/// let registry = workloads().built_as("0.2.0 (0a1b2c3d4e5f)");
/// # drop(registry);
/// ```
#[derive(Clone, Default)]
pub struct Registry {
    build: String,
    workloads: BTreeMap<String, Entry>,
}

#[derive(Clone)]
struct Entry {
    workload: Arc<dyn AnyWorkload>,
    code: CodeId,
}

impl Registry {
    /// The registry with one more workload.
    #[must_use]
    pub fn with<W: Workload>(self) -> Self {
        self.with_evaluator::<W>(W::evaluate_parts)
    }

    /// The registry with one more workload, whose slices `evaluate` evaluates: for what is computed outside of this process. It replaces
    /// one of the same name.
    #[must_use]
    pub fn with_evaluator<W: Workload>(
        self,
        evaluate: impl Fn(
            &W::Prepared,
            &W::Slice,
            &mut dyn Data,
        ) -> Result<Evaluated<W::Partial, W::Slice>, EvaluateError>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        self.with_dyn(Arc::new(Erased::<W>::new(Arc::new(evaluate))))
    }

    /// The registry with one more workload, of whose jobs it takes those whose input `accept` accepts: for what depends on where they
    /// are to run. Nothing is read for another. It replaces one of the same name.
    #[must_use]
    pub fn with_accepted<W: Workload>(
        self,
        accept: impl Fn(&W::Input) -> Result<(), InputError> + Send + Sync + 'static,
    ) -> Self {
        self.with_dyn(Arc::new(Erased::<W>::accepting(Box::new(accept))))
    }

    /// The registry with one more workload, whose name may be computed at run time. It replaces one of the same name.
    #[must_use]
    pub fn with_dyn(mut self, workload: Arc<dyn AnyWorkload>) -> Self {
        let name = workload.name().to_owned();
        let code = CodeVersion { workload: workload.version(), build: self.build.clone() }.id();
        self.workloads.insert(name, Entry { workload, code });
        self
    }

    /// The same workloads, in a build of this name. Jobs of another build are refused.
    #[must_use]
    pub fn built_as(mut self, build: impl Into<String>) -> Self {
        self.build = build.into();
        for entry in self.workloads.values_mut() {
            entry.code = CodeVersion { workload: entry.workload.version(), build: self.build.clone() }.id();
        }
        self
    }

    /// The name of the build.
    pub fn build(&self) -> &str {
        &self.build
    }

    fn entry(&self, name: &str) -> Result<&Entry, InputError> {
        self.workloads.get(name).ok_or_else(|| {
            InputError::new(
                "workload",
                format!(
                    "{} is not a workload here; expected one of {}",
                    job::brief(name),
                    in_backticks(self.workloads.keys().map(String::as_str))
                ),
            )
        })
    }

    /// A workload by its name.
    ///
    /// # Errors
    /// Names the field `workload`, the value and the known names.
    pub fn get(&self, name: &str) -> Result<&Arc<dyn AnyWorkload>, InputError> {
        Ok(&self.entry(name)?.workload)
    }

    /// This binary's code for a workload.
    ///
    /// # Errors
    /// As [`get`](Registry::get).
    pub fn code_of(&self, name: &str) -> Result<CodeVersion, InputError> {
        let workload = self.entry(name)?.workload.version();
        Ok(CodeVersion { workload, build: self.build.clone() })
    }

    /// The workload, and this binary's code for it, as messages carry it.
    ///
    /// # Errors
    /// As [`get`](Registry::get).
    pub fn get_with_code(&self, name: &str) -> Result<(&Arc<dyn AnyWorkload>, CodeId), InputError> {
        let entry = self.entry(name)?;
        Ok((&entry.workload, entry.code))
    }

    /// The workload for a job that was made by `made`, for callers that only read its answer: its version has to be one that this
    /// one reads.
    ///
    /// # Errors
    /// When there is no such workload, or it does not read that version.
    pub fn reading(&self, name: &str, made: &CodeVersion) -> Result<&Arc<dyn AnyWorkload>, CodeError> {
        let workload = self.get(name)?;
        if (workload.reads_since()..=workload.version()).contains(&made.workload) {
            return Ok(workload);
        }
        Err(self.other(name, made))
    }

    /// The workload for a job that was made by `made`, for callers that cut or merge but do not compute: its version has
    /// to be the same, its build need not.
    ///
    /// # Errors
    /// When there is no such workload, or it is of another version.
    pub fn same_version(&self, name: &str, made: &CodeVersion) -> Result<&Arc<dyn AnyWorkload>, CodeError> {
        let workload = self.get(name)?;
        if workload.version() == made.workload {
            return Ok(workload);
        }
        Err(self.other(name, made))
    }

    /// The workload for a job that was made by `made`, for callers that compute or merge: version and build have to be
    /// the same.
    ///
    /// # Errors
    /// When there is no such workload, or its code differs.
    pub fn same_code(&self, name: &str, made: &CodeVersion) -> Result<&Arc<dyn AnyWorkload>, CodeError> {
        let workload = self.same_version(name, made)?;
        if self.build == made.build { Ok(workload) } else { Err(self.other(name, made)) }
    }

    fn other(&self, name: &str, made: &CodeVersion) -> CodeError {
        match self.code_of(name) {
            Ok(here) => OtherCode { workload: name.to_owned(), made: made.clone(), here }.into(),
            Err(error) => error.into(),
        }
    }

    /// All workloads, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<dyn AnyWorkload>> {
        self.workloads.values().map(|entry| &entry.workload)
    }
}

/// Why this binary does not take part in a job.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    /// It has no such workload.
    #[error(transparent)]
    Unknown(#[from] InputError),
    /// Its code differs from the code that made the job.
    #[error(transparent)]
    Other(#[from] OtherCode),
}

/// A workload without its types. Prefer implementing [`Workload`]: its laws are checked by
/// [`laws::check`](crate::laws::check). Implement this for workloads whose name is known only at run time.
pub trait AnyWorkload: Send + Sync {
    /// The name that jobs use.
    fn name(&self) -> &str;
    /// [`Workload::VERSION`].
    fn version(&self) -> u32;
    /// [`Workload::READS_SINCE`].
    fn reads_since(&self) -> u32 {
        self.version()
    }
    /// [`Workload::HAS_ROWS`].
    fn has_rows(&self) -> bool {
        false
    }
    /// [`Workload::ABOUT`].
    fn about(&self) -> &str;
    /// [`Workload::input_schema`].
    fn input_schema(&self) -> Value;
    /// The files and objects that a job's input names.
    ///
    /// # Errors
    /// When the input does not have the workload's shape.
    fn sources(&self, input_json: &str) -> Result<Vec<Source>, InputError>;
    /// [`Workload::prepare`].
    ///
    /// # Errors
    /// When the input is invalid.
    fn prepare(&self, bundle: &Bundle) -> Result<Arc<dyn AnyPrepared>, InputError>;
    /// [`Workload::check_some`].
    ///
    /// # Errors
    /// When the input is invalid whatever is in the files that are not given.
    fn check_some(&self, _bundle: &Bundle) -> Result<(), InputError> {
        Ok(())
    }
    /// An empty accumulator of encoded partials; needs no input.
    fn merger(&self) -> Box<dyn Merger>;
}

/// A prepared input without its types.
pub trait AnyPrepared: Send + Sync {
    /// The whole job as one piece.
    fn whole(&self) -> Piece;
    /// A slice cut into at most `parts` pieces.
    ///
    /// # Errors
    /// When the bytes are not a slice.
    fn divide(&self, slice: &[u8], parts: NonZeroUsize) -> Result<Vec<Piece>, CodecError>;
    /// The objects that the input names, in the order in which extents index them.
    fn listings(&self) -> &[Listing];
    /// The extents of them that a slice reads.
    ///
    /// # Errors
    /// When the bytes are not a slice.
    fn reads(&self, slice: &[u8]) -> Result<Vec<Extent>, CodecError>;
    /// A slice's encoded partial, and the parts of the slice that are not in it.
    ///
    /// # Errors
    /// The workload's own reason, or bytes that are not a slice.
    fn evaluate(&self, slice: &[u8], data: &mut dyn Data) -> Result<Evaluation, EvaluateError>;
    /// An empty accumulator of what workers send.
    fn replies(&self) -> Box<dyn ReplyMerger + '_>;
    /// The answer for people and for programs.
    ///
    /// # Errors
    /// When the bytes are not a partial.
    fn report(&self, partial: Option<&[u8]>, coverage: &Coverage) -> Result<Rendered, CodecError>;
    /// [`Workload::write_rows`]; whether it has any.
    ///
    /// # Errors
    /// When the bytes are not a partial, or `out` fails.
    fn write_rows(&self, _partial: Option<&[u8]>, _out: &mut dyn io::Write) -> io::Result<bool> {
        Ok(false)
    }
    /// [`Workload::units`].
    fn units(&self) -> (u64, &str);
    /// [`Workload::value_bytes`].
    ///
    /// # Errors
    /// When the bytes are not a slice.
    fn value_bytes(&self, slice: &[u8]) -> Result<u64, CodecError>;
    /// [`Workload::prepared_bytes`].
    fn prepared_bytes(&self) -> u64;
    /// [`Workload::notes`].
    fn notes(&self) -> Vec<String> {
        Vec::new()
    }
    /// [`Workload::headline`].
    ///
    /// # Errors
    /// When the bytes are not a partial.
    fn headline(&self, partial: &[u8]) -> Result<Option<String>, CodecError>;
}

/// An encoded slice and its weight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// The encoded slice.
    pub slice: Vec<u8>,
    /// Its weight.
    pub weight: Weight,
}

/// The encoded value of a slice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evaluation {
    /// The encoded partial, of all of the slice but what failed.
    pub partial: Vec<u8>,
    /// The parts without a value.
    pub failed: Vec<FailedPiece>,
}

/// A report, rendered.
#[derive(Debug, Clone, PartialEq)]
pub struct Rendered {
    /// For programs.
    pub json: Value,
    /// For people.
    pub text: String,
}

/// Adds up encoded partials, decoding each once.
pub trait Merger: Send {
    /// Adds one.
    ///
    /// # Errors
    /// When the bytes are not a partial; what was added before stays.
    fn add(&mut self, partial: &[u8]) -> Result<(), CodecError>;
    /// The sum, encoded; `None` when nothing was added.
    fn finish(self: Box<Self>) -> Option<Vec<u8>>;
}

/// Adds up encoded partials that workers sent, each checked against the piece that it was asked for, and decoded once.
pub trait ReplyMerger: Send {
    /// Adds the partial of a piece, of all of it but what `failed`.
    ///
    /// # Errors
    /// When the bytes are not a partial, or it cannot be the piece's ([`Workload::check_partial`]); what was added before stays.
    fn add(&mut self, piece: &Piece, partial: &[u8], failed: &[FailedPiece]) -> Result<(), CodecError>;
    /// The sum, encoded; `None` when nothing was added.
    fn finish(self: Box<Self>) -> Option<Vec<u8>>;
}

#[cfg(test)]
mod tests;
