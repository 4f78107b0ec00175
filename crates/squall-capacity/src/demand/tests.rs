//! Demand of sessions and runs.

use expect_test::expect;
use proptest::prelude::*;

use super::*;

fn policy(more: &str) -> Policy {
    let text = format!(
        r#"{{"runs_per_instance": 4, "headroom": 2, "scale_in": {{"mode": "all_idle"}}, "standby": {{"floor": 1, "decay_s": 600,
            "steps": [{{"sessions": 1, "instances": 1}}, {{"sessions": 20, "instances": 3}}]}}{more}}}"#
    );
    Policy::from_json(&text).unwrap()
}

#[test]
fn runs_need_instances_and_headroom_and_sessions_need_standby() {
    let situations = [
        ("nothing", 0, 0, 0, 0),
        ("one run", 0, 1, 0, 0),
        ("a full instance", 0, 4, 0, 0),
        ("one more", 0, 5, 0, 0),
        ("as many runs as there can be", 0, u32::MAX, 0, 0),
        ("a session", 1, 0, 100, 0),
        ("many sessions", 20, 0, 100, 0),
        ("many sessions and a few runs", 20, 3, 100, 0),
        ("many sessions and many runs", 20, 16, 100, 0),
        ("sessions just before they decay", 20, 0, 100, 1),
        ("sessions that decayed", 20, 0, 100, 0),
        ("sessions that decayed, and a run", 20, 1, 0, 0),
        ("sessions with a recent run", 20, 0, 0, 100),
        ("sessions without a recorded time", 20, 0, 0, 0),
    ];
    let mut table = String::new();
    for (what, n_sessions, n_runs, session_came_us, run_seen_us) in situations {
        let now_us = if what.contains("decayed") { us(600) + 100 } else { us(600) + 99 };
        let levels = Levels { session_came_us, run_seen_us, ..Levels::default() };
        let it = demand_of(&policy(""), &levels, n_sessions, n_runs, now_us);
        let decayed = if it.is_decayed { ", decayed" } else { "" };
        table.push_str(&format!(
            "{what}: {} for {n_runs} runs, {} for {n_sessions} sessions{decayed}: {}\n",
            it.for_runs,
            it.standby,
            it.wanted()
        ));
    }
    expect![[r#"
        nothing: 0 for 0 runs, 0 for 0 sessions: 0
        one run: 3 for 1 runs, 0 for 0 sessions: 3
        a full instance: 3 for 4 runs, 0 for 0 sessions: 3
        one more: 4 for 5 runs, 0 for 0 sessions: 4
        as many runs as there can be: 1073741826 for 4294967295 runs, 0 for 0 sessions: 1073741826
        a session: 0 for 0 runs, 1 for 1 sessions: 1
        many sessions: 0 for 0 runs, 3 for 20 sessions: 3
        many sessions and a few runs: 3 for 3 runs, 3 for 20 sessions: 3
        many sessions and many runs: 6 for 16 runs, 3 for 20 sessions: 6
        sessions just before they decay: 0 for 0 runs, 3 for 20 sessions: 3
        sessions that decayed: 0 for 0 runs, 1 for 20 sessions, decayed: 1
        sessions that decayed, and a run: 3 for 1 runs, 3 for 20 sessions: 3
        sessions with a recent run: 0 for 0 runs, 3 for 20 sessions: 3
        sessions without a recorded time: 0 for 0 runs, 3 for 20 sessions: 3
    "#]]
    .assert_eq(&table);
}

proptest! {
    #[test]
    fn all_runs_fit_on_what_is_wanted_and_more_never_want_less(n_sessions in 0_u32..50, n_runs in 0_u32..1_000, more in 0_u32..100, now_us in any::<u64>()) {
        let policy = policy("");
        let levels = Levels { session_came_us: 1, ..Levels::default() };
        let it = demand_of(&policy, &levels, n_sessions, n_runs, now_us);
        prop_assert!(it.wanted() * 4 >= n_runs);
        prop_assert!(it.wanted() <= demand_of(&policy, &levels, n_sessions, n_runs + more, now_us).wanted() || n_runs == 0);
        prop_assert!(it.wanted() <= demand_of(&policy, &levels, n_sessions + more, n_runs, now_us).wanted());
        prop_assert_eq!(it.wanted() == 0, n_sessions == 0 && n_runs == 0);
    }
}
