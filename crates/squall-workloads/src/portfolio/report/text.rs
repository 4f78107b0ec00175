//! The report for people, to be read from the top down.

use std::fmt;

use super::layout::Columnar;
use super::notes::{change_text, not_moved};
use super::{AgeingPnl, Estimate, GroupRisk, Report, TooFew, rounded};
use crate::portfolio::money::{Micros, separated};
use crate::portfolio::scenarios::{number_text, shock_text};
use crate::portfolio::shock::Factor;
use crate::reading::quoted;

/// Shocks of a scenario that are shown.
const SHOWN_SHOCKS: usize = 3;
/// Decimals of those shocks.
const SHOCK_DECIMALS: usize = 2;
/// Positions that are shown.
const SHOWN_POSITIONS: usize = 50;
/// Underlyings without a gamma that are shown.
const SHOWN_UNRELIABLE: usize = 8;
/// Width of the histogram's longest bar.
const BAR: u64 = 50;

/// How amounts are written: chosen once for a report, so that its figures compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Unit {
    divisor: u32,
    decimals: u8,
    prefix: &'static str,
}

impl Unit {
    /// The unit in which `largest` has at most some eleven digits.
    fn for_amount(largest: u128) -> Self {
        const UNIT: u128 = 1_000_000;
        match largest {
            0..100_000_000_000 => Self { divisor: 1, decimals: 2, prefix: "" },
            _ if largest < 10_000_000_000 * UNIT => Self { divisor: 1, decimals: 0, prefix: "" },
            _ if largest < 10_000_000_000_000 * UNIT => {
                Self { divisor: 1_000, decimals: 0, prefix: "thousand " }
            }
            _ => Self { divisor: 1_000_000, decimals: 0, prefix: "million " },
        }
    }

    fn text(self, amount: i128) -> String {
        Micros(amount).grouped(self.divisor, self.decimals)
    }

    fn optional(self, amount: Option<i128>) -> String {
        amount.map_or_else(String::new, |amount| self.text(amount))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = self.unit();
        if self.is_partial {
            writeln!(f, "{}\n", self.partial_line())?;
        }
        if let Some(position) = &self.base_not_valued {
            writeln!(
                f,
                "NO BASE VALUE: {} has no value today, or one beyond 1e15, so there is no profit and loss\n",
                quoted(position)
            )?;
        }
        if let Some(first) = self.greeks_not_valued.first() {
            writeln!(
                f,
                "NO GREEKS of {} factors; the first is {}, under whose bump {} has no value or one beyond 1e15\n",
                separated(self.greeks_not_valued.len() as u128),
                quoted(&first.label),
                quoted(&first.position),
            )?;
        }
        if let Some(first) = self.not_valued.first() {
            writeln!(
                f,
                "NOT VALUED: {} of {} scenarios, left out of every figure below; the first is {}, where {} has no value \
                 or one beyond 1e15\n",
                separated(self.not_valued.len() as u128),
                separated(self.n_scenarios as u128),
                first.label,
                quoted(&first.position),
            )?;
        }
        writeln!(f, "PORTFOLIO RISK, amounts in {}{}", unit.prefix, self.currency)?;
        self.overview(f, unit)?;
        self.value_at_risk(f, unit)?;
        self.profit_and_loss(f, unit)?;
        self.worst_scenarios(f, unit)?;
        self.largest_changes(f)?;
        self.group_table(f, unit, "BY BOOK", "book", &self.books)?;
        self.group_table(f, unit, "BY KIND", "kind", &self.kinds)?;
        self.greeks_tables(f, unit)?;
        self.position_table(f)
    }
}

impl Report {
    fn unit(&self) -> Unit {
        let distribution = self.distribution.iter().flat_map(|d| [d.minimum, d.maximum]);
        let groups = self.books.iter().chain(&self.kinds).filter_map(|group| group.base_value);
        let amounts = self.base_value.into_iter().chain(distribution).chain(groups);
        Unit::for_amount(amounts.map(i128::unsigned_abs).max().unwrap_or(0))
    }

    /// `PARTIAL: 63 % of the work is in; 3,120 of 5,000 scenarios fully revalued`.
    fn partial_line(&self) -> String {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 100")]
        let percent = (self.work_done * 100.0).clamp(0.0, 100.0) as u8;
        let share =
            if percent == 0 && self.work_done > 0.0 { "under 1".to_owned() } else { percent.to_string() };
        format!("PARTIAL: {share} % of the work is in; {} scenarios fully revalued", self.scenarios_done())
    }

    fn scenarios_done(&self) -> String {
        format!("{} of {}", separated(self.n_scenarios_done as u128), separated(self.n_scenarios as u128))
    }

    /// The factors that no scenario moves, with the base values that hang on them.
    fn unmoved(&self, unit: Unit) -> String {
        let value =
            |value: &Option<i128>| value.map_or_else(String::new, |value| format!(", {}", unit.text(value)));
        not_moved(self.unmoved.iter().map(|(it, base)| (it, value(base))).collect())
    }

    fn overview(&self, f: &mut fmt::Formatter<'_>, unit: Unit) -> fmt::Result {
        let n_positions = separated(self.n_positions as u128);
        let books = if self.books.len() == 1 { "book" } else { "books" };
        let base_value = match self.base_value {
            Some(value) => unit.text(value),
            None if self.base_not_valued.is_some() => "none, so there is no profit and loss".to_owned(),
            None => format!(
                "not in yet ({} of {n_positions} positions), so there is no profit and loss",
                separated(self.n_positions_done.into())
            ),
        };
        let expired = match self.n_expired {
            0 => String::new(),
            n => format!("; expired and left out: {}", separated(n as u128)),
        };
        let projected = match self.n_projected {
            0 => String::new(),
            n => format!("; running fixings projected from a curve: {}", separated(n as u128)),
        };
        writeln!(f, "  Positions   {n_positions} in {} {books}{expired}{projected}", self.books.len())?;
        writeln!(f, "  Scenarios   {}", self.about)?;
        if !self.unmoved.is_empty() {
            writeln!(f, "  Not moved   {}", self.unmoved(unit))?;
        }
        for note in &self.notes {
            writeln!(f, "  Note        {note}")?;
        }
        writeln!(f, "  Base value  {base_value}")?;
        if let Some(AgeingPnl { days, pnl, not_valued }) = &self.ageing {
            let pnl = match (pnl, not_valued) {
                (Some(pnl), _) => unit.text(*pnl),
                (None, None) if self.base_not_valued.is_none() => "not in yet".to_owned(),
                (None, None) => "none".to_owned(),
                (None, Some(position)) => {
                    format!("none ({} has no value then, or one beyond 1e15)", quoted(position))
                }
            };
            let days = if *days == 1 { "1 day".to_owned() } else { format!("{days} days") };
            writeln!(f, "  Ageing      {pnl} by time alone; in the scenarios positions are {days} older")?;
        }
        Ok(())
    }

    /// The largest daily changes of the history, from which a split or a change of unit is seen at once.
    fn largest_changes(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.largest_changes.is_empty() {
            return Ok(());
        }
        writeln!(f, "\nLARGEST DAILY CHANGES OF THE HISTORY, by standard deviations of the factor's own")?;
        let mut table = Columnar::new(&["date", "factor", "change", "standard deviations"], &[1]);
        for change in &self.largest_changes {
            let deviations = format!("{:.1}", change.deviations);
            table.row([change.date.to_string(), change.factor.to_string(), change_text(change), deviations]);
        }
        write!(f, "{table}")
    }

    fn value_at_risk(&self, f: &mut fmt::Formatter<'_>, unit: Unit) -> fmt::Result {
        if self.n_scenarios == 0 {
            return Ok(());
        }
        if !self.is_sample {
            return writeln!(
                f,
                "  (Stress scenarios have no probabilities: no value at risk, no quantiles.)"
            );
        }
        if self.risk.is_empty() {
            return Ok(());
        }
        writeln!(f, "\nVALUE AT RISK AND EXPECTED SHORTFALL, losses positive")?;
        let header = ["level", "VaR", "95% interval from", "to", "expected shortfall", "standard error"];
        let mut table = Columnar::new(&header, &[]);
        let mut too_few = Vec::new();
        for (level, estimate) in &self.risk {
            match estimate {
                Ok(Estimate {
                    value_at_risk,
                    value_at_risk_low,
                    value_at_risk_high,
                    expected_shortfall,
                    expected_shortfall_error,
                }) => {
                    let end =
                        |amount: &Option<i128>| amount.map_or("?".to_owned(), |amount| unit.text(amount));
                    table.row([
                        level.to_string(),
                        unit.text(*value_at_risk),
                        end(value_at_risk_low),
                        end(value_at_risk_high),
                        unit.text(*expected_shortfall),
                        expected_shortfall_error.map_or("?".to_owned(), |error| unit.text(error)),
                    ]);
                }
                Err(TooFew { needed }) => {
                    too_few.push(format!("{level} (needs {})", separated((*needed).into())))
                }
            }
        }
        if too_few.len() < self.risk.len() {
            write!(f, "{table}")?;
        }
        if !too_few.is_empty() {
            writeln!(f, "  Too few scenarios for {}", too_few.join(", "))?;
        }
        Ok(())
    }

    fn profit_and_loss(&self, f: &mut fmt::Formatter<'_>, unit: Unit) -> fmt::Result {
        let Some(distribution) = &self.distribution else { return Ok(()) };
        let plural = if distribution.n == 1 { "" } else { "s" };
        writeln!(f, "\nPROFIT AND LOSS over {} scenario{plural}", separated(distribution.n as u128))?;
        let amount = |amount: i128| unit.text(amount);
        let mut facts = vec![("worst", amount(distribution.minimum)), ("best", amount(distribution.maximum))];
        if self.is_sample {
            facts.push(("mean", amount(distribution.mean)));
            let figure = |figure: f64| format!("{figure:.2}");
            facts.extend(
                distribution.standard_deviation.map(|s| ("standard deviation", amount(rounded(s).0))),
            );
            facts.extend(distribution.skewness.map(|s| ("skewness", figure(s))));
            facts.extend(distribution.excess_kurtosis.map(|k| ("excess kurtosis", figure(k))));
        }
        let (names, values): (Vec<_>, Vec<_>) = facts.into_iter().unzip();
        let mut table = Columnar::new(&names, &[]).flush_right();
        table.row(values);
        write!(f, "{table}")?;
        if self.is_sample {
            let names: Vec<String> =
                distribution.quantiles.iter().map(|(percent, _)| format!("{percent}%")).collect();
            let names: Vec<&str> =
                std::iter::once("quantile").chain(names.iter().map(String::as_str)).collect();
            let mut table = Columnar::new(&names, &[]);
            let values = distribution.quantiles.iter().map(|(_, value)| amount(*value));
            table.row(std::iter::once("P&L".to_owned()).chain(values));
            write!(f, "\n{table}")?;
        }
        self.histogram_bars(f, unit)
    }

    fn histogram_bars(&self, f: &mut fmt::Formatter<'_>, unit: Unit) -> fmt::Result {
        let most = self.histogram.iter().map(|bin| bin.count).max().unwrap_or(0);
        if most == 0 {
            return Ok(());
        }
        let mut table = Columnar::new(&["P&L from", "to", "scenarios", ""], &[3]).flush_right();
        for bin in &self.histogram {
            let length = (bin.count * BAR).div_ceil(most);
            let bar = "#".repeat(usize::try_from(length).unwrap_or(0));
            table.row([unit.text(bin.from), unit.text(bin.to), separated(bin.count.into()), bar]);
        }
        write!(f, "\n{table}")
    }

    fn worst_scenarios(&self, f: &mut fmt::Formatter<'_>, unit: Unit) -> fmt::Result {
        if self.worst.is_empty() {
            return Ok(());
        }
        writeln!(f, "\nWORST SCENARIOS")?;
        let mut table = Columnar::new(&["scenario", "P&L", "largest shocks"], &[2]);
        for worst in &self.worst {
            let shock = |(factor, shock): &(Factor, f64)| {
                let text = match self.in_units.contains(factor) {
                    true => number_text(*shock, SHOCK_DECIMALS),
                    false => shock_text(factor, *shock, SHOCK_DECIMALS),
                };
                format!("{factor} {text}")
            };
            let mut shocks: Vec<String> = worst.shocks.iter().take(SHOWN_SHOCKS).map(shock).collect();
            if worst.shocks.len() > SHOWN_SHOCKS {
                shocks.push(format!("{} more", worst.shocks.len() - SHOWN_SHOCKS));
            }
            table.row([worst.label.clone(), unit.text(worst.pnl), shocks.join(", ")]);
        }
        write!(f, "{table}")
    }

    fn group_table(
        &self,
        f: &mut fmt::Formatter<'_>,
        unit: Unit,
        title: &str,
        name: &str,
        groups: &[GroupRisk],
    ) -> fmt::Result {
        if groups.is_empty() {
            return Ok(());
        }
        let level = self.group_level.map(|level| format!("{level} "));
        let (title_level, level) = match &level {
            Some(level) => (format!(", risk at {}", level.trim_end()), level.as_str()),
            None => (String::new(), ""),
        };
        writeln!(f, "\n{title}{title_level}")?;
        let [var, es] = [format!("{level}VaR alone"), format!("{level}ES alone")];
        let header = [name, "positions", "base value", "worst scenario", &var, &es, "part of ES", "share"];
        let mut table = Columnar::new(&header, &[]);
        for group in groups {
            table.row([
                group.name.clone(),
                separated(group.n_positions as u128),
                unit.optional(group.base_value),
                unit.optional(group.worst_pnl),
                unit.optional(group.value_at_risk),
                unit.optional(group.expected_shortfall),
                unit.optional(group.contribution),
                group.share.map_or_else(String::new, |share| format!("{:.1}%", share * 100.0)),
            ]);
        }
        write!(f, "{}", table.without_empty_columns())
    }

    fn greeks_tables(&self, f: &mut fmt::Formatter<'_>, unit: Unit) -> fmt::Result {
        let Some(greeks) = &self.greeks else { return Ok(()) };
        writeln!(f, "\nGREEKS, by bumping one factor and revaluing everything")?;
        let mut table = Columnar::new(
            &[
                "underlying",
                "delta per 1 %",
                "gamma per 1 %",
                "delta per 1.00",
                "vega per point",
                "gamma per 1.00",
                "vega per 1.00",
            ],
            &[],
        );
        let per_unit = |it: Option<f64>| it.map_or_else(String::new, |it| unit.text(rounded(it * 1e6).0));
        for row in &greeks.underlyings {
            table.row([
                row.name.clone(),
                unit.optional(row.delta_percent),
                unit.optional(row.gamma_percent),
                per_unit(row.delta_unit),
                unit.optional(row.vega),
                per_unit(row.gamma_unit),
                per_unit(row.vega_unit),
            ]);
        }
        if greeks.is_empty() {
            return writeln!(f, "  not in yet");
        }
        if !greeks.underlyings.is_empty() {
            write!(f, "{}", table.without_empty_columns())?;
        }
        if !greeks.currencies.is_empty() {
            let mut table = Columnar::new(&["currency", "rho per basis point"], &[]);
            for row in &greeks.currencies {
                table.row([row.currency.clone(), unit.optional(row.rho)]);
            }
            write!(f, "\n{table}")?;
        }
        if !greeks.rate_factors.is_empty() {
            let mut table = Columnar::new(&["rates and spreads", "change per basis point"], &[]);
            for (factor, slope) in &greeks.rate_factors {
                table.row([factor.to_string(), unit.optional(*slope)]);
            }
            write!(f, "\n{table}")?;
        }
        for it in greeks.unreliable.iter().take(SHOWN_UNRELIABLE) {
            writeln!(f, "  {}: {}", it.name, it.reason())?;
        }
        match greeks.unreliable.len().saturating_sub(SHOWN_UNRELIABLE) {
            0 => Ok(()),
            n => writeln!(f, "  and {n} more; the JSON report has all of them"),
        }
    }

    fn position_table(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(positions) = &self.positions else { return Ok(()) };
        let n_all = separated(self.n_positions as u128);
        writeln!(f, "\nPOSITIONS, {} of {n_all} valued", separated(positions.len() as u128))?;
        let value = format!("value ({})", self.currency);
        let header =
            ["position", "book", "kind", "price", "", "standard error", "clean", "accrued", "yield", &value];
        let mut table = Columnar::new(&header, &[1, 2, 4]);
        for row in positions.iter().take(SHOWN_POSITIONS) {
            table.row([
                row.id.clone(),
                row.book.clone(),
                row.kind.to_owned(),
                format!("{:.6}", row.price),
                row.currency.clone(),
                row.standard_error.map_or_else(String::new, |error| format!("{error:.6}")),
                row.quote.map_or_else(String::new, |quote| format!("{:.6}", quote.clean_price)),
                row.quote.map_or_else(String::new, |quote| format!("{:.6}", quote.accrued_interest)),
                row.quote
                    .and_then(|quote| quote.bond_yield)
                    .map_or_else(String::new, |it| format!("{:.4}%", 100.0 * it)),
                Micros(row.value).grouped(1, 2),
            ]);
        }
        write!(f, "{}", table.without_empty_columns())?;
        if positions.len() > SHOWN_POSITIONS {
            let rest = separated((positions.len() - SHOWN_POSITIONS) as u128);
            writeln!(f, "  and {rest} more; the JSON report has all of them, with every digit")?;
        }
        Ok(())
    }
}
