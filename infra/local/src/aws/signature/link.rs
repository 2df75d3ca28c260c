//! A signature in the query: a link that is good for a while, for whoever has it.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html>

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignatureLocation};
use http::request::Parts;
use jiff::{SignedDuration, Timestamp};

use super::{AwsError, Scope, credential, time};

/// What the signer writes into a query, and must not find there.
const WRITTEN: [&str; 7] = [
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-SignedHeaders",
    "X-Amz-Security-Token",
    "X-Amz-Signature",
];
/// S3 takes no more.
const LONGEST: u32 = 7 * 86_400;

/// From when and for how long.
#[derive(Debug, PartialEq)]
pub(super) struct Link {
    at: Timestamp,
    /// Seconds.
    valid: u32,
}

impl Link {
    /// Whether it is good still.
    pub(super) fn open(&self, now: Timestamp) -> Result<(), AwsError> {
        let until = self.at.saturating_add(SignedDuration::from_secs(self.valid.into())).unwrap_or(Timestamp::MIN);
        match now < until {
            true => Ok(()),
            false => Err(AwsError::refused("AccessDeniedException", "Request has expired")),
        }
    }
}

/// Whether the query has a signature.
pub(super) fn is_one(parts: &Parts) -> bool {
    query(parts).any(|(name, _)| name == "X-Amz-Signature")
}

/// The query without what the signer wrote.
pub(in crate::aws) fn rest(parts: &Parts) -> impl Iterator<Item = (String, String)> + '_ {
    query(parts).filter(|(name, _)| !WRITTEN.contains(&name.as_str()))
}

fn query(parts: &Parts) -> impl Iterator<Item = (String, String)> + '_ {
    form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()).into_owned()
}

impl Scope<'_> {
    pub(super) fn of_link(parts: &Parts) -> Option<Self> {
        let one = |name: &str| {
            let mut found = query(parts).filter(|(given, _)| given == name).map(|(_, value)| value);
            found.next().filter(|value| found.next().is_none() && !value.is_empty())
        };
        let scope = one("X-Amz-Credential")?;
        let [access_key, region, service] = credential(&scope)?.map(|part| part.to_owned().into());
        let valid = one("X-Amz-Expires")?.parse().ok().filter(|valid| (1..=LONGEST).contains(valid))?;
        let link = Link { at: time(&one("X-Amz-Date")?)?, valid };
        let signed_headers = one("X-Amz-SignedHeaders")?.into();
        let signature = one("X-Amz-Signature")?.into();
        (one("X-Amz-Algorithm")? == "AWS4-HMAC-SHA256").then_some(Self {
            access_key,
            region,
            service,
            signed_headers,
            signature,
            link: Some(link),
        })
    }

    /// Over the link without what was written into it: so nothing of that can be another than what was signed.
    pub(super) fn expected_of(&self, link: &Link, parts: &Parts, credentials: &Credentials) -> Option<String> {
        let rest = form_urlencoded::Serializer::new(String::new()).extend_pairs(rest(parts)).finish();
        let uri = parts.uri.to_string();
        let (path, _) = uri.split_once('?')?;
        let uri = if rest.is_empty() { path.to_owned() } else { format!("{path}?{rest}") };
        let mut settings = self.settings();
        settings.signature_location = SignatureLocation::QueryParams;
        settings.expires_in = Some(Duration::from_secs(link.valid.into()));
        self.signature(parts, &uri, SignableBody::UnsignedPayload, (credentials, link.at), settings)
    }
}
