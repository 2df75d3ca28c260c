//! What a handler answers with.

use http::{HeaderName, HeaderValue, StatusCode};
use serde::Serialize;
use utoipa::{PartialSchema, ToSchema};

use super::body::{Described, Json};

/// A success: its body, and headers beside the door's own.
#[derive(Debug)]
pub struct Reply<A> {
    pub(crate) answer: A,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
}

/// A body that can be answered, and described in the OpenAPI document.
pub trait Answer: Send + 'static {
    /// Content type and bytes.
    ///
    /// # Errors
    /// Serialisation, which is a defect.
    fn into_bytes(self) -> Result<(&'static str, Vec<u8>), serde_json::Error>;
    /// Its name and schema; `None` where the answer is not JSON.
    fn schema() -> Described;
}

impl<T: Serialize + ToSchema + Send + 'static> Answer for Json<T> {
    fn into_bytes(self) -> Result<(&'static str, Vec<u8>), serde_json::Error> {
        Ok(("application/json", serde_json::to_vec(&self.0)?))
    }

    fn schema() -> Described {
        let mut inner = Vec::new();
        T::schemas(&mut inner);
        Some((T::name().into_owned(), <T as PartialSchema>::schema(), inner))
    }
}

/// A fixed document that is not built per request, such as the OpenAPI file or the documentation page.
#[derive(Debug)]
pub struct Page {
    /// Its content type.
    pub content_type: &'static str,
    /// Its text.
    pub text: String,
}

impl Answer for Page {
    fn into_bytes(self) -> Result<(&'static str, Vec<u8>), serde_json::Error> {
        Ok((self.content_type, self.text.into_bytes()))
    }

    fn schema() -> Described {
        None
    }
}

impl Answer for () {
    fn into_bytes(self) -> Result<(&'static str, Vec<u8>), serde_json::Error> {
        Ok(("", Vec::new()))
    }

    fn schema() -> Described {
        None
    }
}

impl<T> Reply<Json<T>> {
    /// A JSON answer.
    pub fn json(body: T) -> Self {
        Self { answer: Json(body), headers: Vec::new() }
    }
}

impl<A> Reply<A> {
    /// An answer as it is.
    pub fn new(answer: A) -> Self {
        Self { answer, headers: Vec::new() }
    }

    /// Another answer with the same headers.
    pub fn map<B>(self, change: impl FnOnce(A) -> B) -> Reply<B> {
        Reply { answer: change(self.answer), headers: self.headers }
    }

    /// With a header; a value that is no valid header is left out, because all of ours are built from parsed types.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((name, value));
        }
        self
    }
}

/// An answer before the door's own headers.
pub(crate) struct Parts {
    pub status: StatusCode,
    pub content_type: &'static str,
    pub body: Vec<u8>,
    pub headers: Vec<(HeaderName, HeaderValue)>,
}
