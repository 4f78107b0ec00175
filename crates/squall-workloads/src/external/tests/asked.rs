use super::*;

fn whole(
    job: &Value,
    stub: &impl Workers,
) -> Result<squall_core::workload::Evaluated<Partial, Slice>, EvaluateError> {
    let prepared = prepared(job);
    evaluate(&prepared, &External::whole(&prepared), &mut NoData, stub)
}

fn sum_of(n: i64) -> Value {
    json!({ "items": { "range": [0, n] }, "worker": "w", "merge": "sum", "audit": { "share": 0 } })
}

#[test]
fn batches_have_as_many_items_as_were_asked_for() {
    let stub = Stub::new(|_, item: &str| Say::Value(item.to_owned()));
    let mut job = sum_of(10);
    job["batch"] = json!({ "items": 4 });
    whole(&job, &stub).unwrap();
    assert_eq!(*stub.requests.lock().unwrap(), [4, 4, 2]);

    let stub = Stub::new(|_, item: &str| Say::Value(item.to_owned()));
    job["batch"] = json!({ "bytes": 3 });
    whole(&job, &stub).unwrap();
    assert_eq!(*stub.requests.lock().unwrap(), [3, 3, 3, 1]);
}

#[test]
fn batches_grow_with_what_an_item_takes() {
    // Ten microseconds a request: the second may have all.
    let stub = Stub::new(|_, item: &str| Say::Value(item.to_owned()));
    whole(&sum_of(100), &stub).unwrap();
    assert_eq!(*stub.requests.lock().unwrap(), [1, 99]);
}

#[test]
fn an_item_that_fails_takes_no_other_with_it() {
    let stub = Stub::new(|_, item: &str| match item {
        "3" => Say::Error("division by zero"),
        "5" => Say::End(Fault::Exited),
        item => Say::Value(item.to_owned()),
    });
    let mut job = sum_of(8);
    job["batch"] = json!({ "items": 8 });
    let evaluated = whole(&job, &stub).unwrap();
    assert_eq!(evaluated.partial.items, 6);
    assert_eq!(
        evaluated.failed,
        [
            (Slice { from: 3, to: 4 }, "item 3: division by zero".to_owned()),
            (Slice { from: 5, to: 6 }, "item 5: exited: at 5".to_owned()),
        ]
    );
    let prepared = prepared(&job);
    let slices: Vec<_> = evaluated.failed.iter().map(|(slice, _)| *slice).collect();
    External::check_partial(&prepared, &External::whole(&prepared), &evaluated.partial, &slices).unwrap();
    External::check_partial(&prepared, &External::whole(&prepared), &evaluated.partial, &[]).unwrap_err();
}

#[test]
fn a_worker_that_ends_once_loses_nothing() {
    // The first worker ends at the item that a second one computes.
    let stub = Stub::new(|number, item: &str| match (number, item) {
        (1, "5") => Say::End(Fault::Killed),
        (_, item) => Say::Value(item.to_owned()),
    });
    let mut job = sum_of(8);
    job["batch"] = json!({ "items": 8 });
    let evaluated = whole(&job, &stub).unwrap();
    assert_eq!((evaluated.partial.items, evaluated.failed.len()), (8, 0));
    assert_eq!(stub.n_started.load(Ordering::Relaxed), 2);
}

#[test]
fn a_program_that_always_ends_is_started_a_few_times_only() {
    let stub = Stub::new(|_, _: &str| Say::End(Fault::TimedOut));
    let error = whole(&sum_of(10_000), &stub).unwrap_err();
    assert_eq!(error.to_string(), "none of its items has a value; the first: item 0: timed out: at 0");
    assert!(stub.n_started.load(Ordering::Relaxed) <= 7);
}

#[test]
fn a_slice_of_which_most_fails_is_given_up_and_its_rest_named() {
    let failing = |every: u64| {
        let stub = Stub::new(move |_, item: &str| match item.parse::<u64>().unwrap() {
            number if number.is_multiple_of(every) => Say::Value(number.to_string()),
            _ => Say::Error("no"),
        });
        let mut job = sum_of(1_000);
        job["batch"] = json!({ "items": 10 });
        let evaluated = whole(&job, &stub).unwrap();
        let prepared = prepared(&job);
        let slices: Vec<_> = evaluated.failed.iter().map(|(slice, _)| *slice).collect();
        External::check_partial(&prepared, &External::whole(&prepared), &evaluated.partial, &slices).unwrap();
        evaluated
    };
    let evaluated = failing(5);
    let (rest, reason) = evaluated.failed.last().unwrap();
    assert_eq!((evaluated.partial.items, evaluated.failed.len()), (16, 65));
    assert_eq!(*rest, Slice { from: 80, to: 1_000 });
    assert_eq!(reason, "not tried: 64 of the items before it failed, the first: item 1: no");
    // Of which half has a value, all is tried.
    let evaluated = failing(2);
    assert_eq!((evaluated.partial.items, evaluated.failed.len()), (500, 500));
}

#[test]
fn without_a_worker_the_slice_fails_with_the_reason() {
    struct NoWorkers;
    impl Workers for NoWorkers {
        fn take(&self, _: &WorkerRef, _: &RawValue, _: &[String]) -> Result<Box<dyn Worker + '_>, Failed> {
            Err(Failed { fault: Fault::CannotStart, reason: "there is no `w`".to_owned() })
        }
    }
    let error = whole(&sum_of(3), &NoWorkers).unwrap_err();
    assert_eq!(error.to_string(), "cannot start: there is no `w`");
}

#[test]
fn a_value_of_the_wrong_kind_is_the_items_failure() {
    let stub = Stub::new(|_, item: &str| match item {
        "1" => Say::Value("\"one\"".to_owned()),
        item => Say::Value(item.to_owned()),
    });
    let evaluated = whole(&sum_of(3), &stub).unwrap();
    assert_eq!(evaluated.partial.items, 2);
    let [(slice, reason)] = evaluated.failed.as_slice() else { panic!("{:?}", evaluated.failed) };
    assert_eq!(*slice, Slice { from: 1, to: 2 });
    assert!(reason.starts_with("item 1: ") && reason.contains("number"), "{reason}");
}

#[test]
fn objects_that_are_no_text_are_named_and_not_without_end() {
    let stub = Stub::new(|_, _: &str| Say::Value("1".to_owned()));
    let names: Vec<String> = (0..100).map(|idx| format!("{idx:03}")).collect();
    let objects: Vec<(&str, &[u8])> = names
        .iter()
        .enumerate()
        .map(|(idx, name)| {
            (name.as_str(), if idx == 0 { b"text".as_slice() } else { b"\xFF\xFE".as_slice() })
        })
        .collect();
    let data = MemorySource::of("folder", &objects);
    let job = json!({ "items": { "objects": "folder", "content": "text" }, "worker": "w", "merge": "sum" });
    let prepared = External::prepare(input(&job), &data.given()).unwrap();
    let whole = External::whole(&prepared);
    let evaluated =
        evaluate(&prepared, &whole, &mut data.data(External::reads(&prepared, &whole)), &stub).unwrap();
    assert_eq!((evaluated.partial.items, evaluated.failed.len()), (1, 65));
    assert_eq!(
        evaluated.failed[0],
        (Slice { from: 4, to: 6 }, "001: it is not UTF-8; expected `\"content\": \"base64\"`".to_owned())
    );
    let (rest, reason) = evaluated.failed.last().unwrap();
    assert_eq!(*rest, Slice { from: 132, to: 202 });
    assert!(
        reason.starts_with("not tried: 64 of the items before it failed, the first: 001: it is not UTF-8"),
        "{reason}"
    );
    let parts: Vec<_> = evaluated.failed.iter().map(|(slice, _)| *slice).collect();
    External::check_partial(&prepared, &whole, &evaluated.partial, &parts).unwrap();
}
