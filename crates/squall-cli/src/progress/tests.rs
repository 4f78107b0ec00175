use squall_core::rows::{BucketProgress, JobStatus};

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
fn the_time_left_of_a_reopened_job_counts_from_there() {
    let mut row = crate::on_aws::test_rows::job("march", JobStatus::Running);
    let published = row.published.as_mut().unwrap();
    (published.generation, published.lifetime_us, published.weight) = (1, 600_000_000, 1_000);
    row.created_us = 1_000_000;
    // It was reopened ten minutes before it is first seen.
    row.expires_us = 90_000_000_000;
    let mut display = Display::new(false, false);
    let mut line = |weight_done, now_us| {
        row.progress.insert(0, BucketProgress { n_tasks: 1, weight_done, ..BucketProgress::default() });
        display.see(&row, now_us);
        display.line(&row, now_us, 200).unwrap().1
    };
    assert!(!line(500, 90_000_000_000).contains("left"), "half is done, but not by now");
    let left = line(750, 90_010_000_000);
    assert!(left.starts_with("10.0 s left"), "{left}");
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
