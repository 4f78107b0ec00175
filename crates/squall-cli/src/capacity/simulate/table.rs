//! The comparison for people: a line per policy, and a legend of the columns.

use std::fmt::Write;
use std::sync::Arc;

use squall_sim::fleet::simulate::{Contender, Spread, Summary};

use super::Compared;

const COLUMNS: [&str; 16] = [
    "policy", "p50", "p95", "p99", "inst-h", "use", "busy", "boot", "lost", "redone", "writes", "reads",
    "ledger", "metric", "to 0", "open",
];

const LEGEND: &str = "\
p50 p95 p99   queueing time of runs, seconds: median, 95th and 99th percentile
inst-h        instance-hours, from launch to termination; use: the share spent on runs that completed
busy, boot    instances terminated with a run on them, and by the group while booting, over all seeds
lost          lost updates over all seeds: a write that was to raise the group left it below both its
              previous size and the demand, or it stayed below the demand with no event in flight
redone        hours of work that died with an instance
writes reads  calls to Auto Scaling; ledger: to DynamoDB, those of the runners included; metric: to
              CloudWatch
to 0          minutes from the end of the last run until no instance was left; open: runs that never ended
Numbers are averages per seed, except those over all seeds.
";

pub(super) fn answer(compared: &Compared) -> String {
    let Compared { name, n_runs, n_skipped, rows, .. } = compared;
    let n_seeds = rows.first().map_or(0, |(_, summary, _)| summary.n_histories);
    let mut text = format!("{name}: {n_runs} runs, {n_seeds} seeds");
    if *n_skipped > 0 {
        let _ = write!(text, ", {n_skipped} entries without times left out");
    }
    text.push_str("\n\n");
    let mut lines = vec![COLUMNS.map(str::to_owned)];
    lines.extend(rows.iter().map(|(contender, summary, _)| cells(contender, summary)));
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    for line in &lines {
        let _ = write!(text, "{:<width$}", line[0], width = width(0));
        for (column, cell) in line.iter().enumerate().skip(1) {
            let _ = write!(text, "  {cell:>width$}", width = width(column));
        }
        text.push('\n');
    }
    text.push('\n');
    text.push_str(LEGEND);
    text.push('\n');
    text
}

fn cells(contender: &Arc<dyn Contender>, it: &Summary) -> [String; 16] {
    let n = u64::try_from(it.n_histories.max(1)).unwrap_or(1);
    let each = |sum: u64| (sum / n).to_string();
    let all = |spread: Spread| spread.sum.to_string();
    [
        contender.name(),
        format!("{:.0}", it.wait_s[0]),
        format!("{:.0}", it.wait_s[1]),
        format!("{:.0}", it.wait_s[2]),
        format!("{:.1}", it.instance_h),
        format!("{:.0} %", it.utilisation * 100.0),
        all(it.busy_killed),
        all(it.booting_killed),
        // A polling policy has no events to lose.
        all(it.lost_updates),
        format!("{:.1}", it.rework_h),
        each(it.calls.group_writes),
        each(it.calls.group_reads),
        each(it.calls.ledger),
        each(it.calls.metrics),
        it.to_zero_s.map_or("never".to_owned(), |s| format!("{:.1}", s / 60.0)),
        all(it.unfinished),
    ]
}
