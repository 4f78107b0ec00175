//! Reads the market's own calendars.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use squall_core::workload::InputError;

use super::super::dates::calendar::{Calendar, Rule};
use super::super::table::iso_date;
use super::Origin;
use super::spec::MarketSpec;
use crate::reading::{check_name, quoted};

/// No market is closed for as long. Two calendars may be, one after the other: see `MAX_CLOSED_DAYS`.
const MAX_RUN_DAYS: usize = 20;

/// The holidays of each calendar.
///
/// # Errors
/// A name that a rule has or that cannot be told from two, or what is no date.
pub(super) fn calendars(
    spec: &MarketSpec,
    origin: &Origin,
) -> Result<BTreeMap<String, BTreeSet<NaiveDate>>, InputError> {
    let mut calendars = BTreeMap::new();
    for (name, calendar) in &spec.calendars {
        check_name(name).map_err(|problem| InputError::new(origin.at("calendars"), problem))?;
        let path = format!("calendars.{name}");
        let wrong = |problem: &str| Err(InputError::new(origin.at(&path), problem));
        if name.is_empty() || name.trim() != name || name.contains('+') {
            return wrong(
                "a name must not be empty, begin or end with a space, or have a plus sign, which joins calendars",
            );
        }
        if Rule::NAMES.iter().any(|(rule, _)| rule == name) {
            return wrong("is a calendar that a rule gives; give this one another name");
        }
        let mut holidays = BTreeSet::new();
        for (idx, text) in calendar.holidays.iter().enumerate() {
            let Some(date) = iso_date(text) else {
                let problem = format!("{} is not a date; write it like 2026-12-31", quoted(text));
                return Err(InputError::new(origin.at(&format!("{path}.holidays[{idx}]")), problem));
            };
            holidays.insert(date);
        }
        if let Some(from) = never_open(&holidays) {
            let problem = format!(
                "has no business day in the {MAX_RUN_DAYS} days from {from}; list the days that are closed, not those that are open"
            );
            return Err(InputError::new(origin.at(&format!("{path}.holidays")), problem));
        }
        calendars.insert(name.clone(), holidays);
    }
    Ok(calendars)
}

/// The first holiday from which on every day of some weeks is closed.
fn never_open(holidays: &BTreeSet<NaiveDate>) -> Option<NaiveDate> {
    let calendar = Calendar { rules: Vec::new(), lists: vec![holidays] };
    let is_closed = |date: &NaiveDate| date.iter_days().take(MAX_RUN_DAYS).all(|day| !calendar.is_open(day));
    holidays.iter().copied().find(is_closed)
}
