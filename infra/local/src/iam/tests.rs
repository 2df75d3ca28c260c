//! Decisions in AWS's words, and what is left unused or too wide.

use super::*;
use crate::template::FunctionSpec;
use serde_json::json;

const CORE: &str = "arn:aws:dynamodb:us-east-1:123456789012:table/core";

fn stack(statements: serde_json::Value) -> Stack {
    let lines = (10..).take(statements.as_array().unwrap().len()).collect();
    let function = FunctionSpec {
        logical_id: "Create".to_owned(),
        name: "innkeeper-create".to_owned(),
        arn: String::new(),
        binary: String::new(),
        env: Default::default(),
        timeout: 3,
        memory: 128,
        concurrency: None,
        routes: Vec::new(),
        rules: Vec::new(),
        asynchronous: crate::template::AsyncSpec::default(),
        schedules: Vec::new(),
        policy: PolicySpec { document: json!({ "Version": "2012-10-17", "Statement": statements }), lines },
        shift: None,
        role: "innkeeper-CreateRole".to_owned(),
        line: 1,
    };
    Stack {
        file: "template.yaml".to_owned(),
        region: "us-east-1".to_owned(),
        functions: vec![function],
        ..Stack::default()
    }
}

fn ruled(statements: serde_json::Value) -> Principals {
    Principals::new(&stack(statements))
}

#[test]
fn nothing_is_allowed_by_default() {
    let principals = ruled(json!([]));
    let create = principals.by_logical_id("Create").unwrap();
    let denied = principals.decide(create, &[("dynamodb:PutItem", CORE)]).unwrap_err();
    insta::assert_snapshot!(denied, @"User: arn:aws:sts::123456789012:assumed-role/innkeeper-CreateRole/innkeeper-create is not authorized to perform: dynamodb:PutItem on resource: arn:aws:dynamodb:us-east-1:123456789012:table/core because no identity-based policy allows the dynamodb:PutItem action");
    assert_eq!((denied.action.as_str(), denied.resource.as_str()), ("dynamodb:PutItem", CORE));
}

#[test]
fn only_the_named_action_on_the_named_resource_is_allowed() {
    let principals = ruled(json!([
        { "Effect": "Allow", "Action": ["dynamodb:PutItem", "dynamodb:GetItem"], "Resource": [CORE, format!("{CORE}/index/*")] },
        { "Effect": "Deny", "Action": "dynamodb:DeleteItem", "Resource": CORE }
    ]));
    let create = principals.by_access_key(&principals.by_logical_id("Create").unwrap().access_key_id).unwrap();
    let decide = |action, resource| principals.decide(create, &[(action, resource)]).is_ok();
    for _ in ["evaluated", "remembered"] {
        assert!(decide("dynamodb:PutItem", CORE));
        assert!(decide("dynamodb:GetItem", "arn:aws:dynamodb:us-east-1:123456789012:table/core/index/by-mail"));
        assert!(!decide("dynamodb:PutItem", "arn:aws:dynamodb:us-east-1:123456789012:table/core2"));
        assert!(!decide("dynamodb:Scan", CORE));
    }
    let denied = principals.decide(create, &[("dynamodb:PutItem", CORE), ("dynamodb:DeleteItem", CORE)]).unwrap_err();
    insta::assert_snapshot!(denied, @"User: arn:aws:sts::123456789012:assumed-role/innkeeper-CreateRole/innkeeper-create is not authorized to perform: dynamodb:DeleteItem on resource: arn:aws:dynamodb:us-east-1:123456789012:table/core with an explicit deny in an identity-based policy");
}

#[test]
fn what_no_call_needed_is_listed() {
    let principals = ruled(json!([
        { "Effect": "Allow", "Action": ["dynamodb:PutItem", "dynamodb:GetItem"], "Resource": CORE },
        { "Effect": "Allow", "Action": "states:StartExecution", "Resource": CORE }
    ]));
    let create = principals.by_logical_id("Create").unwrap();
    principals.decide(create, &[("dynamodb:PutItem", CORE)]).unwrap();
    assert_eq!(principals.exercised().len(), 1);
    assert_eq!(
        principals.unused(),
        ["template.yaml:10: Create may dynamodb:GetItem", "template.yaml:11: Create may states:StartExecution"]
    );
}

#[test]
fn conditions_that_are_the_same_for_every_call_hold() {
    let allow = |region: &str| {
        let condition =
            json!({ "StringEquals": { "aws:RequestedRegion": region }, "Bool": { "aws:SecureTransport": "true" } });
        let principals =
            ruled(json!([{ "Effect": "Allow", "Action": "a:B", "Resource": CORE, "Condition": condition }]));
        principals.decide(principals.by_logical_id("Create").unwrap(), &[("a:B", CORE)]).is_ok()
    };
    assert!(allow("us-east-1"));
    assert!(!allow("eu-west-1"));
}

/// Not remembered: the next request may be from somebody else.
#[test]
fn a_condition_on_the_request_is_asked_each_time() {
    let identity = "arn:aws:ses:us-east-1:123456789012:identity/a.test";
    let condition = json!({ "StringEquals": { "ses:FromAddress": "welcome@a.test" } });
    let statement =
        json!({ "Effect": "Allow", "Action": "ses:SendEmail", "Resource": identity, "Condition": condition });
    let principals = ruled(json!([statement]));
    let create = principals.by_logical_id("Create").unwrap();
    let sends = |from: &str| {
        principals.decide_in(create, &[("ses:SendEmail", identity)], &[("ses:FromAddress", from.to_owned())]).is_ok()
    };
    assert_eq!(["welcome@a.test", "ceo@a.test", "welcome@a.test"].map(sends), [true, false, true]);
    assert!(principals.decide(create, &[("ses:SendEmail", identity)]).is_err(), "from nobody");
    assert_eq!(principals.unused(), Vec::<String>::new());
}

#[test]
fn wildcards_must_follow_a_name() {
    let wide = [
        "*",
        "arn:aws:dynamodb:us-east-1:123456789012:*",
        "arn:aws:dynamodb:us-east-1:123456789012:table/*",
        "arn:aws:dynamodb:*:123456789012:table/core",
        "arn:aws:secretsmanager:us-east-1:123456789012:secret:*",
        "arn:aws:secretsmanager:us-east-1:123456789012:sec*",
    ];
    let narrow = [
        CORE,
        "arn:aws:dynamodb:us-east-1:123456789012:table/core/index/*",
        "arn:aws:secretsmanager:us-east-1:123456789012:secret:innkeeper/dev/tenant/*",
        "arn:aws:secretsmanager:us-east-1:123456789012:secret:ring-??????",
    ];
    for (resources, count) in [(&wide[..], wide.len()), (&narrow[..], 0)] {
        let found = overbroad(&stack(json!([{ "Effect": "Allow", "Action": "x:Y", "Resource": resources }])));
        assert_eq!(found.len(), count, "{found:?}");
    }
    let found = overbroad(&stack(
        json!([{ "Effect": "Allow", "Action": ["dynamodb:*", "dynamodb:Get?tem"], "Resource": CORE }]),
    ));
    assert_eq!(found[0], "template.yaml:10: Create is granted action dynamodb:*");
    assert_eq!(found.len(), 2);

    let listing = |actions: serde_json::Value| {
        overbroad(&stack(json!([{ "Effect": "Allow", "Action": actions, "Resource": "*" }]))).len()
    };
    assert_eq!(listing(json!("secretsmanager:ListSecrets")), 0, "AWS knows no narrower resource for it");
    assert_eq!(listing(json!(["secretsmanager:ListSecrets", "secretsmanager:DescribeSecret"])), 1);
    assert_eq!(listing(json!(DEPLOY_ONLY)), 1, "that is for machines");

    let all = "arn:aws:ses:us-east-1:123456789012:identity/*";
    let sending = |actions: &[&str], condition: serde_json::Value| {
        let statement = json!({ "Effect": "Allow", "Action": actions, "Resource": all, "Condition": condition });
        overbroad(&stack(json!([statement]))).len()
    };
    let one = json!({ "StringEquals": { "ses:FromAddress": "welcome@a.test" } });
    assert_eq!(sending(&["ses:SendEmail"], one.clone()), 0, "SES chooses the identity by the sender");
    assert_eq!(sending(&["ses:SendEmail", "ses:SendRawEmail"], one), 1);
    assert_eq!(sending(&["ses:SendEmail"], json!({ "StringLike": { "ses:FromAddress": "*" } })), 1);
    assert_eq!(sending(&["ses:SendEmail"], json!({})), 1);
}
