//! The sample's job: Monte Carlo scenarios of every factor of its market.

use serde_json::json;

use super::market::{SampleMarket, basis_points};
use super::universe::{CURRENCIES, Class, Loadings};
use super::{MARKET, POSITIONS, SampleRequest};

/// A risk factor and how it moves.
struct SampleFactor {
    name: String,
    /// Standard deviation of a year's change, in ten-thousandths.
    volatility_bp: i64,
    loadings: Loadings,
}

/// The job, with the covariance of its scenarios written a row to a line.
pub(super) fn job_json(request: &SampleRequest, market: &SampleMarket) -> String {
    let factors = factors(market);
    let names: Vec<&str> = factors.iter().map(|factor| factor.name.as_str()).collect();
    let volatilities: Vec<f64> = factors.iter().map(|factor| basis_points(factor.volatility_bp)).collect();
    let correlation: Vec<String> = (0..factors.len())
        .map(|row| {
            let entries: Vec<f64> = (0..factors.len())
                .map(|column| basis_points(correlation_bp(&factors, row, column)))
                .collect();
            format!("        {}", json!(entries))
        })
        .collect();
    format!(
        r#"{{
  "workload": "portfolio",
  "input": {{
    "positions": "{POSITIONS}",
    "market": "{MARKET}",
    "asian": {{ "paths": 256, "seed": {seed} }},
    "scenarios": {{
      "type": "monte_carlo",
      "paths": {paths},
      "horizon_days": 10,
      "seed": {seed},
      "distribution": "student_t",
      "degrees_of_freedom": 5,
      "per": "year",
      "factors": {names},
      "volatilities": {volatilities},
      "correlation": [
{correlation}
      ]
    }},
    "report": {{ "levels": [0.95, 0.975, 0.99], "worst": 5, "greeks": true }}
  }}
}}
"#,
        seed = request.seed,
        paths = request.n_scenarios,
        names = json!(names),
        volatilities = json!(volatilities),
        correlation = correlation.join(",\n"),
    )
}

fn factors(market: &SampleMarket) -> Vec<SampleFactor> {
    let mut factors = Vec::new();
    for quote in &market.quotes {
        let asset = quote.asset;
        let price = if asset.class == Class::Fx { "fx" } else { "spot" };
        factors.push(SampleFactor {
            name: format!("{price}:{}", asset.name),
            volatility_bp: i64::from(asset.vol_bp),
            loadings: asset.loadings,
        });
        let (percent, loadings) = match asset.class {
            Class::Index => (75, [-66, 0, 0, 0, 55]),
            Class::Equity => (55, [-45, 0, 0, 0, 42]),
            Class::Commodity => (45, [-15, -20, 0, 0, 40]),
            Class::Fx => (30, [-25, 0, 5, 5, 40]),
        };
        factors.push(SampleFactor {
            name: format!("vol:{}", asset.name),
            volatility_bp: i64::from(asset.vol_bp * percent / 100),
            loadings,
        });
    }
    for currency in CURRENCIES {
        let conventions = currency.conventions();
        factors.push(SampleFactor {
            name: format!("rate:{}", conventions.code),
            volatility_bp: i64::from(conventions.rate_volatility_bp),
            loadings: conventions.loadings,
        });
    }
    factors
}

/// In ten-thousandths, exactly: the matrix is that of common factors and something of each factor's own.
fn correlation_bp(factors: &[SampleFactor], row: usize, column: usize) -> i64 {
    if row == column {
        return 10_000;
    }
    let (row, column) = (&factors[row].loadings, &factors[column].loadings);
    row.iter().zip(column).map(|(a, b)| i64::from(a * b)).sum()
}
