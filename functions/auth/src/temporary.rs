//! A sign-in with the one-time password of the welcome mail. It buys a token for choosing a password of one's own and
//! nothing else: there is no session and no access token, so there is nothing that any other route could take.
//!
//! Costs what any sign-in costs up to the hash, and then one transaction in which the password is used up.

use domain::{
    Action, Actor, AuditEntry, Entropy, Facts, IdentityId, PasswordAttempt, ResetToken, TenantId, TokenDigest,
};
use jiff::{SignedDuration, Timestamp};
use lambda::http::Cx;
use serde::Serialize;
use store::{IssuedReset, LoginView, Store};
use utoipa::ToSchema;

use crate::login::{Error, Refusal};

/// As long as somebody takes to think of a password; whoever takes longer asks for a link.
const VALID: SignedDuration = SignedDuration::from_mins(15);

/// What a temporary password gets: a token for `POST /api/v1/auth/password/reset`.
#[derive(Serialize, ToSchema)]
#[schema(as = PasswordChangeRequired)]
pub struct MustChange {
    /// Always true.
    password_change_required: bool,
    /// Works once, and only to choose a password.
    #[schema(example = "ink_rst_…")]
    reset_token: String,
    /// Seconds.
    #[schema(example = 900)]
    expires_in: i64,
}

/// The right temporary password was typed.
pub(crate) struct Shown {
    identity: IdentityId,
    tenant: TenantId,
    sha256: TokenDigest,
}

/// Whether it was, for somebody who has no password of their own. Digests are compared in constant time.
pub(crate) fn shown(found: Option<&LoginView>, typed: &PasswordAttempt, now: Timestamp) -> Option<Shown> {
    let typed = typed.digest();
    let view = found.filter(|view| view.identity.password_phc.is_none())?;
    let mailed = view.temporary.as_ref().filter(|mailed| now < mailed.expires_at && mailed.sha256 == typed)?;
    Some(Shown { identity: view.identity.identity_id.clone(), tenant: mailed.tenant_id.clone(), sha256: typed })
}

impl Shown {
    /// Uses it up. Of two sign-ins at once one gets the token.
    pub(crate) async fn exchange(self, store: &Store, cx: &Cx, entropy: &dyn Entropy) -> Result<MustChange, Error> {
        let token = ResetToken::new(entropy);
        let issued = IssuedReset {
            identity_id: self.identity.clone(),
            expires_at: cx.now.saturating_add(VALID).unwrap_or(cx.now),
            spent: Some(self.sha256.clone()),
        };
        let audit = self.used(cx).into();
        if !store.exchange_temporary(&self.sha256, &token.digest(), &issued, &audit).await? {
            return Err(Refusal::NotActivated.into());
        }
        let reset_token = token.expose().to_owned();
        Ok(MustChange { password_change_required: true, reset_token, expires_in: VALID.as_secs() })
    }

    fn used(&self, cx: &Cx) -> AuditEntry {
        AuditEntry {
            actor: Actor::Identity(self.identity.clone()),
            action: Action::TemporaryPasswordUsed,
            tenant: Some(self.tenant.clone()),
            correlation_id: cx.request_id.clone(),
            before: Facts::new(),
            after: Facts::new(),
            at: cx.now,
        }
    }
}
