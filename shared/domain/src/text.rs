//! The conversions that every checked text has: in from a string by its rule, out to the same string.

/// Gives a `struct $name(String)` its `as_str`, `Display`, `FromStr` (by `parse`) and the two conversions serde uses.
/// `$stored` is the rule for what comes back from storage; it may be wider than `parse`, never narrower.
macro_rules! text {
    ($name:ident, $stored:path) => {
        impl $name {
            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = crate::Rule;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::parse(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = crate::Rule;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                $stored(&text)?;
                Ok(Self(text))
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0
            }
        }
    };
}

pub(crate) use text;
