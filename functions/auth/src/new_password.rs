//! What holds for every new password: the words that it may not be made of.

use domain::ContextWords;
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
