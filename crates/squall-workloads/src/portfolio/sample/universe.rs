//! The universe of the sample: illustrative figures that look like a market.

use Class::{Commodity, Equity, Fx, Index};
use Currency::{Aud, Chf, Eur, Gbp, Jpy, Usd};

/// A currency with a curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Currency {
    Usd,
    Eur,
    Gbp,
    Jpy,
    Chf,
    Aud,
}

pub(super) const CURRENCIES: [Currency; 6] = [Usd, Eur, Gbp, Jpy, Chf, Aud];

/// How bonds and swaps of a currency count.
#[derive(Debug, Clone, Copy)]
pub(super) struct Conventions {
    pub(super) code: &'static str,
    /// Zero rates in basis points at [`TENORS`].
    pub(super) curve_bp: [i32; 7],
    pub(super) interpolation: &'static str,
    /// Standard deviation of a year's parallel move, in basis points.
    pub(super) rate_volatility_bp: i32,
    pub(super) frequency: &'static str,
    pub(super) day_count: &'static str,
    pub(super) floating_frequency: &'static str,
    pub(super) floating_day_count: &'static str,
    pub(super) face: i32,
    pub(super) loadings: Loadings,
}

/// The curves' points.
pub(super) const TENORS: [(&str, f64); 7] =
    [("1M", 0.083), ("3M", 0.25), ("1Y", 1.0), ("2Y", 2.0), ("5Y", 5.0), ("10Y", 10.0), ("30Y", 30.0)];

/// Correlations with what everything has in common, in percent: stocks, commodities, the dollar, interest rates and
/// volatility. What is left of the variance is a factor's own, which makes every correlation matrix of them regular.
pub(super) type Loadings = [i32; 5];

const LINEAR: &str = "linear_zero";
const LOG_LINEAR: &str = "log_linear_discount";

impl Currency {
    #[rustfmt::skip]
    pub(super) const fn conventions(self) -> Conventions {
        let (code, curve_bp, interpolation, rate_volatility_bp, bonds, floating, face, loadings) = match self {
            Usd => ("USD", [368, 365, 352, 350, 372, 415, 465], LINEAR, 95, ("semiannual", "30/360"), ("quarterly", "ACT/360"), 1_000, [10, 5, 25, 85, 0]),
            Eur => ("EUR", [195, 201, 208, 215, 240, 282, 320], LOG_LINEAR, 80, ("annual", "30E/360"), ("semiannual", "ACT/360"), 1_000, [5, 5, 5, 80, 0]),
            Gbp => ("GBP", [372, 370, 358, 360, 385, 440, 505], LOG_LINEAR, 95, ("annual", "ACT/365F"), ("annual", "ACT/365F"), 1_000, [0, 5, 0, 75, 0]),
            Jpy => ("JPY", [60, 68, 95, 115, 160, 215, 340], LINEAR, 45, ("semiannual", "ACT/365F"), ("semiannual", "ACT/365F"), 100_000, [10, 5, 10, 45, 0]),
            Chf => ("CHF", [-35, -32, -22, -12, 18, 42, 60], LINEAR, 60, ("annual", "30E/360"), ("semiannual", "ACT/360"), 1_000, [5, 0, 0, 65, 0]),
            Aud => ("AUD", [362, 365, 372, 380, 410, 465, 505], LOG_LINEAR, 90, ("semiannual", "ACT/ACT-ISDA"), ("quarterly", "ACT/365F"), 1_000, [15, 15, 0, 70, 0]),
        };
        Conventions {
            code,
            curve_bp,
            interpolation,
            rate_volatility_bp,
            frequency: bonds.0,
            day_count: bonds.1,
            floating_frequency: floating.0,
            floating_day_count: floating.1,
            face,
            loadings,
        }
    }
}

/// Asset class of an underlying.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Equity,
    Index,
    Commodity,
    Fx,
}

/// An underlying before the seed has moved it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asset {
    pub(super) name: &'static str,
    pub(super) class: Class,
    /// Currency of its price; for a pair the second one.
    pub(super) currency: Currency,
    /// For a pair, the first currency.
    pub(super) base: Option<Currency>,
    /// In the last decimal of its price.
    pub(super) spot: i32,
    pub(super) decimals: u32,
    /// Strikes are multiples of this, in the last decimal.
    pub(super) strike_step: i32,
    /// Dividend or convenience yield; a pair has the first currency's curve instead.
    pub(super) yield_bp: i32,
    /// At the money for long expiries, in hundredths of a volatility point.
    pub(super) vol_bp: i32,
    /// Added at the shortest expiry.
    pub(super) short_vol_bp: i32,
    /// Fall of the one-year volatility from a strike to one that is e times as high.
    pub(super) skew_bp: i32,
    pub(super) loadings: Loadings,
}

const SIMPLE: Asset = Asset {
    name: "",
    class: Equity,
    currency: Usd,
    base: None,
    spot: 0,
    decimals: 2,
    strike_step: 0,
    yield_bp: 0,
    vol_bp: 0,
    short_vol_bp: 0,
    skew_bp: 0,
    loadings: [0; 5],
};

/// `price` is the spot, the decimals it is written with, and the step of strikes; `vols` the long end, what the short
/// end adds, and the skew.
const fn asset(
    (name, class, currency): (&'static str, Class, Currency),
    (spot, decimals, strike_step): (i32, u32, i32),
    yield_bp: i32,
    (vol_bp, short_vol_bp, skew_bp): (i32, i32, i32),
    loadings: Loadings,
) -> Asset {
    Asset {
        name,
        class,
        currency,
        spot,
        decimals,
        strike_step,
        yield_bp,
        vol_bp,
        short_vol_bp,
        skew_bp,
        loadings,
        ..SIMPLE
    }
}

const fn pair(base: Currency, asset: Asset) -> Asset {
    Asset { base: Some(base), ..asset }
}

/// Companies are fictional; indices, commodities and pairs have round figures of early 2026.
#[rustfmt::skip]
pub(super) const ASSETS: [Asset; 25] = [
    asset(("SPX", Index, Usd), (6_900, 0, 25), 125, (1_850, -250, 2_400), [90, 5, 0, 10, -10]),
    asset(("NDX", Index, Usd), (25_400, 0, 100), 65, (2_250, -150, 2_200), [86, 0, 0, 0, -10]),
    asset(("SX5E", Index, Eur), (5_900, 0, 25), 280, (1_800, -150, 2_100), [80, 5, 5, 15, -8]),
    asset(("UKX", Index, Gbp), (10_050, 0, 50), 335, (1_500, -200, 1_900), [70, 22, 10, 12, -8]),
    asset(("NKY", Index, Jpy), (52_000, 0, 250), 165, (2_200, 100, 1_500), [62, 5, 20, 18, -8]),
    asset(("SMI", Index, Chf), (13_300, 0, 50), 290, (1_450, -150, 1_900), [66, 0, 5, 8, -8]),
    asset(("ACME", Equity, Usd), (10_400, 2, 250), 180, (2_600, 200, 1_000), [62, 5, 0, 5, 0]),
    asset(("GLOBEX", Equity, Usd), (24_800, 2, 500), 90, (3_100, 300, 1_200), [66, 0, 0, -5, 0]),
    asset(("INITECH", Equity, Usd), (6_150, 2, 100), 0, (4_400, 500, 800), [55, 0, 0, -10, 0]),
    asset(("HOOLI", Equity, Usd), (41_200, 2, 1_000), 40, (3_300, 400, 1_300), [68, 0, 0, -5, -5]),
    asset(("PETRONOVA", Equity, Usd), (8_870, 2, 250), 390, (2_700, 150, 900), [45, 52, 0, 10, 0]),
    asset(("NORDWIND", Equity, Eur), (7_320, 2, 200), 320, (2_800, 100, 1_000), [58, 5, 0, 10, 0]),
    asset(("LUMIERE", Equity, Eur), (51_600, 2, 1_000), 210, (2_700, 100, 1_100), [60, 0, 5, 5, 0]),
    asset(("ALBION", Equity, Gbp), (1_265, 2, 25), 480, (2_300, 50, 900), [50, 10, 5, 15, 0]),
    asset(("SAKURA", Equity, Jpy), (3_180, 0, 50), 220, (2_900, 200, 700), [48, 0, 20, 10, 0]),
    asset(("BRENT", Commodity, Usd), (6_450, 2, 100), 250, (2_900, 500, 500), [25, 82, -15, 10, 0]),
    asset(("WTI", Commodity, Usd), (6_020, 2, 100), 280, (3_000, 550, 500), [25, 84, -15, 10, 0]),
    asset(("NATGAS", Commodity, Usd), (3_250, 3, 100), -400, (4_600, 1_900, -600), [5, 30, 0, 0, 0]),
    asset(("GOLD", Commodity, Usd), (43_500, 1, 250), -20, (1_900, 100, -400), [0, 25, -48, -35, 5]),
    asset(("COPPER", Commodity, Usd), (12_600, 0, 100), 60, (2_300, 200, 300), [48, 42, -25, 5, 0]),
    pair(Eur, asset(("EURUSD", Fx, Usd), (11_650, 4, 50), 0, (720, -60, 60), [15, 8, -85, -5, 0])),
    pair(Gbp, asset(("GBPUSD", Fx, Usd), (13_420, 4, 50), 0, (800, -50, 200), [25, 10, -75, -5, 0])),
    pair(Usd, asset(("USDJPY", Fx, Jpy), (15_680, 2, 50), 0, (950, 50, 500), [20, 0, 62, 42, 0])),
    pair(Usd, asset(("USDCHF", Fx, Chf), (8_010, 4, 50), 0, (780, -30, 250), [5, -5, 78, 15, 0])),
    pair(Aud, asset(("AUDUSD", Fx, Usd), (6_690, 4, 50), 0, (980, 0, 500), [45, 25, -65, 0, 0])),
];
