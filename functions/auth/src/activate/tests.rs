//! What costs nothing, what costs a read, and that every refusal is the same.

use domain::Clock;
use http::{Response, StatusCode};
use lambda_http::Body;
use serde_json::{Value, json};
use testkit::{MockClock, SeededEntropy, demo_signup};

use super::*;
use crate::{
    ACTIVATE,
    stand_in::{StandIn, call, json_of},
};

async fn activate(aws: &StandIn, body: Value) -> Response<Body> {
    let mut service = aws.start(&ACTIVATE).await;
    call(&mut service, Method::POST, "/api/v1/auth/activate", json!({}), Some(body)).await
}

fn token() -> String {
    ActivationToken::new(&SeededEntropy::new(9)).expose().to_owned()
}

fn errors(answer: &Response<Body>) -> Vec<(String, String)> {
    let problem = json_of(answer);
    let text = |error: &Value, name: &str| error[name].as_str().unwrap().to_owned();
    problem["errors"].as_array().unwrap().iter().map(|error| (text(error, "pointer"), text(error, "code"))).collect()
}

#[tokio::test]
async fn a_malformed_token_is_refused_without_a_read() {
    let aws = StandIn::new(|action, _| panic!("{action} was called"));
    let valid = token();
    let typo = format!("{}x", &valid[..valid.len() - 1]);
    for text in ["", "nonsense", typo.as_str(), &valid.replace("ink_act_", "ink_st_")] {
        let answer = activate(&aws, json!({"token": text, "password": "correct horse battery"})).await;
        assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(json_of(&answer)["code"], "invalid_activation");
    }
}

#[tokio::test]
async fn an_unknown_token_gets_the_malformed_ones_answer_after_one_read() {
    let aws = StandIn::new(|_, _| json!({}));
    let unknown = activate(&aws, json!({"token": token(), "password": "correct horse battery"})).await;
    assert_eq!(aws.actions(), ["GetItem"]);
    let malformed = activate(&aws, json!({"token": "nonsense", "password": "correct horse battery"})).await;
    assert_eq!(json_of(&unknown), json_of(&malformed));
    assert_eq!((unknown.status(), unknown.headers()), (malformed.status(), malformed.headers()));
}

#[tokio::test]
async fn every_missing_or_unknown_field_is_named() {
    let aws = StandIn::new(|action, _| panic!("{action} was called"));
    let answer = activate(&aws, json!({"token": 7, "role": "owner"})).await;
    let named = errors(&answer);
    for expected in [("/role", "unknown_field"), ("/token", "wrong_type"), ("/password", "required")] {
        assert!(named.contains(&(expected.0.into(), expected.1.into())), "{expected:?} in {named:?}");
    }
}

#[test]
fn a_password_made_of_the_accounts_own_words_is_refused() {
    let signup = demo_signup();
    let identity = Identity {
        identity_id: domain::IdentityId::new(&SeededEntropy::new(1)),
        email: signup.admin_email.clone(),
        name: signup.admin_name.clone(),
        password_phc: None,
        email_verified: false,
        memberships: 1,
        made_by: None,
        created_at: MockClock::new().now(),
    };
    let tenant = Tenant {
        tenant_id: TenantId::new(&signup.subdomain, &SeededEntropy::new(1)),
        company_name: signup.company_name,
        subdomain: signup.subdomain,
        admin_name: signup.admin_name,
        admin_email: signup.admin_email,
        plan: signup.plan,
        region: signup.region,
        version: 1,
        status_token: domain::StatusToken::new(&SeededEntropy::new(1)).digest(),
        provisioning: domain::Provisioning::requested(
            CorrelationId::new(&SeededEntropy::new(1)),
            MockClock::new().now(),
        ),
        admins: 1,
        owners: 1,
    };
    for text in ["Demo ISP Demo ISP 1", "admin admin admin 1", "innkeeperinnkeeper"] {
        assert!(parse_password(text, &identity, Some(&tenant)).is_err(), "{text}");
    }
    assert!(parse_password("correct horse battery", &identity, Some(&tenant)).is_ok());
}
