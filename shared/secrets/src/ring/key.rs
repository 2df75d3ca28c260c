//! One key of a ring.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// What a token or a sealed value names its key by: 1 to 32 characters of `A-Z a-z 0-9 _ -`. No secret.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyId(pub(super) String);

impl KeyId {
    /// The longest id, in bytes.
    pub const MAX: usize = 32;

    /// `None` where the text cannot be an id.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=Self::MAX).contains(&text.len());
        let plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
        (fits && plain).then(|| Self(text.to_owned()))
    }

    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for KeyId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("is not the id of a key")
    }
}

impl From<KeyId> for String {
    fn from(id: KeyId) -> Self {
        id.0
    }
}

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
