//! The gateway, tested with the SDK's own clients.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_secretsmanager as secretsmanager;
use aws_sdk_sesv2::types::{Body, Content, Destination, EmailContent, Message, MessageTag};
use bytes::Bytes;
use futures::FutureExt;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::faults::{Fault, Rule};
use super::testing::{REGION, World, credentials};
use super::{InvokeError, connector, listener};

type DynamoDb = aws_sdk_dynamodb::Client;

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

async fn put(client: &DynamoDb, pk: &str) -> Result<(), aws_sdk_dynamodb::Error> {
    let put = client.put_item().table_name("table").item("pk", text(pk));
    Ok(put.condition_expression("attribute_not_exists(pk)").send().await.map(drop)?)
}

async fn exists(world: &World, pk: &str) -> bool {
    let key = json!({"TableName": "table", "Key": {"pk": {"S": pk}}});
    world.dynamodb.run("GetItem", key).unwrap().get("Item").is_some()
}

#[tokio::test]
async fn an_unknown_key_a_foreign_secret_and_no_signature_are_refused() {
    let world = World::new();
    let stranger = connector::sdk_config(world.gateway.clone(), REGION, credentials("stranger"));
    let refused = DynamoDb::new(&stranger).list_tables().send().await.unwrap_err();
    assert_eq!(refused.code(), Some("UnrecognizedClientException"));

    let forged = aws_credential_types::Credentials::new("AK-signup-create", "guessed", None, None, "test");
    let forged = connector::sdk_config(world.gateway.clone(), REGION, forged);
    let refused = DynamoDb::new(&forged).list_tables().send().await.unwrap_err();
    assert_eq!(refused.code(), Some("InvalidSignatureException"));

    let unsigned = http::Request::post("http://aws.local/").body(Bytes::new()).unwrap();
    let refused = world.gateway.call(unsigned).await.unwrap();
    assert_eq!(refused.headers()["x-amzn-errortype"], "MissingAuthenticationTokenException");
}

#[tokio::test]
async fn a_session_token_is_part_of_the_signature() {
    let world = World::new();
    let temporary = aws_credential_types::Credentials::new("AK", "secret", Some("token".into()), None, "test");
    world.gateway.admit("f", temporary.clone());
    let config = connector::sdk_config(world.gateway.clone(), REGION, temporary);
    DynamoDb::new(&config).list_tables().send().await.unwrap();
}

#[tokio::test]
async fn iam_denies_in_each_services_own_form() {
    let world = World::new();
    world.table();
    world.rules.denied.lock().unwrap().extend([
        "dynamodb:PutItem".into(),
        "secretsmanager:GetSecretValue".into(),
        "ses:SendEmail".into(),
    ]);
    let config = world.config();
    let denied = DynamoDb::new(&config).put_item().table_name("table").item("pk", text("a")).send().await.unwrap_err();
    assert_eq!(denied.code(), Some("AccessDeniedException"));
    assert!(denied.message().unwrap().ends_with("arn:aws:dynamodb:eu-central-1:123456789012:table/table"));
    assert!(!exists(&world, "a").await);

    let denied = secretsmanager::Client::new(&config).get_secret_value().secret_id("s").send().await.unwrap_err();
    assert_eq!(denied.code(), Some("AccessDeniedException"));
    let denied = send(&config).await.unwrap_err();
    assert!(denied.contains("AccessDeniedException"), "{denied}");
}

#[tokio::test]
async fn what_the_local_stack_lacks_is_refused_by_name() {
    let world = World::new();
    let refused = DynamoDb::new(&world.config()).list_backups().send().await.unwrap_err();
    assert_eq!(refused.code(), Some("UnknownOperationException"));
    assert!(refused.message().unwrap().contains("dynamodb:ListBackups"), "{refused:?}");
    let refused = secretsmanager::Client::new(&world.config()).list_secrets().sort_order("asc".into()).send().await;
    assert!(refused.unwrap_err().message().unwrap().contains("SortOrder"));
}

#[tokio::test]
async fn the_listener_answers_as_the_connector_does() {
    let world = World::new();
    world.table();
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", socket.local_addr().unwrap());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = tokio::spawn(listener::serve(socket, world.gateway.clone(), stopped.map(drop)));
    let http = aws_smithy_http_client::Builder::new().build_http();
    let config = world.config().into_builder().http_client(http).endpoint_url(endpoint).build();
    let client = DynamoDb::new(&config);
    put(&client, "a").await.unwrap();
    assert!(put(&client, "a").await.unwrap_err().to_string().contains("ConditionalCheckFailed"));
    world.gateway.faults().add(Rule::new(Fault::Timeout).nth(1));
    let lost = client.put_item().table_name("table").item("pk", text("b")).send().await.unwrap_err();
    assert!(lost.as_service_error().is_none());
    assert!(exists(&world, "b").await);
    drop((client, config));
    stop.send(()).unwrap();
    server.await.unwrap().unwrap();
}

#[tokio::test]
async fn an_injected_error_has_no_effect_and_a_lost_answer_has() {
    let world = World::new();
    world.table();
    let client = DynamoDb::new(&world.config());
    let faults = world.gateway.faults();
    faults.add(Rule::error(400, "ThrottlingException").on("dynamodb", "PutItem").from("signup-create").nth(1));
    let refused = client.put_item().table_name("table").item("pk", text("a")).send().await.unwrap_err();
    assert_eq!(refused.code(), Some("ThrottlingException"));
    assert!(!exists(&world, "a").await);

    faults.clear();
    faults.add(Rule::new(Fault::Timeout).nth(1));
    let lost = client.put_item().table_name("table").item("pk", text("a")).send().await.unwrap_err();
    assert!(
        matches!(&lost, aws_sdk_dynamodb::error::SdkError::DispatchFailure(failure) if failure.is_timeout()),
        "{lost:?}"
    );
    assert!(exists(&world, "a").await);
    assert_eq!(faults.fired(), 1);
}

#[tokio::test]
async fn a_delay_waits_for_the_stacks_time() {
    let world = World::new();
    world.table();
    world.gateway.faults().add(Rule::new(Fault::Delay(SignedDuration::from_secs(30))).nth(1));
    let client = DynamoDb::new(&world.config());
    let waiting = tokio::spawn(async move { put(&client, "a").await.unwrap() });
    while world.clock.next_wake().is_none() {
        tokio::task::yield_now().await;
    }
    assert!(!exists(&world, "a").await);
    world.clock.advance(SignedDuration::from_secs(30));
    waiting.await.unwrap();
    assert!(exists(&world, "a").await);
}

#[tokio::test]
async fn after_a_crash_nobody_goes_on() {
    for (fault, effect) in [(Fault::CrashBefore, false), (Fault::CrashAfter, true)] {
        let world = World::new();
        world.table();
        let (died, seen) = (Arc::new(tokio::sync::Notify::new()), Arc::new(AtomicBool::new(false)));
        let (hook, flag) = (died.clone(), seen.clone());
        world.gateway.faults().on_crash(move || {
            flag.store(true, Ordering::SeqCst);
            hook.notify_one();
        });
        world.gateway.faults().add(Rule::new(fault).on("dynamodb", "PutItem"));
        let client = DynamoDb::new(&world.config());
        let call = tokio::spawn(async move { put(&client, "a").await });
        died.notified().await;
        tokio::task::yield_now().await;
        assert!(!call.is_finished());
        assert!(seen.load(Ordering::SeqCst));
        assert_eq!(exists(&world, "a").await, effect);
        let later = DynamoDb::new(&world.config());
        assert!(later.list_tables().send().now_or_never().is_none());
        call.abort();
    }
}

#[tokio::test]
async fn concurrent_callers_take_turns() {
    let world = World::new();
    world.table();
    let client = DynamoDb::new(&world.config());
    let race = futures::future::join_all((0..10).map(|_| put(&client, "name")));
    assert_eq!(race.await.iter().filter(|result| result.is_ok()).count(), 1);
}

#[tokio::test]
async fn calls_and_units_are_counted() {
    let world = World::new();
    world.table();
    let client = DynamoDb::new(&world.config());
    let before = world.gateway.counters().snapshot();
    put(&client, "a").await.unwrap();
    client.get_item().table_name("table").key("pk", text("a")).consistent_read(true).send().await.unwrap();
    let spent = world.gateway.counters().snapshot().since(&before);
    assert_eq!(spent.to_string(), "signup-create dynamodb:GetItem x1 1r 0w\nsignup-create dynamodb:PutItem x1 0r 1w\n");
}

async fn send(config: &aws_types::SdkConfig) -> Result<(), String> {
    let part = |data: &str| Content::builder().data(data).charset("UTF-8").build().unwrap();
    let body = Body::builder().text(part("Hello")).html(part("<p>Hello</p>")).build();
    let message = Message::builder().subject(part("Welcome")).body(body).build();
    let send = aws_sdk_sesv2::Client::new(config)
        .send_email()
        .from_email_address("Innkeeper <hello@innkeeper.test>")
        .destination(Destination::builder().to_addresses("a@b.test").build())
        .content(EmailContent::builder().simple(message).build())
        .email_tags(MessageTag::builder().name("kind").value("welcome").build().unwrap());
    send.send().await.map(drop).map_err(|error| format!("{error:?}"))
}

#[tokio::test]
async fn mail_lands_in_the_mailbox_and_survives_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::on(Some(dir.path()));
    send(&world.config()).await.unwrap();
    world.clock.advance(SignedDuration::from_secs(1));
    send(&world.config()).await.unwrap();
    let asked = world.rules.asked.lock().unwrap()[0].clone();
    assert_eq!(asked.1, "arn:aws:ses:eu-central-1:123456789012:identity/innkeeper.test");
    let mails = world.mailbox.mails();
    drop(world);
    assert_eq!(World::on(Some(dir.path())).mailbox.mails(), mails);
    assert_eq!(
        serde_json::to_value(&mails[0]).unwrap(),
        json!({
            "to": "a@b.test", "from": "Innkeeper <hello@innkeeper.test>", "subject": "Welcome", "text": "Hello",
            "html": "<p>Hello</p>", "tags": {"kind": "welcome"}, "at": "2026-01-02T03:04:06Z",
        })
    );
}

/// No SDK client of Lambda is among the dependencies: the request is signed by that of SESv2, which speaks the same protocol.
async fn invoke(world: &World, function: &str, event: &Value) -> (u16, Option<String>, Value) {
    use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
    let uri = format!("http://aws.local/2015-03-31/functions/{}/invocations", function.replace(':', "%3A"));
    let body = event.to_string();
    let identity = credentials("signup-create").into();
    let params = aws_sigv4::sign::v4::SigningParams::builder().identity(&identity).region(REGION).name("lambda");
    let params = params.time(std::time::UNIX_EPOCH).settings(SigningSettings::default()).build().unwrap().into();
    let signable = SignableRequest::new("POST", &uri, [].into_iter(), SignableBody::Bytes(body.as_bytes())).unwrap();
    let (instructions, _) = sign(signable, &params).unwrap().into_parts();
    let mut request = http::Request::post(&uri).body(Bytes::from(body)).unwrap();
    instructions.apply_to_request_http1x(&mut request);
    let response = world.gateway.call(request).await.unwrap();
    let error = response.headers().get("x-amz-function-error").map(|it| it.to_str().unwrap().to_owned());
    (response.status().as_u16(), error, serde_json::from_slice(response.body()).unwrap())
}

#[tokio::test]
async fn a_function_is_invoked_by_name_and_by_arn() {
    let world = World::new();
    let arn = "arn:aws:lambda:eu-central-1:123456789012:function:f";
    for name in ["f", arn] {
        assert_eq!(invoke(&world, name, &json!({"n": 1})).await, (200, None, json!({"n": 1})));
    }
    assert!(world.rules.asked.lock().unwrap().iter().all(|need| *need == ("lambda:InvokeFunction".into(), arn.into())));
    *world.functions.handler.lock().unwrap() = Some(Arc::new(|_| {
        let failed = InvokeError::Failed { error_type: "Innkeeper.Retry".into(), error_message: "busy".into() };
        std::future::ready(Err(failed)).boxed()
    }));
    let (status, error, body) = invoke(&world, "f", &json!({})).await;
    assert_eq!((status, error.as_deref()), (200, Some("Unhandled")));
    assert_eq!(body, json!({"errorType": "Innkeeper.Retry", "errorMessage": "busy"}));
    assert_eq!(invoke(&world, "g", &json!({})).await.0, 404);
}
