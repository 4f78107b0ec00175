use std::collections::BTreeSet;

use expect_test::expect_file;

use super::*;

#[test]
fn infra_reads_the_numbers_of_this_table() {
    let json = serde_json::to_string_pretty(&to_json()).unwrap() + "\n";
    expect_file!["../../../../infra/lib/aws.json"].assert_eq(&json);
}

#[test]
fn each_number_has_one_name_a_source_and_the_day_it_was_read() {
    let sourced = LIMITS.iter().map(|it| (it.name, it.unit, it.source, it.read));
    let sourced = sourced.chain(PRICES.iter().map(|it| (it.name, it.unit, it.source, it.read)));
    let mut names = BTreeSet::new();
    for (name, unit, source, read) in sourced {
        assert!(names.insert(name), "{name} is there twice");
        assert!(!unit.is_empty(), "{name}");
        let of_aws = ["https://docs.aws.amazon.com/", "https://aws.amazon.com/"];
        assert!(of_aws.iter().any(|it| source.starts_with(it)), "{name}: {source}");
        let is_day = read.len() == 10 && read.bytes().all(|it| it.is_ascii_digit() || it == b'-');
        assert!(is_day && read.starts_with("20"), "{name}: {read}");
    }
}

#[test]
fn a_price_is_known_where_it_was_read() {
    assert_eq!(LAMBDA_GB_S_ARM64.in_region("us-east-1"), Some(13_333_400));
    assert_eq!(KINESIS_PUT_UNIT.in_region("ap-northeast-1"), Some(21_500));
    assert_eq!(KINESIS_PUT_UNIT.in_region("eu-west-1"), None);
    for price in PRICES {
        let regions: BTreeSet<_> = price.elsewhere.iter().map(|(region, _)| *region).collect();
        assert_eq!(regions.len(), price.elsewhere.len(), "{}", price.name);
        assert!(!regions.contains(HOME_REGION), "{}", price.name);
    }
}
