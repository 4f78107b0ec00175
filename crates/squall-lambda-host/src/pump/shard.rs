//! One shard: a reader that polls, lanes that deliver, and the checkpoint between them.

use std::cell::RefCell;

use futures::future::{Either, LocalBoxFuture, join, select};
use futures::stream::{FuturesUnordered, StreamExt};
use squall_core::limits;
use squall_core::ports::{PortError, chain};
use tokio::sync::Notify;

use super::events::{GivenUpBatch, kinesis_event, size_in_event};
use super::marks::{Mark, Position};
use super::ports::{Invoked, Notice, Page, StreamRecord, Takes, World};
use super::progress::Progress;
use super::response::read_response;
use super::{Mapping, Stopping};
use crate::delivery::lane::{Carried, GivenUp, LaneQueue, Settled, lane_of, run_lane};
use crate::delivery::{Batch, Handled};

/// Records of a page at most: what `GetRecords` gives.
const PAGE_RECORDS: usize = limits::KINESIS_READ_RECORDS;
/// Records behind the checkpoint at most, unless that is fewer than two batches per lane. What a restart reads again.
const READ_AHEAD_RECORDS: usize = 1_000;
/// Most bytes in memory, apart from one page.
const READ_AHEAD_BYTES: usize = 64 * 1024 * 1024;
/// How long an iterator is good for, microseconds.
const ITERATOR_LASTS_US: u64 = limits::KINESIS_ITERATOR_S * 1_000_000;
/// The first wait after an error; doubles up to a hundred times that. Microseconds.
const TROUBLE_US: u64 = 100_000;

/// A record on its way through a lane.
struct Numbered {
    number: u64,
    record: StreamRecord,
    n_bytes: usize,
}

impl Carried for Numbered {
    fn arrived_us(&self) -> Option<u64> {
        Some(self.record.arrived_us)
    }

    fn size_bytes(&self) -> usize {
        self.n_bytes
    }
}

/// How the reading of a shard ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// It is read and processed to its end.
    Finished,
    /// The mapping stops.
    Stopped,
}

/// Reads a shard and delivers its records.
pub(super) struct ShardPump<'a, 's, W> {
    mapping: &'a Mapping,
    world: &'a W,
    shard: &'a str,
    stopping: Stopping<'s>,
    lanes: Vec<LaneQueue<Numbered>>,
    progress: RefCell<Progress>,
    room: Notify,
}

impl<'a, 's, W: World> ShardPump<'a, 's, W> {
    pub(super) fn new(mapping: &'a Mapping, world: &'a W, shard: &'a str, stopping: Stopping<'s>) -> Self {
        let lanes = (0..mapping.lanes_per_shard.max(1)).map(|_| LaneQueue::default()).collect();
        Self { mapping, world, shard, stopping, lanes, progress: RefCell::default(), room: Notify::new() }
    }

    /// Runs until the shard is finished or the mapping stops; `moved` receives every checkpoint.
    ///
    /// # Errors
    /// When the shard cannot be read from its position.
    pub(super) async fn run(&self, from: Position, moved: &impl Fn(Mark)) -> Result<Ended, PortError> {
        let deliver = async |batch: &Batch<Numbered>| self.deliver(batch).await;
        let settle = async |settled: Settled<Numbered>| self.settle(settled, moved).await;
        let mut running: FuturesUnordered<LocalBoxFuture<'_, ()>> = FuturesUnordered::new();
        for lane in &self.lanes {
            let policy = &self.mapping.delivery;
            running.push(Box::pin(run_lane(self.world, policy, lane, &deliver, &settle)));
        }
        let delivering = async { while running.next().await.is_some() {} };
        let reading = async {
            let ended = self.read(from).await;
            match ended {
                Ok(Ended::Finished) => self.lanes.iter().for_each(LaneQueue::close),
                Ok(Ended::Stopped) | Err(_) => self.lanes.iter().for_each(LaneQueue::stop),
            }
            ended
        };
        // The reader may have ended while the last records are in progress, and then does not see the stop.
        let stopping = async {
            self.stopping.clone().await;
            self.lanes.iter().for_each(LaneQueue::stop);
            std::future::pending::<()>().await;
        };
        let running = std::pin::pin!(join(reading, delivering));
        let (ended, ()) = match select(running, std::pin::pin!(stopping)).await {
            Either::Left((ended, _)) => ended,
            Either::Right(((), running)) => running.await,
        };
        let is_all_done = self.progress.borrow().n_open() == 0;
        ended.map(|ended| if is_all_done { ended } else { Ended::Stopped })
    }

    async fn read(&self, from: Position) -> Result<Ended, PortError> {
        let mut place = Place { position: from, iterator: None };
        let mut n_troubles = 0_u32;
        loop {
            let limit = self.room_for().await;
            if limit == 0 {
                return Ok(Ended::Stopped);
            }
            let page = match self.page(&mut place, limit).await {
                Ok(page) => page,
                Err(error) if place.iterator.is_none() && matches!(error, PortError::Permanent { .. }) => {
                    return Err(error);
                }
                Err(error) => {
                    // An iterator that expired is replaced at once, and is not reported.
                    if n_troubles > 0 {
                        let what = format!("read {}", self.shard);
                        self.world.note(&Notice::Trouble { what: &what, error: &chain(&error) });
                        self.rest(TROUBLE_US << n_troubles.min(7)).await;
                    }
                    n_troubles += 1;
                    continue;
                }
            };
            n_troubles = 0;
            let is_behind = page.behind_ms > 0 || page.records.len() >= limit;
            let is_empty = page.records.is_empty();
            if let Some(last) = page.records.last() {
                place.position = Position::After(last.sequence.clone());
            }
            self.take_in(page.records);
            match page.next {
                None => return Ok(Ended::Finished),
                Some(next) => place.iterator = Some((next, self.world.now_us())),
            }
            match (is_behind, is_empty) {
                (true, false) => {}
                // Pages may be empty on the way; a shard may be polled five times a second.
                (true, true) => self.rest(self.mapping.poll_us.min(200_000)).await,
                (false, _) => self.rest(self.mapping.poll_us).await,
            }
        }
    }

    /// Reads a page. After an error the iterator is dropped, unless it is still valid and its position cannot be found
    /// again.
    async fn page(&self, place: &mut Place, limit: usize) -> Result<Page, PortError> {
        let now_us = self.world.now_us();
        let (iterator, since_us) = match place.iterator.take() {
            Some(known) => known,
            None => (self.world.iterator(self.shard, &place.position).await?, now_us),
        };
        let page = self.world.records(&iterator, limit).await;
        if page.is_err() {
            let is_good = now_us.saturating_sub(since_us) < ITERATOR_LASTS_US;
            place.iterator = (is_good && place.position == Position::Latest).then_some((iterator, since_us));
            // Whatever the error was, another iterator will do.
            return page.map_err(|error| PortError::unknown(chain(&error)));
        }
        page
    }

    /// Waits until there is room, and returns for how many records; 0 when the mapping stops.
    async fn room_for(&self) -> usize {
        let lanes = self.lanes.len();
        let most = READ_AHEAD_RECORDS.max(2 * lanes * self.mapping.delivery.batch_size);
        while self.stopping.peek().is_none() {
            let (n_open, n_bytes) = {
                let progress = self.progress.borrow();
                (progress.n_open(), progress.n_bytes())
            };
            let room = most.saturating_sub(n_open);
            // Not record by record.
            if room > most / 8 && n_bytes < READ_AHEAD_BYTES {
                return room.min(PAGE_RECORDS);
            }
            let freed = std::pin::pin!(self.room.notified());
            select(freed, self.stopping.clone()).await;
        }
        0
    }

    /// Waits, unless the mapping stops.
    async fn rest(&self, wait_us: u64) {
        let until_us = self.world.now_us().saturating_add(wait_us);
        let sleep = std::pin::pin!(self.world.sleep_until(until_us));
        select(sleep, self.stopping.clone()).await;
    }

    fn take_in(&self, records: Vec<StreamRecord>) {
        let now_us = self.world.now_us();
        for record in records {
            let lane = &self.lanes[lane_of(&record.partition_key, self.lanes.len())];
            let n_bytes = size_in_event(self.mapping, &record);
            let number = self.progress.borrow_mut().read(record.sequence.clone(), n_bytes);
            lane.push(Numbered { number, record, n_bytes }, now_us);
        }
    }

    async fn deliver(&self, batch: &Batch<Numbered>) -> (Handled, String) {
        let event =
            kinesis_event(self.mapping, self.shard, batch.records.iter().map(|numbered| &numbered.record));
        let shard = self.shard;
        let (handled, reason) = match self.world.invoke(event).await {
            Invoked::Answered(answer) if self.mapping.delivery.partial_failures => {
                let sequences: Vec<_> = batch.records.iter().map(|it| it.record.sequence.as_str()).collect();
                read_response(&answer, &sequences)
            }
            Invoked::Answered(_) => (Handled::All, String::new()),
            Invoked::Failed(reason) => (Handled::Nothing, reason),
            Invoked::Refused(reason) => {
                if batch.n_refused == 0 {
                    self.world.note(&Notice::Refused { shard, reason: &reason });
                }
                return (Handled::Refused, reason);
            }
        };
        let n_good = match handled {
            Handled::UpTo(position) => position,
            Handled::Nothing => 0,
            Handled::All | Handled::Refused => return (handled, reason),
        };
        let first = batch.records.get(n_good).map_or("", |it| it.record.sequence.as_str());
        let (n_records, attempt) = (batch.records.len() - n_good, batch.attempt);
        self.world.note(&Notice::Failed { shard, first, n_records, attempt, reason: &reason });
        (handled, reason)
    }

    async fn settle(&self, settled: Settled<Numbered>, moved: &impl Fn(Mark)) {
        let records = match settled {
            Settled::Done(records) => records,
            Settled::GivenUp(given_up) => {
                if !self.keep(&given_up).await {
                    return;
                }
                given_up.records
            }
        };
        let mut progress = self.progress.borrow_mut();
        let mut has_moved = false;
        for record in records {
            has_moved |= progress.done(record.number);
        }
        if let Some(checkpoint) = progress.checkpoint().filter(|_| has_moved) {
            moved(Mark::After(checkpoint.to_owned()));
        }
        drop(progress);
        self.room.notify_one();
    }

    /// Stores the records that are given up. False if the mapping stopped before they were stored: then they are not
    /// finished.
    async fn keep(&self, given_up: &GivenUp<Numbered>) -> bool {
        let records: Vec<_> = given_up.records.iter().map(|numbered| &numbered.record).collect();
        let condition = given_up.condition;
        let batch = GivenUpBatch {
            shard: self.shard,
            records: &records,
            condition,
            n_deliveries: given_up.n_deliveries,
            now_us: self.world.now_us(),
        };
        let takes = self.world.takes();
        let name = (takes != Takes::Nothing).then(|| batch.name(self.mapping));
        if let Some(name) = &name {
            let record = batch.invocation_record(self.mapping, takes);
            let mut n_troubles = 0_u32;
            while let Err(error) = self.world.keep(name, &record).await {
                let what = "save the failed records";
                self.world.note(&Notice::Trouble { what, error: &chain(&error) });
                self.rest(TROUBLE_US << n_troubles.min(7)).await;
                n_troubles += 1;
                if self.stopping.peek().is_some() {
                    return false;
                }
            }
        }
        let first = records.first().map_or("", |record| record.sequence.as_str());
        let n_records = records.len();
        let kept_as = name.as_deref();
        self.world.note(&Notice::GivenUp { shard: self.shard, first, n_records, condition, kept_as });
        true
    }
}

/// A reader's position.
struct Place {
    /// For the next iterator.
    position: Position,
    /// With the time at which it was obtained.
    iterator: Option<(String, u64)>,
}
