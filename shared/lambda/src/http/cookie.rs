//! Cookies (RFC 6265bis): the one that browsers get, and how it comes back.

use http::{HeaderMap, header::COOKIE};

/// Holds a browser's refresh token. By its prefix a browser takes it from this host alone, over TLS alone, so that no
/// sibling domain can plant another.
pub const REFRESH_COOKIE: &str = "__Host-refresh";

/// The value of the first cookie of that name.
pub(super) fn read<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let sent = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = sent.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(sent, _)| *sent == name).map(|(_, value)| value)
}

/// `Set-Cookie` for the refresh token: out of reach of the page's scripts, and not sent along by other sites' forms.
pub fn refresh_cookie(token: &str, max_age: i64) -> String {
    format!("{REFRESH_COOKIE}={token}; Max-Age={max_age}; Path=/; Secure; HttpOnly; SameSite=Lax")
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn the_first_of_a_name_is_read() {
        let read = |sent: &'static str| {
            read(&HeaderMap::from_iter([(COOKIE, HeaderValue::from_static(sent))]), REFRESH_COOKIE).map(str::to_owned)
        };
        assert_eq!(read("a=b; __Host-refresh=one; c=d").as_deref(), Some("one"));
        assert_eq!(read("__Host-refresh=one;__Host-refresh=two").as_deref(), Some("one"));
        assert_eq!(read("__Host-refresh=a=b").as_deref(), Some("a=b"));
        assert_eq!(read("x__Host-refresh=one; __host-refresh=two"), None);
        assert_eq!(read(""), None);
    }
}
