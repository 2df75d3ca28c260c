//! Keys by which a tenant's services call the API (REQUIREMENTS.md R18): what they look like, what they may do, how long.
//!
//! A key is the tenant's and nobody's in particular: it stays when the person who made it goes, as the service that has it
//! does. So it may do less than any person who can make one, see [`scopes`](ApiKeyScopes), and ends by itself.

mod scopes;
mod secrets;
mod token;

pub use scopes::{ApiKeyScopes, GRANTABLE};
pub use secrets::{ApiKeySecrets, FormerSecret, calls_per_hour, grace, lifetime};
pub use token::{ApiKey, ApiKeyKind};
