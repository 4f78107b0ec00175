use std::collections::BTreeSet;

use expect_test::expect;

use super::*;

#[test]
fn functions_are_named_in_many_ways() {
    let mut table = String::new();
    for text in [
        "worker",
        "worker:$LATEST",
        "worker%3A%24LATEST",
        "worker:live",
        "123456789012:function:worker",
        "123456789012:function:worker:7",
        "arn:aws:lambda:eu-west-1:123456789012:function:worker",
        "arn%3Aaws%3Alambda%3Aeu-west-1%3A123456789012%3Afunction%3Aworker%3Alive",
        "",
        ":live",
        "a:b:c",
        "arn:aws:sns:eu-west-1:123456789012:function:worker",
        "worker%",
        "worker%zz",
        "worker%ff",
    ] {
        let told = match Target::parse(text) {
            None => "none".to_owned(),
            Some(target) => format!("{}, latest: {}", target.arn("us-east-1"), target.is_latest()),
        };
        table.push_str(&format!("{text:?}: {told}\n"));
    }
    expect![[r#"
        "worker": arn:aws:lambda:us-east-1:000000000000:function:worker, latest: true
        "worker:$LATEST": arn:aws:lambda:us-east-1:000000000000:function:worker:$LATEST, latest: true
        "worker%3A%24LATEST": arn:aws:lambda:us-east-1:000000000000:function:worker:$LATEST, latest: true
        "worker:live": arn:aws:lambda:us-east-1:000000000000:function:worker:live, latest: false
        "123456789012:function:worker": arn:aws:lambda:us-east-1:000000000000:function:worker, latest: true
        "123456789012:function:worker:7": arn:aws:lambda:us-east-1:000000000000:function:worker:7, latest: false
        "arn:aws:lambda:eu-west-1:123456789012:function:worker": arn:aws:lambda:us-east-1:000000000000:function:worker, latest: true
        "arn%3Aaws%3Alambda%3Aeu-west-1%3A123456789012%3Afunction%3Aworker%3Alive": arn:aws:lambda:us-east-1:000000000000:function:worker:live, latest: false
        "": none
        ":live": none
        "a:b:c": none
        "arn:aws:sns:eu-west-1:123456789012:function:worker": none
        "worker%": none
        "worker%zz": none
        "worker%ff": none
    "#]]
    .assert_eq(&table);
}

#[test]
fn ids_are_unique_and_look_like_random_uuids() {
    let ids = Ids::default();
    let made: BTreeSet<String> = (0..1_000).map(|_| ids.uuid()).collect();
    assert_eq!(made.len(), 1_000);
    for id in &made {
        let lengths: Vec<usize> = id.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12], "{id}");
        let bits = u128::from_str_radix(&id.replace('-', ""), 16).unwrap();
        assert_eq!((bits >> 76) & 0xf, 4, "{id}");
        assert_eq!((bits >> 62) & 0x3, 2, "{id}");
    }
    assert_ne!(Ids::default().uuid(), Ids::default().uuid());
}
