//! The layout of a local deployment: names, variables, functions, event sources. No I/O happens here.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Result, bail};
use squall_aws::provision::Resources;
use squall_core::deployment::Deployment;
use squall_lambda_host::functions::FunctionSpec;
use squall_workloads::external::workers::Command;

/// The region used with an emulator.
pub(super) const REGION: &str = "us-east-1";
const TASK_STREAM: &str = "squall-tasks";
const RESULT_STREAM: &str = "squall-results";
const TABLE: &str = "squall-jobs";
const BUCKET: &str = "squall";

/// The size of the deployment.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    pub(super) n_shards: i32,
    pub(super) lanes_per_shard: u32,
    /// Identical worker functions; 0 for a single one without a number in its name.
    pub(super) n_stripes: u32,
    /// Longest that a worker runs.
    pub(super) worker_timeout_s: u64,
    pub(super) collector_memory_mb: u32,
    pub(super) n_cores: usize,
    /// The workers that `external` jobs may name.
    pub(super) external_workers: BTreeMap<String, Command>,
}

/// The credentials of a run. Whoever has them may do what the run may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Keys {
    /// The access key: what the emulator and the functions' host go by.
    pub(super) id: String,
    pub(super) secret: String,
}

impl Keys {
    /// Reads `ID:SECRET`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (id, secret) = text.split_once(':')?;
        let is_whole = !id.is_empty() && !secret.is_empty() && !text.contains(char::is_whitespace);
        is_whole.then(|| Self { id: id.to_owned(), secret: secret.to_owned() })
    }

    fn variables(&self) -> [(&'static str, &str); 2] {
        [("AWS_ACCESS_KEY_ID", &self.id), ("AWS_SECRET_ACCESS_KEY", &self.secret)]
    }
}

/// The actual addresses and names of its parts.
#[derive(Debug, Clone)]
pub(super) struct Places {
    pub(super) keys: Keys,
    pub(super) endpoint: String,
    pub(super) functions: String,
    pub(super) jobs_topic: String,
    pub(super) events_topic: String,
}

impl Layout {
    /// The deployment that this is. Every lane keeps every core busy: more in flight would only wait for a core.
    pub(super) fn deployment(&self) -> Deployment {
        let stripes = self.workers().len();
        Deployment {
            shards: self.n_shards.unsigned_abs(),
            // One is kept for small jobs, if there are others.
            express_shards: u32::from(self.n_shards > 1),
            result_shards: 1,
            lanes_per_shard: self.lanes_per_shard,
            stripes: u32::try_from(stripes).unwrap_or(u32::MAX),
            workers_per_consumer: u32::try_from(self.n_cores).unwrap_or(u32::MAX),
            worker_timeout_s: self.worker_timeout_s,
            collector_memory_mb: self.collector_memory_mb,
            max_buckets: 4,
            region: REGION.to_owned(),
            external_workers: self.external_workers.keys().cloned().collect(),
            ..Deployment::default()
        }
    }

    /// What may be at work where the functions run elsewhere: the functions that a stream waits for.
    pub(super) fn at_work_elsewhere(&self) -> Option<String> {
        let Deployment { consumer_timeout_s, collector_timeout_s, .. } = self.deployment();
        let longest = consumer_timeout_s.max(collector_timeout_s);
        Some(format!("functions that are at work, if any are, at most {longest} s"))
    }

    pub(super) fn resources(&self) -> Resources {
        let deployment = self.deployment();
        Resources {
            task_stream: TASK_STREAM.to_owned(),
            task_shards: self.n_shards,
            result_stream: RESULT_STREAM.to_owned(),
            result_shards: i32::try_from(deployment.result_shards).unwrap_or(i32::MAX),
            table: TABLE.to_owned(),
            bucket: BUCKET.to_owned(),
            jobs_topic: "squall-jobs".to_owned(),
            events_topic: "squall-job-events".to_owned(),
        }
    }

    fn workers(&self) -> Vec<String> {
        match self.n_stripes {
            0 => vec!["cascade-worker".to_owned()],
            n_stripes => (0..n_stripes).map(|stripe| format!("cascade-worker-{stripe}")).collect(),
        }
    }

    /// The functions, whose binaries are in `folder`, each by its name or as `bootstrap` in a folder of its name.
    pub(super) fn functions(&self, folder: &Path, places: &Places) -> Result<Vec<FunctionSpec>> {
        let others = ["task-splitter", "shard-consumer", "result-collector"].map(str::to_owned);
        let (env, deployment) = (self.function_env(places), self.deployment());
        let mut specs = Vec::new();
        for name in others.into_iter().chain(self.workers()) {
            let binary = if name.starts_with("cascade-worker") { "cascade-worker" } else { &name };
            let packaged = folder.join(binary).join("bootstrap");
            let bootstrap = if packaged.is_file() { packaged } else { folder.join(binary) };
            if !bootstrap.is_file() {
                bail!(
                    "there is no {binary} in {}; build the functions first: cargo build --package squall-lambdas",
                    folder.display()
                );
            }
            let (memory_mb, timeout_s) = match binary {
                "task-splitter" => (deployment.splitter_memory_mb, deployment.splitter_timeout_s),
                "shard-consumer" => (deployment.consumer_memory_mb, deployment.consumer_timeout_s),
                "result-collector" => (deployment.collector_memory_mb, deployment.collector_timeout_s),
                _ => (deployment.worker_memory_mb, deployment.worker_timeout_s),
            };
            let env = env.clone();
            specs.push(FunctionSpec {
                name,
                bootstrap: std::path::absolute(&bootstrap)?,
                memory_mb,
                timeout: Duration::from_secs(timeout_s),
                reserved_concurrency: None,
                env,
            });
        }
        Ok(specs)
    }

    /// The variables of the functions.
    fn function_env(&self, places: &Places) -> Vec<(String, String)> {
        let deployment = self.deployment().to_json();
        let workers = self.workers().join(",");
        let declared = serde_json::to_string(&self.external_workers).unwrap_or_default();
        let vars = [
            ("AWS_REGION", REGION),
            ("AWS_ENDPOINT_URL", places.endpoint.as_str()),
            ("AWS_ENDPOINT_URL_LAMBDA", &places.functions),
            ("AWS_EC2_METADATA_DISABLED", "true"),
            ("SQUALL_TABLE", TABLE),
            ("SQUALL_BUCKET", BUCKET),
            // A bucket of its own only where somebody is kept from listing it.
            ("SQUALL_GIVEN_UP_BUCKET", BUCKET),
            ("SQUALL_TASK_STREAM", TASK_STREAM),
            ("SQUALL_RESULT_STREAM", RESULT_STREAM),
            ("SQUALL_EVENTS_TOPIC", &places.events_topic),
            ("SQUALL_WORKER_FUNCTIONS", &workers),
            ("SQUALL_EXTERNAL_WORKERS", &declared),
            ("SQUALL_DEPLOYMENT", &deployment),
        ];
        let all = places.keys.variables().into_iter().chain(vars);
        all.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    /// The functions' variables as a file for `cargo lambda watch --env-file`.
    pub(super) fn function_env_file(&self, places: &Places) -> String {
        let vars = self.function_env(places);
        vars.into_iter().map(|(name, value)| format!("{name}={}\n", quoted(&value))).collect()
    }

    /// The variables with which `squall` and the AWS CLI find this deployment, as a file for a shell to source.
    pub(super) fn operator_env_file(&self, places: &Places) -> String {
        let deployment = self.deployment().to_json();
        let vars = [
            ("AWS_REGION", REGION),
            // Older tools read only this one.
            ("AWS_DEFAULT_REGION", REGION),
            ("AWS_ENDPOINT_URL", places.endpoint.as_str()),
            ("AWS_ENDPOINT_URL_LAMBDA", &places.functions),
            ("SQUALL_JOBS_TOPIC", &places.jobs_topic),
            ("SQUALL_EVENTS_TOPIC", &places.events_topic),
            ("SQUALL_TABLE", TABLE),
            ("SQUALL_BUCKET", BUCKET),
            ("SQUALL_TASK_STREAM", TASK_STREAM),
            ("SQUALL_RESULT_STREAM", RESULT_STREAM),
            ("SQUALL_DEPLOYMENT", &deployment),
        ];
        // A real account's profile or session token must not be mixed in.
        let cleared = "unset AWS_PROFILE AWS_DEFAULT_PROFILE AWS_SESSION_TOKEN SQUALL_STACK\n".to_owned();
        let all = places.keys.variables().into_iter().chain(vars);
        cleared + &all.map(|(name, value)| format!("export {name}={}\n", quoted(value))).collect::<String>()
    }

    /// The event sources, in the format that `squall pump` reads.
    pub(super) fn event_sources(&self, places: &Places) -> String {
        let lanes_per_shard = self.lanes_per_shard;
        let jobs_topic = &places.jobs_topic;
        format!(
            r#"# What stands between topics, streams and functions; `squall pump --config` reads it.
[[subscription]]
topic = "{jobs_topic}"
function = "task-splitter"

[[mapping]]
stream = "{TASK_STREAM}"
function = "shard-consumer"
batch_size = 1
parallelization_factor = {lanes_per_shard}
starting_position = "TRIM_HORIZON"
maximum_retry_attempts = 5
maximum_record_age_s = 86400
partial_failures = true
on_failure = "s3://{BUCKET}"

[[mapping]]
stream = "{RESULT_STREAM}"
function = "result-collector"
batch_size = 200
batching_window_s = 0
starting_position = "TRIM_HORIZON"
maximum_retry_attempts = 10
maximum_record_age_s = 86400
bisect = true
partial_failures = true
on_failure = "s3://{BUCKET}"

[[schedule]]
every_s = 10
function = "result-collector"
"#
        )
    }
}

/// A value as a shell and `cargo lambda` read it: the description's JSON has quotes of its own, but no apostrophe.
fn quoted(value: &str) -> String {
    if value.contains('"') { format!("'{value}'") } else { value.to_owned() }
}

#[cfg(test)]
mod tests;
