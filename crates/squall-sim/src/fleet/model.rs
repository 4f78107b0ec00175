//! An Auto Scaling group that behaves as AWS documents, because no emulator does: bounds, cooldown, protection, boot
//! time, which instances it terminates by its own choice, and which on request.
//!
//! It is a value: time and chance are arguments, so that the same calls give the same group. It follows these pages,
//! all under <https://docs.aws.amazon.com/autoscaling/ec2/>: `APIReference/API_SetDesiredCapacity.html` and its
//! neighbours, `userguide/ec2-auto-scaling-instance-protection.html`,
//! `userguide/ec2-auto-scaling-termination-policies.html`, `userguide/ec2-auto-scaling-scaling-cooldowns.html`,
//! `userguide/auto-scaling-benefits.html` (balance between zones).

use std::collections::{BTreeMap, BTreeSet};

use squall_capacity::group::{Group, Instance, Lifecycle};
use squall_capacity::ids::InstanceId;
use squall_capacity::scale_out::MOST_PER_LAUNCH;

mod own_will;

/// Most instances whose protection one call may change.
const MOST_PROTECTED: usize = 50;

/// The settings of a group.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct GroupSettings {
    /// Its name.
    pub name: String,
    /// The lowest desired capacity.
    pub min: u32,
    /// The highest desired capacity.
    pub max: u32,
    /// Pause after its last activity, microseconds, for callers that honour the cooldown.
    pub cooldown_us: u64,
    /// Boot time of an instance, microseconds: the shortest and the longest.
    pub boot_us: (u64, u64),
    /// Time that an instance takes to terminate, microseconds.
    pub terminate_us: u64,
    /// Whether an instance is protected from the moment it is in service.
    pub protected_from_launch: bool,
    /// Number of Availability Zones over which instances are spread.
    pub n_zones: u32,
    /// Whether it replaces instances to balance its zones.
    pub rebalances: bool,
    /// Number of available instances; launches beyond that fail. `None` for no limit.
    pub available: Option<u32>,
    /// Calls of a kind that are answered per second; more are refused. `None` for no limit.
    pub calls_per_s: Option<u32>,
}

impl Default for GroupSettings {
    fn default() -> Self {
        Self {
            name: "fleet".to_owned(),
            min: 0,
            max: 10,
            // The default of a group made by an API call.
            cooldown_us: 300_000_000,
            boot_us: (75_000_000, 120_000_000),
            terminate_us: 30_000_000,
            protected_from_launch: true,
            n_zones: 1,
            rebalances: false,
            available: None,
            calls_per_s: None,
        }
    }
}

/// Why a call was refused, in AWS's terms.
#[derive(Debug, Clone, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// The request can never succeed.
    #[error("ValidationError: {0}")]
    Validation(String),
    /// The group is busy with an activity, or has just been.
    #[error("ScalingActivityInProgress: {0}")]
    InProgress(String),
    /// No instances are available.
    #[error("InsufficientInstanceCapacity: {0}")]
    NoCapacity(String),
    /// The token was used for a different request.
    #[error("IdempotentParameterMismatch: {0}")]
    TokenMismatch(String),
    /// Too many calls.
    #[error("Throttling: Rate exceeded")]
    Throttled,
}

/// The lifecycle stage of a model's instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    /// It boots until this time, microseconds.
    Booting(u64),
    /// It is in service.
    Serving,
    /// It is terminating, and gone by this time, microseconds.
    Going(u64),
}

/// An instance of the model.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ModelInstance {
    /// Its lifecycle stage.
    pub stage: Stage,
    /// Whether the group spares it when choosing a victim.
    pub is_protected: bool,
    /// Its Availability Zone.
    pub zone: u32,
    /// When it was launched, microseconds.
    pub launched_us: u64,
}

/// What terminated an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EndedBy {
    /// A call that named it.
    Call,
    /// The group, because more instances were live than desired.
    ScaleIn,
    /// The group, to balance its zones.
    Rebalance,
    /// Spot, or another outside cause.
    Outside,
}

/// An event in the group.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Happened {
    /// An instance was launched.
    Launched(InstanceId),
    /// An instance is in service.
    InService(InstanceId),
    /// An instance is terminating; whatever runs on it dies.
    Ended {
        /// Its id.
        id: InstanceId,
        /// The cause.
        by: EndedBy,
        /// Whether it was still booting.
        was_booting: bool,
    },
}

/// The group.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct GroupModel {
    /// Its settings.
    pub settings: GroupSettings,
    desired: u32,
    instances: BTreeMap<InstanceId, ModelInstance>,
    tokens: BTreeMap<String, u32>,
    /// Tokens of launches that launched no instance.
    tokens_refused: BTreeSet<String>,
    n_launched: u64,
    cooling_until_us: u64,
    calls: BTreeMap<&'static str, (u64, u32)>,
    happened: Vec<Happened>,
}

/// Returns a random number below its argument.
pub type Chance<'a> = &'a mut dyn FnMut(u64) -> u64;

impl GroupModel {
    /// An empty group whose desired capacity is its minimum.
    pub fn new(settings: GroupSettings) -> Self {
        Self {
            desired: settings.min,
            settings,
            instances: BTreeMap::new(),
            tokens: BTreeMap::new(),
            tokens_refused: BTreeSet::new(),
            n_launched: 0,
            cooling_until_us: 0,
            calls: BTreeMap::new(),
            happened: Vec::new(),
        }
    }

    /// The desired capacity.
    pub fn desired(&self) -> u32 {
        self.desired
    }

    /// Its instances, including terminating ones.
    pub fn instances(&self) -> &BTreeMap<InstanceId, ModelInstance> {
        &self.instances
    }

    /// Booting and serving instances.
    pub fn n_live(&self) -> u32 {
        let live = self.instances.values().filter(|it| !matches!(it.stage, Stage::Going(_)));
        u32::try_from(live.count()).unwrap_or(u32::MAX)
    }

    /// The events since the last call.
    pub fn take_happened(&mut self) -> Vec<Happened> {
        std::mem::take(&mut self.happened)
    }

    /// When the next event without a call happens, microseconds.
    pub fn next_us(&self) -> Option<u64> {
        let stages = self.instances.values().filter_map(|it| match it.stage {
            Stage::Booting(until_us) | Stage::Going(until_us) => Some(until_us),
            Stage::Serving => None,
        });
        stages.min()
    }

    /// `DescribeAutoScalingGroups`.
    ///
    /// # Errors
    /// When called too often.
    pub fn describe(&mut self, now_us: u64) -> Result<Group, Refusal> {
        self.admit("describe", now_us)?;
        let instances = self.instances.iter().map(|(id, it)| Instance {
            id: id.clone(),
            lifecycle: match it.stage {
                Stage::Booting(_) => Lifecycle::Pending,
                Stage::Serving => Lifecycle::InService,
                Stage::Going(_) => Lifecycle::Leaving,
            },
            is_protected: it.is_protected,
        });
        Ok(Group {
            name: self.settings.name.clone(),
            min: self.settings.min,
            max: self.settings.max,
            desired: self.desired,
            instances: instances.collect(),
            cooling_until_us: if self.is_busy() { u64::MAX } else { self.cooling_until_us },
        })
    }

    /// `SetDesiredCapacity`.
    ///
    /// # Errors
    /// Outside the bounds; and, if the cooldown is honoured, while it lasts or an activity is in progress.
    pub fn set_desired(
        &mut self,
        n: u32,
        honor_cooldown: bool,
        now_us: u64,
        chance: Chance<'_>,
    ) -> Result<(), Refusal> {
        self.admit("set_desired", now_us)?;
        let GroupSettings { min, max, name, .. } = &self.settings;
        if n > *max {
            let what = format!(
                "New SetDesiredCapacity value {n} is above max value {max} for the AutoScalingGroup."
            );
            return Err(Refusal::Validation(what));
        }
        if n < *min {
            let what = format!(
                "New SetDesiredCapacity value {n} is below min value {min} for the AutoScalingGroup."
            );
            return Err(Refusal::Validation(what));
        }
        if honor_cooldown && (self.is_busy() || now_us < self.cooling_until_us) {
            let what =
                format!("a scaling activity of {name} is in progress or cools down, and blocks this action");
            return Err(Refusal::InProgress(what));
        }
        self.desired = n;
        self.settle(now_us, chance);
        Ok(())
    }

    /// `LaunchInstances`: launches this many more, once per token. The desired capacity grows by the number launched.
    /// The answer to a token stays the same, even if no instance was available.
    ///
    /// # Errors
    /// Over the maximum or the limit per call, when the token was used for a different request, and when no instances
    /// are available.
    pub fn launch(
        &mut self,
        n: u32,
        token: &str,
        now_us: u64,
        chance: Chance<'_>,
    ) -> Result<Vec<InstanceId>, Refusal> {
        self.admit("launch", now_us)?;
        if let Some(known) = self.tokens.get(token) {
            let mismatch = format!("the token {token} was used to launch {known}");
            return if *known == n { Ok(Vec::new()) } else { Err(Refusal::TokenMismatch(mismatch)) };
        }
        let max = self.settings.max;
        if n == 0 || n > MOST_PER_LAUNCH || self.desired.saturating_add(n) > max {
            let what = format!(
                "{n} more than {} desired; at most {MOST_PER_LAUNCH} a call, and {max} in all",
                self.desired
            );
            return Err(Refusal::Validation(what));
        }
        let n = if self.tokens_refused.contains(token) { 0 } else { n };
        let ids: Vec<_> = (0..n).map_while(|_| self.launch_one(now_us, chance)).collect();
        if ids.is_empty() {
            self.tokens_refused.insert(token.to_owned());
            return Err(Refusal::NoCapacity("we currently do not have sufficient capacity".to_owned()));
        }
        self.tokens.insert(token.to_owned(), n);
        self.desired += u32::try_from(ids.len()).unwrap_or(0);
        Ok(ids)
    }

    /// `TerminateInstanceInAutoScalingGroup`. Protection does not prevent it. It has no effect on a terminating
    /// instance.
    ///
    /// # Errors
    /// When there is no such instance, and when the decrement would go below the minimum.
    pub fn terminate(
        &mut self,
        id: &InstanceId,
        decrement: bool,
        now_us: u64,
        chance: Chance<'_>,
    ) -> Result<(), Refusal> {
        self.admit("terminate", now_us)?;
        let Some(instance) = self.instances.get(id) else {
            return Err(Refusal::Validation(format!(
                "Instance Id not found - No managed instance found for instance ID: {id}"
            )));
        };
        if matches!(instance.stage, Stage::Going(_)) {
            return Ok(());
        }
        let min = self.settings.min;
        if decrement && self.desired <= min {
            let what = format!(
                "Currently, desiredSize equals minSize ({min}). Terminating instance without replacement will violate \
                 group's min size constraint. Either set shouldDecrementDesiredCapacity flag to false or lower group's \
                 min size."
            );
            return Err(Refusal::Validation(what));
        }
        if decrement {
            self.desired -= 1;
        }
        self.end(id, EndedBy::Call, now_us);
        self.settle(now_us, chance);
        Ok(())
    }

    /// `SetInstanceProtection`. One unsuitable instance fails the whole call.
    ///
    /// # Errors
    /// Too many instances, or one that is not in service.
    pub fn protect(
        &mut self,
        ids: &BTreeSet<InstanceId>,
        is_protected: bool,
        now_us: u64,
        chance: Chance<'_>,
    ) -> Result<(), Refusal> {
        self.admit("protect", now_us)?;
        if ids.len() > MOST_PROTECTED {
            return Err(Refusal::Validation(format!(
                "{} instances; at most {MOST_PROTECTED} a call",
                ids.len()
            )));
        }
        let serves = |id: &&InstanceId| self.instances.get(*id).is_some_and(|it| it.stage == Stage::Serving);
        if let Some(unfit) = ids.iter().find(|id| !serves(id)) {
            let what = format!("The instance {unfit} is not in InService or EnteringStandby or Standby.");
            return Err(Refusal::Validation(what));
        }
        for (_, instance) in self.instances.iter_mut().filter(|(id, _)| ids.contains(*id)) {
            instance.is_protected = is_protected;
        }
        self.settle(now_us, chance);
        Ok(())
    }

    /// Terminates an instance from outside, as spot does: it is replaced.
    pub fn reclaim(&mut self, id: &InstanceId, now_us: u64, chance: Chance<'_>) {
        self.end(id, EndedBy::Outside, now_us);
        self.settle(now_us, chance);
    }

    fn admit(&mut self, call: &'static str, now_us: u64) -> Result<(), Refusal> {
        let Some(most) = self.settings.calls_per_s else { return Ok(()) };
        let (second, n) = self.calls.entry(call).or_default();
        if *second != now_us / 1_000_000 {
            (*second, *n) = (now_us / 1_000_000, 0);
        }
        *n += 1;
        if *n > most { Err(Refusal::Throttled) } else { Ok(()) }
    }

    fn is_busy(&self) -> bool {
        self.instances.values().any(|it| it.stage != Stage::Serving)
    }
}

#[cfg(test)]
mod tests;
