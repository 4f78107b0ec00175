//! Workloads by name, with their types erased: the grid moves bytes and never knows what they mean.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::num::NonZeroUsize;
use std::sync::Arc;

use serde_json::Value;

use crate::bundle::Bundle;
use crate::job::{self, Place};
use crate::wire::{CodecError, decode, encode};
use crate::workload::{Coverage, EvaluateError, InputError, Weight, Workload};

/// The workloads that a binary can run.
#[derive(Clone, Default)]
pub struct Registry(BTreeMap<&'static str, Arc<dyn AnyWorkload>>);

impl Registry {
    /// The registry with one more workload.
    #[must_use]
    pub fn with<W: Workload>(mut self) -> Self {
        self.0.insert(W::NAME, Arc::new(Erased::<W>(PhantomData)));
        self
    }

    /// A workload by its name.
    ///
    /// # Errors
    /// Names the field `workload`, the value and the names there are.
    pub fn get(&self, name: &str) -> Result<&Arc<dyn AnyWorkload>, InputError> {
        self.0.get(name).ok_or_else(|| {
            let known: Vec<_> = self.0.keys().map(|name| format!("`{name}`")).collect();
            InputError::new(
                "workload",
                format!("{} is not a workload here; expected one of {}", job::brief(name), known.join(", ")),
            )
        })
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<dyn AnyWorkload>> {
        self.0.values()
    }
}

/// A workload without its types.
pub trait AnyWorkload: Send + Sync {
    /// [`Workload::NAME`].
    fn name(&self) -> &'static str;
    /// [`Workload::ABOUT`].
    fn about(&self) -> &'static str;
    /// [`Workload::input_schema`].
    fn input_schema(&self) -> Value;
    /// The files that a job's input names.
    ///
    /// # Errors
    /// When the input is not of the workload's shape.
    fn references(&self, input_json: &str) -> Result<Vec<String>, InputError>;
    /// [`Workload::prepare`].
    ///
    /// # Errors
    /// When the input does not check.
    fn prepare(&self, bundle: &Bundle) -> Result<Arc<dyn AnyPrepared>, InputError>;
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
    /// A slice's encoded partial.
    ///
    /// # Errors
    /// The workload's own reason, or bytes that are not a slice.
    fn evaluate(&self, slice: &[u8]) -> Result<Vec<u8>, EvaluateError>;
    /// The answer for people and for programs.
    ///
    /// # Errors
    /// When the bytes are not a partial.
    fn report(&self, partial: Option<&[u8]>, coverage: &Coverage) -> Result<Rendered, CodecError>;
    /// [`Workload::units`].
    fn units(&self) -> (u64, &'static str);
    /// [`Workload::headline`].
    ///
    /// # Errors
    /// When the bytes are not a partial.
    fn headline(&self, partial: &[u8]) -> Result<Option<String>, CodecError>;
}

/// An encoded slice and what it weighs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// The encoded slice.
    pub slice: Vec<u8>,
    /// Its weight.
    pub weight: Weight,
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

struct Erased<W>(PhantomData<fn() -> W>);

impl<W: Workload> Erased<W> {
    fn parse(input_json: &str) -> Result<W::Input, InputError> {
        job::from_json(Place("input"), input_json.as_bytes())
    }
}

impl<W: Workload> AnyWorkload for Erased<W> {
    fn name(&self) -> &'static str {
        W::NAME
    }

    fn about(&self) -> &'static str {
        W::ABOUT
    }

    fn input_schema(&self) -> Value {
        W::input_schema()
    }

    fn references(&self, input_json: &str) -> Result<Vec<String>, InputError> {
        Ok(W::references(&Self::parse(input_json)?))
    }

    fn prepare(&self, bundle: &Bundle) -> Result<Arc<dyn AnyPrepared>, InputError> {
        let prepared = W::prepare(Self::parse(&bundle.input_json)?, &bundle.files)?;
        Ok(Arc::new(ErasedPrepared::<W>(prepared)))
    }

    fn merger(&self) -> Box<dyn Merger> {
        Box::new(ErasedMerger::<W>(None))
    }
}

struct ErasedPrepared<W: Workload>(W::Prepared);

impl<W: Workload> ErasedPrepared<W> {
    fn piece(&self, slice: &W::Slice) -> Piece {
        Piece { slice: encode(slice), weight: W::weight(&self.0, slice) }
    }
}

impl<W: Workload> AnyPrepared for ErasedPrepared<W> {
    fn whole(&self) -> Piece {
        self.piece(&W::whole(&self.0))
    }

    fn divide(&self, slice: &[u8], parts: NonZeroUsize) -> Result<Vec<Piece>, CodecError> {
        let slice = decode("slice", slice)?;
        Ok(W::divide(&self.0, &slice, parts).iter().map(|part| self.piece(part)).collect())
    }

    fn evaluate(&self, slice: &[u8]) -> Result<Vec<u8>, EvaluateError> {
        let slice = decode("slice", slice).map_err(|error| EvaluateError(error.to_string()))?;
        Ok(encode(&W::evaluate(&self.0, &slice)?))
    }

    fn report(&self, partial: Option<&[u8]>, coverage: &Coverage) -> Result<Rendered, CodecError> {
        let partial = partial.map(|bytes| decode("partial", bytes)).transpose()?;
        let report = W::report(&self.0, partial.as_ref(), coverage);
        let json = serde_json::to_value(&report).map_err(|error| CodecError::new("report", error))?;
        Ok(Rendered { json, text: report.to_string() })
    }

    fn units(&self) -> (u64, &'static str) {
        W::units(&self.0)
    }

    fn headline(&self, partial: &[u8]) -> Result<Option<String>, CodecError> {
        Ok(W::headline(&self.0, &decode("partial", partial)?))
    }
}

struct ErasedMerger<W: Workload>(Option<W::Partial>);

impl<W: Workload> Merger for ErasedMerger<W> {
    fn add(&mut self, partial: &[u8]) -> Result<(), CodecError> {
        let partial = decode("partial", partial)?;
        match &mut self.0 {
            Some(sum) => W::merge(sum, partial),
            empty => *empty = Some(partial),
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Option<Vec<u8>> {
        self.0.as_ref().map(encode)
    }
}

#[cfg(test)]
mod tests;
