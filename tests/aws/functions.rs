//! The controllers' own binaries, as Lambda runs them, on an emulated group.

use std::cell::RefCell;
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use squall_aws::Connection;
use squall_aws::capacity::AutoScalingGroup;
use squall_aws::transport::{Function, Invocation};
use squall_capacity::journal::{Decision, Line};
use squall_capacity::ports::ScalingGroup;
use squall_lambda_host::functions::{FunctionHost, FunctionSpec, HostConfig};
use tokio::sync::oneshot;

use super::capacity::deployed;
use super::{connection_to, run};
use crate::binaries::{binary, root};
use crate::emulator::{self, keys};

const POLICY: &str = r#"{"runs_per_instance": 2, "scale_in": {"mode": "by_instance", "idle_s": 0}}"#;

fn function(name: &str, endpoint: &str, group: &str, policy: &str) -> FunctionSpec {
    let vars = [
        ("AWS_ENDPOINT_URL", endpoint),
        ("SQUALL_GROUP", group),
        ("SQUALL_LEDGER_TABLE", group),
        ("SQUALL_POLICY", policy),
    ];
    FunctionSpec {
        name: name.to_owned(),
        bootstrap: binary(name).to_owned(),
        memory_mb: 1_769,
        timeout: Duration::from_secs(60),
        reserved_concurrency: None,
        env: vars
            .into_iter()
            .chain(keys().variables())
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
    }
}

/// Runs `work` with the functions of a group, and returns their log.
async fn logged(functions: Vec<FunctionSpec>, work: impl AsyncFnOnce(&Connection)) -> Vec<String> {
    let lines = Rc::<RefCell<Vec<String>>>::default();
    let log = Rc::clone(&lines);
    let config = HostConfig {
        functions,
        starter: Vec::new(),
        access_key: keys().id.clone(),
        account_concurrency: 10,
        region: "us-east-1".to_owned(),
        async_retries: 0,
        async_retry_base: Duration::from_secs(1),
        idle: Duration::from_secs(60),
    };
    let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let write = move |_: &str, line: &str| log.borrow_mut().push(line.to_owned());
    let host = FunctionHost::bind(anywhere, config, write).unwrap();
    let connection = connection_to(&format!("http://{}", host.address()));
    let (stop, stopped) = oneshot::channel::<()>();
    let stopped = async { drop(stopped.await) };
    let working = async {
        work(&connection).await;
        drop(stop);
    };
    futures::join!(host.run(stopped), working);
    lines.take()
}

fn payload(file: &str) -> Vec<u8> {
    std::fs::read(root().join("events").join(file)).unwrap()
}

#[test]
fn an_event_and_a_tick_go_through_the_binaries_and_leave_their_decisions_in_the_log() {
    let Some(endpoint) = emulator::endpoint() else { return };
    run(async {
        let name = deployed(endpoint).await;
        let group = AutoScalingGroup::new(&connection_to(endpoint), &name);
        let functions = ["scale-out", "scale-in"].map(|it| function(it, endpoint, &name, POLICY)).to_vec();
        let lines = logged(functions, async |connection| {
            let (out, down) = (Function::new(connection, "scale-out"), Function::new(connection, "scale-in"));
            out.invoke(payload("scale-out/runs.json")).await.unwrap();
            assert_eq!(group.describe().await.unwrap().desired, 4);
            out.invoke(payload("scale-out/malformed.json")).await.unwrap();
            down.invoke(payload("scale-in/rule.json")).await.unwrap();
            let failed = down.invoke(payload("scale-out/runs.json")).await.unwrap_err();
            assert!(matches!(failed, Invocation::FunctionError(_)), "{failed}");
        })
        .await;
        let journal: Vec<Line> = lines.iter().filter_map(|line| serde_json::from_str(line).ok()).collect();
        assert!(journal.iter().all(|line| line.again() == *line));
        let is_tick = |line: &&Line| matches!(line.decision, Decision::ScaleIn { .. });
        assert_eq!(journal.iter().filter(is_tick).count(), 1);
        assert!(journal.len() > 2, "{lines:#?}");
        assert!(
            lines.iter().any(|line| line.contains("refused: ") && line.contains("invalid type: string")),
            "{lines:#?}"
        );
    });
}

#[test]
fn a_policy_that_does_not_check_keeps_a_controller_from_starting_and_is_named() {
    let Some(endpoint) = emulator::endpoint() else { return };
    let functions = vec![function("scale-in", endpoint, "runners", "{}")];
    let lines = run(logged(functions, async |connection| {
        Function::new(connection, "scale-in").invoke(payload("scale-in/rule.json")).await.unwrap_err();
    }));
    let named = "scale-in cannot run: SQUALL_POLICY is `{}`; expected a policy in JSON";
    assert!(lines.iter().any(|line| line.contains(named)), "{lines:#?}");
}
