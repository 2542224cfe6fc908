//! Five exchanges without I/O: our own code at both ends, but for one frame that it would not send.

use super::pair::Pair;
use super::record::Record;
use crate::support::driver::Seen;
use crate::support::hex;
use wirebell::handshake::{
    ClientHandshake, DeflateOffer, DeflatePolicy, DeflateTerms, UpgradeRequest,
};
use wirebell::http::{Field, RequestHead, ResponseHead};
use wirebell::wire::Entropy;
use wirebell::{CloseCode, Role, Violation};

/// The bytes of the key in RFC 6455 section 1.3.
pub struct SampleNonce;

impl Entropy for SampleNonce {
    fn fill(&mut self, bytes: &mut [u8]) {
        bytes.copy_from_slice(b"the sample nonce");
    }
}

const EMPTY: Field<'_> = Field {
    name: "",
    value: b"",
};

/// Both heads of a handshake, checked by both ends; and what they agree on.
fn shake(record: &mut Record, asked: &ClientHandshake<'_>) -> Option<DeflateTerms> {
    let request = asked.to_string();
    record.sent(Role::Client, request.as_bytes());
    let mut storage = [EMPTY; 16];
    let head = RequestHead::parse(request.as_bytes(), &mut storage).expect("a head");
    let opening = UpgradeRequest::read(head).expect("a handshake");
    let accepted = opening.accept(opening.choose(&["chat"]));
    let response = accepted.negotiate(&DeflatePolicy::TAKEOVER).to_string();
    record.sent(Role::Server, response.as_bytes());
    let mut storage = [EMPTY; 16];
    let head = ResponseHead::parse(response.as_bytes(), &mut storage).expect("a head");
    let agreed = asked.verify(&head).expect("the right answer");
    agreed.deflate
}

#[test]
fn handshake() {
    let mut record = Record::new("1-handshake", "The opening handshake, and a first message.");
    let asked = ClientHandshake::new("server.example.com", "/chat", &mut SampleNonce);
    let asked = asked.and_then(|asked| asked.origin("http://example.com"));
    let asked = asked.and_then(|asked| asked.subprotocols(&["chat", "superchat"]));
    assert_eq!(shake(&mut record, &asked.expect("a good request")), None);
    let mut pair = Pair::new(&mut record, None);
    assert_eq!(pair.text(Role::Client, b"Hello", true), 11);
    assert_eq!(pair.seen(Role::Server), [Seen::Text("Hello".into())]);
    record.agree(0);
}

#[test]
fn fragments() {
    let what = "A text in three fragments, with a Ping and its Pong between them.";
    let mut record = Record::new("2-fragments", what);
    let mut pair = Pair::new(&mut record, None);
    pair.text(Role::Client, b"Three ", false);
    // The two bytes of a character may go in two frames.
    pair.text(Role::Client, b"pieces of caf\xc3", false);
    pair.ping(Role::Client, "there?");
    pair.text(Role::Client, b"\xa9!", true);
    let expected = [
        Seen::Ping(b"there?".to_vec()),
        Seen::Text("Three pieces of café!".into()),
    ];
    assert_eq!(pair.seen(Role::Server), expected);
    assert_eq!(pair.seen(Role::Client), [Seen::Pong(b"there?".to_vec())]);
    record.agree(0);
}

#[test]
fn close() {
    let mut record = Record::new("3-close", "The closing handshake.");
    let mut pair = Pair::new(&mut record, None);
    pair.text(Role::Client, b"that was all", true);
    pair.close(Role::Client, CloseCode::NORMAL, "done");
    let text = Seen::Text("that was all".into());
    let closed = |reason: &str| Seen::Close(Some(1000), reason.into());
    assert_eq!(pair.seen(Role::Server), [text, closed("done")]);
    assert_eq!(pair.seen(Role::Client).len(), 1);
    record.agree(0);
}

#[test]
fn violations() {
    let what = "Two clients that break a rule, and the server's answers.";
    let mut record = Record::new("4-violations", what);
    record.connection("a frame without mask");
    let mut pair = Pair::new(&mut record, None);
    // No client of ours would send this.
    pair.carry(Role::Client, &hex("81 05 48656c6c6f"));
    let unmasked = Seen::Failed(Violation::UnmaskedFrame);
    assert_eq!(pair.seen(Role::Server), [unmasked]);
    let answer = pair.seen(Role::Client);
    assert!(
        matches!(answer[..], [Seen::Close(Some(1002), _)]),
        "{answer:?}"
    );

    record.connection("a text that is not UTF-8");
    let mut pair = Pair::new(&mut record, None);
    pair.text(Role::Client, b"caf\xe9!", true);
    let bad_text = Seen::Failed(Violation::InvalidUtf8);
    assert_eq!(pair.seen(Role::Server), [bad_text]);
    let answer = pair.seen(Role::Client);
    assert!(
        matches!(answer[..], [Seen::Close(Some(1007), _)]),
        "{answer:?}"
    );
    record.agree(1);
}

#[test]
fn compression() {
    let what = "permessage-deflate: two alike messages; the second one refers to the first.";
    let mut record = Record::new("5-compression", what);
    let asked = ClientHandshake::new("server.example.com", "/prices", &mut SampleNonce);
    let offers = [DeflateOffer::default()];
    let asked = asked.and_then(|asked| asked.deflate(&offers));
    let terms = shake(&mut record, &asked.expect("a good request"));
    let mut pair = Pair::new(&mut record, terms.as_ref());
    let messages = [
        r#"{"symbol":"WIRE","currency":"EUR","bid":{"price":41.10},"ask":{"price":41.20}}"#,
        r#"{"symbol":"WIRE","currency":"EUR","bid":{"price":41.15},"ask":{"price":41.20}}"#,
    ];
    let lengths = messages.map(|message| pair.text(Role::Server, message.as_bytes(), true));
    let seen = pair.seen(Role::Client);
    assert_eq!(seen, messages.map(|message| Seen::Text(message.into())));
    // What the README of the tour says of them, without their headers.
    let said = format!(
        "takes {} bytes instead of {} |",
        lengths[1] - 2,
        lengths[0] - 2
    );
    let readme = include_str!("../../src/tour/README.md");
    assert!(readme.contains(&said), "{said}");
    record.agree(0);
}
