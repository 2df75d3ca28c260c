//! The store: DynamoDB, one file per aggregate, concrete over the SDK's client.
//!
//! Architecture Invariant: a partition key is built from a typed id or by platform code, here and nowhere else (`keys`).
//! Every change of the business carries its audit entry in the same transaction. A rule that must hold under races is a
//! condition expression, never a read followed by a write.
//!
//! # Access patterns
//!
//! All items but the audit entries are in `core`. Reads: `e` eventually, `s` strongly consistent; a read unit (RCU) is one
//! strong read of 4 KB, half of it if eventual. Writes are transactional, at two write units (WCU) for each KB of each item;
//! the audit entry's 2 are in the sums.
//!
//! | entity | pk / sk | written by | read by | read | write |
//! |---|---|---|---|---|---|
//! | tenant | `T#{tenant}` / `TENANT` | signup, every step | status | e 0.5 RCU | signup 8-16 WCU in all |
//! | | | | steps, retry | s 1 RCU | step 4-10 WCU and its effects |
//! | | | tenant's change, plan, suspension, restoration | the routes below `tenants` | s 1 | 6-8 WCU in all |
//! | tenant, listed | `PLATFORM#TENANTS` / `{tenant}` | signup; every change of status, plan or name | list of tenants, Query | e 0.5 per 4 KB, about 16 tenants; filtered, of at most 8 000 tenants a call | 2, with the change |
//! | tenant's lifecycle | `T#{tenant}` / `LIFECYCLE` | suspension, removal, restoration | the tenant's route, where it is not open | s 1 | 2 |
//! | impersonation | `PLATFORM#IMPERSONATIONS` / `{time}#{session}`, TTL | its start and end | operators, Query: those of the last half hour, or page by page | s 1 or e 0.5 per 4 KB | start 6, end 6 |
//! | receipt | `T#{tenant}` / `RECEIPT` | archive | the tenant's route, once it is archived | s 1 | archive 18 WCU in all |
//! | last export | `T#{tenant}` / `EXPORT` | the removal's export, part by part; deleted by archive | the same, archive | s 1 | 6 |
//! | removal that is due | `PLATFORM#REMOVALS` / `{due}#{tenant}` | removal's order; deleted by restoration, archive | sweeper, Query | s 1 per 4 KB of what is due | 2 |
//! | | | | operational routes, Query of what has been due for long | e 0.5 per 4 KB | - |
//! | signup extras | `T#{tenant}` / `SIGNUP` | signup | nobody yet | - | with signup |
//! | subdomain claim | `SUBDOMAIN#{name}` / `CLAIM` | signup, archive | availability | e 0.5 | 4 |
//! | outbox entry | `OUTBOX#{0..7}` / `{tenant}#{attempt}` | signup, retry; deleted by the first step | sweeper, Query per shard | s 1 per 4 KB | with signup, first step |
//! | idempotency record | `IDEMPOTENCY#{digest}` / `{operation}` | the POST it is for, 24 h | the same: a look, and its refused condition | s 1 | with the POST |
//! | database record | `T#{tenant}` / `DATABASE` | CreateDatabase | its undo, HealthCheck | s 1 | 2, with the step |
//! | tenant secrets | `T#{tenant}` / `SECRETS` | GenerateSecrets | its undo, HealthCheck, the vault | s 1 | 2, with the step |
//! | | | rotation of the pool's secrets, every 90 days | the same, Scan of all of the table | s 1 per 4 KB of the table, a pass a day | 4; 1 for the mark (no transaction) |
//! | pass over the pool's secrets | `PLATFORM#POOL-SECRETS` / `PASS` | the same, every page | the same, hourly | s 1 | 1 (no transaction) |
//! | data key | `T#{tenant}` / `DATA-KEY` | GenerateSecrets, re-seal | its undo, HealthCheck, the vault | s 1 | 2, with the step |
//! | stack record | `T#{tenant}` / `STACK` | DeployStack | its undo, the deployer's callback, HealthCheck | s 1 | 2, with the step |
//! | domain record, host claim | `T#{tenant}` / `DOMAIN`, `HOST#{host}` / `CLAIM` | ConfigureDomain | its undo, HealthCheck | s 1 | 4, with the step |
//! | schema record | `T#{tenant}` / `SCHEMA` | RunMigrations | RunMigrations, HealthCheck | s 1 | 4 with the lease |
//! | closed sign-in | with the identity | a change of the password that a sign-in outran, for 15 s | by the sign-in's condition | - | 1 (no transaction) |
//! | lease | `T#{tenant}` / `LEASE` | RunMigrations | by its conditions | - | 1 to acquire (no transaction) |
//! | orphan | `T#{tenant}` / `ORPHAN#{attempt}#{step}`, `ORPHANS` / `{tenant}#{attempt}#{step}` | an undo that fails | the alarm, Query of the index | e 0.5 per 4 KB | 4, with the step |
//! | mail claim | `T#{tenant}` / `MAIL#{kind}#{n}` | SendWelcome, resend | by its condition | - | 2 |
//! | probe | `T#{tenant}` / `PROBE` (in the tenant's own table for a silo) | HealthCheck | HealthCheck | s 1 | 2 (no transaction) |
//! | identity, e-mail claim | `ID#{identity}` / `IDENTITY`, `EMAIL#{address}` / `CLAIM` | SeedAdmin, activation | login: claim, then Query of `ID#…` below the sessions | s 1 + 1 | 4 |
//! | membership, pointer | `T#{tenant}` / `MEMBER#{identity}`, `ID#{identity}` / `TENANT#{tenant}` | SeedAdmin, an invitation's acceptance, a change of role or status; deleted by removal | door, login | s 1 | 4; change 6-10, removal 8-12 and 2 for each session |
//! | | | | member list, Query, and a BatchGetItem of the identities | s 1 per 4 KB and 1 a member | - |
//! | invitation, its token | `T#{tenant}` / `INVITATION#{digest}`, `TOKEN#{digest}` / `INVITATION`, TTL of the token alone | invitation, another mail; deleted by acceptance, withdrawal, and once outlived by who needs the seat | acceptance | s 1 + 1 | 10; another mail 10, acceptance 16, withdrawal 8-10 |
//! | | | | list of invitations, Query | s 1 per 4 KB | - |
//! | (count of admins and owners) | with the tenant | with every membership and invitation of an admin | by its condition | - | 2, with those |
//! | activation token | `TOKEN#{digest}` / `ACTIVATION`, TTL | SendWelcome, resend; deleted by activation | activation | s 1 | 2; activation 6 |
//! | reset token | `TOKEN#{digest}` / `RESET`, TTL | forgotten password; deleted by its use | reset | s 1 | 6; reset 8 and 2 for each session |
//! | temporary password | `ID#{identity}` / `TEMPORARY`, TTL | SendWelcome, resend; deleted by its sign-in | login, with the person | s 1 | 2; its sign-in 8 |
//! | session | `ID#{identity}` / `~SESSION#{session}`, TTL | login, refresh, switch; deleted by logout, revocation, theft | door | | 4 |
//! | | | | list of sessions, Query | s 1 per 4 KB | - |
//! | second factor | `ID#{identity}` / `FACTOR` | enrolment, confirmation, every code | login; its routes, with the identity in one Query; the door, where a recent proof is asked for | s 1 | 4 |
//! | waiting sign-in | `TOKEN#{digest}` / `SIGN-IN`, TTL | login; deleted by the second factor | the second factor | s 1 | 2; its end 12 |
//! | people's data key | `PLATFORM#PEOPLE` / `PEOPLE-KEY` | first enrolment of all | start of what handles second factors | s 1 | 2 |
//! | platform role, listed | `ID#{identity}` / `PLATFORM`, `PLATFORM#USERS` / `{identity}` | invitation, bootstrap login, first sign-in, revocation | door, login; Query of the list | s 1 | 4 |
//! | bootstrap record | `PLATFORM#BOOTSTRAP` / `BOOTSTRAP` | first bootstrap login, removal | door, for platform roles | s 1 | 2 |
//! | (admission) | session + membership + tenant, or session + platform role + bootstrap record; and the generation of the signing keys | - | door, with every authenticated request: one BatchGetItem | s 4 RCU | - |
//! | API key | `T#{tenant}` / `API-KEY#{key}` | minting, rotation; deleted by revocation, and once ended by who needs the room | door, with its tenant: one BatchGetItem | s 2 | 4; minting 8, revocation 8, the tenant's count among them |
//! | | | | list, Query | s 1 per 4 KB, about 8 keys | - |
//! | webhook | `T#{tenant}` / `WEBHOOK#{webhook}` | its making, rotation; every message to it; deleted by its deletion | list, delivery, Query | s 1 per 4 KB, about 8 webhooks | making 18, rotation 8-10, deletion 12; message 1 (no transaction) |
//! | webhook's secret | `T#{tenant}` / `VAULT-VALUE#~WEBHOOK#{webhook}#{version}` | making, rotation; deleted by the rotation but one after it, deletion | delivery, with the data key: one BatchGetItem | s 2-3 | with the webhook |
//! | API key's last use | `api-key-used#{tenant}#{key}` in `limits`, TTL | door, once an hour | list and look, BatchGetItem | e 0.5 | 1 (no transaction) |
//! | nonce of a signed call | `nonce#{digest}` in `limits`, TTL | the call | by its condition | - | 1 (no transaction) |
//! | run of a job | `job-run#{job}` in `limits`, TTL | every scheduled job | operational routes, BatchGetItem | e 0.5 | 1 (no transaction) |
//! | job that has not run | `job-awaited#{job}` in `limits`, TTL | operational routes | by what the write answers | - | 1 (no transaction) |
//! | vault entry | `T#{tenant}` / `VAULT#{name}` | the vault's changes | list, Query | s 1 per 4 KB, about 15 entries | 2 |
//! | vault value, current | `T#{tenant}` / `VAULT-VALUE#{name}` | the vault's changes | vault read, with the data key: one BatchGetItem | s 1 and 1 per 4 KB | 2 per KB |
//! | vault value, earlier | `T#{tenant}` / `VAULT-VALUE#{name}#{version}` | the change after it; deleted by the tenth after that | rollback | s 1 per 4 KB | 2 per KB |
//! | vault number used | `T#{tenant}` / `VAULT-USED#{name}` | vault deletion; deleted by the next first version | vault write | s 1 | 2 |
//! | vault count | `T#{tenant}` / `COUNT#VAULT` | the first version of a name, deletion | by its condition | - | 2 |
//! | re-seal record | `PLATFORM#RESEAL` / `STATE` | the re-seal: its start, each page of tenants, each tenant moved, its end | the same, the operator's view | s 1 | 2-4 |
//! | tenant left | `PLATFORM#RESEAL` / `LEFT#{tenant}` | a tenant that could not be moved; deleted once it is | the operator's view, Query | s 1 per 4 KB | 6 |
//! | fence of the data keys | `PLATFORM#RESEAL#{0..7}` / `FENCE` | the start of a re-seal | a condition of whatever stores a data key | - | 2 |
//! | (tenants with an old data key) | all of the table | - | the re-seal, Scan | s 1 per 4 KB of the table, two passes a rotation | - |
//! | count | table `limits`: `{what}#{digest}`, TTL 3 h | sign-in, password routes, removal | by its condition | - | 1 a try, 1 to give it back (no transaction) |
//! | calls on credit | table `limits`: `{limit}#{digest}`, TTL 3 h after the window | door, for each batch of calls | by what the write answers | - | 1 for 20 calls or more (no transaction) |
//! | signing public key | `PLATFORM#SIGNING` / `KID#{kid}`, TTL once retired | its rotation | JWKS, token check (cached), Query | s 1 | 4; retirement 22 |
//! | generation of the signing keys | `PLATFORM#SIGNING` / `GENERATION`, `PLATFORM#SIGNING#{0..7}` / `GENERATION` | retirement of a key | the Query of the keys; door | s 1 | with the retirement |
//! | audit entry | table `audit`: `T#{tenant}` or `PLATFORM` / `{time}#{hash}`, TTL by plan | every change | export, Query | s 1 per 4 KB, about 8 entries; 2 000 a part | 2, in every transaction |

mod activation;
mod api_key;
mod audit;
mod direct;
mod effects;
mod error;
mod idempotency;
mod identity;
mod impersonation;
mod invitation;
mod item;
mod job_runs;
mod key_use;
mod keys;
mod last_export;
mod lease;
mod lifecycle;
mod limits;
mod membership;
mod nonce;
mod orphans;
mod outbox;
mod password;
mod people_key;
mod platform;
mod pool_secrets;
mod purge;
mod quota;
mod reads;
mod records;
mod refresh;
mod removals;
mod reseal;
mod scan;
mod seats;
mod second_factor;
mod session;
mod signing;
mod signup;
mod silo;
mod steps;
mod subdomain;
mod temporary;
mod tenant;
mod tenant_change;
mod tenants;
mod transact;
mod vault;
mod webhook;

use aws_sdk_dynamodb::Client;
use aws_smithy_runtime_api::client::http::SharedHttpConnector;
use aws_types::SdkConfig;
use serde::de::DeserializeOwned;

pub use activation::IssuedActivation;
pub use api_key::{ApiKeyAdmission, ApiKeyRecord, ApiKeyStanding, Kept};
pub use audit::{Audit, AuditPosition};
pub use effects::Effects;
pub use error::StoreError;
pub use idempotency::{Earlier, IdempotencyRecord};
pub use identity::{Identity, LoginView, Membership, MembershipPointer, PasswordHash};
pub use impersonation::{IMPERSONATION, Impersonation, ImpersonationPosition};
pub use invitation::{Accepting, Invitation};
pub use job_runs::JobRun;
pub use key_use::KEY_USE_GRAIN;
pub use keys::OUTBOX_SHARDS;
pub use last_export::{ExportedPart, LastExport};
pub use lease::Lease;
pub use lifecycle::{GRACE, Lifecycle, Moved, Removal, Suspension};
pub use limits::{Counted, Limits};
pub use membership::By;
pub use orphans::Orphan;
pub use outbox::OutboxEntry;
pub use password::{Entitled, IssuedReset};
pub use people_key::PeopleKey;
pub use platform::{Bootstrap, PlatformUser, RevokeError, SUCCESSOR};
pub use pool_secrets::PoolSecretsPass;
pub use records::{
    Database, FormerDataKey, HostName, Made, Schema, SealedSecrets, Stack, StackState, TenantDataKey, TenantRecord,
    TenantSecrets,
};
pub use refresh::SessionPage;
pub use removals::{DueRemoval, Receipt};
pub use reseal::{Reseal, ResealProgress, ResealState, SealedPage, SealedValue, TenantLeft};
pub use scan::{Cursor, TenantsPage};
pub use seats::{MembersError, MembersRefusal};
pub use second_factor::{SecondFactor, Shown, WaitingSignIn};
pub use session::{Admission, Session, Standing};
pub use signing::{PublicKey, PublishedKeys};
pub use signup::{NewTenant, SignupOutcome};
pub use silo::{DataPath, TableState, silo_table_name};
pub use steps::{Begun, Finished, Outcome, Retried};
pub use subdomain::Availability;
pub use temporary::IssuedTemporary;
pub use tenant::{Proof, Tenant};
pub use tenant_change::Changed;
pub use tenants::{TenantEntry, TenantFilter, TenantPage};
pub use vault::{VAULT_FULL, VaultEntry, VaultSlot, VaultVersion};
pub use webhook::{Webhook, WebhookSecret};

use crate::{direct::Direct, item::Found, keys::Key, reads::How};

/// The names of the tables.
#[derive(Debug, Clone)]
pub struct Tables {
    /// Everything but the audit log.
    pub core: String,
    /// The audit log.
    pub audit: String,
}

/// DynamoDB, as this service uses it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    client: Client,
    /// For reads by key and transactions; the SDK makes them where there is none, and wherever it fails.
    direct: Option<Direct>,
    tables: Tables,
}

impl Store {
    /// Over the client that `config` describes; nothing is sent.
    #[must_use]
    pub fn new(config: &SdkConfig, tables: Tables) -> Self {
        Self { client: Client::new(config), direct: None, tables }
    }

    /// Reads by key and transactions go over this connector, the one below the client that `config` describes, at a fraction of
    /// the SDK's cost; without one they are the SDK's.
    #[must_use]
    pub fn directly_over(self, http: Option<SharedHttpConnector>, config: &SdkConfig) -> Self {
        Self { direct: http.and_then(|http| Direct::new(config, http)), ..self }
    }

    /// What is stored under the key now (strongly consistent).
    async fn get(&self, key: &Key) -> Result<Option<Found>, StoreError> {
        self.item(key, How::STRONG).await
    }

    async fn record<T: DeserializeOwned>(&self, what: &'static str, key: &Key) -> Result<Option<T>, StoreError> {
        self.get(key).await?.map(|found| item::read(what, found)).transpose()
    }
}
