//! The comparison for programs.

use std::sync::Arc;

use anyhow::Result;
use serde_json::{Value, json};
use squall_sim::fleet::simulate::{Contender, Spread, Summary};

use super::{Args, Compared};

pub(super) fn answer(args: &Args, compared: &[Compared]) -> Result<String> {
    let traces: Vec<_> = compared
        .iter()
        .map(|it| {
            let policies: Vec<_> =
                it.rows.iter().map(|(contender, summary, _)| policy(contender, summary)).collect();
            json!({"trace": it.name, "runs": it.n_runs, "skipped": it.n_skipped, "policies": policies})
        })
        .collect();
    let answer = json!({"seeds": args.seeds, "max_instances": args.max, "traces": traces});
    Ok(serde_json::to_string_pretty(&answer)? + "\n")
}

fn policy(contender: &Arc<dyn Contender>, it: &Summary) -> Value {
    let spread = |it: Spread| json!({"least": it.least, "most": it.most, "sum": it.sum});
    let [p50, p95, p99] = it.wait_s;
    let mut answer = json!({
        "policy": contender.name(),
        "wait_s": {"p50": p50, "p95": p95, "p99": p99, "mean": it.mean_wait_s},
        "instance_hours": it.instance_h,
        "launched": it.launched,
        "utilisation": it.utilisation,
        "busy_killed": spread(it.busy_killed),
        "booting_killed": spread(it.booting_killed),
        "lost_updates": spread(it.lost_updates),
        "rework_hours": it.rework_h,
        "calls_of_all_seeds": {
            "group_writes": it.calls.group_writes,
            "group_reads": it.calls.group_reads,
            "ledger": it.calls.ledger,
            "metrics": it.calls.metrics,
        },
        "to_zero_s": it.to_zero_s,
        "unfinished": spread(it.unfinished),
        "refused": it.refused,
        "failed": it.failed,
    });
    if let (Some(policy), Some(fields)) = (contender.configuration(), answer.as_object_mut()) {
        fields.insert("configuration".to_owned(), json!(policy));
    }
    answer
}
