//! `external` jobs in a deployment: by the workers that its operator has declared, and no others.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use squall_core::registry::Registry;
use squall_core::workload::Workload;
use squall_external::{CommandsAllowed, Programs, Settings};
use squall_workloads::external::workers::Command;
use squall_workloads::external::{External, evaluator, of_declared};

/// The only folder that a function may write to, in which the programs run.
const FOLDER: &str = "/tmp";

/// The registry of a function that takes jobs in: `external` jobs may name these workers. One without `external` stays as it is.
pub(crate) fn accepting(registry: Registry, names: BTreeSet<String>) -> Registry {
    match registry.get(External::NAME) {
        Ok(_) => registry.with_accepted::<External>(of_declared(names)),
        Err(_) => registry,
    }
}

/// The registry that evaluates `external` jobs by these workers, and their processes, to end them. Of `vars` a process has those that
/// its declaration names.
pub(crate) fn connected(
    registry: Registry,
    declared: &BTreeMap<String, Command>,
    vars: &BTreeMap<String, String>,
) -> (Registry, Arc<Programs>) {
    let environment: BTreeMap<_, _> =
        vars.iter().map(|(name, value)| (name.clone(), OsString::from(value))).collect();
    let programs = Arc::new(Programs::new(Settings {
        folder: PathBuf::from(FOLDER),
        search: environment.get("PATH").cloned().unwrap_or_default(),
        environment,
        commands: CommandsAllowed::None,
        named: declared.clone(),
    }));
    let registry = match registry.get(External::NAME) {
        Ok(_) => registry.with_evaluator::<External>(evaluator(Arc::clone(&programs))),
        Err(_) => registry,
    };
    (registry, programs)
}

#[cfg(test)]
mod tests;
