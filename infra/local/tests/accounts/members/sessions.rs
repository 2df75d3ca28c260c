//! Who is disabled or sent away at the moment of a sign-in keeps no session, whichever of the two comes first.

use jiff::SignedDuration;
use local::aws::faults::{Fault, Rule};
use serde_json::{Value, json};

use super::House;
use crate::{
    outrun::held_up,
    world::{Answer, Caller, PASSWORD, owner},
};

const WHOAMI: &str = "/api/v1/auth/whoami";
const GRACE: &str = "grace@people.example";
const FUNCTION: &str = "members-manage";

impl House {
    /// Those that a person has in the tenant.
    fn sessions(&self, user: &str) -> usize {
        let in_it = |item: &&Value| item["pk"]["S"] == format!("ID#{user}") && item["tenant_id"]["S"] == *self.tenant;
        let is_session = |item: &&Value| item["sk"]["S"].as_str().unwrap().contains("SESSION#");
        self.world.items("core").iter().filter(in_it).filter(is_session).count()
    }

    async fn set(&self, user: &str, status: &str) -> Answer {
        self.change(&self.ada, user, json!({"status": status})).await
    }

    async fn switch_to(&self, caller: &Caller, name: &str) -> Answer {
        self.world.post(caller, "/api/v1/auth/switch-tenant", &json!({"tenant": name})).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r09_a_sign_in_that_a_change_of_the_membership_outruns_opens_nothing() {
    let house = House::open().await;
    let id = house.join(GRACE, "agent").await;
    let caller = house.world.somebody();
    let login = house.world.try_log_in(&caller, GRACE, PASSWORD);
    let (login, _) =
        held_up(&house.world, "auth-login", login, async { house.set(&id, "disabled").await.expect(200) }).await;
    login.problem(401, "invalid_credentials");
    assert_eq!(house.sessions(&id), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn r09_a_session_does_not_move_into_a_tenant_that_its_person_is_sent_away_from() {
    let house = House::open().await;
    house.world.tenant("candle").await;
    let email = owner("candle");
    let id = house.join(&email, "agent").await;
    let caller = house.world.somebody();
    let body = json!({"email": email, "password": PASSWORD, "tenant": "candle"});
    let login = house.world.post(&caller, "/api/v1/auth/login", &body).await.expect(200);
    let caller = caller.with(login["access_token"].as_str().unwrap());
    let path = house.path(&format!("members/{id}"));
    let (switched, _) = held_up(&house.world, "auth-switch-tenant", house.switch_to(&caller, "lantern"), async {
        house.world.delete(&house.ada, &path).await.expect(204)
    })
    .await;
    switched.problem(404, "not_found");
    assert_eq!(house.sessions(&id), 0);
    house.world.get(&caller, WHOAMI).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn r09_a_sign_in_that_outruns_a_change_of_the_membership_ends_with_it() {
    let house = House::open().await;
    let id = house.join(GRACE, "agent").await;
    let (disabled, grace) =
        held_up(&house.world, FUNCTION, house.set(&id, "disabled"), house.world.log_in(GRACE, PASSWORD)).await;
    disabled.expect(200);
    assert_eq!(house.sessions(&id), 0);
    house.set(&id, "active").await.expect(200);
    house.world.get(&grace, WHOAMI).await.problem(401, "unauthenticated");
    let grace = house.world.log_in(GRACE, PASSWORD).await;
    house.world.get(&grace, WHOAMI).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn r09_no_number_of_sign_ins_keeps_a_member_from_being_sent_away() {
    const TRIES: u64 = 4;
    let house = House::open().await;
    let id = house.join(GRACE, "agent").await;
    let faults = house.world.stack.gateway.faults();
    for _ in 0..TRIES {
        let wait = Fault::Delay(SignedDuration::from_secs(1));
        faults.add(Rule::new(wait).on("dynamodb", "TransactWriteItems").from(FUNCTION).nth(1));
    }
    let intruder = async {
        for nth in 1..=TRIES {
            house.world.until("the next try", async || (faults.fired() == nth).then_some(())).await;
            house.world.log_in(GRACE, PASSWORD).await;
            house.world.advance(SignedDuration::from_secs(1));
        }
    };
    let path = house.path(&format!("members/{id}"));
    let (removed, ()) = tokio::join!(house.world.delete(&house.ada, &path), intruder);
    removed.expect(204);
    assert_eq!(house.sessions(&id), 0);
}
