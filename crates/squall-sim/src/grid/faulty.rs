//! Ports that fail: lost, repeated, refused, damaged, or their caller dies before or after the call.

use std::cell::{Cell, RefCell};
use std::future::pending;
use std::rc::Rc;

use squall_core::cascade::ThrottleReason;
use squall_core::ports::{Clock, InvokeError, NotPut, PortError, ResultQueue, TaskPut, TaskQueue, Workers};
use squall_sim_time::{Random, SimulatedClock};
use tokio::sync::Notify;

use super::wrapped::Around;

/// The rates of the faults, in thousandths of the calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Faults {
    /// A record is put twice, or the message delivered twice.
    pub duplicate: u64,
    /// A record is put after its successors.
    pub reorder: u64,
    /// A port refuses, and the call has no effect; of a call that puts tasks, one of them is refused.
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
    /// A worker takes ten seconds longer, at most.
    pub straggle: u64,
}

/// Longest delay of a straggling worker, microseconds.
const STRAGGLE_US: u64 = 10_000_000;
/// Longest time between a result and its duplicate, microseconds.
const DUPLICATE_US: u64 = 1_000_000;

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

/// Faults around each call of one invocation.
#[derive(Clone)]
pub struct Faulty {
    clock: SimulatedClock,
    random: Rc<RefCell<Random>>,
    faults: Faults,
    life: Rc<Life>,
}

impl Faulty {
    /// Faults from this sequence, in an invocation that has just begun.
    pub fn new(clock: SimulatedClock, random: Rc<RefCell<Random>>, faults: Faults) -> Self {
        Self { clock, random, faults, life: Rc::default() }
    }

    pub(super) fn life(&self) -> Rc<Life> {
        Rc::clone(&self.life)
    }

    fn chance(&self, per_mille: u64) -> bool {
        self.random.borrow_mut().chance(per_mille)
    }

    fn below(&self, n: u64) -> u64 {
        self.random.borrow_mut().below(n)
    }

    fn index_below(&self, n: usize) -> usize {
        usize::try_from(self.below(n as u64)).unwrap_or(0)
    }

    async fn pass(&self, most_us: u64) {
        self.clock.sleep_until(self.clock.now_us() + self.below(most_us)).await;
    }

    async fn maybe_die(&self) {
        if self.chance(self.faults.die) {
            self.life.dead.set(true);
            self.life.died.notify_waiters();
            pending::<()>().await;
        }
    }

    fn damage(&self, reply: &mut Vec<u8>) {
        match self.below(3) {
            0 => reply.truncate(self.index_below(reply.len())),
            1 => {
                let at = self.index_below(reply.len());
                if let Some(byte) = reply.get_mut(at) {
                    *byte ^= 1 << self.below(8);
                }
            }
            _ => reply.push(0),
        }
    }
}

impl Around for Faulty {
    async fn before(&self, call: &str) -> Result<(), PortError> {
        self.maybe_die().await;
        if self.chance(self.faults.refuse) {
            return Err(PortError::refused(format!("{call}: refused")));
        }
        Ok(())
    }

    async fn after(&self, call: &str) -> Result<(), PortError> {
        self.maybe_die().await;
        if self.chance(self.faults.lose_reply) {
            return Err(PortError::unknown(format!("{call}: the reply was lost")));
        }
        Ok(())
    }

    /// Record by record, so that a dying caller leaves some of them.
    async fn put_tasks(
        &self,
        inner: &impl TaskQueue,
        records: &[&TaskPut],
    ) -> Result<Vec<NotPut>, PortError> {
        let mut order: Vec<usize> = (0..records.len()).collect();
        for i in 1..order.len() {
            if self.chance(self.faults.reorder) {
                order.swap(i, self.index_below(i));
            }
        }
        let mut not_put = Vec::new();
        for index in order {
            for _ in 0..1 + u64::from(self.chance(self.faults.duplicate)) {
                match self.call("put task", inner.put_tasks(&[records[index]])).await {
                    Ok(refused) => not_put.extend(refused.into_iter().map(|it| NotPut { index, ..it })),
                    Err(PortError::Refused { what, .. }) => not_put.push(NotPut { index, reason: what }),
                    Err(error) => return Err(error),
                }
            }
        }
        not_put.sort_by_key(|it| it.index);
        not_put.dedup_by_key(|it| it.index);
        Ok(not_put)
    }

    async fn put_result(
        &self,
        inner: &impl ResultQueue,
        partition_key: &str,
        record: &[u8],
    ) -> Result<(), PortError> {
        let n_times = 1 + u64::from(self.chance(self.faults.duplicate));
        // Another key is another lane, where it overtakes.
        let strays = self.chance(self.faults.reorder);
        for i in 0..n_times {
            let key =
                if strays { format!("{partition_key}/{}", self.below(8)) } else { partition_key.to_owned() };
            self.call("put result", inner.put_result(&key, record)).await?;
            if i + 1 < n_times {
                self.pass(DUPLICATE_US).await;
            }
        }
        Ok(())
    }

    async fn invoke(
        &self,
        inner: &impl Workers,
        stripe: u32,
        request: Vec<u8>,
    ) -> Result<Vec<u8>, InvokeError> {
        const REASONS: [ThrottleReason; 3] =
            [ThrottleReason::Function, ThrottleReason::Concurrency, ThrottleReason::CallRate];
        self.maybe_die().await;
        if self.chance(self.faults.throttle) {
            return Err(InvokeError::Throttled(REASONS[self.index_below(REASONS.len())].into()));
        }
        if self.chance(self.faults.hang) {
            return pending().await;
        }
        if self.chance(self.faults.straggle) {
            self.pass(STRAGGLE_US).await;
        }
        let mut reply = inner.invoke(stripe, request).await?;
        if self.chance(self.faults.crash) {
            return Err(InvokeError::Failed(format!("worker of stripe {stripe} crashed")));
        }
        if self.chance(self.faults.rubbish) {
            self.damage(&mut reply);
        }
        self.maybe_die().await;
        Ok(reply)
    }
}
