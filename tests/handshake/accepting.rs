//! What a server answers to a good request: exactly what was asked for, and nothing more.

use super::{Head, NO_FIELD, good_request, read};
use crate::support::Rng;
use wirebell::Misuse;
use wirebell::handshake::{ClientHandshake, Subprotocol, accept_key};
use wirebell::http::{MAX_FIELDS, ResponseHead, is_token};

const PROTOCOL: &str = "Sec-WebSocket-Protocol";

/// A response, read by a parser of its own: status line, then name and value of each field.
fn parse_response(text: &str) -> (u16, Vec<(&str, &str)>) {
    let head = text
        .strip_suffix("\r\n\r\n")
        .expect("one empty line at the end");
    let mut lines = head.split("\r\n");
    let status_line = lines.next().expect("a status line");
    let rest = status_line.strip_prefix("HTTP/1.1 ").expect("HTTP/1.1");
    let (status, reason) = rest.split_once(' ').expect("a reason");
    assert!(status.len() == 3 && !reason.is_empty());
    let fields = lines.map(|line| {
        assert!(
            !line.contains(['\r', '\n', '\0']) && line.is_ascii(),
            "{line:?}"
        );
        let (name, value) = line.split_once(": ").expect("a field");
        assert!(
            is_token(name) && !value.is_empty() && value.trim() == value,
            "{line:?}"
        );
        (name, value)
    });
    (status.parse().expect("three digits"), fields.collect())
}

/// The response to `request` of a server that has these subprotocols.
fn response(request: &Head, supported: &[&str]) -> String {
    let answer = read(&request.bytes(), |opening| {
        opening.accept(opening.choose(supported)).to_string()
    });
    answer.expect("a good request")
}

#[test]
// req: 6455-4.2.2-01 6455-4.2.2-10 6455-4.2.2-11 6455-4.2.2-12 6455-9-03 6455-11.3.3-01
// req: 6455-11.3.4-02 6455-9.1-04 6455-11.3.2-02
fn nothing_is_answered_that_was_not_asked_for() {
    let plain = [
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
    ];
    let supported = ["chat", "wirebell.v1"];
    for request in [
        good_request(),
        good_request().with(PROTOCOL, "other"),
        good_request().with("Sec-WebSocket-Extensions", "permessage-deflate, foo; bar=1"),
        good_request()
            .with("Origin", "http://example.com")
            .with("Cookie", "a=b"),
    ] {
        assert_eq!(
            parse_response(&response(&request, &supported)),
            (101, plain.to_vec())
        );
    }
    let request = good_request().with(PROTOCOL, "other, chat");
    let answer = response(&request, &supported);
    let (status, fields) = parse_response(&answer);
    assert_eq!(status, 101);
    assert_eq!(fields[..3], plain);
    assert_eq!(fields[3..], [(PROTOCOL, "chat")]);
}

#[test]
// req: 6455-4.2.2-08 6455-4.2.2-09 6455-11.3.4-02
fn the_subprotocol_is_one_of_both_lists() {
    let chosen = |offered: &[&str], supported: &[&str]| {
        let request = offered
            .iter()
            .fold(good_request(), |head, line| head.with(PROTOCOL, line));
        let answer = read(&request.bytes(), |opening| {
            opening
                .choose(supported)
                .map(|chosen| chosen.name().to_owned())
        });
        answer.expect("a good request")
    };
    let none: Option<String> = None;
    let some = |name: &str| Some(name.to_owned());
    assert_eq!(chosen(&["a, b"], &["b", "c"]), some("b"));
    assert_eq!(
        chosen(&["a, b"], &["b", "a"]),
        some("b"),
        "the server prefers"
    );
    assert_eq!(
        chosen(&["a", "b"], &["b"]),
        some("b"),
        "two lines are one list"
    );
    assert_eq!(chosen(&["a , ,\tb"], &["b"]), some("b"));
    assert_eq!(chosen(&["a"], &["c"]), none);
    assert_eq!(chosen(&[], &["c"]), none);
    assert_eq!(chosen(&["a"], &[]), none);
    // Names match by exact case (RFC 7936) and as a whole.
    assert_eq!(chosen(&["Chat"], &["chat"]), none);
    assert_eq!(chosen(&["chat, Chat"], &["Chat"]), some("Chat"));
    assert_eq!(chosen(&["superchat"], &["chat", "super"]), none);
}

/// The absence of the field is the only way to agree to none: an empty value is not legal.
#[test]
// req: 6455-4.2.2-09
fn no_subprotocol_no_field() {
    for supported in [&[][..], &["c"]] {
        let answer = response(&good_request().with(PROTOCOL, "a"), supported);
        assert!(!answer.contains(PROTOCOL), "{answer}");
    }
}

#[test]
fn subprotocols_are_shown_in_the_order_of_the_client() {
    let request = good_request().with(PROTOCOL, "c, a").with(PROTOCOL, "b");
    let names = read(&request.bytes(), |opening| {
        let names = opening.subprotocols().map(Subprotocol::name);
        names.map(str::to_owned).collect::<Vec<_>>()
    });
    assert_eq!(names, Ok(vec!["c".into(), "a".into(), "b".into()]));
}

/// The application may ask for the origin, and is not given one that was not sent.
#[test]
// req: 6455-4.2.1-01
fn host_and_origin_are_shown_as_sent() {
    let request = good_request().with("Origin", "HTTP://Example.com");
    let seen = read(&request.bytes(), |opening| {
        opening.origin.map(str::to_owned)
    });
    assert_eq!(seen, Ok(Some("HTTP://Example.com".into())));
    let seen = read(&good_request().bytes(), |opening| {
        opening.origin.map(str::to_owned)
    });
    assert_eq!(seen, Ok(None));
    let request = good_request().set("Host", "  Server.example.com:80 ");
    let seen = read(&request.bytes(), |opening| opening.host.to_owned());
    assert_eq!(seen, Ok("Server.example.com:80".into()));
}

/// Keys and their answers, computed elsewhere.
#[test]
// req: 6455-4.2.2-12
fn accept_keys() {
    for (key, answer) in [
        ("dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
        ("AAAAAAAAAAAAAAAAAAAAAA==", "ICX+Yqv66kxgM0FcWaLWlFLwTAI="),
        ("/////////////////////w==", "XXpj4jYzLM2yUE0C7TIgMwTQh2g="),
        ("AQIDBAUGBwgJCgsMDQ4PEA==", "C/0nmHhBztSRGR1CwL6Tf4ZjwpY="),
        // The key is hashed as it was sent, with its pad bits.
        ("AQIDBAUGBwgJCgsMDQ4PEC==", "OfS0wDaT5NoxF2gqm7Zj2YtetzM="),
    ] {
        assert_eq!(accept_key(key).as_str(), answer);
        let answered = response(&good_request().set("Sec-WebSocket-Key", key), &[]);
        assert!(answered.contains(&format!("\r\nSec-WebSocket-Accept: {answer}\r\n")));
    }
}

const COOKIES: [(&str, &str); 3] = [
    ("Set-Cookie", "a=b; Secure; HttpOnly"),
    ("Set-Cookie", "c=\"d\""),
    ("X-Empty", ""),
];

#[test]
fn fields_of_the_application_come_last() {
    let request = good_request().with(PROTOCOL, "chat");
    let answer = |fields: &[(&str, &str)]| {
        read(&request.bytes(), |opening| {
            let accepted = opening.accept(opening.choose(&["chat"])).fields(fields);
            accepted.map(|accepted| accepted.to_string())
        })
        .expect("a good request")
    };
    let without = answer(&[]).unwrap();
    let added = COOKIES.map(|(name, value)| format!("{name}: {value}\r\n"));
    let expected = without[..without.len() - 2].to_owned() + &added.concat() + "\r\n";
    assert_eq!(answer(&COOKIES), Ok(expected));
}

#[test]
fn fields_of_the_application_add_lines_and_nothing_else() {
    let bytes = good_request().bytes();
    let refused = |name: &str, value: &str| {
        let fields = [("X-Good", "x"), (name, value)];
        let answer = read(&bytes, |opening| {
            opening.accept(None).fields(&fields).map(drop)
        });
        answer.expect("a good request")
    };
    let own = [
        "Upgrade",
        "connection",
        "SEC-WEBSOCKET-ACCEPT",
        PROTOCOL,
        "sec-websocket-extensions",
        "Sec-WebSocket-Version",
        "Sec-WebSocket-Key",
        "Content-Length",
        "transfer-encoding",
    ];
    for name in own.into_iter().chain(["", "a b", "a:", "a\r\n", "é"]) {
        assert_eq!(refused(name, "x"), Err(Misuse::InvalidField), "{name:?}");
    }
    for value in ["a\r\nY: z", "a\rb", "\n", "\0", "é", "\x1b[0m", "\x7f"] {
        assert_eq!(refused("X", value), Err(Misuse::InvalidField), "{value:?}");
    }
    assert_eq!(refused("X", "a\tb c"), Ok(()));
}

/// A client looks at the fields of the handshake alone.
#[test]
fn fields_of_the_application_change_no_agreement() {
    let client = ClientHandshake::new("a", "/", &mut Rng::new(1)).unwrap();
    let response = read(client.to_string().as_bytes(), |opening| {
        opening.accept(None).fields(&COOKIES).unwrap().to_string()
    });
    let response = response.unwrap();
    let mut storage = [NO_FIELD; MAX_FIELDS];
    let head = ResponseHead::parse(response.as_bytes(), &mut storage).unwrap();
    assert_eq!(head.fields.all("set-cookie").count(), 2);
    let agreed = client.verify(&head).unwrap();
    assert_eq!((agreed.subprotocol, agreed.deflate), (None, None));
}
