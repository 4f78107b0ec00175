//! The projection of one policy, month by month, as lifelib's BasicTerm defines it.
//!
//! Month `t` of a policy is in its year `y = t / 12`. Of the policies in force at its beginning, `q` die and `l` of the others lapse:
//! `q = 1 - (1 - mortality[age + y][min(y, 5)])^(1/12)`, `l = 1 - (1 - lapse[y])^(1/12)`. What is paid in a month counts at its
//! beginning. Time is discounted from the valuation, by the spot rate of its year: `(1 + rate[t / 12])^(-t/12)`.

use crate::scenarios::Scenario;
use crate::tables::Tables;

/// Select years of the mortality table: durations 0 to 4, and 5 for all later ones.
pub const N_DURATIONS: usize = 6;
/// Longest policy, years.
pub const MAX_TERM: u32 = 100;

/// A model point: policies that are alike.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// What one policy pays on death.
    pub sum_assured: f64,
    /// Number of policies in force at the valuation; need not be whole.
    pub policies: f64,
    /// Months that they have been in force.
    pub months_in_force: u32,
    /// Age at entry, as a row of the mortality table.
    pub age: u8,
    /// Term, years.
    pub term: u8,
    /// Index of the product.
    pub product: u16,
}

impl Point {
    /// Months that are left.
    pub fn months(&self) -> u32 {
        (u32::from(self.term) * 12).saturating_sub(self.months_in_force)
    }
}

/// Expenses and loadings.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Loadings {
    /// Loading on the net premium, as a share of it.
    pub loading: f64,
    /// Expense of a new policy.
    pub acquisition: f64,
    /// Expense of a policy each year, before inflation.
    pub maintenance: f64,
}

/// What a projection needs of one scenario, by month where a month decides it: no power is taken in the projection itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Basis {
    /// Monthly rate of mortality by age (a row of the table) and select year.
    mortality: Vec<[f64; N_DURATIONS]>,
    /// Monthly rate of lapse by policy year.
    lapse: Vec<f64>,
    /// Discount factor, and the same times inflation, by month from the valuation.
    discount: Vec<[f64; 2]>,
}

impl Basis {
    /// The basis of a scenario. Rates of mortality and lapse are capped at 1.
    pub fn new(tables: &Tables, scenario: &Scenario) -> Self {
        let monthly = |rate: f64| 1.0 - libm::pow(1.0 - rate.min(1.0), 1.0 / 12.0);
        let mortality = tables.mortality.iter().map(|row| row.map(|rate| monthly(rate * scenario.mortality)));
        let lapse = (0..MAX_TERM as usize).map(|year| {
            let rate = tables.lapse.get(year).or(tables.lapse.last()).copied().unwrap_or(0.0);
            monthly(rate * scenario.lapse)
        });
        let discount = tables.curve.iter().enumerate().flat_map(|(year, rate)| {
            let rate = rate + scenario.shift_of(year);
            (0..12_u32).map(move |month| {
                let years = f64::from(u32::try_from(year).unwrap_or(0) * 12 + month) / 12.0;
                let factor = libm::pow(1.0 + rate, -years);
                [factor, factor * libm::pow(1.0 + tables.inflation, years)]
            })
        });
        Self { mortality: mortality.collect(), lapse: lapse.collect(), discount: discount.collect() }
    }

    /// Number of powers that [`Basis::new`] takes.
    pub fn n_powers(tables: &Tables) -> usize {
        tables.mortality.len() * N_DURATIONS + MAX_TERM as usize + tables.curve.len() * 12 * 2
    }

    /// Projects one policy that has been in force for so many months.
    pub fn project(&self, age: u8, term: u8, months_in_force: u32) -> PerPolicy {
        let first_year = (months_in_force / 12) as usize;
        let mut months = 12 - (months_in_force % 12) as usize;
        let mut discount = self.discount.as_slice();
        let mut alive = 1.0;
        let mut sums = PerPolicy::default();
        let ages = self.mortality.iter().skip(usize::from(age)).take(usize::from(term));
        for (year, (rates, lapse)) in ages.zip(&self.lapse).enumerate().skip(first_year) {
            let [.., last] = rates;
            let mortality = rates.get(year).unwrap_or(last);
            let stay = (1.0 - mortality) * (1.0 - lapse);
            let Some((now, later)) = discount.split_at_checked(months) else { break };
            let (mut in_force, mut inflated) = (0.0, 0.0);
            for [factor, with_inflation] in now {
                in_force += alive * factor;
                inflated += alive * with_inflation;
                alive *= stay;
            }
            sums.in_force += in_force;
            sums.inflated += inflated;
            sums.deaths += mortality * in_force;
            if year == 0 {
                sums.first_year = in_force;
            }
            (discount, months) = (later, 12);
        }
        sums
    }
}

/// Present values of what happens to one policy, as multiples of what it pays.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct PerPolicy {
    /// Of 1 a month while it is in force.
    pub in_force: f64,
    /// Of 1 a month, growing with inflation, while it is in force.
    pub inflated: f64,
    /// Of 1 a month in its first year, while it is in force.
    pub first_year: f64,
    /// Of 1 on death.
    pub deaths: f64,
}

impl PerPolicy {
    /// The monthly premium of a policy that is projected from its entry: the net premium and its loading, rounded to cents, half to
    /// even.
    pub fn premium(&self, sum_assured: f64, loading: f64) -> f64 {
        let premium = (1.0 + loading) * (sum_assured * self.deaths / self.in_force);
        (premium * 100.0).round_ties_even() / 100.0
    }

    /// Present values of a point's cash flows.
    pub fn cash_flows(&self, point: &Point, premium: f64, loadings: &Loadings) -> CashFlows {
        let acquisition = if point.months_in_force == 0 { loadings.acquisition } else { 0.0 };
        let expenses = acquisition + self.inflated * (loadings.maintenance / 12.0);
        CashFlows {
            premiums: point.policies * (premium * self.in_force),
            claims: point.policies * (point.sum_assured * self.deaths),
            expenses: point.policies * expenses,
            commissions: point.policies * (premium * self.first_year),
        }
    }
}

/// Present values of a point's cash flows; none is negative.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct CashFlows {
    /// Premiums.
    pub premiums: f64,
    /// Sums assured that are paid.
    pub claims: f64,
    /// Acquisition and maintenance.
    pub expenses: f64,
    /// All premiums of the first year.
    pub commissions: f64,
}
