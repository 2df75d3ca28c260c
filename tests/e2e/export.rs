//! R06: a tenant's owner gets what there is of it, by a link that S3 itself answers.

use http::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::client::Api;

#[tokio::test]
async fn r06_an_owner_exports_the_tenant_and_fetches_the_file() {
    let api = Api::new();
    let Some((tenant, token)) = api.owner().await else { return };
    let path = format!("/api/v1/tenants/{}/exports", tenant.id);
    let export = api.call(Method::POST, &path).bearer(&token).send().await.expect(201);
    let url = export["url"].as_str().unwrap();
    let file = api.fetch(url).await;
    assert_eq!(file.status, 200, "{}", file.text());
    let digest: String = Sha256::digest(&file.body).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!((&export["sha256"], &export["bytes"]), (&json!(digest), &json!(file.body.len())));
    let lines: Vec<Value> = file.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(export["lines"], lines.len());
    assert_eq!((&lines[0]["type"], &lines[0]["tenant_id"]), (&json!("tenant"), &json!(tenant.id)));
    assert!(lines.iter().any(|line| line["type"] == "audit_entry" && line["action"] == "tenant.activated"));

    let other = url.replace("X-Amz-Expires=900", "X-Amz-Expires=901");
    assert_eq!(api.fetch(&other).await.status, 403, "a link is good for as long as it was signed for");
    api.post(&path, &Value::Null).send().await.problem(401, "unauthenticated");
}
