//! AWS Signature Version 4 of the one form of request that [`super::Direct`] sends. The key of the day is kept.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use aws_credential_types::{
    Credentials,
    provider::{ProvideCredentials, SharedCredentialsProvider},
};
use aws_sigv4::sign::v4::{calculate_signature, generate_signing_key};
use aws_smithy_async::time::SharedTimeSource;
use aws_types::SdkConfig;
use data_encoding::HEXLOWER;
use jiff::{Timestamp, fmt::strtime, tz::Offset};
use sha2::{Digest, Sha256};

const SERVICE: &str = "dynamodb";
const CONTENT_TYPE: &str = "application/x-amz-json-1.0";
/// Credentials that end so soon are asked for anew, as the SDK's cache does.
const BUFFER: Duration = Duration::from_secs(10);

/// Signs with the credentials that the SDK's clients have.
pub(super) struct Signer {
    region: String,
    credentials: SharedCredentialsProvider,
    clock: SharedTimeSource,
    kept: Mutex<Option<Arc<DayKey>>>,
}

/// What of a signature is the same all day.
struct DayKey {
    day: String,
    scope: String,
    credentials: Credentials,
    key: Vec<u8>,
}

impl Signer {
    pub(super) fn new(config: &SdkConfig, region: &str) -> Option<Self> {
        let clock = config.time_source().unwrap_or_default();
        let credentials = config.credentials_provider()?;
        Some(Self { region: region.to_owned(), credentials, clock, kept: Mutex::default() })
    }

    /// The headers of a signed POST of `body` to the root of `host`; none where there are no credentials.
    pub(super) async fn headers(
        &self,
        host: &str,
        target: &str,
        body: &[u8],
    ) -> Option<impl IntoIterator<Item = (&'static str, String)> + use<>> {
        let now = self.clock.now();
        let date = utc(now)?;
        let day = self.day_key(date.get(..8)?, now).await?;
        let DayKey { scope, credentials, key, .. } = &*day;
        let token = credentials.session_token();

        // By name, as the canonical form wants it.
        let mut headers = vec![("content-type", CONTENT_TYPE), ("host", host), ("x-amz-date", &date)];
        headers.extend(token.map(|token| ("x-amz-security-token", token)));
        headers.push(("x-amz-target", target));
        let lines: String = headers.iter().flat_map(|(name, value)| [name, ":", value, "\n"]).collect();
        let signed = headers.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
        let canonical = format!("POST\n/\n\n{lines}\n{signed}\n{}", HEXLOWER.encode(&Sha256::digest(body)));
        let canonical = HEXLOWER.encode(&Sha256::digest(canonical));
        let signature = calculate_signature(key, format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{canonical}").as_bytes());
        let id = credentials.access_key_id();
        let authorization =
            format!("AWS4-HMAC-SHA256 Credential={id}/{scope}, SignedHeaders={signed}, Signature={signature}");
        let mut headers: Vec<_> = headers.into_iter().map(|(name, value)| (name, value.to_owned())).collect();
        headers.push(("authorization", authorization));
        Some(headers)
    }

    async fn day_key(&self, day: &str, now: SystemTime) -> Option<Arc<DayKey>> {
        if let Some(kept) = self.kept(day, now) {
            return Some(kept);
        }
        let credentials = self.credentials.provide_credentials().await.ok()?;
        let scope = format!("{day}/{}/{SERVICE}/aws4_request", self.region);
        let key = generate_signing_key(credentials.secret_access_key(), now, &self.region, SERVICE).as_ref().to_vec();
        let fresh = Arc::new(DayKey { day: day.to_owned(), scope, credentials, key });
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(fresh.clone());
        Some(fresh)
    }

    fn kept(&self, day: &str, now: SystemTime) -> Option<Arc<DayKey>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let good = |kept: &&Arc<DayKey>| {
            kept.day == day && kept.credentials.expiry().is_none_or(|expiry| now + BUFFER < expiry)
        };
        kept.as_ref().filter(good).cloned()
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("region", &self.region).finish_non_exhaustive()
    }
}

/// As `x-amz-date` has it.
fn utc(now: SystemTime) -> Option<String> {
    let now = Timestamp::try_from(now).ok()?;
    strtime::format("%Y%m%dT%H%M%SZ", Offset::UTC.to_datetime(now)).ok()
}

#[cfg(test)]
mod tests {
    use aws_sigv4::{
        http_request::{SignableBody, SignableRequest, SigningSettings, sign},
        sign::v4,
    };
    use aws_smithy_async::time::StaticTimeSource;
    use aws_types::region::Region;

    use super::*;

    /// 2026-01-01T00:00:00Z.
    const NOW: u64 = 1_767_225_600;

    fn authorization(
        headers: impl IntoIterator<Item = (&'static str, String)>,
    ) -> (Vec<(&'static str, String)>, String) {
        let (mut given, mut headers): (Vec<_>, Vec<_>) =
            headers.into_iter().partition(|(name, _)| *name == "authorization");
        // The SDK's signer adds these itself.
        headers.retain(|(name, _)| !["x-amz-date", "x-amz-security-token"].contains(name));
        (headers, given.remove(0).1)
    }

    #[tokio::test]
    async fn the_signature_is_the_sdks_with_and_without_a_session_and_on_the_next_day() {
        for token in [None, Some("a session/token+=".to_owned())] {
            let credentials = Credentials::new("ASIAEXAMPLE", "secret", token, None, "test");
            for day in [0, 1] {
                let now = SystemTime::UNIX_EPOCH + Duration::from_secs(NOW + day * 86_400);
                let config = SdkConfig::builder()
                    .region(Region::new("eu-central-1"))
                    .time_source(StaticTimeSource::new(now))
                    .credentials_provider(SharedCredentialsProvider::new(credentials.clone()))
                    .build();
                let signer = Signer::new(&config, "eu-central-1").unwrap();
                let body = br#"{"TableName":"core"}"#;
                let headers = signer.headers("localhost:4566", "DynamoDB_20120810.GetItem", body).await.unwrap();
                let (headers, ours) = authorization(headers);

                let identity = credentials.clone().into();
                let params = v4::SigningParams::builder().identity(&identity).region("eu-central-1").name(SERVICE);
                let params = params.time(now).settings(SigningSettings::default()).build().unwrap().into();
                let headers = headers.iter().map(|(name, value)| (*name, value.as_str()));
                let url = "http://localhost:4566/";
                let request = SignableRequest::new("POST", url, headers, SignableBody::Bytes(body)).unwrap();
                let theirs = sign(request, &params).unwrap().into_parts().0;
                let theirs = theirs.headers().find(|(name, _)| *name == "authorization").unwrap().1.to_owned();
                assert_eq!(ours, theirs);
            }
        }
    }
}
