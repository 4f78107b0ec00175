use expect_test::expect;

use super::*;

#[test]
fn refusals_are_worded_as_by_aws() {
    let mut table = String::new();
    for refusal in [
        Refusal::NoFunction { arn: "arn:aws:lambda:us-east-1:000000000000:function:absent".into() },
        Refusal::Throttled(Reason::Reserved),
        Refusal::Throttled(Reason::Account),
        Refusal::RequestTooLarge,
        Refusal::EventTooLarge { size: EVENT_LIMIT + 1 },
        Refusal::NotJson { reason: "expected value at line 1 column 1".into() },
        Refusal::NoSuchType { given: "Later".into() },
        Refusal::NoOperation,
        Refusal::Internal { reason: "the host is stopping".into() },
    ] {
        let body = String::from_utf8(refusal.body().to_vec()).unwrap();
        table.push_str(&format!("{} {}\n    {body}\n", refusal.status().as_u16(), refusal.error_type()));
    }
    expect![[r#"
        404 ResourceNotFoundException
            {"Type":"User","Message":"Function not found: arn:aws:lambda:us-east-1:000000000000:function:absent","errorType":"ResourceNotFoundException","errorMessage":"Function not found: arn:aws:lambda:us-east-1:000000000000:function:absent"}
        429 TooManyRequestsException
            {"Reason":"ReservedFunctionConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded."}
        429 TooManyRequestsException
            {"Reason":"ConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded."}
        413 RequestTooLargeException
            {"Type":"User","message":"Request must be smaller than 6291456 bytes for the InvokeFunction operation"}
        413 RequestTooLargeException
            {"Type":"User","message":"1048577 byte payload is too large for the Event invocation type (limit 1048576 bytes)"}
        400 InvalidRequestContentException
            {"Type":"User","message":"Could not parse request body into json: expected value at line 1 column 1"}
        400 InvalidParameterValueException
            {"Type":"User","message":"1 validation error detected: Value 'Later' at 'invocationType' failed to satisfy constraint: Member must satisfy enum value set: [Event, RequestResponse, DryRun]"}
        404 UnknownOperationException
            {"message":"no such operation here"}
        500 ServiceException
            {"Type":"Service","Message":"the host is stopping"}
    "#]]
    .assert_eq(&table);
}

#[test]
fn failures_are_worded_as_by_aws() {
    let mut table = String::new();
    for failure in [
        Failure::Reported(Bytes::from_static(br#"{"errorType":"Mine","errorMessage":"no"}"#)),
        Failure::Exited(Exit::Code(0)),
        Failure::Exited(Exit::Code(101)),
        Failure::Exited(Exit::Signal(9)),
        Failure::Exited(Exit::Signal(11)),
        Failure::Exited(Exit::Signal(34)),
        Failure::Exited(Exit::Unknown),
        Failure::TimedOut(Duration::from_secs(3)),
        Failure::TimedOut(Duration::from_millis(2_345)),
        Failure::InitTimedOut(Duration::from_secs(10)),
        Failure::ResponseTooLarge,
        Failure::NotStarted {
            bootstrap: "/var/task/bootstrap".into(),
            error: io::Error::other("no such file"),
        },
    ] {
        let body = String::from_utf8(failure.body("ID").to_vec()).unwrap();
        let logged = failure.line("ID").is_some();
        table.push_str(&format!("{body}{}\n", if logged { " (logged)" } else { "" }));
    }
    expect![[r#"
        {"errorType":"Mine","errorMessage":"no"}
        {"errorType":"Runtime.ExitError","errorMessage":"RequestId: ID Error: Runtime exited without providing a reason"} (logged)
        {"errorType":"Runtime.ExitError","errorMessage":"RequestId: ID Error: Runtime exited with error: exit status 101"} (logged)
        {"errorType":"Runtime.ExitError","errorMessage":"RequestId: ID Error: Runtime exited with error: signal: killed"} (logged)
        {"errorType":"Runtime.ExitError","errorMessage":"RequestId: ID Error: Runtime exited with error: signal: segmentation fault"} (logged)
        {"errorType":"Runtime.ExitError","errorMessage":"RequestId: ID Error: Runtime exited with error: signal: 34"} (logged)
        {"errorType":"Runtime.ExitError","errorMessage":"RequestId: ID Error: Runtime exited without providing a reason"} (logged)
        {"errorType":"Sandbox.Timedout","errorMessage":"RequestId: ID Error: Task timed out after 3.00 seconds"} (logged)
        {"errorType":"Sandbox.Timedout","errorMessage":"RequestId: ID Error: Task timed out after 2.34 seconds"} (logged)
        {"errorType":"Sandbox.Timedout","errorMessage":"RequestId: ID Error: Init timed out after 10.00 seconds"} (logged)
        {"errorType":"Function.ResponseSizeTooLarge","errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes)."} (logged)
        {"errorType":"Runtime.InvalidEntrypoint","errorMessage":"RequestId: ID Error: fork/exec /var/task/bootstrap: no such file"} (logged)
    "#]]
    .assert_eq(&table);
}
