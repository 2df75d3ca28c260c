//! One key of a ring.

use domain::KeyId;
use jiff::Timestamp;
use zeroize::Zeroizing;

/// 256 bits, their name, and the time in which they are used. Wiped when dropped.
pub struct Key {
    pub(super) id: KeyId,
    pub(super) material: Zeroizing<[u8; 32]>,
    pub(super) not_before: Timestamp,
    pub(super) retire_at: Option<Timestamp>,
}

impl Key {
    /// What names it.
    pub fn id(&self) -> &KeyId {
        &self.id
    }

    /// When its use begins.
    pub fn not_before(&self) -> Timestamp {
        self.not_before
    }

    /// From when on nothing made with it is accepted.
    pub fn retire_at(&self) -> Option<Timestamp> {
        self.retire_at
    }

    pub(crate) fn is_retired(&self, now: Timestamp) -> bool {
        self.retire_at.is_some_and(|at| at <= now)
    }

    /// Stays in this crate: others sign, seal and compute MACs, and see no key.
    pub(crate) fn material(&self) -> &[u8; 32] {
        &self.material
    }
}
