use expect_test::expect;

use super::*;

fn sound() -> Settings {
    Settings {
        name: "modelling".to_owned(),
        min: 0,
        max: 40,
        desired: 3,
        new_instances_protected: true,
        n_unprotected: 0,
        suspended_processes: vec!["AZRebalance".to_owned()],
        scaling_policies: Vec::new(),
        scheduled_actions: Vec::new(),
        default_cooldown_s: 300,
        enabled_metrics: vec!["GroupInServiceInstances".to_owned()],
        zones: vec!["eu-west-1a".to_owned(), "eu-west-1b".to_owned()],
        has_launch_template: true,
        is_mixed: false,
        has_warm_pool: false,
        max_instance_lifetime_s: None,
        has_elb_health_checks: false,
    }
}

fn policy(text: &str) -> Policy {
    Policy::from_json(text).unwrap()
}

const BY_INSTANCE: &str = r#"{"runs_per_instance": 1, "scale_in": {"mode": "by_instance", "idle_s": 300}}"#;

#[test]
fn a_sound_group_has_no_findings() {
    assert_eq!(plan_checkup(&policy(BY_INSTANCE), &sound()), []);
}

#[test]
fn each_unsound_setting_is_named_with_its_consequence_and_its_fix() {
    let all_idle = r#"{"runs_per_instance": 1, "scale_in": {"mode": "all_idle"}, "window_s": 60}"#;
    let by_launch = BY_INSTANCE.replace(r#""scale_in""#, r#""raise_by": "launch_instances", "scale_in""#);
    let standby = BY_INSTANCE
        .replace(r#""scale_in""#, r#""standby": {"steps": [{"sessions": 1, "instances": 50}]}, "scale_in""#);
    let situations = [
        (BY_INSTANCE, Settings { new_instances_protected: false, n_unprotected: 2, ..sound() }),
        (BY_INSTANCE, Settings { suspended_processes: vec!["Launch".to_owned()], ..sound() }),
        (BY_INSTANCE, Settings { suspended_processes: Vec::new(), zones: vec!["a".to_owned()], ..sound() }),
        (
            BY_INSTANCE,
            Settings { max_instance_lifetime_s: Some(604_800), has_elb_health_checks: true, ..sound() },
        ),
        (
            BY_INSTANCE,
            Settings {
                name: "the 'fleet'".to_owned(),
                scaling_policies: vec!["cpu-50".to_owned()],
                scheduled_actions: vec!["night".to_owned()],
                ..sound()
            },
        ),
        (BY_INSTANCE, Settings { max: 0, desired: 0, enabled_metrics: Vec::new(), ..sound() }),
        (BY_INSTANCE, Settings { min: 3, max: 3, desired: 4, ..sound() }),
        (standby.as_str(), sound()),
        (by_launch.as_str(), Settings { has_launch_template: false, is_mixed: true, ..sound() }),
        (BY_INSTANCE, Settings { has_warm_pool: true, ..sound() }),
        (all_idle, sound()),
    ];
    let mut text = String::new();
    for (json, settings) in situations {
        for Finding { severity, what, why, fix } in plan_checkup(&policy(json), &settings) {
            text.push_str(&format!("{severity:?}: {what}\n    {why}\n"));
            if let Some(fix) = fix {
                text.push_str(&format!("    $ {fix}\n"));
            }
        }
        text.push('\n');
    }
    expect![[r#"
        Broken: new instances are not protected from scale-in
            between a run's start and its protection, the group may terminate its instance whenever fewer are desired than live
            $ aws autoscaling update-auto-scaling-group --auto-scaling-group-name modelling --new-instances-protected-from-scale-in
        Broken: 2 instances are in service without protection
            the group may terminate a busy one whenever fewer are desired than live
            $ aws autoscaling set-instance-protection --auto-scaling-group-name modelling --protected-from-scale-in --instance-ids …

        Broken: AZRebalance is not suspended
            to balance its zones, the group replaces instances, busy or not
            $ aws autoscaling suspend-processes --auto-scaling-group-name modelling --scaling-processes AZRebalance
        Broken: the process Launch is suspended
            the group does not follow its desired capacity
            $ aws autoscaling resume-processes --auto-scaling-group-name modelling --scaling-processes Launch


        Broken: instances are replaced after 604800 s
            scale-in protection does not prevent it
            $ aws autoscaling update-auto-scaling-group --auto-scaling-group-name modelling --max-instance-lifetime 0
        Doubtful: a load balancer's health checks replace instances
            an instance too busy to answer in time is terminated; scale-in protection does not prevent it
            $ aws autoscaling update-auto-scaling-group --auto-scaling-group-name modelling --health-check-type EC2

        Broken: the scaling policy cpu-50 is attached
            it writes the desired capacity too, and lowers what events have raised
            $ aws autoscaling delete-policy --auto-scaling-group-name 'the '\''fleet'\''' --policy-name cpu-50
        Doubtful: the scheduled action night changes its size
            later ticks undo its change to the desired capacity; let it change only the minimum and the maximum

        Broken: the maximum is 0
            no run ever gets an instance
            $ aws autoscaling update-auto-scaling-group --auto-scaling-group-name modelling --max-size N
        Doubtful: the group's own metrics are off
            without them there is no record of how many instances were in service; they are free
            $ aws autoscaling enable-metrics-collection --auto-scaling-group-name modelling --granularity 1Minute

        Doubtful: desired is 4, outside of 3 to 3
            the bounds have just been changed
        Doubtful: the minimum is the maximum: 3
            there is nothing to control

        Doubtful: 50 instances may stand by for sessions, and the maximum is 40
            the maximum cuts off the standby curve

        Broken: the group has no launch template
            LaunchInstances takes a launch template, one Availability Zone, and one purchase option; `"raise_by": "set_desired"` works everywhere
        Broken: the group is in 2 Availability Zones
            LaunchInstances takes a launch template, one Availability Zone, and one purchase option; `"raise_by": "set_desired"` works everywhere
        Broken: the group mixes instance types or purchase options
            LaunchInstances takes a launch template, one Availability Zone, and one purchase option; `"raise_by": "set_desired"` works everywhere

        Doubtful: the group has a warm pool
            instances of the pool cannot be terminated by id, and a runner that starts in the pool must wait until its instance is in service

        Doubtful: the cooldown is 300 s, and the window 60 s
            scale-in of a quiet group still waits for the cooldown to end
            $ aws autoscaling update-auto-scaling-group --auto-scaling-group-name modelling --default-cooldown 60

    "#]].assert_eq(&text);
}
