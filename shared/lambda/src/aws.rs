//! The settings of every AWS SDK client under Lambda.
//!
//! Lambda hands a function its credentials, region and (for another emulator) endpoint in environment variables, so
//! the provider chain of `aws-config`, which asks the instance metadata, profiles and SSO, has nothing to add but start-up time.

mod https;
mod roots;

use std::{collections::BTreeMap, time::Duration};

use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_runtime_api::client::http::SharedHttpConnector;
use aws_smithy_types::{retry::RetryConfig, timeout::TimeoutConfig};
use aws_types::{SdkConfig, region::Region};

use crate::StartError;

/// Attempts per call: two retries ride out a throttle; more would outlive the caller's patience, and the workflow
/// retries on its own.
const MAX_ATTEMPTS: u32 = 3;
/// A connection to a regional endpoint takes milliseconds; a second says that it will not come.
const CONNECT: Duration = Duration::from_secs(1);
/// One attempt. DynamoDB's own tail is far below.
const ATTEMPT: Duration = Duration::from_secs(3);

/// The settings, and the connector that they share.
///
/// Reads `AWS_REGION`, `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, `AWS_ENDPOINT_URL` and
/// `AWS_CA_BUNDLE`.
///
/// # Errors
/// [`StartError::Invalid`]: a bundle that cannot be used.
pub(crate) fn sdk_config(vars: &BTreeMap<String, String>) -> Result<(SdkConfig, SharedHttpConnector), StartError> {
    let var = |name: &str| vars.get(name).filter(|v| !v.is_empty()).cloned();
    let trusted = var(roots::BUNDLE).map_or_else(|| Ok(roots::amazon()), |path| roots::bundle(&path))?;
    let http = https::Https::new(trusted, CONNECT)
        .map_err(|error| StartError::Invalid { name: roots::BUNDLE, reason: error.to_string() })?;
    let connector = http.connector();
    let mut config = SdkConfig::builder()
        .behavior_version(aws_smithy_runtime_api::client::behavior_version::BehaviorVersion::latest())
        .region(var("AWS_REGION").map(Region::new))
        .http_client(http)
        .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
        .retry_config(RetryConfig::standard().with_max_attempts(MAX_ATTEMPTS))
        .timeout_config(TimeoutConfig::builder().connect_timeout(CONNECT).operation_attempt_timeout(ATTEMPT).build());
    if let (Some(id), Some(secret)) = (var("AWS_ACCESS_KEY_ID"), var("AWS_SECRET_ACCESS_KEY")) {
        let credentials = Credentials::new(id, secret, var("AWS_SESSION_TOKEN"), None, "lambda-environment");
        config = config.credentials_provider(SharedCredentialsProvider::new(credentials));
    }
    config.set_endpoint_url(var("AWS_ENDPOINT_URL"));
    Ok((config.build(), connector))
}
