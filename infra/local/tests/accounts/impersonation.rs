//! R25: somebody of the platform in a member's place: for half an hour, for a reason, by name everywhere, and never for what is
//! the member's alone.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::world::{Caller, PASSWORD, World, owner};

const PATH: &str = "/api/v1/impersonations";
const WHOAMI: &str = "/api/v1/auth/whoami";
const SAM: &str = "sam@platform.example";

/// A tenant with its owner, and somebody of support: who each is, and the request for the owner's place.
struct Scene {
    world: World,
    tenant: String,
    owner: Caller,
    owner_id: String,
    sam: Caller,
    sam_id: String,
}

impl Scene {
    async fn open() -> Self {
        let world = World::open().await;
        let (tenant, admin) = (world.tenant("harbour").await, world.bootstrap_admin().await);
        world.platform_user(&admin, SAM, "support_admin").await;
        let (owner, sam) = (world.log_in(&owner("harbour"), PASSWORD).await, world.log_in(SAM, PASSWORD).await);
        let (owner_id, sam_id) = (id(&world, &owner).await, id(&world, &sam).await);
        Self { world, tenant, owner, owner_id, sam, sam_id }
    }

    fn request(&self) -> Value {
        json!({"user_id": self.owner_id, "tenant_id": self.tenant, "reason": "the customer asked us to look"})
    }

    /// In the owner's place, and the id to end it by.
    async fn acting(&self) -> (Caller, String) {
        let started = self.world.post(&self.sam, PATH, &self.request()).await.expect(201);
        assert_eq!((&started["expires_in"], started.get("refresh_token")), (&json!(1800), None));
        let token = started["access_token"].as_str().unwrap();
        (self.world.somebody().with(token), started["impersonation_id"].as_str().unwrap().to_owned())
    }

    async fn listed(&self, query: &str) -> Vec<Value> {
        let page = self.world.get(&self.sam, &format!("{PATH}{query}")).await.expect(200);
        page["items"].as_array().unwrap().clone()
    }
}

async fn id(world: &World, caller: &Caller) -> String {
    world.get(caller, WHOAMI).await.expect(200)["user_id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn r25_who_acts_is_in_the_token_in_whoami_and_in_the_audit_log() {
    let scene = Scene::open().await;
    let (acting, _) = scene.acting().await;
    let claims = URL_SAFE_NO_PAD.decode(acting.token().split('.').nth(1).unwrap()).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    assert_eq!((&claims["sub"], &claims["act"]["sub"]), (&json!(scene.owner_id), &json!(scene.sam_id)));
    let who = scene.world.get(&acting, WHOAMI).await.expect(200);
    assert_eq!((&who["user_id"], &who["act"]["sub"]), (&json!(scene.owner_id), &json!(scene.sam_id)));
    let own = scene.world.get(&scene.owner, WHOAMI).await.expect(200);
    assert_eq!(own.get("act"), None);

    let path = format!("/api/v1/tenants/{}", scene.tenant);
    let version = scene.world.get(&acting, &path).await.expect(200)["version"].clone();
    let rename = json!({"version": version, "company_name": "Lantern Works Ltd"});
    scene.world.patch(&acting, &path, &rename).await.expect(200);
    let entries = scene.world.items("audit");
    let of = |action: &str| entries.iter().find(|entry| entry["action"]["S"] == action).unwrap().clone();
    assert_eq!(of("tenant.updated")["actor"]["S"], format!("{} as {}", scene.sam_id, scene.owner_id));
    let started = of("impersonation.started");
    assert_eq!((&started["actor"]["S"], &started["tenant"]["S"]), (&json!(scene.sam_id), &json!(scene.tenant)));
    assert_eq!(started["after"]["M"]["reason"]["S"], "the customer asked us to look");
    // The member sees it.
    let sessions = scene.world.get(&scene.owner, "/api/v1/auth/sessions").await.expect(200).to_string();
    assert!(sessions.contains("Impersonation by the platform"), "{sessions}");
}

#[tokio::test(flavor = "multi_thread")]
async fn r25_the_last_of_very_many_is_listed_and_ended() {
    let scene = Scene::open().await;
    for _ in 0..100 {
        let (_, id) = scene.acting().await;
        scene.world.delete(&scene.sam, &format!("{PATH}/{id}")).await.expect(204);
    }
    let (acting, id) = scene.acting().await;
    let active = scene.listed("?active=true").await;
    assert_eq!((active.len(), &active[0]["impersonation_id"]), (1, &json!(id)));
    scene.world.delete(&scene.sam, &format!("{PATH}/{id}")).await.expect(204);
    scene.world.get(&acting, WHOAMI).await.problem(401, "unauthenticated");
}

#[tokio::test(flavor = "multi_thread")]
async fn r25_a_cursor_is_one_that_was_handed_out() {
    let scene = Scene::open().await;
    for text in ["", "x", "1772355600000#x", "1772355600000", "#ses_00000000000000000000000000000000"] {
        let query = format!("{PATH}?cursor={}", URL_SAFE_NO_PAD.encode(text));
        scene.world.get(&scene.sam, &query).await.problem(400, "invalid_query");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r25_what_is_the_members_alone_is_refused() {
    let scene = Scene::open().await;
    let (acting, _) = scene.acting().await;
    let (world, tenant) = (&scene.world, format!("/api/v1/tenants/{}", scene.tenant));
    let change = json!({"current_password": PASSWORD, "new_password": "a quiet harbour under green rain"});
    let invite = json!({"email": "eve@elsewhere.example", "role": "owner"});
    for (path, body) in [
        ("/api/v1/auth/password/change".to_owned(), change),
        ("/api/v1/auth/mfa/totp".to_owned(), Value::Null),
        ("/api/v1/auth/mfa/recovery-codes".to_owned(), Value::Null),
        ("/api/v1/auth/switch-tenant".to_owned(), json!({"tenant": "harbour"})),
        ("/api/v1/auth/sessions/revoke-others".to_owned(), Value::Null),
        (format!("{tenant}/api-keys"), json!({"name": "a", "scopes": ["report.read"]})),
        (format!("{tenant}/invitations"), invite),
    ] {
        world.post(&acting, &path, &body).await.problem(403, "impersonated");
    }
    world.get(&acting, "/api/v1/vault").await.problem(403, "impersonated");
    world.get(&acting, "/api/v1/vault/mail").await.problem(403, "impersonated");
    world.delete(&acting, &tenant).await.problem(403, "impersonated");
    world.post(&acting, PATH, &scene.request()).await.problem(403, "forbidden");
    world.get(&scene.owner, "/api/v1/vault").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn r25_it_ends_at_once_with_its_end_and_by_itself_after_half_an_hour() {
    let scene = Scene::open().await;
    let (first, ended) = scene.acting().await;
    let (second, left) = scene.acting().await;
    let active: Vec<Value> = scene.listed("?active=true").await;
    assert_eq!(active.len(), 2);
    scene.world.delete(&scene.sam, &format!("{PATH}/{ended}")).await.expect(204);
    scene.world.get(&first, WHOAMI).await.problem(401, "unauthenticated");
    scene.world.delete(&scene.sam, &format!("{PATH}/{ended}")).await.problem(404, "not_found");
    scene.world.get(&second, WHOAMI).await.expect(200);
    let active = scene.listed("?active=true").await;
    assert_eq!((active.len(), active[0]["impersonation_id"].as_str()), (1, Some(left.as_str())));

    scene.world.advance(SignedDuration::from_mins(29));
    scene.world.get(&second, WHOAMI).await.expect(200);
    scene.world.advance(SignedDuration::from_mins(1));
    scene.world.get(&second, WHOAMI).await.problem(401, "unauthenticated");
    let sam = scene.world.log_in(SAM, PASSWORD).await;
    let scene = Scene { sam, ..scene };
    assert!(scene.listed("?active=true").await.is_empty());
    let history = scene.listed("?limit=1").await;
    assert_eq!(
        (&history[0]["by"], &history[0]["reason"]),
        (&json!(scene.sam_id), &json!("the customer asked us to look"))
    );
    let all = scene.listed("").await;
    assert_eq!((all.len(), all.iter().filter(|entry| entry["ended_by"] == scene.sam_id.as_str()).count()), (2, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn r25_it_ends_with_the_operators_role() {
    let scene = Scene::open().await;
    let (acting, _) = scene.acting().await;
    scene.world.get(&acting, WHOAMI).await.expect(200);
    let key = json!({"pk": {"S": format!("ID#{}", scene.sam_id)}, "sk": {"S": "PLATFORM"}});
    scene.world.stack.dynamodb.run("DeleteItem", json!({"TableName": "innkeeper-local-core", "Key": key})).unwrap();
    scene.world.get(&acting, WHOAMI).await.problem(401, "unauthenticated");
}

#[tokio::test(flavor = "multi_thread")]
async fn r25_nobody_takes_the_place_of_who_runs_the_platform_or_of_nobody() {
    let scene = Scene::open().await;
    let with = |field: &str, value: Value| {
        let mut request = scene.request();
        request[field] = value;
        request
    };
    let send = async |caller: &Caller, body: Value| scene.world.post(caller, PATH, &body).await;
    send(&scene.sam, with("user_id", json!(scene.sam_id))).await.problem(409, "has_platform_role");
    let nobody = format!("usr_{}", "0".repeat(32));
    send(&scene.sam, with("user_id", json!(nobody))).await.problem(404, "not_found");
    send(&scene.sam, with("tenant_id", json!("tenant-none-00000000"))).await.problem(404, "not_found");
    send(&scene.sam, with("reason", json!("because"))).await.problem(422, "invalid_fields");
    send(&scene.owner, scene.request()).await.problem(403, "forbidden");
    scene.world.advance(SignedDuration::from_mins(11));
    send(&scene.sam, scene.request()).await.problem(401, "insufficient_user_authentication");
}
