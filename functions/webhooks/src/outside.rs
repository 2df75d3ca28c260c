//! Calls where a customer says, and nowhere inside (OWASP ASVS 5.0, 1.3.6): TLS to a name, whose addresses are looked at when
//! it is resolved for this call, and that very address is called. No redirect is followed, no answer is read beyond its
//! head, and after ten seconds nobody waits.

use std::{
    io,
    net::SocketAddr,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use domain::is_public;
use futures::future::{BoxFuture, FutureExt};
use http::{Request, StatusCode};
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{
        Client,
        connect::{HttpConnector, dns::Name},
    },
    rt::TokioExecutor,
};
use tower::Service;

/// From the first look at the name to the head of the answer.
const ANSWER: Duration = Duration::from_secs(10);

/// Why nobody took the message.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    /// No connection, no TLS, no answer of HTTP, or an address inside.
    #[error("the webhook could not be called")]
    Transport(#[from] hyper_util::client::legacy::Error),
    #[error("the webhook did not answer within {ANSWER:?}")]
    Timeout,
}

/// The way out.
#[derive(Clone)]
pub(crate) struct Outside(Client<HttpsConnector<HttpConnector<Public>>, Full<Bytes>>);

impl Outside {
    /// `plain` lets HTTP without TLS through: which hosts may be called so is the URL's matter.
    pub(crate) fn new(plain: bool) -> Self {
        let mut tcp = HttpConnector::new_with_resolver(Public);
        tcp.enforce_http(false);
        let tls = HttpsConnectorBuilder::new().with_webpki_roots();
        let tls = if plain { tls.https_or_http() } else { tls.https_only() };
        let connector = tls.enable_http1().wrap_connector(tcp);
        // A connection kept would be one to an address that was looked at before.
        Self(Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(connector))
    }

    /// The status that the webhook answers.
    pub(crate) async fn call(&self, request: Request<Full<Bytes>>) -> Result<StatusCode, CallError> {
        let answer = tokio::time::timeout(ANSWER, self.0.request(request)).await;
        Ok(answer.map_err(|_| CallError::Timeout)??.status())
    }
}

/// Resolves names to public addresses. One address inside, and the name is refused: it would be called sooner or later.
#[derive(Clone)]
struct Public;

impl Service<Name> for Public {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = BoxFuture<'static, io::Result<Self::Response>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            match found.iter().find(|address| !is_public(address.ip())) {
                Some(_) => Err(io::Error::new(io::ErrorKind::PermissionDenied, "the name has an address inside")),
                None => Ok(found.into_iter()),
            }
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the system takes them for addresses, whatever a URL's parser says.
    #[tokio::test]
    async fn a_name_that_leads_inside_is_refused_before_anybody_is_called() {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        for host in ["localhost", "127.1", "2130706433", "0x7f000001"] {
            let request = Request::post(format!("http://{host}:{port}/")).body(Full::default()).unwrap();
            let refused = Outside::new(true).call(request).await;
            assert!(matches!(refused, Err(CallError::Transport(_))), "{host}: {refused:?}");
        }
        let nobody = tokio::time::timeout(Duration::from_millis(50), listener.accept()).await;
        assert!(nobody.is_err(), "it was called");
    }

    #[tokio::test]
    async fn without_tls_nobody_is_called() {
        let request = Request::post("http://127.0.0.1:9/").body(Full::default()).unwrap();
        assert!(matches!(Outside::new(false).call(request).await, Err(CallError::Transport(_))));
    }
}
