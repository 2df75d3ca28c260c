//! S3's protocol, as far as it is used: `PUT` and `GET` of `/{bucket}/{key}`, and errors as XML.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Method, Response, StatusCode};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use crate::aws::AwsError;
use crate::aws::s3::PATH;
use crate::aws::signature::rest;

/// What is asked of an object. Whatever a query asks for besides (`?acl`, `?uploads`, `?versionId`) is not here.
pub(super) fn action(parts: &Parts) -> Option<&'static str> {
    named(parts)?;
    match (&parts.method, rest(parts).next()) {
        (&Method::PUT, None) => Some("PutObject"),
        (&Method::GET, None) => Some("GetObject"),
        _ => None,
    }
}

/// The object itself goes as base 64, which is what JSON has for bytes.
pub(super) fn input(parts: &Parts, body: &[u8]) -> Value {
    let (bucket, key) = named(parts).unwrap_or_default();
    let kind = parts.headers.get("content-type").and_then(|kind| kind.to_str().ok());
    let body = (parts.method == Method::PUT).then(|| STANDARD.encode(body));
    json!({"Bucket": bucket, "Key": key, "ContentType": kind, "Body": body})
}

pub(super) fn response(request_id: &str, result: Result<Value, AwsError>) -> Response<Bytes> {
    let mut response = match result {
        Ok(output) => success(&output),
        Err(error) => failure(&error),
    };
    if let Ok(id) = HeaderValue::from_str(request_id) {
        response.headers_mut().insert("x-amz-request-id", id);
    }
    response
}

fn success(output: &Value) -> Response<Bytes> {
    let body = output["Body"].as_str().and_then(|body| STANDARD.decode(body).ok()).unwrap_or_default();
    let mut response = Response::new(Bytes::from(body));
    if let Some(kind) = output["ContentType"].as_str().and_then(|kind| HeaderValue::from_str(kind).ok()) {
        response.headers_mut().insert("content-type", kind);
    }
    response
}

/// In S3's own words, which are not those of the JSON protocols.
fn failure(error: &AwsError) -> Response<Bytes> {
    let code = match &*error.code {
        "InvalidSignatureException" => "SignatureDoesNotMatch",
        "UnrecognizedClientException" => "InvalidAccessKeyId",
        "AccessDeniedException" => "AccessDenied",
        code => code,
    };
    let message = error.message.replace('&', "&amp;").replace('<', "&lt;");
    let body = format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>");
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/xml"));
    response
}

/// Bucket and key, with a name for all buckets: `/{bucket}/{key}`, below [`PATH`] where a person's browser asks.
fn named(parts: &Parts) -> Option<(String, String)> {
    let path = parts.uri.path();
    let path = path.strip_prefix(PATH).filter(|rest| rest.starts_with('/')).unwrap_or(path);
    let (bucket, key) = path.strip_prefix('/')?.split_once('/')?;
    let key = percent_decode_str(key).decode_utf8().ok()?;
    (!bucket.is_empty() && !key.is_empty()).then(|| (bucket.to_owned(), key.into_owned()))
}
