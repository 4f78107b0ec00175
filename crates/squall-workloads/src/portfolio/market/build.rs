//! Builds an indexed market from its JSON form, or returns the first error.

use squall_core::workload::InputError;

use super::super::table::iso_date;
use super::check::Checker;
use super::conversion::{Pair, find};
use super::spec::{AssetClass, MarketSpec};
use super::{Carry, Currency, Curve, Market, Origin, Spot, Underlying, factors};

pub(super) fn market(spec: &MarketSpec, origin: &Origin) -> Result<Market, InputError> {
    let Some(valuation_date) = iso_date(&spec.valuation_date) else {
        let problem = format!("{:?} is not a date; write it like 2026-12-31", spec.valuation_date);
        return Err(InputError::new(origin.at("valuation_date"), problem));
    };
    let checker = Checker { origin, spec, valuation_date };
    let codes = checker.currency_codes()?;
    let index_of = |code: &str| codes.iter().position(|known| known == code).unwrap_or(usize::MAX);

    let mut curves = Vec::new();
    for (name, curve) in &spec.curves {
        let zero = checker.curve(&format!("curves.{name}"), curve)?;
        curves.push(Curve { name: name.clone(), currency: index_of(&curve.currency), zero });
    }
    let with_curve = |idx: usize| curves.iter().any(|curve| curve.currency == idx);

    let not_fx = |name: &&String| spec.underlyings.get(*name).is_some_and(|it| it.class != AssetClass::Fx);
    let own_spots: Vec<&str> = spec.underlyings.keys().filter(not_fx).map(String::as_str).collect();
    let rates: Vec<usize> = (0..codes.len()).filter(|idx| with_curve(*idx)).collect();
    let factors = factors(
        own_spots.iter().copied(),
        spec.underlyings.keys().map(String::as_str),
        rates.iter().filter_map(|idx| codes.get(*idx)).map(String::as_str),
        spec.fx.keys().map(String::as_str),
    );
    let first_vol = own_spots.len();
    let first_rate = first_vol + spec.underlyings.len();
    let first_fx = first_rate + rates.len();

    let mut pairs = Vec::new();
    for (idx, (name, rate)) in spec.fx.iter().enumerate() {
        checker.pair(name, *rate)?;
        let (base, quote) = name.split_at_checked(3).unwrap_or_default();
        let (base, quote) = (index_of(base), index_of(quote));
        pairs.push(Pair { name: name.clone(), base, quote, rate: *rate, factor: first_fx + idx });
    }

    let mut underlyings = Vec::new();
    for (idx, (name, underlying)) in spec.underlyings.iter().enumerate() {
        let vol = checker.underlying(name, underlying)?;
        let pair = pairs.iter().position(|pair| pair.name == *name);
        let (currency, spot, carry) =
            match (underlying.class, pair.and_then(|idx| Some((idx, pairs.get(idx)?)))) {
                (AssetClass::Fx, Some((idx, pair))) => {
                    (pair.quote, Spot::Pair(idx), Carry::Currency(pair.base))
                }
                _ => {
                    let factor = own_spots.iter().position(|known| known == name).unwrap_or(usize::MAX);
                    let carry = underlying.dividend_yield.or(underlying.convenience_yield).unwrap_or(0.0);
                    let price = underlying.spot.unwrap_or(f64::NAN);
                    let currency = index_of(underlying.currency.as_deref().unwrap_or_default());
                    (currency, Spot::Own { price, factor }, Carry::Yield(carry))
                }
            };
        let (name, class, vol_factor) = (name.clone(), underlying.class, first_vol + idx);
        underlyings.push(Underlying { name, class, currency, spot, carry, vol, vol_factor });
    }

    let report_currency = index_of(&spec.report_currency);
    let mut currencies = Vec::new();
    for (idx, code) in codes.iter().enumerate() {
        let own_curve = spec.discount.get(code).unwrap_or(code);
        let discount = curves.iter().position(|curve| curve.name == *own_curve && curve.currency == idx);
        let rate_factor = rates.iter().position(|rate| *rate == idx).map(|rate| first_rate + rate);
        let conversion = find(&pairs, codes.len(), idx, report_currency);
        currencies.push(Currency { code: code.clone(), discount, rate_factor, conversion });
    }
    checker.discount(&codes)?;
    Ok(Market { valuation_date, report_currency, currencies, curves, underlyings, pairs, factors })
}
