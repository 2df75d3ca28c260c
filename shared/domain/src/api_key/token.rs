//! The key itself, as a service sends it.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use crate::opaque::must_not_impl;
use crate::token::{SEALED, TokenDigest, has_random_end, random_end};
use crate::{ApiKeyId, Entropy, Rule, TenantId};

/// Whether a key opens production. One that does not is refused there unread, and the other way round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApiKeyKind {
    /// Of the stage `production`: begins with `ink_live_`.
    Live,
    /// Of every other stage: begins with `ink_test_`.
    Test,
}

impl ApiKeyKind {
    /// The kind of a stage's keys.
    pub fn of_stage(stage: &str) -> Self {
        if stage == "production" { Self::Live } else { Self::Test }
    }

    /// What its keys start with; secret scanners find leaked ones by it.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Live => "ink_live_",
            Self::Test => "ink_test_",
        }
    }
}

/// `ink_live_{tenant}_{id}_{256 random bits}{checksum}`, where the tenant is its id without `tenant-`. Wiped when dropped;
/// only its [`TokenDigest`] is ever stored.
///
/// The tenant and the id are no secrets. They are in the text so that one read finds the key and its tenant, and that who
/// finds a leaked key knows whom to tell.
pub struct ApiKey {
    text: SecretString,
    tenant: TenantId,
    id: ApiKeyId,
}

must_not_impl!(ApiKey: fmt::Debug, fmt::Display, Serialize);

impl ApiKey {
    /// A new secret for the key of that id.
    pub fn new(kind: ApiKeyKind, tenant: &TenantId, id: &ApiKeyId, entropy: &dyn Entropy) -> Self {
        let text = random_end(&format!("{}_", Self::public_part(kind, tenant, id)), entropy);
        Self { text: SecretString::from(text.as_str()), tenant: tenant.clone(), id: id.clone() }
    }

    /// Whether the text wants to be an API key, of whichever stage.
    pub fn is_meant(text: &str) -> bool {
        [ApiKeyKind::Live, ApiKeyKind::Test].iter().any(|kind| text.starts_with(kind.prefix()))
    }

    /// A key that somebody sent. Fails with `invalid` when it is another stage's or the checksum does not match, so that a
    /// typing error or a scanner costs no read of the store; that it matches proves nothing.
    pub fn parse(kind: ApiKeyKind, text: &str) -> Result<Self, Rule> {
        let invalid = || Rule::new("invalid", "is not an API key of this stage");
        if !has_random_end(text) {
            return Err(invalid());
        }
        let public = text[..text.len() - SEALED].strip_suffix('_').ok_or_else(invalid)?;
        let (tenant, id) = public.strip_prefix(kind.prefix()).and_then(|it| it.split_once('_')).ok_or_else(invalid)?;
        let tenant = TenantId::parse(&format!("{TENANT}{tenant}")).map_err(|_| invalid())?;
        let id = ApiKeyId::parse(&format!("{KEY}{id}")).map_err(|_| invalid())?;
        Ok(Self { text: SecretString::from(text), tenant, id })
    }

    /// What the text begins with, to recognise a key by.
    pub fn public_part(kind: ApiKeyKind, tenant: &TenantId, id: &ApiKeyId) -> String {
        let tenant = tenant.as_str().strip_prefix(TENANT).unwrap_or_default();
        let id = id.as_str().strip_prefix(KEY).unwrap_or_default();
        format!("{}{tenant}_{id}", kind.prefix())
    }

    /// Whose it says it is.
    pub fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// Which of the tenant's keys it says it is.
    pub fn id(&self) -> &ApiKeyId {
        &self.id
    }

    /// What is stored in its place.
    pub fn digest(&self) -> TokenDigest {
        TokenDigest::of_text(self.expose())
    }

    /// The text, for the one answer that hands it over.
    pub fn expose(&self) -> &str {
        self.text.expose_secret()
    }
}

const TENANT: &str = "tenant-";
const KEY: &str = "key_";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::SystemEntropy;

    fn key(kind: ApiKeyKind) -> ApiKey {
        let tenant = TenantId::parse("tenant-demo-isp-1f2e3d4c").unwrap();
        ApiKey::new(kind, &tenant, &ApiKeyId::parse("key_0123456789abcdef").unwrap(), &SystemEntropy)
    }

    #[test]
    fn r18_a_key_says_whose_it_is_and_comes_back() {
        for (kind, start) in
            [(ApiKeyKind::Live, "ink_live_demo-isp-1f2e3d4c_"), (ApiKeyKind::Test, "ink_test_demo-isp-1f2e3d4c_")]
        {
            let key = key(kind);
            assert!(key.expose().starts_with(&format!("{start}0123456789abcdef_")));
            let read = ApiKey::parse(kind, key.expose()).unwrap();
            assert_eq!((read.tenant(), read.id()), (key.tenant(), key.id()));
            assert!(read.digest() == key.digest() && ApiKey::is_meant(key.expose()));
        }
        assert!(key(ApiKeyKind::Live).digest() != key(ApiKeyKind::Live).digest());
    }

    #[test]
    fn r18_a_key_of_another_stage_is_none() {
        assert_eq!(ApiKeyKind::of_stage("production"), ApiKeyKind::Live);
        for stage in ["local", "dev", "staging", "Production", ""] {
            assert_eq!(ApiKeyKind::of_stage(stage), ApiKeyKind::Test);
        }
        assert!(ApiKey::parse(ApiKeyKind::Live, key(ApiKeyKind::Test).expose()).is_err());
        assert!(ApiKey::parse(ApiKeyKind::Test, key(ApiKeyKind::Live).expose()).is_err());
    }

    proptest! {
        #[test]
        fn r18_every_change_of_one_character_is_noticed(place in 0_usize..96, with in any::<char>()) {
            let text = key(ApiKeyKind::Live).expose().to_owned();
            let changed: String = text.chars().enumerate().map(|(i, c)| if i == place { with } else { c }).collect();
            prop_assert_eq!(ApiKey::parse(ApiKeyKind::Live, &changed).is_ok(), changed == text);
        }

        #[test]
        fn no_text_breaks_the_parser(text in "\\PC{0,140}|ink_live_\\PC{0,99}|ink_live_[a-z0-9_-]{100}") {
            prop_assert!(ApiKey::parse(ApiKeyKind::Live, &text).is_err());
        }
    }
}
