//! A synthetic month, modelled on an application whose users compute little on most days, and all at once on a few:
//! four days with batches of runs, and single runs at any time.

use super::trace::{Arrival, Trace};
use squall_sim_time::Random;

const MINUTE_US: u64 = 60_000_000;
const HOUR_US: u64 = 60 * MINUTE_US;
const DAY_US: u64 = 24 * HOUR_US;

/// Days, in a month of 28, on which batches are run: the close of a week or of the month.
const BATCH_DAYS: [u64; 4] = [4, 11, 18, 25];
/// Batches in a month.
const N_BATCHES: u64 = 10;
/// Runs in all batches together.
const N_BATCHED: u64 = 500;
/// Number of single runs.
const N_SINGLE: u64 = 178;

/// The month of a seed: 678 runs, about 220 hours of work.
pub fn month(seed: u64) -> Trace {
    // Separate, so that changing one leaves the other unchanged.
    let mut batches = Random::new(seed);
    let mut singles = Random::new(seed ^ 0x5151_5151);
    let mut runs = Vec::new();
    for batch in 0..N_BATCHES {
        let day = BATCH_DAYS[usize::try_from(batch).unwrap_or(0) % BATCH_DAYS.len()] + batches.below(2);
        let at_us = day * DAY_US + 8 * HOUR_US + batches.below(9 * HOUR_US);
        // Submitted within minutes, by a person or a script.
        let span_us = MINUTE_US + batches.below(4 * MINUTE_US);
        for _ in 0..N_BATCHED / N_BATCHES {
            let submit_us = at_us + batches.below(span_us);
            runs.push(Arrival { submit_us, duration_us: duration_us(&mut batches) });
        }
    }
    for _ in 0..N_SINGLE {
        let day_us = singles.below(28) * DAY_US;
        let is_at_work = singles.chance(800);
        let hour_us =
            if is_at_work { 8 * HOUR_US + singles.below(10 * HOUR_US) } else { singles.below(DAY_US) };
        runs.push(Arrival { submit_us: day_us + hour_us, duration_us: duration_us(&mut singles) });
    }
    Trace::new(format!("a made-up month, seed {seed}"), runs)
}

/// Three minutes to an hour, more often short than long: about 20 minutes on average.
fn duration_us(random: &mut Random) -> u64 {
    let u = random.below(1_001);
    3 * MINUTE_US + 51 * MINUTE_US * (u * u) / 1_000_000
}
