//! What a step makes or takes back, to be written in the transaction that records the step.

use std::collections::BTreeMap;

use domain::{IdentityId, Step, TenantHost, TokenDigest};
use jiff::Timestamp;

use crate::{
    HostName, Identity, IssuedActivation, IssuedTemporary, Lease, Membership, Orphan, Schema, StoreError, Tenant,
    TenantDataKey, TenantRecord, activation, identity,
    item::{item, n, s},
    keys::Key,
    lease, orphans, outbox, records, reseal, temporary,
    transact::{Expr, Write},
};

/// Writes for one tenant and attempt. Everything is written, or nothing; a call names what would refuse it.
#[derive(Debug)]
#[must_use = "effects are written by `Store::apply` or `Store::finish`"]
pub struct Effects<'a> {
    tenant: &'a Tenant,
    writes: Vec<Result<Write, StoreError>>,
    /// How many own the tenant afterwards, where that changes. They are its only members until it is READY.
    pub(crate) owners: Option<u32>,
}

impl<'a> Effects<'a> {
    /// None yet, for the tenant's current attempt.
    pub fn of(tenant: &'a Tenant) -> Self {
        Self { tenant, writes: Vec::new(), owners: None }
    }

    pub(crate) fn tenant(&self) -> &'a Tenant {
        self.tenant
    }

    fn attempt(&self) -> u32 {
        self.tenant.provisioning.attempt()
    }

    fn with(mut self, writes: impl IntoIterator<Item = Write>) -> Self {
        self.writes.extend(writes.into_iter().map(Ok));
        self
    }

    fn try_with(mut self, writes: Result<impl IntoIterator<Item = Write>, StoreError>) -> Self {
        match writes {
            Ok(writes) => self.with(writes),
            Err(error) => {
                self.writes.push(Err(error));
                self
            }
        }
    }

    /// Stores a record of what was made.
    pub fn keep<R: TenantRecord>(self, record: &R) -> Self {
        let write = records::keep(&self.tenant.tenant_id, self.attempt(), record);
        self.try_with(write.map(Some))
    }

    /// Stores the tenant's data key. Refused as a conflict of the `fence of the data keys` if the key that it is wrapped
    /// under is being taken out of use.
    pub fn data_key(self, record: &TenantDataKey) -> Self {
        let fence = reseal::fence(&self.tenant.tenant_id, &record.key_id);
        self.keep(record).with([fence])
    }

    /// Deletes the record, if this attempt made it.
    pub fn undo<R: TenantRecord>(self) -> Self {
        let write = records::undo(R::WHAT, Key::in_tenant(&self.tenant.tenant_id, R::SK), self.attempt());
        self.with([write])
    }

    /// Deletes the data key, if this attempt made it, and what a re-seal has noted of values that it could not move: nobody has
    /// the key to them any more, so no later pass would take the note away.
    pub fn undo_data_key(self) -> Self {
        let left = Key::reseal_left(&self.tenant.tenant_id);
        self.with([Write::delete("re-seal record", left)]).undo::<TenantDataKey>()
    }

    /// Claims a host name and stores its record. Refused as a conflict of the `host claim` if it is another tenant's.
    pub fn host(self, host: &TenantHost, certificate: &str) -> Self {
        let tenant = self.tenant.tenant_id.to_string();
        let key = Key::host(&host.to_string());
        let mut claim = key.attributes();
        claim.extend([("tenant".to_owned(), s(&tenant)), ("attempt".to_owned(), n(self.attempt()))]);
        let free = Expr::new("attribute_not_exists(pk) OR tenant = :tenant").value(":tenant", s(tenant));
        let claim = Write::put("host claim", key, claim).when(free);
        self.with([claim]).keep(&HostName { host: host.to_string(), certificate: certificate.to_owned() })
    }

    /// Releases the host name and deletes its record, if this attempt made them.
    pub fn undo_host(self, host: &TenantHost) -> Self {
        let ours = Expr::new("attempt = :attempt AND tenant = :tenant")
            .value(":attempt", n(self.attempt()))
            .value(":tenant", s(self.tenant.tenant_id.to_string()));
        let release = Write::delete("host claim", Key::host(&host.to_string())).when(ours).optional();
        self.with([release]).undo::<HostName>()
    }

    /// Records the schema version that the lease's holder reached, and gives the lease back. Refused as a conflict of the
    /// `lease` if another has acquired it since.
    pub fn schema(self, version: u32, lease: &Lease) -> Self {
        let release = lease::release(&self.tenant.tenant_id, lease);
        self.with([release]).keep(&Schema { version })
    }

    /// Deletes the schema record, if this attempt made it, and the lease.
    pub fn undo_schema(self) -> Self {
        let lease = lease::drop(&self.tenant.tenant_id);
        self.with([lease]).undo::<Schema>()
    }

    /// A new person with a membership of this tenant. Refused as a conflict of the `email claim` if the address was
    /// claimed meanwhile. What is stored carries this attempt, and one membership; the tenant counts its first owner.
    pub fn create_identity(self, identity: &Identity, membership: &Membership) -> Self {
        let writes = identity::create(identity, &self.made(membership));
        Self { owners: Some(1), ..self }.try_with(writes)
    }

    /// A membership of this tenant for a person who is there already; their credentials are not touched. The tenant counts
    /// its first owner.
    pub fn join(self, membership: &Membership) -> Self {
        let writes = identity::join(&self.made(membership));
        Self { owners: Some(1), ..self }.try_with(writes)
    }

    /// Takes back a membership that this attempt made, and the person with it if they were made with it and never used.
    /// A membership that another attempt made is left alone.
    pub fn leave(self, membership: &Membership, identity: &Identity) -> Self {
        if membership.attempt != self.attempt() {
            return self;
        }
        Self { owners: Some(0), ..self }.with(identity::leave(membership, identity))
    }

    fn made(&self, membership: &Membership) -> Membership {
        let tenant_id = self.tenant.tenant_id.clone();
        Membership { tenant_id, attempt: self.attempt(), ..membership.clone() }
    }

    /// Records that something could not be taken back.
    pub fn orphan(self, step: Step, detail: &str, at: Timestamp) -> Self {
        let tenant_id = self.tenant.tenant_id.clone();
        let orphan = Orphan { tenant_id, attempt: self.attempt(), step, detail: detail.to_owned(), at };
        self.try_with(orphans::record(&orphan))
    }

    /// Claims the right to send the `number`th mail of a kind, which exactly one caller gets. Refused as a conflict of
    /// the `mail claim` otherwise. Claim first, send then: at most once.
    pub fn mail(self, kind: &str, number: u32, at: Timestamp) -> Self {
        let key = Key::mail(&self.tenant.tenant_id, kind, number);
        let stored = item("mail claim", &key, &BTreeMap::from([("at", at)]));
        self.try_with(stored.map(|stored| Some(Write::put("mail claim", key, stored).when(Expr::absent()))))
    }

    /// Gives the right to send a mail back, for a mail that certainly was not sent.
    pub fn release_mail(self, kind: &str, number: u32) -> Self {
        let key = Key::mail(&self.tenant.tenant_id, kind, number);
        self.with([Write::delete("mail claim", key)])
    }

    /// Takes back an activation token that nobody was sent.
    pub fn revoke_activation(self, digest: &TokenDigest) -> Self {
        self.with([Write::delete("activation token", Key::activation(digest.as_str()))])
    }

    /// Removes what a probe that broke off may have left.
    pub fn undo_probe(self) -> Self {
        let key = Key::in_tenant(&self.tenant.tenant_id, "PROBE");
        self.with([Write::delete("probe", key)])
    }

    /// Takes the promise of this attempt out of the outbox, for an attempt that ends before its first step began.
    pub fn promise_kept(self) -> Self {
        let done = outbox::done(&self.tenant.tenant_id, self.attempt());
        self.with([done])
    }

    /// Issues an activation token, of which only the digest is stored.
    pub fn activation(self, digest: &TokenDigest, issued: &IssuedActivation) -> Self {
        let write = activation::issue(digest, issued);
        self.try_with(write.map(Some))
    }

    /// Keeps the digest of a temporary password, in place of an earlier one's.
    pub fn temporary_password(self, identity: &IdentityId, issued: &IssuedTemporary) -> Self {
        let write = temporary::issue(identity, issued);
        self.try_with(write.map(Some))
    }

    /// Takes back a temporary password that nobody was sent.
    pub fn revoke_temporary_password(self, identity: &IdentityId, sha256: &TokenDigest) -> Self {
        self.with([temporary::revoke(identity, sha256)])
    }

    pub(crate) fn into_writes(self) -> Result<Vec<Write>, StoreError> {
        self.writes.into_iter().collect()
    }
}
