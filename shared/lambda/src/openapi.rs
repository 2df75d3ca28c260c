//! The OpenAPI 3.1 document, generated from the policies and the types of the routes. What the template mounts and
//! what this describes are held against each other by a test.

mod headers;

use std::collections::BTreeMap;

use http::Method;
use serde_json::{Map, Value, json};

use crate::http::{
    Access, Answer, BODY_LIMIT, Body, Csrf, DEFAULT_LIMIT, Described, Filter, Idempotency, MAX_LIMIT, Of, Policy,
    ProblemKind, REFRESH_COOKIE, Rate, Route, Scope, UNMATCHED, kinds,
};

/// One route's part of the document.
pub struct Operation {
    policy: &'static Policy,
    body: Described,
    body_required: bool,
    paged: bool,
    ending: &'static str,
    filters: &'static [Filter],
    answer: Described,
}

impl Operation {
    pub(crate) fn of<R: Route>() -> Self {
        Self {
            policy: Of::<R>::POLICY,
            body: R::Body::schema(),
            body_required: R::Body::REQUIRED,
            paged: R::PAGED,
            ending: R::ENDING,
            filters: R::FILTERS,
            answer: R::Answer::schema(),
        }
    }

    /// Method and path, as the template writes them.
    pub fn mounted_at(&self) -> (String, &'static str) {
        (self.policy.method.to_string(), self.policy.path)
    }

    /// Whether this problem is among its answers.
    #[cfg(debug_assertions)]
    pub(crate) fn documents(&self, kind: &ProblemKind) -> bool {
        let described = is_of_the_api(self.policy);
        !described || doors_own(self).contains(&kind) || self.policy.problems.contains(&kind)
    }

    /// The path as a client writes it. OpenAPI has no parameters over many segments; clients escape the slashes of a value,
    /// and the door takes both.
    fn described_at(&self) -> String {
        self.policy.path.replace("+}", "}") + self.ending
    }
}

/// The whole document, with sorted keys so that it can be compared.
pub fn document(operations: &[Operation]) -> Value {
    let mut paths: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    let mut schemas = BTreeMap::from([("Problem".to_owned(), problem_schema())]);
    for operation in operations.iter().filter(|operation| is_of_the_api(operation.policy)) {
        let policy = operation.policy;
        if let Some((name, schema, inner)) = &operation.body {
            schemas.insert(name.clone(), closed(json!(schema)));
            schemas.extend(inner.iter().map(|(name, schema)| (name.clone(), json!(schema))));
        }
        if let Some((name, schema, inner)) = &operation.answer {
            schemas.insert(name.clone(), json!(schema));
            schemas.extend(inner.iter().map(|(name, schema)| (name.clone(), json!(schema))));
        }
        paths
            .entry(operation.described_at())
            .or_default()
            .insert(policy.method.as_str().to_lowercase(), describe(operation));
    }
    json!({
        "openapi": "3.1.0",
        "info": {"title": "Innkeeper", "version": env!("CARGO_PKG_VERSION"), "license": {"name": "Apache-2.0 OR MIT", "identifier": "Apache-2.0 OR MIT"},
            "description": "The control plane of a SaaS: tenants sign up and are provisioned, their people sign in, their secrets are kept and rotate. Errors are RFC 9457 problems; see /docs."},
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {"schemas": schemas, "headers": headers::all(), "securitySchemes": {
            "access_token": {"type": "http", "scheme": "bearer", "bearerFormat": "at+jwt"},
            "status_token": {"type": "http", "scheme": "bearer", "bearerFormat": "ink_st_…"},
            "refresh_cookie": {"type": "apiKey", "in": "cookie", "name": REFRESH_COOKIE,
                "description": "Of who signed in with `client` `browser`; others send `refresh_token` in the body."},
            "mfa_token": {"type": "http", "scheme": "bearer", "bearerFormat": "ink_mfa_…"},
            "api_key": {"type": "http", "scheme": "bearer", "bearerFormat": "ink_live_…",
                "description": "A tenant's API key; the operation names the permission that it has to have."},
            "internal_secret": {"type": "apiKey", "in": "header", "name": "x-internal-secret"},
            "message_signature": {"type": "apiKey", "in": "header", "name": "signature",
                "description": "RFC 9421: hmac-sha256 with keyid internal, and Signature-Input and Content-Digest beside it."},
            "deployer_signature": {"type": "apiKey", "in": "header", "name": "webhook-signature"},
        }},
    })
}

/// What is sent is refused where it has a field that the route does not know.
fn closed(mut schema: Value) -> Value {
    schema["additionalProperties"] = json!(false);
    schema
}

/// A preflight is between the browser and the gateway, and what no route takes is no operation.
fn is_of_the_api(policy: &Policy) -> bool {
    policy.method != Method::OPTIONS && policy.path != UNMATCHED
}

fn describe(operation: &Operation) -> Value {
    let policy = operation.policy;
    let mut described = json!({
        "operationId": policy.operation,
        "summary": policy.summary,
        "tags": [policy.operation.split('-').next().unwrap_or_default()],
        "parameters": parameters(operation),
        "responses": responses(operation),
        "security": security(policy),
    });
    if let Some((name, _, _)) = &operation.body {
        described["requestBody"] =
            json!({"required": operation.body_required, "content": {"application/json": {"schema": reference(name)}}});
    }
    described
}

fn parameters(operation: &Operation) -> Vec<Value> {
    let policy = operation.policy;
    let names = policy.path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
    let mut parameters: Vec<Value> = names
        .map(|name| json!({"name": name.trim_end_matches('+'), "in": "path", "required": true, "schema": {"type": "string", "minLength": 1}}))
        .collect();
    if operation.paged {
        parameters
            .push(json!({"name": "limit", "in": "query", "required": false, "description": "Entries on the page.",
            "schema": {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT}}));
        parameters.push(json!({"name": "cursor", "in": "query", "required": false,
            "description": "`next_cursor` of the page before.", "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]+$"}}));
    }
    parameters.extend(operation.filters.iter().map(|filter| {
        json!({"name": filter.name, "in": "query", "required": false, "description": filter.about, "schema": {"type": "string"}})
    }));
    if policy.idempotency == Idempotency::Optional {
        let about = "Best a UUID. The same key and body get the first answer for 24 hours.";
        parameters.push(json!({"name": "Idempotency-Key", "in": "header", "required": false, "description": about,
            "schema": {"type": "string", "minLength": 16, "maxLength": 64, "pattern": "^[A-Za-z0-9_-]+$"}}));
    }
    if policy.csrf == Csrf::Required {
        parameters
            .push(json!({"name": "X-CSRF-Token", "in": "header", "required": false, "schema": {"type": "string"},
            "description": "`csrf_token` of the last login or refresh; required with the cookie `__Host-refresh`."}));
    }
    parameters
}

fn responses(operation: &Operation) -> Value {
    let policy = operation.policy;
    let success = match &operation.answer {
        Some((name, _, _)) => {
            json!({"description": "Success", "content": {"application/json": {"schema": reference(name)}}})
        }
        None => json!({"description": "Success"}),
    };
    let mut responses = Map::from_iter([(policy.success.to_string(), headers::with(success, policy.success, policy))]);
    let mut by_status: BTreeMap<u16, Vec<&str>> = BTreeMap::new();
    for kind in doors_own(operation).into_iter().chain(policy.problems.iter().copied()) {
        by_status.entry(kind.status).or_default().push(kind.code);
    }
    for (status, mut codes) in by_status {
        codes.sort_unstable();
        codes.dedup();
        let content = json!({"application/problem+json": {"schema": reference("Problem")}});
        let refused = json!({"description": codes.join(", "), "content": content});
        responses.insert(status.to_string(), headers::with(refused, status, policy));
    }
    Value::Object(responses)
}

/// What the door itself can answer on a route.
fn doors_own(operation: &Operation) -> Vec<&'static ProblemKind> {
    let policy = operation.policy;
    let mut own: Vec<&'static ProblemKind> =
        vec![&kinds::HTTPS_REQUIRED, &kinds::INTERNAL, &kinds::UNAVAILABLE, &kinds::BODY_TOO_LARGE];
    debug_assert!(policy.body_limit <= BODY_LIMIT);
    if operation.body.is_some() {
        own.extend([&kinds::MALFORMED_JSON, &kinds::UNSUPPORTED_MEDIA_TYPE, &kinds::INVALID_FIELDS]);
    }
    match policy.rate {
        Rate::Signup => own.push(&kinds::TOO_MANY_TRIES),
        Rate::Status => own.push(&kinds::TOO_MANY_REQUESTS),
        Rate::General => {
            own.push(&kinds::TOO_MANY_REQUESTS);
            own.extend(is_of_a_plan(policy.access).then_some(&kinds::PLAN_LIMIT_REACHED));
        }
        Rate::Auth | Rate::Reset | Rate::Refresh | Rate::Unlimited(_) => {}
    }
    if policy.path.contains('{') {
        own.push(&kinds::NOT_FOUND);
    }
    if operation.paged {
        own.push(&kinds::INVALID_QUERY);
    }
    if policy.access.is_internal() {
        own.extend([&kinds::INTERNAL_SECRET_REFUSED, &kinds::SIGNATURE_REFUSED]);
    } else if !matches!(policy.access, Access::Anonymous | Access::OneTimeToken | Access::Signature) {
        own.extend([&kinds::UNAUTHENTICATED, &kinds::FORBIDDEN, &kinds::TENANT_MISMATCH]);
        own.extend([&kinds::SECOND_FACTOR_REQUIRED, &kinds::IMPERSONATED]);
    }
    if matches!(policy.access, Access::SteppedUp { .. } | Access::SigningIn { by: Some(_) }) {
        own.push(&kinds::STEP_UP_REQUIRED);
    }
    if policy.csrf == Csrf::Required {
        own.extend([&kinds::ORIGIN_REFUSED, &kinds::CSRF_REFUSED]);
    }
    own
}

/// Whether a tenant's people or keys may be let in, whose calls its plan counts.
fn is_of_a_plan(access: Access) -> bool {
    match access {
        Access::Permission(_, scope) | Access::SteppedUp { permission: Some((_, scope)), .. } => {
            scope != Scope::Platform
        }
        Access::SignedIn | Access::InPerson | Access::SteppedUp { .. } | Access::SigningIn { .. } => true,
        Access::Anonymous
        | Access::OneTimeToken
        | Access::StatusToken { .. }
        | Access::Internal
        | Access::InternalSigned
        | Access::Signature => false,
    }
}

fn security(policy: &Policy) -> Value {
    match policy.access {
        _ if policy.csrf == Csrf::Required => json!([{"refresh_cookie": []}, {}]),
        Access::Anonymous | Access::OneTimeToken => json!([]),
        Access::SignedIn | Access::InPerson | Access::Permission(..) | Access::SteppedUp { .. } => {
            match policy.access.key_permission() {
                Some(permission) => json!([{"access_token": []}, {"api_key": [permission]}]),
                None => json!([{"access_token": []}]),
            }
        }
        Access::SigningIn { .. } => json!([{"mfa_token": []}, {"access_token": []}]),
        Access::StatusToken { .. } => json!([{"status_token": []}, {"access_token": []}]),
        Access::Internal => json!([{"internal_secret": []}, {"message_signature": []}]),
        Access::InternalSigned => json!([{"message_signature": []}]),
        Access::Signature => json!([{"deployer_signature": []}]),
    }
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// RFC 9457 section 3, with our extension members.
fn problem_schema() -> Value {
    let error = json!({"type": "object", "required": ["pointer", "code", "detail"], "properties": {
        "pointer": {"type": "string", "description": "RFC 6901"}, "code": {"type": "string"}, "detail": {"type": "string"}}});
    json!({"type": "object", "required": ["type", "title", "status", "code", "request_id"], "properties": {
        "type": {"type": "string", "format": "uri-reference"}, "title": {"type": "string"}, "status": {"type": "integer"},
        "code": {"type": "string", "enum": kinds::ALL.iter().map(|k| k.code).collect::<Vec<_>>()},
        "detail": {"type": "string"}, "request_id": {"type": "string"}, "errors": {"type": "array", "items": error}}})
}
