//! The positions and the market of a job's `input` object: named files, or inline.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use squall_core::sources::{Files, Given};
use squall_core::workload::InputError;

use super::ageing::Age;
use super::market::spec::MarketSpec;
use super::market::{Market, Origin};
use super::positions::{AsianSettings, Expired, Positions, Reading};
use super::report::ReportOptions;
use super::scenarios::{Basis, ScenariosInput};
use super::valuation::Portfolio;
use crate::reading::quoted;

pub mod schema;

/// The `input` object of a `portfolio` job.
#[derive(Debug, Clone, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PortfolioInput {
    /// The positions.
    pub positions: PositionsSource,
    /// Columns of the positions that are there for others.
    #[serde(default)]
    pub ignore_columns: Vec<String>,
    /// What becomes of positions that expired before the valuation date.
    #[serde(default)]
    pub expired: Expired,
    /// The market.
    pub market: MarketSource,
    /// The simulation of Asian options.
    #[serde(default)]
    pub asian: AsianSettings,
    /// Whether positions are older in the scenarios.
    #[serde(default)]
    pub age: Age,
    /// The scenarios; without them the portfolio is valued.
    #[serde(default)]
    pub scenarios: ScenariosInput,
    /// The report options.
    #[serde(default)]
    pub report: ReportOptions,
}

/// The source of the positions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PositionsSource {
    /// A CSV file, by path or URI.
    File(String),
    /// CSV text, `{"csv": "id,book,..."}`.
    Inline {
        /// The text.
        csv: String,
    },
}

/// The source of the market.
#[derive(Debug, Clone, PartialEq)]
pub enum MarketSource {
    /// A JSON file, by path or URI.
    File(String),
    /// The market itself.
    Inline(Box<MarketSpec>),
}

impl PortfolioInput {
    /// The files that the positions, the market and the scenarios are in.
    pub fn references(&self) -> Vec<String> {
        let mut names = self.scenarios.references();
        if let MarketSource::File(name) = &self.market {
            names.push(name.clone());
        }
        if let PositionsSource::File(name) = &self.positions {
            names.push(name.clone());
        }
        names
    }

    /// Reads the market, then the positions against it.
    ///
    /// # Errors
    /// The first error: its place, the problem, and what was expected.
    pub fn portfolio(&self, given: &Given) -> Result<Portfolio, InputError> {
        self.check_asian()?;
        self.portfolio_on(self.market(&given.files)?, given)
    }

    fn portfolio_on(&self, market: Market, given: &Given) -> Result<Portfolio, InputError> {
        let ageing = self.age.ageing(market.valuation_date(), self.scenarios.horizon_days())?;
        let (name, bytes) = match &self.positions {
            PositionsSource::File(name) => (name.as_str(), file(&given.files, name, "input.positions")?),
            PositionsSource::Inline { csv } => ("input.positions.csv", csv.as_bytes()),
        };
        let reading = Reading {
            asian: &self.asian,
            ignored: &self.ignore_columns,
            expired: self.expired,
            ageing,
            with_quotes: self.report.positions,
            room_bytes: given.room_bytes,
        };
        let positions = Positions::parse(name, bytes, &market, reading)?;
        Ok(Portfolio::new(market, positions, ageing))
    }

    fn market(&self, files: &Files) -> Result<Market, InputError> {
        match &self.market {
            MarketSource::File(name) => Market::parse(name, file(files, name, "input.market")?),
            MarketSource::Inline(spec) => Market::new(spec, &Origin::Inline("input.market".to_owned())),
        }
    }

    /// Checks what is not in files, and those files that are given: the market, and what can be read against it.
    ///
    /// # Errors
    /// The first error: its place, the problem, and what was expected.
    pub fn check_some(self, given: &Given) -> Result<(), InputError> {
        self.check_asian()?;
        let is_here = |name: &String| given.files.contains_key(name);
        if matches!(&self.market, MarketSource::File(name) if !is_here(name)) {
            return Ok(());
        }
        let read = self.market(&given.files)?;
        let (alone, portfolio);
        let market = if matches!(&self.positions, PositionsSource::File(name) if !is_here(name)) {
            alone = read;
            &alone
        } else {
            portfolio = self.portfolio_on(read, given)?;
            portfolio.market()
        };
        if self.scenarios.references().iter().all(is_here) {
            self.scenarios.prepare(&Basis::of(market), &given.files)?;
        }
        Ok(())
    }

    fn check_asian(&self) -> Result<(), InputError> {
        let paths = self.asian.paths;
        let (low, high) = (AsianSettings::MIN_PATHS, AsianSettings::MAX_PATHS);
        if paths < low || paths > high {
            let problem = format!("{paths} is out of range; a number of paths is from {low} to {high}");
            return Err(InputError::new("input.asian.paths", problem));
        }
        Ok(())
    }
}

fn file<'a>(files: &'a Files, name: &str, place: &str) -> Result<&'a [u8], InputError> {
    let missing =
        || InputError::new(place, format!("the file {} is not among the job's files", quoted(name)));
    files.get(name).map(Vec::as_slice).ok_or_else(missing)
}

impl<'de> Deserialize<'de> for PositionsSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Inline {
            csv: String,
        }
        struct SourceVisitor;
        impl<'de> Visitor<'de> for SourceVisitor {
            type Value = PositionsSource;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a CSV file or {\"csv\": \"its text\"}")
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
                Ok(PositionsSource::File(name.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                let Inline { csv } = Inline::deserialize(MapAccessDeserializer::new(map))?;
                Ok(PositionsSource::Inline { csv })
            }
        }
        deserializer.deserialize_any(SourceVisitor)
    }
}

impl<'de> Deserialize<'de> for MarketSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SourceVisitor;
        impl<'de> Visitor<'de> for SourceVisitor {
            type Value = MarketSource;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a JSON file or a market object")
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
                Ok(MarketSource::File(name.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                let spec = MarketSpec::deserialize(MapAccessDeserializer::new(map))?;
                Ok(MarketSource::Inline(Box::new(spec)))
            }
        }
        deserializer.deserialize_any(SourceVisitor)
    }
}

#[cfg(test)]
pub(super) mod tests;
