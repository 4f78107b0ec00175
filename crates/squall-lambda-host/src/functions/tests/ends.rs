//! The ways in which environments end.

use std::time::{Duration, Instant};

use serde_json::json;

use super::play::{config, function, function_in, kill, lives, path_of, play, play_within};
use crate::functions::{LIMITS, Limits};

/// A short wait, to check that nothing happens.
const MOMENT: Duration = Duration::from_millis(50);

#[test]
#[expect(clippy::disallowed_methods, reason = "a deadline is measured")]
fn a_timeout_kills_at_the_deadline_and_the_next_invocation_has_a_new_environment() {
    let mut spec = function("worker");
    spec.timeout = Duration::from_millis(1_500);
    spec.reserved_concurrency = Some(1);
    let log = play(config([spec]), async |play| {
        let first = play.invoke("worker", json!({})).await.fine();
        let (started, pid) = (Instant::now(), first["pid"].as_u64().unwrap());
        let failure = play.invoke("worker", json!({"do": "sleep", "s": 60})).await.failure();
        assert_eq!(failure, "Sandbox.Timedout: RequestId: ID Error: Task timed out after 1.50 seconds");
        assert!(started.elapsed() >= Duration::from_millis(1_500));
        assert!(!lives(pid), "it is still there");
        let next = play.invoke("worker", json!({})).await.fine();
        assert_ne!(next["pid"], pid);
    });
    assert!(log.iter().any(|line| line.ends_with("Task timed out after 1.50 seconds")), "{log:?}");
}

#[test]
fn a_kill_from_outside_fails_only_the_invocation_that_it_hits() {
    play(config([function("worker")]), async |play| {
        let meanwhile = async {
            let hit = play.until_waiting("hit").await;
            play.until_waiting("spared").await;
            kill(hit);
            while lives(hit) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            play.until_states(&["busy"]).await;
            play.release("spared");
        };
        let (hit, spared, ()) = tokio::join!(
            play.invoke("worker", play.waiting("hit")),
            play.invoke("worker", play.waiting("spared")),
            meanwhile,
        );
        let killed = "Runtime.ExitError: RequestId: ID Error: Runtime exited with error: signal: killed";
        assert_eq!(hit.failure(), killed);
        let idle = spared.fine()["pid"].as_u64().unwrap();
        kill(idle);
        play.until_states(&[]).await;
        let next = play.invoke("worker", json!({})).await.fine();
        assert_ne!(next["pid"], idle);
    });
}

#[test]
fn an_invocation_that_no_runtime_took_goes_elsewhere() {
    play(config([function("worker")]), async |play| {
        let first = play.invoke("worker", json!({"do": "hang up"})).await.fine();
        play.until_logged("hung up").await;
        play.until_states(&["idle"]).await;
        let meanwhile = async {
            play.until_states(&["busy"]).await;
            kill(first["pid"].as_u64().unwrap());
        };
        let (second, ()) = tokio::join!(play.invoke("worker", json!({})), meanwhile);
        assert_ne!(second.fine()["pid"], first["pid"]);
    });
}

#[test]
fn a_function_that_fails_or_crashes_answers_again() {
    play(config([function("worker")]), async |play| {
        let first = play.invoke("worker", json!({})).await.fine();
        assert_eq!(play.invoke("worker", json!({"do": "fail"})).await.failure(), "Mine: as told");
        let same = play.invoke("worker", json!({})).await.fine();
        assert_eq!((&same["pid"], &same["seen"]), (&first["pid"], &json!(3)));
        for (event, how) in [
            (json!({"do": "crash"}), "Runtime exited with error: signal: killed"),
            (json!({"do": "exit", "code": 7}), "Runtime exited with error: exit status 7"),
            (json!({"do": "exit", "code": 0}), "Runtime exited without providing a reason"),
        ] {
            let failure = play.invoke("worker", event).await.failure();
            assert_eq!(failure, format!("Runtime.ExitError: RequestId: ID Error: {how}"));
            let next = play.invoke("worker", json!({})).await.fine();
            assert_eq!(next["seen"], 1);
        }
    });
}

#[test]
fn a_function_that_cannot_start_says_why() {
    let mut missing = function("missing");
    missing.bootstrap.set_file_name("nothing-here");
    let functions = [function_in("exit"), function_in("init-error"), missing];
    play(config(functions), async |play| {
        for (name, failure) in [
            ("exit", "Runtime.ExitError: RequestId: ID Error: Runtime exited with error: exit status 3"),
            ("init-error", "Mine: not today"),
        ] {
            assert_eq!(play.invoke(name, json!({})).await.failure(), failure);
        }
        let failure = play.invoke("missing", json!({})).await.failure();
        assert!(
            failure.starts_with("Runtime.InvalidEntrypoint: RequestId: ID Error: fork/exec /"),
            "{failure}"
        );
        assert!(play.environments().await.is_empty());
    });
    let limits = Limits { init: Duration::from_millis(300), ..LIMITS };
    play_within(limits, config([function_in("hang")]), async |play| {
        let failure = play.invoke("hang", json!({})).await.failure();
        assert_eq!(failure, "Sandbox.Timedout: RequestId: ID Error: Init timed out after 0.30 seconds");
        assert!(play.environments().await.is_empty());
    });
}

#[test]
fn work_after_the_response_keeps_the_environment() {
    let mut spec = function("worker");
    spec.reserved_concurrency = Some(1);
    play(config([spec]), async |play| {
        let first = play.invoke("worker", json!({"do": "linger", "for": play.file("go")})).await.fine();
        play.until_logged("lingers").await;
        play.until_states(&["busy"]).await;
        assert_eq!(play.invoke("worker", json!({})).await.status, 429);
        play.release("go");
        play.until_states(&["idle"]).await;
        let next = play.invoke("worker", json!({})).await.fine();
        assert_eq!(next["pid"], first["pid"]);
    });
}

#[test]
fn an_invocation_goes_on_without_its_caller() {
    play(config([function("worker")]), async |play| {
        let impatient = async {
            tokio::select! {
                answer = play.invoke("worker", play.waiting("go")) => panic!("{answer:?}"),
                _ = play.until_waiting("go") => {}
            }
        };
        impatient.await;
        tokio::time::sleep(MOMENT).await;
        play.until_states(&["busy"]).await;
        play.release("go");
        play.until_states(&["idle"]).await;
        assert_eq!(play.invoke("worker", json!({})).await.fine()["seen"], 2);
    });
}

#[test]
fn idle_environments_are_shut_down() {
    let mut config = config([function_in("polite")]);
    config.idle = Duration::from_millis(100);
    let log = play(config, async |play| {
        let pid = play.invoke("polite", json!({})).await.fine()["pid"].as_u64().unwrap();
        play.until_states(&[]).await;
        assert!(!lives(pid));
        let again = play.invoke("polite", json!({})).await.fine();
        assert_eq!(again["seen"], 1);
    });
    assert!(log.iter().any(|line| line == "polite: farewell"), "{log:?}");
}

#[test]
fn an_environment_on_its_way_out_gets_nothing_to_do() {
    let mut config = config([function_in("stubborn")]);
    config.idle = Duration::from_millis(100);
    play(config, async |play| {
        let first = play.invoke("stubborn", json!({})).await.fine();
        play.until_states(&["stopping"]).await;
        let second = play.invoke("stubborn", json!({})).await.fine();
        assert_ne!(second["pid"], first["pid"]);
    });
}

#[test]
fn a_stop_asks_first_and_leaves_nothing() {
    let limits = Limits { shutdown: Duration::from_millis(300), ..LIMITS };
    let functions = [function_in("polite"), function_in("stubborn"), function("plain")];
    let log = play_within(limits, config(functions), async |play| {
        for name in ["polite", "stubborn", "plain"] {
            play.invoke(name, json!({})).await.fine();
        }
        // One is in the middle of an invocation, whose caller has left.
        tokio::select! {
            answer = play.invoke("plain", play.waiting("never")) => panic!("{answer:?}"),
            _ = play.until_waiting("never") => {}
        }
        assert_eq!(play.environments().await.len(), 3);
    });
    assert_eq!(log.iter().filter(|line| line.ends_with("farewell")).count(), 1, "{log:?}");
    assert!(
        log.iter().any(|line| line.ends_with("Runtime exited with error: signal: terminated")),
        "{log:?}"
    );
}

#[test]
fn what_a_function_writes_is_logged_line_by_line() {
    let log = play(config([function("worker"), function("silent")]), async |play| {
        play.invoke("silent", json!({})).await.fine();
        play.invoke("worker", json!({"do": "print"})).await.fine();
        let many = [("x-amz-invocation-type", "RequestResponse")];
        play.send("POST", &path_of("worker"), &many, r#"{"do":"exit","code":1}"#).await.failure();
    });
    let mut written: Vec<_> = log.iter().filter(|line| !line.contains("RequestId")).collect();
    written.sort();
    assert_eq!(written, ["worker: to stderr", "worker: to stdout", "worker: without end"]);
}

#[test]
fn a_starter_becomes_the_function() {
    let mut config = config([function("worker")]);
    config.starter = ["/usr/bin/env", "STARTED=yes"].map(Into::into).into();
    play(config, async |play| {
        let context = play.invoke("worker", json!({"do": "context"})).await.fine();
        assert_eq!(context["env"]["STARTED"], "yes");
        let echo = play.invoke("worker", json!({})).await.fine();
        assert_eq!((&echo["pid"], &echo["seen"]), (&play.environments().await[0]["pid"], &json!(2)));
    });
}

/// Whether a process has ended and nobody has asked how: its parent went before it.
fn is_unasked(pid: u64) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/status")).is_ok_and(|it| it.contains("State:\tZ"))
}

#[test]
fn groups_that_are_killed_leave_nothing_that_works_or_was_started() {
    let mut config = config([function("worker")]);
    let with_a_child = "sleep 600 & echo child $!; exec \"$0\"";
    config.starter = ["/bin/sh", "-c", with_a_child].map(Into::into).into();
    play(config, async |play| {
        let meanwhile = async {
            let busy = play.until_waiting("never").await;
            let line = play.until_logged("child ").await;
            let child = line.rsplit(' ').next().unwrap().parse().unwrap();
            play.groups.kill();
            while lives(busy) || (lives(child) && !is_unasked(child)) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let (killed, ()) = tokio::join!(play.invoke("worker", play.waiting("never")), meanwhile);
        let why = "Runtime.ExitError: RequestId: ID Error: Runtime exited with error: signal: killed";
        assert_eq!(killed.failure(), why);
        play.until_states(&[]).await;
        // It kills nobody whose number comes again.
        play.groups.kill();
    });
}
