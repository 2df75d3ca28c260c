//! Signatures of webhooks, both ways: Standard Webhooks 1.0 (<https://www.standardwebhooks.com>), HMAC-SHA256 over
//! `id.timestamp.body`.

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use jiff::{SignedDuration, Timestamp};
use sha2::Sha256;

/// How far a timestamp may be from now: a captured message is of no use later.
const TOLERANCE: SignedDuration = SignedDuration::from_mins(5);

/// The three headers.
pub struct Headers<'a> {
    /// `webhook-id`: the same for a message that is sent again, so that its receiver can do it once.
    pub id: &'a str,
    /// `webhook-timestamp`, in seconds since the epoch.
    pub timestamp: &'a str,
    /// `webhook-signature`: one or more `v1,<base64>`, apart by spaces.
    pub signature: &'a str,
}

/// The value of `webhook-signature`.
pub fn sign(secret: &[u8], id: &str, timestamp: Timestamp, body: &[u8]) -> String {
    let mac = mac(secret, id, &timestamp.as_second().to_string(), body);
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

/// Whether one of the signatures is ours, and the message is of now. Compared in constant time.
pub fn verify(secret: &[u8], headers: &Headers<'_>, now: Timestamp, body: &[u8]) -> bool {
    let recent = headers
        .timestamp
        .parse()
        .ok()
        .and_then(|s| Timestamp::from_second(s).ok())
        .is_some_and(|at| now.duration_since(at).abs() <= TOLERANCE);
    recent
        && headers
            .signature
            .split(' ')
            .filter_map(|part| STANDARD.decode(part.strip_prefix("v1,")?).ok())
            .any(|signature| mac(secret, headers.id, headers.timestamp, body).verify_slice(&signature).is_ok())
}

fn mac(secret: &[u8], id: &str, timestamp: &str, body: &[u8]) -> Hmac<Sha256> {
    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("any length");
    for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
        mac.update(part);
    }
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = br#"{"outcome":"succeeded"}"#;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn holds(secret: &str, id: &str, timestamp: &str, signature: &str, now: i64, body: &[u8]) -> bool {
        verify(secret.as_bytes(), &Headers { id, timestamp, signature }, at(now), body)
    }

    #[test]
    fn what_was_signed_holds_for_five_minutes_and_nothing_else_does() {
        let signature = sign(b"s3cret", "msg-1", at(1_000), BODY);
        assert!(holds("s3cret", "msg-1", "1000", &signature, 1_000, BODY));
        assert!(holds("s3cret", "msg-1", "1000", &format!("v1,AAAA {signature}"), 1_300, BODY));
        for (secret, id, timestamp, now, body) in [
            ("another", "msg-1", "1000", 1_000, BODY),
            ("s3cret", "msg-2", "1000", 1_000, BODY),
            ("s3cret", "msg-1", "1001", 1_000, BODY),
            ("s3cret", "msg-1", "1000", 1_301, BODY),
            ("s3cret", "msg-1", "1000", 699, BODY),
            ("s3cret", "msg-1", "1000", 1_000, b"{}".as_slice()),
        ] {
            assert!(!holds(secret, id, timestamp, &signature, now, body));
        }
        assert!(!holds("s3cret", "msg-1", "1000", "v1,", 1_000, BODY));
        assert!(!holds("s3cret", "msg-1", "1000", "", 1_000, BODY));
    }
}
