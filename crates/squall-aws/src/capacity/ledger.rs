//! The ledger of a group in a DynamoDB table, each write one conditional write.
//!
//! A group's rows are the items `pk` = `group#<name>`, with `sk` = `levels`, and `sk` = `instance#<id>` for each instance.
//! `row` is the row in JSON, for people to read; `version` is its version, for conditions.
//!
//! **The lost reply.** The SDK retries a write whose reply was lost, and the retry meets the first attempt: its condition
//! fails although the write was ours. So a row that is stored exactly as it was to be written counts as written: the tick
//! that drained an instance must know that it did. Another writer of an identical row did the same thing. When removing a
//! row, one that no longer exists is a lost race, to a writer that wanted the same.

use std::collections::HashMap;
use std::fmt::Display;

use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure as OnFailure};
use serde::Serialize;
use serde::de::DeserializeOwned;
use squall_capacity::claims::InstanceRow;
use squall_capacity::ids::InstanceId;
use squall_capacity::levels::Levels;
use squall_capacity::ports::{Ledger, PortError, Written};

use super::failed;
use crate::connection::{Client, Connection};
use crate::error::unsendable;

/// The sort key of the levels.
const LEVELS: &str = "levels";
/// The prefix of instances' sort keys.
const INSTANCE: &str = "instance#";

type Item = HashMap<String, AttributeValue>;

/// The ledger of one group; several groups may share the table, whose keys are `pk` and `sk`.
///
/// All reads are strongly consistent.
#[derive(Debug)]
pub struct DynamoLedger {
    client: Client<aws_sdk_dynamodb::Client>,
    table: String,
    group: String,
}

impl DynamoLedger {
    /// The ledger of a group.
    pub fn new(connection: &Connection, table: impl Into<String>, group: impl Into<String>) -> Self {
        let client = Client::new(connection, aws_sdk_dynamodb::Client::new);
        Self { client, table: table.into(), group: group.into() }
    }

    /// `read the levels of group g from table t`.
    fn what(&self, verb: &str, object: impl Display, preposition: &str) -> String {
        format!("{verb} {object} of group {} {preposition} table {}", self.group, self.table)
    }

    fn thing(&self) -> String {
        format!("table {}", self.table)
    }

    fn partition_key(&self) -> AttributeValue {
        text(format!("group#{}", self.group))
    }

    fn parsed<T: DeserializeOwned>(&self, object: impl Display, item: &Item) -> Result<T, PortError> {
        let row = item.get("row").and_then(|row| row.as_s().ok()).map_or("", String::as_str);
        serde_json::from_str(row).map_err(|error| {
            PortError::permanent(format!("cannot {}: {error}", self.what("read", object, "from")))
        })
    }

    async fn get(&self, sort_key: &str, object: impl Display) -> Result<Option<Item>, PortError> {
        let request = self.client.get().await.get_item().table_name(&self.table).consistent_read(true);
        let sent = request.key("pk", self.partition_key()).key("sk", text(sort_key)).send().await;
        let reply = sent.map_err(|error| {
            failed(self.client.connection(), self.what("read", object, "from"), self.thing(), error)
        })?;
        Ok(reply.item)
    }

    async fn put(
        &self,
        sort_key: &str,
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
            .item("pk", self.partition_key())
            .item("sk", text(sort_key))
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
            None => self.get(sort_key, object).await?,
        };
        let is_ours = standing.is_some_and(|item| item.get("row") == Some(&row));
        Ok(if is_ours { Written::Yes } else { Written::Raced })
    }
}

impl Ledger for DynamoLedger {
    async fn levels(&self) -> Result<Levels, PortError> {
        match self.get(LEVELS, "the levels").await? {
            Some(item) => self.parsed("the levels", &item),
            None => Ok(Levels::default()),
        }
    }

    async fn put_levels(&self, levels: &Levels) -> Result<Written, PortError> {
        self.put(LEVELS, "the levels", levels.version, levels).await
    }

    async fn instances(&self) -> Result<Vec<InstanceRow>, PortError> {
        let mut found = Vec::new();
        let mut from = None;
        loop {
            let request = self.client.get().await.query().table_name(&self.table).consistent_read(true);
            let page = request
                .key_condition_expression("pk = :pk AND begins_with(sk, :instance)")
                .expression_attribute_values(":pk", self.partition_key())
                .expression_attribute_values(":instance", text(INSTANCE))
                .set_exclusive_start_key(from)
                .send()
                .await
                .map_err(|error| {
                    let what = self.what("list", "the instances", "in");
                    failed(self.client.connection(), what, self.thing(), error)
                })?;
            for item in page.items() {
                found.push(self.parsed("an instance", item)?);
            }
            from = page.last_evaluated_key;
            if from.is_none() {
                // Ordered by sort key, and so by id.
                return Ok(found);
            }
        }
    }

    async fn instance(&self, id: &InstanceId) -> Result<Option<InstanceRow>, PortError> {
        let object = format!("instance {id}");
        match self.get(&sort_key(id), &object).await? {
            Some(item) => self.parsed(&object, &item).map(Some),
            None => Ok(None),
        }
    }

    async fn put_instance(&self, row: &InstanceRow) -> Result<Written, PortError> {
        self.put(&sort_key(&row.id), format_args!("instance {}", row.id), row.version, row).await
    }

    async fn forget_instance(&self, id: &InstanceId, version: u64) -> Result<Written, PortError> {
        let request = self.client.get().await.delete_item().table_name(&self.table);
        let sent = request
            .key("pk", self.partition_key())
            .key("sk", text(sort_key(id)))
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

fn sort_key(id: &InstanceId) -> String {
    format!("{INSTANCE}{id}")
}

fn text(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

fn number(number: u64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

#[cfg(test)]
mod tests;
