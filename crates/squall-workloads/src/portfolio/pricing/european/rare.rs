//! The elements the vector kernel refuses: expired, deterministic, nearly so, worthless underlyings, extreme
//! numbers.

use super::kernel::{FARTHEST, LEAST_SPREAD};
use crate::portfolio::pricing::OptionType;
use crate::portfolio::pricing::forward::{difference, discounted, log_forward_moneyness};
use crate::portfolio::pricing::normal::{exp_minus_half_square, scaled_tail};

const ROOT_2_PI: f64 = 2.506_628_274_631_000_2;

/// Units and limits as for [`super::price`]; total: any input gives a price or NaN.
#[inline(always)]
pub(super) fn price(
    option_type: OptionType,
    spot: f64,
    strike: f64,
    years: f64,
    rate: f64,
    dividend_yield: f64,
    vol: f64,
) -> f64 {
    let finite = [spot, strike, years, rate, dividend_yield, vol].iter().all(|input| input.is_finite());
    if !finite || spot < 0.0 || strike < 0.0 || vol < 0.0 {
        return f64::NAN;
    }
    if years <= 0.0 {
        return option_type.payoff(spot, strike);
    }
    let asset = discounted(spot, dividend_yield, years);
    let cash = discounted(strike, rate, years);
    if spot == 0.0 || strike == 0.0 {
        return option_type.payoff(asset, cash);
    }
    let moneyness = log_forward_moneyness(spot, strike, years, rate, dividend_yield).value();
    let in_the_money = option_type.sign() * moneyness > 0.0;
    let intrinsic = difference(spot, strike, years, rate, dividend_yield, moneyness).abs();
    let lesser = if moneyness > 0.0 { cash } else { asset };
    let time_value = lesser * relative_time_value(moneyness.abs(), vol * years.sqrt());
    let price = if in_the_money { intrinsic + time_value } else { time_value };
    // The sign of a computed NaN differs between processors.
    if price.is_nan() { f64::NAN } else { price }
}

/// The out-of-the-money option over the lesser of the discounted spot and strike, given `|ln(forward /
/// strike)|`.
fn relative_time_value(log_distance: f64, total_vol: f64) -> f64 {
    let distance = log_distance / total_vol;
    let half_vol = 0.5 * total_vol;
    if total_vol == 0.0 || (distance > FARTHEST && total_vol < 1.0) {
        return 0.0;
    }
    // Only a volatility far beyond any market's gets here: both terms are then certain.
    if total_vol > 1e8 {
        return 1.0;
    }
    let near = half_vol - distance;
    if total_vol <= LEAST_SPREAD * (1.0 + distance) {
        return exp_minus_half_square(near) * narrow_spread(distance, half_vol);
    }
    if near > 0.0 {
        1.0 - exp_minus_half_square(near) * (scaled_tail(near) + scaled_tail(distance + half_vol))
    } else {
        exp_minus_half_square(near) * (scaled_tail(-near) - scaled_tail(distance + half_vol))
    }
}

/// `R(h - t) - R(h + t)` for the scaled tail `R(d) = integral_0^inf exp(-d s - s^2 / 2) ds / sqrt(2 pi)` and
/// `t` small: `sqrt(2 / pi) (t M_1 + t^3 M_3 / 6 + ...)` with the moments `M_k = integral_0^inf s^k exp(-h s
/// - s^2 / 2) ds`.
///
/// The moments obey `M_{k+1} = k M_{k-1} - h M_k`, which loses digits upwards when `h` is large; there their
/// ratios `M_k / M_{k-1} = k / (h + M_{k+1} / M_k)` are taken downwards instead (W. Gautschi, "Computational
/// aspects of three-term recurrence relations", SIAM Review 9, 1967).
fn narrow_spread(distance: f64, half_vol: f64) -> f64 {
    let zeroth = ROOT_2_PI * scaled_tail(distance);
    let (first, third) = if distance < 2.0 {
        let first = 1.0 - distance * zeroth;
        let second = zeroth - distance * first;
        (first, 2.0 * first - distance * second)
    } else {
        let mut ratios = [0.0; 4];
        let mut ratio = 0.0;
        for order in (1..=60_u8).rev() {
            ratio = f64::from(order) / (distance + ratio);
            if let Some(kept) = ratios.get_mut(usize::from(order)) {
                *kept = ratio;
            }
        }
        let first = zeroth * ratios[1];
        (first, first * ratios[2] * ratios[3])
    };
    2.0 / ROOT_2_PI * half_vol * (first + half_vol * half_vol / 6.0 * third)
}
