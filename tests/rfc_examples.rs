//! The examples that RFC 6455 itself prints: sections 1.2, 1.3, 4.1, 5.4, 5.7 and 9.1.

use crate::support::Rng;
use crate::support::driver::{Driver, Seen, Transcript, run_whole};
use crate::support::hex;
use wirebell::handshake::{Extensions, UpgradeRequest, accept_key};
use wirebell::http::{Field, RequestHead};
use wirebell::wire::NoEntropy;
use wirebell::{Connection, Limits, MessageKind, Outbox, Role, State};

/// Section 1.2, the client's handshake.
const REQUEST: &[u8] = b"GET /chat HTTP/1.1\r\n\
    Host: server.example.com\r\n\
    Upgrade: websocket\r\n\
    Connection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Origin: http://example.com\r\n\
    Sec-WebSocket-Protocol: chat, superchat\r\n\
    Sec-WebSocket-Version: 13\r\n\r\n";

/// Section 1.2, the server's handshake.
const RESPONSE: &str = "HTTP/1.1 101 Switching Protocols\r\n\
    Upgrade: websocket\r\n\
    Connection: Upgrade\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\
    Sec-WebSocket-Protocol: chat\r\n\r\n";

#[test]
// req: 6455-4.2.2-01 6455-4.2.2-08 6455-4.2.2-12
fn section_1_2_the_opening_handshake() {
    let mut storage = [Field {
        name: "",
        value: b"",
    }; 16];
    let head = RequestHead::parse(REQUEST, &mut storage).expect("a head");
    let opening = UpgradeRequest::read(head).expect("a handshake");
    assert_eq!(head.path(), "/chat");
    assert_eq!(opening.host, "server.example.com");
    assert_eq!(opening.origin, Some("http://example.com"));
    let offered: Vec<_> = opening
        .subprotocols()
        .map(|offered| offered.name())
        .collect();
    assert_eq!(offered, ["chat", "superchat"]);
    let chosen = opening.choose(&["chat"]);
    assert_eq!(opening.accept(chosen).to_string(), RESPONSE);
}

#[test]
fn section_1_3_the_accept_key() {
    let answer = accept_key("dGhlIHNhbXBsZSBub25jZQ==");
    assert_eq!(answer.as_str(), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

/// The RFC prints the pad bits wrong (erratum 3150); a server takes the key all the same.
#[test]
fn section_4_1_the_key_of_the_bytes_from_1_to_16() {
    let request = String::from_utf8_lossy(REQUEST);
    for key in ["AQIDBAUGBwgJCgsMDQ4PEC==", "AQIDBAUGBwgJCgsMDQ4PEA=="] {
        let request = request.replace("dGhlIHNhbXBsZSBub25jZQ==", key);
        let mut storage = [Field {
            name: "",
            value: b"",
        }; 16];
        let head = RequestHead::parse(request.as_bytes(), &mut storage).expect("a head");
        assert!(UpgradeRequest::read(head).is_ok(), "{key}");
    }
}

fn seen(role: Role, bytes: &[u8]) -> Vec<Seen> {
    let transcript = run_whole(role, bytes);
    assert_eq!(transcript.state, State::Open);
    transcript.seen
}

#[test]
// req: 6455-6.2-07 6455-5.4-07
fn section_5_7_an_unmasked_and_a_masked_hello() {
    let hello = [Seen::Text("Hello".into())];
    assert_eq!(seen(Role::Client, &hex("81 05 48656c6c6f")), hello);
    assert_eq!(seen(Role::Server, &hex("81 85 37fa213d 7f9f4d5158")), hello);
}

#[test]
// req: 6455-5.4-03 6455-5.4-07
fn section_5_7_a_fragmented_hello() {
    let bytes = hex("01 03 48656c  80 02 6c6f");
    assert_eq!(seen(Role::Client, &bytes), [Seen::Text("Hello".into())]);
}

#[test]
// req: 6455-5.5.2-02
fn section_5_7_a_ping_and_its_pong() {
    let transcript = run_whole(Role::Client, &hex("89 05 48656c6c6f"));
    assert_eq!(transcript.seen, [Seen::Ping(b"Hello".to_vec())]);
    let frames = transcript.frames();
    assert_eq!(
        (frames[0].first, &frames[0].payload[..]),
        (0x8A, &b"Hello"[..])
    );
    assert!(frames[0].key.is_some());

    // Towards a server the same Ping is masked; its Pong is not.
    let transcript = run_whole(Role::Server, &hex("89 85 37fa213d 7f9f4d5158"));
    assert_eq!(transcript.sent, hex("8a 05 48656c6c6f"));

    let pong = hex("8a 85 37fa213d 7f9f4d5158");
    assert_eq!(seen(Role::Server, &pong), [Seen::Pong(b"Hello".to_vec())]);
}

#[test]
// req: 6455-5.2-06
fn section_5_7_binary_of_256_bytes_and_of_64_kib() {
    for (header, length) in [("82 7e 0100", 256), ("82 7f 0000000000010000", 65536)] {
        let payload = Rng::new(57).bytes(length);
        let bytes = [hex(header), payload.clone()].concat();
        assert_eq!(seen(Role::Client, &bytes), [Seen::Binary(payload)]);

        let mut server = Connection::new(Role::Server, &Limits::default(), 0);
        let begun = server.begin(MessageKind::Binary, length as u64, true, &mut NoEntropy);
        let (sent, mask) = begun.expect("open");
        assert_eq!(sent.as_bytes(), hex(header));
        assert_eq!(mask, None);
    }
}

#[test]
// req: 6455-6.1-04 6455-6.1-06 6455-6.1-07
fn section_5_7_sent_by_a_server() {
    let mut server = Connection::new(Role::Server, &Limits::default(), 0);
    let mut frame = |len, last| {
        let begun = server.begin(MessageKind::Text, len, last, &mut NoEntropy);
        begun.expect("open").0.as_bytes().to_vec()
    };
    assert_eq!(frame(5, true), hex("81 05"));
    assert_eq!(frame(3, false), hex("01 03"));
    assert_eq!(frame(2, true), hex("80 02"));
}

/// The key of the RFC's masked examples.
struct PrintedKey;

impl wirebell::wire::Entropy for PrintedKey {
    fn fill(&mut self, bytes: &mut [u8]) {
        bytes.copy_from_slice(&[0x37, 0xFA, 0x21, 0x3D]);
    }
}

#[test]
// req: 6455-5.3-01 6455-6.1-08 6455-5.1-01
fn section_5_7_a_masked_hello_and_ping_sent_by_a_client() {
    let mut client = Connection::new(Role::Client, &Limits::default(), 0);
    let begun = client.begin(MessageKind::Text, 5, true, &mut PrintedKey);
    let (header, mask) = begun.expect("open");
    let mut payload = *b"Hello";
    mask.expect("a client masks").apply(&mut payload);
    assert_eq!(
        [&header[..], &payload].concat(),
        hex("81 85 37fa213d 7f9f4d5158")
    );

    let (mut outbox, mut out) = (Outbox::new(), [0; 64]);
    client.ping(b"Hello", &mut outbox).expect("open");
    let len = client.transmit(&mut outbox, &mut out, &mut PrintedKey);
    assert_eq!(out[..len], hex("89 85 37fa213d 7f9f4d5158"));
}

/// "A text message sent as three fragments": 0x1 without FIN, 0x0 without FIN, 0x0 with FIN.
#[test]
// req: 6455-5.4-03 6455-5.4-07 6455-6.2-03
fn section_5_4_three_fragments() {
    let mut driver = Driver::new(Role::Client, &Limits::default());
    for fragment in ["01 01 61", "00 01 62", "80 01 63"] {
        assert_eq!(driver.seen, []);
        driver.feed(&hex(fragment));
    }
    let expected = Transcript {
        seen: vec![Seen::Text("abc".into())],
        sent: Vec::new(),
        state: State::Open,
    };
    assert_eq!(driver.transcript(), expected);
}

/// Section 9.1: the examples of the field, and that lines may be split and combined.
#[test]
// req: 6455-9.1-01
fn section_9_1_extensions() {
    let names = |lines: &[&str]| {
        let lines = lines
            .iter()
            .map(|line| format!("Sec-WebSocket-Extensions: {line}\r\n"));
        let head = format!("GET / HTTP/1.1\r\n{}\r\n", lines.collect::<String>());
        let mut storage = [Field {
            name: "",
            value: b"",
        }; 16];
        let head = RequestHead::parse(head.as_bytes(), &mut storage).expect("a head");
        let extensions = Extensions::parse(head.fields).expect("the RFC's own example");
        let described = extensions.iter().map(|extension| {
            let params = extension.params();
            let params = params.map(|param| format!(";{}={:?}", param.name, param.value));
            format!("{}{}", extension.name, params.collect::<String>())
        });
        described.collect::<Vec<_>>()
    };
    assert_eq!(names(&["foo"]), ["foo"]);
    assert_eq!(names(&["bar; baz=2"]), ["bar;baz=Some(\"2\")"]);
    let combined = names(&["foo, bar; baz=2"]);
    assert_eq!(combined, ["foo", "bar;baz=Some(\"2\")"]);
    assert_eq!(names(&["foo", "bar; baz=2"]), combined);
    assert_eq!(names(&["deflate-stream"]), ["deflate-stream"]);
    assert_eq!(
        names(&["mux; max-channels=4; flow-control, deflate-stream"]),
        [
            "mux;max-channels=Some(\"4\");flow-control=None",
            "deflate-stream"
        ]
    );
    assert_eq!(names(&["private-extension"]), ["private-extension"]);
}
