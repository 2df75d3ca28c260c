//! HTTP message signatures (RFC 9421) with content digests (RFC 9530), as operational calls carry them.
//!
//! One signature, `hmac-sha256` under the internal secret, over `@method`, `@authority`, `@path`, `@query` and, where there is a
//! body, `content-digest`; with `created`, `nonce` and `keyid`. The secret itself does not travel, what was signed cannot be
//! altered, and a nonce works once. The structured fields are read by `sfv`; the base is ours, since the crates that build it
//! keep the clock and the secret out of our hands (`httpsig` 0.0.26 reads the time itself, prints keys, and drops parameters).

use http::{HeaderMap, HeaderName, header::HOST};
use jiff::{SignedDuration, Timestamp};
use sfv::{BareItem, Dictionary, FieldType, InnerList, ListEntry, Parser};
use sha2::{Digest, Sha256, Sha512};
use subtle::ConstantTimeEq;

/// The only key that signs; which of its two secrets, the one in use or the one before, is found out by trying.
pub(super) const KEY: &str = "internal";
/// How far `created` may be from now, before or after.
pub(super) const FRESH: SignedDuration = SignedDuration::from_mins(5);
const ALGORITHM: &str = "hmac-sha256";
const INPUT: HeaderName = HeaderName::from_static("signature-input");
const SIGNATURE: HeaderName = HeaderName::from_static("signature");
const DIGEST: HeaderName = HeaderName::from_static("content-digest");
const ALWAYS: [&str; 4] = ["@method", "@authority", "@path", "@query"];
/// 128 bits in hexadecimal or base64url are enough; the most that is kept.
const NONCE: std::ops::RangeInclusive<usize> = 16..=64;

/// The request that was signed.
pub(super) struct Message<'a> {
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    /// Whether there is one; no operational route takes any.
    pub(super) has_query: bool,
    pub(super) headers: &'a HeaderMap,
    pub(super) body: &'a [u8],
}

/// A signature that is complete and fresh; whether it is right, its key knows.
#[derive(Debug)]
pub(super) struct Presented {
    /// What was signed (RFC 9421 section 2.5).
    pub(super) base: String,
    pub(super) signature: Vec<u8>,
    pub(super) nonce: String,
}

/// Whether the request wants to be known by a signature.
pub(super) fn is_meant(headers: &HeaderMap) -> bool {
    headers.contains_key(INPUT) || headers.contains_key(SIGNATURE)
}

/// Reads the signature of a request. Fails with what is wrong with it, which is no secret: who can sign needs to know.
pub(super) fn presented(message: &Message<'_>, now: Timestamp) -> Result<Presented, &'static str> {
    if message.has_query {
        return Err("an operational route takes no query");
    }
    let (label, list) = only(&dictionary(message.headers, &INPUT).ok_or("Signature-Input is one structured field")?)
        .ok_or("Signature-Input holds one signature")?;
    let ListEntry::InnerList(list) = list else { return Err("Signature-Input holds a list of components") };
    let (same, signature) = only(&dictionary(message.headers, &SIGNATURE).ok_or("Signature is one structured field")?)
        .ok_or("Signature holds one signature")?;
    if same != label {
        return Err("Signature has the label of Signature-Input");
    }
    let ListEntry::Item(signature) = signature else { return Err("Signature holds a byte sequence") };
    let signature = signature.bare_item.as_byte_sequence().ok_or("Signature holds a byte sequence")?.to_vec();
    let nonce = parameters(&list, now)?;
    covers(&list, message.body)?;
    if !message.body.is_empty() {
        digest_holds(message)?;
    }
    Ok(Presented { base: base(&list, message)?, signature, nonce })
}

/// A header that is there once, or in parts that make one (RFC 9651 section 4.2), as a dictionary.
fn dictionary(headers: &HeaderMap, name: &HeaderName) -> Option<Dictionary> {
    let parts: Option<Vec<&str>> = headers.get_all(name).iter().map(|value| value.to_str().ok()).collect();
    Parser::new(&parts?.join(", ")).parse().ok()
}

fn only(dictionary: &Dictionary) -> Option<(String, ListEntry)> {
    let mut entries = dictionary.iter();
    let (label, entry) = entries.next()?;
    entries.next().is_none().then(|| (label.to_string(), entry.clone()))
}

/// The nonce, where all parameters are as they have to be.
fn parameters(list: &InnerList, now: Timestamp) -> Result<String, &'static str> {
    let text =
        |name: &str| list.params.get(name).map(|it| it.as_string().map(|text| text.as_str()).unwrap_or_default());
    let moment = |name: &str| list.params.get(name).map(|it| it.as_integer().map_or(i64::MIN, i64::from));
    if text("keyid") != Some(KEY) {
        return Err("keyid is \"internal\"");
    }
    if text("alg").is_some_and(|alg| alg != ALGORITHM) {
        return Err("alg is hmac-sha256");
    }
    let created = moment("created").ok_or("created is missing")?;
    let apart = now.as_second().checked_sub(created).and_then(i64::checked_abs);
    if apart.is_none_or(|apart| apart > FRESH.as_secs()) {
        return Err("created is within five minutes of now");
    }
    if moment("expires").is_some_and(|expires| expires <= now.as_second()) {
        return Err("expires has passed");
    }
    let nonce = text("nonce").filter(|nonce| NONCE.contains(&nonce.len()));
    nonce.map(str::to_owned).ok_or("nonce has 16 to 64 characters")
}

/// Whether all that has to be signed is.
fn covers(list: &InnerList, body: &[u8]) -> Result<(), &'static str> {
    let covered: Vec<&str> = list.items.iter().filter_map(|item| Some(item.bare_item.as_string()?.as_str())).collect();
    if ALWAYS.iter().any(|name| !covered.contains(name)) {
        return Err("@method, @authority, @path and @query are covered");
    }
    if !body.is_empty() && !covered.contains(&DIGEST.as_str()) {
        return Err("content-digest is covered where there is a body");
    }
    Ok(())
}

/// Whether every digest that is known is the body's (RFC 9530 section 2), and one is.
fn digest_holds(message: &Message<'_>) -> Result<(), &'static str> {
    let sent = dictionary(message.headers, &DIGEST).ok_or("Content-Digest is a structured field")?;
    let (mut known, mut wrong) = (0, 0);
    for (algorithm, entry) in &sent {
        let body = match algorithm.as_str() {
            "sha-256" => Sha256::digest(message.body).to_vec(),
            "sha-512" => Sha512::digest(message.body).to_vec(),
            _ => continue,
        };
        let ListEntry::Item(item) = entry else { return Err("Content-Digest holds byte sequences") };
        let is = item.bare_item.as_byte_sequence().is_some_and(|sent| bool::from(sent.ct_eq(&body)));
        known += 1;
        wrong += usize::from(!is);
    }
    if known > 0 && wrong == 0 { Ok(()) } else { Err("Content-Digest is the body's sha-256 or sha-512") }
}

/// The signature base (RFC 9421 section 2.5). A component twice, with parameters, or not there, has no base.
fn base(list: &InnerList, message: &Message<'_>) -> Result<String, &'static str> {
    let mut base = String::new();
    let mut seen: Vec<&str> = Vec::new();
    for item in &list.items {
        let BareItem::String(name) = &item.bare_item else { return Err("a component is a string") };
        let name = name.as_str();
        if seen.contains(&name) || !item.params.is_empty() {
            return Err("a component stands there once, without parameters");
        }
        let value = component(name, message).ok_or("a covered component is not in the request")?;
        base.push_str(&format!("\"{name}\": {value}\n"));
        seen.push(name);
    }
    let input = vec![ListEntry::InnerList(list.clone())].serialize().ok_or("Signature-Input is a structured field")?;
    Ok(format!("{base}\"@signature-params\": {input}"))
}

/// The value of a component (RFC 9421 sections 2.1 and 2.2). No operational route takes a query: it is empty, or there is none.
fn component(name: &str, message: &Message<'_>) -> Option<String> {
    match name {
        "@method" => Some(message.method.to_owned()),
        "@authority" => Some(authority(message.headers)?),
        "@path" => Some(message.path.to_owned()),
        "@query" => Some("?".to_owned()),
        derived if derived.starts_with('@') => None,
        field if field.bytes().any(|b| b.is_ascii_uppercase()) => None,
        field => {
            let parts: Option<Vec<&str>> =
                message.headers.get_all(field).iter().map(|value| value.to_str().ok().map(str::trim)).collect();
            parts.filter(|parts| !parts.is_empty()).map(|parts| parts.join(", "))
        }
    }
}

/// The host in lower case, without the port that is HTTPS's own.
fn authority(headers: &HeaderMap) -> Option<String> {
    let host = headers.get(HOST)?.to_str().ok()?.to_ascii_lowercase();
    Some(host.strip_suffix(":443").map(str::to_owned).unwrap_or(host))
}

#[cfg(test)]
mod tests;
