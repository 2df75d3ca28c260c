//! Between items and types: serde_dynamo for the values, the key added and ignored.

use std::collections::HashMap;

use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};
use serde::{Serialize, de::DeserializeOwned};

use crate::{StoreError, keys::Key};

/// An item to write.
pub(crate) type Item = HashMap<String, AttributeValue>;
/// An item that was read.
pub(crate) type Found = serde_dynamo::Item;

pub(crate) fn s(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(crate) fn n(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

pub(crate) fn b(bytes: &[u8]) -> AttributeValue {
    AttributeValue::B(Blob::new(bytes))
}

/// Any serializable value as one attribute.
pub(crate) fn attribute<T: Serialize>(what: &'static str, value: &T) -> Result<AttributeValue, StoreError> {
    serde_dynamo::aws_sdk_dynamodb_1::to_attribute_value(value).map_err(|source| StoreError::corrupt(what, source))
}

/// The item that keeps `value` under `key`. Absent options are left out, since DynamoDB conditions tell absent from NULL.
pub(crate) fn item<T: Serialize>(what: &'static str, key: &Key, value: &T) -> Result<Item, StoreError> {
    let mut item: Item =
        serde_dynamo::aws_sdk_dynamodb_1::to_item(value).map_err(|source| StoreError::corrupt(what, source))?;
    item.retain(|_, value| !value.is_null());
    item.extend(key.attributes());
    Ok(item)
}

/// Fails with [`StoreError::Corrupt`] when a stored item is not a `T`.
pub(crate) fn read<T: DeserializeOwned>(what: &'static str, item: impl Into<Found>) -> Result<T, StoreError> {
    serde_dynamo::from_item(item.into()).map_err(|source| StoreError::corrupt(what, source))
}
