//! One route: its policy, its body, its handler.

use std::{future::Future, sync::Arc};

use domain::{Action, AuditEntry, CorrelationId, Facts, TenantId};
use http::HeaderMap;
use jiff::Timestamp;

use super::{
    body::Body,
    caller::Caller,
    list::Filter,
    policy::Policy,
    problem::{Problem, kinds},
    reply::{Answer, Reply},
    service::Erased,
};
use crate::{Env, FromEnv, StartError};

/// A route. Without a [`Policy`] it does not compile.
pub trait Route: Send + Sync + 'static {
    /// Who may call it, and within what limits.
    const POLICY: Policy;
    /// What its handler works with.
    type Deps: FromEnv;
    /// `Json<T>`, or `()` where there is none.
    type Body: Body;
    /// `Json<T>`, or `()` where there is none.
    type Answer: Answer;
    /// Its own errors; each says which problem it is.
    type Error: Into<Problem> + Send;
    /// Whether it answers page by page: [`Cx::listing`] reads which.
    const PAGED: bool = false;
    /// What follows a last parameter that takes every segment, such as `/rotate` after `{name+}`: API Gateway mounts such a
    /// parameter at the end only, so the handler takes this off its value.
    const ENDING: &'static str = "";
    /// By what a page may leave entries out.
    const FILTERS: &'static [Filter] = &[];
    /// Answers one call. The door has let the caller through.
    fn handle(
        deps: &Self::Deps,
        cx: Cx,
        body: Self::Body,
    ) -> impl Future<Output = Result<Reply<Self::Answer>, Self::Error>> + Send;
}

/// What a handler may know about the call.
pub struct Cx {
    /// Also the correlation id of everything that the call causes.
    pub request_id: CorrelationId,
    /// Who calls.
    pub caller: Caller,
    /// The caller's address as API Gateway saw it.
    pub source_ip: String,
    /// When the call came.
    pub now: Timestamp,
    pub(crate) params: Vec<(&'static str, String)>,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    pub(crate) raw_body: Vec<u8>,
}

impl Cx {
    /// A path parameter, parsed. What does not parse does not exist: 404.
    ///
    /// # Errors
    /// [`kinds::NOT_FOUND`].
    pub fn path<T: std::str::FromStr>(&self, name: &str) -> Result<T, Problem> {
        self.path_text(name).parse().map_err(|_| Problem::new(&kinds::NOT_FOUND))
    }

    /// A path parameter as it came, percent-decoded.
    pub fn path_text(&self, name: &str) -> &str {
        self.params.iter().find(|(n, _)| *n == name).map_or("", |(_, value)| value.as_str())
    }

    /// A request header, if it is there and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The refresh token that a browser sent along.
    pub fn refresh_cookie(&self) -> Option<&str> {
        super::cookie::read(&self.headers, super::cookie::REFRESH_COOKIE)
    }

    /// What the audit log is to say of this call: its caller did that, to that tenant if to one.
    pub fn audit(&self, action: Action, tenant: Option<TenantId>, before: Facts, after: Facts) -> AuditEntry {
        AuditEntry {
            actor: self.caller.actor(),
            action,
            tenant,
            correlation_id: self.request_id.clone(),
            before,
            after,
            at: self.now,
        }
    }

    /// The body as it came, for a signature over it.
    pub fn raw_body(&self) -> &[u8] {
        &self.raw_body
    }
}

/// The routes of one function: a tuple of [`Route`]s that share their `Deps`.
pub trait Routes: 'static {
    /// Their policies, in order.
    const POLICIES: &'static [&'static Policy];
    /// Their descriptions, for the OpenAPI document.
    fn describe(into: &mut Vec<crate::openapi::Operation>);
    /// Builds the deps once and erases the routes' types.
    fn start(env: &Env) -> impl Future<Output = Result<Vec<Erased>, StartError>> + Send;
}

macro_rules! routes {
    ($first:ident $(, $more:ident)*) => {
        impl<$first: Route $(, $more: Route<Deps = $first::Deps>)*> Routes for ($first, $($more,)*) {
            const POLICIES: &'static [&'static Policy] = &[&$first::POLICY $(, &$more::POLICY)*];

            fn describe(into: &mut Vec<crate::openapi::Operation>) {
                into.push(crate::openapi::Operation::of::<$first>());
                $(into.push(crate::openapi::Operation::of::<$more>());)*
            }

            async fn start(env: &Env) -> Result<Vec<Erased>, StartError> {
                let deps = Arc::new($first::Deps::from_env(env).await?);
                Ok(vec![Erased::of::<$first>(deps.clone()) $(, Erased::of::<$more>(deps.clone()))*])
            }
        }
    };
}

routes!(A);
routes!(A, B);
routes!(A, B, C);
routes!(A, B, C, D);
routes!(A, B, C, D, E);
routes!(A, B, C, D, E, F);
