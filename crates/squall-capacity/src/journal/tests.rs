//! A line holds everything that its decision depends on.

use proptest::prelude::*;

use super::*;
use crate::seen::{any_policy, id, scale_in_seen, scale_out_seen};

fn outcome() -> impl Strategy<Value = Outcome> {
    let raised = prop::option::of(prop_oneof![Just(Ok(())), ".{0,20}".prop_map(Err)]);
    let ids = || prop::collection::vec((0_u32..9).prop_map(id), 0..3);
    let refused = prop::collection::vec(((0_u32..9).prop_map(id), ".{0,20}"), 0..2);
    (raised, ids(), ids(), ids(), refused).prop_map(
        |(raised, undrained, claimed_first, terminated, refused)| Outcome {
            raised,
            undrained,
            claimed_first,
            terminated,
            refused,
        },
    )
}

fn reproduces(line: &Line) -> Result<(), TestCaseError> {
    let text = line.to_json();
    prop_assert!(!text.is_empty() && !text.contains('\n'));
    let read: Line = serde_json::from_str(&text).unwrap();
    prop_assert_eq!(&read, line);
    prop_assert_eq!(read.again().to_json(), text);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn a_round_of_scale_out_is_reproduced_byte_for_byte(policy in any_policy(), seen in scale_out_seen(), outcome in outcome()) {
        let decision = plan_scale_out(&policy, &seen);
        reproduces(&Line { decision: Decision::ScaleOut { seen, decision }, policy, outcome })?;
    }

    #[test]
    fn a_tick_of_scale_in_is_reproduced_byte_for_byte(policy in any_policy(), seen in scale_in_seen(), outcome in outcome()) {
        let decision = plan_tick(&policy, &seen);
        reproduces(&Line { decision: Decision::ScaleIn { seen, decision }, policy, outcome })?;
    }

    #[test]
    fn a_line_that_was_tampered_with_is_detected(policy in any_policy(), seen in scale_out_seen()) {
        let decision = plan_scale_out(&policy, &seen);
        let other = ScaleOut { target: decision.target + 1, ..decision };
        let line = Line { decision: Decision::ScaleOut { seen, decision: other }, policy, outcome: Outcome::default() };
        prop_assert_ne!(line.again().to_json(), line.to_json());
    }
}
