//! `$default`: what no route of the API takes. API Gateway's own answer would have neither request id nor security
//! headers, and would not tell a wrong method from a wrong path.

use std::{collections::BTreeMap, sync::LazyLock};

use http::Method;
use lambda::http::{Access, BODY_LIMIT, Csrf, Cx, Idempotency, Policy, Problem, Rate, Reply, Route, UNMATCHED, kinds};
use serde::{Deserialize, de::IgnoredAny};

use crate::{Deps, openapi::DOCUMENT};

/// Paths and their methods. The generated description is the list of them that this function has at hand.
#[derive(Default, Deserialize)]
struct Known {
    paths: BTreeMap<String, BTreeMap<String, IgnoredAny>>,
}

static KNOWN: LazyLock<Known> = LazyLock::new(|| serde_json::from_str(DOCUMENT).unwrap_or_default());

impl Known {
    fn methods(&self, path: &str) -> Option<Vec<String>> {
        let (_, methods) = self.paths.iter().find(|(pattern, _)| fits(pattern, path))?;
        Some(methods.keys().map(|method| method.to_ascii_uppercase()).collect())
    }
}

fn fits(pattern: &str, path: &str) -> bool {
    let (mut wanted, mut given) = (pattern.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some(name), Some(value)) if name == value || (name.starts_with('{') && !value.is_empty()) => {}
            _ => return false,
        }
    }
}

/// Why there is no answer. There never is one.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such path.
    #[error("no such path")]
    NoSuchPath,
    /// The path takes other methods.
    #[error("the path takes {0:?}")]
    OtherMethods(Vec<String>),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::NoSuchPath => Self::new(&kinds::NOT_FOUND),
            Error::OtherMethods(methods) => {
                Self::method_not_allowed(&methods.iter().map(String::as_str).collect::<Vec<_>>())
            }
        }
    }
}

/// The route.
pub struct Unmatched;

impl Route for Unmatched {
    const POLICY: Policy = Policy {
        operation: "platform-unmatched",
        summary: "Say that there is no such path or method",
        method: Method::GET,
        path: UNMATCHED,
        access: Access::Anonymous,
        rate: Rate::General,
        // Whoever sends to no route is told so, whatever they send.
        body_limit: BODY_LIMIT,
        csrf: Csrf::Exempt("changes nothing"),
        idempotency: Idempotency::NotNeeded,
        success: 204,
        problems: &[&kinds::NOT_FOUND, &kinds::METHOD_NOT_ALLOWED],
    };
    type Deps = Deps;
    type Body = ();
    type Answer = ();
    type Error = Error;

    async fn handle(_: &Deps, cx: Cx, (): ()) -> Result<Reply<()>, Error> {
        Err(KNOWN.methods(cx.path_text("path")).map_or(Error::NoSuchPath, Error::OtherMethods))
    }
}
