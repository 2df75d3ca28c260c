//! What is physically there: the status route as one blocking loop that signs its read by hand. It checks nothing that the
//! door checks, so it is no alternative, only the ground that the other figures stand on.

mod connection;
mod signature;

use std::{collections::BTreeMap, env, error::Error};

use connection::Connection;
use serde::Deserialize;
use serde_json::{Value, json};
use signature::Signer;

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "pathParameters")]
    path: Option<BTreeMap<String, String>>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let variables: BTreeMap<String, String> = env::vars().collect();
    let variable = |name: &str| variables.get(name).cloned().unwrap_or_default();
    let mut runtime = Connection::plain(&variable("AWS_LAMBDA_RUNTIME_API"))?;
    let mut dynamodb = Connection::to(&variable("AWS_ENDPOINT_URL"), &variable("AWS_CA_BUNDLE"))?;
    let (mut signer, table) = (Signer::new(&variables), variable("CORE_TABLE"));
    loop {
        let next = "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nhost: runtime\r\n\r\n";
        let (headers, event) = runtime.exchange(next.as_bytes())?;
        let answer = match serde_json::from_slice::<Event>(&event)?.path.and_then(|mut path| path.remove("tenant_id")) {
            Some(tenant) => status(&tenant, &table, &mut signer, &mut dynamodb)?,
            None => json!({ "statusCode": 404 }),
        };
        let id = headers.get("lambda-runtime-aws-request-id").map_or("", String::as_str);
        let answer = answer.to_string();
        let post = format!(
            "POST /2018-06-01/runtime/invocation/{id}/response HTTP/1.1\r\nhost: runtime\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{answer}",
            answer.len()
        );
        runtime.exchange(post.as_bytes())?;
    }
}

fn status(tenant: &str, table: &str, signer: &mut Signer, dynamodb: &mut Connection) -> Result<Value, Box<dyn Error>> {
    let read = json!({
        "TableName": table, "Key": { "pk": { "S": format!("T#{tenant}") }, "sk": { "S": "TENANT" } },
        "ProjectionExpression": "status_token, #provisioning",
        "ExpressionAttributeNames": { "#provisioning": "provisioning" },
    });
    let request = signer.request(dynamodb.host(), "DynamoDB_20120810.GetItem", &read.to_string())?;
    let (_, found) = dynamodb.exchange(request.as_bytes())?;
    let found: Value = serde_json::from_slice(&found)?;
    let provisioning = &found["Item"]["provisioning"]["M"];
    let body =
        json!({ "tenant_id": tenant, "status": provisioning["status"]["S"], "phase": provisioning["phase"]["S"] });
    Ok(json!({ "statusCode": 200, "headers": { "content-type": "application/json" }, "body": body.to_string() }))
}
