//! How old a value gets, who reads it, and what an outage does.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

use secrecy::ExposeSecret;
use testkit::MockClock;

use super::*;
use crate::stand_in::{StandIn, refusal, value};

/// Counts reads; answers with the count, an outage, or a missing secret.
#[derive(Clone, Default)]
struct Aws {
    reads: Arc<AtomicUsize>,
    down: Arc<AtomicBool>,
    gone: Arc<AtomicBool>,
}

impl Aws {
    fn cached(&self, clock: &MockClock) -> Cached<String> {
        let aws = self.clone();
        let stand_in = StandIn::new(move |_, _| {
            let read = aws.reads.fetch_add(1, SeqCst) + 1;
            match (aws.down.load(SeqCst), aws.gone.load(SeqCst)) {
                (true, _) => None,
                (_, true) => refusal("ResourceNotFoundException"),
                _ => value(&format!("yJ6hQ0sT2vW8xZ4bD1fG3kL5mN7pR9cE{read}")),
            }
        });
        Cached::new(stand_in.secrets(), "s", Arc::new(clock.clone()), parse)
    }

    fn reads(&self) -> usize {
        self.reads.load(SeqCst)
    }
}

fn parse(_: &str, value: &SecretString) -> Result<String, SecretError> {
    Ok(value.expose_secret()[32..].to_owned())
}

fn seconds(seconds: i64) -> SignedDuration {
    SignedDuration::from_secs(seconds)
}

#[tokio::test]
async fn a_value_serves_for_five_minutes() {
    let (aws, clock) = (Aws::default(), MockClock::new());
    let cached = aws.cached(&clock);
    assert_eq!(*cached.get().await.unwrap(), "1");
    clock.advance(seconds(299));
    assert_eq!(*cached.get().await.unwrap(), "1");
    clock.advance(seconds(1));
    assert_eq!(*cached.get().await.unwrap(), "2");
    assert_eq!(aws.reads(), 2);
}

#[tokio::test]
async fn an_unknown_key_reads_again_but_not_on_every_request() {
    let (aws, clock) = (Aws::default(), MockClock::new());
    let cached = aws.cached(&clock);
    cached.get().await.unwrap();
    assert_eq!(*cached.refresh_now().await.unwrap(), "1", "just read");
    clock.advance(seconds(10));
    assert_eq!(*cached.refresh_now().await.unwrap(), "2");
    for _ in 0..100 {
        assert_eq!(*cached.refresh_now().await.unwrap(), "2");
    }
    assert_eq!(aws.reads(), 2);
}

#[tokio::test]
async fn an_outage_leaves_the_last_value_and_is_not_made_worse() {
    let (aws, clock) = (Aws::default(), MockClock::new());
    let cached = aws.cached(&clock);
    cached.get().await.unwrap();
    aws.down.store(true, SeqCst);
    clock.advance(seconds(3600));
    for _ in 0..100 {
        assert_eq!(*cached.get().await.unwrap(), "1");
        assert_eq!(*cached.refresh_now().await.unwrap(), "1");
    }
    assert_eq!(aws.reads(), 2);
    aws.down.store(false, SeqCst);
    clock.advance(seconds(10));
    assert_eq!(*cached.get().await.unwrap(), "3");
}

#[tokio::test]
async fn a_secret_that_is_gone_ends_its_use() {
    let (aws, clock) = (Aws::default(), MockClock::new());
    let cached = aws.cached(&clock);
    cached.get().await.unwrap();
    aws.gone.store(true, SeqCst);
    clock.advance(seconds(300));
    assert!(matches!(cached.get().await, Err(SecretError::Missing { .. })));
    assert!(matches!(cached.get().await, Err(SecretError::Missing { .. })), "the old value is not back");
}

#[tokio::test]
async fn nothing_to_serve_is_an_error() {
    let (aws, clock) = (Aws::default(), MockClock::new());
    aws.down.store(true, SeqCst);
    let cached = aws.cached(&clock);
    assert!(cached.get().await.unwrap_err().is_retryable());
    aws.down.store(false, SeqCst);
    assert_eq!(*cached.get().await.unwrap(), "2", "no waiting where there is no value");
}

#[tokio::test]
async fn many_callers_make_one_read() {
    let (aws, clock) = (Aws::default(), MockClock::new());
    let cached = Arc::new(aws.cached(&clock));
    let everybody = || async {
        let callers: Vec<_> = (0..50)
            .map(|_| {
                let cached = Arc::clone(&cached);
                tokio::spawn(async move { cached.get().await.unwrap() })
            })
            .collect();
        for caller in callers {
            caller.await.unwrap();
        }
    };
    everybody().await;
    assert_eq!(aws.reads(), 1);
    clock.advance(seconds(300));
    everybody().await;
    assert_eq!(aws.reads(), 2);
}

#[tokio::test]
async fn callers_who_miss_a_key_all_get_the_ring_that_is_being_read() {
    let (aws, clock) = (Aws::default(), MockClock::new());
    let cached = Arc::new(aws.cached(&clock));
    cached.get().await.unwrap();
    clock.advance(seconds(10));
    let callers: Vec<_> = (0..50)
        .map(|_| {
            let cached = Arc::clone(&cached);
            tokio::spawn(async move { cached.refresh_now().await.unwrap() })
        })
        .collect();
    for caller in callers {
        assert_eq!(*caller.await.unwrap(), "2");
    }
    assert_eq!(aws.reads(), 2);
}

#[tokio::test]
async fn an_old_value_goes_with_its_last_reader() {
    let (aws, clock) = (Aws::default(), MockClock::new());
    let cached = aws.cached(&clock);
    let old = Arc::downgrade(&cached.get().await.unwrap());
    assert!(old.upgrade().is_some());
    clock.advance(seconds(300));
    cached.get().await.unwrap();
    assert!(old.upgrade().is_none());
}
