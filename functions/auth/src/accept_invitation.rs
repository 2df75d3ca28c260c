//! `POST /api/v1/auth/accept-invitation`: whoever holds the mailed link joins the tenant, once.
//!
//! The invitation is to an address, so it is that address's person who joins: with the password that they have, or with the
//! one that they choose here. Nobody is signed in by it. A wrong password counts as a failed sign-in does
//! ([`Rule::PROOF`]), and the invitation stays good.
//!
//! A token with a typing error costs nothing; one that is not known, one read; a hash is computed only for a token that
//! holds. Then four reads and one transaction; for a person who has a password, the count of the try.

use std::sync::Arc;

use domain::{
    Action, Actor, AuditEntry, ContextWords, EmailAddress, Entropy, Facts, IdentityId, InvitationToken,
    MembershipStatus, Password, PasswordAttempt, PersonName, TenantId, throttle::Rule,
};
use http::Method;
use lambda::{
    Env, FromEnv, StartError,
    http::{
        Access, BODY_LIMIT, Csrf, Cx, Errors, Field, Idempotency, Json, Policy, Problem, Rate, Reply, Route, Throttle,
        Unknown, kinds,
    },
};
use serde::{Deserialize, Serialize};
use store::{
    Accepting, Audit, Identity, Invitation, MembersError, MembersRefusal, Membership, PasswordHash, Store, StoreError,
    Tenant,
};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use crate::password_hash::{HashError, Hasher};

/// How often the address may be claimed meanwhile.
const TRIES: usize = 2;

/// What to send.
#[derive(Deserialize, ToSchema)]
#[schema(as = AcceptInvitationRequest)]
pub struct Request {
    /// From the link in the mail. Works once, for 7 days.
    #[serde(default)]
    #[schema(value_type = String, required, example = "ink_inv_…")]
    token: Field<String>,
    /// Yours, if you have an account; else the one that you choose: 15 to 128 characters, of any kind; not a common one,
    /// and not made of your own names.
    #[serde(default)]
    #[schema(value_type = String, required, format = "password", max_length = 128)]
    password: Field<String>,
    /// Of somebody who has no account yet; else not looked at.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 2, max_length = 80)]
    name: Field<String>,
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: Unknown,
}

struct Sent {
    token: Zeroizing<String>,
    password: Zeroizing<String>,
    name: Option<PersonName>,
}

impl Request {
    fn parse(self) -> Result<Sent, Problem> {
        let mut errors = Errors::of(&self.unknown);
        let token = errors.require("token", self.token).unwrap_or_default();
        let password = errors.require("password", self.password).unwrap_or_default();
        let name = errors.take("name", self.name);
        let name = name.and_then(|text| PersonName::parse(&text).map_err(|r| errors.push(r.at("/name"))).ok());
        errors.finish(Ok(Sent { token: token.into(), password: password.into(), name }))
    }
}

/// Who belongs where now.
#[derive(Serialize, ToSchema)]
#[schema(as = AcceptedInvitation)]
pub struct Answer {
    /// What to sign in with.
    #[schema(value_type = String, format = "email")]
    email: EmailAddress,
    #[schema(value_type = String, example = "tenant-demo-1f2e3d4c")]
    tenant_id: TenantId,
    role: &'static str,
}

/// Why nobody joined.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Field rules, or too many tries.
    #[error("the request is refused")]
    Invalid(Box<Problem>),
    /// The token does not hold. The caller hears no more than that.
    #[error("the invitation is refused: {0}")]
    Refused(&'static str),
    /// It is not the person's password.
    #[error("the password is wrong")]
    WrongPassword,
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The hash was not computed.
    #[error(transparent)]
    Hash(#[from] HashError),
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
            Error::Refused(_) => Self::new(&kinds::INVALID_INVITATION).source(error),
            Error::WrongPassword => Self::new(&kinds::INVALID_CREDENTIALS).source(error),
            Error::Store(error) => error.into(),
            Error::Hash(error) => Self::new(&kinds::INTERNAL).source(error),
        }
    }
}

/// The store, what hashes, and what counts failures.
pub struct Deps {
    store: Store,
    hasher: Hasher,
    throttle: Throttle,
    entropy: Arc<dyn Entropy>,
}

impl FromEnv for Deps {
    async fn from_env(env: &Env) -> Result<Self, StartError> {
        let (hasher, throttle) = (Hasher::new(&*env.entropy), Throttle::from_env(env)?);
        Ok(Self { store: env.store()?, hasher, throttle, entropy: env.entropy.clone() })
    }
}

/// The route.
pub struct AcceptInvitation;

impl Route for AcceptInvitation {
    const POLICY: Policy = Policy {
        operation: "auth-accept-invitation",
        summary: "Join a tenant with the link of an invitation",
        method: Method::POST,
        path: "/api/v1/auth/accept-invitation",
        access: Access::OneTimeToken,
        rate: Rate::Auth,
        body_limit: BODY_LIMIT,
        csrf: Csrf::Exempt("uses no cookie: the mailed token is the credential"),
        idempotency: Idempotency::NotNeeded,
        success: 200,
        problems: &[&kinds::INVALID_INVITATION, &kinds::INVALID_CREDENTIALS, &kinds::TOO_MANY_TRIES],
    };
    type Deps = Deps;
    type Body = Json<Request>;
    type Answer = Json<Answer>;
    type Error = Error;

    async fn handle(deps: &Deps, cx: Cx, Json(request): Json<Request>) -> Result<Reply<Self::Answer>, Error> {
        let sent = request.parse()?;
        let token = InvitationToken::parse(&sent.token).map_err(|_| Error::Refused("no token of ours"))?;
        let found = deps.store.issued_invitation(&token.digest(), cx.now).await?;
        let invitation = found.ok_or(Error::Refused("unknown, used, replaced or expired"))?;
        let tenant = deps.store.tenant(&invitation.tenant_id).await?.ok_or(Error::Refused("its tenant is gone"))?;
        let joining = Joining { deps, cx: &cx, invitation: &invitation, tenant: &tenant, sent: &sent };
        for _ in 0..TRIES {
            match joining.join().await? {
                Ok(()) => {
                    let Invitation { email, tenant_id, role, .. } = invitation;
                    return Ok(Reply::json(Answer { email, tenant_id, role: role.as_str() }));
                }
                // Somebody claimed the address since it was looked up: it is their password that counts now.
                Err(MembersRefusal::There) => {}
                Err(_) => return Err(Error::Refused("used meanwhile, or the tenant is not READY")),
            }
        }
        Err(StoreError::Conflict("email claim").into())
    }
}

/// One try to join.
struct Joining<'a> {
    deps: &'a Deps,
    cx: &'a Cx,
    invitation: &'a Invitation,
    tenant: &'a Tenant,
    sent: &'a Sent,
}

impl Joining<'_> {
    async fn join(&self) -> Result<Result<(), MembersRefusal>, Error> {
        let store = &self.deps.store;
        let known = match store.identity_by_email(&self.invitation.email).await? {
            Some(id) => store.identity(&id).await?,
            None => None,
        };
        match known {
            None => {
                let person = self.new_person().await?;
                self.write(&person.identity_id, Accepting::New(&person)).await
            }
            Some(person) => match &person.password_phc {
                None => {
                    let chosen = self.chosen(&person.name).await?;
                    self.write(&person.identity_id, Accepting::First(&person, &chosen)).await
                }
                Some(stored) => {
                    self.prove(stored).await?;
                    self.write(&person.identity_id, Accepting::Known(&person, stored)).await
                }
            },
        }
    }

    async fn new_person(&self) -> Result<Identity, Error> {
        let missing = || Problem::fields(vec![domain::FieldError::required("/name")]);
        let name = self.sent.name.clone().ok_or_else(missing)?;
        Ok(Identity {
            identity_id: IdentityId::new(&*self.deps.entropy),
            email: self.invitation.email.clone(),
            password_phc: Some(self.chosen(&name).await?),
            name,
            email_verified: true,
            memberships: 1,
            made_by: None,
            created_at: self.cx.now,
        })
    }

    async fn chosen(&self, name: &PersonName) -> Result<PasswordHash, Error> {
        let words = ContextWords::new().person(name).email(&self.invitation.email);
        let words = words.company(&self.tenant.company_name).subdomain(&self.tenant.subdomain);
        let password = Password::parse(&self.sent.password, &words);
        let password = password.map_err(|rule| Problem::fields(vec![rule.at("/password")]))?;
        Ok(self.deps.hasher.hash(password, &*self.deps.entropy).await?)
    }

    /// Counted before it is hashed, and given back where it was no failure.
    async fn prove(&self, stored: &PasswordHash) -> Result<(), Error> {
        let attempt = PasswordAttempt::parse(&self.sent.password).map_err(|_| Error::WrongPassword)?;
        let Deps { hasher, throttle, .. } = self.deps;
        let mut pass = throttle.count_client(&Rule::PROOF, self.cx).await?;
        if !hasher.verify(Some(stored.clone()), attempt).await?.is_match() {
            return Err(Error::WrongPassword);
        }
        throttle.give_back(&mut pass).await;
        Ok(())
    }

    async fn write(&self, identity: &IdentityId, who: Accepting<'_>) -> Result<Result<(), MembersRefusal>, Error> {
        let membership = self.membership(identity);
        let audit = Audit::from(self.audit(identity, Action::InvitationAccepted, Facts::new()));
        let joined = Facts::new().with("identity_id", identity).with("role", &membership.role);
        let audit = audit.and(self.audit(identity, Action::MembershipCreated, joined)).kept_for(self.tenant.plan);
        match self.deps.store.accept_invitation(self.invitation, &membership, who, &audit).await {
            Ok(()) => Ok(Ok(())),
            Err(MembersError::Refused(refusal)) => Ok(Err(refusal)),
            Err(MembersError::Store(error)) => Err(error.into()),
        }
    }

    fn membership(&self, identity: &IdentityId) -> Membership {
        Membership {
            tenant_id: self.tenant.tenant_id.clone(),
            identity_id: identity.clone(),
            role: self.invitation.role,
            status: MembershipStatus::Active,
            created_at: self.cx.now,
            attempt: 0,
            via: "invitation".into(),
            version: 1,
        }
    }

    fn audit(&self, identity: &IdentityId, action: Action, after: Facts) -> AuditEntry {
        AuditEntry {
            actor: Actor::Identity(identity.clone()),
            action,
            tenant: Some(self.tenant.tenant_id.clone()),
            correlation_id: self.cx.request_id.clone(),
            before: Facts::new(),
            after: after.with("invitation_id", &self.invitation.invitation_id),
            at: self.cx.now,
        }
    }
}
