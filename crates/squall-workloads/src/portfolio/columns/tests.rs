use super::*;
use crate::portfolio::scenarios::{Basis, ScenariosInput};
use crate::portfolio::shock::Factors;

fn columns(greeks: bool) -> Columns {
    let factors =
        Factors(vec![Factor::Spot("SPX".into()), Factor::Vol("SPX".into()), Factor::Rate("USD".into())]);
    let input = r#"{"type": "explicit", "csv": "spot:SPX,rate:USD\n-0.1,0.002\n0.2,0"}"#;
    let input: ScenariosInput = serde_json::from_str(input).unwrap();
    Columns::new(input.prepare(&Basis::new(&factors), &Default::default()).unwrap(), greeks)
}

fn row(block: &ShockBlock, factor_idx: usize) -> Vec<f64> {
    block.row(factor_idx).map(<[f64]>::to_vec).unwrap_or_default()
}

#[test]
fn the_base_comes_first_and_is_not_shocked() {
    let columns = columns(false);
    assert_eq!((columns.count(), columns.first_scenario(), columns.bumps_of(0)), (3, 1, None));
    let block = columns.block(0..3);
    assert_eq!(row(&block, 0), [0.0, -0.1, 0.2]);
    assert_eq!(row(&block, 1), [0.0_f64; 0]);
    assert_eq!(row(&block, 2), [0.0, 0.002, 0.0]);
}

#[test]
fn greeks_bump_every_factor_to_both_sides() {
    let columns = columns(true);
    assert_eq!((columns.count(), columns.first_scenario()), (9, 7));
    assert_eq!(columns.column(3), Some(Column::Bump { factor_idx: 1, up: true }));
    assert_eq!(columns.column(4), Some(Column::Bump { factor_idx: 1, up: false }));
    assert_eq!(columns.column(8), Some(Column::Scenario(1)));
    assert_eq!(columns.column(9), None);
    assert_eq!(columns.bumps_of(2), Some((5, 6)));
    assert_eq!(columns.bumps_of(3), None);
    let block = columns.block(0..9);
    assert_eq!(row(&block, 0), [0.0, 0.01, -0.01, 0.0, 0.0, 0.0, 0.0, -0.1, 0.2]);
    assert_eq!(row(&block, 1), [0.0, 0.0, 0.0, 0.01, -0.01, 0.0, 0.0, 0.0, 0.0]);
    assert_eq!(row(&block, 2), [0.0, 0.0, 0.0, 0.0, 0.0, 0.0001, -0.0001, 0.002, 0.0]);
}

#[test]
fn any_cut_has_the_same_shocks() {
    let columns = columns(true);
    let whole = columns.block(0..columns.count());
    for start in 0..columns.count() {
        for end in start..=columns.count() + 2 {
            let block = columns.block(start..end);
            for factor_idx in 0..3 {
                for column in start..end.min(columns.count()) {
                    let shock =
                        |block: &ShockBlock, column| block.row(factor_idx).map_or(0.0, |row| row[column]);
                    assert_eq!(shock(&block, column - start), shock(&whole, column));
                }
            }
        }
    }
}
