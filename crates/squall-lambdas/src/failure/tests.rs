use super::*;

#[test]
fn a_ports_failure_has_a_kind_that_says_whether_to_try_again() {
    let kind = |error: &PortError| Failure::port("x", error).kind;
    assert_eq!(kind(&PortError::refused("throttled")), "PortRefused");
    assert_eq!(kind(&PortError::unknown("no answer")), "PortUnknown");
    assert_eq!(kind(&PortError::permanent("no such table")), "PortPermanent");
}

#[test]
fn a_steps_failure_has_a_kind_too() {
    let kinds = [
        StepError::Port(PortError::refused("busy")),
        StepError::Port(PortError::permanent("no such group")),
        StepError::Raced,
        StepError::NotEnough { n_looks: 8, last: "2 runs need 1".to_owned() },
    ]
    .map(|error| format!("{:?}", Failure::step("message 7", &error)));
    assert_eq!(
        kinds,
        [
            "PortRefused: message 7: busy",
            "PortPermanent: message 7: no such group",
            "Raced: message 7: lost 20 races for the ledger's row",
            "NotEnough: message 7: the group is still too small after 8 attempts: 2 runs need 1",
        ]
    );
}
