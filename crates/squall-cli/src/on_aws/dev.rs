//! `squall dev`: a whole deployment on this machine: an emulator for the data plane, the functions, their event sources.

use std::cell::RefCell;
use std::convert::Infallible;
use std::io::Write;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use squall_aws::{Connection, Settings, provision};
use squall_core::limits::{LAMBDA_ACCOUNT_CONCURRENCY, LAMBDA_MB_PER_VCPU};
use squall_lambda_host::functions::{FunctionHost, Groups, HostConfig, secret};
use tokio::sync::watch;

use crate::on_aws::block_on;
use crate::on_aws::pump::{self, Pump};
use crate::on_aws::runner::supervise;
use crate::print::{self, counted};
use crate::programs::{Declared, declared};

mod emulator;
mod failures;
mod layout;
mod private;
mod waiting;

use emulator::Emulator;
use failures::Failures;
use layout::{Keys, Layout, Places};
use waiting::Steps;

/// Run the whole grid here as it runs on AWS: an emulator, the functions' own binaries, streams and topics
#[derive(clap::Args)]
#[command(after_help = HELP)]
pub(crate) struct Args {
    /// Use an emulator that is already running, e.g. LocalStack; the run makes up its credentials, unless SQUALL_ENDPOINT_KEYS
    /// has others, as ID:SECRET
    #[arg(long, value_name = "URL")]
    endpoint: Option<String>,
    /// Python interpreter with ministack and cbor2, for the built-in emulator
    #[arg(long, value_name = "FILE", default_value = ".venv/bin/python")]
    emulator: PathBuf,
    /// Where the functions' binaries are [default: beside this one]
    #[arg(long, value_name = "DIR")]
    functions: Option<PathBuf>,
    /// Functions that run elsewhere, such as under `cargo lambda watch`; starts none
    #[arg(long, value_name = "URL", conflicts_with = "functions")]
    functions_at: Option<String>,
    /// Port on which the functions can be invoked; 0 takes any
    #[arg(long, default_value_t = 9_001)]
    port: u16,
    /// Where event sources invoke the functions, when that is not where they are: a proxy in between
    #[arg(long, value_name = "URL", hide = true)]
    invoke_through: Option<String>,
    /// Shards of the task stream; if there are several, one is kept for small jobs
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(i32).range(1..=50))]
    shards: i32,
    /// Lanes per shard
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10))]
    lanes: u32,
    /// Identical worker functions
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=20))]
    stripes: u32,
    /// Longest that a worker runs, seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=900))]
    worker_timeout: u64,
    /// Memory that jobs are told the collector has, MB; nothing holds it to that
    #[arg(long, value_name = "MB", default_value_t = LAMBDA_MB_PER_VCPU, value_parser = clap::value_parser!(u32).range(128..=10_240))]
    collector_memory: u32,
    /// The program behind the name of a worker in an `external` job, by its whole path; may be given several times
    #[arg(long, value_name = "NAME=COMMAND")]
    program: Vec<Declared>,
    /// Folder for what it writes: variables, logs, checkpoints
    #[arg(long, value_name = "DIR", default_value = ".dev")]
    dir: PathBuf,
}

const HELP: &str = "\
`make dev` installs the emulator and starts this. In another terminal:
  source .dev/env                                     where everything is, for squall and for the AWS CLI
  squall submit events/jobs/portfolio.json --watch
  aws sns publish --topic-arn $SQUALL_JOBS_TOPIC --message file://events/jobs/portfolio.json

The functions' log is .dev/functions.log; the first failure of each kind is shown here as well.
Ctrl-C stops everything; data in the built-in emulator is lost. Functions that are at work may finish first; a second Ctrl-C kills them.

Emulator and functions answer only requests that are signed with the keys of this run, which are in .dev/env, and no browser.
Do not run it where other people have an account: they share this machine's network.";

pub(crate) fn main(args: &Args) -> Result<ExitCode> {
    block_on(run(args)).map(|()| ExitCode::SUCCESS)
}

/// Time between two polls of a shard without new records: a local emulator may be polled more often than AWS.
const POLL: Duration = Duration::from_millis(50);

async fn run(args: &Args) -> Result<()> {
    private::folder(&args.dir)?;
    let lock = private::lasting(&args.dir.join("lock")).context("cannot write the folder's lock")?;
    if lock.try_lock().is_err() {
        bail!("another squall dev uses {}; stop it, or give another --dir", args.dir.display());
    }
    let _ = std::fs::remove_file(args.dir.join("env"));
    let keys = keys(args)?;
    let functions = Arc::<OnceLock<Groups>>::default();
    let stop = interrupted(Arc::clone(&functions));
    let layout = Layout {
        n_shards: args.shards,
        lanes_per_shard: args.lanes,
        n_stripes: if args.functions_at.is_some() { 0 } else { args.stripes },
        worker_timeout_s: args.worker_timeout,
        collector_memory_mb: args.collector_memory,
        external_workers: declared(&args.program),
        n_cores: std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get),
    };
    let steps = Steps::default();
    let say = |step: &str| print::aside(&format!("{step}\n"));
    let (endpoint, mut emulator) = match &args.endpoint {
        Some(endpoint) => (endpoint.clone(), None),
        None => {
            steps.begin("starting the emulator".to_owned());
            let starting = Emulator::start(&args.emulator, &args.dir, &keys);
            let emulator = steps.until(starting, say).await?;
            (emulator.endpoint().to_owned(), Some(emulator))
        }
    };
    let data = connection(&endpoint, &keys);
    let resources = layout.resources();
    let begin = |step: String| steps.begin(format!("{step} at {endpoint}"));
    let making = provision::provision_in_steps(&data, &resources, &begin);
    let made = tokio::select! {
        made = steps.until(making, say) => made.with_context(|| format!("cannot set up {endpoint}"))?,
        () = until(stop.clone()) => {
            if let Some(emulator) = emulator {
                emulator.stop().await;
            }
            return Ok(());
        }
    };
    let places = |functions: String| Places {
        keys: keys.clone(),
        endpoint: endpoint.clone(),
        functions,
        jobs_topic: made.jobs_topic_arn.clone(),
        events_topic: made.events_topic_arn.clone(),
    };
    let (functions_at, host) = match &args.functions_at {
        Some(url) => (url.clone(), None),
        None => {
            // The functions are told their Invoke address, so the port is taken first, and kept.
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, args.port)).with_context(|| {
                format!("cannot take 127.0.0.1:{} for the functions; give another --port", args.port)
            })?;
            let address = listener.local_addr().context("the port has no address")?;
            let specs = layout.functions(&bootstraps(args)?, &places(format!("http://{address}")))?;
            let config = HostConfig {
                functions: specs,
                // However this process ends, they end with it.
                starter: supervise::tie()?,
                access_key: keys.id.clone(),
                account_concurrency: LAMBDA_ACCOUNT_CONCURRENCY,
                region: layout::REGION.to_owned(),
                async_retries: 2,
                async_retry_base: Duration::from_secs(1),
                idle: Duration::from_secs(300),
            };
            let log = function_log(&args.dir.join("functions.log"))?;
            let host = FunctionHost::on(listener, config, log)
                .with_context(|| format!("cannot run the functions at {address}"))?;
            let _ = functions.set(host.groups());
            (format!("http://{}", host.address()), Some(host))
        }
    };
    let places = places(functions_at);
    let invoking = connection(args.invoke_through.as_ref().unwrap_or(&places.functions), &keys);
    let sources = layout.event_sources(&places);
    private::write(&args.dir.join("pump.toml"), &sources)?;
    private::write(&args.dir.join("functions.env"), &layout.function_env_file(&places))?;
    let config = pump::Config::read(&sources).context("the event sources do not check")?;
    // Old checkpoints do not apply to a new stream.
    let checkpoints = args.endpoint.is_some().then(|| args.dir.join("checkpoints"));
    checkpoints.as_deref().map_or(Ok(()), private::folder)?;
    let options = pump::Options { poll: POLL, checkpoints, quiet: true };
    let pump = Pump::connect(&data, &invoking, &config, &options).await.context("cannot subscribe")?;
    // Last: a script that waits for this file finds everything ready.
    private::write(&args.dir.join("env"), &layout.operator_env_file(&places))?;
    print::aside(&format!(
        "the grid is up: data plane {}, functions {}\nin another terminal: source {}\nCtrl-C stops it\n",
        places.endpoint,
        places.functions,
        args.dir.join("env").display(),
    ));
    let pumping = pump.run(until(stop.clone()));
    let emulator_gone = async {
        match &mut emulator {
            Some(emulator) => emulator.gone().await,
            None => std::future::pending().await,
        }
    };
    let outcome = match &host {
        None => tokio::select! {
            pumped = pumping => pumped,
            gone = emulator_gone => Err(gone),
            never = tell_who_is_waited_for(&stop, || layout.at_work_elsewhere()) => match never {},
        },
        Some(host) => {
            let (end, ended) = watch::channel(false);
            let working = async {
                let outcome = tokio::select! {
                    pumped = pumping => pumped,
                    gone = emulator_gone => Err(gone),
                    never = tell_who_is_waited_for(&stop, || at_work(host)) => match never {},
                };
                // The functions go last: they may finish the invocations they were given.
                let _ = end.send(true);
                outcome
            };
            let (outcome, ()) = tokio::join!(working, host.run(until(ended)));
            outcome
        }
    };
    let _ = std::fs::remove_file(args.dir.join("env"));
    if let Some(emulator) = emulator {
        emulator.stop().await;
    }
    outcome
}

/// What this run signs with: made up, so that nobody who is not told can have it.
fn keys(args: &Args) -> Result<Keys> {
    if args.endpoint.is_some()
        && let Some(given) = std::env::var_os("SQUALL_ENDPOINT_KEYS")
    {
        return given.to_str().and_then(Keys::parse).context("SQUALL_ENDPOINT_KEYS is not ID:SECRET");
    }
    let made_up = || secret().context("cannot read random numbers from /dev/urandom");
    // Not twelve digits: emulators take those for the number of an account.
    Ok(Keys { id: format!("squall{}", made_up()?), secret: made_up()? })
}

fn connection(endpoint: &str, keys: &Keys) -> Connection {
    let region = Some(layout::REGION.to_owned());
    let settings = Settings { region, profile: None, endpoint_url: Some(endpoint.to_owned()) };
    // For the functions, and for any shell that sources the variables; never those of a real account.
    Connection::with_keys(settings, &keys.id, &keys.secret)
}

/// The folder with the functions' binaries.
fn bootstraps(args: &Args) -> Result<PathBuf> {
    match &args.functions {
        Some(folder) => Ok(folder.clone()),
        None => {
            let me = std::env::current_exe().context("cannot find this program's folder")?;
            me.parent().map(ToOwned::to_owned).context("this program is in no folder")
        }
    }
}

/// Becomes true at Ctrl-C or SIGTERM; a second one kills the functions, if there are any, and exits at once.
fn interrupted(functions: Arc<OnceLock<Groups>>) -> watch::Receiver<bool> {
    let (stop, stopped) = watch::channel(false);
    let first = move || {
        print::aside("\nstopping (Ctrl-C again to leave at once)\n");
        let _ = stop.send(true);
    };
    let last = move || functions.get().map_or((), Groups::kill);
    let listening = crate::interrupt::on_each_ctrl_c(first, last);
    if let Err(error) = listening {
        print::aside(&format!("{error:#}\n"));
    }
    stopped
}

async fn until(mut stopped: watch::Receiver<bool>) {
    // An error means that the sender is gone, so no stop will ever come.
    if stopped.wait_for(|stopped| *stopped).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Once it is stopped, says who is waited for, if anybody is.
async fn tell_who_is_waited_for(
    stop: &watch::Receiver<bool>,
    at_work: impl Fn() -> Option<String>,
) -> Infallible {
    until(stop.clone()).await;
    if let Some(who) = at_work() {
        print::aside(&format!("waiting for {who}\n"));
    }
    std::future::pending().await
}

/// The functions that are at work here.
fn at_work(host: &FunctionHost) -> Option<String> {
    let (n, limit) = host.at_work();
    let who = counted(n as u64, "running function");
    (n > 0).then(|| format!("{who}, at most {} s; Ctrl-C again kills them", limit.as_secs()))
}

/// Writes the functions' output to a file, each line after its function's name; the first failure of a kind is printed,
/// too.
fn function_log(path: &Path) -> Result<impl Fn(&str, &str) + 'static> {
    let file = private::create(path).with_context(|| format!("cannot write {}", path.display()))?;
    let (file, failures) = (RefCell::new(file), RefCell::new(Failures::default()));
    let path = path.to_owned();
    Ok(move |function: &str, line: &str| {
        // A full disk must not stop the functions.
        drop(writeln!(file.borrow_mut(), "{function} {line}"));
        if let Some(failure) = failures.borrow_mut().first(function, line) {
            let path = path.display();
            print::aside(&format!(
                "{function} failed: {failure}\n  the first such failure; {path} has all\n"
            ));
        }
    })
}
