use super::*;

#[test]
fn only_the_activity_metrics_have_configurable_names() {
    let names = MetricNames {
        namespace: "Risk".to_owned(),
        sessions: "ActiveSessions".to_owned(),
        runs: "ModelRuns".to_owned(),
    };
    assert_eq!(names.name(Series::Sessions), "ActiveSessions");
    assert_eq!(names.name(Series::Runs), "ModelRuns");
    let others = [
        Series::WantedCapacity,
        Series::OverMaximum,
        Series::UnderMinimum,
        Series::DesiredCapacity,
        Series::DecisionLatency,
        Series::MalformedEvents,
        Series::Terminated,
        Series::ClaimsWon,
        Series::BusyKilled,
    ];
    for series in others {
        assert_eq!(names.name(series), format!("{series:?}"));
    }
}

#[test]
fn a_window_is_asked_for_in_the_finest_periods_that_are_kept_so_long() {
    let days = |n| period_s(n * DAY_S);
    assert_eq!(
        [period_s(60), days(14), days(15), days(62), days(63), days(365)],
        [60, 60, 300, 300, 3_600, 3_600]
    );
}
