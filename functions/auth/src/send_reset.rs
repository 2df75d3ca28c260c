//! The one state of `statemachines/password-reset.asl.json`: a reset token for the owner of an address, if there is one,
//! and the mail with it.
//!
//! Only the token's digest is kept. A token takes the place of an earlier one, so that a try that follows another leaves
//! one link that works. Costs nothing but a read for an unknown address; two reads, one transaction and one mail else.

use std::sync::Arc;

use domain::{Action, Actor, AuditEntry, Clock, CorrelationId, EmailAddress, Entropy, Facts, IdentityId, ResetToken};
use jiff::SignedDuration;
use lambda::{Env, FromEnv, StartError, Task, unavailable};
use mail::{MailError, Mailer, Message, PasswordReset};
use serde::{Deserialize, Serialize};
use store::{Identity, IssuedReset, Store, StoreError};
use workflow::StepError;

/// How long a link works (REQUIREMENTS.md R17).
pub(crate) const VALID_MINUTES: u32 = 60;

/// Who asked, by the address that they typed.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    pub(crate) email: EmailAddress,
    pub(crate) correlation_id: CorrelationId,
}

/// The store, the mails, time and randomness.
pub struct Deps {
    store: Store,
    mailer: Mailer,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl FromEnv for Deps {
    async fn from_env(env: &Env) -> Result<Self, StartError> {
        let mailer = Mailer::new(&env.sdk, env.parsed("MAIL_FROM")?, env.required("PUBLIC_URL")?.to_owned());
        Ok(Self { store: env.store()?, mailer, clock: env.clock.clone(), entropy: env.entropy.clone() })
    }
}

/// The state.
pub struct SendReset;

impl Task for SendReset {
    type Deps = Deps;
    type Input = Asked;
    type Output = ();
    const NAME: &'static str = "SendReset";

    async fn run(deps: &Deps, asked: Asked) -> Result<(), StepError> {
        let Some(person) = deps.owner(&asked.email).await.map_err(unavailable)? else { return Ok(()) };
        let token = deps.issue(&person.identity_id, &asked.correlation_id).await.map_err(unavailable)?;
        let message = Message::PasswordReset(PasswordReset {
            person: person.name,
            reset_link: deps.mailer.links().reset(&token),
            valid_minutes: VALID_MINUTES,
        });
        let sent = deps.mailer.send(&person.email, &message, &[("kind", message.kind())]).await;
        sent.map(drop).map_err(not_sent)
    }
}

impl Deps {
    async fn owner(&self, email: &EmailAddress) -> Result<Option<Identity>, StoreError> {
        match self.store.identity_by_email(email).await? {
            Some(id) => self.store.identity(&id).await,
            None => Ok(None),
        }
    }

    async fn issue(&self, identity: &IdentityId, request: &CorrelationId) -> Result<ResetToken, StoreError> {
        let (token, now) = (ResetToken::new(&*self.entropy), self.clock.now());
        let valid = SignedDuration::from_mins(VALID_MINUTES.into());
        let expires_at = now.saturating_add(valid).unwrap_or(now);
        let issued = IssuedReset { identity_id: identity.clone(), expires_at, spent: None };
        let audit = AuditEntry {
            actor: Actor::Anonymous,
            action: Action::PasswordResetRequested,
            tenant: None,
            correlation_id: request.clone(),
            before: Facts::new(),
            after: Facts::new().with("identity_id", identity).with("expires_at", &expires_at),
            at: now,
        };
        self.store.issue_reset(&token.digest(), &issued, &audit.into()).await?;
        Ok(token)
    }
}

/// A mail that may have gone out is not sent again: its link would be dead by the second one.
fn not_sent(error: MailError) -> StepError {
    match error {
        error @ MailError::Throttled { .. } => StepError::retry("the mail service is busy", error),
        error @ MailError::Refused { .. } => StepError::because("mail_refused", "the mail was refused", error),
        error @ MailError::Unknown { .. } => {
            StepError::because("mail_unknown", "the mail may not have been sent", error)
        }
    }
}
