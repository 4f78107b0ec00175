//! The method for each put, and its orders.

use pulp::NullaryFnOnce;

use super::boundary::{Boundary, Equation, Problem};
use super::nodes::{Nodes, Readout};
use super::{finite_difference, limits, premium};
use crate::portfolio::pricing::{OptionType, european};

/// Starts the others: four iterations here cost one of `USUAL`'s and leave it two or three to do.
const COARSE: &Nodes<4, 8> = &Nodes::new();
/// 8 nodes and 16 points: on usual contracts (20 days to 4 years, vol 10-50%, rates to 8%) the median error is 4e-8 and
/// the 99th percentile 2e-6 of the value, at some 65,000 prices a second. Fewer nodes lose the second digit of that;
/// more cost twice the time for digits that are not needed.
const USUAL: &Nodes<8, 16> = &Nodes::new();
const USUAL_READOUT: &Readout<8, 32> = &Readout::new();
/// 20 nodes and 48 points, for what is long or lopsided: up to eight deviations of drift, or sixteen of vol, before
/// the boundary settles. Errors stay below 1e-4 there; about a millisecond a price.
const FINE: &Nodes<20, 48> = &Nodes::new();

/// Last change of ln B, in standard deviations to the horizon, at which an iteration has converged: the premium then
/// moves by less than 1e-6 of itself, being flat around the right boundary.
const TOLERANCE: f64 = 2e-4;
const FINE_TOLERANCE: f64 = 1e-7;

/// A put with strike 1.
#[derive(Clone, Copy, Debug)]
pub(super) struct Put {
    pub(super) log_spot: f64,
    pub(super) years: f64,
    pub(super) rate: f64,
    pub(super) dividend_yield: f64,
    pub(super) vol: f64,
}

/// What the right to exercise early adds, per unit of strike.
#[derive(Clone, Copy, Debug)]
pub(super) enum EarlyExercise {
    /// Nothing: the value is the European one.
    Never,
    /// The spot is at or below the boundary.
    Now,
    /// This much over the European value.
    Premium(f64),
    /// The value is that of a shorter option: past its expiry nothing happens.
    Shortened { european: f64, premium: f64 },
}

impl Put {
    pub(super) fn early_exercise(&self, arch: pulp::Arch) -> EarlyExercise {
        let Self { log_spot, years, rate, dividend_yield, vol } = *self;
        // Exercise earns r K - q S a year, and happens only where S < K. It never pays if that is never positive.
        if rate < 0.0 && dividend_yield < rate {
            let premium = finite_difference::Premium { log_spot, years, rate, dividend_yield, vol };
            return EarlyExercise::Premium(arch.dispatch(premium));
        }
        if rate < 0.0 || (rate == 0.0 && dividend_yield >= 0.0) {
            return EarlyExercise::Never;
        }
        // Less interest than the last bit of the strike.
        if dividend_yield >= 0.0 && rate * years < 1e-16 {
            return EarlyExercise::Never;
        }
        let log_start = if dividend_yield > rate { libm::log(rate / dividend_yield) } else { 0.0 };
        let log_perpetual = limits::log_perpetual_boundary(rate, dividend_yield, vol);
        if log_spot <= log_perpetual {
            return EarlyExercise::Now;
        }
        // Past this many deviations of drift the boundary is that of the perpetual put, to 1e-14.
        let carry = rate - dividend_yield;
        let settled = (8.0 * vol / carry) * (8.0 * vol / carry);
        let horizon = years.min(settled);
        let problem = Problem { horizon, rate, dividend_yield, vol, log_start, log_perpetual };
        // With the drift upwards, no path comes back from there either.
        let expiry = if carry > 0.0 { horizon } else { years };
        match arch.dispatch(Collocation { problem, log_spot, expiry }) {
            Outcome::Now => EarlyExercise::Now,
            Outcome::Premium(premium) if expiry < years => {
                let spot = libm::exp(log_spot);
                let european = european::price(OptionType::Put, spot, 1.0, expiry, rate, dividend_yield, vol);
                EarlyExercise::Shortened { european, premium }
            }
            Outcome::Premium(premium) => EarlyExercise::Premium(premium),
            Outcome::Failed => {
                let premium = finite_difference::Premium { log_spot, years, rate, dividend_yield, vol };
                let premium = arch.dispatch(premium);
                // Interest on the strike is all there is to gain, unless the yield is negative.
                EarlyExercise::Premium(if dividend_yield < 0.0 { premium } else { premium.min(rate * years) })
            }
        }
    }
}

enum Outcome {
    Now,
    Premium(f64),
    Failed,
}

/// Boundary and premium, compiled for the machine's instruction set. A closure would not do: pulp calls closures
/// through a shim that is not always inlined, and then they run as plain scalar code.
struct Collocation {
    problem: Problem,
    log_spot: f64,
    expiry: f64,
}

impl NullaryFnOnce for Collocation {
    type Output = Outcome;

    #[inline(always)]
    fn call(self) -> Outcome {
        let Self { problem, log_spot, expiry } = self;
        let Problem { horizon, rate, dividend_yield, vol, .. } = problem;
        let drift = (rate - dividend_yield).abs() * horizon.sqrt() / vol;
        let deviation = vol * horizon.sqrt();
        let equation = if drift <= 1.0 { Equation::SmoothFit } else { Equation::ValueMatch };
        let mut coarse = Boundary::first_guess(&problem, &COARSE.node);
        coarse.iterate(&problem, COARSE, equation, 4, 1e-3 * deviation);
        let longest = rate.max(dividend_yield.abs()) * horizon;
        if drift <= 0.7 && deviation <= 1.0 && longest <= 1.0 && expiry == horizon {
            let mut boundary = coarse.resample(&COARSE.node, &USUAL.node);
            boundary.iterate(&problem, USUAL, equation, 8, TOLERANCE * deviation);
            if boundary.has_converged(TOLERANCE * deviation) {
                if log_spot <= problem.log_start - boundary.last_fall() {
                    return Outcome::Now;
                }
                return Outcome::Premium(premium::read(&problem, &boundary, USUAL_READOUT, log_spot));
            }
        }
        let mut boundary = coarse.resample(&COARSE.node, &FINE.node);
        boundary.iterate(&problem, FINE, equation, 20, FINE_TOLERANCE * deviation);
        if !boundary.has_converged(FINE_TOLERANCE * deviation) {
            boundary = Boundary::first_guess(&problem, &FINE.node);
            boundary.iterate(&problem, FINE, Equation::ValueMatch, 60, FINE_TOLERANCE * deviation);
        }
        if !boundary.has_converged(TOLERANCE * deviation) {
            return Outcome::Failed;
        }
        if log_spot <= problem.log_start - boundary.last_fall() {
            return Outcome::Now;
        }
        Outcome::Premium(premium::read_in_pieces(&problem, &boundary, &FINE.node, log_spot, expiry))
    }
}
