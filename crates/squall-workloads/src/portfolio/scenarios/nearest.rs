//! The nearest correlation matrix, by alternating projections (N. J. Higham, "Computing the nearest correlation matrix: a problem from
//! finance", IMA Journal of Numerical Analysis 22, 2002).

use super::cholesky::cholesky;

/// Iterations at most; a handful of factors takes some dozens.
const MAX_ITERATIONS: usize = 1_000;
/// An iterate that changes by less has arrived.
const ARRIVED: f64 = 1e-12;
/// Sweeps of rotations at most; a matrix takes about eight.
const MAX_SWEEPS: usize = 60;
/// The smallest eigenvalue of what is found: above what Cholesky's factorisation takes for 0, so that it never fails on rounding.
const LEAST: f64 = 3e-10;

type Matrix = Vec<Vec<f64>>;

/// The correlation matrix (positive semi-definite, with a diagonal of 1) that is nearest to a symmetric one by the Frobenius norm, and
/// how far it is.
pub(super) fn nearest_correlation(matrix: &[Vec<f64>]) -> (Matrix, f64) {
    let n = matrix.len();
    let mut iterate = matrix.to_vec();
    let mut correction = vec![vec![0.0; n]; n];
    // The eigenvectors of the one before nearly diagonalise the next.
    let mut vectors = identity(n);
    for _ in 0..MAX_ITERATIONS {
        let corrected = combined(&iterate, &correction, |entry, excess| entry - excess);
        let positive = positive_part(&corrected, &mut vectors, 0.0);
        correction = combined(&positive, &corrected, |entry, before| entry - before);
        let mut next = positive;
        for (idx, row) in next.iter_mut().enumerate() {
            row[idx] = 1.0;
        }
        let moved = distance(&next, &iterate);
        iterate = next;
        if moved < ARRIVED {
            break;
        }
    }
    // Positive by a hair, and the diagonal 1 again.
    let positive = positive_part(&iterate, &mut vectors, LEAST);
    let scales: Vec<f64> =
        (0..n).map(|idx| if positive[idx][idx] > 0.0 { positive[idx][idx].sqrt() } else { 1.0 }).collect();
    let mut found = positive;
    for (row, entries) in found.iter_mut().enumerate() {
        for (column, entry) in entries.iter_mut().enumerate() {
            *entry = if row == column { 1.0 } else { *entry / (scales[row] * scales[column]) };
        }
    }
    let far = distance(&found, matrix);
    (found, far)
}

/// The smallest eigenvalue of a symmetric matrix that is not positive semi-definite, to four digits.
pub(super) fn smallest_eigenvalue(matrix: &[Vec<f64>]) -> f64 {
    let is_positive_with = |shift: f64| {
        let mut shifted = matrix.to_vec();
        for (idx, row) in shifted.iter_mut().enumerate() {
            row[idx] += shift;
        }
        cholesky(&shifted).is_ok()
    };
    // Gershgorin: no eigenvalue is larger than the entries of a row together.
    let largest =
        matrix.iter().map(|row| row.iter().map(|entry| entry.abs()).sum::<f64>()).fold(0.0, f64::max);
    let (mut low, mut high) = (largest * 1e-12, largest.max(f64::MIN_POSITIVE));
    while high / low > 1.000_01 {
        let middle = (low * high).sqrt();
        if is_positive_with(middle) {
            high = middle
        } else {
            low = middle
        }
        if middle <= 0.0 {
            break;
        }
    }
    -high
}

fn identity(n: usize) -> Matrix {
    (0..n).map(|row| (0..n).map(|column| f64::from(u8::from(row == column))).collect()).collect()
}

fn combined(a: &[Vec<f64>], b: &[Vec<f64>], change: impl Fn(f64, f64) -> f64) -> Matrix {
    a.iter().zip(b).map(|(a, b)| a.iter().zip(b).map(|(x, y)| change(*x, *y)).collect()).collect()
}

fn distance(a: &[Vec<f64>], b: &[Vec<f64>]) -> f64 {
    let squares = a.iter().zip(b).flat_map(|(a, b)| a.iter().zip(b)).map(|(x, y)| (x - y) * (x - y));
    squares.sum::<f64>().sqrt()
}

/// The nearest matrix without eigenvalues below `least`. `vectors` are a guess of the eigenvectors, by row, and become them.
fn positive_part(matrix: &[Vec<f64>], vectors: &mut Matrix, least: f64) -> Matrix {
    let n = matrix.len();
    let mut turned = turned(matrix, vectors);
    diagonalise(&mut turned, vectors);
    let mut sum = vec![vec![0.0; n]; n];
    for (idx, vector) in vectors.iter().enumerate() {
        let value = turned[idx][idx].max(least);
        if value > 0.0 {
            for (row, left) in sum.iter_mut().zip(vector) {
                for (entry, right) in row.iter_mut().zip(vector) {
                    *entry += value * left * right;
                }
            }
        }
    }
    sum
}

/// A symmetric matrix in the coordinates of some orthonormal vectors.
fn turned(matrix: &[Vec<f64>], vectors: &[Vec<f64>]) -> Matrix {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
    let image = |vector: &Vec<f64>| matrix.iter().map(|row| dot(row, vector)).collect::<Vec<f64>>();
    let images: Matrix = vectors.iter().map(image).collect();
    vectors.iter().map(|vector| images.iter().map(|image| dot(vector, image)).collect()).collect()
}

/// Jacobi's rotations, row by row, until nothing is left beside the diagonal.
fn diagonalise(matrix: &mut Matrix, vectors: &mut Matrix) {
    let n = matrix.len();
    for _ in 0..MAX_SWEEPS {
        let beside: f64 = (0..n)
            .flat_map(|row| (0..row).map(move |column| (row, column)))
            .map(|(r, c)| matrix[r][c].abs())
            .sum();
        if beside < 1e-300 {
            break;
        }
        for p in 0..n {
            for q in p + 1..n {
                rotate(matrix, vectors, p, q);
            }
        }
    }
}

/// Turns the coordinates `p` and the later `q` so that nothing is left between them.
fn rotate(matrix: &mut Matrix, vectors: &mut Matrix, p: usize, q: usize) {
    let between = matrix[p][q];
    let (at_p, at_q) = (matrix[p][p], matrix[q][q]);
    if between.abs() <= 1e-18 * (at_p.abs() + at_q.abs()) {
        (matrix[p][q], matrix[q][p]) = (0.0, 0.0);
        return;
    }
    // The smaller of the two angles.
    let half = (at_q - at_p) / (2.0 * between);
    let tangent = half.signum() / (half.abs() + (half * half + 1.0).sqrt());
    let cosine = 1.0 / (tangent * tangent + 1.0).sqrt();
    let sine = tangent * cosine;
    for row in matrix.iter_mut() {
        let (left, right) = (row[p], row[q]);
        row[p] = cosine * left - sine * right;
        row[q] = sine * left + cosine * right;
    }
    for rows in [matrix, vectors] {
        let (above, below) = rows.split_at_mut(q);
        for (at_p, at_q) in above[p].iter_mut().zip(&mut below[0]) {
            (*at_p, *at_q) = (cosine * *at_p - sine * *at_q, sine * *at_p + cosine * *at_q);
        }
    }
}

#[cfg(test)]
mod tests;
