//! Every route by keys of every scope: the scope that the route's policy names opens it, and nothing else does.

use http::Request;
use lambda::{
    Kind,
    http::{Access, Policy},
};
use local::functions::all;

use crate::{
    api::authorized,
    world::{ALL, Owner, World},
};

fn routes() -> Vec<&'static Policy> {
    let served = all().filter_map(|function| match &function.kind {
        Kind::Http(served) => Some(served.policies),
        _ => None,
    });
    let looks_at_credentials = |access: Access| {
        !matches!(access, Access::Anonymous | Access::OneTimeToken | Access::Signature | Access::Internal)
    };
    served.flatten().copied().filter(|policy| looks_at_credentials(policy.access)).collect()
}

async fn told(world: &World, policy: &Policy, tenant: &Owner, text: &str) -> u16 {
    let path = policy.path.replace("{tenant_id}", &tenant.tenant.id).replace("+}", "}").replace(['{', '}'], "");
    let request = authorized(Request::builder().method(policy.method.clone()).uri(path), text);
    let request = request.header("content-type", "application/json");
    world.api.send(request, if policy.body_limit == 0 { "" } else { "{}" }).await.status
}

#[tokio::test]
async fn r18_a_scope_opens_its_routes_and_no_other() {
    let world = World::open().await;
    let owner = world.owner("own").await;
    // More keys than `starter` allows.
    world.set_plan(&owner.tenant, "professional");
    let mut keys = Vec::new();
    for scope in ALL {
        keys.push((scope, world.mint(&owner, &[scope]).await.text));
    }
    let all = world.mint(&owner, &ALL).await.text;
    let without = |scope: &str| ALL.into_iter().filter(|other| *other != scope).collect::<Vec<_>>();
    let (mut open, mut wrong) = (0, Vec::new());
    for policy in routes() {
        let wanted = policy.access.key_permission();
        open += usize::from(wanted.is_some());
        for (scope, text) in &keys {
            let in_scope = wanted.is_some_and(|permission| permission.as_str() == *scope);
            let status = told(&world, policy, &owner, text).await;
            if in_scope == [401, 403].contains(&status) || (!in_scope && status != 403) {
                wrong.push(format!("{} by a key for {scope}: {status}", policy.operation));
            }
        }
        let status = told(&world, policy, &owner, &all).await;
        if wanted.is_some() == [401, 403].contains(&status) {
            wrong.push(format!("{} by a key for everything: {status}", policy.operation));
        }
        if let Some(permission) = wanted {
            let rest = world.mint(&owner, &without(permission.as_str())).await;
            assert_eq!(told(&world, policy, &owner, &rest.text).await, 403, "{}", policy.operation);
        }
    }
    assert!(wrong.is_empty(), "\n  {}\n", wrong.join("\n  "));
    assert!(open >= 5, "the vault's routes take keys");
}

#[tokio::test]
async fn r18_another_tenants_paths_are_unknown_to_every_key() {
    let world = World::open().await;
    let (own, other) = (world.owner("own").await, world.owner("other").await);
    let text = world.mint(&own, &ALL).await.text;
    for policy in routes().into_iter().filter(|policy| policy.path.contains("{tenant_id}")) {
        assert_eq!(told(&world, policy, &other, &text).await, 404, "{}", policy.operation);
    }
}

#[tokio::test]
async fn r18_what_a_stored_key_may_no_longer_be_given_it_may_not_do() {
    let world = World::open().await;
    let owner = world.owner("own").await;
    let key = world.mint(&owner, &["audit.read"]).await;
    // As if an earlier version had let it be given, or a hand had written it.
    let mut item = world.items(&owner, "API-KEY#").remove(0);
    let every: Vec<_> = domain::Permission::ALL.iter().map(|it| serde_json::json!({"S": it.as_str()})).collect();
    item["scopes"] = serde_json::json!({"L": every});
    world.run("PutItem", serde_json::json!({"Item": item}));
    for policy in routes() {
        let status = told(&world, policy, &owner, &key.text).await;
        assert_eq!(policy.access.key_permission().is_none(), status == 403, "{}: {status}", policy.operation);
    }
}
