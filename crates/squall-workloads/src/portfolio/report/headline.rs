//! The answer so far in a few words.

use super::ReportOptions;
use super::matrix::ScenarioPnl;
use crate::portfolio::columns::Columns;
use crate::portfolio::labels::Labels;
use crate::portfolio::money::{Micros, separated};
use crate::portfolio::partial::Partial;
use crate::portfolio::risk::value_at_risk_of;

/// `VaR 99% 1.23M USD (2,310 of 5,000 scenarios)`: the highest level that has enough scenarios, or the worst P&L if
/// there is none; `None` before base and a scenario are in.
pub fn headline(
    labels: &Labels,
    columns: &Columns,
    options: &ReportOptions,
    partial: &Partial,
) -> Option<String> {
    let pnl = ScenarioPnl::new(labels, columns, partial);
    let worst = *pnl.total.iter().min()?;
    let levels = if columns.scenarios().is_sample() { options.levels.as_slice() } else { &[] };
    let at_risk = levels
        .iter()
        .rev()
        .find_map(|level| Some((level, value_at_risk_of(&pnl.total, pnl.weights(), *level)?)));
    let figure = match at_risk {
        Some((level, value)) => format!("VaR {level} {}", Micros(value).short()),
        None => format!("worst P&L {}", Micros(worst).short()),
    };
    let (done, of) = (pnl.n_done as u128, columns.scenarios().count() as u128);
    let scenarios =
        if done == of { separated(of) } else { format!("{} of {}", separated(done), separated(of)) };
    let plural = if of == 1 { "" } else { "s" };
    Some(format!("{figure} {} ({scenarios} scenario{plural})", labels.report_currency))
}
