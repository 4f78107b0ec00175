//! Valid policies, defaults, and errors.

use expect_test::expect;
use proptest::prelude::*;

use super::*;

fn by_instance(more: &str) -> String {
    format!(r#"{{"runs_per_instance": 1, "scale_in": {{"mode": "by_instance", "idle_s": 300}}{more}}}"#)
}

fn standby(standby: &str) -> String {
    by_instance(&format!(r#", "standby": {standby}"#))
}

#[test]
fn a_missing_field_has_its_documented_default() {
    let policy = Policy::from_json(&by_instance("")).unwrap();
    expect![[r#"
        {
          "runs_per_instance": 1,
          "headroom": 0,
          "standby": {
            "steps": [],
            "decay_s": null,
            "floor": 0
          },
          "scale_in": {
            "mode": "by_instance",
            "idle_s": 300,
            "most_per_tick": 20
          },
          "window_s": 600,
          "raise_by": "set_desired",
          "lease_s": 900,
          "event_lease_s": 604800,
          "forget_source_after_s": null
        }"#]]
    .assert_eq(&serde_json::to_string_pretty(&policy).unwrap());
    assert_eq!(Policy::from_json(&serde_json::to_string(&policy).unwrap()), Ok(policy));
}

#[test]
fn an_invalid_policy_is_refused_with_the_reason() {
    let policies = [
        by_instance(""),
        r#"{"runs_per_instance": 4, "scale_in": {"mode": "all_idle"}}"#.to_owned(),
        by_instance(r#", "raise_by": "launch_instances""#),
        standby(
            r#"{"steps": [{"sessions": 1, "instances": 1}, {"sessions": 20, "instances": 3}], "floor": 1, "decay_s": 900}"#,
        ),
        String::new(),
        "[1, 0]".to_owned(),
        "{".to_owned(),
        "{}".to_owned(),
        r#"{"runs_per_instance": 1}"#.to_owned(),
        r#"{"runs_per_instance": 0, "scale_in": {"mode": "all_idle"}}"#.to_owned(),
        r#"{"runs_per_instance": 1, "scale_in": {}}"#.to_owned(),
        r#"{"runs_per_instance": 1, "scale_in": {"mode": "at_once"}}"#.to_owned(),
        r#"{"runs_per_instance": 1, "scale_in": {"mode": "all_idle", "idle_s": 1}}"#.to_owned(),
        r#"{"runs_per_instance": 1, "scale_in": {"mode": "by_instance"}}"#.to_owned(),
        r#"{"runs_per_instance": 1, "scale_in": {"mode": "by_instance", "idle_s": 1, "most_per_tick": 0}}"#
            .to_owned(),
        r#"{"runs_per_instance": 1, "scale_in": {"mode": "by_instance", "idle_s": 40000000}}"#.to_owned(),
        by_instance(r#", "maximum": 5"#),
        by_instance(r#", "headroom": -1"#),
        by_instance(r#", "window_s": 59"#),
        by_instance(r#", "lease_s": 29"#),
        by_instance(r#", "event_lease_s": 59"#),
        by_instance(r#", "forget_source_after_s": 599"#),
        by_instance(r#", "raise_by": "hand""#),
        by_instance("") + "x",
        standby("{}"),
        standby(r#"{"steps": [{"sessions": 0, "instances": 1}]}"#),
        standby(r#"{"steps": [{"sessions": 2, "instances": 1}, {"sessions": 2, "instances": 2}]}"#),
        standby(r#"{"steps": [{"sessions": 2, "instances": 2}, {"sessions": 3, "instances": 1}]}"#),
        standby(r#"{"steps": [{"sessions": 2, "instances": "2"}]}"#),
        standby(r#"{"steps": [{"sessions": 2, "instances": 2}], "floor": 3}"#),
        standby(r#"{"steps": [], "decay_s": 40000000}"#),
    ];
    let mut table = String::new();
    for text in policies {
        let said = Policy::from_json(&text).map_or_else(|unfit| unfit.to_string(), |_| "fits".to_owned());
        table.push_str(&format!("{text}\n  {said}\n"));
    }
    expect![[r#"
        {"runs_per_instance": 1, "scale_in": {"mode": "by_instance", "idle_s": 300}}
          fits
        {"runs_per_instance": 4, "scale_in": {"mode": "all_idle"}}
          fits
        {"runs_per_instance": 1, "scale_in": {"mode": "by_instance", "idle_s": 300}, "raise_by": "launch_instances"}
          fits
        {"runs_per_instance": 1, "scale_in": {"mode": "by_instance", "idle_s": 300}, "standby": {"steps": [{"sessions": 1, "instances": 1}, {"sessions": 20, "instances": 3}], "floor": 1, "decay_s": 900}}
          fits

          the text is empty, expected one JSON object
        [1, 0]
          the text begins with '[', expected one JSON object
        {
          EOF while parsing an object at line 1 column 1
        {}
          missing field `runs_per_instance`
        {"runs_per_instance": 1}
          missing field `scale_in`
        {"runs_per_instance": 0, "scale_in": {"mode": "all_idle"}}
          runs_per_instance: invalid value: integer `0`, expected a nonzero u32
        {"runs_per_instance": 1, "scale_in": {}}
          scale_in: missing field `mode`
        {"runs_per_instance": 1, "scale_in": {"mode": "at_once"}}
          scale_in.mode: unknown variant `at_once`, expected `all_idle` or `by_instance`
        {"runs_per_instance": 1, "scale_in": {"mode": "all_idle", "idle_s": 1}}
          scale_in: unknown field `idle_s`, there are no fields
        {"runs_per_instance": 1, "scale_in": {"mode": "by_instance"}}
          scale_in: missing field `idle_s`
        {"runs_per_instance": 1, "scale_in": {"mode": "by_instance", "idle_s": 1, "most_per_tick": 0}}
          scale_in.most_per_tick: 0, expected at least 1, or the group never shrinks
        {"runs_per_instance": 1, "scale_in": {"mode": "by_instance", "idle_s": 40000000}}
          scale_in.idle_s: 40000000, expected 0 to 31536000 seconds
        {"runs_per_instance": 1, "scale_in": {"mode": "by_instance", "idle_s": 300}, "maximum": 5}
          unknown field `maximum`, expected one of `runs_per_instance`, `headroom`, `standby`, `scale_in`, `window_s`, `raise_by`, `lease_s`, `event_lease_s`, `forget_source_after_s`
        {"runs_per_instance": 1, "scale_in": {"mode": "by_instance", "idle_s": 300}, "headroom": -1}
          headroom: invalid value: integer `-1`, expected a whole number
        {"runs_per_instance": 1, "scale_in": {"mode": "by_instance", "idle_s": 300}, "window_s": 59}
          window_s: 59, expected 60 to 31536000 seconds
        {"runs_per_instance": 1, "scale_in": {"mode": "by_instance", "idle_s": 300}, "lease_s": 29}
          lease_s: 29, expected 60 to 31536000 seconds
        {"runs_per_instance": 1, "scale_in": {"mode": "by_instance", "idle_s": 300}, "event_lease_s": 59}
          event_lease_s: 59, expected 60 to 31536000 seconds
        {"runs_per_instance": 1, "scale_in": {"mode": "by_instance", "idle_s": 300}, "forget_source_after_s": 599}
          forget_source_after_s: 599, expected 600 to 31536000 seconds
        {"runs_per_instance": 1, "scale_in": {"mode": "by_instance", "idle_s": 300}, "raise_by": "hand"}
          raise_by: unknown variant `hand`, expected `set_desired` or `launch_instances`
        {"runs_per_instance": 1, "scale_in": {"mode": "by_instance", "idle_s": 300}}x
          trailing characters at line 1 column 77, expected nothing after the object
        {"runs_per_instance": 1, "scale_in": {"mode": "by_instance", "idle_s": 300}, "standby": {}}
          standby: missing field `steps`
        {"runs_per_instance": 1, "scale_in": {"mode": "by_instance", "idle_s": 300}, "standby": {"steps": [{"sessions": 0, "instances": 1}]}}
          standby.steps: the first step is at 0 sessions, expected at least 1; to keep instances without sessions, set the group's minimum
        {"runs_per_instance": 1, "scale_in": {"mode": "by_instance", "idle_s": 300}, "standby": {"steps": [{"sessions": 2, "instances": 1}, {"sessions": 2, "instances": 2}]}}
          standby.steps: expected sessions and instances to ascend from step to step, such as [{"sessions": 1, "instances": 1}, {"sessions": 20, "instances": 3}]
        {"runs_per_instance": 1, "scale_in": {"mode": "by_instance", "idle_s": 300}, "standby": {"steps": [{"sessions": 2, "instances": 2}, {"sessions": 3, "instances": 1}]}}
          standby.steps: expected sessions and instances to ascend from step to step, such as [{"sessions": 1, "instances": 1}, {"sessions": 20, "instances": 3}]
        {"runs_per_instance": 1, "scale_in": {"mode": "by_instance", "idle_s": 300}, "standby": {"steps": [{"sessions": 2, "instances": "2"}]}}
          standby.steps[0].instances: invalid type: string "2", expected a whole number
        {"runs_per_instance": 1, "scale_in": {"mode": "by_instance", "idle_s": 300}, "standby": {"steps": [{"sessions": 2, "instances": 2}], "floor": 3}}
          standby.floor: 3, expected at most the first step's instances
        {"runs_per_instance": 1, "scale_in": {"mode": "by_instance", "idle_s": 300}, "standby": {"steps": [], "decay_s": 40000000}}
          standby.decay_s: 40000000, expected 0 to 31536000 seconds
    "#]].assert_eq(&table);
}

#[test]
fn the_curve_goes_up_at_its_steps() {
    let text = r#"{"steps": [{"sessions": 1, "instances": 1}, {"sessions": 20, "instances": 3}, {"sessions": 100, "instances": 3}]}"#;
    let curve: Standby = serde_json::from_str(text).unwrap();
    let at = [0, 1, 2, 19, 20, 21, 99, 100, u32::MAX].map(|n| format!("{n}: {}", curve.instances(n)));
    expect!["0: 0, 1: 1, 2: 1, 19: 1, 20: 3, 21: 3, 99: 3, 100: 3, 4294967295: 3"].assert_eq(&at.join(", "));
}

proptest! {
    #[test]
    fn more_sessions_never_have_fewer_standing_by(steps in prop::collection::btree_map(1_u32..1_000, 0_u32..50, 0..6), n in 0_u32..1_100, more in 0_u32..100) {
        let mut instances = 0;
        let steps = steps.into_iter().map(|(sessions, plus)| {
            instances += plus;
            Step { sessions, instances }
        });
        let curve = Standby { steps: steps.collect(), decay_s: None, floor: 0 };
        let policy = Policy { standby: curve.clone(), ..Policy::from_json(&by_instance("")).unwrap() };
        prop_assert_eq!(policy.check(), Ok(()));
        prop_assert!(curve.instances(n) <= curve.instances(n + more));
    }

    #[test]
    fn any_text_fits_or_not(text in ".{0,100}") {
        drop(Policy::from_json(&text));
    }
}
