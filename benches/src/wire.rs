//! As much of HTTP/1.1 as it takes to serve a Lambda runtime and the client of an SDK, without a cost of its own.

use std::io::{BufRead, Read};

/// A request as it came.
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// The next request of a connection; none when the client has closed it or speaks something else.
pub(crate) fn read(from: &mut impl BufRead) -> Option<Request> {
    let first = line(from)?;
    let mut words = first.split_whitespace();
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let line = line(from)?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut request = Request { method, path, headers, body: Vec::new() };
    request.body = match request.header("content-length").and_then(|length| length.parse().ok()) {
        Some(length) => exactly(from, length)?,
        None if request.header("transfer-encoding").is_some() => chunks(from)?,
        None => Vec::new(),
    };
    Some(request)
}

/// The next answer of a connection: its status and its body. A first line of an answer has as many words as a request's.
pub(crate) fn answer(from: &mut impl BufRead) -> Option<(u16, Vec<u8>)> {
    let Request { path: status, body, .. } = read(from)?;
    Some((status.parse().ok()?, body))
}

fn line(from: &mut impl BufRead) -> Option<String> {
    let mut line = String::new();
    let read = from.read_line(&mut line).ok()?;
    (read > 0).then(|| line.trim_end().to_owned())
}

fn exactly(from: &mut impl Read, length: usize) -> Option<Vec<u8>> {
    let mut body = vec![0; length];
    from.read_exact(&mut body).ok()?;
    Some(body)
}

fn chunks(from: &mut impl BufRead) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let size = line(from)?;
        let size = usize::from_str_radix(size.split(';').next()?.trim(), 16).ok()?;
        // Each chunk ends with an empty line, the last one too.
        let chunk = exactly(from, size + 2)?;
        if size == 0 {
            return Some(body);
        }
        body.extend_from_slice(&chunk[..size]);
    }
}

/// A response with these header lines and this body.
pub(crate) fn response(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let mut response = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n", body.len()).into_bytes();
    response.extend_from_slice(body);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_a_status_and_a_body() {
        let bytes = b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n";
        assert_eq!(answer(&mut &bytes[..]), Some((201, b"hi".to_vec())));
        assert_eq!(answer(&mut &b"nonsense"[..]), None);
    }

    #[test]
    fn bodies_come_by_length_or_in_chunks() {
        let mut bytes = &b"POST /a HTTP/1.1\r\nContent-Length: 2\r\n\r\nhiPOST /b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nyou\r\n0\r\n\r\nGET /c HTTP/1.1\r\n\r\n"[..];
        let mut next = || read(&mut bytes).map(|r| (r.path, String::from_utf8(r.body).unwrap()));
        assert_eq!(next().unwrap(), ("/a".into(), "hi".into()));
        assert_eq!(next().unwrap(), ("/b".into(), "you".into()));
        assert_eq!(next().unwrap(), ("/c".into(), String::new()));
        assert!(next().is_none());
    }
}
