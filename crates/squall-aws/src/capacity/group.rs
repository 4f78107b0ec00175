//! An Auto Scaling group, by its name.

use std::fmt::Display;

use aws_sdk_autoscaling::Client as AutoScaling;
use aws_sdk_autoscaling::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_autoscaling::operation::launch_instances::LaunchInstancesOutput;
use aws_sdk_autoscaling::types::AutoScalingGroup as Described;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use squall_capacity::group::{Group, Instance, Lifecycle};
use squall_capacity::ids::InstanceId;
use squall_capacity::ports::{PortError, ScalingGroup};

use super::failed;
use crate::connection::{Client, Connection};
use crate::error::absent;

mod seen;
mod settings;

/// An Auto Scaling group.
///
/// Launches are for groups with a launch template in one Availability Zone: in more than one, each launch would have to
/// name its zone, and no component here decides which
/// (<https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_LaunchInstances.html>).
#[derive(Debug)]
pub struct AutoScalingGroup {
    client: Client<AutoScaling>,
    name: String,
}

impl AutoScalingGroup {
    /// The group with this name.
    pub fn new(connection: &Connection, name: impl Into<String>) -> Self {
        Self { client: Client::new(connection, AutoScaling::new), name: name.into() }
    }

    fn failed<E>(&self, what: impl Display, error: SdkError<E, HttpResponse>) -> PortError
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        failed(self.client.connection(), what, format!("group {}", self.name), error)
    }

    async fn described(&self) -> Result<Described, PortError> {
        let what = format!("describe group {}", self.name);
        let request = self.client.get().await.describe_auto_scaling_groups();
        let reply = request.auto_scaling_group_names(&self.name).send().await;
        let groups = reply.map_err(|error| self.failed(&what, error))?.auto_scaling_groups;
        // For a group that does not exist, AWS returns an empty list, not an error.
        let mut groups = groups.unwrap_or_default().into_iter();
        let ours = groups.find(|it| it.auto_scaling_group_name() == Some(self.name.as_str()));
        let thing = format!("Auto Scaling group {}", self.name);
        ours.ok_or_else(|| absent(self.client.connection(), "Auto Scaling", what, thing))
    }

    async fn cooling_until_us(&self, cooldown_s: i32) -> Result<u64, PortError> {
        let request = self.client.get().await.describe_scaling_activities();
        let reply = request.auto_scaling_group_name(&self.name).max_records(1).send().await;
        let reply = reply.map_err(|error| {
            self.failed(format!("read the scaling activities of group {}", self.name), error)
        })?;
        // Activities in progress come first, then the most recent.
        Ok(reply.activities().first().map_or(0, |last| seen::cooling_until_us(last, cooldown_s)))
    }

    /// Whether an instance is leaving, has left, or was never in the group.
    async fn has_left(&self, id: &InstanceId) -> Result<bool, PortError> {
        Ok(self.instance(id).await?.is_none_or(|it| it.lifecycle == Lifecycle::Leaving))
    }

    async fn instance(&self, id: &InstanceId) -> Result<Option<Instance>, PortError> {
        let described = self.described().await?;
        let instance = described.instances().iter().find(|it| it.instance_id() == Some(id.as_str()));
        instance
            .and_then(seen::instance)
            .transpose()
            .map_err(|error| PortError::permanent(format!("group {}: {error}", self.name)))
    }

    /// Explains a refused launch where the group's zones are the cause: AWS's message does not say so.
    async fn not_launchable(&self, what: &str) -> Option<PortError> {
        let n_zones = self.described().await.ok()?.availability_zones().len();
        (n_zones > 1).then(|| {
            PortError::permanent(format!(
                "cannot {what}: the group spans {n_zones} Availability Zones, and launches need a group in a single zone; \
                 set \"raise_by\": \"set_desired\" in its policy"
            ))
        })
    }
}

impl ScalingGroup for AutoScalingGroup {
    async fn describe(&self) -> Result<Group, PortError> {
        let described = self.described().await?;
        let cooling_until_us = self.cooling_until_us(described.default_cooldown().unwrap_or(0)).await?;
        seen::group(&described, cooling_until_us)
            .map_err(|error| PortError::permanent(format!("group {}: {error}", self.name)))
    }

    async fn set_desired(&self, n: u32) -> Result<(), PortError> {
        let request = self.client.get().await.set_desired_capacity().auto_scaling_group_name(&self.name);
        let sent = request.desired_capacity(capacity(n)).honor_cooldown(false).send().await;
        let what = || format!("set the desired capacity of group {} to {n}", self.name);
        sent.map(drop).map_err(|error| self.failed(what(), error))
    }

    async fn launch(&self, n: u32, token: &str) -> Result<(), PortError> {
        let what = format!("launch {n} instances in group {}", self.name);
        let request = self.client.get().await.launch_instances().auto_scaling_group_name(&self.name);
        let sent = request.requested_capacity(capacity(n)).client_token(token).send().await;
        let error = match sent {
            Ok(reply) => return launched(&what, &reply),
            Err(error) => error,
        };
        if is_invalid(&error)
            && let Some(reason) = self.not_launchable(&what).await
        {
            return Err(reason);
        }
        // This call may have been refused and an earlier one under the token done, its reply lost.
        Err(self.failed(&what, error).of_a_repeat())
    }

    async fn terminate(&self, id: &InstanceId) -> Result<(), PortError> {
        let request = self.client.get().await.terminate_instance_in_auto_scaling_group();
        let request = request.instance_id(id.as_str()).should_decrement_desired_capacity(true);
        let Err(error) = request.send().await else { return Ok(()) };
        // AWS returns the same code for an unknown or leaving instance as for one that the minimum keeps.
        if is_invalid(&error) && self.has_left(id).await? {
            return Ok(());
        }
        Err(self.failed(format!("terminate instance {id} of group {}", self.name), error))
    }

    /// Looks first: an instance of a group that protects new ones is protected already, so that its role need not be allowed to
    /// set anybody's protection.
    async fn protect(&self, id: &InstanceId, is_protected: bool) -> Result<(), PortError> {
        let verb = if is_protected { "protect" } else { "unprotect" };
        let needs_none = |instance: &Instance| {
            let can_change = matches!(instance.lifecycle, Lifecycle::InService | Lifecycle::Standby);
            !can_change || instance.is_protected == is_protected
        };
        match self.instance(id).await? {
            Some(instance) if needs_none(&instance) => return Ok(()),
            Some(_) => {}
            None => {
                let what = format!("cannot {verb} instance {id}: it is not in group {}", self.name);
                return Err(PortError::permanent(what));
            }
        }
        let request = self.client.get().await.set_instance_protection().auto_scaling_group_name(&self.name);
        let request = request.instance_ids(id.as_str()).protected_from_scale_in(is_protected);
        let Err(error) = request.send().await else { return Ok(()) };
        // "The instance i-… is not in InService or EnteringStandby or Standby": it began to leave meanwhile.
        if is_invalid(&error) && self.instance(id).await?.is_some_and(|it| needs_none(&it)) {
            return Ok(());
        }
        Err(self.failed(format!("{verb} instance {id} of group {}", self.name), error))
    }
}

/// Whether Auto Scaling refused a request that the group's current state does not allow
/// (<https://docs.aws.amazon.com/autoscaling/ec2/APIReference/CommonErrors.html>).
fn is_invalid(error: &impl ProvideErrorMetadata) -> bool {
    error.code() == Some("ValidationError")
}

/// A number as AWS's type. No group is as large as its maximum, so AWS refuses a number that does not fit.
fn capacity(n: u32) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}

/// The result of a launch. After a partial launch, the next look at the group shows how many instances started.
fn launched(what: &str, reply: &LaunchInstancesOutput) -> Result<(), PortError> {
    let n_launched: usize = reply.instances().iter().map(|it| it.instance_ids().len()).sum();
    let Some(error) = reply.errors().first().filter(|_| n_launched == 0) else { return Ok(()) };
    let code = error.error_code().unwrap_or("no reason");
    let message = error.error_message().unwrap_or_default().trim_end_matches('.');
    let zone = error.availability_zone().map(|zone| format!(" in {zone}")).unwrap_or_default();
    let sentence = format!("cannot {what}: none started{zone} ({code}): {message}");
    if seen::may_pass(code) { Err(PortError::refused(sentence)) } else { Err(PortError::permanent(sentence)) }
}

#[cfg(test)]
mod tests;
