//! What a sign-in gets whose password was right and whose second factor is missing. One transaction, as a session would be.

use domain::{Action, AuditEntry, Entropy, Facts, MfaToken, refresh::Channel, second_factor::SIGN_IN_WAITS};
use lambda::http::Cx;
use serde::Serialize;
use store::{Store, WaitingSignIn};
use utoipa::ToSchema;

use crate::{
    credentials::Person,
    entrance::Opening,
    login::{Error, Refusal},
};

/// The way on.
#[derive(Serialize, ToSchema)]
#[schema(as = SecondFactorAsked)]
pub struct Asked {
    /// For `Authorization: Bearer …` on the routes below `/api/v1/auth/mfa`. Ends one sign-in, and opens nothing else.
    #[schema(example = "ink_mfa_…")]
    mfa_token: String,
    /// Seconds.
    #[schema(example = 300)]
    expires_in: i64,
    next: Next,
}

/// What to do with the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = SecondFactorNext)]
pub enum Next {
    /// Show a code: `mfa/verify`.
    Verify,
    /// Enrol an authenticator: `mfa/totp`, then `mfa/totp/confirm`, which signs in.
    Enrol,
}

impl Next {
    /// Of who has a second factor, or none and needs one.
    pub(crate) fn of(has: bool, needs: bool) -> Option<Self> {
        match (has, needs) {
            (true, _) => Some(Self::Verify),
            (false, true) => Some(Self::Enrol),
            (false, false) => None,
        }
    }
}

/// Lets the sign-in wait.
pub(crate) async fn ask(
    store: &Store,
    cx: &Cx,
    opening: &Opening,
    person: &Person,
    next: Next,
    entropy: &dyn Entropy,
) -> Result<Asked, Error> {
    let token = MfaToken::new(entropy);
    let renewed = person.proof.as_ref().and_then(|proof| Some((&proof.matched, proof.renewed.as_ref()?)));
    let waiting = WaitingSignIn {
        identity_id: person.identity_id.clone(),
        tenant_id: person.tenant_id.clone(),
        browser: opening.channel == Channel::Cookie,
        password: person.proof.as_ref().map(|proof| proof.renewed.as_ref().unwrap_or(&proof.matched).digest()),
        first_on_platform: person.first_on_platform,
        expires_at: cx.now + SIGN_IN_WAITS,
    };
    let audit = AuditEntry {
        action: Action::SecondFactorAsked,
        after: Facts::new().with("role", &opening.role),
        ..opening.started(&cx.request_id)
    };
    if !store.wait_for_second_factor(&token.digest(), &waiting, renewed, &audit.into()).await? {
        return Err(Refusal::PasswordChanged.into());
    }
    Ok(Asked { mfa_token: token.expose().to_owned(), expires_in: SIGN_IN_WAITS.as_secs(), next })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r09_who_has_a_factor_shows_it_and_who_needs_one_enrols_it() {
        assert_eq!(Next::of(true, false), Some(Next::Verify));
        assert_eq!(Next::of(true, true), Some(Next::Verify));
        assert_eq!(Next::of(false, true), Some(Next::Enrol));
        assert_eq!(Next::of(false, false), None);
    }
}
