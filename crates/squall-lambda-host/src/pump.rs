//! The pump: it emulates Lambda's event source mappings for streams against the endpoints of its ports
//! (<https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html>).
//!
//! A mapping reads every shard of its stream independently. A shard's records go to lanes by the hash of their
//! partition key, and a lane delivers one batch at a time ([`crate::delivery`], the same code that the streams in
//! memory use), so records of one key keep their order. A shard that came out of a split or a merge is read only once
//! its parents are processed to their end, which keeps the order across a reshard. The checkpoint of a shard is the
//! last record before which everything is finished or given up; after a crash everything after it is delivered again.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use futures::FutureExt;
use futures::future::{Either, LocalBoxFuture, Shared, select};
use futures::stream::{FuturesUnordered, StreamExt};
use squall_core::ports::{PortError, chain};
use tokio::sync::Notify;

mod checkpoints;
mod events;
mod marks;
mod ports;
mod progress;
mod response;
mod shard;
mod shards;

pub use checkpoints::CheckpointFiles;
pub use events::{Arn, kinesis_event, scheduled_event, sns_event};
pub use marks::{Mark, Marks, Position};
pub use ports::{
    Checkpoints, FailureDestination, Function, Invoked, Notice, Page, Shard, StreamRecord, StreamSource,
    Takes, Watcher, World,
};
pub use progress::Progress;
pub use response::read_response;
pub use shards::{StartingPosition, plan_marks, plan_starts};

use crate::delivery::DeliveryPolicy;
use shard::{Ended, ShardPump};

/// A stream and its function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// The name under which its checkpoints are stored.
    pub name: String,
    /// The stream's ARN: events name it.
    pub stream_arn: String,
    /// The function's name or ARN.
    pub function: String,
    /// How a lane delivers.
    pub delivery: DeliveryPolicy,
    /// Lanes per shard (`ParallelizationFactor`).
    pub lanes_per_shard: usize,
    /// The starting position if it has no checkpoints.
    pub start: StartingPosition,
    /// How long to wait when a shard has nothing new, microseconds. Lambda polls once a second.
    pub poll_us: u64,
    /// How often to look for new shards, microseconds; the end of a shard also triggers a look.
    pub discovery_us: u64,
    /// Shortest time between stored checkpoints, microseconds; 0 stores every one.
    pub checkpoint_us: u64,
}

impl Mapping {
    /// The function's name, without the rest of its ARN.
    pub fn function_name(&self) -> &str {
        match self.function.split(':').collect::<Vec<_>>()[..] {
            ["arn", _, "lambda", _, _, "function", name, ..] => name,
            _ => &self.function,
        }
    }
}

/// Ready once the mapping has to stop.
type Stopping<'a> = Shared<LocalBoxFuture<'a, ()>>;

/// Runs a mapping until `stop` is ready and the deliveries then in progress have ended.
///
/// # Errors
/// When the stream cannot be listed or a shard cannot be read from its mark, even with retries, and when checkpoints
/// cannot be read.
pub async fn run_mapping<W: World>(
    mapping: &Mapping,
    world: &W,
    stop: impl Future<Output = ()>,
) -> Result<(), PortError> {
    let stopping: Stopping<'_> = stop.boxed_local().shared();
    let known = world.load(&mapping.name)?;
    let ledger = Ledger {
        mapping,
        world,
        is_new: Cell::new(known.is_none()),
        marks: RefCell::new(known.unwrap_or_default()),
        stored_us: Cell::new(None),
        is_dirty: Cell::new(false),
        dirtied: Notify::new(),
    };
    let ended = ledger.run(&stopping).await;
    ledger.store();
    ended
}

/// How long to wait before retrying to list a stream that did not answer, microseconds.
const TROUBLE_US: u64 = 1_000_000;

/// Shortest wait before retrying to store checkpoints, microseconds.
const STORE_AGAIN_US: u64 = 100_000;

/// The marks of a mapping, and the time at which they were stored.
struct Ledger<'a, W> {
    mapping: &'a Mapping,
    world: &'a W,
    is_new: Cell<bool>,
    marks: RefCell<Marks>,
    stored_us: Cell<Option<u64>>,
    is_dirty: Cell<bool>,
    dirtied: Notify,
}

impl<W: World> Ledger<'_, W> {
    async fn run(&self, stopping: &Stopping<'_>) -> Result<(), PortError> {
        let mut running = BTreeSet::new();
        let mut reading = FuturesUnordered::new();
        while stopping.peek().is_none() {
            let mut wait_us = self.mapping.discovery_us;
            match self.world.shards().await {
                Ok(listed) => {
                    self.know(&listed);
                    let starts = plan_starts(&listed, &self.marks.borrow(), &running);
                    for id in starts {
                        running.insert(id.clone());
                        reading.push(self.read(id, stopping));
                    }
                }
                Err(error @ PortError::Permanent { .. }) => return Err(error),
                Err(error) => {
                    let what = "list the shards";
                    self.world.note(&Notice::Trouble { what, error: &chain(&error) });
                    wait_us = wait_us.min(TROUBLE_US);
                }
            }
            let look_us = self.world.now_us().saturating_add(wait_us);
            let mut looking = std::pin::pin!(self.until(look_us, stopping));
            // The next look is due when a shard has ended, or at the next discovery time.
            loop {
                let ended = async {
                    match reading.next().await {
                        Some(ended) => ended,
                        None => std::future::pending().await,
                    }
                };
                match select(std::pin::pin!(ended), looking.as_mut()).await {
                    Either::Left((ended, _)) => {
                        let (id, ended) = ended?;
                        if ended == Ended::Finished {
                            running.remove(&id);
                            self.mark(&id, Mark::Finished);
                            self.world.note(&Notice::Finished { shard: &id });
                            break;
                        }
                    }
                    Either::Right(_) => break,
                }
            }
        }
        while let Some(ended) = reading.next().await {
            let (id, ended) = ended?;
            if ended == Ended::Finished {
                self.mark(&id, Mark::Finished);
            }
        }
        Ok(())
    }

    async fn read(&self, id: String, stopping: &Stopping<'_>) -> Result<(String, Ended), PortError> {
        let from = self.marks.borrow().get(&id).cloned().unwrap_or(Mark::TrimHorizon);
        let Some(position) = from.position() else { return Ok((id, Ended::Finished)) };
        self.world.note(&Notice::Opened { shard: &id, from: &from });
        let moved = |mark| self.mark(&id, mark);
        let ended =
            ShardPump::new(self.mapping, self.world, &id, stopping.clone()).run(position, &moved).await?;
        Ok((id, ended))
    }

    fn know(&self, listed: &[Shard]) {
        let known = self.marks.borrow().clone();
        let marks = plan_marks(listed, (!self.is_new.get()).then_some(&known), self.mapping.start);
        self.is_new.set(false);
        if marks != known {
            *self.marks.borrow_mut() = marks;
            self.store();
        }
    }

    fn mark(&self, shard: &str, mark: Mark) {
        self.marks.borrow_mut().insert(shard.to_owned(), mark);
        self.is_dirty.set(true);
        let next_us = self.stored_us.get().map_or(0, |stored_us| stored_us + self.mapping.checkpoint_us);
        if self.world.now_us() >= next_us {
            self.store();
        }
        if self.is_dirty.get() {
            self.dirtied.notify_one();
        }
    }

    fn store(&self) {
        self.stored_us.set(Some(self.world.now_us()));
        if let Err(error) = self.world.store(&self.mapping.name, &self.marks.borrow()) {
            self.world.note(&Notice::Trouble { what: "save the checkpoints", error: &chain(&error) });
            return;
        }
        self.is_dirty.set(false);
    }

    /// Waits until a moment or a stop, and stores marks that were held back meanwhile.
    async fn until(&self, until_us: u64, stopping: &Stopping<'_>) {
        loop {
            let now_us = self.world.now_us();
            if now_us >= until_us || stopping.peek().is_some() {
                return;
            }
            let store_us = match self.stored_us.get() {
                Some(stored_us) if self.is_dirty.get() => {
                    stored_us + self.mapping.checkpoint_us.max(STORE_AGAIN_US)
                }
                _ => u64::MAX,
            };
            if now_us >= store_us {
                self.store();
                continue;
            }
            let sleep = std::pin::pin!(self.world.sleep_until(until_us.min(store_us)));
            let dirtied = std::pin::pin!(self.dirtied.notified());
            select(select(sleep, dirtied), stopping.clone()).await;
        }
    }
}

#[cfg(test)]
mod tests;
