//! Volatility by expiry and strike.

/// Interpolation of a surface between expiries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VolInterpolation {
    /// Linear in volatility.
    LinearVol,
    /// Linear in total variance, `vol² years`.
    LinearTotalVariance,
}

/// Volatility by expiry and strike, Black-Scholes or of a normal price; flat outside its grid.
#[derive(Debug, Clone, PartialEq)]
pub enum VolSurface {
    /// There is none: no option on the underlying can be valued.
    None,
    /// The same everywhere.
    Flat(f64),
    /// Linear in strike, then by `interpolation` in time.
    Grid {
        /// Between two expiries.
        interpolation: VolInterpolation,
        /// Years, ascending and above 0; at least one.
        expiries: Vec<f64>,
        /// Ascending, and above 0 unless the price is normal; at least one.
        strikes: Vec<f64>,
        /// One row per expiry, one column per strike.
        vols: Vec<Vec<f64>>,
    },
}

impl VolSurface {
    /// The lowest volatility of it and the highest.
    pub fn range(&self) -> (f64, f64) {
        let start = (f64::INFINITY, f64::NEG_INFINITY);
        match self {
            VolSurface::None => start,
            VolSurface::Flat(vol) => (*vol, *vol),
            VolSurface::Grid { vols, .. } => {
                vols.iter().flatten().fold(start, |(low, high), vol| (vol.min(low), vol.max(high)))
            }
        }
    }

    /// The lowest volatility of it.
    pub fn lowest(&self) -> f64 {
        self.range().0
    }

    /// The volatility for an option that expires in `years`, per square root of a year; NaN if there is none.
    pub fn vol(&self, years: f64, strike: f64) -> f64 {
        self.vol_and_skew(years, strike).0
    }

    /// The same, and its slope by the strike: at a strike of the grid the mean of both sides, as of ever narrower spreads around it.
    pub fn vol_and_skew(&self, years: f64, strike: f64) -> (f64, f64) {
        let (interpolation, expiries, strikes, vols) = match self {
            VolSurface::None => return (f64::NAN, 0.0),
            VolSurface::Flat(vol) => return (*vol, 0.0),
            VolSurface::Grid { interpolation, expiries, strikes, vols } => {
                (interpolation, expiries, strikes, vols)
            }
        };
        let at_expiry = |idx: usize| {
            vols.get(idx).map_or((f64::NAN, f64::NAN), |row| {
                (linear(strikes, row, strike), slope(strikes, row, strike))
            })
        };
        let after = expiries.partition_point(|expiry| *expiry < years);
        let Some(right_years) = expiries.get(after) else {
            return at_expiry(expiries.len().wrapping_sub(1));
        };
        let Some(left_years) = after.checked_sub(1).and_then(|before| expiries.get(before)) else {
            return at_expiry(0);
        };
        let ((left, left_slope), (right, right_slope)) = (at_expiry(after - 1), at_expiry(after));
        let weight = (years - left_years) / (right_years - left_years);
        match interpolation {
            VolInterpolation::LinearVol => {
                (left + weight * (right - left), left_slope + weight * (right_slope - left_slope))
            }
            VolInterpolation::LinearTotalVariance => {
                let (left_variance, right_variance) = (left * left * left_years, right * right * right_years);
                let vol = ((left_variance + weight * (right_variance - left_variance)) / years).sqrt();
                let (left_half, right_half) =
                    (left * left_slope * left_years, right * right_slope * right_years);
                let half_slope = left_half + weight * (right_half - left_half);
                (vol, if vol > 0.0 { half_slope / (years * vol) } else { 0.0 })
            }
        }
    }
}

/// `ys` at `x`, linear between the ascending `xs` and flat outside; NaN if there is nothing.
fn linear(xs: &[f64], ys: &[f64], x: f64) -> f64 {
    let after = xs.partition_point(|known| *known < x);
    let point = |idx: usize| Some((*xs.get(idx)?, *ys.get(idx)?));
    match (after.checked_sub(1).and_then(point), point(after)) {
        (None, None) => f64::NAN,
        (None, Some((_, y))) | (Some((_, y)), None) => y,
        (Some((left_x, left_y)), Some((right_x, right_y))) => {
            left_y + (x - left_x) / (right_x - left_x) * (right_y - left_y)
        }
    }
}

/// The slope of [`linear`] at `x`: at a kink the mean of both sides.
fn slope(xs: &[f64], ys: &[f64], x: f64) -> f64 {
    let point = |idx: usize| Some((*xs.get(idx)?, *ys.get(idx)?));
    let of_segment = |left: Option<usize>| {
        let left = left?;
        let ((left_x, left_y), (right_x, right_y)) = (point(left)?, point(left + 1)?);
        Some((right_y - left_y) / (right_x - left_x))
    };
    let (below, up_to) = (xs.partition_point(|known| *known < x), xs.partition_point(|known| *known <= x));
    let before = of_segment(below.checked_sub(1)).unwrap_or(0.0);
    if below == up_to { before } else { f64::midpoint(before, of_segment(Some(below)).unwrap_or(0.0)) }
}
