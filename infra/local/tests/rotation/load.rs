//! A steady load of every class of authenticated route, while every secret is rotated twenty times in a row, half of the
//! rotations with faults: nobody is refused who should pass, and nobody passes who should be refused.
//!
//! Time stands still while requests are under way and moves between them: over the change of the keys, and past the end of the
//! old ones. What the template rotates is rotated, so that a new secret is under this load by being declared.

use std::{cell::Cell, collections::BTreeMap};

use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use local::aws::faults::Rule;
use secrets::SigningKeys;
use serde_json::json;

use crate::{
    flight::forge,
    internal::current,
    world::{SIGNING, Tokens, World},
};

const ROTATIONS: u64 = 20;
/// Minutes from one rotation to the next. A new key begins after 90, while a token of the old one is 7 minutes old.
const TICKS: [i64; 5] = [28, 55, 7, 7, 15];
/// An access token lives a minute longer.
const TOO_OLD: SignedDuration = SignedDuration::from_mins(14);
const VALUE: &str = "/api/v1/vault/under/load";

/// What one customer does over and over.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Class {
    Login,
    Refresh,
    Whoami,
    Sessions,
    VaultRead,
    Internal,
}

const CLASSES: [Class; 6] =
    [Class::Login, Class::Refresh, Class::Whoami, Class::Sessions, Class::VaultRead, Class::Internal];

#[derive(Default)]
struct Count {
    passed: BTreeMap<Class, u32>,
    while_rotating: u32,
    refused: Vec<String>,
    forged: u32,
    forged_accepted: Vec<String>,
}

/// Somebody with a session of their own.
struct Customer {
    class: Class,
    tokens: Tokens,
    issued: Timestamp,
    /// Of operational calls, as it was read since the last rotation: the one that is rotated away is the one in hand.
    secret: String,
    count: Count,
}

impl Customer {
    async fn of(world: &World, class: Class) -> Self {
        let (tokens, secret) = (world.log_in().await, current(world).await);
        Self { class, tokens, issued: world.now(), secret, count: Count::default() }
    }

    /// One request, and before it a refresh where the token would not live long enough.
    async fn once(&mut self, world: &World) {
        if self.class != Class::Refresh && world.now().duration_since(self.issued) > TOO_OLD {
            self.refresh(world).await;
        }
        let token = self.tokens.access.clone();
        let answer = match self.class {
            Class::Login => world.try_log_in().await,
            Class::Refresh => return self.refresh(world).await,
            Class::Whoami => world.get("/api/v1/auth/whoami", &token).await,
            Class::Sessions => world.get("/api/v1/auth/sessions", &token).await,
            Class::VaultRead => world.get(VALUE, &token).await,
            Class::Internal => world.health(Some(&self.secret)).await,
        };
        self.tally(self.class, world, &answer);
    }

    async fn refresh(&mut self, world: &World) {
        let body = json!({"refresh_token": self.tokens.refresh});
        let answer = world.post("/api/v1/auth/refresh", "", &body).await;
        self.tally(Class::Refresh, world, &answer);
        if answer.0 == 200 {
            (self.tokens, self.issued) = (Tokens::of(&answer.1), world.now());
        }
    }

    fn tally(&mut self, class: Class, world: &World, (status, body): &(u16, serde_json::Value)) {
        match status {
            200 => *self.count.passed.entry(class).or_default() += 1,
            _ => self.count.refused.push(format!("{class:?} at {}: {status} {body}", world.now())),
        }
    }

    async fn until(&mut self, world: &World, done: &Cell<bool>) {
        while !done.get() {
            self.once(world).await;
            self.count.while_rotating += 1;
        }
    }
}

/// Somebody with keys that are over, and with tokens that were never issued.
struct Thief {
    stolen: Vec<(String, String)>,
    count: Count,
}

impl Thief {
    /// By the key that signs now: good while that key is.
    async fn steal(&mut self, world: &World, tokens: &Tokens) {
        self.stolen.push(forge(world, tokens).await);
    }

    async fn once(&mut self, world: &World, tokens: &Tokens) {
        let ring = world.ring::<SigningKeys>(SIGNING).await;
        let over = self.stolen.iter().filter(|(kid, _)| ring.find(kid, world.now()).is_none());
        let over: Vec<String> = over.map(|(_, token)| token.clone()).collect();
        for token in over.into_iter().rev().take(2).chain([changed(&tokens.access)]) {
            let (status, _) = world.get("/api/v1/auth/whoami", &token).await;
            self.tally("an access token", status);
        }
        let body = json!({"refresh_token": changed(&tokens.refresh)});
        let (status, _) = world.post("/api/v1/auth/refresh", "", &body).await;
        self.tally("a refresh token", status);
    }

    fn tally(&mut self, what: &str, status: u16) {
        self.count.forged += 1;
        if status != 401 {
            self.count.forged_accepted.push(format!("{what}: {status}"));
        }
    }
}

/// The same token with another tag.
fn changed(token: &str) -> String {
    let (rest, tag) = token.rsplit_once('.').unwrap();
    let first = if tag.starts_with('A') { 'B' } else { 'A' };
    format!("{rest}.{first}{}", &tag[1..])
}

/// The re-seal has ended keys of the same ring meanwhile: nothing is broken, and the rotation is to be made again.
fn overtaken<E: std::fmt::Debug>(ended: &Result<(), E>) -> bool {
    ended.as_ref().is_err_and(|error| format!("{error:?}").contains("rotation_overtaken"))
}

/// Says whether a fault struck. It is then taken up again, as Secrets Manager does an hour later.
async fn rotate(world: &World, secret: &str, function: &str, fault_at: Option<u64>) -> bool {
    let before = world.labelled(secret, "AWSCURRENT").await;
    if let Some(call) = fault_at {
        let fault = Rule::error(400, "AccessDeniedException").from(function).nth(call);
        world.stack.gateway.faults().add(fault);
    }
    let ended = world.stack.secrets.rotate(secret).await;
    let struck = world.stack.gateway.faults().fired() > 0;
    world.stack.gateway.faults().clear();
    // A read that fails is made once more, past the fault.
    assert!(ended.is_ok() || struck || overtaken(&ended), "{secret}: {ended:?}");
    let mut again = ended;
    while struck && again.is_err() || overtaken(&again) {
        again = world.stack.secrets.rotate(secret).await;
        assert!(again.is_ok() || overtaken(&again), "{secret}: {again:?}");
    }
    assert_ne!(world.labelled(secret, "AWSCURRENT").await, before);
    assert_eq!(world.labelled(secret, "AWSPENDING").await, None);
    struck
}

#[tokio::test(flavor = "multi_thread")]
async fn under_load_twenty_rotations_of_everything_refuse_nobody_and_accept_nobody() {
    #[cfg(debug_assertions)]
    auth::password_hash::cheap::choose();
    let (world, tokens) = World::inhabited().await;
    let put = http::Request::put(VALUE).header("content-type", "application/json");
    assert_eq!(world.send(put, &tokens.access, json!({"value": "a value"}).to_string().into()).await.0, 200);
    let mut customers = Vec::new();
    for class in CLASSES {
        // One after the other: more at once than may fail would be refused.
        customers.push(Customer::of(&world, class).await);
    }
    let mut thief = Thief { stolen: Vec::new(), count: Count::default() };
    let rotated: Vec<(String, String)> = {
        let stack = &world.stack.template;
        let name = |arn: &str| stack.secrets.iter().find(|secret| secret.arn == arn).unwrap().name.clone();
        let binary = |arn: &str| stack.functions.iter().find(|function| function.arn == arn).unwrap().binary.clone();
        stack.rotations.iter().map(|it| (name(&it.secret_arn), binary(&it.function_arn))).collect()
    };
    let mut broken_off = 0;
    for rotation in 0..ROTATIONS {
        thief.steal(&world, &customers[1].tokens).await;
        for (secret, function) in &rotated {
            let fault_at = (rotation % 2 == 1).then_some(rotation);
            let done = Cell::new(false);
            let rotating = async {
                broken_off += u32::from(rotate(&world, secret, function, fault_at).await);
                done.set(true);
            };
            futures::join!(rotating, join_all(customers.iter_mut().map(|customer| customer.until(&world, &done))));
        }
        for minutes in TICKS {
            world.advance(SignedDuration::from_mins(minutes));
            join_all(customers.iter_mut().map(|customer| customer.once(&world))).await;
            thief.once(&world, &customers[1].tokens).await;
        }
        for customer in &mut customers {
            customer.secret = current(&world).await;
        }
    }
    let mut passed = BTreeMap::<Class, u32>::new();
    customers.iter().flat_map(|it| &it.count.passed).for_each(|(class, n)| *passed.entry(*class).or_default() += n);
    let refused: Vec<&String> = customers.iter().flat_map(|it| &it.count.refused).collect();
    println!(
        "{ROTATIONS} rotations of {} secrets, {broken_off} of them struck by a fault; requests passed: {passed:?}, of them {} \
         during a rotation; refused: {}; forged: {}, accepted of them: {}",
        rotated.len(),
        customers.iter().map(|it| it.count.while_rotating).sum::<u32>(),
        refused.len(),
        thief.count.forged,
        thief.count.forged_accepted.len()
    );
    assert!(refused.is_empty(), "{refused:#?}");
    assert!(thief.count.forged_accepted.is_empty(), "{:#?}", thief.count.forged_accepted);
    assert!(broken_off > rotated.len() as u32 * 3 && passed.values().all(|n| *n > ROTATIONS as u32 * 5));
    assert!(thief.count.forged > ROTATIONS as u32 * 10);
}
