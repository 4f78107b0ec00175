//! The vector passes over everyday scenarios, in plain doubles, with a bound on what rounding may have done.
//!
//! Every building block of Reiner and Rubinstein (see `legs.rs`) is `asset Phi(s (d + v / 2)) - cash Phi(s (d - v /
//! 2))` for some `d`, some sign `s` and, in the images C and D, assets and cash multiplied by a power of `level / spot`.
//! Which blocks there are depends on the contract alone, so each is a loop of its own over a chunk of scenarios.

use super::{Barrier, Direction, Knock};
use crate::portfolio::pricing::elementary::{log_ratio, normal_cdf_pdf, saturating_exp};
use crate::portfolio::pricing::{MarketColumns, OptionType};

/// Scenarios handled together: their intermediate results fit the first-level cache.
pub(super) const CHUNK: usize = 64;
/// Largest exponent taken.
const LARGEST_EXPONENT: f64 = 600.0;
/// Largest distance taken, in standard deviations.
const FARTHEST: f64 = 1e4;
/// The bound on rounding, relative to the sum of all terms: this times `(1 + spread)^2`. A cautious one: with a hundred
/// times as much rounding allowed as below, the errors of 4,000 contracts known to 50 digits stayed under a hundredth
/// of what was allowed.
const ROUNDING: f64 = 4.0 * f64::EPSILON;
/// What rounding may do: this much of the value, or of the greater of spot and strike.
const RELATIVE_ERROR: f64 = 2e-11;
const ABSOLUTE_ERROR: f64 = 2e-15;

/// One building block, as it adds to an option.
#[derive(Clone, Copy)]
struct Block {
    coefficient: f64,
    /// The sign inside the normal distribution.
    side: f64,
    /// `d = (strike_share ln(spot / strike) + barrier_share ln(level / spot) + carry) / v`.
    strike_share: f64,
    barrier_share: f64,
    is_image: bool,
}

/// A contract, prepared.
#[derive(Clone, Copy)]
pub(super) struct Quick {
    strike: f64,
    inverse_strike: f64,
    level: f64,
    inverse_level: f64,
    years: f64,
    /// NaN unless the contract is alive and valid, which refuses every scenario.
    root_years: f64,
    rebate: f64,
    knock: Knock,
    /// `1` for a down barrier, `-1` for an up barrier.
    side: f64,
    blocks: [Option<Block>; 4],
}

/// Intermediate results, one array for each.
struct Lanes {
    to_strike: [f64; CHUNK],
    to_barrier: [f64; CHUNK],
    carry: [f64; CHUNK],
    total_vol: [f64; CHUNK],
    inverse_vol: [f64; CHUNK],
    assets: [[f64; CHUNK]; 2],
    cash: [[f64; CHUNK]; 2],
    discount: [f64; CHUNK],
    cash_image: [f64; CHUNK],
    /// A bound on every distance, in standard deviations; NaN where the scenario is refused.
    spread: [f64; CHUNK],
    option: [f64; CHUNK],
    rebate: [f64; CHUNK],
    /// The sum of all terms, whatever their signs.
    mass: [f64; CHUNK],
}

impl Quick {
    pub(super) fn new(contract: &Barrier, years: f64) -> Self {
        let Barrier { direction, knock, option_type, strike, level, rebate } = *contract;
        let valid = years > 0.0 && strike > 0.0 && level > 0.0 && rebate.is_finite();
        let side = if direction == Direction::Down { 1.0 } else { -1.0 };
        let sign = option_type.sign();
        let vanilla = |coefficient| {
            let block =
                Block { coefficient, side: sign, strike_share: 1.0, barrier_share: 0.0, is_image: false };
            Some(block)
        };
        let cut = |coefficient| {
            let block =
                Block { coefficient, side: sign, strike_share: 0.0, barrier_share: -1.0, is_image: false };
            Some(block)
        };
        let image = |coefficient| {
            Some(Block { coefficient, side, strike_share: 1.0, barrier_share: 2.0, is_image: true })
        };
        let cut_image = |coefficient| {
            Some(Block { coefficient, side, strike_share: 0.0, barrier_share: 1.0, is_image: true })
        };
        // The same table as in `Barrier::random`.
        let kink_inside = (strike >= level) == (direction == Direction::Down);
        let call_like = (direction == Direction::Down) == (option_type == OptionType::Call);
        let blocks = match (call_like, kink_inside, knock) {
            (true, true, Knock::In) => [image(sign), None, None, None],
            (true, true, Knock::Out) => [vanilla(sign), image(-sign), None, None],
            (true, false, Knock::In) => [vanilla(sign), cut(-sign), cut_image(sign), None],
            (true, false, Knock::Out) => [cut(sign), cut_image(-sign), None, None],
            (false, true, Knock::In) => [cut(sign), image(-sign), cut_image(sign), None],
            (false, true, Knock::Out) => [vanilla(sign), cut(-sign), image(sign), cut_image(-sign)],
            (false, false, Knock::In) => [vanilla(sign), None, None, None],
            (false, false, Knock::Out) => [None; 4],
        };
        let root_years = if valid { years.sqrt() } else { f64::NAN };
        let (inverse_strike, inverse_level) = (1.0 / strike, 1.0 / level);
        Quick { strike, inverse_strike, level, inverse_level, years, root_years, rebate, knock, side, blocks }
    }

    /// Prices at most [`CHUNK`] scenarios into `out`; NaN where the bound on rounding is too large. `market` has as
    /// many scenarios as `out`.
    #[expect(
        clippy::needless_range_loop,
        reason = "several arrays share the index, and plain loops vectorise"
    )]
    #[inline(always)]
    pub(super) fn price(&self, market: MarketColumns<'_>, out: &mut [f64]) {
        let n = out.len().min(market.n_scenarios()).min(CHUNK);
        let mut lanes = Lanes::new();
        self.prepare(n, market, &mut lanes);
        for block in self.blocks.iter().flatten() {
            block.add(n, &mut lanes);
        }
        if self.rebate != 0.0 {
            match self.knock {
                Knock::In => self.add_survival(n, &mut lanes),
                Knock::Out => self.add_hit(n, &mut lanes, market),
            }
        }
        for i in 0..n {
            let option = lanes.option[i];
            // An option's value is not negative: what is left below zero is rounding.
            let value = if option < 0.0 { lanes.rebate[i] } else { option + lanes.rebate[i] };
            let spread = 1.0 + lanes.spread[i];
            let bound = ROUNDING * lanes.mass[i] * spread * spread;
            let scale = if market.spot[i] > self.strike { market.spot[i] } else { self.strike };
            let accurate = bound <= RELATIVE_ERROR.mul_add(value.abs(), ABSOLUTE_ERROR * scale);
            out[i] = if accurate { value } else { f64::NAN };
        }
    }

    #[inline(always)]
    fn prepare(&self, n: usize, market: MarketColumns<'_>, lanes: &mut Lanes) {
        let MarketColumns { spot, rate, dividend_yield, vol } = market.first(n);
        for i in 0..n {
            let carry = (rate[i] - dividend_yield[i]) * self.years;
            let (discount, decay) = (-rate[i] * self.years, -dividend_yield[i] * self.years);
            let total_vol = vol[i] * self.root_years;
            let inverse_vol = 1.0 / total_vol;
            let to_strike = log_ratio(spot[i], self.strike, self.inverse_strike);
            let to_barrier = -log_ratio(spot[i], self.level, self.inverse_level);
            // The images are multiplied by (level / spot)^(2 drift / v^2).
            let (lead, distance) = (carry * inverse_vol, 2.0 * to_barrier * inverse_vol);
            let asset_exponent = distance * 0.5f64.mul_add(total_vol, lead);
            let cash_exponent = distance * (-0.5f64).mul_add(total_vol, lead);
            let factor = saturating_exp(discount);
            let asset = spot[i] * saturating_exp(decay);
            let cash = self.strike * factor;
            let cash_image = saturating_exp(cash_exponent);
            let untouched = to_barrier * self.side < 0.0;
            let extent = (to_strike.abs() + 2.0 * to_barrier.abs() + carry.abs()) * inverse_vol;
            let spread = extent + total_vol + (2.0 * discount.abs()).sqrt();
            let in_range = (to_strike.abs() < LARGEST_EXPONENT)
                & (to_barrier.abs() < LARGEST_EXPONENT)
                & (discount.abs() < LARGEST_EXPONENT)
                & (decay.abs() < LARGEST_EXPONENT)
                & (asset_exponent.abs() < LARGEST_EXPONENT)
                & (cash_exponent.abs() < LARGEST_EXPONENT)
                & (total_vol > 0.0)
                & (spread < FARTHEST);
            lanes.to_strike[i] = to_strike;
            lanes.to_barrier[i] = to_barrier;
            lanes.carry[i] = carry;
            lanes.total_vol[i] = total_vol;
            lanes.inverse_vol[i] = inverse_vol;
            lanes.assets[0][i] = asset;
            lanes.cash[0][i] = cash;
            lanes.assets[1][i] = asset * saturating_exp(asset_exponent);
            lanes.cash[1][i] = cash * cash_image;
            lanes.discount[i] = factor;
            lanes.cash_image[i] = cash_image;
            lanes.spread[i] = if in_range & untouched { spread } else { f64::NAN };
        }
    }

    /// E: the rebate of a knock-in, paid at expiry if the barrier never was touched.
    #[inline(always)]
    fn add_survival(&self, n: usize, lanes: &mut Lanes) {
        for i in 0..n {
            let (carry, inverse_vol) = (lanes.carry[i], lanes.inverse_vol[i]);
            let half_vol = 0.5 * lanes.total_vol[i];
            let to_barrier = lanes.to_barrier[i];
            let (direct, _) = normal_cdf_pdf(self.side * ((carry - to_barrier) * inverse_vol - half_vol));
            let (image, _) = normal_cdf_pdf(self.side * ((carry + to_barrier) * inverse_vol - half_vol));
            let image = lanes.cash_image[i] * image;
            let chance = direct - image;
            let chance = if chance < 0.0 { 0.0 } else { chance };
            lanes.rebate[i] = self.rebate * (lanes.discount[i] * chance);
            lanes.mass[i] += self.rebate.abs() * (lanes.discount[i] * (direct + image));
        }
    }

    /// F: the rebate of a knock-out, paid when the barrier is touched; see `hit.rs`. NaN where its root is imaginary.
    #[inline(always)]
    fn add_hit(&self, n: usize, lanes: &mut Lanes, market: MarketColumns<'_>) {
        for i in 0..n {
            let (total_vol, inverse_vol) = (lanes.total_vol[i], lanes.inverse_vol[i]);
            let variance = total_vol * total_vol;
            let drift = (-0.5f64).mul_add(variance, lanes.carry[i]);
            let root = (drift * drift + 2.0 * market.rate[i] * self.years * variance).sqrt();
            let distance = lanes.to_barrier[i] * inverse_vol;
            let reach = root * inverse_vol;
            let ahead = distance * (drift * inverse_vol + reach);
            let behind = distance * (drift * inverse_vol - reach);
            let (far, _) = normal_cdf_pdf(self.side * (distance + reach));
            let (near, _) = normal_cdf_pdf(self.side * (distance - reach));
            let chance = saturating_exp(ahead).mul_add(far, saturating_exp(behind) * near);
            let in_range = (ahead.abs() < LARGEST_EXPONENT) & (behind.abs() < LARGEST_EXPONENT);
            lanes.rebate[i] = if in_range { self.rebate * chance } else { f64::NAN };
            lanes.mass[i] += self.rebate.abs() * chance;
        }
    }
}

impl Block {
    #[inline(always)]
    fn add(&self, n: usize, lanes: &mut Lanes) {
        let (assets, cash) = if self.is_image {
            (&lanes.assets[1], &lanes.cash[1])
        } else {
            (&lanes.assets[0], &lanes.cash[0])
        };
        for i in 0..n {
            let half_vol = 0.5 * lanes.total_vol[i];
            let log = self.strike_share * lanes.to_strike[i] + self.barrier_share * lanes.to_barrier[i];
            let distance = (log + lanes.carry[i]) * lanes.inverse_vol[i];
            let (in_asset, _) = normal_cdf_pdf(self.side * (distance + half_vol));
            let (in_cash, _) = normal_cdf_pdf(self.side * (distance - half_vol));
            let (asset, cash) = (assets[i] * in_asset, cash[i] * in_cash);
            lanes.option[i] = self.coefficient.mul_add(asset - cash, lanes.option[i]);
            lanes.mass[i] += asset + cash;
        }
    }
}

impl Lanes {
    #[inline(always)]
    fn new() -> Self {
        let zero = [0.0; CHUNK];
        Lanes {
            to_strike: zero,
            to_barrier: zero,
            carry: zero,
            total_vol: zero,
            inverse_vol: zero,
            assets: [zero; 2],
            cash: [zero; 2],
            discount: zero,
            cash_image: zero,
            spread: zero,
            option: zero,
            rebate: zero,
            mass: zero,
        }
    }
}
