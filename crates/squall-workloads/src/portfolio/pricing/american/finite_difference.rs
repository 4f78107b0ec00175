//! The fallback: finite differences, slow and sure, for puts whose exercise region lies between two boundaries.
//!
//! Discounted values of a driftless logarithm obey the heat equation; drift and rate live in the obstacle. So the
//! scheme does not care how small the vol is. Crank and Nicolson with steps that grow away from expiry, Rannacher's
//! implicit start, Howard's policy iteration for the obstacle; the European value on the same grid is the control, and
//! two grids are extrapolated.

/// Half-width of the grid in standard deviations to expiry.
const WIDTH: f64 = 7.5;
/// Intervals (even) and steps of the coarser grid.
const N_INTERVALS: usize = 1_000;
const N_STEPS: usize = 400;
/// Fully implicit steps at expiry, where the payoff has a kink.
const N_IMPLICIT: usize = 4;
const MAX_POLICIES: usize = 30;

/// Early exercise premium of a put with strike 1. All arguments finite, `years` and `vol` positive.
pub(super) fn premium(log_spot: f64, years: f64, rate: f64, dividend_yield: f64, vol: f64) -> f64 {
    let coarse = premium_on(1, log_spot, years, rate, dividend_yield, vol);
    let fine = premium_on(2, log_spot, years, rate, dividend_yield, vol);
    (fine + (fine - coarse) / 3.0).max(0.0)
}

fn premium_on(refinement: u32, log_spot: f64, years: f64, rate: f64, dividend_yield: f64, vol: f64) -> f64 {
    let factor = refinement as usize;
    let (n_intervals, n_steps) = (N_INTERVALS * factor, N_STEPS * factor);
    let gap = 2.0 * WIDTH * vol * years.sqrt() / n_intervals as f64;
    let drift = rate - dividend_yield - 0.5 * vol * vol;
    let place = |node: usize| gap * (node as f64 - 0.5 * n_intervals as f64);
    // Exercise value on the grid, discounted to now, after `elapsed` years.
    let exercise = |elapsed: f64, out: &mut [f64]| {
        let discount = libm::exp(-rate * elapsed);
        let level = log_spot + drift * elapsed;
        for (node, value) in out.iter_mut().enumerate() {
            *value = -discount * libm::expm1(level + place(node));
        }
    };
    let n_nodes = n_intervals + 1;
    let mut obstacle = vec![0.0; n_nodes];
    exercise(years, &mut obstacle);
    let level = log_spot + drift * years;
    let discount = libm::exp(-rate * years);
    let payoff: Vec<f64> = (0..n_nodes).map(|node| discount * cell_payoff(level + place(node), gap)).collect();
    let (mut american, mut european) = (payoff.clone(), payoff);
    let mut solver = Solver::new(n_nodes);
    let mut remaining = 0.0;
    for step in 1..=n_steps {
        let share = step as f64 / n_steps as f64;
        let next = years * share * share;
        let diffusion = 0.5 * vol * vol * (next - remaining) / (gap * gap);
        let implicit_share = if step <= N_IMPLICIT * factor { 1.0 } else { 0.5 };
        exercise(years - next, &mut obstacle);
        solver.step(&mut european, None, diffusion, implicit_share);
        solver.step(&mut american, Some(&obstacle), diffusion, implicit_share);
        remaining = next;
    }
    american[n_intervals / 2] - european[n_intervals / 2]
}

/// Mean of max(0, 1 - e^x) over the cell of width `gap` around `centre`.
fn cell_payoff(centre: f64, gap: f64) -> f64 {
    let (low, high) = (centre - 0.5 * gap, (centre + 0.5 * gap).min(0.0));
    if high <= low {
        return 0.0;
    }
    let width = high - low;
    // width - e^low * (e^width - 1), kept from cancelling when the cell is at the strike.
    let exact = width - libm::exp(low) * libm::expm1(width);
    let smooth = -width * libm::expm1(0.5 * (low + high));
    if gap < 1e-3 && high < 0.0 { smooth / gap } else { exact.max(0.0) / gap }
}

/// Tridiagonal work space.
struct Solver {
    right: Vec<f64>,
    ratio: Vec<f64>,
    next: Vec<f64>,
    held: Vec<bool>,
}

impl Solver {
    fn new(n_nodes: usize) -> Self {
        Self {
            right: vec![0.0; n_nodes],
            ratio: vec![0.0; n_nodes],
            next: vec![0.0; n_nodes],
            held: vec![false; n_nodes],
        }
    }

    /// Moves `values` one step away from expiry, above `obstacle` if there is one. The ends stay as they are, which
    /// nobody `WIDTH` deviations away can tell.
    fn step(&mut self, values: &mut [f64], obstacle: Option<&[f64]>, diffusion: f64, implicit_share: f64) {
        let last = values.len() - 1;
        let implicit = diffusion * implicit_share;
        let explicit = diffusion - implicit;
        self.right.copy_from_slice(values);
        for node in 1..last {
            let bend = values[node - 1] - 2.0 * values[node] + values[node + 1];
            self.right[node] = values[node] + explicit * bend;
        }
        let floor = |node: usize| obstacle.map_or(f64::NEG_INFINITY, |obstacle| obstacle[node]);
        for (node, held) in self.held.iter_mut().enumerate() {
            *held = values[node] <= floor(node);
        }
        for _ in 0..MAX_POLICIES {
            self.solve(implicit, &floor);
            let mut changed = false;
            for node in 0..=last {
                let residual = if node == 0 || node == last {
                    self.next[node] - self.right[node]
                } else {
                    let bend = self.next[node - 1] - 2.0 * self.next[node] + self.next[node + 1];
                    self.next[node] - implicit * bend - self.right[node]
                };
                // Hold where exercise is worth more; let go where holding on gains.
                let hold = self.next[node] - floor(node) < residual;
                changed |= hold != self.held[node];
                self.held[node] = hold;
            }
            if !changed {
                break;
            }
        }
        values.copy_from_slice(&self.next);
        for (node, value) in values.iter_mut().enumerate() {
            *value = value.max(floor(node));
        }
    }

    /// Thomas's algorithm with held nodes fixed at their floor.
    fn solve(&mut self, implicit: f64, floor: &impl Fn(usize) -> f64) {
        let last = self.right.len() - 1;
        for node in 0..=last {
            let fixed = self.held[node] || node == 0 || node == last;
            let (off, diagonal) = if fixed { (0.0, 1.0) } else { (-implicit, 1.0 + 2.0 * implicit) };
            let target = if self.held[node] { floor(node) } else { self.right[node] };
            let (ratio_before, value_before) =
                if node == 0 { (0.0, 0.0) } else { (self.ratio[node - 1], self.next[node - 1]) };
            let pivot = 1.0 / (diagonal - off * ratio_before);
            self.ratio[node] = off * pivot;
            self.next[node] = (target - off * value_before) * pivot;
        }
        for node in (0..last).rev() {
            self.next[node] -= self.ratio[node] * self.next[node + 1];
        }
    }
}
