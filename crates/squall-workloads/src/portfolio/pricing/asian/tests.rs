use proptest::prelude::*;

use super::{AsianOption, McEstimate, price_mc, price_mc_batch};
use crate::portfolio::pricing::random::Stream;
use crate::portfolio::pricing::{MarketColumns, OptionType, european};

const N_PATHS: usize = 40_000;

/// (rate, yield, vol) at spot `market[0]`.
fn value(contract: &AsianOption<'_>, market: [f64; 4], n_paths: usize) -> McEstimate {
    price_mc(contract, market[0], market[1], market[2], market[3], n_paths, &Stream::new(11, 5))
}

fn fresh(option_type: OptionType, strike: f64, fixing_times: &[f64]) -> AsianOption<'_> {
    AsianOption { option_type, strike, fixing_times, past_fixings_sum: 0.0, n_past: 0 }
}

#[test]
fn agrees_with_levys_discrete_averages() {
    // E. Levy in Clewlow and Strickland, "Exotic Options: The State of the Art", 1997, as tabulated by QuantLib's test
    // of discrete arithmetic averages: puts, S = 90, K = 87, r = 2.5%, q = 6%, vol 13%, fixings from now to 11/12.
    // The table is itself a simulation, out by up to 0.003; the third column is converged (`reference/asian.py`).
    let table = [
        (2, 1.394_283_568_3, 1.393_980_936_7),
        (4, 1.585_244_298_3, 1.586_406_152_8),
        (8, 1.669_706_73, 1.671_866_245_6),
        (12, 1.698_001_921_4, 1.699_294_966_0),
        (26, 1.725_507_045_6, 1.728_365_043_1),
        (52, 1.740_155_353_3, f64::NAN),
        (250, 1.749_029_194_3, f64::NAN),
    ];
    for (n_fixings, published, converged) in table {
        let step = 11.0 / 12.0 / f64::from(n_fixings - 1);
        let times: Vec<f64> = (0..n_fixings).map(|fixing| f64::from(fixing) * step).collect();
        let got = value(&fresh(OptionType::Put, 87.0, &times), [90.0, 0.025, 0.06, 0.13], N_PATHS);
        let bound = 3.0 * got.standard_error;
        assert!((got.value - published).abs() < bound + 3e-3, "{n_fixings}: {got:?} for {published}");
        assert!(
            converged.is_nan() || (got.value - converged).abs() < bound,
            "{n_fixings}: {got:?} for {converged}"
        );
        assert!(got.standard_error < 4e-4, "{got:?}");
    }
}

/// Written by `reference/asian.py`: converged values by convolution on a grid.
const REFERENCES: &str = include_str!("../../../../reference/asian.csv");

#[test]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts, read back from the table"
)]
fn agrees_with_convolution_within_its_standard_error() {
    let mut squares = 0.0;
    let mut n_rows = 0.0;
    for line in REFERENCES.lines().skip(1) {
        let mut fields = line.split(',');
        let option_type = if fields.next() == Some("call") { OptionType::Call } else { OptionType::Put };
        let numbers: Vec<f64> = fields.map(|field| field.parse().unwrap()).collect();
        let [spot, strike, rate, dividend_yield, vol, n_fixings, last, past_sum, n_past, want] = numbers[..]
        else {
            panic!("{line}")
        };
        let times: Vec<f64> =
            (1..=n_fixings as usize).map(|fixing| fixing as f64 / n_fixings * last).collect();
        let contract = AsianOption {
            option_type,
            strike,
            fixing_times: &times,
            past_fixings_sum: past_sum,
            n_past: n_past as usize,
        };
        let got = value(&contract, [spot, rate, dividend_yield, vol], N_PATHS);
        let error = (got.value - want) / (got.standard_error + 1e-7);
        assert!(error.abs() < 3.5, "{line}: {got:?}, {error} standard errors");
        squares += error * error;
        n_rows += 1.0;
    }
    // Standard errors that are too small or too large would show here. (Common normals: rows are not independent.)
    assert!((0.2..3.0).contains(&(squares / n_rows)), "{}", squares / n_rows);
}

#[test]
fn a_single_fixing_is_european() {
    for option_type in [OptionType::Call, OptionType::Put] {
        let got = value(&fresh(option_type, 95.0, &[0.7]), [100.0, 0.03, 0.01, 0.3], 2_000);
        let want = european::price(option_type, 100.0, 95.0, 0.7, 0.03, 0.01, 0.3);
        // The control is the option itself.
        assert!((got.value - want).abs() < 1e-9, "{got:?} for {want}");
    }
}

#[test]
fn unequal_spacing_and_past_fixings_keep_put_call_parity() {
    let times = [0.0, 0.1, 0.15, 0.6, 2.0];
    let market = [100.0, 0.04, 0.015, 0.35];
    let of = |option_type| AsianOption {
        option_type,
        strike: 98.0,
        fixing_times: &times,
        past_fixings_sum: 310.0,
        n_past: 3,
    };
    let (call, put) =
        (value(&of(OptionType::Call), market, N_PATHS), value(&of(OptionType::Put), market, N_PATHS));
    let forwards: f64 = times.iter().map(|&time| 100.0 * libm::exp(0.025 * time)).sum();
    let want = libm::exp(-0.08) * ((310.0 + forwards) / 8.0 - 98.0);
    let tolerance = 3.0 * (call.standard_error + put.standard_error);
    assert!((call.value - put.value - want).abs() < tolerance, "{call:?} {put:?} {want}");
}

#[test]
fn a_batch_has_the_bits_of_single_valuations() {
    let times: Vec<f64> = (1..=7).map(|fixing| f64::from(fixing) * 0.1).collect();
    let contract = AsianOption {
        option_type: OptionType::Call,
        strike: 100.0,
        fixing_times: &times,
        past_fixings_sum: 205.0,
        n_past: 2,
    };
    let stream = Stream::new(5, 6);
    let spot = [80.0, 100.0, 120.0, 1e5, 100.0];
    let rate = [0.01, -0.02, 0.05, 0.0, 0.03];
    let dividend_yield = [0.0, 0.02, -0.01, 0.0, 0.01];
    let vol = [0.2, 0.5, 0.0, 0.3, f64::NAN];
    let columns = MarketColumns { spot: &spot, rate: &rate, dividend_yield: &dividend_yield, vol: &vol };
    for n_paths in [0, 3, 128, 1_001] {
        let mut out = [McEstimate { value: 0.0, standard_error: 0.0 }; 5];
        price_mc_batch(&contract, &columns, n_paths, &stream, &mut out);
        for (place, got) in out.iter().enumerate() {
            let one = price_mc(
                &contract,
                spot[place],
                rate[place],
                dividend_yield[place],
                vol[place],
                n_paths,
                &stream,
            );
            assert_eq!(got.value.to_bits(), one.value.to_bits());
            assert_eq!(got.standard_error.to_bits(), one.standard_error.to_bits());
        }
        assert!(out[4].value.is_nan() && out[..4].iter().all(|estimate| estimate.value.is_finite()));
    }
    let mut short = [McEstimate { value: 0.0, standard_error: 0.0 }; 4];
    price_mc_batch(&contract, &columns, 10, &stream, &mut short);
    assert!(short.iter().all(|estimate| estimate.value.is_nan()));
}

#[test]
fn values_are_pinned_for_good() {
    let times = [0.25, 0.5, 1.0];
    let got = value(&fresh(OptionType::Call, 100.0, &times), [100.0, 0.05, 0.01, 0.2], 1_000);
    assert_eq!([got.value.to_bits(), got.standard_error.to_bits()], PINNED, "{got:?}");
}
const PINNED: [u64; 2] = [4_618_634_201_398_439_221, 4_577_120_203_943_034_635];

#[test]
fn what_is_certain_has_no_error() {
    let past = AsianOption {
        option_type: OptionType::Call,
        strike: 90.0,
        fixing_times: &[],
        past_fixings_sum: 300.0,
        n_past: 3,
    };
    let market = [100.0, 0.05, 0.01, 0.2];
    assert_eq!(value(&past, market, 100), McEstimate { value: 10.0, standard_error: 0.0 });
    let today = fresh(OptionType::Put, 103.0, &[0.0]);
    assert_eq!(value(&today, market, 100), McEstimate { value: 3.0, standard_error: 0.0 });
    let still = value(&fresh(OptionType::Call, 100.0, &[1.0, 2.0]), [100.0, 0.05, 0.01, 0.0], 100);
    let mean = 50.0 * (libm::exp(0.04) + libm::exp(0.08));
    assert!((still.value - libm::exp(-0.1) * (mean - 100.0)).abs() < 1e-10 && still.standard_error == 0.0);
    // Fixings known already exceed the strike four times over.
    let deep =
        AsianOption { strike: 100.0, fixing_times: &[1.0], past_fixings_sum: 400.0, n_past: 3, ..past };
    let got = value(&deep, market, 100);
    let want = libm::exp(-0.05) * ((400.0 + 100.0 * libm::exp(0.04)) / 4.0 - 100.0);
    assert!((got.value - want).abs() < 1e-10 && got.standard_error == 0.0, "{got:?} for {want}");
    assert_eq!(value(&AsianOption { option_type: OptionType::Put, ..deep }, market, 100).value, 0.0);
}

#[test]
fn invalid_input_gives_nan() {
    let market = [100.0, 0.05, 0.01, 0.2];
    for times in [&[0.5, 0.4][..], &[-0.1], &[f64::NAN], &[f64::INFINITY], &[]] {
        assert!(value(&fresh(OptionType::Call, 100.0, times), market, 10).value.is_nan());
    }
    for (place, wrong) in [(0, -1.0), (0, f64::NAN), (1, f64::INFINITY), (2, f64::NAN), (3, -0.1)] {
        let mut broken = market;
        broken[place] = wrong;
        assert!(value(&fresh(OptionType::Call, 100.0, &[1.0]), broken, 10).value.is_nan());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn valid_input_never_gives_nan(
        spot in 1e-6..1e8_f64, moneyness in 0.1..10.0, rate in -0.05..0.3, dividend_yield in -0.05..0.3, vol in 0.0..3.0,
        first in 0.0..1.0, gaps in proptest::collection::vec(0.0..2.0, 0..14), is_call in any::<bool>(),
    ) {
        let mut times = vec![first];
        times.extend(gaps.iter().scan(first, |time, gap| { *time += gap; Some(*time) }));
        let option_type = if is_call { OptionType::Call } else { OptionType::Put };
        let got = value(&fresh(option_type, spot * moneyness, &times), [spot, rate, dividend_yield, vol], 200);
        prop_assert!(got.value.is_finite() && got.value >= 0.0 && got.standard_error >= 0.0, "{:?}", got);
    }
}
