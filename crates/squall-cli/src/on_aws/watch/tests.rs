use squall_core::digest::Digest;
use squall_core::rows::{JobRow, JobStatus};

use super::{OnlyArgs, Publication, Whose, digits, pause_us};
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
fn a_job_of_another_message_is_not_the_one_that_is_meant() {
    let row = row(b"ours", 7, JobStatus::Complete);
    let only = |message: &[u8], n: usize| {
        let digest = Digest::of(message).to_string();
        OnlyArgs { message: Some(digits(&digest[..n]).unwrap()) }
    };
    for n in [8, 16, 64] {
        assert!(only(b"ours", n).is(&row) && !only(b"theirs", n).is(&row));
    }
    assert!(OnlyArgs::default().is(&row));
    let (asked, found) = (Digest::of(b"theirs").short(), Digest::of(b"ours").short());
    assert_eq!(
        only(b"theirs", 16).another(&row).to_string(),
        format!(
            "the id job belongs to another job, which is complete: the SHA-256 of its message begins with {found}, not {asked}; \
             publish yours under another id"
        )
    );
    for wrong in ["", "3f9c", "3F9C3F9C", "nightly-1", &"0".repeat(65)] {
        assert!(digits(wrong).is_err(), "{wrong}");
    }
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
