//! A process as AWS would start it, and its end.

use std::future::pending;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::{Child, Command};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::Instant;

use super::fleet::{Fleet, Function};
use super::names::LATEST;
use super::replies::Exit;

/// An order to end a process.
pub(super) enum Order {
    /// Kill it.
    Kill,
    /// Kill it unless it has exited when the shutdown phase is over.
    Stop,
}

/// Waits for the end of a process, and causes it when ordered to.
pub(super) async fn ended(
    child: &mut Child,
    mut orders: UnboundedReceiver<Order>,
    shutdown: Duration,
) -> Exit {
    let mut kill_at: Option<Instant> = None;
    loop {
        let due = async {
            match kill_at {
                Some(instant) => tokio::time::sleep_until(instant).await,
                None => pending().await,
            }
        };
        tokio::select! {
            status = child.wait() => return status.map_or(Exit::Unknown, Exit::from),
            Some(order) = orders.recv() => match order {
                Order::Kill => kill_at = Some(Instant::now()),
                Order::Stop => kill_at = Some(Instant::now() + shutdown),
            },
            () = due => {
                kill_at = None;
                let _ = child.start_kill();
            }
        }
    }
}

/// The process that AWS would start:
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime>.
pub(super) fn command(fleet: &Fleet, function: &Function, runtime_api: &str) -> Command {
    let spec = &function.spec;
    let task_root = spec.bootstrap.parent().unwrap_or(Path::new("."));
    let mut command = match fleet.starter.split_first() {
        Some((starter, its)) => {
            let mut command = Command::new(starter);
            command.args(its).arg(&spec.bootstrap);
            command
        }
        None => Command::new(&spec.bootstrap),
    };
    command
        .env_clear()
        .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
        .envs(spec.env.iter().map(|(name, value)| (name, value)))
        .env("AWS_LAMBDA_RUNTIME_API", runtime_api)
        .env("AWS_LAMBDA_FUNCTION_NAME", &spec.name)
        .env("AWS_LAMBDA_FUNCTION_VERSION", LATEST)
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", spec.memory_mb.to_string())
        .env("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{}", spec.name))
        .env("AWS_LAMBDA_LOG_STREAM_NAME", format!("[{LATEST}]{:032x}", fleet.ids.bits()))
        .env("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")
        .env("AWS_REGION", &fleet.region)
        .env("AWS_DEFAULT_REGION", &fleet.region)
        .env("LAMBDA_TASK_ROOT", task_root)
        .env("_HANDLER", "bootstrap")
        .env("TZ", ":UTC")
        .current_dir(task_root)
        // Its own group: Ctrl-C in a terminal reaches only the host, which then stops the environments in order.
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}
