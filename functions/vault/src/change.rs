//! A new version of a value, whether somebody sent it or it was there before.

use domain::{Action, AuditEntry, Facts, TenantId, VAULT_NAMES, VaultName, VaultValue};
use lambda::http::{Cx, Problem, kinds};
use store::{StoreError, VAULT_FULL, VaultEntry, VaultSlot};

use crate::keeper::{Keeper, KeyError, Opener};

/// How often a change that named no version is tried again when another was faster. Each time somebody's goes through.
pub(crate) const TRIES: usize = 10;

/// What the new version is.
pub(crate) enum Content {
    /// What the caller sent.
    Sent(VaultValue),
    /// What an earlier version is.
    Earlier(u64),
}

/// A change that somebody asked for.
pub(crate) struct Change {
    pub(crate) tenant: TenantId,
    pub(crate) name: VaultName,
    /// The version that it is to follow; 0 where there is to be none.
    pub(crate) follows: Option<u64>,
    pub(crate) content: Content,
}

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What was sent breaks a rule.
    #[error("the request is not valid")]
    Invalid(Box<Problem>),
    /// There is nothing under that name.
    #[error("there is no such value")]
    NotFound,
    /// Somebody else was faster.
    #[error("the current version is {current}")]
    VersionConflict {
        /// The version that there is; 0 where there is none.
        current: u64,
    },
    /// The version to go back to is not kept.
    #[error("the version is not kept")]
    NotKept,
    /// It does not open, or close.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The tenant has as many names as it may.
    #[error("the vault has its {VAULT_NAMES} names: delete one first")]
    Full,
    /// The store did not do it.
    #[error(transparent)]
    Store(StoreError),
    /// Others were faster each time.
    #[error("the value changes all the time")]
    Busy,
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        if matches!(error, StoreError::Conflict(VAULT_FULL)) { Self::Full } else { Self::Store(error) }
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self::Invalid(Box::new(problem))
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Invalid(problem) => *problem,
            Error::NotFound => Self::new(&kinds::NOT_FOUND),
            Error::VersionConflict { .. } => Self::new(&kinds::VERSION_CONFLICT).detail(error.to_string()),
            Error::Full => Self::new(&kinds::VAULT_FULL).detail(error.to_string()),
            Error::NotKept => {
                let rule = domain::Rule::new("not_kept", "is not one of the versions that are kept");
                Self::fields(vec![rule.at("/rollback_to")])
            }
            Error::Key(error) => error.into(),
            Error::Store(error) => error.into(),
            Error::Busy => Self::unavailable(error),
        }
    }
}

impl Change {
    /// Writes the new version. One read and one transaction, and for an earlier version one read more; again for every
    /// change of somebody else that comes between.
    pub(crate) async fn apply(&self, keeper: &Keeper, cx: &Cx) -> Result<VaultEntry, Error> {
        for _ in 0..TRIES {
            let mut slot = keeper.store.vault_slot(&self.tenant, &self.name).await?;
            self.allowed(&slot)?;
            let opener = keeper.opener(&self.tenant, &self.name, slot.data_key.clone(), cx.now).await?;
            let sealed = match &self.content {
                Content::Sent(value) => opener.seal(value, slot.next())?,
                Content::Earlier(version) => {
                    // Gone, or sealed anew, since the slot was read: look again.
                    let Some(value) = self.earlier(keeper, &slot, &opener, *version).await? else { continue };
                    opener.seal(&value, slot.next())?
                }
            };
            if let Some((entry, before)) = slot.held.take() {
                slot.held = Some((entry, opener.renewed(before)?));
            }
            let audit = self.audit(cx, &slot).into();
            if let Some(entry) = keeper.store.vault_write(&slot, sealed, &audit).await? {
                return Ok(entry);
            }
        }
        Err(Error::Busy)
    }

    fn allowed(&self, slot: &VaultSlot) -> Result<(), Error> {
        let current = slot.current();
        if let Content::Earlier(version) = self.content {
            let (entry, _) = slot.held.as_ref().ok_or(Error::NotFound)?;
            if !entry.versions.contains(version) {
                return Err(Error::NotKept);
            }
        }
        if self.follows.is_some_and(|version| version != current) {
            return Err(Error::VersionConflict { current });
        }
        Ok(())
    }

    async fn earlier(
        &self,
        keeper: &Keeper,
        slot: &VaultSlot,
        opener: &Opener<'_>,
        version: u64,
    ) -> Result<Option<VaultValue>, Error> {
        let stored = match &slot.held {
            Some((_, current)) if current.version == version => Some(current.clone()),
            _ => keeper.store.vault_version(&self.tenant, &self.name, version).await?,
        };
        // The number is what the value was asked for by, not what the item says of itself.
        let stored = stored.map(|stored| store::VaultVersion { version, ..stored });
        let resealed = stored.as_ref().is_some_and(|stored| !opener.knows(stored));
        if resealed && keeper.store.vault_slot(&self.tenant, &self.name).await?.data_key != slot.data_key {
            return Ok(None);
        }
        Ok(stored.map(|stored| opener.open(stored)).transpose()?)
    }

    fn audit(&self, cx: &Cx, slot: &VaultSlot) -> AuditEntry {
        let before = match &slot.held {
            Some(_) => Facts::new().with("version", &slot.current()),
            None => Facts::new(),
        };
        let after = Facts::new().with("name", &self.name).with("version", &slot.next());
        let (action, after) = match &self.content {
            Content::Sent(_) => (Action::VaultWritten, after),
            Content::Earlier(version) => (Action::VaultRolledBack, after.with("rolled_back_to", version)),
        };
        cx.audit(action, Some(self.tenant.clone()), before, after)
    }
}
