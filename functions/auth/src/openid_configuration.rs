//! `GET /.well-known/openid-configuration`: where the keys are and what stands in a token (OpenID Connect Discovery 1.0,
//! RFC 8414). It says what is served here and nothing else: there is no authorization endpoint, so the lists of what one
//! could do there are empty, where leaving them out would mean their defaults.

use http::header::CACHE_CONTROL;
use lambda::http::{Access, Cx, Json, Policy, Problem, Rate, Reply, Route};
use serde::Serialize;
use utoipa::ToSchema;

use crate::jwks::Deps;

/// As for the keys that it points to.
const CACHING: &str = "public, max-age=300";

/// What is served.
#[derive(Serialize, ToSchema)]
#[schema(as = OpenidConfiguration)]
pub struct Answer {
    /// The `iss` of every token.
    #[schema(example = "https://api.example.com")]
    issuer: String,
    /// The keys that tokens are checked with.
    #[schema(example = "https://api.example.com/.well-known/jwks.json")]
    jwks_uri: String,
    /// Where a person reads on.
    #[schema(example = "https://api.example.com/docs")]
    service_documentation: String,
    response_types_supported: [&'static str; 0],
    grant_types_supported: [&'static str; 0],
    subject_types_supported: [&'static str; 1],
    claims_supported: [&'static str; 10],
}

impl Answer {
    fn of(issuer: &str) -> Self {
        Self {
            issuer: issuer.to_owned(),
            jwks_uri: format!("{issuer}/.well-known/jwks.json"),
            service_documentation: format!("{issuer}/docs"),
            response_types_supported: [],
            grant_types_supported: [],
            subject_types_supported: ["public"],
            claims_supported: ["iss", "aud", "sub", "tid", "sid", "role", "exp", "iat", "jti", "act"],
        }
    }
}

/// The route.
pub struct OpenidConfiguration;

impl Route for OpenidConfiguration {
    const POLICY: Policy = Policy::read(
        "auth-openid-configuration",
        "Get the issuer, where its keys are, and what its tokens say",
        "/.well-known/openid-configuration",
        Access::Anonymous,
        Rate::General,
    );
    type Deps = Deps;
    type Body = ();
    type Answer = Json<Answer>;
    type Error = Problem;

    async fn handle(deps: &Deps, _: Cx, (): ()) -> Result<Reply<Self::Answer>, Problem> {
        Ok(Reply::json(Answer::of(&deps.issuer)).header(CACHE_CONTROL, CACHING))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nothing_is_claimed_that_is_not_served() {
        let expected = json!({
            "issuer": "https://api.example.com",
            "jwks_uri": "https://api.example.com/.well-known/jwks.json",
            "service_documentation": "https://api.example.com/docs",
            "response_types_supported": [], "grant_types_supported": [], "subject_types_supported": ["public"],
            "claims_supported": ["iss", "aud", "sub", "tid", "sid", "role", "exp", "iat", "jti", "act"],
        });
        assert_eq!(serde_json::to_value(Answer::of("https://api.example.com")).unwrap(), expected);
    }
}
