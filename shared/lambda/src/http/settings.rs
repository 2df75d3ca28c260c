//! The door's configuration, from the stage's parameters in the template.

use http::HeaderValue;

use super::client_address::Proxies;
use crate::{Env, StartError};

/// `max-age` of one year; the preload list asks for the directive and a year.
const HSTS: &str = "max-age=31536000; includeSubDomains";
const HSTS_PRELOAD: &str = "max-age=31536000; includeSubDomains; preload";

/// What the door does the same for every route.
pub(crate) struct Settings {
    /// Refuse what did not come over TLS.
    pub require_https: bool,
    /// The value of `Strict-Transport-Security`.
    pub hsts: &'static str,
    /// Whose word on the client's address counts.
    pub proxies: Proxies,
    origins: Vec<HeaderValue>,
}

impl Settings {
    /// Reads `REQUIRE_HTTPS`, `HSTS_PRELOAD`, `TRUSTED_PROXIES` and `ALLOWED_ORIGINS`.
    ///
    /// # Errors
    /// [`StartError`]: an origin that is not one, or `*`; a network that is none; whatever only the local stack may do without, in
    /// another stage.
    pub(crate) fn from_env(env: &Env) -> Result<Self, StartError> {
        let origins = env.list("ALLOWED_ORIGINS").iter().map(|o| origin(o)).collect::<Result<_, _>>()?;
        let require_https = env.requires_https()?;
        // Of every function behind the API, also of those that have no use for it: a stage is weak as a whole.
        env.requires_platform_mfa()?;
        env.private_issuer()?;
        let hsts = if env.optional("HSTS_PRELOAD") == Some("true") { HSTS_PRELOAD } else { HSTS };
        Ok(Self { require_https, hsts, proxies: Proxies::from_env(env)?, origins })
    }

    /// The origin, if it is on the list, to the letter.
    pub(crate) fn allowed_origin(&self, origin: &str) -> Option<&HeaderValue> {
        self.origins.iter().find(|allowed| allowed.as_bytes() == origin.as_bytes())
    }
}

fn origin(text: &str) -> Result<HeaderValue, StartError> {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let exact = host.is_some_and(|h| !h.is_empty() && !h.contains(['/', '*', '?', '#', '@', ' ']));
    let invalid = || StartError::Invalid {
        name: "ALLOWED_ORIGINS",
        reason: "each entry is a scheme, a host and perhaps a port: https://app.example.com".into(),
    };
    if exact { HeaderValue::from_str(text).map_err(|_| invalid()) } else { Err(invalid()) }
}
