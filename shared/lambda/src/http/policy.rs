//! A route's policy: a constant beside its handler, which the template, the OpenAPI document and the caller table are
//! held against.

use domain::Permission;
use http::Method;

/// The largest body any route takes: 1 MiB.
pub const BODY_LIMIT: usize = 1024 * 1024;

/// The path of the route that takes what no other route of the API takes, by any method; API Gateway calls it so too.
pub const UNMATCHED: &str = "$default";

/// Everything the door has to know about a route before its handler runs.
#[derive(Debug)]
pub struct Policy {
    /// OpenAPI `operationId`, and the route's name in the log.
    pub operation: &'static str,
    /// One line for the API's documentation.
    pub summary: &'static str,
    /// HTTP method; of [`UNMATCHED`] it says nothing.
    pub method: Method,
    /// Path as the template writes it, with `{parameters}`; or [`UNMATCHED`].
    pub path: &'static str,
    /// Who may call it. Nobody, until this says so.
    pub access: Access,
    /// Which rate limit counts it.
    pub rate: Rate,
    /// Largest body in bytes; more is a 413.
    pub body_limit: usize,
    /// Whether a cookie-authenticated call needs a CSRF token.
    pub csrf: Csrf,
    /// Whether `Idempotency-Key` is understood.
    pub idempotency: Idempotency,
    /// The status of a success.
    pub success: u16,
    /// The codes of the problems that its handler can answer, beside the door's own.
    pub problems: &'static [&'static crate::http::ProblemKind],
}

impl Policy {
    /// The policy of a route that only reads: GET, no body, nothing to protect from a forged request.
    pub const fn read(
        operation: &'static str,
        summary: &'static str,
        path: &'static str,
        access: Access,
        rate: Rate,
    ) -> Self {
        Self {
            operation,
            summary,
            method: Method::GET,
            path,
            access,
            rate,
            body_limit: 0,
            csrf: Csrf::Exempt("changes nothing"),
            idempotency: Idempotency::NotNeeded,
            success: 200,
            problems: &[],
        }
    }
}

/// The policy of a route by reference, for the program's whole life.
pub(crate) struct Of<R>(std::marker::PhantomData<R>);

impl<R: crate::http::Route> Of<R> {
    pub(crate) const POLICY: &'static Policy = &R::POLICY;
}

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody.
    Anonymous,
    /// Anybody with a valid session, an impersonator too.
    SignedIn,
    /// Anybody with a valid session of their own: what nobody does in another's place.
    InPerson,
    /// The bearer of the status token of the tenant in the path, or a session with this permission.
    StatusToken {
        /// For members of the tenant in the path, and platform roles.
        or: Permission,
    },
    /// A session whose role has this permission, in this scope.
    Permission(Permission, Scope),
    /// As [`Access::SignedIn`], or with the permission as [`Access::Permission`]; and by a recent proof (RFC 9470): what a
    /// stolen session must not do.
    SteppedUp {
        /// What has to be recent.
        by: StepUp,
        /// What the role has to have, if anything.
        permission: Option<(Permission, Scope)>,
    },
    /// Anybody with a valid session, or the bearer of the token of a sign-in that waits for its second factor. Whether it
    /// still waits is decided by the store's one read.
    SigningIn {
        /// What has to be recent in a session, if anything.
        by: Option<StepUp>,
    },
    /// The bearer of a token for this one thing, sent in the body; the handler uses it up. It opens no other route, and a
    /// session does not open this one.
    OneTimeToken,
    /// Operational calls, by `X-Internal-Secret` (REQUIREMENTS.md R19).
    Internal,
    /// Operational calls that do harm in the wrong hands: by a signature over the request (RFC 9421) alone, each of which works
    /// once (R20).
    InternalSigned,
    /// The deployer, by its signature over the body (Standard Webhooks); the handler checks it.
    Signature,
}

impl Access {
    /// Whether only who knows the internal secret is let in.
    pub(crate) const fn is_internal(self) -> bool {
        matches!(self, Self::Internal | Self::InternalSigned)
    }
}

/// Whose things a permission is for. To a member of another tenant the tenant in a path does not exist (404).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The caller's own tenant: a tenant in the path must be it. Platform roles have none.
    Own,
    /// The caller's own tenant, or for a platform role any.
    Tenant,
    /// All tenants, or none in particular. No tenant's role reaches it, whatever it allows in the tenant.
    Platform,
}

/// What has to have been shown within [`RECENT`](domain::second_factor::RECENT).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepUp {
    /// The second factor, by who has one. For routes that ask for the password themselves.
    Factor,
    /// The second factor, by who has one; by who has none the password, in a sign-in.
    FactorOrPassword,
}

/// Classes of rate limit (REQUIREMENTS.md R15), with the numbers that the template ships. What counts as whom is written in
/// `gate.rs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rate {
    /// 3 per minute and client. Exact, by the door.
    Signup,
    /// 20 per minute. By the door.
    Status,
    /// 5 failures per 15 minutes. Exact, by the handler, which knows what a failure is.
    Auth,
    /// 3 per hour, by address and by client. Exact, by the handler.
    Reset,
    /// As [`Rate::General`] for a session that goes on, and as [`Rate::Auth`] for one that has ended; by the handler, which
    /// reads whose session it is from the token.
    Refresh,
    /// 100 per 15 minutes and client on anonymous routes, 1 000 for a caller otherwise, and the plan's calls per hour for
    /// their tenant. By the door.
    General,
    /// Not limited, for this reason.
    Unlimited(&'static str),
}

/// The CSRF rule of a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Csrf {
    /// A cookie-authenticated call needs a token.
    Required,
    /// It does not, for this reason.
    Exempt(&'static str),
}

/// Whether a route understands `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Idempotency {
    /// The method is idempotent already, or repeating it does no harm.
    NotNeeded,
    /// Understood where sent.
    Optional,
}
