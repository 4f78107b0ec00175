use super::*;

#[test]
fn agrees_with_numpy() {
    let lower = cholesky(&[vec![4.0, 2.0, -2.0], vec![2.0, 10.0, 2.0], vec![-2.0, 2.0, 9.0]]).unwrap();
    assert_eq!(lower, [vec![2.0], vec![1.0, 3.0], vec![-1.0, 1.0, 7.0_f64.sqrt()]]);
}

#[test]
fn factors_may_depend_on_others_or_not_move_at_all() {
    let lower = cholesky(&[vec![1.0, 2.0, 0.0], vec![2.0, 4.0, 0.0], vec![0.0, 0.0, 0.0]]).unwrap();
    assert_eq!(lower, [vec![1.0], vec![2.0, 0.0], vec![0.0, 0.0, 0.0]]);
}

#[test]
fn names_the_row_that_cannot_be() {
    assert_eq!(cholesky(&[vec![1.0, 2.0], vec![2.0, 1.0]]), Err(NotCovariance::NegativeVariance(1)));
    assert_eq!(cholesky(&[vec![0.0, 1.0], vec![1.0, 1.0]]), Err(NotCovariance::ImpossibleCovariance(1, 0)));
    assert_eq!(cholesky(&[vec![f64::NAN]]), Err(NotCovariance::NegativeVariance(0)));
    assert_eq!(cholesky(&[]), Ok(vec![]));
}
