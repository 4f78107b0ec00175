//! Inputs and sums that were altered at random: each is refused in words that are fit to be shown, or has an answer that does not depend
//! on the cut and in which every number is one. `PROPTEST_CASES` sets how many are tried.

use proptest::sample::Index;
use squall_core::job::Job;
use squall_core::visible::visible;
use squall_core::wire::{FailedPiece, decode, encode};

use super::*;

/// What may stand in any place of a job: what terminals obey, what is not seen, what is long, what nearly is a number, a date, a name.
const TEXTS: [&str; 34] = [
    "",
    " ",
    "\u{1b}[31mred\u{1b}[0m",
    "a\u{202E}b",
    "\u{200B}",
    "\u{9b}2J",
    "a\nb",
    "a\r",
    "\0",
    "\u{FEFF}",
    "\"",
    "'",
    "=1+1",
    "NaN",
    "inf",
    "-inf",
    "1e999",
    "1e308",
    "-1e308",
    "5e-324",
    "-0",
    "99999999999999999999999999999999999999999",
    "1,5",
    "2026-02-30",
    "9999-12-31",
    "0001-01-01",
    "200Y",
    "0D",
    "USD",
    "EURUSD",
    "spot:ACME",
    "rate:USD",
    "call",
    "\u{3164}",
];
const NUMBERS: [f64; 14] =
    [0.0, -0.0, -1.0, 1.0, 2.0, 1e308, -1e308, 5e-324, 1e15, 1e16, 0.1, 1e-300, 1_000_000.0, 4_294_967_296.0];
/// Longer than any message may quote.
const LONG: usize = 5_000;
/// Heavier inputs are prepared, not worked on.
const MOST_WEIGHT: u64 = 4_000_000;

/// A change of a JSON value: the place, what is done there, and with what.
type Change = (Index, u8, Index, Index);

fn any_changes() -> impl Strategy<Value = Vec<Change>> {
    prop::collection::vec(any::<Change>(), 1..4)
}

fn text(which: Index) -> String {
    match which.index(TEXTS.len() + 1) {
        0 => "x".repeat(LONG),
        n => TEXTS[n - 1].to_owned(),
    }
}

/// The paths of all values.
fn pointers(value: &Value, at: &str, all: &mut Vec<String>) {
    all.push(at.to_owned());
    match value {
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(n, item)| pointers(item, &format!("{at}/{n}"), all));
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                pointers(field, &format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")), all);
            }
        }
        _ => {}
    }
}

/// A cell, a line or a separator of a table is another.
fn altered_table(csv: &str, (what, place, with): (u8, Index, Index)) -> String {
    let mut lines: Vec<String> = csv.lines().map(str::to_owned).collect();
    let line = place.index(lines.len());
    match what % 4 {
        0 => drop(lines.remove(line)),
        1 => lines.insert(line, lines[line].clone()),
        2 => lines[line] = lines[line].replace(',', ";"),
        _ => {
            let mut cells: Vec<String> = lines[line].split(',').map(str::to_owned).collect();
            let cell = with.index(cells.len());
            cells[cell] = text(place);
            lines[line] = cells.join(",");
        }
    }
    lines.join("\n")
}

fn alter(input: &mut Value, (place, what, which, with): Change) {
    let mut all = Vec::new();
    pointers(input, "", &mut all);
    let pointer = &all[place.index(all.len())];
    let Some(at) = input.pointer_mut(pointer) else { return };
    match (what % 8, &mut *at) {
        (0, _) => *at = Value::Null,
        (1, Value::Array(items)) if !items.is_empty() => drop(items.remove(which.index(items.len()))),
        (1, Value::Object(fields)) if !fields.is_empty() => {
            let name = fields.keys().nth(which.index(fields.len())).unwrap().clone();
            let value = fields.remove(&name).unwrap();
            if what > 127 {
                fields.insert(text(with), value);
            }
        }
        (2, Value::Array(items)) if !items.is_empty() => items.push(items[which.index(items.len())].clone()),
        (2, _) => *at = json!([]),
        (3, Value::String(csv)) if csv.contains('\n') => *csv = altered_table(csv, (what, which, with)),
        (3 | 4, _) => *at = Value::from(text(which)),
        _ => {
            let number = NUMBERS[which.index(NUMBERS.len())];
            #[expect(clippy::cast_possible_truncation, reason = "a whole number, to be written as one")]
            let whole = number as i64;
            *at = if number.fract() == 0.0 && number.abs() < 1e16 { json!(whole) } else { json!(number) };
        }
    }
}

/// Inputs with every kind of contract and of scenarios.
fn sound(which: usize) -> Value {
    let scenarios = [
        json!({"type": "explicit", "csv": "scenario,spot:ACME,vol:ACME,rate:USD\na,0.1,0.01,0.001\nb,-0.5,0,0\n"}),
        json!({"type": "historical", "horizon_days": 2, "missing": "skip_row",
               "csv": "date,spot:ACME,rate:USD\n2026-01-05,100,0.03\n2026-01-06,101,0.031\n2026-01-07,NA,0.03\n2026-01-08,99,0.029\n"}),
        serde_json::from_str(&PATHS.replace("150", "6")).unwrap(),
        json!({"type": "monte_carlo", "paths": 5, "horizon_days": 1, "seed": 1, "distribution": "student_t", "degrees_of_freedom": 4,
               "history": {"csv": "date,spot:ACME,rate:USD\n2026-01-05,100,0.03\n2026-01-06,101,0.031\n2026-01-07,102,0.03\n2026-01-08,99,0.029\n"}}),
        json!({"type": "grid", "axes": [{"factors": ["spot:ACME"], "shocks": [-0.1, 0, 0.1]}, {"factors": ["vol:ACME"], "shocks": [0, 0.05]}]}),
    ];
    json!({"workload": "portfolio", "input": {
        "positions": {"csv": manual_csv()},
        "market": serde_json::from_str::<Value>(&manual_market_json()).unwrap(),
        "asian": {"paths": 8, "seed": 3},
        "age": if which.is_multiple_of(2) { json!(30) } else { json!(false) },
        "expired": "skip",
        "scenarios": scenarios[which / 2 % scenarios.len()],
        "report": {"greeks": true, "positions": true, "worst": 3, "levels": [0.95]},
    }})
}

fn prepare(message: &[u8]) -> Result<Prepared, InputError> {
    let job = Job::from_message(message)?;
    let input = squall_core::job::from_json(squall_core::job::Place("input"), job.input_json.as_bytes())?;
    PortfolioRisk::prepare(input, &Given { room_bytes: Some(100_000_000), ..Given::default() })
}

/// Nothing that a terminal obeys, and not much of the input.
fn check_message(told: &str) -> Result<(), TestCaseError> {
    prop_assert!(told.chars().count() <= 2_000, "{} characters: {told}", told.chars().count());
    prop_assert_eq!(&*visible(told), told);
    prop_assert!(!told.contains(&"x".repeat(61)), "{told}");
    Ok(())
}

fn check_report(
    prepared: &Prepared,
    partial: Option<&Partial>,
    may_have_nan: bool,
) -> Result<(), TestCaseError> {
    let report = PortfolioRisk::report(prepared, partial, &Coverage { weight_done: 1, weight_total: 1 });
    let (text, json) = (report.to_string(), serde_json::to_string(&report).unwrap());
    prop_assert_eq!(&*visible(&text), &text);
    let is_number = |word: &str| !["NaN", "inf", "-inf"].contains(&word);
    prop_assert!(may_have_nan || text.split_whitespace().all(is_number), "{text}");
    prop_assert!(may_have_nan || !json.contains(":null,\"standard_error\""), "{json}");
    let mut rows = Vec::new();
    PortfolioRisk::write_rows(prepared, partial, &mut rows).unwrap();
    Ok(())
}

/// Refused well, or answered well.
fn check_job(message: &[u8]) -> Result<(), TestCaseError> {
    let prepared = match prepare(message) {
        Ok(prepared) => prepared,
        Err(error) => return check_message(&error.to_string()),
    };
    let whole = PortfolioRisk::whole(&prepared);
    if PortfolioRisk::weight(&prepared, &whole) > MOST_WEIGHT {
        return Ok(());
    }
    let failed = |error: EvaluateError| TestCaseError::fail(error.to_string());
    let partial = PortfolioRisk::evaluate(&prepared, &whole, &mut NoData).map_err(failed)?;
    let mut sum = Partial::default();
    for slice in PortfolioRisk::divide(&prepared, &whole, NonZeroUsize::new(7).unwrap()) {
        let part = PortfolioRisk::evaluate(&prepared, &slice, &mut NoData).map_err(failed)?;
        PortfolioRisk::check_partial(&prepared, &slice, &part, &[]).map_err(TestCaseError::fail)?;
        sum.merge(part);
    }
    prop_assert_eq!(encode(&sum), encode(&partial), "another cut, another answer");
    let message = String::from_utf8_lossy(message);
    check_report(&prepared, Some(&partial), message.contains("NaN") || message.contains("inf"))
}

#[test]
fn what_is_altered_was_sound() {
    for n in 0..10 {
        let message = sound(n).to_string();
        let prepared = prepare(message.as_bytes()).unwrap();
        let weight = PortfolioRisk::weight(&prepared, &PortfolioRisk::whole(&prepared));
        assert!(weight <= MOST_WEIGHT, "{weight}: {message}");
        check_job(message.as_bytes()).unwrap();
    }
}

proptest! {
    #[test]
    fn an_altered_job_is_refused_well_or_answered_well(which in 0_usize..10, changes in any_changes()) {
        let mut job = sound(which);
        changes.into_iter().for_each(|change| alter(&mut job, change));
        check_job(job.to_string().as_bytes())?;
    }

    #[test]
    fn altered_bytes_are_refused_well_or_answered_well(
        which in 0_usize..10,
        bytes in prop::collection::vec((any::<Index>(), any::<u8>()), 1..4),
    ) {
        let mut message = sound(which).to_string().into_bytes();
        for (place, byte) in bytes {
            let place = place.index(message.len());
            message[place] = byte;
        }
        check_job(&message)?;
    }

    #[test]
    fn altered_sums_are_refused_or_do_no_harm(
        bytes in prop::collection::vec((any::<Index>(), any::<u8>()), 1..5),
        parts in 2_usize..9,
        which: Index,
    ) {
        let prepared = prepared(&europeans(6), &PATHS.replace("150", "20"), GREEKS_AND_POSITIONS);
        let whole = PortfolioRisk::whole(&prepared);
        let cut = PortfolioRisk::divide(&prepared, &whole, NonZeroUsize::new(parts).unwrap());
        let lying = which.index(cut.len());
        let evaluate = |slice| PortfolioRisk::evaluate(&prepared, slice, &mut NoData).unwrap();
        let mut altered = encode(&evaluate(&cut[lying]));
        for (place, byte) in bytes {
            let place = place.index(altered.len());
            altered[place] = byte;
        }
        let Ok(altered) = decode::<Partial>("partial", &altered) else { return Ok(()) };
        let passes = PortfolioRisk::check_partial(&prepared, &cut[lying], &altered, &[]).is_ok();
        let mut sum = altered.clone();
        cut.iter().enumerate().filter(|(idx, _)| *idx != lying).for_each(|(_, slice)| sum.merge(evaluate(slice)));
        // Even where nobody looked.
        check_report(&prepared, Some(&sum), true)?;
        if passes {
            // Wrong in its own slice at most: everything else is as it was.
            PortfolioRisk::check_partial(&prepared, &whole, &sum, &[]).map_err(TestCaseError::fail)?;
            let honest = evaluate(&whole);
            for column in whole.columns().filter(|column| !cut[lying].columns().contains(column)) {
                prop_assert_eq!(sum.total(column, 1), honest.total(column, 1));
            }
        }
    }

    /// As a consumer takes them: what is wrong is refused before it is merged, and nothing panics on it.
    #[test]
    fn altered_replies_are_refused_without_a_panic(
        bytes in prop::collection::vec((any::<Index>(), any::<u8>()), 0..4),
        failed in prop::collection::vec((any::<[u32; 4]>(), any::<Index>(), any::<u64>()), 0..3),
        parts in 2_usize..9,
    ) {
        let registry = Registry::default().with::<PortfolioRisk>();
        let bundle = squall_core::bundle::Bundle {
            workload: "portfolio".to_owned(),
            input_json: format!(
                r#"{{"positions": {{"csv": {}}}, "market": {}, "scenarios": {}, "report": {GREEKS_AND_POSITIONS}}}"#,
                Value::from(europeans(4)),
                manual_market_json(),
                PATHS.replace("150", "20"),
            ),
            given: Given::default(),
        };
        let erased = registry.get("portfolio").unwrap().prepare(&bundle).unwrap();
        let cut = erased.divide(&erased.whole().slice, NonZeroUsize::new(parts).unwrap()).unwrap();
        let mut altered = erased.evaluate(&cut[0].slice, &mut NoData).unwrap().partial;
        for (place, byte) in bytes {
            let place = place.index(altered.len());
            altered[place] = byte;
        }
        // Parts of this slice, of another, and of none.
        let failed: Vec<FailedPiece> = failed
            .into_iter()
            .map(|([a, b, c, d], which, weight)| FailedPiece {
                slice: match which.index(3) {
                    0 => encode(&(a, b, c, d)),
                    1 => encode(&(a % 5, b % 5, c % 50, d % 50)),
                    _ => cut[which.index(cut.len())].slice.clone(),
                },
                weight,
                reason: String::new(),
            })
            .collect();
        let mut replies = erased.replies();
        let added = replies.add(&cut[0], &altered, &failed);
        if let Err(error) = &added {
            prop_assert!(!error.to_string().contains("panicked"), "{error}");
        }
        let sum = replies.finish();
        prop_assert_eq!(added.is_ok(), sum.is_some());
        erased.report(sum.as_deref(), &Coverage { weight_done: 1, weight_total: 2 }).unwrap();
    }
}
