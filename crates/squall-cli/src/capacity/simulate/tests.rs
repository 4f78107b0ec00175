use std::sync::Arc;

use squall_sim::fleet::simulate::{Calls, Contender, Plain, Sample, Score, Summary, ZeroIdle};

use super::{Compared, contenders, svg, table, trace};

fn compared() -> Compared {
    let sample = |at_us, capacity, demand| Sample { at_us, capacity, demand };
    let score = Score {
        waits_us: vec![100_000_000, 90_000_000],
        instance_us: 7_200_000_000,
        work_us: 3_600_000_000,
        calls: Calls { group_writes: 3, group_reads: 70, ledger: 200, metrics: 90 },
        to_zero_us: Some(90_000_000),
        samples: vec![sample(0, 0, 2), sample(100_000_000, 2, 2), sample(4_000_000_000, 0, 0)],
        ..Score::default()
    };
    let never = Score { to_zero_us: None, unfinished: 1, busy_killed: 2, ..score.clone() };
    let row = |contender: Arc<dyn Contender>, score: Score| {
        (contender, Summary::of(std::slice::from_ref(&score)), vec![score])
    };
    let rows = vec![row(Arc::new(ZeroIdle), score), row(Arc::new(Plain { window_s: 600 }), never)];
    Compared { name: "a < b".to_owned(), n_runs: 2, n_skipped: 3, span_us: 4_000_000_000, rows }
}

#[test]
fn the_table_has_a_line_per_policy_and_says_what_its_columns_are() {
    let text = table::answer(&compared());
    let lines: Vec<_> = text.lines().take(5).collect();
    expect_test::expect![[r#"
        a < b: 2 runs, 1 seeds, 3 entries without times left out

        policy                p50  p95  p99  inst-h   use  busy  boot  lost  redone  writes  reads  ledger  metric   to 0  open
        zero-idle bound        90  100  100     2.0  50 %     0     0     0     0.0       3     70     200      90    1.5     0
        plain all-idle 600 s   90  100  100     2.0  50 %     2     0     0     0.0       3     70     200      90  never     1"#]].assert_eq(&lines.join("\n"));
    assert!(text.contains("instance-hours"));
}

#[test]
fn the_drawing_has_a_panel_per_policy_and_escapes_names() {
    let text = svg::drawing(4, &[compared()]);
    assert!(text.starts_with("<svg ") && text.ends_with("</svg>\n"));
    assert_eq!(text.matches("instances</text>").count(), 2);
    assert!(text.contains("a &lt; b") && !text.contains("a < b"));
}

#[test]
fn a_policys_file_is_tried_first_and_what_cannot_be_simulated_is_said() {
    let path = std::env::temp_dir().join(format!("squall-policy-{}.json", std::process::id()));
    let try_out = |text: &str| {
        std::fs::write(&path, text).unwrap();
        contenders(Some(&path)).map(|all| all[0].name()).map_err(|error| format!("{error:#}"))
    };
    let fit = r#"{"runs_per_instance": 1, "scale_in": {"mode": "by_instance", "idle_s": 120}}"#;
    assert_eq!(try_out(fit), Ok(format!("ours, {}", path.display())));
    let two = try_out(&fit.replace("_instance\": 1", "_instance\": 2")).unwrap_err();
    assert!(two.ends_with("runs_per_instance: 2, expected 1: the model simulates no other"), "{two}");
    let typo = try_out(&fit.replace("idle_s", "idle")).unwrap_err();
    assert!(typo.contains("idle"), "{typo}");
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn a_short_trace_that_would_take_years_is_refused_with_its_line_and_the_bound() {
    let path = std::env::temp_dir().join(format!("squall-trace-{}.csv", std::process::id()));
    let read = |rows: &str, max| {
        std::fs::write(&path, format!("submit_s,duration_s\n{rows}")).unwrap();
        trace(&path, false, max).map(drop).map_err(|error| error.to_string())
    };
    let far = read("0,60\n10000000000,60\n", 40).unwrap_err();
    let expected = "line 3, column submit_s: 115740 days after the first run; at most 100 days are simulated: pass a part of the trace";
    assert!(far.ends_with(expected), "{far}");
    let long = read("0,31536000\n", 40).unwrap_err();
    assert!(long.contains("line 2, column duration_s: 31536000; expected at most 8640000 seconds"), "{long}");
    let much = read(&"0,8000000\n".repeat(3), 2).unwrap_err();
    let expected = ": its runs take 138 days on 2 instances; less than 100 days are simulated: pass a part of the trace, or a larger --max";
    assert!(much.ends_with(expected), "{much}");
    assert_eq!(read(&"0,8000000\n".repeat(3), 3), Ok(()));
    std::fs::remove_file(&path).unwrap();
}
