//! A summary of several histories of a policy.

use super::score::{Calls, Score};

/// The minimum, the maximum and the sum over the histories.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Spread {
    /// The minimum.
    pub least: u64,
    /// The maximum.
    pub most: u64,
    /// The sum.
    pub sum: u64,
}

impl Spread {
    fn of(values: impl Iterator<Item = u64> + Clone) -> Self {
        Self {
            least: values.clone().min().unwrap_or(0),
            most: values.clone().max().unwrap_or(0),
            sum: values.sum(),
        }
    }
}

/// The results of a policy over several histories.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// Number of histories.
    pub n_histories: usize,
    /// Queueing time of the runs of all histories, seconds: the median, the 95th and the 99th percentile.
    pub wait_s: [f64; 3],
    /// Mean queueing time, seconds.
    pub mean_wait_s: f64,
    /// Instance-hours per history, on average.
    pub instance_h: f64,
    /// Instances launched per history, on average.
    pub launched: f64,
    /// Hours of useful work per instance-hour.
    pub utilisation: f64,
    /// Busy instances killed.
    pub busy_killed: Spread,
    /// Booting instances killed.
    pub booting_killed: Spread,
    /// Lost updates.
    pub lost_updates: Spread,
    /// Hours of repeated work per history, on average.
    pub rework_h: f64,
    /// Calls in all histories together.
    pub calls: Calls,
    /// From the end of the last run until no instance was live, seconds, on average; `None` if some were live to the
    /// end.
    pub to_zero_s: Option<f64>,
    /// Runs that did not end.
    pub unfinished: Spread,
    /// Runs that were refused their instance, in all histories together.
    pub refused: u64,
    /// Events and ticks that failed and were retried, in all histories together.
    pub failed: u64,
}

impl Summary {
    /// Summarizes the scores of several histories.
    pub fn of(scores: &[Score]) -> Self {
        let n = scores.len().max(1) as u64;
        let sum = |of: fn(&Score) -> u64| scores.iter().map(of).sum::<u64>();
        let spread = |of: fn(&Score) -> u32| Spread::of(scores.iter().map(move |it| u64::from(of(it))));
        let mut waits_us: Vec<u64> = scores.iter().flat_map(|it| it.waits_us.iter().copied()).collect();
        waits_us.sort_unstable();
        let mut calls = Calls::default();
        scores.iter().for_each(|it| calls += it.calls);
        let to_zero_us: Option<Vec<u64>> = scores.iter().map(|it| it.to_zero_us).collect();
        let instance_us = sum(|it| it.instance_us);
        Self {
            n_histories: scores.len(),
            wait_s: [50, 95, 99].map(|percent| seconds(percentile(&waits_us, percent))),
            mean_wait_s: seconds(waits_us.iter().sum::<u64>()) / float(waits_us.len().max(1) as u64),
            instance_h: hours(instance_us) / float(n),
            launched: float(sum(|it| u64::from(it.n_launched))) / float(n),
            utilisation: float(sum(|it| it.work_us)) / float(instance_us.max(1)),
            busy_killed: spread(|it| it.busy_killed),
            booting_killed: spread(|it| it.booting_killed),
            lost_updates: spread(|it| it.lost_updates),
            rework_h: hours(sum(|it| it.rework_us)) / float(n),
            calls,
            to_zero_s: to_zero_us.map(|all| seconds(all.iter().sum::<u64>()) / float(n)),
            unfinished: spread(|it| it.unfinished),
            refused: sum(|it| u64::from(it.refused)),
            failed: sum(|it| u64::from(it.failed)),
        }
    }
}

/// The smallest value that this percentage does not exceed; 0 of none.
fn percentile(sorted: &[u64], percent: usize) -> u64 {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0)
}

#[expect(clippy::cast_precision_loss, reason = "a microsecond in 285 years")]
fn float(n: u64) -> f64 {
    n as f64
}

fn seconds(us: u64) -> f64 {
    float(us) / 1e6
}

fn hours(us: u64) -> f64 {
    float(us) / 3.6e9
}
