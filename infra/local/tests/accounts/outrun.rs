//! R14, R17: passwords that are replaced while somebody signs in, and sign-ins that we fail.

use jiff::SignedDuration;
use local::aws::faults::{Fault, Rule};

use crate::{
    passwords::{THIRD_PASSWORD, change, house, mailed, reset},
    world::{OTHER_PASSWORD, PASSWORD, World},
};

const WHOAMI: &str = "/api/v1/auth/whoami";

/// Holds a function's next transaction up until `meanwhile` is done.
pub(crate) async fn held_up<A, B>(
    world: &World,
    function: &str,
    work: impl Future<Output = A>,
    meanwhile: impl Future<Output = B>,
) -> (A, B) {
    let faults = world.stack.gateway.faults();
    let wait = Fault::Delay(SignedDuration::from_secs(1));
    faults.add(Rule::new(wait).on("dynamodb", "TransactWriteItems").from(function).nth(1));
    let meanwhile = async {
        world.until("the transaction", async || (faults.fired() == 1).then_some(())).await;
        let done = meanwhile.await;
        world.advance(SignedDuration::from_secs(1));
        done
    };
    tokio::join!(work, meanwhile)
}

#[tokio::test(flavor = "multi_thread")]
async fn r17_a_sign_in_that_a_reset_outruns_opens_nothing() {
    let (world, email) = house().await;
    world.log_in(&email, PASSWORD).await;
    let (caller, token) = (world.somebody(), mailed(&world, &email).await);
    let login = world.try_log_in(&caller, &email, PASSWORD);
    let (login, _) =
        held_up(&world, "auth-login", login, async { reset(&world, &token, OTHER_PASSWORD).await.expect(200) }).await;
    login.problem(401, "invalid_credentials");
    assert!(world.items("core").iter().all(|item| !item["sk"]["S"].as_str().unwrap().contains("SESSION#")));
}

#[tokio::test(flavor = "multi_thread")]
async fn r17_a_sign_in_that_outruns_a_reset_ends_with_it() {
    let (world, email) = house().await;
    let token = mailed(&world, &email).await;
    let (reset, thief) = held_up(&world, "auth-password-reset", reset(&world, &token, OTHER_PASSWORD), async {
        world.log_in(&email, PASSWORD).await
    })
    .await;
    reset.expect(200);
    world.get(&thief, WHOAMI).await.problem(401, "unauthenticated");
}

#[tokio::test(flavor = "multi_thread")]
async fn r17_no_number_of_sign_ins_keeps_a_reset_from_its_end() {
    let (world, email) = house().await;
    let token = mailed(&world, &email).await;
    let faults = world.stack.gateway.faults();
    for _ in 0..2 {
        let wait = Fault::Delay(SignedDuration::from_secs(1));
        faults.add(Rule::new(wait).on("dynamodb", "TransactWriteItems").from("auth-password-reset").nth(1));
    }
    let thief = async {
        world.until("the first try", async || (faults.fired() == 1).then_some(())).await;
        let session = world.log_in(&email, PASSWORD).await;
        world.advance(SignedDuration::from_secs(1));
        world.until("the second try", async || (faults.fired() == 2).then_some(())).await;
        world.try_log_in(&world.somebody(), &email, PASSWORD).await.problem(401, "invalid_credentials");
        world.advance(SignedDuration::from_secs(1));
        session
    };
    let (reset, session) = tokio::join!(reset(&world, &token, OTHER_PASSWORD), thief);
    reset.expect(200);
    world.get(&session, WHOAMI).await.problem(401, "unauthenticated");
    world.log_in(&email, OTHER_PASSWORD).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r17_a_change_that_comes_to_nothing_closes_the_sign_in_for_a_moment_only() {
    let (world, email) = house().await;
    let token = mailed(&world, &email).await;
    let faults = world.stack.gateway.faults();
    let cancelled = Rule::error(400, "ThrottlingException").on("dynamodb", "TransactWriteItems");
    let (answer, _) = held_up(&world, "auth-password-reset", reset(&world, &token, OTHER_PASSWORD), async {
        faults.add(cancelled.from("auth-password-reset"));
        world.log_in(&email, PASSWORD).await
    })
    .await;
    answer.problem(503, "unavailable");
    world.try_log_in(&world.somebody(), &email, PASSWORD).await.problem(401, "invalid_credentials");
    world.advance(SignedDuration::from_secs(15));
    world.log_in(&email, PASSWORD).await;
    faults.clear();
    reset(&world, &token, OTHER_PASSWORD).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn r14_who_is_refused_by_our_own_fault_has_not_failed() {
    let (world, email) = house().await;
    world.log_in(&email, PASSWORD).await;
    let faults = world.stack.gateway.faults();
    faults.add(Rule::error(400, "ThrottlingException").on("dynamodb", "TransactWriteItems").from("auth-login"));
    for _ in 0..6 {
        world.try_log_in(&world.somebody(), &email, PASSWORD).await.problem(503, "unavailable");
    }
    faults.clear();
    world.log_in(&email, PASSWORD).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r17_of_a_change_and_a_reset_at_once_one_counts() {
    let (world, email) = house().await;
    let here = world.log_in(&email, PASSWORD).await;
    let token = mailed(&world, &email).await;
    let (reset, _) = held_up(&world, "auth-password-reset", reset(&world, &token, THIRD_PASSWORD), async {
        change(&world, &here, PASSWORD, OTHER_PASSWORD).await.expect(204)
    })
    .await;
    reset.problem(422, "invalid_reset");
    world.log_in(&email, OTHER_PASSWORD).await;
}
