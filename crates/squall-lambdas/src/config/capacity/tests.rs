use expect_test::expect;

use super::*;

const POLICY: &str = r#"{"runs_per_instance": 2, "scale_in": {"mode": "by_instance", "idle_s": 300}}"#;
const DEPLOYMENT: &[(&str, &str)] =
    &[("SQUALL_GROUP", "runners"), ("SQUALL_LEDGER_TABLE", "squall-ledger"), ("SQUALL_POLICY", POLICY)];

fn vars<'a>(changed: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
    |name| {
        let found = changed.iter().chain(DEPLOYMENT).find(|(it, _)| *it == name);
        found.map(|(_, value)| (*value).to_owned())
    }
}

#[test]
fn a_controller_takes_from_the_deployment_what_it_needs() {
    let config = CapacityConfig::from_vars(&vars(&[])).unwrap();
    assert_eq!((config.group.as_str(), config.ledger_table.as_str()), ("runners", "squall-ledger"));
    assert_eq!(config.policy, Policy::from_json(POLICY).unwrap());
    let MetricNames { namespace, sessions, runs } = config.metrics;
    assert_eq!([namespace.as_str(), &sessions, &runs], ["Squall/Capacity", "Sessions", "Runs"]);
}

#[test]
fn metrics_are_called_as_the_platform_calls_them() {
    let told = [
        ("SQUALL_METRIC_NAMESPACE", "Risk"),
        ("SQUALL_SESSIONS_METRIC", "ActiveSessions"),
        ("SQUALL_RUNS_METRIC", "ModelRuns"),
    ];
    let MetricNames { namespace, sessions, runs } = CapacityConfig::from_vars(&vars(&told)).unwrap().metrics;
    assert_eq!([namespace.as_str(), &sessions, &runs], ["Risk", "ActiveSessions", "ModelRuns"]);
}

#[test]
fn what_is_missing_or_wrong_is_named_with_what_would_be_right() {
    let error = |told: &[(&str, &str)]| CapacityConfig::from_vars(&vars(told)).unwrap_err().to_string();
    let errors = [
        error(&[("SQUALL_GROUP", "")]),
        error(&[("SQUALL_LEDGER_TABLE", "")]),
        error(&[("SQUALL_POLICY", "")]),
        error(&[("SQUALL_POLICY", "{}")]),
        error(&[("SQUALL_POLICY", r#"{"runs_per_instance": 0, "scale_in": {"mode": "all_idle"}}"#)]),
        error(&[(
            "SQUALL_POLICY",
            r#"{"runs_per_instance": 1, "scale_in": {"mode": "all_idle"}, "window_s": 5}"#,
        )]),
        error(&[("SQUALL_METRIC_NAMESPACE", "AWS/EC2")]),
        error(&[("SQUALL_SESSIONS_METRIC", "Runs")]),
        error(&[("SQUALL_RUNS_METRIC", "Terminated")]),
    ];
    expect![[r#"
        SQUALL_GROUP is not set; expected the name of the Auto Scaling group
        SQUALL_LEDGER_TABLE is not set; expected the name of the ledger's table
        SQUALL_POLICY is not set; expected the group's policy in JSON, such as {"runs_per_instance": 1, "scale_in": {"mode": "all_idle"}}
        SQUALL_POLICY is `{}`; expected a policy in JSON (missing field `runs_per_instance`)
        SQUALL_POLICY is `{"runs_per_instance": 0, "scale_in": {"mode": "all_idle"}}`; expected a policy in JSON (runs_per_instance: invalid value: integer `0`, expected a nonzero u32)
        SQUALL_POLICY is `{"runs_per_instance": 1, "scale_in": {"mode": "all_idle"}, "window_s": 5}`; expected a policy in JSON (window_s: 5, expected 60 to 31536000 seconds)
        SQUALL_METRIC_NAMESPACE is `AWS/EC2`; expected a namespace of one's own: those of AWS cannot be written to
        SQUALL_SESSIONS_METRIC is `Runs`; expected a name that no other metric has
        SQUALL_RUNS_METRIC is `Terminated`; expected a name that no other metric has"#]].assert_eq(&errors.join("\n"));
}
