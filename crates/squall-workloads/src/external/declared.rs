//! The workers that the operator of a deployment has declared. Its jobs name them, and no others.

use std::collections::{BTreeMap, BTreeSet};

use squall_core::job::{Place, brief, from_json};
use squall_core::visible::in_backticks;
use squall_core::workload::InputError;

use super::Input;
use super::input::{check_command, is_name};
use super::workers::{Command, WorkerRef};

/// Reads declared workers: an object of their names and commands.
///
/// # Errors
/// The first field or name that is wrong, as `workers.NAME.FIELD`, and what would be right.
pub fn read_declared(json: &str) -> Result<BTreeMap<String, Command>, InputError> {
    let declared: BTreeMap<String, Command> = from_json(Place("workers"), json.as_bytes())?;
    for (name, command) in &declared {
        if !is_name(name) {
            let problem =
                format!("{name:?}; expected a name of at most 64 letters, digits, `-`, `_` and `.`");
            return Err(InputError::new("workers", problem));
        }
        check_command(&format!("workers.{name}"), command)?;
    }
    Ok(declared)
}

/// The names of declared workers, as a message lists them.
pub fn listed<'a>(names: impl Iterator<Item = &'a String>) -> String {
    let names = in_backticks(names.map(String::as_str));
    if names.is_empty() { "none is declared".to_owned() } else { names }
}

/// Accepts the jobs whose worker is one of these: for
/// [`Registry::with_accepted`](squall_core::registry::Registry::with_accepted), where jobs may name no commands.
pub fn of_declared(
    names: BTreeSet<String>,
) -> impl Fn(&Input) -> Result<(), InputError> + Send + Sync + 'static {
    move |input| {
        let known = listed(names.iter());
        let problem = match &input.worker.0 {
            WorkerRef::Named(name) if names.contains(name) => return Ok(()),
            WorkerRef::Named(name) => {
                format!("there is no worker {}; expected one of this deployment's: {known}", brief(name))
            }
            WorkerRef::Command(command) => format!(
                "the job names a command, {}; a deployment runs only workers that its operator has declared, by their names: {known}",
                brief(&command.command.join(" "))
            ),
        };
        Err(InputError::new("input.worker", problem))
    }
}
