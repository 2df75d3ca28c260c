//! Our tokens are accepted, and nothing that only looks like one (RFC 8725, RFC 9068).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{MfaToken, ResetToken, StatusToken, Subdomain};
use ed25519_dalek::{Signer as _, SigningKey, pkcs8::DecodePrivateKey};
use hmac::{Hmac, KeyInit, Mac};
use jiff::SignedDuration;
use jsonwebtoken::Algorithm as Alg;
use lambda::access_token::{Refused, Verifier};
use secrecy::SecretString;
use serde_json::{Value, json};
use sha2::Sha256;
use testkit::{MockClock, SeededEntropy};

use super::*;
use crate::stand_in::{MADE_UP, StandIn};

const ISSUER: &str = "https://api.example.com";
const AUDIENCE: &str = "innkeeper-test";

fn ring(initial: char) -> KeyRing<SigningKeys> {
    let stored = json!({"initial": format!("{initial}{MADE_UP}")}).to_string();
    KeyRing::parse("signing-keys", &SecretString::from(stored)).unwrap()
}

fn now() -> Timestamp {
    MockClock::new().now()
}

fn claims() -> Claims {
    let entropy = SeededEntropy::new(5);
    Claims {
        iss: ISSUER.into(),
        aud: AUDIENCE.into(),
        sub: IdentityId::new(&entropy),
        tid: Some(TenantId::new(&Subdomain::parse("demo").unwrap(), &entropy)),
        sid: SessionId::new(&entropy),
        role: Role::Owner,
        exp: now().as_second() + LIFETIME.as_secs(),
        iat: now().as_second(),
        nbf: None,
        jti: "0".repeat(32),
        act: None,
    }
}

/// One of our keys is published, and a second that is retired.
struct Bench {
    signer: Signer,
    verifier: Verifier,
    store: Store,
    aws: StandIn,
}

fn bench() -> Bench {
    let (ours, retired) = (ring('V'), ring('W'));
    let items: Vec<Value> = [(&ours, None), (&retired, Some("2026-01-01T00:00:00Z"))]
        .into_iter()
        .map(|(ring, retire_at)| {
            let key = &ring.public_keys()[0];
            let mut item = json!({
                "pk": {"S": "PLATFORM#SIGNING"}, "sk": {"S": format!("KID#{}", key.kid)}, "kid": {"S": key.kid.as_str()}, "x": {"S": key.x},
                "not_before": {"S": "1970-01-01T00:00:00Z"}, "created_at": {"S": "1970-01-01T00:00:00Z"},
            });
            if let Some(at) = retire_at {
                item["retire_at"] = json!({"S": at});
            }
            item
        })
        .collect();
    let aws = StandIn::new(move |_, _| json!({"Items": items}));
    let store = aws.env().store().unwrap();
    Bench { signer: ours.signer(now()).unwrap(), verifier: Verifier::new(ISSUER, AUDIENCE), store, aws }
}

impl Bench {
    async fn verify(&self, token: &str, at: Timestamp) -> Result<Claims, Refused> {
        self.verifier.verify(token, &self.store, at).await
    }

    fn header(&self) -> Value {
        json!({"alg": "EdDSA", "typ": "at+jwt", "kid": self.signer.kid().as_str()})
    }

    /// Anything at all, with a signature of ours that holds.
    fn signed(&self, header: &str, payload: &str) -> String {
        let key = SigningKey::from_pkcs8_der(self.signer.pkcs8()).unwrap();
        let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
        let signature = key.sign(message.as_bytes());
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
    }
}

fn with(mut json: Value, name: &str, value: Value) -> String {
    json[name] = value;
    json.to_string()
}

fn without(mut json: Value, name: &str) -> String {
    json.as_object_mut().unwrap().remove(name);
    json.to_string()
}

fn claims_json() -> Value {
    serde_json::to_value(claims()).unwrap()
}

#[tokio::test]
async fn our_token_is_accepted_and_a_second_time_without_a_call() {
    let bench = bench();
    let token = sign(&claims(), &bench.signer).unwrap();
    assert_eq!(bench.verify(&token, now()).await.unwrap(), claims());
    assert_eq!(bench.aws.actions(), ["Query"]);
    assert_eq!(bench.verify(&token, now()).await.unwrap(), claims());
    assert_eq!(bench.aws.actions(), [""; 0]);
    // The suite below signs by hand: this shows that its form is accepted as such.
    assert!(bench.verify(&bench.signed(&bench.header().to_string(), &claims_json().to_string()), now()).await.is_ok());
}

#[tokio::test]
async fn a_token_dies_at_its_last_second_and_was_not_alive_before_its_first() {
    let bench = bench();
    let token = sign(&claims(), &bench.signer).unwrap();
    let last = now() + LIFETIME;
    assert!(bench.verify(&token, last - SignedDuration::from_secs(1)).await.is_ok());
    assert!(matches!(bench.verify(&token, last).await, Err(Refused::Expired)));
    assert!(matches!(bench.verify(&token, now() - SignedDuration::from_secs(1)).await, Err(Refused::Expired)));
}

#[tokio::test]
async fn every_claim_is_required_and_of_its_type() {
    let bench = bench();
    let header = bench.header().to_string();
    for name in ["iss", "aud", "sub", "sid", "role", "exp", "iat", "jti"] {
        let token = bench.signed(&header, &without(claims_json(), name));
        assert!(bench.verify(&token, now()).await.is_err(), "without {name}");
    }
    let wrong = [
        ("iss", json!("https://evil.example")),
        ("iss", json!([ISSUER])),
        ("aud", json!("innkeeper-production")),
        ("aud", json!([AUDIENCE, "another"])),
        ("aud", json!("")),
        ("sub", json!("usr_1")),
        ("tid", json!("demo")),
        ("role", json!("god")),
        ("exp", json!("never")),
        ("exp", json!(now().as_second())),
        ("exp", json!(now().as_second() - 1)),
        ("exp", json!(-1)),
        ("iat", json!(now().as_second() + 1)),
        ("nbf", json!(now().as_second() + 1)),
        ("nbf", json!("never")),
    ];
    for (name, value) in wrong {
        let token = bench.signed(&header, &with(claims_json(), name, value.clone()));
        assert!(bench.verify(&token, now()).await.is_err(), "{name}: {value}");
    }
}

#[tokio::test]
async fn the_header_is_ours_to_the_letter() {
    let bench = bench();
    let payload = claims_json().to_string();
    let retired = ring('W').signer(now()).unwrap();
    let wrong = [
        with(bench.header(), "alg", json!("none")),
        with(bench.header(), "alg", json!("HS256")),
        with(bench.header(), "alg", json!("ES256")),
        with(bench.header(), "typ", json!("JWT")),
        with(bench.header(), "typ", json!("mfa+jwt")),
        without(bench.header(), "typ"),
        with(bench.header(), "crit", json!(["exp"])),
        with(bench.header(), "kid", json!("unknown")),
        with(bench.header(), "kid", json!(retired.kid().as_str())),
        without(bench.header(), "kid"),
        without(bench.header(), "alg"),
    ];
    for header in wrong {
        assert!(bench.verify(&bench.signed(&header, &payload), now()).await.is_err(), "{header}");
    }
    let token = encode(
        &Header { typ: Some(TYPE.into()), kid: Some(retired.kid().to_string()), ..Header::new(Alg::EdDSA) },
        &claims(),
        &EncodingKey::from_ed_der(retired.pkcs8()),
    );
    assert!(matches!(bench.verify(&token.unwrap(), now()).await, Err(Refused::UnknownKey)), "a retired key");
}

#[tokio::test]
async fn no_other_key_signs_for_ours() {
    let bench = bench();
    let kid = Some(bench.signer.kid().to_string());
    let header = |alg| Header { typ: Some(TYPE.into()), kid: kid.clone(), ..Header::new(alg) };
    let stranger = ring('X').signer(now()).unwrap();
    let forged = encode(&header(Alg::EdDSA), &claims(), &EncodingKey::from_ed_der(stranger.pkcs8())).unwrap();
    assert!(bench.verify(&forged, now()).await.is_err(), "a stranger's key under our kid");
    let x = &ring('V').public_keys()[0].x;
    for public in [x.as_bytes().to_vec(), URL_SAFE_NO_PAD.decode(x).unwrap()] {
        let header = serde_json::to_string(&header(Alg::HS256)).unwrap();
        let message =
            format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims_json().to_string()));
        let mac = Hmac::<Sha256>::new_from_slice(&public).unwrap().chain_update(&message).finalize().into_bytes();
        let forged = format!("{message}.{}", URL_SAFE_NO_PAD.encode(mac));
        assert!(bench.verify(&forged, now()).await.is_err(), "HMAC with the public key");
    }
}

#[tokio::test]
async fn a_token_that_was_touched_is_refused() {
    let bench = bench();
    let token = sign(&claims(), &bench.signer).unwrap();
    let parts: Vec<&str> = token.split('.').collect();
    let [header, payload, signature] = parts[..] else { panic!("three parts") };
    let admin = URL_SAFE_NO_PAD.encode(with(claims_json(), "role", json!("super_admin")));
    let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"at+jwt"}"#);
    let touched = [
        String::new(),
        ".".into(),
        "..".into(),
        format!("{header}.{payload}"),
        format!("{header}.{payload}."),
        format!("{none}.{payload}."),
        format!("{header}.{admin}.{signature}"),
        format!("{token}."),
        format!("{token}=="),
        format!(" {token}"),
        format!("{header}.{payload}.{}", "A".repeat(86)),
        format!("{token}{}", "A".repeat(2_048)),
    ];
    for token in touched {
        assert!(bench.verify(&token, now()).await.is_err(), "{token}");
    }
}

#[tokio::test]
async fn a_claim_said_twice_or_a_token_in_a_token_is_refused() {
    let bench = bench();
    let header = bench.header().to_string();
    let payload = claims_json().to_string();
    let twice = format!("{{\"role\":\"super_admin\",{}", payload.trim_start_matches('{'));
    let later = format!("{},\"exp\":99999999999}}", payload.trim_end_matches('}'));
    let inner = sign(&claims(), &bench.signer).unwrap();
    for payload in [twice, later, format!("\"{inner}\""), inner, "null".into(), "[]".into(), "{}".into()] {
        assert!(bench.verify(&bench.signed(&header, &payload), now()).await.is_err(), "{payload}");
    }
    let repeated = header.replacen('{', "{\"alg\":\"none\",", 1);
    assert!(bench.verify(&bench.signed(&repeated, &payload), now()).await.is_err(), "{repeated}");
}

#[tokio::test]
async fn r11_no_other_token_of_ours_is_an_access_token_and_it_is_none_of_them() {
    let bench = bench();
    let entropy = SeededEntropy::new(6);
    for other in [MfaToken::new(&entropy).expose(), ResetToken::new(&entropy).expose()] {
        assert!(bench.verify(other, now()).await.is_err(), "{other}");
    }
    let token = sign(&claims(), &bench.signer).unwrap();
    assert!(MfaToken::parse(&token).is_err() && StatusToken::parse(&token).is_err());
    assert!(MfaToken::parse(&format!("ink_mfa_{}", &token[..49])).is_err());
    assert_eq!(bench.aws.actions(), [""; 0], "and none costs a read");
}

#[tokio::test]
async fn made_up_kids_cost_one_read_in_ten_seconds() {
    let bench = bench();
    for n in 0..20 {
        let header = with(bench.header(), "kid", json!(format!("k{n}")));
        assert!(bench.verify(&bench.signed(&header, "{}"), now()).await.is_err());
    }
    assert_eq!(bench.aws.actions(), ["Query"]);
}
