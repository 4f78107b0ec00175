//! Scripted workers, and the invariants of a cascade over them, checked as it runs.

use std::collections::{BTreeMap, BTreeSet};

use super::super::*;

/// The fate of an invocation: its duration and its outcome; `None` hangs forever.
pub(super) type Fate = Option<(u64, Outcome)>;

/// One subtask as an observer sees it.
#[derive(Debug, Clone, Default)]
struct Seen {
    n_starts: u32,
    n_broken: u32,
    n_flying: u32,
    n_hedges: u32,
    answered: bool,
    hopeless: bool,
    /// Must not be started again before this.
    rests_until_us: u64,
    n_throttles: u32,
}

/// A run of a cascade.
pub(super) struct Pool<'a> {
    policy: CascadePolicy,
    cascade: Cascade,
    fate: &'a mut dyn FnMut(Call, u64) -> Fate,
    now_us: u64,
    deadline_us: u64,
    /// Replies to come, including those of abandoned calls.
    coming: BTreeMap<(u64, u32), (Call, Outcome)>,
    flying: BTreeMap<u32, (Call, u64, Start)>,
    abandoned: BTreeSet<u32>,
    seen: Vec<Seen>,
    expected: Counts,
    n_answers: usize,
    /// One line per event.
    pub(super) log: Vec<String>,
}

/// The outcome of a run.
pub(super) struct Run {
    pub(super) log: Vec<String>,
    pub(super) ended_us: u64,
    pub(super) counts: Counts,
    pub(super) n_answered: usize,
    pub(super) failures: Vec<(u32, u32, String)>,
}

/// Runs `n_subtasks` to the end and checks the invariants.
pub(super) fn run(
    policy: CascadePolicy,
    n_subtasks: u32,
    deadline_us: u64,
    fate: &mut dyn FnMut(Call, u64) -> Fate,
) -> Run {
    let pool = Pool {
        policy,
        cascade: Cascade::new(policy, n_subtasks, 7),
        fate,
        now_us: 0,
        deadline_us,
        coming: BTreeMap::new(),
        flying: BTreeMap::new(),
        abandoned: BTreeSet::new(),
        seen: vec![Seen::default(); n_subtasks as usize],
        expected: Counts::default(),
        n_answers: 0,
        log: Vec::new(),
    };
    pool.run()
}

impl Pool<'_> {
    fn run(mut self) -> Run {
        /// More steps than the longest correct run takes: a cascade that needs more is spinning.
        const MOST_STEPS: usize = 400_000;
        for _ in 0..MOST_STEPS {
            let next = self.cascade.next(self.now_us, Deadline::Consumer(self.deadline_us));
            match next {
                Next::Start(call, why) => self.start(call, why),
                Next::Abandon(call) => self.abandon(call),
                Next::Wait { until_us } => self.wait(until_us),
                Next::Finished => return self.finish(),
            }
        }
        panic!("the cascade never finishes:\n{}", self.log[self.log.len() - 30..].join("\n"));
    }

    fn say(&mut self, what: &str) {
        self.log.push(format!("{:>7.1} ms  {what}", self.now_us as f64 / 1e3));
    }

    fn start(&mut self, call: Call, why: Start) {
        self.say(&format!(
            "start #{} of subtask {} on stripe {}: {why:?}",
            call.id, call.subtask, call.stripe
        ));
        let limit = self.cascade.pace.limit().min(self.policy.max_concurrency.max(1) as usize);
        assert!(self.flying.len() < limit, "more in flight than {limit}");
        assert!(call.stripe < self.policy.n_stripes.max(1));
        let n_subtasks = self.seen.len();
        let seen = &mut self.seen[call.subtask as usize];
        assert!(!seen.answered && !seen.hopeless, "started though its outcome is known");
        assert!(self.now_us >= seen.rests_until_us, "started before its back-off is over");
        match why {
            Start::Turn => assert_eq!((seen.n_flying, seen.n_broken), (0, 0)),
            Start::Retry => {
                assert_eq!(seen.n_flying, 0);
                assert!(seen.n_broken > 0);
                self.expected.retries += 1;
            }
            Start::Hedge => {
                assert_eq!((seen.n_flying, seen.n_hedges), (1, 0), "one second copy, of one that runs");
                let first = self.flying.values().find(|(it, ..)| it.subtask == call.subtask);
                assert!(self.now_us >= first.unwrap().1 + self.policy.hedge_after_us, "hedged too early");
                assert!(
                    self.n_answers * 2 >= n_subtasks,
                    "hedged before half of the answers tell what is slow"
                );
                seen.n_hedges += 1;
                self.expected.hedges += 1;
                let budget = self.policy.duplicate_budget * self.seen.len() as f64;
                let budget = if budget > 0.0 { budget.max(1.0) } else { 0.0 };
                assert!(self.expected.hedges as f64 <= budget, "over the duplicate budget");
            }
        }
        let seen = &mut self.seen[call.subtask as usize];
        seen.n_starts += 1;
        seen.n_flying += 1;
        self.flying.insert(call.id, (call, self.now_us, why));
        if let Some((took_us, outcome)) = (self.fate)(call, self.now_us) {
            self.coming.insert((self.now_us + took_us, call.id), (call, outcome));
        }
    }

    fn abandon(&mut self, call: Call) {
        self.say(&format!("abandon #{}", call.id));
        let (_, started_us, _) = self.flying[&call.id];
        assert!(self.now_us >= started_us + self.policy.attempt_timeout_us, "abandoned too early");
        self.abandoned.insert(call.id);
        self.settle(call, Outcome::TimedOut("no reply".to_owned()));
    }

    fn wait(&mut self, until_us: Option<u64>) {
        let reply_us = self.coming.first_key_value().map(|(&(due_us, _), _)| due_us);
        match until_us {
            Some(until_us) => assert!(until_us > self.now_us, "waits for the past: a busy loop"),
            None => assert!(!self.flying.is_empty(), "waits for nothing: for ever"),
        }
        let to_us = [until_us, reply_us].into_iter().flatten().min();
        self.now_us = self.now_us.max(to_us.expect("nothing will ever happen"));
        if reply_us.is_some_and(|due_us| due_us <= self.now_us) {
            let (_, (call, outcome)) = self.coming.pop_first().unwrap();
            self.reply(call, outcome);
        }
    }

    fn reply(&mut self, call: Call, outcome: Outcome) {
        if self.abandoned.contains(&call.id) {
            self.say(&format!("#{} is late", call.id));
            assert!(!self.cascade.wants(call), "wants what it gave up");
            let before = format!("{:?}", self.cascade);
            self.cascade.settle(self.now_us, call, outcome);
            assert_eq!(format!("{:?}", self.cascade), before, "a late answer changed something");
        } else {
            self.settle(call, outcome);
        }
    }

    fn settle(&mut self, call: Call, outcome: Outcome) {
        if !self.abandoned.contains(&call.id) {
            self.say(&format!("#{}: {outcome:?}", call.id));
        }
        let known = |seen: &Seen| seen.answered || seen.hopeless;
        let wanted = self.cascade.wants(call);
        assert_eq!(wanted, !known(&self.seen[call.subtask as usize]), "the first outcome is the one to use");
        let (_, started_us, why) = self.flying.remove(&call.id).unwrap();
        let limit_before = self.cascade.pace.limit();
        let throttled = matches!(outcome, Outcome::Throttled(_));
        self.cascade.settle(self.now_us, call, outcome.clone());
        assert!(!self.cascade.wants(call), "wants an answer twice");
        assert!(throttled || self.cascade.pace.limit() >= limit_before, "only a refusal slows down");
        let seen = &mut self.seen[call.subtask as usize];
        seen.n_flying -= 1;
        let ran = !throttled && !matches!(outcome, Outcome::NotRun(_) | Outcome::Impossible(_));
        self.expected.accepted += u64::from(ran);
        if let Outcome::Throttled(throttle) = outcome {
            self.expected.throttles.count(throttle.reason);
        }
        // A throttled invocation does not count as an attempt.
        self.expected.retries -= u64::from(throttled && why == Start::Retry);
        if throttled && why == Start::Hedge {
            // It may have its copy later.
            self.expected.hedges -= 1;
            seen.n_hedges -= 1;
        }
        if ran {
            let took_us = (self.now_us - started_us).div_ceil(1_000) * 1_000;
            self.expected.accepted_us += took_us;
            match outcome {
                Outcome::Answered if wanted => {}
                Outcome::Answered => self.expected.surplus_us += took_us,
                _ => self.expected.lost_us += took_us,
            }
        }
        let half = |n_times: u32| {
            let doubled = self.policy.backoff_us << (n_times - 1).min(20);
            self.now_us + doubled.min(self.policy.max_backoff_us) / 2
        };
        self.n_answers += usize::from(matches!(outcome, Outcome::Answered));
        match outcome {
            Outcome::Answered => seen.answered |= wanted,
            Outcome::Hopeless(_) | Outcome::TooLarge(_) | Outcome::Useless(_) | Outcome::Impossible(_) => {
                seen.n_broken += 1;
                seen.hopeless |= wanted;
            }
            Outcome::Failed(_) | Outcome::TimedOut(_) | Outcome::NotRun(_) => {
                seen.n_broken += 1;
                if seen.n_flying == 0 {
                    seen.rests_until_us = half(seen.n_broken);
                    // Given up for good.
                    seen.hopeless |= wanted && seen.n_broken >= self.policy.max_attempts;
                }
            }
            Outcome::Throttled(throttle) if seen.n_flying == 0 => {
                seen.n_throttles += 1;
                seen.rests_until_us = half(seen.n_throttles).max(self.now_us + throttle.retry_after_us);
                // Its first copy has failed, and was the last attempt.
                seen.hopeless |= wanted && seen.n_broken >= self.policy.max_attempts.max(1);
            }
            Outcome::Throttled(_) => {}
        }
    }

    fn finish(self) -> Run {
        let failures: Vec<(u32, u32, String)> =
            self.cascade.failures().map(|(subtask, n, reason, _)| (subtask, n, reason.to_owned())).collect();
        let stop_us = self.deadline_us.saturating_sub(self.policy.guard_us);
        assert!(self.now_us <= stop_us, "the guard is not kept");
        let gave_up = self.now_us >= stop_us;
        for (subtask, seen) in (0..).zip(&self.seen) {
            let failed = failures.iter().find(|(it, ..)| *it == subtask);
            assert_ne!(seen.answered, failed.is_some(), "subtask {subtask} is answered or failed");
            let most = self.policy.max_attempts.max(1) + seen.n_hedges;
            assert!(seen.n_broken <= most, "{} attempts at subtask {subtask}", seen.n_broken);
            assert_eq!(failed.map_or(seen.n_broken, |(_, n, _)| *n), seen.n_broken);
            assert!(failed.is_none() || seen.hopeless || gave_up, "given up too early");
        }
        let counts = self.cascade.counts(self.now_us);
        let n_flying = self.flying.len() as u64;
        assert_eq!(counts.accepted, self.expected.accepted + n_flying);
        assert_eq!(counts.unfinished, n_flying);
        let running_us: u64 = self.flying.values().map(|(_, started_us, _)| self.now_us - started_us).sum();
        assert!(counts.accepted_us >= self.expected.accepted_us + running_us, "what runs on is billed too");
        assert!(counts.lost_us + counts.surplus_us <= counts.accepted_us);
        if n_flying == 0 {
            assert_eq!(counts, self.expected);
        }
        Run {
            n_answered: self.seen.iter().filter(|seen| seen.answered).count(),
            ended_us: self.now_us,
            counts,
            log: self.log,
            failures,
        }
    }
}
