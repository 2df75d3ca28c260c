//! An opened value.

use std::{fmt, ops::Deref};

use zeroize::{Zeroize, ZeroizeOnDrop, optimization_barrier};

/// What was sealed, open. Wiped when dropped, and printed as nothing.
#[derive(PartialEq, Eq)]
pub struct Plain(Vec<u8>);

impl Plain {
    pub(super) fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    pub(super) fn as_mut_slice(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

impl Deref for Plain {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl Zeroize for Plain {
    /// In one go: the vector's own way writes byte by byte, which for 64 KiB takes as long as opening them. The bytes never
    /// move from where they were opened, so nothing is left in an earlier allocation.
    fn zeroize(&mut self) {
        self.0.fill(0);
        optimization_barrier(self.0.as_slice());
    }
}

impl Drop for Plain {
    fn drop(&mut self) {
        self.zeroize();
    }
}

impl ZeroizeOnDrop for Plain {}

impl fmt::Debug for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Plain")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r21_an_opened_value_is_wiped_and_not_printed() {
        let mut plain = Plain::new(b"canary".to_vec());
        assert_eq!((&*plain, format!("{plain:?}").as_str()), (&b"canary"[..], "Plain"));
        plain.zeroize();
        assert_eq!(&*plain, [0; 6]);
    }
}
