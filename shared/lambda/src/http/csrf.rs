//! Requests that a page of another site makes a browser send (OWASP's CSRF Prevention Cheat Sheet): of what browsers say
//! about a request's origin nothing may speak against it, and it carries a token that only our page was given.
//!
//! Looked at where the refresh cookie is sent along, for nothing else is sent by a browser on its own.

use http::{HeaderMap, header::ORIGIN};
use jiff::Timestamp;
use secrets::{Cached, KeyRing, RefreshKeys, RefreshRefused, Secrets};

use super::{
    cookie::{self, REFRESH_COOKIE},
    policy::{Csrf, Policy},
    problem::{Problem, kinds},
    settings::Settings,
};
use crate::{Env, StartError};

/// The header with the token that login and refresh answered.
const TOKEN: &str = "x-csrf-token";
const SITE: &str = "sec-fetch-site";

/// Stands before the routes that need it.
pub(super) struct Guard {
    ring: Cached<KeyRing<RefreshKeys>>,
    own_origin: String,
}

impl Guard {
    /// None where no route needs one: then the function has no business with the keys either.
    pub(super) async fn from_env(env: &Env, policies: &[&Policy]) -> Result<Option<Self>, StartError> {
        if policies.iter().all(|policy| policy.csrf != Csrf::Required) {
            return Ok(None);
        }
        let secret = env.required("REFRESH_KEYS_SECRET")?;
        let ring = Cached::new(Secrets::new(&env.sdk), secret, env.clock.clone(), KeyRing::parse);
        ring.get().await?;
        Ok(Some(Self { ring, own_origin: env.required("TOKEN_ISSUER")?.to_owned() }))
    }

    pub(super) async fn admit(&self, headers: &HeaderMap, settings: &Settings, now: Timestamp) -> Result<(), Problem> {
        let Some(cookie) = cookie::read(headers, REFRESH_COOKIE) else { return Ok(()) };
        if !self.is_from_here(headers, settings) {
            return Err(Problem::new(&kinds::ORIGIN_REFUSED));
        }
        let mut ring = self.ring.get().await?;
        let mut read = ring.read_refresh_token(cookie, now);
        if read == Err(RefreshRefused::UnknownKey) {
            ring = self.ring.refresh_now().await?;
            read = ring.read_refresh_token(cookie, now);
        }
        let claim = match read {
            Ok(claim) => claim,
            // The handler's copy of the ring may be newer than ours, and it would ask for no CSRF token.
            Err(RefreshRefused::UnknownKey) => return Err(Problem::new(&kinds::INVALID_REFRESH_TOKEN)),
            // A cookie that is not ours opens nothing: that is the handler's answer to give.
            Err(RefreshRefused::Form | RefreshRefused::Tag) => return Ok(()),
        };
        let sent = headers.get(TOKEN).and_then(|token| token.to_str().ok());
        let ours = sent.is_some_and(|token| ring.is_csrf_token(token, &claim.session, now));
        if ours { Ok(()) } else { Err(Problem::new(&kinds::CSRF_REFUSED)) }
    }

    /// Browsers name the origin with every POST, and say whether it is another site; what is not a browser names none.
    fn is_from_here(&self, headers: &HeaderMap, settings: &Settings) -> bool {
        let mut origins = headers.get_all(ORIGIN).iter().map(|origin| origin.to_str().unwrap_or_default());
        let allowed = |origin: &str| origin == self.own_origin || settings.allowed_origin(origin).is_some();
        let site = headers.get(SITE).map(|site| site.as_bytes());
        origins.all(allowed) && site.is_none_or(|site| matches!(site, b"same-origin" | b"same-site" | b"none"))
    }
}
