//! What holds for every new password: the words that it may not be made of, and that its owner hears of it.

use domain::ContextWords;
use jiff::Timestamp;
use lambda::{Env, StartError};
use mail::{Mailer, Message, PasswordChanged};
use store::{Identity, Store, StoreError};

/// Tenants whose company's name is looked up; the names of all of them count. Hardly anybody belongs to more.
const COMPANIES: usize = 8;

/// What an attacker would try first with this person: the names of the person and of their tenants. One Query, and a read
/// for each of the first tenants.
pub(crate) async fn context(store: &Store, person: &Identity) -> Result<ContextWords, StoreError> {
    let mut words = ContextWords::new().person(&person.name).email(&person.email);
    let tenants = store.tenants_of(&person.identity_id).await?;
    for (number, pointer) in tenants.iter().enumerate() {
        words = words.subdomain(&pointer.tenant_id.subdomain());
        if number < COMPANIES
            && let Some(tenant) = store.tenant(&pointer.tenant_id).await?
        {
            words = words.company(&tenant.company_name);
        }
    }
    Ok(words)
}

/// Tells people by mail.
pub(crate) struct Notices(Mailer);

impl Notices {
    pub(crate) fn from_env(env: &Env) -> Result<Self, StartError> {
        Ok(Self(Mailer::new(&env.sdk, env.parsed("MAIL_FROM")?, env.required("PUBLIC_URL")?.to_owned())))
    }

    /// That the password is another since then. The change stands where the mail cannot be sent: the audit log has it.
    pub(crate) async fn changed(&self, person: &Identity, at: Timestamp) {
        let forgot_link = self.0.links().forgot();
        let message = Message::PasswordChanged(PasswordChanged { person: person.name.clone(), at, forgot_link });
        if let Err(error) = self.0.send(&person.email, &message, &[("kind", message.kind())]).await {
            tracing::warn!(identity = %person.identity_id, %error, "nobody was told that their password was changed");
        }
    }
}
