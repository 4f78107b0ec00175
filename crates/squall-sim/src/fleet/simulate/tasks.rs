//! Concurrent tasks on simulated time.

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use futures::stream::{FuturesUnordered, Stream};

type Task = Pin<Box<dyn Future<Output = ()>>>;

/// Tasks; each may start others.
#[derive(Default)]
pub(super) struct Tasks(RefCell<Vec<Task>>);

impl Tasks {
    /// Starts a task; it runs once no other task is running.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + 'static) {
        self.0.borrow_mut().push(Box::pin(task));
    }

    /// Runs them until `is_over`, or none is left.
    pub(super) async fn run(&self, is_over: impl Fn() -> bool) {
        let mut running = FuturesUnordered::new();
        poll_fn(|context| {
            loop {
                running.extend(self.0.borrow_mut().drain(..));
                match Pin::new(&mut running).poll_next(context) {
                    _ if is_over() => return Poll::Ready(()),
                    Poll::Ready(Some(())) => {}
                    _ if !self.0.borrow().is_empty() => {}
                    Poll::Ready(None) => return Poll::Ready(()),
                    Poll::Pending => return Poll::Pending,
                }
            }
        })
        .await;
    }
}
