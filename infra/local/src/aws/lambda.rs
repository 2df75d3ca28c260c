//! Lambda: `Invoke`, and the seam by which the other services call functions.

use std::sync::Arc;

use futures::future::{BoxFuture, FutureExt};
use serde_json::{Value, json};

use super::{ACCOUNT, AwsError, Caller, Service};

/// Runs functions by name. The stack implements it over the functions of the template.
pub trait Invoker: Send + Sync + 'static {
    /// Runs the function, given by name or by ARN, and waits for its answer.
    fn invoke<'a>(&'a self, function: &'a str, event: Value) -> BoxFuture<'a, Result<Value, InvokeError>>;
}

/// Why a function gave no answer.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum InvokeError {
    /// No function has that name.
    #[error("no function is named {0}")]
    Unknown(String),
    /// The function ran and failed, as Lambda's runtime reports it.
    #[error("{error_type}: {error_message}")]
    Failed {
        /// `errorType`, e.g. `Innkeeper.Retry`.
        error_type: String,
        /// `errorMessage`.
        error_message: String,
    },
}

/// The Lambda API, as far as it is used: synchronous invocations.
pub struct Lambda {
    region: String,
    invoker: Arc<dyn Invoker>,
}

impl Lambda {
    /// Lambda over the stack's functions.
    pub fn new(region: impl Into<String>, invoker: Arc<dyn Invoker>) -> Self {
        Self { region: region.into(), invoker }
    }

    async fn invoke(&self, body: Value) -> Result<Value, AwsError> {
        let kind = body["InvocationType"].as_str().unwrap_or_default();
        if kind != "RequestResponse" {
            return Err(AwsError::unknown(format!("Invoke with InvocationType {kind}")));
        }
        let function = body["FunctionName"].as_str().unwrap_or_default();
        match self.invoker.invoke(function, body["Payload"].clone()).await {
            Ok(answer) => Ok(json!({"Payload": answer})),
            Err(InvokeError::Unknown(name)) => {
                let arn = function_arn(&self.region, &name);
                Err(AwsError::new(404, "ResourceNotFoundException", format!("Function not found: {arn}")))
            }
            Err(InvokeError::Failed { error_type, error_message }) => Ok(json!({
                "FunctionError": "Unhandled",
                "Payload": {"errorType": error_type, "errorMessage": error_message},
            })),
        }
    }
}

impl Service for Lambda {
    fn call<'a>(&'a self, _: &'a Caller, action: &'a str, body: Value) -> BoxFuture<'a, Result<Value, AwsError>> {
        match action {
            "Invoke" => self.invoke(body).boxed(),
            _ => std::future::ready(Err(AwsError::unknown(format!("lambda:{action}")))).boxed(),
        }
    }

    fn authorize(&self, _: &str, body: &Value) -> Vec<(String, String)> {
        let function = body["FunctionName"].as_str().unwrap_or_default();
        vec![("lambda:InvokeFunction".to_owned(), function_arn(&self.region, function))]
    }
}

/// The ARN of a function given by name or by ARN.
pub fn function_arn(region: &str, function: &str) -> String {
    match function.starts_with("arn:") {
        true => function.to_owned(),
        false => format!("arn:aws:lambda:{region}:{ACCOUNT}:function:{function}"),
    }
}
