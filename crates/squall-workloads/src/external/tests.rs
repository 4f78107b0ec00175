use std::borrow::Cow;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::json;
use squall_core::data::{MemorySource, NoData};
use squall_core::laws;
use squall_core::sources::Files;

use super::workers::{Answered, Failed, Fault, Worker};
use super::*;

mod asked;
mod audited;
mod declared;
mod hostile;
mod refused;

/// Stub programs: a function from an item to its value, and what goes wrong with a worker.
struct Stub<F> {
    value: F,
    n_started: AtomicU32,
    /// The sizes of the requests, in order.
    requests: Mutex<Vec<usize>>,
}

/// What a stub says to an item: a value as JSON text, the item's own failure, or the worker's end.
enum Say {
    Value(String),
    Error(&'static str),
    End(Fault),
}

impl<F: Fn(u32, &str) -> Say + Send + Sync> Stub<F> {
    fn new(value: F) -> Self {
        Self { value, n_started: AtomicU32::new(0), requests: Mutex::new(Vec::new()) }
    }
}

struct StubWorker<'a, F> {
    stub: &'a Stub<F>,
    number: u32,
    name: String,
}

impl<F: Fn(u32, &str) -> Say + Send + Sync> Workers for Stub<F> {
    fn take(&self, _: &WorkerRef, _: &RawValue, not: &[String]) -> Result<Box<dyn Worker + '_>, Failed> {
        let number = 1 + self.n_started.fetch_add(1, Ordering::Relaxed);
        let name = format!("worker {number}");
        assert!(!not.contains(&name));
        Ok(Box::new(StubWorker { stub: self, number, name }))
    }
}

impl<F: Fn(u32, &str) -> Say + Send + Sync> Worker for StubWorker<'_, F> {
    fn name(&self) -> &str {
        &self.name
    }

    fn ask(&mut self, items: &[Cow<'_, str>]) -> Result<Answered, Failed> {
        self.stub.requests.lock().unwrap().push(items.len());
        let mut values = Vec::new();
        for item in items {
            values.push(match (self.stub.value)(self.number, item) {
                Say::Value(value) => Ok(RawValue::from_string(value).unwrap()),
                Say::Error(reason) => Err(reason.to_owned()),
                Say::End(fault) => return Err(Failed { fault, reason: format!("at {item}") }),
            });
        }
        Ok(Answered { values, took_us: 10 })
    }
}

fn input(json: &Value) -> Input {
    serde_json::from_value(json.clone()).unwrap()
}

fn prepared(json: &Value) -> Prepared {
    External::prepare(input(json), &Given::default()).unwrap()
}

/// An item of a number gives its square as a float, and some text.
fn square(item: &str) -> String {
    let number: f64 = item.parse().unwrap();
    format!("{{\"square\":{},\"text\":\"{item}\",\"tenth\":{:?}}}", number * number, number / 10.0)
}

const MERGES: &str =
    r#"{"fields": {"square": {"type": "mean"}, "tenth": "sum", "text": {"type": "concat"}}}"#;

fn job(items: &Value) -> Value {
    let merge: Value = serde_json::from_str(MERGES).unwrap();
    json!({ "items": items, "worker": "squares", "merge": merge, "item_ms": 1 })
}

#[test]
fn the_laws_hold_for_items_of_every_form() {
    let stub = Stub::new(|_, item: &str| Say::Value(square(item)));
    let by = |prepared: &Prepared, slice: &Slice, data: &mut dyn Data| {
        evaluate(prepared, slice, data, &stub).map(|evaluated| evaluated.partial)
    };
    let mut files = Files::new();
    files.insert("items.jsonl".to_owned(), b"1\n\n 2.5 \r\n3e3\n-7\n0.1\n".to_vec());
    for items in [
        json!({ "range": [-40, 61] }),
        json!({ "list": [1, 2.25, -3, 1e10, 0.1, 7, 8] }),
        json!({ "json_lines": "items.jsonl" }),
    ] {
        for seed in 0..3 {
            let given = Given::files(files.clone());
            laws::check_by::<External>(input(&job(&items)), &given, &MemorySource::default(), seed, &by)
                .unwrap();
        }
        let given = Given::files(files.clone());
        laws::check_partials_by::<External>(input(&job(&items)), &given, &MemorySource::default(), &by)
            .unwrap();
    }
}

#[test]
fn the_laws_hold_for_objects() {
    let stub = Stub::new(|_, item: &str| {
        let item: Value = serde_json::from_str(item).unwrap();
        let text = item["text"].as_str().unwrap();
        Say::Value(json!({ "square": text.len(), "tenth": 0.1, "text": item["location"] }).to_string())
    });
    let by = |prepared: &Prepared, slice: &Slice, data: &mut dyn Data| {
        evaluate(prepared, slice, data, &stub).map(|evaluated| evaluated.partial)
    };
    let objects: [(&str, &[u8]); 6] =
        [("a", b"12345"), ("b", b""), ("c", b"1"), ("d", b"\xC3\xA9"), ("e", b"1234567890"), ("f", b"")];
    let data = MemorySource::of("folder", &objects);
    for share in [0.0, 0.5, 1.0] {
        let mut job = job(&json!({ "objects": "folder", "content": "text" }));
        job["audit"] = json!({ "share": share });
        for seed in 0..3 {
            laws::check_by::<External>(input(&job), &data.given(), &data, seed, &by).unwrap();
        }
        laws::check_partials_by::<External>(input(&job), &data.given(), &data, &by).unwrap();
    }
}

#[test]
fn empty_objects_are_no_items_and_are_counted() {
    let stub = Stub::new(|_, _: &str| Say::Value("1".to_owned()));
    let of = |objects: &[(&str, &[u8])]| {
        let data = MemorySource::of("folder", objects);
        let job = json!({ "items": { "objects": "folder" }, "worker": "w", "merge": "sum" });
        let prepared = External::prepare(input(&job), &data.given());
        (prepared, data)
    };
    let (prepared, data) = of(&[("a", b""), ("b", b"x"), ("c", b"")]);
    let prepared = prepared.unwrap();
    let whole = External::whole(&prepared);
    let evaluated =
        evaluate(&prepared, &whole, &mut data.data(External::reads(&prepared, &whole)), &stub).unwrap();
    let weight = External::weight(&prepared, &whole);
    let coverage = Coverage { weight_done: weight, weight_total: weight };
    let report = External::report(&prepared, Some(&evaluated.partial), &coverage);
    assert_eq!((report.items, report.items_done, report.empty_objects), (3, 1, Some(2)));
    assert!(report.to_string().contains("\nempty objects, which have no value: 2\n"), "{report}");
    let (none, _) = of(&[("a", b""), ("b", b"")]);
    assert_eq!(none.err().unwrap().to_string(), "input.items: all 2 objects below `folder` are empty");
}

/// What is beside a failing object, empty or not, is neither lost nor counted twice when the failed part is sent again.
#[test]
fn a_failing_object_takes_no_other_with_it_and_is_sent_again_alone() {
    let objects: [(&str, &[u8]); 9] = [
        ("a", b"12345"),
        ("b", b""),
        ("c", b"FAILS"),
        ("d", b""),
        ("e", b"\xFF\xFE\xFD"),
        ("f", b"1"),
        ("g", b"ENDS"),
        ("h", b"22"),
        ("i", b""),
    ];
    let data = MemorySource::of("folder", &objects);
    for batch in [1, 2, 100] {
        let job = json!({ "items": { "objects": "folder", "content": "text" }, "worker": "w", "merge": "concat",
                          "batch": { "items": batch }, "audit": { "share": 1 } });
        let prepared = External::prepare(input(&job), &data.given()).unwrap();
        let mut left = vec![External::whole(&prepared)];
        for is_mended in [false, true] {
            let stub = Stub::new(move |_, item: &str| match item {
                _ if is_mended => Say::Value("1".to_owned()),
                item if item.contains("FAILS") => Say::Error("no"),
                item if item.contains("ENDS") => Say::End(Fault::Exited),
                _ => Say::Value("0".to_owned()),
            });
            let mut found = Vec::new();
            let mut failed = Vec::new();
            for slice in left {
                let mut data = data.data(External::reads(&prepared, &slice));
                let Ok(evaluated) = evaluate(&prepared, &slice, &mut data, &stub) else { continue };
                let parts: Vec<_> = evaluated.failed.iter().map(|(part, _)| *part).collect();
                External::check_partial(&prepared, &slice, &evaluated.partial, &parts).unwrap();
                let names = evaluated.partial.merged.values().map(|(id, _)| id.name.clone());
                found.extend(names);
                failed.extend(parts);
            }
            let expected: &[&str] = if is_mended { &["c", "g"] } else { &["a", "f", "h"] };
            assert_eq!(found, expected, "{batch}");
            failed.sort_by_key(|part| part.from);
            left = failed;
        }
    }
}
