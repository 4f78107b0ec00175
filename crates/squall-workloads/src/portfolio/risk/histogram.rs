//! Histograms with round edges.

/// A bin: how many values are from `from` (included) to `to` (excluded).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bin {
    /// Lower edge, in millionths.
    pub from: i128,
    /// Upper edge, in millionths.
    pub to: i128,
    /// How many values.
    pub count: u64,
}

/// Consecutive bins of equal width (1, 2 or 5 times a power of ten, in millionths) that hold all values: as narrow as
/// at most `max_bins` of them can be. None without values or bins.
pub fn histogram(values: &[i128], max_bins: usize) -> Vec<Bin> {
    let (Some(min), Some(max)) = (values.iter().min(), values.iter().max()) else { return Vec::new() };
    let Some(width) = round_width(*min, *max, max_bins) else { return Vec::new() };
    let first = min.div_euclid(width);
    let n_bins = usize::try_from(max.div_euclid(width) - first).map_or(0, |n| n + 1);
    let mut counts = vec![0_u64; n_bins];
    for value in values {
        let bin = usize::try_from(value.div_euclid(width) - first).ok().and_then(|idx| counts.get_mut(idx));
        if let Some(count) = bin {
            *count += 1;
        }
    }
    let bin = |(idx, count): (i128, u64)| {
        let from = (first + idx).saturating_mul(width);
        Bin { from, to: from.saturating_add(width), count }
    };
    (0_i128..).zip(counts).map(bin).collect()
}

/// The smallest round width with which at most `max_bins` bins reach from `min` to `max`. Two bins are always enough
/// for a width beyond both; one may not be, around zero.
fn round_width(min: i128, max: i128, max_bins: usize) -> Option<i128> {
    let max_bins = i128::try_from(max_bins).ok()?;
    let mut power = 1_i128;
    loop {
        for digit in [1, 2, 5] {
            let width = power.checked_mul(digit)?;
            let steps = max.div_euclid(width).checked_sub(min.div_euclid(width));
            if steps.is_some_and(|steps| steps < max_bins) {
                return Some(width);
            }
        }
        power = power.checked_mul(10)?;
    }
}
