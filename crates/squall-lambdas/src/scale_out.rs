//! Scale-out: handles SNS events by growing the group to what is needed.

use aws_lambda_events::sns::{SnsEvent, SnsMessage};
use squall_capacity::claims::Ignored;
use squall_capacity::events::{Activity, RunOn};
use squall_capacity::levels::Recorded;
use squall_capacity::policy::Policy;
use squall_capacity::ports::{Clock, Journal, Ledger, Metrics, Ports, ScalingGroup, Series, chain};
use squall_capacity::steps::{Handled, on_event};
use tracing::{error, info, warn};

use crate::failure::Failure;

/// Handles each message. A malformed one is counted and not retried: another delivery would be just as malformed. One that
/// fails does not keep the others from being handled.
///
/// # Errors
/// When a message must be delivered again. Lambda redelivers all of them; those already handled are recognized.
pub async fn handle<G, L, M, J, C>(
    ports: &Ports<G, L, M, J, C>,
    policy: &Policy,
    event: SnsEvent,
) -> Result<(), Failure>
where
    G: ScalingGroup,
    L: Ledger,
    M: Metrics,
    J: Journal,
    C: Clock,
{
    let (mut n_malformed, mut failed) = (0_u32, None);
    for record in event.records {
        let SnsMessage { message_id, message, .. } = record.sns;
        let activity = match Activity::from_json(&message, ports.clock.now_us()) {
            Ok(activity) => activity,
            Err(malformed) => {
                warn!(message_id, "refused: {malformed}");
                n_malformed += 1;
                continue;
            }
        };
        match on_event(ports, policy, &activity).await {
            Ok(handled) => log(&message_id, &activity, &handled),
            // The invocation fails with the first error, which is logged with it.
            Err(error) if failed.is_some() => error!(message_id, "not handled: {}", chain(&error)),
            Err(error) => failed = Some(Failure::step(format_args!("message {message_id}"), &error)),
        }
    }
    if n_malformed > 0
        && let Err(error) = ports.metrics.put(&[(Series::MalformedEvents, n_malformed.into())]).await
    {
        warn!(n_malformed, "cannot count refused events: {}", chain(&error));
    }
    failed.map_or(Ok(()), Err)
}

fn log(message: &str, activity: &Activity, handled: &Handled) {
    let Handled { recorded, ignored, decision, has_raised } = handled;
    let (source, reason) = (&activity.source, &decision.reason);
    match recorded {
        Recorded::Updated => info!(message_id = message, %source, has_raised, "recorded: {reason}"),
        Recorded::Known => info!(message_id = message, %source, has_raised, "already known: {reason}"),
        Recorded::Contradicted(why) => {
            warn!(message_id = message, %source, has_raised, "counts beside the last level: {why}; `squall capacity forget` if it is right: {reason}");
        }
        Recorded::TooManySources => {
            warn!(message_id = message, %source, has_raised, "not recorded, too many sources, and nothing is terminated meanwhile: {reason}");
        }
    }
    for (RunOn { run_id, instance_id }, why) in ignored.iter().filter(|(_, why)| *why != Ignored::Finished) {
        warn!(message_id = message, %source, run = %run_id, instance = %instance_id, "ignored: {why}");
    }
}

#[cfg(test)]
mod tests;
