use squall_capacity::events::Activity;
use squall_capacity::policy::Policy;
use squall_capacity::ports::ScalingGroup;

use super::asked_for;
use crate::fleet::proof::asked::Asked;
use crate::fleet::proof::design::{Design, Failed};

/// Each scale-out looks at the group and sets the number that its event requires if that is more: the serverless
/// scaling of 2017 from which Squall started, and most autoscalers. With two at once, the smaller number may be written
/// last.
pub(in crate::fleet::proof) struct BlindWrites;

impl Design for BlindWrites {
    async fn on_event(ports: &Asked<'_>, policy: &Policy, event: &Activity) -> Result<(), Failed> {
        let group = ports.group.describe().await?;
        let wanted = group.clamp(asked_for(policy, event));
        if wanted > group.desired {
            ports.group.set_desired(wanted).await?;
        }
        Ok(())
    }

    /// It waits for a window without runs, which never comes here.
    async fn tick(_: &Asked<'_>, _: &Policy) -> Result<(), Failed> {
        Ok(())
    }
}
