//! Nodes, quadrature weights and interpolation weights, all computed by the compiler.
//!
//! With time to expiry tau = horizon * x^2 the boundary is smooth in x; with u = tau cos^2(angle) both the square root
//! at u = tau and the one at u = 0 disappear from the integrals over u. Neither change of variables knows the contract,
//! so where each quadrature point falls between the collocation nodes is a constant.

use core::f64::consts::{FRAC_PI_2, FRAC_PI_4, PI};

/// `L` quadrature points for integrals over u in (0, tau).
pub(super) struct Quadrature<const L: usize> {
    /// sqrt((tau - u) / tau), the sine of the angle.
    pub(super) sine: [f64; L],
    /// sqrt(u / tau).
    pub(super) cosine: [f64; L],
    /// Weights for du / tau.
    pub(super) weight: [f64; L],
}

/// `N` collocation nodes in x, from 1 down, without x = 0, where the boundary is known.
pub(super) struct Nodes<const N: usize, const L: usize> {
    pub(super) node: [f64; N],
    pub(super) quadrature: Quadrature<L>,
    /// `weight[j][i][k]`: what node `j` gives to the interpolant at quadrature point `k` of the integral to node `i`.
    pub(super) weight: [[[f64; L]; N]; N],
}

/// Interpolation from the nodes to the points of one integral to the horizon: `weight[j][k]`.
pub(super) struct Readout<const N: usize, const P: usize> {
    pub(super) quadrature: Quadrature<P>,
    pub(super) weight: [[f64; P]; N],
}

impl<const N: usize, const L: usize> Nodes<N, L> {
    pub(super) const fn new() -> Self {
        let quadrature = Quadrature::new();
        let node: [f64; N] = collocation_nodes();
        let mut weight = [[[0.0; L]; N]; N];
        let mut i = 0;
        while i < N {
            let mut k = 0;
            while k < L {
                let basis = lagrange(&node, node[i] * quadrature.cosine[k]);
                let mut j = 0;
                while j < N {
                    weight[j][i][k] = basis[j];
                    j += 1;
                }
                k += 1;
            }
            i += 1;
        }
        Self { node, quadrature, weight }
    }
}

impl<const N: usize, const P: usize> Readout<N, P> {
    pub(super) const fn new() -> Self {
        let quadrature: Quadrature<P> = Quadrature::new();
        let node: [f64; N] = collocation_nodes();
        let mut weight = [[0.0; P]; N];
        let mut k = 0;
        while k < P {
            let basis = lagrange(&node, quadrature.cosine[k]);
            let mut j = 0;
            while j < N {
                weight[j][k] = basis[j];
                j += 1;
            }
            k += 1;
        }
        Self { quadrature, weight }
    }
}

impl<const L: usize> Quadrature<L> {
    /// Gauss and Legendre's rule in the angle.
    const fn new() -> Self {
        let (abscissa, gauss) = gauss_legendre::<L>();
        let (mut sine, mut cosine, mut weight) = ([0.0; L], [0.0; L], [0.0; L]);
        let mut k = 0;
        while k < L {
            let angle = FRAC_PI_4 * (1.0 + abscissa[k]);
            sine[k] = const_cosine(FRAC_PI_2 - angle);
            cosine[k] = const_cosine(angle);
            weight[k] = FRAC_PI_4 * gauss[k] * 2.0 * sine[k] * cosine[k];
            k += 1;
        }
        Self { sine, cosine, weight }
    }
}

/// Abscissas, ascending, and weights on (-1, 1), by Newton's method on the Legendre polynomial.
pub(super) const fn gauss_legendre<const L: usize>() -> ([f64; L], [f64; L]) {
    let (mut abscissa, mut weight) = ([0.0; L], [0.0; L]);
    let order = L as f64;
    let mut k = 0;
    while k < L {
        let mut root = -const_cosine(PI * (k as f64 + 0.75) / (order + 0.5));
        let mut slope = 1.0;
        let mut iteration = 0;
        while iteration < 8 {
            let (mut value, mut before) = (1.0, 0.0);
            let mut degree = 1;
            while degree <= L {
                let n = degree as f64;
                let next = ((2.0 * n - 1.0) * root * value - (n - 1.0) * before) / n;
                before = value;
                value = next;
                degree += 1;
            }
            slope = order * (root * value - before) / (root * root - 1.0);
            root -= value / slope;
            iteration += 1;
        }
        abscissa[k] = root;
        weight[k] = 2.0 / ((1.0 - root * root) * slope * slope);
        k += 1;
    }
    (abscissa, weight)
}

/// Chebyshev's points of the second kind on [0, 1], from 1 down, without 0.
pub(super) const fn collocation_nodes<const N: usize>() -> [f64; N] {
    let mut node = [0.0; N];
    let mut i = 0;
    while i < N {
        let half_cosine = const_cosine(FRAC_PI_2 * i as f64 / N as f64);
        node[i] = half_cosine * half_cosine;
        i += 1;
    }
    node
}

/// Values at `point` of the Lagrange polynomials of `node` and 0, without the last (barycentric form).
pub(super) const fn lagrange<const N: usize>(node: &[f64; N], point: f64) -> [f64; N] {
    let mut basis = [0.0; N];
    let mut sum = if N.is_multiple_of(2) { 0.5 / point } else { -0.5 / point };
    let mut sign = 1.0;
    let mut j = 0;
    while j < N {
        let gap = point - node[j];
        if gap == 0.0 {
            let mut alone = [0.0; N];
            alone[j] = 1.0;
            return alone;
        }
        basis[j] = if j == 0 { 0.5 / gap } else { sign / gap };
        sum += basis[j];
        sign = -sign;
        j += 1;
    }
    let mut j = 0;
    while j < N {
        basis[j] /= sum;
        j += 1;
    }
    basis
}

/// Cosine on [0, pi], for the compiler, which has none: Taylor's series of the quarter angle, doubled twice.
const fn const_cosine(angle: f64) -> f64 {
    let square = angle * angle / 16.0;
    // 1 - cos loses nothing when doubled: 1 - cos 2a = 2 v (2 - v) with v = 1 - cos a.
    let mut versine = 0.0;
    let mut order = 24.0;
    while order >= 2.0 {
        versine = square / (order * (order - 1.0)) * (1.0 - versine);
        order -= 2.0;
    }
    versine = 2.0 * versine * (2.0 - versine);
    versine = 2.0 * versine * (2.0 - versine);
    1.0 - versine
}
