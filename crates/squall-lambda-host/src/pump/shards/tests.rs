use super::*;

fn shard(id: &str, parents: &[&str], is_closed: bool) -> Shard {
    Shard { id: id.to_owned(), parents: parents.iter().map(|it| (*it).to_owned()).collect(), is_closed }
}

fn marks(marks: &[(&str, Mark)]) -> Marks {
    marks.iter().map(|(id, mark)| ((*id).to_owned(), mark.clone())).collect()
}

fn starts(listed: &[Shard], known: &[(&str, Mark)], running: &[&str]) -> String {
    let running = running.iter().map(|it| (*it).to_owned()).collect();
    plan_starts(listed, &marks(known), &running).join(" ")
}

#[test]
fn children_start_when_all_their_parents_are_finished() {
    let listed = [
        shard("a", &[], true),
        shard("b", &[], true),
        shard("c", &["a", "b"], true),
        shard("d", &["c"], false),
        shard("e", &["c"], false),
    ];
    let done = || Mark::Finished;
    let half = || Mark::After("5".to_owned());
    assert_eq!(starts(&listed, &[], &[]), "a b");
    assert_eq!(starts(&listed, &[("a", half())], &["a"]), "b");
    assert_eq!(starts(&listed, &[("a", done()), ("b", half())], &["b"]), "");
    assert_eq!(starts(&listed, &[("a", done()), ("b", done())], &[]), "c");
    assert_eq!(starts(&listed, &[("a", done()), ("b", done()), ("c", half())], &[]), "c");
    assert_eq!(starts(&listed, &[("a", done()), ("b", done()), ("c", done())], &["d"]), "e");
}

#[test]
fn a_parent_whose_records_are_gone_holds_no_child_back() {
    assert_eq!(starts(&[shard("d", &["gone"], false)], &[], &[]), "d");
}

#[test]
fn a_first_look_starts_where_the_mapping_says() {
    let listed = [shard("a", &[], true), shard("b", &["a"], false)];
    let horizon = plan_marks(&listed, None, StartingPosition::TrimHorizon);
    assert_eq!(horizon, marks(&[("a", Mark::TrimHorizon), ("b", Mark::TrimHorizon)]));
    let latest = plan_marks(&listed, None, StartingPosition::Latest);
    assert_eq!(latest, marks(&[("a", Mark::Finished), ("b", Mark::Latest)]));
}

#[test]
fn later_looks_keep_what_is_known_and_read_new_shards_from_their_first_record() {
    let known = marks(&[
        ("a", Mark::Finished),
        ("b", Mark::After("7".to_owned())),
        ("expired", Mark::Finished),
        ("not listed for once", Mark::Latest),
    ]);
    let listed = [shard("a", &[], true), shard("b", &[], false), shard("c", &["a"], false)];
    let seen = plan_marks(&listed, Some(&known), StartingPosition::Latest);
    let expected = marks(&[
        ("a", Mark::Finished),
        ("b", Mark::After("7".to_owned())),
        ("c", Mark::TrimHorizon),
        ("not listed for once", Mark::Latest),
    ]);
    assert_eq!(seen, expected);
}
