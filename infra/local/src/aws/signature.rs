//! SigV4: who signed a request, and whether the signature is theirs.
//!
//! The signature is computed again with `aws-sigv4`, the signer of the SDK itself, so a function cannot borrow another
//! one's access key. The date is not compared with the clock: the stack's time may be scaled while the SDK signs in real time.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use http::request::Parts;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::AwsError;

/// The `Authorization` header, taken apart.
#[derive(Debug, PartialEq)]
pub(super) struct Scope<'a> {
    pub(super) access_key: &'a str,
    pub(super) region: &'a str,
    pub(super) service: &'a str,
    signed_headers: &'a str,
    signature: &'a str,
}

impl<'a> Scope<'a> {
    /// Reads the header; fails as AWS fails when it is absent or has another shape.
    pub(super) fn of(headers: &'a HeaderMap) -> Result<Self, AwsError> {
        let missing = || AwsError::refused("MissingAuthenticationTokenException", "Missing Authentication Token");
        let malformed =
            || AwsError::refused("IncompleteSignatureException", "The Authorization header is not a SigV4 header.");
        let header = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).ok_or_else(missing)?;
        Self::parse(header).ok_or_else(malformed)
    }

    fn parse(header: &'a str) -> Option<Self> {
        let fields = header.strip_prefix("AWS4-HMAC-SHA256 ")?;
        let field = |name: &str| {
            fields
                .split(',')
                .find_map(|field| field.trim().strip_prefix(name)?.strip_prefix('='))
                .filter(|it| !it.is_empty())
        };
        let credential: Vec<&str> = field("Credential")?.split('/').collect();
        let [access_key, date, region, service, "aws4_request"] = credential[..] else { return None };
        if date.len() != 8 || [access_key, region, service].contains(&"") {
            return None;
        }
        Some(Self {
            access_key,
            region,
            service,
            signed_headers: field("SignedHeaders")?,
            signature: field("Signature")?,
        })
    }

    /// Whether `credentials` give this signature for this request.
    pub(super) fn verify(&self, parts: &Parts, body: &[u8], credentials: &Credentials) -> Result<(), AwsError> {
        match self.expected(parts, body, credentials) {
            Some(signature) if signature == self.signature => Ok(()),
            _ => Err(AwsError::refused(
                "InvalidSignatureException",
                "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access \
                 Key and signing method. Consult the service documentation for details.",
            )),
        }
    }

    fn expected(&self, parts: &Parts, body: &[u8], credentials: &Credentials) -> Option<String> {
        let identity = credentials.clone().into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(self.region)
            .name(self.service)
            .time(signed_at(&parts.headers)?)
            .settings(SigningSettings::default())
            .build()
            .ok()?
            .into();
        // The signer adds these itself and must not see them twice.
        let added = ["x-amz-date", "x-amz-security-token"];
        let headers = self
            .signed_headers
            .split(';')
            .filter(|name| !added.contains(name))
            .filter_map(|name| Some((name, parts.headers.get(name)?.to_str().ok()?)));
        let uri = parts.uri.to_string();
        let request = SignableRequest::new(parts.method.as_str(), uri, headers, SignableBody::Bytes(body)).ok()?;
        Some(sign(request, &params).ok()?.into_parts().1)
    }
}

fn signed_at(headers: &HeaderMap) -> Option<SystemTime> {
    let date = headers.get("x-amz-date")?.to_str().ok()?;
    let at = DateTime::strptime("%Y%m%dT%H%M%SZ", date).ok()?.to_zoned(TimeZone::UTC).ok()?;
    Some(at.timestamp().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_taken_apart() {
        let header = "AWS4-HMAC-SHA256 Credential=AK/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host;x-amz-date, Signature=ab";
        let scope = Scope::parse(header).unwrap();
        assert_eq!((scope.access_key, scope.region, scope.service), ("AK", "us-east-1", "dynamodb"));
        assert_eq!((scope.signed_headers, scope.signature), ("host;x-amz-date", "ab"));
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
