//! Names: whether they can be had, and that each is had once.

use crate::{
    client::Api,
    customer::{free_name, signup},
};

#[tokio::test]
async fn r02_a_name_is_available_taken_reserved_or_invalid() {
    let api = Api::new();
    let ask = async |name: &str| api.get(&format!("/api/v1/subdomains/{name}")).send().await.expect(200);
    let free = free_name();
    assert_eq!(ask(&free).await["availability"], "available");
    let tenant = api.sign_up().await;
    assert_eq!(ask(&tenant.subdomain).await["availability"], "taken");
    for name in ["www", "api", "admin", "billing"] {
        let answer = ask(name).await;
        assert_eq!(answer["availability"], "reserved", "{name}");
        assert!(answer["reason"].is_string());
    }
    let long = "a".repeat(31);
    for name in ["ab", "-ab", "ab-", "xn--bcher-kva", "a_b", "UPPER", "d%C3%A9mo", "%D0%B4%D0%B5%D0%BC%D0%BE", &long] {
        assert_eq!(ask(name).await["availability"], "invalid", "{name}");
    }
}

#[tokio::test]
async fn r02_a_taken_name_is_a_409() {
    let api = Api::new();
    let tenant = api.sign_up().await;
    let again = api.post("/api/v1/tenants", &signup(&tenant.subdomain)).send().await;
    again.problem(409, "subdomain_taken");
}

#[tokio::test]
async fn r05_the_same_key_and_body_get_the_first_answer() {
    let api = Api::new();
    let (body, key) = (signup(&free_name()), format!("key-{}", free_name()));
    let send = async |body| api.post("/api/v1/tenants", body).header("idempotency-key", &key).send().await;
    let first = send(&body).await.expect(202);
    assert_eq!(send(&body).await.expect(202), first);
    send(&signup(&free_name())).await.problem(422, "idempotency_mismatch");
    let bad = api.post("/api/v1/tenants", &body).header("idempotency-key", "short").send().await;
    bad.problem(400, "invalid_header");
}
