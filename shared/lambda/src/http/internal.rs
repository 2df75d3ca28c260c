//! The gate of operational routes: `X-Internal-Secret`, the current one or the one before it (REQUIREMENTS.md R19), or a
//! signature under it (R20). Those that do harm in the wrong hands take a signature alone: it is of this one call, and of no
//! other.

use http::{HeaderMap, HeaderName};
use jiff::Timestamp;
use secrets::{Cached, InternalSecret, Secrets};
use store::Limits;

use super::{
    policy::{Access, Policy},
    problem::{Problem, kinds},
    signature::{self, FRESH, KEY, Message},
};
use crate::{Env, StartError};

const HEADER: HeaderName = HeaderName::from_static("x-internal-secret");

/// Compares what is sent with the secret in use.
pub(super) struct Guard {
    secret: Cached<InternalSecret>,
    nonces: Limits,
}

impl Guard {
    /// Only where a route is internal. A secret that is missing or weak stops the function here.
    pub(super) async fn from_env(env: &Env, policies: &[&Policy]) -> Result<Option<Self>, StartError> {
        if policies.iter().all(|policy| !policy.access.is_internal()) {
            return Ok(None);
        }
        let id = env.required("INTERNAL_SECRET")?;
        let secret = Cached::new(Secrets::new(&env.sdk), id, env.clock.clone(), InternalSecret::parse);
        secret.get().await?;
        Ok(Some(Self { secret, nonces: env.limits()? }))
    }

    /// 403 without proof or with another, and 500 where there is no secret to compare with. A signature costs a write.
    pub(super) async fn admit(&self, access: Access, message: &Message<'_>, now: Timestamp) -> Result<(), Problem> {
        let known = self.secret.get().await?;
        if access == Access::InternalSigned || signature::is_meant(message.headers) {
            return self.admit_signed(&known, message, now).await;
        }
        let sent = sent(message.headers).ok_or_else(|| Problem::new(&kinds::INTERNAL_SECRET_REFUSED))?;
        // The caller may have the secret of a rotation that this function has not heard of.
        let accepted = known.accepts(sent) || self.secret.refresh_now().await?.accepts(sent);
        if accepted { Ok(()) } else { Err(Problem::new(&kinds::INTERNAL_SECRET_REFUSED)) }
    }

    async fn admit_signed(&self, known: &InternalSecret, message: &Message<'_>, now: Timestamp) -> Result<(), Problem> {
        let refused = |why: &str| Problem::new(&kinds::SIGNATURE_REFUSED).detail(why);
        let presented = signature::presented(message, now).map_err(refused)?;
        let (base, tag) = (presented.base.as_bytes(), &presented.signature);
        if !known.signed(base, tag) && !self.secret.refresh_now().await?.signed(base, tag) {
            return Err(refused("the signature is not that of this request"));
        }
        // Twice as long as anything is fresh, for `created` may lie ahead.
        let until = now.saturating_add(FRESH * 2).unwrap_or(Timestamp::MAX);
        // Only what is signed reaches the store. Where it cannot be asked, nobody is let in.
        match self.nonces.use_nonce(KEY, &presented.nonce, until).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(refused("the nonce was used before")),
            Err(error) => Err(Problem::unavailable(error)),
        }
    }
}

/// The secret that is sent, if one is.
fn sent(headers: &HeaderMap) -> Option<&[u8]> {
    let mut sent = headers.get_all(HEADER).iter();
    let (first, more) = (sent.next()?, sent.next());
    Some(first.as_bytes()).filter(|secret| more.is_none() && !secret.is_empty())
}
