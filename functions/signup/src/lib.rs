//! Signing up: ask for a tenant, see whether a name is free, follow the provisioning, try again.

pub mod create;
pub mod retry;
pub mod status;
pub mod subdomain;

use lambda::Function;

/// `POST /api/v1/tenants`
pub const CREATE: Function = Function::http::<(create::Create,)>("signup-create");
/// `GET /api/v1/subdomains/{name}`
pub const SUBDOMAIN: Function = Function::http::<(subdomain::Availability,)>("signup-subdomain");
/// `GET /api/v1/tenants/{tenant_id}/status`
pub const STATUS: Function = Function::http::<(status::Status,)>("signup-status");
/// `POST /api/v1/tenants/{tenant_id}/retry`
pub const RETRY: Function = Function::http::<(retry::Retry,)>("signup-retry");

/// Every function of the group.
pub const FUNCTIONS: &[&Function] = &[&CREATE, &SUBDOMAIN, &STATUS, &RETRY];
