use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::*;
use crate::data::NoData;
use crate::sources::{Files, Given};
use crate::wire::encode;

/// Adds up numbers: the smallest workload there is.
struct Sum;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    numbers: Vec<u32>,
    file: Option<String>,
}

#[derive(Debug, Serialize)]
struct Report {
    sum: u64,
    of: u64,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} so far", self.sum)
    }
}

impl Workload for Sum {
    const NAME: &'static str = "sum";
    const VERSION: u32 = 3;
    const READS_SINCE: u32 = 2;
    const ABOUT: &'static str = "Adds up numbers.";
    type Input = Input;
    type Prepared = Vec<u32>;
    type Slice = (u32, u32);
    type Partial = u64;
    type Report = Report;

    fn input_schema() -> Value {
        json!({ "type": "object" })
    }

    fn sources(input: &Input) -> Vec<Source> {
        input.file.clone().map(Source::File).into_iter().collect()
    }

    fn prepare(input: Input, given: &Given) -> Result<Vec<u32>, InputError> {
        let more = given.files.values().flatten().map(|&byte| u32::from(byte));
        Ok(input.numbers.into_iter().chain(more).collect())
    }

    fn whole(numbers: &Vec<u32>) -> (u32, u32) {
        (0, u32::try_from(numbers.len()).unwrap())
    }

    fn weight(_: &Vec<u32>, (first, end): &(u32, u32)) -> Weight {
        u64::from(end - first)
    }

    fn divide(_: &Vec<u32>, &(first, end): &(u32, u32), parts: NonZeroUsize) -> Vec<(u32, u32)> {
        let each = (end - first).div_ceil(u32::try_from(parts.get()).unwrap()).max(1);
        (first..end).step_by(each as usize).map(|at| (at, (at + each).min(end))).collect()
    }

    fn evaluate(
        numbers: &Vec<u32>,
        &(first, end): &(u32, u32),
        _: &mut dyn Data,
    ) -> Result<u64, EvaluateError> {
        let numbers = numbers.get(first as usize..end as usize);
        let numbers = numbers.ok_or_else(|| EvaluateError("no such numbers".to_owned()))?;
        Ok(numbers.iter().copied().map(u64::from).sum())
    }

    fn merge(into: &mut u64, other: u64) {
        *into += other;
    }

    fn report(_: &Vec<u32>, partial: Option<&u64>, coverage: &Coverage) -> Report {
        Report { sum: partial.copied().unwrap_or_default(), of: coverage.weight_total }
    }

    fn units(numbers: &Vec<u32>) -> (u64, &'static str) {
        (numbers.len() as u64, "numbers")
    }
}

fn prepared() -> Arc<dyn AnyPrepared> {
    let bundle = Bundle {
        workload: "sum".to_owned(),
        input_json: r#"{"numbers": [1, 2, 3, 4]}"#.to_owned(),
        given: Given::files(Files::from([("more".to_owned(), vec![5])])),
    };
    Registry::default().with::<Sum>().get("sum").unwrap().prepare(&bundle).unwrap()
}

#[test]
fn the_error_for_an_unknown_workload_lists_the_known_ones() {
    let registry = Registry::default().with::<Sum>();
    let error = registry.get("product").err().unwrap();
    assert_eq!(error.to_string(), "workload: `product` is not a workload here; expected one of `sum`");
    assert_eq!(registry.iter().map(|it| it.about()).collect::<Vec<_>>(), ["Adds up numbers."]);
}

#[test]
fn inputs_are_refused_by_their_path() {
    let registry = Registry::default().with::<Sum>();
    let error = registry.get("sum").unwrap().sources(r#"{"numbers": [1, "2"]}"#).unwrap_err();
    assert_eq!(error.to_string(), r#"input.numbers[1]: invalid type: string "2", expected a whole number"#);
    let sources = registry.get("sum").unwrap().sources(r#"{"numbers": [], "file": "more"}"#);
    assert_eq!(sources, Ok(vec![Source::File("more".to_owned())]));
}

#[test]
fn erased_pieces_evaluate_and_merge_to_the_whole() {
    let prepared = prepared();
    let whole = prepared.whole();
    assert_eq!(whole.weight, 5);
    let pieces = prepared.divide(&whole.slice, NonZeroUsize::new(2).unwrap()).unwrap();
    assert_eq!(pieces.iter().map(|piece| piece.weight).collect::<Vec<_>>(), [3, 2]);
    let mut merger = Registry::default().with::<Sum>().get("sum").unwrap().merger();
    for piece in pieces.iter().rev() {
        merger.add(&prepared.evaluate(&piece.slice, &mut NoData).unwrap().partial).unwrap();
    }
    assert_eq!(merger.finish(), Some(prepared.evaluate(&whole.slice, &mut NoData).unwrap().partial));
}

#[test]
fn rubbish_is_refused_and_leaves_the_sum_alone() {
    let prepared = prepared();
    assert!(prepared.divide(&[0xff], NonZeroUsize::MIN).is_err());
    let error = prepared.evaluate(&[0xff], &mut NoData).unwrap_err().to_string();
    assert!(error.starts_with("cannot decode slice: "), "{error}");
    assert_eq!(
        prepared.evaluate(&encode(&(0_u32, 9_u32)), &mut NoData).unwrap_err().to_string(),
        "no such numbers"
    );

    let mut merger = Registry::default().with::<Sum>().get("sum").unwrap().merger();
    merger.add(&encode(&7_u64)).unwrap();
    assert!(merger.add(&[0xff]).is_err());
    assert!(merger.add(&[]).is_err());
    assert_eq!(merger.finish(), Some(encode(&7_u64)));
    assert_eq!(Registry::default().with::<Sum>().get("sum").unwrap().merger().finish(), None);
}

#[test]
fn a_report_is_rendered_for_people_and_for_programs() {
    let coverage = Coverage { weight_done: 2, weight_total: 5 };
    let rendered = prepared().report(Some(&encode(&3_u64)), &coverage).unwrap();
    assert_eq!((rendered.text.as_str(), rendered.json), ("3 so far", json!({ "sum": 3, "of": 5 })));
    assert_eq!(prepared().report(None, &coverage).unwrap().text, "0 so far");
    assert!(prepared().report(Some(&[0xff]), &coverage).is_err());
    assert_eq!(prepared().headline(&encode(&3_u64)), Ok(None));
    assert_eq!(prepared().units(), (5, "numbers"));
}

#[test]
fn other_code_is_refused_by_name() {
    let registry = Registry::default().with::<Sum>().built_as("0.2.0 (abc)");
    let made = |workload, build: &str| CodeVersion { workload, build: build.to_owned() };
    assert_eq!(registry.code_of("sum"), Ok(made(3, "0.2.0 (abc)")));
    assert_eq!(registry.get_with_code("sum").unwrap().1, made(3, "0.2.0 (abc)").id());
    assert!(registry.same_code("sum", &made(3, "0.2.0 (abc)")).is_ok());
    let error = registry.same_code("sum", &made(3, "0.2.0 (def)")).err().unwrap().to_string();
    let here = "this is sum version 3 of build 0.2.0 (abc)";
    assert_eq!(error, format!("the job was made by sum version 3 of build 0.2.0 (def); {here}"));
    // Cutting requires only the same version.
    assert!(registry.same_version("sum", &made(3, "0.2.0 (def)")).is_ok());
    let error = registry.same_version("sum", &made(2, "0.2.0 (abc)")).err().unwrap().to_string();
    assert_eq!(error, format!("the job was made by sum version 2 of build 0.2.0 (abc); {here}"));
    assert!(matches!(registry.same_code("product", &made(1, "")).err().unwrap(), CodeError::Unknown(_)));
}

#[test]
fn the_smallest_workload_keeps_the_laws() {
    for n in [1, 2, 100] {
        let input = Input { numbers: (0..n).collect(), file: None };
        crate::laws::check::<Sum>(input, &Files::new(), u64::from(n)).unwrap();
    }
}

/// Whoever only reads an answer may be of a later version; whoever cuts or merges may not.
#[test]
fn answers_of_some_earlier_versions_are_read() {
    let registry = Registry::default().with::<Sum>().built_as("this");
    let made = |workload| CodeVersion { workload, build: "another".to_owned() };
    let read: Vec<_> = (1..=4).filter(|version| registry.reading("sum", &made(*version)).is_ok()).collect();
    assert_eq!(read, [2, 3]);
    let cut: Vec<_> =
        (1..=4).filter(|version| registry.same_version("sum", &made(*version)).is_ok()).collect();
    assert_eq!(cut, [3]);
    assert_eq!(
        registry.reading("sum", &made(1)).err().unwrap().to_string(),
        "the job was made by sum version 1 of build another; this is sum version 3 of build this"
    );
}
