use super::*;

#[test]
fn a_ports_failure_has_a_kind_that_says_whether_to_try_again() {
    let kind = |error: &PortError| Failure::port("x", error).kind;
    assert_eq!(kind(&PortError::transient("no answer")), "PortTransient");
    assert_eq!(kind(&PortError::permanent("no such table")), "PortPermanent");
}
