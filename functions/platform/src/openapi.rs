//! `GET /openapi.json`: the generated description of the API. A test compares it with the routes.

use http::Method;
use lambda::http::{Access, Csrf, Cx, Idempotency, Page, Policy, Problem, Rate, Reply, Route};

use crate::Deps;

const DOCUMENT: &str = include_str!("../openapi.json");

/// The route.
pub struct OpenApi;

impl Route for OpenApi {
    const POLICY: Policy = Policy {
        operation: "platform-openapi",
        summary: "Get the API's description (OpenAPI 3.1)",
        method: Method::GET,
        path: "/openapi.json",
        access: Access::Anonymous,
        rate: Rate::General,
        body_limit: 0,
        csrf: Csrf::Exempt("changes nothing"),
        idempotency: Idempotency::NotNeeded,
        success: 200,
        problems: &[],
    };
    type Deps = Deps;
    type Body = ();
    type Answer = Page;
    type Error = Problem;

    async fn handle(_: &Deps, _: Cx, (): ()) -> Result<Reply<Page>, Problem> {
        Ok(Reply::new(Page { content_type: "application/json", text: DOCUMENT.to_owned() }))
    }
}
