//! The AWS endpoint of the local stack: what the SDK clients of the functions talk to.
//!
//! Every request arrives at [`Gateway::call`] as the SDK signed it, from the in-process [`connector`] or from the
//! [`listener`]. The gateway finds out who calls and what is meant, asks IAM, applies faults, counts, and hands JSON to a
//! [`Service`]. A service or an action that is not here is refused by name, never answered with a guess.

use std::borrow::Cow;

use futures::future::BoxFuture;
use serde_json::{Map, Value};

pub use counters::Counters;
pub use faults::Faults;
pub use gateway::{Authorizer, Gateway, Lost};
pub use lambda::{InvokeError, Invoker};
pub use persist::{Persist, PersistError};

pub mod codedeploy;
pub mod connector;
pub mod counters;
pub mod dynamodb;
pub mod eventbridge;
pub mod faults;
pub mod gateway;
pub mod lambda;
pub mod listener;
pub mod persist;
pub mod s3;
pub mod secretsmanager;
pub mod ses;
mod signature;
pub mod sqs;
mod wire;

/// The account that every ARN of the local stack names.
pub const ACCOUNT: &str = "123456789012";

/// The code of [`AwsError::unknown`].
const UNKNOWN_OPERATION: &str = "UnknownOperationException";

/// Who sent a request, as the gateway established it from the signature's credential scope.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The name of the function (its `FunctionName` in the template), or of another principal such as `states` or `host`.
    pub function: String,
    /// The access key that signed the request; IAM decides by it.
    pub access_key: String,
    /// The region in the credential scope.
    pub region: String,
}

/// One AWS service: JSON in, JSON out.
///
/// The gateway has already checked the caller, IAM and the JSON syntax; a service checks the fields.
pub trait Service: Send + Sync + 'static {
    /// Runs one action, named as AWS names it (`PutItem`, `StartExecution`).
    fn call<'a>(&'a self, caller: &'a Caller, action: &'a str, body: Value) -> BoxFuture<'a, Result<Value, AwsError>>;

    /// The (IAM action, resource ARN) pairs that the caller needs for this request, e.g. `("dynamodb:PutItem", "arn:…")`.
    ///
    /// An empty list needs no permission. An action that the service lacks is refused by [`call`](Self::call), with
    /// [`AwsError::unknown`].
    fn authorize(&self, action: &str, body: &Value) -> Vec<(String, String)>;

    /// The IAM condition keys that this request has of its own, e.g. `("ses:FromAddress", "welcome@example.com")`.
    fn context(&self, _action: &str, _body: &Value) -> Vec<(&'static str, String)> {
        Vec::new()
    }
}

/// What a service refuses or fails with; the gateway writes it in the form of the service's protocol.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct AwsError {
    /// HTTP status.
    pub status: u16,
    /// The error's shape name, e.g. `ResourceNotFoundException`.
    pub code: Cow<'static, str>,
    /// The message for the caller.
    pub message: String,
    /// Further members of the error shape, e.g. `CancellationReasons`.
    pub members: Map<String, Value>,
}

impl AwsError {
    /// A refusal with status 400, as the JSON protocols answer everything that the client can mend.
    pub fn refused(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self::new(400, code, message)
    }

    /// An error with its HTTP status, shape name and message.
    pub fn new(status: u16, code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self { status, code: code.into(), message: message.into(), members: Map::new() }
    }

    /// The local stack lacks this service, action or field; `what` names it.
    pub fn unknown(what: impl std::fmt::Display) -> Self {
        Self::refused(UNKNOWN_OPERATION, format!("The local stack does not implement {what}."))
    }

    /// A failure of the local stack itself (status 500): the SDK retries it.
    pub fn internal(error: impl std::fmt::Display) -> Self {
        Self::new(500, "InternalServerError", error.to_string())
    }
}

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
