//! Checks a group's settings and suggests fixes.

use serde::{Deserialize, Serialize};

use crate::policy::{Policy, RaiseBy, ScaleIn};

/// A group's settings, as far as the controllers depend on them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Its name.
    pub name: String,
    /// The minimum of its desired capacity.
    pub min: u32,
    /// The maximum of its desired capacity.
    pub max: u32,
    /// Its desired capacity.
    pub desired: u32,
    /// Whether new instances are protected from scale-in.
    pub new_instances_protected: bool,
    /// Number of instances in service without that protection.
    pub n_unprotected: u32,
    /// Suspended processes, by AWS's names: `AZRebalance`, …
    pub suspended_processes: Vec<String>,
    /// Attached scaling policies.
    pub scaling_policies: Vec<String>,
    /// Scheduled actions that change its size.
    pub scheduled_actions: Vec<String>,
    /// Its default cooldown, seconds.
    pub default_cooldown_s: u32,
    /// Group metrics that are collected.
    pub enabled_metrics: Vec<String>,
    /// Its Availability Zones.
    pub zones: Vec<String>,
    /// Whether it has a launch template, rather than a launch configuration.
    pub has_launch_template: bool,
    /// Whether it mixes instance types or purchase options.
    pub is_mixed: bool,
    /// Whether it has a warm pool.
    pub has_warm_pool: bool,
    /// Age at which the group replaces an instance, busy or not, seconds.
    pub max_instance_lifetime_s: Option<u32>,
    /// Whether a load balancer's failed health checks replace instances.
    pub has_elb_health_checks: bool,
}

/// The severity of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// A promise is broken sooner or later: an update is lost, or a busy instance is killed.
    Broken,
    /// No promise is broken, but something is worse than it need be.
    Doubtful,
}

/// A problem with the settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The severity.
    pub severity: Severity,
    /// The setting in question.
    pub what: String,
    /// Its consequence.
    pub why: String,
    /// The command that fixes it, when there is one.
    #[serde(alias = "mend")]
    pub fix: Option<String>,
}

/// Every problem with the settings under the policy, the most severe first.
pub fn plan_checkup(policy: &Policy, settings: &Settings) -> Vec<Finding> {
    let mut findings = protection(settings);
    findings.extend(others(settings));
    findings.extend(fit(policy, settings));
    findings.sort_by_key(|finding| finding.severity);
    findings
}

fn finding(severity: Severity, what: String, why: &str, fix: Option<String>) -> Finding {
    Finding { severity, what, why: why.to_owned(), fix }
}

fn update(name: &str, flags: &str) -> Option<String> {
    Some(format!(
        "aws autoscaling update-auto-scaling-group --auto-scaling-group-name {} {flags}",
        quoted(name)
    ))
}

fn quoted(name: &str) -> String {
    let is_plain = name.bytes().all(|it| it.is_ascii_alphanumeric() || matches!(it, b'-' | b'_' | b'.'));
    if is_plain { name.to_owned() } else { format!("'{}'", name.replace('\'', r"'\''")) }
}

/// Settings that let the group itself terminate a busy instance, or keep it from following its desired capacity.
fn protection(settings: &Settings) -> Vec<Finding> {
    let Settings { name, suspended_processes, .. } = settings;
    let is_suspended = |process: &str| suspended_processes.iter().any(|it| it == process);
    let mut findings = Vec::new();
    if !settings.new_instances_protected {
        findings.push(finding(
            Severity::Broken,
            "new instances are not protected from scale-in".to_owned(),
            "between a run's start and its protection, the group may terminate its instance whenever fewer are desired \
             than live",
            update(name, "--new-instances-protected-from-scale-in"),
        ));
    }
    if settings.n_unprotected > 0 {
        findings.push(finding(
            Severity::Broken,
            format!("{} in service without protection", counted(settings.n_unprotected, "instance is", "instances are")),
            "the group may terminate a busy one whenever fewer are desired than live",
            Some(format!(
                "aws autoscaling set-instance-protection --auto-scaling-group-name {} --protected-from-scale-in \
                 --instance-ids …",
                quoted(name)
            )),
        ));
    }
    if settings.zones.len() > 1 && !is_suspended("AZRebalance") {
        findings.push(finding(
            Severity::Broken,
            "AZRebalance is not suspended".to_owned(),
            "to balance its zones, the group replaces instances, busy or not",
            Some(format!(
                "aws autoscaling suspend-processes --auto-scaling-group-name {} --scaling-processes AZRebalance",
                quoted(name)
            )),
        ));
    }
    if let Some(lifetime_s) = settings.max_instance_lifetime_s.filter(|lifetime_s| *lifetime_s > 0) {
        findings.push(finding(
            Severity::Broken,
            format!("instances are replaced after {lifetime_s} s"),
            "scale-in protection does not prevent it",
            update(name, "--max-instance-lifetime 0"),
        ));
    }
    if settings.has_elb_health_checks && !is_suspended("ReplaceUnhealthy") {
        findings.push(finding(
            Severity::Doubtful,
            "a load balancer's health checks replace instances".to_owned(),
            "an instance too busy to answer in time is terminated; scale-in protection does not prevent it",
            update(name, "--health-check-type EC2"),
        ));
    }
    for process in ["Launch", "Terminate"] {
        if is_suspended(process) {
            findings.push(finding(
                Severity::Broken,
                format!("the process {process} is suspended"),
                "the group does not follow its desired capacity",
                Some(format!(
                    "aws autoscaling resume-processes --auto-scaling-group-name {} --scaling-processes {process}",
                    quoted(name)
                )),
            ));
        }
    }
    findings
}

/// Scaling policies and scheduled actions that also change the group's size.
fn others(settings: &Settings) -> Vec<Finding> {
    let name = quoted(&settings.name);
    let policies = settings.scaling_policies.iter().map(|policy| {
        finding(
            Severity::Broken,
            format!("the scaling policy {policy} is attached"),
            "it writes the desired capacity too, and lowers what events have raised",
            Some(format!(
                "aws autoscaling delete-policy --auto-scaling-group-name {name} --policy-name {}",
                quoted(policy)
            )),
        )
    });
    let actions = settings.scheduled_actions.iter().map(|action| {
        finding(
            Severity::Doubtful,
            format!("the scheduled action {action} changes its size"),
            "later ticks undo its change to the desired capacity; let it change only the minimum and the maximum",
            None,
        )
    });
    policies.chain(actions).collect()
}

/// Whether the settings fit the policy.
fn fit(policy: &Policy, settings: &Settings) -> Vec<Finding> {
    let Settings { name, min, max, desired, .. } = settings;
    let mut findings = Vec::new();
    if *max == 0 {
        let fix = update(name, "--max-size N");
        findings.push(finding(
            Severity::Broken,
            "the maximum is 0".to_owned(),
            "no run ever gets an instance",
            fix,
        ));
    }
    if *desired < *min || *desired > *max {
        let what = format!("desired is {desired}, outside of {min} to {max}");
        findings.push(finding(Severity::Doubtful, what, "the bounds have just been changed", None));
    }
    if *min == *max && *max > 0 {
        let what = format!("the minimum is the maximum: {min}");
        findings.push(finding(Severity::Doubtful, what, "there is nothing to control", None));
    }
    let most_standby = policy.standby.steps.last().map_or(0, |step| step.instances);
    if most_standby > *max {
        let what = format!("{most_standby} instances may stand by for sessions, and the maximum is {max}");
        findings.push(finding(Severity::Doubtful, what, "the maximum cuts off the standby curve", None));
    }
    if policy.raise_by == RaiseBy::LaunchInstances {
        let why = "LaunchInstances takes a launch template, one Availability Zone, and one purchase option; \
                   `\"raise_by\": \"set_desired\"` works everywhere";
        let unfit = [
            (!settings.has_launch_template, "the group has no launch template".to_owned()),
            (
                settings.zones.len() > 1,
                format!("the group is in {} Availability Zones", settings.zones.len()),
            ),
            (settings.is_mixed, "the group mixes instance types or purchase options".to_owned()),
        ];
        let unfit = unfit.into_iter().filter(|(is_so, _)| *is_so);
        findings.extend(unfit.map(|(_, what)| finding(Severity::Broken, what, why, None)));
    }
    if settings.has_warm_pool {
        let why = "instances of the pool cannot be terminated by id, and a runner that starts in the pool must wait until \
                   its instance is in service";
        findings.push(finding(Severity::Doubtful, "the group has a warm pool".to_owned(), why, None));
    }
    if policy.scale_in == (ScaleIn::AllIdle {}) && settings.default_cooldown_s > policy.window_s {
        let what = format!(
            "the cooldown is {} s, and the window {} s",
            settings.default_cooldown_s, policy.window_s
        );
        let fix = update(name, &format!("--default-cooldown {}", policy.window_s));
        findings.push(finding(
            Severity::Doubtful,
            what,
            "scale-in of a quiet group still waits for the cooldown to end",
            fix,
        ));
    }
    if settings.enabled_metrics.is_empty() {
        findings.push(finding(
            Severity::Doubtful,
            "the group's own metrics are off".to_owned(),
            "without them there is no record of how many instances were in service; they are free",
            Some(format!(
                "aws autoscaling enable-metrics-collection --auto-scaling-group-name {} --granularity 1Minute",
                quoted(name)
            )),
        ));
    }
    findings
}

fn counted(n: u32, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

#[cfg(test)]
mod tests;
