//! Calls without the SDK's orchestration, which takes several times the processor time of the request that it makes.
//!
//! One request, signed as the SDK signs (SigV4, by `aws-sigv4`) and sent once over the connector below the SDK's clients. It
//! is only for what may be sent twice (reads, transactions with a token, counts), and only for the everyday course of it: what
//! is no answer in time is left to the SDK, which then makes the call as if nobody had asked before. So retries, throttling,
//! timeouts and errors are the SDK's alone.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>

mod signature;
mod typed;
mod writes;

use std::{sync::Arc, time::Duration};

use aws_sdk_dynamodb::config::{SharedAsyncSleep, http::HttpRequest};
use aws_smithy_async::{future::timeout::Timeout, rt::sleep::AsyncSleep};
use aws_smithy_runtime_api::client::http::{HttpConnector, SharedHttpConnector};
use aws_smithy_types::{body::SdkBody, byte_stream::ByteStream};
use aws_types::SdkConfig;
use bytes::Bytes;
use http::{StatusCode, Uri};
use serde::{Serialize, de::DeserializeOwned};

use self::signature::Signer;
pub(crate) use self::{
    typed::Typed,
    writes::{TransactWriteItems, UpdateItem},
};
use crate::{limits::Updated, transact::Ended};

/// DynamoDB answers within milliseconds; who waited so long may as well begin anew.
const PATIENCE: Duration = Duration::from_secs(1);
/// AWS's other partitions, by how their regions begin: their endpoints are for the SDK to find.
const ELSEWHERE: [&str; 4] = ["cn-", "us-iso", "eu-iso", "eusc-"];

/// A way to DynamoDB. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Direct(Arc<Way>);

#[derive(Debug)]
struct Way {
    http: SharedHttpConnector,
    sleep: SharedAsyncSleep,
    signer: Signer,
    url: String,
    host: String,
}

impl Direct {
    /// None where the configuration asks for more than is known here.
    pub(crate) fn new(config: &SdkConfig, http: SharedHttpConnector) -> Option<Self> {
        if config.use_fips() == Some(true) || config.use_dual_stack() == Some(true) {
            return None;
        }
        let region = config.region()?.as_ref();
        let url = match config.endpoint_url() {
            Some(url) => url.to_owned(),
            None if ELSEWHERE.iter().any(|prefix| region.starts_with(prefix)) => return None,
            None => format!("https://dynamodb.{region}.amazonaws.com/"),
        };
        let uri: Uri = url.parse().ok().filter(|uri: &Uri| uri.path() == "/" && uri.query().is_none())?;
        let host = uri.authority()?.as_str().to_owned();
        let signer = Signer::new(config, region)?;
        Some(Self(Arc::new(Way { http, sleep: config.sleep_impl()?, signer, url, host })))
    }

    /// What DynamoDB answers; none where the SDK has to ask.
    pub(crate) async fn read<A: DeserializeOwned>(&self, action: &str, input: &impl Serialize) -> Option<A> {
        match self.send(action, input).await? {
            (StatusCode::OK, body) => serde_json::from_slice(&body).ok(),
            _ => None,
        }
    }

    /// How the transaction ended; none where the SDK has to send it, with the same token.
    pub(crate) async fn transact(&self, transaction: &TransactWriteItems<'_>) -> Option<Ended> {
        match self.send("TransactWriteItems", transaction).await? {
            (StatusCode::OK, _) => Some(Ended::Committed),
            (StatusCode::BAD_REQUEST, body) => writes::cancelled(&body).map(Ended::Cancelled),
            _ => None,
        }
    }

    /// What the update came to; none where the SDK has to send it.
    pub(crate) async fn update(&self, update: &UpdateItem<'_>) -> Option<Updated> {
        match self.send("UpdateItem", update).await? {
            (StatusCode::OK, body) => writes::updated(&body).map(Updated::Done),
            (StatusCode::BAD_REQUEST, body) => writes::unmet(&body).map(Updated::Refused),
            _ => None,
        }
    }

    async fn send(&self, action: &str, input: &impl Serialize) -> Option<(StatusCode, Bytes)> {
        let Way { http, sleep, signer, url, host } = &*self.0;
        let body = serde_json::to_vec(input).ok()?;
        let headers = signer.headers(host, &format!("DynamoDB_20120810.{action}"), &body).await?;
        let mut request = HttpRequest::new(SdkBody::from(body));
        request.set_method("POST").ok()?;
        request.set_uri(url.as_str()).ok()?;
        for (name, value) in headers {
            request.headers_mut().try_insert(name, value).ok()?;
        }
        let answer = Timeout::new(http.call(request), sleep.sleep(PATIENCE)).await.ok()?.ok()?;
        let status = StatusCode::from_u16(answer.status().as_u16()).ok()?;
        let body = ByteStream::new(answer.into_body()).collect().await.ok()?;
        Some((status, body.into_bytes()))
    }
}
