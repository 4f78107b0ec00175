use expect_test::expect;

use super::super::surface::VolInterpolation;
use super::*;

fn told(expiries: &[f64], strikes: &[f64], vols: &[&[f64]], growth: f64) -> String {
    let surface = VolSurface::Grid {
        interpolation: VolInterpolation::LinearTotalVariance,
        expiries: expiries.to_vec(),
        strikes: strikes.to_vec(),
        vols: vols.iter().map(|row| row.to_vec()).collect(),
    };
    let found = arbitrages(&surface, false, |years| Some(100.0 * (growth * years).exp()));
    found.iter().map(|it| it.text() + "\n").collect()
}

#[test]
fn variance_that_falls_in_time_is_named_with_its_place() {
    // The second is a mistyped cell; the third falls at the same strike, and rises at equal moneyness.
    let all = [
        told(&[0.5, 1.0], &[100.0], &[&[0.6], &[0.2]], 0.0),
        told(
            &[0.5, 1.0, 2.0],
            &[80.0, 100.0, 120.0],
            &[&[0.25, 0.2, 0.18], &[0.24, 0.12, 0.18], &[0.23, 0.2, 0.18]],
            0.0,
        ),
        told(&[1.0, 1.25], &[80.0, 100.0, 125.0], &[&[0.4, 0.3, 0.2], &[0.4, 0.335, 0.226]], 0.893),
        told(&[0.5, 1.0], &[100.0], &[&[0.2], &[0.1414]], 0.0),
        told(&[0.5, 1.0], &[100.0], &[&[0.2], &[0.1412]], 0.0),
    ];
    expect![[r#"
        total variance falls in time: 0.6 for 0.5 years at strike 100, 0.2 for 1 years
        --
        total variance falls in time: 0.2 for 0.5 years at strike 100, 0.12 for 1 years
        --
        a call spread cannot have its price: 0.4 at strike 80, 0.3 at 100, for 1 years
        a call spread cannot have its price: 0.3 at strike 100, 0.2 at 125, for 1 years
        a butterfly costs less than nothing: 0.4 at strike 80 between a price of the forward at 0 and 0.3 at 100, for 1 years
        total variance falls in time: 0.4 for 1 years at strike 80, 0.334954 for 1.25 years at 100.011
        total variance falls in time: 0.300053 for 1 years at strike 99.9894, 0.226 for 1.25 years at 125
        a call spread cannot have its price: 0.4 at strike 80, 0.335 at 100, for 1.25 years
        a call spread cannot have its price: 0.335 at strike 100, 0.226 at 125, for 1.25 years
        a butterfly costs less than nothing: 0.4 at strike 80 between a price of the forward at 0 and 0.335 at 100, for 1.25 years
        a butterfly costs less than nothing: 0.335 at strike 100 between 0.4 at 80 and 0.226 at 125, for 1.25 years
        --
        --
        total variance falls in time: 0.2 for 0.5 years at strike 100, 0.1412 for 1 years
    "#]].assert_eq(&all.join("--\n"));
}

#[test]
fn prices_that_contradict_each_other_across_strikes_are_named_with_their_place() {
    let all = [
        told(&[1.0], &[80.0, 90.0, 100.0, 110.0], &[&[0.3, 0.2, 0.45, 0.2]], 0.0),
        told(&[0.1], &[90.0, 95.0, 100.0], &[&[0.9, 0.2, 0.2]], 0.0),
        told(&[1.0], &[90.0, 95.0], &[&[0.1, 0.4]], 0.0),
        // A steep and a smiling one that can be.
        told(&[0.25], &[80.0, 90.0, 100.0, 110.0, 120.0], &[&[0.42, 0.33, 0.25, 0.21, 0.22]], 0.02),
        told(
            &[0.0833, 1.0],
            &[85.0, 95.0, 100.0, 105.0, 115.0],
            &[&[0.35, 0.27, 0.24, 0.22, 0.21], &[0.28, 0.25, 0.24, 0.23, 0.21]],
            0.03,
        ),
    ];
    expect![[r#"
        a call spread cannot have its price: 0.2 at strike 90, 0.45 at 100, for 1 years
        a call spread cannot have its price: 0.45 at strike 100, 0.2 at 110, for 1 years
        a butterfly costs less than nothing: 0.3 at strike 80 between a price of the forward at 0 and 0.2 at 90, for 1 years
        a butterfly costs less than nothing: 0.45 at strike 100 between 0.2 at 90 and 0.2 at 110, for 1 years
        --
        a call spread cannot have its price: 0.9 at strike 90, 0.2 at 95, for 0.1 years
        a butterfly costs less than nothing: 0.9 at strike 90 between a price of the forward at 0 and 0.2 at 95, for 0.1 years
        --
        a call spread cannot have its price: 0.1 at strike 90, 0.4 at 95, for 1 years
        --
        --
    "#]].assert_eq(&all.join("--\n"));
}

/// A place beside one that was found says nothing new: found by their order, so that any number of strikes takes no longer for each.
#[test]
fn variance_that_falls_everywhere_is_named_at_strikes_apart() {
    let strikes: Vec<f64> = (0..200_000).map(|idx| 100.0 * (1e-5 * f64::from(idx)).exp()).collect();
    let (early, late) = (vec![0.5; strikes.len()], vec![0.1; strikes.len()]);
    let found = told(&[1.0, 2.0], &strikes, &[&early, &late], 0.0);
    // Two in natural logarithms, in steps of a thousandth.
    let n = found.lines().count();
    assert!((1_900..=2_001).contains(&n), "{n}");
}

#[test]
fn a_flat_volatility_and_an_underlying_without_a_forward_are_not_judged() {
    assert_eq!(arbitrages(&VolSurface::Flat(0.2), false, |_| Some(1.0)), []);
    let surface = VolSurface::Grid {
        interpolation: VolInterpolation::LinearVol,
        expiries: vec![1.0, 2.0],
        strikes: vec![1.0],
        vols: vec![vec![0.9], vec![0.1]],
    };
    assert_eq!(arbitrages(&surface, false, |_| None), []);
    assert_eq!(arbitrages(&surface, false, |_| Some(1.0)).len(), 1);
}

/// Strikes on both sides of 0, at the same distance from a forward that moves.
#[test]
fn a_normal_surface_is_held_to_the_same_at_distances_from_the_forward() {
    let told = |expiries: &[f64], vols: &[&[f64]]| {
        let surface = VolSurface::Grid {
            interpolation: VolInterpolation::LinearVol,
            expiries: expiries.to_vec(),
            strikes: vec![-20.0, 0.0, 20.0],
            vols: vols.iter().map(|row| row.to_vec()).collect(),
        };
        let found = arbitrages(&surface, true, |years| Some(-10.0 + 20.0 * years));
        found.iter().map(|it| it.text() + "\n").collect::<String>()
    };
    assert_eq!(told(&[0.5, 1.0], &[&[26.0, 25.0, 26.0], &[25.0, 24.0, 25.0]]), "");
    // Variance to one year below that to half a year, at distances of 0 and 20.
    let in_time = told(&[0.5, 1.0], &[&[26.0, 25.0, 26.0], &[17.0, 17.0, 17.0]]);
    assert_eq!(
        in_time,
        "total variance falls in time: 26 for 0.5 years at strike -20, 17 for 1 years at -10\n\
         total variance falls in time: 25.5 for 0.5 years at strike -10, 17 for 1 years at 0\n\
         total variance falls in time: 25 for 0.5 years at strike 0, 17 for 1 years at 10\n\
         total variance falls in time: 25.5 for 0.5 years at strike 10, 17 for 1 years at 20\n"
    );
    let butterfly = told(&[0.5], &[&[10.0, 40.0, 10.0]]);
    assert_eq!(
        butterfly,
        "a butterfly costs less than nothing: 40 at strike 0 between 10 at -20 and 10 at 20, for 0.5 years\n"
    );
    assert!(told(&[1.0], &[&[10.0, 10.0, 90.0]]).contains("a call spread cannot have its price"));
}
