//! What `Ref` and `Fn::GetAtt` give for a resource, by its type.

use super::{
    arn::{self, ACCOUNT, arn},
    node::Node,
    scope::{Resource, Scope},
};

/// Which property names a resource. Without it CloudFormation makes a name from the stack's and the logical id.
const NAME_PROPERTIES: &[(&str, &str)] = &[
    ("AWS::Serverless::Function", "FunctionName"),
    ("AWS::DynamoDB::Table", "TableName"),
    ("AWS::S3::Bucket", "BucketName"),
    ("AWS::SNS::Topic", "TopicName"),
    ("AWS::SQS::Queue", "QueueName"),
    ("AWS::Logs::LogGroup", "LogGroupName"),
    ("AWS::KMS::Alias", "AliasName"),
    ("AWS::CloudWatch::Alarm", "AlarmName"),
    ("AWS::SES::EmailIdentity", "EmailIdentity"),
];

/// What every function here is at: there is one version of each.
pub(crate) const VERSION: &str = "1";
/// SAM's CodeDeploy application, one for the stack.
const DEPLOYMENT_APPLICATION: &str = "ServerlessDeploymentApplication";

impl Scope<'_> {
    pub(super) fn name_of(&self, resource: &Resource<'_>) -> String {
        let known = NAME_PROPERTIES.iter().find(|(kind, _)| *kind == resource.kind);
        let property = known.map_or("Name", |(_, property)| property);
        let written = resource.properties.and_then(|p| p.get(property));
        let name = written.and_then(|node| {
            self.guarded(format!("{}.{property}", resource.id), node.line, || self.resolve(node)).flatten()
        });
        name.and_then(|node| node.as_text()).unwrap_or_else(|| format!("{}-{}", self.inputs.stack_name, resource.id))
    }

    /// The ARN, for the types that have one.
    pub(super) fn arn_of(&self, resource: &Resource<'_>) -> Option<String> {
        let region = self.inputs.region.as_str();
        let name = self.name_of(resource);
        Some(match resource.kind.as_str() {
            "AWS::Serverless::Function" => arn("lambda", region, &format!("function:{name}")),
            "AWS::Serverless::StateMachine" => arn("states", region, &format!("stateMachine:{name}")),
            "AWS::DynamoDB::Table" => arn("dynamodb", region, &format!("table/{name}")),
            "AWS::SecretsManager::Secret" => arn::secret_arn(region, &name),
            "AWS::S3::Bucket" => format!("arn:aws:s3:::{name}"),
            "AWS::SNS::Topic" => arn("sns", region, &name),
            "AWS::SQS::Queue" => arn("sqs", region, &name),
            "AWS::Logs::LogGroup" => arn("logs", region, &format!("log-group:{name}:*")),
            "AWS::KMS::Key" => arn("kms", region, &format!("key/{}", self.generated_id(resource))),
            "AWS::CloudWatch::Alarm" => arn("cloudwatch", region, &format!("alarm:{name}")),
            "AWS::Events::Rule" => arn("events", region, &format!("rule/{name}")),
            "AWS::Events::EventBus" => arn("events", region, &format!("event-bus/{name}")),
            "AWS::SES::EmailIdentity" => arn("ses", region, &format!("identity/{name}")),
            _ => return None,
        })
    }

    /// An id that AWS would draw, for the types that `Ref` names by id.
    pub(super) fn generated_id(&self, resource: &Resource<'_>) -> String {
        arn::tail(&format!("{}/{}", self.inputs.stack_name, resource.id), 10)
    }

    pub(super) fn api_endpoint(&self, api_id: &str) -> String {
        let on_aws = || format!("https://{api_id}.execute-api.{}.amazonaws.com", self.inputs.region);
        self.inputs.api_endpoint.clone().unwrap_or_else(on_aws)
    }

    pub(super) fn resource_reference(&self, name: &str, line: usize) -> Node {
        // SAM lets `Function.Alias` name the alias of AutoPublishAlias, and `Function.Version` the version it is moved to.
        match name.split_once('.') {
            Some((id, "Alias")) => return self.published(id, line, str::to_owned),
            Some((id, "Version")) => return self.published(id, line, |_| VERSION.to_owned()),
            _ => {}
        }
        // SAM makes one where a function has a DeploymentPreference.
        if name == DEPLOYMENT_APPLICATION {
            return Node::text(line, self.deployment_application());
        }
        if let Some(owner) = self.implicit_role(name) {
            return Node::text(line, self.role_name(owner));
        }
        let Some(resource) = self.existing(name, line) else {
            return Node::refused(line);
        };
        let text = match resource.kind.as_str() {
            "AWS::Serverless::StateMachine" | "AWS::SecretsManager::Secret" | "AWS::SNS::Topic" => {
                self.arn_of(resource)
            }
            "AWS::Serverless::HttpApi" | "AWS::KMS::Key" => Some(self.generated_id(resource)),
            "AWS::SQS::Queue" => Some(self.queue_url(resource)),
            _ => Some(self.name_of(resource)),
        };
        text.map_or_else(|| Node::refused(line), |text| Node::text(line, text))
    }

    pub(super) fn attribute(&self, id: &str, attribute: &str, line: usize) -> Node {
        if let (Some(owner), "Arn") = (self.implicit_role(id), attribute) {
            return Node::text(line, format!("arn:aws:iam::{ACCOUNT}:role/{}", self.role_name(owner)));
        }
        let Some(resource) = self.existing(id, line) else {
            return Node::refused(line);
        };
        let value = match (resource.kind.as_str(), attribute) {
            ("AWS::SNS::Topic", "TopicArn") | ("AWS::SecretsManager::Secret", "Id") | (_, "Arn") => {
                self.arn_of(resource)
            }
            ("AWS::DynamoDB::Table", "StreamArn") => self.arn_of(resource).map(|arn| stream_arn(&arn)),
            ("AWS::Serverless::HttpApi", "ApiEndpoint") => Some(self.api_endpoint(&self.generated_id(resource))),
            ("AWS::Serverless::HttpApi", "ApiId") | ("AWS::KMS::Key", "KeyId") => Some(self.generated_id(resource)),
            ("AWS::SQS::Queue", "QueueUrl") => Some(self.queue_url(resource)),
            ("AWS::Serverless::StateMachine", "Name")
            | ("AWS::SNS::Topic", "TopicName")
            | ("AWS::SQS::Queue", "QueueName") => Some(self.name_of(resource)),
            _ => None,
        };
        value.map_or_else(
            || {
                self.refusals.at(line, format!("{id} ({}) has no attribute {attribute} here", resource.kind));
                Node::refused(line)
            },
            |text| Node::text(line, text),
        )
    }

    pub(super) fn deployment_application(&self) -> String {
        format!("{}-{DEPLOYMENT_APPLICATION}", self.inputs.stack_name)
    }

    /// The function's ARN with a qualifier that follows from its alias.
    fn published(&self, function: &str, line: usize, qualifier: fn(&str) -> String) -> Node {
        let Some(resource) = self.existing(function, line) else {
            return Node::refused(line);
        };
        let alias =
            resource.properties.and_then(|p| p.get("AutoPublishAlias")).and_then(|a| self.resolve(a)?.as_text());
        match (self.arn_of(resource), alias) {
            (Some(arn), Some(alias)) => Node::text(line, format!("{arn}:{}", qualifier(&alias))),
            _ => {
                self.refusals.at(line, format!("{function} has no AutoPublishAlias"));
                Node::refused(line)
            }
        }
    }

    /// SAM makes a role `{id}Role` for a function or state machine that declares none.
    fn implicit_role(&self, id: &str) -> Option<&Resource<'_>> {
        let owner = self.resources.get(id.strip_suffix("Role")?)?;
        matches!(owner.kind.as_str(), "AWS::Serverless::Function" | "AWS::Serverless::StateMachine").then_some(owner)
    }

    pub(super) fn role_name(&self, owner: &Resource<'_>) -> String {
        format!("{}-{}Role", self.inputs.stack_name, owner.id)
    }

    fn existing(&self, id: &str, line: usize) -> Option<&Resource<'_>> {
        let Some(resource) = self.resources.get(id) else {
            self.refusals.at(line, format!("{id} is neither a parameter nor a resource of this template"));
            return None;
        };
        if let Some(condition) = &resource.condition
            && !self.condition(condition, resource.line)
        {
            self.refusals.at(line, format!("{id} does not exist while condition {condition} is false"));
            return None;
        }
        Some(resource)
    }

    pub(super) fn queue_url(&self, resource: &Resource<'_>) -> String {
        format!("https://sqs.{}.amazonaws.com/{ACCOUNT}/{}", self.inputs.region, self.name_of(resource))
    }
}

/// The label is the stream's creation time; one that never changes keeps policies stable.
pub(super) fn stream_arn(table: &str) -> String {
    format!("{table}/stream/2026-01-01T00:00:00.000")
}
