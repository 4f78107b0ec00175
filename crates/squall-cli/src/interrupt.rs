//! Ctrl-C, SIGTERM and SIGHUP: the first asks to stop, the second leaves at once.

use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};

use crate::INTERRUPTED;

static INTERRUPTED_ONCE: AtomicBool = AtomicBool::new(false);

/// Calls `first` at the first Ctrl-C.
///
/// # Errors
/// When the system does not let us install a handler.
pub(crate) fn on_ctrl_c(first: impl Fn() + Send + 'static) -> Result<()> {
    on_each_ctrl_c(first, || ())
}

/// Calls `first` at the first Ctrl-C, and `last` at the second, before it leaves.
///
/// # Errors
/// When the system does not let us install a handler.
pub(crate) fn on_each_ctrl_c(
    first: impl Fn() + Send + 'static,
    last: impl Fn() + Send + 'static,
) -> Result<()> {
    ctrlc::set_handler(move || {
        if INTERRUPTED_ONCE.swap(true, Ordering::Relaxed) {
            last();
            std::process::exit(i32::from(INTERRUPTED));
        }
        first();
    })
    .context("cannot listen for Ctrl-C")
}
