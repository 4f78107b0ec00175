use squall_capacity::events::Activity;
use squall_capacity::policy::Policy;
use squall_capacity::ports::ScalingGroup;

use super::asked_for;
use crate::fleet::proof::asked::{Ask, Asked};
use crate::fleet::proof::design::{Design, Failed};

/// The remedy that is often proposed for blind writes: honour the cooldown, and fail the function on a refusal, so that
/// Lambda retries twice. By then the group is still booting, and the event is dropped.
pub(in crate::fleet::proof) struct CooldownRetry;

impl Design for CooldownRetry {
    async fn on_event(ports: &Asked<'_>, policy: &Policy, event: &Activity) -> Result<(), Failed> {
        let group = ports.group.describe().await?;
        let wanted = group.clamp(asked_for(policy, event));
        if wanted > group.desired {
            ports.group.ask(Ask::SetDesiredIfCool(wanted)).await?;
        }
        Ok(())
    }

    /// It waits for a window without runs, which never comes here.
    async fn tick(_: &Asked<'_>, _: &Policy) -> Result<(), Failed> {
        Ok(())
    }
}
