//! Whether a secret could be guessed.

use zeroize::Zeroizing;

use crate::SecretError;

/// 256 bits when they are random, as for every key in this system.
const MIN_BYTES: usize = 32;
/// 32 random hexadecimal digits have fewer once in 10^7 tries, random bytes never; a word has fewer.
const MIN_DISTINCT: usize = 8;

/// Words that defaults are made of. They are long, so that a random value does not contain one by chance.
const WORDS: &[&str] = &[
    "changeme",
    "changethis",
    "password",
    "passwort",
    "default",
    "secret",
    "example",
    "placeholder",
    "insecure",
    "development",
    "innkeeper",
    "internal",
    "bootstrap",
    "qwerty",
    "letmein",
    "testing",
];
/// The short ones count only where nothing alphanumeric touches them.
const SHORT_WORDS: &[&str] = &["test", "change", "demo", "local", "admin", "todo", "dummy", "token"];
/// One long word or two short ones: less turns up by chance, and must not stop a deployment.
const MIN_COVERED: usize = 6;

/// Refuses material that is empty, shorter than 32 bytes, or of the looks of a default: one character over and over,
/// a short pattern repeated, a sequence, or words that everybody tries first (OWASP ASVS 5.0, 13.3.1).
pub fn check_strength(secret: &str, material: &[u8]) -> Result<(), SecretError> {
    let weak = |reason| Err(SecretError::Weak { secret: secret.to_owned(), reason });
    if material.is_empty() {
        return weak("is empty");
    }
    if material.len() < MIN_BYTES {
        return weak("is shorter than 32 bytes");
    }
    if distinct(material) < MIN_DISTINCT || is_repetition(material) {
        return weak("repeats itself");
    }
    if is_sequence(material) {
        return weak("is a sequence");
    }
    if is_made_of_words(material) {
        return weak("looks like a default");
    }
    Ok(())
}

fn distinct(material: &[u8]) -> usize {
    let mut seen = [false; 256];
    for byte in material {
        seen[usize::from(*byte)] = true;
    }
    seen.iter().filter(|seen| **seen).count()
}

/// Whether it is a pattern of at most half its length, over and over.
fn is_repetition(material: &[u8]) -> bool {
    (1..=material.len() / 2).any(|period| material.iter().zip(&material[period..]).all(|(a, b)| a == b))
}

/// Whether most bytes follow from the one before: `abcdef…`, `98765…`.
fn is_sequence(material: &[u8]) -> bool {
    let steps = material.windows(2).filter(|pair| matches!(pair[1].wrapping_sub(pair[0]), 0 | 1 | 0xFF)).count();
    steps * 4 > material.len() * 3
}

/// Whether it is text of which less than 32 bytes remain once the words are taken out: a word adds nothing that a
/// guesser lacks.
fn is_made_of_words(material: &[u8]) -> bool {
    if !material.is_ascii() {
        return false;
    }
    let lower = Zeroizing::new(material.to_ascii_lowercase());
    let covered = covered(&lower).iter().filter(|covered| **covered).count();
    covered >= MIN_COVERED && material.len() - covered < MIN_BYTES
}

fn covered(lower: &[u8]) -> Vec<bool> {
    let mut covered = vec![false; lower.len()];
    let mut cover = |word: &str, whole: bool| {
        for start in 0..(lower.len() + 1).saturating_sub(word.len()) {
            let end = start + word.len();
            if &lower[start..end] == word.as_bytes() && (!whole || stands_alone(lower, start, end)) {
                covered[start..end].fill(true);
            }
        }
    };
    WORDS.iter().for_each(|word| cover(word, false));
    SHORT_WORDS.iter().for_each(|word| cover(word, true));
    covered
}

fn stands_alone(text: &[u8], start: usize, end: usize) -> bool {
    let touches = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    !touches(start.checked_sub(1).and_then(|before| text.get(before))) && !touches(text.get(end))
}

#[cfg(test)]
mod tests {
    use domain::{SystemEntropy, bytes};
    use proptest::prelude::*;

    use super::*;

    fn reason(material: &str) -> Option<&'static str> {
        match check_strength("s", material.as_bytes()) {
            Err(SecretError::Weak { reason, .. }) => Some(reason),
            _ => None,
        }
    }

    #[test]
    fn what_can_be_guessed_is_refused() {
        for (material, expected) in [
            ("", "is empty"),
            ("xK7pQ2", "is shorter than 32 bytes"),
            ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "repeats itself"),
            ("changemechangemechangemechangemechangeme", "repeats itself"),
            ("testtesttesttesttesttesttesttesttest", "repeats itself"),
            ("01234567890123456789012345678901234567890", "repeats itself"),
            ("abcdefghijklmnopqrstuvwxyz0123456789", "is a sequence"),
            ("zyxwvutsrqponmlkjihgfedcba9876543210", "is a sequence"),
            ("please-change-me-this-is-the-default-secret", "looks like a default"),
            ("test-secret-for-development-only-0001", "looks like a default"),
            ("MyPasswordIsTheVeryBestPassword123!", "looks like a default"),
        ] {
            assert_eq!(reason(material), Some(expected), "{material}");
        }
    }

    #[test]
    fn a_message_names_the_secret_and_the_remedy_and_never_the_value() {
        let error = check_strength("innkeeper/dev/internal-secret", b"hunter2-hunter2").unwrap_err().to_string();
        assert_eq!(
            error,
            "the secret innkeeper/dev/internal-secret is too weak, for it is shorter than 32 bytes: replace it by at least \
             32 bytes from a random generator"
        );
    }

    #[test]
    fn what_a_generator_makes_passes() {
        let letters = |alphabet: &[u8], random: &[u8]| -> Vec<u8> {
            random.iter().map(|byte| alphabet[usize::from(*byte) % alphabet.len()]).collect()
        };
        let printable: Vec<u8> = (b'!'..=b'~').collect();
        for _ in 0..10_000 {
            let random = bytes::<64>(&SystemEntropy);
            assert!(check_strength("s", &random[..32]).is_ok());
            assert!(check_strength("s", &letters(b"0123456789abcdef", &random)).is_ok());
            assert!(check_strength("s", &letters(&printable, &random[..32])).is_ok());
        }
    }

    proptest! {
        #[test]
        fn any_repeated_pattern_is_refused(pattern in proptest::collection::vec(any::<u8>(), 1..24), times in 2_usize..9) {
            prop_assert!(check_strength("s", &pattern.repeat(times)).is_err());
        }

        #[test]
        fn a_word_adds_no_strength(word in proptest::sample::select(WORDS), rest in "[A-Za-z0-9]{0,23}") {
            let material = format!("{word}{rest}");
            prop_assert!(check_strength("s", material.as_bytes()).is_err());
        }

        #[test]
        fn nothing_makes_it_panic(material in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = check_strength("s", &material);
        }
    }
}
