//! How long to wait before a port that did not answer is asked again.

use squall_ports::{jittered, split_mix64};

/// The wait before the second attempt, microseconds; doubles with each.
const FIRST_WAIT_US: u64 = 200_000;
/// Longest wait, microseconds.
const LONGEST_WAIT_US: u64 = 10_000_000;

/// The wait after so many failed attempts in a row, microseconds, jittered by `key`.
pub fn plan_ask_again(n_failed: u32, key: u64) -> u64 {
    let doubled_us = FIRST_WAIT_US << n_failed.saturating_sub(1).min(10);
    jittered(doubled_us.min(LONGEST_WAIT_US), key)
}

/// Where call number `call` begins in a list of `n` that it cannot finish, or may die of: at any of them before long.
pub fn begin_at(call: u64, n: usize) -> usize {
    usize::try_from(split_mix64(call) % n.max(1) as u64).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_has_its_turn() {
        for n in [1, 2, 3, 50, 100, 200] {
            let begun: std::collections::BTreeSet<_> =
                (0..20 * n as u64).map(|call| begin_at(call, n)).collect();
            assert_eq!(begun.len(), n);
        }
        assert_eq!(begin_at(7, 0), 0);
    }

    #[test]
    fn waits_double_up_to_the_longest() {
        let longest_us: Vec<u64> =
            (1..=12).map(|n| (0..1_000).map(|key| plan_ask_again(n, key)).max().unwrap()).collect();
        for (n, found_us) in longest_us.iter().enumerate() {
            let full_us = (200_000_u64 << n.min(20)).min(10_000_000);
            assert!((full_us * 99 / 100..=full_us).contains(found_us), "{n}: {found_us} of {full_us}");
        }
        assert!(plan_ask_again(u32::MAX, 7) <= 10_000_000);
    }
}
