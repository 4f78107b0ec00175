//! Validates a market, field by field.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use squall_core::workload::InputError;

use super::super::units::{MAX_LIMIT, MAX_RATE, MAX_VOL, pence, percentage};
use super::curve::{CurveInterpolation, ZeroCurve};
use super::spec::{AssetClass, CurveSpec, Limits, MarketSpec, Model, SurfaceSpec, UnderlyingSpec, VolSpec};
use super::surface::{VolInterpolation, VolSurface};
use super::{Origin, tenor_years};
use crate::reading::{check_name, quoted};

/// A higher price is a typing error, and leaves no room for scenarios.
const MAX_PRICE: f64 = 1e15;
/// Most expiries of a surface, and most strikes; an exchange lists some hundreds.
const MAX_NODES: usize = 1_000;

/// Says what is wrong with a field, by its path under the market.
pub(super) struct Checker<'a> {
    pub(super) origin: &'a Origin,
    pub(super) spec: &'a MarketSpec,
    pub(super) valuation_date: NaiveDate,
}

impl Checker<'_> {
    pub(super) fn error(&self, path: &str, problem: impl Into<String>) -> InputError {
        InputError::new(self.origin.at(path), problem)
    }

    /// Every currency that is mentioned anywhere, in alphabetical order.
    pub(super) fn currency_codes(&self) -> Result<Vec<String>, InputError> {
        let mut codes = BTreeSet::new();
        let mut add = |path: &str, code: &str| {
            if !is_currency(code) {
                let not = || format!("{} is not a currency; write three capitals like USD", quoted(code));
                return Err(self.error(path, pence(code).unwrap_or_else(not)));
            }
            codes.insert(code.to_owned());
            Ok(())
        };
        add("report_currency", &self.spec.report_currency)?;
        for (name, curve) in &self.spec.curves {
            check_name(name).map_err(|problem| self.error("curves", problem))?;
            add(&format!("curves.{name}.currency"), &curve.currency)?;
        }
        for (name, underlying) in &self.spec.underlyings {
            if let Some(currency) = &underlying.currency {
                add(&format!("underlyings.{name}.currency"), currency)?;
            }
        }
        for pair in self.spec.fx.keys() {
            match pair.split_at_checked(3) {
                Some((base, quote)) if is_currency(base) && is_currency(quote) && base != quote => {
                    add("fx", base)?;
                    add("fx", quote)?;
                }
                _ => {
                    let problem = "a pair is two different currencies in six capitals, like EURUSD";
                    return Err(self.error(&format!("fx.{pair}"), problem));
                }
            }
        }
        Ok(codes.into_iter().collect())
    }

    fn rate(&self, path: &str, number: f64, what: &str) -> Result<f64, InputError> {
        let most = self.spec.limits.rate;
        self.within(path, number, [-most, most], what, "rate")
    }

    fn vol(&self, path: &str, number: f64, model: Model) -> Result<f64, InputError> {
        if model == Model::Normal {
            if (0.0..=MAX_PRICE).contains(&number) {
                return Ok(number);
            }
            let problem = format!(
                "{number:?} is out of range; the volatility of a normal price is in its units (the standard deviation over a year), from 0 to \
                 1e15"
            );
            return Err(self.error(path, problem));
        }
        self.within(path, number, [0.0, self.spec.limits.vol], "a volatility", "vol")
    }

    fn within(
        &self,
        path: &str,
        number: f64,
        [low, high]: [f64; 2],
        what: &str,
        limit: &str,
    ) -> Result<f64, InputError> {
        if number >= low && number <= high {
            return Ok(number);
        }
        let problem = format!("{number} is out of range; {what} must be from {low} to {high}");
        let is_large = number.abs() > high;
        let hint = if is_large { format!("; {}", percentage(number, limit)) } else { String::new() };
        Err(self.error(path, problem + &hint))
    }

    pub(super) fn limits(&self) -> Result<(), InputError> {
        let Limits { rate, vol } = self.spec.limits;
        for (field, limit, least) in [("rate", rate, MAX_RATE), ("vol", vol, MAX_VOL)] {
            if !(least..=MAX_LIMIT).contains(&limit) {
                let problem = format!("{limit} is out of range; a limit must be from {least} to {MAX_LIMIT}");
                return Err(self.error(&format!("limits.{field}"), problem));
            }
        }
        Ok(())
    }

    pub(super) fn above_zero(&self, path: &str, number: f64, what: &str) -> Result<f64, InputError> {
        if number > 0.0 && number <= MAX_PRICE {
            Ok(number)
        } else {
            let problem = format!("{number:?} is out of range; {what} must be above 0, and at most 1e15");
            Err(self.error(path, problem))
        }
    }

    /// A price of this model, a strike for instance.
    fn price(&self, path: &str, number: f64, what: &str, model: Model) -> Result<f64, InputError> {
        match model {
            Model::Lognormal => self.above_zero(path, number, what),
            Model::Normal if number.abs() <= MAX_PRICE => Ok(number),
            Model::Normal => {
                Err(self.error(path, format!("{number:?} is out of range; {what} must be within ±1e15")))
            }
        }
    }

    pub(super) fn ascending(&self, path: &str, values: &[f64]) -> Result<(), InputError> {
        match values.windows(2).position(|pair| pair.first() >= pair.last()) {
            Some(idx) => {
                Err(self
                    .error(&format!("{path}[{}]", idx + 1), "is not above the one before; they must rise"))
            }
            None => Ok(()),
        }
    }

    pub(super) fn curve(&self, path: &str, curve: &CurveSpec) -> Result<ZeroCurve, InputError> {
        if curve.points.is_empty() {
            return Err(self.error(&format!("{path}.points"), "is empty; at least one point is needed"));
        }
        let mut years = Vec::new();
        let mut points = Vec::new();
        for (idx, point) in curve.points.iter().enumerate() {
            let path = format!("{path}.points[{idx}]");
            let time = tenor_years(&point.tenor, self.valuation_date)
                .map_err(|problem| self.error(&format!("{path}.tenor"), problem))?;
            self.rate(&format!("{path}.rate"), point.rate, "a rate")?;
            years.push(time);
            points.push((time, point.rate));
        }
        self.ascending(&format!("{path}.points"), &years)?;
        let interpolation = match curve.interpolation {
            Some(interpolation) => interpolation,
            None if points.len() == 1 => CurveInterpolation::LinearZero,
            None => {
                let problem = "is missing; with more than one point write linear_zero or log_linear_discount";
                return Err(self.error(&format!("{path}.interpolation"), problem));
            }
        };
        Ok(ZeroCurve::new(interpolation, points))
    }

    pub(super) fn discount(&self, codes: &[String]) -> Result<(), InputError> {
        for (code, name) in &self.spec.discount {
            let path = format!("discount.{code}");
            if codes.binary_search(code).is_err() {
                return Err(self.error(&path, format!("{} is no currency of this market", quoted(code))));
            }
            match self.spec.curves.get(name) {
                None => return Err(self.error(&path, format!("there is no curve {}", quoted(name)))),
                Some(curve) if curve.currency != *code => {
                    let problem = format!(
                        "the curve {} is in {}; one in {code} is needed",
                        quoted(name),
                        curve.currency
                    );
                    return Err(self.error(&path, problem));
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    pub(super) fn pair(&self, name: &str, rate: f64) -> Result<(), InputError> {
        let (base, quote) = name.split_at_checked(3).unwrap_or_default();
        if base > quote && self.spec.fx.contains_key(&format!("{quote}{base}")) {
            let problem = format!("{quote}{base} is there too; name each pair only one way round");
            return Err(self.error(&format!("fx.{name}"), problem));
        }
        self.above_zero(&format!("fx.{name}"), rate, "a rate").map(|_| ())
    }

    pub(super) fn underlying(
        &self,
        name: &str,
        underlying: &UnderlyingSpec,
    ) -> Result<VolSurface, InputError> {
        check_name(name).map_err(|problem| self.error("underlyings", problem))?;
        let path = format!("underlyings.{name}");
        if name.is_empty() || name.trim() != name {
            return Err(self.error(&path, "a name must not be empty nor begin or end with a space"));
        }
        let at = |field: &str| format!("{path}.{field}");
        let fields = [
            ("currency", underlying.currency.is_some(), underlying.class != AssetClass::Fx, true),
            ("spot", underlying.spot.is_some(), underlying.class != AssetClass::Fx, true),
            (
                "dividend_yield",
                underlying.dividend_yield.is_some(),
                matches!(underlying.class, AssetClass::Equity | AssetClass::Index),
                false,
            ),
            (
                "convenience_yield",
                underlying.convenience_yield.is_some(),
                underlying.class == AssetClass::Commodity,
                false,
            ),
        ];
        for (field, is_there, is_allowed, is_needed) in fields {
            if is_there && !is_allowed {
                let right = match (underlying.class, field) {
                    (AssetClass::Fx, "spot") => "; its spot is in market.fx",
                    (AssetClass::Fx, "currency") => "; its currency is the second of the pair",
                    (AssetClass::Fx, _) => "; its yield is the rate of the first currency",
                    (AssetClass::Commodity, _) => "; write convenience_yield",
                    (AssetClass::Equity | AssetClass::Index, _) => "; write dividend_yield",
                };
                return Err(self.error(&at(field), format!("is not for this class{right}")));
            }
            if !is_there && is_allowed && is_needed {
                return Err(self.error(&at(field), "is missing"));
            }
        }
        if underlying.class == AssetClass::Fx && !self.spec.fx.contains_key(name) {
            let problem = "an fx underlying must be a pair of market.fx, written the same way, like EURUSD";
            return Err(self.error(&path, problem));
        }
        let model = underlying.model;
        if underlying.class == AssetClass::Fx && model == Model::Normal {
            return Err(self.error(&at("model"), "is not for this class; an exchange rate stays above 0"));
        }
        if let Some(spot) = underlying.spot {
            self.price(&at("spot"), spot, "a spot", model).map_err(|mut error| {
                if spot <= 0.0 && model == Model::Lognormal {
                    error.problem.push_str("; a price that may be 0 or below has \"model\": \"normal\"");
                }
                error
            })?;
        }
        for (field, carry) in [
            ("dividend_yield", underlying.dividend_yield),
            ("convenience_yield", underlying.convenience_yield),
        ] {
            if let Some(carry) = carry {
                self.rate(&at(field), carry, "a yield")?;
            }
        }
        let Some(vol) = &underlying.vol else { return Ok(VolSurface::None) };
        match vol {
            VolSpec::Flat(vol) => self.vol(&at("vol"), *vol, model).map(VolSurface::Flat),
            VolSpec::Surface(surface) => self.surface(&at("vol"), surface, model),
        }
    }

    fn surface(&self, path: &str, surface: &SurfaceSpec, model: Model) -> Result<VolSurface, InputError> {
        let expiry = |(idx, tenor)| {
            tenor_years(tenor, self.valuation_date)
                .map_err(|problem| self.error(&format!("{path}.expiries[{idx}]"), problem))
        };
        let expiries = surface.expiries.iter().enumerate().map(expiry).collect::<Result<Vec<f64>, _>>()?;
        // Times are above 0 in any model.
        for (field, values, model) in
            [("expiries", &expiries, Model::Lognormal), ("strikes", &surface.strikes, model)]
        {
            let path = format!("{path}.{field}");
            if values.is_empty() {
                return Err(self.error(&path, "is empty; at least one is needed"));
            }
            if values.len() > MAX_NODES {
                let problem = format!("has {} {field}; a surface has at most {MAX_NODES}", values.len());
                return Err(self.error(&path, problem));
            }
            for (idx, value) in values.iter().enumerate() {
                self.price(&format!("{path}[{idx}]"), *value, "each", model)?;
            }
            self.ascending(&path, values)?;
        }
        if surface.vols.len() != expiries.len() {
            let problem = format!(
                "has {} rows for {} expiries; a row per expiry is needed",
                surface.vols.len(),
                expiries.len()
            );
            return Err(self.error(&format!("{path}.vols"), problem));
        }
        for (row_idx, row) in surface.vols.iter().enumerate() {
            if row.len() != surface.strikes.len() {
                let problem = format!("has {} vols for {} strikes", row.len(), surface.strikes.len());
                return Err(self.error(&format!("{path}.vols[{row_idx}]"), problem));
            }
            for (idx, vol) in row.iter().enumerate() {
                self.vol(&format!("{path}.vols[{row_idx}][{idx}]"), *vol, model)?;
            }
        }
        let interpolation = match surface.interpolation {
            Some(interpolation) => interpolation,
            None if expiries.len() == 1 => VolInterpolation::LinearVol,
            None => {
                let problem =
                    "is missing; with more than one expiry write linear_vol or linear_total_variance";
                return Err(self.error(&format!("{path}.interpolation"), problem));
            }
        };
        let (strikes, vols) = (surface.strikes.clone(), surface.vols.clone());
        Ok(VolSurface::Grid { interpolation, expiries, strikes, vols })
    }
}

fn is_currency(code: &str) -> bool {
    code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase())
}
