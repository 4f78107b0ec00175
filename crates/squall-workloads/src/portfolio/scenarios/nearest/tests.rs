use super::*;

/// The references are numpy's: `eigvalsh`, and 20,000 of Higham's projections by `eigh`. The distance of the last is in his paper too.
#[test]
fn the_nearest_correlation_matrix_is_numpys() {
    let given = [
        vec![vec![1.0, 0.9, 0.71], vec![0.9, 1.0, 0.95], vec![0.71, 0.95, 1.0]],
        vec![
            vec![1.0, -0.55, -0.15, -0.1],
            vec![-0.55, 1.0, 0.9, 0.9],
            vec![-0.15, 0.9, 1.0, 0.9],
            vec![-0.1, 0.9, 0.9, 1.0],
        ],
        vec![vec![1.0, 1.0, 0.0], vec![1.0, 1.0, 1.0], vec![0.0, 1.0, 1.0]],
    ];
    let smallest = [-0.003_153_104_976, -0.027_758_694_125, -0.414_213_562_373];
    let distances = [0.004_325_375_468, 0.037_416_672_638, 0.527_790_463_581];
    let nearest = [
        vec![
            vec![1.0, 0.89831242, 0.71105449],
            vec![0.89831242, 1.0, 0.94767738],
            vec![0.71105449, 0.94767738, 1.0],
        ],
        vec![
            vec![1.0, -0.53631834, -0.1548562, -0.1070634],
            vec![-0.53631834, 1.0, 0.88860261, 0.88342235],
            vec![-0.1548562, 0.88860261, 1.0, 0.90588411],
            vec![-0.1070634, 0.88342235, 0.90588411, 1.0],
        ],
        vec![
            vec![1.0, 0.76068985, 0.15729811],
            vec![0.76068985, 1.0, 0.76068985],
            vec![0.15729811, 0.76068985, 1.0],
        ],
    ];
    for (((given, smallest), distance), nearest) in given.iter().zip(smallest).zip(distances).zip(&nearest) {
        let eigenvalue = smallest_eigenvalue(given);
        assert!((eigenvalue / smallest - 1.0).abs() < 2e-5, "{eigenvalue} {smallest}");
        let (found, far) = nearest_correlation(given);
        assert!((far - distance).abs() < 1e-9, "{far} {distance}");
        for (found, expected) in found.iter().flatten().zip(nearest.iter().flatten()) {
            assert!((found - expected).abs() < 1e-8, "{found} {expected}");
        }
        assert!(cholesky(&found).is_ok() && (0..found.len()).all(|idx| found[idx][idx] == 1.0));
    }
}

/// Correlations that were rounded to two digits, some of them to 1.00: what is found has no variance left in some direction, and factorises.
#[test]
fn what_is_found_always_factorises() {
    let given = [
        vec![vec![1.0, 1.0, 0.5], vec![1.0, 1.0, 0.6], vec![0.5, 0.6, 1.0]],
        vec![
            vec![1.0, 0.22, -0.6, -0.27, 0.34],
            vec![0.22, 1.0, 0.64, 0.0, -0.11],
            vec![-0.6, 0.64, 1.0, 0.33, -0.41],
            vec![-0.27, 0.0, 0.33, 1.0, -0.54],
            vec![0.34, -0.11, -0.41, -0.54, 1.0],
        ],
    ];
    let mut all = given.to_vec();
    let number = |seed: usize| ((seed * 7_919 + 104_729) % 2_001) as f64 / 1_000.0 - 1.0;
    for n in 3..9 {
        for seed in 0..40 {
            let entry = |i: usize, j: usize| match i == j {
                true => 1.0,
                false => (number(seed * 97 + i.min(j) * 31 + i.max(j) * 7) * 100.0).round() / 100.0,
            };
            all.push((0..n).map(|i| (0..n).map(|j| entry(i, j)).collect()).collect());
        }
    }
    for given in &all {
        let (found, _) = nearest_correlation(given);
        assert!(cholesky(&found).is_ok(), "{given:?} {found:?} {:?}", cholesky(&found));
    }
}

#[test]
fn a_correlation_matrix_is_its_own_nearest() {
    let given = vec![vec![1.0, 0.5, -0.2], vec![0.5, 1.0, 0.3], vec![-0.2, 0.3, 1.0]];
    let (found, far) = nearest_correlation(&given);
    assert!(far < 1e-12, "{far} {found:?}");
    let (found, far) = nearest_correlation(&[]);
    assert_eq!((found.len(), far), (0, 0.0));
}

/// Fifty factors whose correlations were estimated pair by pair and rounded to two digits.
#[test]
fn a_large_matrix_is_repaired_too() {
    let noise = |i: usize, j: usize| ((i * 7_919 + j * 104_729) % 1_000) as f64 / 1_000.0 - 0.5;
    let entry = |i: usize, j: usize| match i == j {
        true => 1.0,
        false => ((0.8 + 0.15 * noise(i.min(j), i.max(j))) * 100.0).round() / 100.0,
    };
    let given: Vec<Vec<f64>> = (0..50).map(|i| (0..50).map(|j| entry(i, j)).collect()).collect();
    assert!(cholesky(&given).is_err());
    let (found, far) = nearest_correlation(&given);
    assert!(cholesky(&found).is_ok() && far > 0.0 && far < 5.0, "{far}");
    // No eigenvalue is negative by more than rounding, so nothing nearer was passed by: the distance is at least their size.
    assert!(far >= -smallest_eigenvalue(&given), "{far}");
}
