//! Numbers that look random and are the same in every run.

/// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014): the number that follows the state
/// `state`. The next state is `state + `[`SPLIT_MIX64_STEP`].
pub const fn split_mix64(state: u64) -> u64 {
    let z = state.wrapping_add(SPLIT_MIX64_STEP);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// From one state of SplitMix64 to the next.
pub const SPLIT_MIX64_STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// A wait between half of `full_us` and all of it, microseconds, by a hash of `key`: callers that failed together do not retry
/// together.
pub const fn jittered(full_us: u64, key: u64) -> u64 {
    let half_us = full_us / 2;
    half_us + split_mix64(key) % (full_us - half_us + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first numbers of seed 1234567, as in the reference implementation
    /// (<https://rosettacode.org/wiki/Pseudo-random_numbers/Splitmix64>).
    #[test]
    fn the_sequence_is_the_published_one() {
        let states = (0..5).map(|n| 1_234_567_u64.wrapping_add(SPLIT_MIX64_STEP.wrapping_mul(n)));
        let expected = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
            4_593_380_528_125_082_431,
            16_408_922_859_458_223_821,
        ];
        assert_eq!(states.map(split_mix64).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn waits_are_from_half_to_all_of_the_full_wait() {
        for full_us in [0, 1, 2, 3, 100_000] {
            let waits: Vec<_> = (0..1_000).map(|key| jittered(full_us, key)).collect();
            assert!(waits.iter().all(|wait| (full_us / 2..=full_us).contains(wait)), "{full_us}");
        }
        let spread: std::collections::BTreeSet<_> = (0..100).map(|key| jittered(100_000, key)).collect();
        assert!(spread.len() > 90, "{}", spread.len());
    }
}
