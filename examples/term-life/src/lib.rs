//! Term life as an actuary's model outside Squall: model points × economic scenarios → present values and reserves.
//!
//! The slices are rectangles of points × scenarios. [`projection`] has the formulas, [`sums`] why any cut gives the same answer.

use std::collections::BTreeMap;
use std::io;
use std::num::NonZeroUsize;
use std::ops::Range;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use squall_core::data::Data;
use squall_core::registry::Registry;
use squall_core::sources::{Given, Source};
use squall_core::workload::{Coverage, EvaluateError, InputError, Weight, Workload};

use input::Input;
use projection::{Basis, Loadings, Point};
use report::Report;
use scenarios::{Draw, MAX_SCENARIOS, Scenario};
use sums::Sums;
use tables::{Points, Tables};

mod csv;
pub mod input;
pub mod projection;
pub mod report;
pub mod sample;
pub mod scenarios;
pub mod sums;
pub mod tables;

/// What a point takes, bytes: itself, the cost of those before it, and its id while the file is read.
const BYTES_OF_A_POINT: u64 = 100;
/// About what a month of a policy takes, nanoseconds of one core; measured: `make bench`.
const MONTH_NS: u64 = 1;
/// About what a power in a scenario's basis takes, nanoseconds of one core.
const POWER_NS: u64 = 50;
/// Fewer points than this in a slice, and making the basis of its scenarios takes longer than projecting them.
const FEW_POINTS: usize = 2_048;
/// Most sums: scenarios × products.
const MAX_SUMS: usize = 10_000_000;
/// What a sum takes while partials are merged, bytes: itself, another's, and both encoded.
const BYTES_OF_SUMS: u64 = 350;

/// What the binaries of this crate can run.
pub fn registry() -> Registry {
    Registry::default().with::<TermLife>()
}

/// Projects term life policies.
pub struct TermLife;

/// A job, checked.
#[derive(Debug, Clone)]
pub struct Prepared {
    points: Points,
    /// What all points before each take in one scenario, and what all take, nanoseconds.
    costs_ns: Vec<u64>,
    tables: Tables,
    loadings: Loadings,
    base: Basis,
    /// The base and the scenarios of the file.
    named: Vec<Scenario>,
    draw: Option<Draw>,
}

impl Prepared {
    fn n_points(&self) -> usize {
        self.points.all.len()
    }

    fn n_scenarios(&self) -> usize {
        self.named.len() + self.draw.as_ref().map_or(0, |draw| draw.count as usize)
    }

    /// A scenario; the first is the base.
    fn scenario(&self, idx: usize) -> Scenario {
        match (self.named.get(idx), &self.draw) {
            (Some(named), _) => named.clone(),
            (None, Some(draw)) => draw.scenario(index(idx - self.named.len())),
            (None, None) => Scenario::base(),
        }
    }

    /// What points take in one scenario, nanoseconds.
    fn cost_ns_of(&self, points: &Range<usize>) -> u64 {
        let before = |idx: usize| self.costs_ns.get(idx).copied().unwrap_or(0);
        before(points.end).saturating_sub(before(points.start))
    }

    /// Cuts points into so many pieces that take nearly as long each; none is empty.
    fn cut(&self, points: &Range<usize>, parts: usize) -> Vec<Range<usize>> {
        let (before, total) = (self.cost_ns_of(&(0..points.start)), self.cost_ns_of(points));
        let mut start = points.start;
        let pieces = (1..=parts).map(|part| {
            let share = u128::from(total) * part as u128 / parts as u128;
            let cost_ns = before.saturating_add(u64::try_from(share).unwrap_or(total));
            let end = self.costs_ns.partition_point(|at| *at < cost_ns);
            let end = end.max(start + 1).min(points.end - (parts - part));
            let end = if part == parts { points.end } else { end };
            let piece = start..end;
            start = end;
            piece
        });
        pieces.collect()
    }

    /// Values points in one scenario; `premiums` are those of the points.
    fn value(&self, points: &[Point], premiums: &[f64], basis: &Basis) -> Vec<Sums> {
        let mut products = vec![Sums::default(); self.points.products.len()];
        for (point, premium) in points.iter().zip(premiums) {
            let policy = basis.project(point.age, point.term, point.months_in_force);
            let flows = policy.cash_flows(point, *premium, &self.loadings);
            if let Some(sums) = products.get_mut(usize::from(point.product)) {
                sums.add(&Sums::of(&flows));
            }
        }
        products
    }

    /// The premiums of points: they were agreed on the base, and no scenario changes them.
    fn premiums(&self, points: &[Point]) -> Vec<f64> {
        let premium = |point: &Point| {
            let policy = self.base.project(point.age, point.term, 0);
            policy.premium(point.sum_assured, self.loadings.loading)
        };
        points.iter().map(premium).collect()
    }
}

/// What all points before each take in one scenario, and what all take, nanoseconds.
///
/// A slice computes the premiums of its points once and the basis of each of its scenarios once, but weights must add up however the job
/// is cut. So each point has its share of both in each scenario: right where a slice has all scenarios, or
/// all points; too little by at most one premium of each point, or one basis of each scenario, in any other.
fn costs_ns(points: &[Point], n_scenarios: usize, n_powers: usize) -> Vec<u64> {
    let (n_points, n_scenarios) = (points.len().max(1) as u64, n_scenarios.max(1) as u64);
    // The basis of the base is there already.
    let bases_ns = (n_powers as u64 * POWER_NS).saturating_mul(n_scenarios - 1) / n_points;
    let cost_ns = |point: &Point| {
        let premium_ns = u64::from(point.term) * 12 * MONTH_NS;
        u64::from(point.months()) * MONTH_NS + (premium_ns + bases_ns) / n_scenarios
    };
    let mut before = 0;
    let costs_ns = points.iter().map(|point| {
        before += cost_ns(point);
        before
    });
    std::iter::once(0).chain(costs_ns).collect()
}

/// Refuses more scenarios than there may be.
fn check_scenarios(input: &Input, (n_scenarios, n_products): (usize, usize)) -> Result<(), InputError> {
    let most = (MAX_SUMS / n_products.max(1)).min(MAX_SCENARIOS as usize + 1);
    if n_scenarios <= most {
        return Ok(());
    }
    let place = match (&input.scenarios, &input.draw) {
        (Some(_), Some(_)) => "input.scenarios and input.draw.count",
        (None, Some(_)) => "input.draw.count",
        (_, None) => "input.scenarios",
    };
    let problem =
        format!("{n_scenarios} scenarios with the base, for {n_products} products; expected at most {most}");
    Err(InputError::new(place, problem))
}

fn index(idx: usize) -> u32 {
    u32::try_from(idx).unwrap_or(u32::MAX)
}

/// Some points in some scenarios.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rectangle {
    first_point: u32,
    n_points: u32,
    first_scenario: u32,
    n_scenarios: u32,
}

impl Rectangle {
    fn of(points: &Range<usize>, scenarios: &Range<usize>) -> Self {
        Self {
            first_point: index(points.start),
            n_points: index(points.len()),
            first_scenario: index(scenarios.start),
            n_scenarios: index(scenarios.len()),
        }
    }

    fn points(&self) -> Range<usize> {
        self.first_point as usize..self.first_point as usize + self.n_points as usize
    }

    fn scenarios(&self) -> Range<usize> {
        self.first_scenario as usize..self.first_scenario as usize + self.n_scenarios as usize
    }

    fn contains(&self, other: &Self) -> bool {
        let holds =
            |ours: Range<usize>, theirs: Range<usize>| ours.start <= theirs.start && theirs.end <= ours.end;
        holds(self.points(), other.points()) && holds(self.scenarios(), other.scenarios())
    }
}

/// Sums by scenario, for each of which there is one for each product.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Valued(BTreeMap<u32, Vec<Sums>>);

impl Valued {
    /// The sums of a scenario, by product.
    pub fn of(&self, scenario: usize) -> Option<&[Sums]> {
        self.0.get(&index(scenario)).map(Vec::as_slice)
    }
}

impl Workload for TermLife {
    const NAME: &'static str = "term-life";
    const VERSION: u32 = 1;
    const HAS_ROWS: bool = true;
    const ABOUT: &'static str =
        "Projects term life policies under economic scenarios: present values and reserves.";
    type Input = Input;
    type Prepared = Prepared;
    type Slice = Rectangle;
    type Partial = Valued;
    type Report = Report;

    fn input_schema() -> Value {
        input::schema()
    }

    fn sources(input: &Input) -> Vec<Source> {
        input.sources()
    }

    fn prepare(input: Input, given: &Given) -> Result<Prepared, InputError> {
        input.assumptions.check()?;
        let tables = Tables::read(given, (&input.mortality, &input.curve), &input.assumptions)?;
        let mut named = vec![Scenario::base()];
        if let Some(name) = &input.scenarios {
            named.extend(scenarios::of_file(given, name)?);
        }
        if let Some(draw) = &input.draw {
            draw.check()?;
            if let Some(taken) = named.iter().find(|scenario| scenario.name.starts_with("drawn-")) {
                let problem = format!(
                    "the file has {:?}, a name of those that are drawn; expected another name",
                    taken.name
                );
                return Err(InputError::new("input.scenarios", problem));
            }
        }
        let points = Points::read(given, &input.points, &tables)?;
        let n_scenarios = named.len() + input.draw.as_ref().map_or(0, |draw| draw.count as usize);
        check_scenarios(&input, (n_scenarios, points.products.len()))?;
        let costs_ns = costs_ns(&points.all, n_scenarios, Basis::n_powers(&tables));
        let (base, loadings) = (Basis::new(&tables, &Scenario::base()), input.assumptions.loadings());
        Ok(Prepared { points, costs_ns, tables, loadings, base, named, draw: input.draw })
    }

    fn whole(prepared: &Prepared) -> Rectangle {
        Rectangle::of(&(0..prepared.n_points()), &(0..prepared.n_scenarios()))
    }

    fn weight(prepared: &Prepared, slice: &Rectangle) -> Weight {
        prepared.cost_ns_of(&slice.points()).saturating_mul(u64::from(slice.n_scenarios))
    }

    /// Cuts points as long as the pieces keep enough of them, then scenarios, and points only where there are no more of those.
    fn divide(prepared: &Prepared, slice: &Rectangle, parts: NonZeroUsize) -> Vec<Rectangle> {
        let (n_points, n_scenarios) = (slice.n_points as usize, slice.n_scenarios as usize);
        let parts = parts.get().min(n_points.saturating_mul(n_scenarios)).max(1);
        let by_points =
            parts.min(n_points / FEW_POINTS).max(1).max(parts.div_ceil(n_scenarios.max(1)).min(n_points));
        let pieces = prepared.cut(&slice.points(), by_points);
        let (each, more) = (parts / by_points, parts % by_points);
        let mut cut = Vec::with_capacity(parts);
        for (idx, points) in pieces.iter().enumerate() {
            let n_blocks = (each + usize::from(idx < more)).clamp(1, n_scenarios.max(1));
            let at = |block: usize| slice.first_scenario as usize + n_scenarios * block / n_blocks;
            cut.extend((0..n_blocks).map(|block| Rectangle::of(points, &(at(block)..at(block + 1)))));
        }
        cut
    }

    /// Fails only for a slice that is not of this job.
    fn evaluate(prepared: &Prepared, slice: &Rectangle, _: &mut dyn Data) -> Result<Valued, EvaluateError> {
        let points = prepared.points.all.get(slice.points());
        let Some(points) = points.filter(|_| slice.scenarios().end <= prepared.n_scenarios()) else {
            return Err(EvaluateError("the slice is not of this job".to_owned()));
        };
        let premiums = prepared.premiums(points);
        let valued = slice.scenarios().map(|idx| {
            let basis = match idx {
                0 => &prepared.base,
                _ => &Basis::new(&prepared.tables, &prepared.scenario(idx)),
            };
            (index(idx), prepared.value(points, &premiums, basis))
        });
        Ok(Valued(valued.collect()))
    }

    /// It has all scenarios of the slice, and in each of them as many points, less those of the failed parts.
    fn check_partial(
        prepared: &Prepared,
        slice: &Rectangle,
        partial: &Valued,
        failed: &[Rectangle],
    ) -> Result<(), String> {
        if !Self::whole(prepared).contains(slice) || !failed.iter().all(|part| slice.contains(part)) {
            return Err("the slice has no such part".to_owned());
        }
        let mut expected: BTreeMap<u32, u64> =
            slice.scenarios().map(|idx| (index(idx), u64::from(slice.n_points))).collect();
        for part in failed {
            for (_, n_points) in
                expected.range_mut(index(part.scenarios().start)..index(part.scenarios().end))
            {
                *n_points = n_points.saturating_sub(u64::from(part.n_points));
            }
        }
        for (scenario, n_points) in &expected {
            let products = partial.0.get(scenario).map_or(&[][..], Vec::as_slice);
            let found = products.iter().fold(0_u64, |sum, it| sum.saturating_add(it.points));
            if found != *n_points {
                return Err(format!("it has {found} of {n_points} points in scenario {scenario}"));
            }
        }
        let fits = partial.0.iter().all(|(scenario, products)| {
            expected.contains_key(scenario)
                && products.len() == prepared.points.products.len()
                && products.iter().all(Sums::can_be)
        });
        if fits { Ok(()) } else { Err("it has what cannot be a sum of the slice".to_owned()) }
    }

    fn merge(into: &mut Valued, other: Valued) {
        for (scenario, products) in other.0 {
            let sums = into.0.entry(scenario).or_default();
            if sums.len() < products.len() {
                sums.resize(products.len(), Sums::default());
            }
            for (sum, more) in sums.iter_mut().zip(&products) {
                sum.add(more);
            }
        }
    }

    fn report(prepared: &Prepared, partial: Option<&Valued>, _: &Coverage) -> Report {
        Report::new(prepared, partial.unwrap_or(&Valued::default()))
    }

    fn write_rows(prepared: &Prepared, partial: Option<&Valued>, out: &mut dyn io::Write) -> io::Result<()> {
        report::write_rows(prepared, partial.unwrap_or(&Valued::default()), out)
    }

    fn units(prepared: &Prepared) -> (u64, &'static str) {
        (prepared.n_points() as u64 * prepared.n_scenarios() as u64, "projections")
    }

    fn value_bytes(prepared: &Prepared, slice: &Rectangle) -> u64 {
        let n_products = prepared.points.products.len() as u64;
        u64::from(slice.n_scenarios).saturating_mul((n_products + 1).saturating_mul(BYTES_OF_SUMS))
    }

    fn prepared_bytes(prepared: &Prepared) -> u64 {
        /// A scenario with its name, and a row of the table with its monthly rates.
        const BYTES_OF_A_ROW: u64 = 100;
        let n_rows =
            prepared.named.len() + prepared.tables.mortality.len() + prepared.tables.curve.len() * 12;
        prepared.n_points() as u64 * BYTES_OF_A_POINT + n_rows as u64 * BYTES_OF_A_ROW
    }

    fn headline(prepared: &Prepared, partial: &Valued) -> Option<String> {
        report::headline(prepared, partial)
    }
}

#[cfg(test)]
mod tests;
