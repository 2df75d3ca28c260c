//! The stack as the local services need it: names resolved, intrinsics gone.

use super::{pattern::Pattern, recurrence::Recurrence};
use serde_json::Value;
use std::{collections::BTreeMap, path::PathBuf};

/// Everything a template declares.
#[derive(Debug, Clone, Default)]
pub struct Stack {
    /// Where the template stands, for messages.
    pub file: String,
    /// The region of all ARNs.
    pub region: String,
    /// In the order of logical ids, as all lists here.
    pub functions: Vec<FunctionSpec>,
    /// DynamoDB tables.
    pub tables: Vec<TableSpec>,
    /// Secrets Manager secrets.
    pub secrets: Vec<SecretSpec>,
    /// S3 buckets.
    pub buckets: Vec<BucketSpec>,
    /// SQS queues, which hold what failed.
    pub queues: Vec<QueueSpec>,
    /// Which function rotates which secret, and when.
    pub rotations: Vec<RotationSpec>,
    /// Step Functions state machines.
    pub machines: Vec<MachineSpec>,
    /// The HTTP API, when there is one.
    pub api: Option<ApiSpec>,
    /// Outputs of the template.
    pub outputs: BTreeMap<String, String>,
    /// `AWS::Lambda::Permission`: who may invoke what.
    pub invocations: Vec<InvokePermission>,
    pub(crate) elsewhere: Vec<Elsewhere>,
}

impl Stack {
    /// What the template declares and only AWS does.
    pub fn not_run_locally(&self) -> &[Elsewhere] {
        &self.elsewhere
    }
}

/// A resource, or a property of one, that has no effect on one machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elsewhere {
    /// The resource's name in the template.
    pub logical_id: String,
    /// A resource type, or `type.Property`.
    pub kind: String,
    /// Where it stands in the template.
    pub line: usize,
}

/// `AWS::Serverless::Function`.
#[derive(Debug, Clone)]
pub struct FunctionSpec {
    /// The name in the template.
    pub logical_id: String,
    /// The Lambda function's name.
    pub name: String,
    /// Without alias or version.
    pub arn: String,
    /// The binary of the group crate that handles it, e.g. `auth-login`.
    pub binary: String,
    /// Environment, the template's globals included.
    pub env: BTreeMap<String, String>,
    /// Seconds.
    pub timeout: u32,
    /// MiB.
    pub memory: u32,
    /// `ReservedConcurrentExecutions`.
    pub concurrency: Option<u32>,
    /// Its HTTP routes.
    pub routes: Vec<RouteSpec>,
    /// Its schedules.
    pub schedules: Vec<ScheduleSpec>,
    /// How its alias moves to a new version, where it has one.
    pub shift: Option<ShiftSpec>,
    /// The rules on event buses that wake it.
    pub rules: Vec<RuleSpec>,
    /// What becomes of events that nobody waits for.
    pub asynchronous: AsyncSpec,
    /// What it may do.
    pub policy: PolicySpec,
    /// The role that SAM makes for it.
    pub role: String,
    /// Where it stands in the template.
    pub line: usize,
}

/// `AutoPublishAlias` with its `DeploymentPreference`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShiftSpec {
    /// The ARN of the CodeDeploy deployment group that SAM makes.
    pub group: String,
    /// The name of the function that is asked before the traffic.
    pub pre_traffic: Option<String>,
}

/// A route of the HTTP API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteSpec {
    /// Upper case, or `ANY`.
    pub method: String,
    /// E.g. `/api/v1/tenants/{id}`; the last segment may be greedy, `{proxy+}`.
    pub path: String,
    /// Where it stands in the template.
    pub line: usize,
}

impl RouteSpec {
    /// The path of an event that names neither method nor path: what no other route of the API takes.
    pub const DEFAULT: &'static str = "$default";
}

/// `EventBridgeRule`: which events of a bus wake a function.
#[derive(Debug, Clone)]
pub struct RuleSpec {
    /// The bus's name.
    pub bus: String,
    /// What the event has to look like.
    pub pattern: Pattern,
    /// Where it stands in the template.
    pub line: usize,
}

/// `EventInvokeConfig`; without it Lambda tries twice more, for six hours, and then forgets the event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AsyncSpec {
    /// How often it is tried again.
    pub retries: u32,
    /// Seconds from the event on in which that may be.
    pub age: u32,
    /// The ARN of the queue where an event goes that failed to the last.
    pub on_failure: Option<String>,
}

impl Default for AsyncSpec {
    fn default() -> Self {
        Self { retries: 2, age: 21_600, on_failure: None }
    }
}

/// `AWS::SQS::Queue`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueSpec {
    /// The name in the template.
    pub logical_id: String,
    /// What `Ref` gives, and its API asks for.
    pub url: String,
    /// The queue's ARN.
    pub arn: String,
}

/// A schedule that invokes a function.
#[derive(Debug, Clone)]
pub struct ScheduleSpec {
    /// `Name`, or the function's and the event's logical id.
    pub name: String,
    /// As written, `rate(…)` or `cron(…)`.
    pub expression: String,
    /// The same, understood.
    pub recurrence: Recurrence,
    /// The event; without it AWS sends one that describes the schedule.
    pub input: Option<Value>,
    /// `State`/`Enabled`.
    pub enabled: bool,
    /// Where it stands in the template.
    pub line: usize,
}

/// The inline policies of one role, joined.
#[derive(Debug, Clone)]
pub struct PolicySpec {
    /// `{Version, Statement: […]}`.
    pub document: Value,
    /// The line of each statement.
    pub lines: Vec<usize>,
}

/// `AWS::Serverless::StateMachine`, always of type STANDARD.
#[derive(Debug, Clone)]
pub struct MachineSpec {
    /// The name in the template.
    pub logical_id: String,
    /// The state machine's name.
    pub name: String,
    /// The state machine's ARN.
    pub arn: String,
    /// The ASL file, as a path from the working directory.
    pub definition: PathBuf,
    /// `${key}` in the definition → value.
    pub substitutions: BTreeMap<String, String>,
    /// What it may do.
    pub policy: PolicySpec,
    /// The role that SAM makes for it.
    pub role: String,
    /// Where it stands in the template.
    pub line: usize,
}

/// `AWS::DynamoDB::Table`.
#[derive(Debug, Clone)]
pub struct TableSpec {
    /// The name in the template.
    pub logical_id: String,
    /// The table's name.
    pub name: String,
    /// The table's ARN.
    pub arn: String,
    /// When the table has a stream.
    pub stream_arn: Option<String>,
    /// The body of `CreateTable`.
    pub create: Value,
    /// The attribute of `UpdateTimeToLive`.
    pub ttl: Option<String>,
    /// Where it stands in the template.
    pub line: usize,
}

/// `AWS::S3::Bucket`.
#[derive(Debug, Clone)]
pub struct BucketSpec {
    /// The name in the template.
    pub logical_id: String,
    /// The bucket's name.
    pub name: String,
    /// What goes away by itself.
    pub expirations: Vec<Expiration>,
    /// Where it stands in the template.
    pub line: usize,
}

/// A rule of a bucket's lifecycle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expiration {
    /// Of the objects whose keys begin so.
    pub prefix: String,
    /// After so many days.
    pub days: u32,
}

/// `AWS::SecretsManager::Secret`.
#[derive(Debug, Clone)]
pub struct SecretSpec {
    /// The name in the template.
    pub logical_id: String,
    /// The secret's name.
    pub name: String,
    /// As [`super::arn::secret_arn`] forms it: the local Secrets Manager must give it this ARN.
    pub arn: String,
    /// `Description`.
    pub description: Option<String>,
    /// `KmsKeyId`.
    pub kms_key_id: Option<String>,
    /// Without it the secret starts with no value.
    pub generate: Option<GenerateSecretString>,
    /// Where it stands in the template.
    pub line: usize,
}

/// How Secrets Manager makes the first value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GenerateSecretString {
    /// A JSON object that the password is added to, and under which key. Without it the password is the value.
    pub template: Option<(Value, String)>,
    /// Characters, 1 to 4096.
    pub length: u32,
    /// Characters to leave out.
    pub exclude_characters: String,
    /// Leave out `a`-`z`.
    pub exclude_lowercase: bool,
    /// Leave out `A`-`Z`.
    pub exclude_uppercase: bool,
    /// Leave out `0`-`9`.
    pub exclude_numbers: bool,
    /// Leave out punctuation.
    pub exclude_punctuation: bool,
    /// Add the space.
    pub include_space: bool,
    /// At least one of each kind that is not left out.
    pub require_each_included_type: bool,
}

/// `AWS::SecretsManager::RotationSchedule`.
#[derive(Debug, Clone)]
pub struct RotationSpec {
    /// The name in the template.
    pub logical_id: String,
    /// The secret's ARN.
    pub secret_arn: String,
    /// The rotating function's ARN.
    pub function_arn: String,
    /// As written, or `rate(n days)` for `AutomaticallyAfterDays`.
    pub expression: String,
    /// The same, understood.
    pub recurrence: Recurrence,
    /// Whether creating the schedule rotates at once; AWS's default is yes.
    pub rotate_immediately: bool,
    /// Where it stands in the template.
    pub line: usize,
}

/// `AWS::Lambda::Permission`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvokePermission {
    /// Name or ARN, as written.
    pub function: String,
    /// E.g. `secretsmanager.amazonaws.com`.
    pub principal: String,
    /// Where it stands in the template.
    pub line: usize,
}

/// `AWS::Serverless::HttpApi`.
#[derive(Debug, Clone)]
pub struct ApiSpec {
    /// The name in the template.
    pub logical_id: String,
    /// Ten letters and digits.
    pub id: String,
    /// What `ApiEndpoint` gives.
    pub endpoint: String,
    /// API Gateway's own CORS; without it the functions answer for themselves.
    pub cors: Option<CorsSpec>,
    /// Where it stands in the template.
    pub line: usize,
}

/// `CorsConfiguration`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CorsSpec {
    /// Exact origins, or `*`.
    pub allow_origins: Vec<String>,
    /// Methods, or `*`.
    pub allow_methods: Vec<String>,
    /// Request headers, or `*`.
    pub allow_headers: Vec<String>,
    /// Response headers that scripts may read.
    pub expose_headers: Vec<String>,
    /// Whether cookies may be sent.
    pub allow_credentials: bool,
    /// Seconds.
    pub max_age: Option<u32>,
}
