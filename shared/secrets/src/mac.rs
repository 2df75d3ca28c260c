//! Message authentication under a ring of MAC keys: HMAC-SHA256 (RFC 2104).

use hmac::{Hmac, KeyInit, Mac as _};
use jiff::Timestamp;
use sha2::Sha256;

use crate::{Key, KeyId, KeyRing, RefreshKeys, SecretError};

/// The tag of a message and the key that made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mac {
    /// The key to check it with.
    pub key_id: KeyId,
    /// 32 bytes.
    pub tag: [u8; 32],
}

impl KeyRing<RefreshKeys> {
    /// The MAC of `message` under the active key.
    pub fn mac(&self, message: &[u8], now: Timestamp) -> Result<Mac, SecretError> {
        let key = self.active(now)?;
        Ok(Mac { key_id: key.id().clone(), tag: hmac(key, message).finalize().into_bytes().into() })
    }

    /// Whether `tag` is the MAC of `message` under the key `key_id` of this ring, in constant time. A key that is
    /// retired or unknown verifies nothing.
    pub fn verify(&self, key_id: &str, message: &[u8], tag: &[u8], now: Timestamp) -> bool {
        self.find(key_id, now).is_some_and(|key| hmac(key, message).verify_slice(tag).is_ok())
    }
}

fn hmac(key: &Key, message: &[u8]) -> Hmac<Sha256> {
    // One block long, as HMAC pads it anyway; so the constructor cannot fail.
    let mut block = zeroize::Zeroizing::new([0; 64]);
    block[..32].copy_from_slice(key.material());
    Hmac::<Sha256>::new((&*block).into()).chain_update(message)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use secrecy::SecretString;

    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn ring(initial: &str) -> KeyRing<RefreshKeys> {
        KeyRing::parse("s", &SecretString::from(format!(r#"{{"initial":"{initial}"}}"#))).unwrap()
    }

    fn ours() -> KeyRing<RefreshKeys> {
        ring("yJ6hQ0sT2vW8xZ4bD1fG3kL5mN7pR9cEaB2dF4gH6jK")
    }

    /// Computed with Python's `hmac` from the key that the ring derives.
    #[test]
    fn it_is_hmac_sha_256() {
        let mac = ours().mac(b"message", NOW).unwrap();
        let tag: String = mac.tag.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(tag, "1459649ec132f865ddc524dae54984bb641fe1ec873397f630af427099127d6d");
    }

    proptest! {
        #[test]
        fn only_the_same_message_under_the_same_key_verifies(
            message in proptest::collection::vec(any::<u8>(), 0..64), bit in 0_usize..256,
        ) {
            let Mac { key_id, tag } = ours().mac(&message, NOW).unwrap();
            let verify = |ring: &KeyRing<RefreshKeys>, message: &[u8], tag: &[u8]| {
                ring.verify(key_id.as_str(), message, tag, NOW)
            };
            prop_assert!(verify(&ours(), &message, &tag));

            let mut forged = tag;
            forged[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(!verify(&ours(), &message, &forged));
            prop_assert!(!verify(&ours(), &message, &tag[..31]));
            prop_assert!(!verify(&ours(), &[&message[..], b"x"].concat(), &tag));
            prop_assert!(!verify(&ring("Kj6Hg4Fd2Ba9Ec7Rp5Nm3Lk1Gf8Db4Zx2Wv0Ts6Qh9Jy"), &message, &tag));
            prop_assert!(!ours().verify("00000000", &message, &tag, NOW));
        }
    }
}
