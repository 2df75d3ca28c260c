//! The whole stack in one process: the template read, its resources made, its functions deployed, its machines running.

mod events;
mod folder;
mod open_error;
mod rotations;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use axum::Router;
use domain::Entropy;
use jiff::SignedDuration;
use serde_json::{Value, json};

use folder::persistence;
pub use folder::{Held, S3_FOLDER, hold};
pub use open_error::OpenError;

use crate::{
    aws::{
        AwsError, Counters, Gateway, Invoker, Persist, PersistError,
        codedeploy::CodeDeploy,
        dynamodb::DynamoDb,
        eventbridge::EventLog,
        lambda::Lambda,
        s3::S3,
        secretsmanager::{PasswordRules, SecretsManager, random_password},
        ses::Mailbox,
        sqs::Queues,
    },
    clock::StackClock,
    front::Front,
    functions::{AsMachine, Functions},
    iam::Principals,
    rights::Record,
    states::{Definition, Observer, StepFunctions, Wiring},
    template::{Inputs, SecretSpec, Stack, TableSpec},
};

/// Where the template is in a checkout.
pub const TEMPLATE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../template.yaml");

/// The kind under which it is kept which secrets the stack has made.
const MADE_SECRETS: &str = "made-secret";

/// How a stack is opened.
pub struct Options {
    /// The template.
    pub template: PathBuf,
    /// Values for its parameters; the rest take their defaults.
    pub parameters: BTreeMap<String, String>,
    /// The folder that keeps everything across restarts; none keeps nothing.
    pub data: Option<PathBuf>,
    /// Its time.
    pub clock: StackClock,
    /// Its randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Who watches the executions; tests crash them.
    pub observer: Option<Arc<dyn Observer>>,
}

impl Options {
    /// In memory, at real time, as `cargo run` sets the template's parameters for `url`.
    pub fn memory(url: &str) -> Self {
        let parameters = [
            ("Stage", "local"),
            ("RequirePlatformMfa", "false"),
            ("BootstrapEmail", "root@innkeeper.test"),
            ("PublicUrl", url),
            ("BaseDomain", "innkeeper.test"),
            ("MailFrom", "welcome@innkeeper.test"),
        ];
        Self {
            template: PathBuf::from(TEMPLATE),
            parameters: parameters.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            data: None,
            clock: StackClock::real(),
            entropy: Arc::new(domain::SystemEntropy),
            observer: None,
        }
    }

    /// The same without rate limits. For runs that call more than a client may, from one address.
    #[must_use]
    pub fn unlimited(mut self) -> Self {
        self.parameters.insert("RateLimits".to_owned(), "off".to_owned());
        self
    }

    /// The template with these parameters.
    ///
    /// # Errors
    /// [`OpenError::Refused`], with everything that is wrong with it at once.
    pub fn read(&self) -> Result<Stack, OpenError> {
        let parameters = self.parameters.clone();
        let api_endpoint = parameters.get("PublicUrl").cloned();
        let inputs =
            Inputs { region: "us-east-1".into(), stack_name: "innkeeper-local".into(), parameters, api_endpoint };
        Stack::read(&self.template, &inputs)
            .map_err(|refusals| OpenError::Refused(refusals.iter().map(ToString::to_string).collect()))
    }
}

/// A running stack.
pub struct LocalStack {
    /// What the template says.
    pub template: Stack,
    /// The AWS endpoint, with its faults and counters.
    pub gateway: Arc<Gateway>,
    /// DynamoDB, past IAM and faults.
    pub dynamodb: Arc<DynamoDb>,
    /// Secrets Manager, likewise.
    pub secrets: Arc<SecretsManager>,
    /// Step Functions.
    pub states: StepFunctions,
    /// CodeDeploy, and the deployments that were tried.
    pub codedeploy: Arc<CodeDeploy>,
    /// S3, past IAM and faults.
    pub s3: Arc<S3>,
    /// What SES sent.
    pub mailbox: Arc<Mailbox>,
    /// What was put on the event buses.
    pub events: Arc<EventLog>,
    /// What failed.
    pub queues: Arc<Queues>,
    /// Who may what, and who did.
    pub principals: Arc<Principals>,
    /// The functions.
    pub functions: Arc<Functions>,
    /// The time.
    pub clock: StackClock,
    entropy: Arc<dyn Entropy>,
    persist: Arc<Persist>,
    tasks: tokio::task::JoinSet<()>,
    _record: Option<Record>,
}

impl LocalStack {
    /// Opens the stack and goes on with what an earlier process left.
    ///
    /// # Errors
    /// [`OpenError`], with everything that is wrong with the template at once.
    pub async fn open(options: Options) -> Result<Self, OpenError> {
        let template = options.read()?;
        let Options { data, clock, entropy, observer, .. } = options;
        let counters = Arc::new(Counters::default());
        let principals = Arc::new(Principals::new(&template));
        let gateway = Arc::new(Gateway::new(principals.clone(), Arc::new(clock.clone()), counters.clone()));

        let (persist, database) = persistence(data.as_deref())?;
        let shown = data.as_deref().unwrap_or(Path::new("")).display().to_string();
        let unusable = |source: PersistError| OpenError::Data { path: shown.clone(), source: Box::new(source) };
        let (region, time) = (template.region.clone(), Arc::new(clock.clone()));
        let dynamodb = DynamoDb::open(database.as_deref(), &*region, time.clone(), counters, persist.clone());
        let dynamodb =
            Arc::new(dynamodb.map_err(|source| OpenError::Data { path: shown.clone(), source: Box::new(source) })?);
        let mailbox = Arc::new(Mailbox::open(&*region, time.clone(), persist.clone()).map_err(unusable)?);
        let events = Arc::new(EventLog::open(&*region, time.clone(), persist.clone()).map_err(unusable)?);
        let folder = data.as_deref().map(|folder| folder.join(S3_FOLDER));
        let s3 = Arc::new(S3::open(folder.as_deref(), time.clone(), persist.clone()).map_err(unusable)?);
        let queues = Queues::open(template.queues.clone(), persist.clone()).map_err(unusable)?;
        let queues = Arc::new(queues);
        let functions = Functions::deploy(&template, &principals, &gateway, &clock, &entropy)
            .map_err(|line| OpenError::Refused(vec![line]))?;
        let functions = Arc::new(functions);
        let invoker: Arc<dyn Invoker> = functions.clone();
        let secrets = SecretsManager::open(&*region, time.clone(), entropy.clone(), persist.clone(), invoker.clone())
            .map_err(unusable)?;
        let secrets = Arc::new(secrets);
        let machines = template.machines.iter().map(|machine| machine.logical_id.clone()).collect();
        let as_machine = AsMachine { functions: functions.clone(), principals: principals.clone(), machines };
        let wiring = Wiring {
            invoker: Arc::new(as_machine),
            timer: time.clone(),
            entropy: entropy.clone(),
            persist: persist.clone(),
            observer,
        };
        let states = StepFunctions::new(wiring);

        gateway.mount("dynamodb", dynamodb.clone());
        gateway.mount("secretsmanager", secrets.clone());
        gateway.mount("states", Arc::new(states.clone()));
        gateway.mount("ses", mailbox.clone());
        gateway.mount("s3", s3.clone());
        gateway.mount("events", events.clone());
        let codedeploy = Arc::new(CodeDeploy::default());
        gateway.mount("codedeploy", codedeploy.clone());
        gateway.mount("sqs", queues.clone());
        gateway.mount("lambda", Arc::new(Lambda::new(&*region, invoker)));

        let tasks = tokio::task::JoinSet::new();
        let _record = Record::keep(&principals);
        let mut stack = Self {
            template,
            gateway,
            dynamodb,
            secrets,
            states,
            codedeploy,
            s3,
            mailbox,
            events,
            queues,
            principals,
            functions,
            clock,
            entropy,
            persist,
            tasks,
            _record,
        };
        stack.provision().await?;
        stack
            .states
            .resume()
            .map_err(|source| OpenError::Resource { what: "the executions of the last run".into(), source })?;
        stack.keep_schedules();
        stack.keep_ttl();
        stack.keep_rotations();
        stack.keep_rules();
        Ok(stack)
    }

    /// Whether a tenant is READY, past the API and its limits, for who waits for it.
    pub fn is_ready(&self, tenant: &str) -> bool {
        let key = json!({"pk": {"S": format!("T#{tenant}")}, "sk": {"S": "TENANT"}});
        let table = self.template.tables.iter().find(|table| table.logical_id == "CoreTable").map(|table| &table.name);
        let found = self.dynamodb.run("GetItem", json!({"TableName": table, "Key": key}));
        found.is_ok_and(|found| found["Item"]["provisioning"]["M"]["status"]["S"] == "READY")
    }

    /// Makes what the template declares and is not there yet.
    async fn provision(&self) -> Result<(), OpenError> {
        for table in &self.template.tables {
            self.make_table(table)
                .map_err(|source| OpenError::Resource { what: format!("the table {}", table.name), source })?;
        }
        self.template.buckets.iter().for_each(|bucket| self.s3.make(bucket));
        for secret in &self.template.secrets {
            self.make_secret(secret)
                .await
                .map_err(|source| OpenError::Resource { what: format!("the secret {}", secret.name), source })?;
        }
        for rotation in &self.template.rotations {
            self.schedule_rotation(rotation).await.map_err(|source| OpenError::Resource {
                what: format!("the rotation {}", rotation.logical_id),
                source,
            })?;
        }
        let mut refused = Vec::new();
        for machine in &self.template.machines {
            let file = machine.definition.display().to_string();
            let text = std::fs::read_to_string(&machine.definition)
                .map_err(|e| OpenError::Refused(vec![format!("{file}: {e}")]))?;
            match Definition::parse(&file, &text, &machine.substitutions) {
                Ok(definition) => self.states.register(&machine.name, &machine.arn, definition),
                Err(error) => refused.push(error.to_string()),
            }
        }
        if refused.is_empty() { Ok(()) } else { Err(OpenError::Refused(refused)) }
    }

    fn make_table(&self, table: &TableSpec) -> Result<(), AwsError> {
        if self.dynamodb.run("DescribeTable", json!({"TableName": table.name})).is_ok() {
            return Ok(());
        }
        self.dynamodb.run("CreateTable", table.create.clone())?;
        if let Some(attribute) = &table.ttl {
            let ttl = json!({"TableName": table.name, "TimeToLiveSpecification": {"AttributeName": attribute, "Enabled": true}});
            self.dynamodb.run("UpdateTimeToLive", ttl)?;
        }
        Ok(())
    }

    /// The stack generates its own secrets at first start, by the rules in the template; it never has defaults. One that
    /// was deleted since stays deleted, as with CloudFormation.
    async fn make_secret(&self, secret: &SecretSpec) -> Result<(), AwsError> {
        let made = self.persist.load(MADE_SECRETS)?.iter().any(|(name, _)| *name == secret.name);
        if made || self.secrets.run("DescribeSecret", json!({"SecretId": secret.name})).await.is_ok() {
            return Ok(());
        }
        let mut create = json!({"Name": secret.name});
        if let Some(description) = &secret.description {
            create["Description"] = json!(description);
        }
        if let Some(rules) = &secret.generate {
            let password = random_password(&PasswordRules::from(rules), &*self.entropy)?;
            let value = match &rules.template {
                Some((template, key)) => {
                    let mut value = template.clone();
                    value[key] = json!(password);
                    value.to_string()
                }
                None => password,
            };
            create["SecretString"] = json!(value);
        }
        self.secrets.run("CreateSecret", create).await?;
        Ok(self.persist.put(MADE_SECRETS, &secret.name, &json!(true))?)
    }

    /// EventBridge's part: every schedule of the template, by the stack's time.
    fn keep_schedules(&mut self) {
        for function in &self.template.functions {
            for schedule in function.schedules.iter().filter(|schedule| schedule.enabled) {
                let (clock, recurrence) = (self.clock.clone(), schedule.recurrence.clone());
                let (id, function) = (function.logical_id.clone(), self.asynchronous(function));
                let event = schedule.input.clone().unwrap_or_else(|| json!({"source": "aws.events"}));
                self.tasks.spawn(async move {
                    let (mut last, mut later) = (clock.now(), tokio::task::JoinSet::new());
                    while let Some(next) = recurrence.next(last) {
                        clock.wait_until(next).await;
                        last = clock.now();
                        if let Err(error) = function.first(&event).await {
                            tracing::warn!(function = id, %error, "a scheduled run failed");
                            let (function, event) = (function.clone(), event.clone());
                            later.spawn(async move { function.go_on(event, last, error).await });
                        }
                        while later.try_join_next().is_some() {}
                    }
                });
            }
        }
    }

    /// DynamoDB's and S3's part: takes away what has expired, once a minute.
    fn keep_ttl(&mut self) {
        let (clock, dynamodb, s3) = (self.clock.clone(), self.dynamodb.clone(), self.s3.clone());
        self.tasks.spawn(async move {
            while let Ok(next) = clock.now().checked_add(SignedDuration::from_mins(1)) {
                clock.wait_until(next).await;
                let dynamodb = dynamodb.clone();
                if let Err(error) = s3.expire() {
                    tracing::warn!(%error, "expired objects were not swept");
                }
                match tokio::task::spawn_blocking(move || dynamodb.sweep_ttl()).await {
                    Ok(Ok(_)) => {}
                    Ok(Err(error)) => tracing::warn!(%error, "expired items were not swept"),
                    Err(_) => return,
                }
            }
        });
    }

    /// Runs a function once, as `cargo lambda invoke` would.
    ///
    /// # Errors
    /// What the function failed with.
    pub async fn invoke(&self, function: &str, event: Value) -> Result<Value, crate::aws::InvokeError> {
        self.functions.invoke(function, event).await
    }

    /// What a new version of the function would have to pass before its traffic: the word of its hook to CodeDeploy, and what
    /// the hook itself answered. No word means that the deployment fails after an hour.
    pub async fn shift(&self, function: &str) -> Option<(Option<String>, Result<Value, crate::aws::InvokeError>)> {
        let spec = self.template.functions.iter().find(|spec| spec.binary == function)?;
        let shift = spec.shift.as_ref()?;
        let (deployment, event) = self.codedeploy.begin(&shift.group);
        let answer = self.functions.invoke(shift.pre_traffic.as_ref()?, event).await;
        Some((self.codedeploy.status(&deployment), answer))
    }

    /// The API Gateway of the stack; `extra` are routes that only the local stack has.
    pub fn router(&self, extra: Router) -> Router {
        self.front().router(extra)
    }

    /// The same without sockets.
    pub fn front(&self) -> Front {
        Front::new(&self.template, self.functions.clone(), Arc::new(self.clock.clone()), self.entropy.clone())
    }
}
