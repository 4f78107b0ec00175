//! The path loop: one block of Brownian paths serves every scenario before the next is drawn.

use pulp::NullaryFnOnce;

use super::control::Averaging;
use super::{AsianOption, McEstimate};
use crate::portfolio::pricing::elementary::exp;
use crate::portfolio::pricing::random::Stream;

/// Antithetic pairs simulated together. A block of 52 fixings takes 26 kB, so that it stays in the first-level cache.
const BLOCK: usize = 64;
/// Accumulators per sum, added up in one order whatever the width of the SIMD registers.
const LANES: usize = 8;

/// Running sums over pairs of x (arithmetic) and y (geometric), both less the expected geometric payoff.
#[derive(Clone)]
struct Sums {
    x: [f64; LANES],
    y: [f64; LANES],
    xx: [f64; LANES],
    xy: [f64; LANES],
    yy: [f64; LANES],
}

/// A block of Brownian paths: values at each fixing, and their means over the fixings.
struct Block {
    /// Shape (fixings, `BLOCK`), row-major.
    brownian: Vec<f64>,
    mean: [f64; BLOCK],
}

/// Estimates for every scenario, each from pairs `0..n_pairs` of `stream`.
pub(super) fn simulate(
    contract: &AsianOption<'_>,
    scenarios: &[Averaging],
    n_pairs: usize,
    stream: &Stream,
) -> Vec<McEstimate> {
    let arch = pulp::Arch::new();
    let mut block = Block { brownian: vec![0.0; contract.fixing_times.len() * BLOCK], mean: [0.0; BLOCK] };
    let zero = [0.0; LANES];
    let mut sums = vec![Sums { x: zero, y: zero, xx: zero, xy: zero, yy: zero }; scenarios.len()];
    for first_pair in (0..n_pairs).step_by(BLOCK) {
        let n_used = BLOCK.min(n_pairs - first_pair);
        let times = contract.fixing_times;
        arch.dispatch(OneBlock {
            times,
            scenarios,
            first_pair,
            n_used,
            stream,
            block: &mut block,
            sums: &mut sums,
        });
    }
    scenarios.iter().zip(&sums).map(|(scenario, sums)| estimate(scenario, sums, n_pairs)).collect()
}

/// The work on one block, compiled for the machine's instruction set. A closure would not do: pulp calls closures
/// through a shim that is not always inlined, and then they run as plain scalar code.
struct OneBlock<'a> {
    times: &'a [f64],
    scenarios: &'a [Averaging],
    first_pair: usize,
    n_used: usize,
    stream: &'a Stream,
    block: &'a mut Block,
    sums: &'a mut [Sums],
}

impl NullaryFnOnce for OneBlock<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        draw(self.times, self.first_pair as u64, self.stream, self.block);
        for (scenario, sums) in self.scenarios.iter().zip(self.sums) {
            if scenario.is_call {
                walk::<true>(scenario, self.block, self.n_used, sums);
            } else {
                walk::<false>(scenario, self.block, self.n_used, sums);
            }
        }
    }
}

/// Draws one block: the running sums of sqrt(step) times the normals, and their mean over the fixings.
#[inline(always)]
fn draw(times: &[f64], first_pair: u64, stream: &Stream, block: &mut Block) {
    stream.fill_paths(first_pair, BLOCK, &mut block.brownian);
    let (mut level, mut total) = ([0.0; BLOCK], [0.0; BLOCK]);
    let mut earlier = 0.0;
    for (&time, row) in times.iter().zip(block.brownian.as_chunks_mut::<BLOCK>().0) {
        let deviation = (time - earlier).max(0.0).sqrt();
        earlier = time;
        for ((value, level), total) in row.iter_mut().zip(&mut level).zip(&mut total) {
            *level = f64::mul_add(deviation, *value, *level);
            *total += *level;
            *value = *level;
        }
    }
    let share = 1.0 / times.len() as f64;
    for (mean, total) in block.mean.iter_mut().zip(&total) {
        *mean = *total * share;
    }
}

/// Values one scenario on one block and adds its first `n_used` pairs to `sums`.
#[inline(always)]
fn walk<const IS_CALL: bool>(scenario: &Averaging, block: &Block, n_used: usize, sums: &mut Sums) {
    let (mut up, mut down) = ([0.0; BLOCK], [0.0; BLOCK]);
    for (&median, row) in scenario.medians.iter().zip(block.brownian.as_chunks::<BLOCK>().0) {
        for ((up, down), &level) in up.iter_mut().zip(&mut down).zip(row) {
            let growth = exp(scenario.vol * level);
            *up = f64::mul_add(median, growth, *up);
            *down += median / growth;
        }
    }
    let (mut arithmetic, mut geometric) = ([0.0; BLOCK], [0.0; BLOCK]);
    for lane in 0..BLOCK {
        let growth = exp(scenario.vol * block.mean[lane]);
        let both = payoff::<IS_CALL>(scenario.strike, scenario.geometric_median * growth)
            + payoff::<IS_CALL>(scenario.strike, scenario.geometric_median / growth);
        arithmetic[lane] = f64::mul_add(
            0.5,
            payoff::<IS_CALL>(scenario.strike, up[lane]) + payoff::<IS_CALL>(scenario.strike, down[lane]),
            -scenario.control,
        );
        geometric[lane] = f64::mul_add(0.5, both, -scenario.control);
    }
    // Pairs past the last add nothing.
    arithmetic[n_used..].fill(0.0);
    geometric[n_used..].fill(0.0);
    for (x, y) in arithmetic.as_chunks::<LANES>().0.iter().zip(geometric.as_chunks::<LANES>().0) {
        for lane in 0..LANES {
            sums.x[lane] += x[lane];
            sums.y[lane] += y[lane];
            sums.xx[lane] = f64::mul_add(x[lane], x[lane], sums.xx[lane]);
            sums.xy[lane] = f64::mul_add(x[lane], y[lane], sums.xy[lane]);
            sums.yy[lane] = f64::mul_add(y[lane], y[lane], sums.yy[lane]);
        }
    }
}

#[inline(always)]
fn payoff<const IS_CALL: bool>(strike: f64, average: f64) -> f64 {
    let gain = if IS_CALL { average - strike } else { strike - average };
    if gain > 0.0 { gain } else { 0.0 }
}

/// Regresses x on y, whose mean is known to be zero, and reads the value at y = 0.
fn estimate(scenario: &Averaging, sums: &Sums, n_pairs: usize) -> McEstimate {
    let size = n_pairs as f64;
    let total = |lanes: &[f64; LANES]| lanes.iter().sum::<f64>();
    let (x, y) = (total(&sums.x) / size, total(&sums.y) / size);
    let spread = |products: &[f64; LANES], left: f64, right: f64| total(products) / size - left * right;
    let (xx, xy, yy) = (spread(&sums.xx, x, x), spread(&sums.xy, x, y), spread(&sums.yy, y, y));
    // A control that never pays in the sample gives no regression: use Kemna and Vorst's own coefficient.
    let coefficient = if yy > 0.0 { xy / yy } else { 1.0 };
    let residual = (coefficient.mul_add(-2.0 * xy, xx) + coefficient * coefficient * yy).max(0.0);
    let value = scenario.payoff_scale * (scenario.control + coefficient.mul_add(-y, x));
    // Two degrees of freedom go to the mean and the coefficient.
    let standard_error = scenario.payoff_scale * (residual / (size - 2.0).max(1.0)).sqrt();
    McEstimate { value: value.max(0.0), standard_error }
}
