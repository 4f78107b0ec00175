use squall_capacity::demand::demand;
use squall_capacity::policy::Policy;
use squall_capacity::ports::{Clock, Ledger, ScalingGroup};

use crate::fleet::proof::asked::Asked;
use crate::fleet::proof::design::{Design, Failed};

/// Scale-in has idle instances terminate themselves, which lowers the desired capacity, and then lowers it once more:
/// buildkite-agent-scaler until September 2026 (its issue 350).
pub(in crate::fleet::proof) struct DoubleDecrement;

impl Design for DoubleDecrement {
    async fn tick(ports: &Asked<'_>, policy: &Policy) -> Result<(), Failed> {
        let group = ports.group.describe().await?;
        let levels = ports.ledger.levels().await?;
        let wanted = group.clamp(demand(policy, &levels, 0).wanted());
        let rows = ports.ledger.instances(&[]).await?;
        let now_us = ports.clock.now_us();
        let idle = rows.iter().filter(|row| row.idle_since_us(now_us).is_some());
        let mut n_ended = 0;
        for row in idle.take(group.desired.saturating_sub(wanted) as usize) {
            ports.group.terminate(&row.id).await?;
            n_ended += 1;
        }
        if n_ended > 0 {
            let desired = ports.group.describe().await?.desired;
            ports.group.set_desired(group.clamp(desired.saturating_sub(n_ended))).await?;
        }
        Ok(())
    }
}
