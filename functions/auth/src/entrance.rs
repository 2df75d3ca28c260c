//! The end of every sign-in, however somebody has shown who they are: may they come in, and with what do they leave.
//!
//! One read, which is the door's own of the next request. What stores the session is the caller's, for each way in has
//! its own conditions.

use std::sync::Arc;

use domain::{
    Action, Actor, AuditEntry, CorrelationId, Entropy, Facts, IdentityId, Role, SessionId, TenantId,
    refresh::{Channel, Family},
};
use jiff::Timestamp;
use lambda::{
    Env, StartError,
    http::{Cx, Json, Member, Reply, WARNING},
};
use store::{Session, Store, StoreError};

use crate::{
    issuer::{Grant, IssueError, Issuer},
    login::{Answer, Error, Refusal},
    refresh_tokens::{RefreshTokens, client_of},
};

/// Characters of `User-Agent` that are kept for the list of sessions.
const MAX_CLIENT: usize = 200;

/// What makes sessions.
pub(crate) struct Entrance {
    store: Store,
    issuer: Issuer,
    tokens: RefreshTokens,
    entropy: Arc<dyn Entropy>,
}

/// A session that may begin. Nothing is stored yet.
pub(crate) struct Opening {
    pub(crate) session: Session,
    pub(crate) role: Role,
    pub(crate) channel: Channel,
    warned: bool,
}

impl Opening {
    /// The answer, with a word to whoever runs the platform while its first credentials exist.
    pub(crate) fn warn<A>(&self, reply: Reply<A>) -> Reply<A> {
        if self.warned { reply.header(WARNING, "bootstrap-credentials-present") } else { reply }
    }

    /// For the audit log.
    pub(crate) fn started(&self, request: &CorrelationId) -> AuditEntry {
        let Session { identity_id, session_id, tenant_id, created_at, .. } = &self.session;
        AuditEntry {
            actor: Actor::Identity(identity_id.clone()),
            action: Action::SessionStarted,
            tenant: tenant_id.clone(),
            correlation_id: request.clone(),
            before: Facts::new(),
            after: Facts::new().with("session_id", session_id).with("role", &self.role),
            at: *created_at,
        }
    }
}

impl Entrance {
    pub(crate) async fn new(env: &Env, issuer: Issuer) -> Result<Self, StartError> {
        let tokens = RefreshTokens::from_env(env).await?;
        Ok(Self { store: env.store()?, issuer, tokens, entropy: env.entropy.clone() })
    }

    /// What the door will ask of the next request is asked here too, so that nobody gets a token that opens nothing.
    pub(crate) async fn admit(
        &self,
        cx: &Cx,
        channel: Channel,
        identity_id: IdentityId,
        tenant_id: Option<TenantId>,
    ) -> Result<Opening, Error> {
        let session = self.session(cx, channel, identity_id, tenant_id);
        let Session { identity_id, session_id, tenant_id, .. } = &session;
        let admission = self.store.admission(identity_id, session_id, tenant_id.as_ref()).await?;
        self.issuer.heed(&admission);
        let role = admission.open_to(tenant_id.as_ref()).ok_or(Error::Refused(Refusal::NotAdmitted))?;
        let warned = role.is_platform() && !admission.bootstrap_removed;
        Ok(Opening { session, role, channel, warned })
    }

    fn session(&self, cx: &Cx, channel: Channel, identity_id: IdentityId, tenant_id: Option<TenantId>) -> Session {
        let limits = self.tokens.limits_from(cx.now);
        Session {
            session_id: SessionId::new(&*self.entropy),
            identity_id,
            tenant_id,
            client: cx.header("user-agent").unwrap_or_default().chars().take(MAX_CLIENT).collect(),
            source_ip: cx.source_ip.clone(),
            created_at: cx.now,
            expires_at: limits.expires_at,
            second_factor_at: None,
            family: Family::start(&client_of(cx, channel), cx.now, limits),
        }
    }

    /// The answer, made before the session is stored: where signing fails, no session is left behind.
    pub(crate) async fn tokens(&self, opening: &Opening) -> Result<Reply<Json<Answer>>, Error> {
        let Opening { session, role, channel, .. } = opening;
        let access_token = self.issuer.issue(grant(session, *role), session.created_at).await?;
        let handed = self.tokens.first(session, *channel).await?;
        Ok(opening.warn(handed.reply(Answer::new(access_token, session.tenant_id.clone()))))
    }

    /// An access token for a session that goes on; its refresh token stays good.
    pub(crate) async fn again(&self, member: &Member, now: Timestamp) -> Result<Reply<Json<Answer>>, IssueError> {
        let Member { identity, session, tenant, role, .. } = member;
        let (identity, session, tenant) = (identity.clone(), session.clone(), tenant.clone());
        let grant = Grant { identity, session, tenant: tenant.clone(), role: *role };
        Ok(Reply::json(Answer::new(self.issuer.issue(grant, now).await?, tenant)))
    }

    /// A super admin who has signed in is what the removal of the bootstrap credentials waits for.
    pub(crate) async fn record_first(&self, opening: &Opening, request: &CorrelationId) -> Result<(), Error> {
        let audit = AuditEntry { action: Action::PlatformSignedIn, ..opening.started(request) };
        let Session { identity_id, created_at, .. } = &opening.session;
        match self.store.record_platform_sign_in(identity_id, *created_at, &audit.into()).await {
            // Recorded by a sign-in at the same moment.
            Err(StoreError::Conflict(_)) => Ok(()),
            other => Ok(other?),
        }
    }
}

fn grant(session: &Session, role: Role) -> Grant {
    let Session { identity_id, session_id, tenant_id, .. } = session;
    Grant { identity: identity_id.clone(), session: session_id.clone(), tenant: tenant_id.clone(), role }
}
