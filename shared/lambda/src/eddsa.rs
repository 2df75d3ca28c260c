//! What `jsonwebtoken` signs and verifies with: Ed25519 (RFC 8037) by `ed25519-dalek`, and nothing else.
//!
//! Its own providers have every algorithm or none. With all of them each function would carry RSA, P-256, P-384 and their big
//! numbers, 158 KB that we refuse to use; and `rsa` leaks keys by its timing (RUSTSEC-2023-0071). What is not there cannot be
//! negotiated. Other libraries accept what this one makes: `tests/clients` asks them.

use std::sync::{Mutex, PoisonError};

use ed25519_dalek::{Signature, Signer, SigningKey, Verifier, VerifyingKey, pkcs8::DecodePrivateKey};
use jsonwebtoken::{
    Algorithm, AlgorithmFamily, DecodingKey, EncodingKey,
    crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils},
    errors::{Error, ErrorKind},
};

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: |algorithm, key| Ok(Box::new(Private::of(*algorithm, key)?)),
    verifier_factory: |algorithm, key| Ok(Box::new(Public::of(*algorithm, key)?)),
    key_utils: KeyUtils::new_unimplemented(),
};

/// Makes it the process's. A second call does nothing, and so does one after another provider's.
pub fn install() {
    let _refused = PROVIDER.install_default();
}

struct Private(SigningKey);

impl Private {
    fn of(algorithm: Algorithm, key: &EncodingKey) -> Result<Self, Error> {
        only(algorithm, key.family())?;
        SigningKey::from_pkcs8_der(key.as_bytes()).map(Self).map_err(|_| ErrorKind::InvalidEddsaKey.into())
    }
}

impl Signer<Vec<u8>> for Private {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, ed25519_dalek::SignatureError> {
        Ok(self.0.try_sign(message)?.to_vec())
    }
}

impl JwtSigner for Private {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDSA
    }
}

/// The key that was used last, with its point: to find the point of a key takes a tenth of the time of a check, and nearly all
/// tokens are of one key.
static LAST: Mutex<Option<VerifyingKey>> = Mutex::new(None);

struct Public(VerifyingKey);

impl Public {
    fn of(algorithm: Algorithm, key: &DecodingKey) -> Result<Self, Error> {
        only(algorithm, key.family())?;
        let bytes = key.try_get_as_bytes()?.try_into().map_err(|_| ErrorKind::InvalidEddsaKey)?;
        let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = last.filter(|last| last.as_bytes() == bytes) {
            return Ok(Self(last));
        }
        let public = VerifyingKey::from_bytes(bytes).map_err(|_| ErrorKind::InvalidEddsaKey)?;
        *last = Some(public);
        Ok(Self(public))
    }
}

impl Verifier<Vec<u8>> for Public {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), ed25519_dalek::SignatureError> {
        // It refuses second forms of a signature. What `verify_strict` refuses beside are weak public keys; these are our own.
        self.0.verify(message, &Signature::from_slice(signature)?)
    }
}

impl JwtVerifier for Public {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDSA
    }
}

fn only(algorithm: Algorithm, family: AlgorithmFamily) -> Result<(), Error> {
    match (algorithm, family) {
        (Algorithm::EdDSA, AlgorithmFamily::Ed) => Ok(()),
        _ => Err(ErrorKind::InvalidAlgorithm.into()),
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

    use super::*;

    /// RFC 8032 section 7.1, test 2: private key, public key, message 0x72, signature.
    const SECRET: &str = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";
    const PUBLIC: &str = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
    const SIGNATURE: &str = "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
                             085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";

    fn bytes(hex: &str) -> Vec<u8> {
        (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap()).collect()
    }

    fn public() -> DecodingKey {
        DecodingKey::from_ed_components(&URL_SAFE_NO_PAD.encode(bytes(PUBLIC))).unwrap()
    }

    #[test]
    fn r11_it_signs_and_verifies_as_the_rfc_says() {
        // RFC 8410: a PKCS #8 version 1 key is this prefix and the 32 bytes.
        let der = [bytes("302e020100300506032b657004220420"), bytes(SECRET)].concat();
        let private = Private::of(Algorithm::EdDSA, &EncodingKey::from_ed_der(&der)).unwrap();
        assert_eq!(private.sign(&[0x72]), bytes(SIGNATURE));
        let public = Public::of(Algorithm::EdDSA, &public()).unwrap();
        assert!(public.verify(&[0x72], &bytes(SIGNATURE)).is_ok());
        for place in 0..64 {
            let mut touched = bytes(SIGNATURE);
            touched[place] ^= 1;
            assert!(public.verify(&[0x72], &touched).is_err(), "byte {place}");
        }
        assert!(public.verify(&[0x73], &bytes(SIGNATURE)).is_err());
        assert!(public.verify(&[0x72], &bytes(SIGNATURE)[..63].to_vec()).is_err());
    }

    #[test]
    fn r11_a_key_is_not_taken_for_the_one_before() {
        // RFC 8032 section 7.1, test 1.
        let other = bytes("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
        let other = DecodingKey::from_ed_components(&URL_SAFE_NO_PAD.encode(other)).unwrap();
        let verifies =
            |key: &DecodingKey| Public::of(Algorithm::EdDSA, key).unwrap().verify(&[0x72], &bytes(SIGNATURE)).is_ok();
        let ours = public();
        assert_eq!([&ours, &other, &ours, &ours, &other].map(verifies), [true, false, true, true, false]);
    }

    #[test]
    fn r11_it_knows_no_other_algorithm_and_no_other_kind_of_key() {
        for algorithm in [Algorithm::HS256, Algorithm::RS256, Algorithm::PS256, Algorithm::ES256, Algorithm::ES384] {
            assert!(Public::of(algorithm, &public()).is_err(), "{algorithm:?}");
            assert!(Private::of(algorithm, &EncodingKey::from_ed_der(&[0; 48])).is_err(), "{algorithm:?}");
        }
        assert!(Public::of(Algorithm::EdDSA, &DecodingKey::from_secret(&bytes(PUBLIC))).is_err());
        assert!(Private::of(Algorithm::EdDSA, &EncodingKey::from_secret(&bytes(SECRET))).is_err());
    }
}
