use squall_core::digest::Digest;
use squall_core::rows::{JobRow, JobStatus};

use super::{Publication, Whose, pause_us};
use crate::on_aws::test_rows::job;

fn row(message: &[u8], created_us: u64, status: JobStatus) -> JobRow {
    JobRow { message: Digest::of(message), created_us, ..job("job", status) }
}

#[test]
fn a_rejection_from_before_is_not_the_answer_to_what_was_published_now() {
    let ours = Publication { message: Digest::of(b"ours"), over_us: Some(7) };
    assert_eq!(ours.whose(&row(b"before", 7, JobStatus::Rejected)), Whose::NotYetOurs);
    // The same message again, now that its files exist.
    assert_eq!(ours.whose(&row(b"ours", 7, JobStatus::Rejected)), Whose::NotYetOurs);
    assert_eq!(ours.whose(&row(b"ours", 8, JobStatus::Rejected)), Whose::Ours);
    assert_eq!(ours.whose(&row(b"ours", 8, JobStatus::Running)), Whose::Ours);
    assert_eq!(ours.whose(&row(b"ours", 7, JobStatus::Complete)), Whose::Ours);
    assert_eq!(ours.whose(&row(b"another", 8, JobStatus::Running)), Whose::Anothers);
    assert_eq!(ours.whose(&row(b"another", 8, JobStatus::Rejected)), Whose::NotYetOurs);
}

#[test]
fn looks_are_frequent_at_first_and_cheap_later() {
    let mut waited_us = 0;
    let mut n_looks = 0;
    while waited_us < 3_600_000_000 {
        let pause = pause_us(waited_us);
        // The end is seen at most a twentieth late, except in the first moments.
        assert!((200_000..=2_000_000).contains(&pause));
        assert!(pause == 200_000 || pause <= waited_us / 20);
        waited_us += pause;
        n_looks += 1;
    }
    assert!(n_looks < 2_000, "{n_looks}");
}
