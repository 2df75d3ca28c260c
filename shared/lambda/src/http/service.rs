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
    caller::{Admitted, Authenticator, BOOTSTRAP_PRESENT, Caller, WARNING},
    csrf,
    gate::{Call, Counted, Gate},
    headers, internal,
    path::{Params, params_of},
    policy::{Access, Csrf, Of, Policy, UNMATCHED},
    problem::{Problem, kinds},
    reply::{Answer, Parts},
    route::{Cx, Route, Routes},
    settings::Settings,
    signature::Message,
};
use crate::{Env, StartError, event::chain};

type Answered = Pin<Box<dyn Future<Output = Result<Parts, Problem>> + Send>>;

/// A route without its types.
pub struct Erased {
    policy: &'static Policy,
    call: Box<dyn Fn(Cx) -> Answered + Send + Sync>,
    /// Whether the OpenAPI document has such a problem for it. Not in what is deployed, which has no use for the document.
    #[cfg(debug_assertions)]
    documents: fn(&super::ProblemKind) -> bool,
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
        Self {
            policy: Of::<R>::POLICY,
            call: Box::new(call),
            #[cfg(debug_assertions)]
            documents: |kind| crate::openapi::Operation::of::<R>().documents(kind),
        }
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
    /// Only where a route takes the refresh cookie.
    csrf: Option<csrf::Guard>,
    /// Only where a route is internal.
    internal: Option<internal::Guard>,
    /// Only where a route is counted here.
    gate: Option<Gate>,
}

impl HttpService {
    pub(crate) async fn start<R: Routes>(env: Env) -> Result<Self, StartError> {
        let open = |p: &&Policy| {
            matches!(p.access, Access::Anonymous | Access::OneTimeToken | Access::Signature) || p.access.is_internal()
        };
        let authenticator =
            if R::POLICIES.iter().all(open) { None } else { Some(Authenticator::from_env(&env, R::POLICIES).await?) };
        let csrf = csrf::Guard::from_env(&env, R::POLICIES).await?;
        let internal = internal::Guard::from_env(&env, R::POLICIES).await?;
        let gate = Gate::from_env(&env, R::POLICIES)?;
        let routes = R::start(&env).await?;
        let settings = Settings::from_env(&env)?;
        Ok(Self(Arc::new(Door { settings, env, routes, authenticator, csrf, internal, gate })))
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
        let (gateway_id, seen) = gateway_facts(&request);
        let source_ip = self.settings.proxies.client(seen, request.headers());
        let request_id = gateway_id.unwrap_or_else(|| CorrelationId::new(&*self.env.entropy));
        let method = request.method().clone();
        let path = request.raw_http_path().to_owned();
        let origin = request.headers().get(header::ORIGIN).and_then(|o| o.to_str().ok()).map(str::to_owned);

        let (operation, outcome) = self.route(request, &method, &path, &request_id, source_ip.clone(), started).await;
        let (parts, code, cause) = match outcome {
            Ok(parts) => (parts, None, None),
            Err(problem) => {
                #[cfg(debug_assertions)]
                self.assert_documented(operation, problem.kind);
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
        let call = (route.policy, params.as_slice(), source_ip.as_str(), now);
        let let_in = AssertUnwindSafe(self.let_in(call, &request)).catch_unwind().await;
        let (Admitted { caller, warned, .. }, counted) =
            match let_in.unwrap_or_else(|_| Err(Problem::new(&kinds::INTERNAL))) {
                Ok(let_in) => let_in,
                Err(problem) => return (route.policy.operation, Err(problem)),
            };
        let query = request.query_string_parameters();
        let query = query.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let (parts, body) = request.into_parts();
        let cx = Cx {
            request_id: request_id.clone(),
            caller,
            source_ip,
            now,
            params,
            query,
            headers: parts.headers,
            raw_body: body.to_vec(),
        };
        // A panic is this request's failure, and the function serves on.
        let outcome = AssertUnwindSafe((route.call)(cx)).catch_unwind().await;
        let outcome = outcome.unwrap_or_else(|_| Err(Problem::new(&kinds::INTERNAL)));
        let outcome = self.tell(outcome, &counted, now).await;
        (route.policy.operation, if warned { warn(outcome, request_id) } else { outcome })
    }

    /// So that every test of the API is one of its document, too.
    #[cfg(debug_assertions)]
    fn assert_documented(&self, operation: &str, kind: &super::ProblemKind) {
        let route = self.routes.iter().find(|route| route.policy.operation == operation);
        let documented = route.is_none_or(|route| (route.documents)(kind));
        assert!(documented, "{operation} answers {}, which its policy does not name", kind.code);
    }

    fn find(&self, method: &Method, path: &str) -> Result<(&Erased, Params), Problem> {
        let matching = || self.routes.iter().filter_map(|r| params_of(r.policy.path, path).map(|p| (r, p)));
        if let Some(found) = matching().find(|(r, _)| r.policy.method == *method) {
            return Ok(found);
        }
        if let Some(rest) = self.routes.iter().find(|r| r.policy.path == UNMATCHED) {
            return Ok((rest, vec![("path", path.to_owned())]));
        }
        let methods: Vec<&str> = matching().map(|(r, _)| r.policy.method.as_str()).collect();
        Err(if methods.is_empty() { Problem::new(&kinds::NOT_FOUND) } else { Problem::method_not_allowed(&methods) })
    }

    /// The caller, admitted and counted. A panic on the way is caught by who calls this.
    async fn let_in(
        &self,
        (policy, params, source_ip, now): (&Policy, &[(&'static str, String)], &str, jiff::Timestamp),
        request: &Request,
    ) -> Result<(Admitted, Counted), Problem> {
        let is_key = self.authenticator.as_ref().is_some_and(|it| it.is_shown_key(request.headers()));
        let key_gate = self.gate.as_ref().filter(|_| is_key);
        if let Some(gate) = key_gate {
            gate.may_show_key(source_ip, now).await?;
        }
        let admitted = self.admit(policy, params, request, now).await;
        if let (Some(gate), Err(problem)) = (key_gate, &admitted)
            && *problem.kind == kinds::UNAUTHENTICATED
        {
            gate.refused_key(source_ip, now).await;
        }
        let admitted = admitted?;
        let counted = match &self.gate {
            Some(gate) => {
                let tenant = tenant_of(params);
                let counted = gate.count(&Call { policy, admitted: &admitted, tenant, source_ip, now }).await;
                counted.map_err(
                    |problem| if admitted.warned { problem.header(WARNING, BOOTSTRAP_PRESENT) } else { problem },
                )?
            }
            None => Counted::default(),
        };
        Ok((admitted, counted))
    }

    /// Adds how the caller stands.
    async fn tell(
        &self,
        mut outcome: Result<Parts, Problem>,
        counted: &Counted,
        now: jiff::Timestamp,
    ) -> Result<Parts, Problem> {
        if let (Some(gate), Err(problem)) = (&self.gate, &outcome)
            && *problem.kind == kinds::NOT_FOUND
        {
            gate.opened_nothing(counted, now).await;
        }
        match &mut outcome {
            Ok(parts) => counted.tell(&mut parts.headers, now),
            Err(problem) => counted.tell(&mut problem.headers, now),
        }
        outcome
    }

    /// Size before anything is parsed, caller before the body is read.
    async fn admit(
        &self,
        policy: &Policy,
        params: &[(&'static str, String)],
        request: &Request,
        now: jiff::Timestamp,
    ) -> Result<Admitted, Problem> {
        let headers = request.headers();
        if self.settings.require_https && headers.get("x-forwarded-proto").is_none_or(|p| p.as_bytes() != b"https") {
            return Err(Problem::new(&kinds::HTTPS_REQUIRED));
        }
        if body_length(request.body()) > policy.body_limit {
            return Err(
                Problem::new(&kinds::BODY_TOO_LARGE).detail(format!("this route takes {} bytes", policy.body_limit))
            );
        }
        if policy.csrf == Csrf::Required {
            let guard = self.csrf.as_ref().ok_or_else(|| Problem::new(&kinds::INTERNAL))?;
            guard.admit(headers, &self.settings, now).await?;
        }
        if matches!(policy.access, Access::Anonymous | Access::OneTimeToken | Access::Signature) {
            return Ok(Caller::Anonymous.into());
        }
        if policy.access.is_internal() {
            let guard = self.internal.as_ref().ok_or_else(|| Problem::new(&kinds::INTERNAL))?;
            let body = match request.body() {
                LambdaBody::Text(text) => text.as_bytes(),
                LambdaBody::Binary(bytes) => bytes,
                _ => &[],
            };
            let message = Message {
                method: request.method().as_str(),
                path: request.raw_http_path(),
                has_query: !request.query_string_parameters().is_empty(),
                headers,
                body,
            };
            guard.admit(policy.access, &message, now).await?;
            return Ok(Caller::Internal.into());
        }
        let authenticator = self.authenticator.as_ref().ok_or_else(|| Problem::new(&kinds::INTERNAL))?;
        authenticator.admit(policy.access, headers, tenant_of(params), now).await
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

fn tenant_of<'p>(params: &'p [(&'static str, String)]) -> Option<&'p str> {
    params.iter().find(|(name, _)| *name == "tenant_id").map(|(_, value)| value.as_str())
}

/// Nobody who runs the platform overlooks that the credentials of its first day still open it.
fn warn(outcome: Result<Parts, Problem>, request_id: &CorrelationId) -> Result<Parts, Problem> {
    tracing::warn!(request_id = request_id.as_str(), "bootstrap credentials are present");
    match outcome {
        Ok(mut parts) => {
            parts.headers.push((WARNING, BOOTSTRAP_PRESENT));
            Ok(parts)
        }
        Err(problem) => Err(problem.header(WARNING, BOOTSTRAP_PRESENT)),
    }
}

/// API Gateway's request id and the address that it saw; no header can change either.
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
