//! The one door to every local AWS service: signature, IAM, faults, counts, then the service.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use aws_credential_types::Credentials;
use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response};
use serde_json::Value;

use super::faults::{Fault, Faults};
use super::signature::Scope;
use super::wire::Protocol;
use super::{AwsError, Caller, Counters, Service, UNKNOWN_OPERATION};
use crate::clock::Timer;

/// Decides by the template's IAM statements.
pub trait Authorizer: Send + Sync + 'static {
    /// Allows all of the (action, resource ARN) pairs to the owner of the access key, or says why not in AWS's words.
    /// `context` are the condition keys of the request's own.
    fn decide(
        &self,
        access_key: &str,
        needs: &[(String, String)],
        context: &[(&'static str, String)],
    ) -> Result<(), String>;
}

/// The answer never arrived (an injected timeout); the effect may have happened.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("the answer was lost")]
pub struct Lost;

/// The AWS endpoint. Services and principals may be added while it serves.
pub struct Gateway {
    services: RwLock<HashMap<String, Arc<dyn Service>>>,
    principals: RwLock<HashMap<String, Principal>>,
    authorizer: Arc<dyn Authorizer>,
    timer: Arc<dyn Timer>,
    faults: Arc<Faults>,
    counters: Arc<Counters>,
    requests: AtomicU64,
}

#[derive(Clone)]
struct Principal {
    function: String,
    credentials: Credentials,
}

impl Gateway {
    /// A gateway without services; nobody is known to it.
    pub fn new(authorizer: Arc<dyn Authorizer>, timer: Arc<dyn Timer>, counters: Arc<Counters>) -> Self {
        Self {
            services: RwLock::default(),
            principals: RwLock::default(),
            authorizer,
            timer,
            faults: Arc::default(),
            counters,
            requests: AtomicU64::new(0),
        }
    }

    /// Mounts a service under its signing name: `dynamodb`, `secretsmanager`, `states`, `events`, `ses`, `lambda`, `s3`
    /// or `codedeploy`.
    pub fn mount(&self, name: &str, service: Arc<dyn Service>) {
        self.services.write().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), service);
    }

    /// Makes a function's credentials known.
    pub fn admit(&self, function: &str, credentials: Credentials) {
        let key = credentials.access_key_id().to_owned();
        let principal = Principal { function: function.to_owned(), credentials };
        self.principals.write().unwrap_or_else(PoisonError::into_inner).insert(key, principal);
    }

    /// The faults in force.
    pub fn faults(&self) -> &Arc<Faults> {
        &self.faults
    }

    /// The calls so far.
    pub fn counters(&self) -> &Arc<Counters> {
        &self.counters
    }

    /// Answers one signed request. Never returns once an injected crash has "killed" the process.
    pub async fn call(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Lost> {
        self.while_alive().await;
        let (parts, body) = request.into_parts();
        let id = format!("00000000-0000-4000-8000-{:012x}", self.requests.fetch_add(1, Ordering::Relaxed));
        // A JSON error is what every SDK can read when not even the service is known.
        let protocol = Scope::of(&parts).ok().and_then(|scope| Protocol::of(&scope.service));
        let json = Protocol::Json { version: "1.0", target: "", namespace: "" };
        let result = match self.admitted(protocol, &parts, &body) {
            Ok(call) => self.serve(call).await?,
            Err(refusal) => Err(refusal),
        };
        if let Err(AwsError { code, message, .. }) = &result
            && code == UNKNOWN_OPERATION
        {
            tracing::warn!(message, "the local stack lacks this");
        }
        Ok(protocol.unwrap_or(json).response(&id, result))
    }

    /// Who calls, what is meant, and whether IAM allows it.
    fn admitted(&self, protocol: Option<Protocol>, parts: &Parts, body: &[u8]) -> Result<Call, AwsError> {
        let scope = Scope::of(parts)?;
        let unknown = || AwsError::unknown(format!("service {}", scope.service));
        let protocol = protocol.ok_or_else(unknown)?;
        let denied = |error: AwsError| AwsError { status: protocol.denied(), ..error };
        let principal = self.principal(&scope.access_key).map_err(denied)?;
        scope.verify(parts, body, &principal.credentials, self.timer.now()).map_err(denied)?;
        let action = protocol.action(parts)?;
        let service = self.service(&scope.service).ok_or_else(unknown)?;
        self.counters.call(&principal.function, &scope.service, &action);
        let input = protocol.input(parts, body)?;
        let (needs, context) = (service.authorize(&action, &input), service.context(&action, &input));
        self.authorizer.decide(&scope.access_key, &needs, &context).map_err(|message| {
            tracing::warn!(function = principal.function, message, "denied");
            denied(AwsError::refused("AccessDeniedException", message))
        })?;
        let caller = Caller {
            function: principal.function,
            access_key: scope.access_key.to_string(),
            region: scope.region.to_string(),
        };
        Ok(Call { caller, name: scope.service.to_string(), service, action, input })
    }

    async fn serve(&self, call: Call) -> Result<Result<Value, AwsError>, Lost> {
        // The services answer without ever suspending. Without this, concurrent callers on one thread would run one after
        // the other, and no test on races would see two of them between their reads and writes.
        tokio::task::yield_now().await;
        self.while_alive().await;
        let fault = self.faults.strike(&call.caller.function, &call.name, &call.action);
        match &fault {
            Some(Fault::Error { status, code }) => {
                return Ok(Err(AwsError::new(*status, code.clone(), "A fault that the test injected.")));
            }
            Some(Fault::Delay(by)) => self.timer.wait_until(self.timer.now() + *by).await,
            Some(Fault::CrashBefore) => self.faults.crash(),
            Some(Fault::Timeout | Fault::CrashAfter) | None => {}
        }
        self.while_alive().await;
        let result = call.service.call(&call.caller, &call.action, call.input).await;
        if fault == Some(Fault::CrashAfter) {
            self.faults.crash();
        }
        self.while_alive().await;
        if fault == Some(Fault::Timeout) { Err(Lost) } else { Ok(result) }
    }

    /// A dead process does not go on: its tasks wait here until the test drops them.
    async fn while_alive(&self) {
        if self.faults.is_dead() {
            std::future::pending::<()>().await;
        }
    }

    fn principal(&self, access_key: &str) -> Result<Principal, AwsError> {
        let principals = self.principals.read().unwrap_or_else(PoisonError::into_inner);
        let unknown = || {
            AwsError::refused("UnrecognizedClientException", "The security token included in the request is invalid.")
        };
        principals.get(access_key).cloned().ok_or_else(unknown)
    }

    fn service(&self, name: &str) -> Option<Arc<dyn Service>> {
        self.services.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }
}

/// A request that may run.
struct Call {
    caller: Caller,
    name: String,
    service: Arc<dyn Service>,
    action: String,
    input: Value,
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway").field("faults", &self.faults).finish_non_exhaustive()
    }
}
