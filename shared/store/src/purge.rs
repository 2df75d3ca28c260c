//! Taking away what is left of a tenant: its members, and whatever else is in its partition.

use domain::{Action, AuditEntry, Facts, IdentityId, TenantId};

use crate::{
    Audit, Identity, Membership, Store, StoreError,
    item::{n, s},
    keys::{Key, tenant_partition},
    last_export::LAST_EXPORT,
    membership::{MEMBERSHIP, unchanged},
    removals::RECEIPT,
    transact::{Expr, Refused, Write},
};

/// Deletes in one transaction: with the values of a vault among them they are far from its 4 MB.
const AT_ONCE: usize = 24;
/// Pages of a partition that one call looks at, of 1 MB each.
const PAGES: usize = 16;
/// What stays: the record, why it is being removed, what was exported, the receipt, and what an earlier attempt left elsewhere.
const KEPT: [&str; 4] = ["TENANT", "LIFECYCLE", LAST_EXPORT, RECEIPT];
const ORPHANS: &str = "ORPHAN#";

impl Store {
    /// Ends a membership with the sessions that work in its tenant, and takes away a person who belongs nowhere else with
    /// everything of theirs. A person who came to belong elsewhere meanwhile is a conflict, and the next try sees it. One that
    /// somebody else ended is done.
    pub async fn remove_member(&self, listed: &Membership, audit: &Audit) -> Result<(), StoreError> {
        let Membership { tenant_id, identity_id, .. } = listed;
        let person = self.identity(identity_id).await?;
        // After the person: of one who is counted once and is still a member here, that once is here.
        let Some(member) = &self.membership(tenant_id, identity_id).await? else { return Ok(()) };
        let elsewhere = self.platform_user(identity_id).await?.is_some();
        let stays = person.is_some();
        let leaving = person.filter(|person| person.memberships <= 1 && !elsewhere);
        let sessions = match &leaving {
            None => self.sessions_in(member).await?,
            Some(_) => {
                self.session_keys(identity_id).await?.into_iter().map(|key| Write::delete("session", key)).collect()
            }
        };
        let ended = told(audit, Action::SessionRevoked, identity_id);
        for some in sessions.chunks(AT_ONCE) {
            self.commit(some, &ended.clone().into(), &some[0].key.sk).await?;
        }
        let mut audit = Audit::from(told(audit, Action::MembershipRemoved, identity_id));
        let mut writes = vec![
            Write::delete(MEMBERSHIP, Key::member(tenant_id, identity_id)).when(unchanged(member)),
            Write::delete("membership pointer", Key::pointer(identity_id, tenant_id)),
        ];
        match &leaving {
            Some(person) => {
                writes.extend(forget(person));
                let gone = AuditEntry { action: Action::IdentityRemoved, ..audit.entry.clone() };
                audit = audit.and(gone);
            }
            None if stays => {
                let there = Expr::new("attribute_exists(pk)").value(":less", n(-1));
                writes.push(Write::update("identity", Key::identity(identity_id), "ADD memberships :less", there));
            }
            None => {}
        }
        match self.commit_or_why(&writes, &audit, &format!("{tenant_id}#{identity_id}")).await? {
            None | Some(Refused { what: MEMBERSHIP, held: None }) => Ok(()),
            Some(refused) => Err(StoreError::Conflict(refused.what)),
        }
    }

    /// Deletes what is left in the tenant's partition, as much as one call can. Says whether there is more.
    pub async fn purge(&self, tenant: &TenantId, audit: &Audit) -> Result<bool, StoreError> {
        for _ in 0..PAGES {
            let keys = self.leftovers(tenant).await?;
            if keys.is_empty() {
                return Ok(false);
            }
            for some in keys.chunks(AT_ONCE) {
                let deletes: Vec<Write> = some.iter().map(|key| Write::delete("leftover", key.clone())).collect();
                let mut audit = audit.clone();
                audit.entry.after = audit.entry.after.with("items", &(some.len() as u64));
                self.commit(&deletes, &audit, &some[0].sk).await?;
            }
        }
        Ok(true)
    }

    /// The first of them: a page of the partition, strongly consistent, without what stays.
    async fn leftovers(&self, tenant: &TenantId) -> Result<Vec<Key>, StoreError> {
        let query = self
            .client
            .query()
            .table_name(&self.tables.core)
            .consistent_read(true)
            .key_condition_expression("pk = :pk")
            .projection_expression("pk, sk")
            .expression_attribute_values(":pk", s(tenant_partition(tenant)));
        let found = Box::pin(query.send()).await?.items.unwrap_or_default();
        let stays = |key: &Key| KEPT.contains(&key.sk.as_str()) || key.sk.starts_with(ORPHANS);
        Ok(found.iter().filter_map(Key::of).filter(|key| !stays(key)).collect())
    }
}

fn told(audit: &Audit, action: Action, person: &IdentityId) -> AuditEntry {
    let before = Facts::new().with("identity_id", person);
    AuditEntry { action, before, ..audit.entry.clone() }
}

/// Everything of a person who belongs to one tenant and runs nothing.
fn forget(person: &Identity) -> [Write; 5] {
    let id = &person.identity_id;
    let alone = Expr::new("memberships <= :one").value(":one", n(1));
    [
        Write::delete("identity", Key::identity(id)).when(alone),
        Write::delete("email claim", Key::email(&person.email.normalized())),
        Write::delete("second factor", Key::second_factor(id)),
        Write::delete("temporary password", Key::temporary(id)),
        Write::check("platform role", Key::platform_role(id), Expr::absent()),
    ]
}
