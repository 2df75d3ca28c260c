//! Provisioning: the steps of `statemachines/tenant-provisioning.asl.json`, each with its undo, one file per step; and the
//! removal of what they made, which runs the same undos ([`removal`]).
//!
//! Every step goes the same way ([`journal`]): begin (the record says that it runs), work, finish (the record says how it
//! ended, in one transaction with what it made in the store). Delivered twice, the second delivery finds the record.
//! What a step makes outside the store is named after tenant and attempt, so that making it again finds it, and an undo
//! cannot reach another attempt's.

pub mod activate;
pub mod configure_domain;
pub mod create_database;
pub mod deploy_stack;
mod deployer;
pub mod deployment_callback;
pub mod generate_secrets;
pub mod health_check;
mod journal;
pub mod record_failure;
pub mod record_orphan;
pub mod removal;
pub mod resend_welcome;
pub mod run_migrations;
pub mod seed_admin;
pub mod send_welcome;
pub mod sweep;
pub mod validate_request;
mod welcome;

use lambda::Function;

/// Checks the request against the store once more, and keeps the outbox's promise.
pub const VALIDATE_REQUEST: Function =
    Function::step::<validate_request::ValidateRequest>("provisioning-validate-request");
/// The tenant's partition, or its own table.
pub const CREATE_DATABASE: Function = Function::step::<create_database::CreateDatabase>("provisioning-create-database");
/// The tenant's four secrets.
pub const GENERATE_SECRETS: Function =
    Function::step::<generate_secrets::GenerateSecrets>("provisioning-generate-secrets");
/// The application plane, by a deployer.
pub const DEPLOY_STACK: Function = Function::step::<deploy_stack::DeployStack>("provisioning-deploy-stack");
/// `POST /api/v1/tenants/{tenant_id}/deployment`
pub const DEPLOYMENT_CALLBACK: Function =
    Function::http::<(deployment_callback::Callback,)>("provisioning-deployment-callback");
/// The tenant's host name.
pub const CONFIGURE_DOMAIN: Function =
    Function::step::<configure_domain::ConfigureDomain>("provisioning-configure-domain");
/// The tenant's schema, to the current version.
pub const RUN_MIGRATIONS: Function = Function::step::<run_migrations::RunMigrations>("provisioning-run-migrations");
/// The first admin.
pub const SEED_ADMIN: Function = Function::step::<seed_admin::SeedAdmin>("provisioning-seed-admin");
/// Reads everything back.
pub const HEALTH_CHECK: Function = Function::step::<health_check::HealthCheck>("provisioning-health-check");
/// READY.
pub const ACTIVATE: Function = Function::step::<activate::Activate>("provisioning-activate");
/// The welcome mail.
pub const SEND_WELCOME: Function = Function::step::<send_welcome::SendWelcome>("provisioning-send-welcome");
/// `POST /api/v1/tenants/{tenant_id}/resend-welcome`
pub const RESEND_WELCOME: Function = Function::http::<(resend_welcome::ResendWelcome,)>("provisioning-resend-welcome");
/// FAILED, with the cause.
pub const RECORD_FAILURE: Function = Function::step::<record_failure::RecordFailure>("provisioning-record-failure");
/// What could not be undone.
pub const RECORD_ORPHAN: Function = Function::step::<record_orphan::RecordOrphan>("provisioning-record-orphan");
/// The point of no return.
pub const BEGIN_REMOVAL: Function = Function::task::<removal::begin::BeginRemoval>("provisioning-begin-removal");
/// What there is of the tenant, before any of it is removed.
pub const EXPORT: Function = Function::task::<removal::export::Export>("provisioning-export");
/// Members, their sessions, and who belongs nowhere else.
pub const REMOVE_MEMBERS: Function = Function::task::<removal::members::RemoveMembers>("provisioning-remove-members");
/// The rest of the tenant's partition.
pub const PURGE_ITEMS: Function = Function::task::<removal::purge::PurgeItems>("provisioning-purge-items");
/// ARCHIVED, with a receipt.
pub const ARCHIVE: Function = Function::task::<removal::archive::Archive>("provisioning-archive");
/// Starts what a crash left unstarted, and removals that are due.
pub const SWEEP: Function = Function::job::<sweep::Sweep>("provisioning-sweep");

/// Every function of the group.
pub const FUNCTIONS: &[&Function] = &[
    &VALIDATE_REQUEST,
    &CREATE_DATABASE,
    &GENERATE_SECRETS,
    &DEPLOY_STACK,
    &DEPLOYMENT_CALLBACK,
    &CONFIGURE_DOMAIN,
    &RUN_MIGRATIONS,
    &SEED_ADMIN,
    &HEALTH_CHECK,
    &ACTIVATE,
    &SEND_WELCOME,
    &RESEND_WELCOME,
    &RECORD_FAILURE,
    &RECORD_ORPHAN,
    &BEGIN_REMOVAL,
    &EXPORT,
    &REMOVE_MEMBERS,
    &PURGE_ITEMS,
    &ARCHIVE,
    &SWEEP,
];
