//! R39, R42: who may have how many webhooks, and where.

use futures::future::join_all;
use serde_json::{Value, json};

use crate::{house::House, world::Answer};

const MOST: usize = 5;
const URL: &str = "https://hooks.example.com/innkeeper";

fn with(status: u16, answers: &[Answer]) -> usize {
    answers.iter().filter(|answer| answer.status == status).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn r39_of_webhooks_made_at_once_no_more_come_than_the_plan_allows() {
    let house = House::open().await;
    house.plan("starter").await.expect(200);
    let problem = house.make(URL).await.problem(409, "plan_limit");
    assert_eq!(problem["detail"], "the plan starter allows 0 webhooks");
    house.plan("professional").await.expect(200);
    let answers = join_all((0..MOST + 3).map(|_| house.make(URL))).await;
    assert_eq!((with(201, &answers), with(409, &answers), house.counted()), (MOST, 3, MOST));
    let refused = house.plan("starter").await.problem(409, "plan_limit");
    assert_eq!(refused["detail"], "the tenant has 5 webhooks");
    let one = house.listed().await[0]["webhook_id"].as_str().unwrap().to_owned();
    let answers = join_all((0..2).map(|_| house.delete(&one))).await;
    assert_eq!((with(204, &answers), with(404, &answers), house.counted()), (1, 1, MOST - 1));
    let answers = join_all((0..3).map(|_| house.make(URL))).await;
    assert_eq!((with(201, &answers), house.counted()), (1, MOST));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_rotations_at_once_each_answer_is_a_secret_of_its_own_version_or_a_conflict() {
    let house = House::open().await;
    let made = house.made(URL).await;
    let answers = join_all((0..4).map(|_| house.rotate(&made.id))).await;
    assert!(answers.iter().all(|answer| [200, 409].contains(&answer.status)));
    let version = house.items(&format!("WEBHOOK#{}", made.id)).into_iter().find(|it| it.get("url").is_some()).unwrap();
    assert_eq!(version["version"]["N"], (1 + with(200, &answers)).to_string());
    // A rotation and the end at the same moment: it ends.
    let (rotated, deleted) = tokio::join!(house.rotate(&made.id), house.delete(&made.id));
    deleted.expect(204);
    assert!([200, 404, 409].contains(&rotated.status));
    assert_eq!((house.counted(), house.items(&made.id).len()), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_is_made_once_for_an_idempotency_key_and_its_secret_told_once() {
    let house = House::open().await;
    let answers = join_all((0..4).map(|_| house.make_once("one-webhook-asked-often", URL))).await;
    assert_eq!((with(201, &answers), house.counted()), (1, 1));
    for repeat in answers.iter().filter(|answer| answer.status != 201) {
        let told = repeat.problem(409, "already_made");
        assert!(told["detail"].as_str().unwrap().contains("whk_") && !told.to_string().contains("whsec_"));
    }
    house.make_once("one-webhook-asked-often", "https://other.example.com/").await.problem(422, "idempotency_mismatch");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_is_at_a_name_outside_behind_tls_and_hears_of_what_there_is() {
    let house = House::with(&[]).await;
    let answer = house.make(URL).await;
    let shown = answer.expect(201);
    assert_eq!(
        answer.header("location"),
        Some(house.path(&format!("/{}", shown["webhook_id"].as_str().unwrap())).as_str())
    );
    assert_eq!((&shown["url"], &shown["events"]), (&json!(URL), &json!(["secret.rotated"])));
    assert_eq!((&shown["last_delivery"], &shown["former_until"]), (&Value::Null, &Value::Null));
    for bad in [
        "http://127.0.0.1:4000/",
        "http://hooks.example.com/",
        "https://127.0.0.1/",
        "https://localhost/",
        "https://[::1]/",
    ] {
        let problem = house.make(bad).await.problem(422, "invalid_fields");
        assert_eq!(problem["errors"][0]["pointer"], "/url", "{bad}");
    }
    for (body, pointer) in [
        (json!({"url": URL}), "/events"),
        (json!({"url": URL, "events": []}), "/events"),
        (json!({"url": URL, "events": ["secret.rotated", "secret.read"]}), "/events/1"),
        (json!({"url": URL, "events": ["secret.rotated"], "secret": "x"}), "/secret"),
    ] {
        let problem = house.world.post(&house.ada, &house.path(""), &body).await.problem(422, "invalid_fields");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{body}");
    }
    assert_eq!(house.counted(), 1);
}
