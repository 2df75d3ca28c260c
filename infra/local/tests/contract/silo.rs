//! What a tenant with an isolation of its own has for itself.

use serde_json::json;

use crate::api::{Api, signup};

#[tokio::test]
async fn r05_what_a_silo_has_for_itself_lies_under_the_key_of_the_stack() {
    let api = Api::open().await;
    let mut body = signup("lanterns");
    body["plan"] = json!("enterprise");
    let tenant = api.sign_up_as("lanterns", &body).await;
    let function = |name: &str| api.stack.template.functions.iter().find(|spec| spec.binary == name).unwrap();
    let key = &function("provisioning-create-database").env["ENCRYPTION_KEY"];
    let table = json!({"TableName": format!("innkeeper-local-silo-{}-1", tenant.id)});
    let table = api.stack.dynamodb.run("DescribeTable", table).unwrap();
    let used = table["Table"]["SSEDescription"]["KMSMasterKeyArn"].as_str().unwrap();
    assert!(key.contains(":kms:") && used.contains(key), "{used}, not {key}");
    let secret = json!({"SecretId": format!("innkeeper/local/tenant/{}-1", tenant.id)});
    let secret = api.stack.secrets.run("DescribeSecret", secret).await.unwrap();
    assert_eq!(secret["KmsKeyId"], *key);
}
