//! Every ring is rotated twenty times in a row while tokens are in flight, half of the rotations with faults.

use std::collections::{BTreeSet, VecDeque};

use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use local::aws::faults::Rule;
use secrets::{KeyRing, SigningKeys};
use serde_json::{Value, json};

use crate::world::{DATA, REFRESH, SIGNING, Tokens, World, function_of};

const ROTATIONS: u32 = 20;
/// Longer than anybody may keep a JWKS, which is 6 minutes; and a divisor of nothing that happens.
const TICK: SignedDuration = SignedDuration::from_mins(7);
/// From one rotation to the next: the new key has begun, and some time after that its predecessor has ended.
const TICKS: u32 = 16;
const LIFE: SignedDuration = SignedDuration::from_mins(15);

/// What is checked, and how often.
#[derive(Debug, Default)]
struct Count {
    accepted: u32,
    refused: u32,
    forged_accepted: u32,
    forged_refused: u32,
    kids: BTreeSet<String>,
}

struct Flight {
    tokens: Tokens,
    /// With the time of each one's issue.
    access: VecDeque<(Timestamp, String)>,
    /// Made by whoever got hold of a private key: good until its key ends.
    forged: Vec<(String, String)>,
    jwks: BTreeSet<String>,
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_rotations_refuse_nobody_and_accept_nobody() {
    let (world, tokens) = World::inhabited().await;
    let mut count = Count::default();
    let jwks = world.jwks().await;
    let mut flight = Flight { tokens, access: VecDeque::new(), forged: Vec::new(), jwks };
    for rotation in 0..ROTATIONS {
        flight.forged.push(forge(&world, &flight.tokens).await);
        for secret in [SIGNING, REFRESH, DATA] {
            rotate(&world, secret, rotation).await;
        }
        for _ in 0..TICKS {
            flight.tick(&world, &mut count).await;
        }
    }
    println!(
        "{ROTATIONS} rotations of 3 secrets: {} tokens accepted, {} expired ones refused, by {} keys; of forged ones {} \
         accepted while their key was in force, {} refused after",
        count.accepted,
        count.refused,
        count.kids.len(),
        count.forged_accepted,
        count.forged_refused
    );
    assert!(count.kids.len() as u32 >= ROTATIONS, "{count:?}");
    assert!(count.forged_refused > ROTATIONS && count.refused > ROTATIONS);
    assert!(world.keys(DATA).await as u32 == ROTATIONS + 1, "only a re-seal job may end these");
}

/// Every second rotation meets a fault at some call, and is taken up again an hour later.
async fn rotate(world: &World, secret: &str, rotation: u32) {
    let (keys, before) = (world.keys(secret).await, world.labelled(secret, "AWSCURRENT").await);
    let function = function_of(secret);
    let faulty = rotation % 2 == 1;
    if faulty {
        // An error that no client repeats.
        let fault = Rule::error(400, "AccessDeniedException").from(&function).nth(u64::from(rotation));
        world.stack.gateway.faults().add(fault);
    }
    let ended = world.stack.secrets.rotate(secret).await;
    let fired = world.stack.gateway.faults().fired();
    world.stack.gateway.faults().clear();
    // A read that fails is made once more, past the fault.
    assert!(ended.is_ok() || fired > 0, "{ended:?}");
    if ended.is_err() {
        world.stack.secrets.rotate(secret).await.unwrap();
    }
    assert_ne!(world.labelled(secret, "AWSCURRENT").await, before);
    assert_eq!(world.labelled(secret, "AWSPREVIOUS").await, before);
    assert_eq!(world.labelled(secret, "AWSPENDING").await, None);
    assert!(world.keys(secret).await <= keys + 1);
}

/// A token of the same session that would live for months, by the key that signs now.
pub(crate) async fn forge(world: &World, tokens: &Tokens) -> (String, String) {
    let ring: KeyRing<SigningKeys> = world.ring(SIGNING).await;
    let signer = ring.signer(world.now()).unwrap();
    let payload = tokens.access.split('.').nth(1).unwrap();
    let payload = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, payload).unwrap();
    let mut claims: Value = serde_json::from_slice(&payload).unwrap();
    claims["exp"] = json!(world.now().as_second() + 100 * 86_400);
    let header =
        Header { typ: Some("at+jwt".into()), kid: Some(signer.kid().to_string()), ..Header::new(Algorithm::EdDSA) };
    let key = EncodingKey::from_ed_der(signer.pkcs8());
    (signer.kid().to_string(), jsonwebtoken::encode(&header, &claims, &key).unwrap())
}

impl Flight {
    async fn tick(&mut self, world: &World, count: &mut Count) {
        self.tokens = world.refresh(&self.tokens).await;
        let kid = self.tokens.kid();
        assert!(self.jwks.contains(&kid), "{kid} signs, and who read the JWKS {TICK:#} ago does not know it");
        count.kids.insert(kid);
        self.access.push_back((world.now(), self.tokens.access.clone()));
        for (issued, token) in &self.access {
            let alive = world.now() < *issued + LIFE;
            assert_eq!(world.accepts_somewhere(token).await, alive, "issued at {issued}, now {}", world.now());
            if alive { count.accepted += 1 } else { count.refused += 1 }
        }
        self.access.retain(|(issued, _)| world.now() < *issued + LIFE);
        self.check_forged(world, count).await;
        self.jwks = world.jwks().await;
        world.advance(TICK);
    }

    /// By the ring's own word: the key's holder can do nothing from its end on.
    async fn check_forged(&mut self, world: &World, count: &mut Count) {
        let ring: KeyRing<SigningKeys> = world.ring(SIGNING).await;
        let mut over = Vec::new();
        for (kid, token) in &self.forged {
            let in_force = ring.find(kid, world.now()).is_some();
            assert_eq!(world.accepts_somewhere(token).await, in_force, "{kid} at {}", world.now());
            if in_force {
                count.forged_accepted += 1;
            } else {
                count.forged_refused += 1;
                over.push(kid.clone());
            }
        }
        // Once refused, they are looked at a few times more.
        if self.forged.len() > 4 {
            self.forged.retain(|(kid, _)| !over.contains(kid));
        }
    }
}
