//! From the start of a process to its first invocation, and between invocations.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::ExitCode;

use lambda_runtime::{LambdaEvent, service_fn, spawn_graceful_shutdown_handler};
use metrics_cloudwatch_embedded::Collector;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tracing::{error, info, warn};
use tracing_subscriber::EnvFilter;

use crate::config::ConfigError;
use crate::emf;
use crate::failure::Failure;

/// The variables without which the runtime cannot start.
const FROM_LAMBDA: [&str; 4] = [
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
];
/// The runtime's span of an invocation: it adds the request id to every line, at any level.
const REQUEST_SPAN: &str = "lambda_runtime::layers::trace=info";

/// A function's process.
pub struct Process {
    function: &'static str,
    vars: BTreeMap<String, String>,
}

/// Runs a function until its environment is shut down. An error that keeps it from starting is logged, with all causes.
///
/// One thread: the steps' futures stay on it, and Lambda gives an environment one invocation at a time.
pub fn start(function: &'static str, body: impl AsyncFnOnce(&Process) -> anyhow::Result<()>) -> ExitCode {
    let run = || {
        let process = boot(function)?;
        tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(body(&process))
    };
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            error!("{function} cannot run: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Starts logging, logs the version, and reads the environment; no other code reads it.
fn boot(function: &'static str) -> anyhow::Result<Process> {
    let texts = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let vars: BTreeMap<String, String> = texts.collect();
    let filter = log_filter(&|name| vars.get(name).cloned());
    // Even if the filter is invalid, so that this can be logged.
    let (filter, wrong) = match filter {
        Ok(filter) => (filter, None),
        Err(error) => (EnvFilter::new("info"), Some(error)),
    };
    let lines = tracing_subscriber::fmt().json().flatten_event(true).with_span_list(false);
    let started = lines.with_env_filter(filter).with_writer(std::io::stdout).try_init();
    started.map_err(|error| anyhow::anyhow!("cannot start the log: {error}"))?;
    info!(version = squall_version::VERSION, "{function} starts");
    if let Some(error) = wrong {
        return Err(error.into());
    }
    for variable in FROM_LAMBDA {
        if !vars.contains_key(variable) {
            return Err(
                ConfigError::missing(variable, "what Lambda, or the host that emulates it, sets").into()
            );
        }
    }
    Ok(Process { function, vars })
}

/// The log filter: `AWS_LAMBDA_LOG_LEVEL`, which Lambda sets from the function's logging configuration, or `RUST_LOG`,
/// or `info`.
pub(crate) fn log_filter(vars: &impl Fn(&str) -> Option<String>) -> Result<EnvFilter, ConfigError> {
    for name in ["AWS_LAMBDA_LOG_LEVEL", "RUST_LOG"] {
        let Some(value) = vars(name).filter(|value| !value.is_empty()) else { continue };
        // Lambda has one level more than we do.
        let directives = if value.eq_ignore_ascii_case("fatal") { "error" } else { &value };
        return EnvFilter::try_new(format!("{directives},{REQUEST_SPAN}")).map_err(|_| {
            let expected = "a level (trace, debug, info, warn, error) or tracing directives";
            ConfigError::wrong(name, &value, expected)
        });
    }
    Ok(EnvFilter::new("info"))
}

impl Process {
    /// A variable of the environment, as read at the start.
    pub fn var(&self, name: &str) -> Option<String> {
        self.vars.get(name).cloned()
    }

    /// All variables of the environment, as read at the start.
    pub fn vars(&self) -> &BTreeMap<String, String> {
        &self.vars
    }

    /// Handles one event after another, forever. Metrics are flushed once per invocation.
    ///
    /// # Errors
    /// When the Runtime API does not answer.
    pub async fn serve<A, R, F>(
        &self,
        metric_namespace: &str,
        handle: impl FnMut(LambdaEvent<A>) -> F,
    ) -> anyhow::Result<()>
    where
        A: DeserializeOwned,
        R: Serialize,
        F: Future<Output = Result<R, Failure>>,
    {
        self.serve_until(metric_namespace, handle, || ()).await
    }

    /// The same, and calls `end` when the environment is told to shut down.
    ///
    /// # Errors
    /// As [`serve`](Process::serve).
    pub async fn serve_until<A, R, F>(
        &self,
        metric_namespace: &str,
        mut handle: impl FnMut(LambdaEvent<A>) -> F,
        end: impl FnOnce() + Send + 'static,
    ) -> anyhow::Result<()>
    where
        A: DeserializeOwned,
        R: Serialize,
        F: Future<Output = Result<R, Failure>>,
    {
        let metrics = emf::start(self.function, metric_namespace)?;
        at_shutdown(metrics, end).await;
        let service = service_fn(|event: LambdaEvent<A>| {
            metrics.set_property("requestId", event.context.request_id.clone());
            // Boxed: a step and its adapters nest deeper than the compiler can lay out at once.
            let handled = Box::pin(handle(event));
            async move {
                let outcome = handled.await;
                flush(metrics);
                outcome
            }
        });
        lambda_runtime::run(service).await.map_err(anyhow::Error::from_boxed)
    }
}

/// Flushes the remaining metrics when the environment is told to shut down, and ends what `end` ends.
///
/// Only an environment with an extension receives SIGTERM, so the runtime registers an internal one
/// (<https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html#runtimes-lifecycle-shutdown>). It
/// panics where there is no Extensions API; that must not take down the function, which loses only a last flush.
async fn at_shutdown(metrics: &'static Collector, end: impl FnOnce() + Send + 'static) {
    let registering = tokio::spawn(spawn_graceful_shutdown_handler(move || async move {
        flush(metrics);
        end();
    }));
    if registering.await.is_err() {
        warn!("there is no Extensions API here: nothing is flushed at shutdown");
    }
}

/// Writes out metrics and log lines. Every metric is written as one line of the log, in the embedded metric format.
fn flush(metrics: &Collector) {
    let mut stdout = std::io::stdout().lock();
    if let Err(error) = metrics.flush(&mut stdout).and_then(|()| stdout.flush()) {
        drop(stdout);
        warn!("cannot write the metrics: {error}");
    }
}

#[cfg(test)]
mod tests;
