//! The welcome mail: at most once per claim.
//!
//! SES has no idempotency token, so a mail is claimed in the store before it is sent, together with the token that its
//! link carries. A claim that is there already means that an earlier delivery may have sent it: it is not sent again by
//! itself, and a person can have it sent again. Where SES says that it did not take the mail, the claim is given back.

use std::sync::Arc;

use domain::{ActivationToken, BaseDomain, Entropy, TenantHost};
use jiff::{SignedDuration, Timestamp};
use lambda::{Env, StartError};
use mail::{MailError, Mailer, Message, Welcome, WelcomeExisting};
use store::{Audit, Effects, Identity, IssuedActivation, Store, StoreError, Tenant};

/// How long an activation link works.
const VALID_HOURS: u32 = 72;

/// Sends welcome mails.
pub(crate) struct Welcomes {
    store: Store,
    mailer: Mailer,
    base: BaseDomain,
    entropy: Arc<dyn Entropy>,
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
        Ok(Self { store: env.store()?, mailer, base: env.parsed("BASE_DOMAIN")?, entropy: env.entropy.clone() })
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
        let token = ActivationToken::new(&*self.entropy);
        let mut effects = Effects::of(tenant).mail(claim.0, claim.1, now);
        if admin.password_phc.is_none() {
            let expires_at = now.saturating_add(SignedDuration::from_hours(VALID_HOURS.into())).unwrap_or(now);
            let issued = IssuedActivation {
                identity_id: admin.identity_id.clone(),
                tenant_id: Some(tenant.tenant_id.clone()),
                expires_at,
            };
            effects = effects.activation(&token.digest(), &issued);
        }
        let tenant = self.store.apply(effects, audit.clone()).await.map_err(|error| match error {
            StoreError::Conflict("mail claim") => NotSent::Claimed,
            other => NotSent::Store(other),
        })?;
        let sent = self
            .mailer
            .send(&admin.email, &self.message(&tenant, &admin, &token), &[("tenant", tenant.tenant_id.as_str())])
            .await;
        match sent {
            Ok(_) => Ok(tenant),
            Err(error @ MailError::Unknown { .. }) => Err(error.into()),
            Err(error) => {
                // Certainly not sent, so another try may have the claim.
                let unsent = Effects::of(&tenant).release_mail(claim.0, claim.1).revoke_activation(&token.digest());
                self.store.apply(unsent, audit.clone()).await?;
                Err(error.into())
            }
        }
    }

    async fn admin(&self, tenant: &Tenant) -> Result<Identity, NotSent> {
        let id = self.store.identity_by_email(&tenant.admin_email).await?.ok_or(NotSent::NoAdmin)?;
        self.store.identity(&id).await?.ok_or(NotSent::NoAdmin)
    }

    fn message(&self, tenant: &Tenant, admin: &Identity, token: &ActivationToken) -> Message {
        let host = TenantHost::new(tenant.subdomain.clone(), self.base.clone());
        let (person, company, links) = (tenant.admin_name.clone(), tenant.company_name.clone(), self.mailer.links());
        if admin.password_phc.is_some() {
            return Message::WelcomeExisting(WelcomeExisting { person, company, host, sign_in_link: links.sign_in() });
        }
        Message::Welcome(Welcome {
            person,
            company,
            host,
            activation_link: links.activation(token),
            valid_hours: VALID_HOURS,
        })
    }
}
