//! The credentials of the first platform admin: made at deploy, deleted once somebody else runs the platform.

use std::sync::{Arc, Mutex, PoisonError};

use domain::{Clock, EmailAddress, PasswordAttempt};
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::{SecretError, Secrets, check_strength};

/// How long it may go unnoticed that the credentials are there. That they are gone is noticed at each use.
const MAX_AGE: SignedDuration = SignedDuration::from_mins(5);
/// Between two tries while Secrets Manager is out of reach: nobody else's sign-in waits for it.
const BETWEEN_TRIES: SignedDuration = SignedDuration::from_secs(10);

/// Who may sign in with the bootstrap credentials. Of the password only the digest is kept: with 256 random bits it needs
/// no slow hash.
pub struct BootstrapAdmin {
    email: EmailAddress,
    password: [u8; 32],
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    email: EmailAddress,
    password: SecretString,
}

impl BootstrapAdmin {
    /// Reads `{"email": …, "password": …}`. Fails with [`SecretError::Malformed`] or [`SecretError::Weak`].
    pub fn parse(secret: &str, value: &SecretString) -> Result<Self, SecretError> {
        let malformed = |_| SecretError::Malformed {
            secret: secret.to_owned(),
            reason: "is not an object of an e-mail address and a password",
        };
        let document: Document = serde_json::from_str(value.expose_secret()).map_err(malformed)?;
        check_strength(secret, document.password.expose_secret().as_bytes())?;
        Ok(Self {
            email: document.email,
            password: Sha256::digest(document.password.expose_secret().as_bytes()).into(),
        })
    }

    /// The address in the secret.
    pub fn email(&self) -> &EmailAddress {
        &self.email
    }

    /// Whether these are the credentials. The passwords are compared in constant time.
    pub fn admits(&self, email: &EmailAddress, attempt: &PasswordAttempt) -> bool {
        let digest: [u8; 32] = Sha256::digest(attempt.expose().as_bytes()).into();
        let same: bool = digest.ct_eq(&self.password).into();
        same && *email == self.email
    }
}

/// The secret `bootstrap-admin`, as long as it exists.
pub struct Bootstrap {
    secrets: Secrets,
    id: String,
    clock: Arc<dyn Clock>,
    known: Mutex<Known>,
}

#[derive(Clone, Default)]
struct Known {
    admin: Option<Arc<BootstrapAdmin>>,
    /// Until when that is good enough.
    until: Option<Timestamp>,
}

impl Bootstrap {
    /// Reads nothing yet.
    pub fn new(secrets: Secrets, id: impl Into<String>, clock: Arc<dyn Clock>) -> Self {
        Self { secrets, id: id.into(), clock, known: Mutex::default() }
    }

    /// Whether these are the bootstrap credentials and still exist. What is known may be five minutes old, except where
    /// it would let somebody in: then the secret is read again.
    pub async fn admits(
        &self,
        email: &EmailAddress,
        attempt: &PasswordAttempt,
    ) -> Result<Option<Arc<BootstrapAdmin>>, SecretError> {
        let matches = |admin: &Arc<BootstrapAdmin>| admin.admits(email, attempt);
        match self.recent().await.filter(matches) {
            Some(_) => Ok(self.read().await?.filter(matches)),
            None => Ok(None),
        }
    }

    /// The credentials now, read afresh; none where the secret is gone.
    pub async fn read(&self) -> Result<Option<Arc<BootstrapAdmin>>, SecretError> {
        let read = match self.secrets.read(&self.id).await {
            Ok(value) => Some(Arc::new(BootstrapAdmin::parse(&self.id, &value)?)),
            Err(SecretError::Missing { .. }) => None,
            Err(error) => return Err(error),
        };
        self.know(read.clone(), MAX_AGE);
        Ok(read)
    }

    async fn recent(&self) -> Option<Arc<BootstrapAdmin>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if known.until.is_some_and(|until| self.clock.now() < until) {
            return known.admin;
        }
        match self.read().await {
            Ok(admin) => admin,
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(secret = %self.id, error, "the bootstrap credentials could not be read");
                self.know(known.admin.clone(), BETWEEN_TRIES);
                known.admin
            }
        }
    }

    fn know(&self, admin: Option<Arc<BootstrapAdmin>>, good_for: SignedDuration) {
        let until = self.clock.now().saturating_add(good_for).ok();
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Known { admin, until };
    }
}

#[cfg(test)]
mod tests;
