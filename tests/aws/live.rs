//! The same contracts in a real account: `make live`, with the names of a deployment. It creates and deletes no
//! resources; the names that it uses are new ones, and the few jobs and blobs that it puts, `live-...`, stay.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use squall_aws::transport::StreamReader;
use squall_aws::{Connection, Settings};
use squall_core::ports::{JobList, JobStore, Order, TaskQueue};
use squall_core::rows::JobStatus;

use super::lost_replies::ending;
use super::{Adapters, Names, run};
use crate::emulator::skipped;

/// The variable's value.
#[expect(clippy::disallowed_methods, reason = "which deployment is tested is its owner's choice")]
fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}

#[test]
fn promises_hold_in_a_real_account() {
    if variable("SQUALL_LIVE") != "1" {
        skipped("in a real account; run `make live` with credentials and the names of a deployment");
        return;
    }
    let named = |name| {
        let value = variable(name);
        assert!(!value.is_empty(), "{name} is not set; it names a part of the deployment to test");
        value
    };
    let (table, bucket) = (named("SQUALL_TABLE"), named("SQUALL_BUCKET"));
    let (task_stream, result_stream) = (named("SQUALL_TASK_STREAM"), named("SQUALL_RESULT_STREAM"));
    let names = Names {
        table: &table,
        bucket: &bucket,
        task_stream: &task_stream,
        result_stream: &result_stream,
        // The topic may have subscribers: no false event is announced.
        events: "",
    };
    run(async {
        let connection = Connection::new(Settings::default());
        let adapters = Adapters::new(&connection, names);
        adapters.blobs_and_files_are_kept_as_promised().await;
        let prefix = format!("live-{}", new_in_the_account());
        let kept = squall_contracts::job_store(&adapters.jobs, &prefix).await;
        leave_nothing_running(&adapters, &prefix).await;
        assert_eq!(kept, Ok(()));
        // Functions read the streams: only a job's records may be put there.
        assert!(!adapters.tasks.shards().await.unwrap().is_empty());
        assert!(!StreamReader::new(&connection, &result_stream).shards().await.unwrap().is_empty());
    });
}

#[expect(clippy::disallowed_methods, reason = "a name that no earlier run has used")]
fn new_in_the_account() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()
}

/// Cancels the suite's jobs, which no collector would ever end. The list of running jobs lags behind: it is polled
/// until our jobs were in it and are not any more.
async fn leave_nothing_running(adapters: &Adapters, prefix: &str) {
    let mut n_cancelled = 0;
    for _ in 0..60 {
        let mut running = adapters.jobs.jobs(JobStatus::Running, Order::NewestFirst, 1_000).await.unwrap();
        running.retain(|id| id.as_str().starts_with(prefix));
        if running.is_empty() && n_cancelled > 0 {
            return;
        }
        for id in running {
            adapters.jobs.end_job(&id, 0, &ending(JobStatus::Cancelled)).await.unwrap();
            n_cancelled += 1;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}
