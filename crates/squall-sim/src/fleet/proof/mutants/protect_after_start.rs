use squall_capacity::demand::demand;
use squall_capacity::ids::{InstanceId, RunId};
use squall_capacity::policy::Policy;
use squall_capacity::ports::{Ledger, ScalingGroup};

use crate::fleet::proof::asked::Asked;
use crate::fleet::proof::design::{Design, Failed};

/// An instance accepts a run and then protects itself, as AWS's own example for SQS workers does; scale-in lowers the
/// desired capacity and lets the group choose. Between the two, the instance may be chosen.
pub(in crate::fleet::proof) struct ProtectAfterStart;

impl Design for ProtectAfterStart {
    async fn tick(ports: &Asked<'_>, policy: &Policy) -> Result<(), Failed> {
        let group = ports.group.describe().await?;
        let levels = ports.ledger.levels().await?;
        let wanted = group.clamp(demand(policy, &levels, 0).wanted());
        if wanted < group.desired {
            ports.group.set_desired(wanted).await?;
        }
        Ok(())
    }

    async fn start(ports: &Asked<'_>, _: &Policy, id: &InstanceId, _: &RunId) -> Result<u64, Failed> {
        // The run has already begun, whatever the result of this call.
        ports.group.protect(id, true).await.ok();
        Ok(u64::MAX)
    }

    async fn finish(ports: &Asked<'_>, id: &InstanceId, _: &RunId) -> Result<(), Failed> {
        Ok(ports.group.protect(id, false).await?)
    }
}
