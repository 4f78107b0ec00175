//! A group's settings, for `squall capacity doctor`.

use aws_sdk_autoscaling::types::{AutoScalingGroup as Described, Instance, LifecycleState};
use squall_capacity::doctor::Settings;
use squall_capacity::ports::PortError;

use super::AutoScalingGroup;

impl AutoScalingGroup {
    /// The group's settings.
    ///
    /// # Errors
    /// Unknown when AWS does not answer; permanent when there is no such group.
    pub async fn settings(&self) -> Result<Settings, PortError> {
        let described = self.described().await?;
        let client = self.client.get().await;
        let policies = client.describe_policies().auto_scaling_group_name(&self.name).send().await;
        let policies = policies.map_err(|error| {
            self.failed(format!("read the scaling policies of group {}", self.name), error)
        })?;
        let actions = client.describe_scheduled_actions().auto_scaling_group_name(&self.name).send().await;
        let actions = actions.map_err(|error| {
            self.failed(format!("read the scheduled actions of group {}", self.name), error)
        })?;
        let of_size =
            actions.scheduled_update_group_actions().iter().filter(|it| it.desired_capacity().is_some());
        Ok(Settings {
            scaling_policies: names(policies.scaling_policies().iter().map(|it| it.policy_name())),
            scheduled_actions: names(of_size.map(|it| it.scheduled_action_name())),
            ..described_settings(&described)
        })
    }
}

fn described_settings(described: &Described) -> Settings {
    let is_unprotected = |it: &&Instance| {
        it.lifecycle_state() == Some(&LifecycleState::InService) && it.protected_from_scale_in() != Some(true)
    };
    let n_unprotected = described.instances().iter().filter(is_unprotected).count();
    let mixed = described.mixed_instances_policy();
    let templates =
        described.launch_template().is_some() || mixed.is_some_and(|it| it.launch_template().is_some());
    Settings {
        name: described.auto_scaling_group_name().unwrap_or_default().to_owned(),
        min: count(described.min_size()),
        max: count(described.max_size()),
        desired: count(described.desired_capacity()),
        new_instances_protected: described.new_instances_protected_from_scale_in() == Some(true),
        n_unprotected: u32::try_from(n_unprotected).unwrap_or(u32::MAX),
        suspended_processes: names(described.suspended_processes().iter().map(|it| it.process_name())),
        scaling_policies: Vec::new(),
        scheduled_actions: Vec::new(),
        default_cooldown_s: count(described.default_cooldown()),
        enabled_metrics: names(described.enabled_metrics().iter().map(|it| it.metric())),
        zones: described.availability_zones().to_vec(),
        has_launch_template: templates,
        is_mixed: mixed.is_some(),
        has_warm_pool: described.warm_pool_configuration().is_some(),
        max_instance_lifetime_s: described.max_instance_lifetime().map(|it| count(Some(it))),
        has_elb_health_checks: described.health_check_type().is_some_and(|it| it.contains("ELB")),
    }
}

fn count(number: Option<i32>) -> u32 {
    number.and_then(|number| u32::try_from(number).ok()).unwrap_or(0)
}

fn names<'a>(names: impl Iterator<Item = Option<&'a str>>) -> Vec<String> {
    names.flatten().map(str::to_owned).collect()
}
