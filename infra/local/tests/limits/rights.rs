//! Every function whose calls the door counts may write their count.

use http::Method;
use lambda::{
    Kind,
    http::{Access, Policy, Rate, Scope},
};
use local::functions::all;
use serde_json::{Value, json};

use crate::{
    stack,
    world::{Answer, Caller, PASSWORD, World, owner},
};

struct Callers {
    tenant: String,
    status_token: String,
    owner: Caller,
    admin: Caller,
}

impl Callers {
    fn of(&self, world: &World, access: Access) -> Caller {
        match access {
            Access::Permission(_, Scope::Platform)
            | Access::SteppedUp { permission: Some((_, Scope::Platform)), .. } => self.admin.clone(),
            Access::StatusToken { .. } => world.somebody().with(&self.status_token),
            Access::Anonymous | Access::OneTimeToken | Access::Signature | Access::Internal => world.somebody(),
            _ => self.owner.clone(),
        }
    }
}

/// The counts of all, summed up.
fn counted(world: &World) -> u64 {
    let number = |(name, value): (&String, &Value)| {
        let part = name.starts_with('p') && name != "pk";
        part.then(|| value["N"].as_str()?.parse::<u64>().ok()).flatten()
    };
    world.items("limits").iter().flat_map(|item| item.as_object().unwrap().iter().filter_map(number)).sum()
}

async fn call(world: &World, callers: &Callers, caller: &Caller, policy: &Policy) -> Answer {
    let path = policy.path.replace("{tenant_id}", &callers.tenant).replace("{proxy+}", "none");
    let path = path.replace(['{', '}', '+'], "").replace("$default", "/nothing");
    match policy.method {
        Method::GET => world.get(caller, &path).await,
        Method::DELETE => world.delete(caller, &path).await,
        // Nothing takes it.
        Method::PATCH => world.patch(caller, &path, &json!([])).await,
        Method::PUT => world.put(caller, &path, &json!([])).await,
        _ if policy.body_limit == 0 => world.post(caller, &path, &Value::Null).await,
        _ => world.post(caller, &path, &json!([])).await,
    }
}

#[tokio::test]
async fn r15_every_function_may_write_what_it_counts() {
    // So each settles before its third call.
    let parameters = ["StatusesPerMinute", "CallerCallsPer15Minutes", "ClientCallsPer15Minutes"];
    let world = stack(&parameters.map(|name| (name, "2"))).await;
    let signup = json!({
        "company_name": "Lantern Works", "subdomain": "lantern", "admin_name": "Ada Admin",
        "admin_email": owner("lantern"), "plan": "starter", "region": "us-east-1",
    });
    let accepted = world.post(&world.somebody(), "/api/v1/tenants", &signup).await.expect(202);
    world.choose_password(&owner("lantern"), PASSWORD).await.expect(200);
    let text = |name: &str| accepted[name].as_str().unwrap().to_owned();
    let callers = Callers {
        tenant: text("tenant_id"),
        status_token: text("status_token"),
        owner: world.log_in(&owner("lantern"), PASSWORD).await,
        admin: world.bootstrap_admin().await,
    };
    let secret =
        world.stack.secrets.run("GetSecretValue", json!({"SecretId": "innkeeper/local/internal-secret"})).await;
    let secret: Value = serde_json::from_str(secret.unwrap()["SecretString"].as_str().unwrap()).unwrap();
    for function in all() {
        let Kind::Http(served) = &function.kind else { continue };
        let mut here = served.policies.iter().filter(|policy| matches!(policy.rate, Rate::Status | Rate::General));
        let Some(policy) = here.clone().find(|it| it.method == Method::GET).or_else(|| here.next()) else { continue };
        let (caller, before) = (callers.of(&world, policy.access), counted(&world));
        for turn in 1..=3 {
            let answer = if policy.access == Access::Internal {
                world.internal(&caller, policy.path, secret["current"].as_str().unwrap()).await
            } else {
                call(&world, &callers, &caller, policy).await
            };
            // A mail a minute is the route's own limit.
            let by_the_door = answer.status == 429 && !String::from_utf8_lossy(&answer.body).contains("too_many_tries");
            assert_eq!(by_the_door, turn == 3, "{}: {} in turn {turn}", function.name, answer.status);
        }
        assert!(counted(&world) > before, "{} may not write what it counts", function.name);
    }
}
