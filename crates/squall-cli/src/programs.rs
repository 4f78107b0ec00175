//! The programs that `external` jobs run on this machine.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use squall_core::deployment::Deployment;
use squall_core::job::{self, Job, Place, brief};
use squall_core::registry::Registry;
use squall_core::workload::Workload;
use squall_external::{CommandsAllowed, Programs, Settings};
use squall_workloads::external::workers::{Command, WorkerRef};
use squall_workloads::external::{External, Input, evaluator, of_declared};

/// Which programs a job may run.
#[derive(clap::Args)]
pub(crate) struct ProgramArgs {
    /// Let an `external` job run the command that it names: a program may do whatever you may
    #[arg(long)]
    allow_command: bool,
    /// The program behind the name of a worker in an `external` job; may be given several times
    #[arg(long, value_name = "NAME=COMMAND")]
    program: Vec<Declared>,
}

/// A worker that a job may name.
#[derive(Clone)]
pub(crate) struct Declared(String, Command);

impl FromStr for Declared {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let (name, command) = text.split_once('=').context("expected NAME=COMMAND")?;
        Ok(Self(name.to_owned(), Command::new(words(command)?)))
    }
}

/// Declared workers by their names.
pub(crate) fn declared(programs: &[Declared]) -> BTreeMap<String, Command> {
    programs.iter().cloned().map(|Declared(name, command)| (name, command)).collect()
}

/// The registry that takes the jobs that a deployment takes: of `external` those of its declared workers.
pub(crate) fn accepting(registry: &Registry, deployment: &Deployment) -> Registry {
    match registry.get(External::NAME) {
        Ok(_) => registry.clone().with_accepted::<External>(of_declared(deployment.external_workers.clone())),
        Err(_) => registry.clone(),
    }
}

/// The words of a command, as a shell would read them; nothing is expanded.
pub(crate) fn words(command: &str) -> Result<Vec<String>> {
    let words =
        shlex::split(command).with_context(|| format!("{command:?} has a quote that does not close"))?;
    if words.is_empty() {
        bail!("the command is empty; expected a program and its arguments");
    }
    Ok(words)
}

/// The programs of a job whose folder is `folder`, and the registry that evaluates with them.
pub(crate) struct Connected {
    pub(crate) registry: Registry,
    programs: Arc<Programs>,
}

impl Connected {
    /// Programs of these names, and the job's own command where that is allowed.
    fn new(
        registry: &Registry,
        folder: PathBuf,
        commands: CommandsAllowed,
        named: BTreeMap<String, Command>,
    ) -> Self {
        let programs = Arc::new(Programs::new(Settings {
            folder,
            search: std::env::var_os("PATH").unwrap_or_default(),
            environment: std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
                .collect(),
            commands,
            named,
        }));
        let registry = match registry.get(External::NAME) {
            Ok(_) => registry.clone().with_evaluator::<External>(evaluator(Arc::clone(&programs))),
            Err(_) => registry.clone(),
        };
        Self { registry, programs }
    }

    /// As `args` say, for a job's message.
    ///
    /// # Errors
    /// When the job names a command and none is allowed.
    pub(crate) fn of_job(
        args: &ProgramArgs,
        registry: &Registry,
        folder: PathBuf,
        message: &[u8],
    ) -> Result<Self> {
        let named = declared(&args.program);
        match worker_of(message) {
            // An empty one is refused as what it is.
            Some(WorkerRef::Command(command)) if !args.allow_command && !command.command.is_empty() => bail!(
                "input.worker.command: the job runs {} on this machine, as you; --allow-command lets it",
                brief(&command.command.join(" "))
            ),
            Some(WorkerRef::Named(name)) if !named.contains_key(&name) => bail!(
                "input.worker: there is no worker {} here; --program {name}='COMMAND' says what it is",
                brief(&name)
            ),
            _ => {}
        }
        let commands = if args.allow_command { CommandsAllowed::Any } else { CommandsAllowed::None };
        Ok(Self::new(registry, folder, commands, named))
    }

    /// Any command.
    pub(crate) fn of_any(registry: &Registry, folder: PathBuf) -> Self {
        Self::new(registry, folder, CommandsAllowed::Any, BTreeMap::new())
    }

    /// The programs, to end them.
    pub(crate) fn programs(&self) -> &Arc<Programs> {
        &self.programs
    }
}

/// The worker of an `external` job. A message that is no such job is refused elsewhere.
fn worker_of(message: &[u8]) -> Option<WorkerRef> {
    let job = Job::from_message(message).ok().filter(|job| job.workload == External::NAME)?;
    let input: Input = job::from_json(Place("input"), job.input_json.as_bytes()).ok()?;
    Some(input.worker.0)
}
