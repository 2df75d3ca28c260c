//! The client's address: whom API Gateway saw, or where that is a proxy of yours, whom the proxy saw.
//!
//! Each hop appends the address it heard to `x-forwarded-for` (as `for` of RFC 7239 section 5.2), and anybody can begin the list.
//! So it is read from its end, and only as far as every hop is trusted: nothing that a client sends moves what it is counted by.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, HeaderName};
use ipnet::IpNet;

use crate::{Env, StartError};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The networks of the proxies that are trusted.
pub(super) struct Proxies(Vec<IpNet>);

impl Proxies {
    /// Reads `TRUSTED_PROXIES`; unset trusts none.
    ///
    /// # Errors
    /// [`StartError`]: an entry that is no network in CIDR notation.
    pub(super) fn from_env(env: &Env) -> Result<Self, StartError> {
        Self::parse(&env.list("TRUSTED_PROXIES"))
    }

    fn parse(networks: &[String]) -> Result<Self, StartError> {
        let network = |text: &String| {
            let reason = || format!("{text:?} is no network in CIDR notation, such as 192.0.2.0/24 or 2001:db8::/32");
            text.parse().map_err(|_| StartError::Invalid { name: "TRUSTED_PROXIES", reason: reason() })
        };
        networks.iter().map(network).collect::<Result<_, _>>().map(Self)
    }

    /// The client's address, where API Gateway saw `source`.
    pub(super) fn client(&self, source: String, headers: &HeaderMap) -> String {
        if !address(&source).is_some_and(|source| self.trusts(source)) {
            return source;
        }
        let sent = headers.get_all(FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok());
        let hops: Vec<&str> = sent.flat_map(|value| value.split(',')).collect();
        let beyond = hops.iter().rev().map(|hop| address(hop)).find(|hop| !hop.is_some_and(|hop| self.trusts(hop)));
        // What is no address hides who is before it: then the proxy itself is the client.
        beyond.flatten().map_or(source, |client| client.to_string())
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

/// Some proxies add the port.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let address = text.parse().or_else(|_| text.parse().map(|socket: SocketAddr| socket.ip()));
    address.ok().map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn proxies(networks: &[&str]) -> Proxies {
        Proxies::parse(&networks.iter().map(|&text| text.to_owned()).collect::<Vec<_>>()).unwrap()
    }

    fn client(source: &str, forwarded: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(FORWARDED_FOR, HeaderValue::from_str(value).unwrap());
        }
        proxies(&["192.0.2.0/24", "2001:db8::/32"]).client(source.to_owned(), &headers)
    }

    #[test]
    fn r15_beyond_trusted_proxies_is_the_client() {
        let cases: [(&str, &[&str], &str); 10] = [
            ("198.51.100.1", &["203.0.113.9"], "198.51.100.1"),
            ("192.0.2.1", &["203.0.113.9"], "203.0.113.9"),
            ("192.0.2.1", &["203.0.113.9, 192.0.2.1"], "203.0.113.9"),
            ("192.0.2.1", &["10.0.0.1, 203.0.113.9, 192.0.2.7, 192.0.2.1"], "203.0.113.9"),
            ("192.0.2.1", &["10.0.0.1", "203.0.113.9,192.0.2.1"], "203.0.113.9"),
            ("192.0.2.1", &["203.0.113.9:4711"], "203.0.113.9"),
            ("2001:db8::1", &["2001:4860::5, 2001:db8::2"], "2001:4860::5"),
            ("::ffff:192.0.2.1", &["203.0.113.9"], "203.0.113.9"),
            ("192.0.2.1", &["203.0.113.9, unknown"], "192.0.2.1"),
            ("192.0.2.1", &[], "192.0.2.1"),
        ];
        for (source, forwarded, expected) in cases {
            assert_eq!(client(source, forwarded), expected, "{source} {forwarded:?}");
        }
    }

    #[test]
    fn what_is_no_network_stops_the_function() {
        for text in ["192.0.2.1/33", "example.com", "192.0.2.1"] {
            assert!(Proxies::parse(&[text.to_owned()]).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn r15_nothing_that_a_client_sends_moves_its_address(sent in "[0-9a-f.:, ]{0,60}") {
            prop_assert_eq!(client("198.51.100.1", &[&sent]), "198.51.100.1");
            let (through, before) = (format!("{sent}, 203.0.113.9, 192.0.2.1"), &sent);
            prop_assert_eq!(client("192.0.2.1", &[&through]), "203.0.113.9");
            prop_assert_eq!(client("192.0.2.1", &[before, "203.0.113.9, 192.0.2.1"]), "203.0.113.9");
        }
    }
}
