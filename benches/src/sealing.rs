//! What a seal costs over the cipher alone: AES-256-GCM of the same library, with a nonce that is given.

use std::time::Duration;

use aes_gcm::{
    Aes256Gcm, KeyInit,
    aead::{Aead, Payload},
};
use domain::{SystemEntropy, TenantId, bytes};
use secrets::{DataKey, Sealed};

use crate::{
    Failure, process,
    report::{self, Goal},
    spread::Rounds,
};

/// A token, a certificate with its key, the most that the vault takes.
const SIZES: [usize; 3] = [64, 4_096, 65_536];
/// Bytes of each turn: both sides take turns, so that neither has the quieter machine.
const TURN: usize = 1 << 21;
const TURNS: usize = 8;

/// Seconds of CPU in one round.
#[derive(Default)]
struct Spent {
    seal: Duration,
    bare_seal: Duration,
    open: Duration,
    bare_open: Duration,
}

/// Runs the bench and prints it.
pub(crate) fn run(rounds: usize) -> Result<(), Failure> {
    report::title(&format!("Seal and open against bare AES-256-GCM, CPU time, {rounds} rounds"));
    for size in SIZES {
        let spent = (0..rounds).map(|_| round(size)).collect::<Result<Vec<_>, _>>()?;
        let times = TURNS * (TURN / size);
        let share = |bare: fn(&Spent) -> Duration, ours: fn(&Spent) -> Duration| -> Rounds {
            spent.iter().map(|spent| bare(spent).as_secs_f64() / ours(spent).as_secs_f64()).collect()
        };
        let rate = |ours: fn(&Spent) -> Duration| -> Rounds {
            spent.iter().map(|spent| times as f64 / ours(spent).as_secs_f64() / 1e3).collect()
        };
        report::at_least(&format!("seal {size} bytes, rate over bare"), &share(|s| s.bare_seal, |s| s.seal), Goal(0.8));
        report::at_least(&format!("open {size} bytes, rate over bare"), &share(|s| s.bare_open, |s| s.open), Goal(0.8));
        report::note(&format!("seal {size} bytes"), "thousand/s", &rate(|s| s.seal));
        report::note(&format!("open {size} bytes"), "thousand/s", &rate(|s| s.open));
    }
    Ok(())
}

fn round(size: usize) -> Result<Spent, Failure> {
    let tenant = TenantId::parse("tenant-demo-0123abcd").map_err(|error| error.to_string())?;
    let key = DataKey::generate(&SystemEntropy);
    let cipher = Aes256Gcm::new(&bytes::<32>(&SystemEntropy).into());
    let nonce = bytes::<12>(&SystemEntropy).into();
    let (plain, mut spent) = (vec![7; size], Spent::default());
    let aad = b"as much associated data as a seal has: version, ids, tenant, name";
    for _ in 0..TURNS {
        let times = TURN / size;
        let (sealed, took) = timed(times, || Ok(key.seal(&tenant, "smtp/password", 1, &plain, &SystemEntropy)?))?;
        spent.seal += took;
        spent.open += timed(times, || Ok(key.open(&tenant, "smtp/password", 1, &sealed)?))?.1;
        let bare = || cipher.encrypt(&nonce, Payload { msg: &plain, aad }).map_err(|error| error.to_string().into());
        let (encrypted, took) = timed(times, bare)?;
        spent.bare_seal += took;
        let bare =
            || cipher.decrypt(&nonce, Payload { msg: &encrypted, aad }).map_err(|error| error.to_string().into());
        spent.bare_open += timed(times, bare)?.1;
        let Sealed(longer) = sealed;
        debug_assert!(longer.len() > encrypted.len());
    }
    Ok(spent)
}

/// The last result, and the CPU time of them all.
fn timed<T>(times: usize, mut work: impl FnMut() -> Result<T, Failure>) -> Result<(T, Duration), Failure> {
    let before = process::cpu_of_thread();
    let mut last = work()?;
    for _ in 1..times {
        last = std::hint::black_box(work()?);
    }
    Ok((last, process::cpu_of_thread() - before))
}
