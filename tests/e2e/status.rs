//! Who may read a tenant's status.

use serde_json::json;

use crate::client::Api;

#[tokio::test]
async fn r03_a_status_token_reads_its_own_tenants_status_and_nothing_else() {
    let api = Api::new();
    let (one, two) = (api.sign_up().await, api.sign_up().await);
    let read = async |url: &str, token: &str| api.get(url).bearer(token).send().await;
    assert_eq!(read(&one.status_url, &one.status_token).await.expect(200)["tenant_id"], one.id);
    read(&two.status_url, &one.status_token).await.problem(404, "not_found");
    let nobody = "/api/v1/tenants/tenant-nobody-00000000/status";
    read(nobody, &one.status_token).await.problem(404, "not_found");
    read("/api/v1/auth/whoami", &one.status_token).await.problem(401, "unauthenticated");
    for path in ["retry", "resend-welcome"] {
        let path = format!("/api/v1/tenants/{}/{path}", one.id);
        api.call(http::Method::POST, &path).bearer(&one.status_token).send().await.problem(401, "unauthenticated");
    }
}

#[tokio::test]
async fn r03_what_is_no_token_is_a_401_with_a_challenge() {
    let api = Api::new();
    let tenant = api.sign_up().await;
    let swapped: String = tenant.status_token.chars().rev().collect();
    let mut typo = tenant.status_token.clone();
    let last = if typo.ends_with('0') { "1" } else { "0" };
    typo.replace_range(typo.len() - 1.., last);
    let long = "a".repeat(4_000);
    for token in [typo.as_str(), &swapped, "", "ink_st_", "null", "a.b.c", &long] {
        let answer = api.get(&tenant.status_url).bearer(token).send().await;
        answer.problem(401, "unauthenticated");
        assert_eq!(answer.header("www-authenticate"), "Bearer", "{token}");
    }
    api.get(&tenant.status_url).send().await.problem(401, "unauthenticated");
    let basic = format!("Basic {}", tenant.status_token);
    api.get(&tenant.status_url).header("authorization", &basic).send().await.problem(401, "unauthenticated");
    // The scheme's name has no case (RFC 9110 section 11.1).
    let lower = format!("bearer {}", tenant.status_token);
    api.get(&tenant.status_url).header("authorization", &lower).send().await.expect(200);
    let twice = api.get(&tenant.status_url).bearer(&tenant.status_token).bearer(&tenant.status_token);
    twice.send().await.problem(401, "unauthenticated");
}

#[tokio::test]
async fn r03_a_member_reads_its_own_tenants_status() {
    let api = Api::new();
    let Some((tenant, token)) = api.owner().await else { return };
    let status = api.get(&tenant.status_url).bearer(&token).send().await.expect(200);
    assert_eq!((&status["tenant_id"], &status["status"]), (&json!(tenant.id), &json!("READY")));
    let other = api.sign_up().await;
    api.get(&other.status_url).bearer(&token).send().await.problem(404, "not_found");
}
