//! Where a version stands.

use crate::client::{CURRENT, PENDING};

use super::{Call, Refusal, Rotation, RotationError, Rotator};

/// Where the version that a call names stands. What it lacks, no step can use.
pub(super) enum Standing<V> {
    /// It is the current one: its rotation is over.
    Current(V),
    /// It is pending, without a value yet.
    Reserved(Held<V>),
    /// It is pending and has its value.
    Created {
        /// What is current until it is.
        current: Held<V>,
        /// Its value.
        pending: V,
    },
}

/// A version with its value.
pub(super) struct Held<V> {
    pub(super) version: String,
    pub(super) value: V,
}

impl Rotator {
    pub(super) async fn standing<R: Rotation>(
        &self,
        rotation: &R,
        call: &Call,
    ) -> Result<Standing<R::Value>, RotationError> {
        let (secret, token) = (call.secret_id.as_str(), call.client_request_token.as_str());
        let versions = self.secrets.versions(secret).await?;
        let refuse = |why| Err(RotationError::refused(call, why));
        if !versions.rotates {
            return refuse(Refusal::RotationIsOff);
        }
        if !versions.contains(token) {
            return refuse(Refusal::UnknownVersion);
        }
        let current = versions.labelled(CURRENT).ok_or_else(|| RotationError::refused(call, Refusal::NoCurrent))?;
        let value = self.value(rotation, secret, current).await?;
        let value = value.ok_or_else(|| RotationError::refused(call, Refusal::NoCurrent))?;
        if current == token {
            return Ok(Standing::Current(value));
        }
        if !versions.is(token, PENDING) {
            return refuse(Refusal::NotStaged);
        }
        let current = Held { version: current.to_owned(), value };
        Ok(match self.value(rotation, secret, token).await? {
            None => Standing::Reserved(current),
            Some(pending) => Standing::Created { current, pending },
        })
    }

    pub(super) async fn value<R: Rotation>(
        &self,
        rotation: &R,
        secret: &str,
        version: &str,
    ) -> Result<Option<R::Value>, RotationError> {
        let text = self.secrets.version(secret, version).await?;
        Ok(text.map(|text| rotation.parse(secret, &text)).transpose()?)
    }
}
