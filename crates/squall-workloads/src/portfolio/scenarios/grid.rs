//! Stress tests: every combination of given shocks.

use std::ops::Range;

use squall_core::workload::InputError;

use super::basis::Basis;
use super::changes::{Absolute, check_used};
use super::review::{MOST_NOTES, Review, unlikely_shock};
use super::{
    AxisInput, GridInput, MAX_SCENARIOS, Made, PLACE, Source, as_given, check_shock, counted, factor_names,
    is_relative, most_in_units, number_text, shock_text,
};
use crate::portfolio::shock::{Factor, Factors, ShockBlock};
use crate::reading::{bounded, check_name};

/// Most decimals of a shock in a label.
const LABEL_DECIMALS: usize = 4;

/// A cartesian product of axes; the last varies fastest.
#[derive(Debug, Clone)]
pub(super) struct Grid {
    axes: Vec<Axis>,
}

#[derive(Debug, Clone)]
struct Axis {
    name: String,
    factor_idxs: Vec<usize>,
    /// What one of the shocks is of each factor's own: 1, or the inverse of a price whose changes are in its units.
    units: Vec<f64>,
    is_absolute: bool,
    shocks: Vec<f64>,
    /// How many scenarios go by until this axis moves on.
    stride: usize,
}

pub(super) fn prepare(input: &GridInput, basis: &Basis<'_>) -> Result<Made, InputError> {
    let absolute = Absolute::new(PLACE, &input.changes, basis)?;
    if input.axes.is_empty() {
        return Err(InputError::new(format!("{PLACE}.axes"), "is empty; a grid needs at least one axis"));
    }
    let mut axes: Vec<Axis> = Vec::with_capacity(input.axes.len());
    for (idx, axis) in input.axes.iter().enumerate() {
        let place = format!("{PLACE}.axes[{idx}]");
        let axis = prepare_axis(&place, axis, basis, &absolute)?;
        for factor_idx in &axis.factor_idxs {
            if let Some(other) = axes.iter().position(|other| other.factor_idxs.contains(factor_idx)) {
                let factor = &basis.factors.0[*factor_idx];
                return Err(InputError::new(place, format!("{factor} is shocked by axes[{other}] already")));
            }
        }
        axes.push(axis);
    }
    let mut stride = 1_usize;
    for axis in axes.iter_mut().rev() {
        axis.stride = stride;
        stride = stride.saturating_mul(axis.shocks.len());
        if stride > MAX_SCENARIOS {
            let problem = format!("more than {MAX_SCENARIOS} combinations of shocks; leave some out");
            return Err(InputError::new(format!("{PLACE}.axes"), problem));
        }
    }
    let used: Vec<usize> = axes.iter().flat_map(|axis| axis.factor_idxs.iter().copied()).collect();
    check_used(PLACE, &absolute, &used, basis)?;
    let about = counted(stride, "stress scenario");
    let of_axis = |axis: &Axis| {
        let note = |(idx, unit): (&usize, &f64)| {
            let shocks: Vec<f64> = axis.shocks.iter().map(|shock| shock * unit).collect();
            unlikely_shock(&basis.factors.0[*idx], &shocks, basis.scale(*idx))
        };
        axis.factor_idxs.iter().zip(&axis.units).filter_map(note).collect::<Vec<String>>()
    };
    let notes = bounded(axes.iter().flat_map(of_axis).collect(), MOST_NOTES);
    let review = Review { notes, ..Review::default() };
    Ok(Made { about, source: Source::Grid(Grid { axes }), review })
}

fn prepare_axis(
    place: &str,
    input: &AxisInput,
    basis: &Basis<'_>,
    absolute: &Absolute,
) -> Result<Axis, InputError> {
    let factors = basis.factors;
    // Factors whose shocks can be the same number.
    let unit_of = |idx: usize| (unit_of(&factors.0[idx]), absolute.unit(idx).is_some());
    let names = match (&input.factor, &input.factors) {
        (Some(name), None) => std::slice::from_ref(name),
        (None, Some(names)) if !names.is_empty() => names,
        _ => {
            let problem = "give either \"factor\" (one) or \"factors\" (a list of those that move together)";
            return Err(InputError::new(place, problem));
        }
    };
    let mut factor_idxs = Vec::with_capacity(names.len());
    for (idx, name) in names.iter().enumerate() {
        let place = if input.factor.is_some() {
            format!("{place}.factor")
        } else {
            format!("{place}.factors[{idx}]")
        };
        let factor_idx = factor_names::find(factors, name).map_err(|e| InputError::new(place.clone(), e))?;
        if factor_idxs.contains(&factor_idx) {
            return Err(InputError::new(place, format!("{name} is there twice")));
        }
        if let Some(first) = factor_idxs.first()
            && unit_of(*first) != unit_of(factor_idx)
        {
            let problem =
                format!("{name} does not move in the same unit as {}; give it an axis of its own", names[0]);
            return Err(InputError::new(place, problem));
        }
        factor_idxs.push(factor_idx);
    }
    if input.shocks.is_empty() {
        return Err(InputError::new(format!("{place}.shocks"), "is empty; an axis needs at least one shock"));
    }
    let units: Vec<f64> = factor_idxs.iter().map(|idx| absolute.unit(*idx).unwrap_or(1.0)).collect();
    let is_absolute = factor_idxs.first().is_some_and(|idx| absolute.unit(*idx).is_some());
    for (idx, shock) in input.shocks.iter().enumerate() {
        for ((factor, most), unit) in
            factor_idxs.iter().map(|idx| (&factors.0[*idx], most_in_units(basis, *idx))).zip(&units)
        {
            check_shock(factor, shock * unit, is_relative(factor) && !is_absolute, basis.limits)
                .map_err(|e| as_given(*shock, (is_absolute.then_some(*unit), most), e))
                .map_err(|e| InputError::new(format!("{place}.shocks[{idx}]"), e))?;
        }
    }
    if let Some(name) = &input.name {
        check_name(name).map_err(|problem| InputError::new(format!("{place}.name"), problem))?;
    }
    let name = input.name.clone().unwrap_or_else(|| names.join("+"));
    Ok(Axis { name, factor_idxs, units, is_absolute, shocks: input.shocks.clone(), stride: 1 })
}

/// Factors whose shocks can be the same number.
fn unit_of(factor: &Factor) -> u8 {
    match factor {
        _ if is_relative(factor) => 0,
        Factor::Vol(_) => 1,
        _ => 2,
    }
}

impl Axis {
    fn shock(&self, scenario: usize) -> f64 {
        self.shocks[scenario / self.stride % self.shocks.len()]
    }
}

impl Grid {
    /// The factors that are shocked, by index.
    pub(super) fn moved(&self) -> impl Iterator<Item = usize> {
        let moves = |axis: &&Axis| axis.shocks.iter().any(|shock| *shock != 0.0);
        self.axes.iter().filter(moves).flat_map(|axis| axis.factor_idxs.iter().copied())
    }

    /// Shocks of all axes.
    pub(super) fn n_shocks(&self) -> usize {
        self.axes.iter().map(|axis| axis.shocks.len()).sum()
    }

    /// Factors that are shocked.
    pub(super) fn n_factors(&self) -> usize {
        self.axes.iter().map(|axis| axis.factor_idxs.len()).sum()
    }

    pub(super) fn count(&self) -> usize {
        self.axes.iter().map(|axis| axis.shocks.len()).product()
    }

    /// `spot:SPX -10% vol:SPX +5pt`.
    pub(super) fn label(&self, scenario: usize, factors: &Factors) -> String {
        let part = |axis: &Axis| {
            let factor = &factors.0[axis.factor_idxs[0]];
            let shock = axis.shock(scenario);
            let text = match axis.is_absolute {
                true => number_text(shock, LABEL_DECIMALS),
                false => shock_text(factor, shock, LABEL_DECIMALS),
            };
            format!("{} {text}", axis.name)
        };
        self.axes.iter().map(part).collect::<Vec<_>>().join(" ")
    }

    pub(super) fn fill(&self, scenarios: Range<usize>, first_column: usize, block: &mut ShockBlock) {
        for axis in &self.axes {
            for (factor_idx, unit) in axis.factor_idxs.iter().zip(&axis.units) {
                let row = &mut block.row_mut(*factor_idx)[first_column..];
                for (shock, scenario) in row.iter_mut().zip(scenarios.clone()) {
                    *shock = axis.shock(scenario) * unit;
                }
            }
        }
    }
}
