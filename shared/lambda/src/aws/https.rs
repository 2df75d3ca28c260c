//! The HTTP client below every AWS SDK client: HTTP/1.1 over rustls with ring, trusting Amazon's roots.
//!
//! The SDK's own client parses its list of roots from PEM for every client that is made, which is most of a cold start,
//! and brings HTTP/2, which the services that we call do not speak.

use std::{sync::Arc, time::Duration};

use aws_smithy_runtime_api::client::{
    http::{HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector},
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
    runtime_components::RuntimeComponents,
};
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{self, Client, connect},
    rt::TokioExecutor,
};
use rustls::{ClientConfig, RootCertStore};

/// One client for all services; the connections are kept for the next call.
#[derive(Debug, Clone)]
pub(super) struct Https(SharedHttpConnector);

#[derive(Debug, Clone)]
struct Connections(Client<HttpsConnector<connect::HttpConnector>, Full<Bytes>>);

impl Https {
    /// Trusts `roots`; gives up connecting after `connect`.
    pub(super) fn new(roots: RootCertStore, connect: Duration) -> Result<Self, rustls::Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let tls = tls.with_root_certificates(roots).with_no_client_auth();
        let mut tcp = connect::HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(connect));
        let https =
            HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().wrap_connector(tcp);
        let connections = Connections(Client::builder(TokioExecutor::new()).build(https));
        Ok(Self(SharedHttpConnector::new(connections)))
    }

    pub(super) fn connector(&self) -> SharedHttpConnector {
        self.0.clone()
    }
}

impl HttpClient for Https {
    /// The settings are two timeouts: that for connecting is ours, and the attempt's is kept by the SDK.
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        self.0.clone()
    }
}

impl HttpConnector for Connections {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let client = self.0.clone();
        HttpConnectorFuture::new(async move {
            let (parts, body) = request.try_into_http1x().map_err(|e| ConnectorError::user(e.into()))?.into_parts();
            let body = body.bytes().ok_or_else(|| ConnectorError::user("a streaming body has no place here".into()))?;
            let request = Request::from_parts(parts, Full::new(Bytes::copy_from_slice(body)));
            let (parts, body) = client.request(request).await.map_err(failed)?.into_parts();
            let body = body.collect().await.map_err(|e| ConnectorError::io(e.into()))?.to_bytes();
            HttpResponse::try_from(Response::from_parts(parts, SdkBody::from(body)))
                .map_err(|e| ConnectorError::other(e.into(), None))
        })
    }
}

/// Everything on the way is worth another attempt, which the SDK makes.
fn failed(error: legacy::Error) -> ConnectorError {
    ConnectorError::io(error.into())
}
