//! The report for programs. Keys are in a fixed order; money is a string with six decimals, straight from integers.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::{GroupRisk, NotValued, PositionRow, Report, WorstScenario};
use crate::portfolio::money::Micros;
use crate::portfolio::risk::{Distribution, Level};
use crate::portfolio::shock::Factor;

#[derive(Serialize)]
struct ReportJson<'a> {
    report_currency: &'a str,
    partial: bool,
    work_done: f64,
    positions_total: usize,
    #[serde(skip_serializing_if = "is_zero")]
    positions_expired: usize,
    #[serde(skip_serializing_if = "is_zero")]
    fixings_projected: usize,
    scenarios: ScenariosJson<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    factors_not_moved: Vec<UnmovedJson>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: &'a Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    largest_changes: Vec<LargeChangeJson>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    scenarios_not_valued: Vec<NotValuedJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    base_not_valued: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    greeks_not_valued: Vec<NotValuedJson<'a>>,
    base_value: Option<Micros>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ageing: Option<AgeingJson<'a>>,
    pnl: Option<PnlJson>,
    risk: Vec<RiskJson>,
    worst_scenarios: Vec<WorstJson<'a>>,
    group_level: Option<Level>,
    by_book: Vec<GroupJson<'a>>,
    by_kind: Vec<GroupJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    greeks: Option<GreeksJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    positions: Option<Vec<PositionJson<'a>>>,
}

#[derive(Serialize)]
struct ScenariosJson<'a> {
    about: &'a str,
    total: usize,
    fully_revalued: usize,
}

#[derive(Serialize)]
struct AgeingJson<'a> {
    calendar_days: u64,
    pnl: Option<Micros>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_valued: Option<&'a str>,
}

#[derive(Serialize)]
struct NotValuedJson<'a> {
    label: &'a str,
    position: &'a str,
}

impl<'a> From<&'a NotValued> for NotValuedJson<'a> {
    fn from(it: &'a NotValued) -> Self {
        Self { label: &it.label, position: &it.position }
    }
}

#[derive(Serialize)]
struct PnlJson {
    scenarios: usize,
    minimum: Micros,
    maximum: Micros,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    sample: Option<SampleJson>,
}

#[derive(Serialize)]
struct SampleJson {
    mean: Micros,
    standard_deviation: Option<Micros>,
    skewness: Option<f64>,
    excess_kurtosis: Option<f64>,
    quantiles: Vec<QuantileJson>,
    histogram: Vec<BinJson>,
}

#[derive(Serialize)]
struct QuantileJson {
    probability: f64,
    pnl: Micros,
}

#[derive(Serialize)]
struct BinJson {
    from: Micros,
    to: Micros,
    count: u64,
}

#[derive(Serialize)]
#[serde(untagged)]
enum RiskJson {
    Estimated {
        level: Level,
        value_at_risk: Micros,
        value_at_risk_95_percent_interval: [Option<Micros>; 2],
        expected_shortfall: Micros,
        expected_shortfall_standard_error: Option<Micros>,
    },
    TooFew {
        level: Level,
        value_at_risk: Option<Micros>,
        expected_shortfall: Option<Micros>,
        scenarios_needed: u64,
    },
}

/// A factor that positions depend on and no scenario moves.
#[derive(Serialize)]
struct UnmovedJson {
    factor: String,
    positions: usize,
    base_value: Option<Micros>,
}

/// A daily change of the history that the scenarios come from.
#[derive(Serialize)]
struct LargeChangeJson {
    factor: String,
    date: String,
    change: f64,
    standard_deviations: f64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde asks")]
fn is_zero(n: &usize) -> bool {
    *n == 0
}

#[derive(Serialize)]
struct WorstJson<'a> {
    scenario: usize,
    label: &'a str,
    pnl: Micros,
    shocks: ShocksJson<'a>,
}

struct ShocksJson<'a>(&'a [(Factor, f64)]);

/// A figure that belongs into the report, known yet or not.
#[derive(Serialize)]
struct Known(Option<Micros>);

#[derive(Serialize)]
struct GroupJson<'a> {
    name: &'a str,
    positions: usize,
    base_value: Option<Micros>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pnl_of_ageing: Option<Known>,
    pnl_in_worst_scenario: Option<Micros>,
    value_at_risk: Option<Micros>,
    expected_shortfall: Option<Micros>,
    contribution_to_expected_shortfall: Option<Micros>,
    share_of_expected_shortfall: Option<f64>,
}

#[derive(Serialize)]
struct GreeksJson<'a> {
    by_underlying: Vec<UnderlyingJson<'a>>,
    by_currency: Vec<CurrencyJson<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    by_rate_factor: Vec<RateFactorJson>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unreliable: Vec<UnreliableJson<'a>>,
}

#[derive(Serialize)]
struct RateFactorJson {
    factor: String,
    change_per_basis_point: Option<Micros>,
}

#[derive(Serialize)]
struct UnreliableJson<'a> {
    name: &'a str,
    position: &'a str,
    positions: usize,
    reason: String,
}

#[derive(Serialize)]
struct UnderlyingJson<'a> {
    name: &'a str,
    delta_per_percent: Option<Micros>,
    gamma_per_percent: Option<Micros>,
    delta_per_unit: Option<f64>,
    vega_per_point: Option<Micros>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gamma_per_unit: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vega_per_unit: Option<f64>,
}

#[derive(Serialize)]
struct CurrencyJson<'a> {
    currency: &'a str,
    rho_per_basis_point: Option<Micros>,
}

#[derive(Serialize)]
struct PositionJson<'a> {
    id: &'a str,
    book: &'a str,
    kind: &'a str,
    currency: &'a str,
    price: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    standard_error: Option<f64>,
    value: Micros,
    #[serde(skip_serializing_if = "Option::is_none")]
    clean_price: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    accrued_interest: Option<f64>,
    #[serde(rename = "yield", skip_serializing_if = "Option::is_none")]
    bond_yield: Option<f64>,
}

impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        ReportJson {
            report_currency: &self.currency,
            partial: self.is_partial,
            work_done: self.work_done,
            positions_total: self.n_positions,
            positions_expired: self.n_expired,
            fixings_projected: self.n_projected,
            scenarios: ScenariosJson {
                about: &self.about,
                total: self.n_scenarios,
                fully_revalued: self.n_scenarios_done,
            },
            factors_not_moved: self
                .unmoved
                .iter()
                .map(|(it, base_value)| UnmovedJson {
                    factor: it.factor.to_string(),
                    positions: it.n_positions,
                    base_value: base_value.map(Micros),
                })
                .collect(),
            notes: &self.notes,
            largest_changes: self
                .largest_changes
                .iter()
                .map(|it| LargeChangeJson {
                    factor: it.factor.to_string(),
                    date: it.date.to_string(),
                    change: it.change,
                    standard_deviations: it.deviations,
                })
                .collect(),
            scenarios_not_valued: self.not_valued.iter().map(NotValuedJson::from).collect(),
            base_not_valued: self.base_not_valued.as_deref(),
            greeks_not_valued: self.greeks_not_valued.iter().map(NotValuedJson::from).collect(),
            base_value: self.base_value.map(Micros),
            ageing: self.ageing.as_ref().map(|it| AgeingJson {
                calendar_days: it.days,
                pnl: it.pnl.map(Micros),
                not_valued: it.not_valued.as_deref(),
            }),
            pnl: self.distribution.as_ref().map(|distribution| self.pnl(distribution)),
            risk: self.risk_rows(),
            worst_scenarios: self.worst.iter().map(WorstJson::from).collect(),
            group_level: self.group_level,
            by_book: self.books.iter().map(|group| self.group(group)).collect(),
            by_kind: self.kinds.iter().map(|group| self.group(group)).collect(),
            greeks: self.greeks.as_ref().map(GreeksJson::from),
            positions: self.positions.as_ref().map(|rows| rows.iter().map(PositionJson::from).collect()),
        }
        .serialize(serializer)
    }
}

impl Report {
    fn group<'a>(&self, group: &'a GroupRisk) -> GroupJson<'a> {
        GroupJson {
            name: &group.name,
            positions: group.n_positions,
            base_value: group.base_value.map(Micros),
            pnl_of_ageing: self.ageing.as_ref().map(|_| Known(group.ageing_pnl.map(Micros))),
            pnl_in_worst_scenario: group.worst_pnl.map(Micros),
            value_at_risk: group.value_at_risk.map(Micros),
            expected_shortfall: group.expected_shortfall.map(Micros),
            contribution_to_expected_shortfall: group.contribution.map(Micros),
            share_of_expected_shortfall: group.share,
        }
    }

    fn pnl(&self, distribution: &Distribution) -> PnlJson {
        let sample = || SampleJson {
            mean: Micros(distribution.mean),
            standard_deviation: distribution.standard_deviation.map(super::rounded),
            skewness: distribution.skewness,
            excess_kurtosis: distribution.excess_kurtosis,
            quantiles: distribution
                .quantiles
                .iter()
                .map(|(percent, pnl)| QuantileJson {
                    probability: f64::from(*percent) / 100.0,
                    pnl: Micros(*pnl),
                })
                .collect(),
            histogram: self
                .histogram
                .iter()
                .map(|bin| BinJson { from: Micros(bin.from), to: Micros(bin.to), count: bin.count })
                .collect(),
        };
        PnlJson {
            scenarios: distribution.n,
            minimum: Micros(distribution.minimum),
            maximum: Micros(distribution.maximum),
            sample: self.is_sample.then(sample),
        }
    }

    fn risk_rows(&self) -> Vec<RiskJson> {
        let row = |(level, estimate): &(Level, Result<_, _>)| match estimate {
            Ok(super::Estimate {
                value_at_risk,
                value_at_risk_low,
                value_at_risk_high,
                expected_shortfall,
                expected_shortfall_error,
            }) => RiskJson::Estimated {
                level: *level,
                value_at_risk: Micros(*value_at_risk),
                value_at_risk_95_percent_interval: [
                    value_at_risk_low.map(Micros),
                    value_at_risk_high.map(Micros),
                ],
                expected_shortfall: Micros(*expected_shortfall),
                expected_shortfall_standard_error: expected_shortfall_error.map(Micros),
            },
            Err(super::TooFew { needed }) => RiskJson::TooFew {
                level: *level,
                value_at_risk: None,
                expected_shortfall: None,
                scenarios_needed: *needed,
            },
        };
        self.risk.iter().map(row).collect()
    }
}

impl Serialize for ShocksJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (factor, shock) in self.0 {
            map.serialize_entry(&factor.to_string(), shock)?;
        }
        map.end()
    }
}

impl<'a> From<&'a WorstScenario> for WorstJson<'a> {
    fn from(worst: &'a WorstScenario) -> Self {
        let WorstScenario { scenario, label, pnl, shocks } = worst;
        Self { scenario: *scenario, label, pnl: Micros(*pnl), shocks: ShocksJson(shocks) }
    }
}

impl<'a> From<&'a super::Greeks> for GreeksJson<'a> {
    fn from(greeks: &'a super::Greeks) -> Self {
        let underlying = |row: &'a super::UnderlyingGreeks| UnderlyingJson {
            name: &row.name,
            delta_per_percent: row.delta_percent.map(Micros),
            gamma_per_percent: row.gamma_percent.map(Micros),
            delta_per_unit: row.delta_unit,
            vega_per_point: row.vega.map(Micros),
            gamma_per_unit: row.gamma_unit,
            vega_per_unit: row.vega_unit,
        };
        let rate_factor = |(factor, slope): &(Factor, Option<i128>)| RateFactorJson {
            factor: factor.to_string(),
            change_per_basis_point: slope.map(Micros),
        };
        let currency = |row: &'a super::CurrencyGreeks| CurrencyJson {
            currency: &row.currency,
            rho_per_basis_point: row.rho.map(Micros),
        };
        Self {
            by_underlying: greeks.underlyings.iter().map(underlying).collect(),
            by_currency: greeks.currencies.iter().map(currency).collect(),
            by_rate_factor: greeks.rate_factors.iter().map(rate_factor).collect(),
            unreliable: greeks
                .unreliable
                .iter()
                .map(|it| UnreliableJson {
                    name: &it.name,
                    position: &it.position,
                    positions: it.n_positions,
                    reason: it.reason(),
                })
                .collect(),
        }
    }
}

impl<'a> From<&'a PositionRow> for PositionJson<'a> {
    fn from(row: &'a PositionRow) -> Self {
        Self {
            id: &row.id,
            book: &row.book,
            kind: row.kind,
            currency: &row.currency,
            price: row.price,
            standard_error: row.standard_error,
            value: Micros(row.value),
            clean_price: row.quote.map(|quote| quote.clean_price),
            accrued_interest: row.quote.map(|quote| quote.accrued_interest),
            bond_yield: row.quote.and_then(|quote| quote.bond_yield),
        }
    }
}
