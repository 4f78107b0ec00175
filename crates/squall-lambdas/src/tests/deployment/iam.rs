//! Compares the functions' roles with their adapters' calls, action by action and resource by resource.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use squall_capacity::policy::{Policy, RaiseBy};

use super::called::action_of;
use super::template::{REGION, Templates, arn};
use super::{Function, functions};
use crate::calls::calls_of;

/// The actions with which Lambda reads a stream on the function's behalf
/// (<https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-create.html>).
const STREAM_READS: [&str; 5] = [
    "kinesis:DescribeStream",
    "kinesis:DescribeStreamSummary",
    "kinesis:GetRecords",
    "kinesis:GetShardIterator",
    "kinesis:ListShards",
];

/// Whether the action supports no resources, so that a policy can only use `*`.
fn knows_no_resource(action: &str) -> bool {
    action.starts_with("autoscaling:Describe")
        || action.starts_with("xray:Put")
        || matches!(
            action,
            "cloudwatch:GetMetricData" | "cloudwatch:PutMetricData" | "ec2:DescribeSecurityGroupRules"
        )
}

/// An action on a resource, optionally with a condition.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Permission {
    action: String,
    resource: String,
    condition: Option<String>,
}

impl Permission {
    fn new(action: &str, resource: &str) -> Self {
        Self { action: action.to_owned(), resource: resource.to_owned(), condition: None }
    }

    fn told(&self) -> String {
        let condition = self.condition.as_ref().map(|it| format!(" if {it}")).unwrap_or_default();
        format!("{} on {}{condition}", self.action, self.resource)
    }
}

/// Permissions, and the reason for each.
type Needs = BTreeMap<Permission, String>;

/// The resources of an adapter's action, from the function's variables.
fn resources(function: &Function, adapter: &str, action: &str) -> Vec<String> {
    let told = |variable| function.variable(variable);
    match (adapter, action) {
        (_, action) if knows_no_resource(action) => vec!["*".to_owned()],
        ("DynamoJobStore", "dynamodb:Query") => {
            vec![arn("dynamodb", &format!("table/{}/index/by-status", told("SQUALL_TABLE")))]
        }
        ("DynamoJobStore", _) => vec![arn("dynamodb", &format!("table/{}", told("SQUALL_TABLE")))],
        ("S3Blobs", _) => vec![format!("arn:aws:s3:::{}/blobs/*", told("SQUALL_BUCKET"))],
        ("S3Blobs: given up", "s3:ListBucket") => {
            vec![format!("arn:aws:s3:::{}", told("SQUALL_GIVEN_UP_BUCKET"))]
        }
        ("S3Blobs: given up", _) => {
            vec![format!("arn:aws:s3:::{}/aws/lambda/*", told("SQUALL_GIVEN_UP_BUCKET"))]
        }
        // Those that `squall submit` uploaded. The setting `readsFrom` names other places to read and list.
        ("S3Objects", _) if function.binary == "task-splitter" => {
            vec![format!("arn:aws:s3:::{}/files/*", told("SQUALL_BUCKET"))]
        }
        ("S3Objects" | "S3Pages", _) => Vec::new(),
        ("KinesisTaskQueue", _) => vec![arn("kinesis", &format!("stream/{}", told("SQUALL_TASK_STREAM")))],
        ("KinesisResultQueue", _) => {
            vec![arn("kinesis", &format!("stream/{}", told("SQUALL_RESULT_STREAM")))]
        }
        ("LambdaWorkers", _) => {
            let workers = told("SQUALL_WORKER_FUNCTIONS");
            workers.split(',').map(|it| arn("lambda", &format!("function:{}", it.trim()))).collect()
        }
        ("SnsJobEvents", _) => vec![told("SQUALL_EVENTS_TOPIC")],
        // The id in the middle is assigned by AWS.
        ("AutoScalingGroup", _) => {
            let group = format!("autoScalingGroup:*:autoScalingGroupName/{}", told("SQUALL_GROUP"));
            vec![arn("autoscaling", &group)]
        }
        ("DynamoLedger", _) => vec![arn("dynamodb", &format!("table/{}", told("SQUALL_LEDGER_TABLE")))],
        (adapter, action) => panic!("what is {action} of {adapter} on?"),
    }
}

/// Whether the function can reach this call under its policy: a group is enlarged in one of two ways.
fn is_taken(function: &Function, operation: &str) -> bool {
    let raise_by = || Policy::from_json(&function.variable("SQUALL_POLICY")).unwrap().raise_by;
    match operation {
        "autoscaling:LaunchInstances" => raise_by() == RaiseBy::LaunchInstances,
        "autoscaling:SetDesiredCapacity" => raise_by() == RaiseBy::SetDesired,
        // Sessions are on no instance.
        "autoscaling:SetInstanceProtection" => !function.name.ends_with("-sessions"),
        _ => true,
    }
}

/// The permissions for the calls of a function's adapters.
fn needs_of_adapters(function: &Function) -> Needs {
    let mut needs = Needs::new();
    let calls = calls_of(&function.binary).iter();
    let calls = calls.flat_map(|(adapter, operations)| operations.iter().map(move |it| (*adapter, *it)));
    for (adapter, operation) in calls.filter(|(_, operation)| is_taken(function, operation)) {
        let action = action_of(operation);
        for resource in resources(function, adapter, action) {
            let mut permission = Permission::new(action, &resource);
            if action == "cloudwatch:PutMetricData" {
                let namespace = function.variable("SQUALL_METRIC_NAMESPACE");
                let condition = json!({ "StringEquals": { "cloudwatch:namespace": namespace } });
                permission.condition = Some(condition.to_string());
            }
            needs.insert(permission, format!("{adapter} calls {operation}"));
        }
    }
    needs
}

/// The permissions that Lambda needs on a function's behalf.
fn needs_of_lambda(templates: &Templates, function: &Function) -> Needs {
    let mut needs = Needs::new();
    let mut need = |actions: &[&str], resource: &str, why: &str| {
        needs.extend(actions.iter().map(|action| (Permission::new(action, resource), why.to_owned())));
    };
    let properties = &function.resource.properties;
    for log in templates.resources("AWS::Logs::LogGroup") {
        if properties["LoggingConfig"]["LogGroup"] == log.reference {
            need(&["logs:CreateLogStream", "logs:PutLogEvents"], &log.arn, "its log");
        }
    }
    if properties["TracingConfig"]["Mode"] == "Active" {
        need(&["xray:PutTelemetryRecords", "xray:PutTraceSegments"], "*", "its traces");
    }
    let mut failures = Vec::new();
    for config in templates.resources("AWS::Lambda::EventInvokeConfig") {
        if config.properties["FunctionName"] == function.name {
            failures.push(config.properties["DestinationConfig"]["OnFailure"]["Destination"].clone());
        }
    }
    for mapping in templates.resources("AWS::Lambda::EventSourceMapping") {
        if mapping.properties["FunctionName"] == function.name {
            let stream = mapping.properties["EventSourceArn"].as_str().unwrap();
            need(&STREAM_READS, stream, "its event source");
            failures.push(mapping.properties["DestinationConfig"]["OnFailure"]["Destination"].clone());
        }
    }
    for destination in failures.iter().filter_map(Value::as_str) {
        let why = "what it could not handle";
        match destination.split(':').nth(2) {
            Some("sqs") => need(&["sqs:SendMessage"], destination, why),
            Some("sns") => need(&["sns:Publish"], destination, why),
            Some("s3") => {
                need(&["s3:ListBucket"], destination, why);
                need(&["s3:PutObject"], &format!("{destination}/aws/lambda/*"), why);
            }
            _ => panic!("{} keeps what it could not handle in {destination}", function.name),
        }
    }
    needs
}

/// The permissions on the keys of the resources used: a writer generates a data key, a reader decrypts it, and a
/// publisher to a topic does both (<https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html>,
/// <https://docs.aws.amazon.com/streams/latest/dev/permissions-user-key-KMS.html>).
fn needs_of_keys(templates: &Templates, used: &Needs) -> Needs {
    let mut keys = BTreeMap::new();
    let of = |kind: &str, key: &str| {
        let key = move |it: super::Resource| {
            Some((it.arn.clone(), it.properties.pointer(key)?.as_str()?.to_owned()))
        };
        templates.resources(kind).into_iter().filter_map(key).collect::<Vec<_>>()
    };
    let default =
        "/BucketEncryption/ServerSideEncryptionConfiguration/0/ServerSideEncryptionByDefault/KMSMasterKeyID";
    keys.extend(of("AWS::Kinesis::Stream", "/StreamEncryption/KeyId"));
    keys.extend(of("AWS::SNS::Topic", "/KmsMasterKeyId"));
    keys.extend(of("AWS::S3::Bucket", default));
    keys.extend(of("AWS::SQS::Queue", "/KmsMasterKeyId"));
    keys.extend(of("AWS::DynamoDB::Table", "/SSESpecification/KMSMasterKeyId"));
    let mut needs = Needs::new();
    for permission in used.keys() {
        let Permission { action, resource, .. } = permission;
        let Some((of, key)) =
            keys.iter().find(|(of, _)| resource == *of || resource.starts_with(&format!("{of}/")))
        else {
            continue;
        };
        let actions: &[&str] = match action.as_str() {
            "kinesis:PutRecord" | "kinesis:PutRecords" => &["kms:GenerateDataKey"],
            "kinesis:GetRecords" | "s3:GetObject" => &["kms:Decrypt"],
            "sns:Publish" | "sqs:SendMessage" | "s3:PutObject" => &["kms:Decrypt", "kms:GenerateDataKey"],
            it if it.starts_with("dynamodb:") => panic!("what does {it} take of the table's key?"),
            _ => &[],
        };
        let why = format!("the key of what {action} is on");
        let condition = through(action, of);
        needs.extend(actions.iter().map(|action| {
            (Permission { condition: condition.clone(), ..Permission::new(action, key) }, why.clone())
        }));
    }
    needs
}

/// The condition under which a key may be used for an action on a stream or a topic: by that service, and for this one alone.
fn through(action: &str, arn: &str) -> Option<String> {
    let (service, context) = match action.split(':').next() {
        Some("kinesis") => ("kinesis", "aws:kinesis:arn"),
        Some("sns") => ("sns", "aws:sns:topicArn"),
        _ => return None,
    };
    let mut equals = serde_json::Map::new();
    equals.insert(format!("kms:EncryptionContext:{context}"), json!(arn));
    equals.insert("kms:ViaService".to_owned(), json!(format!("{service}.{REGION}.amazonaws.com")));
    Some(json!({ "StringEquals": equals }).to_string())
}

fn listed(value: &Value) -> Vec<&str> {
    match value {
        Value::Array(items) => items.iter().map(|it| it.as_str().unwrap()).collect(),
        one => vec![one.as_str().unwrap()],
    }
}

/// The statements of a policy, one action and one resource each.
fn allowed(document: &Value) -> BTreeSet<Permission> {
    let mut permissions = BTreeSet::new();
    for statement in document["Statement"].as_array().unwrap() {
        let fields: Vec<_> = statement.as_object().unwrap().keys().map(String::as_str).collect();
        let known = ["Action", "Condition", "Effect", "Resource", "Sid"];
        assert!(fields.iter().all(|it| known.contains(it)), "a statement with {fields:?}");
        assert_eq!(statement["Effect"], "Allow");
        let condition = statement.get("Condition").map(Value::to_string);
        for action in listed(&statement["Action"]) {
            for resource in listed(&statement["Resource"]) {
                permissions
                    .insert(Permission { condition: condition.clone(), ..Permission::new(action, resource) });
            }
        }
    }
    permissions
}

/// The permissions of a function's role, and the errors in the role itself.
fn allowed_of(templates: &Templates, function: &Function, wrong: &mut Vec<String>) -> BTreeSet<Permission> {
    let arn = &function.resource.properties["Role"];
    let role = templates.resources("AWS::IAM::Role").into_iter().find(|it| *arn == it.arn);
    let role = role.unwrap_or_else(|| panic!("the role of {} is not in the templates", function.name));
    for policy in role.properties["ManagedPolicyArns"].as_array().into_iter().flatten() {
        wrong.push(format!("{} has the policy {policy}, which is not defined in infra/", function.name));
    }
    let mut permissions = BTreeSet::new();
    for policy in role.properties["Policies"].as_array().into_iter().flatten() {
        permissions.extend(allowed(&policy["PolicyDocument"]));
    }
    for kind in ["AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"] {
        for policy in templates.resources(kind) {
            let roles = policy.properties["Roles"].as_array();
            if roles.is_some_and(|roles| roles.iter().any(|it| *it == role.reference)) {
                permissions.extend(allowed(&policy.properties["PolicyDocument"]));
            }
        }
    }
    permissions
}

/// The disagreements between the roles and the functions.
fn complaints(templates: &Templates) -> Vec<String> {
    let mut wrong = Vec::new();
    for function in functions(templates) {
        let mut needs = needs_of_lambda(templates, &function);
        needs.extend(needs_of_adapters(&function));
        needs.extend(needs_of_keys(templates, &needs));
        let allowed = allowed_of(templates, &function, &mut wrong);
        let name = &function.name;
        for (permission, why) in needs.iter().filter(|(it, _)| !allowed.contains(it)) {
            wrong.push(format!("{name} may not {}: {why}", permission.told()));
        }
        for permission in allowed.iter().filter(|it| !needs.contains_key(it)) {
            let adapters: Vec<_> = calls_of(&function.binary).iter().map(|(adapter, _)| *adapter).collect();
            let adapters = adapters.join(", ");
            wrong.push(format!("{name} may {}: neither {adapters} nor Lambda does so", permission.told()));
        }
    }
    wrong
}

#[test]
fn every_role_allows_what_its_function_does_and_nothing_else() {
    let wrong = complaints(&Templates::read());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_policy_has_a_wildcard_that_could_be_a_name() {
    let templates = Templates::read();
    let policies =
        ["AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"].iter().flat_map(|kind| templates.resources(kind));
    for policy in policies {
        for permission in allowed(&policy.properties["PolicyDocument"]) {
            let told = format!("{}: {}", policy.reference, permission.told());
            assert!(!permission.action.contains('*'), "{told}");
            assert!(permission.resource != "*" || knows_no_resource(&permission.action), "{told}");
            let is_bound =
                permission.condition.as_ref().is_some_and(|it| it.contains("cloudwatch:namespace"));
            assert!(permission.action != "cloudwatch:PutMetricData" || is_bound, "{told}");
        }
    }
}

#[test]
fn what_a_role_lacks_or_has_too_much_is_named() {
    let with = |from: &'static str, to: &'static str| {
        let templates = Templates::changed(|text| text.replace(from, to));
        complaints(&templates).join("\n")
    };
    let lacking = with("\"dynamodb:PutItem\"", "\"dynamodb:BatchWriteItem\"");
    for said in [
        "task-splitter may not dynamodb:PutItem on arn:aws:dynamodb:",
        ": DynamoJobStore calls dynamodb:PutItem",
        "task-splitter may dynamodb:BatchWriteItem on arn:aws:dynamodb:",
        ": neither DynamoJobStore, KinesisTaskQueue, S3Blobs, S3Objects, S3Pages, SnsJobEvents nor Lambda does so",
    ] {
        assert!(lacking.contains(said), "{said}\n{lacking}");
    }
    let elsewhere = with("/blobs/*", "/*");
    assert!(elsewhere.contains("cascade-worker-0 may s3:GetObject on arn:aws:s3:::"), "{elsewhere}");
    let without_key = with("\"kms:GenerateDataKey\"", "\"kms:Encrypt\"");
    assert!(without_key.contains("may not kms:GenerateDataKey on arn:aws:kms:"), "{without_key}");
    let through_anything = with("\"kms:ViaService\"", "\"kms:CallerAccount\"");
    assert!(through_anything.contains("may not kms:Decrypt on arn:aws:kms:"), "{through_anything}");
    let anywhere = with("\"cloudwatch:namespace\"", "\"aws:RequestedRegion\"");
    assert!(anywhere.contains("scale-in may not cloudwatch:PutMetricData on * if"), "{anywhere}");
}

#[test]
fn what_a_function_calls_depends_on_how_its_group_is_raised() {
    let launching = |text: String| {
        text.replace("\\\"raise_by\\\":\\\"set_desired\\\"", "\\\"raise_by\\\":\\\"launch_instances\\\"")
    };
    let wrong = complaints(&Templates::changed(launching)).join("\n");
    for function in ["scale-out-sessions", "scale-out-runs", "scale-in"] {
        for said in ["may not autoscaling:LaunchInstances", "may autoscaling:SetDesiredCapacity"] {
            assert!(wrong.contains(&format!("{function} {said} on arn:")), "{function} {said}\n{wrong}");
        }
    }
}
