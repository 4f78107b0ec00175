use super::*;

fn all() -> [PortError; 3] {
    [PortError::refused("busy"), PortError::unknown("silent"), PortError::permanent("no such table")]
}

#[test]
fn each_kind_says_what_may_be_done_about_it() {
    let told = all().map(|error| (error.may_be_done(), error.is_permanent()));
    assert_eq!(told, [(false, false), (true, false), (false, true)]);
}

#[test]
fn a_cause_is_kept_whatever_the_kind() {
    let told = all().map(|error| chain(&error.with_source(std::io::Error::other("why"))));
    assert_eq!(told, ["busy: why", "silent: why", "no such table: why"]);
}

#[test]
fn what_is_refused_to_a_repeat_may_have_been_done_before() {
    let told = all().map(|error| {
        let error = error.with_source("why").of_a_repeat();
        (error.may_be_done(), error.is_permanent(), chain(&error))
    });
    assert_eq!(
        told,
        [
            (true, false, "busy: why".to_owned()),
            (true, false, "silent: why".to_owned()),
            (false, true, "no such table: why".to_owned()),
        ]
    );
}
