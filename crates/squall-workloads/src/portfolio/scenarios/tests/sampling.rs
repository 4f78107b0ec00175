//! What Monte Carlo scenarios are in the long run, and that path `i` is path `i` in any cut.

use proptest::prelude::*;

use super::*;

const PATHS: usize = 200_000;

fn set(paths: usize, rest: &str) -> ScenarioSet {
    prepare(&format!(r#"{{"type": "monte_carlo", "paths": {paths}, {rest}}}"#)).unwrap()
}

const GIVEN: &str = r#""factors": ["vol:SPX", "spot:SPX", "rate:USD"], "per": "year",
    "volatilities": [0.8, 0.2, 0.01], "correlation": [[1, -0.7, 0.1], [-0.7, 1, 0.2], [0.1, 0.2, 1]]"#;

/// Shocks of every path: `[vol, log return of the spot, rate]`.
fn changes(set: &ScenarioSet) -> [Vec<f64>; 3] {
    let mut block = ShockBlock::unshocked(5, set.count());
    set.fill(0..set.count(), 0, &mut block);
    let row = |idx| block.row(idx).unwrap().to_vec();
    [row(2), row(0).into_iter().map(f64::ln_1p).collect(), row(3)]
}

fn moment(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>() / a.len() as f64
}

fn check_covariance(rest: &str, horizon: f64, tolerance: f64) {
    let changes = changes(&set(PATHS, &format!("{GIVEN}, {rest}")));
    let sigma = [0.8, 0.2, 0.01].map(|sigma| sigma * (horizon / 252.0_f64).sqrt());
    let rho = [[1.0, -0.7, 0.1], [-0.7, 1.0, 0.2], [0.1, 0.2, 1.0]];
    for i in 0..3 {
        let mean = moment(&changes[i], &vec![1.0; PATHS]) / sigma[i];
        assert!(mean.abs() < 4.0 / (PATHS as f64).sqrt(), "mean {i}: {mean}");
        for j in 0..3 {
            let got = moment(&changes[i], &changes[j]) / (sigma[i] * sigma[j]);
            assert!((got - rho[i][j]).abs() < tolerance, "{i} {j}: {got}");
        }
    }
}

#[test]
fn normal_draws_have_the_covariance_that_was_given() {
    check_covariance(r#""seed": 3"#, 1.0, 0.012);
}

#[test]
fn variances_grow_with_the_horizon() {
    check_covariance(r#""seed": 4, "horizon_days": 10"#, 10.0, 0.012);
}

#[test]
fn student_t_draws_have_the_covariance_that_was_given() {
    check_covariance(r#""seed": 5, "distribution": "student_t", "degrees_of_freedom": 8"#, 1.0, 0.02);
}

#[test]
fn student_t_draws_have_fat_tails_together() {
    // Excess kurtosis of a Student t is 6 / (nu - 4): 0.75 with 12 degrees of freedom; normal draws have none.
    let kurtosis = |rest: &str| {
        let [vol, ..] = changes(&set(PATHS, &format!("{GIVEN}, {rest}")));
        let squares: Vec<f64> = vol.iter().map(|x| x * x).collect();
        moment(&squares, &squares) / moment(&vol, &vol).powi(2) - 3.0
    };
    let student = kurtosis(r#""distribution": "student_t", "degrees_of_freedom": 12"#);
    assert!((student - 0.75).abs() < 0.1, "{student}");
    let normal = kurtosis(r#""seed": 1"#);
    assert!(normal.abs() < 0.05, "{normal}");
}

#[test]
fn a_history_gives_its_sample_covariance() {
    let csv = r"date,vol:SPX,spot:SPX\n2020-01-01,0.2,100\n2020-01-02,0.22,95\n2020-01-03,0.18,101\n2020-01-06,0.19,99";
    let with = |mean: &str| {
        let rest = format!(r#""history": {{"csv": "{csv}"}}, "mean": "{mean}", "horizon_days": 4"#);
        let set = set(PATHS, &rest);
        let mut block = ShockBlock::unshocked(5, PATHS);
        set.fill(0..PATHS, 0, &mut block);
        let vol = block.row(2).unwrap().to_vec();
        let mean = moment(&vol, &vec![1.0; PATHS]);
        (mean, moment(&vol, &vol) - mean * mean)
    };
    // Changes 0.02, -0.04, 0.01: mean -1/300, mean square 0.0007, variance (divisor 2) 0.00103333.
    let (mean, variance) = with("zero");
    assert!(mean.abs() < 5e-4 && (variance / (4.0 * 0.0007) - 1.0).abs() < 0.02, "{mean} {variance}");
    let (mean, variance) = with("sample");
    assert!((mean + 4.0 / 300.0).abs() < 6e-4, "{mean}");
    assert!((variance / (4.0 * 0.001_033_333) - 1.0).abs() < 0.02, "{variance}");
}

#[test]
fn even_absurd_draws_are_shocks_that_a_market_can_take() {
    let rest = r#""factors": ["spot:SPX", "vol:SPX"], "per": "day", "covariance": [[0.36, 0], [0, 1]],
        "horizon_days": 2520, "distribution": "student_t", "degrees_of_freedom": 2.01"#;
    let set = set(2000, rest);
    for scenario in 0..2000 {
        for (factor, shock) in set.shocks_of(scenario) {
            assert!(shock.is_finite() && (!is_relative(&factor) || shock > -1.0), "{factor} {shock}");
        }
    }
}

#[test]
fn the_seed_decides() {
    let shocks = |seed: u64| set(20, &format!(r#"{GIVEN}, "seed": {seed}"#)).shocks_of(17);
    assert_eq!(shocks(1), shocks(1));
    assert_ne!(shocks(1), shocks(2));
    assert_eq!(
        set(1000, &format!(r#"{GIVEN}, "seed": 1"#)).shocks_of(17),
        shocks(1),
        "whatever the number of paths"
    );
}

proptest! {
    #[test]
    fn path_17_is_the_same_in_any_block(start in 0..18_usize, end in 18..900_usize, offset in 0..5_usize) {
        let rest = format!(r#"{GIVEN}, "distribution": "student_t", "degrees_of_freedom": 3"#);
        let set = set(900, &rest);
        let mut block = ShockBlock::unshocked(5, offset + end - start);
        set.fill(start..end, offset, &mut block);
        for (factor, shock) in set.shocks_of(17) {
            let row = block.row(market().index_of(&factor).unwrap()).unwrap();
            prop_assert_eq!(row[offset + 17 - start].to_bits(), shock.to_bits());
        }
    }

    #[test]
    fn filling_beyond_the_end_does_nothing(start in 0..40_usize, end in 0..40_usize, first in 0..12_usize) {
        let mut block = ShockBlock::unshocked(5, 10);
        set(20, GIVEN).fill(start..end, first, &mut block);
        set(20, GIVEN).fill(0..usize::MAX, first, &mut block);
    }
}
