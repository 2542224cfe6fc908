//! A handshake in the types of the crate `http` is judged and answered as one in bytes.

use super::{Head, good_request, read};
use http::{HeaderValue, Request, Response, Version};
use wirebell::Refusal;
use wirebell::handshake::{Accepted, DeflatePolicy, Refused, UpgradeRequest};
use wirebell::http::TypedHead;

fn typed(request: &Head) -> Request<()> {
    let line = std::str::from_utf8(&request.first_line).unwrap();
    let words: Vec<&str> = line.split(' ').collect();
    let version = match words[2] {
        "HTTP/1.0" => Version::HTTP_10,
        "HTTP/2.0" => Version::HTTP_2,
        _ => Version::HTTP_11,
    };
    let builder = Request::builder().method(words[0]).uri(words[1]);
    let builder = request
        .lines
        .iter()
        .fold(builder, |builder, (name, value)| {
            builder.header(*name, HeaderValue::from_bytes(value).unwrap())
        });
    builder.version(version).body(()).unwrap()
}

const COOKIE: [(&str, &str); 2] = [("Set-Cookie", "a=b"), ("Set-Cookie", "c=d")];

fn accept<'h>(opening: &UpgradeRequest<'h>) -> Accepted<'h> {
    let accepted = opening.accept(opening.choose(&["chat"]));
    let accepted = accepted.negotiate(&DeflatePolicy::TAKEOVER);
    accepted.fields(&COOKIE).unwrap()
}

fn answer(request: &Request<()>) -> Result<Response<()>, Refusal> {
    let head = TypedHead::from(request);
    let answer = accept(&UpgradeRequest::read(head.head()?)?).try_into();
    let (parts, ()) = request.clone().into_parts();
    let same = TypedHead::from(&parts);
    assert_eq!(
        UpgradeRequest::read(same.head()?)?.host,
        UpgradeRequest::read(head.head()?)?.host
    );
    Ok(answer.expect("few fields"))
}

/// A response as text, with the names of its fields in lower case.
fn written<B>(response: &Response<B>) -> String {
    let fields = response.headers().iter().map(|(name, value)| {
        let value = value.to_str().unwrap();
        format!("{name}: {value}\r\n")
    });
    let fields: String = fields.collect();
    format!("HTTP/1.1 {}\r\n{fields}\r\n", response.status())
}

/// The same of a response in bytes.
fn lowered(response: &str) -> String {
    let lines = response.split_inclusive("\r\n").enumerate();
    let lines = lines.map(|(at, line)| match line.split_once(": ") {
        Some((name, value)) if at > 0 => format!("{}: {value}", name.to_ascii_lowercase()),
        _ => line.to_owned(),
    });
    lines.collect()
}

#[test]
fn types_are_judged_and_answered_as_bytes_are() {
    let extensions = "Sec-WebSocket-Extensions";
    let rows = [
        good_request(),
        good_request().with("Sec-WebSocket-Protocol", "a, chat"),
        good_request().with(extensions, "permessage-deflate; client_max_window_bits"),
        good_request().with("Cookie", b"\xff"),
        good_request().first("GET http://server.example.com/a?b HTTP/1.1"),
        good_request().first("POST /chat HTTP/1.1"),
        good_request().first("OPTIONS * HTTP/1.1"),
        good_request().first("GET * HTTP/1.1"),
        good_request().first("CONNECT server.example.com:80 HTTP/1.1"),
        good_request().first("GET /chat HTTP/1.0"),
        good_request().without("Host"),
        good_request().with("Host", "b"),
        good_request().set("Upgrade", "h2c"),
        good_request().set("Sec-WebSocket-Version", "8"),
        good_request().set("Sec-WebSocket-Key", "x"),
        good_request().with(extensions, "a b"),
        good_request().with("Content-Length", "1"),
    ];
    for request in rows {
        let of_bytes = read(&request.bytes(), |opening| {
            lowered(&accept(&opening).to_string())
        });
        let of_types = answer(&typed(&request)).map(|response| written(&response));
        let what = String::from_utf8_lossy(&request.bytes()).into_owned();
        assert_eq!(of_types, of_bytes, "{what}");
    }
}

#[test]
fn the_target_is_that_of_the_request() {
    for target in [
        "/",
        "/a?b",
        "http://a.example/",
        "http://a.example:81/x?y=z",
    ] {
        let request = typed(&good_request().first(format!("GET {target} HTTP/1.1")));
        let head = TypedHead::from(&request);
        assert_eq!(head.head().unwrap().target, target);
    }
}

#[test]
fn other_versions_of_http_are_refused() {
    let request = typed(&good_request().first("GET /chat HTTP/2.0"));
    assert_eq!(answer(&request).err(), Some(Refusal::HttpVersion));
}

#[test]
fn a_refusal_has_the_same_fields_in_both_forms() {
    for refusal in Refusal::ALL {
        let refused = Refused::new(*refusal);
        let response: Response<&str> = refused.into();
        assert_eq!(*response.body(), refusal.text());
        let bytes = lowered(&refused.head_only().to_string());
        let mut lines: Vec<&str> = bytes.lines().collect();
        lines.retain(|line| !line.starts_with("content-length"));
        lines.sort_unstable();
        let typed = written(&response);
        let mut typed: Vec<&str> = typed.lines().collect();
        typed.sort_unstable();
        assert_eq!(typed, lines, "{refusal:?}");
    }
}

/// More fields than a map of them takes are an error, not a panic.
#[test]
fn too_many_fields_are_an_error() {
    let names: Vec<String> = (0..40_000).map(|at| format!("X-{at}")).collect();
    let fields: Vec<(&str, &str)> = names.iter().map(|name| (&**name, "")).collect();
    let request = typed(&good_request());
    let head = TypedHead::from(&request);
    let accepted = UpgradeRequest::read(head.head().unwrap())
        .unwrap()
        .accept(None);
    let response = Response::try_from(accepted.fields(&fields).unwrap());
    assert!(response.is_err());
}

/// Whether HTTP/1.0 is enough is for the caller to say: a handshake refuses it.
#[test]
fn both_versions_of_http_1_have_a_head() {
    for (version, minor) in [(Version::HTTP_10, 0), (Version::HTTP_11, 1)] {
        let request = Request::get("/").version(version).body(()).unwrap();
        let head = TypedHead::from(&request);
        assert_eq!(head.head().map(|head| head.minor_version), Ok(minor));
    }
}
