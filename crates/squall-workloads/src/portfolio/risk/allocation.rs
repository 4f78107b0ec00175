//! Shares of a whole that add up to it.

/// Rounds `numerators / denominator` so that the integers add up to `whole`, by largest remainders (equal remainders:
/// the earlier gets more). `whole` must be the exact sum, rounded; otherwise as much of the difference as there are
/// numerators is given out.
pub fn apportion(numerators: &[i128], denominator: i128, whole: i128) -> Vec<i128> {
    if denominator <= 0 {
        return vec![0; numerators.len()];
    }
    let mut shares: Vec<i128> =
        numerators.iter().map(|numerator| numerator.div_euclid(denominator)).collect();
    let floors = shares.iter().fold(0_i128, |sum, share| sum.wrapping_add(*share));
    let missing = usize::try_from(whole.wrapping_sub(floors)).unwrap_or(0);
    let mut order: Vec<usize> = (0..shares.len()).collect();
    order.sort_by_key(|idx| std::cmp::Reverse(numerators[*idx].rem_euclid(denominator)));
    for idx in order.into_iter().take(missing) {
        shares[idx] += 1;
    }
    shares
}
