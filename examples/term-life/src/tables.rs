//! What a projection reads: a mortality table, a curve, lapse rates, and the model points.

use std::collections::HashMap;

use squall_core::sources::Given;
use squall_core::workload::InputError;

use crate::csv::{Row, Table};
use crate::input::Assumptions;
use crate::projection::{MAX_TERM, N_DURATIONS, Point};

/// Most model points.
const MAX_POINTS: usize = 10_000_000;
/// Most products: each has sums of its own in every scenario.
const MAX_PRODUCTS: usize = 1_000;
const MAX_SUM_ASSURED: f64 = 1e12;
const MAX_POLICIES: f64 = 1e7;
/// Most that is insured by one point: with it, no sum of ten million points overflows.
const MAX_INSURED: f64 = 1e13;
const MAX_AGE: u32 = 200;
const POINT_COLUMNS: [&str; 5] = ["id", "age_at_entry", "policy_term", "policy_count", "sum_assured"];
/// `sex` is not used, as in BasicTerm.
const OTHER_COLUMNS: [&str; 3] = ["product", "duration_months", "sex"];
const NO_PRODUCT: &str = "all";

/// The tables that all points share.
#[derive(Debug, Clone, PartialEq)]
pub struct Tables {
    /// The age of the first row of `mortality`.
    pub first_age: u32,
    /// Yearly rates by age and select year.
    pub mortality: Vec<[f64; N_DURATIONS]>,
    /// Yearly spot rates by year.
    pub curve: Vec<f64>,
    /// Yearly rates by policy year; the last holds for all later years.
    pub lapse: Vec<f64>,
    /// Yearly inflation of maintenance expenses.
    pub inflation: f64,
}

impl Tables {
    /// Reads both files.
    ///
    /// # Errors
    /// The first complaints about one of them.
    pub fn read(
        given: &Given,
        (mortality, curve): (&str, &str),
        assumptions: &Assumptions,
    ) -> Result<Self, InputError> {
        let (first_age, mortality) = read_mortality(given, mortality)?;
        let curve = read_curve(given, curve)?;
        let Assumptions { lapse, inflation, .. } = assumptions;
        Ok(Self { first_age, mortality, curve, lapse: lapse.clone(), inflation: *inflation })
    }
}

/// Refuses a row whose number is not the one after the last.
fn check_next(row: &Row<'_, '_>, column: &str, (found, expected): (u32, u32)) -> Result<(), InputError> {
    if found == expected {
        return Ok(());
    }
    Err(row.error(column, format!("{found}; expected {expected}, as rows are one {column} after the other")))
}

fn read_mortality(given: &Given, name: &str) -> Result<(u32, Vec<[f64; N_DURATIONS]>), InputError> {
    const COLUMNS: [&str; 1 + N_DURATIONS] = ["age", "0", "1", "2", "3", "4", "5"];
    let table = Table::open(given, ("input.mortality", name), &COLUMNS, &[])?;
    let (mut first_age, mut next) = (None, 0);
    let rows = table.read(|row| {
        let age = row.whole("age", 0..=MAX_AGE)?;
        let expected = if first_age.is_none() { age } else { next };
        first_age.get_or_insert(age);
        next = age + 1;
        check_next(&row, "age", (age, expected))?;
        let mut rates = [0.0; N_DURATIONS];
        for (rate, column) in rates.iter_mut().zip(COLUMNS.iter().skip(1)) {
            *rate = row.number(column, 0.0..=1.0)?;
        }
        Ok(rates)
    })?;
    Ok((first_age.unwrap_or(0), rows))
}

fn read_curve(given: &Given, name: &str) -> Result<Vec<f64>, InputError> {
    let table = Table::open(given, ("input.curve", name), &["year", "rate"], &[])?;
    let mut next = 0;
    table.read(|row| {
        let year = row.whole("year", 0..=MAX_TERM - 1)?;
        let expected = next;
        next = year + 1;
        check_next(&row, "year", (year, expected))?;
        row.number("rate", -0.05..=0.5)
    })
}

/// The model points of a job, and what they are of.
#[derive(Debug, Clone, PartialEq)]
pub struct Points {
    /// In the order of the file.
    pub all: Vec<Point>,
    /// The products' names, in the order of their first points.
    pub products: Vec<String>,
}

impl Points {
    /// Reads the file of points.
    ///
    /// # Errors
    /// The first complaints about it; that it would take more memory than `given` has room for.
    pub fn read(given: &Given, name: &str, tables: &Tables) -> Result<Self, InputError> {
        let table = Table::open(given, ("input.points", name), &POINT_COLUMNS, &OTHER_COLUMNS)?;
        let room = given.room_bytes.map_or(MAX_POINTS, |bytes| {
            usize::try_from(bytes / crate::BYTES_OF_A_POINT).unwrap_or(MAX_POINTS).min(MAX_POINTS)
        });
        if let Some(row) = table.rows().nth(room) {
            let problem = format!(
                "the file has more than {room} points, which is all that there is room for; split the job"
            );
            return Err(InputError::new(format!("{name}:{}", row.line()), problem));
        }
        let (mut ids, mut products): (HashMap<&str, usize>, Vec<String>) = (HashMap::new(), Vec::new());
        let mut indices: HashMap<&str, u16> = HashMap::new();
        let all = table.read(|row| {
            let id = row.name("id")?;
            if let Some(line) = ids.insert(id, row.line()) {
                return Err(row.error("id", format!("{id:?} is on line {line} too; expected each id once")));
            }
            let product = if row.text("product").is_some() { row.name("product")? } else { NO_PRODUCT };
            let mut point = point(&row, tables)?;
            if products.len() >= MAX_PRODUCTS && !indices.contains_key(product) {
                return Err(row.error(
                    "product",
                    format!("{product:?} is one more than {MAX_PRODUCTS} products, the most there may be"),
                ));
            }
            point.product = *indices.entry(product).or_insert_with(|| {
                products.push(product.to_owned());
                u16::try_from(products.len() - 1).unwrap_or(0)
            });
            Ok(point)
        })?;
        Ok(Self { all, products })
    }
}

/// The point of a row, of the first product.
fn point(row: &Row<'_, '_>, tables: &Tables) -> Result<Point, InputError> {
    let n_ages = u32::try_from(tables.mortality.len()).unwrap_or(0);
    let (first_age, last_age) = (tables.first_age, tables.first_age + n_ages - 1);
    let age = row.whole("age_at_entry", first_age..=last_age)?;
    let term = row.whole("policy_term", 1..=MAX_TERM)?;
    if age + term - 1 > last_age {
        let problem = format!(
            "{term}; expected at most {}, since the mortality table ends at age {last_age}",
            last_age + 1 - age
        );
        return Err(row.error("policy_term", problem));
    }
    let months_in_force = match row.text("duration_months") {
        Some(_) => row.whole("duration_months", 0..=term * 12 - 1)?,
        None => 0,
    };
    let n_years = u32::try_from(tables.curve.len()).unwrap_or(0);
    // The premium is projected from the entry, over the whole term.
    if term > n_years {
        let problem = format!("{term}; expected at most {n_years}, the years of the curve");
        return Err(row.error("policy_term", problem));
    }
    let policies = row.number("policy_count", 0.0..=MAX_POLICIES)?;
    let sum_assured = row.number("sum_assured", 0.0..=MAX_SUM_ASSURED)?;
    if policies * sum_assured > MAX_INSURED {
        let problem =
            format!("{sum_assured} for each of {policies} policies; expected at most {MAX_INSURED} for all");
        return Err(row.error("sum_assured", problem));
    }
    let small = |number: u32| u8::try_from(number).unwrap_or(u8::MAX);
    Ok(Point {
        sum_assured,
        policies,
        months_in_force,
        age: small(age - first_age),
        term: small(term),
        product: 0,
    })
}
