//! `POST /api/v1/auth/login`: an e-mail address and a password for an access token.
//!
//! Whoever does not know the password learns nothing: unknown account, wrong password, an account that was never
//! activated and one without a usable tenant get the same answer, after the same two reads and one hash.
//! A success costs one read more, which is the door's own check, and one transaction. Before all that, the try is counted
//! against the client ([`Rule::PROOF`]): one write, and another to take a success back.
//!
//! Who has a platform role gets a session for the platform, unless they name a tenant. The bootstrap credentials
//! ([`bootstrap`](crate::bootstrap)) are one more way in, while they exist. Who has a second factor, or needs one, gets no
//! session but a token to go on with ([`mfa`](crate::mfa)), and a temporary password ([`temporary`](crate::temporary)) gets a
//! token for choosing another; each is one transaction too.

use std::sync::Arc;

use domain::{
    EmailAddress, Entropy, FieldError, IdentityId, PasswordAttempt, TenantId, refresh::Channel, throttle::Rule,
};
use http::{HeaderValue, Method, header::WWW_AUTHENTICATE};
use lambda::{
    Env, FromEnv, StartError,
    access_token::LIFETIME,
    http::{
        Access, BODY_LIMIT, Csrf, Cx, Errors, Field, Idempotency, Json, Policy, Problem, Rate, Reply, Route, Throttle,
        Unknown, kinds,
    },
};
use secrets::SecretError;
use serde::{Deserialize, Serialize};
use store::{Audit, Session, Store, StoreError};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use crate::{
    bootstrap::BootstrapLogin,
    credentials::{Person, Proof, authenticate, enter},
    entrance::Entrance,
    issuer::{IssueError, Issuer},
    mfa::asking::{self, Asked, Next},
    password_hash::{HashError, Hasher},
    temporary::{self, MustChange},
};

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
    /// How to get the refresh token: `api` in the answer, `browser` in the cookie `__Host-refresh`.
    #[serde(default)]
    #[schema(value_type = Option<String>, pattern = "^(api|browser)$", default = "api")]
    client: Field<String>,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: Unknown,
}

struct Credentials {
    email: EmailAddress,
    password: PasswordAttempt,
    tenant: Option<String>,
    channel: Channel,
}

impl Request {
    /// What is refused here is refused for what was typed, whoever has the account.
    fn parse(self) -> Result<Credentials, Problem> {
        let mut errors = Errors::of(&self.unknown);
        let email = errors.require("email", self.email);
        let password = errors.require("password", self.password).map(Zeroizing::new);
        let tenant = errors.take("tenant", self.tenant);
        let channel = channel(errors.take("client", self.client).as_deref(), &mut errors);
        let email =
            email.and_then(|text| EmailAddress::parse(&text).map_err(|rule| errors.push(rule.at("/email"))).ok());
        let password = password
            .and_then(|text| PasswordAttempt::parse(&text).map_err(|rule| errors.push(rule.at("/password"))).ok());
        match (email, password) {
            (Some(email), Some(password)) => errors.finish(Ok(Credentials { email, password, tenant, channel })),
            _ => errors.finish(Err(Vec::new())),
        }
    }
}

fn channel(client: Option<&str>, errors: &mut Errors) -> Channel {
    match client {
        Some("browser") => return Channel::Cookie,
        None | Some("api") => {}
        Some(_) => errors.push(domain::Rule::new("unknown", "is api or browser").at("/client")),
    }
    Channel::Body
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
    /// The active tenant; a platform role has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "tenant-demo-1f2e3d4c")]
    tenant_id: Option<TenantId>,
    /// For the next refresh; works once. A browser has it in a cookie.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "ink_rt_…")]
    pub(crate) refresh_token: Option<String>,
    /// For a browser: to be sent as `X-CSRF-Token` with every refresh.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "ink_csrf_…")]
    pub(crate) csrf_token: Option<String>,
}

/// What the right password gets.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = PasswordAnswer)]
pub enum PasswordAnswer {
    /// A session.
    SignedIn(Answer),
    /// A token to show, or enrol, a second factor with.
    Asked(Asked),
    /// A temporary one, a token to choose another with.
    MustChange(MustChange),
}

impl Answer {
    pub(crate) fn new(access_token: String, tenant_id: Option<TenantId>) -> Self {
        let expires_in = LIFETIME.as_secs();
        Self { access_token, token_type: "Bearer", expires_in, tenant_id, refresh_token: None, csrf_token: None }
    }
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
    /// The bootstrap credentials could not be read.
    #[error(transparent)]
    Secret(#[from] SecretError),
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
    #[error("the password was changed during the sign-in")]
    PasswordChanged,
}

impl Error {
    /// Whether the caller did not fail to prove who they are: the answer gives away that the password was right, or it is we
    /// who failed. Of a refusal the count must not give away how the caller stands.
    pub(crate) fn is_no_failure(&self) -> bool {
        match self {
            Self::ManyTenants(_) | Self::Store(_) | Self::Secret(_) | Self::Hash(_) | Self::Issue(_) => true,
            Self::Invalid(_) | Self::Refused(_) => false,
        }
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
            Error::Refused(why) => Self::new(&kinds::INVALID_CREDENTIALS)
                .source(why)
                .header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")),
            Error::ManyTenants(ids) => Self::fields(vec![name_one_of(&ids)]),
            Error::Store(error) => error.into(),
            Error::Secret(error) => error.into(),
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
    entrance: Entrance,
    bootstrap: BootstrapLogin,
    throttle: Throttle,
    require_platform_mfa: bool,
    entropy: Arc<dyn Entropy>,
}

impl FromEnv for Deps {
    async fn from_env(env: &Env) -> Result<Self, StartError> {
        let store = env.store()?;
        let entrance = Entrance::new(env, Issuer::from_env(env, &store).await?).await?;
        let bootstrap = BootstrapLogin::from_env(env, &store).await?;
        let require_platform_mfa = env.requires_platform_mfa()?;
        let (hasher, throttle) = (Hasher::new(&*env.entropy), Throttle::from_env(env)?);
        let entropy = env.entropy.clone();
        Ok(Self { store, hasher, entrance, bootstrap, throttle, require_platform_mfa, entropy })
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
        csrf: Csrf::Exempt(
            "nobody is signed in yet, and another site's page cannot send JSON without a preflight, which is refused",
        ),
        idempotency: Idempotency::NotNeeded,
        success: 200,
        problems: &[&kinds::INVALID_CREDENTIALS, &kinds::TOO_MANY_TRIES],
    };
    type Deps = Deps;
    type Body = Json<Request>;
    type Answer = Json<PasswordAnswer>;
    type Error = Problem;

    async fn handle(deps: &Deps, cx: Cx, Json(request): Json<Request>) -> Result<Reply<Self::Answer>, Problem> {
        let credentials = request.parse()?;
        let mut pass = deps.throttle.count_client(&Rule::PROOF, &cx).await?;
        let outcome = deps.sign_in(&cx, credentials).await;
        if outcome.as_ref().err().is_none_or(Error::is_no_failure) {
            deps.throttle.give_back(&mut pass).await;
        }
        pass.stamp(outcome.map_err(Problem::from))
    }
}

impl Deps {
    async fn sign_in(&self, cx: &Cx, credentials: Credentials) -> Result<Reply<Json<PasswordAnswer>>, Error> {
        let Credentials { email, password, tenant, channel } = credentials;
        let found = self.store.login_view(&email, IdentityId::new(&*self.entropy)).await?;
        let person = match self.bootstrap.identity(&email, &password, &cx.request_id, cx.now).await? {
            Some(identity_id) => self.bootstrapped(identity_id).await?,
            None => {
                let temporary = temporary::shown(found.as_ref(), &password, cx.now);
                let proven = authenticate(&self.hasher, found, password, &*self.entropy).await;
                if let Some(shown) = temporary {
                    let must_change = shown.exchange(&self.store, cx, &*self.entropy).await?;
                    return Ok(Reply::json(PasswordAnswer::MustChange(must_change)));
                }
                enter(proven?, tenant.as_deref())?
            }
        };
        let opening = self.entrance.admit(cx, channel, person.identity_id.clone(), person.tenant_id.clone()).await?;
        if let Some(next) = Next::of(person.second_factor, self.require_platform_mfa && opening.role.is_platform()) {
            let asked = asking::ask(&self.store, cx, &opening, &person, next, &*self.entropy).await?;
            return Ok(opening.warn(Reply::json(PasswordAnswer::Asked(asked))));
        }
        let reply = self.entrance.tokens(&opening).await?;
        self.start(&opening.session, person.proof.as_ref(), &opening.started(&cx.request_id).into()).await?;
        if person.first_on_platform {
            self.entrance.record_first(&opening, &cx.request_id).await?;
        }
        Ok(reply.map(|Json(answer)| Json(PasswordAnswer::SignedIn(answer))))
    }

    /// One read more than for others, whose second factor is read with their password.
    async fn bootstrapped(&self, identity_id: IdentityId) -> Result<Person, StoreError> {
        let (_, factor) = self.store.person_and_factor(&identity_id).await?;
        let second_factor = factor.is_some_and(|factor| factor.confirmed_at.is_some());
        Ok(Person { identity_id, tenant_id: None, first_on_platform: false, second_factor, proof: None })
    }

    /// Only while the password is still the one that was matched, and the person may come in: what was changed meanwhile opens nothing.
    async fn start(&self, session: &Session, proof: Option<&Proof>, audit: &Audit) -> Result<(), Error> {
        let Some(proof) = proof else { return Ok(self.store.create_session(session, audit).await?) };
        match self.store.start_session(session, &proof.matched, proof.renewed.as_ref(), audit).await {
            Err(StoreError::Conflict("password")) => Err(Refusal::PasswordChanged.into()),
            Err(StoreError::Conflict("membership")) => Err(Refusal::NotAdmitted.into()),
            other => Ok(other?),
        }
    }
}

#[cfg(test)]
mod tests;
