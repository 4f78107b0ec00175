//! Underlyings whose price is normal instead of lognormal, so that it may be 0 and below.
//!
//! A share of such a price means nothing: it changes in its own units, and so does its volatility. As everything that checks shocks and
//! draws them counts in sizes that are usual for a factor, each of these factors has a scale: a shock of 1 changes it by that much. Scales
//! are powers of two, so that a change in units of the price stays what it was to the last bit.

use super::super::units::MAX_VOL;
use super::surface::VolSurface;
use crate::reading::rounded;

/// A volatility of less than this share of the price, and below [`MAX_VOL`], may be meant as a fraction of it.
const LEAST_SHARE: f64 = 0.05;

/// What a shock of 1 changes, in units of the price.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scales {
    /// The price.
    pub price: f64,
    /// The volatility.
    pub vol: f64,
}

impl Scales {
    /// Those of a price and the volatilities of it.
    pub(super) fn new(spot: f64, vol: &VolSurface) -> Self {
        let highest = vol.range().1.max(0.0);
        Self { price: power_of_two(spot.abs().max(highest)), vol: power_of_two(highest) }
    }
}

/// The least power of two above `size`; 1 for none.
fn power_of_two(size: f64) -> f64 {
    match size > 0.0 && size.is_finite() {
        true => libm::ldexp(1.0, libm::frexp(size).1),
        false => 1.0,
    }
}

/// Volatilities that are as small against the price as a fraction taken for one in its units.
pub(super) fn unlikely_vol(name: &str, spot: f64, vol: &VolSurface) -> Option<String> {
    let (_, highest) = vol.range();
    let is_small = highest > 0.0 && highest < MAX_VOL && highest < LEAST_SHARE * spot.abs();
    is_small.then(|| {
        let [percent, fraction, written] = [100.0 * highest / spot.abs(), 100.0 * highest, highest * spot.abs()].map(rounded);
        format!(
            "vol:{name} is at most {highest} in units of the price, {percent} % of it a year: if {fraction} % of the price is meant, write \
             {written}"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_is_the_next_power_of_two() {
        for (size, expected) in
            [(60.0, 64.0), (64.0, 128.0), (0.3, 0.5), (0.0, 1.0), (1e15, 1_125_899_906_842_624.0)]
        {
            assert_eq!(power_of_two(size), expected, "{size}");
        }
        let scales = Scales::new(-5.0, &VolSurface::Flat(25.0));
        assert_eq!((scales.price, scales.vol), (32.0, 32.0));
        let scales = Scales::new(0.0, &VolSurface::None);
        assert_eq!((scales.price, scales.vol), (1.0, 1.0));
    }

    #[test]
    fn a_volatility_like_a_fraction_is_named() {
        let told = |spot: f64, vol: f64| unlikely_vol("WTI", spot, &VolSurface::Flat(vol));
        assert_eq!(
            told(60.0, 0.4).unwrap(),
            "vol:WTI is at most 0.4 in units of the price, 0.666667 % of it a year: if 40 % of the price is meant, write 24"
        );
        assert!(
            [told(60.0, 24.0), told(-0.5, 0.4), told(3.0, 0.9), told(60.0, 0.0)].iter().all(Option::is_none)
        );
    }
}
