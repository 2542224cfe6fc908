//! What is explained agrees with the library, and nothing that comes in makes it stumble.

use super::*;
use crate::cli::tools::inspect::args::Form;
use crate::cli::tools::inspect::{html, input, text};
use proptest::prelude::*;
use wirebell::{Connection, Event, Limits, Mask, Outbox, Role, Violation};

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .bytes()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(pair).collect()
}

fn explain(bytes: &[u8], from: Side, deflate: Option<&str>) -> Report {
    let input = input::parse(bytes.to_vec(), Some(Form::Raw), Some(from)).unwrap();
    report(input, deflate.map(|deflate| terms(deflate).unwrap()), 1000)
}

fn items(bytes: &[u8], from: Side, deflate: Option<&str>) -> Vec<Item> {
    explain(bytes, from, deflate).connections.remove(0).items
}

/// The rules that a server breaks with these bytes.
fn broken(bytes: &str) -> Vec<String> {
    let items = items(&hex(bytes), Side::Server, None);
    let findings = items.into_iter().flat_map(|item| item.violations);
    findings.map(|finding| finding.rule.into_owned()).collect()
}

#[test]
fn each_rule_of_frames_is_found_and_the_rest_is_read() {
    let rows: [(&str, &[Violation]); 16] = [
        ("9100", &[Violation::ReservedBit]),
        ("c100", &[Violation::ReservedBit]),
        ("8b00", &[Violation::ReservedOpcode]),
        ("0900", &[Violation::FragmentedControl]),
        ("8180 00000000", &[Violation::MaskedFrame]),
        (
            "897e 0000",
            &[Violation::OversizedControl, Violation::NonMinimalLength],
        ),
        ("827e 0001 00", &[Violation::NonMinimalLength]),
        ("827f 0000000000000001 00", &[Violation::NonMinimalLength]),
        ("827f 8000000000000000 00", &[Violation::LengthTopBit]),
        ("8000", &[Violation::UnexpectedContinuation]),
        ("0100 8100", &[Violation::InterleavedMessage]),
        ("8801 03", &[Violation::CloseBodyCutShort]),
        ("8802 03ed", &[Violation::InvalidCloseCode]),
        ("8803 03e8 ff", &[Violation::CloseReasonNotUtf8]),
        ("8101 ff", &[Violation::InvalidUtf8]),
        ("0101 ce 8000", &[Violation::InvalidUtf8]),
    ];
    for (bytes, expected) in rows {
        let expected: Vec<&str> = expected.iter().map(|violation| violation.text()).collect();
        assert_eq!(broken(bytes), expected, "{bytes}");
        // The frame after it is explained all the same.
        if !bytes.starts_with("88") && !bytes.starts_with("827f 8") {
            let both = broken(&format!("{bytes} 8100 8b00"));
            assert_eq!(both.len(), expected.len() + 1, "{bytes}: {both:?}");
        }
    }
    let client = items(&hex("8100"), Side::Client, None);
    assert_eq!(
        client[0].violations[0].rule,
        Violation::UnmaskedFrame.text()
    );
    assert_eq!(client[0].violations[0].close_code, Some(1002));
}

#[test]
fn a_frame_after_a_close() {
    assert_eq!(broken("8800 8100"), ["a frame after Close"]);
    assert_eq!(broken("8800 8900").len(), 0);
}

#[test]
fn the_examples_of_compression() {
    let hello = "f248cdc9c90700";
    for bytes in [
        format!("c107{hello}"),
        "4103f248cd 8004c9c90700".into(),
        "c10b000500faff48656c6c6f00".into(),
        "c108f348cdc9c9070000".into(),
        "c10df24805000000ffffcac9c90700".into(),
    ] {
        let items = items(&hex(&bytes), Side::Server, Some("permessage-deflate"));
        let message = items.last().unwrap().message.as_ref().unwrap();
        assert_eq!(message.text.as_deref(), Some("Hello"), "{bytes}");
        assert!(
            items.iter().all(|item| item.violations.is_empty()),
            "{bytes}"
        );
    }
    let twice = hex(&format!("c107{hello} c105f200110000"));
    let good = items(&twice, Side::Server, Some("permessage-deflate"));
    assert_eq!(
        good[1].message.as_ref().unwrap().text.as_deref(),
        Some("Hello")
    );
    let terms = "permessage-deflate; server_no_context_takeover";
    let bad = items(&twice, Side::Server, Some(terms));
    assert_eq!(bad[1].violations[0].rule, Violation::CorruptDeflate.text());
}

#[test]
fn a_bomb_is_bounded() {
    let mut packed = Vec::new();
    let settings = wirebell::deflate::Settings::DEFAULT;
    let budget = wirebell::deflate::Budget::new(settings.budget);
    let mut pool = wirebell::deflate::Pool::new(settings, budget);
    let len = pool
        .compress_alone(15, &vec![0; 20 * 1024 * 1024], &mut packed)
        .unwrap();
    let mut bytes = vec![0xC2, 126];
    bytes.extend_from_slice(&u16::try_from(len).unwrap().to_be_bytes());
    bytes.extend_from_slice(&packed[..len]);
    let items = items(&bytes, Side::Server, Some("permessage-deflate"));
    assert!(items[0].message.is_none() && items[0].violations.is_empty());
    assert!(
        items[0].hints[0].contains("too large to be inflated"),
        "{:?}",
        items[0].hints
    );
}

const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

#[test]
fn handshakes() {
    let good = format!(
        "GET /chat HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n"
    );
    let count = |text: &str| {
        let items = items(text.as_bytes(), Side::Client, None);
        assert!(!items[0].fields.is_empty(), "{text}");
        items[0].violations.len()
    };
    assert_eq!(count(&good), 0);
    for (from, to) in [
        ("GET", "POST"),
        ("1.1", "1.0"),
        ("Host: a\r\n", ""),
        ("Upgrade: websocket", "Upgrade: h2c"),
        ("Connection: Upgrade", "Connection: close"),
        ("==", ""),
        ("13", "8"),
        ("13\r\n", "13\r\nSec-WebSocket-Extensions: ;\r\n"),
    ] {
        assert_eq!(count(&good.replacen(from, to, 1)), 1, "{from}");
    }
    assert_eq!(count("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), 0, "plain HTTP");
    let both = good.replace("GET", "POST").replace("13", "8");
    assert_eq!(count(&both), 2, "does not stop at the first");
}

#[test]
fn answers() {
    let head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
    let req = RequestInfo {
        upgrade: true,
        key: Some(KEY.into()),
        extensions: vec!["permessage-deflate".into()],
        ..RequestInfo::default()
    };
    let count = |rest: &str| {
        let head = format!("{head}{rest}\r\n");
        head::read(head.as_bytes(), Side::Server, Some(&req))
            .findings
            .len()
    };
    let accept = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";
    assert_eq!(count(accept), 0);
    assert_eq!(count(""), 1);
    assert_eq!(count(&accept.replace("s3", "S3")), 1);
    assert_eq!(count(&format!("{accept}Sec-WebSocket-Protocol: x\r\n")), 1);
    let extensions = |list: &str| format!("{accept}Sec-WebSocket-Extensions: {list}\r\n");
    assert_eq!(count(&extensions("permessage-deflate")), 0);
    assert_eq!(
        count(&extensions("permessage-deflate; server_max_window_bits=7")),
        1
    );
    assert_eq!(count(&extensions("x-other")), 1);
}

/// What fails a connection that gets these bytes; `Err` if it is closed before.
fn library(bytes: &[u8], from: Side) -> Result<Option<Violation>, ()> {
    let limits = Limits::DEFAULT
        .frame_bytes(u64::MAX)
        .message_bytes(u64::MAX)
        .fragments(u32::MAX);
    let role = match from {
        Side::Client => Role::Server,
        Side::Server => Role::Client,
    };
    let mut connection = Connection::new(role, &limits, 0);
    let mut bytes = bytes.to_vec();
    let mut rest = &mut bytes[..];
    while !rest.is_empty() {
        let received = connection.receive(rest, &mut Outbox::new());
        let consumed = received.consumed;
        match received.event {
            Some(Event::Failed(violation)) => return Ok(Some(violation)),
            Some(Event::Close(_)) => return Err(()),
            None if consumed == 0 => break,
            _ => {}
        }
        rest = &mut rest[consumed..];
    }
    Ok(None)
}

/// The first rule that we find, up to a Close.
fn ours(bytes: &[u8], from: Side) -> Result<Option<String>, ()> {
    for item in items(bytes, from, None) {
        if let Some(finding) = item.violations.into_iter().next() {
            return Ok(Some(finding.rule.into_owned()));
        }
        if item.close.is_some() {
            return Err(());
        }
    }
    Ok(None)
}

/// Frames that are mostly right.
fn frames() -> impl Strategy<Value = Vec<u8>> {
    let first = prop_oneof![
        8 => prop::sample::select(vec![0x81, 0x82, 0x01, 0x02, 0x00, 0x80, 0x88, 0x89, 0x8A]),
        1 => any::<u8>(),
    ];
    let payload = prop_oneof![
        3 => "[a-zé€]{0,40}".prop_map(String::into_bytes),
        1 => prop::collection::vec(any::<u8>(), 0..140),
    ];
    let frame = (
        first,
        payload,
        any::<[u8; 4]>(),
        prop::bool::weighted(0.1),
        0..20u8,
    );
    let frame = frame.prop_map(|(first, mut payload, key, flip, form)| {
        let length = payload.len() as u8;
        Mask::new(key).apply(&mut payload);
        let mask = if flip { 0 } else { 0x80 };
        let mut bytes = match (form, length) {
            (0, _) | (_, 126..) => vec![first, mask | 126, 0, length],
            (1, _) => vec![first, mask | 127, 0, 0, 0, 0, 0, 0, 0, length],
            _ => vec![first, mask | length],
        };
        if !flip {
            bytes.extend_from_slice(&key);
        }
        bytes.extend_from_slice(&payload);
        bytes
    });
    (prop::collection::vec(frame, 1..8), 0..6usize).prop_map(|(frames, cut)| {
        let mut bytes = frames.concat();
        bytes.truncate(bytes.len().saturating_sub(cut).max(1));
        bytes
    })
}

fn print_all(report: &Report) {
    for most in [0, 1, 256] {
        text::print(report, most, true);
        html::print(report, most);
    }
    serde_json::to_string(report).unwrap();
}

proptest! {
    #[test]
    fn the_first_rule_is_that_of_the_library(bytes in frames(), server in any::<bool>()) {
        let from = if server { Side::Server } else { Side::Client };
        let expected = library(&bytes, from).map(|v| v.map(|v| v.text().to_owned()));
        prop_assert_eq!(ours(&bytes, from), expected);
    }

    #[test]
    fn any_bytes_can_be_printed(
        bytes in prop_oneof![frames(), prop::collection::vec(any::<u8>(), 1..400)],
        server in any::<bool>(),
        deflate in any::<bool>(),
    ) {
        let from = if server { Side::Server } else { Side::Client };
        print_all(&explain(&bytes, from, deflate.then_some("permessage-deflate")));
        if let Ok(input) = input::parse(bytes, None, None) {
            print_all(&report(input, None, 3));
        }
    }

    #[test]
    fn any_head_can_be_printed(
        head in "(GET|HTTP/1.1) [ -~\u{e9}]{0,40}\r\n([A-Za-z-]{1,24}:? ?[ -~]{0,9}\r\n){0,4}",
        whole in any::<bool>(),
        server in any::<bool>(),
    ) {
        let from = if server { Side::Server } else { Side::Client };
        let head = head + if whole { "\r\n" } else { "" };
        print_all(&explain(head.as_bytes(), from, None));
    }
}

/// Frames after all that may stand before a handshake; both directions as one hex text.
fn talk(client: &[u8], server: &[u8]) -> Report {
    let hex = |bytes: &[u8]| crate::cli::tools::common::terminal::hex(bytes);
    let text = format!("> {}\n< {}\n", hex(client), hex(server));
    report(
        input::parse(text.into_bytes(), None, None).unwrap(),
        None,
        1000,
    )
}

const ASK: &str = "GET /chat HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
const AGREE: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
     Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

#[test]
fn http_before_the_handshake_is_passed_over() {
    let rows = [
        ("", ""),
        ("\r\n\r\n", ""),
        (
            "",
            "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 x\r\n\r\n",
        ),
        (
            "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n",
        ),
        (
            "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "HTTP/1.1 204 x\r\n\r\nHTTP/1.1 304 x\r\nContent-Length: 9\r\n\r\n",
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\
             \r\n3;x=y\r\nabc\r\n0\r\nTrailer: 1\r\n\r\n\r\n",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\
             \r\na\r\n0123456789\r\n0\r\n\r\n",
        ),
        (
            "PROXY TCP6 ::1 ::1 5000 80\r\nPOST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\
             \r\nab",
            "HTTP/1.1 404 x\r\nContent-Length: 1\r\n\r\n!",
        ),
        ("\r\n\r\n\0\r\nQUIT\n\u{21}\u{11}\0\u{c}0123456789ab", ""),
        ("PROXY UNKNOWN\r\n\r\n\r\n\0\r\nQUIT\n\u{20}\0\0\0", ""),
        (
            "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\nCONNECT a:80 HTTP/1.0\r\n\r\n",
            "HTTP/1.1 407 x\r\nContent-Length: 1\r\n\r\n!HTTP/1.0 200 x\r\n\r\n",
        ),
    ];
    for (before, answered) in rows {
        let client = [
            before.as_bytes(),
            ASK.as_bytes(),
            b"\x81\x80\x01\x02\x03\x04",
        ]
        .concat();
        let server = [answered.as_bytes(), AGREE.as_bytes(), b"\x81\x02ok"].concat();
        let report = talk(&client, &server);
        let connection = &report.connections[0];
        let frames: Vec<_> = connection.directions.iter().map(|way| way.frames).collect();
        let titles: Vec<_> = connection.items.iter().map(|item| &item.title).collect();
        assert_eq!(
            (report.violations, &*frames),
            (0, &[1, 1][..]),
            "{before}: {titles:?}"
        );
    }
}

#[test]
fn a_connection_that_goes_on_with_another_protocol() {
    let opening = "POST /exec HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n";
    let docker = "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n\r\n/ # ";
    let h2c = "HTTP/1.1 101 x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n\0\0\0\u{4}";
    for (client, server, part) in [
        (opening, docker, "switches to tcp"),
        (&opening.replace("tcp", "h2c"), h2c, "switches to h2c"),
        (opening, "HTTP/1.1 101 x\r\n\r\nx", "does not name"),
        ("GET /old\r\n", "<p>", "HTTP/0.9"),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\0", "HTTP/2"),
        ("SSH-2.0-x\r\n", "SSH-2.0-y\r\n", "SSH"),
        ("PROXY UNKNOWN\r\n\u{16}\u{3}\u{1}\0\u{5}", "", "TLS"),
        ("\u{17}\u{3}\u{3}\0\u{5}", "", "TLS"),
        ("NICK a\r\nGET x\r\n\r\n", "", "not"),
        ("EHLO a\r\n", "220 a ESMTP\r\n250 ok\r\n", "SMTP"),
        (
            "\u{10}\u{c}\0\u{4}MQTT\u{4}\u{2}\0<\0\0",
            " \u{2}\0\0",
            "MQTT",
        ),
        (ASK, "\u{15}\u{3}\u{1}\0\u{2}\u{2}F", "TLS"),
    ] {
        let report = talk(client.as_bytes(), server.as_bytes());
        let json = serde_json::to_string(&report).unwrap();
        assert!(
            report.violations == 0 && json.contains(part),
            "{part}: {json}"
        );
        let frames = report.connections[0]
            .directions
            .iter()
            .map(|way| way.frames);
        assert_eq!(frames.sum::<usize>(), 0, "{part}");
    }
}

#[test]
fn after_a_broken_request_nothing_else_is_blamed() {
    let report = talk(ASK.replace("\r\n", "\n").as_bytes(), AGREE.as_bytes());
    let json = serde_json::to_string(&report).unwrap();
    assert_eq!(report.violations, 1, "{json}");
    assert!(
        json.contains("the request before it cannot be parsed"),
        "{json}"
    );
}

#[test]
fn reserved_bits_of_an_extension_that_is_not_known() {
    let name = "x-webkit-deflate-frame";
    let field = format!("Sec-WebSocket-Extensions: {name}\r\n\r\n");
    let with = |head: &str| head.strip_suffix("\r\n").unwrap().to_owned() + &field;
    let client = [with(ASK).as_bytes(), b"\xC1\x81\0\0\0\0\xFF"].concat();
    let server = [with(AGREE).as_bytes(), b"\xC1\x01\xFF\xA2\x00"].concat();
    let report = talk(&client, &server);
    let items = &report.connections[0].items;
    assert_eq!(report.violations, 0, "{items:?}");
    let named = |item: &&Item| item.hints.iter().any(|hint| hint.contains(name));
    assert_eq!(items.iter().filter(named).count(), 4);
    // It must have been offered.
    let unsolicited = talk(ASK.as_bytes(), with(AGREE).as_bytes());
    assert_eq!(unsolicited.violations, 1);
    // Without a handshake the bit is a broken rule, and it is said what it may be.
    let alone = items_of(b"\xC1\x00");
    assert!(alone[0].hints[0].contains("--deflate"), "{alone:?}");
}

fn items_of(bytes: &[u8]) -> Vec<Item> {
    items(bytes, Side::Server, None)
}
