//! Prices per second of one core, contract by contract; the European against the textbook formula on `libm`.

use squall_workloads::portfolio::pricing::OptionType::{Call, Put};
use squall_workloads::portfolio::pricing::asian::{AsianOption, McEstimate, price_mc_batch};
use squall_workloads::portfolio::pricing::barrier::{Barrier, Direction, Knock};
use squall_workloads::portfolio::pricing::european::price_batch;
use squall_workloads::portfolio::pricing::random::Stream;
use squall_workloads::portfolio::pricing::{MarketColumns, american, simd};

use crate::{row, seconds};

const N: usize = 1_000;

struct Columns {
    spot: Vec<f64>,
    rate: Vec<f64>,
    carry: Vec<f64>,
    vol: Vec<f64>,
}

impl Columns {
    /// Markets that all differ, as under Monte Carlo scenarios.
    fn new(n: usize) -> Self {
        let stream = Stream::new(1, 1);
        let column = |path: u64, mean: f64, deviation: f64| {
            let mut normals = vec![0.0; n];
            stream.normals(path, 0, &mut normals);
            normals.iter().map(|normal| mean * (1.0 + deviation * normal.clamp(-3.0, 3.0))).collect()
        };
        Self {
            spot: column(0, 100.0, 0.05),
            rate: column(1, 0.03, 0.1),
            carry: column(2, 0.01, 0.1),
            vol: column(3, 0.25, 0.1),
        }
    }

    fn market(&self) -> MarketColumns<'_> {
        let Self { spot, rate, carry, vol } = self;
        MarketColumns { spot, rate, dividend_yield: carry, vol }
    }

    fn each(&self) -> impl Iterator<Item = (f64, f64, f64, f64)> + '_ {
        (0..self.spot.len()).map(|i| (self.spot[i], self.rate[i], self.carry[i], self.vol[i]))
    }
}

/// The best of several tries: the processor's capability, whatever else runs on it.
fn per_second(n_values: usize, tries: usize, mut work: impl FnMut()) -> f64 {
    let best_s = (0..tries).map(|_| seconds(&mut work)).fold(f64::INFINITY, f64::min);
    f64::from(u32::try_from(n_values).unwrap_or(u32::MAX)) / best_s
}

pub(crate) fn kernels() {
    let columns = Columns::new(N);
    let mut out = vec![0.0; N];

    let european = per_second(N * 100, 60, || {
        for i in 0..100_u32 {
            price_batch(Call, 80.0 + f64::from(i) * 0.4, 0.75, columns.market(), &mut out);
            std::hint::black_box(&out);
        }
    });
    let textbook = per_second(N * 20, 60, || {
        for i in 0..20_u32 {
            let strike = 80.0 + f64::from(i) * 2.0;
            for (value, (spot, rate, carry, vol)) in out.iter_mut().zip(columns.each()) {
                *value = black_scholes(spot, strike, 0.75, rate, carry, vol);
            }
            std::hint::black_box(&out);
        }
    });
    row(
        &format!("European, {}", simd::simd_path()),
        &format!("{:.1} M/s", european / 1e6),
        &format!("textbook formula on libm {:.1} M/s", textbook / 1e6),
        european / textbook,
    );

    let barrier = Barrier {
        direction: Direction::Down,
        knock: Knock::Out,
        option_type: Call,
        strike: 100.0,
        level: 80.0,
        rebate: 1.0,
    };
    let barriers = per_second(N, 60, || {
        for (value, (spot, rate, carry, vol)) in out.iter_mut().zip(columns.each()) {
            *value = barrier.price(spot, 0.75, rate, carry, vol);
        }
        std::hint::black_box(&out);
    });
    single("barrier, down-and-out call", barriers);

    let americans = per_second(N, 20, || {
        for (value, (spot, rate, carry, vol)) in out.iter_mut().zip(columns.each()) {
            *value = american::price(Put, spot, 100.0, 0.75, rate, carry, vol);
        }
        std::hint::black_box(&out);
    });
    single("American put", americans);

    let (n_markets, n_paths, n_fixings) = (64, 10_000, 12);
    let few = Columns::new(n_markets);
    let fixing_times: Vec<f64> = (1..=n_fixings).map(|i| f64::from(i) / 12.0).collect();
    let contract = AsianOption {
        option_type: Call,
        strike: 100.0,
        fixing_times: &fixing_times,
        past_fixings_sum: 0.0,
        n_past: 0,
    };
    let mut estimates = vec![McEstimate { value: 0.0, standard_error: 0.0 }; n_markets];
    let stream = Stream::new(1, 2);
    let steps = per_second(n_markets * n_paths * fixing_times.len(), 10, || {
        price_mc_batch(&contract, &few.market(), n_paths, &stream, &mut estimates);
        std::hint::black_box(&estimates);
    });
    println!(
        "{:<52} {:>13.0} M/s path-steps, random numbers included",
        "Asian, 64 markets at once",
        steps / 1e6
    );
}

fn single(what: &str, rate: f64) {
    println!("{what:<52} {rate:>14.0}/s");
}

fn black_scholes(spot: f64, strike: f64, years: f64, rate: f64, carry: f64, vol: f64) -> f64 {
    let cdf = |x: f64| 0.5 * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2);
    let deviation = vol * years.sqrt();
    let d1 = (libm::log(spot / strike) + (rate - carry) * years) / deviation + 0.5 * deviation;
    spot * libm::exp(-carry * years) * cdf(d1) - strike * libm::exp(-rate * years) * cdf(d1 - deviation)
}
