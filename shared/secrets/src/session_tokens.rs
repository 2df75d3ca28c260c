//! What a session hands out beside access tokens: refresh tokens, and the CSRF token of a page. Both are texts with an HMAC
//! under the `refresh-keys` ring, so that what we did not make is refused without asking anybody.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::{IdentityId, SessionId, TenantId};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::{KeyRing, RefreshKeys, SecretError};

/// Secret scanners find a leaked token by it.
const REFRESH: &str = "ink_rt_";
const CSRF: &str = "ink_csrf_";
/// Ours have about 170 characters; a tenant's id is at most 46 of them.
const MAX_LENGTH: usize = 256;

/// What a refresh token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefreshClaim {
    /// The person.
    pub identity: IdentityId,
    /// The session.
    pub session: SessionId,
    /// The tenant of the session when the token was made; none for a platform role.
    pub tenant: Option<TenantId>,
    /// Which of the session's tokens.
    pub generation: u32,
}

/// A token itself. Wiped when dropped, never stored, never printed.
pub struct SessionToken(SecretString);

impl SessionToken {
    /// The text, for the one answer that hands it over.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

/// Why a text is no refresh token of ours. For the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RefreshRefused {
    /// Not the form of one.
    #[error("not the form of a refresh token")]
    Form,
    /// The ring has no such key, or it is retired.
    #[error("the key of the refresh token is not known, or retired")]
    UnknownKey,
    /// The tag does not hold.
    #[error("the tag of the refresh token does not hold")]
    Tag,
}

impl KeyRing<RefreshKeys> {
    /// The token for the claim: the same text, whenever it is asked for, as long as the key lives that was active at
    /// `issued_at`.
    pub fn refresh_token(&self, claim: &RefreshClaim, issued_at: Timestamp) -> Result<SessionToken, SecretError> {
        let RefreshClaim { identity, session, tenant, generation } = claim;
        let tenant = tenant.as_ref().map_or("", TenantId::as_str);
        let kid = self.active(issued_at)?.id();
        self.tagged(format!("{REFRESH}{kid}.{generation}.{identity}.{session}.{tenant}"), issued_at)
    }

    /// What a token says, if we made it.
    pub fn read_refresh_token(&self, text: &str, now: Timestamp) -> Result<RefreshClaim, RefreshRefused> {
        let (signed, tag) = split(text).ok_or(RefreshRefused::Form)?;
        let rest = signed.strip_prefix(REFRESH).ok_or(RefreshRefused::Form)?;
        let parts: Vec<&str> = rest.split('.').collect();
        let [kid, generation, identity, session, tenant] = parts[..] else { return Err(RefreshRefused::Form) };
        if self.find(kid, now).is_none() {
            return Err(RefreshRefused::UnknownKey);
        }
        if !self.verify(kid, signed.as_bytes(), &tag, now) {
            return Err(RefreshRefused::Tag);
        }
        let tenant = if tenant.is_empty() { None } else { Some(tenant.parse().map_err(|_| RefreshRefused::Form)?) };
        Ok(RefreshClaim {
            identity: identity.parse().map_err(|_| RefreshRefused::Form)?,
            session: session.parse().map_err(|_| RefreshRefused::Form)?,
            tenant,
            generation: generation.parse().map_err(|_| RefreshRefused::Form)?,
        })
    }

    /// The CSRF token of a session: the same for all its life, as far as one key goes.
    pub fn csrf_token(&self, session: &SessionId, now: Timestamp) -> Result<SessionToken, SecretError> {
        let kid = self.active(now)?.id().clone();
        let mac = self.mac(csrf_message(kid.as_str(), session).as_bytes(), now)?;
        Ok(SessionToken(format!("{CSRF}{kid}.{}", URL_SAFE_NO_PAD.encode(mac.tag)).into()))
    }

    /// Whether it is the CSRF token of that session.
    pub fn is_csrf_token(&self, text: &str, session: &SessionId, now: Timestamp) -> bool {
        let Some((named, tag)) = split(text) else { return false };
        named.strip_prefix(CSRF).is_some_and(|kid| self.verify(kid, csrf_message(kid, session).as_bytes(), &tag, now))
    }

    fn tagged(&self, signed: String, at: Timestamp) -> Result<SessionToken, SecretError> {
        let signed = Zeroizing::new(signed);
        let tag = self.mac(signed.as_bytes(), at)?.tag;
        let text = Zeroizing::new(format!("{}.{}", signed.as_str(), URL_SAFE_NO_PAD.encode(tag)));
        Ok(SessionToken(SecretString::from(text.as_str())))
    }
}

/// Starts unlike a refresh token, so that neither passes for the other.
fn csrf_message(kid: &str, session: &SessionId) -> String {
    format!("{CSRF}{kid}.{session}")
}

/// What the tag is over, and the tag.
fn split(text: &str) -> Option<(&str, [u8; 32])> {
    if text.len() > MAX_LENGTH {
        return None;
    }
    let (signed, tag) = text.rsplit_once('.')?;
    let tag = URL_SAFE_NO_PAD.decode(tag).ok()?;
    Some((signed, tag.try_into().ok()?))
}

#[cfg(test)]
mod tests;
