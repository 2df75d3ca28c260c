//! Many at once, and what the store says afterwards.

use futures::future::join_all;
use serde_json::{Value, json};

use super::House;
use crate::world::{Answer, Caller, PASSWORD, owner};

fn statuses(answers: &[Answer]) -> Vec<u16> {
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    statuses
}

#[tokio::test(flavor = "multi_thread")]
async fn r09_of_two_owners_who_demote_each_other_one_stays() {
    let house = House::open().await;
    let (grace_id, grace) = house.joined("grace@people.example", "owner").await;
    let ada_id = house.member(&owner("lantern")).await["user_id"].as_str().unwrap().to_owned();
    let people = [(&house.ada, &ada_id), (&grace, &grace_id)];
    for round in 0..6 {
        let demote = json!({"role": "manager"});
        let (one, two) = tokio::join!(
            house.change(people[0].0, people[1].1, demote.clone()),
            house.change(people[1].0, people[0].1, demote),
        );
        assert_eq!(house.counted(), (1, 1), "round {round}: {} and {}", one.status, two.status);
        assert!((one.status == 200) != (two.status == 200), "round {round}");
        // Whoever stayed lifts the other up again.
        let (winner, loser) = if one.status == 200 { (people[0], people[1]) } else { (people[1], people[0]) };
        house.change(winner.0, loser.1, json!({"role": "owner"})).await.expect(200);
    }
    assert_eq!(house.counted(), (2, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn r09_of_owners_who_leave_at_once_one_stays() {
    let house = House::open().await;
    house.set_plan("professional");
    let mut owners = vec![house.ada.clone()];
    for name in ["grace", "mary", "anna"] {
        owners.push(house.joined(&format!("{name}@people.example"), "owner").await.1);
    }
    let leave = house.path("membership");
    let answers = join_all(owners.iter().map(|owner| house.world.delete(owner, &leave))).await;
    assert_eq!(statuses(&answers), [204, 204, 204, 409]);
    assert_eq!(house.counted(), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn r09_an_invitation_that_is_accepted_many_times_at_once_makes_one_member() {
    let house = House::open().await;
    house.world.tenant("candle").await;
    let known = owner("candle");
    for (email, role) in [("grace@people.example", "admin"), (known.as_str(), "agent")] {
        house.invite(&house.ada, email, role).await.expect(201);
        let token = house.world.mailed_token(email).await;
        let body = json!({"token": token, "password": PASSWORD, "name": "Grace Hopper"});
        let callers: Vec<Caller> = (0..4).map(|_| house.world.somebody()).collect();
        let calls = callers.iter().map(|caller| house.world.post(caller, "/api/v1/auth/accept-invitation", &body));
        assert_eq!(statuses(&join_all(calls).await), [200, 422, 422, 422], "{email}");
    }
    assert_eq!(house.counted(), (2, 1));
    let created = |entry: &&Value| entry["action"]["S"] == "invitation.accepted";
    assert_eq!(house.world.items("audit").iter().filter(created).count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn r39_of_admins_invited_at_once_no_more_come_than_the_plan_allows() {
    let house = House::open().await;
    let emails: Vec<String> = (0..5).map(|n| format!("admin{n}@people.example")).collect();
    let answers = join_all(emails.iter().map(|email| house.invite(&house.ada, email, "admin"))).await;
    assert_eq!(statuses(&answers), [201, 409, 409, 409, 409]);
    assert_eq!(house.counted(), (2, 1));
    // And of one address invited at once, one invitation.
    let answers = join_all((0..3).map(|_| house.invite(&house.ada, "mary@people.example", "agent"))).await;
    assert_eq!(statuses(&answers), [201, 409, 409]);
}

/// The plan goes down only where the tenant fits, and in the same moment somebody becomes an admin: one of the two.
#[tokio::test(flavor = "multi_thread")]
async fn r39_a_role_goes_up_while_the_plan_goes_down() {
    let house = House::open().await;
    house.set_plan("professional");
    house.join("grace@people.example", "admin").await;
    let mary = house.join("mary@people.example", "manager").await;
    for round in 0..6 {
        let down = async {
            if round % 2 == 0 {
                tokio::task::yield_now().await;
            }
            let (names, values) = (json!({"#plan": "plan"}), json!({":plan": {"S": "starter"}, ":most": {"N": "2"}}));
            house.update("SET #plan = :plan", "admins <= :most", &names, &values)
        };
        let (raised, lowered) = tokio::join!(house.change(&house.ada, &mary, json!({"role": "admin"})), down);
        let counted = house.counted();
        if lowered {
            raised.problem(409, "plan_limit");
            assert_eq!(counted, (2, 1), "round {round}");
            house.set_plan("professional");
        } else {
            raised.expect(200);
            assert_eq!(counted, (3, 1), "round {round}");
            house.change(&house.ada, &mary, json!({"role": "manager"})).await.expect(200);
        }
    }
}

/// Sent away while they send somebody else away: nobody acts with a role that they do not have any more.
#[tokio::test(flavor = "multi_thread")]
async fn r09_who_is_sent_away_changes_nobody_any_more() {
    let house = House::open().await;
    let (grace_id, grace) = house.joined("grace@people.example", "admin").await;
    let mary_id = house.join("mary@people.example", "agent").await;
    let (remove, by) = (house.path(&format!("members/{grace_id}")), &house.ada);
    let (sent_away, change) =
        tokio::join!(house.world.delete(by, &remove), house.change(&grace, &mary_id, json!({"role": "manager"})));
    sent_away.expect(204);
    assert!([200, 401, 403].contains(&change.status), "{}", change.status);
    house.change(&grace, &mary_id, json!({"role": "analyst"})).await.problem(401, "unauthenticated");
    assert_eq!(house.counted(), (1, 1));
}

/// The plan goes down while admins are invited and a member is raised, each through its route: who comes later is refused, and at
/// no moment are there more admins than the plan allows.
#[tokio::test(flavor = "multi_thread")]
async fn r39_admins_come_while_the_plan_goes_down() {
    let house = House::open().await;
    let operator = house.world.bootstrap_admin().await;
    let to = async |plan: &str| house.world.put(&operator, &house.path("plan"), &json!({"plan": plan})).await;
    let mary = house.join("mary@people.example", "manager").await;
    for round in 0..6 {
        to("professional").await.expect(200);
        let emails: Vec<String> = (0..3).map(|n| format!("admin{n}@round{round}.example")).collect();
        let invited = join_all(emails.iter().map(|email| house.invite(&house.ada, email, "admin")));
        let raised = house.change(&house.ada, &mary, json!({"role": "admin"}));
        let down = async {
            // From before the first to after the last.
            for _ in 0..round * 8 {
                tokio::task::yield_now().await;
            }
            to("starter").await
        };
        let (invited, raised, down) = tokio::join!(invited, raised, down);
        let came =
            statuses(&invited).iter().filter(|status| **status == 201).count() + usize::from(raised.status == 200);
        let (admins, owners) = house.counted();
        assert_eq!((admins, owners), (1 + came as u64, 1), "round {round}");
        let plan = house.item("TENANT").unwrap()["plan"]["S"].as_str().unwrap().to_owned();
        let most = domain::Plan::parse(&plan).unwrap().limits().admins;
        assert!(admins <= u64::from(most), "round {round}: {admins} admins in {plan}");
        if down.status == 200 {
            assert_eq!(plan, "starter", "round {round}");
            for late in invited.iter().chain([&raised]).filter(|answer| ![200, 201].contains(&answer.status)) {
                late.problem(409, "plan_limit");
            }
        } else {
            down.problem(409, "plan_limit");
            assert_eq!((plan.as_str(), came), ("professional", 4), "round {round}");
        }
        for invitation in invited.iter().filter(|answer| answer.status == 201) {
            let id = invitation.expect(201)["invitation_id"].as_str().unwrap().to_owned();
            house.world.delete(&house.ada, &house.path(&format!("invitations/{id}"))).await.expect(204);
        }
        if raised.status == 200 {
            house.change(&house.ada, &mary, json!({"role": "manager"})).await.expect(200);
        }
    }
}
