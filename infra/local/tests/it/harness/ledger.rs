//! Everything that a stack holds, read past IAM and faults.

use std::collections::BTreeMap;

use local::{
    aws::{Caller, Service, ses::Mail},
    stack::LocalStack,
};
use serde_json::{Map, Value, json};

/// A picture of a stack. Two that are equal show that nothing happened in between.
#[derive(Debug, Clone, PartialEq)]
pub struct Ledger {
    /// Of the table `core`, as plain JSON by `pk` and `sk`.
    pub core: BTreeMap<(String, String), Value>,
    /// Of the table `audit`.
    pub audit: Vec<Value>,
    /// The tables that the template does not declare.
    pub tables: Vec<String>,
    /// The secrets that the template does not declare.
    pub secrets: Vec<String>,
    /// What is in the buckets, by key.
    pub objects: Vec<(String, Vec<u8>)>,
    /// Newest first.
    pub mails: Vec<Mail>,
    /// Newest first.
    pub executions: Vec<Run>,
}

/// An execution.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Its ARN.
    pub arn: String,
    /// `RUNNING`, `SUCCEEDED`, …
    pub status: String,
}

impl Ledger {
    /// What the stack holds now.
    pub async fn of(stack: &LocalStack) -> Self {
        let [core, audit] = ["core", "audit"].map(|table| scan(stack, &format!("innkeeper-local-{table}")));
        let key = |item: &Value| [&item["pk"], &item["sk"]].map(|part| part.as_str().unwrap_or_default().to_owned());
        let core = core.into_iter().map(|item| (key(&item).into(), item)).collect();
        Self {
            core,
            audit,
            tables: tables(stack),
            secrets: secrets(stack).await,
            objects: objects(stack),
            mails: stack.mailbox.mails(),
            executions: executions(stack).await,
        }
    }

    /// The item's keys as `pk / sk`.
    pub fn keys(&self) -> Vec<String> {
        self.core.keys().map(|(pk, sk)| format!("{pk} / {sk}")).collect()
    }

    /// How many audit entries tell of the action.
    pub fn audited(&self, action: &str) -> usize {
        self.audit.iter().filter(|entry| entry["action"] == action).count()
    }

    /// What is here and not there, or there and not here, in words.
    pub fn difference(&self, other: &Self) -> Vec<String> {
        let mut all = Vec::new();
        for (key, item) in &self.core {
            match other.core.get(key) {
                None => all.push(format!("{key:?} is gone")),
                Some(now) if now != item => all.push(format!("{key:?} was {item} and is {now}")),
                Some(_) => {}
            }
        }
        all.extend(other.core.keys().filter(|key| !self.core.contains_key(*key)).map(|key| format!("{key:?} is new")));
        let mut compare = |what: &str, same: bool| {
            if !same {
                all.push(format!("the {what} are not the same"));
            }
        };
        compare("audit entries", self.audit == other.audit);
        compare("tables", self.tables == other.tables);
        compare("secrets", self.secrets == other.secrets);
        compare("objects", self.objects == other.objects);
        compare("mails", self.mails == other.mails);
        compare("executions", self.executions == other.executions);
        all
    }
}

fn scan(stack: &LocalStack, table: &str) -> Vec<Value> {
    let (mut items, mut start) = (Vec::new(), Value::Null);
    loop {
        let mut request = json!({"TableName": table, "ConsistentRead": true});
        if !start.is_null() {
            request["ExclusiveStartKey"] = start;
        }
        let mut page = stack.dynamodb.run("Scan", request).unwrap();
        items.extend(page["Items"].as_array().unwrap().iter().map(|item| members(item).into()));
        start = page["LastEvaluatedKey"].take();
        if start.is_null() {
            return items;
        }
    }
}

fn members(item: &Value) -> Map<String, Value> {
    item.as_object().unwrap().iter().map(|(name, value)| (name.clone(), plain(value))).collect()
}

/// A value of DynamoDB's JSON as JSON. Binary and sets stay as they are.
fn plain(value: &Value) -> Value {
    let (kind, inner) = value.as_object().and_then(|it| it.iter().next()).unwrap();
    match kind.as_str() {
        "N" => serde_json::from_str(inner.as_str().unwrap()).unwrap(),
        "NULL" => Value::Null,
        "L" => inner.as_array().unwrap().iter().map(plain).collect(),
        "M" => members(inner).into(),
        _ => inner.clone(),
    }
}

fn tables(stack: &LocalStack) -> Vec<String> {
    let all = stack.dynamodb.run("ListTables", json!({})).unwrap();
    let declared = |name: &str| stack.template.tables.iter().any(|table| table.name == name);
    names(&all["TableNames"], |name| name.as_str()).into_iter().filter(|name| !declared(name)).collect()
}

fn objects(stack: &LocalStack) -> Vec<(String, Vec<u8>)> {
    let all = stack.template.buckets.iter().flat_map(|bucket| stack.s3.objects(&bucket.name).unwrap());
    all.map(|(key, body)| (key, body.to_vec())).collect()
}

async fn secrets(stack: &LocalStack) -> Vec<String> {
    let all = stack.secrets.run("ListSecrets", json!({"IncludePlannedDeletion": true})).await.unwrap();
    let declared = |name: &str| stack.template.secrets.iter().any(|secret| secret.name == name);
    names(&all["SecretList"], |entry| entry["Name"].as_str()).into_iter().filter(|name| !declared(name)).collect()
}

fn names(list: &Value, name: impl Fn(&Value) -> Option<&str>) -> Vec<String> {
    list.as_array().unwrap().iter().filter_map(|entry| name(entry).map(str::to_owned)).collect()
}

async fn executions(stack: &LocalStack) -> Vec<Run> {
    let mut all = Vec::new();
    for machine in &stack.template.machines {
        let request = json!({"stateMachineArn": machine.arn, "maxResults": 1000});
        let page = states(stack, "ListExecutions", request).await;
        let text = |run: &Value, key: &str| run[key].as_str().unwrap_or_default().to_owned();
        let runs = page["executions"].as_array().unwrap().iter();
        all.extend(runs.map(|run| Run { arn: text(run, "executionArn"), status: text(run, "status") }));
    }
    all
}

/// An action of Step Functions, past IAM and faults.
pub async fn states(stack: &LocalStack, action: &str, body: Value) -> Value {
    let nobody = Caller { function: "test".into(), access_key: String::new(), region: stack.template.region.clone() };
    stack.states.call(&nobody, action, body).await.unwrap()
}
