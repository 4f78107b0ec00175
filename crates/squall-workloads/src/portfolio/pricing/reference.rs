use crate::portfolio::pricing::OptionType;

/// A line of a reference file: what it prices, the inputs, and the value at 50 digits rounded to `f64`.
pub(crate) struct Row {
    pub(crate) kind: &'static str,
    pub(crate) inputs: Vec<f64>,
    pub(crate) price: f64,
}

pub(crate) fn rows(csv: &'static str) -> Vec<Row> {
    csv.lines()
        .skip(1)
        .map(|line| {
            let (kind, numbers) = line.split_once(',').unwrap();
            let mut inputs: Vec<f64> = numbers.split(',').map(|number| number.parse().unwrap()).collect();
            let price = inputs.pop().unwrap();
            Row { kind, inputs, price }
        })
        .collect()
}

/// The type that a kind such as `down_out_call` ends with.
pub(crate) fn option_type(kind: &str) -> OptionType {
    if kind.ends_with("call") { OptionType::Call } else { OptionType::Put }
}

/// Fails when `got` is farther from `row.price` than `relative` of it and than `absolute`.
pub(crate) fn assert_close(row: &Row, got: f64, relative: f64, absolute: f64) {
    let Row { kind, inputs, price } = row;
    let error = (got - price).abs();
    assert!(error <= absolute.max(relative * price.abs()), "{kind} {inputs:?}: {got:e} is not {price:e}");
}
