//! Two concurrent steps, in every interleaving of their calls with a bounded number of switches.
//! Nearly all races between two steps need only a few switches.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll};

use futures::task::noop_waker;

/// Most switches from one step to the other while both are running.
const MOST_CHANGES: usize = 3;

/// Runs both to their ends, the first taking a turn where `order` says 0. Returns all the choices made.
fn together(a: impl Future<Output = ()>, b: impl Future<Output = ()>, order: &[bool]) -> Vec<bool> {
    let (mut a, mut b) = (pin!(a), pin!(b));
    let waker = noop_waker();
    let mut context = Context::from_waker(&waker);
    let mut left = (true, true);
    let mut chosen = Vec::new();
    while left.0 || left.1 {
        let is_second = if left.0 && left.1 {
            let n_changes = chosen.windows(2).filter(|pair| pair[0] != pair[1]).count();
            match chosen.last() {
                Some(last) if n_changes == MOST_CHANGES => *last,
                _ => {
                    let choice = order.get(chosen.len()).copied().unwrap_or(false);
                    chosen.push(choice);
                    choice
                }
            }
        } else {
            left.1
        };
        let done = |poll: Poll<()>| poll.is_ready();
        if is_second {
            left.1 = !done(b.as_mut().poll(&mut context));
        } else {
            left.0 = !done(a.as_mut().poll(&mut context));
        }
    }
    chosen
}

/// Runs `story` in every such order; it receives a way to run two futures together. Returns the number of orders.
pub(super) fn in_every_order(mut story: impl FnMut(&mut Together)) -> u32 {
    let mut order = Vec::new();
    let mut n = 0;
    loop {
        let mut together = Together { order: std::mem::take(&mut order), chosen: Vec::new() };
        story(&mut together);
        n += 1;
        // The next order: the last turn of the first becomes one of the second, and all later turns are open again.
        order = together.chosen;
        while order.pop_if(|it| *it).is_some() {}
        let Some(last) = order.last_mut() else { return n };
        *last = true;
    }
}

/// One order of a story's two steps.
pub(super) struct Together {
    order: Vec<bool>,
    chosen: Vec<bool>,
}

impl Together {
    pub(super) fn run(&mut self, a: impl Future<Output = ()>, b: impl Future<Output = ()>) {
        self.chosen = together(a, b, &self.order);
    }

    /// The order so far, for failure messages.
    pub(super) fn shown(&self) -> String {
        self.chosen.iter().map(|it| if *it { 'b' } else { 'a' }).collect()
    }
}
