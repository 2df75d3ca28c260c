//! The HTTP side of the door.
//!
//! A request passes, in this order ([`service`]): request id, HTTPS rule, route, caller ([`caller`]), policy
//! ([`policy`]), rate limits ([`gate`]), body type and shape ([`body`]), handler ([`route`]), headers ([`headers`]), one log line.
//! Whatever goes wrong on the way is a [`Problem`].

mod body;
mod caller;
mod client_address;
mod cookie;
mod csrf;
mod gate;
mod headers;
mod idempotency;
mod internal;
mod list;
mod meter;
mod path;
mod policy;
mod problem;
mod reply;
mod route;
mod service;
mod settings;
mod signature;
mod standing;
mod step_up;
mod throttle;

pub use body::{Body, Described, Errors, Field, Json, Unknown};
pub use caller::{Authenticator, BOOTSTRAP_PRESENT, Caller, Member, Service, WARNING, unauthenticated};
pub use cookie::{REFRESH_COOKIE, refresh_cookie};
pub use idempotency::IdempotencyKey;
pub use list::{DEFAULT_LIMIT, Filter, Listing, MAX_LIMIT, cursor, not_a_cursor, uncursor};
pub use meter::Callers;
pub(crate) use policy::Of;
pub use policy::{Access, BODY_LIMIT, Csrf, Idempotency, Policy, Rate, Scope, StepUp, UNMATCHED};
pub use problem::{Kind as ProblemKind, Problem, kinds};
pub use reply::{Answer, Page, Reply};
pub use route::{Cx, Route, Routes};
pub use service::HttpService;
pub use throttle::{Pass, Throttle};
