//! Ports that fail: late, lost, repeated, refused, damaged, or their caller dies before or after the call.

use std::cell::{Cell, RefCell};
use std::future::pending;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::rc::Rc;

use squall_core::cascade::ThrottleReason;
use squall_core::digest::Digest;
use squall_core::job::JobId;
use squall_core::placement::ShardRange;
use squall_core::ports::{
    BlobStore, Clock, Created, InvokeError, JobEvents, JobStore, ObjectPages, Objects, Placement, PortError,
    ResultQueue, TaskQueue, Workers, Written, chain,
};
use squall_core::rows::{BucketProgress, BucketRow, Ending, JobRow, Reopened, Standing};
use squall_core::sources::Object;
use squall_grid::{InputCache, ReadPolicy, WorkConfig, work};
use tokio::sync::Notify;

use squall_local::memory::Memory;
use squall_sim_time::Random;
use squall_sim_time::SimulatedClock;

/// The rates of the faults, in thousandths of the calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Faults {
    /// A record is put twice, or the message delivered twice.
    pub duplicate: u64,
    /// A record is put after its successors.
    pub reorder: u64,
    /// A port refuses, and the call has no effect.
    pub refuse: u64,
    /// A port executes the call, and the reply is lost.
    pub lose_reply: u64,
    /// The caller dies around a port call.
    pub die: u64,
    /// A worker is throttled.
    pub throttle: u64,
    /// A worker crashes.
    pub crash: u64,
    /// A worker never answers.
    pub hang: u64,
    /// A worker answers garbage.
    pub rubbish: u64,
    /// A worker takes fifty times as long.
    pub straggle: u64,
}

/// Whether one invocation is still alive.
#[derive(Debug, Default)]
pub(super) struct Life {
    dead: Cell<bool>,
    died: Notify,
}

impl Life {
    /// Returns when it has died.
    pub(super) async fn ended(&self) {
        while !self.dead.get() {
            self.died.notified().await;
        }
    }
}

/// The state that all invocations share.
pub(super) struct World {
    pub(super) memory: Memory,
    pub(super) clock: SimulatedClock,
    pub(super) inputs: Rc<InputCache>,
    pub(super) faults: Faults,
    pub(super) random: RefCell<Random>,
}

impl World {
    pub(super) fn chance(&self, per_mille: u64) -> bool {
        self.random.borrow_mut().chance(per_mille)
    }

    pub(super) fn below(&self, n: u64) -> u64 {
        self.random.borrow_mut().below(n)
    }

    /// Lets between 0 and `most_us` pass.
    pub(super) async fn pass(&self, most_us: u64) {
        let until_us = self.clock.now_us() + self.below(most_us);
        self.clock.sleep_until(until_us).await;
    }
}

/// The ports of one invocation.
pub(super) struct ChaosPorts {
    pub(super) world: Rc<World>,
    pub(super) life: Rc<Life>,
}

impl ChaosPorts {
    /// One port call, with all of its possible faults.
    async fn call<T>(
        &self,
        what: &str,
        act: impl AsyncFnOnce(&Memory) -> Result<T, PortError>,
    ) -> Result<T, PortError> {
        let faults = &self.world.faults;
        self.world.pass(5_000).await;
        self.maybe_die().await;
        if self.world.chance(faults.refuse) {
            return Err(PortError::refused(format!("{what}: refused")));
        }
        let done = act(&self.world.memory).await?;
        self.maybe_die().await;
        self.world.pass(5_000).await;
        if self.world.chance(faults.lose_reply) {
            return Err(PortError::unknown(format!("{what}: the reply was lost")));
        }
        Ok(done)
    }

    async fn maybe_die(&self) {
        if self.world.chance(self.world.faults.die) {
            self.life.dead.set(true);
            self.life.died.notify_waiters();
            pending::<()>().await;
        }
    }
}

impl Clock for ChaosPorts {
    fn now_us(&self) -> u64 {
        self.world.clock.now_us()
    }

    async fn sleep_until(&self, until_us: u64) {
        self.world.clock.sleep_until(until_us).await;
    }
}

/// A world without files or objects: the simulated jobs name none.
macro_rules! no_objects {
    ($ports:ty) => {
        impl Objects for $ports {
            type Pages = NoPages;

            async fn read(&self, reference: &str) -> Result<Vec<u8>, PortError> {
                Err(PortError::permanent(format!("there is no file {reference}")))
            }

            async fn list(&self, prefix: &str) -> Result<NoPages, PortError> {
                Err(PortError::permanent(format!("there is nothing below {prefix}")))
            }

            async fn stat(&self, location: &str) -> Result<Object, PortError> {
                Err(PortError::permanent(format!("there is no object {location}")))
            }

            async fn read_range(&self, location: &str, _: &str, _: Range<u64>) -> Result<Vec<u8>, PortError> {
                Err(PortError::permanent(format!("there is no object {location}")))
            }
        }
    };
}

no_objects!(ChaosPorts);
no_objects!(CalmPorts);

/// The pages of a listing that cannot exist.
pub(super) enum NoPages {}

impl ObjectPages for NoPages {
    fn root(&self) -> &str {
        match *self {}
    }

    async fn next_page(&mut self) -> Result<Vec<Object>, PortError> {
        match *self {}
    }
}

impl BlobStore for ChaosPorts {
    async fn put_blob(&self, digest: Digest, bytes: Vec<u8>) -> Result<(), PortError> {
        self.call("put blob", async |memory| memory.put_blob(digest, bytes).await).await
    }

    async fn blob(&self, digest: Digest) -> Result<Vec<u8>, PortError> {
        self.call("get blob", async |memory| memory.blob(digest).await).await
    }
}

impl TaskQueue for ChaosPorts {
    async fn shards(&self) -> Result<Vec<ShardRange>, PortError> {
        self.call("list shards", async |memory| memory.shards().await).await
    }

    /// Record by record, so that a dying caller leaves some of them.
    async fn put_tasks(&self, mut records: Vec<(Placement, Vec<u8>)>) -> Result<(), PortError> {
        let faults = &self.world.faults;
        for i in 1..records.len() {
            if self.world.chance(faults.reorder) {
                let j = usize::try_from(self.world.below(i as u64)).unwrap_or(0);
                records.swap(i, j);
            }
        }
        for record in records {
            let n_times = 1 + u64::from(self.world.chance(faults.duplicate));
            for _ in 0..n_times {
                let record = vec![record.clone()];
                self.call("put task", async |memory| memory.put_tasks(record).await).await?;
            }
        }
        Ok(())
    }
}

impl ResultQueue for ChaosPorts {
    async fn put_result(&self, partition_key: String, record: Vec<u8>) -> Result<(), PortError> {
        let n_times = 1 + u64::from(self.world.chance(self.world.faults.duplicate));
        // Another key is another lane, where it overtakes.
        let strays = self.world.chance(self.world.faults.reorder);
        for i in 0..n_times {
            let key = if strays {
                format!("{partition_key}/{}", self.world.below(8))
            } else {
                partition_key.clone()
            };
            let record = record.clone();
            self.call("put result", async |memory| memory.put_result(key, record).await).await?;
            if i + 1 < n_times {
                self.world.pass(1_000_000).await;
            }
        }
        Ok(())
    }
}

impl Workers for ChaosPorts {
    async fn invoke(&self, stripe: u32, request: Vec<u8>) -> Result<Vec<u8>, InvokeError> {
        let world = &self.world;
        let faults = &world.faults;
        self.maybe_die().await;
        world.pass(2_000).await;
        if world.chance(faults.throttle) {
            let reasons = [ThrottleReason::Function, ThrottleReason::Concurrency, ThrottleReason::CallRate];
            let reason = usize::try_from(world.below(3)).unwrap_or(0);
            return Err(InvokeError::Throttled(reasons[reason]));
        }
        if world.chance(faults.hang) {
            return pending().await;
        }
        let slower = if world.chance(faults.straggle) { 50 } else { 1 };
        world.pass(200_000 * slower).await;
        if world.chance(faults.crash) {
            return Err(InvokeError::Failed(format!("worker of stripe {stripe} crashed")));
        }
        let config = WorkConfig { n_vcpus: NonZeroUsize::MIN, memory_mb: 1_769, read: ReadPolicy::default() };
        let calm = CalmPorts(Rc::clone(world));
        let mut reply = work(&calm, &world.inputs, &config, &request)
            .await
            .map_err(|error| InvokeError::Failed(chain(&error)))?;
        if world.chance(faults.rubbish) {
            damage(&mut reply, &mut world.random.borrow_mut());
        }
        world.pass(2_000).await;
        self.maybe_die().await;
        Ok(reply)
    }
}

fn damage(reply: &mut Vec<u8>, random: &mut Random) {
    match random.below(3) {
        0 => reply.truncate(usize::try_from(random.below(reply.len() as u64)).unwrap_or(0)),
        1 => {
            let at = usize::try_from(random.below(reply.len() as u64)).unwrap_or(0);
            if let Some(byte) = reply.get_mut(at) {
                *byte ^= 1 << random.below(8);
            }
        }
        _ => reply.push(0),
    }
}

/// A worker's own ports: it has its own faults.
struct CalmPorts(Rc<World>);

impl Clock for CalmPorts {
    fn now_us(&self) -> u64 {
        self.0.clock.now_us()
    }

    async fn sleep_until(&self, until_us: u64) {
        self.0.clock.sleep_until(until_us).await;
    }
}

impl BlobStore for CalmPorts {
    async fn put_blob(&self, digest: Digest, bytes: Vec<u8>) -> Result<(), PortError> {
        self.0.memory.put_blob(digest, bytes).await
    }

    async fn blob(&self, digest: Digest) -> Result<Vec<u8>, PortError> {
        self.0.memory.blob(digest).await
    }
}

impl JobEvents for ChaosPorts {
    async fn job_ended(&self, row: &JobRow) -> Result<(), PortError> {
        self.call("tell the end", async |memory| memory.job_ended(row).await).await
    }
}

impl JobStore for ChaosPorts {
    async fn create_job(&self, row: &JobRow) -> Result<Created, PortError> {
        self.call("create job", async |memory| memory.create_job(row).await).await
    }

    async fn job(&self, id: &JobId) -> Result<Option<JobRow>, PortError> {
        self.call("get job", async |memory| memory.job(id).await).await
    }

    async fn standing(&self, id: &JobId) -> Result<Option<Standing>, PortError> {
        self.call("get job's standing", async |memory| memory.standing(id).await).await
    }

    async fn mark_enqueued(&self, id: &JobId, generation: u32) -> Result<(), PortError> {
        self.call("mark enqueued", async |memory| memory.mark_enqueued(id, generation).await).await
    }

    async fn record_progress(
        &self,
        id: &JobId,
        bucket: u32,
        progress: BucketProgress,
    ) -> Result<JobRow, PortError> {
        self.call("record progress", async |memory| memory.record_progress(id, bucket, progress).await).await
    }

    async fn end_job(&self, id: &JobId, generation: u32, ending: &Ending) -> Result<Written, PortError> {
        self.call("end job", async |memory| memory.end_job(id, generation, ending).await).await
    }

    async fn reopen_job(&self, id: &JobId, ended_us: u64, reopened: &Reopened) -> Result<Written, PortError> {
        self.call("reopen job", async |memory| memory.reopen_job(id, ended_us, reopened).await).await
    }

    async fn mark_announced(&self, id: &JobId, ended_us: u64) -> Result<(), PortError> {
        self.call("mark announced", async |memory| memory.mark_announced(id, ended_us).await).await
    }

    async fn bucket(&self, id: &JobId, bucket: u32) -> Result<BucketRow, PortError> {
        self.call("get bucket", async |memory| memory.bucket(id, bucket).await).await
    }

    async fn put_bucket(&self, id: &JobId, bucket: u32, row: &BucketRow) -> Result<Written, PortError> {
        self.call("put bucket", async |memory| memory.put_bucket(id, bucket, row).await).await
    }
}
