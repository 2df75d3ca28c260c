//! R20: RFC 9421's own vectors, and what is refused before any key is asked.

use super::*;

const NOW: i64 = 1_618_884_473;
const BODY: &[u8] = br#"{"hello": "world"}"#;
const GOOD: &str = r#"sig=("@method" "@authority" "@path" "@query" "content-digest");created=1618884473;nonce="0123456789abcdef";keyid="internal""#;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// The request of RFC 9421 appendix B.2.
fn headers() -> HeaderMap {
    let sent = [
        ("host", "example.com"),
        ("date", "Tue, 20 Apr 2021 02:07:55 GMT"),
        ("content-type", "application/json"),
        (
            "content-digest",
            "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:",
        ),
        ("content-length", "18"),
        ("signature", "sig=:AAAA:"),
        ("signature-input", GOOD),
    ];
    sent.into_iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
}

fn message<'a>(headers: &'a HeaderMap, body: &'a [u8]) -> Message<'a> {
    Message { method: "POST", path: "/foo", has_query: false, headers, body }
}

fn list_of(input: &str) -> InnerList {
    match only(&Parser::new(input).parse().unwrap()).unwrap() {
        (_, ListEntry::InnerList(list)) => list,
        _ => unreachable!(),
    }
}

#[test]
fn r20_the_base_of_the_hmac_vector_is_the_rfcs_and_its_signature_holds() {
    let headers = headers();
    let input = r#"sig-b25=("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret""#;
    let base = base(&list_of(input), &message(&headers, BODY)).unwrap();
    let expected = "\"date\": Tue, 20 Apr 2021 02:07:55 GMT\n\"@authority\": example.com\n\
        \"content-type\": application/json\n\
        \"@signature-params\": (\"date\" \"@authority\" \"content-type\");created=1618884473;keyid=\"test-shared-secret\"";
    assert_eq!(base, expected);
    // The RFC's key and signature of this base are checked where the key is: `secrets::InternalSecret`.
}

#[test]
fn r20_the_base_of_the_ed25519_vector_is_the_rfcs() {
    let headers = headers();
    let input = r#"sig-b26=("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519""#;
    let base = base(&list_of(input), &message(&headers, BODY)).unwrap();
    let expected = "\"date\": Tue, 20 Apr 2021 02:07:55 GMT\n\"@method\": POST\n\"@path\": /foo\n\"@authority\": example.com\n\
        \"content-type\": application/json\n\"content-length\": 18\n\
        \"@signature-params\": (\"date\" \"@method\" \"@path\" \"@authority\" \"content-type\" \"content-length\");created=1618884473;keyid=\"test-key-ed25519\"";
    assert_eq!(base, expected);
}

#[test]
fn r20_a_complete_signature_is_read_and_keeps_the_order_of_its_parameters() {
    let headers = headers();
    let presented = presented(&message(&headers, BODY), at(NOW)).unwrap();
    assert!(presented.base.ends_with(&GOOD[4..]), "{}", presented.base);
    assert!(presented.base.contains("\"@query\": ?\n"));
    assert_eq!((presented.nonce.as_str(), presented.signature.as_slice()), ("0123456789abcdef", &[0, 0, 0][..]));
}

#[test]
fn r20_created_is_within_five_minutes_of_now_to_the_second() {
    let headers = headers();
    let told = |second| presented(&message(&headers, BODY), at(second)).is_ok();
    assert!(told(NOW - 300) && told(NOW + 300));
    assert!(!told(NOW - 301) && !told(NOW + 301));
}

#[test]
fn r20_what_is_missing_or_odd_is_refused_by_name() {
    for (change, to, said) in [
        (r#""@method" "#, "", "@method, @authority, @path and @query are covered"),
        (r#""@authority" "#, "", "@method, @authority, @path and @query are covered"),
        (r#""@path" "#, "", "@method, @authority, @path and @query are covered"),
        (r#" "@query""#, "", "@method, @authority, @path and @query are covered"),
        (r#" "content-digest""#, "", "content-digest is covered where there is a body"),
        ("\"@path\"", "\"@path\" \"@path\"", "a component stands there once, without parameters"),
        ("\"@path\"", "\"@path\";req", "a component stands there once, without parameters"),
        ("\"@path\"", "\"@path\" \"@status\"", "a covered component is not in the request"),
        ("\"@path\"", "\"@path\" \"x-none\"", "a covered component is not in the request"),
        ("created=1618884473;", "", "created is missing"),
        ("created=1618884473", "created=\"1618884473\"", "created is within five minutes of now"),
        ("created=1618884473", "created=-999999999999999", "created is within five minutes of now"),
        ("created=1618884473", "created=1618884473;expires=1618884473", "expires has passed"),
        ("nonce=\"0123456789abcdef\";", "", "nonce has 16 to 64 characters"),
        ("0123456789abcdef", "0123456789abcde", "nonce has 16 to 64 characters"),
        ("\"internal\"", "\"other\"", "keyid is \"internal\""),
        (";keyid=\"internal\"", "", "keyid is \"internal\""),
        ("keyid", "alg=\"ed25519\";keyid", "alg is hmac-sha256"),
        ("sig=", "other=", "Signature has the label of Signature-Input"),
        ("sig=", "a=(\"@path\"), sig=", "Signature-Input holds one signature"),
        ("sig=(", "sig=((", "Signature-Input is one structured field"),
    ] {
        let mut headers = headers();
        headers.insert(INPUT, GOOD.replacen(change, to, 1).parse().unwrap());
        assert_eq!(presented(&message(&headers, BODY), at(NOW)).err(), Some(said), "{change} -> {to}");
    }
}

#[test]
fn r20_a_body_that_is_not_the_digests_is_refused() {
    let told = |headers: &HeaderMap, body: &[u8]| presented(&message(headers, body), at(NOW)).is_ok();
    let mut headers = headers();
    assert!(told(&headers, BODY) && !told(&headers, br#"{"hello": "World"}"#));
    let sha256 = "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:";
    headers.insert(DIGEST, sha256.parse().unwrap());
    assert!(told(&headers, BODY), "RFC 9530 appendix B");
    assert!(presented(&Message { has_query: true, ..message(&headers, BODY) }, at(NOW)).is_err());
    for bad in [format!("{sha256}, sha-512=:AAAA:"), "md5=:AAAA:".into(), "sha-256=x".into(), String::new(), "(".into()]
    {
        headers.insert(DIGEST, bad.parse().unwrap());
        assert!(!told(&headers, BODY), "{bad}");
    }
}
