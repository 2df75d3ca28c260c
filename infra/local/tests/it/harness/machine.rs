//! A state machine as its file says it: its tasks, and the event that each would be given.

use local::stack::LocalStack;
use serde_json::{Map, Value, json};

use super::ledger::states;

/// A definition with the template's substitutions.
pub struct Machine {
    states: Map<String, Value>,
    start_at: String,
}

impl Machine {
    /// Reads the file.
    pub fn read(name: &str) -> Self {
        let path = format!("{}/../../statemachines/{name}.asl.json", env!("CARGO_MANIFEST_DIR"));
        let file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let mut states = Map::new();
        collect(&file, &mut states);
        Self { states, start_at: text(&file["StartAt"]) }
    }

    /// The tasks of a run in which nothing fails, in order.
    pub fn forward(&self) -> Vec<String> {
        let (mut found, mut at) = (Vec::new(), self.start_at.clone());
        while self.states[&at]["Type"] == "Task" {
            let next = text(&self.states[&at]["Next"]);
            found.push(std::mem::replace(&mut at, next));
        }
        found
    }

    /// The other tasks: what follows from a failure.
    pub fn others(&self) -> Vec<String> {
        let forward = self.forward();
        let tasks = self.states.iter().filter(|(_, state)| state["Type"] == "Task").map(|(name, _)| name.clone());
        tasks.filter(|name| !forward.contains(name)).collect()
    }

    /// Whether the state ends with the answer to a task token, and not with its function.
    pub fn waits_for_token(&self, state: &str) -> bool {
        text(&self.states[state]["Resource"]).ends_with(".waitForTaskToken")
    }

    /// What the state's function would be given in an execution with this input. Of a failure and a task token, which
    /// only the engine knows, it makes up its own.
    pub fn event(&self, state: &str, input: &Value) -> Value {
        let payload = self.states[state]["Parameters"]["Payload"].as_object().unwrap();
        let value = |name: &str, value: &Value| match (name.strip_suffix(".$"), value.as_str()) {
            (None, _) | (_, None) => (name.to_owned(), value.clone()),
            (Some(name), Some("$$.Task.Token")) => (name.to_owned(), json!("not-a-token")),
            (Some(name), Some(path)) => {
                let found = &input[path.trim_start_matches("$.")];
                let made_up = json!({"Error": "Test", "Cause": ""});
                (name.to_owned(), if found.is_null() { made_up } else { found.clone() })
            }
        };
        payload.iter().map(|(name, it)| value(name, it)).collect::<Map<_, _>>().into()
    }

    /// The logical id of the state's function.
    pub fn function(&self, state: &str) -> String {
        let arn = text(&self.states[state]["Parameters"]["FunctionName"]);
        arn.trim_start_matches("${").trim_end_matches("Arn}").to_owned()
    }
}

/// Every state, those within a Map too: names are unique in the whole machine.
fn collect(flow: &Value, states: &mut Map<String, Value>) {
    for (name, state) in flow["States"].as_object().unwrap() {
        states.insert(name.clone(), state.clone());
        if state["Type"] == "Map" {
            collect(&state["ItemProcessor"], states);
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// What an execution was started with.
pub async fn input(stack: &LocalStack, arn: &str) -> Value {
    let run = states(stack, "DescribeExecution", json!({"executionArn": arn})).await;
    serde_json::from_str(run["input"].as_str().unwrap()).unwrap()
}

/// Every call of a function that an execution has made, oldest first: the function and its event.
pub async fn calls(stack: &LocalStack, arn: &str) -> Vec<(String, Value)> {
    let history = states(stack, "GetExecutionHistory", json!({"executionArn": arn, "maxResults": 1000})).await;
    let scheduled = history["events"].as_array().unwrap().iter();
    let scheduled = scheduled.filter_map(|event| event["taskScheduledEventDetails"]["parameters"].as_str());
    let call = |text: &str| {
        let mut call: Value = serde_json::from_str(text).unwrap();
        (call["FunctionName"].as_str().unwrap().to_owned(), call["Payload"].take())
    };
    scheduled.map(call).collect()
}
