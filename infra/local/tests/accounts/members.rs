//! R09, R39: who belongs to a tenant, and as what. Every test ends with a look at what the tenant counts.

use http::Request;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::world::{Answer, Caller, PASSWORD, World, owner};

mod invitations;
mod races;
mod sessions;

const TABLE: &str = "innkeeper-local-core";

/// A READY tenant and its owner, signed in.
struct House {
    world: World,
    tenant: String,
    ada: Caller,
}

impl House {
    async fn open() -> Self {
        let world = World::open().await;
        let tenant = world.tenant("lantern").await;
        let ada = world.log_in(&owner("lantern"), PASSWORD).await;
        Self { world, tenant, ada }
    }

    fn path(&self, rest: &str) -> String {
        format!("/api/v1/tenants/{}/{rest}", self.tenant)
    }

    async fn invite(&self, by: &Caller, email: &str, role: &str) -> Answer {
        self.world.post(by, &self.path("invitations"), &json!({"email": email, "role": role})).await
    }

    async fn accept(&self, email: &str, password: &str) -> Answer {
        let body = json!({"token": self.world.mailed_token(email).await, "password": password, "name": "Grace Hopper"});
        self.world.post(&self.world.somebody(), "/api/v1/auth/accept-invitation", &body).await
    }

    /// Invited by the owner, and joined; not signed in.
    async fn join(&self, email: &str, role: &str) -> String {
        self.invite(&self.ada, email, role).await.expect(201);
        self.accept(email, PASSWORD).await.expect(200);
        self.member(email).await["user_id"].as_str().unwrap().to_owned()
    }

    /// The same, signed in.
    async fn joined(&self, email: &str, role: &str) -> (String, Caller) {
        let id = self.join(email, role).await;
        (id, self.world.log_in(email, PASSWORD).await)
    }

    /// As the list has it.
    async fn member(&self, email: &str) -> Value {
        let members = self.world.get(&self.ada, &self.path("members")).await.expect(200);
        let found = members["items"].as_array().unwrap().iter().find(|member| member["email"] == email);
        found.unwrap_or_else(|| panic!("{email} is not in {members}")).clone()
    }

    async fn change(&self, by: &Caller, user: &str, change: Value) -> Answer {
        let version = self.stored(user).map_or(1, |member| number(&member["version"]));
        self.change_version(by, user, change, version).await
    }

    async fn change_version(&self, by: &Caller, user: &str, mut change: Value, version: u64) -> Answer {
        change["version"] = json!(version);
        let request = Request::patch(self.path(&format!("members/{user}"))).header("content-type", "application/json");
        self.world.send(by, request, change.to_string().into()).await
    }

    fn item(&self, sk: &str) -> Option<Value> {
        let key = json!({"pk": {"S": format!("T#{}", self.tenant)}, "sk": {"S": sk}});
        let found = self.world.stack.dynamodb.run("GetItem", json!({"TableName": TABLE, "Key": key})).unwrap();
        found.get("Item").cloned()
    }

    fn stored(&self, user: &str) -> Option<Value> {
        self.item(&format!("MEMBER#{user}"))
    }

    fn update(&self, update: &str, condition: &str, names: &Value, values: &Value) -> bool {
        let update = json!({
            "TableName": TABLE, "Key": {"pk": {"S": format!("T#{}", self.tenant)}, "sk": {"S": "TENANT"}},
            "UpdateExpression": update, "ConditionExpression": condition,
            "ExpressionAttributeNames": names, "ExpressionAttributeValues": values,
        });
        self.world.stack.dynamodb.run("UpdateItem", update).is_ok()
    }

    /// As an upgrade does.
    fn set_plan(&self, plan: &str) {
        let set = self.update(
            "SET #plan = :plan",
            "attribute_exists(pk)",
            &json!({"#plan": "plan"}),
            &json!({":plan": {"S": plan}}),
        );
        assert!(set);
    }

    fn set_status(&self, status: &str) {
        let names = json!({"#provisioning": "provisioning", "#status": "status"});
        let set = "SET #provisioning.#status = :status";
        assert!(self.update(set, "attribute_exists(pk)", &names, &json!({":status": {"S": status}})));
    }

    /// What the tenant counts, after a count of what is there: (admins, owners).
    #[track_caller]
    fn counted(&self) -> (u64, u64) {
        let items = self.world.items("core");
        let here = |item: &&Value, what: &str| {
            item["pk"]["S"] == format!("T#{}", self.tenant) && item["sk"]["S"].as_str().unwrap().starts_with(what)
        };
        let is = |item: &Value, role: &str| item["role"]["S"] == role;
        let seats = items.iter().filter(|item| here(item, "MEMBER#") || here(item, "INVITATION#"));
        let admins = seats.filter(|item| is(item, "owner") || is(item, "admin")).count();
        let owners = items.iter().filter(|item| here(item, "MEMBER#") && is(item, "owner"));
        let owners = owners.filter(|item| item["status"]["S"] == "active").count();
        let tenant = self.item("TENANT").unwrap();
        let counted = (number(&tenant["admins"]), number(&tenant["owners"]));
        assert_eq!(counted, (admins as u64, owners as u64), "as counted, and as there are");
        let people = items.iter().filter(|item| item["sk"]["S"] == "IDENTITY");
        for person in people {
            let pointers = items.iter().filter(|item| item["pk"] == person["pk"]);
            let pointers = pointers.filter(|item| item["sk"]["S"].as_str().unwrap().starts_with("TENANT#")).count();
            assert_eq!(number(&person["memberships"]), pointers as u64, "{}", person["email"]);
        }
        counted
    }
}

fn number(value: &Value) -> u64 {
    value["N"].as_str().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn r09_nobody_gives_a_role_above_their_own_or_changes_who_is_above() {
    let house = House::open().await;
    house.set_plan("professional");
    let (admin_id, admin) = house.joined("grace@people.example", "admin").await;
    let (manager_id, manager) = house.joined("mary@people.example", "manager").await;
    let agent_id = house.join("anna@people.example", "agent").await;
    let ada_id = house.member(&owner("lantern")).await["user_id"].as_str().unwrap().to_owned();

    let forbidden = async |by: &Caller, user: &str, change: Value| {
        house.change(by, user, change).await.problem(403, "forbidden");
    };
    forbidden(&admin, &ada_id, json!({"role": "admin"})).await;
    forbidden(&admin, &ada_id, json!({"status": "disabled"})).await;
    forbidden(&admin, &manager_id, json!({"role": "owner"})).await;
    forbidden(&admin, &admin_id, json!({"role": "owner"})).await;
    forbidden(&manager, &agent_id, json!({"role": "analyst"})).await;
    house.invite(&admin, "eve@people.example", "owner").await.problem(403, "forbidden");
    house.invite(&manager, "eve@people.example", "admin").await.problem(403, "forbidden");
    let remove = house.path(&format!("members/{ada_id}"));
    house.world.delete(&admin, &remove).await.problem(403, "forbidden");

    assert_eq!(house.change(&admin, &agent_id, json!({"role": "admin"})).await.expect(200)["role"], "admin");
    assert_eq!(house.change(&admin, &agent_id, json!({"role": "analyst"})).await.expect(200)["version"], 3);
    house.change(&admin, &manager_id, json!({"role": "super_admin"})).await.problem(422, "invalid_fields");
    house.invite(&manager, "eve@people.example", "manager").await.expect(201);
    // Of an invitation to a role above the caller's own, neither another mail nor an end.
    let invited = house.invite(&house.ada, "olga@people.example", "owner").await.expect(201);
    let invitation = house.path(&format!("invitations/{}", invited["invitation_id"].as_str().unwrap()));
    house.world.delete(&manager, &invitation).await.problem(403, "forbidden");
    house.world.post(&admin, &format!("{invitation}/resend"), &Value::Null).await.problem(403, "forbidden");
    assert_eq!(house.counted(), (3, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn r09_another_role_counts_from_the_next_request_and_no_entry_ends_the_sessions() {
    let house = House::open().await;
    let (id, grace) = house.joined("grace@people.example", "manager").await;
    let whoami = async |caller: &Caller| house.world.get(caller, "/api/v1/auth/whoami").await;
    assert_eq!(whoami(&grace).await.expect(200)["role"], "manager");
    house.change(&house.ada, &id, json!({"role": "agent"})).await.expect(200);
    assert_eq!(whoami(&grace).await.expect(200)["role"], "agent");
    house.invite(&grace, "eve@people.example", "agent").await.problem(403, "forbidden");

    house.change(&house.ada, &id, json!({"status": "disabled"})).await.expect(200);
    whoami(&grace).await.problem(401, "unauthenticated");
    let email = "grace@people.example";
    house.world.try_log_in(&house.world.somebody(), email, PASSWORD).await.problem(401, "invalid_credentials");
    assert_eq!(house.member(email).await["status"], "disabled");

    house.change(&house.ada, &id, json!({"status": "active", "role": "analyst"})).await.expect(200);
    whoami(&grace).await.problem(401, "unauthenticated");
    let grace = house.world.log_in(email, PASSWORD).await;
    assert_eq!(whoami(&grace).await.expect(200)["role"], "analyst");
    let pointer =
        house.world.items("core").into_iter().find(|item| {
            item["pk"]["S"] == format!("ID#{id}") && item["sk"]["S"] == format!("TENANT#{}", house.tenant)
        });
    assert_eq!(pointer.unwrap()["role"]["S"], "analyst");
    let actions =
        house.world.items("audit").iter().filter(|entry| entry["action"]["S"] == "membership.changed").count();
    assert_eq!((actions, house.counted()), (3, (1, 1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn r06_a_tenants_suspension_leaves_each_member_as_they_were() {
    let house = House::open().await;
    let (id, _) = house.joined("grace@people.example", "manager").await;
    house.join("mary@people.example", "manager").await;
    house.change(&house.ada, &id, json!({"status": "disabled"})).await.expect(200);
    house.set_status("SUSPENDED");
    house.world.get(&house.ada, &house.path("members")).await.problem(401, "unauthenticated");
    house.set_status("READY");
    assert_eq!(house.member("grace@people.example").await["status"], "disabled");
    assert_eq!(house.member("mary@people.example").await["status"], "active");
    let somebody = house.world.somebody();
    house.world.try_log_in(&somebody, "grace@people.example", PASSWORD).await.problem(401, "invalid_credentials");
    house.world.log_in("mary@people.example", PASSWORD).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r09_the_last_owner_stays() {
    let house = House::open().await;
    let ada_id = house.member(&owner("lantern")).await["user_id"].as_str().unwrap().to_owned();
    let leave = house.path("membership");
    house.change(&house.ada, &ada_id, json!({"role": "admin"})).await.problem(409, "last_owner");
    house.change(&house.ada, &ada_id, json!({"status": "disabled"})).await.problem(409, "last_owner");
    house.world.delete(&house.ada, &leave).await.problem(409, "last_owner");
    let elsewhere = "/api/v1/tenants/tenant-none-00000000/membership";
    house.world.delete(&house.ada, elsewhere).await.problem(404, "not_found");
    let grace_id = house.join("grace@people.example", "owner").await;
    // An owner who may not come in answers for nothing.
    house.change(&house.ada, &grace_id, json!({"status": "disabled"})).await.expect(200);
    house.world.delete(&house.ada, &leave).await.problem(409, "last_owner");
    assert_eq!(house.counted(), (2, 1));
    house.change(&house.ada, &grace_id, json!({"status": "active"})).await.expect(200);
    house.world.delete(&house.ada, &leave).await.expect(204);
    house.world.get(&house.ada, "/api/v1/auth/whoami").await.problem(401, "unauthenticated");
    assert_eq!(house.counted(), (1, 1));
    assert!(house.stored(&ada_id).is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn r39_the_plan_limits_owners_and_admins_invited_and_disabled_ones_included() {
    let house = House::open().await;
    let (grace_id, grace) = house.joined("grace@people.example", "manager").await;
    let invited = house.invite(&house.ada, "olga@people.example", "admin").await.expect(201);
    house.invite(&house.ada, "eve@people.example", "admin").await.problem(409, "plan_limit");
    house.invite(&house.ada, "eve@people.example", "manager").await.expect(201);
    let refused = house.change(&house.ada, &grace_id, json!({"role": "admin"})).await.problem(409, "plan_limit");
    assert!(refused["detail"].as_str().unwrap().contains("starter allows 2"), "{refused}");
    house.world.get(&grace, "/api/v1/auth/whoami").await.expect(200);
    assert_eq!(house.counted(), (2, 1));

    let invitation = house.path(&format!("invitations/{}", invited["invitation_id"].as_str().unwrap()));
    house.world.delete(&house.ada, &invitation).await.expect(204);
    house.world.delete(&house.ada, &invitation).await.problem(404, "not_found");
    house.change(&house.ada, &grace_id, json!({"role": "admin"})).await.expect(200);
    house.change(&house.ada, &grace_id, json!({"status": "disabled"})).await.expect(200);
    house.invite(&house.ada, "olga@people.example", "admin").await.problem(409, "plan_limit");
    assert_eq!(house.counted(), (2, 1));
    house.set_plan("professional");
    house.invite(&house.ada, "olga@people.example", "admin").await.expect(201);
    house.world.delete(&house.ada, &house.path(&format!("members/{grace_id}"))).await.expect(204);
    assert_eq!(house.counted(), (2, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn r39_an_outlived_invitation_makes_way_for_another() {
    let house = House::open().await;
    house.invite(&house.ada, "olga@people.example", "admin").await.expect(201);
    house.world.advance(SignedDuration::from_hours(7 * 24));
    let ada = house.world.log_in(&owner("lantern"), PASSWORD).await;
    let listed = house.world.get(&ada, &house.path("invitations")).await.expect(200);
    assert_eq!((&listed["items"][0]["status"], house.counted()), (&json!("expired"), (2, 1)));
    house.invite(&ada, "eve@people.example", "admin").await.expect(201);
    let listed = house.world.get(&ada, &house.path("invitations")).await.expect(200);
    let invitations = listed["items"].as_array().unwrap();
    assert_eq!((invitations.len(), &invitations[0]["email"]), (1, &json!("eve@people.example")));
    // The same address again, in another role.
    house.world.advance(SignedDuration::from_hours(7 * 24));
    let ada = house.world.log_in(&owner("lantern"), PASSWORD).await;
    assert_eq!(house.invite(&ada, "Eve@People.example", "agent").await.expect(201)["role"], "agent");
    assert_eq!(house.counted(), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn r09_whoever_is_sent_away_is_signed_out_of_that_tenant_and_of_no_other() {
    let house = House::open().await;
    house.world.tenant("candle").await;
    let email = owner("candle");
    let id = house.join(&email, "agent").await;
    let sign_in = async |tenant: &str| {
        let caller = house.world.somebody();
        let body = json!({"email": email, "password": PASSWORD, "tenant": tenant});
        let login = house.world.post(&caller, "/api/v1/auth/login", &body).await.expect(200);
        caller.with(login["access_token"].as_str().unwrap())
    };
    let (here, there) = (sign_in("lantern").await, sign_in("candle").await);
    house.world.delete(&house.ada, &house.path(&format!("members/{id}"))).await.expect(204);
    house.world.get(&here, "/api/v1/auth/whoami").await.problem(401, "unauthenticated");
    house.world.get(&there, "/api/v1/auth/whoami").await.expect(200);
    let items = house.world.items("core");
    let left = items
        .iter()
        .filter(|item| item["pk"]["S"] == format!("ID#{id}") && item["tenant_id"]["S"] == house.tenant.as_str());
    assert_eq!(left.count(), 0, "neither pointer nor session");
    house.world.delete(&house.ada, &house.path(&format!("members/{id}"))).await.problem(404, "not_found");
    // Nobody whom an invitation brings back finds the old session open.
    house.join(&email, "agent").await;
    house.world.get(&here, "/api/v1/auth/whoami").await.problem(401, "unauthenticated");
    assert_eq!(house.counted(), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn r09_members_are_listed_page_by_page_to_members_and_operators() {
    let house = House::open().await;
    let (_, grace) = house.joined("grace@people.example", "agent").await;
    house.join("mary@people.example", "analyst").await;
    let (mut emails, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = house.world.get(&grace, &house.path(&format!("members?limit=2{cursor}"))).await.expect(200);
        emails.extend(page["items"].as_array().unwrap().iter().map(|member| member["email"].clone()));
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    emails.sort_by_key(ToString::to_string);
    assert_eq!(emails, [json!(owner("lantern")), json!("grace@people.example"), json!("mary@people.example")]);
    let operator = house.world.bootstrap_admin().await;
    let listed = house.world.get(&operator, &house.path("members")).await.expect(200);
    assert_eq!(listed["items"].as_array().unwrap().len(), 3);
    for rest in ["members", "invitations"] {
        let unknown = format!("/api/v1/tenants/tenant-none-00000000/{rest}");
        house.world.get(&operator, &unknown).await.problem(404, "not_found");
        house.world.get(&grace, &unknown).await.problem(404, "not_found");
    }
    house.world.get(&operator, &house.path("invitations")).await.expect(200);
    house.invite(&operator, "eve@people.example", "owner").await.expect(201);
    let elsewhere = "/api/v1/tenants/tenant-none-00000000/invitations";
    let body = json!({"email": "eve@people.example", "role": "agent"});
    house.world.post(&operator, elsewhere, &body).await.problem(404, "not_found");
}

/// R18: a key may be given a look at the members, and nothing else of theirs.
#[tokio::test(flavor = "multi_thread")]
async fn r18_a_service_may_list_members_and_change_none() {
    let house = House::open().await;
    let body = json!({"name": "crm", "scopes": ["member.read"], "expires_in_days": 1});
    let minted = house.world.post(&house.ada, &house.path("api-keys"), &body).await.expect(201);
    let key = house.world.somebody().with(minted["api_key"].as_str().unwrap());
    let listed = house.world.get(&key, &house.path("members")).await.expect(200);
    assert_eq!(listed["items"][0]["email"], owner("lantern"));
    house.world.get(&key, &house.path("invitations")).await.problem(403, "forbidden");
    house.world.delete(&key, &house.path("membership")).await.problem(403, "forbidden");
    house.invite(&key, "grace@people.example", "analyst").await.problem(403, "forbidden");
}

#[tokio::test(flavor = "multi_thread")]
async fn r09_a_change_names_the_version_that_it_is_of() {
    let house = House::open().await;
    let id = house.join("grace@people.example", "agent").await;
    let change = |role: &'static str, version| house.change_version(&house.ada, &id, json!({"role": role}), version);
    change("manager", 1).await.expect(200);
    change("analyst", 1).await.problem(409, "version_conflict");
    change("analyst", 2).await.expect(200);
    for broken in [json!({"role": "agent"}), json!({"version": 3}), json!({"version": 3, "role": "king"})] {
        let request = Request::patch(house.path(&format!("members/{id}"))).header("content-type", "application/json");
        house.world.send(&house.ada, request, broken.to_string().into()).await.problem(422, "invalid_fields");
    }
    let nobody = format!("usr_{}", "0".repeat(32));
    house.change_version(&house.ada, &nobody, json!({"role": "agent"}), 1).await.problem(404, "not_found");
}
