//! Simulated time: it stands still while anything can run, and jumps to the next timer when nothing can.

use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use squall_ports::Clock;

/// A clock that only [`run_until_done`] moves; clones are the same clock.
#[derive(Clone, Default)]
pub struct SimulatedClock(Rc<Inner>);

#[derive(Default)]
struct Inner {
    now_us: Cell<u64>,
    n_timers: Cell<u64>,
    timers: RefCell<BinaryHeap<Reverse<Timer>>>,
}

struct Timer {
    due_us: u64,
    number: u64,
    sleeper: Rc<Sleeper>,
}

/// The task that waits for a timer; none once the sleep is dropped.
#[derive(Default)]
struct Sleeper(RefCell<Option<Waker>>);

/// A sleep; it has one timer, however often it is polled.
struct Sleep<'a> {
    clock: &'a SimulatedClock,
    until_us: u64,
    sleeper: Option<Rc<Sleeper>>,
}

impl Future for Sleep<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.clock.now_us() >= self.until_us {
            return Poll::Ready(());
        }
        let waker = Some(context.waker().clone());
        if let Some(sleeper) = &self.sleeper {
            sleeper.0.replace(waker);
        } else {
            let sleeper = Rc::new(Sleeper(RefCell::new(waker)));
            self.clock.set_timer(self.until_us, Rc::clone(&sleeper));
            self.sleeper = Some(sleeper);
        }
        Poll::Pending
    }
}

impl Drop for Sleep<'_> {
    fn drop(&mut self) {
        if let Some(sleeper) = &self.sleeper {
            sleeper.0.replace(None);
        }
    }
}

impl PartialEq for Timer {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Timer {}

impl PartialOrd for Timer {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Timer {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.due_us, self.number).cmp(&(other.due_us, other.number))
    }
}

impl Clock for SimulatedClock {
    fn now_us(&self) -> u64 {
        self.0.now_us.get()
    }

    async fn sleep_until(&self, until_us: u64) {
        Sleep { clock: self, until_us, sleeper: None }.await;
    }
}

impl SimulatedClock {
    /// Jumps to the next timer and wakes the task that waits for it; false when there is none.
    fn advance(&self) -> bool {
        let Some(Reverse(timer)) = self.0.timers.borrow_mut().pop() else { return false };
        if let Some(waker) = timer.sleeper.0.take() {
            self.0.now_us.set(self.now_us().max(timer.due_us));
            waker.wake();
        }
        true
    }

    fn set_timer(&self, due_us: u64, sleeper: Rc<Sleeper>) {
        let number = self.0.n_timers.get();
        self.0.n_timers.set(number + 1);
        self.0.timers.borrow_mut().push(Reverse(Timer { due_us, number, sleeper }));
    }
}

/// Nothing can run and nothing ever will.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("stuck at {now_us} µs of simulated time: nothing runs, or something runs for ever")]
pub struct Stuck {
    /// When.
    pub now_us: u64,
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Runs a future on simulated time, on this thread.
///
/// # Errors
/// When it waits for something that cannot happen.
pub fn run_until_done<T>(clock: &SimulatedClock, future: impl Future<Output = T>) -> Result<T, Stuck> {
    let woken = Arc::new(Woken(AtomicBool::new(true)));
    let waker = Waker::from(Arc::clone(&woken));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        if woken.0.swap(false, Ordering::Relaxed) {
            if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
                return Ok(value);
            }
        } else if !clock.advance() {
            return Err(Stuck { now_us: clock.now_us() });
        }
    }
}
