//! The ledger's table, and a group to experiment with.

use aws_sdk_autoscaling::Client as AutoScaling;
use aws_sdk_autoscaling::types::LaunchTemplateSpecification;
use aws_sdk_dynamodb::Client as DynamoDb;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use squall_core::ports::PortError;

use super::{table_is_active, until};
use crate::connection::{Client, Connection};
use crate::error::{port_error, unsendable};

/// The size limits of a group, and its initial size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Fewest instances.
    pub min: i32,
    /// Most instances.
    pub max: i32,
    /// The desired number.
    pub desired: i32,
}

/// Creates the ledger's table unless it exists, and returns once it is usable.
///
/// # Errors
/// When it cannot be created, or is not usable after two minutes.
pub async fn provision_ledger(connection: &Connection, table: &str) -> Result<(), PortError> {
    let client = Client::new(connection, DynamoDb::new);
    let what = || format!("make table {table}");
    let mut request = client.get().await.create_table().table_name(table);
    for (name, kind) in [("pk", KeyType::Hash), ("sk", KeyType::Range)] {
        let key = KeySchemaElement::builder().attribute_name(name).key_type(kind).build();
        let attribute = AttributeDefinition::builder().attribute_name(name);
        let attribute = attribute.attribute_type(ScalarAttributeType::S).build();
        request = request
            .key_schema(key.map_err(|error| unsendable(what(), &error))?)
            .attribute_definitions(attribute.map_err(|error| unsendable(what(), &error))?);
    }
    let made = request.billing_mode(BillingMode::PayPerRequest).send().await;
    if let Err(error) = made
        && !error.as_service_error().is_some_and(|it| it.is_resource_in_use_exception())
    {
        return Err(port_error(connection, what(), error));
    }
    until(&format!("table {table}"), async || table_is_active(&client, table).await).await
}

/// Creates a group with a launch template that is never looked up: for an emulator, whose instances are only names. All
/// of them are protected from launch on, as required for a group that is scaled in by name.
///
/// # Errors
/// When it cannot be created, or exists already.
pub async fn provision_group(
    connection: &Connection,
    group: &str,
    zones: &[&str],
    bounds: Bounds,
) -> Result<(), PortError> {
    let client = Client::new(connection, AutoScaling::new);
    let template = LaunchTemplateSpecification::builder().launch_template_name(group).version("1").build();
    let Bounds { min, max, desired } = bounds;
    let zones = zones.iter().map(|zone| (*zone).to_owned()).collect();
    let request = client.get().await.create_auto_scaling_group().auto_scaling_group_name(group);
    let made = request
        .launch_template(template)
        .min_size(min)
        .max_size(max)
        .desired_capacity(desired)
        .set_availability_zones(Some(zones))
        .new_instances_protected_from_scale_in(true)
        .send()
        .await;
    made.map(drop).map_err(|error| port_error(connection, format!("make group {group}"), error))
}
