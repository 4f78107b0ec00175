//! The world on which the steps act: the group and the ledger, changed one call at a time.

use std::collections::{BTreeMap, BTreeSet};

use squall_capacity::claims::InstanceRow;
use squall_capacity::group::Lifecycle;
use squall_capacity::ids::InstanceId;
use squall_capacity::levels::Levels;
use squall_capacity::ports::Written;

use super::asked::{Ask, Reply};
use crate::fleet::model::{EndedBy, GroupModel, Happened, Refusal};

/// The group and the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct World {
    pub(super) now_us: u64,
    pub(super) group: GroupModel,
    pub(super) levels: Levels,
    pub(super) rows: BTreeMap<InstanceId, InstanceRow>,
    /// Instances that were terminated by a call, or by the group's own choice.
    pub(super) ended: BTreeSet<InstanceId>,
    /// Whether a call set the group outside its bounds.
    pub(super) out_of_bounds: bool,
}

impl World {
    /// A world with an empty ledger.
    pub(super) fn new(group: GroupModel) -> Self {
        Self {
            now_us: 1_000_000_000,
            group,
            levels: Levels::default(),
            rows: BTreeMap::new(),
            ended: BTreeSet::new(),
            out_of_bounds: false,
        }
    }

    /// Number of outcomes of a call that shrinks the group, or of a wait.
    pub(super) fn n_choices(&self) -> u64 {
        (self.group.candidates().len() as u64).max(1)
    }

    /// Lets time pass; `choice` selects the group's victim.
    pub(super) fn wait(&mut self, span_us: u64, choice: u64) {
        self.now_us += span_us;
        self.group.advance(self.now_us, &mut |n| choice.min(n.saturating_sub(1)));
        self.take_note();
    }

    /// Answers a call.
    pub(super) fn answer(&mut self, ask: &Ask, choice: u64) -> Reply {
        let now_us = self.now_us;
        let chance: &mut dyn FnMut(u64) -> u64 = &mut |n| choice.min(n.saturating_sub(1));
        let done = match ask {
            Ask::Describe => return self.group.describe(now_us).map_or(Reply::Unknown, Reply::Group),
            Ask::Levels => return Reply::Levels(self.levels.clone()),
            Ask::Instances => return Reply::Rows(self.rows.values().cloned().collect()),
            Ask::Instance(id) => return Reply::Row(self.rows.get(id).cloned()),
            Ask::PutLevels(levels) => {
                let is_next = self.levels.version + 1 == levels.version;
                if is_next {
                    self.levels = levels.clone();
                }
                return written(is_next);
            }
            Ask::PutInstance(row) => {
                let is_next = self.version(&row.id) + 1 == row.version;
                if is_next {
                    self.rows.insert(row.id.clone(), row.clone());
                }
                return written(is_next);
            }
            Ask::Forget(id, version) => {
                let is_it = self.version(id) == *version || !self.rows.contains_key(id);
                if is_it {
                    self.rows.remove(id);
                }
                return written(is_it);
            }
            Ask::SetDesired(n) | Ask::SetDesiredIfCool(n) => {
                self.out_of_bounds |= !(self.group.settings.min..=self.group.settings.max).contains(n);
                self.group.set_desired(*n, matches!(ask, Ask::SetDesiredIfCool(_)), now_us, chance)
            }
            Ask::Launch(n, token) => self.group.launch(*n, token, now_us, chance).map(drop),
            Ask::Terminate(id) if !self.group.instances().contains_key(id) => Ok(()),
            Ask::Terminate(id) => self.group.terminate(id, true, now_us, chance),
            Ask::Protect(id, is_protected) => {
                self.group.protect(&BTreeSet::from([id.clone()]), *is_protected, now_us, chance)
            }
        };
        self.take_note();
        match done {
            Ok(()) => Reply::Done,
            Err(refusal @ (Refusal::Validation(_) | Refusal::TokenMismatch(_))) => {
                Reply::Permanent(refusal.to_string())
            }
            Err(Refusal::NoCapacity(_)) => Reply::Refused,
            Err(Refusal::InProgress(_) | Refusal::Throttled) => Reply::Unknown,
        }
    }

    fn version(&self, id: &InstanceId) -> u64 {
        self.rows.get(id).map_or(0, |row| row.version)
    }

    fn take_note(&mut self) {
        for happened in self.group.take_happened() {
            if let Happened::Ended { id, by: EndedBy::Call | EndedBy::ScaleIn | EndedBy::Rebalance, .. } =
                happened
            {
                self.ended.insert(id);
            }
        }
    }

    /// Instances in service, as any caller sees them.
    pub(super) fn serving(&self) -> Vec<InstanceId> {
        let group = self.group.clone().describe(self.now_us);
        let instances = group.map(|group| group.instances).unwrap_or_default();
        let serving = instances.into_iter().filter(|it| it.lifecycle == Lifecycle::InService);
        serving.map(|it| it.id).collect()
    }

    /// Number of live instances that take runs.
    pub(super) fn n_usable(&self) -> u32 {
        let is_leaving =
            |id: &InstanceId| self.rows.get(id).is_some_and(|row| row.leaving_since_us().is_some());
        let group = self.group.clone().describe(self.now_us);
        let n = group.map_or(0, |group| group.live().filter(|it| !is_leaving(&it.id)).count());
        u32::try_from(n).unwrap()
    }
}

fn written(is_written: bool) -> Reply {
    Reply::Written(if is_written { Written::Yes } else { Written::Raced })
}
