//! What is sealed for a person, who may belong to several tenants or to none: under one data key for all people, with the
//! person and a name bound. There is one key, so that taking a key out of the ring is one key to wrap anew.

use domain::{Entropy, IdentityId};
use jiff::Timestamp;

use super::{DataKey, Plain, Sealed, Unsealable, WrappedKey, cipher, frame, frame::Context};
use crate::{DataKeys, KeyRing, SecretError};

impl DataKey {
    /// Wraps it for storage as the people's, under the active key of the ring. Fails where the ring has none.
    pub fn wrap_for_people(
        &self,
        ring: &KeyRing<DataKeys>,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<WrappedKey, SecretError> {
        let key = ring.active(now)?;
        let context = Context::peoples_key(key.id().as_str().as_bytes());
        let wrapped = frame::close(&cipher(key), &context, self.plain().as_slice(), entropy);
        wrapped.map(WrappedKey).map_err(|Unsealable| ring.malformed("has a key that wraps nothing"))
    }

    /// The key that [`wrap_for_people`](Self::wrap_for_people) put away.
    pub fn unwrap_for_people(
        wrapped: &WrappedKey,
        ring: &KeyRing<DataKeys>,
        now: Timestamp,
    ) -> Result<Self, Unsealable> {
        let id = frame::key_id(&wrapped.0).ok_or(Unsealable)?;
        let key = std::str::from_utf8(id).ok().and_then(|id| ring.find(id, now)).ok_or(Unsealable)?;
        Self::from_plain(&frame::open(&cipher(key), &Context::peoples_key(id), &wrapped.0)?)
    }

    /// Seals a value for one place: this person, this name.
    pub fn seal_for(
        &self,
        person: &IdentityId,
        name: &str,
        plain: &[u8],
        entropy: &dyn Entropy,
    ) -> Result<Sealed, Unsealable> {
        frame::close(&self.cipher, &Context::of_person(person, name, &self.id), plain, entropy).map(Sealed)
    }

    /// The value that [`seal_for`](Self::seal_for) put there.
    pub fn open_for(&self, person: &IdentityId, name: &str, sealed: &Sealed) -> Result<Plain, Unsealable> {
        frame::open(&self.cipher, &Context::of_person(person, name, &self.id), &sealed.0)
    }
}

#[cfg(test)]
mod tests {
    use domain::TenantId;
    use secrecy::SecretString;
    use testkit::SeededEntropy;

    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn ring(initial: char) -> KeyRing<DataKeys> {
        let material = format!("{initial}J6hQ0sT2vW8xZ4bD1fG3kL5mN7pR9cEaB2dF4gH6jK");
        KeyRing::parse("s", &SecretString::from(format!(r#"{{"initial":"{material}"}}"#))).unwrap()
    }

    #[test]
    fn r21_what_is_sealed_for_a_person_opens_for_nobody_else_and_nowhere_else() {
        let entropy = SeededEntropy::new(1);
        let (ada, eve) = (IdentityId::new(&entropy), IdentityId::new(&entropy));
        let (ours, other) = (DataKey::generate(&entropy), DataKey::generate(&entropy));
        let sealed = ours.seal_for(&ada, "totp", b"plain", &entropy).unwrap();
        assert_eq!(ours.open_for(&ada, "totp", &sealed).unwrap().to_vec(), b"plain");
        assert_eq!(ours.open_for(&eve, "totp", &sealed), Err(Unsealable));
        assert_eq!(ours.open_for(&ada, "note", &sealed), Err(Unsealable));
        assert_eq!(other.open_for(&ada, "totp", &sealed), Err(Unsealable));
        for place in 0..sealed.0.len() {
            let mut touched = sealed.clone();
            touched.0[place] ^= 1;
            assert_eq!(ours.open_for(&ada, "totp", &touched), Err(Unsealable), "byte {place}");
        }
    }

    #[test]
    fn r21_the_peoples_key_is_no_tenants() {
        let entropy = SeededEntropy::new(2);
        let (ours, other) = (ring('y'), ring('z'));
        let tenant = TenantId::parse("tenant-demo-0011aabb").unwrap();
        let key = DataKey::generate(&entropy);
        let wrapped = key.wrap_for_people(&ours, NOW, &entropy).unwrap();
        let person = IdentityId::new(&entropy);
        let sealed = key.seal_for(&person, "totp", b"plain", &entropy).unwrap();
        let again = DataKey::unwrap_for_people(&wrapped, &ours, NOW).unwrap();
        assert_eq!(again.open_for(&person, "totp", &sealed).unwrap().to_vec(), b"plain");
        assert_eq!(wrapped.key_id().as_ref(), Some(ours.active(NOW).unwrap().id()));
        assert!(DataKey::unwrap_for_people(&wrapped, &other, NOW).is_err());
        assert!(DataKey::unwrap(&wrapped, &ours, &tenant, NOW).is_err());
        let tenants = key.wrap(&ours, &tenant, NOW, &entropy).unwrap();
        assert!(DataKey::unwrap_for_people(&tenants, &ours, NOW).is_err());
    }
}
