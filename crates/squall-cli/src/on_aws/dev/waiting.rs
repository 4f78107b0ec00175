//! Reports slow steps while a deployment starts, so that a terminal is never silent for long.

use std::cell::RefCell;
use std::time::Duration;

use tokio::time::{Instant, sleep};

/// A step that takes longer is reported.
const LASTS: Duration = Duration::from_secs(1);
/// Time between two checks of the current step.
const LOOK: Duration = Duration::from_millis(100);

/// The current step and its start, until it is reported.
#[derive(Default)]
pub(super) struct Steps(RefCell<Option<(Instant, String)>>);

impl Steps {
    /// Begins a step, which ends the one before it.
    pub(super) fn begin(&self, step: String) {
        self.0.replace(Some((Instant::now(), step)));
    }

    /// Returns the result of `work`, and meanwhile reports each slow step, once.
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
