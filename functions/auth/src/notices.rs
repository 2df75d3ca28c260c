//! Whose password or second factor is another now hears of it by mail (NIST SP 800-63B-4, 4.6; OWASP ASVS 5.0, 6.3.7): after the
//! change, and whatever becomes of the mail the change stands, for the audit log has it.

use jiff::Timestamp;
use lambda::{Env, StartError};
use mail::{FactorChange, Mailer, Message, PasswordChange, PasswordChanged, SecondFactorChanged};
use store::Identity;

/// Tells people by mail.
pub(crate) struct Notices(Mailer);

impl Notices {
    pub(crate) fn from_env(env: &Env) -> Result<Self, StartError> {
        Ok(Self(Mailer::new(&env.sdk, env.parsed("MAIL_FROM")?, env.required("PUBLIC_URL")?.to_owned())))
    }

    /// That the password is another since then.
    pub(crate) async fn changed(&self, person: &Identity, how: PasswordChange, at: Timestamp) {
        let (name, forgot_link) = (person.name.clone(), self.0.links().forgot());
        let message = PasswordChanged { person: name, how, at, forgot_link };
        self.send(person, Message::PasswordChanged(message)).await;
    }

    /// That this was done with the second factor.
    pub(crate) async fn factor(&self, person: &Identity, change: FactorChange, at: Timestamp) {
        let (name, forgot_link) = (person.name.clone(), self.0.links().forgot());
        let message = SecondFactorChanged { person: name, change, at, forgot_link };
        self.send(person, Message::SecondFactorChanged(message)).await;
    }

    async fn send(&self, person: &Identity, message: Message) {
        let kind = message.kind();
        if let Err(error) = self.0.send(&person.email, &message, &[("kind", kind)]).await {
            tracing::warn!(identity = %person.identity_id, kind, %error, "nobody was told what changed in their account");
        }
    }
}
