//! Random passwords, for `GetRandomPassword` and for `GenerateSecretString` in a template.

use domain::Entropy;
use serde::Deserialize;

use super::invalid_parameter;
use crate::{aws::AwsError, template::GenerateSecretString};

const PUNCTUATION: &str = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

/// The input of `GetRandomPassword`, which `GenerateSecretString` shares.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", default, deny_unknown_fields)]
pub struct PasswordRules {
    /// 4 to 4 096, by default 32.
    pub password_length: usize,
    /// Characters that it must not hold.
    pub exclude_characters: String,
    /// No `0-9`.
    pub exclude_numbers: bool,
    /// No punctuation.
    pub exclude_punctuation: bool,
    /// No `A-Z`.
    pub exclude_uppercase: bool,
    /// No `a-z`.
    pub exclude_lowercase: bool,
    /// The space too.
    pub include_space: bool,
    /// At least one of each kind that is not excluded; the default.
    pub require_each_included_type: bool,
}

impl Default for PasswordRules {
    fn default() -> Self {
        Self {
            password_length: 32,
            exclude_characters: String::new(),
            exclude_numbers: false,
            exclude_punctuation: false,
            exclude_uppercase: false,
            exclude_lowercase: false,
            include_space: false,
            require_each_included_type: true,
        }
    }
}

impl From<&GenerateSecretString> for PasswordRules {
    /// The template says the same under the same names.
    fn from(rules: &GenerateSecretString) -> Self {
        Self {
            password_length: rules.length as usize,
            exclude_characters: rules.exclude_characters.clone(),
            exclude_numbers: rules.exclude_numbers,
            exclude_punctuation: rules.exclude_punctuation,
            exclude_uppercase: rules.exclude_uppercase,
            exclude_lowercase: rules.exclude_lowercase,
            include_space: rules.include_space,
            require_each_included_type: rules.require_each_included_type,
        }
    }
}

impl PasswordRules {
    /// The characters of each kind that may occur.
    fn kinds(&self) -> Vec<Vec<char>> {
        let kinds = [
            (!self.exclude_lowercase, ('a'..='z').collect::<String>()),
            (!self.exclude_uppercase, ('A'..='Z').collect()),
            (!self.exclude_numbers, ('0'..='9').collect()),
            (!self.exclude_punctuation, PUNCTUATION.to_owned()),
            (self.include_space, " ".to_owned()),
        ];
        let allowed = |kind: String| kind.chars().filter(|c| !self.exclude_characters.contains(*c)).collect::<Vec<_>>();
        kinds
            .into_iter()
            .filter(|(wanted, _)| *wanted)
            .map(|(_, kind)| allowed(kind))
            .filter(|it| !it.is_empty())
            .collect()
    }
}

/// A password by these rules; fails when they leave nothing to choose from.
pub fn random_password(rules: &PasswordRules, entropy: &dyn Entropy) -> Result<String, AwsError> {
    let kinds = rules.kinds();
    let all: Vec<char> = kinds.concat();
    if all.is_empty() || !(4..=4_096).contains(&rules.password_length) || kinds.len() > rules.password_length {
        return Err(invalid_parameter("The password rules leave nothing to choose from."));
    }
    // Drawn again until each kind occurs, which keeps every password that is allowed equally likely. The one in 10^7 that
    // an unlucky short password takes longer than this is refused rather than looped for.
    for _ in 0..10_000 {
        let password: String = (0..rules.password_length).map(|_| all[below(all.len(), entropy)]).collect();
        let complete = || kinds.iter().all(|kind| password.contains(kind.as_slice()));
        if !rules.require_each_included_type || complete() {
            return Ok(password);
        }
    }
    Err(AwsError::internal("no password meets the rules"))
}

/// A number below `bound`; 64 random bits make the bias of the remainder immeasurable.
fn below(bound: usize, entropy: &dyn Entropy) -> usize {
    let random = u64::from_be_bytes(domain::bytes(entropy));
    usize::try_from(random % bound as u64).unwrap_or_default()
}
