//! Asynchronous events.

use std::time::Duration;

use serde_json::json;

use super::play::{config, function, play};

#[test]
fn an_event_is_tried_until_it_succeeds_or_no_retry_is_left() {
    let mut config = config([function("worker")]);
    config.async_retry_base = Duration::from_millis(20);
    let log = play(config, async |play| {
        let attempts = |name: &str| std::fs::read_to_string(play.file(name)).unwrap_or_default();
        for (name, until) in [("third", 3), ("fourth", 4)] {
            let event = json!({"do": "fail", "attempts": play.file(name), "until": until});
            assert_eq!(play.leave("worker", event).await, 202);
        }
        play.until_logged("the event was dropped: no retry is left").await;
        while attempts("third").lines().count() < 3 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        for name in ["third", "fourth"] {
            let attempts = attempts(name);
            let ids: Vec<&str> = attempts.lines().collect();
            assert_eq!(ids, [ids[0]; 3], "an event keeps its request id");
        }
    });
    assert_eq!(log.iter().filter(|line| line.contains("dropped")).count(), 1, "{log:?}");
}

#[test]
fn a_throttled_event_waits_for_its_turn() {
    let mut spec = function("worker");
    spec.reserved_concurrency = Some(1);
    let mut off = function("off");
    off.reserved_concurrency = Some(0);
    let mut config = config([spec, off]);
    config.async_retry_base = Duration::from_millis(600);
    play(config, async |play| {
        let meanwhile = async {
            play.until_waiting("go").await;
            play.release("turn");
            assert_eq!(play.leave("worker", play.waiting("turn")).await, 202);
            assert_eq!(play.leave("off", json!({})).await, 202);
            play.until_logged("off: RequestId: ").await;
            play.until_logged("the event was dropped: the function's reserved concurrency is 0").await;
            play.release("go");
            play.until_waiting("turn").await;
        };
        let (held, ()) = tokio::join!(play.invoke("worker", play.waiting("go")), meanwhile);
        held.fine();
        play.until_states(&["idle"]).await;
        assert_eq!(play.environments().await[0]["invocations"], 2);
    });
}
