//! Mail to people, through Amazon SES.
//!
//! [`Mailer::send`] calls SES once and never by itself again: what it fails with says whether the mail may be out, so
//! that a caller can keep its promise of at most one mail per attempt. Texts are in `templates/`, checked at compile
//! time.

mod error;
mod links;
mod mailer;
mod message;
mod name;
mod wrap;

pub use error::MailError;
pub use links::Links;
pub use mailer::{Mailer, MessageId};
pub use message::{
    FactorChange, Invited, Message, PasswordChange, PasswordChanged, PasswordReset, PlatformInvitation, PlatformRole,
    SecondFactorChanged, Welcome, WelcomeExisting, WelcomeTemporary,
};
