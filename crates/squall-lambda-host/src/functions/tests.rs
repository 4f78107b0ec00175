use std::collections::BTreeSet;
use std::time::Duration;

use expect_test::expect;
use futures::future::join_all;
use serde_json::json;

use super::replies::{EVENT_LIMIT, RESPONSE_LIMIT, SYNC_REQUEST_LIMIT};
use super::*;

mod callers;
mod ends;
mod events;
mod play;

use play::{config, function, path_of, play};

#[test]
fn an_environment_answers_and_is_used_again() {
    play(config([function("worker")]), async |play| {
        let first = play.invoke("worker", json!({"n": 1})).await;
        assert_eq!(first.header("x-amz-executed-version"), "$LATEST");
        assert_eq!(first.header("content-type"), "application/json");
        assert_eq!(first.header("x-amzn-requestid").len(), 36);
        let first = first.fine();
        assert_eq!(first["event"], json!({"n": 1}));
        let arn = "arn%3Aaws%3Alambda%3Aeu-west-1%3A000000000000%3Afunction%3Aworker";
        for (seen, name) in [(2, "worker:$LATEST"), (3, arn)] {
            play.until_states(&["idle"]).await;
            let again = play.invoke(name, json!({})).await.fine();
            assert_eq!((&again["pid"], &again["seen"]), (&first["pid"], &json!(seen)));
        }
        play.until_states(&["idle"]).await;
        let none = play.send("POST", &path_of("worker"), &[], "").await.fine();
        assert_eq!(none["event"], json!({}), "no payload is an empty object");
        play.until_states(&["idle"]).await;
        let listed = json!({"function": "worker", "pid": first["pid"], "state": "idle", "invocations": 4});
        assert_eq!(play.environments().await, [listed]);
    });
}

#[test]
fn invocations_at_once_have_an_environment_each_and_the_last_used_is_used_next() {
    play(config([function("worker")]), async |play| {
        let one_after_another = async {
            let first = play.until_waiting("first").await;
            let second = play.until_waiting("second").await;
            assert_ne!(first, second);
            play.until_states(&["busy", "busy"]).await;
            play.release("second");
            while play.environments().await.iter().all(|it| it["state"] != "idle") {}
            play.release("first");
            play.until_states(&["idle", "idle"]).await;
            let third = play.invoke("worker", json!({})).await.fine();
            assert_eq!(third["pid"], first);
        };
        tokio::join!(
            play.invoke("worker", play.waiting("first")),
            play.invoke("worker", play.waiting("second")),
            one_after_another,
        );
    });
}

#[test]
fn reserved_concurrency_is_a_limit_and_a_promise() {
    let reserving = |name, reserved| {
        let mut spec = function(name);
        spec.reserved_concurrency = reserved;
        spec
    };
    let functions = [
        reserving("one", Some(1)),
        reserving("none", Some(0)),
        reserving("shared", None),
        reserving("other", None),
    ];
    let mut config = config(functions);
    config.account_concurrency = 2;
    play(config, async |play| {
        let refused = async |name: &str| play.invoke(name, json!({})).await.refusal();
        let meanwhile = async {
            play.until_waiting("one").await;
            play.until_waiting("shared").await;
            let reserved = "429 TooManyRequestsException ReservedFunctionConcurrentInvocationLimitExceeded";
            assert_eq!(refused("one").await, reserved);
            assert_eq!(refused("none").await, reserved);
            let account = "429 TooManyRequestsException ConcurrentInvocationLimitExceeded";
            assert_eq!(refused("shared").await, account);
            assert_eq!(refused("other").await, account);
            play.release("shared");
            play.until_states(&["busy", "idle"]).await;
            play.invoke("other", json!({})).await.fine();
            assert_eq!(refused("one").await, reserved);
            play.release("one");
        };
        let (one, shared, ()) = tokio::join!(
            play.invoke("one", play.waiting("one")),
            async {
                play.until_waiting("one").await;
                play.invoke("shared", play.waiting("shared")).await
            },
            meanwhile,
        );
        one.fine();
        shared.fine();
        play.invoke("one", json!({})).await.fine();
    });
}

#[test]
fn hundreds_in_flight_share_what_is_reserved() {
    let mut spec = function("worker");
    spec.reserved_concurrency = Some(8);
    play(config([spec]), async |play| {
        let callers = (0..200).map(async |number| {
            let mut n_throttled = 0;
            loop {
                let answer = play.invoke("worker", json!({"do": "sleep", "s": 0.01, "n": number})).await;
                if answer.status == 200 {
                    let said = answer.fine();
                    assert_eq!(said["event"]["n"], number);
                    return (said["pid"].as_u64().unwrap(), n_throttled);
                }
                let reason = "429 TooManyRequestsException ReservedFunctionConcurrentInvocationLimitExceeded";
                assert_eq!(answer.refusal(), reason);
                n_throttled += 1;
                tokio::time::sleep(Duration::from_millis(20 + number % 50)).await;
            }
        });
        let answers = join_all(callers).await;
        let processes: BTreeSet<u64> = answers.iter().map(|(pid, _)| *pid).collect();
        assert!(processes.len() <= 8, "{processes:?}");
        assert!(answers.iter().filter(|(_, n_throttled)| *n_throttled > 0).count() >= 100);
        let environments = play.environments().await;
        let counts = environments.iter().map(|it| it["invocations"].as_u64().unwrap());
        assert_eq!(counts.sum::<u64>(), 200, "{environments:?}");
    });
}

#[test]
fn what_cannot_be_invoked_is_refused() {
    play(config([function("worker")]), async |play| {
        let mut table = String::new();
        let worker = path_of("worker");
        let qualified = format!("{worker}?Qualifier=live");
        let latest = format!("{worker}?Qualifier=%24LATEST");
        let (large, event) = ("1".repeat(SYNC_REQUEST_LIMIT + 1), "1".repeat(EVENT_LIMIT + 1));
        for (method, path, invocation_type, body) in [
            ("POST", path_of("absent"), "RequestResponse", "{}"),
            ("POST", path_of("worker:live"), "RequestResponse", "{}"),
            ("POST", qualified, "Event", "{}"),
            ("POST", worker.clone(), "RequestResponse", "{\"n\": "),
            ("POST", worker.clone(), "Event", "not JSON"),
            ("POST", worker.clone(), "Later", "{}"),
            ("POST", worker.clone(), "RequestResponse", large.as_str()),
            ("POST", worker.clone(), "Event", event.as_str()),
            ("POST", worker.clone(), "DryRun", "{}"),
            ("POST", latest, "DryRun", ""),
            ("POST", path_of("absent"), "DryRun", "{}"),
            ("GET", worker.clone(), "RequestResponse", ""),
            ("POST", "/2015-03-31/functions".to_owned(), "RequestResponse", "{}"),
        ] {
            let headers = [("x-amz-invocation-type", invocation_type)];
            let answer = play.send(method, &path, &headers, body.to_owned()).await;
            let size = body.len();
            table.push_str(&format!("{method} {path} {invocation_type} {size} B: {}\n", answer.refusal()));
        }
        expect![[r#"
            POST /2015-03-31/functions/absent/invocations RequestResponse 2 B: 404 ResourceNotFoundException -
            POST /2015-03-31/functions/worker:live/invocations RequestResponse 2 B: 404 ResourceNotFoundException -
            POST /2015-03-31/functions/worker/invocations?Qualifier=live Event 2 B: 404 ResourceNotFoundException -
            POST /2015-03-31/functions/worker/invocations RequestResponse 6 B: 400 InvalidRequestContentException -
            POST /2015-03-31/functions/worker/invocations Event 8 B: 400 InvalidRequestContentException -
            POST /2015-03-31/functions/worker/invocations Later 2 B: 400 InvalidParameterValueException -
            POST /2015-03-31/functions/worker/invocations RequestResponse 6291457 B: 413 RequestTooLargeException -
            POST /2015-03-31/functions/worker/invocations Event 1048577 B: 413 RequestTooLargeException -
            POST /2015-03-31/functions/worker/invocations DryRun 2 B: 204 - -
            POST /2015-03-31/functions/worker/invocations?Qualifier=%24LATEST DryRun 0 B: 204 - -
            POST /2015-03-31/functions/absent/invocations DryRun 2 B: 404 ResourceNotFoundException -
            GET /2015-03-31/functions/worker/invocations RequestResponse 0 B: 404 UnknownOperationException -
            POST /2015-03-31/functions RequestResponse 2 B: 404 UnknownOperationException -
        "#]]
        .assert_eq(&table);
        // None of that started an environment.
        assert!(play.environments().await.is_empty());
    });
}

#[test]
fn payloads_have_limits_both_ways() {
    play(config([function("worker")]), async |play| {
        let fitting = |size: usize| json!({"do": "large", "bytes": size});
        let most = play.invoke("worker", fitting(RESPONSE_LIMIT)).await.fine();
        assert_eq!(most.as_str().map(str::len), Some(RESPONSE_LIMIT - 2));
        let failure = play.invoke("worker", fitting(RESPONSE_LIMIT + 1)).await.failure();
        assert_eq!(
            failure,
            "Function.ResponseSizeTooLarge: Response payload size exceeded maximum allowed payload size (6291556 bytes)."
        );
        let after = play.invoke("worker", json!({"do": "chunked"})).await.fine();
        assert_eq!((&after["seen"], &after["statuses"]), (&json!(3), &json!([413])));
        // The answer is a little larger than the request, and AWS allows a little more.
        let padding = "x".repeat(SYNC_REQUEST_LIMIT - r#"{"padding":""}"#.len());
        let most = play.send("POST", &path_of("worker"), &[], format!(r#"{{"padding":"{padding}"}}"#)).await;
        assert_eq!(most.fine()["event"]["padding"].as_str().map(str::len), Some(padding.len()));
    });
}

#[test]
fn unexpected_calls_of_a_runtime_are_refused() {
    play(config([function("worker")]), async |play| {
        play.invoke("worker", json!({"do": "babble"})).await.fine();
        let after = play.invoke("worker", json!({})).await.fine();
        // The next before this is answered, another's request, its own, its own again, and a path that does not exist.
        assert_eq!((&after["seen"], &after["statuses"]), (&json!(2), &json!([403, 400, 202, 400, 404])));
    });
}

#[test]
fn a_function_sees_what_lambda_shows_it() {
    let mut spec = function("worker");
    spec.timeout = Duration::from_secs(20);
    spec.env.push(("SQUALL_TABLE".to_owned(), "jobs".to_owned()));
    spec.env.push(("AWS_REGION".to_owned(), "elsewhere".to_owned()));
    play(config([spec]), async |play| {
        let trace = ("x-amzn-trace-id", "Root=1-00000000-000000000000000000000000");
        let event = json!({"do": "context"}).to_string();
        let answer = play.send("POST", &path_of("worker"), &[trace], event).await;
        let request_id = answer.header("x-amzn-requestid").to_owned();
        let said = answer.fine();
        let left_ms = said["left_ms"].as_f64().unwrap();
        assert!(left_ms > 0.0 && left_ms <= 20_000.0, "{left_ms}");
        let headers = &said["headers"];
        assert_eq!(headers["lambda-runtime-aws-request-id"], request_id);
        assert_eq!(headers["lambda-runtime-trace-id"], trace.1);
        let arn = "arn:aws:lambda:eu-west-1:000000000000:function:worker";
        assert_eq!(headers["lambda-runtime-invoked-function-arn"], arn);
        let root = function("worker").bootstrap.parent().unwrap().to_str().unwrap().to_owned();
        assert_eq!((&said["cwd"], &said["env"]["LAMBDA_TASK_ROOT"]), (&json!(root), &json!(root)));
        let mut table = String::new();
        for (name, value) in said["env"].as_object().unwrap() {
            let varies = ["PATH", "LAMBDA_TASK_ROOT", "AWS_LAMBDA_RUNTIME_API", "AWS_LAMBDA_LOG_STREAM_NAME"];
            // Python adds one by itself if no locale is set.
            if name != "LC_CTYPE" {
                let value = if varies.contains(&name.as_str()) { "…" } else { value.as_str().unwrap() };
                table.push_str(&format!("{name}={value}\n"));
            }
        }
        expect![[r#"
            AWS_DEFAULT_REGION=eu-west-1
            AWS_LAMBDA_FUNCTION_MEMORY_SIZE=512
            AWS_LAMBDA_FUNCTION_NAME=worker
            AWS_LAMBDA_FUNCTION_VERSION=$LATEST
            AWS_LAMBDA_INITIALIZATION_TYPE=on-demand
            AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/worker
            AWS_LAMBDA_LOG_STREAM_NAME=…
            AWS_LAMBDA_RUNTIME_API=…
            AWS_REGION=eu-west-1
            LAMBDA_TASK_ROOT=…
            PATH=…
            SQUALL_TABLE=jobs
            TZ=:UTC
            _HANDLER=bootstrap
        "#]]
        .assert_eq(&table);
    });
}

#[test]
fn a_configuration_that_cannot_be_is_refused() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let refused = |config: HostConfig| {
        let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let bound = async { FunctionHost::bind(anywhere, config, |_, _| {}) };
        runtime.block_on(bound).err().unwrap().to_string()
    };
    let twice = config([function("worker"), function("worker")]);
    assert_eq!(refused(twice), "two functions are named `worker`");
    let mut greedy = config([function("worker")]);
    greedy.functions[0].reserved_concurrency = Some(1_001);
    let reason = "the functions reserve 1001 concurrent invocations; the account has 1000";
    assert_eq!(refused(greedy), reason);
}
