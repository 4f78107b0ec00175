//! A shock as a risk manager writes it.

use crate::portfolio::shock::Factor;

/// A shock in its factor's customary unit, with at most `decimals` decimals: `-10%` (spot, FX), `+5pt` (volatility
/// points), `+25bp` (basis points).
pub fn shock_text(factor: &Factor, shock: f64, decimals: usize) -> String {
    let (scale, unit) = match factor {
        Factor::Spot(_) | Factor::Fx(_) => (100.0, "%"),
        Factor::Vol(_) => (100.0, "pt"),
        Factor::Rate(_) | Factor::Spread(_) => (10_000.0, "bp"),
    };
    format!("{}{unit}", number_text(shock * scale, decimals))
}

/// A change of a price in its own units, with at most `decimals` decimals: `-36.98`.
pub fn number_text(change: f64, decimals: usize) -> String {
    let text = format!("{change:+.decimals$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    let text = if text == "-0" { "+0" } else { text };
    text.to_owned()
}
