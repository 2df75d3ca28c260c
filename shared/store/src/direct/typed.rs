//! DynamoDB's JSON, read as what it stands for: `{"tries": {"N": "1"}}` as `{"tries": 1}`.
//!
//! As `serde_dynamo` reads it, in one go: that takes a map of all attributes first, which costs more than the rest of a read.
//! Binary values and sets are not read here, but refused.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Unexpected, Visitor, value::MapAccessDeserializer},
    forward_to_deserialize_any,
};

/// An item, read as a `T`.
pub(crate) struct Typed<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Typed<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        T::deserialize(Value { kind: Kind::M, from }).map(Self)
    }
}

#[derive(Debug, Clone, Copy, Deserialize)]
enum Kind {
    S,
    N,
    #[serde(rename = "BOOL")]
    Bool,
    #[serde(rename = "NULL")]
    Null,
    M,
    L,
}

/// What a type asks for that its attribute alone does not tell.
#[derive(Clone, Copy)]
enum Wish {
    Any,
    Option,
    Enum(&'static str, &'static [&'static str]),
    Newtype,
}

/// An attribute's value, its kind being known.
struct Value<D> {
    kind: Kind,
    from: D,
}

impl<'de, D: Deserializer<'de>> Value<D> {
    fn read<V: Visitor<'de>>(self, wish: Wish, visitor: V) -> Result<V::Value, D::Error> {
        match (wish, self.kind) {
            (Wish::Option, Kind::Null) => IgnoredAny::deserialize(self.from).and_then(|_| visitor.visit_none()),
            (Wish::Option, _) => visitor.visit_some(self),
            (Wish::Newtype, _) => visitor.visit_newtype_struct(self),
            // As `serde_json` writes them too: a string for a variant without content, a map of one for others.
            (Wish::Enum(name, variants), Kind::S) => self.from.deserialize_enum(name, variants, visitor),
            (Wish::Enum(..), Kind::M) => self.from.deserialize_map(Variant(visitor)),
            (Wish::Any | Wish::Enum(..), kind) => match kind {
                Kind::S => self.from.deserialize_str(visitor),
                Kind::N => self.from.deserialize_str(Number(visitor)),
                Kind::Bool => self.from.deserialize_bool(visitor),
                Kind::Null => IgnoredAny::deserialize(self.from).and_then(|_| visitor.visit_unit()),
                Kind::M => self.from.deserialize_map(Members(visitor)),
                Kind::L => self.from.deserialize_seq(Members(visitor)),
            },
        }
    }
}

/// An attribute: an object with one member, whose name is the kind.
struct Attribute<D>(D);

impl<'de, D: Deserializer<'de>> Attribute<D> {
    fn read<V: Visitor<'de>>(self, wish: Wish, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_map(Tagged { wish, visitor })
    }
}

macro_rules! deserializes {
    ($($name:ident),*) => {$(
        impl<'de, D: Deserializer<'de>> Deserializer<'de> for $name<D> {
            type Error = D::Error;

            fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
                self.read(Wish::Any, visitor)
            }

            fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
                self.read(Wish::Option, visitor)
            }

            fn deserialize_enum<V: Visitor<'de>>(
                self,
                name: &'static str,
                variants: &'static [&'static str],
                visitor: V,
            ) -> Result<V::Value, D::Error> {
                self.read(Wish::Enum(name, variants), visitor)
            }

            fn deserialize_newtype_struct<V: Visitor<'de>>(
                self,
                _: &'static str,
                visitor: V,
            ) -> Result<V::Value, D::Error> {
                self.read(Wish::Newtype, visitor)
            }

            forward_to_deserialize_any! {
                bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq
                tuple tuple_struct map struct identifier ignored_any
            }
        }
    )*};
}

deserializes!(Value, Attribute);

struct Tagged<V> {
    wish: Wish,
    visitor: V,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Tagged<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an attribute")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<V::Value, A::Error> {
        let kind: Kind = map.next_key()?.ok_or_else(|| A::Error::custom("an attribute of no kind"))?;
        let value = map.next_value_seed(OfKind(kind, self))?;
        match map.next_key::<IgnoredAny>()? {
            None => Ok(value),
            Some(_) => Err(A::Error::custom("an attribute of two kinds")),
        }
    }
}

struct OfKind<V>(Kind, Tagged<V>);

impl<'de, V: Visitor<'de>> DeserializeSeed<'de> for OfKind<V> {
    type Value = V::Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<V::Value, D::Error> {
        let Self(kind, Tagged { wish, visitor }) = self;
        Value { kind, from }.read(wish, visitor)
    }
}

/// Of a map or a list, whose members are attributes.
struct Members<I>(I);

impl<'de, V: Visitor<'de>> Visitor<'de> for Members<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        self.0.visit_map(Members(map))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<V::Value, A::Error> {
        self.0.visit_seq(Members(seq))
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Members<A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        self.0.next_key_seed(seed)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.0.next_value_seed(Member(seed))
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Members<A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        self.0.next_element_seed(Member(seed))
    }
}

struct Member<S>(S);

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Member<S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<S::Value, D::Error> {
        self.0.deserialize(Attribute(from))
    }
}

/// A variant with content.
struct Variant<V>(V);

impl<'de, V: Visitor<'de>> Visitor<'de> for Variant<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        self.0.visit_enum(MapAccessDeserializer::new(Members(map)))
    }
}

/// A number, which DynamoDB writes as a string.
struct Number<V>(V);

impl<'de, V: Visitor<'de>> Visitor<'de> for Number<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<V::Value, E> {
        if let Ok(number) = text.parse() {
            self.0.visit_u64(number)
        } else if let Ok(number) = text.parse() {
            self.0.visit_i64(number)
        } else if let Ok(number) = text.parse() {
            self.0.visit_f64(number)
        } else {
            Err(E::invalid_value(Unexpected::Str(text), &"a number"))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::{Serialize, de::DeserializeOwned};

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Shape {
        Point,
        Circle(u8),
        Box { wide: u8, high: Option<u8> },
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "is")]
    enum Told {
        Here { at: i64 },
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Whole {
        text: String,
        number: u64,
        below: i32,
        part: f64,
        yes: bool,
        none: Option<String>,
        some: Option<Vec<Shape>>,
        within: BTreeMap<String, (u8, Named)>,
        told: Told,
        #[serde(default)]
        absent: u8,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Named(String);

    fn typed<T: DeserializeOwned>(json: &str) -> Result<T, serde_json::Error> {
        serde_json::from_str(json).map(|Typed(value)| value)
    }

    #[test]
    fn it_reads_what_serde_dynamo_writes() {
        let whole = Whole {
            text: "a \"b\" é".into(),
            number: u64::MAX,
            below: -3,
            part: 0.5,
            yes: true,
            none: None,
            some: Some(vec![Shape::Point, Shape::Circle(3), Shape::Box { wide: 1, high: None }]),
            within: BTreeMap::from([("x".into(), (7, Named("y".into())))]),
            told: Told::Here { at: -1 },
            absent: 0,
        };
        let item: serde_dynamo::Item = serde_dynamo::to_item(&whole).unwrap();
        assert_eq!(typed::<Whole>(&serde_json::to_string(&item).unwrap()).unwrap(), whole);
    }

    #[test]
    fn it_refuses_what_is_no_attribute() {
        for json in [
            r#"{"n": {}}"#,
            r#"{"n": 1}"#,
            r#"{"n": {"N": "1", "S": "1"}}"#,
            r#"{"n": {"N": "one"}}"#,
            r#"{"n": {"N": 1}}"#,
            r#"{"n": {"S": "1"}}"#,
            r#"{"n": {"B": "AAAA"}}"#,
            r#"{"n": {"NULL": true}}"#,
            "[]",
        ] {
            assert!(typed::<BTreeMap<String, u8>>(json).is_err(), "{json}");
        }
    }
}
