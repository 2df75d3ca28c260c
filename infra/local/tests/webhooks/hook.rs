//! Somebody's server, which takes messages over a socket and checks who sent them.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU16, Ordering},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header::LOCATION},
    response::IntoResponse,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;

/// A message as it came.
#[derive(Clone)]
pub(crate) struct Message {
    headers: HeaderMap,
    body: Bytes,
}

#[derive(Clone)]
pub(crate) struct Hook {
    pub(crate) url: String,
    answer: Arc<AtomicU16>,
    taken: Arc<Mutex<Vec<Message>>>,
    /// Where a redirect leads.
    elsewhere: String,
}

impl Hook {
    pub(crate) async fn open() -> Self {
        Self::leading_to("").await
    }

    pub(crate) async fn leading_to(elsewhere: &str) -> Self {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}/hook?token=mine", listener.local_addr().unwrap());
        let (answer, taken) = (Arc::new(AtomicU16::new(204)), Arc::default());
        let hook = Self { url, answer, taken, elsewhere: elsewhere.to_owned() };
        let router = Router::new().fallback(take).with_state(hook.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        hook
    }

    pub(crate) fn answer(&self, status: u16) {
        self.answer.store(status, Ordering::Relaxed);
    }

    pub(crate) fn taken(&self) -> Vec<Message> {
        self.taken.lock().unwrap().clone()
    }
}

async fn take(State(hook): State<Hook>, headers: HeaderMap, body: Bytes) -> impl IntoResponse {
    hook.taken.lock().unwrap().push(Message { headers, body });
    let status = StatusCode::from_u16(hook.answer.load(Ordering::Relaxed)).unwrap();
    (status, [(LOCATION, hook.elsewhere.clone())])
}

impl Message {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    pub(crate) fn id(&self) -> &str {
        self.header("webhook-id")
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// As the libraries of Standard Webhooks check it.
    pub(crate) fn is_signed_with(&self, secret: &str) -> bool {
        let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
        mac.update(format!("{}.{}.", self.id(), self.header("webhook-timestamp")).as_bytes());
        mac.update(&self.body);
        let expected = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        self.header("webhook-signature").split(' ').any(|signature| signature == expected)
    }
}
