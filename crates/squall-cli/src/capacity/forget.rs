//! `squall capacity forget`: removes what the ledger knows of a source.

use std::process::ExitCode;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use squall_capacity::ids::SourceId;
use squall_capacity::steps::{Forgotten, forget_source};

use crate::on_aws::block_on;
use crate::on_aws::fleet::FleetArgs;
use crate::{FAILURES, print};

/// Forget what sources have reported, such as one that is no more, or one whose sequence was wrong
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The sources, as their events name them
    #[arg(required = true, value_name = "SOURCE", value_parser = |text: &str| SourceId::new(text))]
    sources: Vec<SourceId>,
    /// Print what was forgotten as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    fleet: FleetArgs,
}

const EXAMPLES: &str = "\
Examples:
  squall capacity forget --stack SquallCapacity web-1
  squall capacity forget --group modelling --ledger TABLE --policy policy.json web-1 web-2

Its sessions and runs no longer count, and its next event is recorded whatever its sequence. Claims stay: no instance
becomes free by this. If it still has sessions or runs, have it publish an event right after.
Exit status: 0 forgotten, 1 nothing is known of a source, 2 usage, or no such fleet.";

pub(crate) fn main(args: &Args) -> Result<ExitCode> {
    block_on(forget(args))
}

async fn forget(args: &Args) -> Result<ExitCode> {
    let fleet = args.fleet.fleet().await?;
    let mut entries = Vec::new();
    let mut status = ExitCode::SUCCESS;
    for source in &args.sources {
        let forgotten = forget_source(&fleet.ports, source).await;
        let forgotten = forgotten.with_context(|| format!("cannot forget {source}"))?;
        if forgotten.is_none() {
            status = ExitCode::from(FAILURES);
        }
        if args.json {
            entries.push(entry(source, forgotten.as_ref()));
        } else {
            print::answer(&line(source, forgotten.as_ref()))?;
        }
    }
    if args.json {
        print::answer(&(serde_json::to_string_pretty(&entries)? + "\n"))?;
    }
    Ok(status)
}

fn line(source: &SourceId, forgotten: Option<&Forgotten>) -> String {
    let Some(Forgotten { sessions, runs }) = forgotten else {
        return format!("{source}: nothing is known of it\n");
    };
    let sessions = sessions
        .as_ref()
        .map(|level| format!("{}, sequence {}", print::counted(level.value.into(), "session"), level.order));
    let runs = runs.as_ref().map(|level| {
        let (queued, running) = (level.value.queued, level.value.running);
        format!("{queued} queued and {running} running, sequence {}", level.order)
    });
    let what: Vec<_> = sessions.into_iter().chain(runs).collect();
    format!("{source}: forgotten ({})\n", what.join("; "))
}

fn entry(source: &SourceId, forgotten: Option<&Forgotten>) -> Value {
    let sessions = forgotten.and_then(|it| it.sessions);
    let runs = forgotten.and_then(|it| it.runs);
    json!({ "source": source, "is_forgotten": forgotten.is_some(), "sessions": sessions, "runs": runs })
}

#[cfg(test)]
mod tests {
    use squall_capacity::events::Runs;
    use squall_capacity::levels::Level;

    use super::*;

    #[test]
    fn it_says_what_it_forgot_and_of_whom_nothing_is_known() {
        let source = SourceId::new("web-1").unwrap();
        let sessions = Some(Level::new(7, 1, 5));
        let runs = Some(Level::new(9, Runs { queued: 3, running: 2 }, 5));
        let forgotten = Forgotten { sessions, runs };
        assert_eq!(
            line(&source, Some(&forgotten)),
            "web-1: forgotten (1 session, sequence 7; 3 queued and 2 running, sequence 9)\n"
        );
        let expected = json!({
            "source": "web-1",
            "is_forgotten": true,
            "sessions": {"order": 7, "value": 1, "time_us": 5},
            "runs": {"order": 9, "value": {"queued": 3, "running": 2}, "time_us": 5}
        });
        assert_eq!(entry(&source, Some(&forgotten)), expected);
        assert_eq!(line(&source, None), "web-1: nothing is known of it\n");
        let expected = json!({ "source": "web-1", "is_forgotten": false, "sessions": null, "runs": null });
        assert_eq!(entry(&source, None), expected);
    }
}
