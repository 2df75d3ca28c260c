//! The public halves of the signing keys. They live here so that a function which only verifies needs no secret.
//!
//! Whoever verifies keeps a copy of them. A number, the generation, says whether the copy is still good: it grows in the
//! transaction that retires a key, and the door reads it with every authenticated request, as a fourth key of its one
//! `BatchGetItem`. That costs one read unit more for each such request, and makes a retirement count from the next one on.
//! It is kept eight times, by session, because one item serves no more than 3 000 strong reads a second.

use std::collections::HashMap;

use domain::{KeyId, SessionId};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    Audit, Store, StoreError,
    item::{Found, item, n, read, s},
    keys::{GENERATION_SHARDS, Key, SIGNING},
    transact::{Ended, Expr, Reason, Write, refusal},
};

/// How long a retired key stays on record.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(90 * 24);

/// An Ed25519 public key as in a JWK (RFC 8037).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicKey {
    /// The key's id.
    pub kid: String,
    /// The key, base64url.
    pub x: String,
    /// From when on it may sign.
    pub not_before: Timestamp,
    /// When the last token signed by it has died; none while it is in use.
    pub retire_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// The published keys, and which generation of them this is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PublishedKeys {
    /// The retired included; a handful.
    pub keys: Vec<PublicKey>,
    /// Grows with each retirement.
    pub generation: u64,
}

#[derive(Deserialize)]
struct Generation {
    generation: u64,
}

impl Store {
    /// Publishes a key. False where the id is taken already, as after a repeated call; the stored key stays as it is.
    pub async fn publish_signing_key(&self, key: &PublicKey, audit: &Audit) -> Result<bool, StoreError> {
        let at = Key::signing(&key.kid);
        let writes = [Write::put("signing key", at.clone(), item("signing key", &at, key)?).when(Expr::absent())];
        match self.transact(&writes, audit, &key.kid).await? {
            Ended::Committed => Ok(true),
            Ended::Cancelled(reasons) if matches!(reasons.first(), Some(Reason::Condition(_))) => Ok(false),
            Ended::Cancelled(reasons) => Err(refusal(&writes, &reasons)),
        }
    }

    /// Retires a published key at that time (to the second), and tells everybody who verifies. False where it is not
    /// published, or is retired no later already: an end is never put off.
    pub async fn retire_signing_key(&self, kid: &KeyId, at: Timestamp, audit: &Audit) -> Result<bool, StoreError> {
        // Without fractions, the text sorts as the time does.
        let at = Timestamp::from_second(at.as_second()).unwrap_or(at);
        let forgotten = at.saturating_add(REMEMBERED).unwrap_or(Timestamp::MAX);
        let still = Expr::new("attribute_exists(pk) AND (attribute_not_exists(retire_at) OR retire_at > :at)")
            .name("#ttl", "ttl")
            .value(":at", s(at.to_string()))
            .value(":ttl", n(forgotten.as_second()));
        let retire =
            Write::update("signing key", Key::signing(kid.as_str()), "SET retire_at = :at, #ttl = :ttl", still);
        let shards = (0..GENERATION_SHARDS).map(Key::signing_generation_shard);
        let tell = shards.chain([Key::signing_generation_master()]).map(|key| {
            let one = Expr::default().name("#generation", "generation").value(":one", n(1));
            Write::update("signing generation", key, "ADD #generation :one", one)
        });
        let writes: Vec<Write> = std::iter::once(retire).chain(tell).collect();
        match self.transact(&writes, audit, &format!("{kid}@{at}")).await? {
            Ended::Committed => Ok(true),
            Ended::Cancelled(reasons) if matches!(reasons.first(), Some(Reason::Condition(_))) => Ok(false),
            Ended::Cancelled(reasons) => Err(refusal(&writes, &reasons)),
        }
    }

    /// All published keys, the retired included (strongly consistent; a handful).
    pub async fn signing_keys(&self) -> Result<Vec<PublicKey>, StoreError> {
        Ok(self.published_keys().await?.keys)
    }

    /// The same with their generation, in one Query.
    pub async fn published_keys(&self) -> Result<PublishedKeys, StoreError> {
        let found = self.partition(SIGNING).await?;
        let (keys, rest): (Vec<Found>, Vec<Found>) = found.into_iter().partition(|item| item.contains_key("kid"));
        Ok(PublishedKeys {
            keys: keys.into_iter().map(|item| read("signing key", item)).collect::<Result<_, _>>()?,
            generation: rest.into_iter().next().map_or(Ok(0), generation)?,
        })
    }
}

fn generation(item: Found) -> Result<u64, StoreError> {
    Ok(read::<Generation>("signing generation", item)?.generation)
}

/// What admission found under that session's copy of the generation; none has been written before the first retirement.
pub(crate) fn generation_of(found: &mut HashMap<String, Found>, key: &Key) -> Result<u64, StoreError> {
    found.remove(&key.sk).map_or(Ok(0), generation)
}

/// Which copy a session reads.
pub(crate) fn generation_key(session: &SessionId) -> Key {
    let shard = session.to_string().bytes().last().unwrap_or_default() % GENERATION_SHARDS;
    Key::signing_generation_shard(shard)
}
