//! Functions that Secrets Manager calls to rotate a secret, and that an operator may call in an emergency.

use std::{future::Future, sync::Arc};

use domain::{Action, Actor, AuditEntry, Clock, CorrelationId, Facts, SecretName};
use events::SecretRotated;
use secrets::rotation::{Call, Outcome, Rotation, RotationError, RotationStep, Rotator};
use serde_json::{Value, json};
use store::Store;
use workflow::StepError;

use crate::{Announcer, Env, EventService, FromEnv, StartError, event::chain};

/// A secret's rotation, as a function.
pub trait Rotates: FromEnv + Rotation {
    /// Its name in the log.
    const NAME: &'static str;

    /// What runs its steps.
    fn rotator(&self) -> &Rotator;

    /// Obeys an operator who invoked the function with `{"emergency": order}`.
    fn emergency(&self, order: Value) -> impl Future<Output = Result<Value, StepError>> + Send {
        drop(order);
        std::future::ready(Err(StepError::fail(
            "no_emergency",
            "this secret's rotation has no emergency mode".to_owned(),
        )))
    }
}

/// Who hears of a new value: the audit log, and whoever listens on the bus.
struct Told {
    store: Store,
    announcer: Announcer,
    clock: Arc<dyn Clock>,
}

/// Starts the function.
pub(crate) async fn service<R: Rotates>(env: &Env) -> Result<EventService, StartError> {
    let told = Told { store: env.store()?, announcer: Announcer::from_env(env)?, clock: env.clock.clone() };
    let started = Arc::new((R::from_env(env).await?, told));
    Ok(EventService::new(R::NAME, move |event: Value| {
        let started = started.clone();
        async move {
            let (rotation, told) = &*started;
            match event {
                Value::Object(mut order) if order.len() == 1 && order.contains_key("emergency") => {
                    rotation.emergency(order.remove("emergency").unwrap_or_default()).await
                }
                call => step(rotation, told, call).await,
            }
        }
    }))
}

async fn step<R: Rotates>(rotation: &R, told: &Told, event: Value) -> Result<Value, StepError> {
    // The parser's own message is dropped: it could quote the rotation token.
    let call: Call = serde_json::from_value(event)
        .map_err(|_| StepError::fail("malformed_input", "the event is no step of a rotation".to_owned()))?;
    let outcome = match done(rotation, told, &call).await {
        Ok(outcome) => outcome,
        Err(error) => {
            let (step, cause) = (call.step.name(), chain(&error));
            // The template's alarm listens for this word.
            let alarm = "rotation_failed";
            tracing::error!(alarm, secret = call.secret_id, version = call.client_request_token, step, detail = %error, cause, "a rotation failed");
            return Err(error);
        }
    };
    let (step, outcome) = (call.step.name(), if outcome == Outcome::Done { "done" } else { "done_before" });
    tracing::info!(secret = call.secret_id, version = call.client_request_token, step, outcome, "rotation step");
    Ok(json!({"step": step, "outcome": outcome}))
}

/// The step, and after the last one the audit entry and the event, again in a repeat: a crash between them loses none.
async fn done<R: Rotates>(rotation: &R, told: &Told, call: &Call) -> Result<Outcome, StepError> {
    let outcome = rotation.rotator().run(rotation, call).await.map_err(failed)?;
    if call.step == RotationStep::Finish {
        told.of(R::NAME, &call.secret_id, &call.client_request_token).await?;
    }
    Ok(outcome)
}

impl Told {
    /// That this version of the secret is current. Secrets Manager has no part in a transaction of the store's, so a repeat may
    /// write a second entry; it names the same version.
    async fn of(&self, function: &str, secret: &str, version: &str) -> Result<(), StepError> {
        let correlation_id = CorrelationId::parse(version)
            .map_err(|_| StepError::fail("malformed_input", "the version's id is none".to_owned()))?;
        let after = Facts::new().with("version", &correlation_id);
        let entry = AuditEntry {
            actor: Actor::Function(function.to_owned()),
            action: Action::SecretRotated,
            tenant: SecretRotated::tenant_of(secret),
            before: Facts::new(),
            after: SecretName::of_arn(secret).map_or(after.clone(), |name| after.with("secret", &name)),
            correlation_id,
            at: self.clock.now(),
        };
        let noted = self.store.note(&entry.into(), secret).await;
        noted
            .map_err(|error| StepError::retry("the new value is current, and the audit log does not have it", error))?;
        let told = self.announcer.rotated(secret, version).await;
        told.map_err(|error| StepError::retry("the new value is current, and nobody has been told", error))
    }
}

/// Secrets Manager repeats a step that failed, whatever the error; the name tells an operator whether that can help.
pub(crate) fn failed(error: RotationError) -> StepError {
    if error.is_retryable() {
        return StepError::retry(error.to_string(), error);
    }
    StepError::because(error.code(), error.to_string(), error)
}
