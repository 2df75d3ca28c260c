//! From each resource to its file, by type.

use super::{
    Elsewhere, Inputs, InvokePermission, QueueSpec, Stack,
    fields::Fields,
    node::{Kind, Node},
    refusal::Refusals,
    scope::{Resource, Scope},
};
use std::{collections::BTreeMap, path::Path};

/// Types that have no effect on one machine. Their intrinsics are resolved all the same, so that a dangling name shows.
const ELSEWHERE: &[&str] = &[
    "AWS::Logs::LogGroup",
    "AWS::KMS::Key",
    "AWS::KMS::Alias",
    "AWS::CloudWatch::Alarm",
    "AWS::Logs::MetricFilter",
    "AWS::SNS::Topic",
    "AWS::SNS::TopicPolicy",
    "AWS::SES::EmailIdentity",
    // Who may what is in the functions' own policies; ours only refuse plain HTTP, and let AWS's own services in.
    "AWS::S3::BucketPolicy",
    "AWS::SQS::QueuePolicy",
];

const ADVICE: &[(&str, &str)] = &[
    ("AWS::Serverless::Api", "use AWS::Serverless::HttpApi"),
    ("AWS::Lambda::Function", "use AWS::Serverless::Function"),
    ("AWS::StepFunctions::StateMachine", "use AWS::Serverless::StateMachine"),
    ("AWS::Serverless::SimpleTable", "use AWS::DynamoDB::Table"),
    ("AWS::IAM::Role", "give the function its own Policies"),
    ("AWS::IAM::Policy", "give the function its own Policies"),
    ("AWS::IAM::ManagedPolicy", "give the function its own Policies"),
    ("AWS::Scheduler::Schedule", "use a ScheduleV2 event of the function"),
    ("AWS::Lambda::EventSourceMapping", "the local stack delivers no streams; use a schedule"),
];

/// Reads one template.
pub(super) struct Reader<'t> {
    pub(super) scope: Scope<'t>,
    pub(super) refusals: &'t Refusals,
    pub(super) folder: &'t Path,
    pub(super) globals: Option<Node>,
    root: &'t Node,
}

/// A resource with its properties resolved.
pub(super) struct Resolved<'r> {
    pub(super) id: &'r str,
    pub(super) line: usize,
    pub(super) resource: &'r Resource<'r>,
    pub(super) properties: Node,
}

impl Resolved<'_> {
    /// Those of the properties `keys` that are written: they are accepted, listed, and not run.
    pub(super) fn elsewhere(&self, fields: &mut Fields<'_>, keys: &'static [&'static str]) -> Vec<Elsewhere> {
        fields.without_effect(keys);
        let written = self.properties.entries().iter().filter(|e| keys.contains(&e.key.as_str()));
        let entries = written.map(|e| Elsewhere {
            logical_id: self.id.to_owned(),
            kind: format!("{}.{}", self.resource.kind, e.key),
            line: e.line,
        });
        entries.collect()
    }
}

impl<'t> Reader<'t> {
    pub(super) fn new(root: &'t Node, inputs: &'t Inputs, refusals: &'t Refusals, folder: &'t Path) -> Self {
        let scope = Scope::new(root, inputs, refusals);
        let globals = root.get("Globals").and_then(|node| scope.resolve(node));
        Self { scope, refusals, folder, globals, root }
    }

    pub(super) fn stack(&self) -> Stack {
        let inputs = self.scope.inputs;
        let file = self.refusals.file().to_owned();
        let mut stack = Stack { file, region: inputs.region.clone(), ..Stack::default() };
        self.check_globals();
        for resource in self.scope.resources.values() {
            let wanted = resource.condition.as_ref().is_none_or(|name| self.scope.condition(name, resource.line));
            if wanted {
                self.add(&mut stack, resource);
            }
        }
        stack.outputs = self.outputs();
        stack
    }

    fn add(&self, stack: &mut Stack, resource: &Resource<'_>) {
        let empty = Node { line: resource.line, kind: Kind::Map(Vec::new()) };
        let properties = resource.properties.and_then(|node| self.scope.resolve(node)).unwrap_or(empty);
        let resolved = Resolved { id: resource.id, line: resource.line, resource, properties };
        match resource.kind.as_str() {
            "AWS::Serverless::Function" => stack.functions.push(self.function(&resolved, &mut stack.elsewhere)),
            "AWS::Serverless::StateMachine" => stack.machines.push(self.machine(&resolved)),
            "AWS::Serverless::HttpApi" => self.api(&resolved, stack),
            "AWS::DynamoDB::Table" => stack.tables.push(self.table(&resolved, &mut stack.elsewhere)),
            "AWS::S3::Bucket" => stack.buckets.push(self.bucket(&resolved, &mut stack.elsewhere)),
            "AWS::SecretsManager::Secret" => stack.secrets.push(self.secret(&resolved)),
            "AWS::SecretsManager::RotationSchedule" => stack.rotations.extend(self.rotation(&resolved)),
            "AWS::SQS::Queue" => stack.queues.push(self.queue(&resolved)),
            "AWS::Lambda::Permission" => stack.invocations.push(self.permission(&resolved)),
            kind if ELSEWHERE.contains(&kind) || kind.starts_with("AWS::Events::") => stack.elsewhere.push(Elsewhere {
                logical_id: resource.id.to_owned(),
                kind: kind.to_owned(),
                line: resource.line,
            }),
            kind => self.refuse_type(resource, kind),
        }
    }

    fn refuse_type(&self, resource: &Resource<'_>, kind: &str) {
        let advice = ADVICE.iter().find(|(name, _)| *name == kind);
        let advice =
            advice.map_or("teach infra/local to run it, or keep it in a stack of its own", |(_, advice)| advice);
        self.refusals.at(resource.line, format!("{}: the local stack does not run {kind}: {advice}", resource.id));
    }

    pub(super) fn fields<'a>(&'a self, resolved: &'a Resolved<'_>) -> Fields<'a> {
        let what = format!("{} ({})", resolved.id, resolved.resource.kind);
        Fields::of(what, resolved.line, Some(&resolved.properties), self.refusals)
    }

    fn queue(&self, resolved: &Resolved<'_>) -> QueueSpec {
        let mut fields = self.fields(resolved);
        fields.without_effect(&[
            "QueueName",
            "MessageRetentionPeriod",
            "KmsMasterKeyId",
            "SqsManagedSseEnabled",
            "Tags",
        ]);
        fields.finish();
        QueueSpec {
            logical_id: resolved.id.to_owned(),
            url: self.scope.queue_url(resolved.resource),
            arn: self.scope.arn_of(resolved.resource).unwrap_or_default(),
        }
    }

    fn permission(&self, resolved: &Resolved<'_>) -> InvokePermission {
        let mut fields = self.fields(resolved);
        fields.without_effect(&["SourceArn", "SourceAccount"]);
        fields.one_of("Action", &["lambda:InvokeFunction"]);
        let permission = InvokePermission {
            function: fields.required("FunctionName"),
            principal: fields.required("Principal"),
            line: resolved.line,
        };
        fields.finish();
        permission
    }

    fn outputs(&self) -> BTreeMap<String, String> {
        let declared = self.root.get("Outputs").map_or(&[][..], Node::entries).iter();
        let values = declared.filter_map(|output| {
            let condition = output.value.get("Condition").and_then(Node::as_text);
            if condition.is_some_and(|name| !self.scope.condition(&name, output.line)) {
                return None;
            }
            let value = self.scope.resolve(output.value.get("Value")?)?;
            Some((output.key.clone(), value.as_text().unwrap_or_else(|| value.to_json().to_string())))
        });
        values.collect()
    }
}
