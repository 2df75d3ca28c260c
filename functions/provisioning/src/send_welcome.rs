//! SendWelcome: the key for the first admin. The tenant is READY; a mail that cannot be sent is a warning on it.

use domain::{Action, Step as Which};
use lambda::{Env, FromEnv, StartError, Step};
use mail::MailError;
use serde_json::Value;
use store::{Effects, Outcome};
use workflow::{StepError, StepInput};

use crate::{
    journal::{Journal, unavailable},
    record_failure::told,
    welcome::{Claim, NotSent, Welcomes},
};

const KIND: &str = "welcome";

/// The journal and the mails.
pub struct Deps {
    journal: Journal,
    welcomes: Welcomes,
}

impl FromEnv for Deps {
    async fn from_env(env: &Env) -> Result<Self, StartError> {
        Ok(Self { journal: Journal::from_env(env, Which::SendWelcome)?, welcomes: Welcomes::from_env(env)? })
    }
}

/// The step.
pub struct SendWelcome;

impl Step for SendWelcome {
    type Deps = Deps;
    const NAME: &'static str = "SendWelcome";

    async fn run(deps: &Deps, input: StepInput) -> Result<Value, StepError> {
        let Some(tenant) = deps.journal.begin(&input).await? else { return Ok(Value::Null) };
        let audit = deps.journal.audit(&input, Action::MailSent);
        match deps.welcomes.send(&tenant, Claim(KIND, input.attempt), deps.journal.now(), &audit).await {
            Ok(tenant) => deps.journal.succeed(&input, Effects::of(&tenant)).await,
            Err(error) => Err(not_sent(error)),
        }
    }

    /// A mail is not taken back: this says on the tenant that it was not, or perhaps not, sent.
    async fn undo(deps: &Deps, input: StepInput) -> Result<Value, StepError> {
        let tenant = deps.journal.tenant(&input).await?;
        let detail = input.failure.as_ref().map_or_else(String::new, |caught| told(caught).detail);
        deps.journal.finish(&input, Outcome::Warned(detail), Effects::of(&tenant), Action::TenantStepWarned).await
    }
}

fn not_sent(error: NotSent) -> StepError {
    match error {
        NotSent::Mail(error @ MailError::Throttled { .. }) => StepError::retry("the mail service is busy", error),
        NotSent::Mail(error @ MailError::Refused { .. }) => {
            StepError::because("mail_refused", "the welcome mail was refused; it can be sent again", error)
        }
        error @ (NotSent::Mail(MailError::Unknown { .. }) | NotSent::Claimed) => {
            StepError::because("mail_unknown", "the welcome mail may not have been sent; it can be sent again", error)
        }
        NotSent::NoAdmin => StepError::fail("admin_unknown", "the tenant's first admin is not there"),
        NotSent::Store(error) => unavailable(error),
    }
}
