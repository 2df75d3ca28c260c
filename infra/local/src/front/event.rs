//! HTTP to payload format 2.0.
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>

use super::routes::Match;
use crate::template::{ApiSpec, arn};
use base64::Engine;
use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{CONNECTION, CONTENT_ENCODING, CONTENT_TYPE, COOKIE, HOST, TRANSFER_ENCODING, UPGRADE, USER_AGENT},
    request::Parts,
};
use jiff::Timestamp;
use lambda_http::aws_lambda_events::apigw::{
    ApiGatewayV2httpRequest, ApiGatewayV2httpRequestContext, ApiGatewayV2httpRequestContextHttpDescription,
};
use std::{collections::HashMap, net::IpAddr};

/// What the request itself does not say.
pub(super) struct Call<'a> {
    pub(super) peer: IpAddr,
    pub(super) request_id: &'a str,
    pub(super) now: Timestamp,
    pub(super) api: Option<&'a ApiSpec>,
    pub(super) matched: &'a Match<'a>,
}

/// `rawPath` stays percent-encoded as the client sent it: `lambda_http` builds a URI from it, and would panic at a space.
pub(super) fn from_http(parts: &Parts, body: &[u8], call: &Call<'_>) -> ApiGatewayV2httpRequest {
    let query = parts.uri.query().unwrap_or_default();
    let (body, is_base64_encoded) = encoded(&parts.headers, body);
    let mut event = ApiGatewayV2httpRequest::default();
    event.version = Some("2.0".to_owned());
    event.route_key = Some(call.matched.route_key.to_owned());
    event.raw_path = Some(parts.uri.path().to_owned());
    event.raw_query_string = Some(query.to_owned());
    event.cookies = cookies(&parts.headers);
    event.headers = headers(parts, call);
    event.query_string_parameters = joined_query(query).into();
    event.path_parameters = call.matched.parameters.clone();
    event.request_context = context(parts, call);
    event.body = body;
    event.is_base64_encoded = is_base64_encoded;
    event
}

fn context(parts: &Parts, call: &Call<'_>) -> ApiGatewayV2httpRequestContext {
    let host = text(&parts.headers, &HOST).unwrap_or_default();
    let domain = host.rsplit_once(':').map_or(host.as_str(), |(name, _)| name).to_owned();
    let mut context = ApiGatewayV2httpRequestContext::default();
    context.route_key = Some(call.matched.route_key.to_owned());
    context.account_id = Some(arn::ACCOUNT.to_owned());
    context.stage = Some("$default".to_owned());
    context.request_id = Some(call.request_id.to_owned());
    context.apiid = call.api.map(|api| api.id.clone());
    context.domain_prefix = domain.split('.').next().map(str::to_owned);
    context.domain_name = Some(domain);
    context.time = Some(call.now.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string());
    context.time_epoch = call.now.as_millisecond();
    context.http = description(parts, call.peer);
    context
}

fn description(parts: &Parts, peer: IpAddr) -> ApiGatewayV2httpRequestContextHttpDescription {
    let mut http = ApiGatewayV2httpRequestContextHttpDescription::default();
    http.method = parts.method.clone();
    http.path = Some(parts.uri.path().to_owned());
    http.protocol = Some("HTTP/1.1".to_owned());
    http.source_ip = Some(peer.to_canonical().to_string());
    http.user_agent = text(&parts.headers, &USER_AGENT);
    http
}

/// Names in lower case, values joined by a comma; cookies apart. The forwarding headers are API Gateway's own: only the last
/// address of `x-forwarded-for` is one that it saw, and it speaks nothing but HTTPS, unless a client claims less for itself.
fn headers(parts: &Parts, call: &Call<'_>) -> HeaderMap {
    let hop_by_hop = [CONNECTION, TRANSFER_ENCODING, UPGRADE, COOKIE, HeaderName::from_static("keep-alive")];
    let mut headers = HeaderMap::new();
    for name in parts.headers.keys().filter(|name| !hop_by_hop.contains(name)) {
        if let Some(value) = joined(&parts.headers, name) {
            headers.insert(name.clone(), value);
        }
    }
    let peer = call.peer.to_canonical().to_string();
    let forwarded = text(&headers, "x-forwarded-for").map_or(peer.clone(), |before| format!("{before}, {peer}"));
    let plain = text(&headers, "x-forwarded-proto").is_some_and(|claim| claim.eq_ignore_ascii_case("http"));
    let trace: String = call.request_id.bytes().map(|byte| format!("{byte:02x}")).take(12).collect();
    let own = [
        ("x-forwarded-for", forwarded),
        ("x-forwarded-proto", if plain { "http" } else { "https" }.to_owned()),
        ("x-forwarded-port", if plain { "80" } else { "443" }.to_owned()),
        ("x-amzn-trace-id", format!("Root=1-{:08x}-{trace}", call.now.as_second())),
    ];
    for (name, value) in own {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
    headers
}

fn joined(headers: &HeaderMap, name: &HeaderName) -> Option<HeaderValue> {
    let values: Vec<_> = headers.get_all(name).iter().map(HeaderValue::as_bytes).collect();
    HeaderValue::from_bytes(&values.join(&b","[..])).ok()
}

fn cookies(headers: &HeaderMap) -> Option<Vec<String>> {
    let all = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let cookies: Vec<_> = all.flat_map(|value| value.split(';')).map(|cookie| cookie.trim().to_owned()).collect();
    (!cookies.is_empty()).then_some(cookies)
}

/// Decoded; a repeated name has its values joined by a comma.
fn joined_query(query: &str) -> HashMap<String, String> {
    let mut parameters: HashMap<String, String> = HashMap::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match parameters.get_mut(name.as_ref()) {
            Some(before) => {
                before.push(',');
                before.push_str(&value);
            }
            None => drop(parameters.insert(name.into_owned(), value.into_owned())),
        }
    }
    parameters
}

/// Text stays text; everything else, and whatever is compressed, is base64.
fn encoded(headers: &HeaderMap, body: &[u8]) -> (Option<String>, bool) {
    if body.is_empty() {
        return (None, false);
    }
    let media_type = text(headers, CONTENT_TYPE).unwrap_or_default().to_ascii_lowercase();
    let is_text = ["text/", "application/json", "application/javascript", "application/xml"]
        .iter()
        .any(|t| media_type.starts_with(t))
        || media_type.contains("+json")
        || media_type.contains("+xml");
    match std::str::from_utf8(body) {
        Ok(text) if is_text && !headers.contains_key(CONTENT_ENCODING) => (Some(text.to_owned()), false),
        _ => (Some(base64::engine::general_purpose::STANDARD.encode(body)), true),
    }
}

fn text(headers: &HeaderMap, name: impl http::header::AsHeaderName) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}
