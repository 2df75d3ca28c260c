//! Everything that is secret: reading it, checking that it is worth its name, and using it without showing it.
//!
//! * [`Secrets`] reads from AWS Secrets Manager and keeps the secrets of silo tenants there.
//! * [`Cached`] keeps one parsed secret for a bounded time; an outage of Secrets Manager does not stop its readers.
//! * [`KeyRing`] is what a rotating secret holds: keys with a beginning and an end.
//! * [`rotation`] is how a secret gets a new value while it is in use.
//! * [`Signer`] and [`PublicKey`] are the two halves of a signing key; [`Mac`] comes from a ring of MAC keys, and with it
//!   [`SessionToken`]s.
//! * [`DataKey`] seals values for a tenant, and is itself wrapped by a ring of key-encryption keys.
//!
//! Architecture Invariant: no other crate names the Secrets Manager SDK, and no type here that holds key material
//! implements `Debug`, `Display`, `Clone` or `Serialize`.

mod bootstrap;
mod cached;
mod client;
mod error;
mod internal;
mod mac;
mod ring;
pub mod rotation;
mod seal;
mod session_tokens;
mod signing;
#[cfg(test)]
mod stand_in;
mod strength;
mod tenant;

pub use bootstrap::{Bootstrap, BootstrapAdmin};
pub use cached::{Cached, Parse};
pub use client::{Arn, Ordered, Overview, Secrets, Versions};
pub use error::{CallFailure, SecretError};
pub use internal::InternalSecret;
pub use mac::Mac;
pub use ring::{DataKeys, Key, KeyId, KeyRing, Purpose, RefreshKeys, SigningKeys};
pub use seal::{DataKey, Plain, Sealed, Unsealable, WrappedKey};
pub use session_tokens::{RefreshClaim, RefreshRefused, SessionToken};
pub use signing::{PublicKey, Signer};
pub use strength::check_strength;
pub use tenant::{SiloSecrets, TENANT_SECRETS_LIVE, tenant_secret};

#[cfg(test)]
mod opaque {
    //! Proof, at compile time, that what holds key material cannot be printed or copied.

    use super::{
        BootstrapAdmin, DataKey, InternalSecret, Key, KeyRing, SessionToken, Signer, SigningKeys, SiloSecrets,
    };

    macro_rules! must_not_impl {
        ($($type:ty),+: $traits:tt) => {
            $(must_not_impl!(@type $type: $traits);)+
        };
        (@type $type:ty: ($($trait:path),+)) => {
            $(const _: fn() = || {
                trait AmbiguousIfImplemented<A> {
                    fn item() {}
                }
                struct Implemented;
                impl<T: ?Sized> AmbiguousIfImplemented<()> for T {}
                impl<T: ?Sized + $trait> AmbiguousIfImplemented<Implemented> for T {}
                let _ = <$type as AmbiguousIfImplemented<_>>::item;
            };)+
        };
    }

    must_not_impl!(Key, KeyRing<SigningKeys>, SessionToken, Signer, DataKey, BootstrapAdmin, InternalSecret, SiloSecrets:
        (std::fmt::Debug, std::fmt::Display, Clone, serde::Serialize));
}
