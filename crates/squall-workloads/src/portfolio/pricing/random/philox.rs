//! Philox4x32-10: 128 random bits from a 128-bit counter and a 64-bit key.

const MULTIPLIERS: [u64; 2] = [0xd251_1f53, 0xcd9e_8d57];
const WEYL: [u64; 2] = [0x9e37_79b9, 0xbb67_ae85];
const LOW: u64 = 0xffff_ffff;
const ROUNDS: usize = 10;

/// The block of `counter` under `key`. All words are 32 bits wide and held in 64, which is how SIMD multiplies them.
#[inline(always)]
#[must_use]
pub fn block(counter: [u64; 4], key: [u64; 2]) -> [u64; 4] {
    let [mut c0, mut c1, mut c2, mut c3] = counter;
    let [mut k0, mut k1] = key;
    for _ in 0..ROUNDS {
        let first = (c0 & LOW) * MULTIPLIERS[0];
        let second = (c2 & LOW) * MULTIPLIERS[1];
        (c0, c1, c2, c3) = ((second >> 32) ^ c1 ^ k0, second & LOW, (first >> 32) ^ c3 ^ k1, first & LOW);
        k0 = (k0 + WEYL[0]) & LOW;
        k1 = (k1 + WEYL[1]) & LOW;
    }
    [c0, c1, c2, c3]
}
