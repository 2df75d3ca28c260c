//! What a session has to have shown beside being alive: a second factor, and a recent proof (RFC 9470).

use domain::second_factor::is_recent;
use http::{HeaderValue, header::WWW_AUTHENTICATE};
use jiff::Timestamp;
use store::Admission;

use super::{
    policy::{Access, StepUp},
    problem::{Problem, kinds},
};

/// Its `max_age` is [`RECENT`](domain::second_factor::RECENT) in seconds.
const CHALLENGE: &str = r#"Bearer error="insufficient_user_authentication", error_description="More recent authentication is required", max_age="600""#;

/// What somebody with a live session has not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lacks {
    /// The second factor that their role asks for.
    factor: bool,
    /// What [`StepUp::Factor`] asks for.
    recent_factor: bool,
    /// What [`StepUp::FactorOrPassword`] asks for.
    recent_proof: bool,
}

impl Lacks {
    /// Of who has no session, and so is asked for none.
    pub(super) const NOTHING: Self = Self { factor: false, recent_factor: false, recent_proof: false };
    const EVERYTHING: Self = Self { factor: true, recent_factor: true, recent_proof: true };

    /// In a session of a role that needs a second factor, or may do without one. Whether the person has one is in the
    /// admission only where the route asks for a recent proof; elsewhere that is not looked at.
    pub(super) fn of(admission: &Admission, needs_factor: bool, now: Timestamp) -> Self {
        let Some(session) = &admission.session else { return Self::EVERYTHING };
        let shown = session.second_factor_at;
        let recent = shown.is_some_and(|at| is_recent(at, now));
        Self {
            factor: needs_factor && shown.is_none(),
            recent_factor: admission.second_factor && !recent,
            recent_proof: !recent && (admission.second_factor || !is_recent(session.created_at, now)),
        }
    }
}

/// What a route asks to have been shown just now.
pub(super) fn asked(access: Access) -> Option<StepUp> {
    match access {
        Access::SteppedUp { by, .. } => Some(by),
        Access::SigningIn { by } => by,
        Access::Anonymous
        | Access::OneTimeToken
        | Access::SignedIn
        | Access::InPerson
        | Access::StatusToken { .. }
        | Access::Permission(..)
        | Access::Internal
        | Access::InternalSigned
        | Access::Signature => None,
    }
}

/// A platform role that has shown no second factor may enrol or show one, and nothing else.
pub(super) fn proven(access: Access, lacks: Lacks) -> Result<(), Problem> {
    if lacks.factor && !matches!(access, Access::SigningIn { .. }) {
        return Err(Problem::new(&kinds::SECOND_FACTOR_REQUIRED));
    }
    let missing = match asked(access) {
        Some(StepUp::Factor) => lacks.recent_factor,
        Some(StepUp::FactorOrPassword) => lacks.recent_proof,
        None => false,
    };
    if missing {
        let challenge = HeaderValue::from_static(CHALLENGE);
        return Err(Problem::new(&kinds::STEP_UP_REQUIRED).header(WWW_AUTHENTICATE, challenge));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use domain::refresh::{Channel, Client, Family, Limits};
    use domain::second_factor::RECENT;
    use jiff::SignedDuration;
    use store::Standing;

    use super::*;
    use crate::http::Scope;

    const BY_FACTOR: Access = Access::SteppedUp { by: StepUp::Factor, permission: None };
    const BY_EITHER: Access = Access::SteppedUp { by: StepUp::FactorOrPassword, permission: None };
    const MINUTE: SignedDuration = SignedDuration::from_mins(1);

    /// A session that began, and in which a factor was shown, so long ago.
    fn admission(began: SignedDuration, shown: Option<SignedDuration>, has_factor: bool) -> (Admission, Timestamp) {
        let now: Timestamp = "2026-03-01T09:00:00Z".parse().unwrap();
        let limits = Limits { idle: SignedDuration::from_hours(24), expires_at: now + SignedDuration::from_hours(24) };
        let session = Standing {
            tenant_id: None,
            expires_at: limits.expires_at,
            created_at: now - began,
            second_factor_at: shown.map(|ago| now - ago),
            impersonator: None,
            family: Family::start(&Client::new(Channel::Body, "curl"), now, limits),
        };
        (Admission { session: Some(session), second_factor: has_factor, ..Admission::default() }, now)
    }

    fn passes(access: Access, (admission, now): &(Admission, Timestamp), needs_factor: bool) -> bool {
        proven(access, Lacks::of(admission, needs_factor, *now)).is_ok()
    }

    #[test]
    fn r11_a_recent_proof_is_the_factor_of_who_has_one_and_else_the_password() {
        let (late, old) = (RECENT + SignedDuration::from_secs(1), RECENT * 100);
        for (began, shown, has_factor, by_factor, by_either) in [
            (MINUTE, None, false, true, true),
            (late, None, false, true, false),
            (MINUTE, None, true, false, false),
            (old, Some(MINUTE), true, true, true),
            (old, Some(RECENT), true, true, true),
            (old, Some(late), true, false, false),
            (MINUTE, Some(late), true, false, false),
        ] {
            let session = admission(began, shown, has_factor);
            let case = format!("began {began}, shown {shown:?}, has a factor: {has_factor}");
            assert_eq!(passes(BY_FACTOR, &session, false), by_factor, "{case}");
            assert_eq!(passes(BY_EITHER, &session, false), by_either, "{case}");
            assert!(passes(Access::SignedIn, &session, false), "{case}");
        }
    }

    #[test]
    fn r09_a_role_that_needs_a_factor_may_without_it_only_enrol_or_show_one() {
        let (without, with) = (admission(MINUTE, None, false), admission(RECENT * 100, Some(RECENT * 100), true));
        for access in
            [Access::SignedIn, BY_FACTOR, BY_EITHER, Access::Permission(domain::Permission::TenantRead, Scope::Tenant)]
        {
            assert!(!passes(access, &without, true), "{access:?}");
        }
        assert!(passes(Access::SigningIn { by: None }, &without, true));
        assert!(passes(Access::SignedIn, &with, true) && passes(Access::SignedIn, &without, false));
    }

    #[test]
    fn r09_without_a_session_everything_is_missing() {
        let nothing = Lacks::of(&Admission::default(), true, Timestamp::UNIX_EPOCH);
        assert_eq!(nothing, Lacks::EVERYTHING);
    }
}
