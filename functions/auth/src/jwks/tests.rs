//! What is shown of the keys, and how often they are read.

use http::Method;
use http::StatusCode;
use serde_json::json;

use super::*;
use crate::{
    JWKS,
    stand_in::{StandIn, call, json_of},
};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn key(kid: &str, not_before: i64, retire_at: Option<i64>) -> PublicKey {
    PublicKey {
        kid: kid.into(),
        x: "AAAA".into(),
        not_before: at(not_before),
        retire_at: retire_at.map(at),
        created_at: at(0),
    }
}

#[test]
fn a_key_is_shown_from_its_publication_until_its_last_token_has_died() {
    let keys = [key("old", 0, Some(100)), key("current", 50, None), key("next", 500, None)];
    let kids = |now| Answer::of(&keys, at(now)).keys.into_iter().map(|key| key.kid).collect::<Vec<_>>();
    assert_eq!(kids(99), ["old", "current", "next"]);
    assert_eq!(kids(100), ["current", "next"]);
}

#[tokio::test]
async fn the_answer_is_a_jwk_set_that_may_be_kept_and_is_read_once_a_minute() {
    let aws = StandIn::new(|_, _| {
        json!({"Count": 1, "Items": [{
            "pk": {"S": "PLATFORM#SIGNING"}, "sk": {"S": "KID#k1"}, "kid": {"S": "k1"}, "x": {"S": "AAAA"},
            "not_before": {"S": "1970-01-01T00:00:00Z"}, "created_at": {"S": "1970-01-01T00:00:00Z"},
        }]})
    });
    let mut service = aws.start(&JWKS).await;
    for _ in 0..3 {
        let answer = call(&mut service, Method::GET, "/.well-known/jwks.json", json!({}), None).await;
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.headers()["cache-control"], "public, max-age=300");
        assert_eq!(answer.headers().get_all("cache-control").iter().count(), 1);
        let jwk = json!({"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": "k1", "x": "AAAA"});
        assert_eq!(json_of(&answer), json!({"keys": [jwk]}));
    }
    assert_eq!(aws.actions(), ["Query"]);
}

#[tokio::test]
async fn that_there_are_no_keys_yet_is_not_kept() {
    let aws = StandIn::new(|_, _| json!({"Count": 0, "Items": []}));
    let mut service = aws.start(&JWKS).await;
    for _ in 0..2 {
        let answer = call(&mut service, Method::GET, "/.well-known/jwks.json", json!({}), None).await;
        assert_eq!(answer.headers()["cache-control"], "no-cache");
        assert_eq!(json_of(&answer), json!({"keys": []}));
    }
    assert_eq!(aws.actions(), ["Query", "Query"]);
}
