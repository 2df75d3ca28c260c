//! What a function gets from outside, read once at start. Missing configuration stops the function here.

use std::{collections::BTreeMap, future::Future, str::FromStr, sync::Arc};

use aws_smithy_runtime_api::client::http::SharedHttpConnector;
use aws_types::SdkConfig;
use domain::{Clock, Entropy, Rates};
use exports::{Bucket, Exports};
use store::{Limits, Store, Tables};

/// The function's configuration, AWS clients' settings, clock and randomness.
#[derive(Clone)]
pub struct Env {
    /// Environment variables, as the template sets them.
    pub vars: Arc<BTreeMap<String, String>>,
    /// Region, credentials, endpoint and HTTP client of every AWS SDK client.
    pub sdk: SdkConfig,
    /// The connector below those clients, for the store's everyday calls; without one they are the SDK's too.
    pub http: Option<SharedHttpConnector>,
    /// Now.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
}

/// Why a function cannot start. The message names the variable or secret and the remedy, never its value.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A variable is unset or empty.
    #[error("the environment variable {0} is not set; the template sets it for every function that needs it")]
    Missing(&'static str),
    /// A variable does not parse.
    #[error("the environment variable {name} is not usable: {reason}")]
    Invalid {
        /// The variable.
        name: &'static str,
        /// What is wrong with it, without the value.
        reason: String,
    },
    /// A secret is missing, empty, short or malformed.
    #[error(transparent)]
    Secret(#[from] secrets::SecretError),
    /// A read that the start needs did not succeed.
    #[error("a read at start failed")]
    Store(#[from] store::StoreError),
}

/// What a handler works with, built from the environment. Each group has its own, with only what that group uses.
pub trait FromEnv: Sized + Send + Sync + 'static {
    /// Reads configuration and makes clients; fails rather than guess.
    ///
    /// # Errors
    /// [`StartError`] stops the function.
    fn from_env(env: &Env) -> impl Future<Output = Result<Self, StartError>> + Send;
}

/// For handlers that need nothing else.
impl FromEnv for Store {
    async fn from_env(env: &Env) -> Result<Self, StartError> {
        env.store()
    }
}

impl Env {
    /// The variable's value; unset and empty are the same refusal, so that nothing ever compares with an empty secret.
    ///
    /// # Errors
    /// [`StartError::Missing`].
    pub fn required(&self, name: &'static str) -> Result<&str, StartError> {
        self.optional(name).ok_or(StartError::Missing(name))
    }

    /// The variable's value, if it is set and not empty.
    pub fn optional(&self, name: &str) -> Option<&str> {
        self.vars.get(name).map(String::as_str).filter(|v| !v.is_empty())
    }

    /// The variable, parsed.
    ///
    /// # Errors
    /// [`StartError::Missing`] or [`StartError::Invalid`].
    pub fn parsed<T>(&self, name: &'static str) -> Result<T, StartError>
    where
        T: FromStr,
        T::Err: std::fmt::Display,
    {
        self.required(name)?.parse().map_err(|e: T::Err| StartError::Invalid { name, reason: e.to_string() })
    }

    /// Whether this is the local stack, which may do without what every other stage has.
    fn is_local(&self) -> bool {
        self.optional("STAGE") == Some("local")
    }

    /// Whether plain HTTP is refused, by `REQUIRE_HTTPS`. Unset means yes.
    ///
    /// # Errors
    /// [`StartError::Invalid`]: `false` anywhere but in the local stack.
    pub fn requires_https(&self) -> Result<bool, StartError> {
        self.unless_local("REQUIRE_HTTPS")
    }

    /// Whether a platform role needs a second factor, by `REQUIRE_PLATFORM_MFA`. Unset means yes.
    ///
    /// # Errors
    /// [`StartError::Invalid`]: `false` anywhere but in the local stack.
    pub fn requires_platform_mfa(&self) -> Result<bool, StartError> {
        self.unless_local("REQUIRE_PLATFORM_MFA")
    }

    fn unless_local(&self, name: &'static str) -> Result<bool, StartError> {
        let invalid = |reason: &str| Err(StartError::Invalid { name, reason: reason.to_owned() });
        match self.optional(name) {
            None | Some("true") => Ok(true),
            Some("false") if self.is_local() => Ok(false),
            Some("false") => invalid("only the local stack does without"),
            Some(_) => invalid("it is `true` or `false`"),
        }
    }

    /// Refuses a `TOKEN_ISSUER`, where clients send their passwords, that is reached without TLS: but for the local stack, and for an
    /// emulator, whose address is of its own machine.
    ///
    /// # Errors
    /// [`StartError::Invalid`].
    pub(crate) fn private_issuer(&self) -> Result<(), StartError> {
        let host = self.optional("TOKEN_ISSUER").and_then(|issuer| issuer.strip_prefix("http://"));
        let own = |host: &str| ["127.0.0.1", "localhost"].contains(&host.split(':').next().unwrap_or_default());
        if self.is_local() || host.is_none_or(own) {
            return Ok(());
        }
        Err(StartError::Invalid { name: "TOKEN_ISSUER", reason: "it begins with https://".to_owned() })
    }

    /// The variable as a comma-separated list; unset is empty.
    pub fn list(&self, name: &str) -> Vec<String> {
        self.optional(name)
            .map(|v| v.split(',').map(|s| s.trim().to_owned()).filter(|s| !s.is_empty()).collect())
            .unwrap_or_default()
    }

    /// The store, on the tables that `CORE_TABLE` and `AUDIT_TABLE` name.
    ///
    /// # Errors
    /// [`StartError::Missing`].
    pub fn store(&self) -> Result<Store, StartError> {
        let tables =
            Tables { core: self.required("CORE_TABLE")?.to_owned(), audit: self.required("AUDIT_TABLE")?.to_owned() };
        Ok(Store::new(&self.sdk, tables).directly_over(self.http.clone(), &self.sdk))
    }

    /// Exports, into the bucket that `EXPORT_BUCKET` names; at `AWS_ENDPOINT_URL_S3`, where that is set, as the SDK has it.
    ///
    /// # Errors
    /// [`StartError::Missing`]; [`StartError::Invalid`] where the process does not say how to call AWS.
    pub fn exports(&self) -> Result<Exports, StartError> {
        let (name, endpoint) = (self.required("EXPORT_BUCKET")?, self.optional("AWS_ENDPOINT_URL_S3"));
        let http = self.http.clone();
        let bucket = http.and_then(|http| Bucket::new(&self.sdk, http, self.clock.clone(), endpoint, name));
        let reason = || "region, credentials or a connector are missing".to_owned();
        let bucket = bucket.ok_or_else(|| StartError::Invalid { name: "EXPORT_BUCKET", reason: reason() })?;
        Ok(Exports::new(self.store()?, bucket))
    }

    /// The counts, in the table that `LIMITS_TABLE` names.
    ///
    /// # Errors
    /// [`StartError::Missing`].
    pub fn limits(&self) -> Result<Limits, StartError> {
        let table = self.required("LIMITS_TABLE")?.to_owned();
        Ok(Limits::new(&self.sdk, table).directly_over(self.http.clone(), &self.sdk))
    }

    /// The rate limits in `RATE_LIMITS`: `on`, and the numbers; or none where it says `off`, which only the local stack may.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn rates(&self) -> Result<Option<Rates>, StartError> {
        let (switch, numbers) = self.required("RATE_LIMITS")?.split_once(' ').unwrap_or_default();
        let invalid = |reason: String| StartError::Invalid { name: "RATE_LIMITS", reason };
        match switch {
            "on" => numbers.parse().map(Some).map_err(|error: domain::InvalidRates| invalid(error.to_string())),
            "off" if self.is_local() => Ok(None),
            "off" => Err(invalid("only the local stack runs without limits".to_owned())),
            _ => Err(invalid("it begins with `on` or `off`".to_owned())),
        }
    }

    /// The process's environment under the Lambda runtime.
    ///
    /// # Errors
    /// [`StartError::Invalid`], as [`Env::of`].
    pub fn of_process() -> Result<Self, StartError> {
        Self::of(std::env::vars().collect())
    }

    /// An environment of these variables, on AWS.
    ///
    /// # Errors
    /// [`StartError::Invalid`]: an `AWS_CA_BUNDLE` that cannot be used.
    pub fn of(vars: BTreeMap<String, String>) -> Result<Self, StartError> {
        let (sdk, http) = crate::aws::sdk_config(&vars)?;
        let (clock, entropy) = (Arc::new(domain::SystemClock), Arc::new(domain::SystemEntropy));
        Ok(Self { vars: Arc::new(vars), sdk, http: Some(http), clock, entropy })
    }
}
