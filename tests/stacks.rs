//! The CDK app, deployed into the emulator: its functions run there, `squall pump` serves its event source mappings,
//! and everything else is as CloudFormation created it from the templates.
#![expect(
    clippy::disallowed_methods,
    reason = "processes take their time, and where the CDK is depends on the machine"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use squall_aws::capacity::AutoScalingGroup;
use squall_aws::transport::StreamReader;
use squall_aws::{ActivityTopic, Connection, WallClock, stack_outputs};
use squall_capacity::events::run_activity_json;
use squall_capacity::ports::{Clock, ScalingGroup};

use crate::binaries::{binary, root};
use crate::deployed::{local_answer, without_run};
use crate::emulator::{self, Emulator};

/// Far longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(300);
const REGION: &str = "us-east-1";
const FUNCTIONS: [&str; 6] =
    ["task-splitter", "shard-consumer", "cascade-worker", "result-collector", "scale-out", "scale-in"];

/// A separate account, and the CDK that deploys into it.
struct Account {
    emulator: Emulator,
    cdk: PathBuf,
    folder: PathBuf,
}

impl Account {
    /// `None`, and a line with the reason, if there is no emulator or no CDK.
    fn open() -> Option<Self> {
        let Ok(cdk) = std::env::var("SQUALL_CDK") else {
            emulator::skipped("of the CDK app; `make test` names its command line in SQUALL_CDK");
            return None;
        };
        let emulator = emulator::another()?;
        let folder = root().join("target/tests/stacks");
        let _ = std::fs::remove_dir_all(&folder);
        for part in ["home", "tmp", "functions"] {
            std::fs::create_dir_all(folder.join(part)).unwrap();
        }
        for function in FUNCTIONS {
            let place = folder.join("functions").join(function);
            std::fs::create_dir_all(&place).unwrap();
            // Debug information would be most of the package.
            let bootstrap = place.join("bootstrap");
            done(Command::new("strip").arg("-o").arg(&bootstrap).arg(binary(function)));
        }
        let account = Self { emulator, cdk: root().join(cdk), folder };
        done(account.cdk("bootstrap").arg(format!("aws://000000000000/{REGION}")));
        Some(account)
    }

    /// Sets the environment of every command that is started here.
    fn told(&self, command: &mut Command) {
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            if ["AWS_", "SQUALL_", "CDK_"].iter().any(|prefix| name.starts_with(prefix)) {
                command.env_remove(name);
            }
        }
        command
            .env("AWS_ENDPOINT_URL", self.emulator.url())
            .env("AWS_REGION", REGION)
            .envs(emulator::keys().variables())
            .env("AWS_EC2_METADATA_DISABLED", "true");
    }

    fn cdk(&self, verb: &str) -> Command {
        let mut command = Command::new(&self.cdk);
        self.told(&mut command);
        command
            .args([verb, "--no-notices", "--ci"])
            .current_dir(&self.folder)
            // Caches of account numbers and of assets.
            .env("HOME", self.folder.join("home"))
            .env("TMPDIR", self.folder.join("tmp"))
            .env("CDK_DISABLE_CLI_TELEMETRY", "true");
        command
    }

    /// Starts synthesizing the templates of a deployment: most of the work of deploying.
    fn synth(&self, deployment: &Deployment) -> Child {
        let path = |name: &str| self.folder.join(format!("{}{name}", deployment.id())).display().to_string();
        std::fs::write(path(".json"), deployment.settings().to_string()).unwrap();
        let functions = self.folder.join("functions").display().to_string();
        let mut command = self.cdk("synth");
        command.args(["--all", "--quiet", "--output", &path(".out")]);
        command.args(["--context", &format!("config={}", path(".json"))]);
        command.args(["--context", &format!("functions={functions}")]);
        command
            .current_dir(root().join("infra"))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// Runs the CDK on the templates of a deployment.
    fn app(&self, verb: &str, deployment: &Deployment, more: &[&str]) {
        let mut command = self.cdk(verb);
        command.args(more).arg("--app").arg(self.folder.join(format!("{}.out", deployment.id())));
        done(&mut command);
    }

    fn deploy(&self, deployment: &Deployment, stacks: &str) {
        self.app("deploy", deployment, &[stacks, "--require-approval", "never", "--concurrency", "3"]);
    }

    fn squall(&self, args: &[&str]) -> Command {
        let mut command = Command::new(binary("squall"));
        self.told(&mut command);
        command.args(args).current_dir(root());
        command
    }

    fn start(&self, name: &str, args: &[&str]) -> Running {
        let [said, answered] = ["said", "answered"].map(|it| self.folder.join(format!("{name}.{it}")));
        let mut command = self.squall(args);
        command.stdin(Stdio::null()).stdout(File::create(&answered).unwrap());
        let process = command.stderr(File::create(&said).unwrap()).spawn().unwrap();
        Running { process, said, answered }
    }

    /// Serves the mappings of a deployment.
    fn pump(&self, deployment: &Deployment) -> Running {
        let stack = deployment.stack("Grid");
        self.start(&format!("pump-{}", deployment.name), &["pump", "--stack", &stack, "--poll-ms", "50"])
    }

    fn submit(&self, deployment: &Deployment, job: &str) -> Running {
        let stack = deployment.stack("State");
        let name = format!("submit-{}-{}", deployment.id(), job.replace('/', "-"));
        self.start(&name, &["submit", job, "--stack", &stack, "--watch", "--json", "--quiet"])
    }

    fn connection(&self) -> Connection {
        emulator::connection_to(self.emulator.url())
    }

    fn outputs(&self, stack: &str) -> BTreeMap<String, String> {
        run(async { stack_outputs(&self.connection(), stack).await.unwrap() })
    }

    /// All resources in the account.
    fn inventory(&self) -> BTreeSet<String> {
        self.python("inventory.py", &[]).lines().map(str::to_owned).collect()
    }

    /// Removes the objects from a deployment's buckets: CloudFormation does not delete a bucket with objects.
    fn empty(&self, deployment: &Deployment) {
        let outputs = self.outputs(&deployment.stack("State"));
        self.python("empty.py", &[&outputs["BucketName"]]);
        self.python("empty.py", &[&outputs["GivenUpBucketName"]]);
    }

    /// The output of one of the programs beside this file.
    fn python(&self, program: &str, args: &[&str]) -> String {
        let mut command = Command::new(std::env::var("SQUALL_EMULATOR").unwrap());
        self.told(&mut command);
        let output = done(command.arg(root().join("tests/stacks").join(program)).args(args));
        String::from_utf8(output.stdout).unwrap()
    }
}

/// A deployment of the app.
#[derive(Clone, Copy)]
struct Deployment {
    name: &'static str,
    task_shards: usize,
}

impl Deployment {
    fn stack(&self, part: &str) -> String {
        format!("{}{part}", self.name)
    }

    /// The name of its files.
    fn id(&self) -> String {
        format!("{}-{}", self.name, self.task_shards)
    }

    fn settings(&self) -> Value {
        let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" };
        json!({
            "name": self.name,
            "region": REGION,
            "architecture": architecture,
            "keepData": false,
            "grid": {
                "taskShards": self.task_shards,
                "resultShards": 1,
                "lanesPerShard": 1,
                "workersPerConsumer": 2,
            },
            "capacity": {
                "example": { "min": 0, "max": 4 },
                "policy": {
                    "runs_per_instance": 2,
                    "standby": { "steps": [{ "sessions": 1, "instances": 1 }] },
                    "scale_in": { "mode": "by_instance", "idle_s": 300 },
                },
            },
        })
    }
}

/// A process, killed when this is dropped.
struct Running {
    process: Child,
    /// The file of its messages, and of its answer.
    said: PathBuf,
    answered: PathBuf,
}

impl Running {
    /// Waits for its answer.
    fn answer(mut self) -> Vec<u8> {
        let status = until("an answer", || self.process.try_wait().unwrap());
        let said = std::fs::read_to_string(&self.said).unwrap();
        assert!(status.success(), "{status}: {said}");
        std::fs::read(&self.answered).unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// Runs a command that must succeed.
fn done(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
    succeeded(&format!("{command:?}"), output)
}

fn succeeded(what: &str, output: Output) -> Output {
    let said = [&output.stdout, &output.stderr].map(|it| String::from_utf8_lossy(it).into_owned()).join("\n");
    assert!(output.status.success(), "{what} ended with {}: {said}", output.status);
    output
}

/// Polls until there is a result.
fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(started.elapsed() < PATIENCE, "{what}: not within {} s", PATIENCE.as_secs());
        sleep(Duration::from_millis(100));
    }
}

/// Each runs its own job, at the same time, and has its own answer.
fn two_deployments_side_by_side_have_the_answers_of_local_runs(account: &Account, two: [&Deployment; 2]) {
    let jobs = ["events/jobs/portfolio.json", "events/jobs/historical.json"];
    let watching: Vec<_> = two.into_iter().zip(jobs).map(|(it, job)| account.submit(it, job)).collect();
    for (watching, job) in watching.into_iter().zip(jobs) {
        assert_eq!(without_run(&watching.answer()), local_answer(job));
    }
}

/// A job that is running while the stream is resharded is completed.
fn shards_are_changed_under_a_running_job(account: &Account, before: Deployment, after: Deployment) {
    let job = account.folder.join("long.json");
    let sizing = json!({ "tasks": 24, "subtasks_per_task": 4 });
    let input = json!({ "units": 480, "rounds": 40_000_000 });
    std::fs::write(&job, json!({ "workload": "probe", "input": input, "sizing": sizing }).to_string())
        .unwrap();
    let watching = account.submit(&before, job.to_str().unwrap());
    let stream = account.outputs(&before.stack("State"))["TaskStreamName"].clone();
    let n_shards = || {
        run(async {
            let reader = StreamReader::new(&account.connection(), &stream);
            let shards = reader.shards().await.unwrap();
            (shards.iter().filter(|it| !it.closed).count(), shards.len())
        })
    };
    let state = before.stack("State");
    until("the job's first result", || {
        let listed = done(&mut account.squall(&["jobs", "--stack", &state, "--json"])).stdout;
        String::from_utf8(listed).unwrap().contains("\"coverage\": 0.").then_some(())
    });
    assert_eq!(n_shards(), (before.task_shards, before.task_shards));
    account.deploy(&after, &state);
    let listed = String::from_utf8(done(&mut account.squall(&["jobs", "--stack", &state, "--json"])).stdout);
    assert!(listed.unwrap().contains("\"coverage\": 0."), "the job was done before the stream was resharded");
    assert_eq!(n_shards(), (after.task_shards, before.task_shards + after.task_shards));
    let report: Value = serde_json::from_slice(&watching.answer()).unwrap();
    assert_eq!(report["status"], "complete", "{report}");
    // Tasks put from now on go through the new shards.
    let job = "events/jobs/probe.json";
    assert_eq!(without_run(&account.submit(&after, job).answer()), local_answer(job));
}

/// Events on the topics of the capacity stack enlarge its group.
fn events_make_the_group_larger(account: &Account, deployment: &Deployment) {
    let stack = deployment.stack("Capacity");
    let outputs = account.outputs(&stack);
    let connection = account.connection();
    let group = AutoScalingGroup::new(&connection, &outputs["GroupName"]);
    let desired = || run(async { group.describe().await.unwrap().desired });
    assert_eq!(desired(), 0);
    let runs = run_activity_json("scheduler", WallClock.now_us(), 5, 0);
    let now = serde_json::from_str::<Value>(&runs).unwrap()["time"].clone();
    let sessions = json!({ "version": 1, "type": "session_activity", "source": "web-1", "time": now, "active_sessions": 3 });
    for (topic, event, expected) in [("SessionsTopicArn", sessions.to_string(), 1), ("RunsTopicArn", runs, 3)]
    {
        run(async { ActivityTopic::new(&connection, &outputs[topic]).publish(&event).await.unwrap() });
        until(&format!("{expected} instances"), || (desired() == expected).then_some(()));
    }
    // The explanation that a person would get.
    let explained = done(&mut account.squall(&["capacity", "explain", "--stack", &stack]));
    let explained = String::from_utf8(explained.stdout).unwrap();
    assert!(explained.contains("desired 3"), "{explained}");
    let doctor = account.squall(&["capacity", "doctor", "--stack", &stack]).output().unwrap();
    let found = String::from_utf8_lossy(&doctor.stdout).into_owned();
    assert_eq!(doctor.status.code(), Some(0), "{found}{}", String::from_utf8_lossy(&doctor.stderr));
}

#[test]
fn what_the_app_deploys_computes_is_resharded_scales_and_leaves_nothing_behind() {
    let Some(account) = Account::open() else { return };
    let before = account.inventory();
    let alpha = Deployment { name: "Alpha", task_shards: 2 };
    let larger = Deployment { task_shards: 4, ..alpha };
    let beta = Deployment { name: "Beta", task_shards: 1 };
    for synthesizing in [&alpha, &beta, &larger].map(|it| account.synth(it)) {
        succeeded("cdk synth", synthesizing.wait_with_output().unwrap());
    }
    for deployment in [&alpha, &beta] {
        account.deploy(deployment, "--all");
    }
    let pumps = [account.pump(&alpha), account.pump(&beta)];
    two_deployments_side_by_side_have_the_answers_of_local_runs(&account, [&alpha, &beta]);
    emulator::nobody_is_handed_an_invocation(&account.emulator);
    events_make_the_group_larger(&account, &alpha);
    shards_are_changed_under_a_running_job(&account, alpha, larger);
    drop(pumps);
    for deployment in [&larger, &beta] {
        account.empty(deployment);
        account.app("destroy", deployment, &["--all", "--force"]);
    }
    let left: Vec<_> = account.inventory().difference(&before).cloned().collect();
    assert_eq!(left, Vec::<String>::new());
}
