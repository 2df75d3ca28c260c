//! `POST /api/v1/auth/refresh`: the protocol of `docs/refresh-protocol.md`.
//!
//! A token that we did not make costs no call. One that we made costs one read (a second one after its session moved to
//! another tenant), and its first use one transaction. A repeat writes nothing.
//!
//! One that we made and that is no good any more is counted against the client ([`Rule::REFRESH`]), after it was looked at:
//! whoever goes on hears 429 in place of 401, and those at the same address whose sessions go on notice nothing.

use domain::{
    Action, Actor, AuditEntry, Facts, Role,
    refresh::{Channel, Client, Family, Verdict},
    throttle::Rule,
};
use http::{HeaderValue, Method, header::WWW_AUTHENTICATE};
use lambda::{
    Env, FromEnv, StartError,
    http::{
        Access, BODY_LIMIT, Callers, Csrf, Cx, Errors, Field, Idempotency, Json, Policy, Problem, Rate, Reply, Route,
        Throttle, Unknown, kinds,
    },
};
use secrets::{RefreshClaim, RefreshRefused, SecretError};
use serde::Deserialize;
use store::{Standing, Store, StoreError};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use crate::{
    issuer::{Grant, IssueError, Issuer},
    login::Answer,
    refresh_tokens::{RefreshTokens, client_of},
};

/// How often a call that others outran looks again. Two tabs need two.
const TRIES: usize = 4;

/// What to send; nothing, where the browser sends the cookie.
#[derive(Deserialize, ToSchema)]
#[schema(as = RefreshRequest)]
pub struct Request {
    /// From the last login or refresh. Works once; its repeat within ten seconds gets the same answer.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "ink_rt_…")]
    refresh_token: Field<String>,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: Unknown,
}

impl Request {
    fn parse(self) -> Result<Option<Zeroizing<String>>, Problem> {
        let mut errors = Errors::of(&self.unknown);
        let token = errors.take("refresh_token", self.refresh_token).map(Zeroizing::new);
        errors.finish(Ok(token))
    }
}

/// Why there are no new tokens.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Field rules.
    #[error("the request is not valid")]
    Invalid(Box<Problem>),
    /// The one answer to every token that is no good.
    #[error("the refresh is refused")]
    Refused(#[from] Refusal),
    /// Everybody with this token came at once.
    #[error("others refresh this session at this moment")]
    Busy,
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The keys could not be read.
    #[error(transparent)]
    Keys(#[from] SecretError),
    /// The token was not made.
    #[error(transparent)]
    Issue(#[from] IssueError),
}

/// For the log alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Neither in the body nor in the cookie.
    #[error("no refresh token was sent")]
    Missing,
    /// We did not make it, or its key is retired.
    #[error(transparent)]
    Forged(#[from] RefreshRefused),
    /// Logged out, revoked, or taken away by TTL.
    #[error("there is no such session")]
    NoSession,
    /// Idle, or too old.
    #[error("the session is over")]
    Over,
    /// The session has just been ended for it.
    #[error("a used token came back: the session is revoked")]
    Reused,
    /// The session stays, for when this changes.
    #[error("the membership is gone or suspended, or the tenant is not ready")]
    NotAdmitted,
}

impl Refusal {
    /// Whether the token was ours, and so cost a read.
    fn is_of_ours(self) -> bool {
        !matches!(self, Self::Missing | Self::Forged(_))
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self::Invalid(Box::new(problem))
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Invalid(problem) => *problem,
            Error::Refused(why) => Self::new(&kinds::INVALID_REFRESH_TOKEN)
                .source(why)
                .header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")),
            Error::Busy => Self::unavailable(error),
            Error::Store(error) => error.into(),
            Error::Keys(error) => error.into(),
            Error::Issue(error) => error.into(),
        }
    }
}

/// The store, what makes both kinds of token, and what counts.
pub struct Deps {
    store: Store,
    tokens: RefreshTokens,
    issuer: Issuer,
    throttle: Throttle,
    sessions: Callers,
}

impl FromEnv for Deps {
    async fn from_env(env: &Env) -> Result<Self, StartError> {
        let (tokens, issuer) = (RefreshTokens::from_env(env).await?, Issuer::of_published_keys(env).await?);
        let (throttle, sessions) = (Throttle::from_env(env)?, Callers::from_env(env)?);
        Ok(Self { store: env.store()?, tokens, issuer, throttle, sessions })
    }
}

/// The route.
pub struct Refresh;

impl Route for Refresh {
    const POLICY: Policy = Policy {
        operation: "auth-refresh",
        summary: "Get a new access token",
        method: Method::POST,
        path: "/api/v1/auth/refresh",
        access: Access::Anonymous,
        rate: Rate::Refresh,
        body_limit: BODY_LIMIT,
        csrf: Csrf::Required,
        idempotency: Idempotency::NotNeeded,
        success: 200,
        problems: &[&kinds::INVALID_REFRESH_TOKEN, &kinds::TOO_MANY_TRIES, &kinds::TOO_MANY_REQUESTS],
    };
    type Deps = Deps;
    type Body = Option<Json<Request>>;
    type Answer = Json<Answer>;
    type Error = Problem;

    async fn handle(deps: &Deps, cx: Cx, body: Self::Body) -> Result<Reply<Self::Answer>, Problem> {
        let outcome = deps.refresh(&cx, body).await;
        if let Err(Error::Refused(why)) = &outcome
            && why.is_of_ours()
        {
            // The answer does not say how the caller stands: else it would tell a dead token from a forged one.
            drop(deps.throttle.count_client(&Rule::REFRESH, &cx).await?);
        }
        outcome.map_err(Problem::from)
    }
}

impl Deps {
    async fn refresh(&self, cx: &Cx, body: Option<Json<Request>>) -> Result<Reply<Json<Answer>>, Error> {
        let sent = body.map(|Json(request)| request.parse()).transpose()?.flatten();
        let (token, channel) = match (&sent, cx.refresh_cookie()) {
            (Some(token), _) => (token.as_str(), Channel::Body),
            (None, Some(cookie)) => (cookie, Channel::Cookie),
            (None, None) => return Err(Refusal::Missing.into()),
        };
        let claim = self.tokens.read(token, cx.now).await?.map_err(Refusal::from)?;
        // By session, not by person: who has a token of a session that has ended must not use up its owner's calls.
        self.sessions.count(&format!("session {}", claim.session), cx.now).await?;
        let call = Call { deps: self, claim: &claim, client: client_of(cx, channel), channel, cx };
        for _ in 0..TRIES {
            if let Some(reply) = call.attempt().await? {
                return Ok(reply);
            }
        }
        Err(Error::Busy)
    }
}

/// One call, whose token holds.
struct Call<'a> {
    deps: &'a Deps,
    claim: &'a RefreshClaim,
    client: Client,
    channel: Channel,
    cx: &'a Cx,
}

impl Call<'_> {
    /// Nothing, where another call changed the session between the read and the write.
    async fn attempt(&self) -> Result<Option<Reply<Json<Answer>>>, Error> {
        let (standing, role) = self.standing().await?;
        let limits = self.deps.tokens.limits(standing.expires_at);
        match standing.family.present(self.claim.generation, &self.client, self.cx.now, limits) {
            Verdict::Over => Err(Refusal::Over.into()),
            Verdict::Reused => self.end(&standing).await,
            Verdict::Repeat => self.answer(&standing, role.ok_or(Refusal::NotAdmitted)?).await.map(Some),
            Verdict::Rotate(family) => self.rotate(standing, family, role.ok_or(Refusal::NotAdmitted)?).await,
        }
    }

    /// The session as it is, and the role that its person has now.
    async fn standing(&self) -> Result<(Standing, Option<Role>), Error> {
        let RefreshClaim { identity, session, tenant, .. } = self.claim;
        let store = &self.deps.store;
        let mut admission = store.admission(identity, session, tenant.as_ref()).await?;
        self.deps.issuer.heed(&admission);
        let standing = admission.session.take().ok_or(Refusal::NoSession)?;
        if standing.tenant_id == *tenant {
            return Ok((standing, admission.open_to(tenant.as_ref())));
        }
        let moved = store.admission(identity, session, standing.tenant_id.as_ref()).await?;
        let role = moved.open_to(standing.tenant_id.as_ref());
        Ok((standing, role))
    }

    /// Signed first: where that fails, the token is not used up.
    async fn rotate(
        &self,
        standing: Standing,
        family: Family,
        role: Role,
    ) -> Result<Option<Reply<Json<Answer>>>, Error> {
        let next = Standing { family, ..standing };
        let reply = self.answer(&next, role).await?;
        let RefreshClaim { identity, session, .. } = self.claim;
        let audit = self.audit(Action::SessionRefreshed, Actor::Identity(identity.clone()), &next);
        let stored = self.deps.store.rotate(identity, session, &next.family, &audit.into()).await?;
        Ok(stored.then_some(reply))
    }

    async fn answer(&self, standing: &Standing, role: Role) -> Result<Reply<Json<Answer>>, Error> {
        let RefreshClaim { identity, session, .. } = self.claim;
        let tenant = standing.tenant_id.clone();
        let grant = Grant { identity: identity.clone(), session: session.clone(), tenant: tenant.clone(), role };
        let access_token = self.deps.issuer.issue(grant, self.cx.now).await?;
        let handed = self.deps.tokens.newest(self.claim, standing, self.channel, self.cx.now).await?;
        Ok(handed.reply(Answer::new(access_token, tenant)))
    }

    async fn end(&self, standing: &Standing) -> Result<Option<Reply<Json<Answer>>>, Error> {
        let RefreshClaim { identity, session, generation, .. } = self.claim;
        let actor = Actor::Function(Refresh::POLICY.operation.to_owned());
        let audit = self.audit(Action::RefreshTokenReused, actor, standing);
        if !self.deps.store.end_session(identity, session, &audit.into()).await? {
            return Ok(None);
        }
        tracing::warn!(%identity, %session, generation, newest = standing.family.generation, "a refresh token was reused");
        Err(Refusal::Reused.into())
    }

    fn audit(&self, action: Action, actor: Actor, standing: &Standing) -> AuditEntry {
        AuditEntry {
            actor,
            action,
            tenant: standing.tenant_id.clone(),
            correlation_id: self.cx.request_id.clone(),
            before: Facts::new().with("session_id", &self.claim.session).with("generation", &self.claim.generation),
            after: Facts::new().with("generation", &standing.family.generation),
            at: self.cx.now,
        }
    }
}

#[cfg(test)]
mod tests;
