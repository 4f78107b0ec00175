//! Translates AWS's description of a group. Makes no calls.

use aws_sdk_autoscaling::types::{
    Activity, AutoScalingGroup, Instance as Described, LifecycleState, ScalingActivityStatusCode,
};
use aws_smithy_types::DateTime;
use squall_capacity::group::{Group, Instance, Lifecycle};
use squall_capacity::ids::InstanceId;

/// The group, without the instances in its warm pool.
pub(super) fn group(described: &AutoScalingGroup, cooling_until_us: u64) -> Result<Group, String> {
    let instances: Result<Vec<_>, _> = described.instances().iter().filter_map(instance).collect();
    let mut instances = instances?;
    instances.sort_unstable();
    Ok(Group {
        name: described.auto_scaling_group_name().unwrap_or_default().to_owned(),
        min: count(described.min_size()),
        max: count(described.max_size()),
        desired: count(described.desired_capacity()),
        instances,
        cooling_until_us,
    })
}

fn count(n: Option<i32>) -> u32 {
    n.and_then(|n| u32::try_from(n).ok()).unwrap_or(0)
}

/// An instance of the group; `None` in a warm pool.
pub(super) fn instance(described: &Described) -> Option<Result<Instance, String>> {
    let lifecycle = lifecycle(described.lifecycle_state()?)?;
    let is_protected = described.protected_from_scale_in().unwrap_or(false);
    let id = InstanceId::new(described.instance_id().unwrap_or_default());
    Some(id.map(|id| Instance { id, lifecycle, is_protected }))
}

/// An instance's lifecycle state; `None` in a warm pool, where it does not count
/// (<https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-lifecycle.html>).
pub(super) fn lifecycle(state: &LifecycleState) -> Option<Lifecycle> {
    match state {
        LifecycleState::InService => Some(Lifecycle::InService),
        LifecycleState::EnteringStandby | LifecycleState::Standby => Some(Lifecycle::Standby),
        LifecycleState::Terminating
        | LifecycleState::TerminatingWait
        | LifecycleState::TerminatingProceed
        | LifecycleState::TerminatingRetained
        | LifecycleState::Terminated
        | LifecycleState::Detaching
        | LifecycleState::Detached => Some(Lifecycle::Leaving),
        state if state.as_str().starts_with("Warmed") => None,
        // Pending, or its root volume is being replaced: it counts but is not in service. A state unknown to us counts
        // too, so that no instance is launched or terminated in its place.
        _ => Some(Lifecycle::Pending),
    }
}

/// When the cooldown after the group's last activity ends, microseconds since 1970; `u64::MAX` while that activity is in
/// progress.
pub(super) fn cooling_until_us(last: &Activity, cooldown_s: i32) -> u64 {
    let has_ended = matches!(
        last.status_code(),
        Some(
            ScalingActivityStatusCode::Successful
                | ScalingActivityStatusCode::Failed
                | ScalingActivityStatusCode::Cancelled
        )
    );
    match last.end_time().filter(|_| has_ended) {
        Some(ended) => us(ended).saturating_add(u64::from(count(Some(cooldown_s))) * 1_000_000),
        None => u64::MAX,
    }
}

fn us(time: &DateTime) -> u64 {
    u64::try_from(time.as_nanos() / 1_000).unwrap_or(0)
}

/// Whether a failed launch may succeed later: EC2 has no capacity now, or the account is at a limit
/// (<https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>).
pub(super) fn may_pass(code: &str) -> bool {
    ["Insufficient", "Exceeded", "Unavailable", "Unfulfillable", "Internal", "Throttl"]
        .iter()
        .any(|it| code.contains(it))
}

#[cfg(test)]
mod tests;
