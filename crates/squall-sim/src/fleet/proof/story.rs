//! A path through the states, in words.

use squall_capacity::claims::{InstanceRow, State as RowState};
use squall_capacity::levels::Levels;
use stateright::Model;

use super::asked::{Ask, Reply};
use super::design::{Design, Step};
use super::model::{Action, Proof};
use super::state::{Actor, State};

/// One line per event.
pub(super) fn story<D: Design>(proof: &Proof<D>, actions: &[Action]) -> String {
    let mut state = proof.init_states().remove(0);
    let mut lines = vec![format!("  begin: {}", world(&state))];
    for action in actions {
        let Some(next) = proof.next_state(&state, action.clone()) else { continue };
        lines.push(format!("  {}", line(&state, &next, action)));
        state = next;
    }
    if let Some(rest) = &state.rest {
        proof.tick(&mut state.world.clone(), |asked, said, world| {
            let (desired, n_live) = (world.group.desired(), world.group.n_live());
            let now = if asked.is_read() {
                String::new()
            } else {
                format!("; now desired {desired}, live {n_live}")
            };
            lines.push(format!("  tick: {} → {}{now}", ask(asked), reply(said)));
        });
        let [desired, n_live, n_usable] = rest.at_last;
        lines.push(format!(
            "  rest: wanted {}; desired {}, after a tick {}, long after {desired} with {n_live} alive and {n_usable} of \
             use",
            rest.wanted, rest.before_tick, rest.after_tick
        ));
    } else if let Some(id) = state.killed() {
        lines.push(format!("  a run is on {id}, which was taken"));
    } else {
        lines.push(format!("  end: {}", world(&state)));
    }
    lines.join("\n")
}

fn world(state: &State) -> String {
    let group = &state.world.group;
    let ledger = levels(&state.world.levels);
    format!("desired {}, live {}; ledger: {ledger}", group.desired(), group.n_live())
}

fn line(state: &State, next: &State, action: &Action) -> String {
    let call = |n: usize| format!("{}: {}", name(&state.actors[n]), ask(&state.actors[n].asks));
    let desired = |text: String| {
        let (before, after) = (&state.world.group, &next.world.group);
        if (before.desired(), before.n_live()) == (after.desired(), after.n_live()) {
            return text;
        }
        format!("{text}; now desired {}, live {}", after.desired(), after.n_live())
    };
    match action {
        Action::Deliver { message, again } => {
            let again = if *again { ", and will be again" } else { "" };
            format!("event {} is delivered{again}", state.messages[*message].event + 1)
        }
        Action::Lose { message } => format!("event {} is lost", state.messages[*message].event + 1),
        Action::Call { actor, choice } => {
            let said = state.world.clone().answer(&state.actors[*actor].asks, *choice);
            desired(format!("{} → {}", call(*actor), reply(&said)))
        }
        Action::CallUnheard { actor, .. } => desired(format!("{} → done, but no answer", call(*actor))),
        Action::Refuse { actor } => format!("{} → not done, no answer", call(*actor)),
        Action::Shortage { actor } => format!("{} → no capacity now", call(*actor)),
        Action::Crash { actor } => {
            format!("{} dies before: {}", name(&state.actors[*actor]), ask(&state.actors[*actor].asks))
        }
        Action::Tick => "a tick begins".to_owned(),
        Action::Dispatch { run, to } => format!("run {run} is sent to {}", state.world.serving()[*to]),
        Action::Finish { run } => format!("run {run} is done"),
        Action::CrashRun { run } => format!("the runner of run {run} dies"),
        Action::Wait { .. } => {
            desired(format!("{} s pass", (next.world.now_us - state.world.now_us) / 1_000_000))
        }
        Action::Rest => "nothing more happens".to_owned(),
    }
}

fn name(actor: &Actor) -> String {
    match &actor.step {
        Step::OnEvent(n) => format!("scale-out {}", n + 1),
        Step::Tick => "tick".to_owned(),
        Step::Start(run, id) => format!("runner of {run} on {id}"),
        Step::Finish(run, id) => format!("runner of {run} on {id}, afterwards"),
    }
}

fn ask(ask: &Ask) -> String {
    match ask {
        Ask::Describe => "describe".to_owned(),
        Ask::SetDesired(n) => format!("set desired {n}"),
        Ask::SetDesiredIfCool(n) => format!("set desired {n} if cooled down"),
        Ask::Launch(n, token) => format!("launch {n} as {token}"),
        Ask::Terminate(id) => format!("terminate {id}"),
        Ask::Protect(id, true) => format!("protect {id}"),
        Ask::Protect(id, false) => format!("unprotect {id}"),
        Ask::Levels => "read levels".to_owned(),
        Ask::PutLevels(it) => format!("write levels {}", levels(it)),
        Ask::Instances => "read all rows".to_owned(),
        Ask::Instance(id) => format!("read the row of {id}"),
        Ask::PutInstance(it) => format!("write {}", row(it)),
        Ask::Forget(id, version) => format!("forget {id} of version {version}"),
    }
}

fn reply(reply: &Reply) -> String {
    match reply {
        Reply::Group(it) => format!("desired {}, live {}", it.desired, it.n_live()),
        Reply::Levels(it) => levels(it),
        Reply::Rows(it) => it.iter().map(row).collect::<Vec<_>>().join(", "),
        Reply::Row(it) => it.as_ref().map_or_else(|| "none".to_owned(), row),
        Reply::Written(it) => format!("{it:?}").to_lowercase(),
        Reply::Done => "done".to_owned(),
        Reply::Refused => "refused for now".to_owned(),
        Reply::Unknown => "no answer".to_owned(),
        Reply::Permanent(what) => format!("refused: {what}"),
    }
}

fn levels(it: &Levels) -> String {
    let launch = it.launch.as_ref().map_or_else(String::new, |it| format!(", launching {}", it.n));
    format!("v{} with {} runs and {} sessions{launch}", it.version, it.n_runs(), it.n_sessions())
}

fn row(it: &InstanceRow) -> String {
    let state = match it.state {
        RowState::Open => "open",
        RowState::Draining { .. } => "draining",
        RowState::Gone { .. } => "gone",
    };
    let runs: Vec<_> = it.runs.keys().map(|run| format!(" {run}")).collect();
    format!("{} {state}{} v{}", it.id, runs.concat(), it.version)
}
