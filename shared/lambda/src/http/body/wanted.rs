//! What a value of another type should have been.

/// What the parser expected there. The rest of its words repeats the value, which may be a secret.
pub(super) fn wanted(error: &serde_json::Error) -> String {
    let words = error.to_string();
    let typed = words.starts_with("invalid type: ") || words.starts_with("unknown variant ");
    let expected = words.rsplit_once(", expected ").filter(|_| typed).map_or("", |(_, expected)| expected);
    // Where the body itself is read, its place follows.
    match expected.split(" at line ").next().unwrap_or_default() {
        "" => "of another type".to_owned(),
        "u64" | "u32" | "u16" | "u8" => "a whole number".to_owned(),
        "a boolean" => "true or false".to_owned(),
        "a sequence" => "a list".to_owned(),
        expected if expected.starts_with("struct ") || expected == "a map" => "an object".to_owned(),
        expected => expected.replace('`', ""),
    }
}

#[cfg(test)]
mod tests {
    use domain::Role;
    use proptest::prelude::*;
    use serde::de::DeserializeOwned;
    use serde_json::{Value, json};

    use super::*;

    fn of<T: DeserializeOwned>(value: Value) -> String {
        wanted(&serde_json::from_value::<T>(value).err().unwrap())
    }

    #[test]
    fn it_says_what_was_expected() {
        assert_eq!(of::<String>(json!(5)), "a string");
        assert_eq!(of::<u64>(json!("5")), "a whole number");
        assert_eq!(of::<bool>(json!("yes")), "true or false");
        assert_eq!(of::<Vec<u64>>(json!({})), "a list");
        assert_eq!(of::<Role>(json!("emperor")), "of another type");
    }

    proptest! {
        #[test]
        fn it_never_repeats_the_value(secret in "[a-zA-Z, ]{9,40}") {
            for value in [json!(secret), json!([secret]), json!({ "a": secret }), json!(format!(", expected {secret}"))] {
                prop_assert!(!of::<u64>(value.clone()).contains(&secret), "{}", value);
                prop_assert!(!of::<Role>(value.clone()).contains(&secret), "{}", value);
            }
        }
    }
}
