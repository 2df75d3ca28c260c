//! Activation and access tokens.

use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header, jwk::JwkSet};
use serde::Deserialize;
use serde_json::json;

use crate::{client::Api, customer::PASSWORD};

#[derive(Debug, Deserialize)]
struct Claims {
    sub: String,
    tid: String,
    role: String,
    exp: i64,
    iat: i64,
}

#[tokio::test]
async fn r11_the_published_keys_verify_an_access_token() {
    let api = Api::new();
    let Some((tenant, token)) = api.owner().await else { return };
    let answer = api.get("/.well-known/jwks.json").send().await;
    let set: JwkSet = serde_json::from_value(answer.expect(200)).unwrap();
    assert!(answer.header("cache-control").contains("max-age"), "{}", answer.header("cache-control"));
    let header = decode_header(&token).unwrap();
    assert_eq!((header.alg, header.typ.as_deref()), (Algorithm::EdDSA, Some("at+jwt")));
    let key = DecodingKey::from_jwk(set.find(&header.kid.unwrap()).unwrap()).unwrap();
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
    validation.set_issuer(&[api.url()]);
    // Which audience is the stage's own business; that there is one is asserted above.
    validation.validate_aud = false;
    let claims = decode::<Claims>(&token, &key, &validation).unwrap().claims;
    assert_eq!((claims.tid, claims.role.as_str()), (tenant.id, "owner"));
    assert_eq!(claims.exp - claims.iat, 15 * 60);
    assert!(claims.sub.starts_with("usr_"));
}

#[tokio::test]
async fn r11_a_token_with_one_character_changed_is_refused() {
    let api = Api::new();
    let Some((_, token)) = api.owner().await else { return };
    api.get("/api/v1/auth/whoami").bearer(&token).send().await.expect(200);
    for at in [3, token.find('.').unwrap() + 8, token.rfind('.').unwrap() + 8] {
        let mut forged = token.clone();
        let other = if &token[at..=at] == "A" { "B" } else { "A" };
        forged.replace_range(at..=at, other);
        api.get("/api/v1/auth/whoami").bearer(&forged).send().await.problem(401, "unauthenticated");
    }
}

#[tokio::test]
async fn r07_an_activation_link_works_once() {
    let api = Api::new();
    let tenant = api.sign_up().await;
    api.ready(&tenant).await;
    api.login(&tenant.email, PASSWORD).await.problem(401, "invalid_credentials");
    let Some(token) = api.activation_token(&tenant.email).await else { return };
    let activate = async |password: &str| {
        api.post("/api/v1/auth/activate", &json!({"token": token, "password": password})).send().await
    };
    // A password that breaks a rule does not use the link up.
    let weak = activate("too short").await.problem(422, "invalid_fields");
    assert_eq!(weak["errors"][0]["pointer"], "/password");
    activate(PASSWORD).await.expect(200);
    activate(PASSWORD).await.problem(422, "invalid_activation");
    activate("another long password here").await.problem(422, "invalid_activation");
    api.login(&tenant.email, PASSWORD).await.expect(200);
    api.login(&tenant.email, "another long password here").await.problem(401, "invalid_credentials");
}
