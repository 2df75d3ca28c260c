//! The stack on a socket: the API where API Gateway would be, and beside it what only a local stack has.

use std::{net::SocketAddr, sync::Arc};

use axum::{Json, Router, extract::State, response::Redirect, routing::get};
use tokio::net::TcpListener;

use crate::{
    aws::{
        eventbridge::{Event, EventLog},
        listener, s3,
        ses::{Mail, Mailbox},
    },
    stack::LocalStack,
};

/// Serves the stack until `stop` resolves.
///
/// # Errors
/// The socket's.
pub async fn serve(
    listener: TcpListener,
    stack: &LocalStack,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let app = stack.router(local_routes(stack));
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, app).with_graceful_shutdown(stop).await
}

/// What API Gateway has not. Secrets and state are not shown, by design: a laptop is no vault.
fn local_routes(stack: &LocalStack) -> Router {
    let mails = Router::new().route("/_local/mail", get(mails)).with_state(stack.mailbox.clone());
    let events = Router::new().route("/_local/events", get(events)).with_state(stack.events.clone());
    // What a signed link to an object leads to.
    let objects = listener::below(s3::PATH, stack.gateway.clone());
    mails.merge(events).merge(objects).route("/", get(|| async { Redirect::temporary("/docs") }))
}

async fn mails(State(mailbox): State<Arc<Mailbox>>) -> Json<Vec<Mail>> {
    Json(mailbox.mails())
}

async fn events(State(log): State<Arc<EventLog>>) -> Json<Vec<Event>> {
    Json(log.events())
}
