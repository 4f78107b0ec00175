//! Checks that the deployment and the functions agree: the templates in `infra/templates` set every variable that a
//! function reads, and allow every call that its adapters make.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use squall_capacity::events::{Activity, Notice, instance_notice_json, run_activity_json};
use squall_capacity::ids::InstanceId;
use squall_capacity::scale_in::DRAIN_GRACE_US;
use squall_core::deployment::Deployment;

use crate::{CapacityConfig, CollectorConfig, ConfigError, ConsumerConfig, SplitterConfig, WorkerConfig};

mod called;
mod iam;
mod recorder;
mod template;

use template::{Resource, Templates};

/// A function of the templates.
pub(crate) struct Function {
    pub(crate) name: String,
    /// The binary that it runs.
    pub(crate) binary: String,
    pub(crate) resource: Resource,
}

impl Function {
    fn timeout_s(&self) -> u64 {
        self.resource.properties["Timeout"].as_u64().unwrap()
    }

    /// Its variables as set by the template, and those that Lambda sets.
    pub(crate) fn variables(&self) -> BTreeMap<String, String> {
        let mut variables = BTreeMap::new();
        let told = self.resource.properties["Environment"]["Variables"].as_object();
        for (variable, value) in told.into_iter().flatten() {
            variables.insert(variable.clone(), value.as_str().expect("a variable is a text").to_owned());
        }
        let memory_mb = &self.resource.properties["MemorySize"];
        variables.insert("AWS_LAMBDA_FUNCTION_MEMORY_SIZE".to_owned(), memory_mb.to_string());
        variables
    }

    fn variable(&self, name: &str) -> String {
        self.variables().remove(name).unwrap_or_else(|| panic!("{} is not told {name}", self.name))
    }
}

/// The binaries of this crate.
fn binaries() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/bin");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.map(|file| file.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
}

/// The functions whose code is one of the binaries: `<binary>/bootstrap.zip`. Inline code in the template is not ours.
pub(crate) fn functions(templates: &Templates) -> Vec<Function> {
    let binaries = binaries();
    let function = |resource: Resource| {
        let key = resource.properties["Code"]["S3Key"].as_str()?;
        let binary = key.strip_suffix("/bootstrap.zip").expect("code of ours").to_owned();
        assert!(binaries.contains(&binary), "{} is {key}, which is no binary", resource.arn);
        Some(Function { name: resource.reference.clone(), binary, resource })
    };
    templates.resources("AWS::Lambda::Function").into_iter().filter_map(function).collect()
}

/// The only function of a binary.
fn the(functions: &[Function], binary: &str) -> usize {
    let of_binary: Vec<_> = (0..functions.len()).filter(|&it| functions[it].binary == binary).collect();
    assert_eq!(of_binary.len(), 1, "functions that are {binary}");
    of_binary[0]
}

/// Parses a binary's variables.
fn configured(binary: &str, vars: &impl Fn(&str) -> Option<String>) -> Result<(), ConfigError> {
    match binary {
        "task-splitter" => SplitterConfig::from_vars(vars).map(drop),
        "shard-consumer" => ConsumerConfig::from_vars(vars).map(drop),
        "cascade-worker" => WorkerConfig::from_vars(vars).map(drop),
        "result-collector" => CollectorConfig::from_vars(vars).map(drop),
        "scale-out" | "scale-in" => CapacityConfig::from_vars(vars).map(drop),
        other => panic!("{other} has no configuration here"),
    }
}

/// The disagreements between the templates' variables and the functions.
fn misconfigured(templates: &Templates) -> Vec<String> {
    let mut wrong = Vec::new();
    for function in functions(templates) {
        let variables = function.variables();
        let asked = RefCell::new(BTreeSet::new());
        let find = |name: &str| {
            asked.borrow_mut().insert(name.to_owned());
            variables.get(name).cloned()
        };
        match configured(&function.binary, &find) {
            Err(error) => wrong.push(format!("{}: {error}", function.name)),
            Ok(()) => {
                let ours = variables.keys().filter(|name| name.starts_with("SQUALL_"));
                let unread = ours.filter(|name| !asked.borrow().contains(*name));
                wrong.extend(unread.map(|name| format!("{} is told {name}, and reads none", function.name)));
            }
        }
    }
    wrong
}

#[test]
fn every_function_reads_exactly_the_variables_that_are_set() {
    let wrong = misconfigured(&Templates::read());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_variable_that_is_missing_wrong_or_left_over_is_named() {
    let with = |from: &'static str, to: &'static str| {
        let wrong = misconfigured(&Templates::changed(|text| text.replace(from, to)));
        assert!(!wrong.is_empty(), "{to} goes through");
        wrong.join("\n")
    };
    let misspelt = with("\"SQUALL_RESULT_STREAM\"", "\"SQUALL_RESULTS_STREAM\"");
    assert!(misspelt.contains("shard-consumer: SQUALL_RESULT_STREAM is not set"), "{misspelt}");
    let left_over = with("\"SQUALL_DEPLOYMENT\"", "\"SQUALL_LANES_PER_SHARD\"");
    assert!(left_over.contains("in place of SQUALL_LANES_PER_SHARD"), "{left_over}");
    let wrong = with("\\\"raise_by\\\"", "\\\"rise_by\\\"");
    assert!(wrong.contains("scale-in: SQUALL_POLICY is"), "{wrong}");
}

#[test]
fn every_binary_is_deployed_under_its_name() {
    let functions = functions(&Templates::read());
    let deployed: BTreeSet<_> = functions.iter().map(|it| it.binary.clone()).collect();
    assert_eq!(deployed, binaries());
    for Function { name, binary, .. } in &functions {
        assert!(name.contains(binary.as_str()), "{name} is {binary}");
    }
    let names: BTreeSet<_> = functions.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names.len(), functions.len(), "{names:?}");
}

/// The event source mapping from a stream to a function.
fn mapping(templates: &Templates, stream: &str, to: &Function) -> Value {
    let reads = |it: &Resource| {
        let stream = template::arn("kinesis", &format!("stream/{stream}"));
        it.properties["EventSourceArn"] == stream && it.properties["FunctionName"] == to.name
    };
    let mut mappings = templates.resources("AWS::Lambda::EventSourceMapping").into_iter().filter(reads);
    let mapping = mappings.next().unwrap_or_else(|| panic!("{} does not read {stream}", to.name));
    assert!(mappings.next().is_none(), "{} reads {stream} twice", to.name);
    assert_eq!(mapping.properties["FunctionResponseTypes"], json!(["ReportBatchItemFailures"]));
    assert!(!mapping.properties["DestinationConfig"]["OnFailure"]["Destination"].is_null());
    mapping.properties
}

#[test]
fn the_streams_are_delivered_as_the_functions_take_them() {
    let templates = Templates::read();
    let functions = functions(&templates);
    let [splitter, consumer, collector] =
        ["task-splitter", "shard-consumer", "result-collector"].map(|it| &functions[the(&functions, it)]);
    let tasks = mapping(&templates, &splitter.variable("SQUALL_TASK_STREAM"), consumer);
    // A lane takes one task at a time, and jobs are cut for this number of lanes.
    assert_eq!(tasks["BatchSize"], 1);
    let deployment = described(splitter);
    assert_eq!(tasks["ParallelizationFactor"], deployment.lanes_per_shard);
    let results = mapping(&templates, &consumer.variable("SQUALL_RESULT_STREAM"), collector);
    // Two collectors of one shard would only race for the same buckets.
    assert_eq!(results["ParallelizationFactor"], 1);
}

/// The deployment as a function is told of it.
fn described(function: &Function) -> Deployment {
    Deployment::from_json(&function.variable("SQUALL_DEPLOYMENT")).unwrap()
}

#[test]
fn the_description_is_one_and_what_is_deployed() {
    let templates = Templates::read();
    let functions = functions(&templates);
    let told = templates.output("SquallState", "Deployment");
    let deployment = Deployment::from_json(&told).unwrap();
    // The templates are those of the usual settings, in the region where these tests put them.
    assert_eq!(deployment, Deployment { region: template::REGION.to_owned(), ..Deployment::default() });
    let of_the_grid = functions.iter().filter(|it| !it.binary.starts_with("scale"));
    for function in of_the_grid {
        assert_eq!(function.variable("SQUALL_DEPLOYMENT"), told, "{}", function.name);
        let (memory_mb, timeout_s) = match function.binary.as_str() {
            "task-splitter" => (deployment.splitter_memory_mb, deployment.splitter_timeout_s),
            "shard-consumer" => (deployment.consumer_memory_mb, deployment.consumer_timeout_s),
            "cascade-worker" => (deployment.worker_memory_mb, deployment.worker_timeout_s),
            "result-collector" => (deployment.collector_memory_mb, deployment.collector_timeout_s),
            other => panic!("{other} is not in the description"),
        };
        let properties = &function.resource.properties;
        assert_eq!(properties["MemorySize"], memory_mb, "{}", function.name);
        assert_eq!(function.timeout_s(), timeout_s, "{}", function.name);
        assert_eq!(properties["Architectures"], json!([deployment.architecture]), "{}", function.name);
    }
    let shards = |function: &str, variable: &str| {
        let name = functions[the(&functions, function)].variable(variable);
        let streams = templates.resources("AWS::Kinesis::Stream");
        streams.iter().find(|it| it.reference == name).unwrap().properties["ShardCount"].clone()
    };
    assert_eq!(shards("task-splitter", "SQUALL_TASK_STREAM"), deployment.shards);
    assert_eq!(shards("shard-consumer", "SQUALL_RESULT_STREAM"), deployment.result_shards);
}

#[test]
fn the_consumer_knows_exactly_the_workers() {
    let functions = functions(&Templates::read());
    let [splitter, consumer] = ["task-splitter", "shard-consumer"].map(|it| &functions[the(&functions, it)]);
    let workers: Vec<_> = functions.iter().filter(|it| it.binary == "cascade-worker").collect();
    let vars = |function: &Function| {
        let variables = function.variables();
        move |name: &str| variables.get(name).cloned()
    };
    let consumer_config = ConsumerConfig::from_vars(&vars(consumer)).unwrap();
    let known: BTreeSet<_> = consumer_config.worker_functions.iter().collect();
    assert_eq!(known, workers.iter().map(|it| &it.name).collect(), "each once");
    assert_eq!(known.len(), consumer_config.worker_functions.len(), "each once");

    // Jobs are cut for workers of this size, and for this number of them per consumer.
    let split = SplitterConfig::from_vars(&vars(splitter)).unwrap().split;
    let cascade = consumer_config.consume.cascade;
    assert!(split.workers_per_consumer <= cascade.max_concurrency);
    for worker in workers {
        let n_vcpus = WorkerConfig::from_vars(&vars(worker)).unwrap().work.n_vcpus.get();
        assert_eq!(n_vcpus, split.vcpus_per_worker as usize, "{}", worker.name);
        // The consumer waits exactly as long as a worker may run.
        assert_eq!(worker.timeout_s() * 1_000_000, cascade.attempt_timeout_us, "{}", worker.name);
    }
    assert!(cascade.guard_us < consumer.timeout_s() * 1_000_000);
}

#[test]
fn what_ends_jobs_and_instances_ends_in_time() {
    let functions = functions(&Templates::read());
    let timeout_us = |binary| functions[the(&functions, binary)].timeout_s() * 1_000_000;
    // Otherwise another tick would terminate the instances that this one is still draining.
    assert!(timeout_us("scale-in") < DRAIN_GRACE_US);
    assert!(timeout_us("result-collector") > crate::result_collector::TICK_GUARD_US);
}

#[test]
fn every_event_of_activity_reaches_one_scale_out() {
    // 10:15, as in the sessions' event.
    let now_us = 1_795_342_500_000_000;
    let templates = Templates::read();
    let sessions = json!({
        "version": 1, "type": "session_activity", "source": "web-1", "time": "2026-11-22T10:15:00Z",
        "active_sessions": 7,
    });
    let instance = InstanceId::new("i-0a1b2c3d").unwrap();
    let events = [
        (sessions.to_string(), "scale-out-sessions"),
        (run_activity_json("scheduler", now_us, 2, 3), "scale-out-runs"),
        (instance_notice_json(&instance, Notice::SpotInterruption, now_us), "scale-out-runs"),
    ];
    for (event, name) in events {
        Activity::from_json(&event, now_us).expect("an event that scale-out reads");
        let event: Value = serde_json::from_str(&event).unwrap();
        let takes = |it: &Resource| {
            let types = it.properties["FilterPolicy"]["type"].as_array();
            types.is_none_or(|types| types.contains(&event["type"]))
        };
        let subscriptions = templates.resources("AWS::SNS::Subscription").into_iter();
        let scale_outs: Vec<_> = functions(&templates)
            .into_iter()
            .filter(|it| it.binary == "scale-out")
            .map(|it| (it.resource.arn, it.name))
            .collect();
        let told = subscriptions.filter(takes).filter_map(|it| {
            let (_, name) = scale_outs.iter().find(|(arn, _)| it.properties["Endpoint"] == *arn)?;
            Some(name.clone())
        });
        let told: Vec<_> = told.collect();
        assert!(matches!(&told[..], [only] if only.ends_with(name)), "{event} reaches {told:?}");
    }
}

#[test]
fn the_tables_have_the_keys_that_the_adapters_write() {
    let templates = Templates::read();
    let tables = templates.resources("AWS::DynamoDB::Table");
    let keys = |of: &Value| {
        let parts = of["KeySchema"].as_array().unwrap().iter();
        parts.map(|it| (it["AttributeName"].clone(), it["KeyType"].clone())).collect::<Vec<_>>()
    };
    let key = |hash: &str, range: &str| vec![(json!(hash), json!("HASH")), (json!(range), json!("RANGE"))];
    let functions = functions(&templates);
    let named = |binary: &str, variable: &str| {
        let name = functions[the(&functions, binary)].variable(variable);
        let table = tables.iter().find(|it| it.reference == name);
        table
            .unwrap_or_else(|| panic!("{binary}'s {variable} is {name}, which is no table"))
            .properties
            .clone()
    };
    let jobs = named("result-collector", "SQUALL_TABLE");
    assert_eq!(keys(&jobs), key("pk", "sk"));
    assert_eq!(jobs["TimeToLiveSpecification"], json!({ "AttributeName": "ttl", "Enabled": true }));
    let index = &jobs["GlobalSecondaryIndexes"][0];
    assert_eq!((&index["IndexName"], keys(index)), (&json!("by-status"), key("status", "created_us")));
    assert_eq!(keys(&named("scale-in", "SQUALL_LEDGER_TABLE")), key("pk", "sk"));
}
