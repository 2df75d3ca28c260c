//! Who is let in, and what it costs everybody else.

use std::sync::atomic::{AtomicU8, Ordering::SeqCst};

use testkit::MockClock;

use super::*;
use crate::stand_in::{StandIn, refusal, value};

const PASSWORD: &str = "q3kZ7tYb2RmX9sLw4HcN8dPfG6jTuKyAeQ1oBrCv";

/// There, gone, or an outage.
fn world(clock: &MockClock) -> (Bootstrap, StandIn, Arc<AtomicU8>) {
    let state = Arc::new(AtomicU8::new(0));
    let seen = state.clone();
    let aws = StandIn::new(move |_, _| match seen.load(SeqCst) {
        0 => value(&format!(r#"{{"email":"root@innkeeper.example","password":"{PASSWORD}"}}"#)),
        1 => refusal("ResourceNotFoundException"),
        _ => None,
    });
    (Bootstrap::new(aws.secrets(), "bootstrap-admin", Arc::new(clock.clone())), aws, state)
}

async fn admits(bootstrap: &Bootstrap, address: &str, password: &str) -> Result<bool, SecretError> {
    let (address, password) = (EmailAddress::parse(address).unwrap(), PasswordAttempt::parse(password).unwrap());
    bootstrap.admits(&address, &password).await.map(|admin| admin.is_some())
}

async fn somebody_else(bootstrap: &Bootstrap) -> bool {
    admits(bootstrap, "ada@demo.example", "correct horse battery").await.unwrap()
}

#[tokio::test]
async fn only_address_and_password_together_are_let_in() {
    let clock = MockClock::new();
    let (bootstrap, _, _) = world(&clock);
    assert!(admits(&bootstrap, "Root@Innkeeper.example", PASSWORD).await.unwrap());
    assert!(!admits(&bootstrap, "root@innkeeper.example", &PASSWORD[1..]).await.unwrap());
    assert!(!admits(&bootstrap, "other@innkeeper.example", PASSWORD).await.unwrap());
}

#[tokio::test]
async fn everybody_else_costs_one_read_in_five_minutes() {
    let clock = MockClock::new();
    let (bootstrap, aws, state) = world(&clock);
    for _ in 0..3 {
        assert!(!somebody_else(&bootstrap).await);
    }
    assert_eq!(aws.actions().len(), 1);
    state.store(1, SeqCst);
    clock.advance(SignedDuration::from_mins(6));
    for _ in 0..3 {
        assert!(!somebody_else(&bootstrap).await);
    }
    assert_eq!(aws.actions().len(), 2, "that it is gone is remembered too");
}

#[tokio::test]
async fn removed_credentials_let_nobody_in_from_the_next_call_on() {
    let clock = MockClock::new();
    let (bootstrap, _, state) = world(&clock);
    assert!(admits(&bootstrap, "root@innkeeper.example", PASSWORD).await.unwrap());
    state.store(1, SeqCst);
    assert!(!admits(&bootstrap, "root@innkeeper.example", PASSWORD).await.unwrap());
}

#[tokio::test]
async fn an_outage_stops_the_bootstrap_admin_and_nobody_else() {
    let clock = MockClock::new();
    let (bootstrap, aws, state) = world(&clock);
    assert!(admits(&bootstrap, "root@innkeeper.example", PASSWORD).await.unwrap());
    state.store(2, SeqCst);
    clock.advance(SignedDuration::from_mins(6));
    let before = aws.actions().len();
    for _ in 0..3 {
        assert!(!somebody_else(&bootstrap).await);
    }
    assert_eq!(aws.actions().len(), before + 1);
    let refused = admits(&bootstrap, "root@innkeeper.example", PASSWORD).await;
    assert!(refused.unwrap_err().is_retryable());
}

#[test]
fn a_secret_that_could_be_guessed_or_read_otherwise_is_refused() {
    for text in [
        r#"{"email":"root@innkeeper.example","password":"short"}"#,
        r#"{"email":"root@innkeeper.example","password":""}"#,
        r#"{"email":"root","password":"q3kZ7tYb2RmX9sLw4HcN8dPfG6jTuKyAeQ1oBrCv"}"#,
        r#"{"password":"q3kZ7tYb2RmX9sLw4HcN8dPfG6jTuKyAeQ1oBrCv"}"#,
        "q3kZ7tYb2RmX9sLw4HcN8dPfG6jTuKyAeQ1oBrCv",
    ] {
        assert!(BootstrapAdmin::parse("s", &SecretString::from(text)).is_err(), "{text}");
    }
}
