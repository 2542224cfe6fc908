//! The client's side: what it asks, what it must not be asked to send, and each way in which the
//! answer can be wrong.

use super::{Head, NO_FIELD, read};
use crate::support::Rng;
use std::collections::BTreeSet;
use wirebell::handshake::{ClientHandshake, Negotiated};
use wirebell::http::{HeadLimits, HeadReader, MAX_FIELDS, ResponseHead};
use wirebell::wire::Entropy;
use wirebell::{BadResponse, Misuse};

/// The nonce of RFC 6455 section 1.3: "the sample nonce".
struct Sample;

impl Entropy for Sample {
    fn fill(&mut self, bytes: &mut [u8]) {
        bytes.copy_from_slice(b"the sample nonce");
    }
}

fn handshake() -> ClientHandshake<'static> {
    ClientHandshake::new("server.example.com", "/chat", &mut Sample).expect("good terms")
}

#[test]
// req: 6455-4.1-19 6455-4.1-20 6455-4.1-21 6455-4.1-22 6455-4.1-23 6455-4.1-24 6455-4.1-25
// req: 6455-4.1-26 6455-4.1-27 6455-4.1-28 6455-4.1-29 6455-4.1-33 6455-4.1-34
// req: 6455-11.3.1-01 6455-11.3.5-02
fn the_request_to_the_byte() {
    let expected = "GET /chat HTTP/1.1\r\n\
        Host: server.example.com\r\n\
        Upgrade: websocket\r\n\
        Connection: Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
        Sec-WebSocket-Version: 13\r\n\r\n";
    assert_eq!(handshake().to_string(), expected);

    let full = handshake().origin("http://example.com").unwrap();
    let full = full.subprotocols(&["chat", "superchat"]).unwrap();
    let full = full.fields(&[("Cookie", "a=b"), ("X", "")]).unwrap();
    let more = "Origin: http://example.com\r\n\
        Sec-WebSocket-Protocol: chat, superchat\r\n\
        Cookie: a=b\r\n\
        X: \r\n\r\n";
    let expected = format!("{}{more}", expected.strip_suffix("\r\n").unwrap());
    assert_eq!(full.to_string(), expected);
}

#[test]
// req: 6455-4.1-29 6455-4.1-30
fn the_key_is_new_each_time_and_made_of_sixteen_bytes() {
    struct Asked(Rng, usize);
    impl Entropy for Asked {
        fn fill(&mut self, bytes: &mut [u8]) {
            self.0.fill(bytes);
            self.1 += bytes.len();
        }
    }
    let mut source = Asked(Rng::new(4), 0);
    let mut keys = BTreeSet::new();
    for i in 1..=1000 {
        let handshake = ClientHandshake::new("h", "/", &mut source).unwrap();
        assert_eq!(source.1, 16 * i);
        let text = handshake.to_string();
        let (_, rest) = text.split_once("Sec-WebSocket-Key: ").unwrap();
        let (key, _) = rest.split_once("\r\n").unwrap();
        assert_eq!(key.len(), 24);
        // Strict base64: the pad bits are zero.
        assert!(["A==", "Q==", "g==", "w=="].contains(&&key[21..]), "{key}");
        keys.insert(key.to_owned());
    }
    assert_eq!(keys.len(), 1000);
}

#[test]
// req: 6455-3-02 6455-3-03 6455-4.1-03 6455-4.1-04 6455-11.1.1-01 6455-11.1.1-02
fn hosts_and_targets() {
    let new = |host, target| ClientHandshake::new(host, target, &mut Sample).map(drop);
    for host in [
        "h",
        "h:8080",
        "[::1]:8080",
        "127.0.0.1",
        "xn--bcher-kva.example",
    ] {
        assert_eq!(new(host, "/"), Ok(()), "{host}");
    }
    let bad_hosts = [
        "",
        " ",
        "a b",
        "a/b",
        "a?b",
        "a#b",
        "a,b",
        "user@h",
        "a\r\nX: y",
        "a\tb",
        "a\0",
        "bücher.example",
        "a\x7f",
    ];
    for host in bad_hosts {
        assert_eq!(new(host, "/"), Err(Misuse::InvalidHost), "{host:?}");
    }
    for target in ["/", "/chat?x=1", "/a%23b", "/%C3%BC?q=%C3%BC", "//", "/?"] {
        assert_eq!(new("h", target), Ok(()), "{target}");
    }
    let bad_targets = [
        "",
        "chat",
        "?x=1",
        "*",
        "http://h/",
        " /",
        "/a b",
        "/p#frag",
        "/#",
        "/ü",
        "/a\r\nX: y",
        "/a\nb",
        "/\0",
        "/a\tb",
        "/\x7f",
    ];
    for target in bad_targets {
        assert_eq!(new("h", target), Err(Misuse::InvalidTarget), "{target:?}");
    }
}

#[test]
fn a_host_field_takes_the_place_of_the_host() {
    for host in ["", "a b", "a/b", "a@b", "a#", "a,b"] {
        let fields = [("host", host)];
        let refused = handshake().fields(&fields).map(drop);
        assert_eq!(refused, Err(Misuse::InvalidHost), "{host:?}");
    }
    let twice = [("Host", "a"), ("host", "b")];
    let refused = handshake().fields(&twice).map(drop);
    assert_eq!(refused, Err(Misuse::InvalidHost));
    let request = handshake().fields(&[("X", "y"), ("HOST", "other.example:81")]);
    let request = request.expect("a host").to_string();
    assert_eq!(request.matches("ost: ").count(), 1, "{request}");
    assert!(
        request.contains("\r\nHost: other.example:81\r\n"),
        "{request}"
    );
}

#[test]
// req: 6455-4.1-36 6455-4.1-37
fn offers_and_fields_that_cannot_be_sent() {
    let offers: [&[&str]; 9] = [
        &[""],
        &["a b"],
        &["a,b"],
        &["a/b"],
        &["é"],
        &["a\r\nX: y"],
        &["a", "a"],
        &["a", "b", "a"],
        &["a", "\"b\""],
    ];
    for names in offers {
        let refused = handshake().subprotocols(names).map(drop);
        assert_eq!(refused, Err(Misuse::InvalidSubprotocol), "{names:?}");
    }
    let offered: [&[&str]; 4] = [
        &[],
        &["a"],
        &["a", "A"],
        &["v1.example.com", "!#$%&'*+-.^_`|~"],
    ];
    for names in offered {
        assert!(handshake().subprotocols(names).is_ok(), "{names:?}");
    }
    for origin in ["a\r\nX: y", "a\n", "\0", "é", "\x7f"] {
        let refused = handshake().origin(origin).map(drop);
        assert_eq!(refused, Err(Misuse::InvalidField), "{origin:?}");
    }
    let own = [
        "UPGRADE",
        "Connection",
        "Origin",
        "Content-Length",
        "Transfer-Encoding",
        "sec-websocket-key",
        "Sec-WebSocket-Version",
        "Sec-WebSocket-Protocol",
        "Sec-WebSocket-Extensions",
        "Sec-WebSocket-Accept",
    ];
    for name in own.into_iter().chain(["", "a b", "a:", "a\r\n", "é"]) {
        let fields = [("X", "good"), (name, "value")];
        let refused = handshake().fields(&fields).map(drop);
        assert_eq!(refused, Err(Misuse::InvalidField), "{name:?}");
    }
    for value in ["a\r\nY: z", "a\rb", "\n", "\0", "é", "\x1b[0m", "\x7f"] {
        let fields = [("X", value)];
        let refused = handshake().fields(&fields).map(drop);
        assert_eq!(refused, Err(Misuse::InvalidField), "{value:?}");
    }
}

const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

fn good_response() -> Head {
    Head::new("HTTP/1.1 101 Switching Protocols")
        .with("Upgrade", "websocket")
        .with("Connection", "Upgrade")
        .with("Sec-WebSocket-Accept", ACCEPT)
}

/// What a client that offered `chat` and `superchat` says to a response.
fn verify(bytes: &[u8]) -> Result<Option<String>, BadResponse> {
    let found = HeadReader::new().find(bytes, &HeadLimits::default())?;
    let range = found.expect("a whole head");
    let mut storage = [NO_FIELD; MAX_FIELDS];
    let response = ResponseHead::parse(&bytes[range], &mut storage)?;
    let handshake = handshake().subprotocols(&["chat", "superchat"]).unwrap();
    let Negotiated { subprotocol, .. } = handshake.verify(&response)?;
    Ok(subprotocol.map(str::to_owned))
}

#[test]
// req: 6455-4.1-41 6455-4.1-42 6455-4.1-43 6455-4.1-44
fn responses_that_agree() {
    let good = good_response;
    let (upgrade, connection) = ("Upgrade", "Connection");
    for response in [
        good(),
        good().first("HTTP/1.1 101 "),
        good().first("HTTP/1.1 101 anything else"),
        good().set(upgrade, "WebSocket"),
        good().set(upgrade, " WEBSOCKET\t"),
        good().set(connection, "keep-alive, uPGRADE"),
        good()
            .set(connection, "keep-alive")
            .with("connection", "upgrade"),
        good().set("Sec-WebSocket-Accept", format!("\t {ACCEPT} \t")),
        good()
            .with("Server", "x")
            .with("Date", "now")
            .with("X", b"\xff"),
    ] {
        let text = String::from_utf8_lossy(&response.bytes()).into_owned();
        assert_eq!(verify(&response.bytes()), Ok(None), "{text}");
    }
    let with = |name: &str| good().with("Sec-WebSocket-Protocol", name).bytes();
    assert_eq!(verify(&with("chat")), Ok(Some("chat".into())));
    assert_eq!(verify(&with("superchat")), Ok(Some("superchat".into())));
}

/// One fault each: the first line, and the fields of the upgrade.
fn broken_heads() -> Vec<(BadResponse, Head)> {
    use BadResponse as R;
    let good = good_response;
    let mut rows = vec![
        (R::HttpVersion, good().first("HTTP/1.0 101 Switching")),
        (R::MalformedHead, good().first("HTTP/2 101 Switching")),
        (R::MalformedHead, good().first("HTTP/1.1 1O1 Switching")),
        (R::MalformedHead, good().first("GET / HTTP/1.1")),
        (R::MalformedHead, good().with("X ", "y")),
        (R::MalformedHead, good().with("X", "a\0b")),
        (R::MalformedHead, good().with("X", "folded\r\n line")),
        (R::UpgradeMissing, good().without("Upgrade")),
        (R::UpgradeMissing, good().set("Upgrade", "h2c")),
        (R::UpgradeMissing, good().set("Upgrade", "h2c, websocket")),
        (R::UpgradeMissing, good().with("Upgrade", "websocket")),
        (R::ConnectionMissing, good().without("Connection")),
        (R::ConnectionMissing, good().set("Connection", "close")),
        (R::ConnectionMissing, good().set("Connection", "a Upgrade")),
    ];
    for status in [100, 200, 204, 301, 302, 400, 401, 404, 426, 500] {
        let line = format!("HTTP/1.1 {status} Reason");
        rows.push((R::UnexpectedStatus, good().first(line)));
    }
    rows
}

/// One fault each: the key, the extensions, the subprotocol.
fn broken_terms() -> Vec<(BadResponse, Head)> {
    use BadResponse as R;
    let good = good_response;
    let (accept, protocol) = ("Sec-WebSocket-Accept", "Sec-WebSocket-Protocol");
    let offer = |value: &str| good().with("Sec-WebSocket-Extensions", value);
    // The answer to sixteen zeros.
    let other = "ICX+Yqv66kxgM0FcWaLWlFLwTAI=";
    let two = offer("foo").with("Sec-WebSocket-Extensions", "bar");
    vec![
        (R::AcceptMismatch, good().without(accept)),
        (R::AcceptMismatch, good().set(accept, "")),
        (R::AcceptMismatch, good().set(accept, ACCEPT.to_lowercase())),
        (R::AcceptMismatch, good().set(accept, &ACCEPT[..27])),
        (R::AcceptMismatch, good().set(accept, other)),
        (R::AcceptMismatch, good().with(accept, ACCEPT)),
        (R::ExtensionNotOffered, offer("permessage-deflate")),
        (R::ExtensionNotOffered, offer("foo; bar=1")),
        (R::ExtensionNotOffered, two),
        (R::Extensions, offer("")),
        (R::Extensions, offer("foo;")),
        (R::SubprotocolNotOffered, good().with(protocol, "other")),
        (R::SubprotocolNotOffered, good().with(protocol, "Chat")),
        (R::SubprotocolNotOffered, good().with(protocol, "")),
        (R::SubprotocolNotOffered, good().with(protocol, b"\xff")),
        (R::SubprotocolNotOffered, good().with(protocol, "chat, a")),
        (
            R::SubprotocolNotOffered,
            good().with(protocol, "chat").with(protocol, "chat"),
        ),
    ]
}

#[test]
// req: 6455-4.1-41 6455-4.1-42 6455-4.1-43 6455-4.1-44 6455-4.1-45 6455-4.1-46 6455-4.1-47
// req: 6455-9.1-01 6455-9.1-06 6455-11.3.3-01 6455-11.3.4-02 6455-9.1-05
fn responses_that_are_broken() {
    let rows = [broken_heads(), broken_terms()].concat();
    for (refusal, response) in &rows {
        let text = String::from_utf8_lossy(&response.bytes()).into_owned();
        assert_eq!(verify(&response.bytes()), Err(*refusal), "{text:?}");
    }
    // Terms of compression have a table of their own, in `deflate_client`; what is wrong before
    // there is a head to verify, in `head` and in the tests of the client.
    let of_verify = BadResponse::ALL.iter().filter(|error| {
        let elsewhere = matches!(
            error,
            BadResponse::ExtensionTerms
                | BadResponse::MalformedHead
                | BadResponse::HeadTooLong
                | BadResponse::TooManyFields
                | BadResponse::StatusLineTooLong
                | BadResponse::TooManyInterim
        );
        !elsewhere
    });
    for error in of_verify {
        assert!(
            rows.iter().any(|row| row.0 == *error),
            "{error:?} has no row"
        );
    }
}

/// Nothing was offered, so nothing can be chosen.
#[test]
// req: 6455-4.1-46
fn a_subprotocol_for_a_client_that_offered_none() {
    let bytes = good_response()
        .with("Sec-WebSocket-Protocol", "chat")
        .bytes();
    let mut storage = [NO_FIELD; MAX_FIELDS];
    let response = ResponseHead::parse(&bytes, &mut storage).unwrap();
    assert_eq!(
        handshake().verify(&response),
        Err(BadResponse::SubprotocolNotOffered)
    );
}

/// The frames after the head of the response belong to the connection.
#[test]
fn frames_after_the_response_are_left_alone() {
    let head = good_response().bytes();
    let bytes = [&head[..], b"\x81\x05Hello"].concat();
    let found = HeadReader::new().find(&bytes, &HeadLimits::default());
    assert_eq!(found, Ok(Some(0..head.len())));
}

/// A client of this crate and a server of this crate understand each other.
#[test]
// req: 6455-4.2.2-01 6455-4.2.2-08 6455-4.2.2-12 6455-4.1-41
fn client_and_server() {
    let mut rng = Rng::new(42);
    for (supported, expected) in [
        (&["superchat"][..], Some("superchat")),
        (&["chat", "superchat"], Some("chat")),
        (&["other"], None),
        (&[], None),
    ] {
        let offered = ["chat", "superchat"];
        let client = ClientHandshake::new("h:8080", "/p?q", &mut rng).unwrap();
        let client = client.origin("http://h:8080").unwrap();
        let client = client.subprotocols(&offered).unwrap();
        let response = read(client.to_string().as_bytes(), |opening| {
            assert_eq!((opening.host, opening.head.path()), ("h:8080", "/p"));
            assert_eq!(opening.origin, Some("http://h:8080"));
            opening.accept(opening.choose(supported)).to_string()
        });
        let response = response.expect("a good request");
        let mut storage = [NO_FIELD; MAX_FIELDS];
        let response = ResponseHead::parse(response.as_bytes(), &mut storage).unwrap();
        let agreed = client.verify(&response).expect("a good response");
        assert_eq!(agreed.subprotocol, expected);
        // The answer to another key is not taken.
        let other = ClientHandshake::new("h:8080", "/p?q", &mut rng).unwrap();
        assert_eq!(other.verify(&response), Err(BadResponse::AcceptMismatch));
    }
}
