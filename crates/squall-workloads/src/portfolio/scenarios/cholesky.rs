//! Cholesky's factorisation of a covariance matrix that may be singular.

/// A pivot below this, as a share of the factor's variance, counts as zero: what is left of correlations that were
/// written with ten digits. Correlations of that factor beyond its root are lost.
const TOLERANCE: f64 = 1e-10;

/// Why a matrix is not a covariance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotCovariance {
    /// This row would have a negative variance, given the ones before it.
    NegativeVariance(usize),
    /// Rows that do move together, although given the rows before it the second does not move at all.
    ImpossibleCovariance(usize, usize),
}

/// The lower triangle `L` (rows of growing length) with `L L^T = covariance`, for a symmetric positive semi-definite
/// matrix. Columns of factors that depend linearly on earlier ones are zero.
///
/// # Errors
/// The first row that shows the matrix not to be positive semi-definite.
pub(super) fn cholesky(covariance: &[Vec<f64>]) -> Result<Vec<Vec<f64>>, NotCovariance> {
    let n = covariance.len();
    let variance = |i: usize| covariance[i][i];
    let mut lower: Vec<Vec<f64>> = (0..n).map(|i| vec![0.0; i + 1]).collect();
    for column in 0..n {
        let explained: f64 = lower[column][..column].iter().map(|entry| entry * entry).sum();
        let pivot = variance(column) - explained;
        let negligible = TOLERANCE * variance(column);
        if pivot.is_nan() || pivot < -negligible {
            return Err(NotCovariance::NegativeVariance(column));
        }
        let root = if pivot > negligible { pivot.sqrt() } else { 0.0 };
        lower[column][column] = root;
        for row in column + 1..n {
            let explained: f64 = (0..column).map(|k| lower[row][k] * lower[column][k]).sum();
            let rest = covariance[row][column] - explained;
            if root > 0.0 {
                lower[row][column] = rest / root;
            } else if rest.abs() > (TOLERANCE * variance(row) * variance(column)).sqrt() {
                return Err(NotCovariance::ImpossibleCovariance(row, column));
            }
        }
    }
    Ok(lower)
}

#[cfg(test)]
mod tests;
