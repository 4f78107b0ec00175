//! What takes a while when a deployment is put up: said, so that a terminal is never silent for long.

use std::cell::RefCell;
use std::time::Duration;

use tokio::time::{Instant, sleep};

/// A step that takes longer is worth a line.
const LASTS: Duration = Duration::from_secs(1);
/// Between two looks at the current step.
const LOOK: Duration = Duration::from_millis(100);

/// The step that is being done, since when, until a line was written about it.
#[derive(Default)]
pub(super) struct Steps(RefCell<Option<(Instant, String)>>);

impl Steps {
    /// A step begins, and with that the one before it ends.
    pub(super) fn begin(&self, step: String) {
        self.0.replace(Some((Instant::now(), step)));
    }

    /// Gives what `work` gives, and meanwhile says each step that lasts, once.
    pub(super) async fn until<T>(&self, work: impl Future<Output = T>, say: impl Fn(&str)) -> T {
        let saying = async {
            loop {
                sleep(LOOK).await;
                let lasts = self.0.borrow().as_ref().is_some_and(|(since, _)| since.elapsed() >= LASTS);
                if lasts && let Some((_, step)) = self.0.take() {
                    say(&step);
                }
            }
        };
        let done = tokio::select! {
            done = work => done,
            never = saying => never,
        };
        self.0.take();
        done
    }
}

#[cfg(test)]
mod tests;
