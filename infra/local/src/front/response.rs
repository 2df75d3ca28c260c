//! A function's answer to HTTP.

use base64::Engine;
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header::SET_COOKIE};
use http_body_util::Full;
use lambda_http::{Body, aws_lambda_events::apigw::ApiGatewayV2httpResponse};

/// `None` when the answer is not HTTP: an impossible status, cookie or base64.
pub(super) fn to_http(answer: ApiGatewayV2httpResponse) -> Option<Response<Full<Bytes>>> {
    let status = u16::try_from(answer.status_code).ok().and_then(|code| StatusCode::from_u16(code).ok())?;
    let mut response = Response::new(Full::new(body(answer.body, answer.is_base64_encoded)?));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.extend(answer.headers);
    // `lambda_http` fills both maps with the same headers; the second one has every value of a repeated name.
    for name in answer.multi_value_headers.keys() {
        headers.remove(name);
    }
    headers.extend(answer.multi_value_headers);
    for cookie in answer.cookies {
        headers.append(SET_COOKIE, HeaderValue::from_str(&cookie).ok()?);
    }
    Some(response)
}

fn body(body: Option<Body>, is_base64: bool) -> Option<Bytes> {
    let bytes = match body {
        Some(Body::Text(text)) if is_base64 => base64::engine::general_purpose::STANDARD.decode(text).ok()?,
        Some(Body::Text(text)) => text.into_bytes(),
        Some(Body::Binary(bytes)) => bytes,
        _ => Vec::new(),
    };
    Some(Bytes::from(bytes))
}
