//! Keys of the `core` table. A partition key is built from a typed id or from a platform marker, and nowhere else.

use aws_sdk_dynamodb::types::AttributeValue;
use data_encoding::HEXLOWER;
use domain::{ApiKeyId, IdentityId, InvitationId, SessionId, Step, Subdomain, TenantId, VaultName, WebhookId};
use jiff::Timestamp;
use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::item::{Found, Item, s};

/// How many partitions the outbox is spread over, so that a burst of signups does not meet one partition's limit.
pub const OUTBOX_SHARDS: u8 = 8;

/// Sorts after every other sort key of an identity, so that login's query (`sk < SESSIONS`) never reads sessions.
pub(crate) const SESSIONS: &str = "~SESSION#";

/// Serialises as DynamoDB's JSON.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub(crate) struct Key {
    #[serde(serialize_with = "text")]
    pub(crate) pk: String,
    #[serde(serialize_with = "text")]
    pub(crate) sk: String,
}

fn text<S: Serializer>(value: &str, to: S) -> Result<S::Ok, S::Error> {
    to.collect_map([("S", value)])
}

fn key(pk: String, sk: impl Into<String>) -> Key {
    Key { pk, sk: sk.into() }
}

impl Key {
    pub(crate) fn attributes(&self) -> Item {
        Item::from([("pk".into(), s(&self.pk)), ("sk".into(), s(&self.sk))])
    }

    pub(crate) fn of(item: &Item) -> Option<Self> {
        let text = |name| item.get(name).and_then(|v: &AttributeValue| v.as_s().ok()).cloned();
        Some(Self { pk: text("pk")?, sk: text("sk")? })
    }

    pub(crate) fn of_found(item: &Found) -> Option<Self> {
        let text = |name: &str| match item.get(name) {
            Some(serde_dynamo::AttributeValue::S(text)) => Some(text.clone()),
            _ => None,
        };
        Some(Self { pk: text("pk")?, sk: text("sk")? })
    }

    // A tenant's own partition.

    pub(crate) fn tenant(id: &TenantId) -> Self {
        Self::in_tenant(id, "TENANT")
    }

    pub(crate) fn in_tenant(id: &TenantId, sk: &str) -> Self {
        key(tenant_partition(id), sk)
    }

    pub(crate) fn member(tenant: &TenantId, identity: &IdentityId) -> Self {
        Self::in_tenant(tenant, &format!("{MEMBERS}{identity}"))
    }

    pub(crate) fn invitation(tenant: &TenantId, id: &InvitationId) -> Self {
        Self::in_tenant(tenant, &format!("{INVITATIONS}{id}"))
    }

    pub(crate) fn api_key(tenant: &TenantId, key: &ApiKeyId) -> Self {
        Self::in_tenant(tenant, &format!("{API_KEYS}{key}"))
    }

    pub(crate) fn webhook(tenant: &TenantId, id: &WebhookId) -> Self {
        Self::in_tenant(tenant, &format!("{WEBHOOKS}{id}"))
    }

    /// Among the values of the vault, where no name begins like this.
    pub(crate) fn webhook_secret(tenant: &TenantId, id: &WebhookId, version: u64) -> Self {
        Self::in_tenant(tenant, &format!("{VAULT_VALUES}{OF_WEBHOOKS}{id}#{version}"))
    }

    pub(crate) fn orphan(tenant: &TenantId, attempt: u32, step: Step) -> Self {
        Self::in_tenant(tenant, &format!("ORPHAN#{attempt}#{}", step.name()))
    }

    pub(crate) fn mail(tenant: &TenantId, kind: &str, number: u32) -> Self {
        Self::in_tenant(tenant, &format!("MAIL#{kind}#{number}"))
    }

    // Names have no `#`, so none of these is another's.

    pub(crate) fn vault_entry(tenant: &TenantId, name: &VaultName) -> Self {
        Self::in_tenant(tenant, &format!("{VAULT}{name}"))
    }

    pub(crate) fn vault_value(tenant: &TenantId, name: &VaultName) -> Self {
        Self::in_tenant(tenant, &format!("{VAULT_VALUES}{name}"))
    }

    pub(crate) fn vault_version(tenant: &TenantId, name: &VaultName, version: u64) -> Self {
        Self::in_tenant(tenant, &format!("{VAULT_VALUES}{name}#{version:010}"))
    }

    pub(crate) fn vault_used(tenant: &TenantId, name: &VaultName) -> Self {
        Self::in_tenant(tenant, &format!("VAULT-USED#{name}"))
    }

    pub(crate) fn vault_count(tenant: &TenantId) -> Self {
        Self::in_tenant(tenant, "COUNT#VAULT")
    }

    // A person's partition.

    pub(crate) fn identity(id: &IdentityId) -> Self {
        key(identity_partition(id), IDENTITY)
    }

    pub(crate) fn pointer(id: &IdentityId, tenant: &TenantId) -> Self {
        key(identity_partition(id), format!("TENANT#{tenant}"))
    }

    pub(crate) fn session(id: &IdentityId, session: &SessionId) -> Self {
        key(identity_partition(id), format!("{SESSIONS}{session}"))
    }

    /// Sorts before the identity, with nothing between them: one Query reads both.
    pub(crate) fn second_factor(id: &IdentityId) -> Self {
        key(identity_partition(id), SECOND_FACTOR)
    }

    pub(crate) fn platform_role(id: &IdentityId) -> Self {
        key(identity_partition(id), PLATFORM_ROLE)
    }

    pub(crate) fn temporary(id: &IdentityId) -> Self {
        key(identity_partition(id), TEMPORARY)
    }

    // Platform markers.

    pub(crate) fn platform_user(id: &IdentityId) -> Self {
        key(PLATFORM_USERS.to_owned(), id.to_string())
    }

    pub(crate) fn tenant_entry(id: &TenantId) -> Self {
        key(TENANTS.to_owned(), id.to_string())
    }

    /// By time, so that the newest are found first.
    pub(crate) fn impersonation(started: Timestamp, session: &SessionId) -> Self {
        key(IMPERSONATIONS.to_owned(), format!("{:013}#{session}", started.as_millisecond()))
    }

    /// Removals in the order in which they are due, at this second.
    pub(crate) fn removal(tenant: &TenantId, due: Timestamp) -> Self {
        key(REMOVALS.to_owned(), format!("{:011}#{tenant}", due.as_second()))
    }

    pub(crate) fn bootstrap() -> Self {
        key("PLATFORM#BOOTSTRAP".to_owned(), "BOOTSTRAP")
    }

    pub(crate) fn pool_secrets_pass() -> Self {
        key("PLATFORM#POOL-SECRETS".to_owned(), "PASS")
    }

    pub(crate) fn reseal() -> Self {
        key(RESEAL.to_owned(), "STATE")
    }

    pub(crate) fn reseal_left(tenant: &TenantId) -> Self {
        key(RESEAL.to_owned(), format!("{RESEAL_LEFT}{tenant}"))
    }

    /// The fence that this tenant's writes meet; all of them say the same.
    pub(crate) fn reseal_fence_of(tenant: &TenantId) -> Self {
        Self::reseal_fence(shard_of(tenant, FENCES))
    }

    pub(crate) fn reseal_fence(shard: u8) -> Self {
        key(format!("{RESEAL}#{shard}"), "FENCE")
    }

    pub(crate) fn subdomain(name: &Subdomain) -> Self {
        key(format!("SUBDOMAIN#{name}"), "CLAIM")
    }

    pub(crate) fn host(name: &str) -> Self {
        key(format!("HOST#{name}"), "CLAIM")
    }

    pub(crate) fn email(normalized: &str) -> Self {
        key(format!("EMAIL#{normalized}"), "CLAIM")
    }

    pub(crate) fn activation(digest: &str) -> Self {
        key(format!("TOKEN#{digest}"), "ACTIVATION")
    }

    pub(crate) fn reset(digest: &str) -> Self {
        key(format!("TOKEN#{digest}"), "RESET")
    }

    pub(crate) fn invitation_token(digest: &str) -> Self {
        key(format!("TOKEN#{digest}"), "INVITATION")
    }

    pub(crate) fn waiting_sign_in(digest: &str) -> Self {
        key(format!("TOKEN#{digest}"), "SIGN-IN")
    }

    pub(crate) fn people_key() -> Self {
        key("PLATFORM#PEOPLE".to_owned(), "PEOPLE-KEY")
    }

    pub(crate) fn idempotency(digest: &str, operation: &str) -> Self {
        key(format!("IDEMPOTENCY#{digest}"), operation)
    }

    pub(crate) fn outbox(tenant: &TenantId, attempt: u32) -> Self {
        key(outbox_partition(outbox_shard(tenant)), format!("{tenant}#{attempt}"))
    }

    pub(crate) fn orphan_index(tenant: &TenantId, attempt: u32, step: Step) -> Self {
        key(ORPHANS.to_owned(), format!("{tenant}#{attempt}#{}", step.name()))
    }

    pub(crate) fn signing(kid: &str) -> Self {
        key(SIGNING.to_owned(), format!("KID#{kid}"))
    }

    /// Beside the keys, so that one Query reads both.
    pub(crate) fn signing_generation_master() -> Self {
        key(SIGNING.to_owned(), "GENERATION")
    }

    pub(crate) fn signing_generation_shard(shard: u8) -> Self {
        key(format!("{SIGNING}#{shard}"), "GENERATION")
    }
}

/// Sorts among what login's query reads, as the next two do.
pub(crate) const IDENTITY: &str = "IDENTITY";
pub(crate) const SECOND_FACTOR: &str = "FACTOR";
pub(crate) const PLATFORM_ROLE: &str = "PLATFORM";
pub(crate) const TEMPORARY: &str = "TEMPORARY";
/// Before the ids of who belongs to a tenant.
pub(crate) const MEMBERS: &str = "MEMBER#";
/// Before the ids of the invitations to a tenant.
pub(crate) const INVITATIONS: &str = "INVITATION#";
pub(crate) const PLATFORM_USERS: &str = "PLATFORM#USERS";
/// Before the ids of a tenant's API keys.
pub(crate) const API_KEYS: &str = "API-KEY#";
/// Before the ids of a tenant's webhooks.
pub(crate) const WEBHOOKS: &str = "WEBHOOK#";
/// Before the ids of those whose secrets lie among the values of the vault.
pub(crate) const OF_WEBHOOKS: &str = "~WEBHOOK#";
/// Before the names of what a tenant's vault holds; values have another prefix, so that a list reads none.
pub(crate) const VAULT: &str = "VAULT#";
/// One partition: it takes some five hundred signups a second, and DynamoDB splits a hot one by its sort keys.
pub(crate) const TENANTS: &str = "PLATFORM#TENANTS";
pub(crate) const IMPERSONATIONS: &str = "PLATFORM#IMPERSONATIONS";
pub(crate) const REMOVALS: &str = "PLATFORM#REMOVALS";
pub(crate) const ORPHANS: &str = "ORPHANS";
pub(crate) const RESEAL: &str = "PLATFORM#RESEAL";
pub(crate) const RESEAL_LEFT: &str = "LEFT#";
/// Before the sealed values of a tenant's vault, the earlier versions among them.
pub(crate) const VAULT_VALUES: &str = "VAULT-VALUE#";
/// How many copies of the fence there are: transactions that check the same item at the same time are in each other's way.
pub(crate) const FENCES: u8 = 8;
pub(crate) const SIGNING: &str = "PLATFORM#SIGNING";
/// How many copies of the generation there are, each good for 3 000 strong reads a second.
pub(crate) const GENERATION_SHARDS: u8 = 8;

/// `:pk` in a query for all of a partition.
pub(crate) fn partition(name: &str) -> Item {
    Item::from([(":pk".into(), s(name))])
}

pub(crate) fn tenant_partition(id: &TenantId) -> String {
    format!("T#{id}")
}

pub(crate) fn identity_partition(id: &IdentityId) -> String {
    format!("ID#{id}")
}

pub(crate) fn outbox_partition(shard: u8) -> String {
    format!("OUTBOX#{shard}")
}

fn outbox_shard(tenant: &TenantId) -> u8 {
    shard_of(tenant, OUTBOX_SHARDS)
}

fn shard_of(tenant: &TenantId, shards: u8) -> u8 {
    Sha256::digest(tenant.to_string())[0] % shards
}

/// Lower-case hex of a SHA-256.
pub(crate) fn hex_digest(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        // The length keeps ("ab", "c") and ("a", "bc") apart.
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    HEXLOWER.encode(&hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenants_items_are_in_its_partition_and_nobody_elses() {
        let tenant = TenantId::parse("tenant-demo-0123abcd").unwrap();
        let key = Key::orphan(&tenant, 2, Step::SeedAdmin);
        assert_eq!((key.pk.as_str(), key.sk.as_str()), ("T#tenant-demo-0123abcd", "ORPHAN#2#SeedAdmin"));
        assert_eq!(Key::of(&key.attributes()), Some(key));
    }

    #[test]
    fn a_sessions_key_sorts_after_all_that_login_reads() {
        let tenant = TenantId::parse("tenant-demo-0123abcd").unwrap();
        let person = IdentityId::parse(&format!("usr_{}", "0".repeat(32))).unwrap();
        let session = SessionId::parse(&format!("ses_{}", "0".repeat(32))).unwrap();
        assert!(Key::identity(&person).sk.as_str() < SESSIONS && Key::pointer(&person, &tenant).sk.as_str() < SESSIONS);
        assert!(Key::session(&person, &session).sk.as_str() > SESSIONS);
    }

    #[test]
    fn the_outbox_is_spread_evenly_and_for_ever_the_same() {
        let mut count = [0; OUTBOX_SHARDS as usize];
        for n in 0..800 {
            let tenant = TenantId::parse(&format!("tenant-demo-{n:08x}")).unwrap();
            count[usize::from(outbox_shard(&tenant))] += 1;
        }
        assert!(count.iter().all(|n| (50..150).contains(n)), "{count:?}");
        assert_eq!(outbox_shard(&TenantId::parse("tenant-demo-00000000").unwrap()), 0);
    }
}
