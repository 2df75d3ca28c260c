//! What goes to SES, and what each of its answers says of the mail.

use std::sync::{Arc, Mutex};

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::retry::RetryConfig;
use aws_types::region::Region;
use domain::{ActivationToken, BaseDomain, CompanyName, PersonName, Subdomain, TenantHost};
use serde_json::{Value, json};
use testkit::SeededEntropy;

use super::*;
use crate::Welcome;

type Answer = fn() -> Result<(u16, &'static str, Value), ConnectorError>;

/// SES without a socket: always the same answer.
#[derive(Clone, Debug)]
struct Ses {
    answer: Answer,
    mails: Arc<Mutex<Vec<Value>>>,
}

impl HttpConnector for Ses {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let mail = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
        self.mails.lock().unwrap().push(mail);
        HttpConnectorFuture::ready((self.answer)().map(|(status, error, body)| {
            let mut response = HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body.to_string()));
            response.headers_mut().insert("x-amzn-errortype", error);
            response
        }))
    }
}

fn ses(answer: Answer) -> (Ses, Mailer) {
    let ses = Ses { answer, mails: Arc::default() };
    let connector = SharedHttpConnector::new(ses.clone());
    let config = SdkConfig::builder()
        .behavior_version(aws_sdk_sesv2::config::BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(SharedCredentialsProvider::new(Credentials::from_keys("AKID", "none", None)))
        .retry_config(RetryConfig::standard().with_max_attempts(3))
        .http_client(http_client_fn(move |_, _| connector.clone()))
        .build();
    let from = EmailAddress::parse("no-reply@innkeeper.example").unwrap();
    (ses, Mailer::new(&config, from, "https://app.innkeeper.example/".to_owned()))
}

fn welcome(mailer: &Mailer) -> Message {
    let base = BaseDomain::parse("innkeeper.example").unwrap();
    Message::Welcome(Welcome {
        person: PersonName::parse("Demo Admin").unwrap(),
        company: CompanyName::parse("Bücher & Söhne").unwrap(),
        host: TenantHost::new(Subdomain::parse("demo").unwrap(), base),
        activation_link: mailer.links().activation(&ActivationToken::new(&SeededEntropy::new(1))),
        valid_hours: 72,
    })
}

async fn send(answer: Answer) -> (Ses, Result<MessageId, MailError>) {
    let (ses, mailer) = ses(answer);
    let to = EmailAddress::parse("admin@demo.com").unwrap();
    let result = mailer.send(&to, &welcome(&mailer), &[("tenant", "tenant-demo-0011aabb"), ("attempt", "1")]).await;
    (ses, result)
}

#[tokio::test]
async fn a_mail_goes_out_once_with_both_bodies() {
    let (ses, result) = send(|| Ok((200, "", json!({ "MessageId": "m-1" })))).await;
    assert_eq!(result.unwrap(), MessageId("m-1".to_owned()));
    let mails = ses.mails.lock().unwrap();
    let [mail] = &mails[..] else { panic!("one mail") };
    assert_eq!(mail["FromEmailAddress"], "no-reply@innkeeper.example");
    assert_eq!(mail["Destination"], json!({ "ToAddresses": ["admin@demo.com"] }));
    assert_eq!(
        mail["EmailTags"],
        json!([{ "Name": "tenant", "Value": "tenant-demo-0011aabb" }, { "Name": "attempt", "Value": "1" }])
    );
    let message = &mail["Content"]["Simple"];
    assert_eq!(
        message["Subject"],
        json!({ "Charset": "UTF-8", "Data": "Bücher & Söhne is ready: choose your password" })
    );
    let link = "https://app.innkeeper.example/activate?token=ink_act_";
    assert!(message["Body"]["Text"]["Data"].as_str().unwrap().contains(&format!("\n\n{link}")));
    assert!(message["Body"]["Html"]["Data"].as_str().unwrap().contains(&format!("href=\"{link}")));
}

#[tokio::test]
async fn every_answer_says_whether_the_mail_may_be_out_and_is_never_followed_by_another_try() {
    enum Is {
        Refused,
        Throttled,
        Unknown,
    }
    let answers: [(Answer, Is); 12] = [
        (|| Ok((400, "MessageRejected", json!({}))), Is::Refused),
        (|| Ok((400, "MailFromDomainNotVerifiedException", json!({}))), Is::Refused),
        (|| Ok((400, "AccountSuspendedException", json!({}))), Is::Refused),
        (|| Ok((400, "BadRequestException", json!({}))), Is::Refused),
        (|| Ok((403, "AccessDeniedException", json!({}))), Is::Refused),
        (|| Ok((429, "TooManyRequestsException", json!({}))), Is::Throttled),
        (|| Ok((400, "SendingPausedException", json!({}))), Is::Throttled),
        (|| Ok((400, "ThrottlingException", json!({}))), Is::Throttled),
        (|| Ok((500, "InternalFailure", json!({}))), Is::Unknown),
        (|| Ok((503, "ServiceUnavailable", json!({}))), Is::Unknown),
        (|| Err(ConnectorError::io("reset by peer".into())), Is::Unknown),
        (|| Err(ConnectorError::timeout("no answer".into())), Is::Unknown),
    ];
    for (answer, expected) in answers {
        let (ses, result) = send(answer).await;
        let error = result.unwrap_err();
        let as_expected = match expected {
            Is::Refused => matches!(error, MailError::Refused { .. }),
            Is::Throttled => matches!(error, MailError::Throttled { .. }),
            Is::Unknown => matches!(error, MailError::Unknown { .. }),
        };
        assert!(as_expected, "{error:?}");
        assert_eq!(error.is_retryable(), matches!(expected, Is::Throttled));
        assert_eq!(ses.mails.lock().unwrap().len(), 1, "{error:?}");
        assert!(!format!("{error} {error:?}").contains("ink_act_"));
    }
}
