//! SESv2 `SendEmail` into a mailbox that one can read.
//!
//! Only simple content (a text and perhaps an HTML part) is taken; raw messages, templates and attachments are refused by
//! name. Nothing leaves the machine, and every sender and recipient counts as verified.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::Clock;
use futures::future::{BoxFuture, FutureExt, ready};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::persist::PersistError;
use super::{ACCOUNT, AwsError, Caller, Persist, Service};

/// Enough for a day of development; the oldest are forgotten first.
const KEPT: usize = 1_000;
const KIND: &str = "mail";

/// One mail, as `GET /_local/mail` shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mail {
    /// The recipients, separated by `, `.
    pub to: String,
    /// The sender.
    pub from: String,
    /// The subject.
    pub subject: String,
    /// The text part; empty when there is none.
    pub text: String,
    /// The HTML part.
    pub html: Option<String>,
    /// `EmailTags` by name.
    pub tags: BTreeMap<String, String>,
    /// When it was sent, by the stack's time.
    pub at: Timestamp,
}

/// The SES API and the mailbox behind it.
pub struct Mailbox {
    region: String,
    clock: Arc<dyn Clock>,
    persist: Arc<Persist>,
    mails: Mutex<Mails>,
}

/// Newest first, and the number of the next one.
#[derive(Default)]
struct Mails {
    kept: VecDeque<(u64, Mail)>,
    next: u64,
}

impl Mailbox {
    /// Opens the mailbox with what earlier runs left in it.
    pub fn open(region: impl Into<String>, clock: Arc<dyn Clock>, persist: Arc<Persist>) -> Result<Self, PersistError> {
        let mut mails = Mails::default();
        for (key, value) in persist.load(KIND)? {
            if let (Ok(number), Ok(mail)) = (u64::from_str_radix(&key, 16), serde_json::from_value(value)) {
                mails.kept.push_front((number, mail));
                mails.next = number + 1;
            }
        }
        Ok(Self { region: region.into(), clock, persist, mails: Mutex::new(mails) })
    }

    /// The mails, newest first.
    pub fn mails(&self) -> Vec<Mail> {
        self.lock().kept.iter().map(|(_, mail)| mail.clone()).collect()
    }

    fn send(&self, body: Value) -> Result<Value, AwsError> {
        let request: SendEmail = serde_json::from_value(body).map_err(|error| bad(format!("Local SES: {error}")))?;
        let number = self.keep(request.mail(self.clock.now())?)?;
        Ok(json!({"MessageId": format!("{number:016x}-local-000000")}))
    }

    fn keep(&self, mail: Mail) -> Result<u64, AwsError> {
        let mut mails = self.lock();
        let number = mails.next;
        self.persist.put(KIND, &key(number), &mail)?;
        mails.next += 1;
        mails.kept.push_front((number, mail));
        if mails.kept.len() > KEPT
            && let Some((oldest, _)) = mails.kept.pop_back()
        {
            self.persist.delete(KIND, &key(oldest))?;
        }
        Ok(number)
    }

    fn lock(&self) -> MutexGuard<'_, Mails> {
        self.mails.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Fixed width, so that keys sort as numbers.
fn key(number: u64) -> String {
    format!("{number:016x}")
}

fn bad(message: String) -> AwsError {
    AwsError::refused("BadRequestException", message)
}

impl Service for Mailbox {
    fn call<'a>(&'a self, _: &'a Caller, action: &'a str, body: Value) -> BoxFuture<'a, Result<Value, AwsError>> {
        let result = match action {
            "SendEmail" => self.send(body),
            _ => Err(AwsError::unknown(format!("ses:{action}"))),
        };
        ready(result).boxed()
    }

    /// On the identity of the sender's domain, the one that a deployment verifies.
    fn authorize(&self, action: &str, body: &Value) -> Vec<(String, String)> {
        let domain = address(body).rsplit('@').next().unwrap_or_default();
        vec![(format!("ses:{action}"), format!("arn:aws:ses:{}:{ACCOUNT}:identity/{domain}", self.region))]
    }

    fn context(&self, _: &str, body: &Value) -> Vec<(&'static str, String)> {
        vec![("ses:FromAddress", address(body).to_owned())]
    }
}

/// The sender's, without the name that may stand before it.
fn address(body: &Value) -> &str {
    let sender = body["FromEmailAddress"].as_str().unwrap_or_default();
    sender.rsplit('<').next().unwrap_or_default().trim_end_matches('>')
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct SendEmail {
    from_email_address: String,
    destination: Destination,
    content: Content,
    #[serde(default)]
    email_tags: Vec<Tag>,
    #[serde(rename = "ReplyToAddresses", default)]
    _reply_to: Vec<String>,
    #[serde(rename = "ConfigurationSetName")]
    _configuration_set: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Destination {
    to_addresses: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Content {
    simple: Simple,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Simple {
    subject: Part,
    body: Body,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Body {
    text: Option<Part>,
    html: Option<Part>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Part {
    data: String,
    #[serde(rename = "Charset")]
    _charset: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Tag {
    name: String,
    value: String,
}

impl SendEmail {
    fn mail(self, at: Timestamp) -> Result<Mail, AwsError> {
        let Simple { subject, body } = self.content.simple;
        if self.destination.to_addresses.is_empty() {
            return Err(bad("Missing required field Destination.ToAddresses".to_owned()));
        }
        if body.text.is_none() && body.html.is_none() {
            return Err(bad("Missing required field Content.Simple.Body".to_owned()));
        }
        Ok(Mail {
            to: self.destination.to_addresses.join(", "),
            from: self.from_email_address,
            subject: subject.data,
            text: body.text.map(|part| part.data).unwrap_or_default(),
            html: body.html.map(|part| part.data),
            tags: self.email_tags.into_iter().map(|tag| (tag.name, tag.value)).collect(),
            at,
        })
    }
}
