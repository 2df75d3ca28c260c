//! One function under measurement: a program, what it is started with, and the event that it is sent again and again.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::mpsc::Sender,
    time::Duration,
};

use serde_json::Value;

use crate::{
    Failure, process,
    runtime_api::{Call, RuntimeApi},
    wire,
};

/// A function and what it is measured with.
pub(crate) struct Subject {
    pub(crate) name: &'static str,
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<String>,
    pub(crate) variables: BTreeMap<String, String>,
    pub(crate) event: String,
}

/// The function's process, waiting for its next event.
pub(crate) struct Running<'a> {
    api: &'a RuntimeApi,
    subject: &'a Subject,
    child: Child,
    waiting: Sender<Vec<u8>>,
    invocations: u64,
}

impl<'a> Running<'a> {
    /// Starts it, up to its first poll.
    pub(crate) fn start(subject: &'a Subject, api: &'a RuntimeApi) -> Result<Self, Failure> {
        api.clear();
        let mut command = Command::new(&subject.program);
        command.args(&subject.arguments).env_clear().envs(&subject.variables);
        command.env("AWS_LAMBDA_RUNTIME_API", api.address.to_string());
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        // From here on a failure kills the child.
        let (waiting, _) = std::sync::mpsc::channel();
        let mut running = Self { api, subject, child, waiting, invocations: 0 };
        running.waiting = match api.next() {
            Ok(Call::Next(waiting)) => waiting,
            Ok(Call::Failed(why)) => return Err(running.failed(&String::from_utf8_lossy(&why))),
            Ok(Call::Answered(_)) => return Err(running.failed("it answered before it was asked")),
            Err(_) => return Err(running.failed("it did not start")),
        };
        Ok(running)
    }

    /// The subject's event and its answer, until the function polls again.
    pub(crate) fn invoke(&mut self) -> Result<Value, Failure> {
        self.invoke_with(&self.subject.event)
    }

    /// Another event.
    pub(crate) fn invoke_with(&mut self, event: &str) -> Result<Value, Failure> {
        match self.ask(event)? {
            Ok(answer) if answer["statusCode"] == 200 => Ok(answer),
            Ok(other) | Err(other) => Err(self.failed(&other.to_string())),
        }
    }

    /// An event, and what the function answers or the error that it reports, until it polls again.
    pub(crate) fn ask(&mut self, event: &str) -> Result<Result<Value, Value>, Failure> {
        self.invocations += 1;
        let response = invocation(self.invocations, event);
        self.waiting.send(response).map_err(|_| self.failed("it closed its connection"))?;
        let (mut answer, mut polled) = (None, false);
        while answer.is_none() || !polled {
            match self.api.next() {
                Ok(Call::Next(waiting)) => (self.waiting, polled) = (waiting, true),
                Ok(Call::Answered(body)) => answer = Some(Ok(body)),
                Ok(Call::Failed(why)) => answer = Some(Err(why)),
                Err(_) => return Err(self.failed("it does not answer")),
            }
        }
        let read = |body: Vec<u8>| serde_json::from_slice(&body);
        Ok(match answer.unwrap_or(Ok(Vec::new())) {
            Ok(answer) => Ok(read(answer)?),
            Err(error) => Err(read(error)?),
        })
    }

    pub(crate) fn cpu(&self) -> Duration {
        process::cpu(self.child.id())
    }

    pub(crate) fn memory(&self) -> f64 {
        process::memory(self.child.id())
    }

    fn failed(&self, why: &str) -> Failure {
        format!("{}: {why}", self.subject.name).into()
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        // It has exited already, at worst.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The answer to a poll. The deadline is the year 2100's: nothing here runs into it.
fn invocation(number: u64, event: &str) -> Vec<u8> {
    let headers = format!(
        "Content-Type: application/json\r\n\
         Lambda-Runtime-Aws-Request-Id: 8476a536-e9f4-11e8-9739-{number:012x}\r\n\
         Lambda-Runtime-Deadline-Ms: 4102444800000\r\n\
         Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:us-east-1:123456789012:function:bench\r\n\
         Lambda-Runtime-Trace-Id: Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0\r\n"
    );
    wire::response("200 OK", &headers, event.as_bytes())
}
