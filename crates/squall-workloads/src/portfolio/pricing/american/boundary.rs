//! The early exercise boundary of a put, by spectral collocation.

use super::nodes::{Nodes, lagrange};
use crate::portfolio::pricing::elementary::{exp, ln, normal_cdf_pdf};

/// A put with strike 1 and a single exercise boundary. Rates and yields per year, vol per square root of a year.
#[derive(Clone, Copy, Debug)]
pub(super) struct Problem {
    /// Years to the farthest collocation node.
    pub(super) horizon: f64,
    pub(super) rate: f64,
    pub(super) dividend_yield: f64,
    pub(super) vol: f64,
    /// ln of the boundary just before expiry, min(1, rate / dividend yield).
    pub(super) log_start: f64,
    /// ln of the boundary of the perpetual put; may be minus infinity.
    pub(super) log_perpetual: f64,
}

/// The fixed-point equation of Andersen, Lake and Offengenden that an iteration solves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Equation {
    /// Their system A (smooth fit), with a Newton step for a boundary that shifts as a whole. Gains a digit an
    /// iteration, but diverges when the drift outweighs the vol.
    SmoothFit,
    /// Their system B (value matching), as it stands: gains half a digit an iteration, always.
    ValueMatch,
}

/// A boundary at the collocation nodes, as H = ln(B / B(0))^2: with tau = horizon x^2, nearly linear in x.
#[derive(Clone, Copy, Debug)]
pub(super) struct Boundary<const N: usize> {
    pub(super) squared_fall: [f64; N],
    /// Greatest change of ln B in the last iteration.
    pub(super) change: f64,
}

impl<const N: usize> Boundary<N> {
    /// Bjerksund and Stensland's trigger of 1993, seen from the put.
    pub(super) fn first_guess(problem: &Problem, node: &[f64; N]) -> Self {
        // 1 / depth is their ratio B0 / (B_inf - B0); infinite depth is a perpetual put that is never exercised.
        let depth = libm::expm1(problem.log_start - problem.log_perpetual);
        let squared_fall = node.map(|x| {
            let tau = problem.horizon * x * x;
            let downward = (problem.dividend_yield - problem.rate).max(0.0) * tau;
            let scale = 2.0_f64.mul_add(problem.vol * tau.sqrt(), downward);
            let decay = scale / depth;
            let share = if decay > 1e-8 { -libm::expm1(-decay) / decay } else { 1.0 };
            let fall = libm::log1p(scale * share);
            fall * fall
        });
        Self { squared_fall, change: f64::INFINITY }
    }

    /// The same boundary at other nodes.
    #[inline(always)]
    pub(super) fn resample<const M: usize>(&self, node: &[f64; N], others: &[f64; M]) -> Boundary<M> {
        let mut squared_fall = [0.0; M];
        for (value, &x) in squared_fall.iter_mut().zip(others) {
            *value = self.squared_fall_at(node, x);
        }
        Boundary { squared_fall, change: self.change }
    }

    /// Whether the last change was within `tolerance`; not if it was NaN.
    pub(super) fn has_converged(&self, tolerance: f64) -> bool {
        self.change <= tolerance
    }

    /// ln B(0) - ln B(horizon).
    pub(super) fn last_fall(&self) -> f64 {
        self.squared_fall[0].max(0.0).sqrt()
    }

    /// H at tau = horizon * x^2, for 0 < x <= 1.
    #[inline(always)]
    pub(super) fn squared_fall_at(&self, node: &[f64; N], x: f64) -> f64 {
        let mut squared = 0.0;
        for (weight, value) in lagrange(node, x).iter().zip(&self.squared_fall) {
            squared = f64::mul_add(*weight, *value, squared);
        }
        if squared > 0.0 { squared } else { 0.0 }
    }

    /// Iterates `equation` on every node at once until ln B changes by no more than `tolerance`.
    #[inline(always)]
    pub(super) fn iterate<const L: usize>(
        &mut self,
        problem: &Problem,
        nodes: &Nodes<N, L>,
        equation: Equation,
        max_iterations: usize,
        tolerance: f64,
    ) {
        let flows = Flows::new(problem, nodes);
        let lowest = problem.log_perpetual - problem.log_start;
        for _ in 0..max_iterations {
            let mut updated = [0.0; N];
            self.change = 0.0;
            for (i, place) in updated.iter_mut().enumerate() {
                let fall = self.squared_fall[i].sqrt();
                let next = flows.next_fall(i, fall, &self.squared_fall, problem, nodes, equation);
                // Between the limits that the boundary cannot cross; written so that NaN stays NaN.
                let next = if next > -lowest { -lowest } else { next };
                let next = if next < 0.0 { 0.0 } else { next };
                let step = (next - fall).abs();
                if step > self.change || step.is_nan() {
                    self.change = step;
                }
                *place = next * next;
            }
            self.squared_fall = updated;
            if self.change <= tolerance || self.change.is_nan() {
                return;
            }
        }
    }
}

/// What the integrals need and the boundary does not change, for each node (and quadrature point).
struct Flows<const N: usize, const L: usize> {
    tau: [f64; N],
    deviation: [f64; N],
    kept_strike: [f64; N],
    kept_spot: [f64; N],
    /// Discounted rate earned on the strike, by quadrature point, weights included.
    strike: [[f64; L]; N],
    /// Discounted yield earned on the spot, likewise.
    spot: [[f64; L]; N],
}

impl<const N: usize, const L: usize> Flows<N, L> {
    #[inline(always)]
    fn new(problem: &Problem, nodes: &Nodes<N, L>) -> Self {
        let Problem { horizon, rate, dividend_yield, vol, .. } = *problem;
        let mut flows = Self {
            tau: [0.0; N],
            deviation: [0.0; N],
            kept_strike: [0.0; N],
            kept_spot: [0.0; N],
            strike: [[0.0; L]; N],
            spot: [[0.0; L]; N],
        };
        let quadrature = &nodes.quadrature;
        for i in 0..N {
            let tau = horizon * nodes.node[i] * nodes.node[i];
            flows.tau[i] = tau;
            flows.deviation[i] = vol * tau.sqrt();
            flows.kept_strike[i] = exp(-rate * tau);
            flows.kept_spot[i] = exp(-dividend_yield * tau);
            for k in 0..L {
                let elapsed = tau * quadrature.sine[k] * quadrature.sine[k];
                flows.strike[i][k] = exp(-rate * elapsed) * (rate * tau * quadrature.weight[k]);
                flows.spot[i][k] =
                    exp(-dividend_yield * elapsed) * (dividend_yield * tau * quadrature.weight[k]);
            }
        }
        flows
    }

    /// One update of node `i`, in terms of its fall ln B(0) - ln B.
    #[expect(
        clippy::needless_range_loop,
        reason = "several arrays share the index, and plain loops vectorise"
    )]
    #[inline(always)]
    fn next_fall(
        &self,
        i: usize,
        fall: f64,
        squared_fall: &[f64; N],
        problem: &Problem,
        nodes: &Nodes<N, L>,
        equation: Equation,
    ) -> f64 {
        let (tau, deviation) = (self.tau[i], self.deviation[i]);
        let carry = problem.rate - problem.dividend_yield;
        let mut squared = [0.0; L];
        for j in 0..N {
            for k in 0..L {
                squared[k] = f64::mul_add(nodes.weight[j][i][k], squared_fall[j], squared[k]);
            }
        }
        let (mut strike_mass, mut spot_mass) = ([0.0; L], [0.0; L]);
        let (mut strike_density, mut spot_density) = ([0.0; L], [0.0; L]);
        for k in 0..L {
            let sine = nodes.quadrature.sine[k];
            let spread = deviation * sine;
            let other_fall = if squared[k] > 0.0 { squared[k].sqrt() } else { 0.0 };
            let middle = (other_fall - fall + carry * tau * sine * sine) / spread;
            let (below, below_density) = normal_cdf_pdf(f64::mul_add(-0.5, spread, middle));
            let (above, above_density) = normal_cdf_pdf(f64::mul_add(0.5, spread, middle));
            strike_mass[k] = self.strike[i][k] * below;
            spot_mass[k] = self.spot[i][k] * above;
            strike_density[k] = self.strike[i][k] * below_density / spread;
            spot_density[k] = self.spot[i][k] * above_density / spread;
        }
        let log_boundary = problem.log_start - fall;
        let middle = f64::mul_add(carry, tau, log_boundary) / deviation;
        let (low, high) = (middle - 0.5 * deviation, middle + 0.5 * deviation);
        let (below, below_density) = normal_cdf_pdf(low);
        let (above, above_density) = normal_cdf_pdf(high);
        let log_next = match equation {
            Equation::ValueMatch => {
                let numerator = f64::mul_add(self.kept_strike[i], below, total(&strike_mass));
                let denominator = f64::mul_add(self.kept_spot[i], above, total(&spot_mass));
                log_ratio(numerator, denominator)
            }
            Equation::SmoothFit => {
                let strike_end = self.kept_strike[i] * below_density / deviation;
                let spot_end = self.kept_spot[i] * above_density / deviation;
                let numerator = strike_end + total(&strike_density);
                let denominator = f64::mul_add(self.kept_spot[i], above, spot_end)
                    + total(&spot_mass)
                    + total(&spot_density);
                let slope = -low / deviation * strike_end / numerator
                    - (spot_end - high / deviation * spot_end) / denominator
                    - 1.0;
                // The slope is below -1 where the equation is well posed; far from there it must not flip the step.
                let slope = if slope > -0.5 { -0.5 } else { slope };
                log_boundary - (log_ratio(numerator, denominator) - log_boundary) / slope
            }
        };
        problem.log_start - log_next
    }
}

/// ln(numerator / denominator), NaN unless both are normal and positive.
#[inline(always)]
fn log_ratio(numerator: f64, denominator: f64) -> f64 {
    let sane = numerator >= f64::MIN_POSITIVE && denominator >= f64::MIN_POSITIVE;
    if sane { ln(numerator) - ln(denominator) } else { f64::NAN }
}

/// Sum in one order whatever the SIMD width: four accumulators, then their pairwise sum. `L` is a multiple of four.
#[inline(always)]
pub(super) fn total<const L: usize>(terms: &[f64; L]) -> f64 {
    let mut sums = [0.0; 4];
    for four in terms.as_chunks::<4>().0 {
        for lane in 0..4 {
            sums[lane] += four[lane];
        }
    }
    (sums[0] + sums[1]) + (sums[2] + sums[3])
}
