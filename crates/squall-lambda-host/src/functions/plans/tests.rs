use expect_test::expect;

use super::*;

#[test]
fn who_may_run() {
    let mut table = String::new();
    for (in_flight, reserved, unreserved_in_flight, idle) in [
        (0, None, 0, false),
        (1, None, 1, true),
        (0, None, 9, false),
        (0, None, 10, true),
        (10, None, 10, false),
        (0, Some(2), 0, false),
        (1, Some(2), 10, true),
        (2, Some(2), 0, true),
        (3, Some(2), 0, false),
        (0, Some(0), 0, false),
    ] {
        let seen = Seen { in_flight, reserved, unreserved_in_flight, unreserved: 10, idle };
        let plan = plan_invocation(&seen);
        let reserved = reserved.map_or("-".to_owned(), |it| it.to_string());
        table.push_str(&format!(
            "{in_flight:>2} of {reserved}, shared {unreserved_in_flight:>2} of 10, idle {idle:<5}: {plan:?}\n"
        ));
    }
    expect![[r#"
         0 of -, shared  0 of 10, idle false: Cold
         1 of -, shared  1 of 10, idle true : Warm
         0 of -, shared  9 of 10, idle false: Cold
         0 of -, shared 10 of 10, idle true : Throttle(Account)
        10 of -, shared 10 of 10, idle false: Throttle(Account)
         0 of 2, shared  0 of 10, idle false: Cold
         1 of 2, shared 10 of 10, idle true : Warm
         2 of 2, shared  0 of 10, idle true : Throttle(Reserved)
         3 of 2, shared  0 of 10, idle false: Throttle(Reserved)
         0 of 0, shared  0 of 10, idle false: Throttle(Reserved)
    "#]]
    .assert_eq(&table);
}

#[test]
fn what_becomes_of_an_event() {
    let minute = Duration::from_secs(60);
    let policy = EventPolicy { retries: 2, base: minute };
    let mut table = String::new();
    for (last, n_failed, n_throttled, age) in [
        (Attempt::Failed, 1, 0, 0),
        (Attempt::Failed, 2, 0, 60),
        (Attempt::Failed, 3, 0, 180),
        (Attempt::Failed, 1, 7, 300),
        (Attempt::Throttled, 0, 1, 0),
        (Attempt::Throttled, 0, 2, 1),
        (Attempt::Throttled, 2, 5, 15),
        (Attempt::Throttled, 0, 9, 255),
        (Attempt::Throttled, 0, 10, 511),
        (Attempt::Throttled, 0, 70, 21_300),
        (Attempt::Throttled, 0, 71, 21_301),
        (Attempt::SwitchedOff, 0, 0, 0),
    ] {
        let seen = EventSeen { last, n_failed, n_throttled, age: Duration::from_secs(age) };
        let plan = plan_event(&policy, &seen);
        table.push_str(&format!("{last:?}, {n_failed} failed, {n_throttled} throttled, {age} s: {plan:?}\n"));
    }
    expect![[r#"
        Failed, 1 failed, 0 throttled, 0 s: Again { after: 60s }
        Failed, 2 failed, 0 throttled, 60 s: Again { after: 120s }
        Failed, 3 failed, 0 throttled, 180 s: Drop { reason: "no retry is left" }
        Failed, 1 failed, 7 throttled, 300 s: Again { after: 60s }
        Throttled, 0 failed, 1 throttled, 0 s: Again { after: 1s }
        Throttled, 0 failed, 2 throttled, 1 s: Again { after: 2s }
        Throttled, 2 failed, 5 throttled, 15 s: Again { after: 16s }
        Throttled, 0 failed, 9 throttled, 255 s: Again { after: 256s }
        Throttled, 0 failed, 10 throttled, 511 s: Again { after: 300s }
        Throttled, 0 failed, 70 throttled, 21300 s: Again { after: 300s }
        Throttled, 0 failed, 71 throttled, 21301 s: Drop { reason: "it was throttled for too long" }
        SwitchedOff, 0 failed, 0 throttled, 0 s: Drop { reason: "the function's reserved concurrency is 0" }
    "#]]
    .assert_eq(&table);
    let none = EventPolicy { retries: 0, base: minute };
    let seen = EventSeen { last: Attempt::Failed, n_failed: 1, n_throttled: 0, age: Duration::ZERO };
    assert_eq!(plan_event(&none, &seen), EventPlan::Drop { reason: "no retry is left" });
}
