//! Password hashing with Argon2id (RFC 9106), stored as PHC strings.
//!
//! One hash fills 19 MiB. Fresh pages for it would cost most of the hash again, so the memory is kept, wiped after each
//! use; there is as much of it as there are cores, and no more hashes run at a time.

#[cfg(debug_assertions)]
pub mod cheap;
mod memory;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread::available_parallelism,
};

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{
        self,
        phc::{Output, ParamsString, PasswordHash as Phc, Salt},
    },
};
use domain::{Entropy, Password, PasswordAttempt, bytes};
use store::PasswordHash;
use subtle::ConstantTimeEq;
use tokio::{sync::Semaphore, task::spawn_blocking};
use zeroize::Zeroizing;

use self::memory::Pool;

/// m=19456 KiB, t=2, p=1: of the configurations that OWASP's Password Storage Cheat Sheet holds equal, the one that a
/// function of 256 MB has room for.
const PARAMS: Params = Params::DEFAULT;
const _: () = assert!(PARAMS.m_cost() == 19_456 && PARAMS.t_cost() == 2 && PARAMS.p_cost() == 1);
/// RFC 9106 section 3.1: 16 bytes are enough for every password's salt to be its own.
const SALT: usize = 16;
/// RFC 9106 section 4: 256 bits.
const TAG: usize = 32;

/// What comparing a password with a stored hash says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is the password.
    Match,
    /// It is the password, hashed with other parameters than today's: hash it again while it is at hand.
    NeedsUpgrade,
    /// It is not, or there is no password to compare with.
    Mismatch,
}

impl Verdict {
    /// Whether the person knows the password.
    pub fn is_match(self) -> bool {
        self != Self::Mismatch
    }
}

/// A defect, never the fault of a password.
#[derive(Debug, thiserror::Error)]
pub enum HashError {
    /// The stored text is no Argon2 hash.
    #[error("the stored hash cannot be read")]
    Unreadable(#[from] password_hash::Error),
    /// The stored hash lacks its salt or its tag.
    #[error("the stored hash is not whole")]
    Incomplete,
    /// Argon2 refused its input.
    #[error("the hash could not be computed")]
    Argon2(#[from] argon2::Error),
    /// The process ends, or the computation panicked.
    #[error("the hash was not finished")]
    Unfinished,
}

/// Computes hashes, a core each. Cheap to clone.
#[derive(Clone)]
pub struct Hasher {
    work: Arc<Work>,
    permits: Arc<Semaphore>,
}

struct Work {
    pool: Pool,
    /// What the password of an unknown account is compared with.
    decoy: Hashed,
    computed: AtomicU64,
}

impl Hasher {
    /// Takes no memory yet. The decoy's salt and tag are random: no password matches it, and comparing with it costs what
    /// comparing with any other hash does.
    pub fn new(entropy: &dyn Entropy) -> Self {
        let decoy =
            Hashed { cost: Cost::today(), salt: bytes::<SALT>(entropy).into(), tag: bytes::<TAG>(entropy).into() };
        let cores = available_parallelism().map_or(1, usize::from);
        let work = Work { pool: Pool::default(), decoy, computed: AtomicU64::new(0) };
        Self { work: Arc::new(work), permits: Arc::new(Semaphore::new(cores)) }
    }

    /// The hash to store for a new password.
    ///
    /// # Errors
    /// [`HashError`].
    pub async fn hash(&self, password: Password, entropy: &dyn Entropy) -> Result<PasswordHash, HashError> {
        let salt = bytes::<SALT>(entropy);
        self.run(move |work| work.hash(password.expose(), &salt)).await
    }

    /// Whether it is the password. Without a stored hash the answer is no, after the same work.
    ///
    /// # Errors
    /// [`HashError`].
    pub async fn verify(&self, stored: Option<PasswordHash>, attempt: PasswordAttempt) -> Result<Verdict, HashError> {
        self.run(move |work| work.verify(stored.as_ref(), &attempt)).await
    }

    /// As [`Hasher::verify`]; and where the stored hash has other parameters than today's, the same password under today's.
    ///
    /// # Errors
    /// [`HashError`].
    pub async fn verify_or_renew(
        &self,
        stored: Option<PasswordHash>,
        attempt: PasswordAttempt,
        entropy: &dyn Entropy,
    ) -> Result<(Verdict, Option<PasswordHash>), HashError> {
        let salt = bytes::<SALT>(entropy);
        self.run(move |work| {
            let verdict = work.verify(stored.as_ref(), &attempt)?;
            let renewed = (verdict == Verdict::NeedsUpgrade).then(|| work.hash(attempt.expose(), &salt));
            Ok((verdict, renewed.transpose()?))
        })
        .await
    }

    /// How many hashes were computed: what a test or an alarm counts guesses by.
    pub fn computed(&self) -> u64 {
        self.work.computed.load(Ordering::Relaxed)
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Work) -> Result<T, HashError> + Send + 'static,
    ) -> Result<T, HashError> {
        // The permit goes along: a caller that hangs up does not free its core before the hash does.
        let permit = self.permits.clone().acquire_owned().await.map_err(|_| HashError::Unfinished)?;
        let shared = self.work.clone();
        let done = spawn_blocking(move || {
            let result = work(&shared);
            drop(permit);
            result
        });
        done.await.unwrap_or(Err(HashError::Unfinished))
    }
}

impl Work {
    fn hash(&self, password: &str, salt: &[u8]) -> Result<PasswordHash, HashError> {
        let tag = self.tag(&Cost::today(), password, salt, TAG)?;
        Hashed { cost: Cost::today(), salt: salt.into(), tag: tag.to_vec() }.to_phc()
    }

    fn verify(&self, stored: Option<&PasswordHash>, attempt: &PasswordAttempt) -> Result<Verdict, HashError> {
        let known = stored.map(Hashed::parse).transpose()?;
        let Hashed { cost, salt, tag } = known.as_ref().unwrap_or(&self.decoy);
        let computed = self.tag(cost, attempt.expose(), salt, tag.len())?;
        let same: bool = computed.as_slice().ct_eq(tag).into();
        Ok(match (known.is_some() && same, *cost == Cost::today()) {
            (false, _) => Verdict::Mismatch,
            (true, true) => Verdict::Match,
            (true, false) => Verdict::NeedsUpgrade,
        })
    }

    fn tag(&self, cost: &Cost, password: &str, salt: &[u8], length: usize) -> Result<Zeroizing<Vec<u8>>, HashError> {
        self.computed.fetch_add(1, Ordering::Relaxed);
        #[cfg(debug_assertions)]
        cheap::count();
        let argon2 = Argon2::new(cost.algorithm, cost.version, cost.params.clone());
        let mut memory = self.pool.take(cost.params.block_count());
        let mut tag = Zeroizing::new(vec![0; length]);
        argon2.hash_password_into_with_memory(password.as_bytes(), salt, &mut tag, memory.blocks())?;
        Ok(tag)
    }
}

/// What a PHC string says.
struct Hashed {
    cost: Cost,
    salt: Vec<u8>,
    tag: Vec<u8>,
}

/// What a hash costs to compute.
#[derive(PartialEq)]
struct Cost {
    algorithm: Algorithm,
    version: Version,
    params: Params,
}

impl Cost {
    fn today() -> Self {
        #[cfg(debug_assertions)]
        if let Some(params) = cheap::params() {
            return Self { algorithm: Algorithm::Argon2id, version: Version::V0x13, params };
        }
        Self { algorithm: Algorithm::Argon2id, version: Version::V0x13, params: PARAMS }
    }
}

impl Hashed {
    fn parse(stored: &PasswordHash) -> Result<Self, HashError> {
        let phc = Phc::new(stored.expose()).map_err(password_hash::Error::from)?;
        let (Some(salt), Some(tag)) = (phc.salt, phc.hash) else { return Err(HashError::Incomplete) };
        let algorithm = Algorithm::new(phc.algorithm.as_str())?;
        let version = phc.version.map_or(Ok(Version::V0x13), Version::try_from)?;
        let cost = Cost { algorithm, version, params: Params::try_from(&phc.params)? };
        Ok(Self { cost, salt: salt.to_vec(), tag: tag.as_bytes().to_vec() })
    }

    fn to_phc(&self) -> Result<PasswordHash, HashError> {
        let phc = Phc {
            algorithm: self.cost.algorithm.ident(),
            version: Some(self.cost.version.into()),
            params: ParamsString::try_from(&self.cost.params)?,
            salt: Some(Salt::new(&self.salt).map_err(password_hash::Error::from)?),
            hash: Some(Output::new(&self.tag).map_err(password_hash::Error::from)?),
        };
        Ok(PasswordHash::new(phc.to_string()))
    }
}

#[cfg(test)]
mod tests;
