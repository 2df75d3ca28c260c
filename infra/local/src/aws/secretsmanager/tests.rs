//! Secrets Manager through the SDK: tokens, labels, deletion, rotation, passwords.

use std::sync::Arc;

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::ProvideErrorMetadata;
use aws_sdk_secretsmanager::primitives::Blob;
use aws_sdk_secretsmanager::types::RotationRulesType;
use domain::SystemEntropy;
use futures::FutureExt;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::secret::{Secret, SecretValue};
use super::{PasswordRules, random_password};
use crate::aws::testing::World;
use crate::aws::{InvokeError, Service};

const A: &str = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa";
const B: &str = "bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb";
const C: &str = "cccccccc-cccc-4ccc-8ccc-cccccccccccc";
const LAMBDA: &str = "arn:aws:lambda:eu-central-1:123456789012:function:f";

async fn create(client: &Client, token: &str, value: &str) -> Result<String, String> {
    let create = client.create_secret().name("app/keys").client_request_token(token).secret_string(value);
    create.send().await.map(|it| it.arn.unwrap()).map_err(|error| error.code().unwrap().to_owned())
}

async fn put(client: &Client, token: &str, value: &str) -> Result<Vec<String>, String> {
    let put = client.put_secret_value().secret_id("app/keys").client_request_token(token).secret_string(value);
    put.send().await.map(|it| it.version_stages.unwrap()).map_err(|error| error.code().unwrap().to_owned())
}

async fn read(client: &Client, stage: &str) -> Result<String, String> {
    let read = client.get_secret_value().secret_id("app/keys").version_stage(stage).send().await;
    read.map(|it| it.secret_string.unwrap()).map_err(|error| error.code().unwrap().to_owned())
}

#[tokio::test]
async fn the_same_token_again_is_fine_and_with_another_value_refused() {
    let client = Client::new(&World::new().config());
    let arn = create(&client, A, "1").await.unwrap();
    assert_eq!(create(&client, A, "1").await.unwrap(), arn);
    assert_eq!(create(&client, A, "2").await.unwrap_err(), "ResourceExistsException");
    assert_eq!(create(&client, B, "1").await.unwrap_err(), "ResourceExistsException");

    assert_eq!(put(&client, B, "2").await.unwrap(), ["AWSCURRENT"]);
    assert_eq!(put(&client, C, "3").await.unwrap(), ["AWSCURRENT"]);
    // A late repeat of an earlier request does not take the label back.
    assert_eq!(put(&client, B, "2").await.unwrap(), ["AWSPREVIOUS"]);
    assert_eq!(put(&client, B, "3").await.unwrap_err(), "ResourceExistsException");
    assert_eq!(read(&client, "AWSCURRENT").await.unwrap(), "3");
    assert_eq!(read(&client, "AWSPREVIOUS").await.unwrap(), "2");
}

#[tokio::test]
async fn a_secret_is_found_by_name_and_by_arn_with_and_without_suffix() {
    let world = World::new();
    let client = Client::new(&world.config());
    let arn = create(&client, A, "1").await.unwrap();
    let (partial, suffix) = arn.rsplit_once('-').unwrap();
    assert_eq!((partial, suffix.len()), ("arn:aws:secretsmanager:eu-central-1:123456789012:secret:app/keys", 6));
    for id in ["app/keys", &arn, partial] {
        assert_eq!(client.get_secret_value().secret_id(id).send().await.unwrap().secret_string.unwrap(), "1", "{id}");
        let needs = world.secrets.authorize("GetSecretValue", &json!({"SecretId": id}));
        assert_eq!(needs, [("secretsmanager:GetSecretValue".to_owned(), arn.clone())]);
    }
    for id in ["app", "app/keys-", &arn[..arn.len() - 1], &format!("{partial}-AAAAAA")] {
        let absent = client.get_secret_value().secret_id(id).send().await.unwrap_err();
        assert_eq!(absent.code(), Some("ResourceNotFoundException"), "{id}");
    }
    let absent = world.secrets.authorize("GetSecretValue", &json!({"SecretId": "absent"}));
    assert_eq!(absent[0].1, "arn:aws:secretsmanager:eu-central-1:123456789012:secret:absent");
}

#[tokio::test]
async fn binary_values_and_restarts() {
    let dir = tempfile::tempdir().unwrap();
    {
        let client = Client::new(&World::on(Some(dir.path())).config());
        let put = client.create_secret().name("app/keys").secret_binary(Blob::new([0, 255]));
        put.send().await.unwrap();
    }
    let client = Client::new(&World::on(Some(dir.path())).config());
    let read = client.get_secret_value().secret_id("app/keys").send().await.unwrap();
    assert_eq!(read.secret_binary.unwrap().into_inner(), [0, 255]);
    assert_eq!(read.secret_string, None);
}

fn labelled(stages: &[(&str, &[&str])]) -> Secret {
    let now = Timestamp::UNIX_EPOCH;
    let mut secret = Secret {
        arn: "arn".into(),
        name: "name".into(),
        description: None,
        kms_key_id: None,
        tags: Default::default(),
        versions: Vec::new(),
        rotation: None,
        created: now,
        changed: now,
        rotated: None,
        deletion: None,
    };
    for (id, _) in stages {
        secret.put(id, SecretValue::Text((*id).into()), &[], now).unwrap();
    }
    for version in &mut secret.versions {
        let (_, stages) = stages.iter().find(|(id, _)| *id == version.id).unwrap();
        version.stages = stages.iter().map(|stage| (*stage).to_owned()).collect();
    }
    secret
}

fn stages(secret: &Secret) -> String {
    let versions = secret.versions.iter();
    versions
        .map(|it| format!("{}:{}", it.id, Vec::from_iter(it.stages.clone()).join("+")))
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn labels_move_as_aws_moves_them() {
    let start: &[(&str, &[&str])] = &[("a", &["AWSCURRENT"]), ("b", &["AWSPENDING", "x"]), ("c", &["AWSPREVIOUS"])];
    type Case = (&'static str, Option<&'static str>, Option<&'static str>, Result<&'static str, &'static str>);
    let cases: &[Case] = &[
        ("AWSCURRENT", Some("a"), Some("b"), Ok("a:AWSPREVIOUS b:AWSCURRENT+AWSPENDING+x c:")),
        ("AWSCURRENT", Some("a"), Some("c"), Ok("a:AWSPREVIOUS b:AWSPENDING+x c:AWSCURRENT")),
        ("AWSCURRENT", None, Some("a"), Ok("a:AWSCURRENT b:AWSPENDING+x c:AWSPREVIOUS")),
        ("AWSCURRENT", None, Some("b"), Err("InvalidParameterException")),
        ("AWSCURRENT", Some("c"), Some("b"), Err("InvalidParameterException")),
        ("AWSCURRENT", Some("a"), None, Err("InvalidParameterException")),
        ("AWSCURRENT", None, None, Err("InvalidParameterException")),
        ("AWSCURRENT", Some("a"), Some("z"), Err("ResourceNotFoundException")),
        ("AWSPENDING", Some("b"), None, Ok("a:AWSCURRENT b:x c:AWSPREVIOUS")),
        ("AWSPENDING", Some("a"), None, Err("InvalidParameterException")),
        ("x", Some("b"), Some("a"), Ok("a:AWSCURRENT+x b:AWSPENDING c:AWSPREVIOUS")),
        ("new", None, Some("c"), Ok("a:AWSCURRENT b:AWSPENDING+x c:AWSPREVIOUS+new")),
    ];
    for (stage, from, to, expected) in cases {
        let mut secret = labelled(start);
        let moved = secret.move_stage(stage, *from, *to).map(|()| stages(&secret)).map_err(|error| error.code);
        assert_eq!(moved.as_deref().map_err(|code| &**code), *expected, "{stage} {from:?} -> {to:?}");
    }
}

#[test]
fn a_put_labels_what_it_is_told_to() {
    let cases: &[(&[&str], &str)] = &[
        (&["AWSCURRENT"], "a:AWSPREVIOUS b:AWSPENDING n:AWSCURRENT"),
        (&["AWSPENDING"], "a:AWSCURRENT b: n:AWSPENDING"),
        (&["AWSCURRENT", "blue"], "a:AWSPREVIOUS b:AWSPENDING n:AWSCURRENT+blue"),
    ];
    for (labels, expected) in cases {
        let mut secret = labelled(&[("a", &["AWSCURRENT"]), ("b", &["AWSPENDING"])]);
        let labels: Vec<String> = labels.iter().map(|it| (*it).to_owned()).collect();
        secret.put("n", SecretValue::Text("n".into()), &labels, Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(stages(&secret), *expected);
    }
}

#[test]
fn a_hundred_versions_are_kept_and_the_labelled_ones_always() {
    let mut secret = labelled(&[("first", &["AWSCURRENT", "keep"])]);
    for n in 0..150 {
        secret
            .put(&format!("{n}"), SecretValue::Text("v".into()), &["AWSCURRENT".into()], Timestamp::UNIX_EPOCH)
            .unwrap();
    }
    assert_eq!(secret.versions.len(), 100);
    assert_eq!(secret.versions[0].id, "first");
    assert_eq!(secret.labelled("AWSCURRENT").unwrap().id, "149");
}

#[test]
fn a_value_cannot_be_printed() {
    let secret = labelled(&[("hunter2", &["AWSCURRENT"])]);
    assert!(!format!("{:?}", secret.versions[0].value).contains("hunter2"));
}

#[tokio::test]
async fn a_deleted_secret_can_be_restored_until_its_window_has_passed() {
    let world = World::new();
    let client = Client::new(&world.config());
    create(&client, A, "1").await.unwrap();
    let delete = || client.delete_secret().secret_id("app/keys").recovery_window_in_days(7).send();
    delete().await.unwrap();
    assert_eq!(read(&client, "AWSCURRENT").await.unwrap_err(), "InvalidRequestException");
    assert_eq!(create(&client, A, "1").await.unwrap_err(), "InvalidRequestException");
    let described = client.describe_secret().secret_id("app/keys").send().await.unwrap();
    assert_eq!(described.deleted_date.unwrap().secs(), world.clock.now().as_second() + 7 * 86_400);
    assert!(client.list_secrets().send().await.unwrap().secret_list.unwrap().is_empty());
    client.restore_secret().secret_id("app/keys").send().await.unwrap();
    assert_eq!(read(&client, "AWSCURRENT").await.unwrap(), "1");

    delete().await.unwrap();
    world.clock.advance(SignedDuration::from_hours(7 * 24));
    assert_eq!(read(&client, "AWSCURRENT").await.unwrap_err(), "ResourceNotFoundException");
    create(&client, B, "2").await.unwrap();
    let force = || client.delete_secret().secret_id("app/keys").force_delete_without_recovery(true).send();
    force().await.unwrap();
    force().await.unwrap();
    assert_eq!(read(&client, "AWSCURRENT").await.unwrap_err(), "ResourceNotFoundException");
}

#[tokio::test]
async fn listing_goes_by_pages_and_tags_are_shown() {
    let client = Client::new(&World::new().config());
    for name in ["c", "a", "b"] {
        client.create_secret().name(name).send().await.unwrap();
    }
    let tag = aws_sdk_secretsmanager::types::Tag::builder().key("tenant").value("t").build();
    client.tag_resource().secret_id("a").tags(tag).send().await.unwrap();
    let first = client.list_secrets().max_results(2).send().await.unwrap();
    let list = first.secret_list.unwrap();
    assert_eq!(list.iter().map(|it| it.name.as_deref().unwrap()).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(list[0].tags.as_ref().unwrap()[0].value.as_deref(), Some("t"));
    let filter = |key: &str, value: &str| {
        let filter = aws_sdk_secretsmanager::types::Filter::builder().key(key.into()).values(value).build();
        client.list_secrets().filters(filter).send()
    };
    let named = filter("name", "b").await.unwrap().secret_list.unwrap();
    assert_eq!(named.iter().map(|it| it.name.as_deref().unwrap()).collect::<Vec<_>>(), ["b"]);
    assert!(filter("tag-key", "tenant").await.unwrap_err().message().unwrap().contains("tag-key"));
    let second = client.list_secrets().max_results(2).set_next_token(first.next_token).send().await.unwrap();
    assert_eq!(second.secret_list.unwrap()[0].name.as_deref(), Some("c"));
    assert_eq!(second.next_token, None);
}

/// A rotation Lambda that keeps the contract, written with the SDK.
fn rotate_well(world: &World) {
    let client = Client::new(&world.config());
    *world.functions.handler.lock().unwrap() = Some(Arc::new(move |event| {
        let client = client.clone();
        async move {
            let step = event["Step"].as_str().unwrap();
            rotation_step(
                &client,
                step,
                event["SecretId"].as_str().unwrap(),
                event["ClientRequestToken"].as_str().unwrap(),
            )
            .await;
            Ok(Value::Null)
        }
        .boxed()
    }));
}

async fn rotation_step(client: &Client, step: &str, arn: &str, token: &str) {
    match step {
        "createSecret" => {
            let pending =
                client.get_secret_value().secret_id(arn).version_id(token).version_stage("AWSPENDING").send().await;
            assert_eq!(pending.unwrap_err().code(), Some("ResourceNotFoundException"));
            let put = client.put_secret_value().secret_id(arn).client_request_token(token).secret_string("rotated");
            put.version_stages("AWSPENDING").send().await.unwrap();
        }
        "finishSecret" => {
            let current = client.get_secret_value().secret_id(arn).send().await.unwrap().version_id.unwrap();
            let update = || client.update_secret_version_stage().secret_id(arn);
            let to_current =
                update().version_stage("AWSCURRENT").move_to_version_id(token).remove_from_version_id(current);
            to_current.send().await.unwrap();
            update().version_stage("AWSPENDING").remove_from_version_id(token).send().await.unwrap();
        }
        _ => {}
    }
}

#[tokio::test]
async fn a_rotation_runs_the_four_steps_in_order() {
    let world = World::new();
    let client = Client::new(&world.config());
    let arn = create(&client, A, "1").await.unwrap();
    rotate_well(&world);
    let rules = RotationRulesType::builder().automatically_after_days(30).build();
    let rotate = client.rotate_secret().secret_id("app/keys").client_request_token(B).rotation_lambda_arn(LAMBDA);
    rotate.rotation_rules(rules).send().await.unwrap();
    assert!(world.functions.events.lock().unwrap().is_empty(), "the order is answered before it is carried out");
    world.secrets.ordered().await;
    world.secrets.rotate_due().await.unwrap();
    let step = |step| json!({"Step": step, "SecretId": arn, "ClientRequestToken": B});
    assert_eq!(
        *world.functions.events.lock().unwrap(),
        ["createSecret", "setSecret", "testSecret", "finishSecret"].map(step)
    );
    assert_eq!(read(&client, "AWSCURRENT").await.unwrap(), "rotated");
    assert_eq!(read(&client, "AWSPREVIOUS").await.unwrap(), "1");
    assert_eq!(read(&client, "AWSPENDING").await.unwrap_err(), "ResourceNotFoundException");
    let described = client.describe_secret().secret_id("app/keys").send().await.unwrap();
    assert_eq!(described.rotation_enabled, Some(true));
    assert_eq!(described.last_rotated_date.unwrap().secs(), world.clock.now().as_second());
    assert_eq!(described.next_rotation_date.unwrap().secs(), world.clock.now().as_second() + 30 * 86_400);

    assert!(world.secrets.rotate_due().await.unwrap().is_empty());
    world.clock.advance(SignedDuration::from_hours(30 * 24));
    assert_eq!(world.secrets.next_rotation(), Some(world.clock.now()));
    let ended = world.secrets.rotate_due().await.unwrap();
    assert!(matches!(&ended[..], [(name, Ok(()))] if name == "app/keys"), "{ended:?}");
}

#[tokio::test]
async fn an_unfinished_rotation_bars_another_and_is_taken_up_again() {
    let world = World::new();
    let client = Client::new(&world.config());
    create(&client, A, "1").await.unwrap();
    *world.functions.handler.lock().unwrap() = Some(Arc::new(|_| {
        let failed = InvokeError::Failed { error_type: "Error".into(), error_message: "no".into() };
        std::future::ready(Err(failed)).boxed()
    }));
    let rotate = |token| {
        let rules = RotationRulesType::builder().schedule_expression("rate(4 hours)").build();
        let rotate =
            client.rotate_secret().secret_id("app/keys").client_request_token(token).rotation_lambda_arn(LAMBDA);
        rotate.rotation_rules(rules).send()
    };
    rotate(B).await.unwrap();
    assert_eq!(rotate(C).await.unwrap_err().code(), Some("InvalidRequestException"));
    world.secrets.rotate_due().await.unwrap();
    assert_eq!(world.functions.events.lock().unwrap().len(), 1);
    assert_eq!(rotate(C).await.unwrap_err().code(), Some("InvalidRequestException"));
    assert_eq!(read(&client, "AWSCURRENT").await.unwrap(), "1");

    rotate_well(&world);
    assert!(world.secrets.rotate_due().await.unwrap().is_empty());
    world.clock.advance(SignedDuration::from_hours(1));
    assert_eq!(world.secrets.rotate_due().await.unwrap().len(), 1);
    let current = client.get_secret_value().secret_id("app/keys").send().await.unwrap();
    assert_eq!((current.secret_string.as_deref(), current.version_id.as_deref()), (Some("rotated"), Some(B)));
}

#[tokio::test]
async fn a_rotation_that_a_kill_cut_short_goes_on_after_the_restart() {
    let dir = tempfile::tempdir().unwrap();
    {
        let world = World::on(Some(dir.path()));
        let client = Client::new(&world.config());
        create(&client, A, "1").await.unwrap();
        *world.functions.handler.lock().unwrap() = Some(Arc::new(|_| std::future::pending().boxed()));
        let rotate =
            client.rotate_secret().secret_id("app/keys").client_request_token(B).rotation_lambda_arn(LAMBDA).send();
        rotate.await.unwrap();
        tokio::select! {
            _ = world.secrets.rotate_due() => panic!("the Lambda never answers"),
            () = async { while world.functions.events.lock().unwrap().is_empty() { tokio::task::yield_now().await } } => {}
        }
    }
    let world = World::on(Some(dir.path()));
    rotate_well(&world);
    assert_eq!(world.secrets.next_rotation(), Some(world.clock.now()));
    assert_eq!(world.secrets.rotate_due().await.unwrap().len(), 1);
    let current = Client::new(&world.config()).get_secret_value().secret_id("app/keys").send().await.unwrap();
    assert_eq!((current.secret_string.as_deref(), current.version_id.as_deref()), (Some("rotated"), Some(B)));
    assert_eq!(world.secrets.next_rotation(), None);
}

#[tokio::test]
async fn rotation_can_be_configured_without_rotating() {
    let world = World::new();
    let client = Client::new(&world.config());
    create(&client, A, "1").await.unwrap();
    let rotate = || client.rotate_secret().secret_id("app/keys").rotate_immediately(false);
    assert_eq!(rotate().send().await.unwrap_err().code(), Some("InvalidRequestException"));
    rotate().rotation_lambda_arn(LAMBDA).send().await.unwrap();
    assert!(world.functions.events.lock().unwrap().is_empty());
    let cron = RotationRulesType::builder().schedule_expression("cron(0 0 * * ? *)").build();
    let refused = rotate().rotation_rules(cron).send().await.unwrap_err();
    assert!(refused.message().unwrap().contains("cron(0 0 * * ? *)"));
    assert_eq!(client.describe_secret().secret_id("app/keys").send().await.unwrap().rotation_enabled, Some(true));
}

#[test]
fn passwords_keep_their_rules() {
    let rules = |rules: Value| serde_json::from_value::<PasswordRules>(rules).unwrap();
    let plain = random_password(&rules(json!({})), &SystemEntropy).unwrap();
    assert_eq!(plain.len(), 32);
    assert!(plain.contains(|c: char| c.is_ascii_digit()) && plain.contains(|c: char| c.is_ascii_punctuation()));
    let hard =
        json!({"PasswordLength": 4, "ExcludePunctuation": true, "IncludeSpace": true, "ExcludeCharacters": "abc0"});
    for _ in 0..100 {
        let password = random_password(&rules(hard.clone()), &SystemEntropy).unwrap();
        assert!(password.contains(' ') && !password.contains(['a', 'b', 'c', '0', '!']), "{password}");
    }
    let nothing =
        json!({"ExcludeLowercase": true, "ExcludeUppercase": true, "ExcludeNumbers": true, "ExcludePunctuation": true});
    assert!(random_password(&rules(nothing), &SystemEntropy).is_err());
}
