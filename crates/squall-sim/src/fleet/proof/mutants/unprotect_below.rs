use squall_capacity::demand::demand;
use squall_capacity::ids::{InstanceId, RunId};
use squall_capacity::policy::Policy;
use squall_capacity::ports::{Ledger, ScalingGroup};
use squall_capacity::steps::release_instance;

use crate::fleet::proof::asked::Asked;
use crate::fleet::proof::design::{Design, Failed};

/// Scale-in lowers the desired capacity, trusting that all are protected, and an instance whose run is done gives up
/// its protection if there are more than desired. That is a pending termination, whichever run has started there by
/// then.
pub(in crate::fleet::proof) struct UnprotectBelow;

impl Design for UnprotectBelow {
    async fn tick(ports: &Asked<'_>, policy: &Policy) -> Result<(), Failed> {
        let group = ports.group.describe().await?;
        let levels = ports.ledger.levels().await?;
        let wanted = group.clamp(demand(policy, &levels, 0).wanted());
        if wanted < group.desired {
            ports.group.set_desired(wanted).await?;
        }
        Ok(())
    }

    async fn finish(ports: &Asked<'_>, id: &InstanceId, run: &RunId) -> Result<(), Failed> {
        release_instance(ports, id, run).await?;
        let group = ports.group.describe().await?;
        if group.desired < group.n_live() {
            ports.group.protect(id, false).await?;
        }
        Ok(())
    }
}
