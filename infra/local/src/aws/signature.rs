//! SigV4: who signed a request, and whether the signature is theirs. In its headers, or in the query of a link.
//!
//! The signature is computed again with `aws-sigv4`, the signer of the SDK itself, so a function cannot borrow another
//! one's access key. The date is not compared with the clock: the stack's time may be scaled while the SDK signs in real time.
//! That of a link is, for ours are signed by the stack's time.

mod link;

use std::borrow::Cow;
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings, UriPathNormalizationMode,
    sign,
};
use aws_sigv4::sign::v4;
use http::header::AUTHORIZATION;
use http::request::Parts;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use self::link::Link;
pub(super) use self::link::rest;
use super::AwsError;

/// The `Authorization` header, or what stands for it in a link, taken apart.
#[derive(Debug, PartialEq)]
pub(super) struct Scope<'a> {
    pub(super) access_key: Cow<'a, str>,
    pub(super) region: Cow<'a, str>,
    pub(super) service: Cow<'a, str>,
    signed_headers: Cow<'a, str>,
    signature: Cow<'a, str>,
    link: Option<Link>,
}

impl<'a> Scope<'a> {
    /// Reads the header, or the query of a link; fails as AWS fails when there is none or it has another shape.
    pub(super) fn of(parts: &'a Parts) -> Result<Self, AwsError> {
        let missing = || AwsError::refused("MissingAuthenticationTokenException", "Missing Authentication Token");
        let malformed =
            || AwsError::refused("IncompleteSignatureException", "The Authorization header is not a SigV4 header.");
        match parts.headers.get(AUTHORIZATION) {
            Some(header) => header.to_str().ok().and_then(Self::parse).ok_or_else(malformed),
            None if link::is_one(parts) => Self::of_link(parts).ok_or_else(malformed),
            None => Err(missing()),
        }
    }

    fn parse(header: &'a str) -> Option<Self> {
        let fields = header.strip_prefix("AWS4-HMAC-SHA256 ")?;
        let field = |name: &str| {
            fields
                .split(',')
                .find_map(|field| field.trim().strip_prefix(name)?.strip_prefix('='))
                .filter(|it| !it.is_empty())
        };
        let [access_key, region, service] = credential(field("Credential")?)?.map(Cow::Borrowed);
        let (signed_headers, signature) = (field("SignedHeaders")?.into(), field("Signature")?.into());
        Some(Self { access_key, region, service, signed_headers, signature, link: None })
    }

    /// Whether `credentials` give this signature for this request, and, of a link, whether it is still good.
    pub(super) fn verify(
        &self,
        parts: &Parts,
        body: &[u8],
        credentials: &Credentials,
        now: Timestamp,
    ) -> Result<(), AwsError> {
        let expected = match &self.link {
            None => self.expected(parts, body, credentials),
            Some(link) => self.expected_of(link, parts, credentials),
        };
        match expected {
            Some(signature) if signature == self.signature => self.link.as_ref().map_or(Ok(()), |link| link.open(now)),
            _ => Err(AwsError::refused(
                "InvalidSignatureException",
                "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access \
                 Key and signing method. Consult the service documentation for details.",
            )),
        }
    }

    fn expected(&self, parts: &Parts, body: &[u8], credentials: &Credentials) -> Option<String> {
        let at = time(parts.headers.get("x-amz-date")?.to_str().ok()?)?;
        self.signature(parts, &parts.uri.to_string(), SignableBody::Bytes(body), (credentials, at), self.settings())
    }

    fn signature(
        &self,
        parts: &Parts,
        uri: &str,
        body: SignableBody<'_>,
        (credentials, at): (&Credentials, Timestamp),
        settings: SigningSettings,
    ) -> Option<String> {
        let identity = credentials.clone().into();
        let params = v4::SigningParams::builder().identity(&identity).region(&self.region).name(&self.service);
        let params = params.time(SystemTime::from(at)).settings(settings).build().ok()?.into();
        // The signer adds these itself and must not see them twice.
        let added = ["x-amz-date", "x-amz-security-token", "x-amz-content-sha256"];
        let headers = self
            .signed_headers
            .split(';')
            .filter(|name| !added.contains(name))
            .filter_map(|name| Some((name, parts.headers.get(name)?.to_str().ok()?)));
        let request = SignableRequest::new(parts.method.as_str(), uri, headers, body).ok()?;
        Some(sign(request, &params).ok()?.into_parts().1)
    }

    /// S3 signs a path as it is, and the digest of the body as a header.
    fn settings(&self) -> SigningSettings {
        let mut settings = SigningSettings::default();
        if self.service == "s3" {
            settings.percent_encoding_mode = PercentEncodingMode::Single;
            settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
            settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        }
        settings
    }
}

/// Access key, region and service of `{access key}/{date}/{region}/{service}/aws4_request`.
fn credential(scope: &str) -> Option<[&str; 3]> {
    let parts: Vec<&str> = scope.split('/').collect();
    let [access_key, date, region, service, "aws4_request"] = parts[..] else { return None };
    let named = [access_key, region, service];
    (date.len() == 8 && !named.contains(&"")).then_some(named)
}

fn time(text: &str) -> Option<Timestamp> {
    let at = DateTime::strptime("%Y%m%dT%H%M%SZ", text).ok()?.to_zoned(TimeZone::UTC).ok()?;
    Some(at.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_taken_apart() {
        let header = "AWS4-HMAC-SHA256 Credential=AK/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host;x-amz-date, Signature=ab";
        let scope = Scope::parse(header).unwrap();
        assert_eq!([&*scope.access_key, &*scope.region, &*scope.service], ["AK", "us-east-1", "dynamodb"]);
        assert_eq!([&*scope.signed_headers, &*scope.signature], ["host;x-amz-date", "ab"]);
    }

    #[test]
    fn other_shapes_are_refused() {
        for header in [
            "Bearer x",
            "AWS4-HMAC-SHA256 Credential=AK/20260101/us-east-1/dynamodb, SignedHeaders=host, Signature=ab",
            "AWS4-HMAC-SHA256 Credential=AK/2026/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=ab",
            "AWS4-HMAC-SHA256 Credential=/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=ab",
            "AWS4-HMAC-SHA256 Credential=AK/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=",
            "AWS4-HMAC-SHA256 Credential=AK/20260101/us-east-1/dynamodb/aws4_request, Signature=ab",
        ] {
            assert_eq!(Scope::parse(header), None, "{header}");
        }
    }
}
