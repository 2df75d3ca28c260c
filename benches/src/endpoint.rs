//! DynamoDB's endpoint for the functions under measurement. The local stack's DynamoDB answers a request the first time it
//! is seen; until something is written the same bytes come back, so that what is measured is the function and never the database.

use std::{
    collections::HashMap,
    io::{self, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
};

use local::stack::LocalStack;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::Value;
use tokio::runtime::Handle;

use crate::wire::{self, Request};

/// Answers by action and body.
pub(crate) struct Endpoint {
    pub(crate) url: String,
}

/// Takes an action and its input.
type Run = Box<dyn Fn(&str, Value) -> Result<Value, String> + Send + Sync>;

struct Canned {
    dynamodb: Run,
    secrets: Run,
    #[allow(clippy::type_complexity, reason = "it is said once")]
    seen: Mutex<HashMap<(String, Vec<u8>), Arc<[u8]>>>,
}

impl Endpoint {
    /// Over TLS where a configuration is given, over plain HTTP otherwise.
    /// Secrets Manager's calls are run by `runtime`.
    pub(crate) fn listen(stack: &LocalStack, runtime: Handle, tls: Option<Arc<ServerConfig>>) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://localhost:{}", listener.local_addr()?.port());
        let (dynamodb, secrets) = (stack.dynamodb.clone(), stack.secrets.clone());
        let canned = Arc::new(Canned {
            dynamodb: Box::new(move |action, input| dynamodb.run(action, input).map_err(|error| error.to_string())),
            secrets: Box::new(move |action, input| {
                runtime.block_on(secrets.run(action, input)).map_err(|error| error.to_string())
            }),
            seen: Mutex::default(),
        });
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (canned, tls) = (canned.clone(), tls.clone());
                // A function that is killed closes its connection in the middle of anything.
                std::thread::spawn(move || drop(canned.accept(stream, tls)));
            }
        });
        Ok(Self { url })
    }
}

impl Canned {
    fn accept(&self, stream: TcpStream, tls: Option<Arc<ServerConfig>>) -> io::Result<()> {
        stream.set_nodelay(true)?;
        match tls {
            Some(config) => {
                let connection = ServerConnection::new(config).map_err(io::Error::other)?;
                self.serve(StreamOwned::new(connection, stream))
            }
            None => self.serve(stream),
        }
    }

    fn serve(&self, stream: impl Read + Write) -> io::Result<()> {
        let mut stream = BufReader::new(stream);
        while let Some(request) = wire::read(&mut stream) {
            let answer = self.answer(request);
            stream.get_mut().write_all(&answer)?;
            stream.get_mut().flush()?;
        }
        Ok(())
    }

    fn answer(&self, request: Request) -> Arc<[u8]> {
        let target = request.header("x-amz-target").unwrap_or_default();
        let key = (target.to_owned(), request.body);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(answer) = seen.get(&key) {
            return answer.clone();
        }
        let input = serde_json::from_slice(&key.1).unwrap_or_default();
        let (service, action) = key.0.split_once('.').unwrap_or_default();
        let run = if service == "secretsmanager" { &self.secrets } else { &self.dynamodb };
        let (status, body) = match run(action, input) {
            Ok(output) => ("200 OK", output.to_string()),
            Err(error) => ("400 Bad Request", error),
        };
        let answer: Arc<[u8]> = wire::response(status, &headers(body.as_bytes()), body.as_bytes()).into();
        if matches!(action, "GetItem" | "BatchGetItem" | "Query" | "GetSecretValue") {
            seen.insert(key, answer.clone());
        } else {
            // It may have changed what was read before.
            seen.clear();
        }
        answer
    }
}

/// What DynamoDB sends, so that the client has as much to read.
fn headers(body: &[u8]) -> String {
    format!(
        "Server: Server\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\nContent-Type: application/x-amz-json-1.0\r\n\
         Connection: keep-alive\r\nx-amzn-RequestId: VGN00PKVVU4K64P2JLDQBA1S3RVV4KQNSO5AEMVJF66Q9ASUAAJG\r\n\
         x-amz-crc32: {}\r\n",
        crc32fast::hash(body)
    )
}
