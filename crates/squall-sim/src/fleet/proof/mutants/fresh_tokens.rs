use squall_capacity::events::Activity;
use squall_capacity::policy::Policy;
use squall_capacity::ports::{Clock, Ledger, ScalingGroup};

use super::asked_for;
use crate::fleet::proof::asked::Asked;
use crate::fleet::proof::design::{Design, Failed};

/// Launches with a fresh token each time: an idempotent call that is not idempotent, because each retry and each
/// concurrent caller has another token.
pub(in crate::fleet::proof) struct FreshTokens;

impl Design for FreshTokens {
    async fn on_event(ports: &Asked<'_>, policy: &Policy, event: &Activity) -> Result<(), Failed> {
        let mut levels = ports.ledger.levels().await?;
        levels.record(event);
        levels.version += 1;
        ports.ledger.put_levels(&levels).await?;
        let group = ports.group.describe().await?;
        let wanted = group.clamp(asked_for(policy, event));
        if wanted > group.desired {
            let token = format!("{}-{}", event.order, ports.clock.now_us());
            ports.group.launch(wanted - group.desired, &token).await?;
        }
        Ok(())
    }
}
