//! Request bodies: size, type, and a shape that names every broken field.

use std::{collections::BTreeMap, fmt};

use domain::FieldError;
use http::{HeaderMap, header::CONTENT_TYPE};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, schema::Schema},
};

mod wanted;

use self::wanted::wanted;
use super::problem::{Problem, kinds};

/// Levels of nesting that any body may have. Ours have one or two; the parser's own limit is 128.
const MAX_DEPTH: usize = 32;
/// Broken fields named in one answer.
const MAX_ERRORS: usize = 32;
/// Characters of an unknown field's name that are repeated to the caller.
const MAX_NAME: usize = 64;

/// A type's name, its schema, and the schemas that it refers to; none where there is no JSON.
pub type Described = Option<(String, RefOr<Schema>, Vec<(String, RefOr<Schema>)>)>;

/// A JSON body, or a JSON answer.
#[derive(Debug)]
pub struct Json<T>(pub T);

/// A body that a route takes.
pub trait Body: Sized + Send + 'static {
    /// Reads it, or says what is wrong with it.
    ///
    /// # Errors
    /// 400, 415 or 422.
    fn read(headers: &HeaderMap, bytes: &[u8]) -> Result<Self, Problem>;
    /// Its name and schema; `None` where the route takes no body.
    fn schema() -> Described;
    /// Whether it must be there.
    const REQUIRED: bool = true;
}

impl Body for () {
    fn read(_: &HeaderMap, _: &[u8]) -> Result<Self, Problem> {
        Ok(())
    }

    fn schema() -> Described {
        None
    }
}

impl<T: DeserializeOwned + ToSchema + Send + 'static> Body for Json<T> {
    fn read(headers: &HeaderMap, bytes: &[u8]) -> Result<Self, Problem> {
        if !is_json(headers) {
            return Err(Problem::new(&kinds::UNSUPPORTED_MEDIA_TYPE));
        }
        let malformed = |e: serde_json::Error| Problem::new(&kinds::MALFORMED_JSON).detail(e.to_string());
        serde_json::from_slice::<Strict>(bytes).map_err(malformed)?;
        let mut parser = serde_json::Deserializer::from_slice(bytes);
        serde_path_to_error::deserialize(&mut parser).map(Json).map_err(|e| {
            let pointer = pointer_of(e.path());
            Problem::fields(vec![wrong_type(pointer, &wanted(e.inner()))])
        })
    }

    fn schema() -> Described {
        let mut inner = Vec::new();
        T::schemas(&mut inner);
        Some((T::name().into_owned(), <T as PartialSchema>::schema(), inner))
    }
}

/// A body that may be left out altogether.
impl<T: DeserializeOwned + ToSchema + Send + 'static> Body for Option<Json<T>> {
    const REQUIRED: bool = false;

    fn read(headers: &HeaderMap, bytes: &[u8]) -> Result<Self, Problem> {
        if bytes.is_empty() { Ok(None) } else { Json::read(headers, bytes).map(Some) }
    }

    fn schema() -> Described {
        Json::<T>::schema()
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    value.split(';').next().is_some_and(|media| media.trim().eq_ignore_ascii_case("application/json"))
}

fn pointer_of(path: &serde_path_to_error::Path) -> String {
    path.iter().fold(String::new(), |pointer, segment| match segment {
        serde_path_to_error::Segment::Seq { index } => format!("{pointer}/{index}"),
        serde_path_to_error::Segment::Map { key } => format!("{pointer}/{}", escape(key)),
        _ => pointer,
    })
}

/// RFC 6901 section 3.
fn escape(name: &str) -> String {
    name.chars().take(MAX_NAME).collect::<String>().replace('~', "~0").replace('/', "~1")
}

/// One field of a body: a value of the wrong type is kept as such, so that all broken fields are told at once.
#[derive(Default)]
pub enum Field<T> {
    /// Not sent, or `null`.
    #[default]
    Missing,
    /// Sent, and of the right type.
    Given(T),
    /// Sent, and of another type; which one is wanted.
    WrongType(String),
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Field<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        if value.is_null() {
            return Ok(Self::Missing);
        }
        Ok(serde_json::from_value(value).map_or_else(|error| Self::WrongType(wanted(&error)), Self::Given))
    }
}

fn wrong_type(pointer: String, wanted: &str) -> FieldError {
    FieldError { pointer, code: "wrong_type", detail: format!("must be {wanted}") }
}

/// The fields that a body has and the route does not know: `#[serde(flatten)]`.
#[derive(Default, Deserialize)]
pub struct Unknown(BTreeMap<String, IgnoredAny>);

/// Broken fields, collected.
#[derive(Default)]
pub struct Errors(Vec<FieldError>);

impl Errors {
    /// Starts with the fields that nobody knows.
    pub fn of(unknown: &Unknown) -> Self {
        let known = |name: &String| FieldError {
            pointer: format!("/{}", escape(name)),
            code: "unknown_field",
            detail: "there is no such field".into(),
        };
        Self(unknown.0.keys().take(MAX_ERRORS).map(known).collect())
    }

    /// The field's value, if it has the right type.
    pub fn take<T>(&mut self, name: &str, field: Field<T>) -> Option<T> {
        match field {
            Field::Given(value) => Some(value),
            Field::Missing => None,
            Field::WrongType(wanted) => {
                self.0.push(wrong_type(format!("/{name}"), &wanted));
                None
            }
        }
    }

    /// The field's value; its absence is an error.
    pub fn require<T>(&mut self, name: &str, field: Field<T>) -> Option<T> {
        if matches!(field, Field::Missing) {
            self.0.push(FieldError {
                pointer: format!("/{name}"),
                code: "required",
                detail: "the field is required".into(),
            });
        }
        self.take(name, field)
    }

    /// What was parsed, unless it breaks a rule; then that is the error of the field at `pointer`.
    pub fn check<T>(&mut self, pointer: &str, parsed: Result<T, domain::Rule>) -> Option<T> {
        parsed.map_err(|rule| self.push(rule.at(pointer))).ok()
    }

    /// One more error, unless its field has one already.
    pub fn push(&mut self, error: FieldError) {
        if self.0.len() < MAX_ERRORS && self.0.iter().all(|e| e.pointer != error.pointer) {
            self.0.push(error);
        }
    }

    /// The parsed value, unless there were errors.
    ///
    /// # Errors
    /// 422 with all of them.
    pub fn finish<T>(mut self, parsed: Result<T, Vec<FieldError>>) -> Result<T, Problem> {
        match parsed {
            Ok(value) if self.0.is_empty() => Ok(value),
            Ok(_) => Err(Problem::fields(self.0)),
            Err(errors) => {
                errors.into_iter().for_each(|e| self.push(e));
                Err(Problem::fields(self.0))
            }
        }
    }
}

/// Accepts any JSON in which no object says a key twice and nothing is deeper than [`MAX_DEPTH`]; keeps none of it.
/// A key said twice means two readers may see two values (RFC 8259 section 4).
struct Strict;

struct StrictVisitor(usize);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor(0)).map(|()| Self)
    }
}

impl<'de> serde::de::DeserializeSeed<'de> for StrictVisitor {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.0 > MAX_DEPTH {
            return Err(D::Error::custom(format_args!("nested deeper than {MAX_DEPTH} levels")));
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }
    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }
    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }
    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(Self(self.0 + 1))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen = std::collections::HashSet::new();
        while let Some(key) = map.next_key::<String>()? {
            if seen.contains(&key) {
                return Err(A::Error::custom(format_args!("the key {:?} appears twice", escape(&key))));
            }
            map.next_value_seed(Self(self.0 + 1))?;
            seen.insert(key);
        }
        Ok(())
    }
}
