use proptest::prelude::*;

use super::*;
use crate::code::{CodeId, CodeVersion};
use crate::digest::Fingerprint;
use crate::job::JobId;
use crate::receipt::{Receipt, TaskTimes};
use crate::spans::Spans;

prop_compose! {
    fn any_slice()(bytes in prop::collection::vec(any::<u8>(), 0..40)) -> Vec<u8> { bytes }
}

fn any_job() -> impl Strategy<Value = JobId> {
    "[a-zA-Z0-9_.][a-zA-Z0-9_.-]{0,19}".prop_map(|id| JobId::new(id).unwrap())
}

prop_compose! {
    fn any_task()(
        job in any_job(),
        workload in "[a-z-]{1,12}",
        slice in any_slice(),
        (index, n_subtasks, bucket, generation) in any::<(u32, u32, u32, u32)>(),
        (weight, put_us) in any::<(u64, u64)>(),
    ) -> TaskRecord {
        TaskRecord {
            job, workload, code: CodeVersion::unnamed(n_subtasks), input: Digest::of(&slice), index, slice, weight, n_subtasks, bucket, generation, put_us,
        }
    }
}

prop_compose! {
    fn any_failure()(
        (task, subtask, attempts) in any::<(u32, u32, u32)>(),
        slice in any_slice(),
        weight: u64,
        reason in "\\PC{0,20}",
    ) -> Failure {
        Failure { task, subtask, slice, weight, attempts, reason, cause: Default::default() }
    }
}

prop_compose! {
    fn any_result()(
        job in any_job(),
        (index, weight, fingerprint) in any::<(u32, u64, u128)>(),
        partial in prop::option::of(any_slice()),
        in_blob: bool,
        failures in prop::collection::vec(any_failure(), 0..4),
        (tasks, worker_us, read_us) in any::<(u64, u64, u64)>(),
    ) -> ResultRecord {
        ResultRecord {
            job, index, weight, failures,
            fingerprint: Fingerprint(fingerprint),
            partial: partial.map(|bytes| if in_blob { Stored::Blob(Digest::of(&bytes)) } else { Stored::Inline(bytes) }),
            receipt: Receipt { tasks, worker_us, ..Receipt::default() },
            times: TaskTimes { read_us, ..TaskTimes::default() },
            spans: Spans::default(),
        }
    }
}

prop_compose! {
    fn any_reply()(
        slice in any_slice(),
        outcome in prop::result::maybe_ok(any_slice(), "\\PC{0,20}"),
        worked_us: u64,
        memory_mb: u32,
    ) -> SubtaskReply {
        let code = CodeId { workload: memory_mb, build: worked_us };
        let (began_us, loaded_us) = (worked_us / 2, worked_us / 4);
        SubtaskReply {
            request: Digest::of(&slice), code, outcome, failed: Vec::new(),
        began_us, cold: true, loaded_us, worked_us, memory_mb,
        }
    }
}

fn task() -> TaskRecord {
    TaskRecord {
        job: JobId::new("march").unwrap(),
        workload: "probe".to_owned(),
        code: CodeVersion::unnamed(1),
        input: Digest::of(b"input"),
        index: 7,
        slice: vec![1, 2, 3],
        weight: 1_000,
        n_subtasks: 4,
        bucket: 3,
        generation: 0,
        put_us: 5,
    }
}

fn result(failed: &[u64]) -> ResultRecord {
    let failure = |&weight: &u64| Failure {
        task: 7,
        subtask: 0,
        slice: Vec::new(),
        weight,
        attempts: 1,
        reason: String::new(),
        cause: Default::default(),
    };
    ResultRecord {
        job: JobId::new("march").unwrap(),
        index: 7,
        fingerprint: task().fingerprint(),
        weight: 1_000,
        partial: None,
        failures: failed.iter().map(failure).collect(),
        receipt: Receipt::default(),
        times: TaskTimes::default(),
        spans: Spans::default(),
    }
}

fn refusal(bytes: &[u8]) -> String {
    TaskRecord::from_bytes(bytes).unwrap_err().to_string()
}

#[test]
fn a_message_says_why_it_is_refused() {
    let bytes = task().to_bytes();
    assert_eq!(refusal(b""), "cannot decode task record: not a message of this grid");
    assert_eq!(refusal(b"sq"), "cannot decode task record: not a message of this grid");
    assert_eq!(refusal(br#"{"job": "march"}"#), "cannot decode task record: not a message of this grid");
    let mut newer = bytes.clone();
    newer[2] = 3;
    assert_eq!(refusal(&newer), "cannot decode task record: version 3; this build reads 2");
    let mut longer = bytes.clone();
    longer.push(0);
    assert_eq!(refusal(&longer), "cannot decode task record: the content is not what was sent");
    assert_eq!(refusal(b"sq\x01t"), "cannot decode task record: the content is not what was sent");
    let error = TaskRecord::from_bytes(&result(&[]).to_bytes()).unwrap_err().to_string();
    assert_eq!(error, "cannot decode task record: another kind of message");
}

#[test]
fn more_bytes_than_a_value_are_refused() {
    let mut bytes = encode(&(1_u32, "two"));
    assert_eq!(decode::<(u32, String)>("pair", &bytes), Ok((1, "two".to_owned())));
    bytes.push(0);
    let error = decode::<(u32, String)>("pair", &bytes).unwrap_err();
    assert_eq!(error.to_string(), "cannot decode pair: 1 bytes too many");
}

#[test]
fn what_failed_is_not_done() {
    assert_eq!(result(&[]).weight_done(), 1_000);
    assert_eq!(result(&[300, 100]).weight_done(), 600);
    assert_eq!(result(&[300, 700]).weight_done(), 0);
    assert_eq!(result(&[u64::MAX, 1]).weight_done(), 0);
}

#[test]
fn a_task_is_known_by_all_that_decides_its_answer() {
    let known = task().fingerprint();
    assert_eq!(TaskRecord { put_us: 6, ..task() }.fingerprint(), known, "put again, it is the same task");
    for other in [
        TaskRecord { job: JobId::new("april").unwrap(), ..task() },
        TaskRecord { index: 8, ..task() },
        TaskRecord { weight: 999, ..task() },
        TaskRecord { slice: vec![1, 2], ..task() },
    ] {
        assert_ne!(other.fingerprint(), known);
    }
}

fn survives<M: Message + PartialEq + std::fmt::Debug>(message: &M) -> Result<(), TestCaseError> {
    let bytes = message.to_bytes();
    prop_assert_eq!(&M::from_bytes(&bytes).unwrap(), message);
    prop_assert_eq!(M::from_bytes(&bytes).unwrap().to_bytes(), bytes);
    Ok(())
}

fn is_fragile<M: Message + std::fmt::Debug>(
    message: &M,
    cut: prop::sample::Index,
) -> Result<(), TestCaseError> {
    let bytes = message.to_bytes();
    prop_assert!(M::from_bytes(&bytes[..cut.index(bytes.len())]).is_err());
    for bit in 0..bytes.len() * 8 {
        let mut damaged = bytes.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(M::from_bytes(&damaged).is_err(), "bit {}", bit);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_message_survives(task in any_task(), result in any_result(), reply in any_reply()) {
        let request = SubtaskRequest {
            workload: task.workload.clone(),
            code: task.code.id(),
            input: task.input,
            slice: task.slice.clone(),
        };
        survives(&task)?;
        survives(&request)?;
        survives(&reply)?;
        survives(&result)?;
        survives(&ResultElsewhere { record: task.input })?;
    }

    #[test]
    fn any_damage_is_refused(
        task in any_task(),
        result in any_result(),
        reply in any_reply(),
        cut: prop::sample::Index,
    ) {
        is_fragile(&task, cut)?;
        is_fragile(&reply, cut)?;
        is_fragile(&result, cut)?;
    }

    #[test]
    fn no_bytes_are_too_strange(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        let sealed = |kind| {
            let mut sealed = vec![b's', b'q', 1, kind];
            sealed.extend(Digest::of(&bytes).start());
            sealed.extend(&bytes);
            sealed
        };
        let _ = TaskRecord::from_bytes(&sealed(TaskRecord::KIND));
        let _ = ResultRecord::from_bytes(&sealed(ResultRecord::KIND));
        let _ = ResultElsewhere::from_bytes(&sealed(ResultElsewhere::KIND));
        prop_assert!(SubtaskReply::from_bytes(&bytes).is_err());
    }
}
