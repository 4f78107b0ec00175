use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const N_COLUMNS: u32 = 40;

/// A rectangle of a made-up matrix: positions by columns.
fn rectangle(positions: std::ops::Range<u32>, columns: std::ops::Range<u32>) -> Partial {
    let mut sums = SliceSums::new(columns.start, columns.len());
    for position in positions {
        let value = |column| i128::from(position * 7 + 3) * i128::from(column * column) - 5_000;
        let values: Vec<i128> = columns.clone().map(value).collect();
        sums.add_micros(position % 3, position % 2, &values);
        if columns.start == 0 {
            sums.note_position(position, PositionValue::new(f64::from(position), None, values[0]));
        }
    }
    sums.finish()
}

fn merged<'a>(parts: impl IntoIterator<Item = &'a Partial>) -> Partial {
    let mut sum = Partial::default();
    for part in parts {
        sum.merge(part.clone());
    }
    sum
}

fn bytes(partial: &Partial) -> Vec<u8> {
    postcard::to_allocvec(partial).unwrap()
}

#[test]
fn knows_which_columns_are_in() {
    let partial = merged([&rectangle(0..5, 0..10), &rectangle(5..8, 5..20), &rectangle(0..5, 30..32)]);
    let counts = partial.n_positions(0, 33);
    assert_eq!(counts[..5], [5; 5]);
    assert_eq!(counts[5..10], [8; 5]);
    assert_eq!(counts[10..20], [3; 10]);
    assert_eq!(counts[20..], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 5, 0]);
    let sums: Vec<i128> = (0..3).map(|book| partial.book(book, 7, 1)[0]).collect();
    assert_eq!(partial.total(7, 1)[0], sums.iter().sum::<i128>());
    assert_eq!(partial.total(7, 1)[0], (0..2).map(|kind| partial.kind(kind, 7, 1)[0]).sum::<i128>());
    assert_eq!(partial.book(99, 0, 2), [0, 0]);
}

#[test]
fn an_empty_slice_is_worth_nothing() {
    assert_eq!(rectangle(3..3, 0..10), Partial::default());
    assert_eq!(Partial::of_position(0, 0, 5, &[]), Partial::default());
}

#[test]
fn zero_is_a_value_and_nothing_is_not() {
    let zero = Partial::of_position(0, 0, 3, &[0, 0]);
    assert_ne!(zero, Partial::default());
    assert_eq!(zero.n_positions(2, 4), [0, 1, 1, 0]);
}

#[test]
fn columns_that_touch_make_one_run() {
    let parts = [rectangle(0..3, 0..2), rectangle(0..3, 4..6), rectangle(0..3, 2..4)];
    assert_eq!(merged(&parts), rectangle(0..3, 0..6));
    assert_eq!(bytes(&merged(&parts)), bytes(&rectangle(0..3, 0..6)));
}

#[test]
fn refuses_runs_that_are_out_of_order() {
    let good = bytes(&rectangle(0..1, 1..3));
    assert_eq!(postcard::from_bytes::<Partial>(&good).unwrap(), rectangle(0..1, 1..3));
    // Two runs of one column that touch each other.
    let runs: Vec<u8> = vec![2, 5, 1, 1, 6, 1, 1, 0, 0, 0];
    assert!(postcard::from_bytes::<Partial>(&runs).is_err());
}

#[test]
fn ten_thousand_scenarios_of_forty_books_take_a_few_megabytes() {
    let mut sums = SliceSums::new(0, 10_000);
    for book in 0..40 {
        let values: Vec<i128> =
            (0..10_000).map(|column| 1_000_000_000_000_000 + column * 7_919_000_000).collect();
        sums.add_micros(book, 0, &values);
    }
    let size = bytes(&sums.finish()).len();
    assert!(size < 4_000_000, "{size}");
}

/// Cuts the matrix of 12 positions at random into rectangles, in random order.
fn cuts() -> impl Strategy<Value = Vec<Partial>> {
    let bounds = prop::collection::btree_set(1..12_u32, 0..4);
    let column_bounds = prop::collection::btree_set(1..N_COLUMNS, 0..8);
    let pieces = (bounds, prop::collection::vec(column_bounds, 5)).prop_map(|(rows, columns)| {
        let mut parts = Vec::new();
        let mut first = 0;
        for (end, columns) in rows.into_iter().chain([12]).zip(columns) {
            let mut from = 0;
            for to in columns.into_iter().chain([N_COLUMNS]) {
                parts.push(rectangle(first..end, from..to));
                from = to;
            }
            first = end;
        }
        parts
    });
    pieces.prop_shuffle()
}

proptest! {
    #[test]
    fn it_does_not_matter_how_the_matrix_was_cut(parts in cuts()) {
        let whole = rectangle(0..12, 0..N_COLUMNS);
        let sum = merged(&parts);
        prop_assert_eq!(&sum, &whole);
        prop_assert_eq!(bytes(&sum), bytes(&whole));
        prop_assert_eq!(postcard::from_bytes::<Partial>(&bytes(&sum)).unwrap(), whole);
    }

    #[test]
    fn merging_is_associative_and_commutative(parts in cuts(), cut in 0..100_usize, keep in 1..40_usize) {
        // Not all of it: what is missing must not matter either.
        let parts = &parts[..keep.min(parts.len())];
        let (left, right) = parts.split_at(cut % (parts.len() + 1));
        let mut one = merged(left);
        one.merge(merged(right));
        let mut other = merged(right.iter().rev());
        other.merge(merged(left.iter().rev()));
        prop_assert_eq!(bytes(&one), bytes(&other));
        prop_assert_eq!(bytes(&one), bytes(&merged(parts)));
    }

    #[test]
    fn sums_are_those_of_a_table(
        entries in prop::collection::vec((0..60_u32, prop::collection::vec(any::<i64>(), 0..9)), 0..40),
    ) {
        let mut table: BTreeMap<u32, (u64, i128)> = BTreeMap::new();
        let mut partial = Partial::default();
        for (start, values) in &entries {
            let wide: Vec<i128> = values.iter().map(|value| i128::from(*value)).collect();
            partial.merge(Partial::of_position(1, 2, *start, &wide));
            for (column, value) in (*start..).zip(&wide) {
                let (count, sum) = table.entry(column).or_default();
                *count += 1;
                *sum += value;
            }
        }
        for column in 0..70 {
            let (count, sum) = table.get(&column).copied().unwrap_or_default();
            prop_assert_eq!(partial.n_positions(column as usize, 1), vec![count]);
            prop_assert_eq!(partial.book(1, column as usize, 1), vec![sum]);
        }
    }

    #[test]
    fn rubbish_does_not_decode_into_panics(rubbish in prop::collection::vec(any::<u8>(), 0..60)) {
        if let Ok(mut partial) = postcard::from_bytes::<Partial>(&rubbish) {
            partial.merge(rectangle(0..3, 0..9));
            partial.total(0, 100);
        }
    }
}
