//! The welcome mail: at most once per claim. What it begins with, a link or a password for one time, the stack's parameter
//! `FirstLogin` says; of either only a digest is stored.
//!
//! SES has no idempotency token, so a mail is claimed in the store before it is sent, together with the token that its
//! link carries. A claim that is there already means that an earlier delivery may have sent it: it is not sent again by
//! itself, and a person can have it sent again. Where SES says that it did not take the mail, the claim is given back.

use std::sync::Arc;

use domain::{ActivationToken, BaseDomain, Entropy, FirstLogin, IdentityId, TemporaryPassword, TenantHost, TenantId};
use jiff::{SignedDuration, Timestamp};
use lambda::{Env, StartError};
use mail::{MailError, Mailer, Message, Welcome, WelcomeExisting, WelcomeTemporary};
use secrecy::SecretString;
use store::{Audit, Effects, Identity, IssuedActivation, IssuedTemporary, Store, StoreError, Tenant};

/// How long an activation link or a temporary password works.
const VALID_HOURS: u32 = 72;

/// Sends welcome mails.
pub(crate) struct Welcomes {
    store: Store,
    mailer: Mailer,
    base: BaseDomain,
    first_login: FirstLogin,
    entropy: Arc<dyn Entropy>,
}

/// What somebody without a password is sent.
enum Key {
    Link(ActivationToken),
    Password(TemporaryPassword),
}

impl Key {
    /// Keeps its digest.
    fn issue<'t>(&self, effects: Effects<'t>, admin: &IdentityId, tenant: &TenantId, now: Timestamp) -> Effects<'t> {
        let expires_at = now.saturating_add(SignedDuration::from_hours(VALID_HOURS.into())).unwrap_or(now);
        match self {
            Self::Link(token) => {
                let (identity_id, tenant_id) = (admin.clone(), Some(tenant.clone()));
                effects.activation(&token.digest(), &IssuedActivation { identity_id, tenant_id, expires_at })
            }
            Self::Password(password) => {
                let (sha256, tenant_id) = (password.digest(), tenant.clone());
                effects.temporary_password(admin, &IssuedTemporary { sha256, tenant_id, expires_at })
            }
        }
    }

    fn revoke<'t>(&self, effects: Effects<'t>, admin: &IdentityId) -> Effects<'t> {
        match self {
            Self::Link(token) => effects.revoke_activation(&token.digest()),
            Self::Password(password) => effects.revoke_temporary_password(admin, &password.digest()),
        }
    }
}

/// Which mail is claimed: its kind and number.
#[derive(Clone, Copy)]
pub(crate) struct Claim(pub &'static str, pub u32);

/// Why no mail went out, or perhaps none.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotSent {
    /// An earlier delivery has the claim.
    #[error("it was sent before, or an earlier try broke off")]
    Claimed,
    /// Nobody to send it to.
    #[error("the tenant's first admin is not there")]
    NoAdmin,
    /// SES.
    #[error(transparent)]
    Mail(#[from] MailError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Welcomes {
    pub(crate) fn from_env(env: &Env) -> Result<Self, StartError> {
        let mailer = Mailer::new(&env.sdk, env.parsed("MAIL_FROM")?, env.required("PUBLIC_URL")?.to_owned());
        let (base, first_login) = (env.parsed("BASE_DOMAIN")?, env.parsed("FIRST_LOGIN")?);
        Ok(Self { store: env.store()?, mailer, base, first_login, entropy: env.entropy.clone() })
    }

    /// Claims and sends. Returns the tenant as it is after the claim.
    pub(crate) async fn send(
        &self,
        tenant: &Tenant,
        claim: Claim,
        now: Timestamp,
        audit: &Audit,
    ) -> Result<Tenant, NotSent> {
        let admin = self.admin(tenant).await?;
        let key = admin.password_phc.is_none().then(|| self.key());
        let mut effects = Effects::of(tenant).mail(claim.0, claim.1, now);
        if let Some(key) = &key {
            effects = key.issue(effects, &admin.identity_id, &tenant.tenant_id, now);
        }
        let tenant = self.store.apply(effects, audit.clone()).await.map_err(|error| match error {
            StoreError::Conflict("mail claim") => NotSent::Claimed,
            other => NotSent::Store(other),
        })?;
        let sent = self
            .mailer
            .send(&admin.email, &self.message(&tenant, key.as_ref()), &[("tenant", tenant.tenant_id.as_str())])
            .await;
        match sent {
            Ok(_) => Ok(tenant),
            Err(error @ MailError::Unknown { .. }) => Err(error.into()),
            Err(error) => {
                // Certainly not sent, so another try may have the claim.
                let mut unsent = Effects::of(&tenant).release_mail(claim.0, claim.1);
                if let Some(key) = &key {
                    unsent = key.revoke(unsent, &admin.identity_id);
                }
                self.store.apply(unsent, audit.clone()).await?;
                Err(error.into())
            }
        }
    }

    async fn admin(&self, tenant: &Tenant) -> Result<Identity, NotSent> {
        let id = self.store.identity_by_email(&tenant.admin_email).await?.ok_or(NotSent::NoAdmin)?;
        self.store.identity(&id).await?.ok_or(NotSent::NoAdmin)
    }

    fn key(&self) -> Key {
        match self.first_login {
            FirstLogin::ActivationLink => Key::Link(ActivationToken::new(&*self.entropy)),
            FirstLogin::TemporaryPassword => Key::Password(TemporaryPassword::new(&*self.entropy)),
        }
    }

    fn message(&self, tenant: &Tenant, key: Option<&Key>) -> Message {
        let host = TenantHost::new(tenant.subdomain.clone(), self.base.clone());
        let (person, company, links) = (tenant.admin_name.clone(), tenant.company_name.clone(), self.mailer.links());
        let (sign_in_link, valid_hours) = (links.sign_in(), VALID_HOURS);
        match key {
            None => Message::WelcomeExisting(WelcomeExisting { person, company, host, sign_in_link }),
            Some(Key::Link(token)) => {
                let activation_link = links.activation(token);
                Message::Welcome(Welcome { person, company, host, activation_link, valid_hours })
            }
            Some(Key::Password(password)) => {
                let temporary_password = SecretString::from(password.expose());
                let message = WelcomeTemporary { person, company, host, temporary_password, sign_in_link, valid_hours };
                Message::WelcomeTemporary(message)
            }
        }
    }
}
