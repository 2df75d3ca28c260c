//! `OPTIONS /{proxy+}`: whether a page of another origin may call (Fetch standard, "CORS-preflight fetch").
//! The door itself adds `Access-Control-Allow-Origin`.

use http::{
    Method,
    header::{ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_MAX_AGE},
};
use lambda::http::{Access, Csrf, Cx, Idempotency, Policy, Problem, Rate, Reply, Route, kinds};

use crate::Deps;

/// Of the whole API: which path takes which is no secret, and the path itself answers 405.
const METHODS: &str = "GET, POST, PUT, PATCH, DELETE";
/// What a page may send beside the headers that need no leave.
const HEADERS: &str = "authorization, content-type, idempotency-key, x-csrf-token, x-tenant-id";
/// Two hours: the longest that any browser heeds (Chromium).
const MAX_AGE: &str = "7200";

/// The route.
pub struct Preflight;

impl Route for Preflight {
    const POLICY: Policy = Policy {
        operation: "platform-preflight",
        summary: "Ask whether a page of another origin may call",
        method: Method::OPTIONS,
        path: "/{proxy+}",
        access: Access::Anonymous,
        rate: Rate::Unlimited(
            "a browser asks before each of a person's calls, which are counted; and it costs nothing",
        ),
        body_limit: 0,
        csrf: Csrf::Exempt("changes nothing"),
        idempotency: Idempotency::NotNeeded,
        success: 204,
        problems: &[&kinds::ORIGIN_REFUSED],
    };
    type Deps = Deps;
    type Body = ();
    type Answer = ();
    type Error = Problem;

    async fn handle(deps: &Deps, cx: Cx, (): ()) -> Result<Reply<()>, Problem> {
        let allowed = cx.header("origin").is_some_and(|origin| deps.origins.iter().any(|one| one == origin));
        if !allowed {
            return Err(Problem::new(&kinds::ORIGIN_REFUSED));
        }
        let reply = Reply::new(()).header(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
        Ok(reply.header(ACCESS_CONTROL_ALLOW_HEADERS, HEADERS).header(ACCESS_CONTROL_MAX_AGE, MAX_AGE))
    }
}
