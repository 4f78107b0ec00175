use super::*;

#[test]
fn the_files_have_the_names_that_were_said() {
    for bytes in [0, 100_000, 1_000_000] {
        let request = SampleRequest { bytes, seed: 3 };
        let mut said = names(&request);
        said.sort();
        let files = sample(&request);
        assert_eq!(files.keys().cloned().collect::<Vec<_>>(), said, "{bytes}");
    }
    let most = names(&SampleRequest { bytes: 4_000_000_000, seed: 1 });
    assert_eq!(most.len(), 42 + 4);
}

/// In a record of a trail, who it was comes before what went wrong.
#[test]
fn who_was_denied_is_found_in_the_order_of_a_trail() {
    let trail = String::from_utf8(trail(100_000, &mut Random::of(1, 2))).unwrap();
    let denied: Vec<&str> =
        trail.split(r#"{"eventVersion""#).filter(|it| it.contains("AccessDenied")).collect();
    assert!(denied.len() > 5, "{}", denied.len());
    for record in denied {
        let at = |member: &str| record.find(member).unwrap();
        let members =
            ["userIdentity", "arn", "eventTime", "eventSource", "eventName", "awsRegion", "errorCode"];
        assert!(members.map(at).is_sorted(), "{record}");
    }
}
