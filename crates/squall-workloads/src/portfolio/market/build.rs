//! Builds an indexed market from its JSON form, or returns the first error.

use std::collections::{BTreeMap, BTreeSet};

use squall_core::workload::InputError;

use super::super::table::iso_date;
use super::calendars::calendars;
use super::check::Checker;
use super::conversion::{Legs, MAX_PAIRS, Pair, TOLERANCE, contradiction};
use super::dividends::dividends;
use super::normal::{Scales, unlikely_vol};
use super::rate_factors::KeyTenor;
use super::spec::{AssetClass, CurveSpec, MarketSpec, Model, OnArbitrage};
use super::{Carry, Currency, Curve, Market, Origin, Spot, Underlying, factors};
use crate::reading::{quoted, rounded};

pub(super) fn market(spec: &MarketSpec, origin: &Origin) -> Result<Market, InputError> {
    let Some(valuation_date) = iso_date(&spec.valuation_date) else {
        let problem = format!("{} is not a date; write it like 2026-12-31", quoted(&spec.valuation_date));
        return Err(InputError::new(origin.at("valuation_date"), problem));
    };
    let checker = Checker { origin, spec, valuation_date };
    checker.limits()?;
    let codes = checker.currency_codes()?;
    // In alphabetical order.
    let index_of =
        |code: &str| codes.binary_search_by(|known| known.as_str().cmp(code)).unwrap_or(usize::MAX);

    let mut curves = Vec::new();
    for (name, curve) in &spec.curves {
        let zero = checker.curve(&format!("curves.{name}"), curve)?;
        let currency = index_of(&curve.currency);
        curves.push(Curve { name: name.clone(), currency, zero, spread_factor: None });
    }
    let with_curve: BTreeSet<usize> = curves.iter().map(|curve| curve.currency).collect();

    let not_fx = |name: &&String| spec.underlyings.get(*name).is_some_and(|it| it.class != AssetClass::Fx);
    let own_spots: Vec<&str> = spec.underlyings.keys().filter(not_fx).map(String::as_str).collect();
    let rate_codes: BTreeSet<&str> =
        with_curve.iter().filter_map(|idx| codes.get(*idx)).map(String::as_str).collect();
    let key_tenors = checker.key_tenors(&rate_codes)?;
    // They are in alphabetical order, as the codes are.
    let tenors_of = |code: &str| {
        let at = key_tenors.binary_search_by(|(of, _)| of.as_str().cmp(code)).ok();
        at.and_then(|at| key_tenors.get(at)).map_or(&[][..], |(_, tenors)| tenors)
    };
    // Of each currency the parallel one, then by time.
    let mut rates: Vec<&str> = Vec::new();
    for code in &rate_codes {
        rates.push(code);
        rates.extend(tenors_of(code).iter().map(|(_, name)| name.as_str()));
    }
    let rate_at: BTreeMap<&str, usize> = rates.iter().enumerate().map(|(idx, name)| (*name, idx)).collect();
    let spreads = checker.spreads()?;
    let with_vol: Vec<&String> =
        spec.underlyings.iter().filter(|(_, it)| it.vol.is_some()).map(|(name, _)| name).collect();
    let factors = factors(
        own_spots.iter().copied(),
        with_vol.iter().map(|name| name.as_str()),
        rates.iter().copied(),
        spreads.iter().map(String::as_str),
        spec.fx.keys().map(String::as_str),
    );
    let first_vol = own_spots.len();
    let first_rate = first_vol + with_vol.len();
    let first_spread = first_rate + rates.len();
    let first_fx = first_spread + spreads.len();
    let rate_factor = |name: &str| rate_at.get(name).map(|rate| first_rate + rate);
    for curve in &mut curves {
        curve.spread_factor = spreads.binary_search(&curve.name).ok().map(|spread| first_spread + spread);
    }

    if spec.fx.len() > MAX_PAIRS {
        let problem = format!("has {} pairs; expected at most {MAX_PAIRS}", spec.fx.len());
        return Err(InputError::new(origin.at("fx"), problem));
    }
    let mut pairs = Vec::new();
    for (idx, (name, rate)) in spec.fx.iter().enumerate() {
        checker.pair(name, *rate)?;
        let (base, quote) = name.split_at_checked(3).unwrap_or_default();
        let (base, quote) = (index_of(base), index_of(quote));
        pairs.push(Pair { name: name.clone(), base, quote, rate: *rate, factor: first_fx + idx });
    }

    if let Some((idx, implied)) = contradiction(&pairs, codes.len(), TOLERANCE)
        && let Some(Pair { name, rate, .. }) = pairs.get(idx)
    {
        let problem = format!(
            "{rate}, but the other pairs make it {}; give rates of one moment, or leave out a pair that follows from the others",
            rounded(implied)
        );
        return Err(InputError::new(origin.at(&format!("fx.{name}")), problem));
    }

    let mut underlyings = Vec::new();
    for (name, underlying) in &spec.underlyings {
        let vol = checker.underlying(name, underlying)?;
        let dividends = dividends(&checker, name, underlying)?;
        // Both are in the order of their names.
        let pair = pairs.binary_search_by(|pair| pair.name.as_str().cmp(name)).ok();
        let (currency, spot, carry) =
            match (underlying.class, pair.and_then(|idx| Some((idx, pairs.get(idx)?)))) {
                (AssetClass::Fx, Some((idx, pair))) => {
                    (pair.quote, Spot::Pair(idx), Carry::Currency(pair.base))
                }
                _ => {
                    let factor = own_spots.binary_search(&name.as_str()).unwrap_or(usize::MAX);
                    let carry = underlying.dividend_yield.or(underlying.convenience_yield).unwrap_or(0.0);
                    let price = underlying.spot.unwrap_or(f64::NAN);
                    let currency = index_of(underlying.currency.as_deref().unwrap_or_default());
                    (currency, Spot::Own { price, factor }, Carry::Yield(carry))
                }
            };
        let vol_factor = with_vol.binary_search(&name).ok().map(|idx| first_vol + idx);
        let normal = match (underlying.model, spot) {
            (Model::Normal, Spot::Own { price, .. }) => Some(Scales::new(price, &vol)),
            _ => None,
        };
        let (name, class) = (name.clone(), underlying.class);
        underlyings.push(Underlying {
            name,
            class,
            currency,
            spot,
            carry,
            dividends,
            vol,
            normal,
            vol_factor,
        });
    }

    let report_currency = index_of(&spec.report_currency);
    let legs = Legs::new(&pairs, codes.len());
    let mut currencies = Vec::new();
    for (idx, code) in codes.iter().enumerate() {
        let own_curve = spec.discount.get(code).unwrap_or(code);
        let discount = curves.binary_search_by(|curve| curve.name.cmp(own_curve)).ok();
        let discount = discount.filter(|at| curves.get(*at).is_some_and(|curve| curve.currency == idx));
        let key_tenors = tenors_of(code)
            .iter()
            .filter_map(|(years, name)| Some(KeyTenor { years: *years, factor: rate_factor(name)? }))
            .collect();
        let (rate_factor, conversion) = (rate_factor(code), legs.conversion(idx, report_currency));
        currencies.push(Currency { code: code.clone(), discount, rate_factor, key_tenors, conversion });
    }
    checker.discount(&codes)?;
    let calendars = calendars(spec, origin)?;
    let mut market = Market {
        valuation_date,
        report_currency,
        currencies,
        curves,
        underlyings,
        pairs,
        factors,
        calendars,
        limits: spec.limits,
        notes: Vec::new(),
    };
    for underlying in market.underlyings() {
        let found = market.arbitrages(underlying);
        if let (OnArbitrage::Refuse, Some(first)) = (spec.arbitrage, found.first()) {
            let path = format!("underlyings.{}.vol", underlying.name);
            return Err(InputError::new(origin.at(&path), first.text()));
        }
    }
    market.notes = spec.curves.iter().filter_map(|(name, curve)| unlikely_rate(name, curve)).collect();
    let normal = market.underlyings().iter().filter(|it| it.normal.is_some());
    let vols: Vec<String> =
        normal.filter_map(|it| unlikely_vol(&it.name, market.spot(it), &it.vol)).collect();
    market.notes.extend(vols);
    let arbitrage: Vec<String> =
        market.underlyings().iter().filter_map(|it| market.arbitrage_note(it)).collect();
    market.notes.extend(arbitrage);
    Ok(market)
}

/// A rate that few currencies have, as a percentage has that was taken for a fraction.
fn unlikely_rate(name: &str, curve: &CurveSpec) -> Option<String> {
    const MOST: f64 = 0.3;
    let largest = curve.points.iter().map(|it| it.rate).max_by(|a, b| a.abs().total_cmp(&b.abs()))?;
    (largest.abs() > MOST).then(|| {
        let [percent, hundredth] = [largest * 100.0, largest / 100.0].map(rounded);
        format!("the curve {name} has a rate of {percent} %: if {largest} % is meant, write {hundredth}")
    })
}
