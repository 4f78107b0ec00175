//! The ledger of a group in a DynamoDB table, each write one conditional write.
//!
//! The levels of a group are the item `pk` = `group#<name>`, `sk` = `levels`. Each instance has a partition of its own:
//! `pk` = `instance#<ARN>`, `sk` = `group#<name>`. IAM can bind an instance's role to that partition
//! (`dynamodb:LeadingKeys` with `${ec2:SourceInstanceARN}`), so that an instance can write no row but its own. `row` is the row
//! in JSON, for people to read; `version` is its version, for conditions.
//!
//! **What an instance wrote.** So that one cannot stop the controllers or speak for another, a row that is unreadable, that differs
//! from its version, or is in the partition of another instance, is not listed: its instance looks new, and is kept. IAM binds the
//! partition, not the sort key: an instance can write any number of items beside its row. Only so much of the table is read to
//! list the rows; if that is not all of it, the rows of the group's instances are read one by one. The rows of instances that have
//! left may then be found later, when their partitions come to be read.
//!
//! **Rows of version 0.1** were all in the partition of their group, with `sk` = `instance#<id>`. They are listed, as open, while
//! their instance has no other row, and never written: no controller drains, terminates or forgets such an instance. They are
//! removed by hand.
//!
//! **The lost reply.** The SDK retries a write whose reply was lost, and the retry meets the first attempt: its condition
//! fails although the write was ours. So a row that is stored exactly as it was to be written counts as written: the tick
//! that drained an instance must know that it did. Another writer of an identical row did the same thing. When removing a
//! row, one that no longer exists is a lost race, to a writer that wanted the same.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Display;

use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure as OnFailure};
use futures::StreamExt;
use serde::Serialize;
use serde::de::DeserializeOwned;
use squall_capacity::claims::{InstanceRow, State};
use squall_capacity::ids::InstanceId;
use squall_capacity::levels::Levels;
use squall_capacity::ports::{Ledger, PortError, Written};
use tokio::sync::OnceCell;

use super::failed;
use crate::connection::{Client, Connection};
use crate::error::unsendable;

/// The sort key of the levels.
const LEVELS: &str = "levels";
/// The prefix of instances' partition keys.
const INSTANCE: &str = "instance#";
/// Most pages of the table that one list reads, of at most 1 MB each: rows of more than ten thousand instances.
const MOST_PAGES: usize = 16;
/// Rows that are read at a time.
const MOST_AT_ONCE: usize = 32;

type Item = HashMap<String, AttributeValue>;

/// The key of an item.
#[derive(Debug, Clone)]
struct Key {
    partition: String,
    sort: String,
}

/// The ledger of one group; several groups may share the table, whose keys are `pk` and `sk`.
///
/// All reads are strongly consistent.
#[derive(Debug)]
pub struct DynamoLedger {
    client: Client<aws_sdk_dynamodb::Client>,
    table: String,
    group: String,
    /// The partition keys of instances, without the id.
    instances: OnceCell<String>,
}

impl DynamoLedger {
    /// The ledger of a group.
    pub fn new(connection: &Connection, table: impl Into<String>, group: impl Into<String>) -> Self {
        let client = Client::new(connection, aws_sdk_dynamodb::Client::new);
        Self { client, table: table.into(), group: group.into(), instances: OnceCell::new() }
    }

    /// `read the levels of group g from table t`.
    fn what(&self, verb: &str, object: impl Display, preposition: &str) -> String {
        format!("{verb} {object} of group {} {preposition} table {}", self.group, self.table)
    }

    fn thing(&self) -> String {
        format!("table {}", self.table)
    }

    fn group_key(&self) -> String {
        format!("group#{}", self.group)
    }

    fn levels_key(&self) -> Key {
        Key { partition: self.group_key(), sort: LEVELS.to_owned() }
    }

    async fn instance_key(&self, id: &InstanceId) -> Result<Key, PortError> {
        let prefix = self.instances.get_or_try_init(|| self.instances_prefix()).await?;
        Ok(Key { partition: format!("{prefix}{id}"), sort: self.group_key() })
    }

    /// An instance has the account and the region of its ledger, which the table's ARN names.
    async fn instances_prefix(&self) -> Result<String, PortError> {
        let what = format!("describe table {}", self.table);
        let sent = self.client.get().await.describe_table().table_name(&self.table).send().await;
        let reply = sent.map_err(|error| failed(self.client.connection(), &what, self.thing(), error))?;
        let arn = reply.table().and_then(|table| table.table_arn()).unwrap_or_default();
        instances_of(arn).ok_or_else(|| {
            PortError::permanent(format!(
                "cannot {what}: its ARN is {arn:?}, expected arn:aws:dynamodb:REGION:ACCOUNT:table/NAME"
            ))
        })
    }

    fn parsed<T: DeserializeOwned>(&self, object: impl Display, item: &Item) -> Result<T, PortError> {
        let row = item.get("row").and_then(|row| row.as_s().ok()).map_or("", String::as_str);
        serde_json::from_str(row).map_err(|error| {
            PortError::permanent(format!("cannot {}: {error}", self.what("read", object, "from")))
        })
    }

    async fn get(&self, key: &Key, object: impl Display) -> Result<Option<Item>, PortError> {
        let request = self.client.get().await.get_item().table_name(&self.table).consistent_read(true);
        let sent = request.key("pk", text(&key.partition)).key("sk", text(&key.sort)).send().await;
        let reply = sent.map_err(|error| {
            failed(self.client.connection(), self.what("read", object, "from"), self.thing(), error)
        })?;
        Ok(reply.item)
    }

    async fn put(
        &self,
        key: &Key,
        object: impl Display,
        version: u64,
        row: &impl Serialize,
    ) -> Result<Written, PortError> {
        let Some(before) = version.checked_sub(1) else { return Ok(Written::Raced) };
        let what = self.what("write", &object, "to");
        let row = serde_json::to_string(row).map_err(|error| unsendable(&what, &error))?;
        let row = text(row);
        let request = self
            .client
            .get()
            .await
            .put_item()
            .table_name(&self.table)
            .item("pk", text(&key.partition))
            .item("sk", text(&key.sort))
            .item("version", number(version))
            .item("row", row.clone())
            .return_values_on_condition_check_failure(OnFailure::AllOld);
        let request = match before {
            0 => request.condition_expression("attribute_not_exists(pk)"),
            before => request
                .condition_expression("version = :before")
                .expression_attribute_values(":before", number(before)),
        };
        let Err(error) = request.send().await else { return Ok(Written::Yes) };
        let Some(PutItemError::ConditionalCheckFailedException(refused)) = error.as_service_error() else {
            return Err(failed(self.client.connection(), what, self.thing(), error));
        };
        let standing = match refused.item.clone().filter(|item| !item.is_empty()) {
            Some(item) => Some(item),
            // Not every DynamoDB endpoint returns the item.
            None => self.get(key, object).await?,
        };
        let is_ours = standing.is_some_and(|item| item.get("row") == Some(&row));
        Ok(if is_ours { Written::Yes } else { Written::Raced })
    }
}

impl Ledger for DynamoLedger {
    async fn levels(&self) -> Result<Levels, PortError> {
        match self.get(&self.levels_key(), "the levels").await? {
            Some(item) => self.parsed("the levels", &item),
            None => Ok(Levels::default()),
        }
    }

    async fn put_levels(&self, levels: &Levels) -> Result<Written, PortError> {
        self.put(&self.levels_key(), "the levels", levels.version, levels).await
    }

    /// The table is read: it has little else, and an index would not see every write that was acknowledged.
    async fn instances(&self, members: &[InstanceId]) -> Result<Vec<InstanceRow>, PortError> {
        let (mut found, mut old) = (BTreeMap::new(), Vec::new());
        let group = self.group_key();
        let mut from = None;
        for _ in 0..MOST_PAGES {
            let request = self.client.get().await.scan().table_name(&self.table).consistent_read(true);
            let page = request.set_exclusive_start_key(from).send().await.map_err(|error| {
                let what = self.what("list", "the instances", "in");
                failed(self.client.connection(), what, self.thing(), error)
            })?;
            for item in page.items() {
                match listed(item, &group) {
                    Some(Listed::Own(row)) => drop(found.insert(row.id.clone(), row)),
                    Some(Listed::Old(row)) => old.push(row),
                    None => {}
                }
            }
            from = page.last_evaluated_key;
            if from.is_none() {
                break;
            }
        }
        if from.is_some() {
            let missing: Vec<_> = members.iter().filter(|id| !found.contains_key(*id)).cloned().collect();
            let rows = missing.into_iter().map(|id| async move { usable(self.instance(&id).await) });
            let mut rows = futures::stream::iter(rows).buffer_unordered(MOST_AT_ONCE);
            while let Some(row) = rows.next().await {
                found.extend(row?.map(|row| (row.id.clone(), row)));
            }
        }
        for row in old {
            found.entry(row.id.clone()).or_insert(row);
        }
        Ok(found.into_values().collect())
    }

    async fn instance(&self, id: &InstanceId) -> Result<Option<InstanceRow>, PortError> {
        let object = format!("instance {id}");
        let Some(item) = self.get(&self.instance_key(id).await?, &object).await? else { return Ok(None) };
        let row: InstanceRow = self.parsed(&object, &item)?;
        if row.id == *id && is_version_of(&item, &row) {
            return Ok(Some(row));
        }
        let InstanceRow { id, version, .. } = row;
        Err(PortError::permanent(format!(
            "cannot {}: its row is version {version} of {id}, expected the version and the id of the item",
            self.what("read", object, "from")
        )))
    }

    async fn put_instance(&self, row: &InstanceRow) -> Result<Written, PortError> {
        let key = self.instance_key(&row.id).await?;
        self.put(&key, format_args!("instance {}", row.id), row.version, row).await
    }

    async fn forget_instance(&self, id: &InstanceId, version: u64) -> Result<Written, PortError> {
        let key = self.instance_key(id).await?;
        let request = self.client.get().await.delete_item().table_name(&self.table);
        let sent = request
            .key("pk", text(&key.partition))
            .key("sk", text(&key.sort))
            .condition_expression("version = :version")
            .expression_attribute_values(":version", number(version))
            .send()
            .await;
        let Err(error) = sent else { return Ok(Written::Yes) };
        match error.as_service_error() {
            Some(DeleteItemError::ConditionalCheckFailedException(_)) => Ok(Written::Raced),
            _ => {
                let what = self.what("remove", format_args!("instance {id}"), "from");
                Err(failed(self.client.connection(), what, self.thing(), error))
            }
        }
    }
}

/// A row as it is listed: one that cannot be used is not.
fn usable(read: Result<Option<InstanceRow>, PortError>) -> Result<Option<InstanceRow>, PortError> {
    match read {
        Err(PortError::Permanent { .. }) => Ok(None),
        read => read,
    }
}

/// Whether the item has the version that conditions are on. Otherwise no write of the row could ever succeed.
fn is_version_of(item: &Item, row: &InstanceRow) -> bool {
    item.get("version") == Some(&number(row.version))
}

/// The row of an instance.
enum Listed {
    /// In the instance's own partition.
    Own(InstanceRow),
    /// Of version 0.1, in the group's.
    Old(InstanceRow),
}

/// The row that an item is, if it is one of the group's instances.
fn listed(item: &Item, group: &str) -> Option<Listed> {
    let of = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).map(String::as_str);
    let (partition, sort) = (of("pk")?, of("sk")?);
    let row: InstanceRow = serde_json::from_str(of("row")?).ok()?;
    if partition == group {
        let is_its = sort.strip_prefix(INSTANCE)? == row.id.as_str();
        // Open, whatever it says: no controller would end its leaving.
        return is_its.then_some(Listed::Old(InstanceRow { state: State::Open, ..row }));
    }
    let (_, id) = partition.strip_prefix(INSTANCE)?.split_once('/')?;
    (sort == group && id == row.id.as_str() && is_version_of(item, &row)).then_some(Listed::Own(row))
}

/// The partition keys of the instances in the account and the region of a table, without the id.
fn instances_of(table_arn: &str) -> Option<String> {
    let parts: Vec<&str> = table_arn.split(':').collect();
    match parts[..] {
        ["arn", partition, "dynamodb", region, account, _] => {
            Some(format!("{INSTANCE}arn:{partition}:ec2:{region}:{account}:instance/"))
        }
        _ => None,
    }
}

fn text(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

fn number(number: u64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

#[cfg(test)]
mod tests;
