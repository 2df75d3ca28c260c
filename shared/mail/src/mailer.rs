//! SES.

use aws_sdk_sesv2::Client;
use aws_sdk_sesv2::config::retry::RetryConfig;
use aws_sdk_sesv2::error::BuildError;
use aws_sdk_sesv2::types::{Body, Content, Destination, EmailContent, Message as SesMessage, MessageTag};
use aws_types::SdkConfig;
use domain::EmailAddress;

use crate::message::Rendered;
use crate::{Links, MailError, Message};

/// What SES calls a mail that it took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageId(pub String);

/// Sends mails from one address.
#[derive(Clone, Debug)]
pub struct Mailer {
    client: Client,
    from: EmailAddress,
    links: Links,
}

impl Mailer {
    /// `link_base` is where links lead to, such as `https://app.innkeeper.example`.
    pub fn new(config: &SdkConfig, from: EmailAddress, link_base: String) -> Self {
        // The SDK would send again after a timeout, and SES has no idempotency token: that makes two mails.
        let config = aws_sdk_sesv2::config::Builder::from(config).retry_config(RetryConfig::disabled()).build();
        Self { client: Client::from_conf(config), from, links: Links::new(&link_base) }
    }

    /// The addresses for messages.
    pub fn links(&self) -> &Links {
        &self.links
    }

    /// Sends `message`, with one call to SES. `tags` (of `A-Z a-z 0-9 _ -`, up to 256 characters) come back with SES's
    /// delivery events.
    pub async fn send(
        &self,
        to: &EmailAddress,
        message: &Message,
        tags: &[(&str, &str)],
    ) -> Result<MessageId, MailError> {
        let mail = message.render().map_err(|_| refused("the template failed"))?;
        let content = content(mail).map_err(|_| refused("the mail is incomplete"))?;
        let call = self
            .client
            .send_email()
            .from_email_address(self.from.as_str())
            .destination(Destination::builder().to_addresses(to.as_str()).build())
            .content(content)
            .set_email_tags(Some(message_tags(tags).map_err(|_| refused("a tag is incomplete"))?));
        let sent = call.send().await.map_err(|error| MailError::from(&error))?;
        Ok(MessageId(sent.message_id.unwrap_or_default()))
    }
}

fn refused(reason: &str) -> MailError {
    MailError::Refused { reason: reason.to_owned() }
}

fn content(mail: Rendered) -> Result<EmailContent, BuildError> {
    let body = Body::builder().text(utf8(mail.text)?).html(utf8(mail.html)?).build();
    let message = SesMessage::builder().subject(utf8(mail.subject)?).body(body).build();
    Ok(EmailContent::builder().simple(message).build())
}

fn utf8(data: String) -> Result<Content, BuildError> {
    Content::builder().data(data).charset("UTF-8").build()
}

fn message_tags(tags: &[(&str, &str)]) -> Result<Vec<MessageTag>, BuildError> {
    tags.iter().map(|(name, value)| MessageTag::builder().name(*name).value(*value).build()).collect()
}

#[cfg(test)]
mod tests;
