//! What is written to people.

mod account;

use askama::Template;
use domain::{CompanyName, PersonName, TenantHost};
use secrecy::{ExposeSecret, SecretString};

use crate::name::shown;
use crate::wrap::wrap;

pub use account::{
    FactorChange, Invited, PasswordChange, PasswordChanged, PasswordReset, PlatformInvitation, PlatformRole,
    SecondFactorChanged,
};

/// A mail, without its receiver.
pub enum Message {
    /// To the first admin of a new tenant, who has no password yet.
    Welcome(Welcome),
    /// To the first admin of a new tenant, who has no password yet and is sent one to begin with.
    WelcomeTemporary(WelcomeTemporary),
    /// To the first admin of a new tenant, who has one.
    WelcomeExisting(WelcomeExisting),
    /// To somebody who has a platform role now, and no password yet.
    PlatformInvitation(PlatformInvitation),
    /// To somebody who has a platform role now, and a password.
    PlatformRole(PlatformRole),
    /// To somebody who has forgotten their password.
    PasswordReset(PasswordReset),
    /// To somebody whose password is another now.
    PasswordChanged(PasswordChanged),
    /// To somebody whose second factor is another now.
    SecondFactorChanged(SecondFactorChanged),
    /// To somebody who was asked to join a tenant, whether or not they have a password.
    Invited(Invited),
}

/// The tenant is ready; here is the key.
pub struct Welcome {
    /// The admin, as the signup named them.
    pub person: PersonName,
    /// The tenant's company.
    pub company: CompanyName,
    /// Where the tenant lives.
    pub host: TenantHost,
    /// [`Links::activation`](crate::Links::activation).
    pub activation_link: SecretString,
    /// How long the link works.
    pub valid_hours: u32,
}

/// The tenant is ready; here is a key for changing the lock.
pub struct WelcomeTemporary {
    /// The admin, as the signup named them.
    pub person: PersonName,
    /// The tenant's company.
    pub company: CompanyName,
    /// Where the tenant lives.
    pub host: TenantHost,
    /// What to sign in with, once.
    pub temporary_password: SecretString,
    /// [`Links::sign_in`](crate::Links::sign_in).
    pub sign_in_link: String,
    /// How long the password works.
    pub valid_hours: u32,
}

/// The tenant is ready; the address belongs to a person who has a password. They get a membership and no credentials.
pub struct WelcomeExisting {
    /// The admin, as the signup named them.
    pub person: PersonName,
    /// The tenant's company.
    pub company: CompanyName,
    /// Where the tenant lives.
    pub host: TenantHost,
    /// [`Links::sign_in`](crate::Links::sign_in).
    pub sign_in_link: String,
}

/// A mail as SES takes it.
pub(crate) struct Rendered {
    pub(crate) subject: String,
    pub(crate) text: String,
    pub(crate) html: String,
}

impl Message {
    /// A short name for what the mail is, for tags and metrics.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Welcome(_) => "welcome",
            Self::WelcomeTemporary(_) => "welcome-temporary",
            Self::WelcomeExisting(_) => "welcome-existing",
            Self::PlatformInvitation(_) => "platform-invitation",
            Self::PlatformRole(_) => "platform-role",
            Self::PasswordReset(_) => "password-reset",
            Self::PasswordChanged(_) => "password-changed",
            Self::SecondFactorChanged(_) => "second-factor-changed",
            Self::Invited(_) => "invited",
        }
    }

    /// Fails only where a value's `Display` does; these are strings and numbers.
    pub(crate) fn render(&self) -> askama::Result<Rendered> {
        match self {
            Self::Welcome(message) => message.render(),
            Self::WelcomeTemporary(message) => message.render(),
            Self::WelcomeExisting(message) => message.render(),
            Self::PlatformInvitation(message) => message.render(),
            Self::PlatformRole(message) => message.render(),
            Self::PasswordReset(message) => message.render(),
            Self::PasswordChanged(message) => message.render(),
            Self::SecondFactorChanged(message) => message.render(),
            Self::Invited(message) => message.render(),
        }
    }
}

#[derive(Template)]
#[template(path = "welcome.txt")]
struct WelcomeText<'a> {
    person: &'a str,
    company: &'a str,
    host: &'a TenantHost,
    link: &'a str,
    valid_hours: u32,
}

#[derive(Template)]
#[template(path = "welcome.html")]
struct WelcomeHtml<'a> {
    subject: &'a str,
    person: &'a str,
    company: &'a str,
    host: &'a TenantHost,
    link: &'a str,
    valid_hours: u32,
}

impl Welcome {
    fn render(&self) -> askama::Result<Rendered> {
        let (person, company) = (shown(self.person.as_str(), "there"), shown(self.company.as_str(), "Your company"));
        let (host, link, valid_hours) = (&self.host, self.activation_link.expose_secret(), self.valid_hours);
        let subject = format!("{company} is ready: choose your password");
        let text = WelcomeText { person, company, host, link, valid_hours }.render()?;
        let html = WelcomeHtml { subject: &subject, person, company, host, link, valid_hours }.render()?;
        Ok(Rendered { text: wrap(&text), html, subject })
    }
}

#[derive(Template)]
#[template(path = "welcome_temporary.txt")]
struct WelcomeTemporaryText<'a> {
    person: &'a str,
    company: &'a str,
    host: &'a TenantHost,
    password: &'a str,
    link: &'a str,
    valid_hours: u32,
}

#[derive(Template)]
#[template(path = "welcome_temporary.html")]
struct WelcomeTemporaryHtml<'a> {
    subject: &'a str,
    person: &'a str,
    company: &'a str,
    host: &'a TenantHost,
    password: &'a str,
    link: &'a str,
    valid_hours: u32,
}

impl WelcomeTemporary {
    fn render(&self) -> askama::Result<Rendered> {
        let (person, company) = (shown(self.person.as_str(), "there"), shown(self.company.as_str(), "Your company"));
        let (host, link, valid_hours) = (&self.host, self.sign_in_link.as_str(), self.valid_hours);
        let password = self.temporary_password.expose_secret();
        let subject = format!("{company} is ready: choose your password");
        let text = WelcomeTemporaryText { person, company, host, password, link, valid_hours }.render()?;
        let html =
            WelcomeTemporaryHtml { subject: &subject, person, company, host, password, link, valid_hours }.render()?;
        Ok(Rendered { text: wrap(&text), html, subject })
    }
}

#[derive(Template)]
#[template(path = "welcome_existing.txt")]
struct WelcomeExistingText<'a> {
    person: &'a str,
    company: &'a str,
    host: &'a TenantHost,
    link: &'a str,
}

#[derive(Template)]
#[template(path = "welcome_existing.html")]
struct WelcomeExistingHtml<'a> {
    subject: &'a str,
    person: &'a str,
    company: &'a str,
    host: &'a TenantHost,
    link: &'a str,
}

impl WelcomeExisting {
    fn render(&self) -> askama::Result<Rendered> {
        let (person, company) = (shown(self.person.as_str(), "there"), shown(self.company.as_str(), "Your company"));
        let (host, link) = (&self.host, self.sign_in_link.as_str());
        let subject = format!("{company} is ready");
        let text = WelcomeExistingText { person, company, host, link }.render()?;
        let html = WelcomeExistingHtml { subject: &subject, person, company, host, link }.render()?;
        Ok(Rendered { text: wrap(&text), html, subject })
    }
}

#[cfg(test)]
mod tests;
