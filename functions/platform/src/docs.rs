//! `GET /docs`: what each problem means and what to do. The `type` of every problem points here.

use askama::Template;
use base64::{Engine, engine::general_purpose::STANDARD};
use domain::bytes;
use http::header::CONTENT_SECURITY_POLICY;
use lambda::http::{Access, Cx, Page, Policy, Problem, ProblemKind, Rate, Reply, Route, kinds};

use crate::Deps;

/// CSP level 3 section 2.3.1 asks for 128 bits, new for every answer.
const NONCE: usize = 16;

/// `templates/docs.html`; what stands in it is escaped.
#[derive(Template)]
#[template(path = "docs.html")]
struct Document<'a> {
    nonce: &'a str,
    kinds: &'a [&'a ProblemKind],
}

/// Why there is no page: a defect of the template.
#[derive(Debug, thiserror::Error)]
#[error("the page could not be rendered")]
pub struct Error(#[from] askama::Error);

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self::new(&kinds::INTERNAL).source(error)
    }
}

/// The route.
pub struct Docs;

impl Route for Docs {
    const POLICY: Policy =
        Policy::read("platform-docs", "Read what each problem means", "/docs", Access::Anonymous, Rate::General);
    type Deps = Deps;
    type Body = ();
    type Answer = Page;
    type Error = Error;

    async fn handle(deps: &Deps, _: Cx, (): ()) -> Result<Reply<Page>, Error> {
        let nonce = STANDARD.encode(bytes::<NONCE>(&*deps.entropy));
        let text = Document { nonce: &nonce, kinds: kinds::ALL }.render()?;
        Ok(Reply::new(Page { content_type: "text/html; charset=utf-8", text })
            .header(CONTENT_SECURITY_POLICY, &policy(&nonce)))
    }
}

/// Our own style and nothing else: no script, no image, no form, no frame around it.
fn policy(nonce: &str) -> String {
    format!(
        "default-src 'none'; style-src 'nonce-{nonce}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}
