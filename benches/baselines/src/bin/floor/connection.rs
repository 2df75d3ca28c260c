//! One kept-alive HTTP/1.1 connection, plain or over TLS.

use std::{
    collections::BTreeMap,
    io::{self, BufRead, BufReader, Read, Write},
    net::TcpStream,
    sync::Arc,
};

use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};

trait Stream: Read + Write {}

impl<T: Read + Write> Stream for T {}

pub(crate) struct Connection {
    host: String,
    stream: BufReader<Box<dyn Stream>>,
}

impl Connection {
    pub(crate) fn plain(host: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(host.replace("localhost", "127.0.0.1"))?;
        stream.set_nodelay(true)?;
        Ok(Self { host: host.to_owned(), stream: BufReader::new(Box::new(stream)) })
    }

    pub(crate) fn to(url: &str, roots: &str) -> io::Result<Self> {
        let (scheme, host) = url.split_once("://").unwrap_or(("http", url));
        if scheme == "http" {
            return Self::plain(host);
        }
        let mut store = RootCertStore::empty();
        for root in CertificateDer::pem_file_iter(roots).map_err(io::Error::other)? {
            store.add(root.map_err(io::Error::other)?).map_err(io::Error::other)?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.map_err(io::Error::other)?.with_root_certificates(store).with_no_client_auth();
        let name = ServerName::try_from("localhost").map_err(io::Error::other)?;
        let tls = ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?;
        let socket = TcpStream::connect(host.replace("localhost", "127.0.0.1"))?;
        socket.set_nodelay(true)?;
        let stream: Box<dyn Stream> = Box::new(StreamOwned::new(tls, socket));
        Ok(Self { host: host.to_owned(), stream: BufReader::new(stream) })
    }

    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// Sends a request as it is; gives the headers, in lower case, and the body of its response.
    pub(crate) fn exchange(&mut self, request: &[u8]) -> io::Result<(BTreeMap<String, String>, Vec<u8>)> {
        self.stream.get_mut().write_all(request)?;
        self.stream.get_mut().flush()?;
        let mut headers = BTreeMap::new();
        let mut line = String::new();
        loop {
            line.clear();
            if self.stream.read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if line.trim_end().is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':') {
                headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
            }
        }
        let mut body = vec![0; headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0)];
        self.stream.read_exact(&mut body)?;
        Ok((headers, body))
    }
}
