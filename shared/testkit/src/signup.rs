//! The signup that the examples use: "Demo ISP".

use domain::{CompanyName, EmailAddress, PersonName, Plan, Region, Regions, Rule, Signup, Subdomain};
use serde_json::{Value, json};

/// `us-east-1`, the default, and `eu-west-1`.
pub fn regions() -> Regions {
    accepted(Regions::parse("us-east-1,eu-west-1"))
}

/// The request of "Demo ISP" for the starter plan. Change its fields for what a test is about.
pub fn demo_signup() -> Signup {
    Signup {
        company_name: accepted(CompanyName::parse("Demo ISP")),
        subdomain: accepted(Subdomain::parse("demo")),
        admin_name: accepted(PersonName::parse("Ada Admin")),
        admin_email: accepted(EmailAddress::parse("admin@demo-isp.example")),
        plan: Plan::Starter,
        region: accepted(Region::parse("us-east-1")),
        accept_terms: Some(true),
        source: None,
        utm: [].into(),
    }
}

/// The body of `POST /api/v1/tenants` for [`demo_signup`].
pub fn demo_signup_json() -> Value {
    signup_json("demo", "admin@demo-isp.example")
}

/// The same body for another subdomain and another first admin.
pub fn signup_json(subdomain: &str, admin_email: &str) -> Value {
    json!({
        "company_name": "Demo ISP",
        "subdomain": subdomain,
        "admin_name": "Ada Admin",
        "admin_email": admin_email,
        "plan": "starter",
        "region": "us-east-1",
        "accept_terms": true,
    })
}

#[expect(clippy::panic, reason = "the values above are constants, and only tests use this crate")]
fn accepted<T>(parsed: Result<T, Rule>) -> T {
    parsed.unwrap_or_else(|rule| panic!("{rule}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_json_says_the_same() {
        let said: Signup = serde_json::from_value(demo_signup_json()).unwrap();
        assert_eq!(said, demo_signup());
        assert!(regions().contains(&said.region));
    }
}
