use super::*;

fn audited(job: &Value, stub: &impl Workers, n_slices: usize) -> Partial {
    let prepared = prepared(job);
    let cut = External::divide(&prepared, &External::whole(&prepared), NonZeroUsize::new(n_slices).unwrap());
    let partials = cut.iter().map(|slice| {
        let evaluated = evaluate(&prepared, slice, &mut NoData, stub).unwrap();
        let failed: Vec<_> = evaluated.failed.iter().map(|(slice, _)| *slice).collect();
        External::check_partial(&prepared, slice, &evaluated.partial, &failed).unwrap();
        evaluated.partial
    });
    partials
        .reduce(|mut sum, partial| {
            External::merge(&mut sum, partial);
            sum
        })
        .unwrap()
}

fn job(n: i64, audit: &Value) -> Value {
    json!({ "items": { "range": [0, n] }, "worker": "w", "merge": "sum", "audit": audit })
}

#[test]
fn as_many_items_are_computed_again_as_were_asked_for_and_no_more() {
    let stub = Stub::new(|_, item: &str| Say::Value(item.to_owned()));
    for (n, share, again) in [
        (1, 0.02, 1),
        (49, 0.02, 1),
        (50, 0.02, 1),
        (99, 0.02, 1),
        (1_000, 0.02, 20),
        (1_049, 0.02, 20),
        (100, 0.0, 0),
        (100, 1.0, 100),
        (100, 0.3, 25),
    ] {
        for n_slices in [1, 7] {
            let partial = audited(&job(n, &json!({ "share": share, "seed": 7 })), &stub, n_slices);
            assert_eq!(partial.audit.again, again, "{n} {share} {n_slices}");
            assert_eq!((partial.audit.not_again, partial.audit.n_different), (0, 0));
        }
    }
}

#[test]
fn a_planted_worker_that_differs_is_named_in_nearly_every_run() {
    // A value that depends on the clock, the order of a hash, or a race of threads: in one of five items it comes out otherwise.
    let mut n_named = 0;
    let mut n_requests = 0;
    for seed in 0..100 {
        let stub = Stub::new(move |number, item: &str| {
            let drawn = squall_core::split_mix64(seed ^ squall_core::split_mix64(u64::from(number)))
                ^ item.parse::<u64>().unwrap();
            let last_digit = u8::from(squall_core::split_mix64(drawn).is_multiple_of(5));
            Say::Value(format!("{item}.{last_digit}"))
        });
        let partial = audited(&job(1_000, &json!({ "seed": seed })), &stub, 1_000);
        n_named += u32::from(partial.audit.n_different > 0);
        let n_items: usize = stub.requests.lock().unwrap().iter().sum();
        // A third opinion is only asked where two differ.
        n_requests += n_items - 1_000 - usize::try_from(partial.audit.n_different).unwrap();
    }
    assert!(n_named >= 95, "{n_named}");
    assert!(n_requests <= 2_000, "{n_requests}");
}

#[test]
fn a_worker_that_is_alone_with_its_value_is_named() {
    let stub = Stub::new(|number, item: &str| match number {
        1 => Say::Value("0.5".to_owned()),
        _ => Say::Value(item.to_owned()),
    });
    let partial = audited(&job(3, &json!({ "share": 1 })), &stub, 1);
    assert_eq!((partial.audit.again, partial.audit.n_different), (3, 3));
    let difference = &partial.audit.different[&ItemId::index(2)];
    assert_eq!(difference.odd(), Some("worker 1"));
    assert_eq!(
        difference.to_string(),
        "worker 1 said 0.5, worker 2 said 2, worker 5 said 2: worker 1 differs from the others"
    );
    let prepared = prepared(&job(3, &json!({ "share": 1 })));
    let coverage = Coverage { weight_done: 30_000_000, weight_total: 30_000_000 };
    let report = External::report(&prepared, Some(&partial), &coverage);
    let text = report.to_string();
    assert!(
        text.starts_with(
            "3 of 3 items by w\nNOT DETERMINISTIC: 3 of 3 items that were computed again have another value; the answer \
             depends on which worker computed what\n  item 0: worker 1 said 0.5, worker 2 said 0"
        ),
        "{text}"
    );
    assert_eq!(serde_json::to_value(&report).unwrap()["audit"]["differences"][0]["odd_worker"], "worker 1");
    assert_eq!(External::headline(&prepared, &partial).as_deref(), Some("NOT DETERMINISTIC"));
}

#[test]
fn an_item_that_differs_has_no_value_if_the_job_says_so() {
    let stub = Stub::new(|number, item: &str| match (number, item) {
        (1, "1") => Say::Value("0.5".to_owned()),
        (_, item) => Say::Value(item.to_owned()),
    });
    let job = job(3, &json!({ "share": 1, "on_difference": "fail" }));
    let prepared = prepared(&job);
    let evaluated = evaluate(&prepared, &External::whole(&prepared), &mut NoData, &stub).unwrap();
    assert_eq!(evaluated.partial.items, 2);
    let [(slice, reason)] = evaluated.failed.as_slice() else { panic!("{:?}", evaluated.failed) };
    assert_eq!(*slice, Slice { from: 1, to: 2 });
    assert_eq!(
        reason,
        "item 1: worker 1 said 0.5, worker 2 said 1, worker 3 said 1: worker 1 differs from the others"
    );
}

#[test]
fn what_no_other_worker_can_compute_is_counted() {
    /// Starts one worker, and no other.
    struct First<F>(Stub<F>);
    impl<F: Fn(u32, &str) -> Say + Send + Sync> Workers for First<F> {
        fn take(
            &self,
            worker: &WorkerRef,
            params: &RawValue,
            not: &[String],
        ) -> Result<Box<dyn Worker + '_>, Failed> {
            match not {
                [] => self.0.take(worker, params, not),
                _ => Err(Failed { fault: Fault::CannotStart, reason: "no memory".to_owned() }),
            }
        }
    }
    let first = First(Stub::new(|_, item: &str| Say::Value(item.to_owned())));
    let partial = audited(&job(100, &json!({ "share": 0.1 })), &first, 1);
    assert_eq!((partial.items, partial.audit.again, partial.audit.not_again), (100, 0, 10));
}
