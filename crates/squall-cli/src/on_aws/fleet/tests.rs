use expect_test::expect;

use super::*;

fn stack(outputs: &[(&str, &str)]) -> Stack<'static> {
    let outputs = outputs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Stack { name: "mine", outputs }
}

#[test]
fn a_flag_says_more_than_a_stack_and_a_stack_more_than_a_variable() {
    let mine = stack(&[("GroupName", "of-the-stack"), ("Policy", "{}")]);
    // A variable that every process has stands in for the one that would name the group.
    let wanted = Wanted { variable: "PATH", ..GROUP };
    let flag = "of-the-flag".to_owned();
    assert_eq!(said(Some(&flag), Some(&mine), &wanted).unwrap(), "of-the-flag");
    assert_eq!(said(None, Some(&mine), &wanted).unwrap(), "of-the-stack");
    assert!(said(None, None, &wanted).unwrap().contains('/'));
}

#[test]
fn what_a_stack_lacks_is_not_looked_for_elsewhere() {
    let wanted = Wanted { variable: "PATH", ..LEDGER };
    let error = said(None, Some(&stack(&[("GroupName", "g")])), &wanted).unwrap_err();
    expect!["the stack mine has no output LedgerTableName; pass --ledger"].assert_eq(&error.to_string());
}

#[test]
fn a_policy_that_does_not_check_is_known_by_where_it_stands() {
    let error = FleetArgs::default().policy_of(Some(&stack(&[("Policy", "{\"idle\": 1}")]))).unwrap_err();
    let error = format!("{error:#}");
    assert!(error.starts_with("output Policy of the stack mine: "), "{error}");
}

#[test]
fn a_stack_says_where_its_metrics_are_if_it_has_any_of_its_own() {
    let named = stack(&[("MetricNamespace", "Mine/Capacity")]);
    assert_eq!(metric_names(Some(&named)).namespace, "Mine/Capacity");
    assert_eq!(metric_names(Some(&stack(&[]))).namespace, metric_names(None).namespace);
}
