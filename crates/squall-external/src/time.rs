//! The clock of this crate: how long a program may take is measured here.

use std::time::{Duration, Instant};

use rustix::event::Timespec;

#[expect(clippy::disallowed_methods, reason = "processes are waited for by the wall clock")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Seconds of a setting.
pub(crate) fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
}

/// A time to wait, for the system.
pub(crate) fn timespec(wait: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(wait.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(wait.subsec_nanos()),
    }
}

/// Waits.
pub(crate) fn pause(wait: Duration) {
    // An interrupted pause is a shorter one.
    let _ = rustix::event::poll(&mut [], Some(&timespec(wait)));
}
