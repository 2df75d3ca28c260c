//! Lambda's part for events that nobody waits for: it tries again, and what fails to the last goes to the queue that the function
//! names. And EventBridge's part: its rules.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::LocalStack;
use crate::{
    aws::{ACCOUNT, InvokeError, Invoker, eventbridge::Event, sqs::Queues},
    clock::StackClock,
    functions::Functions,
    template::{AsyncSpec, FunctionSpec, RuleSpec},
};

/// Lambda waits a minute before the first further try, and two before the second.
const PAUSE: SignedDuration = SignedDuration::from_mins(1);

/// One function, for events that nobody waits for.
#[derive(Clone)]
pub(super) struct Asynchronous {
    id: String,
    arn: String,
    spec: AsyncSpec,
    functions: Arc<Functions>,
    queues: Arc<Queues>,
    clock: StackClock,
}

impl Asynchronous {
    /// The first try.
    pub(super) async fn first(&self, event: &Value) -> Result<(), InvokeError> {
        self.functions.invoke(&self.id, event.clone()).await.map(drop)
    }

    /// What follows a first try that began then and failed so.
    pub(super) async fn go_on(&self, event: Value, began: Timestamp, mut error: InvokeError) {
        let (mut waited, mut tries) = (SignedDuration::ZERO, 1);
        for retry in 1..=self.spec.retries {
            let pause = PAUSE * i32::try_from(retry).unwrap_or(i32::MAX);
            waited += pause;
            if waited.as_secs() > i64::from(self.spec.age) {
                break;
            }
            let Ok(until) = began.checked_add(waited) else { break };
            self.clock.wait_until(until).await;
            tries += 1;
            match self.first(&event).await {
                Ok(()) => return,
                Err(again) => error = again,
            }
        }
        tracing::warn!(function = self.id, %error, "an event failed to the last");
        if let Some(queue) = &self.spec.on_failure
            && let Err(error) = self.queues.send(queue, self.record(event, tries, &error))
        {
            tracing::error!(function = self.id, %error, "a dead letter is lost");
        }
    }

    /// As Lambda writes it.
    fn record(&self, event: Value, tries: u32, error: &InvokeError) -> Value {
        let condition = if tries > self.spec.retries { "RetriesExhausted" } else { "EventAgeExceeded" };
        json!({
            "version": "1.0", "timestamp": self.clock.now().to_string(),
            "requestContext": {"functionArn": self.arn, "condition": condition, "approximateInvokeCount": tries},
            "requestPayload": event,
            "responseContext": {"functionError": "Unhandled"},
            "responsePayload": {"errorMessage": error.to_string()},
        })
    }
}

impl LocalStack {
    pub(super) fn asynchronous(&self, function: &FunctionSpec) -> Asynchronous {
        Asynchronous {
            id: function.logical_id.clone(),
            arn: function.arn.clone(),
            spec: function.asynchronous.clone(),
            functions: self.functions.clone(),
            queues: self.queues.clone(),
            clock: self.clock.clone(),
        }
    }

    /// Wakes functions at the events that their rules let through.
    pub(super) fn keep_rules(&mut self) {
        let functions = self.template.functions.iter();
        let rules: Vec<(RuleSpec, Asynchronous)> = functions
            .flat_map(|function| function.rules.iter().map(|rule| (rule.clone(), self.asynchronous(function))))
            .collect();
        let (mut heard, region) = (self.events.listen(), self.template.region.clone());
        self.tasks.spawn(async move {
            let mut woken = JoinSet::new();
            loop {
                let (id, event) = tokio::select! {
                    Some(_) = woken.join_next(), if !woken.is_empty() => continue,
                    next = heard.recv() => match next {
                        Some(next) => next,
                        None => return,
                    },
                };
                let envelope = envelope(&id, &event, &region);
                for (rule, function) in rules.iter().filter(|(rule, _)| rule.bus == event.bus) {
                    if rule.pattern.matches(&envelope) {
                        let (function, envelope) = (function.clone(), envelope.clone());
                        woken.spawn(async move {
                            let began = function.clock.now();
                            if let Err(error) = function.first(&envelope).await {
                                function.go_on(envelope, began, error).await;
                            }
                        });
                    }
                }
            }
        });
    }
}

fn envelope(id: &str, event: &Event, region: &str) -> Value {
    json!({
        "version": "0", "id": id, "detail-type": event.detail_type, "source": event.source, "account": ACCOUNT,
        "time": event.at.to_string(), "region": region, "resources": [], "detail": event.detail,
    })
}
