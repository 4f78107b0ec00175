//! The ports of a mapping, on AWS or an emulator.

use anyhow::Result;
use squall_aws::transport::{self, Function, Invocation, OnFailure, StreamReader};
use squall_aws::{Connection, WallClock};
use squall_core::ports::{Clock, PortError, chain};
use squall_lambda_host::pump::{
    CheckpointFiles, Checkpoints, FailureDestination, Function as PumpFunction, Invoked, Marks as Known,
    Notice, Page, Position, Shard, StreamRecord, StreamSource, Takes, Watcher,
};

use super::Options;
use super::config::Mapping;
use crate::print;

pub(super) struct MappingWorld {
    name: String,
    stream: StreamReader,
    function: Function,
    on_failure: Option<(OnFailure, Takes)>,
    checkpoints: Option<CheckpointFiles>,
    quiet: bool,
}

impl MappingWorld {
    pub(super) fn new(
        data: &Connection,
        invoking: &Connection,
        mapping: &Mapping,
        options: &Options,
    ) -> Result<Self> {
        let on_failure = match &mapping.on_failure {
            None => None,
            Some(place) => {
                let place = OnFailure::parse(data, place)?;
                let takes = if place.is_bucket() { Takes::Everything } else { Takes::Metadata };
                Some((place, takes))
            }
        };
        Ok(Self {
            name: mapping.names().1.to_owned(),
            stream: StreamReader::new(data, &mapping.stream),
            function: Function::new(invoking, &mapping.function),
            on_failure,
            checkpoints: options.checkpoints.as_ref().map(CheckpointFiles::new),
            quiet: options.quiet,
        })
    }

    pub(super) async fn arn(&self) -> Result<String> {
        Ok(self.stream.arn().await?)
    }
}

impl StreamSource for MappingWorld {
    async fn shards(&self) -> Result<Vec<Shard>, PortError> {
        let shards = self.stream.shards().await?;
        let ours = |it: transport::Shard| Shard { id: it.id, parents: it.parents, is_closed: it.closed };
        Ok(shards.into_iter().map(ours).collect())
    }

    async fn iterator(&self, shard: &str, from: &Position) -> Result<String, PortError> {
        let from = match from {
            Position::TrimHorizon => transport::Position::TrimHorizon,
            Position::Latest => transport::Position::Latest,
            Position::After(sequence) => transport::Position::AfterSequence(sequence.clone()),
        };
        self.stream.iterator(shard, &from).await
    }

    async fn records(&self, iterator: &str, limit: usize) -> Result<Page, PortError> {
        let transport::Page { records, next, behind_ms } = self.stream.records(iterator, limit).await?;
        let ours = |it: transport::StreamRecord| StreamRecord {
            sequence: it.sequence,
            partition_key: it.partition_key,
            data: it.data,
            arrived_us: it.arrived_us,
        };
        Ok(Page { records: records.into_iter().map(ours).collect(), next, behind_ms })
    }
}

impl PumpFunction for MappingWorld {
    async fn invoke(&self, payload: Vec<u8>) -> Invoked {
        match self.function.invoke(payload).await {
            Ok(answer) => Invoked::Answered(answer),
            Err(Invocation::FunctionError(payload)) => Invoked::Failed(payload),
            Err(Invocation::Throttled { reason, .. }) => Invoked::Refused(reason),
            Err(Invocation::Failed(error)) => Invoked::Refused(chain(&error)),
        }
    }
}

impl FailureDestination for MappingWorld {
    fn takes(&self) -> Takes {
        self.on_failure.as_ref().map_or(Takes::Nothing, |(_, takes)| *takes)
    }

    async fn keep(&self, name: &str, record: &str) -> Result<(), PortError> {
        match &self.on_failure {
            Some((place, _)) => place.put(name, record).await,
            None => Ok(()),
        }
    }
}

impl Checkpoints for MappingWorld {
    fn load(&self, mapping: &str) -> Result<Option<Known>, PortError> {
        self.checkpoints.as_ref().map_or(Ok(None), |files| files.load(mapping))
    }

    fn store(&self, mapping: &str, marks: &Known) -> Result<(), PortError> {
        self.checkpoints.as_ref().map_or(Ok(()), |files| files.store(mapping, marks))
    }
}

impl Watcher for MappingWorld {
    fn note(&self, notice: &Notice<'_>) {
        let is_usual = matches!(notice, Notice::Opened { .. } | Notice::Finished { .. });
        if !(self.quiet && is_usual) {
            print::aside(&format!("{}: {notice}\n", self.name));
        }
    }
}

impl Clock for MappingWorld {
    fn now_us(&self) -> u64 {
        WallClock.now_us()
    }

    async fn sleep_until(&self, until_us: u64) {
        WallClock.sleep_until(until_us).await;
    }
}
