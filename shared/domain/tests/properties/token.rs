//! Tokens.

use std::collections::HashSet;

use domain::{ActivationToken, StatusToken, SystemEntropy, TokenDigest};
use proptest::prelude::*;

use crate::Fixed;

#[test]
fn a_token_of_one_kind_is_none_of_the_other() {
    let status = StatusToken::new(&SystemEntropy);
    let activation = ActivationToken::new(&SystemEntropy);
    assert!(status.expose().starts_with("ink_st_") && activation.expose().starts_with("ink_act_"));
    assert!(StatusToken::parse(activation.expose()).is_err() && ActivationToken::parse(status.expose()).is_err());
}

#[test]
fn tokens_do_not_repeat() {
    let all: HashSet<String> = (0..1_000).map(|_| StatusToken::new(&SystemEntropy).digest().to_string()).collect();
    assert_eq!(all.len(), 1_000);
}

#[test]
fn the_digest_is_sha_256_of_the_whole_text() {
    let token = StatusToken::new(&Fixed([0]));
    assert_eq!(token.expose(), "ink_st_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA20nf5v");
    assert_eq!(token.digest().as_str(), "059a8855c0a5ff235293ae01424bf92b1bca50d13a23cf695fd159ab36af5ee2");
    assert!(TokenDigest::parse(token.digest().as_str()).unwrap() == token.digest());
}

proptest! {
    #[test]
    fn a_token_is_read_back(random in any::<[u8; 32]>()) {
        let token = StatusToken::new(&Fixed(random));
        prop_assert_eq!(token.expose().len(), 7 + 43 + 6);
        let read = StatusToken::parse(token.expose()).unwrap();
        prop_assert_eq!(read.expose(), token.expose());
        prop_assert!(read.digest() == token.digest());
    }

    #[test]
    fn every_change_of_one_character_is_noticed(random in any::<[u8; 32]>(), place in 0_usize..56, with in any::<char>()) {
        let text = StatusToken::new(&Fixed(random)).expose().to_owned();
        let changed: String = text.chars().enumerate().map(|(i, c)| if i == place { with } else { c }).collect();
        prop_assert_eq!(StatusToken::parse(&changed).is_ok(), changed == text);
        let near = char::from(text.as_bytes()[place] ^ 1);
        let changed: String = text.chars().enumerate().map(|(i, c)| if i == place { near } else { c }).collect();
        prop_assert!(StatusToken::parse(&changed).is_err());
    }

    #[test]
    fn no_text_breaks_the_parser(text in "\\PC{0,60}|ink_st_\\PC{49}|ink_act_[A-Za-z0-9_-]{49}") {
        prop_assert!(StatusToken::parse(&text).is_err() && ActivationToken::parse(&text).is_err());
        prop_assert_eq!(TokenDigest::parse(&text).is_ok(), false);
    }
}
