//! AWS Signature Version 4, as little of it as one kind of request needs. The day's key is kept.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>

use std::{collections::BTreeMap, error::Error};

use domain::Clock;
use jiff::tz::TimeZone;
use ring::{
    digest::{SHA256, digest},
    hmac::{self, HMAC_SHA256},
};

const SIGNED: &str = "content-type;host;x-amz-date;x-amz-security-token;x-amz-target";

pub(crate) struct Signer {
    key_id: String,
    secret: String,
    session_token: String,
    region: String,
    day: String,
    key: hmac::Key,
}

impl Signer {
    pub(crate) fn new(variables: &BTreeMap<String, String>) -> Self {
        let variable = |name: &str| variables.get(name).cloned().unwrap_or_default();
        Self {
            key_id: variable("AWS_ACCESS_KEY_ID"),
            secret: variable("AWS_SECRET_ACCESS_KEY"),
            session_token: variable("AWS_SESSION_TOKEN"),
            region: variable("AWS_REGION"),
            day: String::new(),
            key: hmac::Key::new(HMAC_SHA256, b""),
        }
    }

    pub(crate) fn request(&mut self, host: &str, target: &str, body: &str) -> Result<String, Box<dyn Error>> {
        let now = domain::SystemClock.now().to_zoned(TimeZone::UTC).strftime("%Y%m%dT%H%M%SZ").to_string();
        let day = now.get(..8).unwrap_or_default();
        self.keep_key(day);
        let headers = format!(
            "content-type:application/x-amz-json-1.0\nhost:{host}\nx-amz-date:{now}\n\
             x-amz-security-token:{}\nx-amz-target:{target}\n",
            self.session_token
        );
        let canonical = format!("POST\n/\n\n{headers}\n{SIGNED}\n{}", hex(digest(&SHA256, body.as_bytes()).as_ref()));
        let scope = format!("{day}/{}/dynamodb/aws4_request", self.region);
        let hashed = hex(digest(&SHA256, canonical.as_bytes()).as_ref());
        let signature = hmac::sign(&self.key, format!("AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashed}").as_bytes());
        Ok(format!(
            "POST / HTTP/1.1\r\n{}authorization: AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={SIGNED}, \
             Signature={}\r\ncontent-length: {}\r\n\r\n{body}",
            headers.replace('\n', "\r\n"),
            self.key_id,
            hex(signature.as_ref()),
            body.len()
        ))
    }

    fn keep_key(&mut self, day: &str) {
        if self.day == day {
            return;
        }
        let secret = format!("AWS4{}", self.secret).into_bytes();
        let key = [day, &self.region, "dynamodb", "aws4_request"].iter().fold(secret, |key, part| {
            hmac::sign(&hmac::Key::new(HMAC_SHA256, &key), part.as_bytes()).as_ref().to_vec()
        });
        (self.key, self.day) = (hmac::Key::new(HMAC_SHA256, &key), day.to_owned());
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
