//! Where a webhook is.

use serde::{Deserialize, Serialize};

use crate::Rule;
use crate::email::is_host_label;

/// Longer than any that a person writes.
const MAX: usize = 2_048;
/// Of a host name (RFC 1035).
const HOST: usize = 253;

/// An `https` URL with the name of a host, never an address: which addresses the name has is looked at when it is called
/// ([`is_public`](super::is_public)). As it was sent; it may hold a token of the receiver's, and is shown to who may see webhooks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WebhookUrl(String);

/// The host in the URL of a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookHost(String);

impl std::fmt::Display for WebhookHost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl WebhookUrl {
    /// Fails with `too_long` or `invalid`.
    pub fn parse(text: &str) -> Result<Self, Rule> {
        let rest = text.strip_prefix("https://").ok_or_else(|| Rule::new("invalid", "begins with https://"))?;
        let authority = authority(text, rest)?;
        let (host, port) = authority.split_once(':').unwrap_or((authority, "443"));
        if !is_name(host) {
            return Err(Rule::new("invalid", "names a host by its full name, not by an address"));
        }
        if !port.parse::<u16>().is_ok_and(|port| port != 0) {
            return Err(Rule::new("invalid", "has no such port"));
        }
        Ok(Self(text.to_owned()))
    }

    /// As [`Self::parse`], or plain HTTP to this one host, by any port: for the local stack, where nothing is public.
    pub fn parse_or_inside(text: &str, inside: Option<&str>) -> Result<Self, Rule> {
        let plain = inside.zip(text.strip_prefix("http://"));
        match plain {
            Some((inside, rest)) if authority(text, rest)?.split(':').next() == Some(inside) => {
                Ok(Self(text.to_owned()))
            }
            _ => Self::parse(text),
        }
    }

    /// Whose it is, as far as a log may say.
    pub fn host(&self) -> WebhookHost {
        let rest = self.0.split_once("://").map_or("", |(_, rest)| rest);
        WebhookHost(rest.split(['/', '?', ':']).next().unwrap_or_default().to_ascii_lowercase())
    }

    /// As it was sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What stands before the path, in a URL of plain characters and without a fragment; a name before an `@` is in no host name.
fn authority<'t>(text: &str, rest: &'t str) -> Result<&'t str, Rule> {
    if text.len() > MAX {
        return Err(Rule::new("too_long", format!("may have at most {MAX} characters")));
    }
    if !text
        .bytes()
        .all(|b| b.is_ascii_graphic() && !matches!(b, b'#' | b'\\' | b'"' | b'<' | b'>' | b'`' | b'{' | b'}'))
    {
        return Err(Rule::new("invalid", "is a URL of plain characters, without a fragment"));
    }
    Ok(rest.split(['/', '?']).next().unwrap_or_default())
}

/// A last label with a letter: what a resolver might take for a number, as `127.1`, is no name.
fn is_name(host: &str) -> bool {
    let lower = host.to_ascii_lowercase();
    let labels: Vec<&str> = lower.split('.').collect();
    let top = labels.last().copied().unwrap_or_default();
    host.len() <= HOST
        && labels.len() >= 2
        && labels.iter().all(|label| is_host_label(label))
        && top.starts_with(|c: char| c.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_webhook_is_at_a_name_behind_tls() {
        for good in [
            "https://hooks.example.com",
            "https://hooks.example.com/a/b?token=c&d=%20",
            "https://Hooks.Example.com:8443/",
            "https://xn--bcher-kva.example/",
        ] {
            assert_eq!(WebhookUrl::parse(good).unwrap().as_str(), good);
        }
        for bad in [
            "",
            "http://hooks.example.com/",
            "HTTPS://hooks.example.com/",
            "ftp://hooks.example.com",
            "https://",
            "https:///path",
            "https://localhost/",
            "https://127.0.0.1/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://127.1/",
            "https://[::1]/",
            "https://[::ffff:127.0.0.1]:443/",
            "https://user@hooks.example.com/",
            "https://hooks.example.com@127.0.0.1/",
            "https://hooks.example.com:0/",
            "https://hooks.example.com:65536/",
            "https://hooks.example.com:/",
            "https://hooks.example.com:443:443/",
            "https://hooks.example.com/#top",
            "https://hooks.example.com\\@127.0.0.1/",
            "https://hooks.example.com /",
            "https://hooks..example.com/",
            "https://-hooks.example.com/",
            "https://hooks.example.com\r\nx: y",
            "https://h\u{f6}ks.example.com/",
        ] {
            assert!(WebhookUrl::parse(bad).is_err(), "{bad:?}");
        }
        assert_eq!(WebhookUrl::parse(&format!("https://a.example/{}", "x".repeat(MAX))).unwrap_err().code, "too_long");
    }

    #[test]
    fn only_the_named_host_is_called_without_tls() {
        let inside = |text| WebhookUrl::parse_or_inside(text, Some("127.0.0.1"));
        assert!(inside("http://127.0.0.1:4000/hook").is_ok() && inside("https://hooks.example.com/").is_ok());
        for bad in [
            "http://127.0.0.2:4000/",
            "http://hooks.example.com/",
            "http://127.0.0.1@evil.example/",
            "https://127.0.0.1/",
        ] {
            assert!(inside(bad).is_err(), "{bad}");
        }
        assert!(WebhookUrl::parse_or_inside("http://127.0.0.1:4000/", None).is_err());
    }
}
