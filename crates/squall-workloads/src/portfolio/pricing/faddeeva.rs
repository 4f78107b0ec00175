//! The Faddeeva function, for first-passage integrals that oscillate.

use core::f64::consts::PI;

#[cfg(test)]
mod tests;

/// Nodes of the rule, less one: 11 give about 2e-15.
const N_NODES: u8 = 11;

/// The real part of `w(z) = exp(-z^2) erfc(-i z)` at `z = real + i imaginary`, for `real >= 0` and `imaginary
/// >= 0` (the Voigt function), to about 1e-15 absolutely.
///
/// Source: M. Al Azah and S. N. Chandler-Wilde, "Computation of the complex error function using modified
/// trapezoidal rules", SIAM Journal on Numerical Analysis 59 (2021): midpoint rule far from the poles of the
/// integrand, otherwise midpoint or trapezoidal rule, whichever has its nodes away from `real`, plus the
/// residue of the pole.
pub(crate) fn voigt(real: f64, imaginary: f64) -> f64 {
    let step = (PI / f64::from(N_NODES + 1)).sqrt();
    // A node at 0 contributes once, every other node twice (for itself and its mirror image).
    let sum = |offset: f64, first: u8| -> f64 {
        (first..=N_NODES).map(|index| node(real, imaginary, (f64::from(index) + offset) * step)).sum::<f64>()
            * 2.0
    };
    if imaginary >= real.max(PI / step) {
        return step / PI * sum(0.5, 0);
    }
    let fraction = real / step - libm::floor(real / step);
    if (0.25..=0.75).contains(&fraction) {
        let at_zero = imaginary / (real * real + imaginary * imaginary);
        step / PI * (at_zero + sum(0.0, 1)) + pole(real, imaginary, step, -1.0)
    } else {
        step / PI * sum(0.5, 0) + pole(real, imaginary, step, 1.0)
    }
}

/// `Re(i z exp(-t^2) / (z^2 - t^2))`.
fn node(real: f64, imaginary: f64, at: f64) -> f64 {
    let square = (real - at) * (real + at) - imaginary * imaginary;
    let cross = 2.0 * real * imaginary;
    libm::exp(-at * at) * (real * cross - imaginary * square) / (square * square + cross * cross)
}

/// `Re(2 exp(-z^2) / (1 + sign exp(-2 pi i z / step)))`.
fn pole(real: f64, imaginary: f64, step: f64, sign: f64) -> f64 {
    // Divided through by the second exponential, which is the one that may be large.
    let decay = libm::exp(-2.0 * PI * imaginary / step);
    let angle = 2.0 * PI * real / step;
    let size = 2.0 * libm::exp((imaginary - real) * (imaginary + real)) * decay;
    let turn = angle - 2.0 * real * imaginary;
    // numerator = size exp(i turn); denominator = decay exp(i angle) + sign
    let (below_real, below_imaginary) = (decay * libm::cos(angle) + sign, decay * libm::sin(angle));
    size * (libm::cos(turn) * below_real + libm::sin(turn) * below_imaginary)
        / (below_real * below_real + below_imaginary * below_imaginary)
}
