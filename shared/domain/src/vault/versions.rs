//! Which versions of a value there are.

/// How many versions of a value are kept, the current one included.
pub const VERSIONS_KEPT: u64 = 10;

/// How many names a tenant may keep at a time: with the largest values and all their versions, 640 MB.
pub const VAULT_NAMES: u64 = 1_000;

/// The versions kept of one name: without a gap, from the oldest to the current one. A number is used once, even across
/// a deletion: it is part of what a value is sealed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VaultVersions {
    oldest: u64,
    current: u64,
}

impl VaultVersions {
    /// The first version of a name that has none, when `used` was the last number that the name ever used.
    pub fn first_after(used: u64) -> Self {
        let first = used.saturating_add(1);
        Self { oldest: first, current: first }
    }

    /// As they were stored; none if they cannot have been.
    pub fn stored(oldest: u64, current: u64) -> Option<Self> {
        let kept = current.checked_sub(oldest)?.saturating_add(1);
        (oldest > 0 && kept <= VERSIONS_KEPT).then_some(Self { oldest, current })
    }

    /// With one version more, and the version that it pushes out.
    #[must_use]
    pub fn next(self) -> (Self, Option<u64>) {
        let current = self.current.saturating_add(1);
        let full = self.count() >= VERSIONS_KEPT;
        let oldest = if full { self.oldest.saturating_add(1) } else { self.oldest };
        (Self { oldest, current }, full.then_some(self.oldest))
    }

    /// The oldest version that is kept.
    pub fn oldest(self) -> u64 {
        self.oldest
    }

    /// The version that is read.
    pub fn current(self) -> u64 {
        self.current
    }

    /// How many there are.
    pub fn count(self) -> u64 {
        (self.current - self.oldest).saturating_add(1)
    }

    /// Whether this version is kept.
    pub fn contains(self, version: u64) -> bool {
        (self.oldest..=self.current).contains(&version)
    }

    /// The versions before the current one, oldest first.
    pub fn earlier(self) -> impl Iterator<Item = u64> {
        self.oldest..self.current
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_newest_ten_are_kept_and_the_eleventh_goes(used in 0..1_000_u64, writes in 0..40_u64) {
            let mut versions = VaultVersions::first_after(used);
            for number in 1..=writes {
                let before = versions;
                let (after, gone) = versions.next();
                prop_assert_eq!(after.current(), before.current() + 1);
                prop_assert_eq!(after.count(), (number + 1).min(VERSIONS_KEPT));
                prop_assert_eq!(gone, (before.count() == VERSIONS_KEPT).then_some(before.oldest()));
                prop_assert!(gone.is_none_or(|gone| !after.contains(gone)));
                prop_assert!(after.contains(before.current()));
                prop_assert_eq!(VaultVersions::stored(after.oldest(), after.current()), Some(after));
                versions = after;
            }
            prop_assert!(versions.oldest() > used, "a number is never used again");
            prop_assert_eq!(versions.earlier().count() as u64, versions.count() - 1);
        }
    }

    #[test]
    fn what_cannot_have_been_stored_is_not_believed() {
        for (oldest, current) in [(0, 0), (0, 3), (2, 1), (1, 11)] {
            assert_eq!(VaultVersions::stored(oldest, current), None);
        }
        assert!(VaultVersions::stored(1, 10).is_some());
    }
}
