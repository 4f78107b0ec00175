use super::*;
use crate::deployment::Deployment;
use crate::sizing::SizingReason;

fn job(fields: &str) -> Job {
    Job::from_message(format!(r#"{{"workload":"probe","input":{{}}{fields}}}"#).as_bytes()).unwrap()
}

fn cut(n_tasks: u32, subtasks_per_task: u32) -> Sizing {
    Sizing { n_tasks, subtasks_per_task, subtask_us: 0, reason: SizingReason::Asked }
}

fn checked(fields: &str, sizing: Sizing) -> String {
    let checked = Deployment::default().caps().check(&job(fields), &sizing);
    checked.map_or_else(|error| error.to_string(), |()| "ok".to_owned())
}

#[test]
fn what_the_operator_does_not_allow_is_refused_by_field() {
    let small = cut(10, 10);
    assert_eq!(checked("", small), "ok");
    assert_eq!(checked(r#","max_cost_usd":1000"#, small), "ok");
    assert_eq!(
        checked(r#","max_cost_usd":1000.5"#, small),
        "max_cost_usd: $1000.500000; a job of this deployment may cost $1000.000000 at most"
    );
    let hour = JobCaps { max_deadline_s: 3_600, ..Deployment::default().caps() };
    let error = hour.check(&job(r#","deadline_s":3601"#), &small).unwrap_err();
    assert_eq!(error.to_string(), "deadline_s: 3601; a job of this deployment may take 1 h 0 min at most");
}

/// Security A9: ten thousand million invocations of no length, without a word from the author about cost.
#[test]
fn a_cut_that_costs_more_than_the_job_may_is_refused() {
    assert_eq!(
        checked("", cut(1_000_000, 10_000)),
        "sizing: 1000000 tasks × 10000 subtasks are 10000000000 invocations; a job of this deployment may have 10000000 at most: \
         use fewer, longer ones"
    );
    assert_eq!(
        checked(r#","max_cost_usd":1"#, cut(1_000, 10_000)),
        "sizing: 1000 tasks × 10000 subtasks are 10000000 invocations, which cost $2.230028 at least, and the job's cap is $1.000000: use \
         fewer, longer ones, or a higher `max_cost_usd`"
    );
    assert_eq!(checked("", cut(1_000, 10_000)), "ok", "the default cap is higher");
}

#[test]
fn a_job_that_names_no_cap_has_the_default() {
    let caps = Deployment::default().caps();
    assert_eq!(caps.cost_of(&job("")), NanoUsd(100_000_000_000));
    assert_eq!(caps.cost_of(&job(r#","max_cost_usd":0.5"#)), NanoUsd(500_000_000));
}
