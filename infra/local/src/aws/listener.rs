//! The gateway on a socket, for the `aws` command line and for SDK clients of other processes.

use std::io;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::any;
use http::StatusCode;
use tokio::net::TcpListener;

use super::Gateway;

/// DynamoDB accepts requests up to 16 MiB.
const MAX_BODY: usize = 16 << 20;

/// Serves `gateway` until `stop` resolves. Binding is the caller's: the local stack binds to 127.0.0.1 only.
pub async fn serve(
    listener: TcpListener,
    gateway: Arc<Gateway>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    axum::serve(listener, router(gateway)).with_graceful_shutdown(stop).await
}

/// The gateway as a router that answers on every path.
pub fn router(gateway: Arc<Gateway>) -> Router {
    Router::new().fallback(answer).with_state(gateway)
}

/// The gateway below a path, which stays part of what was signed.
pub fn below(path: &str, gateway: Arc<Gateway>) -> Router {
    Router::new().route(&format!("{path}/{{*rest}}"), any(answer)).with_state(gateway)
}

async fn answer(State(gateway): State<Arc<Gateway>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = match axum::body::to_bytes(body, MAX_BODY).await {
        Ok(body) => body,
        Err(_) => return status(StatusCode::PAYLOAD_TOO_LARGE),
    };
    match gateway.call(http::Request::from_parts(parts, body)).await {
        Ok(response) => response.map(Body::from),
        Err(lost) => broken(lost),
    }
}

/// A lost answer: the connection breaks in the middle of the body, which a client takes for an I/O error.
fn broken(lost: super::Lost) -> Response {
    let stream = futures::stream::once(std::future::ready(Err::<bytes::Bytes, _>(io::Error::other(lost))));
    Response::new(Body::from_stream(stream))
}

fn status(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}
