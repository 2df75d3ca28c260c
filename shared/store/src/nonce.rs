//! Nonces of signed calls: each works once. In the table of counts, where TTL takes them away.

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use jiff::Timestamp;

use crate::{
    Limits, StoreError,
    item::{n, s},
    keys::hex_digest,
};

impl Limits {
    /// Uses up the nonce of a key: false where it was used before. Kept until then, by when what it signed is too old to be
    /// taken. One write, on the condition that there is none.
    pub async fn use_nonce(&self, key: &str, nonce: &str, until: Timestamp) -> Result<bool, StoreError> {
        let place = format!("nonce#{}", hex_digest(&[key.as_bytes(), nonce.as_bytes()]));
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .item("pk", s(place))
            .item("ttl", n(until.as_second()))
            .condition_expression("attribute_not_exists(pk)");
        match Box::pin(put.send()).await {
            Ok(_) => Ok(true),
            Err(error) if error.as_service_error().is_some_and(PutItemError::is_conditional_check_failed_exception) => {
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }
}
