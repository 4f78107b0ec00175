//! The controllers' numbers as CloudWatch metrics, with one dimension: `AutoScalingGroupName`.

use aws_sdk_cloudwatch::Client as CloudWatch;
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{
    Dimension, Metric, MetricDataQuery, MetricDatum, MetricStat, StandardUnit, StatusCode,
};
use squall_capacity::ports::{Clock, Metrics, PortError, Series};

use super::failed;
use crate::clock::WallClock;
use crate::connection::{Client, Connection};

/// Largest clock difference, seconds: a value written just now must fall within the window that is read.
const SKEW_S: i64 = 60;
const DAY_S: u32 = 86_400;

/// The metrics' names. All but these two are their series' names in Pascal case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricNames {
    /// The namespace.
    pub namespace: String,
    /// Active sessions.
    pub sessions: String,
    /// Queued and running runs.
    pub runs: String,
}

impl Default for MetricNames {
    fn default() -> Self {
        let [namespace, sessions, runs] = ["Squall/Capacity", "Sessions", "Runs"].map(str::to_owned);
        Self { namespace, sessions, runs }
    }
}

impl MetricNames {
    /// The name of a series.
    pub fn name(&self, series: Series) -> &str {
        match series {
            Series::Sessions => &self.sessions,
            Series::Runs => &self.runs,
            Series::WantedCapacity => "WantedCapacity",
            Series::OverMaximum => "OverMaximum",
            Series::UnderMinimum => "UnderMinimum",
            Series::DesiredCapacity => "DesiredCapacity",
            Series::DecisionLatency => "DecisionLatency",
            Series::MalformedEvents => "MalformedEvents",
            Series::IgnoredEvents => "IgnoredEvents",
            Series::Terminated => "Terminated",
            Series::ClaimsWon => "ClaimsWon",
            Series::BusyKilled => "BusyKilled",
        }
    }
}

/// The metrics of one group.
#[derive(Debug)]
pub struct CloudWatchMetrics {
    client: Client<CloudWatch>,
    group: String,
    names: MetricNames,
}

impl CloudWatchMetrics {
    /// The metrics of a group.
    pub fn new(connection: &Connection, group: impl Into<String>, names: MetricNames) -> Self {
        Self { client: Client::new(connection, CloudWatch::new), group: group.into(), names }
    }

    fn dimension(&self) -> Dimension {
        Dimension::builder().name("AutoScalingGroupName").value(&self.group).build()
    }

    fn datum(&self, series: Series, value: f64) -> MetricDatum {
        let datum = MetricDatum::builder().metric_name(self.names.name(series)).dimensions(self.dimension());
        datum.unit(unit(series)).value(value).build()
    }

    fn query(&self, series: Series, period_s: i32) -> MetricDataQuery {
        let metric = Metric::builder().namespace(&self.names.namespace).dimensions(self.dimension());
        let metric = metric.metric_name(self.names.name(series)).build();
        let stat = MetricStat::builder().metric(metric).period(period_s).stat("Maximum").build();
        MetricDataQuery::builder().id("most").metric_stat(stat).build()
    }
}

impl Metrics for CloudWatchMetrics {
    async fn put(&self, values: &[(Series, f64)]) -> Result<(), PortError> {
        if values.is_empty() {
            return Ok(());
        }
        let request = self.client.get().await.put_metric_data().namespace(&self.names.namespace);
        let data = values.iter().map(|(series, value)| self.datum(*series, *value)).collect();
        let sent = request.set_metric_data(Some(data)).send().await;
        sent.map(drop).map_err(|error| {
            let what = format!("write metrics of group {}", self.group);
            failed(self.client.connection(), what, format!("namespace {}", self.names.namespace), error)
        })
    }

    async fn maximum(&self, series: Series, window_s: u32) -> Result<Option<f64>, PortError> {
        let name = self.names.name(series);
        let what = || format!("read metric {name} of group {}", self.group);
        let now_s = i64::try_from(Clock::now_us(&WallClock) / 1_000_000).unwrap_or(i64::MAX);
        let (start, end) = (now_s.saturating_sub(window_s.into()), now_s.saturating_add(SKEW_S));
        let mut most: Option<f64> = None;
        let mut from = None;
        loop {
            let request = self.client.get().await.get_metric_data();
            let page = request
                .metric_data_queries(self.query(series, period_s(window_s)))
                .start_time(DateTime::from_secs(start))
                .end_time(DateTime::from_secs(end))
                .set_next_token(from)
                .send()
                .await
                .map_err(|error| failed(self.client.connection(), what(), format!("metric {name}"), error))?;
            for result in page.metric_data_results() {
                if result.status_code() == Some(&StatusCode::InternalError) {
                    return Err(PortError::unknown(format!("cannot {}: CloudWatch failed", what())));
                }
                most = result.values().iter().copied().chain(most).reduce(f64::max);
            }
            from = page.next_token;
            if from.is_none() {
                return Ok(most);
            }
        }
    }
}

fn unit(series: Series) -> StandardUnit {
    match series {
        Series::DecisionLatency => StandardUnit::Milliseconds,
        _ => StandardUnit::Count,
    }
}

/// The finest period that CloudWatch keeps for that long, seconds: 1 minute for 15 days, 5 minutes for 63, 1 hour for 455
/// (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricStat.html>).
fn period_s(window_s: u32) -> i32 {
    match window_s / DAY_S {
        0..15 => 60,
        15..63 => 300,
        _ => 3_600,
    }
}

#[cfg(test)]
mod tests;
