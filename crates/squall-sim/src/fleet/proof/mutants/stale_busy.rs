use squall_capacity::demand::demand;
use squall_capacity::policy::Policy;
use squall_capacity::ports::{Clock, Ledger, ScalingGroup};

use crate::fleet::proof::asked::Asked;
use crate::fleet::proof::design::{Design, Failed};

/// Scale-in asks which runners are busy and terminates the others, as the scalers of hosted build runners do. A runner
/// that was idle then may be busy when it is terminated.
pub(in crate::fleet::proof) struct StaleBusy;

impl Design for StaleBusy {
    async fn tick(ports: &Asked<'_>, policy: &Policy) -> Result<(), Failed> {
        let group = ports.group.describe().await?;
        let levels = ports.ledger.levels().await?;
        let wanted = group.clamp(demand(policy, &levels, 0).wanted());
        let rows = ports.ledger.instances(&[]).await?;
        let now_us = ports.clock.now_us();
        let idle = rows.iter().filter(|row| !row.is_claimed(now_us));
        for row in idle.take(group.desired.saturating_sub(wanted) as usize) {
            ports.group.terminate(&row.id).await?;
        }
        Ok(())
    }
}
