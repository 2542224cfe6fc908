//! The opening handshake as the server sees it, and each way in which its 101 can be wrong.

use crate::net_support::MOMENT;
use crate::net_support::scripted::{Server, field, silent, switch};
use crate::support::frames::{text, wire};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::collections::BTreeSet;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;
use wirebell::client::{Client, Endpoint, Error, Options};
use wirebell::{BadResponse, Message, Misuse, Role, client};

fn pairs(fields: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = fields.iter().map(|(n, v)| ((*n).into(), (*v).into()));
    owned.collect()
}

#[test]
// req: 6455-4.1-02 6455-4.1-18
fn the_request_is_the_first_that_comes() {
    let server = Server::once(|peer| {
        let head = peer.head();
        let key = field(&head, "Sec-WebSocket-Key").unwrap();
        let host = field(&head, "Host").unwrap();
        assert!(host.starts_with("127.0.0.1:"));
        let expected = format!(
            "GET /chat?room=%C3%BC HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\n\
             Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\
             Origin: http://example.com\r\nSec-WebSocket-Protocol: chat, superchat\r\n\
             Authorization: Bearer xyz\r\nCookie: a=b\r\n\r\n"
        );
        assert_eq!(head, expected);
        peer.send(switch(&head, "Sec-WebSocket-Protocol: superchat\r\n"));
        peer.expect_gone();
    });
    let options = Options::default()
        .fields(pairs(&[("Authorization", "Bearer xyz"), ("Cookie", "a=b")]))
        .origin(Some("http://example.com".into()))
        .subprotocols(vec!["chat".into(), "superchat".into()]);
    let client = Client::connect(&format!("{}chat?room=ü", server.uri()), options).unwrap();
    assert_eq!(client.subprotocol(), Some("superchat"));
    assert_eq!(client.peer_addr().unwrap(), server.address());
    drop(client);
    server.finish();
}

#[test]
// req: 6455-4.1-29 6455-4.1-30
fn each_connection_has_a_key_of_its_own() {
    let (sender, keys) = channel();
    let server = Server::each(move |_, peer| {
        let head = peer.open();
        let key = field(&head, "Sec-WebSocket-Key").unwrap();
        sender.send(key.to_owned()).unwrap();
    });
    let endpoint = Endpoint::resolve(&server.uri(), Options::default()).unwrap();
    assert_eq!(endpoint.addresses(), [server.address()]);
    for _ in 0..50 {
        Client::open(&endpoint).unwrap();
    }
    server.finish();
    let keys: BTreeSet<_> = keys.iter().collect();
    assert_eq!(keys.len(), 50);
    for key in keys {
        assert_eq!(STANDARD.decode(&key).unwrap().len(), 16, "{key}");
    }
}

#[test]
fn what_cannot_be_sent_opens_no_connection() {
    let server = Server::each(|_, peer| drop(peer.open()));
    let with_field = |name, value| Options::default().fields(pairs(&[(name, value)]));
    let with_subprotocols = |names: &[&str]| {
        Options::default().subprotocols(names.iter().map(|name| (*name).to_owned()).collect())
    };
    let with_origin = |origin: &str| Options::default().origin(Some(origin.to_owned()));
    let rows = [
        (with_field("Host", "h i"), Misuse::InvalidHost),
        (with_field("Upgrade", "h"), Misuse::InvalidField),
        (with_field("X", "a\r\nY: b"), Misuse::InvalidField),
        (with_field("a b", "c"), Misuse::InvalidField),
        (with_field("sec-websocket-key", "c"), Misuse::InvalidField),
        (with_origin("a\nb"), Misuse::InvalidField),
        (with_subprotocols(&["a b"]), Misuse::InvalidSubprotocol),
        (with_subprotocols(&["a", "a"]), Misuse::InvalidSubprotocol),
    ];
    for (options, expected) in rows {
        match Client::connect(&server.uri(), options) {
            Err(Error::Misuse(misuse)) => assert_eq!(misuse, expected),
            other => panic!("{expected:?}: {other:?}"),
        }
    }
    Client::connect(&server.uri(), Options::default()).unwrap();
    assert_eq!(server.accepted(), 1);
    server.finish();
}

#[test]
// req: 6455-4.1-40
fn nothing_follows_the_request_before_the_answer() {
    let server = Server::once(|peer| {
        let head = peer.head();
        peer.expect_silence(Duration::from_millis(100));
        // The answer and the first message in one packet.
        let first = wire(Role::Client, &[text("first"), text("second")]);
        peer.send([switch(&head, "").into_bytes(), first].concat());
        peer.expect(&text("now"));
        peer.expect_gone();
    });
    let mut client = Client::connect(&server.uri(), Options::default()).unwrap();
    client.send(Message::text("now")).unwrap();
    assert_eq!(client.receive().unwrap(), Some(Message::text("first")));
    assert_eq!(client.receive().unwrap(), Some(Message::text("second")));
    drop(client);
    server.finish();
}

#[test]
fn the_answer_may_come_byte_by_byte() {
    let server = Server::once(|peer| {
        let head = peer.head();
        let first = wire(Role::Client, &[text("first")]);
        for byte in [switch(&head, "").into_bytes(), first].concat() {
            peer.send([byte]);
            thread::sleep(MOMENT);
        }
        peer.expect_gone();
    });
    let mut client = Client::connect(&server.uri(), Options::default()).unwrap();
    assert_eq!(client.receive().unwrap(), Some(Message::text("first")));
    drop(client);
    server.finish();
}

type Change = fn(String) -> String;

/// What is wrong with an answer, and what makes it so.
const WRONG: [(BadResponse, Change); 14] = [
    (BadResponse::HttpVersion, |a| {
        a.replace("HTTP/1.1", "HTTP/1.0")
    }),
    (BadResponse::MalformedHead, |a| a.replace("\r\n", "\n")),
    (BadResponse::UpgradeMissing, |a| {
        a.replace("Upgrade: websocket\r\n", "")
    }),
    (BadResponse::UpgradeMissing, |a| {
        a.replace("websocket", "h2c")
    }),
    (BadResponse::ConnectionMissing, |a| {
        a.replace("Connection: Upgrade\r\n", "")
    }),
    (BadResponse::ConnectionMissing, |a| {
        a.replace(": Upgrade", ": close")
    }),
    (BadResponse::AcceptMismatch, |a| {
        a.replace("Accept: ", "Accept: x")
    }),
    (BadResponse::AcceptMismatch, |a| {
        a.replace("Sec-WebSocket-Accept", "X")
    }),
    (BadResponse::AcceptMismatch, |a| {
        let start = a.find("Sec-WebSocket-Accept").unwrap();
        format!("{}{}", &a[..a.len() - 2], &a[start..])
    }),
    (BadResponse::ExtensionNotOffered, |a| {
        a.replace("\r\n\r\n", "\r\nSec-WebSocket-Extensions: x-other\r\n\r\n")
    }),
    (BadResponse::Extensions, |a| {
        a.replace("\r\n\r\n", "\r\nSec-WebSocket-Extensions: ;\r\n\r\n")
    }),
    (BadResponse::SubprotocolNotOffered, |a| {
        a.replace("\r\n\r\n", "\r\nSec-WebSocket-Protocol: other\r\n\r\n")
    }),
    (BadResponse::SubprotocolNotOffered, |a| {
        a.replace("\r\n\r\n", "\r\nSec-WebSocket-Protocol: chat, chat\r\n\r\n")
    }),
    (BadResponse::TooManyFields, |a| {
        a.replace("\r\n\r\n", &format!("\r\n{}\r\n", "X: y\r\n".repeat(100)))
    }),
];

#[test]
// req: 6455-4.1-41 6455-4.1-42 6455-4.1-43 6455-4.1-44 6455-4.1-45 6455-4.1-46 6455-4.1-47
// req: 6455-7.2.1-01 6455-4.1-02
fn each_wrong_answer_ends_the_connection() {
    for (expected, change) in WRONG {
        let server = Server::once(move |peer| {
            let head = peer.head();
            peer.send(change(switch(&head, "")));
            // Nothing more is asked, and TCP ends.
            peer.expect_gone();
        });
        let options = Options::default().subprotocols(vec!["chat".into()]);
        match Client::connect(&server.uri(), options) {
            Err(error @ Error::BadResponse(refusal)) => {
                assert_eq!(refusal, expected);
                // It is the answer that is wrong, not our request.
                assert!(!error.to_string().contains("request"), "{error}");
            }
            other => panic!("{expected:?}: {:?}", other.err()),
        }
        server.finish();
    }
}

/// Known by the first bytes, without waiting for more, and named.
#[test]
fn a_peer_that_is_no_http_server_is_named_at_once() {
    for (greeting, part) in [
        ("SSH-2.0-OpenSSH_9.2p1\r\n", "SSH"),
        ("220 mail.example ESMTP\r\n", "mail"),
        ("\x15\x03\x03\0\x02\x02F", "TLS"),
        ("-ERR unknown command\r\n", "Redis"),
        (
            "HTTP/2.0 101 Switching Protocols\r\n\r\n",
            "version of HTTP",
        ),
        ("HELO there, whoever\r\n", "another protocol"),
        ("<html>here I am", "HTTP/0.9"),
    ] {
        let server = Server::once(move |peer| {
            peer.head();
            peer.send(greeting);
            peer.expect_gone(); // The connection would stay open for long.
        });
        let began = std::time::Instant::now();
        match Client::connect(&server.uri(), Options::default()).map(drop) {
            Err(error @ Error::NotHttp(_)) => {
                assert!(error.to_string().contains(part), "{greeting:?}: {error}");
            }
            other => panic!("{greeting:?}: {other:?}"),
        }
        assert!(began.elapsed() < Duration::from_secs(5), "{greeting:?}");
        server.finish();
    }
}

/// A refusal without a length on a connection that stays open is told after a grace for its body.
#[test]
fn a_refusal_without_a_length_is_not_waited_for() {
    let server = Server::once(|peer| {
        peer.head();
        peer.send("HTTP/1.1 401 No\r\nWWW-Authenticate: Basic\r\n\r\nwho are you?");
        peer.expect_gone();
    });
    let began = std::time::Instant::now();
    match Client::connect(&server.uri(), Options::default()).map(drop) {
        Err(Error::Answer(answer)) => {
            assert_eq!(
                (answer.status, &answer.body[..]),
                (401, &b"who are you?"[..])
            );
        }
        other => panic!("{other:?}"),
    }
    assert!(began.elapsed() < Duration::from_secs(6));
    server.finish();
}

#[test]
fn a_silent_address_leaves_time_for_the_next() {
    let (silent, _waiting, _socket) = silent();
    let server = Server::each(|_, peer| drop(peer.open()));
    let options = Options::default().limits(client::Limits::default().open_ms(2000));
    let addresses = vec![silent, server.address()];
    let endpoint = Endpoint::at("ws://two.example/", options, addresses).unwrap();
    let began = std::time::Instant::now();
    drop(Client::open(&endpoint).expect("the second address answers"));
    assert!(began.elapsed() < Duration::from_millis(1900));
    server.finish();
}
