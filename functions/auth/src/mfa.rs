//! The second factor: enrolled, confirmed by a first code, shown at every sign-in and before what a stolen session must not
//! do, and removed.
//!
//! A sign-in of who has one, or has to, ends at first in a token (`ink_mfa_…`, five minutes, opaque) that opens the routes of
//! this module alone. It goes where an access token goes, so that each route has one way in for both kinds of caller: the
//! door knows the token by its form, the store whether its sign-in still waits. A code ends the waiting in a session.
//!
//! Sessions that were there before an enrolment live on: they are as good as they were, and the person can end them
//! (`sessions/revoke-others`, as OWASP ASVS 5.0, 7.4.3 asks). A removal ends all of them, for none may outlive the proof that
//! it was opened with.

pub mod asking;
pub mod confirm;
mod desk;
pub mod enrol;
mod people;
pub mod recovery_codes;
pub mod remove;
pub mod verify;

use domain::{Entropy, TokenDigest, second_factor::RECOVERY_CODES, second_factor::RecoveryCode};

/// A new set, and what is kept of it.
fn new_recovery_codes(entropy: &dyn Entropy) -> (Vec<RecoveryCode>, Vec<TokenDigest>) {
    let codes: Vec<RecoveryCode> = (0..RECOVERY_CODES).map(|_| RecoveryCode::new(entropy)).collect();
    let digests = codes.iter().map(RecoveryCode::digest).collect();
    (codes, digests)
}

/// For the one answer that shows them.
fn shown(codes: &[RecoveryCode]) -> Vec<String> {
    codes.iter().map(|code| code.to_text().to_string()).collect()
}
