use expect_test::{Expect, expect};
use squall_core::rows::JobStatus;

use super::outcome;
use crate::on_aws::test_rows::job;

fn check(before: JobStatus, after: JobStatus, expected: Expect) {
    expected.assert_eq(&outcome(&job("demo", before), &job("demo", after), " --stack mine"));
}

#[test]
fn cancelling_says_what_became_of_the_job() {
    check(
        JobStatus::Running,
        JobStatus::Cancelled,
        expect!["cancelled demo: 50.0 % of the work is in its answer (squall result demo --stack mine)"],
    );
    check(JobStatus::Running, JobStatus::Complete, expect!["demo ended by itself meanwhile: complete"]);
    check(JobStatus::Cancelled, JobStatus::Cancelled, expect!["demo had ended before: cancelled"]);
    check(JobStatus::Expired, JobStatus::Expired, expect!["demo had ended before: expired"]);
}
