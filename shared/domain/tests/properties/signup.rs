//! The whole request.

use domain::{Plan, Regions, SignupDraft, UtmParameter};
use proptest::prelude::*;

fn regions() -> Regions {
    Regions::parse("us-east-1,eu-west-1").unwrap()
}

fn draft() -> SignupDraft {
    SignupDraft {
        company_name: Some("Demo ISP".into()),
        subdomain: Some("demo".into()),
        admin_name: Some("Ada Admin".into()),
        admin_email: Some("admin@demo-isp.example".into()),
        ..SignupDraft::default()
    }
}

#[test]
fn what_is_optional_has_its_default() {
    let signup = draft().parse(&regions()).unwrap();
    assert_eq!((signup.plan, signup.region.as_str()), (Plan::Starter, "us-east-1"));
    assert!(signup.utm.is_empty() && signup.source.is_none() && signup.accept_terms.is_none());
}

#[test]
fn every_broken_field_is_named_at_once() {
    let broken = SignupDraft {
        company_name: None,
        subdomain: Some("api".into()),
        admin_name: Some("A".into()),
        admin_email: Some("nobody".into()),
        plan: Some("platinum".into()),
        region: Some("mars-north-1".into()),
        accept_terms: None,
        source: Some("a\tb".into()),
        utm: [(UtmParameter::Campaign, String::new())].into(),
    };
    let errors = broken.parse(&regions()).unwrap_err();
    let found: Vec<_> = errors.iter().map(|error| (error.pointer.as_str(), error.code)).collect();
    assert_eq!(
        found,
        [
            ("/company_name", "required"),
            ("/subdomain", "reserved"),
            ("/admin_name", "too_short"),
            ("/admin_email", "invalid"),
            ("/plan", "unknown"),
            ("/region", "unknown"),
            ("/source", "control_character"),
            ("/utm_campaign", "too_short"),
        ]
    );
}

#[test]
fn an_unknown_plan_is_never_downgraded() {
    for plan in ["Enterprise", "", "free", "starter "] {
        let errors = SignupDraft { plan: Some(plan.into()), ..draft() }.parse(&regions()).unwrap_err();
        assert_eq!((errors[0].pointer.as_str(), errors[0].code), ("/plan", "unknown"), "{plan:?}");
    }
}

#[test]
fn plans_allow_what_the_price_list_says() {
    let table: Vec<_> = Plan::ALL
        .iter()
        .map(|plan| (plan.limits(), plan.isolation()))
        .map(|(l, i)| (l.api_calls_per_hour, l.admins, l.webhooks, l.api_keys, l.audit_retention_days, i.as_str()))
        .collect();
    let listed =
        [(1_000, 2, 0, 10, 365, "pool"), (10_000, 10, 5, 50, 1_095, "pool"), (100_000, 50, 25, 250, 2_555, "silo")];
    assert_eq!(table, listed);
}

proptest! {
    #[test]
    fn a_request_is_accepted_with_every_field_as_typed_or_refused(
        company_name in proptest::option::of("\\PC{0,12}"), subdomain in proptest::option::of("[a-z-]{1,8}"),
        admin_name in proptest::option::of(any::<String>()), region in proptest::option::of("(us-east|eu-west)-[12]"),
    ) {
        let typed = SignupDraft { company_name, subdomain, admin_name, region, ..draft() };
        match typed.clone().parse(&regions()) {
            Ok(signup) => {
                prop_assert_eq!(Some(signup.company_name.to_string()), typed.company_name.clone());
                prop_assert_eq!(Some(signup.subdomain.to_string()), typed.subdomain.clone());
                prop_assert_eq!(Some(signup.admin_name.to_string()), typed.admin_name.clone());
                prop_assert!(typed.region.is_none_or(|region| region == signup.region.as_str()));
                let stored = serde_json::to_string(&signup).unwrap();
                prop_assert_eq!(serde_json::from_str::<domain::Signup>(&stored).unwrap(), signup);
            }
            Err(errors) => prop_assert!(!errors.is_empty()),
        }
    }
}
