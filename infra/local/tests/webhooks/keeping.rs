//! How the signing secrets are kept: sealed, moved by the re-seal, and gone with their webhook.

use jiff::SignedDuration;
use serde_json::json;

use crate::{hook::Hook, house::House};

const DATA: &str = "innkeeper/local/data-keys";

#[tokio::test(flavor = "multi_thread")]
async fn r21_a_signing_secret_is_shown_once_and_gone_with_its_webhook() {
    let house = House::open().await;
    let made = house.made("https://hooks.example.com/path?token=theirs").await;
    let rotated = house.rotate(&made.id).await.expect(200);
    let listed = house.world.get(&house.ada, &house.path("")).await.expect(200).to_string();
    let audit = house.world.items("audit").iter().map(ToString::to_string).collect::<String>();
    let core = house.world.items("core").iter().map(ToString::to_string).collect::<String>();
    for secret in [made.secret.as_str(), rotated["signing_secret"].as_str().unwrap()] {
        let bare = secret.strip_prefix("whsec_").unwrap();
        assert!(!listed.contains(bare) && !audit.contains(bare) && !core.contains(bare));
    }
    assert!(audit.contains("hooks.example.com") && !audit.contains("theirs"), "of the address the host alone");
    house.delete(&made.id).await.expect(204);
    house.delete(&made.id).await.problem(404, "not_found");
    house.rotate(&made.id).await.problem(404, "not_found");
    assert!(house.items(&made.id).is_empty());
    let audited =
        |action: &str| house.world.items("audit").iter().filter(|entry| entry["action"]["S"] == action).count();
    assert_eq!(["webhook.created", "webhook.rotated", "webhook.deleted"].map(audited), [1, 1, 1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn r21_a_re_seal_moves_the_secrets_of_webhooks_too() {
    let house = House::open().await;
    let hook = Hook::open().await;
    let made = house.made(&hook.url).await;
    let rotated = house.rotate(&made.id).await.expect(200)["signing_secret"].as_str().unwrap().to_owned();
    let before = house.items("VAULT-VALUE#~WEBHOOK#");
    house.world.stack.secrets.rotate(DATA).await.unwrap();
    house.world.advance(SignedDuration::from_mins(91));
    house.world.stack.invoke("reseal-watch", json!({})).await.unwrap();
    let done = async || {
        let state = house.world.items("core").into_iter().find(|item| item["sk"]["S"] == "STATE")?;
        (state["state"]["S"] == "done").then_some(())
    };
    house.world.until("the end of the re-seal", done).await;
    let after = house.items("VAULT-VALUE#~WEBHOOK#");
    assert!(before.iter().zip(&after).all(|(before, after)| before["sealed"] != after["sealed"]));
    assert!(house.items("DATA-KEY")[0].get("previous").is_none());
    house.tell("2").await;
    let message = house.world.until("a message", async || hook.taken().first().cloned()).await;
    assert!(message.is_signed_with(&made.secret) && message.is_signed_with(&rotated));
}
