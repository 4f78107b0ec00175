//! The early exercise premium of a put: interest earned on the strike less dividends lost, while below the boundary
//! (Kim 1990; Jacka 1991; Carr, Jarrow and Myneni 1992).

use super::boundary::{Boundary, Problem, total};
use super::nodes::{Readout, gauss_legendre};
use crate::portfolio::pricing::elementary::{exp, normal_cdf_pdf};

/// Gauss and Legendre points on each piece of the composite rule.
const PIECE: usize = 32;
const ABSCISSA_AND_WEIGHT: &([f64; PIECE], [f64; PIECE]) = &gauss_legendre();
/// Standard deviations around the instant at which the drift meets the boundary, beyond which nothing is left to see.
const REACH: f64 = 7.0;

/// Premium at ln spot = `log_spot` above the boundary, for an expiry at the problem's horizon.
#[expect(clippy::needless_range_loop, reason = "several arrays share the index, and plain loops vectorise")]
#[inline(always)]
pub(super) fn read<const N: usize, const P: usize>(
    problem: &Problem,
    boundary: &Boundary<N>,
    readout: &Readout<N, P>,
    log_spot: f64,
) -> f64 {
    let mut squared = [0.0; P];
    for j in 0..N {
        for k in 0..P {
            squared[k] = f64::mul_add(readout.weight[j][k], boundary.squared_fall[j], squared[k]);
        }
    }
    let quadrature = &readout.quadrature;
    let mut elapsed = [0.0; P];
    for k in 0..P {
        elapsed[k] = problem.horizon * quadrature.sine[k] * quadrature.sine[k];
    }
    problem.horizon * flow(problem, log_spot, &elapsed, &squared, &quadrature.weight)
}

/// Premium for an expiry `years` away, at or past the horizon, beyond which the boundary is flat. The integral is cut
/// where the boundary starts to move and around the instant at which the drift takes the spot across it.
#[inline(always)]
pub(super) fn read_in_pieces<const N: usize>(
    problem: &Problem,
    boundary: &Boundary<N>,
    node: &[f64; N],
    log_spot: f64,
    years: f64,
) -> f64 {
    let Problem { horizon, vol, .. } = *problem;
    let fall_rate = problem.dividend_yield - problem.rate;
    let height = log_spot - problem.log_start + boundary.last_fall();
    let (crossing, blur) = if fall_rate > 0.0 {
        let crossing = height / fall_rate;
        (crossing, REACH * (vol / fall_rate) * (crossing.max(0.0).sqrt() + vol / fall_rate))
    } else {
        (0.0, 0.0)
    };
    // Spots a little above the boundary see it after some (height / vol)^2.
    let arrival = (height / vol) * (height / vol);
    let mut cuts = [
        0.0,
        0.05 * arrival,
        arrival,
        horizon,
        crossing - blur,
        crossing,
        crossing + blur,
        years - horizon,
        years,
    ];
    for cut in &mut cuts {
        // In the angle of `nodes`: elapsed = years * sin^2(angle).
        let share = (*cut / years).clamp(0.0, 1.0);
        *cut = libm::atan2(share.sqrt(), (1.0 - share).sqrt());
    }
    cuts.sort_by(f64::total_cmp);
    let (abscissa, weight) = ABSCISSA_AND_WEIGHT;
    let mut premium = 0.0;
    for ends in cuts.windows(2) {
        let (middle, half) = (0.5 * (ends[0] + ends[1]), 0.5 * (ends[1] - ends[0]));
        if half <= 0.0 {
            continue;
        }
        let (mut elapsed, mut squared, mut scaled) = ([0.0; PIECE], [0.0; PIECE], [0.0; PIECE]);
        for k in 0..PIECE {
            let angle = f64::mul_add(half, abscissa[k], middle);
            let (sine, cosine) = (libm::sin(angle), libm::cos(angle));
            elapsed[k] = years * sine * sine;
            scaled[k] = years * half * weight[k] * 2.0 * sine * cosine;
            let x = cosine * (years / horizon).sqrt();
            squared[k] = boundary.squared_fall_at(node, if x < 1.0 { x } else { 1.0 });
        }
        premium += flow(problem, log_spot, &elapsed, &squared, &scaled);
    }
    premium
}

/// Sum over points of weight times the expected flow after `elapsed` years, with ln(B / B(0))^2 = `squared` then.
#[inline(always)]
fn flow<const P: usize>(
    problem: &Problem,
    log_spot: f64,
    elapsed: &[f64; P],
    squared: &[f64; P],
    weight: &[f64; P],
) -> f64 {
    let Problem { rate, dividend_yield, vol, log_start, .. } = *problem;
    let spot = exp(log_spot);
    let mut terms = [0.0; P];
    for k in 0..P {
        let spread = vol * elapsed[k].sqrt();
        let fall = if squared[k] > 0.0 { squared[k].sqrt() } else { 0.0 };
        let middle = (log_spot - log_start + fall + (rate - dividend_yield) * elapsed[k]) / spread;
        let (on_strike, _) = normal_cdf_pdf(f64::mul_add(0.5, spread, -middle));
        let (on_spot, _) = normal_cdf_pdf(f64::mul_add(-0.5, spread, -middle));
        let earned = rate * exp(-rate * elapsed[k]) * on_strike;
        let lost = dividend_yield * spot * exp(-dividend_yield * elapsed[k]) * on_spot;
        terms[k] = weight[k] * (earned - lost);
    }
    total(&terms)
}
