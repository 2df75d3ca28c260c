//! The stack on a socket: the API where API Gateway would be, and beside it what only a local stack has.

use std::{net::SocketAddr, sync::Arc};

use axum::{Json, Router, extract::State, response::Redirect, routing::get};
use tokio::net::TcpListener;

use crate::{aws::ses::Mailbox, stack::LocalStack};

/// Serves the stack until `stop` resolves.
///
/// # Errors
/// The socket's.
pub async fn serve(
    listener: TcpListener,
    stack: &LocalStack,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let app = stack.router(local_routes(stack.mailbox.clone()));
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, app).with_graceful_shutdown(stop).await
}

/// What API Gateway has not. Secrets and state are not shown, by design: a laptop is no vault.
fn local_routes(mailbox: Arc<Mailbox>) -> Router {
    Router::new()
        .route("/_local/mail", get(mails))
        .with_state(mailbox)
        .route("/", get(|| async { Redirect::temporary("/docs") }))
}

async fn mails(State(mailbox): State<Arc<Mailbox>>) -> Json<Vec<crate::aws::ses::Mail>> {
    Json(mailbox.mails())
}
