//! How many invocations may be in flight, and on which stripe: additive increase, multiplicative decrease.

use super::CascadePolicy;

/// Why an invocation was refused, from the `Reason` of Lambda's 429
/// (<https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html>).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThrottleReason {
    /// This function scales no faster, or has used up its reserved concurrency: another stripe may accept.
    Function,
    /// The account's concurrency is used up: fewer in flight, on any stripe.
    Concurrency,
    /// Too many calls per second: slow down a little.
    CallRate,
}

/// Refusals by reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Throttles {
    /// By the function itself.
    pub function: u64,
    /// By the account's concurrency.
    pub concurrency: u64,
    /// By the rate of calls.
    pub call_rate: u64,
}

impl Throttles {
    /// Counts one refusal.
    pub fn count(&mut self, reason: ThrottleReason) {
        match reason {
            ThrottleReason::Function => self.function += 1,
            ThrottleReason::Concurrency => self.concurrency += 1,
            ThrottleReason::CallRate => self.call_rate += 1,
        }
    }

    /// Refusals for any reason.
    pub fn total(&self) -> u64 {
        self.function + self.concurrency + self.call_rate
    }
}

/// A refusal.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Throttle {
    /// Why.
    pub reason: ThrottleReason,
    /// How long to wait, as the service asks; 0 if it says nothing. Microseconds.
    pub retry_after_us: u64,
}

impl From<ThrottleReason> for Throttle {
    fn from(reason: ThrottleReason) -> Self {
        Self { reason, retry_after_us: 0 }
    }
}

impl std::fmt::Debug for Throttle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.retry_after_us {
            0 => write!(f, "{:?}", self.reason),
            us => write!(f, "{:?}, again after {} ms", self.reason, us / 1_000),
        }
    }
}

impl Throttle {
    /// How long to wait: what the service asks for, as far as that is sensible.
    pub(super) fn rest_us(self) -> u64 {
        self.retry_after_us.min(LONGEST_REST_US)
    }
}

/// No service may hold a task up for longer by one answer, microseconds.
const LONGEST_REST_US: u64 = 10_000_000;

/// A refused stripe is left alone this long, microseconds: Lambda adds environments continuously, about one every 10 ms
/// per function.
pub(super) const STRIPE_REST_US: u64 = 100_000;

/// The limit on invocations in flight, and the resting stripes.
#[derive(Debug, Clone)]
pub struct Pace {
    limit: f64,
    max: f64,
    lowered_at_us: u64,
    rest_until_us: Vec<u64>,
}

impl Pace {
    /// The initial pace of a policy.
    pub fn new(policy: &CascadePolicy) -> Self {
        let max = f64::from(policy.max_concurrency.max(1));
        Self {
            limit: f64::from(policy.initial_concurrency.max(1)).min(max),
            max,
            lowered_at_us: 0,
            rest_until_us: vec![0; policy.n_stripes.max(1) as usize],
        }
    }

    /// How many invocations may be in flight now; at least one.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and a u32")]
    pub fn limit(&self) -> usize {
        self.limit as usize
    }

    /// The stripe for call number `call_id`, or when the first of the resting ones is free again, microseconds.
    ///
    /// # Errors
    /// That time, while all are resting.
    pub fn stripe(&self, now_us: u64, call_id: u32) -> Result<u32, u64> {
        let n_stripes = u32::try_from(self.rest_until_us.len()).unwrap_or(u32::MAX);
        (0..n_stripes)
            .map(|offset| call_id.wrapping_add(offset) % n_stripes)
            .find(|&stripe| self.rest_until_us[stripe as usize] <= now_us)
            .ok_or_else(|| self.rest_until_us.iter().copied().min().unwrap_or(now_us))
    }

    /// One more in flight for every answer until the limit is lowered for the first time, which doubles them every round;
    /// from then on one more for every `limit` answers.
    pub fn on_success(&mut self) {
        let more = if self.lowered_at_us == 0 { 1.0 } else { 1.0 / self.limit };
        self.limit = (self.limit + more).min(self.max);
    }

    /// Slows down, or moves to another stripe. A burst of refusals of calls that started before the limit was last
    /// lowered counts as one refusal.
    pub fn on_throttle(&mut self, now_us: u64, started_us: u64, stripe: u32, throttle: Throttle) {
        let keep = match throttle.reason {
            ThrottleReason::Function => {
                let all_rested_before = self.stripe(now_us, stripe).is_err();
                if let Some(rest_until_us) = self.rest_until_us.get_mut(stripe as usize) {
                    let until_us = now_us.saturating_add(throttle.rest_us().max(STRIPE_REST_US));
                    *rest_until_us = until_us.max(*rest_until_us);
                }
                if all_rested_before || self.stripe(now_us, stripe).is_err() { 0.5 } else { 1.0 }
            }
            ThrottleReason::Concurrency => 0.5,
            ThrottleReason::CallRate => 0.8,
        };
        // What refuses for the account refuses every stripe.
        if throttle.reason != ThrottleReason::Function && throttle.rest_us() > 0 {
            let until_us = now_us.saturating_add(throttle.rest_us());
            self.rest_until_us
                .iter_mut()
                .for_each(|rest_until_us| *rest_until_us = until_us.max(*rest_until_us));
        }
        if started_us >= self.lowered_at_us && keep < 1.0 {
            self.limit = (self.limit * keep).max(1.0);
            self.lowered_at_us = now_us.saturating_add(1);
        }
    }
}

#[cfg(test)]
mod tests;
