//! The templates in `infra/templates`, and CloudFormation's values of their intrinsic functions: plausible values, the
//! same for the same thing in every template.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};

pub(crate) const REGION: &str = "eu-west-1";
const ACCOUNT: &str = "123456789012";
const SUFFIX: &str = ".template.json";

/// All templates, by the name of their stack.
pub(crate) struct Templates(BTreeMap<String, Value>);

/// A resource with its properties resolved.
#[derive(Debug, Clone)]
pub(crate) struct Resource {
    /// `arn:…`, or its id if it has none.
    pub(crate) arn: String,
    /// The value of a `Ref` to it.
    pub(crate) reference: String,
    pub(crate) properties: Value,
}

impl Templates {
    pub(crate) fn read() -> Self {
        Self::changed(|text| text)
    }

    /// The templates with their texts changed by a function.
    pub(crate) fn changed(change: impl Fn(String) -> String) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../infra/templates");
        let mut stacks = BTreeMap::new();
        for entry in fs::read_dir(&folder).expect("infra/templates holds what is deployed") {
            let file = entry.unwrap().file_name().into_string().unwrap();
            if let Some(stack) = file.strip_suffix(SUFFIX) {
                let text = change(fs::read_to_string(folder.join(&file)).unwrap());
                stacks.insert(stack.to_owned(), serde_json::from_str(&text).expect("a template in JSON"));
            }
        }
        assert!(!stacks.is_empty(), "there is no template in infra/templates");
        Self(stacks)
    }

    /// The resources of a type, in all stacks.
    pub(crate) fn resources(&self, kind: &str) -> Vec<Resource> {
        let stacks = self.0.keys();
        let of_stack = |stack: &String| {
            let resources = self.0[stack]["Resources"].as_object().unwrap();
            let ids: Vec<_> =
                resources.iter().filter(|(_, it)| it["Type"] == kind).map(|(id, _)| id).collect();
            ids.into_iter().map(|id| self.resource(stack, id)).collect::<Vec<_>>()
        };
        stacks.flat_map(of_stack).collect()
    }

    /// What a stack tells under a name.
    pub(crate) fn output(&self, stack: &str, name: &str) -> String {
        text(&self.resolved(stack, &self.0[stack]["Outputs"][name]["Value"])).to_owned()
    }

    fn resource(&self, stack: &str, id: &str) -> Resource {
        let properties = self.resolved(stack, &self.0[stack]["Resources"][id]["Properties"]);
        Resource { arn: self.arn(stack, id), reference: self.reference(stack, id), properties }
    }

    /// The value with every intrinsic function evaluated.
    fn resolved(&self, stack: &str, value: &Value) -> Value {
        match value {
            Value::Array(items) => {
                Value::Array(items.iter().map(|item| self.resolved(stack, item)).collect())
            }
            Value::Object(fields) => match intrinsic(fields) {
                Some(("Ref", to)) => json!(self.reference(stack, to.as_str().unwrap())),
                Some(("Fn::GetAtt", of)) => match of {
                    Value::String(dotted) => json!(self.dotted(stack, dotted)),
                    parts => json!(self.attribute(stack, text(&parts[0]), text(&parts[1]))),
                },
                Some(("Fn::ImportValue", name)) => self.imported(text(&self.resolved(stack, name))),
                Some(("Fn::Join", parts)) => {
                    let items = self.resolved(stack, &parts[1]);
                    let items: Vec<_> = items.as_array().unwrap().iter().map(text).collect();
                    json!(items.join(text(&parts[0])))
                }
                Some(("Fn::Sub", template)) => json!(self.substituted(stack, template)),
                Some((function, _)) => panic!("{stack} has {function}, which is not understood here"),
                None => {
                    let resolved = fields.iter().map(|(name, it)| (name.clone(), self.resolved(stack, it)));
                    Value::Object(resolved.collect())
                }
            },
            plain => plain.clone(),
        }
    }

    fn substituted(&self, stack: &str, template: &Value) -> String {
        let (template, own) = match template {
            Value::Array(parts) => (text(&parts[0]), self.resolved(stack, &parts[1])),
            plain => (text(plain), Value::Null),
        };
        let mut pieces = template.split("${");
        let mut done = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            let (name, rest) = piece.split_once('}').unwrap();
            match (name.strip_prefix('!'), own.get(name)) {
                (Some(literal), _) => done.push_str(&format!("${{{literal}}}")),
                (None, Some(value)) => done.push_str(text(value)),
                (None, None) => done.push_str(&self.dotted(stack, name)),
            }
            done.push_str(rest);
        }
        done
    }

    /// `Id`, or `Id.Attribute`.
    fn dotted(&self, stack: &str, name: &str) -> String {
        match name.split_once('.') {
            Some((id, attribute)) => self.attribute(stack, id, attribute),
            None => self.reference(stack, name),
        }
    }

    fn imported(&self, name: &str) -> Value {
        for (stack, template) in &self.0 {
            let outputs = template["Outputs"].as_object().into_iter().flat_map(Map::values);
            for output in outputs.filter(|it| !it["Export"].is_null()) {
                if self.resolved(stack, &output["Export"]["Name"]) == name {
                    return self.resolved(stack, &output["Value"]);
                }
            }
        }
        panic!("{name} is imported, and nothing exports it")
    }

    fn reference(&self, stack: &str, id: &str) -> String {
        let pseudo = match id {
            "AWS::Partition" => Some("aws".to_owned()),
            "AWS::Region" => Some(REGION.to_owned()),
            "AWS::AccountId" => Some(ACCOUNT.to_owned()),
            "AWS::URLSuffix" => Some("amazonaws.com".to_owned()),
            "AWS::StackName" => Some(stack.to_owned()),
            "AWS::StackId" => Some(arn("cloudformation", &format!("stack/{stack}/1"))),
            _ => None,
        };
        if let Some(known) = pseudo {
            return known;
        }
        let parameter = &self.0[stack]["Parameters"][id];
        if !parameter.is_null() {
            return parameter["Default"].as_str().map_or_else(|| format!("parameter-{id}"), str::to_owned);
        }
        match self.kind(stack, id) {
            "AWS::SNS::Topic" => self.arn(stack, id),
            "AWS::SQS::Queue" => {
                format!("https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{}", self.name(stack, id))
            }
            _ => self.name(stack, id),
        }
    }

    fn attribute(&self, stack: &str, id: &str, attribute: &str) -> String {
        match attribute {
            "Arn" | "TopicArn" => self.arn(stack, id),
            "QueueName" | "TopicName" => self.name(stack, id),
            other => format!("{}.{other}", self.name(stack, id)),
        }
    }

    fn arn(&self, stack: &str, id: &str) -> String {
        let name = self.name(stack, id);
        match self.kind(stack, id) {
            "AWS::DynamoDB::Table" => arn("dynamodb", &format!("table/{name}")),
            "AWS::Kinesis::Stream" => arn("kinesis", &format!("stream/{name}")),
            "AWS::S3::Bucket" => format!("arn:aws:s3:::{name}"),
            "AWS::SNS::Topic" => arn("sns", &name),
            "AWS::SQS::Queue" => arn("sqs", &name),
            "AWS::Lambda::Function" => arn("lambda", &format!("function:{name}")),
            "AWS::KMS::Key" => arn("kms", &format!("key/{name}")),
            "AWS::Logs::LogGroup" => arn("logs", &format!("log-group:{name}:*")),
            "AWS::IAM::Role" => format!("arn:aws:iam::{ACCOUNT}:role/{name}"),
            _ => name,
        }
    }

    /// The name in the template, or one like those that CloudFormation generates.
    fn name(&self, stack: &str, id: &str) -> String {
        let kind = self.kind(stack, id);
        let given = match kind {
            "AWS::Kinesis::Stream" => "Name",
            "AWS::DynamoDB::Table" => "TableName",
            "AWS::S3::Bucket" => "BucketName",
            "AWS::SNS::Topic" => "TopicName",
            "AWS::SQS::Queue" => "QueueName",
            "AWS::Lambda::Function" => "FunctionName",
            "AWS::Logs::LogGroup" => "LogGroupName",
            "AWS::IAM::Role" => "RoleName",
            "AWS::AutoScaling::AutoScalingGroup" => "AutoScalingGroupName",
            _ => "",
        };
        match &self.0[stack]["Resources"][id]["Properties"][given] {
            Value::Null if kind == "AWS::S3::Bucket" => format!("{stack}-{id}").to_lowercase(),
            Value::Null => format!("{stack}-{id}"),
            name => text(&self.resolved(stack, name)).to_owned(),
        }
    }

    fn kind(&self, stack: &str, id: &str) -> &str {
        let kind = self.0[stack]["Resources"][id]["Type"].as_str();
        kind.unwrap_or_else(|| panic!("{stack} refers to {id}, which it does not have"))
    }
}

/// The function and its argument, if the fields are an intrinsic function.
fn intrinsic(fields: &Map<String, Value>) -> Option<(&str, &Value)> {
    let (name, argument) = fields.iter().next().filter(|_| fields.len() == 1)?;
    let is_one = name == "Ref" || name == "Condition" || name.starts_with("Fn::");
    // A policy's `Condition` is not one.
    (is_one && !(name == "Condition" && argument.is_object())).then_some((name, argument))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

pub(crate) fn arn(service: &str, resource: &str) -> String {
    format!("arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}")
}
