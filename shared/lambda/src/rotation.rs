//! Functions that Secrets Manager calls to rotate a secret, and that an operator may call in an emergency.

use std::{future::Future, sync::Arc};

use secrets::rotation::{Call, Outcome, Rotation, RotationError, Rotator};
use serde_json::{Value, json};
use workflow::StepError;

use crate::{EventService, FromEnv};

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

/// The function, started.
pub(crate) fn service<R: Rotates>(rotation: R) -> EventService {
    let rotation = Arc::new(rotation);
    EventService::new(R::NAME, move |event: Value| {
        let rotation = rotation.clone();
        async move {
            match event {
                Value::Object(mut order) if order.len() == 1 && order.contains_key("emergency") => {
                    rotation.emergency(order.remove("emergency").unwrap_or_default()).await
                }
                call => step(&*rotation, call).await,
            }
        }
    })
}

async fn step<R: Rotates>(rotation: &R, event: Value) -> Result<Value, StepError> {
    // The parser's own message is dropped: it could quote the rotation token.
    let call: Call = serde_json::from_value(event)
        .map_err(|_| StepError::fail("malformed_input", "the event is no step of a rotation".to_owned()))?;
    let outcome = rotation.rotator().run(rotation, &call).await.map_err(failed)?;
    let (step, outcome) = (call.step.name(), if outcome == Outcome::Done { "done" } else { "done_before" });
    tracing::info!(secret = call.secret_id, version = call.client_request_token, step, outcome, "rotation step");
    Ok(json!({"step": step, "outcome": outcome}))
}

/// Secrets Manager repeats a step that failed, whatever the error; the name tells an operator whether that can help.
pub(crate) fn failed(error: RotationError) -> StepError {
    if error.is_retryable() {
        return StepError::retry(error.to_string(), error);
    }
    StepError::Fail { code: error.code(), detail: error.to_string(), retryable: false, source: Some(Box::new(error)) }
}
