use squall_capacity::events::Activity;
use squall_capacity::policy::Policy;
use squall_capacity::ports::ScalingGroup;

use super::asked_for;
use crate::fleet::proof::asked::Asked;
use crate::fleet::proof::design::{Design, Failed};

/// Each scale-out looks at the group and sets what its event asks for when that is more: the serverless scaling of 2017
/// that Squall began from, and most autoscalers. Two of them at once, and the smaller number is written last.
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

    /// It waits for a window without runs, and there is none here.
    async fn tick(_: &Asked<'_>, _: &Policy) -> Result<(), Failed> {
        Ok(())
    }
}
