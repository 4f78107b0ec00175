//! Workloads behind trait objects: bytes in, bytes out.

use std::io;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use serde_json::Value;

use super::{AnyPrepared, AnyWorkload, Evaluation, Merger, Piece, Rendered, ReplyMerger};
use crate::bundle::Bundle;
use crate::data::{Data, Extent};
use crate::job::{self, Place};
use crate::sources::{Listing, Source};
use crate::wire::{CodecError, FailedPiece, decode, encode};
use crate::workload::{Coverage, EvaluateError, Evaluated, InputError, Workload};

pub(super) type Evaluator<W> = dyn Fn(
        &<W as Workload>::Prepared,
        &<W as Workload>::Slice,
        &mut dyn Data,
    ) -> Result<Evaluated<<W as Workload>::Partial, <W as Workload>::Slice>, EvaluateError>
    + Send
    + Sync;

pub(super) type Acceptance<W> = dyn Fn(&<W as Workload>::Input) -> Result<(), InputError> + Send + Sync;

pub(super) struct Erased<W: Workload> {
    evaluate: Arc<Evaluator<W>>,
    accept: Box<Acceptance<W>>,
}

impl<W: Workload> Erased<W> {
    pub(super) fn new(evaluate: Arc<Evaluator<W>>) -> Self {
        Self { evaluate, accept: Box::new(|_| Ok(())) }
    }

    pub(super) fn accepting(accept: Box<Acceptance<W>>) -> Self {
        Self { accept, ..Self::new(Arc::new(W::evaluate_parts)) }
    }

    fn parse(&self, input_json: &str) -> Result<W::Input, InputError> {
        let input = job::from_json(Place("input"), input_json.as_bytes())?;
        (self.accept)(&input).map(|()| input)
    }
}

impl<W: Workload> AnyWorkload for Erased<W> {
    fn name(&self) -> &str {
        W::NAME
    }

    fn version(&self) -> u32 {
        W::VERSION
    }

    fn reads_since(&self) -> u32 {
        W::READS_SINCE
    }

    fn has_rows(&self) -> bool {
        W::HAS_ROWS
    }

    fn about(&self) -> &str {
        W::ABOUT
    }

    fn input_schema(&self) -> Value {
        W::input_schema()
    }

    fn sources(&self, input_json: &str) -> Result<Vec<Source>, InputError> {
        Ok(W::sources(&self.parse(input_json)?))
    }

    fn prepare(&self, bundle: &Bundle) -> Result<Arc<dyn AnyPrepared>, InputError> {
        let prepared = W::prepare(self.parse(&bundle.input_json)?, &bundle.given)?;
        let listings = bundle.given.listings.clone();
        Ok(Arc::new(ErasedPrepared::<W> { prepared, listings, evaluate: Arc::clone(&self.evaluate) }))
    }

    fn check_some(&self, bundle: &Bundle) -> Result<(), InputError> {
        W::check_some(self.parse(&bundle.input_json)?, &bundle.given)
    }

    fn merger(&self) -> Box<dyn Merger> {
        Box::new(ErasedMerger::<W>(None))
    }
}

struct ErasedPrepared<W: Workload> {
    prepared: W::Prepared,
    listings: Vec<Listing>,
    evaluate: Arc<Evaluator<W>>,
}

impl<W: Workload> ErasedPrepared<W> {
    fn piece(&self, slice: &W::Slice) -> Piece {
        Piece { slice: encode(slice), weight: W::weight(&self.prepared, slice) }
    }
}

impl<W: Workload> AnyPrepared for ErasedPrepared<W> {
    fn whole(&self) -> Piece {
        self.piece(&W::whole(&self.prepared))
    }

    fn divide(&self, slice: &[u8], parts: NonZeroUsize) -> Result<Vec<Piece>, CodecError> {
        let slice = decode("slice", slice)?;
        Ok(W::divide(&self.prepared, &slice, parts).iter().map(|part| self.piece(part)).collect())
    }

    fn listings(&self) -> &[Listing] {
        &self.listings
    }

    fn reads(&self, slice: &[u8]) -> Result<Vec<Extent>, CodecError> {
        Ok(W::reads(&self.prepared, &decode("slice", slice)?))
    }

    fn evaluate(&self, slice: &[u8], data: &mut dyn Data) -> Result<Evaluation, EvaluateError> {
        let slice = decode("slice", slice).map_err(|error| EvaluateError(error.to_string()))?;
        let Evaluated { partial, failed } = (self.evaluate)(&self.prepared, &slice, data)?;
        let failed = failed.into_iter().map(|(part, reason)| {
            let Piece { slice, weight } = self.piece(&part);
            FailedPiece { slice, weight, reason }
        });
        Ok(Evaluation { partial: encode(&partial), failed: failed.collect() })
    }

    fn replies(&self) -> Box<dyn ReplyMerger + '_> {
        Box::new(ErasedReplies { prepared: self, sum: ErasedMerger::<W>(None) })
    }

    fn report(&self, partial: Option<&[u8]>, coverage: &Coverage) -> Result<Rendered, CodecError> {
        let partial = partial.map(|bytes| decode("partial", bytes)).transpose()?;
        let report = W::report(&self.prepared, partial.as_ref(), coverage);
        let json = serde_json::to_value(&report).map_err(|error| CodecError::new("report", error))?;
        Ok(Rendered { json, text: report.to_string() })
    }

    fn write_rows(&self, partial: Option<&[u8]>, out: &mut dyn io::Write) -> io::Result<bool> {
        let partial = partial.map(|bytes| decode("partial", bytes)).transpose().map_err(io::Error::other)?;
        if W::HAS_ROWS {
            W::write_rows(&self.prepared, partial.as_ref(), out)?;
        }
        Ok(W::HAS_ROWS)
    }

    fn units(&self) -> (u64, &str) {
        W::units(&self.prepared)
    }

    fn value_bytes(&self, slice: &[u8]) -> Result<u64, CodecError> {
        Ok(W::value_bytes(&self.prepared, &decode("slice", slice)?))
    }

    fn prepared_bytes(&self) -> u64 {
        W::prepared_bytes(&self.prepared)
    }

    fn notes(&self) -> Vec<String> {
        W::notes(&self.prepared)
    }

    fn headline(&self, partial: &[u8]) -> Result<Option<String>, CodecError> {
        Ok(W::headline(&self.prepared, &decode("partial", partial)?))
    }
}

struct ErasedMerger<W: Workload>(Option<W::Partial>);

impl<W: Workload> Merger for ErasedMerger<W> {
    fn add(&mut self, partial: &[u8]) -> Result<(), CodecError> {
        self.merge(decode("partial", partial)?);
        Ok(())
    }

    fn finish(self: Box<Self>) -> Option<Vec<u8>> {
        self.0.as_ref().map(encode)
    }
}

impl<W: Workload> ErasedMerger<W> {
    fn merge(&mut self, partial: W::Partial) {
        match &mut self.0 {
            Some(sum) => W::merge(sum, partial),
            empty => *empty = Some(partial),
        }
    }
}

struct ErasedReplies<'a, W: Workload> {
    prepared: &'a ErasedPrepared<W>,
    sum: ErasedMerger<W>,
}

impl<W: Workload> ErasedReplies<'_, W> {
    /// Whether it can be the piece's value, and the failed parts its parts.
    fn check(&self, piece: &Piece, partial: &W::Partial, failed: &[FailedPiece]) -> Result<(), CodecError> {
        let unfit = |problem: String| CodecError::new("partial", problem);
        let slice: W::Slice = decode("slice", &piece.slice)?;
        let mut parts = Vec::with_capacity(failed.len());
        for part in failed {
            parts.push(decode("slice", &part.slice)?);
        }
        let prepared = &self.prepared.prepared;
        W::check_partial(prepared, &slice, partial, &parts).map_err(unfit)?;
        let mut left = piece.weight;
        for (part, failed) in parts.iter().zip(failed) {
            let weight = W::weight(prepared, part);
            left = left
                .checked_sub(weight)
                .filter(|_| weight == failed.weight)
                .ok_or_else(|| unfit("its failed parts do not weigh what they should".to_owned()))?;
        }
        Ok(())
    }
}

impl<W: Workload> ReplyMerger for ErasedReplies<'_, W> {
    fn add(&mut self, piece: &Piece, partial: &[u8], failed: &[FailedPiece]) -> Result<(), CodecError> {
        let partial = decode("partial", partial)?;
        // The workload sees bytes of others: what it panics of must not end the consumer, and with it the task.
        let check = || self.check(piece, &partial, failed);
        catch_unwind(AssertUnwindSafe(check))
            .unwrap_or_else(|_| Err(CodecError::new("partial", "the workload panicked on it")))?;
        self.sum.merge(partial);
        Ok(())
    }

    fn finish(self: Box<Self>) -> Option<Vec<u8>> {
        Box::new(self.sum).finish()
    }
}
