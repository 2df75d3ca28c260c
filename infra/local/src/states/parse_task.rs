//! The fields of a Task: which function is called, how, and for how long.

use super::definition::{Call, Seconds, Task};
use super::parse::{seconds, template};
use super::source::{At, Fields, Parsed};
use super::template::Template;

const INVOKE: &str = "arn:aws:states:::lambda:invoke";
const INVOKE_AND_WAIT: &str = "arn:aws:states:::lambda:invoke.waitForTaskToken";

/// `parameters` is where the state keeps the template of a function called by its ARN.
pub(super) fn task(fields: &mut Fields<'_>, parameters: &mut Option<Template>) -> Parsed<Task> {
    let resource = fields.need("Resource")?;
    let call = match resource.text()? {
        INVOKE => invoke(fields, false)?,
        INVOKE_AND_WAIT => invoke(fields, true)?,
        arn if arn.starts_with("arn:aws:lambda:") => {
            *parameters = template(fields, "Parameters")?;
            Call::Direct(arn.to_owned())
        }
        other => {
            return Err(resource.refuse(format!(
                "Resource \"{other}\" is not supported by the local stack; use {INVOKE}, with .waitForTaskToken or \
                 without, or the ARN of a function"
            )));
        }
    };
    let waits = matches!(call, Call::Invoke { wait_for_token: true, .. });
    let timeout = seconds(fields, "TimeoutSeconds", 1)?;
    let heartbeat = seconds(fields, "HeartbeatSeconds", 1)?;
    match (&timeout, &heartbeat) {
        (_, Some(_)) if !waits => Err(fields.at.refuse(
            "HeartbeatSeconds is for .waitForTaskToken: a function that is only invoked cannot send a heartbeat",
        )),
        (Some(Seconds::Fixed(timeout)), Some(Seconds::Fixed(heartbeat))) if heartbeat >= timeout => {
            Err(fields.at.refuse("HeartbeatSeconds must be less than TimeoutSeconds"))
        }
        _ => Ok(Task { call, timeout, heartbeat }),
    }
}

fn invoke(fields: &mut Fields<'_>, wait_for_token: bool) -> Parsed<Call> {
    let at = fields.need("Parameters")?;
    for (key, at) in at.entries()? {
        if !matches!(key, "FunctionName" | "FunctionName.$" | "Payload" | "Payload.$") {
            return Err(at.refuse(format!(
                "Parameters: field \"{key}\" is not supported by the local stack; use FunctionName and Payload"
            )));
        }
    }
    let parameters = Template::parse(at)?;
    let function = parameters.field("FunctionName").cloned();
    let function = function.ok_or_else(|| at.refuse("Parameters: field \"FunctionName\" is missing"))?;
    let payload = parameters.field("Payload").cloned();
    if wait_for_token && !hands_out_token(&parameters) {
        return Err(never_answered(at));
    }
    Ok(Call::Invoke { function, payload, wait_for_token })
}

fn hands_out_token(parameters: &Template) -> bool {
    let paths = parameters.expressions().into_iter().flat_map(|expression| expression.paths());
    paths.into_iter().any(|path| path.is_context() && matches!(path.first_field(), None | Some("Task")))
}

fn never_answered(at: At<'_>) -> super::DefinitionError {
    at.refuse("Parameters: $$.Task.Token is nowhere handed out, so nobody could ever answer")
}
