use super::*;
use crate::on_aws::pump;

fn layout(n_stripes: u32) -> (Layout, Places) {
    let keys = Keys { id: "squall1".to_owned(), secret: "s3cret".to_owned() };
    let places = Places {
        keys,
        endpoint: "http://127.0.0.1:4566".to_owned(),
        functions: "http://127.0.0.1:9001".to_owned(),
        jobs_topic: "arn:aws:sns:us-east-1:000000000000:squall-jobs".to_owned(),
        events_topic: "arn:aws:sns:us-east-1:000000000000:squall-job-events".to_owned(),
    };
    let layout = Layout {
        n_shards: 3,
        lanes_per_shard: 2,
        n_stripes,
        worker_timeout_s: 300,
        collector_memory_mb: 1_769,
        n_cores: 4,
        external_workers: [("pricer".to_owned(), Command::new(vec!["/opt/price".to_owned()]))].into(),
    };
    (layout, places)
}

#[test]
fn the_event_sources_are_ones_that_the_pump_reads() {
    let (layout, places) = layout(2);
    pump::Config::read(&layout.event_sources(&places)).unwrap();
}

#[test]
fn the_functions_are_told_the_declared_workers_and_the_description_names_them() {
    let (layout, places) = layout(2);
    let told: std::collections::BTreeMap<_, _> = layout.function_env(&places).into_iter().collect();
    let declared = squall_workloads::external::read_declared(&told["SQUALL_EXTERNAL_WORKERS"]).unwrap();
    assert_eq!(declared, layout.external_workers);
    let description = Deployment::from_json(&told["SQUALL_DEPLOYMENT"]).unwrap();
    assert_eq!(description.external_workers, ["pricer".to_owned()].into());
    assert!(layout.operator_env_file(&places).contains("external_workers"));
}

#[test]
fn a_missing_binary_is_named_with_what_builds_it() {
    let (layout, places) = layout(2);
    let error = layout.functions(Path::new("nowhere"), &places).unwrap_err().to_string();
    let expected = "there is no task-splitter in nowhere; build the functions first: cargo build --package squall-lambdas";
    assert_eq!(error, expected);
}

#[test]
fn functions_elsewhere_are_waited_for_as_long_as_the_longest_that_a_stream_waits_for() {
    let (layout, _) = layout(0);
    let expected = "functions that are at work, if any are, at most 900 s";
    assert_eq!(layout.at_work_elsewhere().unwrap(), expected);
}

#[test]
fn functions_under_another_host_have_one_worker() {
    let (mut layout, places) = layout(0);
    let line = |layout: &Layout| {
        let file = layout.function_env_file(&places);
        file.lines().find(|line| line.starts_with("SQUALL_WORKER_FUNCTIONS")).unwrap().to_owned()
    };
    assert_eq!(line(&layout), "SQUALL_WORKER_FUNCTIONS=cascade-worker");
    layout.n_stripes = 2;
    assert_eq!(line(&layout), "SQUALL_WORKER_FUNCTIONS=cascade-worker-0,cascade-worker-1");
}

#[test]
fn the_operators_file_leaves_nothing_of_a_real_account() {
    let (layout, places) = layout(2);
    let file = layout.operator_env_file(&places);
    assert!(
        file.starts_with("unset AWS_PROFILE AWS_DEFAULT_PROFILE AWS_SESSION_TOKEN SQUALL_STACK\n"),
        "{file}"
    );
    assert!(
        file.contains("export SQUALL_JOBS_TOPIC=arn:aws:sns:us-east-1:000000000000:squall-jobs\n"),
        "{file}"
    );
}

#[test]
fn functions_and_operators_get_the_same_description() {
    let (layout, places) = layout(2);
    let deployment = layout.deployment();
    assert_eq!(deployment.check(), Ok(()));
    assert_eq!((deployment.lanes(), deployment.stripes, deployment.workers_per_consumer), (6, 2, 4));
    // Quoted: `cargo lambda` and shells would take its own quotes away.
    let line = format!("SQUALL_DEPLOYMENT='{}'\n", deployment.to_json());
    assert!(layout.function_env_file(&places).contains(&line));
    assert!(layout.operator_env_file(&places).contains(&format!("export {line}")));
    let vars = layout.function_env(&places);
    assert!(vars.contains(&("SQUALL_DEPLOYMENT".to_owned(), deployment.to_json())));
}

#[test]
fn functions_and_operators_sign_with_the_keys_of_the_run() {
    let (layout, places) = layout(2);
    for file in [layout.function_env_file(&places), layout.operator_env_file(&places)] {
        let has = |line: &str| file.lines().any(|it| it.trim_start_matches("export ") == line);
        assert!(has("AWS_ACCESS_KEY_ID=squall1") && has("AWS_SECRET_ACCESS_KEY=s3cret"), "{file}");
    }
}

#[test]
fn keys_are_an_id_and_a_secret() {
    let keys = Keys::parse("a:b:c").unwrap();
    assert_eq!((keys.id.as_str(), keys.secret.as_str()), ("a", "b:c"));
    for text in ["", "a", "a:", ":b", "a b:c"] {
        assert_eq!(Keys::parse(text), None, "{text}");
    }
}
