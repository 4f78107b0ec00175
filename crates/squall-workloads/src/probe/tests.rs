use proptest::prelude::*;
use squall_core::data::NoData;
use squall_core::laws;
use squall_core::sources::{Files, Given};

use super::*;

fn input(units: u64, rounds: u64) -> Input {
    Input { units, rounds, failing_unit: None, hanging_unit: None }
}

#[test]
fn the_hash_is_splitmix64_s() {
    // First output of SplitMix64 from seed 0, as published with Vigna's reference implementation.
    assert_eq!(hashed(0, 0), 0xe220_a839_7b1d_cdaf);
}

#[test]
fn refuses_a_probe_without_work() {
    let refused = Probe::prepare(input(0, 0), &Given::default()).unwrap_err();
    assert_eq!(refused.to_string(), "input.units: 0; expected 1 to 1000000000000");
}

#[test]
fn refuses_centuries_of_work() {
    let refused = Probe::prepare(input(MAX_UNITS, MAX_ROUNDS), &Given::default()).unwrap_err();
    assert!(refused.to_string().contains("centuries"), "{refused}");
}

#[test]
fn the_failing_unit_fails_only_its_own_slice() {
    let input = Input { failing_unit: Some(7), ..input(20, 0) };
    let parts = Probe::divide(&input, &Probe::whole(&input), NonZeroUsize::new(4).unwrap());
    let failed: Vec<bool> =
        parts.iter().map(|part| Probe::evaluate(&input, part, &mut NoData).is_err()).collect();
    assert_eq!(failed, [false, true, false, false]);
}

#[test]
fn a_slice_of_another_job_is_refused() {
    for slice in [Units { first: 5, count: 6 }, Units { first: u64::MAX, count: 2 }] {
        let error = Probe::evaluate(&input(10, 0), &slice, &mut NoData).unwrap_err();
        assert_eq!(error.0, "the slice is not of this job");
    }
}

#[test]
fn what_a_worker_sends_is_held_against_its_slice() {
    laws::check_partials::<Probe>(input(100, 0), &Files::new()).unwrap();
}

proptest! {
    #[test]
    fn what_fails_does_not_depend_on_the_cut(units in 1_u64..300, failing in 0_u64..300) {
        let input = Input { failing_unit: Some(failing), ..input(units, 0) };
        laws::check_failures::<Probe>(input, &Files::new()).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn obeys_the_laws(units in 1_u64..300, rounds in 0_u64..4, seed: u64) {
        laws::check::<Probe>(input(units, rounds), &Files::new(), seed).map_err(TestCaseError::fail)?;
    }
}
