use super::*;

#[test]
fn a_ports_failure_has_a_kind_that_says_whether_to_try_again() {
    let kind = |error: &PortError| Failure::port("x", error).kind;
    assert_eq!(kind(&PortError::transient("no answer")), "PortTransient");
    assert_eq!(kind(&PortError::permanent("no such table")), "PortPermanent");
}

#[test]
fn a_steps_failure_has_a_kind_too() {
    let kinds = [
        StepError::Port(CapacityError::transient("busy")),
        StepError::Port(CapacityError::permanent("no such group")),
        StepError::Raced,
        StepError::NotEnough("2 runs need 1".to_owned()),
    ]
    .map(|error| format!("{:?}", Failure::step("message 7", &error)));
    assert_eq!(
        kinds,
        [
            "PortTransient: message 7: busy",
            "PortPermanent: message 7: no such group",
            "Raced: message 7: lost 20 races for the ledger's row",
            "NotEnough: message 7: the group is still too small after 8 attempts: 2 runs need 1",
        ]
    );
}
