//! The door: everything between AWS Lambda and a handler.
//!
//! A function is a constant ([`Function`]): its name in the template and the routes, step or job that it serves. The
//! same constant runs under the Lambda Runtime API ([`main`]) and inside the local stack, which calls
//! [`Function::start`] with its own [`Env`].
//!
//! What a request passes, in order: request id, HTTPS rule, route, body size, caller, policy, rate limits, body, handler,
//! headers, one log line. See [`http`].

pub mod access_token;
mod announcer;
mod aws;
pub mod eddsa;
mod env;
mod event;
mod function;
pub mod http;
pub mod openapi;
mod public_keys;
mod rotation;
pub mod standard_webhooks;
mod telemetry;
mod unavailable;

pub use announcer::Announcer;
pub use env::{Env, FromEnv, StartError};
pub use event::{EventService, Fault, Job, Step, Task};
pub use function::{Function, Kind, Running, Served, main};
pub use public_keys::PublicKeys;
pub use rotation::Rotates;
pub use telemetry::{Level, init as init_telemetry};
pub use unavailable::unavailable;
