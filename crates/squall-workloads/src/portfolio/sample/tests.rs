use std::collections::BTreeSet;

use squall_core::data::NoData;
use squall_core::sources::{Files, Given};
use squall_core::workload::{Coverage, Workload};

use super::*;
use crate::portfolio::PortfolioRisk;
use crate::portfolio::input::PortfolioInput;
use crate::portfolio::market::Market;
use crate::portfolio::positions::kind::Kind;
use crate::portfolio::table::Table;
use crate::portfolio::valuation::Portfolio;

fn request(n_positions: u32, seed: u64) -> SampleRequest {
    SampleRequest { n_positions, n_scenarios: 40, seed }
}

fn input(files: &Files) -> PortfolioInput {
    let job: serde_json::Value = serde_json::from_slice(&files[JOB]).unwrap();
    assert_eq!(job["workload"], "portfolio");
    serde_json::from_value(job["input"].clone()).unwrap()
}

fn load(files: &Files) -> Portfolio {
    input(files).portfolio(&Given::files(files.clone())).unwrap()
}

/// The texts of a column.
fn column(files: &Files, name: &str) -> Vec<String> {
    let table = Table::parse(POSITIONS, &files[POSITIONS]).unwrap();
    table.rows().map(|row| row.optional_text(name).unwrap_or_default().to_owned()).collect()
}

fn distinct(files: &Files, name: &str) -> usize {
    column(files, name).into_iter().filter(|text| !text.is_empty()).collect::<BTreeSet<_>>().len()
}

#[test]
fn samples_of_any_size_load() {
    for seed in [0, 1, 7, u64::MAX] {
        for n_positions in [1, 2, 10, 200, 1_000] {
            let files = sample(&request(n_positions, seed));
            assert_eq!(files.keys().map(String::as_str).collect::<Vec<_>>(), FILE_NAMES);
            assert_eq!(load(&files).positions().len(), n_positions as usize);
            PortfolioRisk::prepare(input(&files), &Given::files(files.clone())).unwrap();
        }
    }
}

#[test]
fn every_hundred_positions_have_every_kind() {
    let files = sample(&request(1_000, 3));
    let portfolio = load(&files);
    let kinds: Vec<Kind> = portfolio.positions().iter().map(|position| position.kind).collect();
    for hundred in kinds.chunks(100) {
        // Its measured times are of the others, and the demo's figures are quoted.
        let is_left_out = |kind| matches!(kind, Kind::Future | Kind::Cash | Kind::FloatingBond);
        for (name, kind) in Kind::NAMES {
            assert!(hundred.contains(&kind) || is_left_out(kind), "{name}");
        }
    }
    let rows = column(&files, "barrier_type").into_iter().zip(column(&files, "option_type"));
    let barriers: BTreeSet<_> = rows.filter(|(barrier, _)| !barrier.is_empty()).collect();
    assert_eq!(barriers.len(), 8);
}

#[test]
fn the_book_is_diverse_and_partly_hedged() {
    let files = sample(&request(1_000, 1));
    assert_eq!(distinct(&files, "book"), 7);
    assert_eq!(distinct(&files, "currency"), 6);
    assert_eq!(distinct(&files, "underlying"), universe::ASSETS.len());
    assert!(distinct(&files, "expiry") > 100);
    let quantities = column(&files, "quantity");
    let n_short = quantities.iter().filter(|quantity| quantity.starts_with('-')).count();
    assert!((300..700).contains(&n_short), "{n_short}");
}

#[test]
fn the_seed_decides_every_byte() {
    let files = sample(&request(300, 5));
    assert_eq!(files, sample(&request(300, 5)));
    let other = sample(&request(300, 6));
    for name in FILE_NAMES {
        assert_ne!(files[name], other[name], "{name}");
    }
    // Position i depends on nothing but the seed and i.
    let more = sample(&request(301, 5));
    assert!(more[POSITIONS].starts_with(&files[POSITIONS]));
    assert_eq!(more[MARKET], files[MARKET]);
}

/// Pinned, so that a change of machine or code that changes a sample does not go unnoticed.
#[test]
fn the_bytes_are_the_same_everywhere() {
    let files = sample(&request(1_000, 1));
    let hash = |bytes: &[u8]| {
        bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        })
    };
    let hashes: Vec<String> =
        FILE_NAMES.iter().map(|name| format!("{name} {:016x}", hash(&files[*name]))).collect();
    expect_test::expect![[r#"
        job.json 91f8218eff677c83
        market.json bb2f78a60e152e0a
        positions.csv 017998d71e44986f"#]]
    .assert_eq(&hashes.join("\n"));
}

#[test]
fn a_sample_runs() {
    let files = sample(&request(100, 2));
    let mut input = input(&files);
    input.report.greeks = false;
    let prepared = PortfolioRisk::prepare(input, &Given::files(files.clone())).unwrap();
    let whole = PortfolioRisk::whole(&prepared);
    let partial = PortfolioRisk::evaluate(&prepared, &whole, &mut NoData).unwrap();
    let weight = PortfolioRisk::weight(&prepared, &whole);
    let coverage = Coverage { weight_done: weight, weight_total: weight };
    let report = PortfolioRisk::report(&prepared, Some(&partial), &coverage);
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["scenarios"]["fully_revalued"], 40);
    assert!(json["pnl"]["standard_deviation"].is_string(), "{json}");
}

#[test]
fn total_variance_rises_with_time_at_every_strike() {
    for seed in 0..20 {
        let files = sample(&request(1, seed));
        let json: serde_json::Value = serde_json::from_slice(&files[MARKET]).unwrap();
        for (name, underlying) in json["underlyings"].as_object().unwrap() {
            let rows: Vec<Vec<f64>> = serde_json::from_value(underlying["vol"]["vols"].clone()).unwrap();
            for strike in 0..rows[0].len() {
                let variances: Vec<f64> = rows
                    .iter()
                    .zip([1.0 / 12.0, 0.25, 0.5, 1.0, 2.0, 5.0])
                    .map(|(row, years)| row[strike] * row[strike] * years)
                    .collect();
                assert!(variances.is_sorted_by(|a, b| a < b), "{name} {strike} {variances:?}");
            }
        }
    }
}

#[test]
fn some_rates_are_negative() {
    let files = sample(&request(1, 9));
    let market = Market::parse(MARKET, &files[MARKET]).unwrap();
    let francs = market.curve(market.curve_index("CHF").unwrap()).unwrap();
    assert!(francs.zero.zero_rate(0.25) < 0.0);
}
