use super::*;
use crate::emulator;
use crate::provision::provision_ledger;
use squall_capacity::events::Activity;

fn row(id: &str) -> InstanceRow {
    InstanceRow::new(InstanceId::new(id).unwrap(), 7)
}

async fn ledger(connection: &Connection) -> DynamoLedger {
    let table = emulator::unique("ledger");
    provision_ledger(connection, &table).await.unwrap();
    DynamoLedger::new(connection, table, "runners")
}

#[tokio::test]
async fn rows_are_json_for_people_under_keys_that_say_what_they_are() {
    let Some(connection) = emulator::connection().await else { return };
    let ledger = ledger(&connection).await;
    ledger.put_instance(&row("i-0abc")).await.unwrap();
    let id = InstanceId::new("i-0abc").unwrap();
    let key = ledger.instance_key(&id).await.unwrap();
    let item = ledger.get(&key, "it").await.unwrap().unwrap();
    assert_eq!(item["pk"], text("instance#arn:aws:ec2:us-east-1:000000000000:instance/i-0abc"));
    assert_eq!(item["sk"], text("group#runners"));
    assert_eq!(item["version"], number(1));
    let json = r#"{"id":"i-0abc","version":1,"state":"open","runs":{},"idle_since_us":7}"#;
    assert_eq!(item["row"], text(json));
    let event = r#"{"version": 1, "type": "session_activity", "source": "web", "time": "2026-11-22T10:15:00Z",
                    "active_sessions": 7}"#;
    let mut levels = Levels { version: 1, ..Levels::default() };
    levels.record(&Activity::from_json(event, u64::MAX).unwrap());
    ledger.put_levels(&levels).await.unwrap();
    let json = r#"{"version":1,"sessions":{"web":{"order":1795342500000000,"value":7,"time_us":1795342500000000}},"runs":{},"session_came_us":1795342500000000,"run_seen_us":0,"launch":null}"#;
    assert_eq!(ledger.get(&ledger.levels_key(), "it").await.unwrap().unwrap()["row"], text(json));
}

#[tokio::test]
async fn a_list_goes_on_over_pages_in_the_order_of_ids() {
    let Some(connection) = emulator::connection().await else { return };
    let ledger = ledger(&connection).await;
    // A page is at most 1 MB: each row has some 100 KB.
    let mut expected = Vec::new();
    for n in (10..25).rev() {
        let mut row = row(&format!("i-{n}"));
        for run in 0..1_000 {
            let run = squall_capacity::ids::RunId::new(format!("{run:0100}")).unwrap();
            row.runs.insert(run, 0);
        }
        ledger.put_instance(&row).await.unwrap();
        expected.insert(0, row);
    }
    assert_eq!(ledger.instances(&[]).await.unwrap(), expected);
}

#[tokio::test]
async fn a_row_that_is_not_one_is_named_with_its_table() {
    let Some(connection) = emulator::connection().await else { return };
    let ledger = ledger(&connection).await;
    let request = ledger.client.get().await.put_item().table_name(&ledger.table);
    let request = request.item("pk", text(ledger.group_key())).item("sk", text(LEVELS));
    request.item("row", text("{}")).send().await.unwrap();
    let error = ledger.levels().await.unwrap_err();
    assert!(matches!(error, PortError::Permanent { .. }));
    let expected = format!(
        "cannot read the levels of group runners from table {}: missing field `version` at line 1 column 2",
        ledger.table
    );
    assert_eq!(error.to_string(), expected);
}

#[tokio::test]
async fn a_table_that_is_not_there_is_named() {
    let Some(connection) = emulator::connection().await else { return };
    let ledger = DynamoLedger::new(&connection, "nowhere", "runners");
    let error = ledger.instances(&[]).await.unwrap_err().to_string();
    assert!(
        error.starts_with(
            "cannot list the instances of group runners in table nowhere: table nowhere does not exist"
        ),
        "{error}"
    );
}

/// Writes an item whatever is there.
async fn write(ledger: &DynamoLedger, partition: &str, sort: &str, row: &str) {
    let request = ledger.client.get().await.put_item().table_name(&ledger.table);
    let request = request.item("pk", text(partition)).item("sk", text(sort)).item("version", number(1));
    request.item("row", text(row)).send().await.unwrap();
}

#[tokio::test]
async fn an_instance_can_neither_speak_for_another_nor_stop_the_list() {
    let Some(connection) = emulator::connection().await else { return };
    let ledger = ledger(&connection).await;
    ledger.put_instance(&row("i-0abc")).await.unwrap();
    let of = |id: &str| format!("instance#arn:aws:ec2:us-east-1:000000000000:instance/{id}");
    let forged = serde_json::to_string(&row("i-0abd")).unwrap();
    write(&ledger, &of("i-0bad"), "group#runners", &forged).await;
    write(&ledger, &of("i-0bae"), "group#runners", "{}").await;
    write(&ledger, &of("i-0baf"), "levels", &forged).await;
    let ahead = serde_json::to_string(&InstanceRow { version: 7, ..row("i-0bag") }).unwrap();
    write(&ledger, &of("i-0bag"), "group#runners", &ahead).await;
    assert_eq!(ledger.instances(&[]).await.unwrap(), [row("i-0abc")]);
    for id in ["i-0bad", "i-0bae", "i-0bag"] {
        let read = ledger.instance(&InstanceId::new(id).unwrap()).await;
        assert!(matches!(read, Err(PortError::Permanent { .. })), "{id}: {read:?}");
    }
    assert_eq!(ledger.put_instance(&row("i-0bae")).await.unwrap(), Written::Raced, "nor is it taken for new");
}

#[tokio::test]
async fn what_an_instance_writes_beside_its_row_hides_no_row_of_the_groups_instances() {
    let Some(connection) = emulator::connection().await else { return };
    let ledger = ledger(&connection).await;
    let members: Vec<_> = (0..40).map(|n| row(&format!("i-{n:02}"))).collect();
    for row in &members {
        ledger.put_instance(row).await.unwrap();
    }
    let partition = "instance#arn:aws:ec2:us-east-1:000000000000:instance/i-07";
    let much = "y".repeat(390_000);
    for n in 0..=3 * MOST_PAGES {
        write(&ledger, partition, &format!("anything-{n}"), &much).await;
    }
    let ids: Vec<_> = members.iter().map(|row| row.id.clone()).collect();
    assert_eq!(ledger.instances(&ids).await.unwrap(), members);
}

#[tokio::test]
async fn a_row_of_version_0_1_is_listed_and_never_written() {
    let Some(connection) = emulator::connection().await else { return };
    let ledger = ledger(&connection).await;
    for (id, state) in [("i-1", State::Open), ("i-2", State::Draining { since_us: 1 })] {
        let json = serde_json::to_string(&InstanceRow { state, ..row(id) }).unwrap();
        write(&ledger, "group#runners", &format!("instance#{id}"), &json).await;
    }
    assert_eq!(ledger.instances(&[]).await.unwrap(), [row("i-1"), row("i-2")]);
    let id = InstanceId::new("i-1").unwrap();
    assert_eq!(ledger.instance(&id).await.unwrap(), None);
    let next = InstanceRow { version: 2, ..row("i-1") };
    assert_eq!(ledger.put_instance(&next).await.unwrap(), Written::Raced);
    assert_eq!(ledger.forget_instance(&id, 1).await.unwrap(), Written::Raced);
    let new = InstanceRow { idle_since_us: 9, ..row("i-1") };
    assert_eq!(ledger.put_instance(&new).await.unwrap(), Written::Yes);
    assert_eq!(ledger.instances(&[]).await.unwrap(), [new, row("i-2")]);
}

#[test]
fn an_instance_has_the_account_and_the_region_of_its_table() {
    let of = |arn| instances_of(arn).unwrap_or_default();
    assert_eq!(
        of("arn:aws-cn:dynamodb:cn-north-1:123456789012:table/SquallCapacity-Ledger-1"),
        "instance#arn:aws-cn:ec2:cn-north-1:123456789012:instance/"
    );
    assert_eq!(["", "ledger", "arn:aws:s3:::bucket"].map(of), [""; 3]);
}
