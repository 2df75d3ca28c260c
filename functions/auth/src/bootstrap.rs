//! The first platform admin: signs in with the secret `bootstrap-admin`, for as long as it exists.
//!
//! Costs other people nothing but one read of the secret in five minutes. A bootstrap sign-in reads the secret afresh and
//! its record once, and both again where they were removed and put back; the first one makes the identity.

use std::sync::Arc;

use domain::{
    Action, Actor, AuditEntry, CorrelationId, EmailAddress, Entropy, Facts, IdentityId, PasswordAttempt, PersonName,
    Role,
};
use jiff::Timestamp;
use lambda::{Env, StartError};
use secrets::{BootstrapAdmin, SecretError, Secrets};
use store::{Bootstrap, Identity, PlatformUser, Store, StoreError};

use crate::login::Error;

const NAME: &str = "Bootstrap admin";
const FUNCTION: &str = "auth-login";

/// Reads the secret, and keeps its record true.
pub(crate) struct BootstrapLogin {
    secret: secrets::Bootstrap,
    store: Store,
    entropy: Arc<dyn Entropy>,
}

/// Why something is written: the request, or the start of the function.
struct Cause<'a> {
    actor: Actor,
    id: &'a CorrelationId,
    at: Timestamp,
}

impl BootstrapLogin {
    /// Warns where the secret exists; refuses to start with one that could be guessed.
    pub(crate) async fn from_env(env: &Env, store: &Store) -> Result<Self, StartError> {
        let id = env.required("BOOTSTRAP_SECRET")?;
        let secret = secrets::Bootstrap::new(Secrets::new(&env.sdk), id, env.clock.clone());
        let login = Self { secret, store: store.clone(), entropy: env.entropy.clone() };
        let request = CorrelationId::new(&*env.entropy);
        let started = Cause { actor: Actor::Function(FUNCTION.into()), id: &request, at: env.clock.now() };
        if login.found::<StartError, _>(&started, || login.secret.read()).await?.is_none() {
            return Ok(login);
        }
        tracing::warn!(
            secret = id,
            "bootstrap credentials are present: invite another super admin, have them sign in, and remove the credentials"
        );
        Ok(login)
    }

    /// Whom the bootstrap credentials stand for; none where these are not they.
    pub(crate) async fn identity(
        &self,
        email: &EmailAddress,
        password: &PasswordAttempt,
        request: &CorrelationId,
        at: Timestamp,
    ) -> Result<Option<IdentityId>, Error> {
        let cause = Cause { actor: Actor::Anonymous, id: request, at };
        let found = self.found::<Error, _>(&cause, || self.secret.admits(email, password)).await?;
        let Some((admin, record)) = found else { return Ok(None) };
        if let Some(id) = record.identity_id {
            return Ok(Some(id));
        }
        let id = IdentityId::new(&*self.entropy);
        match self.begin(&admin, &id, &cause).await {
            Ok(()) => Ok(Some(id)),
            // Somebody else was first at the same moment.
            Err(StoreError::Conflict("bootstrap record")) => Ok(self.record().await?.identity_id),
            Err(error) => Err(error.into()),
        }
    }

    /// The credentials that `look` finds, and their record. Where that tells of a removal, they are looked for again: a removal
    /// is on record only once they are gone, so that those which are there after that were put back.
    async fn found<E, F>(
        &self,
        cause: &Cause<'_>,
        look: impl Fn() -> F,
    ) -> Result<Option<(Arc<BootstrapAdmin>, Bootstrap)>, E>
    where
        E: From<SecretError> + From<StoreError>,
        F: Future<Output = Result<Option<Arc<BootstrapAdmin>>, SecretError>>,
    {
        let Some(admin) = look().await? else { return Ok(None) };
        let record = self.record().await?;
        if record.removed_at.is_none() {
            return Ok(Some((admin, record)));
        }
        let Some(admin) = look().await? else { return Ok(None) };
        Ok(Some((admin, self.reopen(cause).await?)))
    }

    async fn record(&self) -> Result<Bootstrap, StoreError> {
        Ok(self.store.bootstrap().await?.unwrap_or_default())
    }

    async fn reopen(&self, cause: &Cause<'_>) -> Result<Bootstrap, StoreError> {
        tracing::warn!("bootstrap credentials that were removed are back");
        match self.store.reopen_bootstrap(&cause.entry(Action::BootstrapReturned, Facts::new()).into()).await {
            Ok(()) | Err(StoreError::Conflict(_)) => self.record().await,
            Err(error) => Err(error),
        }
    }

    async fn begin(&self, admin: &BootstrapAdmin, id: &IdentityId, cause: &Cause<'_>) -> Result<(), StoreError> {
        let name = PersonName::parse(NAME).map_err(|_| StoreError::NotFound("bootstrap admin's name"))?;
        let person = Identity {
            identity_id: id.clone(),
            email: admin.email().clone(),
            name,
            password_phc: None,
            email_verified: false,
            memberships: 0,
            made_by: Some("bootstrap".into()),
            created_at: cause.at,
        };
        let user = PlatformUser {
            identity_id: id.clone(),
            role: Role::SuperAdmin,
            bootstrap: true,
            created_at: cause.at,
            signed_in_at: Some(cause.at),
        };
        let made = Facts::new().with("identity_id", id).with("role", &user.role);
        self.store.begin_bootstrap(&person, &user, &cause.entry(Action::BootstrapBegun, made).into()).await
    }
}

impl Cause<'_> {
    fn entry(&self, action: Action, after: Facts) -> AuditEntry {
        AuditEntry {
            actor: self.actor.clone(),
            action,
            tenant: None,
            correlation_id: self.id.clone(),
            before: Facts::new(),
            after,
            at: self.at,
        }
    }
}
