//! Mails about a person's own account. They all say one thing, show one link, and add a note or two.

use askama::Template;
use domain::{CompanyName, PersonName, Role};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use super::Rendered;
use crate::{name::shown, wrap::wrap};

const KEEP: &str = "Whoever has the link can sign in as you, so keep it to yourself.";

/// You run the platform now; here is the key.
pub struct PlatformInvitation {
    /// Who is invited, as the inviter named them.
    pub person: PersonName,
    /// As what.
    pub role: Role,
    /// [`Links::activation`](crate::Links::activation).
    pub activation_link: SecretString,
    /// How long the link works.
    pub valid_hours: u32,
}

/// You run the platform now; you have a key.
pub struct PlatformRole {
    /// Who.
    pub person: PersonName,
    /// As what.
    pub role: Role,
    /// [`Links::sign_in`](crate::Links::sign_in).
    pub sign_in_link: String,
}

/// A link in place of a forgotten password.
pub struct PasswordReset {
    /// Who.
    pub person: PersonName,
    /// [`Links::reset`](crate::Links::reset).
    pub reset_link: SecretString,
    /// How long the link works.
    pub valid_minutes: u32,
}

/// Your password is another now.
pub struct PasswordChanged {
    /// Who.
    pub person: PersonName,
    /// How it became so.
    pub how: PasswordChange,
    /// Since when.
    pub at: Timestamp,
    /// [`Links::forgot`](crate::Links::forgot), for somebody who did not change it.
    pub forgot_link: String,
}

/// How a password became another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordChange {
    /// In a session, which goes on.
    InSession,
    /// With a one-time token in place of the forgotten or temporary one. No session goes on.
    ByToken,
}

/// Your second factor is another now.
pub struct SecondFactorChanged {
    /// Who.
    pub person: PersonName,
    /// What was done.
    pub change: FactorChange,
    /// When.
    pub at: Timestamp,
    /// [`Links::forgot`](crate::Links::forgot), for somebody who did not do it.
    pub forgot_link: String,
}

/// What was done with a second factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FactorChange {
    /// An authenticator was confirmed.
    Enrolled,
    /// The authenticator and its recovery codes are gone.
    Removed,
    /// There are other recovery codes.
    RecoveryCodesRenewed,
}

/// A tenant wants you.
pub struct Invited {
    /// The tenant's company.
    pub company: CompanyName,
    /// As what.
    pub role: Role,
    /// [`Links::invitation`](crate::Links::invitation).
    pub invitation_link: SecretString,
    /// How long the link works.
    pub valid_days: u32,
}

#[derive(Template)]
#[template(path = "account.txt")]
struct Text<'a> {
    person: &'a str,
    intro: &'a str,
    link: &'a str,
    notes: &'a [String],
}

#[derive(Template)]
#[template(path = "account.html")]
struct Html<'a> {
    subject: &'a str,
    title: &'a str,
    person: &'a str,
    intro: &'a str,
    action: &'a str,
    link: &'a str,
    notes: &'a [String],
}

/// What one of these mails says.
struct Notice<'a> {
    subject: &'a str,
    title: &'a str,
    intro: &'a str,
    action: &'a str,
    link: &'a str,
    notes: &'a [String],
}

impl Notice<'_> {
    /// To somebody by name, where that is known.
    fn render(&self, person: Option<&PersonName>) -> askama::Result<Rendered> {
        let Self { subject, title, intro, action, link, notes } = *self;
        let person = person.map_or("there", |person| shown(person.as_str(), "there"));
        let text = Text { person, intro, link, notes }.render()?;
        let html = Html { subject, title, person, intro, action, link, notes }.render()?;
        Ok(Rendered { subject: subject.to_owned(), text: wrap(&text), html })
    }
}

impl PlatformInvitation {
    pub(super) fn render(&self) -> askama::Result<Rendered> {
        let works = format!("The link works once, within {} hours. {KEEP}", self.valid_hours);
        Notice {
            subject: "You help to run Innkeeper: choose your password",
            title: "Welcome",
            intro: &format!("You help to run the platform now, as {}. Choose a password to begin:", self.role),
            action: "Choose a password",
            link: self.activation_link.expose_secret(),
            notes: &[works, "If you did not expect this, ignore this mail.".into()],
        }
        .render(Some(&self.person))
    }
}

impl PlatformRole {
    pub(super) fn render(&self) -> askama::Result<Rendered> {
        Notice {
            subject: "You help to run Innkeeper",
            title: "Welcome",
            intro: &format!(
                "You help to run the platform now, as {}. You have an account already: sign in with your password as before.",
                self.role
            ),
            action: "Sign in",
            link: &self.sign_in_link,
            notes: &["If you did not expect this, tell whoever runs the platform.".into()],
        }
        .render(Some(&self.person))
    }
}

impl PasswordReset {
    pub(super) fn render(&self) -> askama::Result<Rendered> {
        let works = format!("The link works once, within {} minutes. {KEEP}", self.valid_minutes);
        Notice {
            subject: "Choose a new password",
            title: "A new password",
            intro: "Somebody, hopefully you, has asked for a new password for your account. Choose it here:",
            action: "Choose a password",
            link: self.reset_link.expose_secret(),
            notes: &[works, "If it was not you, ignore this mail: your password stays as it is.".into()],
        }
        .render(Some(&self.person))
    }
}

impl PasswordChanged {
    pub(super) fn render(&self) -> askama::Result<Rendered> {
        let signed_out = match self.how {
            PasswordChange::InSession => "everywhere else",
            PasswordChange::ByToken => "everywhere",
        };
        let since = format!("It was changed at {:.0}, and you were signed out {signed_out}.", self.at);
        Notice {
            subject: "Your password was changed",
            title: "Your password was changed",
            intro: "The password of your account is another one now. If it was not you who changed it, choose a new one at once:",
            action: "Choose a new password",
            link: &self.forgot_link,
            notes: &[since],
        }
        .render(Some(&self.person))
    }
}

impl SecondFactorChanged {
    pub(super) fn render(&self) -> askama::Result<Rendered> {
        let (title, done, since) = match self.change {
            FactorChange::Enrolled => (
                "An authenticator was added",
                "An authenticator was added to your account, and its codes are asked for when you sign in.",
                "It was added at",
            ),
            FactorChange::Removed => (
                "Your authenticator was removed",
                "The authenticator of your account and its recovery codes were removed, and you were signed out everywhere.",
                "They were removed at",
            ),
            FactorChange::RecoveryCodesRenewed => (
                "You have new recovery codes",
                "New recovery codes were made for your account, and the old ones are void.",
                "They were made at",
            ),
        };
        Notice {
            subject: title,
            title,
            intro: &format!("{done} If that was not you, choose a new password at once:"),
            action: "Choose a new password",
            link: &self.forgot_link,
            notes: &[format!("{since} {:.0}.", self.at)],
        }
        .render(Some(&self.person))
    }
}

impl Invited {
    /// The same whether the address is somebody's already: whoever invites can say nothing, and learns nothing.
    pub(super) fn render(&self) -> askama::Result<Rendered> {
        let company = shown(self.company.as_str(), "A company");
        let works = format!("The link works once, within {} days, for this address only.", self.valid_days);
        Notice {
            subject: &format!("{company} invites you"),
            title: "You are invited",
            intro: &format!("{company} has invited you to its account, as {}. Accept it here:", self.role),
            action: "Accept",
            link: self.invitation_link.expose_secret(),
            notes: &[
                works,
                "If you have an account already, you accept with your password, and it stays as it is. If you have none, you choose a password.".into(),
                "If you did not expect this, ignore this mail.".into(),
            ],
        }
        .render(None)
    }
}

#[cfg(test)]
mod tests {
    use crate::message::Message;

    use super::*;

    fn person() -> PersonName {
        PersonName::parse("Ada <b> Lovelace").unwrap()
    }

    fn all() -> [(&'static str, Message); 9] {
        let link = |path: &str| format!("https://app.innkeeper.example/{path}");
        let factor = |change| {
            let (person, at, forgot_link) = (person(), Timestamp::UNIX_EPOCH, link("forgot-password"));
            Message::SecondFactorChanged(SecondFactorChanged { person, change, at, forgot_link })
        };
        let changed = |how| {
            let (person, at, forgot_link) = (person(), Timestamp::UNIX_EPOCH, link("forgot-password"));
            Message::PasswordChanged(PasswordChanged { person, how, at, forgot_link })
        };
        [
            (
                "invitation",
                Message::PlatformInvitation(PlatformInvitation {
                    person: person(),
                    role: Role::SuperAdmin,
                    activation_link: SecretString::from(link("activate?token=ink_act_x")),
                    valid_hours: 72,
                }),
            ),
            (
                "role",
                Message::PlatformRole(PlatformRole {
                    person: person(),
                    role: Role::SupportAdmin,
                    sign_in_link: link("login"),
                }),
            ),
            (
                "reset",
                Message::PasswordReset(PasswordReset {
                    person: person(),
                    reset_link: SecretString::from(link("reset-password?token=ink_rst_x")),
                    valid_minutes: 60,
                }),
            ),
            ("changed", changed(PasswordChange::InSession)),
            ("changed_by_token", changed(PasswordChange::ByToken)),
            ("factor_enrolled", factor(FactorChange::Enrolled)),
            ("factor_removed", factor(FactorChange::Removed)),
            ("recovery_codes", factor(FactorChange::RecoveryCodesRenewed)),
            (
                "invited",
                Message::Invited(Invited {
                    company: CompanyName::parse("Lantern <b> Works").unwrap(),
                    role: Role::Manager,
                    invitation_link: SecretString::from(link("accept-invitation?token=ink_inv_x")),
                    valid_days: 7,
                }),
            ),
        ]
    }

    #[test]
    fn each_says_what_happened_and_shows_one_link() {
        for (name, message) in all() {
            let mail = message.render().unwrap();
            insta::assert_snapshot!(name, format!("Subject: {}\n\n{}", mail.subject, mail.text));
            assert_eq!(mail.text.matches("https://").count(), 1, "{name}");
            assert!(!mail.html.contains("<b>") && mail.html.contains("</h1>"), "{name}: {}", mail.html);
            assert!(mail.text.lines().all(|line| line.chars().count() <= 72), "{name}: {}", mail.text);
        }
    }
}
