//! Errors as RFC 9457 `application/problem+json`.
//!
//! Two messages each: what the caller may know (`title`, `detail`, `errors`), and what the log keeps (`source`).
//! Every code is a constant in [`kinds`], so that the documentation page that `type` resolves to is complete.

use domain::{FieldError, Plan, Quota};
use http::{
    HeaderName, HeaderValue, StatusCode,
    header::{ALLOW, RETRY_AFTER},
};
use serde::Serialize;

use super::reply::Parts;

/// One kind of problem.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    /// Stable, for programs.
    pub code: &'static str,
    /// HTTP status.
    pub status: u16,
    /// Short and constant, for people.
    pub title: &'static str,
    /// For the documentation: when it happens and what to do.
    pub remedy: &'static str,
}

/// A problem to answer with.
#[derive(Debug)]
pub struct Problem {
    pub(crate) kind: &'static Kind,
    pub(crate) detail: Option<String>,
    pub(crate) errors: Vec<FieldError>,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    /// For the log, never for the caller.
    pub(crate) source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// The document (RFC 9457 section 3, with `code`, `request_id` and `errors` as extension members).
#[derive(Serialize)]
struct Document<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    code: &'a str,
    request_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldError],
}

impl Problem {
    /// A problem of this kind.
    pub fn new(kind: &'static Kind) -> Self {
        Self { kind, detail: None, errors: Vec::new(), headers: Vec::new(), source: None }
    }

    /// What the caller may know of this occurrence.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// What the log keeps.
    #[must_use]
    pub fn source(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }

    /// 405 with the methods that the path does take, as RFC 9110 section 15.5.6 asks.
    pub fn method_not_allowed(methods: &[&str]) -> Self {
        let problem = Self::new(&kinds::METHOD_NOT_ALLOWED);
        match HeaderValue::from_str(&methods.join(", ")) {
            Ok(methods) => problem.header(ALLOW, methods),
            Err(_) => problem,
        }
    }

    /// 503 with `Retry-After`: a dependency is down or throttles, and the SDK's own retries are used up.
    pub fn unavailable(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        let problem = Self { source: Some(source.into()), ..Self::new(&kinds::UNAVAILABLE) };
        problem.header(RETRY_AFTER, HeaderValue::from_static("1"))
    }

    /// 409: of what the plan counts there is as much as it allows.
    pub fn plan_full(plan: Plan, of: Quota) -> Self {
        Self::new(&kinds::PLAN_LIMIT).detail(format!("the plan {plan} allows {} {}", plan.most(of), of.words()))
    }

    /// A header of the answer, such as `Retry-After`.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// 422 with every field that breaks a rule.
    pub fn fields(errors: Vec<FieldError>) -> Self {
        Self { errors, ..Self::new(&kinds::INVALID_FIELDS) }
    }

    /// The kind's stable code.
    pub fn code(&self) -> &'static str {
        self.kind.code
    }

    pub(crate) fn into_parts(self, request_id: &str) -> Parts {
        let document = Document {
            r#type: format!("/docs#{}", self.kind.code),
            title: self.kind.title,
            status: self.kind.status,
            code: self.kind.code,
            request_id,
            detail: self.detail.as_deref(),
            errors: &self.errors,
        };
        let status = StatusCode::from_u16(self.kind.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&document).unwrap_or_default();
        Parts { status, content_type: "application/problem+json", body, headers: self.headers }
    }
}

impl From<store::StoreError> for Problem {
    /// What is left of a store's error once the handler has taken the cases that mean something to it.
    fn from(error: store::StoreError) -> Self {
        if error.is_retryable() { Self::unavailable(error) } else { Self::new(&kinds::INTERNAL).source(error) }
    }
}

impl From<secrets::SecretError> for Problem {
    fn from(error: secrets::SecretError) -> Self {
        if error.is_retryable() { Self::unavailable(error) } else { Self::new(&kinds::INTERNAL).source(error) }
    }
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $status:literal $code:literal $title:literal $remedy:literal;)*) => {
        /// Every kind of problem there is.
        pub mod kinds {
            use super::Kind;
            $($(#[$doc])* pub static $name: Kind = Kind { code: $code, status: $status, title: $title, remedy: $remedy };)*
            /// All of them, by status and then in order of appearance.
            pub static ALL: &[&Kind] = &[$(&$name),*];
        }
    };
}

kinds! {
    /// The body is not JSON, or says a key twice.
    MALFORMED_JSON = 400 "malformed_json" "The body is not valid JSON" "Send one JSON object, each key once, at most 32 levels deep.";
    /// A header does not parse.
    INVALID_HEADER = 400 "invalid_header" "A header is not valid" "The detail names the header and its rule.";
    /// A query parameter does not parse.
    INVALID_QUERY = 400 "invalid_query" "A query parameter is not valid" "The detail names the parameter and its rule.";
    /// No credentials, or none that hold.
    UNAUTHENTICATED = 401 "unauthenticated" "The call needs valid credentials" "Send `Authorization: Bearer …` with a token that has not expired or been revoked.";
    /// The proof of who calls is too old for this (RFC 9470 section 3).
    STEP_UP_REQUIRED = 401 "insufficient_user_authentication" "The call needs a recent proof of who you are" "Show your second factor with POST /api/v1/auth/mfa/verify and call again within ten minutes; without a second factor, sign in again.";
    /// Sign-in refused; says no more on purpose.
    INVALID_CREDENTIALS = 401 "invalid_credentials" "E-mail address or password is wrong" "Check both. The answer is the same for an unknown address.";
    /// A refresh token that is not ours, used up, or of a session that has ended; says no more on purpose.
    INVALID_REFRESH_TOKEN = 401 "invalid_refresh_token" "The refresh token is not valid" "Sign in again. A token works once; a repeat works for ten seconds.";
    /// A signature does not hold.
    INVALID_SIGNATURE = 401 "invalid_signature" "The signature is not valid" "Sign `id.timestamp.body` with the shared secret, within five minutes of now (Standard Webhooks).";
    /// The role lacks the permission.
    FORBIDDEN = 403 "forbidden" "The caller may not do this" "Ask whoever gave the role, or made the API key, for the permission.";
    /// Somebody acts in another's place.
    IMPERSONATED = 403 "impersonated" "Nobody does this in another's place" "The member has to do it: an impersonator changes no password, second factor, key, membership or session, and sees no vault.";
    /// `X-Tenant-ID` differs from the token's tenant.
    TENANT_MISMATCH = 403 "tenant_mismatch" "X-Tenant-ID is not the token's tenant" "Leave the header out: the tenant comes from the token.";
    /// Plain HTTP.
    HTTPS_REQUIRED = 403 "https_required" "Plain HTTP is refused" "Call the same path over HTTPS. There is no redirect, so that a credential is not sent in the clear twice.";
    /// An Origin that is not on the list.
    ORIGIN_REFUSED = 403 "origin_refused" "The origin is not allowed" "Add the exact origin to the stack's AllowedOrigins parameter.";
    /// A call with the refresh cookie that the page cannot show to be its own.
    CSRF_REFUSED = 403 "csrf_refused" "The CSRF token is missing or not this session's" "Send the `csrf_token` of the last login or refresh as `X-CSRF-Token`.";
    /// An operational call without the internal secret, or with another.
    INTERNAL_SECRET_REFUSED = 403 "internal_secret_refused" "The call needs the internal secret" "Send `current` of the stack's secret internal-secret as `X-Internal-Secret`. After a rotation the one before it is accepted too.";
    /// An operational call whose signature is missing, incomplete, old, used before or wrong.
    SIGNATURE_REFUSED = 403 "signature_refused" "The call needs a signature of its own" "Sign the call by RFC 9421 with hmac-sha256 and the internal secret, keyid `internal`, with a new nonce and a new signature for each. The detail says what is wrong.";
    /// A platform role without a second factor.
    SECOND_FACTOR_REQUIRED = 403 "second_factor_required" "A platform role needs a second factor" "Sign in again, and enrol one or show it. The stack's parameter RequirePlatformMfa turns the rule off.";
    /// A code that is wrong, too old or used; says no more on purpose. Not a 401: the credentials of the call are good.
    INVALID_SECOND_FACTOR = 403 "invalid_second_factor" "The code is not valid" "Send the code that the authenticator shows now, or a recovery code. Each works once.";
    /// Not there, or not for the caller to know.
    NOT_FOUND = 404 "not_found" "There is no such thing here" "Check the path. Things of other tenants answer the same.";
    /// The route exists for other methods.
    METHOD_NOT_ALLOWED = 405 "method_not_allowed" "The path does not take this method" "See /openapi.json.";
    /// The subdomain belongs to somebody, or did.
    SUBDOMAIN_TAKEN = 409 "subdomain_taken" "The subdomain is taken" "Choose another; GET /api/v1/subdomains/{name} says whether it is free.";
    /// The tenant is not in a state for this.
    WRONG_STATE = 409 "wrong_state" "The tenant is not in a state for this" "Read its status; the detail says which state the call needs.";
    /// Nothing moves a tenant's data.
    ISOLATION_CHANGE = 409 "isolation_change" "The plan keeps data in another way" "Starter and professional live in the pool, enterprise in a silo, and nothing moves a tenant between them. Sign up for the other plan and move the data.";
    /// Nobody else could run the platform.
    OTHER_ADMIN_REQUIRED = 409 "other_admin_required" "No other super admin has signed in" "Invite one with POST /api/v1/admin/platform-users, let them sign in, and call again.";
    /// The person runs the platform already.
    HAS_PLATFORM_ROLE = 409 "has_platform_role" "The person has a platform role" "A person has one platform role; nothing was changed and no mail sent.";
    /// The plan has no room for it.
    PLAN_LIMIT = 409 "plan_limit" "The plan allows no more" "The detail says what it limits. Make room, or change the plan.";
    /// Nobody would answer for the tenant.
    LAST_OWNER = 409 "last_owner" "A tenant has an owner" "Make somebody else an owner first.";
    /// The address belongs to a member of the tenant.
    ALREADY_MEMBER = 409 "already_member" "The person is a member already" "Change their role with PATCH /api/v1/tenants/{tenant_id}/members/{user_id}.";
    /// The request was done before, and its answer held a secret.
    ALREADY_MADE = 409 "already_made" "An earlier request with this Idempotency-Key made it" "Its secret was shown once and is kept nowhere. The detail names what was made: rotate it to get another secret, or delete it and send the request with a new key.";
    /// The address was invited to the tenant.
    ALREADY_INVITED = 409 "already_invited" "The address is invited already" "Send the mail again, or withdraw the invitation and make another.";
    /// No function rotates the secret.
    NOT_ROTATED = 409 "not_rotated" "The secret has no rotation" "No function rotates it: `rotates` of the secret says so. Replace it by hand, as docs/secrets.md says.";
    /// A rotation has not ended yet.
    ROTATION_UNDER_WAY = 409 "rotation_under_way" "A rotation of the secret is under way" "Look again with GET /api/v1/admin/secrets/{name}. One that failed is tried again by Secrets Manager.";
    /// One second factor at a time.
    HAS_SECOND_FACTOR = 409 "has_second_factor" "There is a second factor already" "Remove it first with DELETE /api/v1/auth/mfa/totp.";
    /// There is nothing to show, confirm, renew or remove.
    NO_SECOND_FACTOR = 409 "no_second_factor" "There is no second factor for this" "Enrol one with POST /api/v1/auth/mfa/totp, and confirm it with a code.";
    /// The same idempotency key is being worked on.
    IN_FLIGHT = 409 "in_flight" "The first request with this Idempotency-Key is still running" "Send the same request again after a moment.";
    /// The version sent is not the current one.
    VERSION_CONFLICT = 409 "version_conflict" "Somebody else changed it first" "Read it again and send the change with the new version.";
    /// As many names as the vault takes.
    VAULT_FULL = 409 "vault_full" "The vault has as many names as it may" "Delete a name; the detail says how many there may be. New versions of names that are there are taken.";
    /// Nobody waits on the token.
    NOBODY_WAITS = 409 "nobody_waits" "Nothing waits for this answer" "The task token was answered before, timed out, or is not known.";
    /// The body is larger than the route takes.
    BODY_TOO_LARGE = 413 "body_too_large" "The body is too large" "Send at most the number of bytes that the detail names.";
    /// Not `application/json`.
    UNSUPPORTED_MEDIA_TYPE = 415 "unsupported_media_type" "The content type is not supported" "Send `Content-Type: application/json`.";
    /// Fields break rules.
    INVALID_FIELDS = 422 "invalid_fields" "Some fields are not valid" "`errors` names every broken field by JSON pointer (RFC 6901), with its rule.";
    /// The idempotency key was used for another body.
    IDEMPOTENCY_MISMATCH = 422 "idempotency_mismatch" "The Idempotency-Key was used for another request" "Use a new key for a new request.";
    /// The activation link is used, expired or unknown.
    INVALID_ACTIVATION = 422 "invalid_activation" "The activation link is not valid" "It works once, for 72 hours. Ask for a new welcome mail.";
    /// The reset link is used, replaced, expired or unknown.
    INVALID_RESET = 422 "invalid_reset" "The link to a new password is not valid" "It works once, for 60 minutes, and only the newest one does. Ask for another with POST /api/v1/auth/password/forgot.";
    /// The invitation is used, withdrawn, replaced, expired or unknown.
    INVALID_INVITATION = 422 "invalid_invitation" "The invitation is not valid" "Its link works once, for 7 days, and only the newest one does. Ask whoever invited you for another.";
    /// More tries than the rule allows.
    TOO_MANY_TRIES = 429 "too_many_tries" "Too many tries" "Try again after the seconds in Retry-After. Going on before that puts it off.";
    /// More calls than the rate allows.
    TOO_MANY_REQUESTS = 429 "too_many_requests" "Too many requests" "Try again after the seconds in Retry-After. RateLimit says how many may follow.";
    /// The tenant has made the calls of its plan.
    PLAN_LIMIT_REACHED = 429 "plan_limit_reached" "The calls of this hour are used up" "All people and keys of the tenant share them. Try again after the seconds in Retry-After, or change the plan.";
    /// Something broke on our side.
    INTERNAL = 500 "internal" "Something went wrong here" "It is in our log under the request id. Trying again may help.";
    /// A dependency is down or throttles.
    UNAVAILABLE = 503 "unavailable" "A service that this needs is not available" "Try again after the seconds in Retry-After.";
}
