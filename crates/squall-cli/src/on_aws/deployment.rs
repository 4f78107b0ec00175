//! The deployed grid: the names of its parts, from a stack's outputs, from variables or from a file.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use squall_aws::{Connection, DynamoJobStore, KinesisTaskQueue, S3Blobs, Settings, SnsJobEvents, WallClock};
use squall_core::deployment::Deployment as Description;
use squall_core::job::JobId;
use squall_core::ports::{Assembled, JobStore};
use squall_core::rows::JobRow;

mod file;
mod names;

use super::block_on;
use crate::print;
use file::{ConfigFile, FILE_NAME};
use names::Names;
pub(crate) use names::Part;

/// Where the deployment is.
#[derive(clap::Args, Debug, Clone, Default)]
#[command(next_help_heading = "Deployment")]
pub(crate) struct DeploymentArgs {
    /// The CloudFormation stack whose outputs name the grid's parts
    #[arg(long, value_name = "NAME", conflicts_with = "config")]
    stack: Option<String>,
    /// A configuration file in the format of `squall.toml`
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// AWS region
    #[arg(long)]
    region: Option<String>,
    /// AWS profile
    #[arg(long)]
    profile: Option<String>,
}

impl DeploymentArgs {
    /// The flags that find the same deployment again, to append to a command.
    pub(crate) fn again(&self) -> String {
        let config = self.config.as_ref().map(|path| path.display().to_string());
        let flags = [
            ("stack", &self.stack),
            ("config", &config),
            ("region", &self.region),
            ("profile", &self.profile),
        ];
        flags.into_iter().filter_map(|(flag, value)| Some(format!(" --{flag} {}", value.as_ref()?))).collect()
    }
}

/// The end of the help of a command that talks to a deployment.
pub(crate) fn help(examples: &str) -> String {
    format!("{examples}\n\n{HELP}")
}

const HELP: &str = "\
Where the deployment is: the first source that is set is used; sources are not combined.
  1. --stack NAME or --config FILE
  2. the variable SQUALL_STACK: the name of a CloudFormation stack
  3. the variables SQUALL_JOBS_TOPIC and SQUALL_EVENTS_TOPIC (ARNs), SQUALL_TABLE, SQUALL_BUCKET, SQUALL_TASK_STREAM,
     SQUALL_RESULT_STREAM; SQUALL_DEPLOYMENT (JSON, the stack's output Deployment) gives its size and prices
  4. squall.toml, here or in a parent directory, with `stack`, or with `jobs_topic`, `events_topic`, `table`,
     `bucket`, `task_stream`, `result_stream`, `deployment`; and with `region`, `profile`, `endpoint_url` if they differ
     from the AWS defaults
Credentials and region are found as every AWS tool finds them; AWS_ENDPOINT_URL is respected.";

/// The source of the names.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Origin {
    Stack(String),
    Variables,
    File(PathBuf),
}

impl Origin {
    /// Where a part's name is.
    fn place(&self, part: Part) -> String {
        match self {
            Self::Stack(name) => format!("output {} of the stack {name}", part.output()),
            Self::Variables => part.variable().to_owned(),
            Self::File(path) => format!("{}: {}", path.display(), part.key()),
        }
    }

    /// That a part has no name there.
    fn without(&self, part: Part) -> String {
        match self {
            Self::Stack(name) => format!("the stack {name} has no output {}", part.output()),
            Self::Variables => format!("{} is not set, but other SQUALL_* variables are", part.variable()),
            Self::File(path) => format!("{}: `{}` is missing", path.display(), part.key()),
        }
    }

    /// The description of the deployment; `None` where there is none.
    fn description(&self, names: &Names) -> Result<Option<Description>> {
        let json = names.get(Part::Description);
        json.map(|json| Description::from_json(json).with_context(|| self.place(Part::Description)))
            .transpose()
    }
}

/// What was decided on: a stack to ask, or the names themselves.
#[derive(Debug)]
struct Chosen {
    origin: Origin,
    names: Names,
    settings: Settings,
}

/// Chooses the source. `variable` returns a variable that is set, `read` a file, `find` the nearest file, `here` the
/// file to source when `squall dev` runs here.
fn choose(
    args: &DeploymentArgs,
    variable: impl Fn(&str) -> Option<String>,
    read: impl Fn(&PathBuf) -> Result<ConfigFile>,
    find: impl FnOnce() -> Option<PathBuf>,
    here: impl FnOnce() -> Option<PathBuf>,
) -> Result<Chosen> {
    let flags = Settings { region: args.region.clone(), profile: args.profile.clone(), endpoint_url: None };
    let stack =
        |name: String, settings| Chosen { origin: Origin::Stack(name), names: Names::default(), settings };
    let in_file = |path: PathBuf| -> Result<Chosen> {
        let file = read(&path)?;
        let settings = Settings {
            region: flags.region.clone().or(file.region.clone()),
            profile: flags.profile.clone().or(file.profile.clone()),
            endpoint_url: file.endpoint_url.clone(),
        };
        let names = file.names();
        match (file.stack, names.is_empty()) {
            (Some(name), true) => Ok(stack(name, settings)),
            (Some(_), false) => {
                bail!("{}: a stack names the parts; give `stack` or their names, not both", path.display())
            }
            (None, true) => bail!(
                "{}: no deployment named: set `stack`, or `jobs_topic`, `events_topic`, `table`, `bucket`, `task_stream`",
                path.display()
            ),
            (None, false) => Ok(Chosen { origin: Origin::File(path), names, settings }),
        }
    };
    if let Some(name) = &args.stack {
        return Ok(stack(name.clone(), flags));
    }
    if let Some(path) = &args.config {
        return in_file(path.clone());
    }
    if let Some(name) = variable("SQUALL_STACK") {
        return Ok(stack(name, flags));
    }
    let names = Names::from(|part: Part| variable(part.variable()));
    if !names.is_empty() {
        return Ok(Chosen { origin: Origin::Variables, names, settings: flags });
    }
    match find() {
        Some(path) => in_file(path),
        None => bail!(
            "no deployment given: {}give --stack NAME, set the variables SQUALL_TABLE, SQUALL_BUCKET, SQUALL_JOBS_TOPIC, \
             or write a {FILE_NAME} here or in a parent directory (`squall submit --help` says more)",
            here()
                .map(|path| format!("squall dev runs here: `source {}`; or ", path.display()))
                .unwrap_or_default()
        ),
    }
}

/// A deployed grid.
pub(crate) struct Deployment {
    /// The connection to AWS.
    pub(crate) connection: Connection,
    origin: Origin,
    names: Names,
    /// The flags that find it again, to append to a command.
    again: String,
}

/// The ports for reading a job: its row, its buckets and blobs.
pub(crate) type Store = Assembled<(), (), S3Blobs, DynamoJobStore>;
/// The ports for ending a job.
pub(crate) type CancelPorts = Assembled<WallClock, (), S3Blobs, DynamoJobStore, (), (), (), SnsJobEvents>;
/// The ports for sending tasks again.
pub(crate) type ResendPorts = Assembled<WallClock, (), S3Blobs, DynamoJobStore, KinesisTaskQueue>;

impl Deployment {
    /// Finds the deployment.
    ///
    /// # Errors
    /// When no source names it, or the stack cannot be queried.
    pub(crate) async fn find(args: &DeploymentArgs) -> Result<Self> {
        let chosen = choose(args, variable, ConfigFile::read, file::nearest, file::of_dev)?;
        let connection = Connection::new(chosen.settings);
        // Every call would report that, but without mentioning the flag.
        if connection.region().await.is_none() {
            bail!(
                "no AWS region set: give --region, set AWS_REGION, or write `region` in {FILE_NAME} or in the profile"
            );
        }
        let names = match &chosen.origin {
            Origin::Stack(name) => {
                let outputs = squall_aws::stack_outputs(&connection, name).await?;
                Names::from(|part: Part| outputs.get(part.output()).cloned())
            }
            _ => chosen.names,
        };
        Ok(Self { connection, origin: chosen.origin, names, again: args.again() })
    }

    /// The name of a part.
    ///
    /// # Errors
    /// When it is not known.
    pub(crate) fn name(&self, part: Part) -> Result<&str> {
        let name = self.names.get(part).with_context(|| self.origin.without(part))?;
        if part.is_topic() && !name.starts_with("arn:") {
            let place = self.origin.place(part);
            bail!("{place}: `{name}`; expected the topic's ARN, as in arn:aws:sns:REGION:ACCOUNT:{name}");
        }
        Ok(name)
    }

    /// Its size and prices. For a deployment without a description, such as one of an earlier version: the default
    /// sizes and the prices of us-east-1 and arm64.
    ///
    /// # Errors
    /// When its description is not one that this version reads.
    pub(crate) fn description(&self) -> Result<Description> {
        Ok(self.origin.description(&self.names)?.unwrap_or_default())
    }

    /// The description, if the deployment gives one.
    pub(crate) fn described(&self) -> Result<Option<Description>> {
        self.origin.description(&self.names)
    }

    pub(crate) fn blobs(&self) -> Result<Arc<S3Blobs>> {
        Ok(Arc::new(S3Blobs::new(&self.connection, self.name(Part::Bucket)?)))
    }

    fn jobs(&self, blobs: &Arc<S3Blobs>) -> Result<Arc<DynamoJobStore>> {
        let table = self.name(Part::Table)?;
        Ok(Arc::new(DynamoJobStore::new(&self.connection, table, Arc::clone(blobs))))
    }

    /// The ports for reading a job.
    ///
    /// # Errors
    /// When a name is missing.
    pub(crate) fn store(&self) -> Result<Store> {
        let blobs = self.blobs()?;
        Ok(Assembled {
            jobs: self.jobs(&blobs)?,
            blobs,
            clock: Arc::default(),
            files: Arc::default(),
            tasks: Arc::default(),
            results: Arc::default(),
            workers: Arc::default(),
            events: Arc::default(),
        })
    }

    /// The ports for ending a job.
    ///
    /// # Errors
    /// When a name is missing.
    pub(crate) fn cancel_ports(&self) -> Result<CancelPorts> {
        let Store { blobs, jobs, files, tasks, results, workers, .. } = self.store()?;
        let events = SnsJobEvents::new(&self.connection, self.name(Part::EventsTopic)?);
        let events = Arc::new(events.at(self.description()?.prices()));
        Ok(Assembled { clock: Arc::new(WallClock), files, blobs, jobs, tasks, results, workers, events })
    }

    /// The ports for sending tasks again.
    ///
    /// # Errors
    /// When a name is missing.
    pub(crate) fn resend_ports(&self) -> Result<ResendPorts> {
        let Store { blobs, jobs, files, results, workers, events, .. } = self.store()?;
        let tasks = Arc::new(KinesisTaskQueue::new(&self.connection, self.name(Part::TaskStream)?));
        Ok(Assembled { clock: Arc::new(WallClock), files, blobs, jobs, tasks, results, workers, events })
    }

    /// An existing job.
    ///
    /// # Errors
    /// When there is no such job, or the store does not answer.
    pub(crate) async fn job(&self, store: &impl JobStore, id: &JobId) -> Result<JobRow> {
        let (table, again) = (self.name(Part::Table)?, &self.again);
        store.job(id).await?.with_context(|| {
            format!("there is no job {id} in the table {table}; `squall jobs{again}` lists its jobs")
        })
    }
}

/// Finds the deployment and runs an operation on it, on this thread.
///
/// # Errors
/// When the deployment is not found, or the operation fails.
pub(crate) fn visit(
    args: &DeploymentArgs,
    work: impl AsyncFnOnce(Deployment) -> Result<ExitCode>,
) -> Result<ExitCode> {
    block_on(async { work(Deployment::find(args).await?).await })
}

/// The description of the deployment that flags, variables or a file name; `None` where nothing names one. If no flag asks for
/// it, a failure to read it is printed, and the result is `None`.
///
/// # Errors
/// When a flag asks for one and it cannot be read.
pub(crate) fn described(args: &DeploymentArgs) -> Result<Option<Description>> {
    let asked = args.stack.is_some() || args.config.is_some();
    let named = |part: Part| variable(part.variable());
    let is_named =
        variable("SQUALL_STACK").is_some() || !Names::from(named).is_empty() || file::nearest().is_some();
    if !asked && !is_named {
        return Ok(None);
    }
    match describe(args) {
        Ok(description) => Ok(Some(description)),
        Err(error) if asked => Err(error),
        Err(error) => {
            print::aside(&format!("{error:#}; showing the result for this machine instead\n"));
            Ok(None)
        }
    }
}

/// Reads the description where it is; only a stack has to be asked.
fn describe(args: &DeploymentArgs) -> Result<Description> {
    let Chosen { origin, names, .. } = choose(args, variable, ConfigFile::read, file::nearest, file::of_dev)?;
    let names = match &origin {
        Origin::Stack(_) => block_on(Deployment::find(args))?.names,
        Origin::Variables | Origin::File(_) => names,
    };
    origin.description(&names)?.with_context(|| origin.without(Part::Description))
}

/// A variable that is set to something.
#[expect(clippy::disallowed_methods, reason = "the operator's variables are part of the command line")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests;
