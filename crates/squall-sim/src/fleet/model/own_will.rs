//! The group's own actions: boot, finish terminating, launch missing instances, terminate surplus ones, balance its
//! zones.

use squall_capacity::ids::InstanceId;

use super::{Chance, EndedBy, GroupModel, Happened, ModelInstance, Stage};

impl GroupModel {
    /// Advances the group to `now_us`: booted instances are in service, terminating ones are gone, and the group
    /// adjusts to its desired capacity.
    pub fn advance(&mut self, now_us: u64, chance: Chance<'_>) {
        while let Some(at_us) = self.next_us().filter(|at_us| *at_us <= now_us) {
            self.pass(at_us);
            self.settle(at_us, chance);
        }
        self.settle(now_us, chance);
    }

    /// The candidates for termination, if the group has one instance too many: unprotected instances of the largest
    /// zone. Between those, AWS decides by launch template and billing hour, which are all alike here.
    pub fn candidates(&self) -> Vec<InstanceId> {
        let unprotected = || {
            self.instances.iter().filter(|(_, it)| !it.is_protected && !matches!(it.stage, Stage::Going(_)))
        };
        let n_in = |zone: u32| {
            let in_zone = |it: &&ModelInstance| it.zone == zone && !matches!(it.stage, Stage::Going(_));
            self.instances.values().filter(in_zone).count()
        };
        let most = unprotected().map(|(_, it)| n_in(it.zone)).max().unwrap_or(0);
        unprotected().filter(|(_, it)| n_in(it.zone) == most).map(|(id, _)| id.clone()).collect()
    }

    fn pass(&mut self, now_us: u64) {
        let due: Vec<InstanceId> = self
            .instances
            .iter()
            .filter(|(_, it)| matches!(it.stage, Stage::Booting(us) | Stage::Going(us) if us <= now_us))
            .map(|(id, _)| id.clone())
            .collect();
        let was_busy = !due.is_empty();
        for id in due {
            let Some(instance) = self.instances.get_mut(&id) else { continue };
            if matches!(instance.stage, Stage::Booting(_)) {
                instance.stage = Stage::Serving;
                instance.is_protected = self.settings.protected_from_launch;
                self.happened.push(Happened::InService(id));
            } else {
                self.instances.remove(&id);
            }
        }
        if was_busy && !self.is_busy() {
            self.cooling_until_us = now_us.saturating_add(self.settings.cooldown_us);
        }
    }

    /// Adjusts to the desired capacity, as far as instances are available and unprotected.
    pub(super) fn settle(&mut self, now_us: u64, chance: Chance<'_>) {
        while self.n_live() < self.desired && self.launch_one(now_us, chance).is_some() {}
        while self.n_live() > self.desired {
            let candidates = self.candidates();
            if candidates.is_empty() {
                // "Could not scale to desired capacity because all remaining instances are protected from scale-in":
                // the first that loses its protection is terminated.
                return;
            }
            let chosen = chance(candidates.len() as u64);
            let id = candidates[usize::try_from(chosen).unwrap_or(0).min(candidates.len() - 1)].clone();
            self.end(&id, EndedBy::ScaleIn, now_us);
        }
        if self.settings.rebalances && !self.is_busy() {
            self.rebalance(now_us, chance);
        }
    }

    fn rebalance(&mut self, now_us: u64, chance: Chance<'_>) {
        let n_in = |zone: u32| self.instances.values().filter(|it| it.zone == zone).count();
        let counts: Vec<usize> = (0..self.settings.n_zones).map(n_in).collect();
        let (Some(most), Some(least)) = (counts.iter().max(), counts.iter().min()) else { return };
        if most - least < 2 {
            return;
        }
        // Protected ones are spared here as well.
        if let Some(id) = self.candidates().first().cloned() {
            self.end(&id, EndedBy::Rebalance, now_us);
            self.launch_one(now_us, chance);
        }
    }

    /// `None` if none are available.
    pub(super) fn launch_one(&mut self, now_us: u64, chance: Chance<'_>) -> Option<InstanceId> {
        if self.settings.available.is_some_and(|available| self.n_live() >= available) {
            return None;
        }
        let lives = |it: &&ModelInstance| !matches!(it.stage, Stage::Going(_));
        let n_in = |zone: u32| self.instances.values().filter(lives).filter(|it| it.zone == zone).count();
        let zone = (0..self.settings.n_zones.max(1)).min_by_key(|zone| n_in(*zone)).unwrap_or(0);
        self.n_launched += 1;
        let id = InstanceId::new(format!("i-{:08x}", self.n_launched)).ok()?;
        let (shortest_us, longest_us) = self.settings.boot_us;
        let boot_us = shortest_us + chance(longest_us.saturating_sub(shortest_us).saturating_add(1));
        let stage = Stage::Booting(now_us.saturating_add(boot_us));
        let instance = ModelInstance { stage, is_protected: false, zone, launched_us: now_us };
        self.instances.insert(id.clone(), instance);
        self.happened.push(Happened::Launched(id.clone()));
        Some(id)
    }

    pub(super) fn end(&mut self, id: &InstanceId, by: EndedBy, now_us: u64) {
        let Some(instance) = self.instances.get_mut(id) else { return };
        if matches!(instance.stage, Stage::Going(_)) {
            return;
        }
        let was_booting = matches!(instance.stage, Stage::Booting(_));
        instance.stage = Stage::Going(now_us.saturating_add(self.settings.terminate_us));
        self.happened.push(Happened::Ended { id: id.clone(), by, was_booting });
    }
}
