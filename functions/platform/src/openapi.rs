//! `GET /openapi.json`: the generated description of the API. A test compares it with the routes.

use lambda::http::{Access, Cx, Page, Policy, Problem, Rate, Reply, Route};

use crate::Deps;

pub(crate) const DOCUMENT: &str = include_str!("../openapi.json");

/// The route.
pub struct OpenApi;

impl Route for OpenApi {
    const POLICY: Policy = Policy::read(
        "platform-openapi",
        "Get the API's description (OpenAPI 3.1)",
        "/openapi.json",
        Access::Anonymous,
        Rate::General,
    );
    type Deps = Deps;
    type Body = ();
    type Answer = Page;
    type Error = Problem;

    async fn handle(_: &Deps, _: Cx, (): ()) -> Result<Reply<Page>, Problem> {
        Ok(Reply::new(Page { content_type: "application/json", text: DOCUMENT.to_owned() }))
    }
}
