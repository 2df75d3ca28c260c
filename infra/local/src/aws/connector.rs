//! An HTTP client for the SDK that has no network: requests go straight to the gateway of the same process.

use std::sync::Arc;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_types::SdkConfig;
use aws_types::region::Region;
use bytes::Bytes;

use super::Gateway;

/// Where requests would go if they went over the network; only their `Host` header shows it.
const ENDPOINT: &str = "http://aws.local";

/// The SDK's view of a gateway in the same process.
#[derive(Debug, Clone)]
struct InProcess(Arc<Gateway>);

/// An HTTP client that hands every request to `gateway`.
pub fn http_client(gateway: Arc<Gateway>) -> SharedHttpClient {
    SharedHttpClient::new(InProcess(gateway))
}

/// The connector below that client.
pub fn connector(gateway: Arc<Gateway>) -> SharedHttpConnector {
    SharedHttpConnector::new(InProcess(gateway))
}

/// What a function's clients need to call `gateway` with the function's own credentials.
pub fn sdk_config(gateway: Arc<Gateway>, region: &str, credentials: Credentials) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
        .http_client(http_client(gateway))
        .endpoint_url(ENDPOINT)
        .build()
}

impl HttpClient for InProcess {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for InProcess {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let gateway = self.0.clone();
        HttpConnectorFuture::new(async move {
            let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
            let (parts, body) = request.into_parts();
            let body = body.bytes().map(Bytes::copy_from_slice);
            let body = body.ok_or_else(|| ConnectorError::user("a streaming body has no place here".into()))?;
            let response = gateway.call(http::Request::from_parts(parts, body)).await;
            let response = response.map_err(|lost| ConnectorError::timeout(lost.into()))?.map(SdkBody::from);
            HttpResponse::try_from(response).map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}
