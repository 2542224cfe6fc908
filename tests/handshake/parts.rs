//! A handshake whose HTTP another parser has read is judged like one that we have parsed.

use super::{Head, NO_FIELD, good_request, read};
use wirebell::handshake::UpgradeRequest;
use wirebell::http::{Fields, MAX_FIELDS, RequestHead};
use wirebell::{HeadError, Refusal};

/// The answer to the parts of a request, taken apart here: of a first line, words.
fn answer(request: &Head) -> Result<String, Refusal> {
    let line = std::str::from_utf8(&request.first_line).unwrap();
    let words: Vec<&str> = line.split(' ').collect();
    let minor = words[2].strip_prefix("HTTP/1.").unwrap().parse().unwrap();
    let pairs = request
        .lines
        .iter()
        .map(|(name, value)| (*name, &value[..]));
    let mut storage = [NO_FIELD; MAX_FIELDS];
    let fields = Fields::from_pairs(pairs, &mut storage)?;
    let opening = UpgradeRequest::read(RequestHead::new(words[0], words[1], minor, fields)?)?;
    Ok(opening.accept(opening.choose(&["chat"])).to_string())
}

#[test]
fn parts_are_judged_as_bytes_are() {
    let key = "Sec-WebSocket-Key";
    let rows = [
        good_request(),
        good_request().with("Sec-WebSocket-Protocol", "a, chat"),
        good_request().first("POST /chat HTTP/1.1"),
        good_request().first("GET /chat HTTP/1.0"),
        good_request().first("GET http://server.example.com/ HTTP/1.1"),
        good_request().first("GET chat HTTP/1.1"),
        good_request().first("GET /a#b HTTP/1.1"),
        good_request().first("GET /é HTTP/1.1"),
        good_request().first("G(T /chat HTTP/1.1"),
        good_request().without("Host"),
        good_request().with("Host", "b"),
        good_request().without("Upgrade"),
        good_request().set("Connection", "close"),
        good_request().set("Sec-WebSocket-Version", "8"),
        good_request().set("Sec-WebSocket-Version", "x"),
        good_request().without(key),
        good_request().set(key, "  dGhlIHNhbXBsZSBub25jZQ== "),
        good_request().set(key, "dGhlIHNhbXBsZSBub25jZQ"),
        good_request().with("Content-Length", "1"),
        good_request().with("Sec-WebSocket-Extensions", "a b"),
        good_request().with("Sec-WebSocket-Protocol", "a, a"),
        good_request().with("Origin", b"\xff"),
        good_request().with("X", b"a\tb\xff"),
        good_request().with("X", b"\0"),
        good_request().with("X", b"\x7f"),
        good_request().with("X Y", "a"),
        good_request().with("", "a"),
    ];
    let mut refused = 0;
    for request in rows {
        let of_bytes = read(&request.bytes(), |opening| {
            opening.accept(opening.choose(&["chat"])).to_string()
        });
        let what = String::from_utf8_lossy(&request.bytes()).into_owned();
        assert_eq!(answer(&request), of_bytes, "{what}");
        refused += usize::from(of_bytes.is_err());
    }
    assert_eq!(refused, 22);
}

/// What no parser of bytes can hand over.
#[test]
fn parts_that_no_bytes_have() {
    for value in ["a\r\nUpgrade: h2c", "a\n", "\r"] {
        let request = good_request().with("X", value);
        assert_eq!(answer(&request), Err(Refusal::MalformedHead), "{value:?}");
    }
    let bad_names = ["a\r\nb", "a:", "é"];
    for name in bad_names {
        let request = good_request().with(name, "a");
        assert_eq!(answer(&request), Err(Refusal::MalformedHead), "{name:?}");
    }
    for minor in [2, 255] {
        let head = RequestHead::new("GET", "/", minor, no_fields());
        assert_eq!(head.err(), Some(HeadError::Malformed));
    }
    for (method, target) in [
        ("", "/"),
        ("G T", "/"),
        ("GET", ""),
        ("GET", "/ HTTP/1.1\r\n"),
    ] {
        let head = RequestHead::new(method, target, 1, no_fields());
        assert_eq!(head.err(), Some(HeadError::Malformed), "{method} {target}");
    }
}

#[test]
fn fields_are_as_many_as_there_is_room_for() {
    let pair = ("a", &b"b"[..]);
    let mut storage = [NO_FIELD; 2];
    let fields = Fields::from_pairs([pair; 2], &mut storage).unwrap();
    assert_eq!(fields.all("A").count(), 2);
    let mut storage = [NO_FIELD; 2];
    let too_many = Fields::from_pairs([pair; 3], &mut storage);
    assert_eq!(too_many.err(), Some(HeadError::TooManyFields));
}

fn no_fields() -> Fields<'static> {
    Fields::from_pairs([], &mut []).unwrap()
}
