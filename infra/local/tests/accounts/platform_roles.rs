//! R08, R09: who runs the platform, and how they stop.

use jiff::SignedDuration;
use local::aws::faults::{Fault, Rule};
use serde_json::{Value, json};

use crate::world::{Caller, PASSWORD, World};

const REMOVE: &str = "/api/v1/admin/remove-bootstrap-credentials";
const USERS: &str = "/api/v1/admin/platform-users";
const WHOAMI: &str = "/api/v1/auth/whoami";
const GRACE: &str = "grace@platform.example";
const HEIDI: &str = "heidi@platform.example";
const SAM: &str = "sam@platform.example";

async fn listed(world: &World, caller: &Caller) -> Vec<Value> {
    world.get(caller, USERS).await.expect(200)["items"].as_array().unwrap().clone()
}

async fn path_of(world: &World, caller: &Caller, email: &str) -> String {
    let users = listed(world, caller).await;
    let user = users.iter().find(|user| user["email"] == email).unwrap();
    format!("{USERS}/{}", user["user_id"].as_str().unwrap())
}

/// The bootstrap admin, and two super admins who have signed in.
async fn two_super_admins(world: &World) -> (Caller, Caller, Caller) {
    let admin = world.bootstrap_admin().await;
    for email in [GRACE, HEIDI] {
        world.platform_user(&admin, email, "super_admin").await;
    }
    (admin, world.log_in(GRACE, PASSWORD).await, world.log_in(HEIDI, PASSWORD).await)
}

/// While the transaction of `function` waits for `meanwhile`, whose own calls do not.
async fn outrun<T>(
    world: &World,
    function: &str,
    call: impl Future<Output = T>,
    meanwhile: impl Future<Output = ()>,
) -> T {
    let faults = world.stack.gateway.faults();
    let wait = Fault::Delay(SignedDuration::from_secs(1));
    faults.add(Rule::new(wait).on("dynamodb", "TransactWriteItems").from(function).nth(1));
    let meanwhile = async {
        world.until("the transaction", async || (faults.fired() == 1).then_some(())).await;
        meanwhile.await;
        world.advance(SignedDuration::from_secs(1));
    };
    tokio::join!(call, meanwhile).0
}

#[tokio::test(flavor = "multi_thread")]
async fn r09_platform_roles_are_listed() {
    let world = World::open().await;
    let admin = world.bootstrap_admin().await;
    world.platform_user(&admin, GRACE, "super_admin").await;
    world.platform_user(&admin, SAM, "support_admin").await;
    world.log_in(SAM, PASSWORD).await;
    let mut users = listed(&world, &admin).await;
    users.sort_by_key(|user| user["email"].as_str().unwrap().to_owned());
    let shown: Vec<_> = users
        .iter()
        .map(|user| (&user["email"], &user["role"], &user["bootstrap"], user["signed_in_at"].is_string()))
        .collect();
    let (root, never) = (json!("root@innkeeper.test"), json!(false));
    let (grace, sam) = (json!(GRACE), json!(SAM));
    let (super_admin, support_admin, bootstrap) = (json!("super_admin"), json!("support_admin"), json!(true));
    assert_eq!(
        shown,
        [
            (&grace, &super_admin, &never, false),
            (&root, &super_admin, &bootstrap, true),
            (&sam, &support_admin, &never, true),
        ]
    );

    let mut paged = Vec::new();
    let mut path = format!("{USERS}?limit=1");
    loop {
        let page = world.get(&admin, &path).await.expect(200);
        paged.extend(page["items"].as_array().unwrap().clone());
        let Some(next) = page["next_cursor"].as_str() else { break };
        path = format!("{USERS}?limit=1&cursor={next}");
    }
    paged.sort_by_key(|user| user["email"].as_str().unwrap().to_owned());
    assert_eq!(paged, users);
}

#[tokio::test(flavor = "multi_thread")]
async fn r09_a_role_that_is_taken_ends_at_once_and_its_sessions_stay_ended() {
    let world = World::open().await;
    let admin = world.bootstrap_admin().await;
    world.platform_user(&admin, SAM, "support_admin").await;
    let sam = world.log_in(SAM, PASSWORD).await;
    let tenant = world.tenant("acme").await;
    let owner = world.log_in(&crate::world::owner("acme"), PASSWORD).await;
    let owner_id = world.get(&owner, WHOAMI).await.expect(200)["user_id"].clone();
    let begin = json!({"tenant_id": tenant, "user_id": owner_id, "reason": "ticket 4711: no invoices"});
    let begun = world.post(&sam, "/api/v1/impersonations", &begin).await.expect(201);
    let acting = sam.with(begun["access_token"].as_str().unwrap());
    world.get(&acting, WHOAMI).await.expect(200);

    let path = path_of(&world, &admin, SAM).await;
    world.delete(&admin, &path).await.expect(204);
    world.get(&sam, WHOAMI).await.problem(401, "unauthenticated");
    world.get(&acting, WHOAMI).await.problem(401, "unauthenticated");
    assert!(listed(&world, &admin).await.iter().all(|user| user["email"] != SAM));
    world.delete(&admin, &path).await.problem(404, "not_found");
    assert_eq!(world.audited("platform_role.revoked"), 1);

    let again = json!({"email": SAM, "name": "Sam", "role": "platform_admin"});
    world.post(&admin, USERS, &again).await.expect(201);
    world.get(&sam, WHOAMI).await.problem(401, "unauthenticated");
    let sam = world.log_in(SAM, PASSWORD).await;
    assert_eq!(world.get(&sam, WHOAMI).await.expect(200)["role"], "platform_admin");
}

#[tokio::test(flavor = "multi_thread")]
async fn r09_a_sign_in_at_the_moment_that_a_role_is_taken_leaves_no_session() {
    let world = World::open().await;
    let admin = world.bootstrap_admin().await;
    world.platform_user(&admin, SAM, "support_admin").await;
    let path = path_of(&world, &admin, SAM).await;
    let caller = world.somebody();
    let meanwhile = async { drop(world.delete(&admin, &path).await.expect(204)) };
    let login = outrun(&world, "auth-login", world.try_log_in(&caller, SAM, PASSWORD), meanwhile).await;
    login.problem(401, "invalid_credentials");
    let sessions =
        world.items("core").into_iter().filter(|item| item["sk"]["S"].as_str().unwrap().starts_with("~SESSION#"));
    assert_eq!(sessions.count(), 1, "the admin's own");
}

#[tokio::test(flavor = "multi_thread")]
async fn r09_nobody_takes_their_own_role_nor_that_of_the_bootstrap_credentials() {
    let world = World::open().await;
    let (_, grace, _) = two_super_admins(&world).await;
    for (email, word) in [(GRACE, "ask another super admin"), ("root@innkeeper.test", "remove-bootstrap-credentials")] {
        let refused = world.delete(&grace, &path_of(&world, &grace, email).await).await.problem(409, "wrong_state");
        assert!(refused["detail"].as_str().unwrap().contains(word), "{refused}");
    }
    assert_eq!(world.audited("platform_role.revoked"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn r09_of_two_who_take_each_others_role_one_is_left() {
    let world = World::open().await;
    let (_, grace, heidi) = two_super_admins(&world).await;
    let (graces, heidis) = (path_of(&world, &grace, GRACE).await, path_of(&world, &grace, HEIDI).await);
    let meanwhile = async { drop(world.delete(&heidi, &graces).await.expect(204)) };
    let outrun = outrun(&world, "admin-platform-users", world.delete(&grace, &heidis), meanwhile).await;
    outrun.problem(403, "forbidden");
    world.get(&grace, WHOAMI).await.problem(401, "unauthenticated");
    world.get(&heidi, WHOAMI).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn r08_the_credentials_stay_on_record_where_the_successor_is_none_any_more() {
    let world = World::open().await;
    let admin = world.bootstrap_admin().await;
    world.platform_user(&admin, GRACE, "super_admin").await;
    let grace = world.log_in(GRACE, PASSWORD).await;
    let path = path_of(&world, &admin, GRACE).await;
    let meanwhile = async { drop(world.delete(&admin, &path).await.expect(204)) };
    let removal = world.post(&grace, REMOVE, &Value::Null);
    let outrun = outrun(&world, "admin-remove-bootstrap-credentials", removal, meanwhile).await;
    outrun.problem(409, "other_admin_required");
    world.get(&admin, WHOAMI).await.expect(200);
    world.post(&admin, REMOVE, &Value::Null).await.problem(409, "other_admin_required");
}
