use std::fmt::Write as _;

use expect_test::expect;

use super::*;

fn described(id: &str, state: LifecycleState) -> Described {
    Described::builder().instance_id(id).lifecycle_state(state).protected_from_scale_in(true).build()
}

#[test]
fn every_state_that_aws_lists_is_a_stage_of_life() {
    let mut table = String::new();
    for state in LifecycleState::values() {
        let stage = lifecycle(&LifecycleState::from(*state)).map(|it| format!("{it:?}"));
        writeln!(table, "{state}: {}", stage.as_deref().unwrap_or("not counted")).unwrap();
    }
    expect![[r#"
        Detached: Leaving
        Detaching: Leaving
        EnteringStandby: Standby
        InService: InService
        Pending: Pending
        Pending:Proceed: Pending
        Pending:Wait: Pending
        Quarantined: Pending
        ReplacingRootVolume: Pending
        ReplacingRootVolume:Proceed: Pending
        ReplacingRootVolume:Wait: Pending
        RootVolumeReplaced: Pending
        Standby: Standby
        Terminated: Leaving
        Terminating: Leaving
        Terminating:Proceed: Leaving
        Terminating:Retained: Leaving
        Terminating:Wait: Leaving
        Warmed:Hibernated: not counted
        Warmed:Pending: not counted
        Warmed:Pending:Proceed: not counted
        Warmed:Pending:Retained: not counted
        Warmed:Pending:Wait: not counted
        Warmed:Running: not counted
        Warmed:Stopped: not counted
        Warmed:Terminated: not counted
        Warmed:Terminating: not counted
        Warmed:Terminating:Proceed: not counted
        Warmed:Terminating:Retained: not counted
        Warmed:Terminating:Wait: not counted
    "#]]
    .assert_eq(&table);
    assert_eq!(
        lifecycle(&LifecycleState::from("Dreaming")),
        Some(Lifecycle::Pending),
        "an unknown state counts"
    );
}

#[test]
fn a_group_has_its_instances_in_the_order_of_their_ids_and_none_of_its_warm_pool() {
    let states = [
        ("i-3", LifecycleState::InService),
        ("i-1", LifecycleState::PendingWait),
        ("i-4", LifecycleState::WarmedStopped),
        ("i-2", LifecycleState::TerminatingProceed),
    ];
    let described = AutoScalingGroup::builder()
        .auto_scaling_group_name("runners")
        .min_size(1)
        .max_size(9)
        .desired_capacity(2)
        .set_instances(Some(states.map(|(id, state)| described(id, state)).to_vec()))
        .build();
    let group = group(&described, 7).unwrap();
    let expected = [("i-1", Lifecycle::Pending), ("i-2", Lifecycle::Leaving), ("i-3", Lifecycle::InService)];
    let expected = expected.map(|(id, lifecycle)| {
        let id = InstanceId::new(id).unwrap();
        Instance { id, lifecycle, is_protected: true }
    });
    assert_eq!(group.instances, expected);
    assert_eq!((group.name.as_str(), group.min, group.max, group.desired), ("runners", 1, 9, 2));
    assert_eq!((group.cooling_until_us, group.n_live()), (7, 2));
}

#[test]
fn an_instance_without_a_name_is_an_error_and_not_one_fewer() {
    let nameless = Described::builder().lifecycle_state(LifecycleState::InService).build();
    let described = AutoScalingGroup::builder().instances(nameless).build();
    let error = group(&described, 0).unwrap_err();
    assert!(error.contains("is not an instance's id"), "{error}");
}

#[test]
fn the_cooldown_begins_when_the_last_activity_ends() {
    let at = |status: ScalingActivityStatusCode, ended_s: Option<i64>| {
        let ended = ended_s.map(DateTime::from_secs);
        let last = Activity::builder().status_code(status).set_end_time(ended).build();
        cooling_until_us(&last, 300)
    };
    assert_eq!(at(ScalingActivityStatusCode::Successful, Some(1_000)), 1_300_000_000);
    assert_eq!(at(ScalingActivityStatusCode::Cancelled, Some(1_000)), 1_300_000_000);
    assert_eq!(at(ScalingActivityStatusCode::Successful, None), u64::MAX);
    assert_eq!(at(ScalingActivityStatusCode::MidLifecycleAction, None), u64::MAX);
    assert_eq!(at(ScalingActivityStatusCode::InProgress, Some(1_000)), u64::MAX);
    assert_eq!(at(ScalingActivityStatusCode::from("Pondering"), None), u64::MAX);
}

#[test]
fn a_launch_that_ec2_has_no_room_for_may_be_asked_for_again() {
    let codes =
        ["InsufficientInstanceCapacity", "VcpuLimitExceeded", "RequestLimitExceeded", "InternalError"];
    assert!(codes.iter().all(|code| may_pass(code)));
    let codes = ["InvalidParameterValue", "UnauthorizedOperation", "Unsupported", "InvalidAMIID.NotFound"];
    assert!(!codes.iter().any(|code| may_pass(code)));
}
