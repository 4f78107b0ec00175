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
    let text = format!("{:+.decimals$}", shock * scale);
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    let text = if text == "-0" { "+0" } else { text };
    format!("{text}{unit}")
}
