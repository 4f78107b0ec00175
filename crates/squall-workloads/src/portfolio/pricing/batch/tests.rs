use proptest::collection::vec;
use proptest::num::f64::ANY;
use proptest::prelude::*;

use super::*;
use crate::portfolio::pricing::OptionType::{Call, Put};
use crate::portfolio::pricing::barrier::{Barrier, Direction, Knock};
use crate::portfolio::pricing::{OptionType, bachelier, digital, european, forward};

/// Spot, rate, dividend yield, vol.
type Scenario = (f64, f64, f64, f64);

#[derive(Debug, Clone, Copy)]
enum Contract {
    Forward { strike: f64 },
    European { option_type: OptionType, strike: f64 },
    InCash { option_type: OptionType, strike: f64, cash: f64 },
    InAsset { option_type: OptionType, strike: f64 },
    Barrier(Barrier),
    Normal { option_type: OptionType, payoff: bachelier::Payoff, strike: f64 },
}

impl Contract {
    fn batch(&self, path: SimdPath, years: f64, market: MarketColumns<'_>, out: &mut [f64]) {
        match *self {
            Contract::Forward { strike } => forward::price_batch_on(path, strike, years, market, out),
            Contract::European { option_type, strike } => {
                european::price_batch_on(path, option_type, strike, years, market, out);
            }
            Contract::InCash { option_type, strike, cash } => {
                digital::cash_or_nothing_batch_on(path, option_type, cash, strike, years, market, out);
            }
            Contract::InAsset { option_type, strike } => {
                digital::asset_or_nothing_batch_on(path, option_type, strike, years, market, out);
            }
            Contract::Barrier(barrier) => barrier.price_batch_on(path, years, market, out),
            Contract::Normal { option_type, payoff, strike } => {
                bachelier::price_batch_on(path, option_type, payoff, strike, years, market, out);
            }
        }
    }

    fn alone(&self, years: f64, (spot, rate, dividend_yield, vol): Scenario) -> f64 {
        match *self {
            Contract::Forward { strike } => forward::price(spot, strike, years, rate, dividend_yield),
            Contract::European { option_type, strike } => {
                european::price(option_type, spot, strike, years, rate, dividend_yield, vol)
            }
            Contract::InCash { option_type, strike, cash } => {
                digital::cash_or_nothing(option_type, cash, spot, strike, years, rate, dividend_yield, vol)
            }
            Contract::InAsset { option_type, strike } => {
                digital::asset_or_nothing(option_type, spot, strike, years, rate, dividend_yield, vol)
            }
            Contract::Barrier(barrier) => barrier.price(spot, years, rate, dividend_yield, vol),
            Contract::Normal { option_type, payoff, strike } => {
                bachelier::price(option_type, payoff, spot, strike, years, rate, dividend_yield, vol)
            }
        }
    }
}

fn bits(path: SimdPath, contract: Contract, years: f64, scenarios: &[Scenario]) -> Vec<u64> {
    let column = |of: fn(&Scenario) -> f64| -> Vec<f64> { scenarios.iter().map(of).collect() };
    let (spot, rate) = (column(|scenario| scenario.0), column(|scenario| scenario.1));
    let (dividend_yield, vol) = (column(|scenario| scenario.2), column(|scenario| scenario.3));
    let market = MarketColumns { spot: &spot, rate: &rate, dividend_yield: &dividend_yield, vol: &vol };
    let mut out = vec![0.0; scenarios.len()];
    contract.batch(path, years, market, &mut out);
    out.into_iter().map(f64::to_bits).collect()
}

/// A number anywhere between two powers of ten.
fn magnitude(low: f64, high: f64) -> impl Strategy<Value = f64> {
    (low..high).prop_map(|power| 10.0_f64.powf(power))
}

fn scenario() -> impl Strategy<Value = Scenario> {
    prop_oneof![
        6 => (50.0..200.0, -0.05..0.3, -0.05..0.3, 0.05..1.0),
        3 => (magnitude(-6.0, 8.0), -0.05..0.3, -0.05..0.3, magnitude(-6.0, 0.7)),
        2 => (-100.0..100.0, -0.05..0.3, -0.05..0.3, prop_oneof![Just(0.0), 0.1..80.0]),
        1 => (Just(100.0), Just(0.0), Just(0.0), prop_oneof![Just(0.0), magnitude(-12.0, 0.0)]),
        1 => (ANY, ANY, ANY, ANY),
    ]
}

fn amount() -> impl Strategy<Value = f64> {
    prop_oneof![Just(100.0), 50.0..200.0, magnitude(-6.0, 8.0), ANY]
}

/// At prices and strikes on both sides of 0.
fn normal() -> impl Strategy<Value = Contract> {
    let strike = (any::<bool>(), amount()).prop_map(|(below, amount)| if below { -amount } else { amount });
    let payoff = prop_oneof![
        Just(bachelier::Payoff::Gain),
        amount().prop_map(bachelier::Payoff::Cash),
        Just(bachelier::Payoff::Asset),
    ];
    (any::<bool>(), payoff, strike).prop_map(|(call, payoff, strike)| Contract::Normal {
        option_type: if call { Call } else { Put },
        payoff,
        strike,
    })
}

fn contract() -> impl Strategy<Value = Contract> {
    let option_type = || any::<bool>().prop_map(|call| if call { Call } else { Put });
    let barrier =
        (option_type(), any::<bool>(), any::<bool>(), amount(), amount(), prop_oneof![Just(0.0), amount()]);
    let barrier = barrier.prop_map(|(option_type, down, knocks_in, strike, level, rebate)| {
        let direction = if down { Direction::Down } else { Direction::Up };
        let knock = if knocks_in { Knock::In } else { Knock::Out };
        Contract::Barrier(Barrier { direction, knock, option_type, strike, level, rebate })
    });
    let cash = (option_type(), amount(), amount());
    prop_oneof![
        1 => amount().prop_map(|strike| Contract::Forward { strike }),
        1 => (option_type(), amount()).prop_map(|(option_type, strike)| Contract::European { option_type, strike }),
        1 => cash.prop_map(|(option_type, strike, cash)| Contract::InCash { option_type, strike, cash }),
        1 => (option_type(), amount()).prop_map(|(option_type, strike)| Contract::InAsset { option_type, strike }),
        4 => barrier,
        3 => normal(),
    ]
}

#[test]
fn leaves_scenarios_without_a_market_unpriced() {
    let market =
        MarketColumns { spot: &[100.0, 101.0], rate: &[0.0; 3], dividend_yield: &[0.0; 3], vol: &[0.2; 3] };
    let barrier = Barrier {
        direction: Direction::Up,
        knock: Knock::In,
        option_type: Call,
        strike: 100.0,
        level: 120.0,
        rebate: 0.0,
    };
    for contract in [Contract::Forward { strike: 90.0 }, Contract::Barrier(barrier)] {
        let mut out = [0.0; 3];
        contract.batch(SimdPath::best(), 1.0, market, &mut out);
        assert!(out[0] > 0.0 && out[1] > out[0] && out[2].is_nan());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn gives_the_same_bits_on_every_path_and_alone(
        contract in contract(),
        years in prop_oneof![Just(0.0), 0.01..10.0, magnitude(-8.0, 1.8), ANY],
        scenarios in vec(scenario(), 1..80),
    ) {
        let portable = bits(SimdPath::portable(), contract, years, &scenarios);
        for path in SimdPath::supported() {
            prop_assert_eq!(&bits(path, contract, years, &scenarios), &portable, "{}", path.name());
        }
        for (bits, scenario) in portable.iter().zip(&scenarios) {
            prop_assert_eq!(contract.alone(years, *scenario).to_bits(), *bits, "{:?}", scenario);
        }
    }
}
