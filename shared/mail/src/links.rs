//! The addresses that mails lead to.

use domain::{ActivationToken, InvitationToken, ResetToken};
use secrecy::SecretString;

/// Addresses under one base, such as `https://app.innkeeper.example`.
#[derive(Clone, Debug)]
pub struct Links {
    base: String,
}

impl Links {
    /// `base` with or without a slash at its end.
    pub fn new(base: &str) -> Self {
        Self { base: base.trim_end_matches('/').to_owned() }
    }

    /// Where a first password is chosen. A secret, for it carries the token.
    pub fn activation(&self, token: &ActivationToken) -> SecretString {
        SecretString::from(format!("{}/activate?token={}", self.base, token.expose()))
    }

    /// Where a forgotten password is replaced. A secret, for it carries the token.
    pub fn reset(&self, token: &ResetToken) -> SecretString {
        SecretString::from(format!("{}/reset-password?token={}", self.base, token.expose()))
    }

    /// Where one asks for such a link.
    pub fn forgot(&self) -> String {
        format!("{}/forgot-password", self.base)
    }

    /// Where an invitation to a tenant is accepted. A secret, for it carries the token.
    pub fn invitation(&self, token: &InvitationToken) -> SecretString {
        SecretString::from(format!("{}/accept-invitation?token={}", self.base, token.expose()))
    }

    /// Where one signs in.
    pub fn sign_in(&self) -> String {
        format!("{}/login", self.base)
    }
}
