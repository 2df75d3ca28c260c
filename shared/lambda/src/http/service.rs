//! The way of one request through the door.

use std::{
    convert::Infallible,
    future::Future,
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use domain::CorrelationId;
use futures::FutureExt;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};
use lambda_http::{
    Body as LambdaBody, Request, RequestExt, aws_lambda_events::apigw::ApiGatewayV2httpRequestContext,
    request::RequestContext,
};

use super::{
    body::Body,
    caller::{Authenticator, Caller},
    headers,
    policy::{Access, Of, Policy},
    problem::{Problem, kinds},
    reply::{Answer, Parts},
    route::{Cx, Route, Routes},
    settings::Settings,
};
use crate::{Env, StartError, event::chain};

/// Path parameters by name.
pub(super) type Params = Vec<(&'static str, String)>;

type Answered = Pin<Box<dyn Future<Output = Result<Parts, Problem>> + Send>>;

/// A route without its types.
pub struct Erased {
    policy: &'static Policy,
    call: Box<dyn Fn(Cx) -> Answered + Send + Sync>,
}

impl Erased {
    pub(super) fn of<R: Route>(deps: Arc<R::Deps>) -> Self {
        let call = move |cx: Cx| -> Answered {
            let deps = deps.clone();
            Box::pin(async move {
                let body = R::Body::read(&cx.headers, &cx.raw_body)?;
                let reply = R::handle(&deps, cx, body).await.map_err(Into::into)?;
                let (content_type, body) =
                    reply.answer.into_bytes().map_err(|e| Problem::new(&kinds::INTERNAL).source(e))?;
                let status = StatusCode::from_u16(R::POLICY.success).unwrap_or(StatusCode::OK);
                Ok(Parts { status, content_type, body, headers: reply.headers })
            })
        };
        Self { policy: Of::<R>::POLICY, call: Box::new(call) }
    }
}

/// A started HTTP function; cheap to clone.
#[derive(Clone)]
pub struct HttpService(Arc<Door>);

struct Door {
    env: Env,
    settings: Settings,
    routes: Vec<Erased>,
    /// Only where a route has callers to tell apart.
    authenticator: Option<Authenticator>,
}

impl HttpService {
    pub(crate) async fn start<R: Routes>(env: Env) -> Result<Self, StartError> {
        let open = |p: &&Policy| matches!(p.access, Access::Anonymous | Access::Signature);
        let authenticator =
            if R::POLICIES.iter().all(open) { None } else { Some(Authenticator::from_env(&env).await?) };
        let routes = R::start(&env).await?;
        Ok(Self(Arc::new(Door { settings: Settings::from_env(&env)?, env, routes, authenticator })))
    }
}

impl tower::Service<Request> for HttpService {
    type Response = Response<LambdaBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let door = self.0.clone();
        Box::pin(async move { Ok(door.answer(request).await) })
    }
}

impl Door {
    async fn answer(&self, request: Request) -> Response<LambdaBody> {
        let started = self.env.clock.now();
        let (gateway_id, source_ip) = gateway_facts(&request);
        let request_id = gateway_id.unwrap_or_else(|| CorrelationId::new(&*self.env.entropy));
        let method = request.method().clone();
        let path = request.raw_http_path().to_owned();
        let origin = request.headers().get(header::ORIGIN).and_then(|o| o.to_str().ok()).map(str::to_owned);

        let (operation, outcome) = self.route(request, &method, &path, &request_id, source_ip.clone(), started).await;
        let (parts, code, cause) = match outcome {
            Ok(parts) => (parts, None, None),
            Err(problem) => {
                let cause = problem.source.as_deref().map(|s| format!("{s}: {}", chain(s)));
                let code = problem.code();
                (problem.into_parts(request_id.as_str()), Some(code), cause)
            }
        };
        let status = parts.status.as_u16();
        let ms = self.env.clock.now().duration_since(started).as_millis_f64();
        if status >= 500 {
            tracing::error!(
                request_id = request_id.as_str(),
                operation,
                method = method.as_str(),
                path,
                status,
                code,
                cause,
                source_ip,
                ms,
                "request"
            );
        } else {
            tracing::info!(
                request_id = request_id.as_str(),
                operation,
                method = method.as_str(),
                path,
                status,
                code,
                cause,
                source_ip,
                ms,
                "request"
            );
        }
        self.finish(parts, &request_id, origin.as_deref())
    }

    async fn route(
        &self,
        request: Request,
        method: &Method,
        path: &str,
        request_id: &CorrelationId,
        source_ip: String,
        now: jiff::Timestamp,
    ) -> (&'static str, Result<Parts, Problem>) {
        let (route, params) = match self.find(method, path) {
            Ok(found) => found,
            Err(problem) => return ("none", Err(problem)),
        };
        let admitted = AssertUnwindSafe(self.admit(route.policy, &params, &request, now)).catch_unwind().await;
        let caller = match admitted.unwrap_or_else(|_| Err(Problem::new(&kinds::INTERNAL))) {
            Ok(caller) => caller,
            Err(problem) => return (route.policy.operation, Err(problem)),
        };
        let (parts, body) = request.into_parts();
        let cx = Cx {
            request_id: request_id.clone(),
            caller,
            source_ip,
            now,
            params,
            headers: parts.headers,
            raw_body: body.to_vec(),
        };
        // A panic is this request's failure, and the function serves on.
        let outcome = AssertUnwindSafe((route.call)(cx)).catch_unwind().await;
        (route.policy.operation, outcome.unwrap_or_else(|_| Err(Problem::new(&kinds::INTERNAL))))
    }

    fn find(&self, method: &Method, path: &str) -> Result<(&Erased, Params), Problem> {
        let matching = || self.routes.iter().filter_map(|r| params_of(r.policy.path, path).map(|p| (r, p)));
        if let Some(found) = matching().find(|(r, _)| r.policy.method == *method) {
            return Ok(found);
        }
        let allowed: Vec<&str> = matching().map(|(route, _)| route.policy.method.as_str()).collect();
        match HeaderValue::from_str(&allowed.join(", ")) {
            Ok(allow) if !allow.is_empty() => {
                Err(Problem::new(&kinds::METHOD_NOT_ALLOWED).header(header::ALLOW, allow))
            }
            _ => Err(Problem::new(&kinds::NOT_FOUND)),
        }
    }

    /// Size before anything is parsed, caller before the body is read.
    async fn admit(
        &self,
        policy: &Policy,
        params: &[(&'static str, String)],
        request: &Request,
        now: jiff::Timestamp,
    ) -> Result<Caller, Problem> {
        let headers = request.headers();
        if self.settings.require_https && headers.get("x-forwarded-proto").is_none_or(|p| p.as_bytes() != b"https") {
            return Err(Problem::new(&kinds::HTTPS_REQUIRED));
        }
        if body_length(request.body()) > policy.body_limit {
            return Err(
                Problem::new(&kinds::BODY_TOO_LARGE).detail(format!("this route takes {} bytes", policy.body_limit))
            );
        }
        if matches!(policy.access, Access::Anonymous | Access::Signature) {
            return Ok(Caller::Anonymous);
        }
        let authenticator = self.authenticator.as_ref().ok_or_else(|| Problem::new(&kinds::INTERNAL))?;
        let tenant = params.iter().find(|(name, _)| *name == "tenant_id").map(|(_, value)| value.as_str());
        authenticator.admit(policy.access, headers, tenant, now).await
    }

    fn finish(&self, parts: Parts, request_id: &CorrelationId, origin: Option<&str>) -> Response<LambdaBody> {
        let body = String::from_utf8(parts.body).map_or_else(|e| LambdaBody::Binary(e.into_bytes()), LambdaBody::Text);
        let mut response = Response::new(body);
        *response.status_mut() = parts.status;
        let headers: &mut HeaderMap = response.headers_mut();
        for (name, value) in parts.headers {
            headers.append(name, value);
        }
        if !parts.content_type.is_empty() {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(parts.content_type));
        }
        if let Ok(id) = HeaderValue::from_str(request_id.as_str()) {
            headers.insert(HeaderName::from_static("x-request-id"), id);
        }
        headers::secure(headers, &self.settings);
        headers::cors(headers, &self.settings, origin);
        response
    }
}

/// API Gateway's request id and the client's address as it saw it; no header can change either.
fn gateway_facts(request: &Request) -> (Option<CorrelationId>, String) {
    let Some(RequestContext::ApiGatewayV2(context)) = request.request_context_ref() else {
        return (None, String::new());
    };
    let context: &ApiGatewayV2httpRequestContext = context;
    // It is base64; a correlation id is the URL-safe kind.
    let id = context
        .request_id
        .as_deref()
        .and_then(|id| id.trim_end_matches('=').replace('+', "-").replace('/', "_").parse().ok());
    (id, context.http.source_ip.clone().unwrap_or_default())
}

fn body_length(body: &LambdaBody) -> usize {
    match body {
        LambdaBody::Text(text) => text.len(),
        LambdaBody::Binary(bytes) => bytes.len(),
        _ => 0,
    }
}

/// The parameters of a path that fits the pattern: segment by segment, percent-decoded, never empty.
fn params_of(pattern: &'static str, path: &str) -> Option<Vec<(&'static str, String)>> {
    let mut params = Vec::new();
    let mut wanted = pattern.trim_matches('/').split('/');
    let mut given = path.trim_start_matches('/').split('/');
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return Some(params),
            (Some(name), Some(value)) if name.starts_with('{') => {
                let name = name.trim_matches(['{', '}']);
                if let Some(name) = name.strip_suffix('+') {
                    params.push((name, value.to_owned()));
                    return Some(params);
                }
                params.push((name, decode(value).filter(|v| !v.is_empty())?));
            }
            (Some(name), Some(value)) if name == value => {}
            _ => return None,
        }
    }
}

fn decode(segment: &str) -> Option<String> {
    percent_encoding::percent_decode_str(segment).decode_utf8().ok().map(Into::into)
}
