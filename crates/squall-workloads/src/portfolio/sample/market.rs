//! The sample's market: the universe, moved a little by the seed.

use serde_json::{Map, Value, json};

use crate::portfolio::pricing::random::Stream;

use super::columns::Decimal;
use super::draws::{Draws, rounded};
use super::universe::{ASSETS, Asset, CURRENCIES, Class, Conventions, Currency, TENORS};

/// The day that the sample is valued on, a Thursday.
pub(super) const VALUATION_DATE: &str = "2026-01-15";
/// Which of the seed's streams the market draws from ("market").
const PURPOSE: u64 = 0x6d61_726b_6574;
/// Strikes of the surfaces, in percent of the spot.
const STRIKES: [i32; 7] = [60, 80, 90, 100, 110, 120, 150];
/// Expiries of the surfaces.
const EXPIRIES: [(&str, f64); 6] =
    [("1M", 0.083), ("3M", 0.25), ("6M", 0.5), ("1Y", 1.0), ("2Y", 2.0), ("5Y", 5.0)];
/// Curvature of a one-year smile in squared log-moneyness, in hundredths of a volatility point.
const CURVATURE_BP: f64 = 500.0;

/// Spots, volatilities and rates of one sample.
pub(super) struct SampleMarket {
    pub(super) quotes: Vec<Quote>,
    curve_shifts_bp: [i32; CURRENCIES.len()],
}

/// An underlying at its price.
pub(super) struct Quote {
    pub(super) asset: &'static Asset,
    /// In the last decimal of its price.
    spot: i64,
    /// Added to its volatilities, in hundredths of a volatility point.
    vol_shift_bp: i64,
}

impl Quote {
    #[expect(clippy::cast_precision_loss, reason = "a price has a few digits")]
    pub(super) fn spot(&self) -> f64 {
        self.spot as f64 / tenth_power(self.asset.decimals)
    }

    /// A price with as many decimals as this underlying's.
    pub(super) fn price(&self, price: f64) -> Decimal {
        let units = rounded(price * tenth_power(self.asset.decimals)).max(1);
        Decimal { units, decimals: self.asset.decimals }
    }

    /// The listed strike that is nearest to a price.
    pub(super) fn strike(&self, price: f64) -> Decimal {
        let steps = rounded(price * tenth_power(self.asset.decimals) / f64::from(self.asset.strike_step));
        Decimal { units: steps.max(1) * i64::from(self.asset.strike_step), decimals: self.asset.decimals }
    }

    /// Volatility at the money.
    pub(super) fn vol(&self, years: f64) -> f64 {
        f64::from(self.asset.vol_bp) / 1e4
            + f64::from(self.asset.short_vol_bp) / 1e4 * libm::exp(-2.0 * years)
    }

    /// Volatility in hundredths of a point at a strike in percent of the spot.
    fn vol_bp(&self, years: f64, percent: i32) -> i64 {
        let log_moneyness = libm::log(f64::from(percent) / 100.0);
        let decay = 1.0 / (years + 0.1);
        let at_the_money = self.vol(years) * 1e4;
        let skew = -f64::from(self.asset.skew_bp) * log_moneyness * decay.sqrt();
        let curvature = CURVATURE_BP * log_moneyness * log_moneyness * decay;
        let vol = rounded((at_the_money + skew + curvature).max(0.7 * at_the_money));
        vol + self.vol_shift_bp
    }

    fn json(&self) -> Value {
        let mut quote = Map::new();
        let mut set = |name: &str, value: Value| quote.insert(name.to_owned(), value);
        let class = match self.asset.class {
            Class::Equity => "equity",
            Class::Index => "index",
            Class::Commodity => "commodity",
            Class::Fx => "fx",
        };
        set("class", json!(class));
        if self.asset.class != Class::Fx {
            let is_commodity = self.asset.class == Class::Commodity;
            let carry = if is_commodity { "convenience_yield" } else { "dividend_yield" };
            set("currency", json!(self.asset.currency.conventions().code));
            set("spot", json!(self.spot()));
            set(carry, json!(basis_points(i64::from(self.asset.yield_bp))));
        }
        let rows =
            EXPIRIES.map(|(_, years)| STRIKES.map(|percent| basis_points(self.vol_bp(years, percent))));
        set(
            "vol",
            json!({
                "interpolation": "linear_total_variance",
                "expiries": EXPIRIES.map(|(tenor, _)| tenor),
                "strikes": STRIKES.map(|percent| self.percent_of_spot(percent)),
                "vols": rows,
            }),
        );
        Value::Object(quote)
    }

    /// In whole units of one hundredth of the spot's last decimal, so that a strike is written exactly.
    #[expect(clippy::cast_precision_loss, reason = "a price has a few digits")]
    fn percent_of_spot(&self, percent: i32) -> f64 {
        (self.spot * i64::from(percent)) as f64 / (tenth_power(self.asset.decimals) * 100.0)
    }
}

impl SampleMarket {
    pub(super) fn new(seed: u64) -> Self {
        let stream = Stream::new(seed, PURPOSE);
        let quote = |(asset, path): (&'static Asset, u64)| {
            let mut draws = Draws::new(stream, path);
            let range = if asset.class == Class::Fx { 0.03 } else { 0.08 };
            let spot = rounded(f64::from(asset.spot) * (1.0 + draws.between(-range, range)));
            let vol_shift_bp = draws.whole(-asset.vol_bp / 12, asset.vol_bp / 12);
            Quote { asset, spot, vol_shift_bp }
        };
        let mut draws = Draws::new(stream, u64::MAX);
        Self {
            quotes: ASSETS.iter().zip(0..).map(quote).collect(),
            curve_shifts_bp: CURRENCIES.map(|_| i32::try_from(draws.whole(-12, 12)).unwrap_or(0)),
        }
    }

    /// A zero rate in basis points.
    pub(super) fn rate_bp(&self, currency: Currency, years: f64) -> f64 {
        let curve = self.curve_bp(currency).map(f64::from);
        let after = TENORS.iter().position(|(_, tenor)| *tenor >= years).unwrap_or(TENORS.len() - 1).max(1);
        let ((_, from), (_, to)) = (TENORS[after - 1], TENORS[after]);
        let share = ((years - from) / (to - from)).clamp(0.0, 1.0);
        curve[after - 1] + share * (curve[after] - curve[after - 1])
    }

    fn curve_bp(&self, currency: Currency) -> [i32; TENORS.len()] {
        currency.conventions().curve_bp.map(|rate| rate + self.curve_shifts_bp[currency as usize])
    }

    /// The price of one unit of a currency in US dollars.
    pub(super) fn usd_per(&self, currency: Currency) -> f64 {
        let pair = |quote: &Quote| match (quote.asset.base, quote.asset.currency) {
            (Some(base), Currency::Usd) if base == currency => Some(quote.spot()),
            (Some(Currency::Usd), other) if other == currency => Some(1.0 / quote.spot()),
            _ => None,
        };
        self.quotes.iter().find_map(pair).unwrap_or(1.0)
    }

    /// The price of an underlying in `years`.
    pub(super) fn forward(&self, quote: &Quote, years: f64) -> f64 {
        let carry_bp = match quote.asset.base {
            Some(base) => self.rate_bp(base, years),
            None => f64::from(quote.asset.yield_bp),
        };
        let growth = (self.rate_bp(quote.asset.currency, years) - carry_bp) / 1e4;
        quote.spot() * libm::exp(growth * years)
    }

    /// `market.json`, a line for each curve and underlying.
    pub(super) fn json(&self) -> String {
        let curve = |currency: Currency| {
            let points: Vec<Value> = TENORS
                .iter()
                .zip(self.curve_bp(currency))
                .map(|((tenor, _), rate)| json!({"tenor": tenor, "rate": basis_points(i64::from(rate))}))
                .collect();
            let Conventions { code, interpolation, .. } = currency.conventions();
            (code, json!({"currency": code, "interpolation": interpolation, "points": points}))
        };
        let is_pair = |quote: &&Quote| quote.asset.base.is_some();
        let pairs = self.quotes.iter().filter(is_pair).map(|quote| (quote.asset.name, json!(quote.spot())));
        let sections = [
            ("curves", lines(CURRENCIES.into_iter().map(curve))),
            ("underlyings", lines(self.quotes.iter().map(|quote| (quote.asset.name, quote.json())))),
            ("fx", lines(pairs)),
        ];
        let sections = sections.map(|(name, lines)| format!("  \"{name}\": {{\n{lines}\n  }}")).join(",\n");
        format!(
            "{{\n  \"valuation_date\": \"{VALUATION_DATE}\",\n  \"report_currency\": \"USD\",\n{sections}\n}}\n"
        )
    }
}

fn lines<'a>(entries: impl Iterator<Item = (&'a str, Value)>) -> String {
    let lines: Vec<String> = entries.map(|(name, value)| format!("    \"{name}\": {value}")).collect();
    lines.join(",\n")
}

/// A ten-thousandth of a whole number, which is written with at most four decimals.
#[expect(clippy::cast_precision_loss, reason = "rates and volatilities have a few digits")]
pub(super) fn basis_points(number: i64) -> f64 {
    number as f64 / 1e4
}

/// 10 to the power of a few decimals.
fn tenth_power(decimals: u32) -> f64 {
    (0..decimals).fold(1.0, |power, _| power * 10.0)
}
