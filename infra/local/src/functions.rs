//! Lambda: the functions of the template, started from the constants that their binaries share.

use std::{
    collections::{BTreeMap, HashMap},
    panic::AssertUnwindSafe,
    sync::Arc,
};

use aws_credential_types::Credentials;
use data_encoding::HEXLOWER;
use domain::Entropy;
use futures::{FutureExt, future::BoxFuture};
use lambda::{Env, Function, Running};
use lambda_http::{
    Adapter, LambdaEvent,
    aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse},
    request::LambdaRequest,
    tower::Service,
};
use lambda_runtime::Context;
use serde_json::Value;
use tokio::sync::{OnceCell, Semaphore};

use crate::{
    aws::{Gateway, InvokeError, Invoker, connector, s3},
    clock::StackClock,
    front::{FunctionFault, Target},
    iam::Principals,
    template::{FunctionSpec, Stack, VERSION},
};

/// Every function that there is code for.
pub fn all() -> impl Iterator<Item = &'static Function> {
    [
        signup::FUNCTIONS,
        auth::FUNCTIONS,
        admin::FUNCTIONS,
        platform::FUNCTIONS,
        provisioning::FUNCTIONS,
        rotation::FUNCTIONS,
        tenants::FUNCTIONS,
        vault::FUNCTIONS,
        keys::FUNCTIONS,
        members::FUNCTIONS,
        webhooks::FUNCTIONS,
    ]
    .into_iter()
    .flatten()
    .copied()
}

/// The functions of the template, each with its own environment and credentials.
pub struct Functions {
    deployed: HashMap<String, Arc<Deployed>>,
    /// Names and ARNs to logical ids.
    ids: HashMap<String, String>,
}

struct Deployed {
    spec: FunctionSpec,
    function: &'static Function,
    env: Env,
    credentials: Credentials,
    clock: StackClock,
    running: OnceCell<Running>,
    /// Requests that it answers at once.
    places: Semaphore,
}

/// Requests that one function answers at once; the rest queue, and their timeouts begin when it is their turn. All
/// functions share this process, and a crowd at one of them must not cost the others theirs.
const REQUESTS_AT_ONCE: usize = 32;

impl Functions {
    /// Gives each function of the template its environment and credentials. They start when they are first called, or
    /// by [`Functions::start`].
    ///
    /// # Errors
    /// A function of the template that there is no code for.
    pub fn deploy(
        stack: &Stack,
        principals: &Principals,
        gateway: &Arc<Gateway>,
        clock: &StackClock,
        entropy: &Arc<dyn Entropy>,
    ) -> Result<Self, String> {
        let mut functions = Self { deployed: HashMap::new(), ids: HashMap::new() };
        for spec in &stack.functions {
            let function = all().find(|f| f.name == spec.binary).ok_or_else(|| {
                format!(
                    "{}:{}: no function in the code is called {}; see FUNCTIONS in functions/*/src/lib.rs",
                    stack.file, spec.line, spec.binary
                )
            })?;
            let credentials = credentials(principals, &spec.logical_id, &**entropy);
            gateway.admit(&spec.binary, credentials.clone());
            let mut vars = spec.env.clone();
            // Links are for people, whom only the stack's own address leads here.
            let objects = stack.api.as_ref().map(|api| format!("{}{}", api.endpoint, s3::PATH));
            vars.extend(objects.map(|url| ("AWS_ENDPOINT_URL_S3".to_owned(), url)));
            let env = Env {
                vars: Arc::new(vars),
                sdk: connector::sdk_config(gateway.clone(), &stack.region, credentials.clone()),
                http: Some(connector::connector(gateway.clone())),
                clock: Arc::new(clock.clone()),
                entropy: entropy.clone(),
            };
            let version = format!("{}:{VERSION}", spec.arn);
            functions.ids.extend(
                [&spec.name, &spec.arn, &version, &spec.binary].map(|it| (it.clone(), spec.logical_id.clone())),
            );
            let (clock, running) = (clock.clone(), OnceCell::new());
            let places = Semaphore::new(REQUESTS_AT_ONCE);
            let deployed = Deployed { spec: spec.clone(), function, env, credentials, clock, running, places };
            functions.deployed.insert(spec.logical_id.clone(), Arc::new(deployed));
        }
        Ok(functions)
    }

    /// Starts every function, as a deployment's first traffic would.
    ///
    /// # Errors
    /// Every function that does not start, with its reason.
    pub async fn start(&self) -> Result<(), Vec<String>> {
        let starts = self.deployed.values().map(|deployed| async move { deployed.running().await.err() });
        let mut failed: Vec<String> = futures::future::join_all(starts).await.into_iter().flatten().collect();
        failed.sort();
        if failed.is_empty() { Ok(()) } else { Err(failed) }
    }

    /// What a function was given: its variables, and a configuration that signs with its own credentials.
    pub fn env(&self, name: &str) -> Option<&Env> {
        self.find(name).map(|deployed| &deployed.env)
    }

    /// The name of each function's binary, and all that Lambda would set in its environment, were `endpoint` AWS.
    pub fn environments(&self, endpoint: &str) -> impl Iterator<Item = (&str, BTreeMap<String, String>)> {
        self.deployed.values().map(move |deployed| {
            let Deployed { spec, env, credentials, .. } = &**deployed;
            let mut variables = spec.env.clone();
            let given = [
                ("AWS_ENDPOINT_URL", endpoint),
                ("AWS_REGION", env.sdk.region().map_or("", |region| region.as_ref())),
                ("AWS_ACCESS_KEY_ID", credentials.access_key_id()),
                ("AWS_SECRET_ACCESS_KEY", credentials.secret_access_key()),
            ];
            variables.extend(given.map(|(name, value)| (name.to_owned(), value.to_owned())));
            (spec.binary.as_str(), variables)
        })
    }

    fn find(&self, name: &str) -> Option<&Arc<Deployed>> {
        self.deployed.get(name).or_else(|| self.deployed.get(self.ids.get(name)?))
    }
}

/// A function's own: its key id is what IAM knows it by, its secret signs its requests.
fn credentials(principals: &Principals, logical_id: &str, entropy: &dyn Entropy) -> Credentials {
    let id = principals.by_logical_id(logical_id).map(|p| p.access_key_id.clone()).unwrap_or_default();
    let secret = HEXLOWER.encode(&domain::bytes::<20>(entropy));
    Credentials::new(id, secret, None, None, "local-stack")
}

impl Deployed {
    async fn running(&self) -> Result<&Running, String> {
        self.running.get_or_try_init(|| self.function.start(self.env.clone())).await.map_err(|error| {
            let cause = std::error::Error::source(&error).map(|c| format!(": {c}")).unwrap_or_default();
            format!("{} does not start: {error}{cause}", self.spec.binary)
        })
    }

    /// What a call runs into where it takes longer than the template allows.
    async fn timeout(&self) {
        let allowed = jiff::SignedDuration::from_secs(self.spec.timeout.into());
        match self.clock.now().checked_add(allowed) {
            Ok(at) => self.clock.wait_until(at).await,
            Err(_) => std::future::pending().await,
        }
    }

    async fn http(&self, event: ApiGatewayV2httpRequest) -> Result<ApiGatewayV2httpResponse, FunctionFault> {
        let failed = |why: &str| FunctionFault::Failed(why.to_owned());
        let Running::Http(service) = self.running().await.map_err(FunctionFault::Failed)? else {
            return Err(failed("it serves no routes"));
        };
        // The very adapter that `lambda_http::run` uses.
        let mut adapter = Adapter::from(service.clone());
        let event = LambdaEvent::new(LambdaRequest::ApiGatewayV2(event), Context::default());
        // `lambda_http` panics at a Host that makes no URL; under Lambda the process ends, and the client gets a 500.
        let answered = AssertUnwindSafe(async { adapter.call(event).await }).catch_unwind().await;
        let Ok(answer) = answered.map_err(|_| failed("it panicked"))?;
        let answer = serde_json::to_value(answer).map_err(|e| failed(&e.to_string()))?;
        serde_json::from_value(answer).map_err(|e| failed(&e.to_string()))
    }

    async fn event(&self, event: Value) -> Result<Value, InvokeError> {
        let failed = |error_type: &str, error_message: String| InvokeError::Failed {
            error_type: error_type.to_owned(),
            error_message,
        };
        match self.running().await.map_err(|why| failed("Runtime.ExitError", why))? {
            Running::Event(service) => {
                service.call(event).await.map_err(|fault| failed(&fault.error_type, fault.error_message))
            }
            Running::Http(_) => {
                let event =
                    serde_json::from_value(event).map_err(|e| failed("Runtime.MalformedEvent", e.to_string()))?;
                let answer = self.http(event).await.map_err(|fault| failed("Runtime.Unknown", fault.to_string()))?;
                serde_json::to_value(answer).map_err(|e| failed("Runtime.MalformedAnswer", e.to_string()))
            }
        }
    }
}

impl Target for Functions {
    fn call(
        &self,
        function: &str,
        event: ApiGatewayV2httpRequest,
    ) -> BoxFuture<'_, Result<ApiGatewayV2httpResponse, FunctionFault>> {
        let found = self
            .find(function)
            .cloned()
            .ok_or_else(|| FunctionFault::Failed(format!("no function is named {function}")));
        Box::pin(async move {
            let deployed = found?;
            let _place = deployed.places.acquire().await.map_err(|e| FunctionFault::Failed(e.to_string()))?;
            tokio::select! {
                answer = deployed.http(event) => answer,
                () = deployed.timeout() => Err(FunctionFault::TimedOut),
            }
        })
    }
}

impl Invoker for Functions {
    fn invoke<'a>(&'a self, function: &'a str, event: Value) -> BoxFuture<'a, Result<Value, InvokeError>> {
        Box::pin(async move {
            let deployed = self.find(function).ok_or_else(|| InvokeError::Unknown(function.to_owned()))?;
            tokio::select! {
                answer = deployed.event(event) => answer,
                () = deployed.timeout() => Err(InvokeError::Failed {
                    error_type: "Sandbox.Timedout".into(),
                    error_message: format!("Task timed out after {}.00 seconds", deployed.spec.timeout),
                }),
            }
        })
    }
}

/// Calls functions as the state machines' roles may: IAM first, then the function.
pub struct AsMachine {
    /// The functions.
    pub functions: Arc<Functions>,
    /// Who may what.
    pub principals: Arc<Principals>,
    /// The machines' logical ids. The engine does not say which machine calls, so any one's permission counts.
    pub machines: Vec<String>,
}

impl Invoker for AsMachine {
    fn invoke<'a>(&'a self, function: &'a str, event: Value) -> BoxFuture<'a, Result<Value, InvokeError>> {
        let arn =
            self.functions.find(function).map_or_else(|| function.to_owned(), |deployed| deployed.spec.arn.clone());
        let needs = [("lambda:InvokeFunction", arn.as_str())];
        let roles = self.machines.iter().filter_map(|machine| self.principals.by_logical_id(machine));
        let decisions: Vec<_> = roles.map(|role| self.principals.decide(role, &needs)).collect();
        if !decisions.iter().any(Result::is_ok) {
            let error_message =
                decisions.into_iter().find_map(Result::err).map(|denied| denied.message).unwrap_or_default();
            return Box::pin(async move {
                Err(InvokeError::Failed { error_type: "Lambda.AWSLambdaException".into(), error_message })
            });
        }
        self.functions.invoke(function, event)
    }
}
