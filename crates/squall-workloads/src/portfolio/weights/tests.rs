use super::super::input::tests::{manual_csv, manual_market};
use super::super::positions::{AsianSettings, Positions, Reading};
use super::*;

#[test]
fn weighs_every_kind_and_every_range() {
    let csv = manual_csv();
    let positions = Positions::parse(
        "positions.csv",
        csv.as_bytes(),
        &manual_market(),
        Reading::strictly(&AsianSettings::default()),
    )
    .unwrap();
    let by_id = |id: &str| weight(positions.all.iter().find(|it| it.id == id).unwrap());
    assert_eq!(by_id("S1"), SPOT);
    assert_eq!(by_id("E1"), EUROPEAN);
    assert_eq!(by_id("C1"), 79 * 128 * 12 * ASIAN_STEP);
    assert_eq!(by_id("C2"), 157 * 128 * 3 * ASIAN_STEP, "its own number of paths");
    assert_eq!(by_id("Z1"), CASH_FLOW);
    assert_eq!(by_id("K1"), 10 * CASH_FLOW, "the last coupon is paid with the face");

    assert_eq!((by_id("X1"), by_id("M1")), (FORWARD + CASH_FLOW, 1));

    let weights = Weights::new(&positions.all, 0);
    let n_positions = positions.all.len();
    assert_eq!(weights.of_range(0..n_positions), positions.all.iter().map(weight).sum::<u64>());
    assert_eq!(weights.of_range(3..3), 0);
    assert_eq!(weights.of_range(0..n_positions + 5), weights.of_range(0..n_positions));

    // What a column costs besides is shared in proportion, and nothing of it is lost.
    let own = weights.of_range(0..n_positions);
    for of_a_column in [1, 999, own, 7 * own + 3] {
        let shared = Weights::new(&positions.all, of_a_column);
        assert_eq!(shared.of_range(0..n_positions), own + of_a_column);
        let times = (own + of_a_column) as f64 / own as f64;
        for idx in 0..n_positions {
            let expected = times * weights.of_range(idx..idx + 1) as f64;
            assert!((shared.of_range(idx..idx + 1) as f64 - expected).abs() <= 1.0);
        }
    }
}

#[test]
fn cuts_where_the_cost_is_closest() {
    let weights = Weights::of([10, 10, 10, 1_000, 10].into_iter());
    assert_eq!(weights.cut(0..5, 0), 0);
    assert_eq!(weights.cut(0..5, 20), 2);
    assert_eq!(weights.cut(0..5, 24), 2);
    assert_eq!(weights.cut(0..5, 26), 3);
    assert_eq!(weights.cut(0..5, 520), 3, "the heavy one is past the middle");
    assert_eq!(weights.cut(0..5, 540), 4);
    assert_eq!(weights.cut(1..3, 9_999), 3, "never beyond the end");
    assert_eq!(weights.cut(1..3, u64::MAX), 3);
    #[expect(clippy::reversed_empty_ranges, reason = "no range must panic")]
    let reversed = weights.cut(3..1, 5);
    assert_eq!(reversed, 3);
}

proptest::proptest! {
    #[test]
    fn a_cut_is_the_best_there_is(costs in proptest::collection::vec(0_u64..100, 1..40), cost in 0_u64..3_000) {
        let n_positions = costs.len();
        let weights = Weights::of(costs.into_iter());
        let missed = |cut: usize| weights.of_range(0..cut).abs_diff(cost);
        let cut = weights.cut(0..n_positions, cost);
        assert!((0..=n_positions).all(|other| missed(cut) <= missed(other)));
        assert_eq!(weights.of_range(0..cut) + weights.of_range(cut..n_positions), weights.of_range(0..n_positions));
    }

    #[test]
    fn nothing_overflows(costs in proptest::collection::vec(proptest::num::u64::ANY, 0..5), start in 0_usize..9, end in 0_usize..9) {
        let weights = Weights::of(costs.into_iter());
        let _ = (weights.of_range(start..end), weights.cut(start..end, u64::MAX));
    }
}
