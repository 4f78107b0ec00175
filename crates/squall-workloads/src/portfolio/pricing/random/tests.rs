use super::{Stream, philox};
use crate::portfolio::pricing::normal;

const N_DRAWS: usize = 200_000;

fn moment(draws: &[f64], order: i32) -> f64 {
    draws.iter().map(|draw| draw.powi(order)).sum::<f64>() / draws.len() as f64
}

/// Kolmogorov and Smirnov's distance, times the square root of the sample size: above 1.95 once in a thousand.
fn kolmogorov_smirnov(mut draws: Vec<f64>, cdf: impl Fn(f64) -> f64) -> f64 {
    draws.sort_by(f64::total_cmp);
    let size = draws.len() as f64;
    let gap = draws.iter().enumerate().map(|(rank, &draw)| {
        let below = cdf(draw);
        (below - rank as f64 / size).max((rank + 1) as f64 / size - below)
    });
    gap.fold(0.0, f64::max) * size.sqrt()
}

fn rows(stream: &Stream, n_paths: usize, n_numbers: usize) -> Vec<f64> {
    let mut out = vec![0.0; n_paths * n_numbers];
    stream.normals_of_paths(0, n_paths, &mut out);
    out
}

#[test]
fn philox_gives_the_known_answers_of_random123() {
    let ones = 0xffff_ffff;
    let zeros = philox::block([0; 4], [0; 2]);
    assert_eq!(zeros, [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
    assert_eq!(philox::block([ones; 4], [ones; 2]), [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]);
    let pi = philox::block([0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0]);
    assert_eq!(pi, [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]);
}

#[test]
fn every_way_to_ask_for_a_number_gives_the_same_bits() {
    let stream = Stream::new(42, 7);
    let (n_paths, n_numbers) = (131, 7);
    let many = rows(&stream, n_paths, n_numbers);
    for path in 0..n_paths {
        for first in 0..3 {
            let mut along = vec![0.0; n_numbers - first];
            stream.normals(path as u64, first as u64, &mut along);
            for (offset, value) in along.iter().enumerate() {
                let number = first + offset;
                assert_eq!(value.to_bits(), many[number * n_paths + path].to_bits());
                assert_eq!(value.to_bits(), stream.normal(path as u64, number as u64).to_bits());
            }
        }
    }
    let mut part = vec![0.0; 5 * n_numbers];
    stream.normals_of_paths(100, 5, &mut part);
    assert_eq!(part[2 * 5 + 3], many[2 * n_paths + 103]);
    let mut uniforms = [0.0; 5];
    stream.uniforms(9, 3, &mut uniforms);
    assert_eq!(uniforms[2], stream.uniform(9, 5));
    let mut squares = [0.0; 9];
    stream.chi_squareds_of_paths(50, 3, 4.5, &mut squares);
    assert_eq!(squares[8].to_bits(), stream.chi_squared(58, 3, 4.5).to_bits());
}

#[test]
fn scalar_and_simd_code_give_the_same_bits() {
    let stream = Stream::new(1, 2);
    let (mut scalar, mut simd) = (vec![0.0; 1_000], vec![0.0; 1_000]);
    stream.fill_paths(0, 125, &mut scalar);
    stream.normals_of_paths(0, 125, &mut simd);
    assert!(scalar.iter().zip(&simd).all(|(left, right)| left.to_bits() == right.to_bits()));
}

#[test]
fn numbers_are_pinned_for_good() {
    let stream = Stream::new(2_026, 1);
    let seen = [
        stream.normal(0, 0),
        stream.normal(1, 3),
        stream.uniform(u64::MAX, u64::MAX),
        stream.chi_squared(5, 6, 4.0),
    ];
    assert_eq!(seen.map(f64::to_bits), PINNED, "{seen:?}");
}
const PINNED: [u64; 4] =
    [0xbfe2_ec6b_ddd8_81a9, 0xbfee_9feb_a086_4e23, 0x3fda_5db9_86df_1716, 0x4006_9796_bf55_5667];

#[test]
fn normals_have_normal_moments_and_distribution() {
    let draws = rows(&Stream::new(3, 0), N_DRAWS / 10, 10);
    let size = draws.len() as f64;
    // Standard errors of the raw moments of a standard normal: sqrt((E z^2k - (E z^k)^2) / n).
    for (order, want, variance) in
        [(1, 0.0, 1.0), (2, 1.0, 2.0), (3, 0.0, 15.0), (4, 3.0, 96.0), (6, 15.0, 10_170.0)]
    {
        let error = (moment(&draws, order) - want) / (variance / size).sqrt();
        assert!(error.abs() < 4.0, "moment {order}: {error} standard errors");
    }
    assert!(kolmogorov_smirnov(draws, normal::cdf) < 1.95);
}

#[test]
fn uniforms_are_uniform_and_inside_the_open_interval() {
    let mut draws = vec![0.0; N_DRAWS];
    Stream::new(4, 0).uniforms(17, 0, &mut draws);
    assert!(draws.iter().all(|&draw| draw > 0.0 && draw < 1.0));
    assert!(kolmogorov_smirnov(draws, |draw| draw) < 1.95);
    assert!(super::open_unit(0) > 0.0 && super::open_unit(u64::MAX) < 1.0);
}

#[test]
fn neighbours_and_streams_are_uncorrelated() {
    let (n_paths, n_numbers) = (20_000, 4);
    let base = rows(&Stream::new(5, 0), n_paths, n_numbers);
    let others = [rows(&Stream::new(5, 1), n_paths, n_numbers), rows(&Stream::new(6, 0), n_paths, n_numbers)];
    let bound = 4.0 / (n_paths as f64).sqrt();
    let correlation = |left: &[f64], right: &[f64]| {
        left.iter().zip(right).map(|(a, b)| a * b).sum::<f64>() / left.len().min(right.len()) as f64
    };
    let row = |draws: &'_ [f64], number: usize| draws[number * n_paths..(number + 1) * n_paths].to_vec();
    for number in 0..n_numbers {
        let draws = row(&base, number);
        assert!(correlation(&draws, &draws[1..]).abs() < bound, "neighbouring paths");
        for later in number + 1..n_numbers {
            assert!(correlation(&draws, &row(&base, later)).abs() < bound, "numbers of a path");
        }
        for other in &others {
            assert!(correlation(&draws, &row(other, number)).abs() < bound, "streams");
        }
    }
}

/// Chi-squared distribution function for even degrees of freedom 2m: 1 - e^(-x/2) sum_{k<m} (x/2)^k / k!.
fn chi_squared_cdf_even(value: f64, half: usize) -> f64 {
    let mut term = 1.0;
    let mut sum = 0.0;
    for order in 0..half {
        sum += term;
        term *= 0.5 * value / (order + 1) as f64;
    }
    1.0 - libm::exp(-0.5 * value) * sum
}

#[test]
fn chi_squareds_have_their_moments_and_distribution() {
    let stream = Stream::new(8, 0);
    for degrees in [0.7, 1.0, 2.0, 2.5, 3.3, 4.0, 10.0, 137.5] {
        let mut draws = vec![0.0; N_DRAWS];
        stream.chi_squareds_of_paths(0, 0, degrees, &mut draws);
        let size = N_DRAWS as f64;
        let mean_error = (moment(&draws, 1) - degrees) / (2.0 * degrees / size).sqrt();
        let centred: Vec<f64> = draws.iter().map(|draw| draw - degrees).collect();
        // Var of the sample variance: (mu4 - mu2^2) / n, mu4 = 12 k (k + 4).
        let variance_error = (moment(&centred, 2) - 2.0 * degrees)
            / ((12.0 * degrees * (degrees + 4.0) - 4.0 * degrees * degrees) / size).sqrt();
        assert!(
            mean_error.abs() < 4.0 && variance_error.abs() < 4.0,
            "{degrees}: {mean_error} {variance_error}"
        );
        if let Some(half) = [2.0, 4.0, 10.0].iter().position(|&even| even == degrees) {
            let half = [1, 2, 5][half];
            assert!(kolmogorov_smirnov(draws, |draw| chi_squared_cdf_even(draw, half)) < 1.95, "{degrees}");
        }
    }
    assert!(stream.chi_squared(0, 0, 0.0).is_nan() && stream.chi_squared(0, 0, f64::NAN).is_nan());
}

#[test]
fn student_t_built_from_both_is_independent_and_has_its_distribution() {
    // Four degrees of freedom: F(t) = 1/2 + s (3 - s^2) / 4 with s = t / sqrt(4 + t^2).
    let stream = Stream::new(9, 3);
    let draws: Vec<f64> = (0..50_000)
        .map(|path| stream.normal(path, 0) * (4.0 / stream.chi_squared(path, 0, 4.0)).sqrt())
        .collect();
    let cdf = |t: f64| {
        let s = t / (4.0 + t * t).sqrt();
        0.5 + 0.25 * s * (3.0 - s * s)
    };
    assert!(kolmogorov_smirnov(draws, cdf) < 1.95);
}
