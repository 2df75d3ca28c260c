//! A process that is killed in the middle of its work goes on with it.

use std::sync::Arc;

use serde_json::Value;

use crate::{
    client::{Api, until},
    customer::Tenant,
    server::Server,
};

async fn killed_at(percent: u64) {
    let folder = tempfile::tempdir().unwrap();
    let data = ["--no-limits", "--data-dir", folder.path().to_str().unwrap()];
    let before = Api::of(Arc::new(Server::start(&data)));
    let tenant = before.sign_up().await;
    until("progress", async || (progress(&before, &tenant).await >= percent).then_some(())).await;
    drop(before);

    let after = Api::of(Arc::new(Server::start(&data)));
    let status = after.ready(&tenant).await;
    assert_eq!((&status["attempt"], &status["error"]), (&Value::from(1), &Value::Null), "{status:#}");
    let steps = status["steps"].as_array().unwrap();
    let done = |step: &Value| step["status"] == "SUCCEEDED" || step["name"] == "SendWelcome";
    assert!(steps.iter().all(done), "{status:#}");
    let mails = after.mails(&tenant.email).await.unwrap();
    assert!(mails.len() <= 1, "{} welcome mails", mails.len());
}

async fn progress(api: &Api, tenant: &Tenant) -> u64 {
    let status = api.get(&tenant.status_url).bearer(&tenant.status_token).send().await.expect(200);
    status["progress_percent"].as_u64().unwrap()
}

#[tokio::test]
async fn r01_killed_right_after_the_answer() {
    killed_at(0).await;
}

#[tokio::test]
async fn r05_killed_while_it_provisions() {
    killed_at(40).await;
}

#[tokio::test]
async fn r05_killed_while_it_seeds() {
    killed_at(85).await;
}
