use std::collections::BTreeSet;
use std::fmt::Write;

use expect_test::{Expect, expect};
use squall_capacity::ids::InstanceId;

use super::{GroupModel, GroupSettings, Happened, Stage};

const S: u64 = 1_000_000;

/// Booting takes 100 s and terminating 30 s; chance always takes the first.
fn settings() -> GroupSettings {
    GroupSettings {
        max: 5,
        boot_us: (100 * S, 100 * S),
        protected_from_launch: false,
        ..GroupSettings::default()
    }
}

fn id(n: u32) -> InstanceId {
    InstanceId::new(format!("i-{n:08x}")).unwrap()
}

fn short(id: &InstanceId) -> String {
    let number = u32::from_str_radix(id.as_str().trim_start_matches("i-"), 16).unwrap();
    number.to_string()
}

/// Numbers, and ranges of them such as `1..51`.
fn ids(words: &[&str]) -> BTreeSet<InstanceId> {
    let span = |word: &str| match word.split_once("..") {
        Some((from, to)) => from.parse::<u32>().unwrap()..to.parse::<u32>().unwrap(),
        None => word.parse::<u32>().unwrap()..word.parse::<u32>().unwrap() + 1,
    };
    words.iter().flat_map(|word| span(word)).map(id).collect()
}

/// Makes the calls one after another. A line is a call, its answer, and the group after it: booting instances are in
/// parentheses, protected ones have a star, terminating ones a minus.
fn check(settings: GroupSettings, calls: &str, answers: &Expect) {
    let mut group = GroupModel::new(settings);
    let mut now_us = 0;
    let chance = &mut |_| 0;
    group.advance(now_us, chance);
    let mut text = String::new();
    for call in calls.split(';').map(str::trim).filter(|it| !it.is_empty()) {
        let words: Vec<&str> = call.split_whitespace().collect();
        let done = match words.as_slice() {
            ["wait", seconds] => {
                now_us += seconds.parse::<u64>().unwrap() * S;
                group.advance(now_us, chance);
                Ok("ok".to_owned())
            }
            ["describe"] => group.describe(now_us).map(|it| match it.cooling_until_us {
                u64::MAX => "an activity is in progress".to_owned(),
                until_us => format!("cools down until {} s", until_us / S),
            }),
            ["set", n] => {
                group.set_desired(n.parse().unwrap(), false, now_us, chance).map(|()| "ok".to_owned())
            }
            ["set", n, "politely"] => {
                group.set_desired(n.parse().unwrap(), true, now_us, chance).map(|()| "ok".to_owned())
            }
            ["launch", n, token] => group
                .launch(n.parse().unwrap(), token, now_us, chance)
                .map(|ids| format!("launched {}", ids.iter().map(short).collect::<Vec<_>>().join(" "))),
            ["terminate", n] => {
                group.terminate(&id(n.parse().unwrap()), true, now_us, chance).map(|()| "ok".to_owned())
            }
            ["replace", n] => {
                group.terminate(&id(n.parse().unwrap()), false, now_us, chance).map(|()| "ok".to_owned())
            }
            ["reclaim", n] => {
                group.reclaim(&id(n.parse().unwrap()), now_us, chance);
                Ok("ok".to_owned())
            }
            ["protect", which @ ..] => {
                group.protect(&ids(which), true, now_us, chance).map(|()| "ok".to_owned())
            }
            ["unprotect", which @ ..] => {
                group.protect(&ids(which), false, now_us, chance).map(|()| "ok".to_owned())
            }
            _ => panic!("no such call: {call}"),
        };
        let answer = done.unwrap_or_else(|refusal| refusal.to_string());
        writeln!(text, "{call}: {answer} -> {}", shown(&mut group)).unwrap();
    }
    answers.assert_eq(&text);
}

fn shown(group: &mut GroupModel) -> String {
    let mut text = format!("desired {}:", group.desired());
    for (id, it) in group.instances() {
        let number = short(id);
        let star = if it.is_protected { "*" } else { "" };
        text += &match it.stage {
            Stage::Booting(_) => format!(" ({number}{star})"),
            Stage::Serving => format!(" {number}{star}"),
            Stage::Going(_) => format!(" -{number}{star}"),
        };
    }
    for happened in group.take_happened() {
        if let Happened::Ended { id, by, was_booting } = happened {
            let while_booting = if was_booting { " while it booted" } else { "" };
            text += &format!(", {} ended by {by:?}{while_booting}", short(&id));
        }
    }
    text
}

#[test]
fn the_desired_capacity_stays_within_the_bounds() {
    let settings = GroupSettings { min: 1, ..settings() };
    check(
        settings,
        "set 6; set 0; set 5",
        &expect![[r#"
        set 6: ValidationError: New SetDesiredCapacity value 6 is above max value 5 for the AutoScalingGroup. -> desired 1: (1)
        set 0: ValidationError: New SetDesiredCapacity value 0 is below min value 1 for the AutoScalingGroup. -> desired 1: (1)
        set 5: ok -> desired 5: (1) (2) (3) (4) (5)
    "#]],
    );
}

#[test]
fn instances_boot_then_serve_and_go_then_are_gone() {
    check(
        settings(),
        "set 2; wait 99; wait 1; set 1; wait 29; wait 1",
        &expect![[r#"
        set 2: ok -> desired 2: (1) (2)
        wait 99: ok -> desired 2: (1) (2)
        wait 1: ok -> desired 2: 1 2
        set 1: ok -> desired 1: -1 2, 1 ended by ScaleIn
        wait 29: ok -> desired 1: -1 2
        wait 1: ok -> desired 1: 2
    "#]],
    );
}

#[test]
fn a_cooldown_holds_only_calls_that_honour_it() {
    let calls = "set 1 politely; describe; set 2 politely; wait 100; describe; set 2 politely; set 2; wait 100; wait 299; \
                 set 3 politely; wait 1; set 3 politely";
    check(
        settings(),
        calls,
        &expect![[r#"
        set 1 politely: ok -> desired 1: (1)
        describe: an activity is in progress -> desired 1: (1)
        set 2 politely: ScalingActivityInProgress: a scaling activity of fleet is in progress or cools down, and blocks this action -> desired 1: (1)
        wait 100: ok -> desired 1: 1
        describe: cools down until 400 s -> desired 1: 1
        set 2 politely: ScalingActivityInProgress: a scaling activity of fleet is in progress or cools down, and blocks this action -> desired 1: 1
        set 2: ok -> desired 2: 1 (2)
        wait 100: ok -> desired 2: 1 2
        wait 299: ok -> desired 2: 1 2
        set 3 politely: ScalingActivityInProgress: a scaling activity of fleet is in progress or cools down, and blocks this action -> desired 2: 1 2
        wait 1: ok -> desired 2: 1 2
        set 3 politely: ok -> desired 3: 1 2 (3)
    "#]],
    );
}

#[test]
fn protection_from_launch_begins_when_an_instance_serves() {
    let settings = GroupSettings { protected_from_launch: true, ..settings() };
    check(
        settings,
        "set 2; set 1; wait 100; set 0",
        &expect![[r#"
        set 2: ok -> desired 2: (1) (2)
        set 1: ok -> desired 1: -1 (2), 1 ended by ScaleIn while it booted
        wait 100: ok -> desired 1: 2*
        set 0: ok -> desired 0: 2*
    "#]],
    );
}

#[test]
fn who_loses_protection_while_too_many_live_is_killed_at_once() {
    let settings = GroupSettings { protected_from_launch: true, ..settings() };
    check(
        settings,
        "set 3; wait 100; set 1; unprotect 3; unprotect 1 2; wait 30",
        &expect![[r#"
        set 3: ok -> desired 3: (1) (2) (3)
        wait 100: ok -> desired 3: 1* 2* 3*
        set 1: ok -> desired 1: 1* 2* 3*
        unprotect 3: ok -> desired 1: 1* 2* -3, 3 ended by ScaleIn
        unprotect 1 2: ok -> desired 1: -1 2 -3, 1 ended by ScaleIn
        wait 30: ok -> desired 1: 2
    "#]],
    );
}

#[test]
fn a_call_that_names_an_instance_ignores_protection_and_takes_it_from_the_desired_capacity() {
    let settings = GroupSettings { protected_from_launch: true, min: 1, ..settings() };
    let calls = "set 3; wait 100; terminate 2; terminate 2; terminate 9; terminate 1; terminate 3; replace 3";
    check(
        settings,
        calls,
        &expect![[r#"
        set 3: ok -> desired 3: (1) (2) (3)
        wait 100: ok -> desired 3: 1* 2* 3*
        terminate 2: ok -> desired 2: 1* -2* 3*, 2 ended by Call
        terminate 2: ok -> desired 2: 1* -2* 3*
        terminate 9: ValidationError: Instance Id not found - No managed instance found for instance ID: i-00000009 -> desired 2: 1* -2* 3*
        terminate 1: ok -> desired 1: -1* -2* 3*, 1 ended by Call
        terminate 3: ValidationError: Currently, desiredSize equals minSize (1). Terminating instance without replacement will violate group's min size constraint. Either set shouldDecrementDesiredCapacity flag to false or lower group's min size. -> desired 1: -1* -2* 3*
        replace 3: ok -> desired 1: -1* -2* -3* (4), 3 ended by Call
    "#]],
    );
}

#[test]
fn a_token_launches_once() {
    check(
        settings(),
        "launch 2 a; launch 2 a; launch 3 a; launch 3 b",
        &expect![[r#"
        launch 2 a: launched 1 2 -> desired 2: (1) (2)
        launch 2 a: launched  -> desired 2: (1) (2)
        launch 3 a: IdempotentParameterMismatch: the token a was used to launch 2 -> desired 2: (1) (2)
        launch 3 b: launched 3 4 5 -> desired 5: (1) (2) (3) (4) (5)
    "#]],
    );
}

#[test]
fn a_launch_stays_within_the_maximum_and_the_most_per_call() {
    check(
        settings(),
        "launch 0 a; launch 101 b; launch 4 c; launch 2 d; launch 1 d",
        &expect![[r#"
        launch 0 a: ValidationError: 0 more than 0 desired; at most 100 a call, and 5 in all -> desired 0:
        launch 101 b: ValidationError: 101 more than 0 desired; at most 100 a call, and 5 in all -> desired 0:
        launch 4 c: launched 1 2 3 4 -> desired 4: (1) (2) (3) (4)
        launch 2 d: ValidationError: 2 more than 4 desired; at most 100 a call, and 5 in all -> desired 4: (1) (2) (3) (4)
        launch 1 d: launched 5 -> desired 5: (1) (2) (3) (4) (5)
    "#]],
    );
}

#[test]
fn a_launch_without_capacity_fails_and_one_with_some_grows_by_what_it_got() {
    let settings = GroupSettings { available: Some(2), ..settings() };
    check(
        settings,
        "launch 1 a; launch 3 b; launch 3 b; launch 1 c",
        &expect![[r#"
        launch 1 a: launched 1 -> desired 1: (1)
        launch 3 b: launched 2 -> desired 2: (1) (2)
        launch 3 b: launched  -> desired 2: (1) (2)
        launch 1 c: InsufficientInstanceCapacity: we currently do not have sufficient capacity -> desired 2: (1) (2)
    "#]],
    );
}

#[test]
fn what_is_not_to_be_had_comes_when_it_is() {
    let settings = GroupSettings { available: Some(2), ..settings() };
    check(
        settings,
        "set 3; terminate 1; terminate 2",
        &expect![[r#"
        set 3: ok -> desired 3: (1) (2)
        terminate 1: ok -> desired 2: -1 (2) (3), 1 ended by Call while it booted
        terminate 2: ok -> desired 1: -1 -2 (3), 2 ended by Call while it booted
    "#]],
    );
}

#[test]
fn one_unfit_instance_fails_the_whole_protection_call() {
    check(
        settings(),
        "set 2; protect 1; wait 100; set 3; protect 1 3; protect 1 9; protect 1 2",
        &expect![[r#"
        set 2: ok -> desired 2: (1) (2)
        protect 1: ValidationError: The instance i-00000001 is not in InService or EnteringStandby or Standby. -> desired 2: (1) (2)
        wait 100: ok -> desired 2: 1 2
        set 3: ok -> desired 3: 1 2 (3)
        protect 1 3: ValidationError: The instance i-00000003 is not in InService or EnteringStandby or Standby. -> desired 3: 1 2 (3)
        protect 1 9: ValidationError: The instance i-00000009 is not in InService or EnteringStandby or Standby. -> desired 3: 1 2 (3)
        protect 1 2: ok -> desired 3: 1* 2* (3)
    "#]],
    );
}

#[test]
fn fifty_instances_are_protected_a_call() {
    let settings = GroupSettings { max: 60, ..settings() };
    let mut group = GroupModel::new(settings);
    let chance = &mut |_| 0;
    group.set_desired(60, false, 0, chance).unwrap();
    group.advance(100 * S, chance);
    let protect = |group: &mut GroupModel, n| group.protect(&ids(&[n]), true, 100 * S, &mut |_| 0);
    expect!["ValidationError: 51 instances; at most 50 a call"]
        .assert_eq(&protect(&mut group, "1..52").unwrap_err().to_string());
    assert_eq!(protect(&mut group, "1..51"), Ok(()));
    assert_eq!(group.instances().values().filter(|it| it.is_protected).count(), 50);
}

#[test]
fn what_is_taken_from_outside_is_replaced_protected_or_not() {
    check(
        settings(),
        "set 2; wait 100; protect 1; reclaim 1; reclaim 1; reclaim 9; wait 100",
        &expect![[r#"
        set 2: ok -> desired 2: (1) (2)
        wait 100: ok -> desired 2: 1 2
        protect 1: ok -> desired 2: 1* 2
        reclaim 1: ok -> desired 2: -1* 2 (3), 1 ended by Outside
        reclaim 1: ok -> desired 2: -1* 2 (3)
        reclaim 9: ok -> desired 2: -1* 2 (3)
        wait 100: ok -> desired 2: 2 3
    "#]],
    );
}

#[test]
fn zones_are_balanced_once_nothing_else_happens_and_protected_ones_are_spared() {
    let settings = GroupSettings { n_zones: 2, rebalances: true, ..settings() };
    let calls = "set 4; wait 100; protect 1; terminate 2; terminate 4; wait 30; wait 100";
    check(
        settings,
        calls,
        &expect![[r#"
        set 4: ok -> desired 4: (1) (2) (3) (4)
        wait 100: ok -> desired 4: 1 2 3 4
        protect 1: ok -> desired 4: 1* 2 3 4
        terminate 2: ok -> desired 3: 1* -2 3 4, 2 ended by Call
        terminate 4: ok -> desired 2: 1* -2 3 -4, 4 ended by Call
        wait 30: ok -> desired 2: 1* -3 (5), 3 ended by Rebalance
        wait 100: ok -> desired 2: 1* 5
    "#]],
    );
}

#[test]
fn the_group_takes_from_the_zone_that_has_most() {
    let settings = GroupSettings { n_zones: 2, ..settings() };
    check(
        settings,
        "set 3; wait 100; protect 1; set 2; set 3",
        &expect![[r#"
        set 3: ok -> desired 3: (1) (2) (3)
        wait 100: ok -> desired 3: 1 2 3
        protect 1: ok -> desired 3: 1* 2 3
        set 2: ok -> desired 2: 1* 2 -3, 3 ended by ScaleIn
        set 3: ok -> desired 3: 1* 2 -3 (4)
    "#]],
    );
}

#[test]
fn too_many_calls_of_a_kind_are_refused_until_the_next_second() {
    let settings = GroupSettings { calls_per_s: Some(2), ..settings() };
    check(
        settings,
        "set 1; set 2; set 3; describe; wait 1; set 3",
        &expect![[r#"
        set 1: ok -> desired 1: (1)
        set 2: ok -> desired 2: (1) (2)
        set 3: Throttling: Rate exceeded -> desired 2: (1) (2)
        describe: an activity is in progress -> desired 2: (1) (2)
        wait 1: ok -> desired 2: (1) (2)
        set 3: ok -> desired 3: (1) (2) (3)
    "#]],
    );
}

#[test]
fn the_same_calls_give_the_same_group() {
    let play = |seed: u64| {
        let mut random = squall_sim_time::Random::new(seed);
        let mut chance = |n: u64| random.below(n);
        let mut group = GroupModel::new(GroupSettings { max: 20, ..GroupSettings::default() });
        for minute in 0..60 {
            group.advance(minute * 60 * S, &mut chance);
            let n = u32::try_from(chance(21)).unwrap();
            group.set_desired(n, false, minute * 60 * S, &mut chance).unwrap();
        }
        group.take_happened()
    };
    assert_eq!(play(1), play(1));
    assert_ne!(play(1), play(2));
}
