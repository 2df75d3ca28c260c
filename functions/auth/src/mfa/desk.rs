//! Where a second factor is shown: by whoever a sign-in waits for, or in a session.
//!
//! Counted before anything is checked: against the client ([`Rule::PROOF`], shared with the passwords), and a one-time password
//! against the person too ([`Rule::ONE_TIME_PASSWORD`]). A code that is good costs four counts (two for a recovery code, as
//! both are given back), two reads in a session and three at a sign-in, and one transaction; a first one
//! costs a mail more.

use std::sync::Arc;

use domain::{
    Action, Actor, AuditEntry, Entropy, IdentityId, TokenDigest,
    second_factor::{RecoveryCode, TotpCode},
    throttle::Rule,
};
use lambda::{
    Env, FromEnv, StartError,
    http::{Caller, Cx, Json, Member, Pass, Problem, Reply, Throttle, kinds, unauthenticated},
};
use mail::FactorChange;
use store::{Audit, Identity, PasswordHash, SecondFactor, Shown, Store, StoreError, WaitingSignIn};

use super::people::{KeyError, People};
use crate::{
    entrance::Entrance,
    issuer::{IssueError, Issuer},
    login::{self, Answer},
    notices::Notices,
    session_revoke::audit,
};

/// What somebody typed.
pub(super) enum Typed {
    /// The first code of a new authenticator, and what is to be kept of the recovery codes that come with it.
    First(TotpCode, Vec<TokenDigest>),
    /// A code.
    Code(TotpCode),
    /// A recovery code.
    Recovery(RecoveryCode),
}

/// Why the factor was not taken.
#[derive(Debug, thiserror::Error)]
enum Error {
    /// The sign-in does not wait: unknown, over, ended, or its password changed since.
    #[error("no sign-in waits for this token")]
    NotWaiting,
    /// None to show, or none to confirm.
    #[error("there is no second factor for this")]
    NoFactor,
    /// Wrong, too old, or used; at this moment, perhaps.
    #[error("the code does not count")]
    Refused,
    /// Too many wrong codes for this person, from wherever.
    #[error("too many codes were tried")]
    Throttled(Box<Problem>),
    /// May not come in, or the session was not made.
    #[error(transparent)]
    Entrance(#[from] login::Error),
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The authenticator's secret does not open.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The token was not made.
    #[error(transparent)]
    Issue(#[from] IssueError),
}

impl Error {
    /// Whether no code was tried that could have been wrong, or it is we who failed.
    fn is_no_failure(&self) -> bool {
        match self {
            Self::NoFactor | Self::Store(_) | Self::Key(_) | Self::Issue(_) => true,
            Self::Entrance(error) => error.is_no_failure(),
            Self::NotWaiting | Self::Refused | Self::Throttled(_) => false,
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::NotWaiting | Error::Entrance(login::Error::Refused(_)) => unauthenticated().source(error),
            Error::NoFactor => Self::new(&kinds::NO_SECOND_FACTOR),
            Error::Refused => Self::new(&kinds::INVALID_SECOND_FACTOR),
            Error::Throttled(problem) => *problem,
            Error::Entrance(error) => error.into(),
            Error::Store(error) => error.into(),
            Error::Key(error) => error.into(),
            Error::Issue(error) => error.into(),
        }
    }
}

/// The store, the key to authenticators, what makes sessions, and the counts.
pub struct Desk {
    store: Store,
    people: People,
    entrance: Entrance,
    throttle: Throttle,
    notices: Notices,
    entropy: Arc<dyn Entropy>,
}

impl FromEnv for Desk {
    async fn from_env(env: &Env) -> Result<Self, StartError> {
        let entrance = Entrance::new(env, Issuer::of_published_keys(env).await?).await?;
        let (store, people, throttle) = (env.store()?, People::from_env(env).await?, Throttle::from_env(env)?);
        let notices = Notices::from_env(env)?;
        Ok(Self { store, people, entrance, throttle, notices, entropy: env.entropy.clone() })
    }
}

/// Who shows it.
enum Who<'c> {
    Waiting { digest: &'c TokenDigest, sign_in: WaitingSignIn },
    Member(&'c Member),
}

impl Who<'_> {
    fn identity(&self) -> &IdentityId {
        match self {
            Self::Waiting { sign_in, .. } => &sign_in.identity_id,
            Self::Member(member) => &member.identity,
        }
    }
}

impl Desk {
    pub(super) fn entropy(&self) -> &dyn Entropy {
        &*self.entropy
    }

    /// Takes what was typed for what the caller needs it for, and hands out an access token of the session.
    pub(super) async fn show(&self, cx: &Cx, typed: Typed) -> Result<Reply<Json<Answer>>, Problem> {
        let mut pass = self.throttle.count_client(&Rule::PROOF, cx).await?;
        let outcome = self.take(cx, typed).await;
        if outcome.as_ref().err().is_none_or(Error::is_no_failure) {
            self.throttle.give_back(&mut pass).await;
        }
        pass.stamp(outcome.map_err(Problem::from))
    }

    async fn take(&self, cx: &Cx, typed: Typed) -> Result<Reply<Json<Answer>>, Error> {
        let who = self.who(cx).await?;
        let mut count = self.count(&typed, who.identity(), cx).await?;
        let outcome = self.try_it(cx, typed, who).await;
        if let Some(count) = &mut count
            && outcome.as_ref().err().is_none_or(Error::is_no_failure)
        {
            self.throttle.give_back(count).await;
        }
        outcome
    }

    async fn try_it(&self, cx: &Cx, typed: Typed, who: Who<'_>) -> Result<Reply<Json<Answer>>, Error> {
        let (person, factor) = self.store.person_and_factor(who.identity()).await?;
        let first = matches!(typed, Typed::First(..));
        let factor = factor.filter(|factor| factor.confirmed_at.is_none() == first).ok_or(Error::NoFactor)?;
        let shown = self.check(&factor, typed, cx).await?;
        let owner = person.clone().filter(|_| first);
        let reply = match who {
            Who::Waiting { digest, sign_in } => self.come_in(cx, digest, &sign_in, person, (&factor, &shown)).await,
            Who::Member(member) => self.go_on(cx, member, (&factor, &shown)).await,
        }?;
        if let Some(owner) = owner {
            self.notices.factor(&owner, FactorChange::Enrolled, cx.now).await;
        }
        Ok(reply)
    }

    async fn who<'c>(&self, cx: &'c Cx) -> Result<Who<'c>, Error> {
        match &cx.caller {
            Caller::Member(member) => Ok(Who::Member(member)),
            Caller::SigningIn(digest) => {
                let sign_in = self.store.waiting_sign_in(digest, cx.now).await?.ok_or(Error::NotWaiting)?;
                Ok(Who::Waiting { digest, sign_in })
            }
            Caller::Anonymous | Caller::StatusToken(_) | Caller::Service(_) | Caller::Internal => {
                Err(Error::NotWaiting)
            }
        }
    }

    /// Nobody guesses a recovery code; so they are left to the owner, whoever tries codes.
    async fn count(&self, typed: &Typed, identity: &IdentityId, cx: &Cx) -> Result<Option<Pass>, Error> {
        if matches!(typed, Typed::Recovery(_)) {
            return Ok(None);
        }
        let counted = self.throttle.count(&Rule::ONE_TIME_PASSWORD, identity.as_str(), cx.now).await;
        counted.map(Some).map_err(|problem| Error::Throttled(Box::new(problem)))
    }

    /// What the typed text proves. Whether it still counts is decided by the transaction.
    async fn check(&self, factor: &SecondFactor, typed: Typed, cx: &Cx) -> Result<Shown, Error> {
        let step = async |code: &TotpCode| {
            let secret = self.people.open(factor).await?;
            secret.step_of(code, cx.now, factor.last_step).ok_or(Error::Refused)
        };
        Ok(match typed {
            Typed::First(code, recovery) => Shown::First { step: step(&code).await?, recovery },
            Typed::Code(code) => Shown::Code { step: step(&code).await? },
            Typed::Recovery(code) => Shown::Recovery(code.digest()),
        })
    }

    async fn come_in(
        &self,
        cx: &Cx,
        digest: &TokenDigest,
        sign_in: &WaitingSignIn,
        person: Option<Identity>,
        (factor, shown): (&SecondFactor, &Shown),
    ) -> Result<Reply<Json<Answer>>, Error> {
        let password = matched(sign_in, person)?;
        let (identity, tenant) = (sign_in.identity_id.clone(), sign_in.tenant_id.clone());
        let mut opening = self.entrance.admit(cx, sign_in.channel(), identity, tenant).await?;
        opening.session.second_factor_at = Some(cx.now);
        let reply = self.entrance.tokens(&opening).await?;
        let started = opening.started(&cx.request_id);
        let audit = Audit::from(started.clone()).and(AuditEntry {
            actor: Actor::Identity(sign_in.identity_id.clone()),
            action: action(shown),
            ..started
        });
        let session = &opening.session;
        let (password, proof) = (password.as_ref(), (factor, shown));
        if !self.store.start_session_with_factor(digest, session, password, proof, &audit).await? {
            return Err(Error::Refused);
        }
        if sign_in.first_on_platform {
            self.entrance.record_first(&opening, &cx.request_id).await?;
        }
        Ok(reply)
    }

    async fn go_on(
        &self,
        cx: &Cx,
        member: &Member,
        proof: (&SecondFactor, &Shown),
    ) -> Result<Reply<Json<Answer>>, Error> {
        let reply = self.entrance.again(member, cx.now).await?;
        let audit = audit(member, action(proof.1), cx);
        let noted = self.store.show_second_factor(&member.session, proof, cx.now, &audit.into()).await?;
        if noted { Ok(reply) } else { Err(Error::Refused) }
    }
}

/// The password hash that the sign-in matched, if it is still the person's; none for the bootstrap credentials.
fn matched(sign_in: &WaitingSignIn, person: Option<Identity>) -> Result<Option<PasswordHash>, Error> {
    let Some(digest) = &sign_in.password else { return Ok(None) };
    let password = person.and_then(|person| person.password_phc).filter(|phc| phc.digest() == *digest);
    password.map(Some).ok_or(Error::NotWaiting)
}

fn action(shown: &Shown) -> Action {
    match shown {
        Shown::First { .. } => Action::SecondFactorConfirmed,
        Shown::Code { .. } => Action::SecondFactorShown,
        Shown::Recovery(_) => Action::RecoveryCodeUsed,
    }
}
