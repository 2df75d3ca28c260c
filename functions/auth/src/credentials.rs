//! Whose password it is, and where that person may go with it.

use domain::{Entropy, IdentityId, PasswordAttempt, TenantId};
use store::{LoginView, MembershipPointer, PasswordHash};

use crate::{
    login::{Error, Refusal},
    password_hash::{Hasher, Verdict},
};

/// Who signs in where.
pub(crate) struct Person {
    pub(crate) identity_id: IdentityId,
    pub(crate) tenant_id: Option<TenantId>,
    /// A platform role that was never used.
    pub(crate) first_on_platform: bool,
    /// Whether they have a second factor.
    pub(crate) second_factor: bool,
    pub(crate) proof: Option<Proof>,
}

/// The password hash that was matched, and the same password under today's parameters where that one is older.
pub(crate) struct Proof {
    pub(crate) matched: PasswordHash,
    pub(crate) renewed: Option<PasswordHash>,
}

/// The person, if the password is theirs. One hash, whatever the case; one more, once, for a hash with older parameters.
pub(crate) async fn authenticate(
    hasher: &Hasher,
    found: Option<LoginView>,
    password: PasswordAttempt,
    entropy: &dyn Entropy,
) -> Result<(LoginView, Proof), Error> {
    let stored = found.as_ref().and_then(|view| view.identity.password_phc.clone());
    let (verdict, renewed) = hasher.verify_or_renew(stored.clone(), password, entropy).await?;
    let person = found.ok_or(Refusal::UnknownAccount)?;
    let matched = stored.ok_or(Refusal::NotActivated)?;
    match verdict {
        Verdict::Mismatch => Err(Refusal::WrongPassword.into()),
        Verdict::Match | Verdict::NeedsUpgrade => Ok((person, Proof { matched, renewed })),
    }
}

/// To the platform, where the person has a role there and names no tenant.
pub(crate) fn enter((person, proof): (LoginView, Proof), named: Option<&str>) -> Result<Person, Error> {
    let (identity_id, second_factor, proof) = (person.identity.identity_id, person.second_factor, Some(proof));
    match (person.platform, named) {
        (Some(user), None) => {
            let first_on_platform = user.signed_in_at.is_none();
            Ok(Person { identity_id, tenant_id: None, first_on_platform, second_factor, proof })
        }
        _ => {
            let tenant_id = Some(choose(&person.memberships, named)?.tenant_id.clone());
            Ok(Person { identity_id, tenant_id, first_on_platform: false, second_factor, proof })
        }
    }
}

/// The tenant named by id or subdomain, or the only one.
pub(crate) fn choose<'a>(
    memberships: &'a [MembershipPointer],
    named: Option<&str>,
) -> Result<&'a MembershipPointer, Error> {
    let called = |id: &TenantId, name| id.as_str() == name || id.subdomain().as_str() == name;
    let chosen = match (named, memberships) {
        (Some(name), _) => memberships.iter().find(|m| called(&m.tenant_id, name)),
        (None, [_, _, ..]) => {
            return Err(Error::ManyTenants(memberships.iter().map(|m| m.tenant_id.clone()).collect()));
        }
        (None, one_or_none) => one_or_none.first(),
    };
    chosen.ok_or(Refusal::NoMembership.into())
}
