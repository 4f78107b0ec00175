use std::collections::BTreeSet;

use stateright::{Checker, HasDiscoveries, Model};

use super::design::{Design, Real};
use super::model::{ENOUGH, ONCE, Proof, SPARED};
use super::mutants::{
    BlindWrites, CooldownRetry, DoubleDecrement, FreshTokens, ProtectAfterStart, StaleBusy, UnprotectBelow,
};
use super::scenarios;
use super::state::Scenario;
use super::story::story;

/// Checks every reachable state of the real steps in a scenario.
fn holds(name: &str, scenario: Scenario) {
    let checker =
        Proof::<Real>::new(scenario).checker().finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
    if let Some((property, path)) = checker.discoveries().into_iter().next() {
        let story = story(checker.model(), &path.into_actions());
        panic!("{name}, in {} states: not so: {property}\n{story}", checker.unique_state_count());
    }
    println!("{name}: holds in {} states, {} steps deep", checker.unique_state_count(), checker.max_depth());
}

/// The shortest way in which a mutant violates a property, in a scenario in which the real steps do not.
fn falls<D: Design>(mutant: &str, property: &'static str, scenario: Scenario) {
    let checker = Proof::<D>::new(scenario)
        .checker()
        .finish_when(HasDiscoveries::AllOf(BTreeSet::from([property])))
        .spawn_bfs()
        .join();
    let Some(path) = checker.discovery(property) else {
        panic!("{mutant} was not caught in {} states", checker.unique_state_count());
    };
    println!("caught: {mutant}. Not so: {property}");
    println!("{}", story(checker.model(), &path.into_actions()));
}

macro_rules! hold {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            holds(stringify!($name), scenarios::$name());
        })*
    };
}

mod the_real_steps_hold {
    use super::{holds, scenarios};

    hold! {
        two_scale_outs
        sessions_and_runs
        lost_message
        scale_out_meets_scale_in
        scale_in_overlaps
        run_meets_scale_in
        two_runs_meet_scale_in
        run_meets_two_ticks
        unprotected_group
        everybody
        told_to_go_by_a_stranger
        told_to_go_in_a_full_group
        one_too_many
        launches
        launch_meets_tick
        launch_left_behind
        two_scale_outs_with_a_fault
        scale_in_dies
        run_meets_all_or_none
        scale_in_down_to_the_minimum
    }
}

#[test]
fn catches_blind_absolute_writes() {
    falls::<BlindWrites>("blind absolute writes", ENOUGH, scenarios::two_scale_outs());
}

#[test]
fn catches_cooldown_and_retry_with_dropped_events() {
    falls::<CooldownRetry>("cooldown and retry, events dropped", ENOUGH, scenarios::two_scale_outs());
}

#[test]
fn catches_protection_after_the_start() {
    falls::<ProtectAfterStart>("protection after the start", SPARED, scenarios::unprotected_group());
}

#[test]
fn catches_termination_on_a_stale_look() {
    falls::<StaleBusy>("termination on a stale \"busy: false\"", SPARED, scenarios::run_meets_scale_in());
}

#[test]
fn catches_a_double_decrement() {
    falls::<DoubleDecrement>("double decrement", ENOUGH, scenarios::one_too_many());
}

#[test]
fn catches_unprotection_while_desired_is_below_live() {
    let scenario = scenarios::two_runs_meet_scale_in();
    falls::<UnprotectBelow>("unprotection while desired is below live", SPARED, scenario);
}

#[test]
fn catches_launches_under_fresh_tokens() {
    falls::<FreshTokens>("launches under fresh tokens", ONCE, scenarios::launches());
}
