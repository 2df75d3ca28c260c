//! A Lambda function as a constant, and the one `main` that all of them share.

use std::{future::Future, pin::Pin, process::ExitCode};

use crate::{
    Env, FromEnv, Rotates, StartError, eddsa,
    event::{EventService, Job, Step, Task},
    http::{HttpService, Policy, Routes},
    openapi::Operation,
    rotation, telemetry,
};

type Start = Pin<Box<dyn Future<Output = Result<Running, StartError>> + Send>>;

/// One Lambda function: the constant that its binary, the local stack and the tests share.
pub struct Function {
    /// The binary's name, and the function's name in the template without its stage prefix.
    pub name: &'static str,
    /// What wakes it.
    pub kind: Kind,
    start: fn(Env) -> Start,
}

/// What wakes a function.
pub enum Kind {
    /// API Gateway.
    Http(Served),
    /// A state of a workflow.
    Step,
    /// A rule on the event bus.
    Event,
    /// A schedule.
    Job,
    /// Secrets Manager, for the steps of a rotation.
    Rotation,
    /// CodeDeploy, while it gives a new version its traffic.
    Hook,
}

/// The routes of an HTTP function.
pub struct Served {
    /// Their policies.
    pub policies: &'static [&'static Policy],
    /// Adds their part of the OpenAPI document.
    pub describe: fn(&mut Vec<Operation>),
}

/// A started function.
pub enum Running {
    /// Answers HTTP requests.
    Http(HttpService),
    /// Answers JSON events.
    Event(EventService),
}

impl Function {
    /// A function that serves the routes `R`, a tuple of [`crate::http::Route`]s with the same `Deps`.
    pub const fn http<R: Routes>(name: &'static str) -> Self {
        Self {
            name,
            kind: Kind::Http(Served { policies: R::POLICIES, describe: R::describe }),
            start: |env| Box::pin(async move { Ok(Running::Http(HttpService::start::<R>(env).await?)) }),
        }
    }

    /// A function that is one step of a workflow, with its undo.
    pub const fn step<S: Step>(name: &'static str) -> Self {
        Self {
            name,
            kind: Kind::Step,
            start: |env| {
                Box::pin(async move { Ok(Running::Event(EventService::step::<S>(S::Deps::from_env(&env).await?))) })
            },
        }
    }

    /// A function that is a state of a workflow, without an undo.
    pub const fn task<T: Task>(name: &'static str) -> Self {
        Self {
            name,
            kind: Kind::Step,
            start: |env| {
                Box::pin(async move { Ok(Running::Event(EventService::task::<T>(T::Deps::from_env(&env).await?))) })
            },
        }
    }

    /// A function that CodeDeploy asks during a deployment.
    pub const fn hook<T: Task>(name: &'static str) -> Self {
        Self { kind: Kind::Hook, ..Self::task::<T>(name) }
    }

    /// A function that a rule on the event bus wakes; its input is the event as EventBridge wraps it.
    pub const fn listener<T: Task>(name: &'static str) -> Self {
        Self { kind: Kind::Event, ..Self::task::<T>(name) }
    }

    /// A function that a schedule wakes.
    pub const fn job<J: Job>(name: &'static str) -> Self {
        Self {
            name,
            kind: Kind::Job,
            start: |env| Box::pin(async move { Ok(Running::Event(EventService::job::<J>(&env).await?)) }),
        }
    }

    /// A function that rotates a secret.
    pub const fn rotation<R: Rotates>(name: &'static str) -> Self {
        Self {
            name,
            kind: Kind::Rotation,
            start: |env| Box::pin(async move { Ok(Running::Event(rotation::service::<R>(&env).await?)) }),
        }
    }

    /// Starts the function: configuration, clients, first reads.
    ///
    /// # Errors
    /// [`StartError`] when something that it needs is missing.
    pub async fn start(&self, env: Env) -> Result<Running, StartError> {
        eddsa::install();
        (self.start)(env).await
    }
}

/// Runs a function under the Lambda Runtime API until the environment is shut down.
pub fn main(function: &'static Function) -> ExitCode {
    telemetry::init(telemetry::Level::default());
    // `current_thread`: a function handles one event at a time, and the multi-thread runtime costs 95 µs per invoke.
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return refuse(function.name, &error),
    };
    match runtime.block_on(serve(function)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => refuse(function.name, error.as_ref()),
    }
}

async fn serve(function: &'static Function) -> Result<(), lambda_runtime::Error> {
    match function.start(Env::of_process()?).await? {
        Running::Http(service) => lambda_http::run(service).await,
        Running::Event(service) => {
            lambda_runtime::run(lambda_runtime::service_fn(
                move |event: lambda_runtime::LambdaEvent<serde_json::Value>| {
                    let service = service.clone();
                    async move { service.call(event.payload).await }
                },
            ))
            .await
        }
    }
}

fn refuse(name: &str, error: &(dyn std::error::Error + 'static)) -> ExitCode {
    let cause = error.source().map(ToString::to_string);
    tracing::error!(function = name, error = %error, cause, "the function does not start");
    ExitCode::FAILURE
}
