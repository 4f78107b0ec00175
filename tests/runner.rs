//! `squall runner exec`: the command runs undisturbed, its instance is claimed as long as it runs, and it never
//! outlives its claim.
#![expect(clippy::disallowed_methods, reason = "processes take their time")]

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use squall_aws::capacity::DynamoLedger;
use squall_aws::provision::provision_ledger;
use squall_capacity::claims::{InstanceRow, State};
use squall_capacity::events::Activity;
use squall_capacity::ids::InstanceId;
use squall_capacity::levels::Levels;
use squall_capacity::ports::{Ledger, Written};

use crate::binaries::{binary, root};
use crate::emulator::{self, unique};
use crate::proxy::{Fault, Proxy};

const PATIENCE: Duration = Duration::from_secs(60);
const GROUP: &str = "modelling";
const POLICY: &str =
    r#"{"runs_per_instance": 1, "scale_in": {"mode": "by_instance", "idle_s": 300}, "lease_s": 60}"#;
/// The group: an instance that was protected from launch on. Its runner may set no protection.
const GROUP_XML: &str = "<DescribeAutoScalingGroupsResponse xmlns=\"http://autoscaling.amazonaws.com/doc/2011-01-01/\">\
    <DescribeAutoScalingGroupsResult><AutoScalingGroups><member><AutoScalingGroupName>modelling</AutoScalingGroupName>\
    <Instances><member><InstanceId>i-0abc</InstanceId><LifecycleState>InService</LifecycleState>\
    <ProtectedFromScaleIn>true</ProtectedFromScaleIn></member></Instances></member></AutoScalingGroups>\
    </DescribeAutoScalingGroupsResult><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata>\
    </DescribeAutoScalingGroupsResponse>";

/// A ledger, and an instance that runs commands.
struct Fleet {
    way: Proxy,
    table: String,
    policy: PathBuf,
    ledger: DynamoLedger,
    instance: InstanceId,
}

impl Fleet {
    /// `None`, and a line with the reason, if there is no emulator.
    fn new() -> Option<Self> {
        let endpoint = emulator::endpoint()?;
        let way = Proxy::start(endpoint, |request| {
            let is_look = request.action == "autoscaling:DescribeAutoScalingGroups";
            if is_look { Fault::Say(GROUP_XML) } else { Fault::None }
        });
        let table = unique("runner");
        let connection = emulator::connection_to(endpoint);
        run(provision_ledger(&connection, &table)).unwrap();
        let policy = root().join("target/tests").join(format!("{table}.json"));
        std::fs::create_dir_all(policy.parent().unwrap()).unwrap();
        std::fs::write(&policy, POLICY).unwrap();
        let ledger = DynamoLedger::new(&connection, &table, GROUP);
        Some(Self { way, table, policy, ledger, instance: InstanceId::new("i-0abc").unwrap() })
    }

    fn runner(&self, args: &[&str]) -> Command {
        let mut command = self.squall(&["runner", "exec", "--instance", self.instance.as_str()]);
        command.args(args);
        command
    }

    /// A command about this fleet.
    fn squall(&self, args: &[&str]) -> Command {
        let mut command = Command::new(binary("squall"));
        command
            .args(args)
            .args(["--group", GROUP, "--ledger", &self.table, "--policy", self.policy.to_str().unwrap()])
            .env("AWS_ENDPOINT_URL", self.way.url())
            .env("AWS_REGION", "us-east-1")
            .envs(emulator::keys().variables())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.runner(args).output().unwrap()
    }

    fn row(&self) -> InstanceRow {
        run(self.ledger.instance(&self.instance)).unwrap().unwrap()
    }

    fn is_claimed(&self) -> bool {
        !self.row().runs.is_empty()
    }

    fn write(&self, state: State) {
        let row = self.row();
        let next = InstanceRow { state, version: row.version + 1, ..row };
        assert_eq!(run(self.ledger.put_instance(&next)).unwrap(), Written::Yes);
    }
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// The first line that a process prints.
fn first_line(child: &mut Child) -> String {
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    line.trim_end().to_owned()
}

fn kill(signal: &str, pid: &str) {
    assert!(Command::new("kill").args([signal, pid]).status().unwrap().success());
}

fn is_alive(pid: &str) -> bool {
    // `PID (NAME) STATE …`; a zombie is dead. The command line is empty for a moment while a process executes another
    // program.
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

#[test]
fn a_command_is_left_alone_and_its_instance_claimed_meanwhile() {
    let Some(fleet) = Fleet::new() else { return };
    let output = fleet.run(&["--", "sh", "-c", "printf 'out\\n'; printf err >&2; exit 7"]);
    let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!((out.as_str(), err.as_str(), output.status.code()), ("out\n", "err", Some(7)));
    assert!(!fleet.is_claimed());

    let mut child =
        fleet.runner(&["--run", "r-1", "--", "sh", "-c", "echo up; read line; exit 3"]).spawn().unwrap();
    assert_eq!(first_line(&mut child), "up");
    assert!(fleet.is_claimed());
    let full = fleet.run(&["--", "true"]);
    let said = String::from_utf8(full.stderr).unwrap();
    assert_eq!(full.status.code(), Some(75), "{said}");
    assert_eq!(said, "error: squall runner: i-0abc: the instance already has as many runs as it takes\n");
    drop(child.stdin.take());
    assert_eq!(child.wait().unwrap().code(), Some(3));
    assert!(!fleet.is_claimed());
    let missing = fleet.run(&["--", "no-such-command"]);
    assert_eq!(missing.status.code(), Some(127), "{}", String::from_utf8_lossy(&missing.stderr));
}

#[test]
fn signals_reach_the_command_and_its_end_by_one_is_reported() {
    let Some(fleet) = Fleet::new() else { return };
    let trapping = "trap 'exit 42' TERM; echo up; while :; do sleep 0.05; done";
    let mut child = fleet.runner(&["--", "sh", "-c", trapping]).spawn().unwrap();
    assert_eq!(first_line(&mut child), "up");
    kill("-TERM", &child.id().to_string());
    assert_eq!(child.wait().unwrap().code(), Some(42));
    let dies = fleet.run(&["--", "sh", "-c", "kill -9 $$"]);
    assert_eq!(dies.status.code(), Some(128 + 9));
    assert!(!fleet.is_claimed());
}

#[test]
fn an_instance_that_drains_or_is_gone_takes_no_run() {
    let Some(fleet) = Fleet::new() else { return };
    assert!(fleet.run(&["--", "true"]).status.success());
    let states = [
        (State::Draining { since_us: 1 }, "the instance is draining: it is about to be terminated"),
        (
            State::Gone { since_us: 1, is_terminating: false },
            "the instance is gone: it was terminated, or is about to be reclaimed",
        ),
    ];
    for (state, reason) in states {
        fleet.write(state);
        let refused = fleet.run(&["--", "echo", "never"]);
        let said = String::from_utf8(refused.stderr).unwrap();
        assert_eq!((refused.status.code(), refused.stdout.as_slice()), (Some(75), &b""[..]));
        assert_eq!(said, format!("error: squall runner: i-0abc: {reason}\n"));
    }
    fleet.write(State::Open);
    assert!(fleet.run(&["--", "true"]).status.success());
}

#[test]
#[cfg(target_os = "linux")]
fn a_command_dies_with_its_runner_whose_claim_runs_out() {
    let Some(fleet) = Fleet::new() else { return };
    let mut child = fleet.runner(&["--", "sh", "-c", "echo $$; exec sleep 600"]).spawn().unwrap();
    let pid = first_line(&mut child);
    assert!(is_alive(&pid));
    kill("-9", &child.id().to_string());
    child.wait().unwrap();
    let started = Instant::now();
    while is_alive(&pid) {
        assert!(started.elapsed() < PATIENCE, "the command outlives its runner");
        sleep(Duration::from_millis(10));
    }
    // The claim was not released, and is not renewed either.
    assert!(fleet.is_claimed());
}

#[test]
fn what_a_source_reported_is_forgotten_by_its_name() {
    let Some(fleet) = Fleet::new() else { return };
    let event = r#"{"version": 1, "type": "run_activity", "source": "scheduler", "time": "2026-11-22T10:00:00Z",
        "sequence": 7, "queued_runs": 3, "running_runs": 0}"#;
    let mut levels = Levels { version: 1, ..Levels::default() };
    levels.record(&Activity::from_json(event, 1_800_000_000_000_000).unwrap());
    assert_eq!(run(fleet.ledger.put_levels(&levels)).unwrap(), Written::Yes);
    let forget = || {
        let mut command = fleet.squall(&["capacity", "forget"]);
        let output = command.arg("scheduler").output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    assert_eq!(forget(), (Some(0), "scheduler: forgotten (3 queued and 0 running, sequence 7)\n".to_owned()));
    assert_eq!(forget(), (Some(1), "scheduler: nothing is known of it\n".to_owned()));
    assert!(run(fleet.ledger.levels()).unwrap().runs.is_empty());
}

#[test]
fn what_is_not_said_is_asked_for() {
    let ask = |args: &[&str]| {
        let mut command = Command::new(binary("squall"));
        command.args(["runner", "exec"]).args(args).args(["--", "true"]);
        for variable in ["SQUALL_GROUP", "SQUALL_LEDGER_TABLE", "SQUALL_POLICY"] {
            command.env_remove(variable);
        }
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let group = "error: squall runner: the Auto Scaling group's name is not set: pass --group or --stack, or set SQUALL_GROUP\n";
    assert_eq!(ask(&[]), (Some(125), group.to_owned()));
    let policy =
        "error: squall runner: the policy is not set: pass --policy or --stack, or set SQUALL_POLICY\n";
    assert_eq!(ask(&["--group", "g", "--ledger", "t"]), (Some(125), policy.to_owned()));
}
