use std::collections::BTreeMap;
use std::process::Command;

use proptest::prelude::*;
use serde_json::json;
use squall_core::data::NoData;
use squall_core::laws;
use squall_core::sources::Files;

use super::*;
use sample::{SampleRequest, sample};
use sums::Micros;

mod hostile;

fn request(n_points: u64, n_scenarios: u64, seed: u64) -> SampleRequest {
    SampleRequest { n_points, n_scenarios, seed }
}

/// The input of a sample's job, and its files.
fn job(request: &SampleRequest) -> (Input, Files) {
    let files = sample(request);
    let mut job: Value = serde_json::from_slice(&files["job.json"]).unwrap();
    (serde_json::from_value(job["input"].take()).unwrap(), files)
}

fn prepared(request: &SampleRequest) -> Prepared {
    let (input, files) = job(request);
    TermLife::prepare(input, &Given::files(files)).unwrap()
}

fn answer(prepared: &Prepared) -> Valued {
    TermLife::evaluate(prepared, &TermLife::whole(prepared), &mut NoData).unwrap()
}

#[test]
fn it_keeps_the_laws() {
    for (n_points, n_scenarios) in [(1, 0), (3, 1), (40, 20), (5_000, 2)] {
        let (input, files) = job(&request(n_points, n_scenarios, 7));
        laws::check::<TermLife>(input.clone(), &files, 7).unwrap();
        laws::check_failures::<TermLife>(input.clone(), &files).unwrap();
        laws::check_partials::<TermLife>(input, &files).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn any_book_keeps_the_laws(n_points in 1_u64..60, n_scenarios in 0_u64..20, seed: u64) {
        let (input, files) = job(&request(n_points, n_scenarios, seed));
        laws::check::<TermLife>(input.clone(), &files, seed).map_err(TestCaseError::fail)?;
        laws::check_partials::<TermLife>(input, &files).map_err(TestCaseError::fail)?;
    }
}

#[test]
fn large_slices_are_cut_by_points_and_narrow_ones_by_scenarios() {
    let cut = |n_points, n_scenarios, parts| {
        let prepared = prepared(&request(n_points, n_scenarios, 1));
        TermLife::divide(&prepared, &TermLife::whole(&prepared), NonZeroUsize::new(parts).unwrap())
    };
    assert!(cut(20_000, 0, 4).iter().all(|part| part.n_scenarios == 6));
    assert!(cut(100, 94, 10).iter().all(|part| (part.n_points, part.n_scenarios) == (100, 10)));
    assert_eq!(cut(3, 0, 1_000).len(), 18);
}

/// To the nanosecond that a division may leave out in each scenario.
#[test]
fn a_slice_weighs_what_is_computed_once_for_its_points_and_once_for_its_scenarios() {
    for n_drawn in [0, 94] {
        let prepared = prepared(&request(1, n_drawn, 1));
        let point = prepared.points.all[0];
        let n_scenarios = 6 + n_drawn;
        // 103 ages, 100 years of the curve.
        let basis_ns = (103 * 6 + 100 + 100 * 12 * 2) * POWER_NS;
        let premium_ns = u64::from(point.term) * 12 * MONTH_NS;
        let all_ns =
            n_scenarios * u64::from(point.months()) * MONTH_NS + premium_ns + (n_scenarios - 1) * basis_ns;
        let weight = TermLife::weight(&prepared, &TermLife::whole(&prepared));
        assert!((all_ns - n_scenarios..=all_ns).contains(&weight), "{weight} {all_ns}");
    }
}

/// A policy by hand: BasicTerm's formulas with one year, no mortality in it and no lapse.
#[test]
fn a_policy_that_nobody_dies_of_costs_its_expenses() {
    let files: Files = [
        ("points.csv", "id,age_at_entry,policy_term,policy_count,sum_assured\nA,30,1,2,1000\n"),
        ("mortality.csv", "age,0,1,2,3,4,5\n30,0,0,0,0,0,0\n"),
        ("curve.csv", "year,rate\n0,0\n"),
    ]
    .into_iter()
    .map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec()))
    .collect();
    let input = json!({ "points": "points.csv", "mortality": "mortality.csv", "curve": "curve.csv",
                        "assumptions": { "lapse": [0], "inflation": 0 } });
    let input: Input = serde_json::from_value(input).unwrap();
    let prepared = TermLife::prepare(input, &Given::files(files)).unwrap();
    let report = TermLife::report(&prepared, Some(&answer(&prepared)), &Coverage::default());
    let line = report.total;
    assert_eq!(
        (line.points, line.premiums, line.claims, line.commissions),
        (1, Micros(0), Micros(0), Micros(0))
    );
    assert_eq!(line.expenses, Micros(2 * 360 * 1_000_000));
    assert_eq!((line.net_cash_flow, line.reserve), (Micros(-720_000_000), Micros(720_000_000)));
}

/// The script has the same formulas to 40 digits, month by month. A point's figures are rounded to a millionth each.
#[test]
fn it_agrees_with_first_principles() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tests/term-life");
    let request = request(300, 3, 11);
    std::fs::create_dir_all(&folder).unwrap();
    for (name, bytes) in sample(&request) {
        std::fs::write(folder.join(name), bytes).unwrap();
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/first_principles.py");
    let Ok(output) = Command::new("python3").arg(script).arg(&folder).output() else {
        println!("skipped: there is no python3");
        return;
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let theirs = String::from_utf8(output.stdout).unwrap();

    let prepared = prepared(&request);
    let mut rows = Vec::new();
    TermLife::write_rows(&prepared, Some(&answer(&prepared)), &mut rows).unwrap();
    let rows = String::from_utf8(rows).unwrap();
    let keyed = |text: &str, skip: usize| -> BTreeMap<String, Vec<f64>> {
        let lines = text.lines().skip(1).map(|line| line.split(',').collect::<Vec<_>>());
        let numbers = |fields: &[&str]| fields.iter().map(|field| field.parse().unwrap()).collect();
        lines.map(|fields| (fields[..2].join(","), numbers(&fields[skip..]))).collect()
    };
    let (ours, theirs) = (keyed(&rows, 3), keyed(&theirs, 2));
    // The base, five stresses and three draws, of which the script knows none.
    assert_eq!((ours.len(), theirs.len()), (9 * 3, 6 * 3));
    let mut worst: f64 = 0.0;
    for (key, theirs) in &theirs {
        for (ours, theirs) in ours[key].iter().zip(theirs) {
            worst = worst.max((ours - theirs).abs() / theirs.abs().max(1.0));
        }
    }
    println!("largest relative difference: {worst:e}");
    assert!(worst < 1e-10, "{worst:e}");
}

#[test]
fn premiums_are_rounded_to_cents_half_to_even() {
    let policy = |deaths: f64| projection::PerPolicy { in_force: 1.0, deaths, ..Default::default() };
    assert_eq!(policy(0.125).premium(1.0, 0.0), 0.12);
    assert_eq!(policy(0.375).premium(1.0, 0.0), 0.38);
    assert_eq!(policy(0.01).premium(100.0, 0.5), 1.5);
}

#[test]
fn scenarios_are_drawn_alike_wherever_and_have_the_asked_spread() {
    let draw: Draw = serde_json::from_value(json!({ "count": 9, "seed": 4 })).unwrap();
    assert_eq!(draw.scenario(5), draw.scenario(5));
    assert_ne!(draw.scenario(5).shift, draw.scenario(6).shift);
    let normals: Vec<f64> = (0..100_000).map(|number| scenarios::normal(4, number)).collect();
    let mean = normals.iter().sum::<f64>() / 1e5;
    let variance = normals.iter().map(|it| (it - mean).powi(2)).sum::<f64>() / 1e5;
    assert!(mean.abs() < 0.02 && (variance - 1.0).abs() < 0.03, "{mean} {variance}");
    let twisted = Scenario { twist: 0.01, ..Scenario::base() };
    assert_eq!([0, 10, 20, 90].map(|year| twisted.shift_of(year)), [-0.01, 0.0, 0.01, 0.01]);
}

#[test]
fn reports_are_for_people_and_for_programs() {
    let prepared = prepared(&request(50, 20, 3));
    let whole = answer(&prepared);
    let report = TermLife::report(&prepared, Some(&whole), &Coverage::default());
    expect_test::expect![[r#"
        Present values of 50 model points
        product  points     premiums       claims   expenses  commissions  net cash flow     reserve
        term-20      15   64,730,208   67,534,522    521,463    1,600,260     -4,926,037   9,858,152
        term-10      17   21,644,706   19,322,965    409,320    1,403,866        508,556   1,344,750
        term-15      18   42,825,263   35,810,391    540,965    3,318,153      3,155,753   3,250,700
        all          50  129,200,177  122,667,877  1,471,748    6,322,279     -1,261,728  14,453,602

        25 of 25 scenarios besides the base
                             mean          1 %      median        99 %        worst  in scenario
        net cash flow     285,858  -56,448,565    -912,812  26,450,049  -56,448,565     pandemic
        reserve        14,096,027    1,251,229  13,561,495  56,448,565   56,448,565     pandemic
    "#]]
    .assert_eq(&report.to_string());
    assert!(report.to_string().lines().all(|line| line.len() <= 100));
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["scenarios"]["valued"], 25);
    assert_eq!(json["products"].as_array().unwrap().len(), 3);
    // A scenario counts only with all of its points.
    let some = Rectangle { n_points: 49, ..TermLife::whole(&prepared) };
    let some = TermLife::evaluate(&prepared, &some, &mut NoData).unwrap();
    let so_far = TermLife::report(&prepared, Some(&some), &Coverage::default());
    assert_eq!((so_far.total.points, so_far.scenarios.unwrap().valued), (49, 0));
    let none = TermLife::report(&prepared, None, &Coverage::default());
    assert_eq!((none.total.points, none.points), (0, 50));
    assert_eq!(TermLife::headline(&prepared, &some), None);
    assert!(TermLife::headline(&prepared, &whole).unwrap().starts_with("reserve "));
}

#[test]
fn memory_is_told_by_points_and_by_sums() {
    let prepared = prepared(&request(1_000, 20, 3));
    let bytes = TermLife::prepared_bytes(&prepared);
    assert!((100_000..250_000).contains(&bytes), "{bytes}");
    let whole = TermLife::whole(&prepared);
    // The base, five stresses, twenty draws; three products.
    assert_eq!(TermLife::value_bytes(&prepared, &whole), 26 * 4 * BYTES_OF_SUMS);
    assert!(size_of::<Point>() + size_of::<u64>() <= usize::try_from(BYTES_OF_A_POINT).unwrap());
}

#[test]
fn what_no_worker_can_have_computed_is_refused() {
    let prepared = prepared(&request(20, 0, 3));
    let whole = TermLife::whole(&prepared);
    let check = |valued: &Valued| TermLife::check_partial(&prepared, &whole, valued, &[]);
    let good = answer(&prepared);
    assert_eq!(check(&good), Ok(()));
    let mut with_other_sums = good.clone();
    with_other_sums.0.get_mut(&0).unwrap()[0].claims = -1;
    assert!(check(&with_other_sums).is_err());
    let mut more_products = good.clone();
    more_products.0.get_mut(&0).unwrap().push(Sums::default());
    assert!(check(&more_products).is_err());
    let mut more_scenarios = good.clone();
    more_scenarios.0.insert(99, vec![Sums::default(); 3]);
    assert!(check(&more_scenarios).is_err());
    let outside = Rectangle { first_point: u32::MAX, ..whole };
    assert!(TermLife::evaluate(&prepared, &outside, &mut NoData).is_err());
    // And what is merged all the same must not stop a collector.
    let mut most = good.clone();
    most.0.get_mut(&0).unwrap()[0].claims = i128::MAX;
    let twice = most.clone();
    TermLife::merge(&mut most, twice);
    assert_eq!(most.of(0).unwrap()[0].claims, i128::MAX);
    let report = TermLife::report(&prepared, Some(&most), &Coverage::default());
    assert!(report.total.net_cash_flow < Micros(0));
}
