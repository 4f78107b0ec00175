//! Forwards and options over the columns of a block.

use super::super::positions::{Adjusted, AsianContract, Contract, Delivery, DigitalPayoff, Terms};
use super::super::pricing::american::Dividend;
use super::super::pricing::asian::{AsianOption, McEstimate, price_mc_batch};
use super::super::pricing::european::price_batch;
use super::super::pricing::{MarketColumns, OptionType, american, bachelier, digital, forward};
use super::super::rates::CashFlow;
use super::block::{BlockMarket, Shifts, UnderlyingColumns};

/// Columns that are priced together: their inputs fit the first-level cache and the stack.
const CHUNK: usize = 128;

const UNKNOWN: McEstimate = McEstimate { value: f64::NAN, standard_error: f64::NAN };

/// The market of some columns, one array per input.
struct Inputs {
    spot: [f64; CHUNK],
    rate: [f64; CHUNK],
    carry: [f64; CHUNK],
    vol: [f64; CHUNK],
}

/// The market of one column, as bits: equal inputs have equal prices.
type Key = [u64; 4];

impl Inputs {
    fn new() -> Self {
        Self { spot: [0.0; CHUNK], rate: [0.0; CHUNK], carry: [0.0; CHUNK], vol: [0.0; CHUNK] }
    }

    /// Loads `n` columns from `first` on. A volatility shocked below 0 is 0.
    fn load<'a>(
        &'a mut self,
        terms: &Terms,
        columns: UnderlyingColumns<'a>,
        first: usize,
        n: usize,
    ) -> MarketColumns<'a> {
        let n = n.min(CHUNK);
        let shocked_spot = columns.spot.slice(first, n);
        if shocked_spot.is_none() {
            columns.spot.write(first, &mut self.spot[..n], |spot| spot);
        }
        columns.rate_shift.write(first, &mut self.rate[..n], |shift| terms.rate + shift);
        columns.carry_shift.write(first, &mut self.carry[..n], |shift| terms.carry + shift);
        columns.vol_shift.write(first, &mut self.vol[..n], |shift| floored(terms.vol + shift));
        MarketColumns {
            spot: shocked_spot.unwrap_or(&self.spot[..n]),
            rate: &self.rate[..n],
            dividend_yield: &self.carry[..n],
            vol: &self.vol[..n],
        }
    }
}

/// Not `max`, which would hide a NaN.
fn floored(vol: f64) -> f64 {
    if vol < 0.0 { 0.0 } else { vol }
}

/// Values one unit in every column of the block into `out`, in the underlying's currency; NaN without such an
/// underlying.
pub(super) fn unit_values(terms: &Terms, contract: &Contract, block: &BlockMarket, out: &mut [f64]) {
    let shifts = block.shifts(terms.underlying, terms.years);
    let Some(columns) = shifts.as_ref().and_then(|shifts| block.underlying(terms.underlying, shifts)) else {
        out.fill(f64::NAN);
        return;
    };
    if !columns.is_above_zero && !contract.takes_any_price() {
        option_values_below_zero(terms, contract, columns, out);
        return;
    }
    let UnderlyingColumns { spot, is_above_zero: _, rate_shift, carry_shift, vol_shift } = columns;
    if [spot, rate_shift, carry_shift, vol_shift].iter().all(|it| it.is_same()) {
        if let Some((first, others)) = out.split_first_mut() {
            chunk_values(terms, contract, columns, 0, std::slice::from_mut(first));
            others.fill(*first);
        }
        return;
    }
    if let Contract::Asian(asian) = contract {
        asian_values(terms, asian, columns, 0, out);
        return;
    }
    for (idx, chunk) in out.chunks_mut(CHUNK).enumerate() {
        chunk_values(terms, contract, columns, idx * CHUNK, chunk);
    }
}

/// Column by column, where the price of the underlying may be 0 or less: an option has no value there in this model.
fn option_values_below_zero(
    terms: &Terms,
    contract: &Contract,
    columns: UnderlyingColumns<'_>,
    out: &mut [f64],
) {
    let mut inputs = Inputs::new();
    for (idx, value) in out.iter_mut().enumerate() {
        let spot = inputs.load(terms, columns, idx, 1).spot.first().copied();
        match spot {
            Some(spot) if spot > 0.0 => {
                chunk_values(terms, contract, columns, idx, std::slice::from_mut(value));
            }
            _ => *value = f64::NAN,
        }
    }
}

/// A forward at any price and strike, which its kernel takes only from 0 on.
fn linear(spot: f64, strike: f64, years: f64, rate: f64, carry: f64) -> f64 {
    spot * libm::exp(-carry * years) - strike * libm::exp(-rate * years)
}

/// At most [`CHUNK`] columns from `first` on.
fn chunk_values(
    terms: &Terms,
    contract: &Contract,
    columns: UnderlyingColumns<'_>,
    first: usize,
    out: &mut [f64],
) {
    let mut inputs = Inputs::new();
    let market = inputs.load(terms, columns, first, out.len());
    if let Contract::Asian(asian) = contract {
        asian_values(terms, asian, columns, first, out);
    } else {
        contract_values(terms.years, contract, market, out);
    }
}

/// Everything but an average, which takes its columns as they are.
#[inline]
fn contract_values(years: f64, contract: &Contract, market: MarketColumns<'_>, out: &mut [f64]) {
    match contract {
        Contract::European { option_type, strike } => price_batch(*option_type, *strike, years, market, out),
        Contract::Forward { strike } => {
            forward::price_batch(*strike, years, market, out);
            let columns = market.spot.iter().zip(market.rate).zip(market.dividend_yield);
            for (value, ((spot, rate), carry)) in out.iter_mut().zip(columns) {
                if *spot < 0.0 || *strike < 0.0 {
                    *value = linear(*spot, *strike, years, *rate, *carry);
                }
            }
        }
        Contract::American { option_type, strike } => one_by_one(market, out, |spot, rate, carry, vol| {
            american::price(*option_type, spot, *strike, years, rate, carry, vol)
        }),
        Contract::Digital { option_type, strike, payoff, skew } => {
            let amount = match payoff {
                DigitalPayoff::Cash(cash) => {
                    digital::cash_or_nothing_batch(*option_type, *cash, *strike, years, market, out);
                    (*cash, false)
                }
                DigitalPayoff::Asset => {
                    digital::asset_or_nothing_batch(*option_type, *strike, years, market, out);
                    (*strike, true)
                }
            };
            if *skew != 0.0 {
                digital::add_skew(*option_type, amount, *skew, (*strike, years), market, out);
            }
        }
        Contract::NormalEuropean { option_type, strike } => {
            bachelier::price_batch(*option_type, bachelier::Payoff::Gain, *strike, years, market, out);
        }
        Contract::NormalDigital { option_type, strike, payoff, skew } => {
            let payoff = match payoff {
                DigitalPayoff::Cash(cash) => bachelier::Payoff::Cash(*cash),
                DigitalPayoff::Asset => bachelier::Payoff::Asset,
            };
            bachelier::price_batch(*option_type, payoff, *strike, years, market, out);
            if *skew != 0.0 {
                bachelier::add_skew(*option_type, payoff, *skew, (*strike, years), market, out);
            }
        }
        Contract::Barrier(barrier) => barrier.price_batch(years, market, out),
        Contract::Asian(_) => out.fill(f64::NAN),
    }
}

/// As [`unit_values`], for a contract on a future or on an underlying without its dividends.
pub(super) fn adjusted_values(adjusted: &Adjusted, block: &BlockMarket, out: &mut [f64]) {
    let Adjusted { terms, contract, delivery, dividends } = adjusted;
    let shifts_at = |years: f64| block.shifts(terms.underlying, years);
    let shifts: Option<Vec<Shifts<'_>>> = dividends.iter().map(|it| shifts_at(it.years)).collect();
    let (shifts, of_dividends) = (shifts_at(terms.years), shifts);
    let of_delivery = delivery.map(|it| shifts_at(it.years));
    let columns = shifts.as_ref().and_then(|shifts| block.underlying(terms.underlying, shifts));
    let (Some(columns), Some(of_dividends)) = (columns, of_dividends) else {
        out.fill(f64::NAN);
        return;
    };
    let is_linear = matches!(contract, Contract::Forward { .. });
    let takes_any_price = contract.takes_any_price();
    let mut worths = vec![[0.0; CHUNK]; dividends.len()];
    for (idx, chunk) in out.chunks_mut(CHUNK).enumerate() {
        let (first, n) = (idx * CHUNK, chunk.len());
        let mut inputs = Inputs::new();
        let market = inputs.load(terms, columns, first, n);
        for ((worth, dividend), shifts) in worths.iter_mut().zip(dividends).zip(&of_dividends) {
            shifts.rate().write(first, &mut worth[..n], |shift| dividend.present_value(shift));
        }
        let mut price = [f64::NAN; CHUNK];
        for (column, (price, spot)) in price.iter_mut().zip(market.spot).enumerate() {
            let net = worths.iter().fold(*spot, |net, worth| net - worth[column]);
            // Nothing lognormal is left of a price that its dividends use up; what is linear or normal has a value at any.
            *price = if net > 0.0 || takes_any_price { net } else { f64::NAN };
        }
        match (delivery, contract) {
            (Some(delivery), _) => {
                let Some(Some(shifts)) = &of_delivery else { continue };
                grow(&mut price[..n], delivery, shifts, first);
                // A future costs nothing to hold: its price has no drift. Settled daily, it is not discounted either.
                let none = [0.0; CHUNK];
                let rate = if is_linear { &none[..n] } else { market.rate };
                let market = MarketColumns { spot: &price[..n], rate, dividend_yield: rate, vol: market.vol };
                contract_values(terms.years, contract, market, chunk);
            }
            (None, Contract::American { option_type, strike }) => {
                let market = MarketColumns { spot: &price[..n], ..market };
                american_values((*option_type, *strike), terms.years, (dividends, &worths), market, chunk);
            }
            (None, _) => {
                let market = MarketColumns { spot: &price[..n], ..market };
                contract_values(terms.years, contract, market, chunk);
            }
        }
    }
}

/// Makes prices of the underlying without its dividends those of a future on it.
fn grow(price: &mut [f64], delivery: &Delivery, shifts: &Shifts<'_>, first: usize) {
    let (mut rate, mut carry) = ([0.0; CHUNK], [0.0; CHUNK]);
    shifts.rate().write(first, &mut rate[..price.len()], |shift| delivery.rate + shift);
    shifts.carry().write(first, &mut carry[..price.len()], |shift| delivery.carry + shift);
    for (price, (rate, carry)) in price.iter_mut().zip(rate.iter().zip(&carry)) {
        *price *= libm::exp((rate - carry) * delivery.years);
    }
}

/// Americans on prices without the dividends, whose worth is given by dividend and column; a column with the inputs of the one before
/// only once.
fn american_values(
    (option_type, strike): (OptionType, f64),
    years: f64,
    (dividends, worths): (&[CashFlow], &[[f64; CHUNK]]),
    market: MarketColumns<'_>,
    out: &mut [f64],
) {
    let at = |column: usize| -> Vec<Dividend> {
        let paid = dividends.iter().zip(worths);
        paid.map(|(it, worth)| Dividend { years: it.years, worth: worth[column] }).collect()
    };
    let mut last: Option<(Key, Vec<Dividend>, f64)> = None;
    let columns = market.spot.iter().zip(market.rate).zip(market.dividend_yield).zip(market.vol);
    for (column, (value, (((spot, rate), carry), vol))) in out.iter_mut().zip(columns).enumerate() {
        let key = [spot.to_bits(), rate.to_bits(), carry.to_bits(), vol.to_bits()];
        let dividends = at(column);
        *value = match &last {
            Some((last_key, last_dividends, last_value))
                if *last_key == key && *last_dividends == dividends =>
            {
                *last_value
            }
            _ => american::price_with_dividends(
                option_type,
                *spot,
                strike,
                years,
                *rate,
                *carry,
                *vol,
                &dividends,
            ),
        };
        last = Some((key, dividends, *value));
    }
}

/// Prices column by column, but a column with the inputs of the one before only once: many columns shock something
/// else.
fn one_by_one(market: MarketColumns<'_>, out: &mut [f64], price: impl Fn(f64, f64, f64, f64) -> f64) {
    let columns = market.spot.iter().zip(market.rate).zip(market.dividend_yield).zip(market.vol);
    let mut last: Option<(Key, f64)> = None;
    for (value, (((spot, rate), carry), vol)) in out.iter_mut().zip(columns) {
        let key = [spot.to_bits(), rate.to_bits(), carry.to_bits(), vol.to_bits()];
        *value = match last {
            Some((last_key, last_value)) if last_key == key => last_value,
            _ => price(*spot, *rate, *carry, *vol),
        };
        last = Some((key, *value));
    }
}

/// Columns from `first` on.
fn asian_values(
    terms: &Terms,
    asian: &AsianContract,
    columns: UnderlyingColumns<'_>,
    first: usize,
    out: &mut [f64],
) {
    let mut estimates = vec![UNKNOWN; out.len()];
    asian_estimates(terms, asian, columns, first, &mut estimates);
    for (value, estimate) in out.iter_mut().zip(&estimates) {
        *value = estimate.value;
    }
}

/// Simulates the distinct columns from `start` on together, so that they share their random numbers and the work of drawing them.
fn asian_estimates(
    terms: &Terms,
    asian: &AsianContract,
    columns: UnderlyingColumns<'_>,
    start: usize,
    out: &mut [McEstimate],
) {
    let mut rows: Vec<[f64; 4]> = Vec::new();
    let mut row_of_column = Vec::with_capacity(out.len());
    let mut inputs = Inputs::new();
    for first in (0..out.len()).step_by(CHUNK) {
        let market = inputs.load(terms, columns, start + first, out.len() - first);
        let columns = market.spot.iter().zip(market.rate).zip(market.dividend_yield).zip(market.vol);
        for (((spot, rate), carry), vol) in columns {
            let row = [*spot, *rate, *carry, *vol];
            if rows.last().is_none_or(|last| last.map(f64::to_bits) != row.map(f64::to_bits)) {
                rows.push(row);
            }
            row_of_column.push(rows.len() - 1);
        }
    }

    let input = |idx: usize| -> Vec<f64> { rows.iter().filter_map(|row| row.get(idx).copied()).collect() };
    let (spot, rate, carry, vol) = (input(0), input(1), input(2), input(3));
    let market = MarketColumns { spot: &spot, rate: &rate, dividend_yield: &carry, vol: &vol };
    let times = asian.fixings.times();
    let contract = AsianOption {
        option_type: asian.option_type,
        strike: asian.strike,
        fixing_times: &times,
        past_fixings_sum: asian.past_fixings_sum,
        n_past: asian.n_past,
    };
    let mut estimates = vec![UNKNOWN; rows.len()];
    price_mc_batch(&contract, &market, asian.n_paths, &asian.stream, &mut estimates);
    for (out, row) in out.iter_mut().zip(row_of_column) {
        if let Some(estimate) = estimates.get(row) {
            *out = *estimate;
        }
    }
}

/// One unit in the block's first column, for a contract that is simulated.
pub(super) fn estimate(terms: &Terms, contract: &Contract, block: &BlockMarket) -> Option<McEstimate> {
    let Contract::Asian(asian) = contract else { return None };
    let shifts = block.shifts(terms.underlying, terms.years)?;
    let columns = block.underlying(terms.underlying, &shifts)?;
    let mut estimates = [UNKNOWN];
    asian_estimates(terms, asian, columns, 0, &mut estimates);
    estimates.first().copied()
}
