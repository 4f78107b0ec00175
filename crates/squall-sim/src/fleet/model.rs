//! An Auto Scaling group that behaves as AWS documents, because no emulator does: bounds, cooldown, protection, boot time,
//! whom it terminates by its own choice, and whom when it is told.
//!
//! It is a value: time and chance are arguments, so that the same calls give the same group. The pages that it follows, all
//! under <https://docs.aws.amazon.com/autoscaling/ec2/>: `APIReference/API_SetDesiredCapacity.html` and its neighbours,
//! `userguide/ec2-auto-scaling-instance-protection.html`, `userguide/ec2-auto-scaling-termination-policies.html`,
//! `userguide/ec2-auto-scaling-scaling-cooldowns.html`, `userguide/auto-scaling-benefits.html` (balance between zones).

use std::collections::{BTreeMap, BTreeSet};

use squall_capacity::group::{Group, Instance, Lifecycle};
use squall_capacity::ids::InstanceId;
use squall_capacity::scale_out::MOST_PER_LAUNCH;

mod own_will;

/// Instances that one call may protect, or not.
const MOST_PROTECTED: usize = 50;

/// What a group is like.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct GroupSettings {
    /// What it is called.
    pub name: String,
    /// The least instances that it may be told to have.
    pub min: u32,
    /// The most.
    pub max: u32,
    /// How long it holds still after its last activity, microseconds, for callers that honour that.
    pub cooldown_us: u64,
    /// How long an instance boots, microseconds: the shortest and the longest.
    pub boot_us: (u64, u64),
    /// How long an instance takes to go, microseconds.
    pub terminate_us: u64,
    /// Whether an instance is protected from the moment that it is in service.
    pub protected_from_launch: bool,
    /// Availability Zones that instances are spread over.
    pub n_zones: u32,
    /// Whether it replaces instances to have as many in each zone.
    pub rebalances: bool,
    /// How many instances there are to be had; launches beyond that fail. No limit when not said.
    pub available: Option<u32>,
    /// Calls of a kind that are answered in a second; more are refused. No limit when not said.
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

/// Why a call was refused, in AWS's words.
#[derive(Debug, Clone, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// What was asked can never be done.
    #[error("ValidationError: {0}")]
    Validation(String),
    /// The group is at something, or has just been.
    #[error("ScalingActivityInProgress: {0}")]
    InProgress(String),
    /// There are no instances to be had.
    #[error("InsufficientInstanceCapacity: {0}")]
    NoCapacity(String),
    /// The token was used for something else.
    #[error("IdempotentParameterMismatch: {0}")]
    TokenMismatch(String),
    /// Too many calls.
    #[error("Throttling: Rate exceeded")]
    Throttled,
}

/// Where a model's instance is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    /// It boots until then, microseconds.
    Booting(u64),
    /// It serves.
    Serving,
    /// It goes, and has gone by then, microseconds.
    Going(u64),
}

/// An instance of the model.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ModelInstance {
    /// Where it is in its life.
    pub stage: Stage,
    /// Whether the group spares it when it chooses.
    pub is_protected: bool,
    /// Its Availability Zone.
    pub zone: u32,
    /// When it was launched, microseconds.
    pub launched_us: u64,
}

/// Who ended an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EndedBy {
    /// A call that named it.
    Call,
    /// The group, because more lived than were desired.
    ScaleIn,
    /// The group, to have as many in each zone.
    Rebalance,
    /// Spot, or whoever else outside.
    Outside,
}

/// What happened in the group.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Happened {
    /// An instance was launched.
    Launched(InstanceId),
    /// An instance is in service.
    InService(InstanceId),
    /// An instance goes; whatever runs on it dies. Whether it was still booting is said.
    Ended {
        /// Which.
        id: InstanceId,
        /// By whom.
        by: EndedBy,
        /// Whether it had yet to serve.
        was_booting: bool,
    },
}

/// The group.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct GroupModel {
    /// What it is like.
    pub settings: GroupSettings,
    desired: u32,
    instances: BTreeMap<InstanceId, ModelInstance>,
    tokens: BTreeMap<String, u32>,
    /// Tokens of launches of which none came.
    tokens_refused: BTreeSet<String>,
    n_launched: u64,
    cooling_until_us: u64,
    calls: BTreeMap<&'static str, (u64, u32)>,
    happened: Vec<Happened>,
}

/// A number below its argument, by chance.
pub type Chance<'a> = &'a mut dyn FnMut(u64) -> u64;

impl GroupModel {
    /// An empty group that is told to have its minimum.
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

    /// As many as it is told to have.
    pub fn desired(&self) -> u32 {
        self.desired
    }

    /// Its instances, those that go included.
    pub fn instances(&self) -> &BTreeMap<InstanceId, ModelInstance> {
        &self.instances
    }

    /// Booting and serving instances.
    pub fn n_live(&self) -> u32 {
        let live = self.instances.values().filter(|it| !matches!(it.stage, Stage::Going(_)));
        u32::try_from(live.count()).unwrap_or(u32::MAX)
    }

    /// What happened since this was asked last.
    pub fn take_happened(&mut self) -> Vec<Happened> {
        std::mem::take(&mut self.happened)
    }

    /// When something happens next without a call, microseconds.
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
    /// When it is asked too often.
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
    /// Outside the bounds; and, when the cooldown is honoured, while it lasts or an activity is in progress.
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

    /// `LaunchInstances`: so many more, once per token. The desired capacity grows by those that are launched. The answer
    /// to a token stays the same, also when it was that there are none.
    ///
    /// # Errors
    /// Over the maximum or the most per call, when the token was used otherwise, and when there are none to be had.
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

    /// `TerminateInstanceInAutoScalingGroup`. Protection does not stop it. Of one that goes already nothing is taken.
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

    /// `SetInstanceProtection`. One unfit instance fails the whole call.
    ///
    /// # Errors
    /// Too many, or one that is not in service.
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

    /// Ends an instance from outside, as spot does: it is replaced.
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
