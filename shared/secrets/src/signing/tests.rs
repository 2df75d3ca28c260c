//! Known answers, and the two crates that use the keys.

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use secrecy::SecretString;
use serde_json::{Value, json};

use super::*;

/// RFC 8032, section 7.1, test 1; `x` as in RFC 8037, appendix A.2.
const SEED: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
const PUBLIC: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

fn ring() -> KeyRing<SigningKeys> {
    let ring = json!({ "keys": [{ "id": "rfc8032", "material": SEED, "not_before": Timestamp::UNIX_EPOCH }] });
    KeyRing::parse("s", &SecretString::from(ring.to_string())).unwrap()
}

#[test]
fn the_public_key_is_the_one_of_the_rfc() {
    let [key] = &ring().public_keys()[..] else { panic!("one key") };
    assert_eq!(
        serde_json::to_value(key).unwrap(),
        json!({ "kid": "rfc8032", "x": PUBLIC, "not_before": "1970-01-01T00:00:00Z" })
    );
    assert_eq!(&serde_json::from_value::<PublicKey>(serde_json::to_value(key).unwrap()).unwrap(), key);
}

#[test]
fn what_the_signer_signs_the_public_key_verifies() {
    let signer = ring().signer(Timestamp::UNIX_EPOCH).unwrap();
    let header = Header { kid: Some(signer.kid().to_string()), ..Header::new(Algorithm::EdDSA) };
    let claims = json!({ "sub": "usr_1", "exp": 4_000_000_000_u64 });
    let token = jsonwebtoken::encode(&header, &claims, &EncodingKey::from_ed_der(signer.pkcs8())).unwrap();

    let verify = |x: &str| {
        let key = DecodingKey::from_ed_components(x).unwrap();
        jsonwebtoken::decode::<Value>(&token, &key, &Validation::new(Algorithm::EdDSA))
    };
    assert_eq!(verify(PUBLIC).unwrap().claims, claims);
    assert!(verify(SEED).is_err());
}
