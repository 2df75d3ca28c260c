//! The gate of operational routes: `X-Internal-Secret`, the current one or the one before it (REQUIREMENTS.md R19).

use http::{HeaderMap, HeaderName};
use secrets::{Cached, InternalSecret, Secrets};

use super::{
    policy::{Access, Policy},
    problem::{Problem, kinds},
};
use crate::{Env, StartError};

const HEADER: HeaderName = HeaderName::from_static("x-internal-secret");

/// Compares what is sent with the secret in use.
pub(super) struct Guard {
    secret: Cached<InternalSecret>,
}

impl Guard {
    /// Only where a route is internal. A secret that is missing or weak stops the function here.
    pub(super) async fn from_env(env: &Env, policies: &[&Policy]) -> Result<Option<Self>, StartError> {
        if policies.iter().all(|policy| policy.access != Access::Internal) {
            return Ok(None);
        }
        let id = env.required("INTERNAL_SECRET")?;
        let secret = Cached::new(Secrets::new(&env.sdk), id, env.clock.clone(), InternalSecret::parse);
        secret.get().await?;
        Ok(Some(Self { secret }))
    }

    /// 403 without the secret or with another, and 500 where there is none to compare with.
    pub(super) async fn admit(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let mut sent = headers.get_all(HEADER).iter();
        let (sent, more) = (sent.next().map_or(&[][..], |sent| sent.as_bytes()), sent.next());
        let known = self.secret.get().await?;
        if more.is_some() || sent.is_empty() {
            return Err(Problem::new(&kinds::INTERNAL_SECRET_REFUSED));
        }
        // The caller may have the secret of a rotation that this function has not heard of.
        let accepted = known.accepts(sent) || self.secret.refresh_now().await?.accepts(sent);
        if accepted { Ok(()) } else { Err(Problem::new(&kinds::INTERNAL_SECRET_REFUSED)) }
    }
}
