//! How far a price moves for delta and gamma of a position whose value bends, jumps or ends within the usual 1 %.
//!
//! All positions share the columns in which a factor is bumped. A position that needs a narrower stencil is valued at its own, and
//! the line and the parabola through those values are carried on to 1 %: differences of the columns then are its Greeks for 1 %.

use std::collections::BTreeMap;

use super::columns::{Columns, RELATIVE_BUMP};
use super::labels::Labels;
use super::market::{Market, Spot};
use super::positions::{Contract, Instrument, Position, Terms, When};
use super::pricing::OptionType;
use super::shock::ShockBlock;
use super::valuation::{BlockMarket, Portfolio};
use crate::reading::quoted;

#[cfg(test)]
mod tests;

/// Narrow bumps are 1 % halved so often, at most: a thousandth of a per cent. At less, differences drown in the error of barriers.
const MOST_HALVINGS: u8 = 10;
/// A stencil ends at this share of the way to a barrier.
const SHARE_OF_DISTANCE: f64 = 0.5;
/// A payoff that bends is smoothed over some `vol sqrt(years)`. A stencil of this share of it is off by half a per cent where it is worst,
const SHARE_OF_BEND: f64 = 0.25;
/// and with a payoff that jumps by less than that with this share.
const SHARE_OF_JUMP: f64 = 0.125;
/// Farther away than so many `vol sqrt(years)`, bends and jumps do not show.
const FAR: f64 = 4.0;

/// The bump of a position in the price of its underlying.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stencil {
    /// The factor that moves the price.
    factor_idx: usize,
    /// How often the usual bump is halved.
    halvings: u8,
}

/// Positions so close to a bend or a jump of their value that no stencil fits beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreliable {
    /// The underlying or pair.
    pub name: String,
    /// The id of the first such position.
    pub position: String,
    /// How many there are.
    pub n_positions: usize,
    /// Whether the value of one jumps there: then there is no delta either.
    pub is_jump: bool,
}

impl Unreliable {
    /// Why, for a report.
    pub fn reason(&self) -> String {
        let (missing, what) = match self.is_jump {
            true => ("delta and gamma", "its barrier or, as it expires, its strike"),
            false => ("gamma", "its strike as it expires"),
        };
        let others = match self.n_positions - 1 {
            0 => String::new(),
            n => format!(" and {n} more"),
        };
        format!(
            "no {missing}: {}{others} stands at {what}, where its value bends or jumps",
            quoted(&self.position)
        )
    }
}

/// The stencils of the positions that need one of their own.
#[derive(Debug, Clone, Default)]
pub struct Stencils {
    /// By position, ascending.
    narrow: Vec<(usize, Stencil)>,
}

impl Stencils {
    /// Those of a portfolio; what has none is added to `labels`.
    pub fn new(portfolio: &Portfolio, labels: &mut Labels) -> Self {
        let mut narrow = Vec::new();
        for (idx, position) in portfolio.positions().iter().enumerate() {
            let Some((factor_idx, limit, is_jump)) = limit(portfolio.market(), position) else { continue };
            match halvings(limit) {
                Some(0) => {}
                Some(halvings) => narrow.push((idx, Stencil { factor_idx, halvings })),
                None => note(portfolio.market(), position, factor_idx, is_jump, labels),
            }
        }
        Self { narrow }
    }

    fn of(&self, position_idx: usize) -> Option<Stencil> {
        let at = self.narrow.binary_search_by_key(&position_idx, |(idx, _)| *idx).ok()?;
        self.narrow.get(at).map(|(_, stencil)| *stencil)
    }
}

/// Values of positions in their own stencils, with the markets that they share.
pub struct NarrowBumps<'a> {
    stencils: &'a Stencils,
    portfolio: &'a Portfolio,
    /// By factor and halvings: the base, up and down.
    markets: BTreeMap<(usize, u8), BlockMarket>,
}

impl<'a> NarrowBumps<'a> {
    /// None yet.
    pub fn new(stencils: &'a Stencils, portfolio: &'a Portfolio) -> Self {
        Self { stencils, portfolio, markets: BTreeMap::new() }
    }

    /// Replaces a position's values in the columns that bump the price of its underlying, of those from `first_column` on, if it has a
    /// stencil of its own. NaN where it has no value.
    pub fn replace(
        &mut self,
        position_idx: usize,
        columns: &Columns,
        first_column: usize,
        values: &mut [f64],
    ) {
        let Some(stencil) = self.stencils.of(position_idx) else { return };
        let Some((up, down)) = columns.bumps_of(stencil.factor_idx) else { return };
        let place = |column: usize| column.checked_sub(first_column).filter(|at| *at < values.len());
        let (up, down) = (place(up), place(down));
        if up.is_none() && down.is_none() {
            return;
        }
        let (at_up, at_down) = self.carried_on(position_idx, stencil);
        for (place, bumped) in [(up, at_up), (down, at_down)] {
            if let Some(value) = place.and_then(|at| values.get_mut(at)) {
                *value = bumped;
            }
        }
    }

    /// The values at 1 % up and down of the parabola through the base and the position's own bumps.
    fn carried_on(&mut self, position_idx: usize, stencil: Stencil) -> (f64, f64) {
        let Self { portfolio, markets, .. } = self;
        let Stencil { factor_idx, halvings } = stencil;
        let times = f64::from(1_u32 << halvings);
        let market = markets.entry((factor_idx, halvings)).or_insert_with(|| {
            let mut shocks = ShockBlock::unshocked(portfolio.market().factors().0.len(), 3);
            let bump = RELATIVE_BUMP / times;
            shocks.row_mut(factor_idx).copy_from_slice(&[0.0, bump, -bump]);
            BlockMarket::new(portfolio.market(), &shocks)
        });
        let mut values = [f64::NAN; 3];
        if portfolio.value(position_idx, When::Today, market, &mut values).is_err() {
            return (f64::NAN, f64::NAN);
        }
        let [base, up, down] = values;
        let slope = 0.5 * (up - down) * times;
        let bend = (0.5 * (up + down) - base) * (times * times);
        (base + bend + slope, base + bend - slope)
    }
}

/// How often 1 % must be halved to be at most `limit`; `None` if that is too often.
fn halvings(limit: f64) -> Option<u8> {
    (0..=MOST_HALVINGS).find(|halvings| RELATIVE_BUMP / f64::from(1_u32 << halvings) <= limit)
}

/// The factor that moves a position's underlying, the largest bump of it that shows the position's Greeks as they are, relative to the
/// price, and whether the value jumps where that is 0. `None` for what is as good as a straight line, or has no underlying.
fn limit(market: &Market, position: &Position) -> Option<(usize, f64, bool)> {
    let (terms, contract) = position.instrument.derivative()?;
    let Terms { years, rate, carry, vol, .. } = *terms;
    let underlying = market.underlyings().get(terms.underlying)?;
    let factor_idx = match underlying.spot {
        Spot::Own { factor, .. } => factor,
        Spot::Pair(pair) => market.pairs().get(pair)?.factor,
    };
    let spot = market.spot(underlying);
    if let (Some(scales), Contract::NormalEuropean { .. } | Contract::NormalDigital { .. }) =
        (underlying.normal, contract)
    {
        let is_jump = matches!(contract, Contract::NormalDigital { .. });
        return Some((factor_idx, normal_limit(position, spot, is_jump)? / scales.price, is_jump));
    }
    // Of what the contract is on: also less its dividends, which do not move, or as a future, which does not grow.
    let (price, growth, moving) = match &position.instrument {
        Instrument::Adjusted(it) => {
            let growth = if it.delivery.is_some() { 0.0 } else { rate - carry };
            (it.price(spot), growth, it.net(spot) / spot)
        }
        _ => (spot, rate - carry, 1.0),
    };
    let mut random_years = years;
    let (strike, level) = match contract {
        Contract::Forward { .. } | Contract::NormalEuropean { .. } | Contract::NormalDigital { .. } => {
            return None;
        }
        Contract::European { strike, .. }
        | Contract::American { strike, .. }
        | Contract::Digital { strike, .. } => (*strike, None),
        Contract::Barrier(barrier) => (barrier.strike, Some(barrier.level)),
        Contract::Asian(asian) => {
            let n_left = asian.fixings.count();
            // The average of many fixings moves as a price does in a third of the time.
            random_years /= if n_left > 1 { 3.0 } else { 1.0 };
            #[expect(clippy::cast_precision_loss, reason = "at most MAX_FIXINGS each")]
            let (n_left, n_all) = (n_left as f64, (n_left + asian.n_past) as f64);
            ((asian.strike * n_all - asian.past_fixings_sum) / n_left, None)
        }
    };
    let is_jump = matches!(contract, Contract::Digital { .. } | Contract::Barrier(_));
    let distance = |level: f64| (level / price - 1.0).abs();
    // Today's price of which the forward is the strike.
    let to_strike = distance(strike * libm::exp(-growth * years));
    let to_level = level.map(distance);
    let nearest = to_level.map_or(to_strike, |to_level| to_strike.min(to_level));
    let width = vol * random_years.sqrt();
    let share = if is_jump { SHARE_OF_JUMP } else { SHARE_OF_BEND };
    let limit = (share * width).max(0.5 * nearest - FAR * width);
    let limit = to_level.map_or(limit, |to_level| limit.min(SHARE_OF_DISTANCE * to_level));
    Some((factor_idx, (limit * moving).min(limit_before_dividends(position, spot)), is_jump))
}

/// The largest bump of a normal price that shows the Greeks of an option on it, in units of the price.
fn normal_limit(position: &Position, spot: f64, is_jump: bool) -> Option<f64> {
    let (terms, contract) = position.instrument.derivative()?;
    // How much what the contract is on moves with the spot.
    let delivery = match &position.instrument {
        Instrument::Adjusted(adjusted) => adjusted.delivery,
        _ => None,
    };
    let growth =
        delivery.map_or((terms.rate - terms.carry) * terms.years, |it| (it.rate - it.carry) * it.years);
    let growth = libm::exp(growth);
    let width = terms.vol * terms.years.sqrt() / growth;
    let to_strike = (contract.strike() / growth - spot).abs();
    let share = if is_jump { SHARE_OF_JUMP } else { SHARE_OF_BEND };
    Some((share * width).max(0.5 * to_strike - FAR * width))
}

/// The same of an American call on the eve of an ex-date, when it is exercised above the strike, relative to the price with its dividends.
fn limit_before_dividends(position: &Position, spot: f64) -> f64 {
    let Instrument::Adjusted(adjusted) = &position.instrument else { return f64::INFINITY };
    let Contract::American { option_type: OptionType::Call, strike } = &adjusted.contract else {
        return f64::INFINITY;
    };
    let Terms { rate, carry, vol, .. } = adjusted.terms;
    let limits = adjusted.dividends.iter().map(|dividend| {
        let to_strike = (strike * libm::exp(-(rate - carry) * dividend.years) / spot - 1.0).abs();
        let width = vol * dividend.years.max(0.0).sqrt();
        (SHARE_OF_BEND * width).max(0.5 * to_strike - FAR * width)
    });
    limits.fold(f64::INFINITY, f64::min)
}

fn note(market: &Market, position: &Position, factor_idx: usize, is_jump: bool, labels: &mut Labels) {
    let Some(factor) = market.factors().0.get(factor_idx) else { return };
    let name = factor.name();
    match labels.unreliable.iter_mut().find(|it| it.name == name) {
        Some(known) => {
            known.n_positions += 1;
            known.is_jump |= is_jump;
        }
        None => labels.unreliable.push(Unreliable {
            name: name.to_owned(),
            position: position.id.clone(),
            n_positions: 1,
            is_jump,
        }),
    }
}
