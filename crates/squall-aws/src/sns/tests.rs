use std::collections::BTreeMap;

use roaring::RoaringBitmap;
use squall_core::code::CodeVersion;
use squall_core::digest::{Digest, Fingerprint};
use squall_core::job::JobId;
use squall_core::prices::Prices;
use squall_core::receipt::{Receipt, Timeline};
use squall_core::rows::{Ending, JobStatus, Published, Resent};
use squall_core::sizing::{Sizing, SizingReason};
use squall_core::workload::Coverage;

use super::*;
use crate::emulator;
use crate::transport::Inbox;

#[tokio::test]
async fn every_ending_is_announced_with_its_status_as_an_attribute() {
    let Some(connection) = emulator::connection().await else { return };
    let topic = topic(&connection).await;
    let inbox = Inbox::subscribe(&connection, &topic, &emulator::unique("inbox")).await.unwrap();
    let told = squall_contracts::job_events(&SnsJobEvents::new(&connection, &topic), "told").await.unwrap();
    let mut envelopes = Vec::new();
    while envelopes.len() < 2 * told.len() {
        for (receipt, envelope) in inbox.receive().await.unwrap() {
            envelopes.push(serde_json::from_str::<serde_json::Value>(&envelope).unwrap());
            inbox.done(&receipt).await.unwrap();
        }
    }
    for row in told {
        let message = event(&row, &Prices::default());
        let ours: Vec<_> = envelopes.iter().filter(|envelope| envelope["Message"] == message).collect();
        assert_eq!(ours.len(), 2, "told twice, heard twice: {message}");
        assert_eq!(ours[0]["MessageAttributes"]["status"]["Value"], row.status().to_string());
    }
}

async fn topic(connection: &Connection) -> String {
    let sns = Sns::new(connection.config().await);
    sns.create_topic().name(emulator::unique("topic")).send().await.unwrap().topic_arn.unwrap()
}

fn ended(reason: Option<String>) -> JobRow {
    let ending = Ending {
        status: JobStatus::Expired,
        reason,
        coverage: Coverage { weight_done: 3, weight_total: 4 },
        missing: RoaringBitmap::new(),
        failures: Vec::new(),
        answer: Vec::new(),
        receipt: Receipt { invocations: 10, ..Receipt::default() },
        timeline: Timeline::default(),
        ended_us: 9,
    };
    let published = Published {
        workload: "portfolio".to_owned(),
        code: CodeVersion::unnamed(1),
        input: Digest::of(b"input"),
        sizing: Sizing { n_tasks: 4, subtasks_per_task: 1, subtask_us: 1, reason: SizingReason::Asked },
        n_tasks: 4,
        weight: 4,
        fingerprints: Fingerprint(1),
        n_buckets: 1,
        generation: 0,
        lifetime_us: 60_000_000,
        resent: Resent::default(),
        is_large: false,
    };
    JobRow {
        id: JobId::new("march").unwrap(),
        message: Digest::of(b"message"),
        created_us: 5,
        expires_us: 8,
        max_cost: None,
        published: Some(published),
        enqueued: true,
        progress: BTreeMap::new(),
        ending: Some(ending),
        announced: false,
    }
}

#[test]
fn an_event_says_what_there_is_to_know() {
    let row = ended(Some("time ran out".to_owned()));
    assert_eq!(
        event(&row, &Prices::default()),
        r#"{"version":1,"job":"march","status":"expired","workload":"portfolio","reason":"time ran out","#
            .to_owned()
            + r#""coverage":{"weight_done":3,"weight_total":4},"cost_nano_usd":2000,"created_us":5,"ended_us":9,"#
            + &format!(r#""message":"{}"}}"#, Digest::of(b"message"))
    );
    assert_eq!(attributes(&row), [("status", "expired".to_owned()), ("workload", "portfolio".to_owned())]);
}

#[test]
fn a_rejected_job_has_no_workload() {
    let row = JobRow { published: None, ..ended(None) };
    assert_eq!(attributes(&row), [("status", "expired".to_owned())]);
    assert!(event(&row, &Prices::default()).contains(r#""workload":null,"reason":null"#));
}

#[test]
fn an_event_always_fits() {
    let row = ended(Some("\u{1}“ü”".repeat(100_000)));
    assert!(event(&row, &Prices::default()).len() < MAX_MESSAGE_BYTES);
}

#[tokio::test]
async fn a_topic_that_takes_more_is_sent_what_fits_into_an_event() {
    let connection = emulator::connection_to("http://127.0.0.1:1").await;
    let topic = JobTopic::new(&connection, "arn:aws:sns:us-east-1:123456789012:jobs");
    let (plain, quotes) = ("x".repeat(700_000), "\"".repeat(700_000));
    assert_eq!(
        topic.check(&plain).unwrap_err(),
        "the job has 700000 bytes and SNS takes 262144; put its tables into files that it names"
    );
    let large = topic.taking(1 << 20);
    assert_eq!(large.check(&plain), Ok(()));
    assert_eq!(
        large.check(&quotes).unwrap_err(),
        "the job has 1404098 bytes as an event and Lambda takes 1048576; put its tables into files that it names"
    );
}
