use std::net::Ipv4Addr;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use squall_capacity::ports::chain;
use tokio::net::TcpListener;

use super::*;
use crate::emulator;

/// What a server says to an action: a status, and the inside of its answer.
type Answer = (&'static str, u16, &'static str);

/// The group `runners` of a server that speaks Auto Scaling's query protocol.
async fn group_of(answers: &'static [Answer]) -> AutoScalingGroup {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let answering = service_fn(move |request| answer(request, answers));
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), answering));
        }
    });
    AutoScalingGroup::new(&emulator::connection_to(&url).await, "runners")
}

async fn answer(
    request: Request<Incoming>,
    answers: &'static [Answer],
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let body = request.into_body().collect().await?.to_bytes();
    let body = String::from_utf8_lossy(&body);
    let action = body.split('&').find_map(|pair| pair.strip_prefix("Action=")).unwrap();
    let (_, status, inside) =
        answers.iter().find(|(it, ..)| *it == action).unwrap_or_else(|| panic!("{action}"));
    let xml = match status {
        200 => format!("<{action}Response><{action}Result>{inside}</{action}Result></{action}Response>"),
        _ => format!("<ErrorResponse><Error><Type>Sender</Type>{inside}</Error></ErrorResponse>"),
    };
    let mut response = Response::new(Full::new(Bytes::from(xml)));
    *response.status_mut() = (*status).try_into().unwrap();
    Ok(response)
}

fn id(id: &str) -> InstanceId {
    InstanceId::new(id).unwrap()
}

fn sentence(result: Result<(), PortError>) -> String {
    let error = result.unwrap_err();
    let kind = if error.is_permanent() {
        "permanent"
    } else if error.may_be_done() {
        "unknown"
    } else {
        "refused"
    };
    format!("{kind}: {}", chain(&error))
}

const TWO_INSTANCES: Answer = (
    "DescribeAutoScalingGroups",
    200,
    "<AutoScalingGroups><member><AutoScalingGroupName>runners</AutoScalingGroupName><MinSize>1</MinSize>\
     <MaxSize>9</MaxSize><DesiredCapacity>1</DesiredCapacity><DefaultCooldown>60</DefaultCooldown>\
     <AvailabilityZones><member>eu-west-1a</member><member>eu-west-1b</member></AvailabilityZones><Instances>\
     <member><InstanceId>i-2</InstanceId><LifecycleState>InService</LifecycleState>\
     <ProtectedFromScaleIn>true</ProtectedFromScaleIn></member>\
     <member><InstanceId>i-1</InstanceId><LifecycleState>Terminating:Wait</LifecycleState>\
     <ProtectedFromScaleIn>false</ProtectedFromScaleIn></member></Instances></member></AutoScalingGroups>",
);

#[tokio::test]
async fn a_group_is_seen_with_the_cooldown_of_its_last_activity() {
    const LAST: Answer = (
        "DescribeScalingActivities",
        200,
        "<Activities><member><StatusCode>Successful</StatusCode><EndTime>2026-11-22T10:00:00.5Z</EndTime></member>\
         </Activities>",
    );
    let group = group_of(&[TWO_INSTANCES, LAST]).await.describe().await.unwrap();
    assert_eq!((group.min, group.max, group.desired, group.n_live()), (1, 9, 1, 1));
    assert_eq!(group.instance(&id("i-1")).unwrap().lifecycle, Lifecycle::Leaving);
    assert!(group.instance(&id("i-2")).unwrap().is_protected);
    assert_eq!(group.cooling_until_us, 1_795_341_660_500_000);
}

#[tokio::test]
async fn a_group_that_is_not_there_is_named() {
    const NONE: Answer = ("DescribeAutoScalingGroups", 200, "<AutoScalingGroups/>");
    let group = group_of(&[NONE]).await;
    let error = sentence(group.describe().await.map(drop));
    let expected = "permanent: cannot describe group runners: Auto Scaling group runners does not exist in us-east-1 (at ";
    assert!(error.starts_with(expected), "{error}");
}

#[tokio::test]
async fn an_instance_that_leaves_or_is_unknown_is_as_good_as_terminated() {
    const NOT_FOUND: Answer = (
        "TerminateInstanceInAutoScalingGroup",
        400,
        "<Code>ValidationError</Code><Message>Instance Id not found - No managed instance found for instance ID</Message>",
    );
    let group = group_of(&[NOT_FOUND, TWO_INSTANCES]).await;
    assert_eq!(group.terminate(&id("i-1")).await.ok(), Some(()), "it leaves");
    assert_eq!(group.terminate(&id("i-9")).await.ok(), Some(()), "it is not in the group");
}

#[tokio::test]
async fn an_instance_that_the_minimum_keeps_is_not_terminated_for_good() {
    const MINIMUM: Answer = (
        "TerminateInstanceInAutoScalingGroup",
        400,
        "<Code>ValidationError</Code><Message>Currently, desiredSize equals minSize (1). Terminating instance without \
         replacement will violate group's min size constraint.</Message>",
    );
    let group = group_of(&[MINIMUM, TWO_INSTANCES]).await;
    assert_eq!(
        sentence(group.terminate(&id("i-2")).await),
        "permanent: cannot terminate instance i-2 of group runners: Currently, desiredSize equals minSize (1). \
         Terminating instance without replacement will violate group's min size constraint: ValidationError"
    );
}

#[tokio::test]
async fn a_group_that_is_busy_may_be_asked_again() {
    const BUSY: Answer = (
        "SetDesiredCapacity",
        400,
        "<Code>ScalingActivityInProgress</Code><Message>Scaling activity 7 is in progress and blocks this action\
         </Message>",
    );
    let error = sentence(group_of(&[BUSY]).await.set_desired(7).await);
    assert!(error.starts_with("refused: cannot set the desired capacity of group runners to 7: "), "{error}");
    assert!(error.ends_with("7 is in progress and blocks this action: ScalingActivityInProgress"), "{error}");
}

#[tokio::test]
async fn a_launch_into_several_zones_is_refused_with_what_to_do() {
    const ZONES: Answer = (
        "LaunchInstances",
        400,
        "<Code>ValidationError</Code><Message>AvailabilityZones or SubnetIds must be specified</Message>",
    );
    let error = sentence(group_of(&[ZONES, TWO_INSTANCES]).await.launch(3, "token").await);
    assert_eq!(
        error,
        "permanent: cannot launch 3 instances in group runners: the group spans 2 Availability Zones, and launches need \
         a group in a single zone; set \"raise_by\": \"set_desired\" in its policy"
    );
}

#[tokio::test]
async fn a_launch_of_which_some_came_is_a_launch_and_of_which_none_came_is_not() {
    const NONE: Answer = (
        "LaunchInstances",
        200,
        "<Instances/><Errors><member><AvailabilityZone>eu-west-1a</AvailabilityZone>\
         <ErrorCode>InsufficientInstanceCapacity</ErrorCode><ErrorMessage>There is no capacity now.</ErrorMessage>\
         </member></Errors>",
    );
    const SOME: Answer = (
        "LaunchInstances",
        200,
        "<Instances><member><InstanceIds><member>i-7</member></InstanceIds></member></Instances><Errors><member>\
         <ErrorCode>InsufficientInstanceCapacity</ErrorCode></member></Errors>",
    );
    let error = sentence(group_of(&[NONE]).await.launch(3, "token").await);
    assert_eq!(
        error,
        "refused: cannot launch 3 instances in group runners: none started in eu-west-1a \
         (InsufficientInstanceCapacity): There is no capacity now"
    );
    assert_eq!(group_of(&[SOME]).await.launch(3, "token").await.ok(), Some(()));
}

#[tokio::test]
async fn protection_is_set_only_where_it_is_not_as_it_should_be() {
    const DENIED: Answer = (
        "SetInstanceProtection",
        403,
        "<Code>AccessDenied</Code><Message>not authorized to perform: autoscaling:SetInstanceProtection</Message>",
    );
    // A role that may set nothing.
    let group = group_of(&[TWO_INSTANCES, DENIED]).await;
    assert_eq!(group.protect(&id("i-2"), true).await.ok(), Some(()), "it is protected");
    assert_eq!(group.protect(&id("i-1"), true).await.ok(), Some(()), "it leaves");
    let error = sentence(group.protect(&id("i-9"), true).await);
    assert_eq!(error, "permanent: cannot protect instance i-9: it is not in group runners");
    let error = sentence(group.protect(&id("i-2"), false).await);
    assert!(
        error.starts_with("permanent: cannot unprotect instance i-2 of group runners: access denied: "),
        "{error}"
    );
}
