//! Amazon S3, as far as it is used: an object is put whole, and a link to it is signed.
//!
//! Two operations do not need the SDK's client of S3, the largest of all (a minute to build, checksums and streams that nobody
//! asks for here). They are signed by `aws-sigv4`, the SDK's own signer, and sent over the connector below the SDK's clients.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html>,
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html>

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use aws_credential_types::{
    Credentials,
    provider::{ProvideCredentials, SharedCredentialsProvider},
};
use aws_sigv4::{
    http_request::{
        PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation, SigningSettings,
        UriPathNormalizationMode, sign,
    },
    sign::v4,
};
use aws_smithy_async::{
    future::timeout::Timeout,
    rt::sleep::{AsyncSleep, SharedAsyncSleep},
};
use aws_smithy_runtime_api::client::{
    http::{HttpConnector, SharedHttpConnector},
    orchestrator::HttpRequest,
};
use aws_smithy_types::body::SdkBody;
use aws_types::SdkConfig;
use bytes::Bytes;
use domain::Clock;
use http::{Request, Uri};
use jiff::{SignedDuration, Timestamp};

const SERVICE: &str = "s3";
/// NDJSON has no registered media type; this is the one in use.
const CONTENT_TYPE: &str = "application/x-ndjson";
/// As many attempts as the SDK's clients make.
const TRIES: u32 = 3;
/// One attempt: ten megabytes take a tenth of it within a region.
const PATIENCE: Duration = Duration::from_secs(8);
const PAUSE: Duration = Duration::from_millis(200);

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// A bucket. Puts objects and signs links to them; the bucket's own settings say how they are kept.
pub struct Bucket {
    http: SharedHttpConnector,
    sleep: SharedAsyncSleep,
    credentials: SharedCredentialsProvider,
    clock: Arc<dyn Clock>,
    region: String,
    /// Up to the object's key.
    url: String,
}

/// A way to an object for whoever has it, for a while. Not printed: it is a bearer's.
pub struct Link {
    url: String,
    /// From then on it opens nothing.
    pub expires_at: Timestamp,
}

/// The object is not there, or nobody knows; putting it once more does no harm.
#[derive(Debug, thiserror::Error)]
pub enum BucketError {
    /// S3 did not answer, or that it is busy.
    #[error("the bucket is out of reach")]
    Unavailable(#[source] Cause),
    /// S3 answered that it will not.
    #[error("the bucket refused: {0}")]
    Refused(u16),
    /// There is nothing to sign with, or what should be signed is no request.
    #[error("the request cannot be signed")]
    Unsigned(#[source] Cause),
}

impl Link {
    /// The URL, for its bearer.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.url
    }
}

impl Bucket {
    /// The bucket `name`, as `config` says where AWS is; at `endpoint`, where another S3 is there.
    ///
    /// None where the configuration lacks region, credentials or time to wait.
    pub fn new(
        config: &SdkConfig,
        http: SharedHttpConnector,
        clock: Arc<dyn Clock>,
        endpoint: Option<&str>,
        name: &str,
    ) -> Option<Self> {
        let region = config.region()?.as_ref().to_owned();
        let url = match endpoint.or(config.endpoint_url()) {
            // Other S3s have one name for all buckets.
            Some(endpoint) => format!("{}/{name}/", endpoint.trim_end_matches('/')),
            None if region.starts_with("cn-") => format!("https://{name}.s3.{region}.amazonaws.com.cn/"),
            None => format!("https://{name}.s3.{region}.amazonaws.com/"),
        };
        let (sleep, credentials) = (config.sleep_impl()?, config.credentials_provider()?);
        Some(Self { http, sleep, credentials, clock, region, url })
    }

    /// Puts an object in the place of one that may be there. A key has only characters that a URL leaves as they are.
    ///
    /// # Errors
    /// [`BucketError`].
    pub async fn put(&self, key: &str, body: impl Into<Bytes>) -> Result<(), BucketError> {
        let body = body.into();
        let mut tried = self.try_put(key, &body).await;
        for nth in 1..TRIES {
            match &tried {
                Err(BucketError::Unavailable(_)) => self.sleep.sleep(PAUSE * nth).await,
                _ => break,
            }
            tried = self.try_put(key, &body).await;
        }
        tried
    }

    async fn try_put(&self, key: &str, body: &Bytes) -> Result<(), BucketError> {
        let request = Request::put(self.uri(key)?).header("content-type", CONTENT_TYPE);
        let signed = self.signed(request, SignableBody::Bytes(body), None).await?;
        let unavailable = |error: Cause| BucketError::Unavailable(error);
        let mut request = HttpRequest::new(SdkBody::from(body.clone()));
        let made = request.set_method("PUT").and(request.set_uri(signed.uri().to_string()));
        made.map_err(|error| BucketError::Unsigned(error.into()))?;
        for (name, value) in signed.headers() {
            let value = value.to_str().map_err(|error| BucketError::Unsigned(error.into()))?.to_owned();
            request.headers_mut().insert(name.as_str().to_owned(), value);
        }
        let answer = Timeout::new(self.http.call(request), self.sleep.sleep(PATIENCE)).await;
        let answer = answer.map_err(|late| unavailable(late.into()))?.map_err(|error| unavailable(error.into()))?;
        match answer.status().as_u16() {
            200 => Ok(()),
            status if status >= 500 || status == 429 => Err(unavailable(format!("it answered {status}").into())),
            status => Err(BucketError::Refused(status)),
        }
    }

    /// A link by which anybody gets the object until it is over. Whoever signs needs the right to read it; and the link ends
    /// with the credentials that signed it, if that is sooner.
    ///
    /// # Errors
    /// [`BucketError::Unsigned`].
    pub async fn link(&self, key: &str, valid: SignedDuration) -> Result<Link, BucketError> {
        let expires_at = self.clock.now().saturating_add(valid).unwrap_or(Timestamp::MAX);
        let request = Request::get(self.uri(key)?);
        let signed = self.signed(request, SignableBody::UnsignedPayload, Some(valid.unsigned_abs())).await?;
        Ok(Link { url: signed.uri().to_string(), expires_at })
    }

    fn uri(&self, key: &str) -> Result<Uri, BucketError> {
        format!("{}{key}", self.url).parse().map_err(|error: http::uri::InvalidUri| BucketError::Unsigned(error.into()))
    }

    /// In its headers, or as a link that is good for so long.
    async fn signed(
        &self,
        request: http::request::Builder,
        body: SignableBody<'_>,
        link: Option<Duration>,
    ) -> Result<Request<()>, BucketError> {
        let credentials = self.credentials.provide_credentials().await;
        let credentials = credentials.map_err(|error| BucketError::Unsigned(error.into()))?;
        let signed = self.sign(request, body, link, credentials, self.clock.now().into());
        signed.map_err(BucketError::Unsigned)
    }

    fn sign(
        &self,
        request: http::request::Builder,
        body: SignableBody<'_>,
        link: Option<Duration>,
        credentials: Credentials,
        now: SystemTime,
    ) -> Result<Request<()>, Cause> {
        let mut request = request.body(())?;
        let host = request.uri().authority().ok_or("the endpoint has no host")?.as_str().to_owned();
        request.headers_mut().insert("host", host.parse()?);
        let identity = credentials.into();
        let params = v4::SigningParams::builder().identity(&identity).region(&self.region).name(SERVICE);
        let params = params.time(now).settings(settings(link)).build()?.into();
        let headers = request.headers().iter().map(|(name, value)| Ok((name.as_str(), value.to_str()?)));
        let headers = headers.collect::<Result<Vec<_>, http::header::ToStrError>>()?;
        let uri = request.uri().to_string();
        let signable = SignableRequest::new(request.method().as_str(), &uri, headers.into_iter(), body)?;
        let (instructions, _) = sign(signable, &params)?.into_parts();
        instructions.apply_to_request_http1x(&mut request);
        Ok(request)
    }
}

/// S3's own: the path is signed as it is, and the digest of a body is a header.
fn settings(link: Option<Duration>) -> SigningSettings {
    let mut settings = SigningSettings::default();
    settings.percent_encoding_mode = PercentEncodingMode::Single;
    settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    if link.is_some() {
        settings.signature_location = SignatureLocation::QueryParams;
        settings.expires_in = link;
    }
    settings
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bucket").field("url", &self.url).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use aws_smithy_async::rt::sleep::TokioSleep;
    use aws_smithy_runtime_api::client::http::HttpConnectorFuture;
    use aws_types::region::Region;

    use super::*;

    #[derive(Debug)]
    struct Nowhere;

    impl HttpConnector for Nowhere {
        fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
            unreachable!("nothing is sent")
        }
    }

    #[derive(Debug)]
    struct At(Timestamp);

    impl Clock for At {
        fn now(&self) -> Timestamp {
            self.0
        }
    }

    /// The example of AWS: <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html>.
    #[tokio::test]
    async fn a_link_is_signed_as_aws_documents_it() {
        let credentials =
            Credentials::new("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", None, None, "test");
        let config = SdkConfig::builder()
            .region(Region::new("us-east-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
            .build();
        let clock = Arc::new(At("2013-05-24T00:00:00Z".parse().unwrap()));
        let bucket = Bucket::new(&config, SharedHttpConnector::new(Nowhere), clock, None, "examplebucket").unwrap();
        let bucket = Bucket { url: "https://examplebucket.s3.amazonaws.com/".into(), ..bucket };
        let link = bucket.link("test.txt", SignedDuration::from_hours(24)).await.unwrap();
        let signature = "X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";
        assert!(link.expose().contains(signature), "{}", link.expose());
        assert!(link.expose().starts_with("https://examplebucket.s3.amazonaws.com/test.txt?"));
        assert_eq!(link.expires_at.to_string(), "2013-05-25T00:00:00Z");
    }
}
