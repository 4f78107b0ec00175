//! Closed forms at the edges of the American put: no vol, and no expiry.

/// Below this standard deviation of the logarithm to expiry, the vol counts as zero: it is worth less than 1e-12 strikes.
pub(super) const NO_DEVIATION: f64 = 1e-12;

/// Value of a put on a spot that grows at `rate - dividend_yield` for certain: the best of stopping at once, at expiry,
/// and where the discounted payoff K e^(-r t) - S e^(-q t) is stationary, r K e^(-r t) = q S e^(-q t).
pub(super) fn without_vol(spot: f64, strike: f64, years: f64, rate: f64, dividend_yield: f64) -> f64 {
    let payoff = |time: f64| strike * libm::exp(-rate * time) - spot * libm::exp(-dividend_yield * time);
    let best = payoff(0.0).max(payoff(years)).max(0.0);
    // Both flows have the same sign, or nothing is stationary.
    let flows = dividend_yield * spot / (rate * strike);
    let time = libm::log(flows) / (dividend_yield - rate);
    if flows > 0.0 && time > 0.0 && time < years { best.max(payoff(time)) } else { best }
}

/// ln of the exercise boundary of the perpetual put with strike 1, for a rate that is not negative; minus infinity if
/// it is never exercised. With L the negative root of vol^2 L (L - 1) / 2 + (r - q) L = r, it is L / (L - 1).
pub(super) fn log_perpetual_boundary(rate: f64, dividend_yield: f64, vol: f64) -> f64 {
    let variance = vol * vol;
    let drift = rate - dividend_yield - 0.5 * variance;
    let root = (drift * drift + 2.0 * rate * variance).sqrt();
    // -L, by whichever form does not cancel.
    let steepness = if drift > 0.0 { (drift + root) / variance } else { 2.0 * rate / (root - drift) };
    if steepness > 0.0 { -libm::log1p(1.0 / steepness) } else { f64::NEG_INFINITY }
}
