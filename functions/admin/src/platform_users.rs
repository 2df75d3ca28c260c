//! `POST /api/v1/admin/platform-users`: a platform role for a person, who is told by mail.
//!
//! Somebody without a password gets a link to choose one, and gets another one when the call is repeated. Somebody who has
//! one keeps it. Costs two reads and, for an address that is known, a third; one transaction, one mail.

use std::sync::Arc;

use domain::{
    Action, ActivationToken, EmailAddress, Entropy, Facts, FieldError, IdentityId, Permission, PersonName, Role,
};
use http::Method;
use jiff::SignedDuration;
use lambda::{
    Env, FromEnv, StartError,
    http::{
        Access, BODY_LIMIT, Csrf, Cx, Errors, Field, Idempotency, Json, Policy, Problem, Rate, Reply, Route, Scope,
        StepUp, Unknown, kinds,
    },
};
use mail::{MailError, Mailer, Message, PlatformInvitation, PlatformRole};
use serde::{Deserialize, Serialize};
use store::{Audit, Identity, IssuedActivation, PlatformUser, Store, StoreError};
use utoipa::ToSchema;

/// How long an activation link works.
const VALID_HOURS: u32 = 72;

/// What to send.
#[derive(Deserialize, ToSchema)]
#[schema(as = PlatformUserRequest)]
pub struct Request {
    #[serde(default)]
    #[schema(value_type = String, required, format = "email", max_length = 254)]
    email: Field<String>,
    /// Kept as it is for a person who is known already.
    #[serde(default)]
    #[schema(value_type = String, required, min_length = 2, max_length = 80)]
    name: Field<String>,
    /// `super_admin`, `platform_admin` or `support_admin`.
    #[serde(default)]
    #[schema(value_type = String, required, example = "super_admin")]
    role: Field<String>,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: Unknown,
}

struct Invited {
    email: EmailAddress,
    name: PersonName,
    role: Role,
}

impl Request {
    fn parse(self) -> Result<Invited, Problem> {
        let mut errors = Errors::of(&self.unknown);
        let email = errors.require("email", self.email);
        let name = errors.require("name", self.name);
        let role = errors.require("role", self.role);
        let email = email.and_then(|text| EmailAddress::parse(&text).map_err(|r| errors.push(r.at("/email"))).ok());
        let name = name.and_then(|text| PersonName::parse(&text).map_err(|r| errors.push(r.at("/name"))).ok());
        let role = role.and_then(|text| platform_role(&text).map_err(|error| errors.push(error)).ok());
        match (email, name, role) {
            (Some(email), Some(name), Some(role)) => errors.finish(Ok(Invited { email, name, role })),
            _ => errors.finish(Err(Vec::new())),
        }
    }
}

fn platform_role(text: &str) -> Result<Role, FieldError> {
    let role = Role::parse(text).ok().filter(|role| role.is_platform());
    role.ok_or_else(|| FieldError {
        pointer: "/role".into(),
        code: "unknown",
        detail: "must be super_admin, platform_admin or support_admin".into(),
    })
}

/// Who has the role now.
#[derive(Serialize, ToSchema)]
#[schema(as = PlatformUser)]
pub struct Answer {
    #[schema(value_type = String, example = "usr_0d4cfa1c2b3a4f5e8d7c6b5a49382716")]
    user_id: IdentityId,
    #[schema(value_type = String, format = "email")]
    email: EmailAddress,
    role: &'static str,
    /// Whether the mail has a link to choose a password.
    activation_sent: bool,
}

/// Why nobody was given a role, or nobody was told.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Field rules.
    #[error("the request is not valid")]
    Invalid(Box<Problem>),
    /// The person has a platform role and a password.
    #[error("the person has a platform role")]
    HasRole,
    /// The role is given and the mail did not go out: the same call sends another.
    #[error("the mail was not sent")]
    Mail(#[from] MailError),
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
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
            Error::HasRole | Error::Store(StoreError::Conflict(_)) => Self::new(&kinds::HAS_PLATFORM_ROLE),
            Error::Mail(error) => Self::unavailable(error),
            Error::Store(error) => error.into(),
        }
    }
}

/// The store, the mails, and randomness.
pub struct Deps {
    pub(crate) store: Store,
    mailer: Mailer,
    entropy: Arc<dyn Entropy>,
}

impl FromEnv for Deps {
    async fn from_env(env: &Env) -> Result<Self, StartError> {
        let mailer = Mailer::new(&env.sdk, env.parsed("MAIL_FROM")?, env.required("PUBLIC_URL")?.to_owned());
        Ok(Self { store: env.store()?, mailer, entropy: env.entropy.clone() })
    }
}

/// The route.
pub struct CreatePlatformUser;

impl Route for CreatePlatformUser {
    const POLICY: Policy = Policy {
        operation: "admin-platform-users",
        summary: "Give a person a platform role",
        method: Method::POST,
        path: "/api/v1/admin/platform-users",
        // Else a token stolen once would make itself an operator for ever.
        access: Access::SteppedUp {
            by: StepUp::FactorOrPassword,
            permission: Some((Permission::PlatformAdmin, Scope::Platform)),
        },
        rate: Rate::General,
        body_limit: BODY_LIMIT,
        csrf: Csrf::Exempt("uses no cookie: the caller sends a bearer token"),
        idempotency: Idempotency::NotNeeded,
        success: 201,
        problems: &[&kinds::HAS_PLATFORM_ROLE],
    };
    type Deps = Deps;
    type Body = Json<Request>;
    type Answer = Json<Answer>;
    type Error = Error;

    async fn handle(deps: &Deps, cx: Cx, Json(request): Json<Request>) -> Result<Reply<Self::Answer>, Error> {
        let Invited { email, name, role } = request.parse()?;
        let known = match deps.store.identity_by_email(&email).await? {
            Some(id) => deps.store.identity(&id).await?,
            None => None,
        };
        let (token, person) = match known {
            Some(person) => (deps.grant(&cx, &person, role).await?, person),
            None => deps.create(&cx, email, name, role).await?,
        };
        let activation_sent = token.is_some();
        let message = deps.message(&person, role, token.as_ref());
        deps.mailer.send(&person.email, &message, &[("kind", message.kind())]).await?;
        Ok(Reply::json(Answer {
            user_id: person.identity_id,
            email: person.email,
            role: role.as_str(),
            activation_sent,
        }))
    }
}

impl Deps {
    async fn create(
        &self,
        cx: &Cx,
        email: EmailAddress,
        name: PersonName,
        role: Role,
    ) -> Result<(Option<ActivationToken>, Identity), Error> {
        let person = Identity {
            identity_id: IdentityId::new(&*self.entropy),
            email,
            name,
            password_phc: None,
            email_verified: false,
            memberships: 0,
            made_by: None,
            created_at: cx.now,
        };
        let (token, issued) = self.token(cx, &person);
        let audit = granted(cx, &person, role);
        self.store.create_platform_user(&person, &user(cx, &person, role), (&token.digest(), &issued), &audit).await?;
        Ok((Some(token), person))
    }

    /// With a token where the person has no password: they are asked again as often as the call is made.
    async fn grant(&self, cx: &Cx, person: &Identity, role: Role) -> Result<Option<ActivationToken>, Error> {
        let has = self.store.platform_user(&person.identity_id).await?.map(|user| user.role);
        let audit = granted(cx, person, role);
        let (token, issued) = self.token(cx, person);
        let digest = token.digest();
        let activation = person.password_phc.is_none().then_some((&digest, &issued));
        match (has, activation) {
            (Some(had), Some((digest, issued))) if had == role => {
                self.store.issue_activation(digest, issued, &audit).await?;
            }
            (Some(_), _) => return Err(Error::HasRole),
            (None, activation) => {
                self.store.grant_platform_role(&user(cx, person, role), activation, &audit).await?;
            }
        }
        Ok(activation.is_some().then_some(token))
    }

    fn token(&self, cx: &Cx, person: &Identity) -> (ActivationToken, IssuedActivation) {
        let valid = SignedDuration::from_hours(VALID_HOURS.into());
        let issued = IssuedActivation {
            identity_id: person.identity_id.clone(),
            tenant_id: None,
            expires_at: cx.now.saturating_add(valid).unwrap_or(cx.now),
        };
        (ActivationToken::new(&*self.entropy), issued)
    }

    fn message(&self, person: &Identity, role: Role, token: Option<&ActivationToken>) -> Message {
        let (person, links) = (person.name.clone(), self.mailer.links());
        match token {
            Some(token) => Message::PlatformInvitation(PlatformInvitation {
                person,
                role,
                activation_link: links.activation(token),
                valid_hours: VALID_HOURS,
            }),
            None => Message::PlatformRole(PlatformRole { person, role, sign_in_link: links.sign_in() }),
        }
    }
}

fn user(cx: &Cx, person: &Identity, role: Role) -> PlatformUser {
    PlatformUser {
        identity_id: person.identity_id.clone(),
        role,
        bootstrap: false,
        created_at: cx.now,
        signed_in_at: None,
    }
}

fn granted(cx: &Cx, person: &Identity, role: Role) -> Audit {
    let after = Facts::new().with("identity_id", &person.identity_id).with("email", &person.email).with("role", &role);
    cx.audit(Action::PlatformRoleGranted, None, Facts::new(), after).into()
}
