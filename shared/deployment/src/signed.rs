//! One POST of JSON to one service, signed with the function's own credentials.

use std::{fmt, time::Duration};

use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4,
};
use aws_smithy_async::{
    future::timeout::Timeout,
    rt::sleep::{AsyncSleep, SharedAsyncSleep},
    time::SharedTimeSource,
};
use aws_smithy_runtime_api::{
    client::{
        http::{HttpConnector, SharedHttpConnector},
        orchestrator::HttpRequest,
    },
    http::Response,
};
use aws_smithy_types::{body::SdkBody, byte_stream::ByteStream};
use aws_types::SdkConfig;
use serde_json::{Value, json};

use crate::DeploymentError;

/// A new version starts and answers within a second; who has not by now does not.
const PATIENCE: Duration = Duration::from_secs(10);

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// What every request is made with.
#[derive(Clone)]
pub(crate) struct Signed {
    http: SharedHttpConnector,
    sleep: SharedAsyncSleep,
    clock: SharedTimeSource,
    credentials: SharedCredentialsProvider,
    region: String,
    endpoint: Option<String>,
}

/// What a service answered with a status below 300.
pub(crate) struct Answer {
    pub(crate) body: Value,
    /// Lambda's word that the function failed, and the body says how.
    pub(crate) function_error: bool,
}

impl Signed {
    pub(crate) fn new(config: &SdkConfig, http: SharedHttpConnector) -> Option<Self> {
        Some(Self {
            http,
            sleep: config.sleep_impl()?,
            clock: config.time_source().unwrap_or_default(),
            credentials: config.credentials_provider()?,
            region: config.region()?.to_string(),
            endpoint: config.endpoint_url().map(|url| url.trim_end_matches('/').to_owned()),
        })
    }

    pub(crate) async fn post(
        &self,
        service: &'static str,
        path: &str,
        headers: &[(&'static str, &'static str)],
        body: &Value,
    ) -> Result<Answer, DeploymentError> {
        let unavailable = |cause: Cause| DeploymentError::Unavailable(service, cause);
        let request = self.request(service, path, headers, body).await.map_err(unavailable)?;
        let answer = Timeout::new(self.http.call(request), self.sleep.sleep(PATIENCE)).await;
        let answer = answer.map_err(|late| unavailable(late.into()))?.map_err(|lost| unavailable(lost.into()))?;
        read(service, answer).await
    }

    async fn request(
        &self,
        service: &str,
        path: &str,
        headers: &[(&'static str, &'static str)],
        body: &Value,
    ) -> Result<HttpRequest, Cause> {
        let url = format!("{}{path}", self.endpoint.clone().unwrap_or_else(|| self.host(service)));
        let body = body.to_string();
        let identity = self.credentials.provide_credentials().await?.into();
        let params = v4::SigningParams::builder().identity(&identity).region(&self.region).name(service);
        let params = params.time(self.clock.now()).settings(SigningSettings::default()).build()?.into();
        let signable =
            SignableRequest::new("POST", &*url, headers.iter().copied(), SignableBody::Bytes(body.as_bytes()))?;
        let (signature, _) = sign(signable, &params)?.into_parts();
        let mut request = HttpRequest::new(SdkBody::from(body));
        request.set_method("POST")?;
        request.set_uri(url)?;
        for (name, value) in headers.iter().copied().chain(signature.headers()) {
            request.headers_mut().try_insert(name.to_owned(), value.to_owned())?;
        }
        Ok(request)
    }

    /// The regional endpoint: <https://docs.aws.amazon.com/general/latest/gr/rande.html>
    fn host(&self, service: &str) -> String {
        let suffix = if self.region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        format!("https://{service}.{}.{suffix}", self.region)
    }
}

async fn read(service: &'static str, answer: Response) -> Result<Answer, DeploymentError> {
    let unavailable = |cause: Cause| DeploymentError::Unavailable(service, cause);
    let status = answer.status().as_u16();
    let function_error = answer.headers().get("x-amz-function-error").is_some();
    let body = ByteStream::new(answer.into_body()).collect().await.map_err(|error| unavailable(error.into()))?;
    let body = body.into_bytes();
    let text = || String::from_utf8_lossy(&body).into_owned();
    match status {
        200..300 if body.is_empty() => Ok(Answer { body: json!({}), function_error }),
        200..300 => {
            let body = serde_json::from_slice(&body).map_err(|error| unavailable(error.into()))?;
            Ok(Answer { body, function_error })
        }
        429 | 500.. => Err(unavailable(format!("{status}: {}", text()).into())),
        _ => Err(DeploymentError::Refused { service, status, why: text() }),
    }
}

impl fmt::Debug for Signed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signed").field("region", &self.region).finish_non_exhaustive()
    }
}
