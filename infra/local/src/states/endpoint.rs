//! Step Functions as a service of the local AWS endpoint.

use futures::future::{BoxFuture, ready};
use serde_json::Value;

use super::driver::StepFunctions;
use super::token;
use crate::aws::{AwsError, Caller, Service};

impl Service for StepFunctions {
    fn call<'a>(&'a self, _: &'a Caller, action: &'a str, body: Value) -> BoxFuture<'a, Result<Value, AwsError>> {
        Box::pin(ready(self.act(action, &body)))
    }

    fn authorize(&self, action: &str, body: &Value) -> Vec<(String, String)> {
        let field = |key: &str| body[key].as_str().unwrap_or_default().to_owned();
        let resource = match action {
            "StartExecution" | "ListExecutions" | "DescribeStateMachine" => field("stateMachineArn"),
            "DescribeExecution" | "GetExecutionHistory" | "StopExecution" => field("executionArn"),
            "SendTaskSuccess" | "SendTaskFailure" | "SendTaskHeartbeat" => self.answered_machine(&field("taskToken")),
            "ListStateMachines" => "*".to_owned(),
            _ => return Vec::new(),
        };
        vec![(format!("states:{action}"), resource)]
    }
}

impl StepFunctions {
    /// The machine that a task token belongs to. A garbled token belongs to the first, so that whoever may answer at all
    /// learns that it is garbled.
    fn answered_machine(&self, token: &str) -> String {
        let execution = token::read(token).map(|(execution, _)| execution);
        let machine = execution.as_deref().and_then(|arn| arn.rsplit_once(':')).map(|(machine, _)| machine);
        match machine {
            Some(machine) => machine.replacen(":execution:", ":stateMachine:", 1),
            None => self.machines().first().map_or_else(|| "*".to_owned(), |machine| machine.arn.clone()),
        }
    }
}
