//! What the door costs: an authenticated read with it and without, and a token never seen before against the one signature
//! check that nobody can do without.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::{Signature, SigningKey, Verifier as _, VerifyingKey, pkcs8::DecodePrivateKey};
use jiff::Timestamp;
use lambda::{Env, access_token::Verifier};
use secrets::{KeyRing, SigningKeys};
use serde_json::{Value, json};
use store::Store;

use crate::{
    Failure,
    functions::{Bench, Effort},
    process, programs,
    report::{self, Goal},
    spread::Rounds,
};

/// Tokens checked in one go. Both sides take turns this often, so that neither has the quieter machine.
const TURN: usize = 100;

/// Runs the bench and prints it.
pub(crate) fn run(effort: Effort) -> Result<(), Failure> {
    programs::build(&["auth", "baselines"], &["auth-whoami", "bare-reads"])?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let bench = runtime.block_on(Bench::open())?;
    report::title(&format!("The door, CPU time, {} rounds", effort.rounds));
    read(&bench, effort)?;
    let (new, raw) = runtime.block_on(tokens(&bench, effort.rounds))?;
    report::line("a token never seen, over one raw Ed25519 check", "x", &new.over(&raw), Goal(1.15));
    report::note("a token never seen", "us", &new);
    Ok(())
}

fn read(bench: &Bench, effort: Effort) -> Result<(), Failure> {
    let endpoint = bench.endpoint(true)?;
    let with = bench.whoami("whoami", "auth-whoami", &endpoint)?;
    let without = bench.whoami("its reads alone", "bare-reads", &endpoint)?;
    let costs = bench.measure(&[with, without], effort)?;
    report::line(
        "whoami, token seen before, over its reads alone",
        "x",
        &costs[0].warm.over(&costs[1].warm),
        Goal(1.05),
    );
    report::note("whoami", "us", &costs[0].warm);
    Ok(())
}

/// Microseconds for each: a token through the door's verifier, and its bare signature.
async fn tokens(bench: &Bench, rounds: usize) -> Result<(Rounds, Rounds), Failure> {
    let endpoint = bench.endpoint(false)?;
    let mut variables = bench.world.variables("auth-whoami");
    variables.insert("AWS_ENDPOINT_URL".to_owned(), endpoint.url);
    let env = Env::of(variables)?;
    let store = env.store()?;
    let verifier = Verifier::new(env.required("TOKEN_ISSUER")?, env.required("TOKEN_AUDIENCE")?);
    verifier.warm(&store).await?;
    let mint = Mint::open(bench).await?;
    let (mut new, mut raw) = (Rounds::default(), Rounds::default());
    for round in 0..rounds {
        let (mut through, mut bare) = (Duration::ZERO, Duration::ZERO);
        for turn in 0..10 {
            let first = (round * 10 + turn) * TURN;
            let minted: Vec<String> = (first..first + TURN).map(|number| mint.token(number)).collect();
            through += all(&verifier, &store, &minted).await?;
            bare += mint.check(&minted)?;
        }
        new.push(through.as_secs_f64() * 1e6 / (10 * TURN) as f64);
        raw.push(bare.as_secs_f64() * 1e6 / (10 * TURN) as f64);
    }
    Ok((new, raw))
}

async fn all(verifier: &Verifier, store: &Store, tokens: &[String]) -> Result<Duration, Failure> {
    let now = now();
    let before = process::cpu_of_thread();
    for token in tokens {
        verifier.verify(token, store, now).await?;
    }
    Ok(process::cpu_of_thread() - before)
}

/// Makes tokens like the one that the owner got, each with its own id, by the stack's own key.
struct Mint {
    header: String,
    claims: Value,
    key: SigningKey,
}

impl Mint {
    async fn open(bench: &Bench) -> Result<Self, Failure> {
        let stack = &bench.world.stack;
        let spec = stack.template.functions.iter().find(|spec| spec.binary == "auth-login").ok_or("no auth-login")?;
        let name = spec.env.get("SIGNING_KEYS_SECRET").ok_or("no SIGNING_KEYS_SECRET")?;
        let value = stack.secrets.run("GetSecretValue", json!({ "SecretId": name })).await?;
        let value = value["SecretString"].as_str().unwrap_or_default();
        let ring: KeyRing<SigningKeys> = KeyRing::parse(name, &value.into())?;
        let key = SigningKey::from_pkcs8_der(ring.signer(now())?.pkcs8())?;
        let mut parts = bench.world.access_token.split('.');
        let header = parts.next().unwrap_or_default().to_owned();
        let claims = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts.next().unwrap_or_default())?)?;
        Ok(Self { header, claims, key })
    }

    fn token(&self, number: usize) -> String {
        use ed25519_dalek::Signer;
        let mut claims = self.claims.clone();
        claims["jti"] = json!(format!("{number:032x}"));
        let message = format!("{}.{}", self.header, URL_SAFE_NO_PAD.encode(claims.to_string()));
        let signature = self.key.sign(message.as_bytes());
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
    }

    /// The signatures alone, by the same library and the same call as the door's.
    fn check(&self, tokens: &[String]) -> Result<Duration, Failure> {
        let key: VerifyingKey = self.key.verifying_key();
        let mut signed = Vec::new();
        for token in tokens {
            let (message, signature) = token.rsplit_once('.').ok_or("not a token")?;
            signed.push((message, Signature::from_slice(&URL_SAFE_NO_PAD.decode(signature)?)?));
        }
        let before = process::cpu_of_thread();
        for (message, signature) in signed {
            key.verify(message.as_bytes(), &signature)?;
        }
        Ok(process::cpu_of_thread() - before)
    }
}

fn now() -> Timestamp {
    use domain::Clock;
    domain::SystemClock.now()
}
