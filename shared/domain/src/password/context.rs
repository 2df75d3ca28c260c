//! Words that an attacker tries first because they know whose account it is.

use std::collections::BTreeSet;

use super::fold;
use crate::{CompanyName, EmailAddress, PersonName, Subdomain};
use unicode_normalization::UnicodeNormalization;

const PRODUCT: &str = "innkeeper";
/// Shorter words occur in honest passwords by chance.
const SHORTEST: usize = 4;
/// What has to be left of a password once these words are taken out of it.
const LEAST_BESIDES: usize = 8;

/// The words of one account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContextWords(BTreeSet<String>);

impl ContextWords {
    /// Only the product's name.
    pub fn new() -> Self {
        Self::default().and(PRODUCT)
    }

    /// And the company's name, whole and word by word.
    pub fn company(self, name: &CompanyName) -> Self {
        self.and(name.as_str())
    }

    /// And the tenant's name.
    pub fn subdomain(self, name: &Subdomain) -> Self {
        self.and(name.as_str())
    }

    /// And the person's name.
    pub fn person(self, name: &PersonName) -> Self {
        self.and(name.as_str())
    }

    /// And the address, up to the `@`.
    pub fn email(self, address: &EmailAddress) -> Self {
        self.and(address.local_part())
    }

    fn and(mut self, text: &str) -> Self {
        let folded = fold(&text.nfkc().collect::<String>());
        let parts = folded.split(|c: char| !c.is_alphanumeric()).map(str::to_owned);
        let whole: String = folded.chars().filter(|c| c.is_alphanumeric()).collect();
        self.0.extend(parts.chain([folded.to_string(), whole]).filter(|word| word.chars().count() >= SHORTEST));
        self
    }

    /// Whether the password, in lower case, is little more than these words.
    pub(super) fn suggests(&self, password: &str) -> bool {
        let mut longest_first: Vec<&str> = self.0.iter().map(String::as_str).collect();
        longest_first.sort_by_key(|word| std::cmp::Reverse(word.len()));
        let rest = longest_first.iter().fold(fold(password), |rest, word| fold(&rest.replace(word, "")));
        rest.len() < password.len() && rest.chars().count() < LEAST_BESIDES
    }
}
