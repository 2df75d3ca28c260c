//! Replacing the current value at once, without the four steps: for an emergency.

use domain::bytes;
use secrecy::SecretString;

use super::{Rotation, RotationError, Rotator};
use crate::{
    SecretError,
    client::{CURRENT, NewVersion, PENDING},
};

/// The label of the replacement until it is current: `PutSecretValue` demands one, and AWSCURRENT it would take from
/// whoever has it.
const REPLACEMENT: &str = "INNKEEPER-REPLACEMENT";
/// How often somebody else may come between reading and replacing.
const TRIES: usize = 3;

/// What [`Rotator::replace`] left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replacement {
    /// The id of the version that is current now.
    pub version: String,
    /// Whether this call made it.
    pub made: bool,
}

impl Rotator {
    /// Replaces the current value by what `replacement` makes of it, and gives up a rotation that is under way, which
    /// knows nothing of it. Where `replacement` makes nothing, the value stays.
    ///
    /// The replacement is complete, and set as by [`Rotation::set`], before it is current; a race with another writer
    /// begins anew with that writer's value.
    ///
    /// # Errors
    /// [`RotationError`]; the current value is then the old one or the new one, whole.
    pub async fn replace<R: Rotation>(
        &self,
        rotation: &R,
        secret: &str,
        replacement: impl Fn(&R::Value) -> Option<SecretString> + Send + Sync,
    ) -> Result<Replacement, RotationError> {
        let mut tries = 1;
        loop {
            match self.try_to_replace(rotation, secret, &replacement).await {
                Err(RotationError::Secret(SecretError::Changed { .. })) if tries < TRIES => tries += 1,
                ended => return ended,
            }
        }
    }

    async fn try_to_replace<R: Rotation>(
        &self,
        rotation: &R,
        secret: &str,
        replacement: &(impl Fn(&R::Value) -> Option<SecretString> + Send + Sync),
    ) -> Result<Replacement, RotationError> {
        let now = self.clock.now();
        let versions = self.secrets.versions(secret).await?;
        let missing = || SecretError::Missing { secret: secret.to_owned() };
        let from = versions.labelled(CURRENT).ok_or_else(missing)?;
        let current = self.value(rotation, secret, from).await?.ok_or_else(missing)?;
        let new = replacement(&current);
        let version = if let Some(value) = &new {
            let next = rotation.parse(secret, value)?;
            rotation.set(&current, &next, now).await?;
            let id = format!("{:032x}", u128::from_be_bytes(bytes(&*self.entropy)));
            let version = NewVersion { id: &id, stage: REPLACEMENT, rotation_token: None, value };
            self.secrets.put_version(secret, version).await?;
            self.secrets.move_stage(secret, CURRENT, Some(from), Some(&id)).await?;
            self.unlabel(secret, REPLACEMENT, Some(&id)).await?;
            tracing::warn!(event = "secret.replaced", secret, version = id, previous = from, "secret.replaced");
            rotation.finish(&next, now).await?;
            id
        } else {
            // A call that broke off may have got as far as the new value, and no further.
            self.unlabel(secret, REPLACEMENT, versions.labelled(REPLACEMENT)).await?;
            rotation.finish(&current, now).await?;
            from.to_owned()
        };
        self.unlabel(secret, PENDING, versions.labelled(PENDING).filter(|pending| *pending != from)).await?;
        Ok(Replacement { version, made: new.is_some() })
    }

    async fn unlabel(&self, secret: &str, stage: &str, version: Option<&str>) -> Result<(), SecretError> {
        match version {
            Some(version) => self.secrets.move_stage(secret, stage, Some(version), None).await,
            None => Ok(()),
        }
    }
}
