//! A part of an export: read in pages, held in memory up to a bound, put as one object.

use domain::{ContentDigest, TenantId};
use jiff::Timestamp;
use store::{Store, StoreError};

use crate::{Bucket, BucketError, Place, line::Line};

/// A part ends with the page that makes it this long, and a page is at most a megabyte of items: so it is never longer than 8 MiB,
/// some 20 000 audit entries, and held in memory twice while it is sent. A call that makes one takes a second or two.
const FULL: usize = 6 << 20;
/// Of what is listed by name: as many as one `BatchGetItem` takes.
const PAGE: u16 = 100;

/// Exports of this stage's tenants.
pub struct Exports {
    /// Where tenants are read.
    store: Store,
    bucket: Bucket,
    full: usize,
}

/// A part that has been put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its key in the bucket.
    pub key: String,
    /// Of its bytes.
    pub sha256: ContentDigest,
    /// How many they are.
    pub bytes: u64,
    /// How many things are in it.
    pub lines: u64,
    /// Where the next part begins; none where this was the last.
    pub next: Option<Place>,
}

/// Why there is no part. Made again it does no harm.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// There is no such tenant.
    #[error("there is no such tenant")]
    NoTenant,
    /// The tenant cannot be read.
    #[error("the tenant cannot be read")]
    Store(#[from] StoreError),
    /// The object cannot be put.
    #[error("the export cannot be put")]
    Bucket(#[from] BucketError),
    /// Something of it cannot be written as JSON.
    #[error("the export cannot be written")]
    Unwritable(#[from] serde_json::Error),
}

/// Lines, and where they go on.
#[derive(Default)]
struct Lines {
    text: Vec<u8>,
    count: u64,
}

impl Lines {
    fn add<'a, T>(&mut self, things: &'a [T]) -> Result<(), serde_json::Error>
    where
        Line<'a>: From<&'a T>,
    {
        self.count += things.len() as u64;
        things.iter().try_for_each(|thing| Line::from(thing).write(&mut self.text))
    }
}

impl Exports {
    /// Of the tenants in `store`, into `bucket`.
    #[must_use]
    pub fn new(store: Store, bucket: Bucket) -> Self {
        Self { store, bucket, full: FULL }
    }

    /// With shorter parts. So that a test needs no large tenant.
    #[must_use]
    pub fn in_parts_of(self, bytes: usize) -> Self {
        Self { full: bytes.min(FULL), ..self }
    }

    /// Where the objects are.
    #[must_use]
    pub fn bucket(&self) -> &Bucket {
        &self.bucket
    }

    /// Reads from a place on, until the part is full or nothing is left, and puts it under the key that `key` makes of its
    /// digest. Of the audit log what was written before `until`.
    ///
    /// Costs a read unit for each 4 KB (2 000 at most), and one `PutObject`.
    ///
    /// # Errors
    /// [`ExportError`].
    pub async fn put(
        &self,
        tenant: &TenantId,
        from: Place,
        until: Timestamp,
        key: impl FnOnce(&ContentDigest) -> String,
    ) -> Result<Part, ExportError> {
        let (mut lines, mut next) = (Lines::default(), Some(from));
        while let Some(place) = next.take_if(|_| lines.text.len() < self.full) {
            next = self.page(tenant, place, until, &mut lines).await?;
        }
        let Lines { text, count } = lines;
        let sha256 = ContentDigest::of(&text);
        let (key, bytes) = (key(&sha256), text.len() as u64);
        self.bucket.put(&key, text).await?;
        Ok(Part { key, sha256, bytes, lines: count, next })
    }

    /// Adds a page, and says where the next one is.
    async fn page(
        &self,
        tenant: &TenantId,
        place: Place,
        until: Timestamp,
        lines: &mut Lines,
    ) -> Result<Option<Place>, ExportError> {
        let store = &self.store;
        Ok(Some(match place {
            Place::Tenant => {
                lines.add(&[store.tenant(tenant).await?.ok_or(ExportError::NoTenant)?])?;
                Place::Members(None)
            }
            Place::Members(after) => {
                let (members, next) = store.member_page(tenant, after.as_ref(), PAGE).await?;
                lines.add(&members)?;
                next.map_or(Place::Invitations(None), |last| Place::Members(Some(last)))
            }
            Place::Invitations(after) => {
                let (invitations, next) = store.invitations(tenant, after.as_ref(), PAGE).await?;
                lines.add(&invitations)?;
                next.map_or(Place::ApiKeys(None), |last| Place::Invitations(Some(last)))
            }
            Place::ApiKeys(after) => {
                let (keys, next) = store.api_keys(tenant, after.as_ref(), PAGE).await?;
                lines.add(&keys)?;
                next.map_or(Place::Webhooks(None), |last| Place::ApiKeys(Some(last)))
            }
            Place::Webhooks(after) => {
                let (webhooks, next) = store.webhooks(tenant, after.as_ref(), PAGE).await?;
                lines.add(&webhooks)?;
                next.map_or(Place::Vault(None), |last| Place::Webhooks(Some(last)))
            }
            Place::Vault(after) => {
                let (entries, next) = store.vault_entries(tenant, after.as_ref(), PAGE).await?;
                lines.add(&entries)?;
                next.map_or(Place::Audit(None), |last| Place::Vault(Some(last)))
            }
            Place::Audit(after) => {
                let (entries, next) = store.audit_page(tenant, after.as_ref(), until).await?;
                lines.add(&entries)?;
                return Ok(next.map(|last| Place::Audit(Some(last))));
            }
        }))
    }
}
