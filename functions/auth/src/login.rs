//! `POST /api/v1/auth/login`: an e-mail address and a password for an access token.
//!
//! Whoever does not know the password learns nothing: unknown account, wrong password, an account that was never
//! activated and one without a usable tenant get the same answer, after the same two reads and one hash.
//! A success costs one read more, which is the door's own check, and one transaction.

use std::sync::Arc;

use domain::{
    Action, Actor, AuditEntry, CorrelationId, EmailAddress, Entropy, Facts, FieldError, IdentityId, PasswordAttempt,
    Role, SessionId, TenantId, TenantStatus,
};
use http::{HeaderValue, Method, header::WWW_AUTHENTICATE};
use jiff::SignedDuration;
use lambda::{
    Env, FromEnv, StartError,
    access_token::LIFETIME,
    http::{
        Access, BODY_LIMIT, Csrf, Cx, Errors, Field, Idempotency, Json, Policy, Problem, Rate, Reply, Route, Unknown,
        kinds,
    },
};
use serde::{Deserialize, Serialize};
use store::{LoginView, MembershipPointer, Session, Store, StoreError};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use crate::{
    issuer::{Grant, IssueError, Issuer},
    password_hash::{HashError, Hasher, Verdict},
};

/// Absolute: nothing prolongs a session (REQUIREMENTS.md R12).
const SESSION: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Characters of `User-Agent` that are kept for the list of sessions.
const MAX_CLIENT: usize = 200;

/// What to send.
#[derive(Deserialize, ToSchema)]
#[schema(as = LoginRequest)]
pub struct Request {
    #[serde(default)]
    #[schema(value_type = String, required, format = "email", max_length = 254, example = "admin@demo.com")]
    email: Field<String>,
    #[serde(default)]
    #[schema(value_type = String, required, format = "password", max_length = 128)]
    password: Field<String>,
    /// Id or subdomain of the tenant to work in; needed only by who belongs to several.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "demo")]
    tenant: Field<String>,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: Unknown,
}

struct Credentials {
    email: EmailAddress,
    password: PasswordAttempt,
    tenant: Option<String>,
}

impl Request {
    /// What is refused here is refused for what was typed, whoever has the account.
    fn parse(self) -> Result<Credentials, Problem> {
        let mut errors = Errors::of(&self.unknown);
        let email = errors.require("email", self.email);
        let password = errors.require("password", self.password).map(Zeroizing::new);
        let tenant = errors.take("tenant", self.tenant);
        let email =
            email.and_then(|text| EmailAddress::parse(&text).map_err(|rule| errors.push(rule.at("/email"))).ok());
        let password = password
            .and_then(|text| PasswordAttempt::parse(&text).map_err(|rule| errors.push(rule.at("/password"))).ok());
        match (email, password) {
            (Some(email), Some(password)) => errors.finish(Ok(Credentials { email, password, tenant })),
            _ => errors.finish(Err(Vec::new())),
        }
    }
}

/// The way in.
#[derive(Serialize, ToSchema)]
#[schema(as = LoginAnswer)]
pub struct Answer {
    /// For `Authorization: Bearer …`.
    access_token: String,
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// Seconds.
    #[schema(example = 900)]
    expires_in: i64,
    /// The active tenant.
    #[schema(value_type = String, example = "tenant-demo-1f2e3d4c")]
    tenant_id: TenantId,
}

/// Why nobody was signed in.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Field rules.
    #[error("the request is not valid")]
    Invalid(Box<Problem>),
    /// The one answer to whoever may not come in.
    #[error("the sign-in is refused")]
    Refused(#[from] Refusal),
    /// The password matched, and the person has to say which tenant.
    #[error("the person belongs to several tenants and named none")]
    ManyTenants(Vec<TenantId>),
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The hash was not computed.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// The token was not made.
    #[error(transparent)]
    Issue(#[from] IssueError),
}

/// For the log alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum Refusal {
    #[error("no such account")]
    UnknownAccount,
    #[error("the account was never activated")]
    NotActivated,
    #[error("wrong password")]
    WrongPassword,
    #[error("the person does not belong to that tenant, or to any")]
    NoMembership,
    #[error("the membership is suspended or the tenant is not ready")]
    NotAdmitted,
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
            Error::Refused(why) => Self::new(&kinds::INVALID_CREDENTIALS)
                .source(why)
                .header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")),
            Error::ManyTenants(ids) => Self::fields(vec![name_one_of(&ids)]),
            Error::Store(error) => error.into(),
            Error::Hash(error) => Self::new(&kinds::INTERNAL).source(error),
            Error::Issue(error) => error.into(),
        }
    }
}

/// Told to nobody but who has given the password.
fn name_one_of(ids: &[TenantId]) -> FieldError {
    let ids: Vec<&str> = ids.iter().map(TenantId::as_str).collect();
    FieldError {
        pointer: "/tenant".into(),
        code: "required",
        detail: format!("name one of your tenants: {}", ids.join(", ")),
    }
}

/// The store, what hashes, and what signs.
pub struct Deps {
    store: Store,
    hasher: Hasher,
    issuer: Issuer,
    entropy: Arc<dyn Entropy>,
}

impl FromEnv for Deps {
    async fn from_env(env: &Env) -> Result<Self, StartError> {
        let store = env.store()?;
        let issuer = Issuer::from_env(env, &store).await?;
        Ok(Self { store, hasher: Hasher::new(&*env.entropy), issuer, entropy: env.entropy.clone() })
    }
}

/// The route.
pub struct Login;

impl Route for Login {
    const POLICY: Policy = Policy {
        operation: "auth-login",
        summary: "Sign in",
        method: Method::POST,
        path: "/api/v1/auth/login",
        access: Access::Anonymous,
        rate: Rate::Auth,
        body_limit: BODY_LIMIT,
        csrf: Csrf::Exempt("uses and sets no cookie: the token is in the body"),
        idempotency: Idempotency::NotNeeded,
        success: 200,
        problems: &[&kinds::INVALID_CREDENTIALS],
    };
    type Deps = Deps;
    type Body = Json<Request>;
    type Answer = Json<Answer>;
    type Error = Error;

    async fn handle(deps: &Deps, cx: Cx, Json(request): Json<Request>) -> Result<Reply<Self::Answer>, Error> {
        let Credentials { email, password, tenant } = request.parse()?;
        let person = authenticate(&deps.hasher, deps.look_up(&email).await?, password).await?;
        let tenant_id = choose(&person.memberships, tenant.as_deref())?.tenant_id.clone();
        let session = deps.session(&cx, person.identity.identity_id, tenant_id);
        let role = deps.admit(&session).await?;
        // Signed first: where that fails, no session is left behind.
        let access_token = deps.issuer.issue(grant(&session, role), cx.now).await?;
        deps.store.create_session(&session, &started(&session, role, &cx.request_id).into()).await?;
        let (expires_in, tenant_id) = (LIFETIME.as_secs(), session.tenant_id);
        Ok(Reply::json(Answer { access_token, token_type: "Bearer", expires_in, tenant_id }))
    }
}

impl Deps {
    /// Two reads, whoever has the address.
    async fn look_up(&self, email: &EmailAddress) -> Result<Option<LoginView>, StoreError> {
        let found = self.store.login_view(email).await?;
        if found.is_none() {
            self.store.identity(&IdentityId::new(&*self.entropy)).await?;
        }
        Ok(found)
    }

    fn session(&self, cx: &Cx, identity_id: IdentityId, tenant_id: TenantId) -> Session {
        Session {
            session_id: SessionId::new(&*self.entropy),
            identity_id,
            tenant_id,
            client: cx.header("user-agent").unwrap_or_default().chars().take(MAX_CLIENT).collect(),
            source_ip: cx.source_ip.clone(),
            created_at: cx.now,
            expires_at: cx.now + SESSION,
        }
    }

    /// What the door will ask of the next request is asked here too, so that nobody gets a token that opens nothing.
    async fn admit(&self, session: &Session) -> Result<Role, Error> {
        let Session { identity_id, session_id, tenant_id, .. } = session;
        let admission = self.store.admission(identity_id, session_id, tenant_id).await?;
        let ready = admission.tenant == Some(TenantStatus::Ready);
        admission.role.filter(|_| ready).ok_or(Error::Refused(Refusal::NotAdmitted))
    }
}

/// The person, if the password is theirs. One hash, whatever the case.
async fn authenticate(
    hasher: &Hasher,
    found: Option<LoginView>,
    password: PasswordAttempt,
) -> Result<LoginView, Error> {
    let stored = found.as_ref().and_then(|view| view.identity.password_phc.clone());
    let activated = stored.is_some();
    let verdict = hasher.verify(stored, password).await?;
    let person = found.ok_or(Refusal::UnknownAccount)?;
    match verdict {
        Verdict::Mismatch if !activated => return Err(Refusal::NotActivated.into()),
        Verdict::Mismatch => return Err(Refusal::WrongPassword.into()),
        Verdict::NeedsUpgrade => {
            tracing::info!(identity = %person.identity.identity_id, "a password hash has older parameters")
        }
        Verdict::Match => {}
    }
    Ok(person)
}

/// The tenant named by id or subdomain, or the only one.
fn choose<'a>(memberships: &'a [MembershipPointer], named: Option<&str>) -> Result<&'a MembershipPointer, Error> {
    let called = |id: &TenantId, name| id.as_str() == name || id.subdomain().as_str() == name;
    let chosen = match (named, memberships) {
        (Some(name), _) => memberships.iter().find(|m| called(&m.tenant_id, name)),
        (None, [_, _, ..]) => {
            return Err(Error::ManyTenants(memberships.iter().map(|m| m.tenant_id.clone()).collect()));
        }
        (None, one_or_none) => one_or_none.first(),
    };
    chosen.ok_or(Refusal::NoMembership.into())
}

fn grant(session: &Session, role: Role) -> Grant {
    let Session { identity_id, session_id, tenant_id, .. } = session;
    Grant { identity: identity_id.clone(), session: session_id.clone(), tenant: tenant_id.clone(), role }
}

fn started(session: &Session, role: Role, request_id: &CorrelationId) -> AuditEntry {
    AuditEntry {
        actor: Actor::Identity(session.identity_id.clone()),
        action: Action::SessionStarted,
        tenant: Some(session.tenant_id.clone()),
        correlation_id: request_id.clone(),
        before: Facts::new(),
        after: Facts::new().with("session_id", &session.session_id).with("role", &role),
        at: session.created_at,
    }
}

#[cfg(test)]
mod tests;
