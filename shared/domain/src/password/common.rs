//! Passwords that attackers try first.

use std::collections::HashSet;
use std::sync::LazyLock;

const LIST: &str = include_str!("common-passwords.txt");
/// A shorter text, written over and over, is no better than itself.
const SHORTEST_UNIT: usize = 8;

static WORDS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| words().collect());

fn words() -> impl Iterator<Item = &'static str> {
    LIST.lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// Whether the password, in lower case, is as a whole a common one, a repetition, or a run such as `abcdef…`. Words that
/// it merely contains do not count (SP 800-63B-4, section 3.1.1.2).
pub(super) fn contains(password: &str) -> bool {
    WORDS.contains(password) || repeats(password) || runs(password)
}

/// Whether the password is a common one or a short text, written over and over, the last time perhaps in part.
fn repeats(password: &str) -> bool {
    let length = password.chars().count();
    let period = |&(chars, (start, _)): &(usize, (usize, char))| chars > 0 && password.starts_with(&password[start..]);
    let unit = password.char_indices().enumerate().find(period);
    unit.is_some_and(|(chars, (start, _))| {
        (chars < SHORTEST_UNIT && 2 * chars <= length) || WORDS.contains(&password[..start])
    })
}

/// Whether each character follows the one before it in the alphabet, or each precedes it.
fn runs(password: &str) -> bool {
    let steps = || {
        password.chars().zip(password.chars().skip(1)).map(|(a, b)| i64::from(u32::from(b)) - i64::from(u32::from(a)))
    };
    steps().all(|step| step == 1) || steps().all(|step| step == -1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_in_the_form_in_which_it_is_searched() {
        assert!(words().count() >= 900);
        assert!(words().all(|word| word.len() >= 8 && word == word.to_lowercase()));
    }

    #[test]
    fn what_is_common_as_a_whole_is_found() {
        for password in [
            "1q2w3e4r5t6y7u8i",
            "aaaaaaaaaaaaaaa",
            "abcabcabcabcabcab",
            "passwordpassword",
            "123456789012345",
            "abcdefghijklmnop",
        ] {
            assert!(contains(password), "{password}");
        }
    }

    #[test]
    fn a_common_word_inside_is_no_fault() {
        for password in ["my password is a secret", "baseball in the rain", "abcdefga", "éèêëéèêë-ö"] {
            assert!(!contains(password), "{password}");
        }
    }
}
