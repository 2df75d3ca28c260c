//! SQS, as far as it holds what failed: messages come in from Lambda, and their number is asked for.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::future::{BoxFuture, FutureExt, ready};
use serde_json::{Map, Value, json};

use super::persist::PersistError;
use super::{AwsError, Caller, Persist, Service};
use crate::template::QueueSpec;

const KIND: &str = "queue-message";
/// What can be asked for.
const VISIBLE: &str = "ApproximateNumberOfMessages";

/// The queues of the template. Nobody takes a message out: people do, in the console.
pub struct Queues {
    specs: Vec<QueueSpec>,
    persist: Arc<Persist>,
    messages: Mutex<Messages>,
}

/// Each with the ARN of its queue, in the order in which they came.
#[derive(Default)]
struct Messages {
    kept: Vec<(String, Value)>,
    next: u64,
}

impl Queues {
    /// Opens the queues with what earlier runs left in them.
    pub fn open(specs: Vec<QueueSpec>, persist: Arc<Persist>) -> Result<Self, PersistError> {
        let mut messages = Messages::default();
        for (key, value) in persist.load(KIND)? {
            let number = u64::from_str_radix(&key, 16).unwrap_or_default();
            messages.next = messages.next.max(number + 1);
            messages.kept.push((value["queue"].as_str().unwrap_or_default().to_owned(), value["message"].clone()));
        }
        Ok(Self { specs, persist, messages: Mutex::new(messages) })
    }

    /// Puts a message into the queue of that ARN.
    pub fn send(&self, arn: &str, message: Value) -> Result<(), PersistError> {
        let mut messages = self.lock();
        self.persist.put(KIND, &format!("{:016x}", messages.next), &json!({"queue": arn, "message": message}))?;
        messages.next += 1;
        messages.kept.push((arn.to_owned(), message));
        Ok(())
    }

    /// What is in the queue of that logical id, oldest first.
    pub fn messages(&self, logical_id: &str) -> Vec<Value> {
        let arn = self.specs.iter().find(|spec| spec.logical_id == logical_id).map(|spec| spec.arn.clone());
        let kept = self.lock();
        kept.kept.iter().filter(|(queue, _)| Some(queue) == arn.as_ref()).map(|(_, message)| message.clone()).collect()
    }

    fn attributes(&self, body: &Value) -> Result<Value, AwsError> {
        let spec = self
            .named(body)
            .ok_or_else(|| AwsError::refused("QueueDoesNotExist", "The specified queue does not exist."))?;
        let mut attributes = Map::new();
        for name in body["AttributeNames"].as_array().into_iter().flatten() {
            if name != VISIBLE {
                return Err(AwsError::unknown(format!("the attribute {name} of a queue")));
            }
            let count = self.lock().kept.iter().filter(|(queue, _)| *queue == spec.arn).count();
            attributes.insert(VISIBLE.to_owned(), json!(count.to_string()));
        }
        Ok(json!({"Attributes": attributes}))
    }

    fn named(&self, body: &Value) -> Option<&QueueSpec> {
        self.specs.iter().find(|spec| body["QueueUrl"] == spec.url.as_str())
    }

    fn lock(&self) -> MutexGuard<'_, Messages> {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Service for Queues {
    fn call<'a>(&'a self, _: &'a Caller, action: &'a str, body: Value) -> BoxFuture<'a, Result<Value, AwsError>> {
        let result = match action {
            "GetQueueAttributes" => self.attributes(&body),
            _ => Err(AwsError::unknown(format!("sqs:{action}"))),
        };
        ready(result).boxed()
    }

    fn authorize(&self, action: &str, body: &Value) -> Vec<(String, String)> {
        let arn = self.named(body).map_or("*", |spec| spec.arn.as_str());
        vec![(format!("sqs:{action}"), arn.to_owned())]
    }
}
