use super::*;

const HEADLINE: &str = "VaR 99% 1.09M USD (24,985 of 100,000 scenarios)";

#[test]
fn the_words_have_more_columns_than_the_bar() {
    assert_eq!(divided(200), (24, 170));
    assert_eq!(divided(80), (10, 64));
    assert_eq!(divided(40), (6, 28));
    assert_eq!(divided(3), (6, 0));
}

#[test]
fn the_headline_gives_way_before_what_is_behind_it_is_cut_off() {
    assert_eq!(fitting(HEADLINE, HEADLINE.len()), Some(HEADLINE));
    assert_eq!(fitting(HEADLINE, HEADLINE.len() - 1), Some("VaR 99% 1.09M USD"));
    assert_eq!(fitting(HEADLINE, 10), None);
    let left = ", 1 min 18 s left";
    let (_, columns) = divided(80);
    assert!(fitting(HEADLINE, columns - left.len()).is_some());
}
