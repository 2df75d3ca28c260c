//! What a stored hash looks like, what it is compared with, and how many are computed.

use domain::ContextWords;
use testkit::SeededEntropy;

use super::*;

const PASSWORD: &str = "correct horse battery";

fn hasher() -> Hasher {
    Hasher::new(&SeededEntropy::new(1))
}

fn attempt(text: &str) -> PasswordAttempt {
    PasswordAttempt::parse(text).unwrap()
}

async fn stored(hasher: &Hasher) -> PasswordHash {
    let password = Password::parse(PASSWORD, &ContextWords::new()).unwrap();
    hasher.hash(password, &SeededEntropy::new(2)).await.unwrap()
}

#[tokio::test]
async fn the_parameters_stand_in_the_stored_text() {
    let stored = stored(&hasher()).await;
    let fields: Vec<&str> = stored.expose().split('$').collect();
    assert_eq!(fields[..4], ["", "argon2id", "v=19", "m=19456,t=2,p=1"]);
    assert_eq!(fields[4..].iter().map(|field| field.len()).collect::<Vec<_>>(), [22, 43], "16 and 32 bytes in base64");
}

#[tokio::test]
async fn only_the_password_matches_and_each_comparison_is_one_hash() {
    let hasher = hasher();
    let stored = stored(&hasher).await;
    let cases = [
        (Some(stored.clone()), PASSWORD, Verdict::Match),
        (Some(stored.clone()), "correct horse batterz", Verdict::Mismatch),
        (Some(stored), "", Verdict::Mismatch),
        (None, PASSWORD, Verdict::Mismatch),
    ];
    for (stored, typed, verdict) in cases {
        let before = hasher.computed();
        assert_eq!(hasher.verify(stored, attempt(typed)).await.unwrap(), verdict);
        assert_eq!(hasher.computed() - before, 1);
    }
}

#[tokio::test]
async fn an_unknown_account_costs_what_a_known_one_does() {
    let hasher = hasher();
    let known = Hashed::parse(&stored(&hasher).await).unwrap();
    let decoy = &hasher.work.decoy;
    assert!(decoy.cost == known.cost);
    assert_eq!((decoy.salt.len(), decoy.tag.len()), (known.salt.len(), known.tag.len()));
}

#[tokio::test]
async fn a_hash_with_older_parameters_still_opens_and_asks_for_its_upgrade() {
    let hasher = hasher();
    let older = Cost { params: Params::new(1_024, 1, 1, None).unwrap(), ..Cost::today() };
    let tag = hasher.work.tag(&older, PASSWORD, &[7; SALT], TAG).unwrap().to_vec();
    let hashed = Hashed { cost: older, salt: vec![7; SALT], tag };
    let stored = || Some(hashed.to_phc().unwrap());
    assert_eq!(hasher.verify(stored(), attempt(PASSWORD)).await.unwrap(), Verdict::NeedsUpgrade);
    assert_eq!(hasher.verify(stored(), attempt("something else")).await.unwrap(), Verdict::Mismatch);
}

/// Made by the reference implementation: `argon2 somesalt -id -m 16 -t 2 -p 1` on "password" (its `test.c`).
#[tokio::test]
async fn the_reference_implementation_agrees() {
    let made = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
    let verdict = hasher().verify(Some(PasswordHash::new(made)), attempt("password")).await.unwrap();
    assert_eq!(verdict, Verdict::NeedsUpgrade);
}

#[tokio::test]
async fn what_is_no_whole_argon2_hash_is_a_defect_and_not_a_mismatch() {
    let whole = stored(&hasher()).await;
    let cut = whole.expose().rsplit_once('$').unwrap().0.to_owned();
    for text in ["", "plain", "$2b$12$abcdefghijklmnopqrstuv", cut.as_str()] {
        assert!(hasher().verify(Some(PasswordHash::new(text)), attempt(PASSWORD)).await.is_err(), "{text}");
    }
}

#[tokio::test]
async fn no_more_hashes_run_at_a_time_than_there_are_cores() {
    let hasher = hasher();
    let cores = hasher.permits.available_permits();
    let calls: Vec<_> = (0..3 * cores)
        .map(|_| hasher.clone())
        .map(|hasher| tokio::spawn(async move { hasher.verify(None, attempt(PASSWORD)).await }))
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap(), Verdict::Mismatch);
    }
    assert_eq!(hasher.computed(), 3 * cores as u64);
    assert!(memory::pieces(&hasher.work.pool) <= cores);
}

#[tokio::test]
async fn a_caller_that_hangs_up_holds_its_core_until_its_hash_ends() {
    let hasher = hasher();
    let cores = hasher.permits.available_permits();
    tokio::select! {
        biased;
        _ = hasher.verify(None, attempt(PASSWORD)) => panic!("a hash takes longer than one poll"),
        () = tokio::task::yield_now() => {}
    }
    assert_eq!(hasher.permits.available_permits(), cores - 1);
    // Every core again: the one hung up on comes back by itself.
    drop(hasher.permits.acquire_many(u32::try_from(cores).unwrap()).await.unwrap());
    assert_eq!(hasher.computed(), 1);
}
