//! The Step Functions API as JSON actions. What is not here is refused by name.

use std::sync::{Arc, PoisonError};

use data_encoding::HEXLOWER;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::driver::StepFunctions;
use super::execution::{Execution, Status, TaskId};
use super::failure::Failure;
use super::history::epoch;
use super::message::Input;
use super::registry::{Machine, Run};
use super::task::MAX_DATA;
use crate::aws::AwsError;

type Answer = Result<Value, AwsError>;

/// Of a list, when nothing else is asked for.
const PAGE: u64 = 100;

impl StepFunctions {
    /// Runs one action of the API.
    pub(super) fn act(&self, action: &str, body: &Value) -> Answer {
        match action {
            "StartExecution" => self.start_execution(body),
            "DescribeExecution" => self.describe_execution(body),
            "GetExecutionHistory" => self.get_execution_history(body),
            "ListExecutions" => self.list_executions(body),
            "StopExecution" => self.stop_execution(body),
            "SendTaskSuccess" => self.send_task_success(body),
            "SendTaskFailure" => {
                let failure = failure(body);
                self.answer(body, |task| Input::Answered { task, result: Err(failure) })
            }
            "SendTaskHeartbeat" => self.answer(body, |task| Input::Heartbeat { task }),
            "DescribeStateMachine" => self.describe_state_machine(body),
            "ListStateMachines" => {
                Ok(json!({ "stateMachines": self.machines().iter().map(|m| summary(m)).collect::<Value>() }))
            }
            _ => Err(AwsError::unknown(format!("states:{action}"))),
        }
    }

    fn start_execution(&self, body: &Value) -> Answer {
        let machine = self.named_machine(body)?;
        let name = match body["name"].as_str() {
            Some(name) => checked_name(name)?.to_owned(),
            None => self.made_up_name(),
        };
        let input = body["input"].as_str().unwrap_or("{}");
        if input.len() > MAX_DATA || serde_json::from_str::<Value>(input).is_err() {
            let shown: String = input.chars().take(100).collect();
            return Err(AwsError::refused(
                "InvalidExecutionInput",
                format!("Invalid State Machine Execution Input: '{shown}'"),
            ));
        }
        // Held until the execution is recorded, so that of two with one name the second finds the first.
        let mut runs = machine.runs.write().unwrap_or_else(PoisonError::into_inner);
        let arn = machine.execution_arn(&name);
        if let Some(run) = runs.by_name.get(&name) {
            return same_request(&run.live().execution, input);
        }
        let execution = Execution::new(arn.clone(), name.clone(), machine.arn.clone(), input.into(), self.now());
        let start_date = epoch(execution.started_at);
        runs.insert(name, self.begin(&machine, execution)?);
        Ok(json!({ "executionArn": arn, "startDate": start_date }))
    }

    /// Random like the UUIDs that AWS makes up.
    fn made_up_name(&self) -> String {
        let mut bytes = [0; 16];
        self.entropy().fill(&mut bytes);
        let hex = HEXLOWER.encode(&bytes);
        format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    }

    fn describe_execution(&self, body: &Value) -> Answer {
        let run = self.named_run(body)?;
        let live = run.live();
        let mut answer = described(&live.execution);
        let execution = &live.execution;
        let included = || json!({ "included": true });
        answer.extend([("input".into(), json!(execution.input)), ("inputDetails".into(), included())]);
        if let Some(output) = &execution.output {
            answer.extend([("output".into(), json!(output)), ("outputDetails".into(), included())]);
        }
        if let Some(failure) = &execution.failure {
            answer.extend(super::engine::details(failure).as_object().cloned().unwrap_or_default());
        }
        Ok(answer.into())
    }

    fn get_execution_history(&self, body: &Value) -> Answer {
        let run = self.named_run(body)?;
        let live = run.live();
        let with_data = body["includeExecutionData"].as_bool().unwrap_or(true);
        let reverse = body["reverseOrder"].as_bool().unwrap_or(false);
        let (from, size) = (token_position(body)?.unwrap_or(0), page_size(body));
        let total = live.history.len();
        let at = |index: usize| {
            if reverse { live.history.get(total.checked_sub(index + 1)?) } else { live.history.get(index) }
        };
        let events: Vec<Value> = (from..from + size).map_while(at).map(|event| event.json(with_data)).collect();
        let next = (from + size < total).then_some(from + size);
        Ok(page("events", events, next))
    }

    fn list_executions(&self, body: &Value) -> Answer {
        let machine = self.named_machine(body)?;
        let runs = machine.runs.read().unwrap_or_else(PoisonError::into_inner);
        let wanted = body["statusFilter"].as_str().map(|status| serde_json::from_value::<Status>(status.into()));
        let wanted = wanted.transpose().map_err(|_| invalid("statusFilter is not a status of an execution"))?;
        let size = page_size(body);
        // A token is a position from the oldest, so that it stays right while others start.
        let mut left = token_position(body)?.unwrap_or(runs.in_order.len()).min(runs.in_order.len());
        let mut executions = Vec::new();
        while left > 0 && executions.len() < size {
            left -= 1;
            let live = runs.in_order[left].live();
            if wanted.is_none_or(|status| status == live.execution.status) {
                executions.push(described(&live.execution).into());
            }
        }
        Ok(page("executions", executions, (left > 0).then_some(left)))
    }

    fn stop_execution(&self, body: &Value) -> Answer {
        let run = self.named_run(body)?;
        self.apply(&run, |_| Ok(Input::Stop(failure(body))))?;
        let live = run.live();
        Ok(json!({ "stopDate": epoch(live.execution.stopped_at.unwrap_or_else(|| self.now())) }))
    }

    fn send_task_success(&self, body: &Value) -> Answer {
        let output = body["output"].as_str().ok_or_else(|| invalid("output is missing"))?;
        let output = serde_json::from_str(output)
            .map_err(|error| AwsError::refused("InvalidOutput", format!("Invalid Output: '{error}'")))?;
        self.answer(body, |task| Input::Answered { task, result: Ok(output) })
    }

    fn answer(&self, body: &Value, input: impl FnOnce(TaskId) -> Input) -> Answer {
        let token = body["taskToken"].as_str().ok_or_else(|| invalid("taskToken is missing"))?;
        let bad_token = || AwsError::refused("InvalidToken", "Invalid Token: 'Invalid token'");
        let (run, task) = self.by_token(token).ok_or_else(bad_token)?;
        let run = run.ok_or_else(|| AwsError::refused("TaskDoesNotExist", "Task does not exist"))?;
        self.apply(&run, |execution| match execution.pending(task) {
            Some(pending) if pending.token.as_deref() == Some(token) => Ok(input(task)),
            Some(_) => Err(bad_token()),
            None => Err(AwsError::refused("TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'")),
        })?;
        Ok(json!({}))
    }

    fn describe_state_machine(&self, body: &Value) -> Answer {
        let machine = self.named_machine(body)?;
        let mut answer = summary(&machine);
        answer["status"] = "ACTIVE".into();
        answer["definition"] = json!(machine.definition.source.as_ref());
        answer["roleArn"] = json!(format!("arn:aws:iam::{}:role/{}", crate::aws::ACCOUNT, machine.name));
        Ok(answer)
    }

    fn named_machine(&self, body: &Value) -> Result<Arc<Machine>, AwsError> {
        let arn = body["stateMachineArn"].as_str().ok_or_else(|| invalid("stateMachineArn is missing"))?;
        self.machine(arn).ok_or_else(|| {
            AwsError::refused("StateMachineDoesNotExist", format!("State Machine Does Not Exist: '{arn}'"))
        })
    }

    fn named_run(&self, body: &Value) -> Result<Arc<Run>, AwsError> {
        let arn = body["executionArn"].as_str().ok_or_else(|| invalid("executionArn is missing"))?;
        self.run(arn)
            .ok_or_else(|| AwsError::refused("ExecutionDoesNotExist", format!("Execution Does Not Exist: '{arn}'")))
    }
}

/// The same name and the same input, while it runs, is the same request; anything else is another.
fn same_request(execution: &Execution, input: &str) -> Answer {
    let arn = &execution.arn;
    if execution.status != Status::Running || execution.input != input {
        return Err(AwsError::refused("ExecutionAlreadyExists", format!("Execution Already Exists: '{arn}'")));
    }
    Ok(json!({ "executionArn": arn, "startDate": epoch(execution.started_at) }))
}

/// 1 to 80 characters, none of those that AWS keeps for itself.
fn checked_name(name: &str) -> Result<&str, AwsError> {
    let forbidden = |c: char| c.is_whitespace() || c.is_control() || "<>{}[]?*\"#%\\^|~`$&,;:/".contains(c);
    if name.is_empty() || name.chars().count() > 80 || name.contains(forbidden) {
        return Err(AwsError::refused("InvalidName", format!("Invalid Name: '{name}'")));
    }
    Ok(name)
}

fn described(execution: &Execution) -> Map<String, Value> {
    let stop = |at: Timestamp| ("stopDate".to_owned(), epoch(at));
    [
        ("executionArn".to_owned(), json!(execution.arn)),
        ("stateMachineArn".to_owned(), json!(execution.machine)),
        ("name".to_owned(), json!(execution.name)),
        ("status".to_owned(), json!(execution.status)),
        ("startDate".to_owned(), epoch(execution.started_at)),
    ]
    .into_iter()
    .chain(execution.stopped_at.map(stop))
    .collect()
}

fn summary(machine: &Machine) -> Value {
    json!({
        "stateMachineArn": machine.arn,
        "name": machine.name,
        "type": "STANDARD",
        "creationDate": epoch(machine.created_at),
    })
}

fn failure(body: &Value) -> Failure {
    let text = |key: &str| body[key].as_str().map(str::to_owned);
    Failure { error: text("error"), cause: text("cause") }
}

fn page(key: &str, items: Vec<Value>, next: Option<usize>) -> Value {
    let mut page = json!({ key: items });
    if let Some(next) = next {
        page["nextToken"] = json!(next.to_string());
    }
    page
}

fn page_size(body: &Value) -> usize {
    body["maxResults"].as_u64().filter(|size| (1..=1000).contains(size)).unwrap_or(PAGE) as usize
}

fn token_position(body: &Value) -> Result<Option<usize>, AwsError> {
    let bad = |_| AwsError::refused("InvalidToken", "Invalid Token: 'Invalid token'");
    body["nextToken"].as_str().map(|token| token.parse().map_err(bad)).transpose()
}

fn invalid(message: &str) -> AwsError {
    AwsError::refused("ValidationException", message)
}
