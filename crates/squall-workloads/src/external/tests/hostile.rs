use super::*;

#[test]
fn altered_partials_are_refused_or_harmless() {
    let stub = Stub::new(|_, item: &str| Say::Value(square(item)));
    let prepared = prepared(&job(&json!({ "range": [0, 30] })));
    let slice = Slice { from: 10, to: 20 };
    let partial = evaluate(&prepared, &slice, &mut NoData, &stub).unwrap().partial;
    let bytes = squall_core::wire::encode(&partial);
    let whole = evaluate(&prepared, &External::whole(&prepared), &mut NoData, &stub).unwrap().partial;
    for place in 0..bytes.len() {
        for byte in [0, 1, 0x7F, 0x80, 0xFF] {
            let mut altered = bytes.clone();
            altered[place] = byte;
            let Ok(altered) = squall_core::wire::decode::<Partial>("partial", &altered) else { continue };
            if External::check_partial(&prepared, &slice, &altered, &[]).is_ok() {
                // What passes must be safe to merge and to show.
                let mut sum = whole.clone();
                External::merge(&mut sum, altered);
                let coverage = Coverage { weight_done: 1, weight_total: 2 };
                let _ = External::report(&prepared, Some(&sum), &coverage).to_string();
            }
        }
    }
}

#[test]
fn a_slice_that_is_not_of_the_job_is_refused() {
    let stub = Stub::new(|_, item: &str| Say::Value(item.to_owned()));
    let prepared = prepared(&json!({ "items": { "range": [0, 3] }, "worker": "w" }));
    for slice in [Slice { from: 0, to: 4 }, Slice { from: 2, to: 1 }, Slice { from: 9, to: u64::MAX }] {
        let error = evaluate(&prepared, &slice, &mut NoData, &stub).unwrap_err();
        assert_eq!(error.to_string(), "the slice is not of this job");
    }
}

#[test]
fn what_a_program_says_is_shown_without_control_characters_and_not_at_length() {
    let stub = Stub::new(|_, item: &str| match item {
        "0" => Say::Error("\u{1b}[31mred\u{202e}"),
        item => Say::Value(item.to_owned()),
    });
    let prepared = prepared(&json!({ "items": { "range": [0, 3] }, "worker": "w" }));
    let evaluated = evaluate(&prepared, &External::whole(&prepared), &mut NoData, &stub).unwrap();
    assert_eq!(evaluated.failed[0].1, "item 0: \\u001b[31mred\\u202e");
}
