//! Hands out what prolongs a session, and reads it back: refresh tokens, in the body or in a cookie, and for the cookie the
//! CSRF token of the page.

use domain::refresh::{Channel, Client, Limits};
use http::header::{SET_COOKIE, USER_AGENT};
use jiff::{SignedDuration, Timestamp};
use lambda::{
    Env, StartError,
    access_token::LIFETIME,
    http::{Cx, Json, Reply, refresh_cookie},
};
use secrets::{Cached, KeyRing, RefreshClaim, RefreshKeys, RefreshRefused, SecretError, Secrets};
use store::{Session, Standing};

use crate::login::Answer;

/// Absolute: nothing prolongs a session (REQUIREMENTS.md R12).
const SESSION: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Holds the MAC keys, and knows how long a session may idle.
pub(crate) struct RefreshTokens {
    ring: Cached<KeyRing<RefreshKeys>>,
    idle: SignedDuration,
}

/// A token, ready for the answer: in the body for those who keep it themselves; in a cookie, with a CSRF token for the
/// page.
pub(crate) struct HandedOver {
    refresh_token: Option<String>,
    csrf_token: Option<String>,
    cookie: Option<String>,
}

impl RefreshTokens {
    /// Reads the ring at `REFRESH_KEYS_SECRET`, and `IDLE_TIMEOUT_MINUTES`.
    pub(crate) async fn from_env(env: &Env) -> Result<Self, StartError> {
        let minutes: u32 = env.parsed("IDLE_TIMEOUT_MINUTES")?;
        let idle = SignedDuration::from_mins(minutes.into());
        if idle < LIFETIME {
            let reason = "a session cannot idle for less than an access token lives, which is 15 minutes".into();
            return Err(StartError::Invalid { name: "IDLE_TIMEOUT_MINUTES", reason });
        }
        let secret = env.required("REFRESH_KEYS_SECRET")?;
        let ring = Cached::new(Secrets::new(&env.sdk), secret, env.clock.clone(), KeyRing::parse);
        ring.get().await?;
        Ok(Self { ring, idle })
    }

    /// For a session that starts now.
    pub(crate) fn limits_from(&self, now: Timestamp) -> Limits {
        self.limits(now + SESSION)
    }

    /// For a session that ends at a time that is known.
    pub(crate) fn limits(&self, expires_at: Timestamp) -> Limits {
        Limits { idle: self.idle, expires_at }
    }

    /// What a token says, if we made it. Asks nobody but the ring, which is read again for a key that it lacks, at most
    /// once in ten seconds.
    pub(crate) async fn read(
        &self,
        text: &str,
        now: Timestamp,
    ) -> Result<Result<RefreshClaim, RefreshRefused>, SecretError> {
        match self.ring.get().await?.read_refresh_token(text, now) {
            Err(RefreshRefused::UnknownKey) => Ok(self.ring.refresh_now().await?.read_refresh_token(text, now)),
            read => Ok(read),
        }
    }

    /// The first token of a session.
    pub(crate) async fn first(&self, session: &Session, channel: Channel) -> Result<HandedOver, SecretError> {
        let Session { identity_id, session_id, tenant_id, created_at, expires_at, family, .. } = session;
        let (identity, session, tenant) = (identity_id.clone(), session_id.clone(), tenant_id.clone());
        let claim = RefreshClaim { identity, session, tenant, generation: family.generation };
        self.hand_over(&claim, family.issued_at(), channel, *expires_at, *created_at).await
    }

    /// The newest token of a session, for whom its last one was good.
    pub(crate) async fn newest(
        &self,
        last: &RefreshClaim,
        standing: &Standing,
        channel: Channel,
        now: Timestamp,
    ) -> Result<HandedOver, SecretError> {
        let Standing { tenant_id, expires_at, family, .. } = standing;
        let claim = RefreshClaim { generation: family.generation, tenant: tenant_id.clone(), ..last.clone() };
        self.hand_over(&claim, family.issued_at(), channel, *expires_at, now).await
    }

    async fn hand_over(
        &self,
        claim: &RefreshClaim,
        issued_at: Timestamp,
        channel: Channel,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<HandedOver, SecretError> {
        let ring = self.ring.get().await?;
        let token = ring.refresh_token(claim, issued_at)?;
        Ok(match channel {
            Channel::Body => {
                HandedOver { refresh_token: Some(token.expose().to_owned()), csrf_token: None, cookie: None }
            }
            Channel::Cookie => HandedOver {
                refresh_token: None,
                csrf_token: Some(ring.csrf_token(&claim.session, now)?.expose().to_owned()),
                cookie: Some(refresh_cookie(token.expose(), expires_at.duration_since(now).as_secs())),
            },
        })
    }
}

impl HandedOver {
    /// The answer with the token in it, or with the cookie.
    pub(crate) fn reply(self, mut answer: Answer) -> Reply<Json<Answer>> {
        answer.refresh_token = self.refresh_token;
        answer.csrf_token = self.csrf_token;
        let reply = Reply::json(answer);
        match self.cookie {
            Some(cookie) => reply.header(SET_COOKIE, &cookie),
            None => reply,
        }
    }
}

/// Who calls, as the refresh protocol knows clients.
pub(crate) fn client_of(cx: &Cx, channel: Channel) -> Client {
    Client::new(channel, cx.header(USER_AGENT.as_str()).unwrap_or_default())
}
