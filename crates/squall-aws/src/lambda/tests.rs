use std::time::Duration;

use futures::future::join_all;
use tokio::time::Instant;

use super::*;
use crate::emulator::connection_to;
use crate::transport::Function;

mod stub;

use stub::Stub;

async fn workers(stub: &Stub, functions: &[&str]) -> LambdaWorkers {
    let functions = functions.iter().map(|name| (*name).to_owned()).collect();
    LambdaWorkers::new(&connection_to(&stub.url()).await, functions)
}

/// The result of invoking one worker, which must be one request.
async fn ask(function: &str) -> Result<Vec<u8>, InvokeError> {
    let stub = Stub::start().await;
    let reply = workers(&stub, &[function]).await.invoke(0, b"request".to_vec()).await;
    assert_eq!(stub.n_requests(), 1, "{function} is asked once, whatever it says");
    reply
}

#[tokio::test]
async fn workers_do_as_promised() {
    let stub = Stub::start().await;
    let workers = workers(&stub, &["echo-0", "echo-1", "echo-2"]).await;
    assert_eq!(squall_contracts::workers(&workers, 3, Some(MAX_PAYLOAD_BYTES / 4 * 3)).await, Ok(()));
    let n_before = stub.n_requests();
    assert!(workers.invoke(0, vec![0; MAX_PAYLOAD_BYTES]).await.is_err());
    assert_eq!(stub.n_requests(), n_before, "what is too large is not sent");
}

#[tokio::test]
async fn a_stripe_is_a_function() {
    let stub = Stub::start().await;
    let workers = workers(&stub, &["echo", "broken", "text"]).await;
    for (stripe, is_echo) in [(0, true), (1, false), (2, false), (3, true), (4, false), (300, true)] {
        assert_eq!(workers.invoke(stripe, vec![1]).await.is_ok(), is_echo, "stripe {stripe}");
    }
    let none = LambdaWorkers::new(&connection_to(&stub.url()).await, Vec::new());
    assert!(matches!(none.invoke(0, vec![1]).await, Err(InvokeError::Impossible(_))));
}

#[tokio::test]
async fn a_throttle_is_recognised_by_its_reason() {
    for (reason, expected) in [
        ("ConcurrentInvocationLimitExceeded", ThrottleReason::Concurrency),
        ("FunctionInvocationRateLimitExceeded", ThrottleReason::Function),
        ("ReservedFunctionConcurrentInvocationLimitExceeded", ThrottleReason::Function),
        ("ReservedFunctionInvocationRateLimitExceeded", ThrottleReason::Function),
        ("ConcurrentSnapshotCreateLimitExceeded", ThrottleReason::Function),
        ("CallerRateLimitExceeded", ThrottleReason::CallRate),
        ("SomethingNewExceeded", ThrottleReason::Concurrency),
    ] {
        match ask(&format!("throttle-{reason}")).await {
            Err(InvokeError::Throttled(found)) => assert_eq!(found.reason, expected, "{reason}"),
            other => panic!("{reason}: {other:?}"),
        }
    }
    for function in ["throttle", "busy"] {
        let told = ask(function).await;
        assert!(
            matches!(told, Err(InvokeError::Throttled(it)) if it.reason == ThrottleReason::Concurrency),
            "{told:?}"
        );
    }
}

#[tokio::test]
async fn when_to_come_back_is_read() {
    for (function, expected_us) in [("later-2", 2_000_000), ("later-soon", 0), ("busy", 0)] {
        match ask(function).await {
            Err(InvokeError::Throttled(throttle)) => {
                assert_eq!(throttle.retry_after_us, expected_us, "{function}");
            }
            other => panic!("{function}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn what_may_be_different_next_time_is_failed_and_what_will_not_is_impossible() {
    for function in ["broken", "reset", "text"] {
        let told = ask(function).await;
        assert!(matches!(&told, Err(InvokeError::Failed(reason)) if reason.contains(function)), "{told:?}");
    }
    for function in ["missing", "denied"] {
        let told = ask(function).await;
        assert!(
            matches!(&told, Err(InvokeError::Impossible(reason)) if reason.contains(function)),
            "{told:?}"
        );
    }
    let unreachable = LambdaWorkers::new(&connection_to("http://127.0.0.1:1").await, vec!["echo".to_owned()]);
    let told = unreachable.invoke(0, Vec::new()).await;
    assert!(matches!(told, Err(InvokeError::NotRun(_))), "nothing was sent: {told:?}");
}

#[tokio::test]
async fn a_hundred_in_flight_wait_side_by_side_and_their_connections_are_used_again() {
    let stub = Stub::start().await;
    let workers = workers(&stub, &["slow-0", "slow-1"]).await;
    let started = Instant::now();
    for _ in 0..3 {
        let replies = join_all((0..100_u8).map(|n| workers.invoke(u32::from(n), vec![n])));
        let replies: Vec<_> = replies.await.into_iter().map(Result::unwrap).collect();
        assert_eq!(replies, (0..100_u8).map(|n| vec![n]).collect::<Vec<_>>());
    }
    // Three times a hundred waits of 300 ms; one after the other they take 90 s.
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
    assert!(stub.n_connections() < 150, "{} connections for 300 invocations", stub.n_connections());
}

/// One of many front ends may be ill: the next attempt does not meet it again.
#[tokio::test]
async fn a_connection_over_which_the_service_failed_is_not_used_again() {
    let stub = Stub::start().await;
    let workers = workers(&stub, &["broken", "echo", "throttle"]).await;
    for (stripe, n_connections) in [(1, 1), (1, 1), (2, 1), (1, 1), (0, 1), (1, 2), (1, 2)] {
        let _ = workers.invoke(stripe, vec![1]).await;
        assert_eq!(stub.n_connections(), n_connections, "stripe {stripe}");
    }
}

#[tokio::test]
async fn a_function_is_invoked_with_the_payload_as_it_is() {
    let stub = Stub::start().await;
    let connection = connection_to(&stub.url()).await;
    let event = br#"{"Records": [1, 2]}"#.to_vec();
    assert_eq!(Function::new(&connection, "echo").invoke(event.clone()).await.unwrap(), event);
    match Function::new(&connection, "throttle-CallerRateLimitExceeded").invoke(event.clone()).await {
        Err(Invocation::Throttled { reason, .. }) => assert_eq!(reason, "CallerRateLimitExceeded"),
        other => panic!("{other:?}"),
    }
    match Function::new(&connection, "echo").invoke(to_payload(squall_contracts::FAIL)).await {
        Err(Invocation::FunctionError(payload)) => {
            assert!(payload.contains("Runtime.ExitError"), "{payload}")
        }
        other => panic!("{other:?}"),
    }
    let gone = Function::new(&connection, "missing").invoke(event.clone()).await;
    assert!(matches!(gone, Err(Invocation::Failed(PortError::Permanent { .. }))), "{gone:?}");
    assert_eq!(stub.n_events(), 0);
    Function::new(&connection, "echo").invoke_async(event).await.unwrap();
    assert_eq!(stub.n_events(), 1);
}

#[test]
fn a_failed_function_is_described_in_a_few_words() {
    for (payload, told) in [
        (
            r#"{"errorType":"Runtime.ExitError","errorMessage":"RequestId: 1 Error: killed"}"#,
            "Runtime.ExitError: RequestId: 1 Error: killed",
        ),
        (
            r#"{"errorMessage":"2026-11-22 Task timed out after 3.00 seconds"}"#,
            "2026-11-22 Task timed out after 3.00 seconds",
        ),
        (r#"{"errorType":"Odd"}"#, "Odd"),
        ("", "failed with ``"),
        ("<html>", "failed with `<html>`"),
        ("[1]", "failed with `[1]`"),
    ] {
        assert_eq!(function_error(payload), told);
    }
    let long = serde_json::json!({ "errorType": "Long", "errorMessage": format!("{}\nsecond line", "ü".repeat(5_000)) });
    let told = function_error(&long.to_string());
    assert!(told.chars().count() < 320 && told.starts_with("Long: ü") && told.ends_with("..."), "{told}");
}

/// With 256 descriptors and 500 in flight, attempts were used up by connections that could not be opened.
#[tokio::test]
async fn running_out_of_descriptors_is_a_throttle_and_no_attempt() {
    use aws_smithy_runtime_api::client::result::{ConnectorError, SdkError};

    let connection = connection_to("http://127.0.0.1:1").await;
    for (code, is_throttle) in [(24, true), (23, true), (111, false)] {
        let error = ConnectorError::io(std::io::Error::from_raw_os_error(code).into());
        let told = failed_invocation(&connection, "echo", SdkError::dispatch_failure(error));
        assert_eq!(matches!(told, Invocation::Throttled { .. }), is_throttle, "{code}: {told:?}");
    }
}
